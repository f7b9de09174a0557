// Safety contract F11, clause by clause, and what of I12 is supervision's.
#include "service/supervision.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace esshub::service {
namespace {

using PartId = Supervision::PartId;
using Role = Supervision::Role;

/// A hub in virtual time: its parts' threads as the supervisor sees them, twice a second.
class SupervisionTest : public testing::Test {
 protected:
  enum class Doing { beats, sleeps, burns, hangs };  ///< hangs: in a call, see call_

  void SetUp() override {
    for (const auto id : {control_, publisher_, inverter_, garage_}) policy_.on_started(id, now_);
  }
  /// Time passes; who is dead does nothing until it is started again.
  void live(Duration time) {
    for (const auto end = now_ + time; now_ < end;) {
      now_ += 500ms;
      for (const auto id : {control_, publisher_, inverter_, garage_})
        if (!dead_.contains(id)) act(id, 500ms);
      look();
    }
  }
  void act(PartId id, Duration time) {
    auto& beat = beats_[id];
    switch (doing_[id]) {
      case Doing::beats:
        ++beat.count;
        beat.call_age = {};
        beat.call.clear();
        beat.cpu += 10ms;
        break;
      case Doing::sleeps:
        break;
      case Doing::burns:
        beat.cpu += std::chrono::duration_cast<Duration>(time * share_);
        break;
      case Doing::hangs:
        beat.call = call_;
        beat.call_age += time;
        break;
    }
    policy_.on_beat(id, beat, now_);
  }
  void look() {
    const auto start = policy_.look(now_);
    for (const auto id : start) {
      started_.emplace_back(id, now_);
      dead_.erase(id);
    }
    fed_ += policy_.feed_watchdog() ? 1 : 0;
    for (auto& event : policy_.take_events()) log_.push_back(std::move(event));
  }
  void kill(PartId id) {
    policy_.on_death(id, now_);
    dead_.insert(id);
  }
  /// Dies and is started again, `times` times.
  void die(PartId id, int times = 1) {
    for (int i = 0; i < times; ++i) {
      kill(id);
      const auto before = started_.size();
      for (int looks = 0; started_.size() == before && looks < 100; ++looks) live(500ms);
      ASSERT_GT(started_.size(), before);
    }
  }
  [[nodiscard]] auto events(std::string_view name) const {
    return std::ranges::count(log_, name, &Event::name);
  }
  [[nodiscard]] std::string detail(std::string_view name) const {
    const auto found = std::ranges::find(log_, name, &Event::name);
    return found == log_.end() ? "no such event" : found->detail;
  }
  [[nodiscard]] Level level(std::string_view name) const {
    const auto found = std::ranges::find(log_, name, &Event::name);
    return found == log_.end() ? Level::debug : found->level;
  }
  /// Feedings of the watchdog in this time.
  int fed_in(Duration time) {
    const int before = fed_;
    live(time);
    return fed_ - before;
  }

