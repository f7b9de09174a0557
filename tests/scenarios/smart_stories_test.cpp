// Smart mode over weeks: what an owner expects of it while the house changes. By the hour with the
// year's machinery; by the quarter of an hour with the hub's own planner, where Views decide.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "control/plan/flows.hpp"
#include "sim/year/smart_year.hpp"
#include "tests/service/smart_house.hpp"

namespace esshub::sim {
namespace {

using service::House;
using service::PastMinute;

// ---- by the hour

constexpr std::size_t day_hours = 24;

/// Measured days in winter, the first hour that of midnight.
std::vector<HouseHour> winter(std::size_t days) {
  const auto hours = read_house_year(ESSHUB_TEST_DATA "/house_1h_citylearn2022_building1.csv");
  EXPECT_TRUE(hours) << hours.error();
  if (!hours) return {};
  const auto first = hours->begin() + 150 * 24 + 1;
  return {first, first + static_cast<std::ptrdiff_t>(days * day_hours)};
}

/// The same hours with the planner and without; the night is cheap.
class Weeks {
 public:
  explicit Weeks(std::vector<HouseHour> hours) : hours_(std::move(hours)) {
    settings_.control = ideal_control(settings_.battery);
    settings_.tariff = YearTariff::e7;
    smart_ = run_smart_year(hours_, settings_, {.plan_every = 24h, .cells = 24});
    balance_ = run_smart_year(hours_, settings_, {.policy = YearPolicy::balance});
    no_battery_ = cost_without_battery(priced_spans(hours_, settings_));
  }

  /// What foresight would have saved more than it did.
  [[nodiscard]] double regret() const {
    return smart_.result.cost - programme_bound(hours_, settings_, smart_.result.end, false, 108);
  }
  [[nodiscard]] double saving() const { return no_battery_ - smart_.result.cost; }
  /// The same of a year of such weeks.
  [[nodiscard]] double saving_of_a_year() const {
    return saving() * 365.0 * day_hours / static_cast<double>(hours_.size());
  }
  [[nodiscard]] double dearer_than_balance() const {
    return worst_four_weeks(smart_.cost_by_hour, balance_.cost_by_hour).value_or(1e9);
  }
  /// Into the battery, kWh.
  [[nodiscard]] double bought(std::size_t hour) const {
    return std::max(imported(hour) - deficit(hour), 0.0);
  }
  [[nodiscard]] double bought_on(std::size_t day) const {
    double sum = 0.0;
    for (std::size_t hour = 0; hour < day_hours; ++hour) sum += bought(day * day_hours + hour);
    return sum;
  }
  /// Of what is drawn, from the battery, kWh.
  [[nodiscard]] double served(std::size_t hour) const {
    return std::max(deficit(hour) - std::max(imported(hour), 0.0), 0.0);
  }

 private:
  [[nodiscard]] double deficit(std::size_t hour) const {
    const auto& h = hours_[hour];
    return std::max((h.load - h.sun * settings_.kwp).value() / 1000.0, 0.0);
  }
  [[nodiscard]] double imported(std::size_t hour) const {
    return smart_.cost_by_hour[hour] / import_price(hours_[hour], 0, settings_.tariff);
  }

