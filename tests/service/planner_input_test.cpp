// What the planner plans with: minutes noted from Views, battery, prices, schedule and orders.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "control/plan/plan.hpp"
#include "model/minute.hpp"
#include "tests/service/smart_house.hpp"

namespace esshub::service {
namespace {

// ---- what Views tell

/// What the first hour of yesterday tells of today's, of which all prices are known. The day before
/// had nothing; its first quarter alone makes a plan.
class Noted {
 public:
  explicit Noted(int until = 15) {
    house.prices({{0, until, import_price, export_price}});
    house.in_force.settings.circuit_roles[1] = CircuitRole::ev;
    house.in_force.settings.circuit_roles[2] = CircuitRole::heatpump;
    house.in_force.settings.battery_serves[CircuitRole::ev] = false;
    house.view.wall = midnight - std::chrono::hours{24};
    house.recall(1, [](control::UnixSeconds at) { return PastMinute{at, {}, {}}; });
  }
  /// So many Views of this minute, a second each, and then none until the next.
  void minute(int views = 60) {
    for (int n = 0; n < 60; ++n) {
      if (n < views) view();
      house.pass(1s);
    }
  }
  void minutes(int count) {
    for (int n = 0; n < count; ++n) minute();
  }
  void view() {
    house.put(circuit(1), Measure::power, 0);
    house.put(circuit(2), Measure::power, 0);
    as_it_is();
    house.planner.note(house.view, house.in_force.settings);
  }
  /// The cost of what was noted, for one who has no battery; nothing if it was too little.
  std::optional<double> cost() {
    house.pass(std::chrono::duration_cast<Duration>(midnight - house.view.wall));
    house.put(Point::battery, Measure::capacity, 100);
    house.put(Point::battery, Measure::soc, 50);
    house.planner.note(house.view, house.in_force.settings);
    if (house.planner.plan(house.view, house.in_force)) return std::nullopt;
    return house.planner.last()->cost_no_battery * house.planner.last()->days;
  }

