#include "control/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>
#include <variant>

#include "control/settings_table.hpp"

namespace esshub::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> keys(const Settings& settings) {
  std::vector<std::string> result;
  for (const auto& error : validate(settings)) result.push_back(error.key);
  return result;
}

TEST(Settings, TheDefaultsAreValid) {
  EXPECT_THAT(keys(Settings{}), ElementsAre());
}

// ---- each setting by itself
// --------------------------------------------------------------------------

/// As deploy/esshub.example.toml documents it.
struct Documented {
  const char* key;
  const char* unit;
  std::optional<double> initial;  ///< nothing: no default
  double least;
  double most;
};
constexpr Documented documented[] = {
    {"grid.setpoint_w", "W", 0, -5000, 5000},
    {"grid.import_cap_w", "W", {}, 0, 25000},
    {"grid.export_cap_w", "W", {}, 0, 25000},
    {"grid.main_fuse_a", "A", 100, 10, 400},
    {"battery.charge_limit_w", "W", 2400, 0, 10000},
    {"battery.discharge_limit_w", "W", 2400, 0, 10000},
    {"battery.soc_floor", "%", 10, 0, 95},
    {"battery.soc_ceiling", "%", 100, 20, 100},
    {"battery.reserve", "%", 20, 0, 100},
    {"battery.reserve_recharge_w", "W", 500, 100, 10000},
    {"battery.soc_hysteresis", "%", 2, 0, 20},
    {"battery.charge_voltage_cap_v", "V", 52.4, 48, 57.6},
    {"battery.force_charge_w", "W", 500, 100, 3000},
    {"battery.cutoff_soc", "%", 5, 0, 50},
    {"battery.cutoff_voltage_v", "V", 46, 44, 53.3},
    {"battery.charge_temperature_min_c", "degC", 0, -20, 20},
    {"battery.charge_temperature_max_c", "degC", 50, 30, 60},
    {"battery.discharge_temperature_min_c", "degC", -10, -30, 20},
    {"battery.discharge_temperature_max_c", "degC", 50, 30, 60},
    {"battery.full_charge_days", "days", 0, 0, 90},
    {"policy.smart_wear", "", 0, 0, 10},
    {"inverter.rating_w", "W", 2400, 100, 15000},
    {"inverter.charger_current_a", "A", 35, 1, 200},
    {"inverter.transfer_switch_a", "A", 32, 10, 200},
    {"inverter.conversion_efficiency", "%", 94, 50, 100},
    {"control.period", "ms", 20, 10, 1000},
    {"control.slew_w_per_s", "W/s", 5000, 50, 20000},
    {"control.meter_max_age", "ms", 3000, 500, 3000},
    {"control.bms_max_age", "ms", 3000, 1500, 3000},
    {"control.inverter_max_age", "ms", 3000, 1500, 3000},
    {"control.setpoint_life", "ms", 1000, 200, 5000},
    {"control.loop.meter_time_constant", "ms", 217, 0, 5000},
    {"control.loop.meter_delay", "ms", 85, 0, 1000},
    {"control.loop.inverter_time_constant", "ms", 100, 0, 5000},
    {"control.loop.inverter_delay", "ms", 120, 0, 1000},
    {"control.loop.ack_delay", "ms", 60, 0, 1000},
    {"control.loop.inverter_ramp_w_per_s", "W/s", 1000, 50, 20000},
};

/// A setting's field in the unit of the file.
struct Field {
  Settings& settings;
  std::optional<double> assigned{};

  double operator()(Soc Settings::*field) {
    if (assigned) settings.*field = Soc::from_percent(*assigned).value_or(settings.*field);
    return (settings.*field).percent();
  }
  double operator()(double Settings::*field) {
    if (assigned) settings.*field = *assigned;
    return settings.*field;
  }
  double operator()(RatioField<Settings> field) {
    if (assigned) settings.*field.ratio = *assigned / 100.0;
    return settings.*field.ratio * 100.0;
  }
  double operator()(Duration Settings::*field) {
    using Milliseconds = std::chrono::duration<double, std::milli>;
    if (assigned) settings.*field = as_duration(Milliseconds{*assigned});
    return Milliseconds{settings.*field}.count();
  }
  double operator()(std::optional<Watts> Settings::*field) {
    if (assigned) settings.*field = Watts{*assigned};
    return (settings.*field).value_or(Watts{NAN}).value();
  }
  template <class Tag>
  double operator()(Quantity<Tag> Settings::*field) {
    if (assigned) settings.*field = Quantity<Tag>{*assigned};
    return (settings.*field).value();
  }
  template <class Other>
  double operator()(const Other&) {
    return NAN;  // mode, battery_serves, reserve_recharge, witness: no number
  }
};