  Supervision policy_;
  PartId control_ = policy_.add("control", Role::control);
  PartId publisher_ = policy_.add("publisher", Role::publisher);
  PartId inverter_ = policy_.add("bus.inverter", Role::vital_bus);
  PartId garage_ = policy_.add("bus.garage", Role::bus);
  Instant now_{1000s};
  std::set<PartId> dead_;
  std::map<PartId, Doing> doing_;
  std::map<PartId, Supervision::Beat> beats_;
  double share_ = 1.0;  ///< of a core, while it burns
  std::string call_ = "open";
  std::vector<std::pair<PartId, Instant>> started_;
  std::vector<Event> log_;
  int fed_ = 0;
};

TEST_F(SupervisionTest, WhileAllBeatTheWatchdogIsFedAndNobodyIsTold) {
  EXPECT_EQ(fed_in(10s), 20);
  live(2h);
  EXPECT_EQ(policy_.state(), ComponentsState{});
  EXPECT_EQ(policy_.trouble(), "");
  EXPECT_TRUE(log_.empty());
  EXPECT_TRUE(started_.empty());
}

TEST_F(SupervisionTest, ReadyIsSaidOnceWithTheFirstHeartbeatOfTheControl) {
  policy_.on_beat(inverter_, {.count = 1}, now_);
  policy_.on_beat(control_, {.count = 0}, now_);
  EXPECT_FALSE(policy_.became_ready());
  EXPECT_FALSE(policy_.feed_watchdog());
  policy_.on_beat(control_, {.count = 1}, now_);
  EXPECT_TRUE(policy_.became_ready());
  policy_.on_beat(control_, {.count = 2}, now_);
  EXPECT_FALSE(policy_.became_ready());
}

TEST_F(SupervisionTest, APartThatWasNotStartedYetIsNotThere) {
  Supervision fresh;
  const auto control = fresh.add("control", Role::control);
  EXPECT_EQ(fresh.state(), (ComponentsState{.stuck = true, .hold_safe = false}));
  fresh.on_started(control, now_);
  EXPECT_EQ(fresh.state(), ComponentsState{});
}

// ---- "is stuck": detected within 5 s, named with call and age --------------------------------

TEST_F(SupervisionTest, FiveSecondsOfSilenceAreAllowedAndNotANanosecondMore) {
  policy_.on_beat(inverter_, {.count = 1}, now_);
  for (Duration t = 500ms; t <= 5s; t += 500ms) {
    act(control_, 0s), act(publisher_, 0s), act(garage_, 0s);
    static_cast<void>(policy_.look(now_ + t));
  }
  EXPECT_EQ(policy_.state().stuck, false);
  static_cast<void>(policy_.look(now_ + 5s + 1ns));
  EXPECT_EQ(policy_.state().stuck, true);
}

TEST_F(SupervisionTest, AHangingCallIsNamedOnceWithItsAgeAndSoIsItsEnd) {
  doing_[inverter_] = Doing::hangs;
  live(20s);
  EXPECT_EQ(events("actor_stuck"), 1);
  EXPECT_EQ(detail("actor_stuck"), "actor=bus.inverter call=open age=5.5s");
  EXPECT_EQ(policy_.trouble(), "bus.inverter stuck in open() for 20 s");
  live(5s);
  EXPECT_EQ(policy_.trouble(), "bus.inverter stuck in open() for 20 s") << "no line twice a second";
  live(3min);
  EXPECT_EQ(policy_.trouble(), "bus.inverter stuck in open() for 3 min");
  live(2h);
  EXPECT_EQ(policy_.trouble(), "bus.inverter stuck in open() for 2 h");
  doing_[inverter_] = Doing::beats;
  live(500ms);
  EXPECT_EQ(detail("actor_recovered"), "actor=bus.inverter");
  EXPECT_EQ(policy_.trouble(), "");
  EXPECT_EQ(policy_.state(), ComponentsState{});
}

TEST_F(SupervisionTest, SilentInNoMarkedCallIsNamedAllTheSameAndFeedsTheWatchdog) {
  doing_[inverter_] = Doing::sleeps;
  live(6s);
  EXPECT_EQ(detail("actor_stuck"), "actor=bus.inverter call=none age=5.5s");
  EXPECT_EQ(policy_.trouble(), "bus.inverter silent for 5 s");
  EXPECT_EQ(fed_in(10s), 20);
}

// ---- "safe setpoint if the bus is vital"; only vital parts hold the battery ------------------

TEST_F(SupervisionTest, AStuckVitalBusMeansTheSafeSetpointOnlyWhileItIsStuck) {
  doing_[inverter_] = Doing::hangs;
  live(6s);
  EXPECT_EQ(policy_.state(), (ComponentsState{.stuck = true, .hold_safe = true}));
  doing_[inverter_] = Doing::beats;
  live(500ms);
  EXPECT_EQ(policy_.state(), ComponentsState{});
}

TEST_F(SupervisionTest, AnotherBusOrThePublisherStuckIsToldAndHoldsNothing) {
  for (const auto id : {garage_, publisher_}) {
    doing_[id] = Doing::hangs;
    live(6s);
    EXPECT_EQ(policy_.state(), (ComponentsState{.stuck = true, .hold_safe = false}));
    doing_[id] = Doing::beats;
    live(1s);
  }
  EXPECT_EQ(events("actor_stuck"), 2);
}

// ---- "never replaced before it has ended, never the watchdog" --------------------------------

TEST_F(SupervisionTest, AHangingCallIsNeverReplacedAndNeverStarvesTheWatchdog) {
  for (const auto id : {inverter_, garage_, publisher_}) {
    doing_[id] = Doing::hangs;
    EXPECT_EQ(fed_in(1h), 7200);
    doing_[id] = Doing::beats;
  }
  EXPECT_TRUE(started_.empty());
  EXPECT_EQ(policy_.restarts(inverter_), 0u);
}

TEST_F(SupervisionTest, ACallThatSpinsInTheKernelCannotBeMendedByARestart) {
  doing_[inverter_] = Doing::hangs;
  live(1s);
  for (int i = 0; i < 20; ++i) {
    beats_[inverter_].cpu += 500ms;
    EXPECT_EQ(fed_in(500ms), 1);
  }
}

// ---- "the watchdog is not fed only for what a restart can mend" ------------------------------

TEST_F(SupervisionTest, ASilentControlStarvesTheWatchdogAtOnce) {
  live(1s);
  doing_[control_] = Doing::sleeps;
  EXPECT_EQ(fed_in(1min), 0);
  EXPECT_EQ(detail("watchdog_starved"), "actor=control reason=\"does not tick\"");
  EXPECT_EQ(events("watchdog_starved"), 1);
}

TEST_F(SupervisionTest, ASilentControlStarvesTheWatchdogAlsoWhileItHangsInACall) {
  doing_[control_] = Doing::hangs;
  EXPECT_EQ(fed_in(1min), 0);
}

TEST_F(SupervisionTest, ABusThatBurnsCpuWithoutAHeartbeatStarvesTheWatchdog) {
  for (const auto id : {inverter_, garage_}) {
    live(1s);
    log_.clear();
    doing_[id] = Doing::burns;
    live(5500ms);
    EXPECT_EQ(fed_in(1min), 0);
    EXPECT_EQ(detail("watchdog_starved"),
              "actor=" + policy_.name(id) + " reason=\"burns CPU without a heartbeat\"");
    EXPECT_EQ(detail("actor_stuck"), "actor=" + policy_.name(id) + " call=none age=5.5s");
    doing_[id] = Doing::beats;
    EXPECT_EQ(fed_in(10s), 20) << "it has found its way out";
  }
}

TEST_F(SupervisionTest, ABusThatBurnsFeedsTheWatchdogUntilItsFiveSecondsAreOver) {
  doing_[inverter_] = Doing::burns;
  EXPECT_EQ(fed_in(5s), 10);
}

TEST_F(SupervisionTest, BurningIsHalfACoreOfTheSilentTimeOrLaterAsMuchOnAFullMachine) {
  doing_[inverter_] = Doing::burns;
  share_ = 0.25;
  live(500ms);
  live(9500ms);
  EXPECT_EQ(events("watchdog_starved"), 0) << "2.375 s";
  live(500ms);
  EXPECT_EQ(events("watchdog_starved"), 1) << "2.5 s";
}

TEST_F(SupervisionTest, ALoopAroundCallsThatReturnBurnsToo) {
  doing_[inverter_] = Doing::burns;
  beats_[inverter_].call = "read";
  beats_[inverter_].call_age = 1s - 1ns;
  live(6s);
  EXPECT_EQ(events("watchdog_starved"), 1);
}

TEST_F(SupervisionTest, CpuUsedWhileItBeatIsNotHeldAgainstIt) {
  beats_[inverter_].cpu = 5h;
  live(1s);
  beats_[inverter_].cpu += 1h;
  live(1s);
  doing_[inverter_] = Doing::sleeps;
  EXPECT_EQ(fed_in(20s), 40);
}

TEST_F(SupervisionTest, ASuccessorsClockBeginsAnew) {
  beats_[inverter_].cpu = 5h;
  live(1s);
  kill(inverter_);
  live(1s);
  beats_[inverter_].cpu = 0s;
  doing_[inverter_] = Doing::sleeps;
  live(1s);
  doing_[inverter_] = Doing::burns;
  live(6s);
  EXPECT_EQ(events("watchdog_starved"), 1);
}

TEST_F(SupervisionTest, APublisherThatBurnsIsToldAndStarvesNothing) {
  doing_[publisher_] = Doing::burns;
  EXPECT_EQ(fed_in(1min), 120);
  EXPECT_EQ(events("actor_stuck"), 1);
}

// ---- in back-off or held safe is not silent --------------------------------------------------

TEST_F(SupervisionTest, WhileAPartWaitsForItsRestartTheWatchdogIsFed) {
  for (const auto id : {control_, inverter_, garage_, publisher_})
    for (int i = 0; i < 8; ++i) kill(id);
  EXPECT_EQ(fed_in(29500ms), 59);
  EXPECT_EQ(events("actor_stuck"), 0);
  EXPECT_TRUE(started_.empty());
  live(500ms);
  EXPECT_EQ(started_.size(), 4u);
}

TEST_F(SupervisionTest, TheWatchdogIsFedThroughTheWholeHold) {
  die(inverter_, 4);
  ASSERT_TRUE(policy_.state().hold_safe);
  EXPECT_EQ(fed_in(50min), 6000);
  EXPECT_TRUE(policy_.state().hold_safe);
}

TEST_F(SupervisionTest, AControlThatIsStartedAndNeverTicksStarvesTheWatchdog) {
  doing_[control_] = Doing::sleeps;
  die(control_);
  EXPECT_EQ(fed_in(1min), 0);
}

// ---- "died: restarted with back-off" ----------------------------------------------------------

TEST_F(SupervisionTest, RestartsBackOffFromHalfASecondToThirtyAndForgetAfterACleanHour) {
  for (const auto id : {control_, inverter_, garage_, publisher_}) {
    std::vector<Duration> waits;
    for (int i = 0; i < 8; ++i) {
      const auto died = now_;
      die(id);
      waits.push_back(started_.back().second - died);
      EXPECT_EQ(started_.back().first, id);
    }
    EXPECT_EQ(waits, (std::vector<Duration>{500ms, 1s, 2s, 4s, 8s, 16s, 30s, 30s}));
    EXPECT_EQ(policy_.restarts(id), 8u);
    live(61min);
    const auto died = now_;
    die(id);
    EXPECT_EQ(started_.back().second - died, Duration{500ms});
    live(61min);
  }
}

TEST_F(SupervisionTest, ADeadPartIsAFaultAndToldUntilItIsStartedAgain) {
  kill(inverter_);
  EXPECT_EQ(policy_.state(), (ComponentsState{.stuck = true, .hold_safe = false}));
  EXPECT_EQ(policy_.trouble(), "bus.inverter died and is started again");
  live(1s);
  EXPECT_EQ(policy_.state(), ComponentsState{});
  EXPECT_EQ(detail("actor_restart"), "actor=bus.inverter restarts=1");
}

TEST_F(SupervisionTest, AStuckPartThatDiesIsDeadAndNoLongerStuck) {
  doing_[inverter_] = Doing::hangs;
  live(6s);
  doing_[inverter_] = Doing::beats;
  kill(inverter_);
  EXPECT_FALSE(policy_.state().hold_safe);
  live(10s);
  EXPECT_EQ(policy_.state(), ComponentsState{});
  EXPECT_EQ(policy_.restarts(inverter_), 1u);
}

TEST_F(SupervisionTest, ARestartCountsAsAHeartbeat) {
  doing_[inverter_] = Doing::sleeps;
  die(inverter_);
  live(5s);
  EXPECT_EQ(events("actor_stuck"), 0);
  live(500ms);
  EXPECT_EQ(events("actor_stuck"), 1);
}

// ---- "more than 3 deaths of a vital part an hour: safe setpoint", "1 h clean" ----------------

TEST_F(SupervisionTest, MoreThanThreeDeathsOfAVitalPartAnHourHoldTheSafeSetpoint) {
  for (const auto id : {control_, inverter_}) {
    log_.clear();
    die(id, 3);
    live(30s);
    EXPECT_EQ(policy_.state(), ComponentsState{});
    die(id);
    EXPECT_EQ(policy_.state(), (ComponentsState{.stuck = true, .hold_safe = true}));
    EXPECT_EQ(detail("hold_safe"), "reason=\"a part of the hub dies again and again\"");
    EXPECT_EQ(policy_.trouble(),
              "held at the safe setpoint because a part died again and again: ends after an hour "
              "without that, or with esshub acknowledge");
    die(id);
    EXPECT_EQ(events("hold_safe"), 1) << "told once";
    live(61min);
    EXPECT_EQ(policy_.state(), ComponentsState{});
  }
}

TEST_F(SupervisionTest, FourDeathsInMoreThanAnHourHoldNothing) {
  for (int i = 0; i < 12; ++i) {
    die(inverter_);
    live(20min);
    EXPECT_FALSE(policy_.state().hold_safe);
  }
}

TEST_F(SupervisionTest, TheDeathsOfTwoPartsAreNotAddedUp) {
  die(inverter_, 3);
  die(control_, 3);
  EXPECT_FALSE(policy_.state().hold_safe);
}

TEST_F(SupervisionTest, PartsThatAreNotVitalMayDieAsOftenAsTheyLike) {
  die(publisher_, 8);
  die(garage_, 8);
  EXPECT_EQ(policy_.state(), ComponentsState{});
}

TEST_F(SupervisionTest, TheHoldEndsAfterAnHourWithoutADeathNotBefore) {
  die(inverter_, 3);
  live(50min);
  kill(inverter_);  // the fourth within the hour
  const auto newest = now_;
  ASSERT_TRUE(policy_.state().hold_safe);
  live(1h);
  EXPECT_EQ(now_, newest + 1h);
  EXPECT_TRUE(policy_.state().hold_safe) << "although the first three are long past";
  live(500ms);
  EXPECT_FALSE(policy_.state().hold_safe);
  EXPECT_EQ(events("hold_ended"), 1);
}

TEST_F(SupervisionTest, AnotherDeathOfAnyVitalPartProlongsTheHoldOfAnotherPartDoesNot) {
  die(inverter_, 4);
  live(50min);
  die(control_);
  live(59min);
  EXPECT_TRUE(policy_.state().hold_safe);
  die(garage_);
  live(2min);
  EXPECT_FALSE(policy_.state().hold_safe);
}

TEST_F(SupervisionTest, WhatStarvesTheWatchdogCountsAsADeath) {
  doing_[inverter_] = Doing::burns;
  live(10s);
  ASSERT_TRUE(policy_.saved());
  kill(inverter_);  // it ended after all: the same death
  live(1s);
  doing_[inverter_] = Doing::beats;
  die(inverter_, 2);
  EXPECT_FALSE(policy_.state().hold_safe);
  die(inverter_);
  EXPECT_TRUE(policy_.state().hold_safe);
}

// ---- "kept across restarts of the program" ---------------------------------------------------

TEST_F(SupervisionTest, WhatIsToBeKeptIsSaidOnceAfterEachChange) {
  live(1s);
  EXPECT_EQ(policy_.saved(), std::nullopt);
  const auto first = now_;
  die(inverter_);
  const auto kept = policy_.saved();
  ASSERT_TRUE(kept);
  EXPECT_EQ(*kept, (SupervisionMemory{.parts = {{"bus.inverter", {first}}}, .hold_until = {}}));
  EXPECT_EQ(policy_.saved(), std::nullopt);
  die(inverter_, 2);
  const auto newest = now_;
  die(inverter_);
  EXPECT_EQ(policy_.saved().value().hold_until, newest + 1h);
  live(61min);
  EXPECT_EQ(policy_.saved(), SupervisionMemory{});
}

TEST_F(SupervisionTest, AHoldGoesOnInTheNextRunUntilItsHourIsClean) {
  die(inverter_, 4);
  Supervision next;
  const auto control = next.add("control", Role::control);
  next.restore(policy_.saved().value());
  next.on_started(control, now_);
  EXPECT_EQ(next.state(), (ComponentsState{.stuck = true, .hold_safe = true}));
  EXPECT_EQ(next.take_events().at(0).name, "hold_safe");
  EXPECT_EQ(next.saved(), std::nullopt) << "nothing new";
  next.on_beat(control, {.count = 1}, now_ + 59min);
  static_cast<void>(next.look(now_ + 59min));
  EXPECT_TRUE(next.state().hold_safe);
  next.on_beat(control, {.count = 2}, now_ + 61min);
  static_cast<void>(next.look(now_ + 61min));
  EXPECT_FALSE(next.state().hold_safe);
}

TEST_F(SupervisionTest, DeathsOfTheLastRunsAreCountedOn) {
  die(inverter_, 3);
  const auto kept = policy_.saved().value();
  policy_ = Supervision{};
  control_ = policy_.add("control", Role::control);
  garage_ = policy_.add("bus.garage", Role::bus);
  inverter_ = policy_.add("bus.inverter", Role::vital_bus);  // at another place than before
  publisher_ = policy_.add("publisher", Role::publisher);
  policy_.restore(kept);
  EXPECT_EQ(policy_.saved(), std::nullopt) << "nothing new";
  for (const auto id : {control_, publisher_, inverter_, garage_}) policy_.on_started(id, now_);
  live(1s);
  EXPECT_FALSE(policy_.state().hold_safe);
  const auto died = now_;
  die(inverter_);
  EXPECT_TRUE(policy_.state().hold_safe);
  EXPECT_EQ(started_.back().second - died, Duration{4s}) << "the back-off goes on too";
}

// ---- "or the owner's acknowledge" ------------------------------------------------------------

TEST_F(SupervisionTest, TheOwnersWordEndsTheHoldAndForgetsTheDeaths) {
  die(inverter_, 7);
  kill(inverter_);
  policy_.acknowledge(now_);
  live(500ms);
  EXPECT_EQ(policy_.state(), ComponentsState{}) << "nor does it wait for 30 s";
  EXPECT_EQ(policy_.saved(), std::nullopt) << "as at the start";
  die(inverter_, 3);
  EXPECT_FALSE(policy_.state().hold_safe) << "counted anew";
}

TEST_F(SupervisionTest, TheOwnersWordDoesNotFreeWhatIsStuck) {
  doing_[inverter_] = Doing::hangs;
  live(6s);
  policy_.acknowledge(now_);
  live(500ms);
  EXPECT_TRUE(policy_.state().hold_safe);
  EXPECT_EQ(events("actor_stuck"), 1);
}

// ---- a stop of the whole process --------------------------------------------------------------

TEST_F(SupervisionTest, AStopOfTheWholeProcessIsNobodysSilence) {
  live(10s);
  now_ += 20s;  // SIGSTOP; the supervisor is the first to run again
  look();
  EXPECT_EQ(policy_.state(), ComponentsState{});
  live(10s);
  EXPECT_TRUE(log_.empty());
}

TEST_F(SupervisionTest, ASilenceIsNotedHoweverFarApartTheLooks) {
  doing_[inverter_] = Doing::sleeps;
  for (int i = 0; i < 6; ++i) {
    now_ += 2s;
    for (const auto id : {control_, publisher_, garage_}) act(id, 2s);
    look();
  }
  EXPECT_EQ(events("actor_stuck"), 1);
}

TEST_F(SupervisionTest, OfATimeBetweenTwoLooksASecondCounts) {
  look();
  doing_[inverter_] = Doing::sleeps;
  for (int i = 1; i <= 6; ++i) {
    now_ += 2s;
    for (const auto id : {control_, publisher_, garage_}) act(id, 2s);
    look();
    EXPECT_EQ(events("actor_stuck"), i > 5 ? 1 : 0) << i;
  }
}

// ---- what a person reads ------------------------------------------------------------------------

TEST_F(SupervisionTest, HowLongItIsStuckIsToldCoarsely) {
  doing_[inverter_] = Doing::hangs;
  live(6s);
  const auto stuck_for = [&](Duration age) {
    policy_.on_beat(inverter_, {.call = "open", .call_age = age}, now_);
    return policy_.trouble();
  };
  const std::vector<std::pair<Duration, std::string>> rows = {
      {5s, "5 s"},         {10s - 1ns, "5 s"}, {10s, "10 s"},        {15s, "10 s"},
      {20s - 1ns, "10 s"}, {20s, "20 s"},      {1min - 1ns, "50 s"}, {1min, "1 min"},
      {90s, "1 min"},      {2min, "2 min"},    {1h - 1ns, "59 min"}, {1h, "1 h"},
      {90min, "1 h"},      {48h, "48 h"},
  };
  for (const auto& [age, text] : rows)
    EXPECT_EQ(stuck_for(age), "bus.inverter stuck in open() for " + text);
}

TEST_F(SupervisionTest, TheAgeOfACallIsLoggedToTheTenthOfASecond) {
  doing_[inverter_] = Doing::hangs;
  beats_[inverter_].call_age = 4500ms;
  live(6s);
  EXPECT_EQ(detail("actor_stuck"), "actor=bus.inverter call=open age=10.0s");
}

TEST_F(SupervisionTest, AllThatIsWrongIsToldInOneLine) {
  kill(publisher_);
  kill(inverter_);
  EXPECT_EQ(policy_.trouble(),
            "publisher died and is started again, bus.inverter died and is started again");
}

TEST_F(SupervisionTest, EveryEventHasItsLevel) {
  doing_[inverter_] = Doing::burns;
  live(6s);
  doing_[inverter_] = Doing::beats;
  live(1s);
  die(control_, 4);
  live(61min);
  EXPECT_EQ(level("actor_stuck"), Level::critical);
  EXPECT_EQ(level("watchdog_starved"), Level::critical);
  EXPECT_EQ(level("actor_recovered"), Level::notice);
  EXPECT_EQ(level("actor_restart"), Level::error);
  EXPECT_EQ(level("hold_safe"), Level::critical);
  EXPECT_EQ(level("hold_ended"), Level::notice);
}

TEST_F(SupervisionTest, ThatAPartGoesOnIsToldOnceAndNotWhileItIsStuck) {
  doing_[inverter_] = Doing::hangs;
  live(10s);
  EXPECT_EQ(events("actor_recovered"), 0);
  doing_[inverter_] = Doing::beats;
  live(10s);
  EXPECT_EQ(events("actor_recovered"), 1);
}

// ---- to the nanosecond --------------------------------------------------------------------------

TEST_F(SupervisionTest, TheFirstRestartComesAfterHalfASecondNotBefore) {
  kill(inverter_);
  EXPECT_TRUE(policy_.look(now_ + 500ms - 1ns).empty());
  EXPECT_EQ(policy_.look(now_ + 500ms), std::vector<PartId>{inverter_});
}

TEST_F(SupervisionTest, AHundredDeathsWithinAnHourWaitForThirtySecondsToo) {
  for (int i = 0; i < 100; ++i) kill(inverter_);
  live(29500ms);
  EXPECT_TRUE(started_.empty());
  live(500ms);
  EXPECT_EQ(started_.size(), 1u);
}

TEST_F(SupervisionTest, ADeathCountsForAnHour) {
  policy_.restore({.parts = {{"bus.inverter", {now_ - 1h}}}, .hold_until = {}});
  static_cast<void>(policy_.look(now_));
  EXPECT_EQ(policy_.saved(), std::nullopt);
  static_cast<void>(policy_.look(now_ + 1ns));
  EXPECT_EQ(policy_.saved(), SupervisionMemory{});
}

TEST_F(SupervisionTest, ACallHangsFromItsFirstSecondOn) {
  doing_[inverter_] = Doing::burns;
  beats_[inverter_].call = "read";
  beats_[inverter_].call_age = 1s;
  live(6s);
  EXPECT_EQ(detail("actor_stuck"), "actor=bus.inverter call=read age=1.0s");
  EXPECT_EQ(events("watchdog_starved"), 0);
}

TEST_F(SupervisionTest, WithoutACallItsAgeSaysNothing) {
  doing_[inverter_] = Doing::burns;
  beats_[inverter_].call_age = 2s;
  live(6s);
  EXPECT_EQ(detail("actor_stuck"), "actor=bus.inverter call=none age=5.5s");
  EXPECT_EQ(events("watchdog_starved"), 1);
}

// ---- one part's fate is not another's -----------------------------------------------------------

TEST_F(SupervisionTest, OnlyAControlThatWaitsForItsRestartFeedsWithoutAHeartbeat) {
  kill(inverter_);
  EXPECT_FALSE(policy_.feed_watchdog());
  kill(control_);
  EXPECT_TRUE(policy_.feed_watchdog());
  EXPECT_TRUE(policy_.feed_watchdog());
}

TEST_F(SupervisionTest, ToFeedTheWatchdogDoesNotHideThatItIsReady) {
  act(control_, 0s);
  EXPECT_TRUE(policy_.feed_watchdog());
  EXPECT_TRUE(policy_.became_ready());
}

TEST_F(SupervisionTest, WhatStarvedTheWatchdogAndDiedNoLongerDoes) {
  doing_[inverter_] = Doing::burns;
  live(6s);
  EXPECT_FALSE(policy_.feed_watchdog());
  kill(inverter_);
  act(control_, 0s);
  EXPECT_TRUE(policy_.feed_watchdog());
}

TEST_F(SupervisionTest, ASuccessorsFirstHeartbeatCountsWhateverItsPredecessorCounted) {
  policy_.on_beat(control_, {.count = 1}, now_);
  EXPECT_TRUE(policy_.feed_watchdog());
  kill(control_);
  ASSERT_EQ(policy_.look(now_ + 500ms), std::vector<PartId>{control_});
  EXPECT_FALSE(policy_.feed_watchdog());
  policy_.on_beat(control_, {.count = 1}, now_ + 1s);
  EXPECT_TRUE(policy_.feed_watchdog());
}

TEST_F(SupervisionTest, CpuOfASuccessorIsCountedFromItsFirstWord) {
  doing_[inverter_] = Doing::sleeps;
  live(500ms);
  die(inverter_);
  beats_[inverter_].cpu = 3s;
  live(10s);
  EXPECT_EQ(events("actor_stuck"), 1);
  EXPECT_EQ(events("watchdog_starved"), 0);
}

TEST_F(SupervisionTest, WhatAnEarlierRunRemembersOfOnePartIsNotAnothers) {
  policy_.restore({.parts = {{"bus.inverter", {now_, now_, now_}}}, .hold_until = {}});
  EXPECT_TRUE(policy_.take_events().empty()) << "no hold";
  die(control_);
  EXPECT_FALSE(policy_.state().hold_safe);
  die(inverter_);
  EXPECT_TRUE(policy_.state().hold_safe);
}

TEST_F(SupervisionTest, AHoldOfAnEarlierRunIsToldAsCritical) {
  policy_.restore({.parts = {}, .hold_until = now_ + 1h});
  const auto told = policy_.take_events();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].level, Level::critical);
  EXPECT_EQ(told[0].detail, "reason=\"a part of the hub died again and again before\"");
}

TEST_F(SupervisionTest, AHoldThatTheOwnerEndedDoesNotEndAgain) {
  die(inverter_, 4);
  policy_.acknowledge(now_);
  live(61min);
  EXPECT_EQ(events("hold_ended"), 0);
}

}  // namespace
}  // namespace esshub::service
