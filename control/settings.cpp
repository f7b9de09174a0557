#include "control/settings.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <variant>

#include "control/export_watch.hpp"
#include "control/settings_table.hpp"
#include "control/text.hpp"

namespace esshub::control {
namespace {

/// A setting's value in the unit of its range; nothing where there is none.
struct InUnit {
  const Settings& settings;
  std::optional<double> operator()(std::optional<Watts> Settings::*m) const {
    const auto& cap = settings.*m;
    return cap ? std::optional{cap->value()} : std::nullopt;
  }
  std::optional<double> operator()(Soc Settings::*m) const { return (settings.*m).percent(); }
  std::optional<double> operator()(double Settings::*m) const { return settings.*m; }
  std::optional<double> operator()(RatioField<Settings> m) const {
    return settings.*m.ratio * 100.0;
  }
  std::optional<double> operator()(Duration Settings::*m) const {
    return std::chrono::duration<double, std::milli>(settings.*m).count();
  }
  template <class Tag>
  std::optional<double> operator()(Quantity<Tag> Settings::*m) const {
    return (settings.*m).value();
  }
  template <class Other>
  std::optional<double> operator()(const Other&) const {
    return std::nullopt;  // has no range
  }
};

void check_ranges(const Settings& settings, std::vector<ValidationError>& errors) {
  for (const auto& row : settings_table()) {
    const auto value = std::visit(InUnit{settings}, row.field);
    const auto& range = row.range;
    if (!value || (*value >= range.least && *value <= range.most)) continue;  // refuses NaN too
    const std::string unit = " " + std::string{row.unit};
    errors.push_back({row.name(), "is " + number_text(*value) + unit + ", expected " +
                                      number_text(range.least) + " to " + number_text(range.most) +
                                      unit});
  }
}

/// A value out of its range is blamed once, not again by every setting it meets.
void check_together(const Settings& s, std::vector<ValidationError>& errors) {
  const std::vector<ValidationError> out_of_range = errors;
  const auto blamed = [&](const char* key) {
    return std::ranges::find(out_of_range, key, &ValidationError::key) != out_of_range.end();
  };
  const auto require = [&](bool holds, const char* key, const char* other, std::string text) {
    if (!holds && !blamed(key) && !blamed(other)) errors.push_back({key, std::move(text), other});
  };
  const bool floor_rules = s.soc_floor >= s.reserve;
  const double lowest = std::max(s.soc_floor, s.reserve).percent();
  const std::string ceiling = "the SOC ceiling (" + percent_text(s.soc_ceiling.percent()) + ")";

  require(
      s.soc_floor < s.soc_ceiling, "battery.soc_floor", "battery.soc_ceiling",
      "the SOC floor is " + percent_text(s.soc_floor.percent()) + ", expected below " + ceiling);
  require(s.reserve < s.soc_ceiling, "battery.reserve", "battery.soc_ceiling",
          "the reserve is " + percent_text(s.reserve.percent()) + ", expected below " + ceiling);
  // Where one of the two above fails, this one would only repeat it.
  require(lowest >= s.soc_ceiling.percent() || lowest + s.soc_hysteresis < s.soc_ceiling.percent(),
          "battery.soc_hysteresis", floor_rules ? "battery.soc_floor" : "battery.reserve",
          "discharging would resume at " + percent_text(lowest + s.soc_hysteresis) + " (" +
              (floor_rules ? "floor" : "battery.reserve") + " plus hysteresis), expected below " +
              ceiling);
  require(s.cutoff_soc.percent() <= lowest, "battery.cutoff_soc",
          floor_rules ? "battery.soc_floor" : "battery.reserve",
          "the cut-off is " + percent_text(s.cutoff_soc.percent()) +
              ", expected at or below the SOC floor or the reserve (" + percent_text(lowest) + ")");
  // `least` and `most` are those of 15 cells.
  const auto of_pack = [&](const char* key, Volts volts, double least, double most) {
    least = std::ceil(least * s.cells / 1.5) / 10.0;
    most = std::floor(most * s.cells / 1.5) / 10.0;
    require(volts.value() >= least && volts.value() <= most, key, "bus.cells",
            "is " + number_text(volts.value()) + " V, expected " + number_text(least) + " to " +
                number_text(most) + " V of a battery of " + std::to_string(s.cells) + " cells");
  };
  of_pack("battery.charge_voltage_cap_v", s.charge_voltage_cap, 48.0, 54.0);
  of_pack("battery.cutoff_voltage_v", s.cutoff_voltage, 44.0, 50.0);
  require(s.cutoff_voltage < s.charge_voltage_cap, "battery.cutoff_voltage_v",
          "battery.charge_voltage_cap_v",
          "the cut-off is " + number_text(s.cutoff_voltage.value()) +
              " V, expected below the charge voltage cap (" +
              number_text(s.charge_voltage_cap.value()) + " V)");
  require(!s.import_cap || *s.import_cap >= s.grid_setpoint, "grid.import_cap_w", "grid.setpoint_w",
          "the import cap is " + number_text(s.import_cap.value_or(Watts{}).value()) +
              " W, expected at or above the grid setpoint (" +
              number_text(s.grid_setpoint.value()) + " W)");
  require(!s.export_cap || *s.export_cap >= -s.grid_setpoint, "grid.export_cap_w",
          "grid.setpoint_w",
          "the export cap is " + number_text(s.export_cap.value_or(Watts{}).value()) +
              " W, expected at or above the export the grid setpoint asks for (" +
              number_text(-s.grid_setpoint.value()) + " W)");
  if (s.witness) {
    require(s.export_cap.has_value(), "grid.witness", "grid.export_cap_w",
            "there is no cap on export, expected grid.export_cap_w beside it");
    require(s.slew >= s.inverter_ramp, "control.slew_w_per_s", "grid.witness",
            "expected control.slew_w_per_s to be no slower than the inverter's ramp (" +
                number_text(s.inverter_ramp.value()) + " W/s)");
    const Watts most = most_with_witness(s);
    require(std::min(s.discharge_limit, s.inverter_rating) <= most, "battery.discharge_limit_w",
            "grid.witness",
            "the battery would not rest within 5 s of a lost grid meter: at the inverter's ramp (" +
                number_text(s.inverter_ramp.value()) +
                " W/s) expected battery.discharge_limit_w of " +
                number_text(std::floor(most.value())) + " W at most");
  }
  require(s.full_charge_days == 0.0 || s.soc_ceiling.percent() >= 100.0, "battery.full_charge_days",
          "battery.soc_ceiling",
          "a full charge cannot pass " + ceiling + ", expected 0 days or a ceiling of 100 %");
  require(s.setpoint_life >= 2 * s.period, "control.setpoint_life", "control.period",
          "a setpoint would expire before the next tick renews it, expected a "
          "control.setpoint_life of at least twice the control.period");
}

std::optional<std::string> wrong_power(Watts power, Watts limit, const char* limit_name) {
  if (power > Watts{} && power <= limit) return std::nullopt;  // refuses NaN too
  return "the rate is " + number_text(power.value()) + " W, expected above 0 up to the " +
         limit_name + " limit (" + number_text(limit.value()) + " W)";
}

std::optional<std::string> wrong_target(Soc target, const Settings& s) {
  if (target >= s.soc_floor && target <= s.soc_ceiling) return std::nullopt;
  return "the target is " + percent_text(target.percent()) + ", expected between the SOC floor (" +
         percent_text(s.soc_floor.percent()) + ") and the SOC ceiling (" +
         percent_text(s.soc_ceiling.percent()) + ")";
}

constexpr std::array<const char*, 7> day_names{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                               "Friday", "Saturday", "Sunday"};
std::string text(CivilMinute m) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), " at %02d:%02d", m.minute_of_day / 60,
                m.minute_of_day % 60);
  return day_names.at(static_cast<std::size_t>(m.weekday - 1)) + std::string{text.data()};
}