/// The complaint about one setting's range with that value.
std::string complaint(const SettingRow<Settings>& row, double value) {
  Settings settings;
  std::visit(Field{settings, value}, row.field);
  for (const auto& error : validate(settings))
    if (error.key == row.name() && error.other.empty()) return error.text;
  return {};
}

TEST(Settings, EachHasItsDocumentedDefaultUnitAndRange) {
  for (const auto& [key, unit, initial, least, most] : documented) {
    SCOPED_TRACE(key);
    const auto rows = settings_table();
    const auto row = std::ranges::find(rows, key, [](const auto& r) { return r.name(); });
    ASSERT_NE(row, rows.end());
    EXPECT_EQ(row->unit, unit);
    Settings defaults;
    const double value = std::visit(Field{defaults}, row->field);
    if (initial) {
      EXPECT_DOUBLE_EQ(value, *initial);
    } else {
      EXPECT_TRUE(std::isnan(value));
    }
    EXPECT_EQ(complaint(*row, least), "");
    EXPECT_EQ(complaint(*row, most), "");
    const bool percent_of_charge = std::holds_alternative<Soc Settings::*>(row->field);
    // A state of charge beyond 0 to 100 % cannot be.
    EXPECT_EQ(complaint(*row, least - 0.25).empty(), percent_of_charge && least == 0);
    EXPECT_EQ(complaint(*row, most + 0.25).empty(), percent_of_charge && most == 100);
  }
}

TEST(Settings, EachButWitnessIsAppliedWithTheNextTickAndSaysWhatItIs) {
  const auto check = [](const auto& rows) {
    for (const auto& row : rows) {
      EXPECT_EQ(row.reload == Reload::at_once, row.name() != "grid.witness") << row.name();
      EXPECT_FALSE(row.sentence.empty()) << row.name();
    }
  };
  check(settings_table());
  check(tariff_table());
  EXPECT_EQ(settings_table().size(), std::size(documented) + 6)
      << "besides mode, battery_serves, smart_sells, smart_sells_bought, reserve_recharge, witness";
}

TEST(Settings, OnesWithoutANumberHaveTheirDefaults) {
  const Settings settings;
  EXPECT_EQ(settings.mode, Mode::scheduled);
  EXPECT_FALSE(settings.witness);
  EXPECT_TRUE(settings.solar_metered);
  for (const CircuitRole role : {CircuitRole::other, CircuitRole::ev, CircuitRole::heatpump})
    EXPECT_TRUE(settings.battery_serves[role]);
  EXPECT_EQ(settings.reserve_recharge, ReserveRecharge::cheap);
  EXPECT_TRUE(settings.tariff.no_discharge_while_cheap);
}

/// A value written through one row is read back through that row alone.
TEST(Settings, NoFieldHasTwoKeys) {
  for (const auto& written : settings_table()) {
    Settings settings;
    std::visit(Field{settings, 77.0}, written.field);
    for (const auto& other : settings_table()) {
      Settings defaults;
      const double before = std::visit(Field{defaults}, other.field);
      const double after = std::visit(Field{settings}, other.field);
      const bool changed = !(before == after || (std::isnan(before) && std::isnan(after)));
      EXPECT_EQ(changed, &other == &written && !std::isnan(after))
          << written.name() << " and " << other.name();
    }
  }
}

/// Writes a value into a field of the tariff.
struct TariffField {
  Tariff& tariff;
  void operator()(std::string Tariff::*field) const { tariff.*field = "XYZ"; }
  void operator()(PriceField<Tariff> field) const { tariff.*field.price = 0.5; }
  void operator()(bool Tariff::*field) const { tariff.*field = false; }
  void operator()(double Tariff::*field) const { tariff.*field = 7.0; }
  void operator()(std::optional<Soc> Tariff::*field) const { tariff.*field = 50.0_soc; }
  void operator()(std::optional<Watts> Tariff::*field) const { tariff.*field = 50.0_W; }
  template <class Other>
  void operator()(const Other&) const {
    FAIL() << "a kind of field that the tariff has not";
  }
};