  static constexpr double import_price = 0.30;
  static constexpr double export_price = 0.05;
  House house;
  std::function<void()> as_it_is = [] {};  ///< changes the View before it is noted
};

/// Of eight minutes of such Views, which stand for a quarter of an hour; nothing: they do not
/// count.
std::optional<double> cost_of(
    const std::function<void(Noted&)>& set,
    const std::function<void(House&)>& as_it_is = [](House&) {}) {
  Noted noted;
  set(noted);
  noted.as_it_is = [&] { as_it_is(noted.house); };
  noted.minutes(8);
  return noted.cost();
}
std::optional<double> cost_of(const std::function<void(House&)>& as_it_is) {
  return cost_of([](Noted&) {}, as_it_is);
}
double imported(double watts) {
  return watts / 4000.0 * Noted::import_price;
}
double exported(double watts) {
  return -watts / 4000.0 * Noted::export_price;
}
void expect_cost(std::optional<double> cost, double expected) {
  ASSERT_TRUE(cost);
  EXPECT_NEAR(*cost, expected, 1e-9);
}

TEST(PlannerInput, HouseAndSunAreNotedAsTheyAre) {
  expect_cost(cost_of([](House&) {}), imported(400));
  expect_cost(cost_of([](House& h) { h.put(Point::solar, Measure::power, 1000); }), exported(600));
}

TEST(PlannerInput, AMinuteOnAnIslandOrWithoutHouseOrSunDoesNotCount) {
  EXPECT_FALSE(
      cost_of([](House& h) { h.view.decision.faults.set(Fault::islanded, true, h.view.now); }));
  expect_cost(
      cost_of([](House& h) { h.view.decision.faults.set(Fault::backup_cutoff, true, h.view.now); }),
      imported(400));
  EXPECT_FALSE(cost_of([](House& h) { h.view.decision.house.reset(); }));
  const auto blind = [](House& h) {
    h.view.snapshot = {};
    h.put(circuit(1), Measure::power, 0);
  };
  EXPECT_FALSE(cost_of(blind));
  const auto not_metered = [](Noted& n) { n.house.in_force.settings.solar_metered = false; };
  expect_cost(cost_of(not_metered, blind), imported(400));
  expect_cost(cost_of(not_metered, [](House& h) { h.put(Point::solar, Measure::power, 1000); }),
              imported(400));
}

TEST(PlannerInput, CircuitsThatAreNotServedAreLeftOut) {
  const auto car = [](double watts) {
    return [watts](House& h) {
      h.put(circuit(1), Measure::power, watts);
      h.put(circuit(2), Measure::power, 50);  // is served
    };
  };
  expect_cost(cost_of(car(100)), imported(300));
  expect_cost(cost_of(car(-5)), imported(400));
  EXPECT_FALSE(cost_of([](House& h) {
    h.view.snapshot = {};
    h.put(Point::solar, Measure::power, 0);
  })) << "not known";
  expect_cost(cost_of([&](House& h) {
                car(1000)(h);
                h.view.decision.house = Watts{1400};
                h.put(Point::solar, Measure::power, 2000);
              }),
              exported(600));
  expect_cost(cost_of([](Noted& n) {
                n.house.in_force.settings.battery_serves[CircuitRole::other] = false;
              }),
              imported(400));
}

TEST(PlannerInput, WhatIsBeyondTheBatterysPowerIsLeftOut) {
  const auto much = [](House& h) { h.view.decision.house = Watts{3000}; };
  const auto sunny = [](House& h) {
    h.view.decision.house = Watts{};
    h.put(Point::solar, Measure::power, 3000);
  };
  const auto with = [](const std::function<void(control::Settings&)>& change) {
    return [change](Noted& n) {
      n.house.in_force.settings.charger_current = 100.0_A;
      change(n.house.in_force.settings);
    };
  };
  const auto discharge = with([](auto& s) { s.discharge_limit = 1000.0_W; });
  const auto charge = with([](auto& s) { s.charge_limit = 1000.0_W; });
  const auto rating = with([](auto& s) { s.inverter_rating = 800.0_W; });
  const auto charger = with([](auto& s) { s.charger_current = 10.0_A; });
  expect_cost(cost_of(discharge, much), imported(1000));
  expect_cost(cost_of(discharge, sunny), exported(2400));
  expect_cost(cost_of(charge, much), imported(2400));
  expect_cost(cost_of(charge, sunny), exported(1000));
  expect_cost(cost_of(rating, much), imported(800));
  expect_cost(cost_of(rating, sunny), exported(800));
  expect_cost(cost_of(charger, much), imported(2400));
  expect_cost(cost_of(charger, sunny), exported(480));
}

TEST(PlannerInput, HalfOfAMinutesViewsMakeIt) {
  for (const int views : {29, 30}) {
    Noted noted;
    noted.minutes(7);
    noted.minute(views);
    EXPECT_EQ(noted.cost().has_value(), views == 30);
  }
  Noted half;  // four minutes are not eight
  half.minutes(4);
  EXPECT_FALSE(half.cost());
}

TEST(PlannerInput, AMinuteBeginsAtTheFullMinute) {
  Noted noted{60};
  for (int quarter = 0; quarter < 4; ++quarter) {
    for (int n = 0; n < 8; ++n) noted.minute(30);
    noted.house.pass(7min);
  }
  expect_cost(noted.cost(), imported(4 * 400));
}

TEST(PlannerInput, AMinuteInWhichTheClockWasNotTrustedDoesNotCount) {
  for (const bool trusted : {false, true}) {
    Noted noted;
    noted.minutes(7);
    for (int n = 0; n < 59; ++n) {
      noted.view();
      noted.house.pass(1s);
    }
    noted.house.view.local.trusted = trusted;
    noted.view();
    noted.house.view.local.trusted = true;
    EXPECT_EQ(noted.cost().has_value(), trusted);
  }
}

TEST(PlannerInput, AMinuteThatWasIslandedAtAnyTimeDoesNotCount) {
  for (const bool islanded : {false, true}) {
    Noted noted;
    noted.minutes(7);
    for (int n = 0; n < 60; ++n) {
      House& h = noted.house;
      h.view.decision.faults.set(Fault::islanded, islanded && n == 0, h.view.now);
      noted.view();
      h.pass(1s);
    }
    EXPECT_EQ(noted.cost().has_value(), !islanded);
  }
}

// ---- a minute as it was measured

const WallTime some_minute = midnight + std::chrono::minutes{7};

/// 800 W of house, 100 W of sun, 500 W of a car that is not served.
Minute measured_minute() {
  return {.begin = some_minute,
          .solar_w = 100.0,
          .house_w = 800.0,
          .circuits_w = {std::nullopt, 500.0, 100.0}};
}
control::Settings with_car() {
  control::Settings settings;
  settings.circuit_roles[1] = CircuitRole::ev;
  settings.circuit_roles[2] = CircuitRole::heatpump;
  settings.battery_serves[CircuitRole::ev] = false;
  return settings;
}
void expect_minute(const std::function<void(Minute&)>& change, double load, double solar,
                   double taken, control::Settings settings = with_car()) {
  Minute minute = measured_minute();
  change(minute);
  const auto past = past_minute(minute, settings);
  ASSERT_TRUE(past);
  EXPECT_EQ(past->begin, seconds(some_minute));
  EXPECT_EQ(past->load, Watts{load});
  EXPECT_EQ(past->solar, Watts{solar});
  EXPECT_EQ(past->taken, Watts{taken});
  EXPECT_EQ(past->curtailed, minute.curtailed);
}

TEST(PastMinute, IsWhatTheBatteryHasToDoWith) {
  expect_minute([](Minute&) {}, 300, 100, 0);
  expect_minute([](Minute& m) { m.solar_w = 700; }, 300, 300, 400);
  expect_minute([](Minute& m) { m.solar_w = 1000; }, 300, 500, 500);
  expect_minute([](Minute& m) { m.circuits_w[1] = -5; }, 800, 100, 0);
  expect_minute([](Minute& m) { m.curtailed = true; }, 300, 100, 0);
  auto not_metered = with_car();
  not_metered.solar_metered = false;
  expect_minute([](Minute& m) { m.house_w = -200; }, -700, -500, 500, not_metered);
  expect_minute([](Minute& m) { m.solar_w.reset(); }, 300, 0, 0, not_metered);
  auto all_served = with_car();
  all_served.battery_serves[CircuitRole::ev] = true;
  expect_minute([](Minute& m) { m.circuits_w.clear(); }, 800, 100, 0, all_served);
}

TEST(PastMinute, IsInWholeWattsAsTheHistoryHasIt) {
  const auto parts = [](Minute& m) {
    m.house_w = 800.4;
    m.solar_w = 100.5;
    m.circuits_w[1] = 499.7;
  };
  expect_minute(parts, 300, 101, 0);
}

TEST(PastMinute, IsNoneWhereItIsNoDaysPatternOrSomethingIsNotKnown) {
  const auto none = [](const std::function<void(Minute&)>& change) {
    Minute minute = measured_minute();
    change(minute);
    return !past_minute(minute, with_car());
  };
  EXPECT_FALSE(none([](Minute&) {}));
  EXPECT_TRUE(none([](Minute& m) { m.islanded = true; }));
  EXPECT_TRUE(none([](Minute& m) { m.partial = true; }));
  EXPECT_TRUE(none([](Minute& m) { m.house_w.reset(); }));
  EXPECT_TRUE(none([](Minute& m) { m.solar_w.reset(); }));
  EXPECT_TRUE(none([](Minute& m) { m.circuits_w = {500.0}; }));
  EXPECT_FALSE(none([](Minute& m) { m.circuits_w = {std::nullopt, 500.0}; })) << "it is served";
}

// ---- battery, prices and orders: the plan is the one made by hand

/// 0.07 until 02:00, then 0.30 until 06:00; 0.25 for what is exported. Some load, from 02:00 more,
/// from 04:00 sun; the second day before has more of both.
PastMinute was(control::UnixSeconds at) {
  const auto hour = at % day / 3600;
  const double more = at < seconds(midnight) - day ? 1.5 : 1.0;
  const double load = hour >= 2 && hour < 4 ? 800.0 : 300.0;
  const double sun = hour >= 4 && hour < 6 ? 1200.0 : 0.0;
  return {at, Watts{more * load}, Watts{more * sun}};
}

struct ByHand {
  ByHand() {
    battery.capacity = WattHours{4800};
    battery.charge = 35.0_A * Volts{48};
    battery.discharge = 2400.0_W;
    battery.charge_efficiency = battery.discharge_efficiency = 0.94;
    battery.bought_to_grid = false;
    settings.begin = seconds(midnight);
    settings.stored = settings.bought = at(50.0_soc);
    settings.reserve = at(20.0_soc);
  }
  [[nodiscard]] WattHours at(Soc soc) const { return battery.capacity * soc.ratio(); }
  [[nodiscard]] control::Plan plan() const {
    SlotRing past;
    for (auto at = seconds(midnight) - 2 * day; at < seconds(midnight); at += 60)
      past.add(was(at), battery.charge, battery.discharge);
    const auto hour = [](int n) { return seconds(midnight) + n * 3600; };
    const std::vector<control::PriceSlot> prices{{hour(0), hour(2), 0.07, 0.25},
                                                 {hour(2), hour(6), 0.30, 0.25}};
    return control::plan(past.slots(), prices, battery, settings);
  }
  control::PlanBattery battery;
  control::PlanSettings settings;
};

/// All that a plan says, in one row.
std::vector<double> figures(const control::Plan& plan) {
  std::vector<double> all{plan.cost, plan.cost_balance, plan.cost_no_battery,
                          static_cast<double>(plan.days)};
  for (const auto& slot : plan.slots) {
    const auto& [buy, buy_power, store, serve, sell, sell_power] = slot.marks;
    all.insert(all.end(), {static_cast<double>(slot.begin), static_cast<double>(slot.end),
                           slot.import_price, slot.export_price, slot.value, slot.bought.value(),
                           slot.charge.low.value(), slot.charge.mean.value(),
                           slot.charge.high.value(), buy.percent(), buy_power.value(),
                           store.percent(), serve.percent(), sell.percent(), sell_power.value()});
  }
  return all;
}

struct Change {
  const char* what;
  std::function<void(House&)> in_force;
  std::function<void(ByHand&)> by_hand;
};

/// The house's plan of 30 s after midnight, with what is changed in it.
std::vector<double> planned(const std::function<void(House&)>& change) {
  House h;
  h.prices({{0, 120, 0.07, 0.25}, {120, 360, 0.30, 0.25}});
  h.pass(30s);
  change(h);
  h.view.wall = midnight;
  h.recall(2, was);
  h.view.wall += std::chrono::seconds{30};
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  return h.planner.last() ? figures(*h.planner.last()) : std::vector<double>{};
}

void expect_as_by_hand(const std::vector<Change>& changes) {
  const auto unchanged = planned([](House&) {});
  EXPECT_EQ(unchanged, figures(ByHand{}.plan()));
  for (const auto& [what, in_force, by_hand] : changes) {
    ByHand other;
    by_hand(other);
    const auto plan = planned(in_force);
    EXPECT_EQ(plan, figures(other.plan())) << what;
    EXPECT_NE(plan, unchanged) << what << " changes nothing: the plan proves nothing";
  }
}

std::function<void(House&)> set(const std::function<void(control::Settings&)>& change) {
  return [change](House& h) { change(h.in_force.settings); };
}

TEST(PlannerInput, TheBatteryIsAsItIsSet) {
  const auto sells = [](ByHand& p) { p.battery.to_grid = true; };
  expect_as_by_hand({
      {"charge_limit", set([](auto& s) { s.charge_limit = 500.0_W; }),
       [](ByHand& p) { p.battery.charge = 500.0_W; }},
      {"discharge_limit", set([](auto& s) { s.discharge_limit = 600.0_W; }),
       [](ByHand& p) { p.battery.discharge = 600.0_W; }},
      {"conversion_efficiency", set([](auto& s) { s.conversion_efficiency = 0.8; }),
       [](ByHand& p) { p.battery.charge_efficiency = p.battery.discharge_efficiency = 0.8; }},
      {"smart_wear", set([](auto& s) { s.smart_wear = 0.1; }),
       [](ByHand& p) { p.battery.wear = 0.1; }},
      {"soc_ceiling", set([](auto& s) { s.soc_ceiling = 60.0_soc; }),
       [](ByHand& p) {
         p.battery.taper = {{p.at(60.0_soc), Watts{}}};
       }},
      {"import_cap", set([](auto& s) { s.import_cap = 900.0_W; }),
       [](ByHand& p) { p.battery.import_cap = 900.0_W; }},
      {"export_cap", set([](auto& s) { s.export_cap = 400.0_W; }),
       [](ByHand& p) { p.battery.export_cap = 400.0_W; }},
      {"smart_sells", set([](auto& s) { s.smart_sells = true; }), sells},
      {"smart_sells_bought", set([](auto& s) { s.smart_sells = s.smart_sells_bought = true; }),
       [&](ByHand& p) {
         sells(p);
         p.battery.bought_to_grid = true;
         p.settings.bought = {};
       }},
  });
}

TEST(PlannerInput, ExportPaysNothingWhereTheTariffHasNoPriceForIt) {
  House h;
  h.in_force.settings.tariff = {};
  h.in_force.settings.tariff.bands = {{{control::every_day, 0, 15}, 0.30}};
  h.recall(2);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  EXPECT_EQ(h.planner.last()->slots.at(0).export_price, 0.0);
}

TEST(PlannerInput, WhatIsToldOfExportTakesTheTariffsPlaceAndEndsThePlanWhereItEnds) {
  House h;
  h.in_force.told.export_price = {{seconds(midnight), seconds(midnight) + 3600, 0.21}};
  h.recall(2);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  const auto& slots = h.planner.last()->slots;
  ASSERT_EQ(slots.size(), 4u);
  EXPECT_EQ(slots[0].export_price, 0.21);
  EXPECT_EQ(slots[0].import_price, 0.07) << "the tariff's";
}

TEST(PlannerInput, WhereTheTariffKnowsNothingWhatWasToldYesterdayIsTypical) {
  House h;
  h.prices({{0, 60, 0.30, 0.05}});
  h.in_force.told.import_price = {{seconds(midnight) - day, seconds(midnight) - day / 2, 0.50}};
  h.recall(2);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  const auto& slots = h.planner.last()->slots;
  ASSERT_EQ(slots.size(), 48u) << "12 h";
  EXPECT_EQ(slots[3].import_price, 0.30);
  EXPECT_EQ(slots[3].source, control::PriceSource::known);
  EXPECT_EQ(slots[4].import_price, 0.50);
  EXPECT_EQ(slots[4].source, control::PriceSource::typical);
  EXPECT_EQ(h.planner.table(h.view).count, 4u) << "as far as it is known";
}

TEST(PlannerInput, TheReserveIsTheOrderedOneElseTheConfiguredOneAndNeverBelowTheFloor) {
  expect_as_by_hand({
      {"reserve", set([](auto& s) { s.reserve = 35.0_soc; }),
       [](ByHand& p) { p.settings.reserve = p.at(35.0_soc); }},
      {"ordered", [](House& h) { h.in_force.orders.reserve = 45.0_soc; },
       [](ByHand& p) { p.settings.reserve = p.at(45.0_soc); }},
      {"below the floor", [](House& h) { h.in_force.orders.reserve = 5.0_soc; },
       [](ByHand& p) { p.settings.reserve = p.at(10.0_soc); }},
  });
}

TEST(PlannerInput, OrdersAndStormHoldUntilTheirEnd) {
  const Instruction rest{.kind = InstructionKind::idle};
  const Instruction charge{
      .kind = InstructionKind::charge, .power = 300.0_W, .target = 90.0_soc, .low = 90.0_soc};
  const auto until = [](House& h, int hours) {
    return h.view.now + std::chrono::hours{hours} - 30s;
  };
  const auto span = [](int from, int to, std::optional<control::Marks> marks,
                       std::optional<WattHours> reserve) {
    return control::FixedSpan{seconds(midnight) + from * 3600, seconds(midnight) + to * 3600, marks,
                              reserve, marks.has_value()};
  };
  expect_as_by_hand({
      {"dispatch",
       [&](House& h) {
         h.in_force.orders.dispatch = Order{rest, until(h, 1)};
       },
       [&](ByHand& p) { p.settings.fixed = {span(0, 1, control::marks(rest), {})}; }},
      {"an override above a dispatch",
       [&](House& h) {
         h.in_force.orders.dispatch = Order{charge, until(h, 3)};
         h.in_force.orders.manual = Order{rest, until(h, 1)};
       },
       [&](ByHand& p) {
         p.settings.fixed = {span(0, 3, control::marks(charge), {}),
                             span(0, 1, control::marks(rest), {})};
       }},
      {"storm",
       [&](House& h) {
         h.in_force.orders.storm = Storm{80.0_soc, until(h, 5), until(h, 3), true};
       },
       [&](ByHand& p) { p.settings.fixed = {span(3, 5, {}, p.at(80.0_soc))}; }},
      {"a storm that is there",
       [&](House& h) {
         h.in_force.orders.storm = Storm{80.0_soc, until(h, 2), until(h, -1), true};
       },
       [&](ByHand& p) { p.settings.fixed = {span(0, 2, {}, p.at(80.0_soc))}; }},
  });
}

TEST(PlannerInput, WhatHasEndedWithinThisMinuteIsNotPlannedWith) {
  const auto without = planned([](House&) {});
  for (const Duration ago : {Duration{0s}, Duration{10s}}) {
    EXPECT_EQ(planned([&](House& h) {
                h.in_force.orders.manual = Order{{.kind = InstructionKind::idle}, h.view.now - ago};
              }),
              without);
    EXPECT_EQ(planned([&](House& h) {
                h.in_force.orders.storm = Storm{80.0_soc, h.view.now - ago, h.view.now - 1h, true};
              }),
              without);
  }
  EXPECT_EQ(planned([](House& h) {
              h.in_force.orders.storm = Storm{80.0_soc, h.view.now + 2h, h.view.now, true};
              h.in_force.orders.storm.reset();
            }),
            without)
      << "taken back";
}

}  // namespace
}  // namespace esshub::service
