#include "actors/planner.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "actors/record_thread.hpp"
#include "config/time_zone.hpp"
#include "service/slot_ring.hpp"
#include "tests/actors/hung_history.hpp"
#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

using namespace esshub::literals;

/// 300 W of house at any time that is asked for.
class SteadyHistory final : public publish::HistoryReader {
 public:
  Result<std::vector<publish::MinuteRow>> minutes(WallTime from, WallTime until) override {
    ++asked;
    if (asked > answers && asked <= answers + failures) return fail(ErrorKind::io, "no disk");
    std::vector<publish::MinuteRow> rows;
    for (WallTime at = from; at < until; at += std::chrono::minutes{1}) {
      publish::MinuteRow row;
      row.begin = at;
      row.house_w = 300;
      row.solar_w = 0;
      if (car_w) row.circuits_w = {car_w};
      rows.push_back(row);
    }
    return rows;
  }
  Result<std::vector<publish::DayRow>> days(unsigned) override { return {}; }
  Result<std::vector<publish::HistoryEvent>> events(WallTime, WallTime, unsigned) override {
    return {};
  }
  std::atomic<int> asked = 0;
  int answers = 0;  ///< before the failures
  int failures = 0;
  std::optional<double> car_w{};
};

struct Bench {
  Bench() {
    in_force.mode = Mode::smart;
    in_force.settings.tariff.import_price = 0.3;
    in_force.settings.tariff.bands = {{{control::every_day, 0, 300}, 0.07}};
    view.now = Instant{} + 1000s;
    view.wall = WallTime{std::chrono::seconds{1780272000}};
    view.local.trusted = true;
    view.snapshot.absorb({{Point::battery, Measure::capacity}, 100, view.now});
    tell_soc();
  }
  std::unique_ptr<PlannerThread> start(std::function<void(const RecordInput&)> record = {}) {
    return std::make_unique<PlannerThread>(
        PlannerDeps{.control = channel,
                    .history = history,
                    .zone = config::load_time_zone("Europe/London").value(),
                    .record = std::move(record),
                    .in_force = [this] { return in_force_now(); },
                    .events = log.sink()});
  }
  /// So much later: returns when the thread is done with the View of then. Throws where it hangs.
  void pass(PlannerThread& planner, Duration time = {}) {
    view.now += time;
    view.wall += std::chrono::duration_cast<WallTime::duration>(time);
    if (view.snapshot.soc()) tell_soc();
    put(planner);
    put(planner);  // taken when the thread is done with the one before
  }
  void tell_soc() { view.snapshot.absorb({{Point::battery, Measure::soc}, 50, view.now}); }

  service::CommandService::InForce in_force;  ///< of the thread during a pass()
  View view;
  std::shared_ptr<ControlChannel> channel = std::make_shared<ControlChannel>();
  std::shared_ptr<SteadyHistory> history = std::make_shared<SteadyHistory>();
  EventLog log;

 private:
  /// The thread asks once for each View that it takes.
  service::CommandService::InForce in_force_now() {
    const std::lock_guard lock(mutex);
    ++asked;
    changed.notify_all();
    return in_force;
  }
  void put(PlannerThread& planner) {
    std::unique_lock lock(mutex);
    const int before = asked;
    planner.update(view);
    if (!changed.wait_for(lock, 5min, [&] { return asked > before; }))
      throw std::runtime_error("the planner hangs");
  }
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  int asked = 0;
};

TEST(PlannerThreadTest, PlansFromTheHistoryAndGivesItToTheControlAgainAndAgain) {
  Bench b;
  const auto planner = b.start();
  b.pass(*planner);
  EXPECT_FALSE(planner->spans().empty());
  EXPECT_EQ(b.history->asked.load(), service::SlotRing::days) << "once, a day at a time";
  const auto* table = b.channel->plan.take();
  ASSERT_TRUE(table);
  EXPECT_GT(table->count, 100u);
  const auto shown = planner->newest();
  EXPECT_TRUE(shown.in_force);
  ASSERT_TRUE(shown.plan);
  EXPECT_LE(shown.plan->slots.size(), 145u) << "36 h";
  b.pass(*planner, 1min - 1s);
  EXPECT_FALSE(b.channel->plan.take());
  b.pass(*planner, 1s);
  table = b.channel->plan.take();
  ASSERT_TRUE(table);
  EXPECT_GT(table->count, 100u);
  EXPECT_EQ(table->made, b.view.now - 1min);
  EXPECT_EQ(b.history->asked.load(), service::SlotRing::days);
  b.in_force.mode = Mode::balance;
  EXPECT_FALSE(planner->newest().in_force) << "at once";
  EXPECT_FALSE(planner->newest().plan);
}