TEST(Settings, EachOfTheTariffIsItsOwnFieldInItsDocumentedRange) {
  const auto tariff_with = [](auto member, auto value) {
    Tariff tariff;
    tariff.*member = value;
    return tariff;
  };
  const struct {
    const char* key;
    Tariff expected;
    std::optional<double> most{};
    double least = 0.0;
  } rows[] = {
      {"currency", tariff_with(&Tariff::currency, "XYZ")},
      {"import", tariff_with(&Tariff::import_price, 0.5)},
      {"export", tariff_with(&Tariff::export_price, 0.5)},
      {"cheap_below", tariff_with(&Tariff::cheap_below, 0.5)},
      {"no_discharge_while_cheap", tariff_with(&Tariff::no_discharge_while_cheap, false)},
      {"force_charge_to", tariff_with(&Tariff::force_charge_to, 50.0_soc), 100.0},
      {"force_charge_w", tariff_with(&Tariff::force_charge_power, 50.0_W), 10000.0},
      {"plausible_price", tariff_with(&Tariff::plausible_price, 7.0), 100000.0, 0.1},
  };
  EXPECT_EQ(tariff_table().size(), std::size(rows));
  for (const auto& [key, expected, most, least] : rows) {
    const auto table = tariff_table();
    const auto row = std::ranges::find(table, key, [](const auto& r) { return r.key; });
    ASSERT_NE(row, table.end()) << key;
    Tariff tariff;
    std::visit(TariffField{tariff}, row->field);
    EXPECT_EQ(tariff, expected) << key;
    if (!most) continue;
    EXPECT_EQ(row->range.least, least) << key;
    EXPECT_EQ(row->range.most, *most) << key;
  }
}

TEST(Settings, WhatIsNoNumberIsOutOfRange) {
  Settings settings;
  settings.charge_limit = Watts{NAN};
  EXPECT_THAT(keys(settings), ElementsAre("battery.charge_limit_w"));
}

// ---- settings that contradict each other
// ---------------------------------------------------------------

struct Pair {
  const char* key;
  const char* other;
  void (*fine)(Settings&);   ///< just allowed
  void (*spoil)(Settings&);  ///< just not
  const char* text;
};
std::ostream& operator<<(std::ostream& out, const Pair& row) {
  return out << row.key << " and " << row.other;
}

class Contradiction : public testing::TestWithParam<Pair> {};

TEST_P(Contradiction, IsNamedWithBothSettingsFromTheFirstValueOn) {
  const Pair& row = GetParam();
  Settings fine;
  row.fine(fine);
  EXPECT_THAT(keys(fine), ElementsAre());
  Settings settings;
  row.spoil(settings);
  const auto errors = validate(settings);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].key, row.key);
  EXPECT_EQ(errors[0].other, row.other);
  EXPECT_EQ(errors[0].text, row.text);
}