/// `list` is "schedule" or "tariff.band".
void check_spans(const std::string& list, const std::vector<WeekSpan>& spans,
                 std::vector<ValidationError>& errors) {
  for (std::size_t i = 1; i < spans.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (const auto both = first_common(spans[i], spans[j]))
        errors.push_back({list + " " + std::to_string(i), "overlaps another on " + text(*both),
                          list + " " + std::to_string(j)});
}

void check_schedule(const Settings& s, std::vector<ValidationError>& errors) {
  std::vector<WeekSpan> spans;
  for (const auto& entry : s.schedule) {
    if (const auto wrong = validate(entry.instruction, s))
      errors.push_back({"schedule " + std::to_string(spans.size()), *wrong});
    spans.push_back(entry.when);
  }
  check_spans("schedule", spans, errors);
}

void check_tariff(const Settings& s, std::vector<ValidationError>& errors) {
  const Tariff& t = s.tariff;
  std::vector<WeekSpan> spans;
  for (const auto& band : t.bands) spans.push_back(band.when);
  check_spans("tariff.band", spans, errors);
  if (!t.bands.empty() && !t.import_price)
    if (const auto bare = first_uncovered(spans))
      errors.push_back({"tariff.import", "no band holds on " + text(*bare) +
                                             ", expected a price for the time outside them"});
  if (t.force_charge_to)
    if (const auto wrong = wrong_target(*t.force_charge_to, s))
      errors.push_back({"tariff.force_charge_to", *wrong});
  if (t.force_charge_power)
    if (const auto wrong = wrong_power(*t.force_charge_power, s.charge_limit, "charge"))
      errors.push_back({"tariff.force_charge_w", *wrong});
}

}  // namespace

