#include "publish/history/collector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/publish/history/house.hpp"

namespace esshub::publish {
namespace {

using namespace literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class HistoryCollectorTest : public testing::Test {
 protected:
  HistoryCollectorTest() { collector_.begin({}); }
  void run(Duration time, double grid_w = 1000.0, Duration step = 1s) {
    for (Duration gone{}; gone < time; gone += step) {
      house_.pass(step, grid_w);
      collector_.update(house_.view);
    }
  }
  /// "kind name detail" of every event that waits.
  std::vector<std::string> events() {
    std::vector<std::string> all;
    for (const auto& event : collector_.waiting().events)
      all.push_back(event.kind + " " + event.name + " " + event.detail);
    return all;
  }
  std::size_t count(const std::string& start) {
    std::size_t n = 0;
    for (const auto& event : events())
      if (event.starts_with(start)) ++n;
    return n;
  }
  const DayRow& day(const std::string& date) { return collector_.waiting().days.at(date); }

  HistoryHouse house_{noon};
  HistoryCollector collector_;
};

TEST_F(HistoryCollectorTest, AMinuteIsTheMeanOfWhatWasCurrent) {
  run(29s, 1000.0);
  run(31s, 2000.0);  // the last of it begins the next minute
  ASSERT_THAT(collector_.waiting().minutes, SizeIs(1));
  const auto& row = collector_.waiting().minutes[0];
  EXPECT_EQ(row.begin, WallTime(std::chrono::seconds(noon)));
  EXPECT_NEAR(row.grid_w.value(), (29 * 1000.0 + 30 * 2000.0) / 59, 1e-9);
  EXPECT_DOUBLE_EQ(row.soc.value(), 55.5);
  EXPECT_EQ(row.solar_w, std::nullopt);
}

TEST_F(HistoryCollectorTest, AMinuteWithoutAnyReadingIsNoRow) {
  house_.view.snapshot = {};
  collector_.update(house_.view);
  for (int i = 0; i < 3; ++i) {
    house_.pass(1min);
    house_.view.snapshot = {};
    house_.view.decision.at = {};
    collector_.update(house_.view);
  }
  EXPECT_THAT(collector_.waiting().minutes, IsEmpty());
}

TEST_F(HistoryCollectorTest, ADayEndsAtTheSitesMidnight) {
  run(1s);
  run(11h + 59min + 58s, 1000.0, 1s);
  EXPECT_EQ(local_date(house_.view), "2026-01-15");
  run(10s);
  EXPECT_EQ(local_date(house_.view), "2026-01-16") << "23:00 UTC";
  EXPECT_NEAR(day("2026-01-15").energies[Flow::grid_import], (12 * 3600.0 - 2) * 1000, 1e-3);
  EXPECT_DOUBLE_EQ(day("2026-01-16").energies[Flow::grid_import], 10 * 1000.0);
}

TEST_F(HistoryCollectorTest, TheCalendarIsTheSitesEverywhereOnEarth) {
  struct Row {
    std::int64_t utc;
    int minute, weekday;
    const char* date;
  };
  View view;
  for (const auto& [utc, minute, weekday, date] :
       {Row{noon, 12 * 60, 4, "2026-01-15"}, Row{noon, 1 * 60, 5, "2026-01-16"},  // UTC+14
        Row{noon - 7200, 22 * 60, 3, "2026-01-14"},                               // UTC-11
        Row{1772323200, 0, 7, "2026-03-01"}, Row{1772323200 - 1, 1439, 6, "2026-02-28"}}) {
    view.wall = WallTime(std::chrono::seconds(utc));
    view.local = {minute, weekday, true};
    EXPECT_EQ(local_date(view), date);
  }
}

TEST_F(HistoryCollectorTest, MoneyIsCountedAtThePriceOfTheMoment) {
  collector_.update(house_.view);
  house_.view.decision.policy.import_price = 0.20;
  run(1h, 3600.0);
  house_.view.decision.policy.import_price = 0.40;
  run(1h, 3600.0);
  house_.view.decision.policy.import_price.reset();
  run(1h, 3600.0);
  EXPECT_NEAR(day("2026-01-15").import_cost.value(), 3.6 * 0.20 + 3.6 * 0.40, 1e-9);
  EXPECT_NEAR(day("2026-01-15").import_unpriced_j, 3.6 * 3.6e6, 1e-3);
  EXPECT_EQ(day("2026-01-15").export_income, std::nullopt) << "no price was ever known";
}

TEST_F(HistoryCollectorTest, WithoutATrustedClockNothingIsDated) {
  house_.view.local.trusted = false;
  collector_.note("system", "started", "");
  run(5min);
  EXPECT_THAT(collector_.waiting().minutes, IsEmpty());
  EXPECT_THAT(collector_.waiting().days, IsEmpty());
  EXPECT_THAT(collector_.waiting().events, IsEmpty());
  EXPECT_NEAR(collector_.waiting().energies[Flow::grid_import], 299 * 1000.0, 1e-6)
      << "the totals need no clock";
}

TEST_F(HistoryCollectorTest, WhatWaitedForTheClockIsDatedOnceItIsTrusted) {
  house_.view.local.trusted = false;
  house_.step(-240h);  // a board without a clock of its own
  collector_.note("system", "started", "");
  run(5min);
  house_.step(240h);
  house_.view.local.trusted = true;
  run(1s);
  EXPECT_NEAR(day("2026-01-15").energies[Flow::grid_import], 300 * 1000.0, 1e-6);
  EXPECT_NEAR(day("2026-01-15").import_unpriced_j, 300 * 1000.0, 1e-6);
  ASSERT_THAT(events(), testing::Contains("system started "));
  for (const auto& event : collector_.waiting().events)
    if (event.name == "started") {
      EXPECT_EQ(event.at, WallTime(std::chrono::seconds(noon + 1)));
    }
}

TEST_F(HistoryCollectorTest, EnergyOfAnUnknownDayIsInNoDayButMarked) {
  house_.view.local.trusted = false;
  run(13h, 1000.0, 1min);  // across midnight
  house_.view.local.trusted = true;
  run(2s);
  EXPECT_THAT(collector_.waiting().days, SizeIs(1));
  EXPECT_NEAR(day("2026-01-16").energies[Flow::grid_import], 2 * 1000.0, 1e-6);
  EXPECT_EQ(count(R"(system energies_undated {"battery_charge_wh":0,"battery_discharge_wh":0,)"
                  R"("grid_export_wh":0,"grid_import_wh":12983,)"),
            1u);
}

/// In minutes after noon.
std::set<std::int64_t> begins(const HistoryBatch& batch) {
  std::set<std::int64_t> all;
  for (const auto& row : batch.minutes)
    all.insert(
        (std::chrono::floor<std::chrono::seconds>(row.begin).time_since_epoch().count() - noon) /
        60);
  return all;
}

TEST_F(HistoryCollectorTest, WhatAJumpingClockWouldHaveDatedIsDatedByTheSteadyOne) {
  constexpr auto years = 20 * 365 * 24h;
  run(2min);
  house_.step(years);
  collector_.note("command", "set_reserve", "reserve=30");
  run(2min);
  EXPECT_THAT(begins(collector_.waiting()), ElementsAre(0, 1, 2)) << "the wrong clock's wait";
  EXPECT_EQ(count("command"), 0u);
  house_.step(-years);
  run(61s);
  EXPECT_THAT(begins(collector_.waiting()), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(count("command"), 1u);
  EXPECT_LT(collector_.waiting().events.back().at, WallTime(std::chrono::seconds(noon + 300)));
  EXPECT_THAT(collector_.waiting().days, SizeIs(1));
  EXPECT_NEAR(day("2026-01-15").energies[Flow::grid_import], 300e3, 2e3);
}

TEST_F(HistoryCollectorTest, AJumpThatLastsDatesWhatWaitedByTheNewClock) {
  run(1min);
  house_.step(5h);
  run(59min);
  EXPECT_THAT(begins(collector_.waiting()), ElementsAre(0, 1));
  run(2min);
  std::set<std::int64_t> expected{0, 1};
  for (std::int64_t minute = 301; minute <= 361; ++minute) expected.insert(minute);
  EXPECT_EQ(begins(collector_.waiting()), expected);
}

TEST_F(HistoryCollectorTest, AStopWhileTheClockIsInDoubtDatesByTheOneBelieved) {
  run(1min);
  house_.step(20 * 365 * 24h);
  run(3min);
  collector_.finish();
  EXPECT_THAT(begins(collector_.waiting()), ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(HistoryCollectorTest, FaultsAreNotedWhenRaisedAndWhenCleared) {
  run(2s);
  house_.view.decision.faults.set(Fault::bms_lost, true, house_.view.now);
  const auto raised = house_.view.wall;
  run(30s);
  house_.view.decision.faults.set(Fault::bms_lost, false, house_.view.now);
  run(1s);
  EXPECT_EQ(count(R"(fault bms_lost {"severity":"critical","state":"raised"})"), 1u);
  EXPECT_EQ(count(R"(fault bms_lost {"lasted_s":31,"state":"cleared"})"), 1u);
  for (const auto& event : collector_.waiting().events)
    if (event.detail.find("raised") != event.detail.npos) {
      EXPECT_EQ(event.at, raised);
    }
}

TEST_F(HistoryCollectorTest, ADecisionIsNotedWhenItsReasonsChange) {
  run(20s);
  house_.decide({Cause::self_consumption, Cause::slew, Cause::reserve});
  run(20s);
  house_.decide({Cause::self_consumption, Cause::reserve});  // the slew comes and goes
  run(20s);
  EXPECT_EQ(count(R"(decision self_consumption {"battery_w":0,"limits":[)"), 2u);
  EXPECT_EQ(
      count(R"(decision self_consumption {"battery_w":0,"limits":["reserve"],"proposed_w":0})"),
      1u);
}

TEST_F(HistoryCollectorTest, ADecisionThatFlipsAllTheTimeIsNotedEvery10s) {
  for (int i = 0; i < 600; ++i) {
    if (i % 2 == 0)
      house_.decide({Cause::self_consumption, Cause::bms_discharge_limit});
    else
      house_.decide({Cause::self_consumption});
    house_.pass(100ms);
    collector_.update(house_.view);
  }
  EXPECT_LE(count("decision self_consumption"), 7u);
}

TEST_F(HistoryCollectorTest, APolicyIsNotedWhenItChanges) {
  run(20s);
  house_.view.decision.policy.authority = Authority::manual;
  house_.view.decision.policy.instruction.kind = InstructionKind::charge;
  house_.view.decision.policy.reserve = 40.0_soc;
  run(60s);
  EXPECT_EQ(count("decision policy "), 2u);
  EXPECT_EQ(count(R"(decision policy {"authority":"manual","ceiling_percent":0,"floor_percent":0,)"
                  R"("instruction":{"high_percent":100,"keeps_charge":false,"kind":"charge",)"
                  R"("low_percent":0,"power_w":0,"target_percent":0},"mode":"balance",)"
                  R"("reserve_percent":40,"storm":false})"),
            1u);
}

TEST_F(HistoryCollectorTest, TheMarksOfASmartPlanAreNoEventsOfTheirOwn) {
  auto& policy = house_.view.decision.policy;
  policy.authority = Authority::smart;
  run(60s);
  const auto before = count("decision policy ");
  policy.instruction.high = 87.0_soc;
  run(60s);
  policy.instruction.high = 85.0_soc;
  run(60s);
  EXPECT_EQ(count("decision policy "), before);
  policy.instruction.kind = InstructionKind::charge;
  run(60s);
  EXPECT_EQ(count("decision policy "), before + 1);
}

TEST_F(HistoryCollectorTest, WhatCouldNotBeWrittenGoesBeforeWhatCameSince) {
  run(2min + 1s);
  auto batch = collector_.take();
  EXPECT_THAT(batch.minutes, SizeIs(2));
  EXPECT_TRUE(collector_.waiting().empty());
  run(2min);
  collector_.put_back(std::move(batch));
  const auto& waiting = collector_.waiting();
  ASSERT_THAT(waiting.minutes, SizeIs(4));
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(waiting.minutes[i].begin,
              WallTime(std::chrono::seconds(noon) + std::chrono::minutes(i)));
  EXPECT_NEAR(waiting.energies[Flow::grid_import], 240 * 1000.0, 1e-6);
  EXPECT_NEAR(day("2026-01-15").energies[Flow::grid_import], 240 * 1000.0, 1e-6);
}

TEST_F(HistoryCollectorTest, MemoryIsBoundedAndWhatIsLostIsCounted) {
  run(26h, 1000.0, 1min);
  EXPECT_THAT(collector_.waiting().minutes, SizeIs(HistoryCollector::most_minutes));
  EXPECT_EQ(collector_.dropped(), 26 * 60 - 1 - HistoryCollector::most_minutes);
  EXPECT_EQ(collector_.waiting().minutes.back().begin,
            std::chrono::floor<std::chrono::minutes>(house_.view.wall) - 1min)
      << "the newest are kept";
  const auto before = collector_.dropped();
  const auto events_before = collector_.waiting().events.size();
  for (std::size_t i = 0; i < HistoryCollector::most_events + 10; ++i)
    collector_.note("command", "set_mode", "");
  run(1s);
  EXPECT_THAT(collector_.waiting().events, SizeIs(HistoryCollector::most_events));
  EXPECT_GE(collector_.dropped(), before + 10 + events_before);
}

}  // namespace
}  // namespace esshub::publish