INSTANTIATE_TEST_SUITE_P(
    Settings, Contradiction,
    testing::Values(
        Pair{"battery.soc_floor", "battery.soc_ceiling",
             [](Settings& s) {
               s.soc_floor = 79.0_soc;
               s.soc_ceiling = 80.0_soc;
               s.soc_hysteresis = 0.5;
             },
             [](Settings& s) {
               s.soc_floor = 80.0_soc;
               s.soc_ceiling = 80.0_soc;
             },
             "the SOC floor is 80 %, expected below the SOC ceiling (80 %)"},
        Pair{"battery.reserve", "battery.soc_ceiling",
             [](Settings& s) {
               s.reserve = 99.0_soc;
               s.soc_hysteresis = 0.5;
             },
             [](Settings& s) { s.reserve = 100.0_soc; },
             "the reserve is 100 %, expected below the SOC ceiling (100 %)"},
        Pair{"battery.soc_hysteresis", "battery.reserve",
             [](Settings& s) {
               s.reserve = 90.0_soc;
               s.soc_hysteresis = 9.5;
             },
             [](Settings& s) {
               s.reserve = 90.0_soc;
               s.soc_hysteresis = 10.0;
             },
             "discharging would resume at 100 % (battery.reserve plus hysteresis), expected below "
             "the SOC ceiling (100 %)"},
        Pair{"battery.soc_hysteresis", "battery.soc_floor",
             [](Settings& s) {
               s.soc_floor = s.reserve = 90.0_soc;
               s.soc_hysteresis = 9.5;
             },
             [](Settings& s) {
               s.soc_floor = s.reserve = 90.0_soc;
               s.soc_hysteresis = 10.0;
             },
             "discharging would resume at 100 % (floor plus hysteresis), expected below the SOC "
             "ceiling (100 %)"},
        Pair{"battery.cutoff_soc", "battery.reserve", [](Settings& s) { s.cutoff_soc = 20.0_soc; },
             [](Settings& s) { s.cutoff_soc = 21.0_soc; },
             "the cut-off is 21 %, expected at or below the SOC floor or the reserve (20 %)"},
        Pair{"battery.cutoff_soc", "battery.soc_floor",
             [](Settings& s) {
               s.soc_floor = 30.0_soc;
               s.cutoff_soc = 30.0_soc;
             },
             [](Settings& s) {
               s.soc_floor = 30.0_soc;
               s.cutoff_soc = 31.0_soc;
             },
             "the cut-off is 31 %, expected at or below the SOC floor or the reserve (30 %)"},
        Pair{"battery.cutoff_voltage_v", "battery.charge_voltage_cap_v",
             [](Settings& s) {
               s.cutoff_voltage = 48.9_V;
               s.charge_voltage_cap = 49.0_V;
             },
             [](Settings& s) {
               s.cutoff_voltage = 49.0_V;
               s.charge_voltage_cap = 49.0_V;
             },
             "the cut-off is 49 V, expected below the charge voltage cap (49 V)"},
        Pair{"grid.import_cap_w", "grid.setpoint_w",
             [](Settings& s) { s.import_cap = s.grid_setpoint = 200.0_W; },
             [](Settings& s) {
               s.import_cap = 199.0_W;
               s.grid_setpoint = 200.0_W;
             },
             "the import cap is 199 W, expected at or above the grid setpoint (200 W)"},
        Pair{"grid.export_cap_w", "grid.setpoint_w",
             [](Settings& s) {
               s.export_cap = 200.0_W;
               s.grid_setpoint = Watts{-200};
             },
             [](Settings& s) {
               s.export_cap = 199.0_W;
               s.grid_setpoint = Watts{-200};
             },
             "the export cap is 199 W, expected at or above the export the grid setpoint asks for "
             "(200 W)"},
        Pair{"grid.witness", "grid.export_cap_w",
             [](Settings& s) {
               s.witness = true;
               s.export_cap = 0.0_W;
             },
             [](Settings& s) { s.witness = true; },
             "there is no cap on export, expected grid.export_cap_w beside it"},
        Pair{"control.slew_w_per_s", "grid.witness",
             [](Settings& s) {
               s.witness = true;
               s.export_cap = 0.0_W;
               s.slew = WattsPerSecond{1000};
             },
             [](Settings& s) {
               s.witness = true;
               s.export_cap = 0.0_W;
               s.slew = WattsPerSecond{999};
             },
             "expected control.slew_w_per_s to be no slower than the inverter's ramp (1000 W/s)"},
        // 1.5 s and two readings of 330 ms until it is known that the meter has frozen, 20 ms, 0.2
        // s, 0.1 s: 2.52 s are left.
        Pair{"battery.discharge_limit_w", "grid.witness",
             [](Settings& s) {
               s.witness = true;
               s.export_cap = 0.0_W;
               s.inverter_ramp = WattsPerSecond{400};
               s.discharge_limit = 1008.0_W;
             },
             [](Settings& s) {
               s.witness = true;
               s.export_cap = 0.0_W;
               s.inverter_ramp = WattsPerSecond{400};
               s.discharge_limit = 1009.0_W;
             },
             "the battery would not rest within 5 s of a lost grid meter: at the inverter's ramp "
             "(400 W/s) expected battery.discharge_limit_w of 1008 W at most"},
        Pair{"battery.full_charge_days", "battery.soc_ceiling",
             [](Settings& s) {
               s.full_charge_days = 30;
               s.soc_ceiling = 100.0_soc;
             },
             [](Settings& s) {
               s.full_charge_days = 0.5;
               s.soc_ceiling = 99.5_soc;
             },
             "a full charge cannot pass the SOC ceiling (99.5 %), expected 0 days or a ceiling of "
             "100 %"},
        Pair{"control.setpoint_life", "control.period",
             [](Settings& s) {
               s.setpoint_life = 1000ms;
               s.period = 500ms;
             },
             [](Settings& s) {
               s.setpoint_life = 999ms;
               s.period = 500ms;
             },
             "a setpoint would expire before the next tick renews it, expected a "
             "control.setpoint_life of at least twice the control.period"}));