  std::vector<HouseHour> hours_;
  YearSettings settings_;
  SmartYear smart_;
  SmartYear balance_;
  double no_battery_ = 0.0;
};

TEST(SmartStories, AFortnightOfHoliday) {
  constexpr std::size_t leaves = 28;
  constexpr std::size_t returns = leaves + 14;
  auto hours = winter(returns + 14);
  const Weeks at_home{hours};
  for (std::size_t i = leaves * day_hours; i < returns * day_hours; ++i) hours[i].load = Watts{100};
  const Weeks w{hours};

  // In the first of its nights it does not know yet that nobody will be there.
  double before = 0.0;
  double while_away = 0.0;
  for (std::size_t day = 1; day < 14; ++day) {
    before += w.bought_on(leaves - 14 + day);
    while_away += w.bought_on(leaves + day);
    EXPECT_LT(w.bought_on(leaves + day), 2.4) << "what an empty house draws in a day";
  }
  EXPECT_GT(before, 60.0) << "kWh";
  EXPECT_LT(while_away, 0.12 * before);
  for (std::size_t day = leaves + 10; day < returns; ++day)
    EXPECT_NEAR(w.bought_on(day), 0.0, 1e-9) << day;
  double after = 0.0;
  for (std::size_t day = returns + 7; day < returns + 14; ++day) after += w.bought_on(day);
  EXPECT_GT(after, 10.0) << "in the second week at home it buys again";

  EXPECT_LT(w.regret() - at_home.regret(), 0.006 * at_home.saving_of_a_year());
  EXPECT_LE(w.dearer_than_balance(), 0.01 * w.saving());
}

TEST(SmartStories, ACarEverySecondNightThatTheBatteryServes) {
  auto hours = winter(42);
  const auto charges = [](std::size_t hour) {
    return hour / day_hours % 2 == 1 && hour % day_hours < 4;
  };
  for (std::size_t i = 0; i < hours.size(); ++i)
    if (charges(i)) hours[i].load += Watts{7000};
  const Weeks w{hours};
  for (std::size_t i = 2 * day_hours; i < hours.size(); ++i) {
    const double served = charges(i) ? w.served(i) : 0.0;
    EXPECT_NEAR(served, 0.0, 1e-9) << "by night the grid is cheap, hour " << i;
  }
  EXPECT_GT(w.saving(), 40.0);
  EXPECT_LE(w.dearer_than_balance(), 0.01 * w.saving());
}

// ---- by the quarter of an hour

constexpr std::int64_t hour_s = 3600;

double evening(control::UnixSeconds at) {
  const auto hour = at % service::day / hour_s;
  return hour >= 17 && hour < 22 ? 1000.0 : 300.0;
}

/// Four days of Views, with a car on two of the nights from 22:00 until 02:00: the plan for the
/// next days.
control::Plan plan_with_a_car(double car_w, bool is_served) {
  House h;
  auto& settings = h.in_force.settings;
  settings.circuit_roles[0] = CircuitRole::ev;
  settings.battery_serves[CircuitRole::ev] = is_served;
  settings.charger_current = 100.0_A;
  const auto view = [&] {
    const auto at = service::seconds(h.view.wall);
    const auto of_two_days = (at - service::seconds(service::midnight)) % (2 * service::day);
    const bool charges = of_two_days >= 22 * hour_s && of_two_days < 26 * hour_s;
    h.put(circuit(0), Measure::power, charges ? car_w : 0.0);
    h.view.decision.house = Watts{evening(at) + (charges ? car_w : 0.0)};
  };
  for (int slot = 0; slot < 4 * 96; ++slot) {
    view();
    for (int n = 0; n < 8 * 30; ++n) {
      h.planner.note(h.view, settings);
      h.pass(2s);
      h.put(circuit(0), Measure::power, h.view.current(circuit(0), Measure::power).value_or(0.0));
    }
    h.pass(7min);
  }
  view();
  h.put(Point::battery, Measure::capacity, 400);
  h.planner.note(h.view, settings);
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  return h.planner.last().value_or(control::Plan{});
}

TEST(SmartStories, ForACarThatTheBatteryDoesNotServeNothingIsBought) {
  const auto none = plan_with_a_car(0, true);
  const auto left_out = plan_with_a_car(7000, false);
  const auto served = plan_with_a_car(7000, true);
  ASSERT_EQ(none.slots.size(), 192u);
  ASSERT_EQ(left_out.slots.size(), 192u);
  ASSERT_EQ(served.slots.size(), 192u);
  const auto bought = [](const control::Plan& plan) {
    double sum = 0.0;
    for (const auto& slot : plan.slots) sum += slot.bought.value();
    return sum;
  };
  for (std::size_t k = 0; k < none.slots.size(); ++k)
    EXPECT_EQ(left_out.slots[k].marks, none.slots[k].marks) << k;
  EXPECT_DOUBLE_EQ(bought(left_out), bought(none));
  EXPECT_DOUBLE_EQ(left_out.cost, none.cost);
  EXPECT_GT(bought(served), bought(none) + 500) << "for its dear hours";
}

/// Quarter by quarter of an hour as the table says, beside self-consumption.
class Life {
 public:
  Life() {
    auto& s = house.in_force.settings;
    s.soc_floor = s.reserve = 0.0_soc;
    s.charger_current = 100.0_A;
    house.view.snapshot = {};
    set_modules(2);
    house.recall(15, [](control::UnixSeconds at) {
      return PastMinute{at, Watts{load(at)}, Watts{sun(at)}};
    });
  }
  void set_modules(int count) {
    modules = count;
    tell();
  }
  void quarter() {
    if (house.planner.due(house.view, house.in_force)) {
      ASSERT_EQ(house.planner.plan(house.view, house.in_force), std::nullopt);
      ++plans;
    }
    const auto at = service::seconds(house.view.wall);
    const auto of_day = at % service::day;
    control::SlotTerms terms;
    terms.hours = 0.25;
    terms.import_price = (of_day < 5 * hour_s ? 0.07 : 0.30) / 1000.0;
    terms.export_price = 0.05 / 1000.0;
    const double net = (load(at) - sun(at)) * terms.hours;
    const control::SlotFlows flows{std::max(net, 0.0), std::max(-net, 0.0)};
    const auto battery = like();
    const auto live = [&](Side& side, const control::Marks& marks) {
      const auto done =
          control::follow_marks(terms, flows, battery, levels(marks, battery), side.stored, 0.0);
      side.stored = done.stored;
      side.cost += done.cost;
      side.bought += done.bought;
    };
    const auto planned = control::marks_at(house.planner.table(house.view), house.view.now);
    ASSERT_TRUE(planned);
    live(smart, *planned);
    live(balance, {});
    house.pass(15min);
    tell();
  }
  void until(std::int64_t hour) {
    const auto end = service::seconds(service::midnight) + hour * hour_s;
    while (service::seconds(house.view.wall) < end && !testing::Test::HasFatalFailure()) quarter();
  }