TEST(PlannerThreadTest, TakesAPlanBackThatWasMadeForOtherPrices) {
  Bench b;
  const auto planner = b.start();
  b.pass(*planner);
  const auto* table = b.channel->plan.take();
  ASSERT_TRUE(table);
  EXPECT_GT(table->count, 0u);
  b.in_force.settings.tariff = {};
  b.pass(*planner, 1min);
  table = b.channel->plan.take();
  ASSERT_TRUE(table);
  EXPECT_EQ(table->count, 0u);
  EXPECT_EQ(table->made, b.view.now - 1min) << "it is told when it was made";
  EXPECT_TRUE(planner->spans().empty());
  EXPECT_FALSE(planner->newest().plan);
  EXPECT_EQ(planner->newest().problem, "price_unknown");
}

TEST(PlannerThreadTest, AsksForTheHistoryEachMinuteUntilItHasAllOfIt) {
  Bench b;
  b.history->answers = 2;
  b.history->failures = 3;
  const auto planner = b.start();
  b.pass(*planner);
  EXPECT_EQ(b.history->asked.load(), 2 + 1);
  b.pass(*planner, 1min - 1s);
  EXPECT_EQ(b.history->asked.load(), 2 + 1);
  b.pass(*planner, 1s);
  EXPECT_EQ(b.history->asked.load(), 2 + 2);
  b.pass(*planner, 1min);
  EXPECT_EQ(b.history->asked.load(), 2 + 3);
  EXPECT_TRUE(planner->spans().empty());
  b.pass(*planner, 1min);
  EXPECT_EQ(b.history->asked.load(), 2 + 3 + service::SlotRing::days) << "all days anew";
  EXPECT_FALSE(planner->spans().empty());
  EXPECT_EQ(b.log.count("planner history_not_read"), 1u);
  ASSERT_TRUE(planner->newest().plan);
  EXPECT_EQ(planner->newest().plan->days, 14);
  for (int n = 0; n < 5; ++n) b.pass(*planner, 1min);
  EXPECT_EQ(b.history->asked.load(), 2 + 3 + service::SlotRing::days);
}

TEST(PlannerThreadTest, AsksForTheHistoryAgainWhenTheBatteryServesOthers) {
  Bench b;
  b.in_force.settings.circuit_roles[0] = CircuitRole::ev;
  const auto planner = b.start();
  b.pass(*planner);
  EXPECT_EQ(b.history->asked.load(), service::SlotRing::days);
  EXPECT_FALSE(planner->spans().empty());
  const auto cost = [&] { return planner->newest().plan->cost_no_battery; };
  ASSERT_TRUE(planner->newest().plan);
  const double with_car = cost();
  b.history->car_w = 100;
  b.in_force.settings.battery_serves[CircuitRole::ev] = false;
  b.pass(*planner, 1min);
  EXPECT_EQ(b.history->asked.load(), 2 * service::SlotRing::days);
  ASSERT_TRUE(planner->newest().plan) << "in the same minute";
  EXPECT_NEAR(cost(), with_car * 2 / 3, 0.01 * with_car);
}

TEST(PlannerThreadTest, AHistoryWithoutTheCircuitThatIsNotServedTellsNothing) {
  Bench b;
  b.in_force.settings.circuit_roles[0] = CircuitRole::ev;
  b.in_force.settings.battery_serves[CircuitRole::ev] = false;
  const auto planner = b.start();
  b.pass(*planner);
  EXPECT_EQ(planner->newest().problem, "too_few_days");
}

TEST(PlannerThreadTest, PlansAsSoonAsTheBmsHasToldCapacityAndSoc) {
  Bench b;
  const auto told = std::exchange(b.view.snapshot, {});
  const auto planner = b.start();
  b.pass(*planner);
  b.pass(*planner, 90s);
  EXPECT_TRUE(planner->spans().empty());
  EXPECT_EQ(b.log.count("planner no_plan"), 0u);
  b.view.snapshot = told;
  b.pass(*planner, 1s);
  EXPECT_FALSE(planner->spans().empty()) << "no minute later";
  EXPECT_EQ(b.log.count("planner no_plan"), 0u);
}