TEST(Settings, WhatTheInverterCannotDischargeNeedsNoTimeBack) {
  Settings settings;
  settings.witness = true;
  settings.export_cap = 0.0_W;
  settings.discharge_limit = 4000.0_W;
  EXPECT_THAT(keys(settings), ElementsAre()) << "its rating is 2400 W";
  settings.inverter_rating = 2521.0_W;
  EXPECT_THAT(keys(settings), ElementsAre("battery.discharge_limit_w"));
}

TEST(Settings, WitnessShortensTheGridMetersAge) {
  Settings settings;
  EXPECT_EQ(settings.grid_max_age(), 3s);
  settings.witness = true;
  EXPECT_EQ(settings.grid_max_age(), 1s);
  settings.meter_max_age = 500ms;
  EXPECT_EQ(settings.grid_max_age(), 500ms);
}

TEST(Settings, BothVoltagesAreTold) {
  Settings settings;
  settings.cutoff_voltage = 49.5_V;
  settings.charge_voltage_cap = 49.0_V;
  ASSERT_EQ(validate(settings).size(), 1u);
  EXPECT_EQ(validate(settings)[0].text,
            "the cut-off is 49.5 V, expected below the charge voltage cap (49 V)");
}

TEST(Settings, ACapAgainstTheDirectionOfTheSetpointIsFine) {
  Settings settings;
  settings.import_cap = 0.0_W;
  settings.grid_setpoint = Watts{-300};
  settings.export_cap = 300.0_W;
  EXPECT_THAT(keys(settings), ElementsAre());
}

TEST(Settings, ACeilingBelow100IsFineWithoutATimerForAFullCharge) {
  Settings settings;
  settings.soc_ceiling = 90.0_soc;
  EXPECT_THAT(keys(settings), ElementsAre());
}

TEST(Settings, EveryErrorIsReportedAtOnce) {
  Settings settings;
  settings.period = 2s;
  settings.slew = WattsPerSecond{1e6};
  settings.soc_floor = 60.0_soc;
  settings.soc_ceiling = 50.0_soc;
  EXPECT_THAT(keys(settings),
              ElementsAre("control.period", "control.slew_w_per_s", "battery.soc_floor"));
}

TEST(Settings, AValueOutOfRangeIsBlamedOnce) {
  Settings settings;
  settings.soc_floor = 98.0_soc;  // with its hysteresis it would also reach the ceiling
  EXPECT_THAT(keys(settings), ElementsAre("battery.soc_floor"));
}

TEST(Settings, NeitherOfTwoIsBlamedForWhatTheOtherIsBlamedFor) {
  Settings high;
  high.cutoff_voltage = 60.0_V;  // above the cap as well
  EXPECT_THAT(keys(high), ElementsAre("battery.cutoff_voltage_v"));
  Settings low;
  low.charge_voltage_cap = 40.0_V;  // below the cut-off as well
  EXPECT_THAT(keys(low), ElementsAre("battery.charge_voltage_cap_v"));
}

TEST(Settings, AContradictionHidesNoOther) {
  Settings settings;
  settings.soc_floor = 60.0_soc;
  settings.soc_ceiling = 30.0_soc;
  settings.reserve = 40.0_soc;
  settings.cutoff_soc = 50.0_soc;
  settings.import_cap = 0.0_W;
  settings.grid_setpoint = 100.0_W;
  EXPECT_THAT(keys(settings),
              ElementsAre("battery.soc_floor", "battery.reserve", "grid.import_cap_w"));
  settings.soc_floor = 45.0_soc;
  EXPECT_THAT(keys(settings), ElementsAre("battery.soc_floor", "battery.reserve",
                                          "battery.cutoff_soc", "grid.import_cap_w"));
}

