// A hub that is started again plans as one that went on: what the history keeps is enough.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "publish/history/database/store.hpp"
#include "tests/service/smart_house.hpp"

namespace esshub {
namespace {

namespace fs = std::filesystem;

/// A house with a car that the battery does not serve and a cap on export, watched by a planner and
/// by the history.
class Watched {
 public:
  Watched() {
    std::string pattern = fs::temp_directory_path() / "esshub-restart.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    publish::HistorySettings settings;
    settings.file = dir_ / "history.db";
    store = std::make_unique<publish::HistoryStore>(
        settings, [](const std::string&, const Event&) {}, [](bool) {});
    static_cast<void>(store->totals());
    auto& s = house.in_force.settings;
    s.circuit_roles[1] = CircuitRole::ev;
    s.battery_serves[CircuitRole::ev] = false;
    s.export_cap = Watts{1000};
    house.view.export_cap = s.export_cap;
    house.view.decision.reasons.add({Cause::self_consumption, {}});
    house.prices({{0, hours_known * 60, 0.30, 0.05}});
    house.view.wall -= std::chrono::hours{72};
  }
  ~Watched() {
    store.reset();
    fs::remove_all(dir_);
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  /// The first hours of a day, from midnight on, each second another house.
  void day_begins() {
    for (int n = 0; n < hours_known * 3600; ++n) {
      const bool new_minute = n % 60 == 0;
      if (new_minute) kind_ = static_cast<int>(random() * 16);
      look();
      house.pass(1s);
    }
    store->flush();
    house.pass(24h - hours_known * 1h);
  }
  void look() {
    View& v = house.view;
    const double car = random() < 0.5 ? 0.0 : 2000.0 * random();
    const double solar = 3000.0 * random();
    v.decision.at = v.now;
    v.decision.house = Watts{600.0 * random() + car};
    v.decision.battery_power = v.decision.proposed = Watts{};
    v.snapshot = {};
    house.put(Point::battery, Measure::capacity, 100);
    house.put(Point::battery, Measure::soc, 50);
    if (kind_ != 0 || random() < 0.3) house.put(Point::solar, Measure::power, solar);
    if (kind_ != 1 || random() < 0.3) house.put(circuit(1), Measure::power, car);
    v.decision.faults.set(Fault::islanded, kind_ == 2 && random() < 0.2, v.now);
    house.put(Point::grid, Measure::power, kind_ == 3 ? -1000.0 : 200.0 * random());
    house.planner.note(v, house.in_force.settings);
    store->update(v);
  }
  double random() { return std::uniform_real_distribution<double>{0.0, 1.0}(dice_); }

  static constexpr int hours_known = 3;
  service::House house;
  std::unique_ptr<publish::HistoryStore> store;

 private:
  fs::path dir_;
  std::mt19937 dice_{5};  // NOLINT: the same house every time
  int kind_ = 0;
};

std::vector<double> figures(const control::Plan& plan) {
  std::vector<double> all{plan.cost, plan.cost_balance, plan.cost_no_battery,
                          static_cast<double>(plan.days)};
  for (const auto& slot : plan.slots)
    all.insert(all.end(),
               {slot.value, slot.bought.value(), slot.charge.low.value(), slot.charge.mean.value(),
                slot.charge.high.value(), slot.marks.buy.percent(), slot.marks.store.percent(),
                slot.marks.serve.percent()});
  return all;
}

TEST(Restart, PlansAsAHubThatWentOn) {
  Watched w;
  for (int day = 0; day < 3; ++day) w.day_begins();
  service::House& house = w.house;
  w.look();
  ASSERT_EQ(house.planner.plan(house.view, house.in_force), std::nullopt);
  ASSERT_EQ(house.planner.last()->days, 3);

  std::vector<service::PastMinute> minutes;
  int curtailed = 0, islanded = 0, partial = 0, without_car = 0;
  const auto begin = house.view.wall - std::chrono::hours{72};
  const auto rows = w.store->minutes(begin, house.view.wall).value();
  for (const auto& row : rows) {
    curtailed += row.curtailed;
    islanded += row.islanded;
    partial += row.partial;
    without_car += !row.circuit_w(1);
    if (const auto minute = service::past_minute(row, house.in_force.settings))
      minutes.push_back(*minute);
  }
  for (const int some : {curtailed, islanded, partial, without_car}) EXPECT_GT(some, 20);

  service::Planner again{service::utc};
  again.recall(minutes, house.in_force.settings);
  again.note(house.view, house.in_force.settings);
  ASSERT_EQ(again.plan(house.view, house.in_force), std::nullopt);
  EXPECT_EQ(figures(*again.last()), figures(*house.planner.last()));
}

}  // namespace
}  // namespace esshub