std::optional<std::string> validate(const Instruction& i, const Settings& s) {
  switch (i.kind) {
    case InstructionKind::charge:
      if (auto wrong = wrong_power(i.power, s.charge_limit, "charge")) return wrong;
      return wrong_target(i.target, s);
    case InstructionKind::discharge:
      if (auto wrong = wrong_power(i.power, s.discharge_limit, "discharge")) return wrong;
      return wrong_target(i.target, s);
    case InstructionKind::balance:
    case InstructionKind::idle:
      if (i.low < i.high) return std::nullopt;
      return "the range is " + percent_text(i.low.percent()) + " to " +
             percent_text(i.high.percent()) + ", expected low below high";
  }
  return "unknown instruction";
}

std::optional<std::string> validate_dispatch(const Instruction& i, const Settings& s) {
  switch (i.kind) {
    case InstructionKind::charge:
    case InstructionKind::discharge:
      if (i.power > Watts{} && std::isfinite(i.power.value())) return wrong_target(i.target, s);
      return "the rate is " + number_text(i.power.value()) + " W, expected a number above 0";
    case InstructionKind::balance:
    case InstructionKind::idle:
      return validate(i, s);
  }
  return "unknown instruction";
}

Settings at_once(const Settings& in_force, Settings wanted) {
  wanted.solar_metered = in_force.solar_metered;
  wanted.circuit_roles = in_force.circuit_roles;
  if (wanted.cells != in_force.cells) {  // its voltages are those of another pack
    wanted.cells = in_force.cells;
    wanted.charge_voltage_cap = in_force.charge_voltage_cap;
    wanted.cutoff_voltage = in_force.cutoff_voltage;
  }
  wanted.witness = in_force.witness;
  return wanted;
}

std::vector<ValidationError> validate(const Settings& settings) {
  std::vector<ValidationError> errors;
  check_ranges(settings, errors);
  check_together(settings, errors);
  check_schedule(settings, errors);
  check_tariff(settings, errors);
  return errors;
}

}  // namespace esshub::control