TEST(Settings, AnErrorSaysWhatWasFoundAndExpectedInTheSettingsUnit) {
  Settings settings;
  settings.conversion_efficiency = 0.3;
  const auto errors = validate(settings);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].text, "is 30 %, expected 50 to 100 %");
}

// ---- instructions
// ------------------------------------------------------------------------------------

struct Asked {
  InstructionKind kind;
  double power;
  double from;  ///< %: target, or the lower end of the range
  double to;    ///< %: the upper end
  bool allowed;
  bool dispatch;  ///< allowed from outside
};

/// What is bounded by the number of cells, and its ends in V: 3.2 to 3.6 V a cell to charge, 2.93
/// to 3.33 V to cut off.
struct OfCells {
  unsigned cells;
  Volts Settings::*field;
  const char* key;
  double least;
  double most;
};

TEST(Settings, VoltagesBelongToABatteryOfItsCells) {
  constexpr OfCells rows[] = {
      {15, &Settings::charge_voltage_cap, "battery.charge_voltage_cap_v", 48.0, 54.0},
      {15, &Settings::cutoff_voltage, "battery.cutoff_voltage_v", 44.0, 50.0},
      {16, &Settings::charge_voltage_cap, "battery.charge_voltage_cap_v", 51.2, 57.6},
      {16, &Settings::cutoff_voltage, "battery.cutoff_voltage_v", 47.0, 53.3},
  };
  for (const auto& row : rows) {
    const auto complaints = [&row](double volts) {
      Settings s;
      s.cells = row.cells;
      s.charge_voltage_cap = row.cells == 15 ? 53.9_V : 57.5_V;
      s.cutoff_voltage = row.cells == 15 ? 44.1_V : 47.1_V;
      s.*row.field = Volts{volts};
      std::string all;
      for (const auto& error : validate(s)) {
        if (error.key == row.key) all += error.text;
      }
      return all;
    };
    EXPECT_EQ(complaints(row.least), "") << row.key;
    EXPECT_EQ(complaints(row.most), "") << row.key;
    const std::string cells = "of a battery of " + std::to_string(row.cells) + " cells";
    EXPECT_NE(complaints(row.least - 0.1), "") << row.key;
    EXPECT_NE(complaints(row.most + 0.1), "") << row.key;
    // Where a battery of the other cells may have it:
    const double not_of_these = row.cells == 15 ? row.most + 0.1 : row.least - 0.1;
    EXPECT_THAT(complaints(not_of_these), HasSubstr(cells)) << row.key;
  }
}

TEST(Settings, WhatSmartModeMaySellIsNothingUnlessTold) {
  for (const std::string key : {"smart_sells", "smart_sells_bought"}) {
    Settings s;
    EXPECT_FALSE(s.smart_sells) << key;
    EXPECT_FALSE(s.smart_sells_bought) << key;
    for (const auto& row : settings_table()) {
      if (row.key != key) continue;
      if (const auto* field = std::get_if<bool Settings::*>(&row.field)) s.*(*field) = true;
    }
    EXPECT_EQ(s.smart_sells, key == "smart_sells");
    EXPECT_EQ(s.smart_sells_bought, key == "smart_sells_bought");
    EXPECT_FALSE(s.witness) << key;
  }
}

TEST(Settings, OnlyWhatItsMetersAreKnownToBearIsInForceAtOnce) {
  Settings in_force;
  in_force.solar_metered = true;
  in_force.circuit_roles[0] = CircuitRole::ev;
  in_force.cells = 16;
  in_force.charge_voltage_cap = 55.9_V;
  in_force.cutoff_voltage = 49.1_V;
  Settings wanted;
  wanted.reserve = 33.0_soc;
  for (const auto& [was, asked] : {std::pair{false, false}, std::pair{false, true},
                                   std::pair{true, false}, std::pair{true, true}}) {
    in_force.witness = was;
    wanted.witness = asked;
    const Settings s = at_once(in_force, wanted);
    EXPECT_EQ(s.witness, was) << asked;
    EXPECT_EQ(s.reserve, 33.0_soc);
    EXPECT_TRUE(s.solar_metered);
    EXPECT_EQ(s.circuit_roles, in_force.circuit_roles);
    EXPECT_EQ(s.cells, 16U);
    EXPECT_EQ(s.charge_voltage_cap, 55.9_V) << "what was judged for 15 cells is none of 16";
    EXPECT_EQ(s.cutoff_voltage, 49.1_V);
  }
}

