#include "service/supervision.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

namespace esshub::service {
namespace {

/// The control, a bus and the publisher in virtual time.
class SupervisionTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto id : {control_, bus_, publisher_}) policy_.on_started(id, now_);
  }
  /// Time passes with everybody well except those named.
  void live(Duration time, const std::vector<Supervision::PartId>& silent = {},
            bool healthy = true) {
    const auto speaks = [&](auto id) { return std::ranges::find(silent, id) == silent.end(); };
    for (const auto end = now_ + time; now_ < end; now_ += 500ms) {
      if (speaks(control_)) policy_.on_control_heartbeat(control_, healthy, now_);
      if (speaks(bus_)) policy_.on_heartbeat(bus_, now_);
      look();
    }
  }
  void look() {
    const auto due = policy_.look(now_);
    started_.insert(started_.end(), due.start.begin(), due.start.end());
    ended_.insert(ended_.end(), due.end.begin(), due.end.end());
    if (policy_.feed_watchdog()) ++fed_;
    for (auto& event : policy_.take_events()) log_.push_back(std::move(event));
  }
  [[nodiscard]] auto events(std::string_view name) const {
    return std::ranges::count(log_, name, &Event::name);
  }

  Supervision policy_;
  Supervision::PartId control_ = policy_.add("control", true);
  Supervision::PartId publisher_ = policy_.add("publisher", false);
  Supervision::PartId bus_ = policy_.add("bus.meters", true);
  Instant now_{1000s};
  std::vector<Supervision::PartId> started_, ended_;
  std::vector<Event> log_;
  int fed_ = 0;
};

TEST_F(SupervisionTest, TheWatchdogIsFedOnceAHealthyHeartbeat) {
  look();
  EXPECT_EQ(fed_, 0);
  policy_.on_control_heartbeat(control_, true, now_);
  look();
  look();
  EXPECT_EQ(fed_, 1);
  policy_.on_control_heartbeat(control_, false, now_);
  look();
  EXPECT_EQ(fed_, 1);
}

TEST_F(SupervisionTest, ReadyIsSaidOnceWithTheFirstHealthyHeartbeat) {
  policy_.on_control_heartbeat(control_, false, now_);
  EXPECT_FALSE(policy_.became_ready());
  policy_.on_control_heartbeat(control_, true, now_);
  EXPECT_TRUE(policy_.became_ready());
  policy_.on_control_heartbeat(control_, true, now_);
  EXPECT_FALSE(policy_.became_ready());
}

TEST_F(SupervisionTest, ASilentVitalPartIsStuckOnceAfterFiveSecondsAndStarvesTheWatchdog) {
  live(5s, {bus_});
  EXPECT_FALSE(policy_.state().stuck);
  live(3s, {bus_});
  EXPECT_TRUE(policy_.state().stuck);
  EXPECT_EQ(events("actor_stuck"), 1);
  EXPECT_EQ(ended_, std::vector{bus_});
  const int fed = fed_;
  live(3s, {bus_});
  EXPECT_EQ(fed_, fed);
  live(1s);
  EXPECT_FALSE(policy_.state().stuck) << "it speaks again";
  EXPECT_GT(fed_, fed);
}

TEST_F(SupervisionTest, ThePublisherOwesNoHeartbeat) {
  live(1h);
  EXPECT_TRUE(ended_.empty());
  EXPECT_TRUE(log_.empty());
}

TEST_F(SupervisionTest, RestartsBackOffFromHalfASecondToThirtyAndForgetAfterACleanHour) {
  std::vector<Duration> waits;
  const auto die = [&] {
    policy_.on_death(bus_, now_);
    const auto died = now_;
    const auto before = started_.size();
    while (started_.size() == before) live(500ms);
    waits.push_back(now_ - 500ms - died);
  };
  for (int i = 0; i < 8; ++i) die();
  EXPECT_EQ(waits, (std::vector<Duration>{500ms, 1s, 2s, 4s, 8s, 16s, 30s, 30s}));
  EXPECT_EQ(policy_.restarts(bus_), 8u);
  live(61min);
  waits.clear();
  die();
  EXPECT_EQ(waits, std::vector<Duration>{500ms});
}

TEST_F(SupervisionTest, ADeadVitalPartIsAFaultUntilItIsStartedAgain) {
  policy_.on_death(bus_, now_);
  EXPECT_TRUE(policy_.state().stuck);
  live(1s);
  EXPECT_FALSE(policy_.state().stuck);
  EXPECT_EQ(events("actor_restart"), 1);
}

TEST_F(SupervisionTest, MoreThanThreeDeathsAnHourHoldTheSafeSetpointUntilTheHourIsClean) {
  for (int i = 0; i < 3; ++i) {
    policy_.on_death(bus_, now_);
    live(5s);
  }
  EXPECT_FALSE(policy_.state().hold_safe);
  policy_.on_death(bus_, now_);
  live(10s);
  EXPECT_TRUE(policy_.state().hold_safe);
  EXPECT_EQ(events("hold_safe"), 1);
  live(59min);
  EXPECT_TRUE(policy_.state().hold_safe);
  live(1min);
  EXPECT_FALSE(policy_.state().hold_safe);
}

