#include "actors/planner.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "config/time_zone.hpp"
#include "service/slot_ring.hpp"
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
};

struct Bench {
  Bench() {
    in_force.settings.tariff.import_price = 0.3;
    in_force.settings.tariff.bands = {{{control::every_day, 0, 300}, 0.07}};
    view.now = Instant{} + 1000s;
    view.wall = WallTime{std::chrono::seconds{1780272000}};
    view.local.trusted = true;
    view.snapshot.absorb({{Point::battery, Measure::capacity}, 100, view.now});
    view.snapshot.absorb({{Point::battery, Measure::soc}, 50, view.now});
  }
  service::CommandService::InForce in_force_now() const {
    auto now = in_force;
    now.mode = mode;
    if (!priced) now.settings.tariff = {};
    return now;
  }
  std::unique_ptr<PlannerThread> start() {
    return std::make_unique<PlannerThread>(
        PlannerDeps{.control = channel,
                    .history = history,
                    .zone = config::load_time_zone("Europe/London").value(),
                    .in_force = [this] { return in_force_now(); },
                    .events = log.sink()});
  }
  /// Views, so far apart, until it is so.
  template <class Condition>
  bool until(PlannerThread& planner, Condition condition, Duration apart = 1min) {
    for (const auto end = std::chrono::steady_clock::now() + 20s;
         std::chrono::steady_clock::now() < end;) {
      planner.update(view);
      std::this_thread::sleep_for(20ms);
      if (condition()) return true;
      view.now += apart;
      view.wall += std::chrono::duration_cast<WallTime::duration>(apart);
    }
    return false;
  }
  service::CommandService::InForce in_force;  ///< but for what follows
  std::atomic<Mode> mode = Mode::smart;
  std::atomic<bool> priced = true;
  View view;
  std::shared_ptr<ControlChannel> channel = std::make_shared<ControlChannel>();
  std::shared_ptr<SteadyHistory> history = std::make_shared<SteadyHistory>();
  EventLog log;
};

TEST(PlannerThreadTest, PlansFromTheHistoryAndGivesItToTheControlAgainAndAgain) {
  Bench b;
  const auto planner = b.start();
  ASSERT_TRUE(b.until(*planner, [&] { return !planner->spans().empty(); }));
  EXPECT_EQ(b.history->asked.load(), service::SlotRing::days) << "once, a day at a time";
  const control::MarkTable* again = nullptr;
  ASSERT_TRUE(b.until(*planner, [&] { return (again = b.channel->plan.take()) && again->count; }));
  ASSERT_TRUE(b.until(*planner, [&] { return (again = b.channel->plan.take()) != nullptr; }));
  EXPECT_GT(again->count, 100u);
  const auto shown = planner->newest();
  EXPECT_TRUE(shown.in_force);
  ASSERT_TRUE(shown.plan);
  EXPECT_LE(shown.plan->slots.size(), 145u) << "36 h";
  EXPECT_EQ(b.history->asked.load(), service::SlotRing::days);
  b.mode = Mode::balance;
  EXPECT_FALSE(planner->newest().in_force) << "at once";
  EXPECT_FALSE(planner->newest().plan);
}

TEST(PlannerThreadTest, TakesAPlanBackThatWasMadeForOtherPrices) {
  Bench b;
  const auto planner = b.start();
  const control::MarkTable* table = nullptr;
  ASSERT_TRUE(b.until(*planner, [&] { return (table = b.channel->plan.take()) && table->count; }));
  b.priced = false;
  ASSERT_TRUE(b.until(*planner, [&] { return (table = b.channel->plan.take()) && !table->count; }));
  EXPECT_TRUE(planner->spans().empty());
  EXPECT_FALSE(planner->newest().plan);
  EXPECT_EQ(planner->newest().problem, "price_unknown");
}

TEST(PlannerThreadTest, AsksForTheHistoryEachMinuteUntilItHasAllOfIt) {
  Bench b;
  b.history->answers = 2;
  b.history->failures = 3;
  const auto planner = b.start();
  b.until(
      *planner, [n = 0]() mutable { return ++n > 5; }, 0s);
  EXPECT_EQ(b.history->asked.load(), 3);
  ASSERT_TRUE(b.until(*planner, [&] { return !planner->spans().empty(); }));
  EXPECT_EQ(b.history->asked.load(), 2 + 3 + service::SlotRing::days) << "all days anew";
  EXPECT_EQ(b.log.count("planner history_not_read"), 1u);
  EXPECT_EQ(planner->newest().plan->days, 14);
  b.until(*planner, [n = 0]() mutable { return ++n > 5; });
  EXPECT_EQ(b.history->asked.load(), 2 + 3 + service::SlotRing::days);
}

TEST(PlannerThreadTest, PlansAsSoonAsTheBmsHasToldCapacityAndSoc) {
  Bench b;
  const auto told = std::exchange(b.view.snapshot, {});
  const auto planner = b.start();
  b.until(
      *planner, [n = 0]() mutable { return ++n > 5; }, 0s);
  EXPECT_EQ(b.log.count("planner no_plan"), 0u);
  b.view.snapshot = told;
  ASSERT_TRUE(b.until(
      *planner, [&] { return !planner->spans().empty(); }, 0s))
      << "no minute later";
  EXPECT_EQ(b.log.count("planner no_plan"), 0u);
}

TEST(PlannerThreadTest, WithoutHistoryItSaysOnceWhatIsInTheWay) {
  Bench b;
  b.history->failures = 1000;
  const auto planner = b.start();
  ASSERT_TRUE(b.until(*planner, [&] { return b.log.count("planner no_plan") > 0; }));
  b.until(*planner, [n = 0]() mutable { return ++n > 5; });
  EXPECT_EQ(b.log.count("planner no_plan"), 1u);
  EXPECT_EQ(b.log.count("planner history_not_read"), 1u);
  EXPECT_TRUE(planner->spans().empty());
  EXPECT_EQ(planner->newest().problem, "too_few_days");
  const auto* const table = b.channel->plan.take();
  ASSERT_TRUE(table);
  EXPECT_EQ(table->count, 0u);
}

TEST(PlannerThreadTest, WithoutAClockItWaits) {
  Bench b;
  b.view.local.trusted = false;
  const auto planner = b.start();
  b.until(*planner, [n = 0]() mutable { return ++n > 5; });
  EXPECT_EQ(b.history->asked.load(), 0);
  EXPECT_EQ(b.channel->plan.take(), nullptr);
}

}  // namespace
}  // namespace esshub::actors