/// Limits 1000 W in, 800 W out; floor 10 %, ceiling 90 %.
TEST(Instructions, PowersTargetsAndRangesUpToTheirLimits) {
  Settings s;
  s.charge_limit = 1000.0_W;
  s.discharge_limit = 800.0_W;
  s.soc_ceiling = 90.0_soc;
  using enum InstructionKind;
  constexpr Asked rows[] = {
      {charge, 1000, 90, 0, true, true},       {charge, 1000.1, 90, 0, false, true},
      {charge, 0.1, 90, 0, true, true},        {charge, 0, 90, 0, false, false},
      {charge, NAN, 90, 0, false, false},      {charge, INFINITY, 90, 0, false, false},
      {charge, -1, 90, 0, false, false},       {charge, 500, 90.1, 0, false, false},
      {charge, 500, 10, 0, true, true},        {charge, 500, 9.9, 0, false, false},
      {discharge, 800, 10, 0, true, true},     {discharge, 800.1, 10, 0, false, true},
      {discharge, 0, 10, 0, false, false},     {discharge, INFINITY, 10, 0, false, false},
      {discharge, 500, 9.9, 0, false, false},  {discharge, 500, 90, 0, true, true},
      {discharge, 500, 90.1, 0, false, false}, {balance, 0, 49.9, 50, true, true},
      {balance, 0, 50, 50, false, false},      {balance, 0, 0, 100, true, true},
      {idle, 0, 49.9, 50, true, true},         {idle, 0, 50, 50, false, false},
      {idle, 0, 51, 50, false, false},
  };
  for (const auto& row : rows) {
    const Soc from = *Soc::from_percent(row.from);
    const Instruction asked{.kind = row.kind,
                            .power = Watts{row.power},
                            .target = from,
                            .low = from,
                            .high = *Soc::from_percent(row.to)};
    EXPECT_EQ(!validate(asked, s), row.allowed) << name(row.kind) << " " << row.power << " W";
    EXPECT_EQ(!validate_dispatch(asked, s), row.dispatch)
        << name(row.kind) << " " << row.power << " W from outside";
  }
}

TEST(Instructions, OneOfNoKnownKindIsRefused) {
  const Instruction unknown{.kind = static_cast<InstructionKind>(9), .power = 500.0_W};
  EXPECT_EQ(validate(unknown, {}), "unknown instruction");
  EXPECT_EQ(validate_dispatch(unknown, {}), "unknown instruction");
}

TEST(Instructions, ARefusalSaysWhatIsAllowed) {
  Settings s;
  s.discharge_limit = 800.0_W;
  s.soc_ceiling = 90.0_soc;
  using enum InstructionKind;
  EXPECT_EQ(validate({.kind = charge, .power = 2500.0_W, .target = 50.0_soc}, s),
            "the rate is 2500 W, expected above 0 up to the charge limit (2400 W)");
  EXPECT_EQ(validate({.kind = discharge, .power = 900.0_W, .target = 50.0_soc}, s),
            "the rate is 900 W, expected above 0 up to the discharge limit (800 W)");
  EXPECT_EQ(validate({.kind = charge, .power = 900.0_W, .target = 95.0_soc}, s),
            "the target is 95 %, expected between the SOC floor (10 %) and the SOC ceiling (90 %)");
  EXPECT_EQ(validate({.kind = idle, .low = 60.0_soc, .high = 40.0_soc}, s),
            "the range is 60 % to 40 %, expected low below high");
  EXPECT_EQ(validate_dispatch({.kind = charge, .power = Watts{-3}, .target = 50.0_soc}, s),
            "the rate is -3 W, expected a number above 0");
}

}  // namespace
}  // namespace esshub::control