TEST_F(SupervisionTest, APublisherThatDiesOftenHoldsNothing) {
  for (int i = 0; i < 6; ++i) {
    policy_.on_death(publisher_, now_);
    EXPECT_EQ(policy_.state(), ComponentsState{});
    live(40s);
  }
  EXPECT_EQ(std::ranges::count(started_, publisher_), 6);
}

TEST_F(SupervisionTest, FiveSecondsOfSilenceAreAllowedAndNotANanosecondMore) {
  policy_.on_heartbeat(bus_, now_);
  policy_.on_control_heartbeat(control_, true, now_);
  EXPECT_TRUE(policy_.look(now_ + 5s).end.empty());
  EXPECT_EQ(policy_.state(), ComponentsState{});
  policy_.on_control_heartbeat(control_, true, now_ + 5s);
  EXPECT_EQ(policy_.look(now_ + 5s + 1ns).end, std::vector{bus_});
  EXPECT_TRUE(policy_.state().stuck);
  EXPECT_FALSE(policy_.state().hold_safe);
  EXPECT_TRUE(policy_.look(now_ + 6s).end.empty()) << "it is asked to end once";
}

TEST_F(SupervisionTest, ADeadPartThatIsSilentIsNotAskedToEnd) {
  policy_.on_death(bus_, now_);
  policy_.on_death(bus_, now_);
  policy_.on_death(bus_, now_);
  policy_.on_death(bus_, now_);
  policy_.on_death(bus_, now_);  // the next start is due in 8 s
  policy_.on_control_heartbeat(control_, true, now_ + 6s);
  const auto due = policy_.look(now_ + 6s);
  EXPECT_TRUE(due.end.empty());
  EXPECT_TRUE(due.start.empty());
}

TEST_F(SupervisionTest, ARestartIsDueAtItsMomentAndCountsAsAHeartbeat) {
  policy_.on_death(bus_, now_);
  EXPECT_TRUE(policy_.look(now_ + 500ms - 1ns).start.empty());
  EXPECT_EQ(policy_.look(now_ + 500ms).start, std::vector{bus_});
  EXPECT_TRUE(policy_.look(now_ + 500ms).start.empty());
  policy_.on_control_heartbeat(control_, true, now_ + 5s);
  EXPECT_TRUE(policy_.look(now_ + 5500ms).end.empty());
  EXPECT_EQ(policy_.look(now_ + 5500ms + 1ns).end, std::vector{bus_});
}

TEST_F(SupervisionTest, TheHoldIsToldEachTimeAndSaysWhatItIs) {
  const auto die = [&](int times) {
    for (int i = 0; i < times; ++i) policy_.on_death(bus_, now_);
  };
  die(4);
  auto told = policy_.take_events();
  ASSERT_EQ(told.size(), 5u);
  EXPECT_EQ(told[0].name, "actor_restart");
  EXPECT_EQ(told[0].level, Level::error);
  EXPECT_EQ(told[0].detail, "actor=bus.meters restarts=1");
  EXPECT_EQ(told[3].detail, "actor=bus.meters restarts=4");
  EXPECT_EQ(told[4].name, "hold_safe");
  EXPECT_EQ(told[4].level, Level::critical);
  EXPECT_EQ(told[4].detail, "reason=\"a part of the hub dies again and again\"");
  EXPECT_TRUE(policy_.take_events().empty());
  EXPECT_TRUE(policy_.state().hold_safe);
  const auto died = now_;
  now_ += 500ms;
  live(1h - 1s);
  static_cast<void>(policy_.look(died + 1h));
  EXPECT_TRUE(policy_.state().hold_safe) << "the hour is not over";
  static_cast<void>(policy_.look(died + 1h + 1ns));
  EXPECT_FALSE(policy_.state().hold_safe);
  log_.clear();
  die(4);
  look();
  EXPECT_EQ(events("hold_safe"), 1);
}

TEST_F(SupervisionTest, TheDeathsOfTwoPartsAreNotAddedUp) {
  for (int i = 0; i < 3; ++i) {
    policy_.on_death(bus_, now_);
    policy_.on_death(control_, now_);
  }
  EXPECT_FALSE(policy_.state().hold_safe);
}

TEST_F(SupervisionTest, ASilentPartIsNamed) {
  now_ += 6s;
  policy_.on_control_heartbeat(control_, true, now_);
  look();
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_EQ(log_[0].level, Level::critical);
  EXPECT_EQ(log_[0].name, "actor_stuck");
  EXPECT_EQ(log_[0].detail, "actor=bus.meters");
  EXPECT_EQ(policy_.name(bus_), "bus.meters");
}

TEST_F(SupervisionTest, AHeartbeatOfABusFeedsNobody) {
  policy_.on_heartbeat(bus_, now_);
  look();
  EXPECT_EQ(fed_, 0);
  EXPECT_FALSE(policy_.became_ready());
}

}  // namespace
}  // namespace esshub::service