  struct Side {
    double stored = 2400.0;
    double cost = 0.0;
    double bought = 0.0;
  };
  House house;
  int modules = 0;
  int plans = 0;
  Side smart;
  Side balance;

 private:
  static double load(control::UnixSeconds at) { return evening(at) > 500.0 ? 2000.0 : 200.0; }
  static double sun(control::UnixSeconds at) {
    const auto hour = at % service::day / hour_s;
    return hour >= 10 && hour < 14 ? 800.0 : 0.0;
  }
  [[nodiscard]] control::PlanBattery like() const {
    control::PlanBattery b;
    b.capacity = WattHours{modules * 2400.0};
    b.charge = b.discharge = 2400.0_W;
    b.charge_efficiency = b.discharge_efficiency = house.in_force.settings.conversion_efficiency;
    return b;
  }
  /// As the BMS does.
  void tell() {
    house.put(Point::battery, Measure::modules, modules);
    house.put(Point::battery, Measure::soc, 100.0 * smart.stored / like().capacity.value());
  }
};

TEST(SmartStories, ABatteryTwiceAsLargeIsFullOnTheNextEvening) {
  Life life;
  life.until(14);
  EXPECT_GT(life.smart.stored, 0.97 * 4800) << "by night and sun together";
  life.until(19);
  life.set_modules(4);
  const double bought = life.smart.bought;
  const int plans = life.plans;
  life.until(24);
  EXPECT_EQ(life.plans, plans) << "the plan before goes on, its marks are percent";
  EXPECT_EQ(life.smart.bought, bought) << "nothing for the new modules at the dear price";
  life.until(24 + 14);
  EXPECT_GT(life.smart.stored, 0.97 * 9600);
  life.until(48);
  EXPECT_EQ(life.smart.stored, life.balance.stored) << "both are empty";
  EXPECT_LT(life.smart.cost, life.balance.cost - 9.6 * (0.30 - 0.10));
}

// ---- what the system before was known for

/// A Monday of a flat price, known until 22:00, and what each of the 14 days before had from then
/// until midnight: what is bought from 18:00 until 22:00, Wh.
double bought_before_22(const std::array<double, 14>& of_days_before) {
  House h;
  h.in_force.settings.charger_current = 100.0_A;
  h.recall(15, [](control::UnixSeconds at) {
    return PastMinute{at, Watts{at % service::day >= 22 * hour_s ? 1500.0 : 100.0}, {}};
  });
  h.pass(18h);
  h.put(Point::battery, Measure::capacity, 100);
  h.put(Point::battery, Measure::soc, 20);
  const auto midnight = service::seconds(service::midnight);
  auto& told = h.in_force.told.import_price;
  for (int back = 14; back > 0; --back) {
    const auto begin = midnight - back * service::day;
    const double late = of_days_before.at(static_cast<std::size_t>(14 - back));
    told.push_back({begin, begin + 22 * hour_s, 0.20});
    told.push_back({begin + 22 * hour_s, begin + service::day, late});
  }
  told.push_back({midnight, midnight + 22 * hour_s, 0.20});
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  double sum = 0.0;
  for (const auto& slot : h.planner.last().value_or(control::Plan{}).slots)
    if (slot.begin < midnight + 22 * hour_s) sum += slot.bought.value();
  return sum;
}

/// It took today's prices for tomorrow's: a short charge just before 22:00.
TEST(SmartStories, OneDearNightIsNoReasonToBuyBeforeTheNext) {
  std::array<double, 14> nights{};
  nights.fill(0.20);
  EXPECT_EQ(bought_before_22(nights), 0.0);
  nights[13] = 0.60;
  EXPECT_EQ(bought_before_22(nights), 0.0);
  nights.fill(0.60);
  EXPECT_GT(bought_before_22(nights), 1000.0) << "where it is so each night";
}

}  // namespace
}  // namespace esshub::sim