TEST(PlannerThreadTest, WithoutHistoryItSaysOnceWhatIsInTheWay) {
  Bench b;
  b.history->failures = 1000;
  const auto planner = b.start();
  b.pass(*planner);
  EXPECT_EQ(b.log.count("planner no_plan"), 1u);
  for (int n = 0; n < 5; ++n) b.pass(*planner, 1min);
  EXPECT_EQ(b.history->asked.load(), 6);
  EXPECT_EQ(b.log.count("planner no_plan"), 1u);
  EXPECT_EQ(b.log.count("planner history_not_read"), 1u);
  EXPECT_TRUE(planner->spans().empty());
  EXPECT_EQ(planner->newest().problem, "too_few_days");
  const auto* const table = b.channel->plan.take();
  ASSERT_TRUE(table);
  EXPECT_EQ(*table, control::MarkTable{}) << "none was ever made";
}

TEST(PlannerThreadTest, WithoutAClockItWaits) {
  Bench b;
  b.view.local.trusted = false;
  const auto planner = b.start();
  for (int n = 0; n < 5; ++n) b.pass(*planner, 1min);
  EXPECT_EQ(b.history->asked.load(), 0);
  EXPECT_EQ(b.channel->plan.take(), nullptr);
}

TEST(PlannerThreadTest, GoesByAClockThatIsTrustedAgainAtOnce) {
  Bench b;
  const auto planner = b.start();
  b.pass(*planner);
  const auto* table = b.channel->plan.take();
  ASSERT_TRUE(table);
  const auto end = table->entries.at(0).end;
  b.view.wall += std::chrono::minutes{5};
  b.view.local.trusted = false;
  b.pass(*planner, 1s);
  EXPECT_FALSE(b.channel->plan.take());
  b.view.local.trusted = true;
  b.pass(*planner, 1s);
  table = b.channel->plan.take();
  ASSERT_TRUE(table) << "no minute later";
  EXPECT_EQ(table->entries.at(0).end, end - 5min);
  b.pass(*planner, 1s);
  EXPECT_FALSE(b.channel->plan.take()) << "once";
}

TEST(PlannerThreadTest, PlansAtOnceWhenSmartModeBegins) {
  Bench b;
  const auto planner = b.start();
  b.pass(*planner);
  EXPECT_EQ(b.log.count("planner planned"), 1u);
  b.in_force.mode = Mode::balance;
  b.pass(*planner, 11h);
  static_cast<void>(b.channel->plan.take());
  b.pass(*planner, 1s);
  EXPECT_FALSE(b.channel->plan.take()) << "no minute has passed";
  EXPECT_EQ(b.log.count("planner planned"), 1u);
  b.in_force.mode = Mode::smart;
  b.pass(*planner, 1s);
  EXPECT_EQ(b.log.count("planner planned"), 2u) << "no minute later";
  const auto* table = b.channel->plan.take();
  ASSERT_TRUE(table);
  EXPECT_EQ(table->made, b.view.now);
}

std::shared_ptr<SmartRecord> record_of(Bench& b, std::shared_ptr<publish::HistoryReader> history) {
  return std::make_shared<SmartRecord>(SmartRecordDeps{.state_dir = "",
                                                       .history = std::move(history),
                                                       .zone = civil_time::Zone::utc(),
                                                       .events = b.log.sink(),
                                                       .storage_failed = [](bool) { FAIL(); }});
}

TEST(PlannerThreadTest, RecordsThePlansForAsLongAsTheyHold) {
  Bench b;
  const auto record = record_of(b, b.history);
  const auto planner = b.start([&](const RecordInput& input) { record->look(input); });
  b.pass(*planner);
  b.pass(*planner, 1h);
  b.in_force.mode = Mode::balance;
  b.pass(*planner, 1h);
  b.in_force.mode = Mode::smart;
  b.pass(*planner, 1h);
  EXPECT_EQ(b.log.count("planner planned"), 1u) << "the plan of before";
  b.in_force.mode = Mode::balance;
  b.pass(*planner, 1h);
  b.pass(*planner, 24h);
  ASSERT_TRUE(record->yesterday());
  EXPECT_EQ(record->yesterday()->planned.size(), 8u + 4u) << "two hours and one";
}

TEST(PlannerThreadTest, PlansWhileTheDiskOfTheRecordHangs) {
  Bench b;
  const auto hung = std::make_shared<HungHistory>();
  RecordThread thread{record_of(b, hung)};
  const auto planner = b.start([&](const RecordInput& input) { thread.put(input); });
  b.pass(*planner);
  hung->hangs.get_future().wait();
  static_cast<void>(b.channel->plan.take());
  static_cast<void>(b.channel->prices.take());
  b.pass(*planner, 1min);
  EXPECT_TRUE(b.channel->plan.take());
  EXPECT_TRUE(b.channel->prices.take());
  thread.close();  // it does not wait for ever
  hung->let_go.set_value();
}

}  // namespace
}  // namespace esshub::actors
