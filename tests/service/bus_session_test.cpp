#include "service/bus_session.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace esshub::service {
namespace {

protocol::Bytes bytes(std::string_view text) {
  return protocol::to_bytes(text);
}

/// Answers every call with the next prepared step and notes the calls.
struct Script {
  std::vector<std::string> calls;
  protocol::Step next;
  DriverHealth health;
  bool only_listens = false;
};

class FakeDriver final : public protocol::Driver {
 public:
  explicit FakeDriver(Script& script) : script_(script) {}
  protocol::Step on_start(Instant) override { return call("start"); }
  protocol::Step on_bytes(std::span<const std::byte> b, Instant) override {
    std::string text;
    for (const auto byte : b) text += static_cast<char>(byte);
    return call("bytes " + text);
  }
  protocol::Step on_timer(Instant) override { return call("timer"); }
  protocol::Step on_setpoint(const Setpoint& s, Instant) override {
    return call("setpoint " + std::to_string(static_cast<int>(s.ac_power.value())));
  }
  void on_down(Instant) override {
    script_.health.ready = false;
    call("down");
  }
  const DriverHealth& health() const override { return script_.health; }
  bool only_listens() const override { return script_.only_listens; }

 private:
  protocol::Step call(std::string what) {
    script_.calls.push_back(std::move(what));
    return std::exchange(script_.next, {});
  }
  Script& script_;
};

class BusSessionTest : public testing::Test {
 protected:
  void SetUp() override { apply(session_.on_start()); }
  void up() { apply(session_.on_up(session_.generation(), now_)); }
  void down(const std::string& reason = "gone") {
    apply(session_.on_down(session_.generation(), reason, now_));
  }
  void discard(Duration unread = 870ms) {
    apply(session_.on_discard(session_.generation(), unread, now_));
  }
  /// The detail of a warning of the driver's, given to it now.
  std::string warned(Level level = Level::warning, std::string detail = "meter=main") {
    script_.next.events.push_back({level, "meter_lost", std::move(detail)});
    chunk("x");
    return newest("meter_lost").detail;
  }
  void chunk(std::string_view text) {
    apply(session_.on_bytes(session_.generation(), bytes(text), now_, now_));
  }
  /// Time passes, and the session is woken when it asked to be.
  void pass(Duration time) {
    const Instant end = now_ + time;
    for (int wakes = 0; wakes < 1000; ++wakes) {
      const auto wake_at = session_.wake_at();
      if (!wake_at || *wake_at > end) {
        now_ = end;
        return;
      }
      now_ = std::max(now_, *wake_at);
      apply(session_.on_timer(now_));
    }
    FAIL() << "it wants to be woken again and again";
  }
  void apply(const BusStep& step) {
    log_.insert(log_.end(), step.events.begin(), step.events.end());
    if (step.close) ++wire_.closed;
    if (step.open) ++wire_.opened;
    if (step.report) ++reports_;
    wire_.done.insert(wire_.done.end(), step.send.begin(), step.send.end());
  }
  [[nodiscard]] auto events(std::string_view name) const {
    return std::ranges::count(log_, name, &Event::name);
  }
  [[nodiscard]] Event newest(std::string_view name) const {
    const auto found = std::find_if(log_.rbegin(), log_.rend(),
                                    [&](const Event& event) { return event.name == name; });
    return found == log_.rend() ? Event{} : *found;
  }

  struct Wire {
    int opened = 0;
    int closed = 0;
    std::vector<protocol::Bytes> done;
  };
  Wire wire_;
  Script script_;
  std::vector<Event> log_;
  int reports_ = 0;
  Instant now_{1000s};
  BusSession session_{"meters", std::make_unique<FakeDriver>(script_)};
};

TEST_F(BusSessionTest, ALaterWakeUpReplacesTheEarlierOne) {
  script_.next.wake_at = now_ + 100ms;
  up();
  script_.next.wake_at = now_ + 300ms;
  chunk("x");
  pass(200ms);
  EXPECT_EQ(script_.calls.back(), "bytes x");
  pass(100ms);
  EXPECT_EQ(script_.calls.back(), "timer");
  pass(1s);
  EXPECT_EQ(std::count(script_.calls.begin(), script_.calls.end(), "timer"), 1);
}

TEST_F(BusSessionTest, AStepWithoutAWakeUpKeepsTheEarlierOne) {
  script_.next.wake_at = now_ + 100ms;
  up();
  chunk("x");
  EXPECT_EQ(session_.wake_at(), now_ + 100ms);
}

TEST_F(BusSessionTest, ReopensWithDoublingBackOffUpToFiveSeconds) {
  std::vector<Duration> gaps;
  for (int i = 0; i < 8; ++i) {
    down();
    const int opened = wire_.opened;
    const auto lost = now_;
    for (int n = 0; wire_.opened == opened && n < 200; ++n) pass(50ms);
    gaps.push_back(now_ - lost);
  }
  EXPECT_EQ(gaps, (std::vector<Duration>{200ms, 400ms, 800ms, 1600ms, 3200ms, 5s, 5s, 5s}));
  EXPECT_EQ(events("line_down"), 1) << "a device that stays away says so once";
}

TEST_F(BusSessionTest, ALineThatComesAndGoesWithoutAWordIsToldTheFirstAndEveryHundredthTime) {
  up();
  for (int i = 0; i < 150; ++i) {
    down("nobody acknowledges");
    pass(5s);
    up();
  }
  EXPECT_EQ(events("line_down"), 2);
  EXPECT_EQ(events("line_up"), 3) << "at the start and after each told loss";
  script_.health.frames.add(FrameResult::ok);
  chunk("good");
  chunk("good");
  EXPECT_EQ(events("line_up"), 4) << "the recovery, once";
  for (int i = 0; i < 2; ++i) {
    down("nobody acknowledges");
    pass(5s);
    EXPECT_EQ(events("line_down"), 3) << "news again, once";
  }
}

TEST_F(BusSessionTest, AFloodIsAFaultWhileItLastsAndTellsItsBeginningAndEnd) {
  up();
  reports_ = 0;
  apply(session_.on_flood(session_.generation(), true, now_));
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{Fault::line_flooded});
  EXPECT_EQ(reports_, 1) << "at once";
  pass(20s);
  apply(session_.on_flood(session_.generation(), true, now_));
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{Fault::line_flooded});
  EXPECT_EQ(events("line_flooded"), 1);
  apply(session_.on_flood(session_.generation(), false, now_));
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{});
  EXPECT_EQ(events("line_flood_over"), 1);
  EXPECT_EQ(reports_, 2);
}

TEST_F(BusSessionTest, WhatAFloodedLineBringsIsNotTakenForCurrentUntilItIsOverOrTheLineIsNew) {
  const auto taken = [&] {
    script_.next.samples = {{{Point::battery, Measure::soc}, 50.0, now_, 3s}};
    const auto step = session_.on_bytes(session_.generation(), bytes("x"), now_, now_);
    return step.samples.size();
  };
  up();
  EXPECT_EQ(taken(), 1u);
  apply(session_.on_flood(session_.generation(), true, now_));
  EXPECT_EQ(taken(), 0u);
  apply(session_.on_flood(session_.generation(), false, now_));
  EXPECT_EQ(taken(), 1u);
  apply(session_.on_flood(session_.generation(), true, now_));
  down();
  pass(1s);
  up();
  EXPECT_EQ(taken(), 1u) << "at once, while the flood is still told";
  EXPECT_EQ(session_.faults(), FaultFlags{Fault::line_flooded});
  apply(session_.on_flood(session_.generation(), true, now_));
  EXPECT_EQ(taken(), 0u);
}

TEST_F(BusSessionTest, TheDriversFaultsStandBesideTheLines) {
  up();
  script_.health.faults = {Fault::bus_contended};
  apply(session_.on_flood(session_.generation(), true, now_));
  EXPECT_EQ(session_.health().driver.faults,
            (FaultFlags{Fault::bus_contended, Fault::line_flooded}));
}

TEST_F(BusSessionTest, AFloodOutlivesItsLineByTenSecondsUnlessTheNextSaysSoAgain) {
  up();
  const auto first = session_.generation();
  apply(session_.on_flood(first, true, now_));
  down();
  pass(1s);
  up();
  apply(session_.on_flood(first, false, now_));  // an earlier line's word
  pass(8s);
  apply(session_.on_flood(session_.generation(), true, now_));
  pass(20s);
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{Fault::line_flooded});
  EXPECT_EQ(events("line_flooded"), 1) << "it is the same flood";
  down();
  up();
  pass(9900ms);
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{Fault::line_flooded});
  pass(200ms);
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{});
  EXPECT_EQ(events("line_flood_over"), 1);
}

// ---- a line that is up and says nothing valid (docs/safety-contract.md, F22) --------------------

TEST_F(BusSessionTest, AfterThirtySecondsOfSilenceTheLineIsToldAndOpenedAnew) {
  up();
  reports_ = 0;
  pass(29900ms);
  EXPECT_EQ(wire_.closed, 0);
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{});
  pass(200ms);
  EXPECT_EQ(wire_.closed, 1);
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{Fault::line_silent});
  EXPECT_EQ(session_.health().driver.trouble,
            "nothing valid for 30 s (received: nothing at all): the line is opened anew");
  EXPECT_GE(reports_, 1) << "at once";
  ASSERT_EQ(events("line_silent"), 1);
  EXPECT_EQ(std::ranges::find(log_, "line_silent", &Event::name)->detail,
            "received=\"nothing at all\"");
  EXPECT_EQ(events("line_down"), 0) << "one event is enough";
  pass(200ms);
  EXPECT_EQ(wire_.opened, 2);
}

TEST_F(BusSessionTest, WhatCameInsteadIsNamed) {
  up();
  script_.health.frames.add(FrameResult::checksum);
  script_.health.frames.add(FrameResult::ok);
  chunk("good after bad");
  pass(10s);
  script_.health.frames.add(FrameResult::checksum);
  script_.health.frames.add(FrameResult::checksum);
  script_.health.frames.add(FrameResult::resync);
  script_.health.frames.add(FrameResult::timeout);
  chunk("noise");
  pass(20s);
  EXPECT_EQ(session_.health().driver.trouble,
            "nothing valid for 30 s (received: 5 bytes, 2 x checksum, 1 x resync): the line is "
            "opened anew");
  pass(200ms);
  up();
  script_.health.trouble = "unit 1 does not answer";
  EXPECT_EQ(session_.health().driver.trouble,
            "unit 1 does not answer; nothing valid for 30 s (received: 5 bytes, 2 x checksum, "
            "1 x resync)");
  chunk("xyz");
}

TEST_F(BusSessionTest, BytesWithoutAFrameAreCounted) {
  up();
  chunk("abc");
  pass(31s);
  EXPECT_EQ(std::ranges::find(log_, "line_silent", &Event::name)->detail,
            "received=\"3 bytes and no frame\"");
}

TEST_F(BusSessionTest, AnyWellFormedFrameIsNoSilence) {
  for (const auto result : {FrameResult::ok, FrameResult::content, FrameResult::exception,
                            FrameResult::late, FrameResult::unknown}) {
    up();
    for (int i = 0; i < 10; ++i) {
      script_.health.frames.add(result);
      chunk("x");
      pass(29s);
    }
    EXPECT_EQ(wire_.closed, 0) << name(result);
    EXPECT_EQ(session_.health().driver.faults, FaultFlags{}) << name(result);
  }
}

TEST_F(BusSessionTest, AValidFrameEndsTheSilenceAndIsTold) {
  up();
  pass(31s);
  up();
  script_.health.frames.add(FrameResult::ok);
  script_.next.events = {{Level::notice, "meter_back", ""}};
  chunk("good");
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{});
  EXPECT_EQ(session_.health().driver.trouble, "");
  EXPECT_EQ(events("line_heard"), 1);
  EXPECT_EQ(events("meter_back"), 1);
  pass(29s);
  EXPECT_EQ(wire_.closed, 1);
  pass(2s);
  EXPECT_EQ(wire_.closed, 2) << "and the next begins with it";
  EXPECT_EQ(events("line_silent"), 2) << "news again";
}

TEST_F(BusSessionTest, ASilentLineIsOpenedAnewEveryMinuteAndToldTheFirstAndEveryHundredthTime) {
  up();
  pass(31s);
  up();
  std::vector<Instant> closed;
  for (int i = 0; i < 149; ++i) {
    const int before = wire_.closed;
    const Instant opened = now_;
    script_.next.events = {{Level::warning, "meter_lost", ""}};  // it begins anew every time
    chunk("noise");
    for (int s = 0; wire_.closed == before && s < 100; ++s) pass(1s);
    EXPECT_GE(now_ - opened, 60s);
    EXPECT_LE(now_ - opened, 61s);
    pass(5s);
    up();
  }
  EXPECT_EQ(events("line_silent"), 2);
  EXPECT_EQ(events("meter_lost"), 2) << "after the first and the hundredth";
  EXPECT_EQ(events("line_up"), 3) << "at the start, after the first and the hundredth";
  EXPECT_EQ(events("line_down"), 0);
  script_.health.frames.add(FrameResult::ok);
  chunk("good");
  EXPECT_EQ(events("line_heard"), 1);
  EXPECT_EQ(events("line_up"), 4);
}

TEST_F(BusSessionTest, ReopeningsByTheDriverDoNotHideASilence) {
  up();
  for (int i = 0; i < 6; ++i) {
    pass(10s);
    script_.next.reopen = true;
    chunk("?");
    pass(5s);
    up();
  }
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{Fault::line_silent});
}

TEST_F(BusSessionTest, TimeWithoutALineIsNotItsSilence) {
  up();
  pass(20s);
  down("unplugged");
  pass(600s);
  up();
  pass(29s);
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{});
  pass(2s);
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{Fault::line_silent});
}

TEST_F(BusSessionTest, WhoOnlyListensForAnotherMasterIsNotDisturbed) {
  script_.only_listens = true;
  script_.next.wake_at = now_ + 60s;
  up();
  pass(59s);
  EXPECT_EQ(wire_.closed, 0);
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{});
  pass(1s);
  script_.only_listens = false;  // it asks from now on
  pass(29s);
  EXPECT_EQ(wire_.closed, 0);
  pass(31s);
  EXPECT_EQ(wire_.closed, 1);
}

TEST_F(BusSessionTest, GoodFramesBringTheShortBackOffBack) {
  for (int i = 0; i < 5; ++i) {
    down();
    pass(5s);
  }
  up();
  script_.health.frames.add(FrameResult::ok);
  chunk("good");
  down();
  const int opened = wire_.opened;
  pass(200ms);
  EXPECT_EQ(wire_.opened, opened + 1);
}

TEST_F(BusSessionTest, NoiseAloneKeepsTheLongBackOff) {
  for (int i = 0; i < 5; ++i) {
    down();
    pass(5s);
  }
  up();
  chunk("noise");
  down();
  const int opened = wire_.opened;
  pass(4s);
  EXPECT_EQ(wire_.opened, opened);
}

TEST_F(BusSessionTest, GoodFramesOfAnEarlierOpeningAreNoRecovery) {
  up();
  script_.health.frames.add(FrameResult::ok);
  chunk("good");
  for (int i = 0; i < 5; ++i) {
    down();
    pass(5s);
    up();
    chunk("noise");
  }
  down();
  const int opened = wire_.opened;
  pass(4s);
  EXPECT_EQ(wire_.opened, opened);
}

TEST_F(BusSessionTest, ALineThatWasLostCannotComeUp) {
  const auto old = session_.generation();
  down();
  apply(session_.on_up(old, now_));
  EXPECT_FALSE(session_.health().line_up);
  EXPECT_TRUE(script_.calls.empty());
}

TEST_F(BusSessionTest, TheDriverMayAskForAFreshStart) {
  up();
  script_.next.reopen = true;
  script_.next.send = {bytes("never")};
  chunk("x");
  EXPECT_EQ(script_.calls.back(), "down");
  EXPECT_TRUE(wire_.done.empty());
  pass(200ms);
  EXPECT_EQ(wire_.opened, 2);
}

TEST_F(BusSessionTest, ALineThatItsDriverLeavesWithAGoodFrameIsNotToldToBeUp) {
  up();
  for (int i = 0; i < 2; ++i) {
    down();
    pass(1s);
    up();
  }
  ASSERT_EQ(events("line_up"), 2) << "not after the second loss";
  script_.health.frames.add(FrameResult::ok);
  script_.next.reopen = true;
  chunk("good");
  EXPECT_EQ(log_.back().name, "line_down");
}

TEST_F(BusSessionTest, ASetpointReachesTheDriverOnlyWhileTheLineIsUp) {
  apply(session_.on_setpoint({Watts{1}, InverterMode::follow, now_ + 1s}, now_));
  EXPECT_TRUE(script_.calls.empty());
  up();
  EXPECT_EQ(script_.calls, std::vector<std::string>{"start"}) << "no old setpoint is replayed";
  apply(session_.on_setpoint({Watts{2}, InverterMode::follow, now_ + 1s}, now_));
  EXPECT_EQ(script_.calls.back(), "setpoint 2");
}

TEST_F(BusSessionTest, WhileDownItIsNotReadyAndSaysWhy) {
  up();
  script_.health.ready = true;
  chunk("x");
  down("no such device; is it plugged in?");
  EXPECT_FALSE(session_.health().line_up);
  EXPECT_FALSE(session_.health().driver.ready);
  pass(100ms);
  EXPECT_EQ(session_.health().driver.trouble, "no such device; is it plugged in?");
}

TEST_F(BusSessionTest, AnAbsentDeviceAtTheStartIsNoError) {
  down("no such device; is it plugged in?");
  EXPECT_TRUE(script_.calls.empty()) << "the driver was never started";
  pass(200ms);
  up();
  EXPECT_EQ(script_.calls, std::vector<std::string>{"start"});
  EXPECT_EQ(session_.health().reopens, 0u) << "it was not lost, it was not there yet";
}

TEST_F(BusSessionTest, ALossTellsTheDriverAndNothingOfTheOldLineReachesIt) {
  script_.next.wake_at = now_ + 100ms;
  up();
  const auto old = session_.generation();
  down();
  EXPECT_EQ(script_.calls.back(), "down");
  EXPECT_EQ(wire_.closed, 1);
  pass(250ms);  // reopened meanwhile, and the wake-up has gone by
  up();
  EXPECT_EQ(script_.calls.back(), "start");
  const auto calls = script_.calls.size();
  apply(session_.on_bytes(old, bytes("old"), now_, now_));
  apply(session_.on_down(old, "old", now_));
  EXPECT_EQ(script_.calls.size(), calls);
  EXPECT_TRUE(session_.health().line_up);
  EXPECT_EQ(session_.health().reopens, 1u);
}

TEST_F(BusSessionTest, WhatMustBeKnownAtOnceIsReportedOnceAndCountersAreNot) {
  apply(session_.on_timer(now_));
  EXPECT_EQ(reports_, 0);
  up();
  EXPECT_EQ(reports_, 1);
  script_.health.ready = true;
  chunk("x");
  EXPECT_EQ(reports_, 2);
  chunk("y");
  EXPECT_EQ(reports_, 2);
  script_.health.faults.set(Fault::bus_contended, true);
  chunk("z");
  EXPECT_EQ(reports_, 3);
  down();
  EXPECT_EQ(reports_, 4);
  apply(session_.on_timer(now_));
  EXPECT_EQ(reports_, 4);
}

TEST_F(BusSessionTest, AWakeUpThatComesEarlyOrTwiceDoesNothing) {
  script_.next.wake_at = now_ + 100ms;
  up();
  apply(session_.on_timer(now_ + 99ms));
  EXPECT_EQ(script_.calls.back(), "start");
  apply(session_.on_timer(now_ + 100ms));
  apply(session_.on_timer(now_ + 100ms));
  EXPECT_EQ(std::ranges::count(script_.calls, "timer"), 1);
}

TEST_F(BusSessionTest, BytesAreCountedBothWays) {
  script_.next.send = {bytes("12"), bytes("345")};
  up();
  chunk("abc");
  chunk("d");
  EXPECT_EQ(session_.health().bytes_out, 5u);
  EXPECT_EQ(session_.health().bytes_in, 4u);
  EXPECT_EQ(session_.health().bus, "meters");
}

TEST_F(BusSessionTest, AllTheDriverWantsIsPassedOnInOrder) {
  script_.next.samples = {{{Point::grid, Measure::power}, 5.0, now_, 3s}};
  script_.next.tell(Level::info, "handshake", "step=1");
  script_.next.baud = 38400;
  script_.next.send = {bytes("hello")};
  script_.next.setpoint_written = now_ - 50ms;
  const auto step = session_.on_up(session_.generation(), now_);
  EXPECT_EQ(step.setpoint_written, now_ - 50ms);
  ASSERT_EQ(step.events.size(), 2u);
  EXPECT_EQ(step.events[0].name, "line_up");
  EXPECT_EQ(step.events[0].level, Level::notice);
  EXPECT_EQ(step.events[1].name, "handshake");
  EXPECT_EQ(step.samples.size(), 1u);
  EXPECT_EQ(step.baud, 38400u);
  EXPECT_EQ(step.send, (std::vector<protocol::Bytes>{bytes("hello")}));
  EXPECT_TRUE(step.report);
  EXPECT_FALSE(step.open);
  EXPECT_FALSE(step.close);
}

TEST_F(BusSessionTest, WhatADriverSaysBeforeAFreshStartIsKept) {
  up();
  script_.next.samples = {{{Point::grid, Measure::power}, 5.0, now_, 3s}};
  script_.next.tell(Level::error, "beyond_help");
  script_.next.baud = 38400;
  script_.next.reopen = true;
  const auto step = session_.on_bytes(session_.generation(), bytes("x"), now_, now_);
  EXPECT_EQ(step.samples.size(), 1u);
  ASSERT_EQ(step.events.size(), 2u);
  EXPECT_EQ(step.events[0].name, "beyond_help");
  EXPECT_EQ(step.events[1].name, "line_down");
  EXPECT_EQ(step.events[1].level, Level::warning);
  EXPECT_EQ(step.events[1].detail, "reason=\"the driver asks for a fresh start\"");
  EXPECT_FALSE(step.baud);
  EXPECT_TRUE(step.close);
  EXPECT_TRUE(step.report);
}

TEST_F(BusSessionTest, ALossThatGoesOnIsCounted) {
  for (int i = 0; i < 100; ++i) {
    down();
    pass(5s);
  }
  ASSERT_EQ(events("line_down"), 2);
  EXPECT_EQ(log_[0].detail, "reason=\"gone\"");
  EXPECT_EQ(log_[1].detail, "reason=\"gone\" count=100");
  for (int i = 0; i < 2; ++i) {
    down("another reason");
    pass(5s);
    EXPECT_EQ(events("line_down"), 3) << "news, once";
    EXPECT_EQ(log_.back().detail, "reason=\"another reason\"");
  }
}

TEST_F(BusSessionTest, TheWakeUpIsTheEarlierOfDriverAndLine) {
  EXPECT_FALSE(session_.wake_at());
  script_.next.wake_at = now_ + 1s;
  up();
  EXPECT_EQ(session_.wake_at(), now_ + 1s);
  down();
  EXPECT_EQ(session_.wake_at(), now_ + 200ms) << "the driver's is gone with the line";
  apply(session_.on_timer(now_ + 200ms - 1ns));
  EXPECT_EQ(wire_.opened, 1);
  for (int i = 0; i < 2; ++i) {
    apply(session_.on_timer(now_ + 200ms));
    EXPECT_EQ(wire_.opened, 2);
  }
  EXPECT_FALSE(session_.wake_at());
}

TEST_F(BusSessionTest, UntilTheLineIsUpItSaysThatItIsBeingOpened) {
  script_.health.ready = true;  // of a driver that was not told yet
  const auto health = session_.health();
  EXPECT_FALSE(health.driver.ready);
  EXPECT_EQ(health.driver.trouble, "the line is being opened");
  script_.health.trouble = "waits for the first frame";
  up();
  EXPECT_EQ(session_.health().driver.trouble, "waits for the first frame");
}

TEST_F(BusSessionTest, WordsOfAnEarlierOpeningAreIgnored) {
  const auto old = session_.generation();
  down();
  pass(200ms);
  EXPECT_NE(session_.generation(), old);
  apply(session_.on_up(old, now_));
  EXPECT_FALSE(session_.health().line_up);
  apply(session_.on_bytes(session_.generation(), bytes("x"), now_, now_));
  EXPECT_EQ(session_.health().bytes_in, 0u) << "it is not up";
}

TEST_F(BusSessionTest, ASetpointOfALineThatIsDownAsksForNothing) {
  script_.next.send = {bytes("setpoint")};
  const auto step = session_.on_setpoint({Watts{1}, InverterMode::follow, now_ + 1s}, now_);
  EXPECT_TRUE(step.send.empty());
  EXPECT_FALSE(step.report);
}

// ---- what a person reads, and what happens at the same moment -----------------------------------

TEST_F(BusSessionTest, WhatGoesWrongOnTheLineIsAWarningAndItsEndANotice) {
  up();
  apply(session_.on_flood(session_.generation(), true, now_));
  apply(session_.on_flood(session_.generation(), false, now_));
  pass(31s);
  up();
  script_.health.frames.add(FrameResult::ok);
  chunk("good");
  EXPECT_EQ(newest("line_flooded").level, Level::warning);
  EXPECT_EQ(newest("line_flood_over").level, Level::notice);
  EXPECT_EQ(newest("line_silent").level, Level::warning);
  EXPECT_EQ(newest("line_heard").level, Level::notice);
}

TEST_F(BusSessionTest, WhatIsThrownAwayIsCountedAndToldTheFirstAndEveryHundredthTime) {
  up();
  down();
  down();
  up();
  for (int i = 0; i < 199; ++i) discard();
  EXPECT_EQ(session_.health().discards, 199u);
  EXPECT_EQ(events("input_discarded"), 2);
  EXPECT_EQ(newest("input_discarded").level, Level::warning);
  EXPECT_EQ(newest("input_discarded").detail, "thread_late_s=0.8 count=100");
  apply(session_.on_discard(session_.generation() - 1, 1s, now_));
  EXPECT_EQ(session_.health().discards, 199u) << "of an earlier line";
}

TEST_F(BusSessionTest, WhatIsMissedJustAfterADiscardIsToldWithIt) {
  up();
  script_.health.ready = true;
  EXPECT_EQ(warned(), "meter=main");
  discard(13'340ms);
  EXPECT_EQ(warned(), "meter=main thread_late_s=13.3");
  EXPECT_EQ(warned(Level::error, ""), "thread_late_s=13.3");
  EXPECT_EQ(warned(Level::notice), "meter=main");
  now_ += 5s;
  EXPECT_EQ(warned(), "meter=main thread_late_s=13.3");
  now_ += 1ms;
  EXPECT_EQ(warned(), "meter=main");
}

TEST_F(BusSessionTest, WhoIsNotReadyAfterADiscardIsToldWithItUntilHeIs) {
  up();
  script_.health.trouble = "no frames";
  discard();
  EXPECT_EQ(session_.health().driver.trouble, "no frames") << "it was not before either";
  script_.health.ready = true;
  discard();
  EXPECT_EQ(session_.health().driver.trouble, "no frames");
  script_.health.ready = false;
  now_ += 10s;
  EXPECT_EQ(warned(), "meter=main thread_late_s=0.8");
  EXPECT_EQ(session_.health().driver.trouble,
            "no frames; the hub's own thread had not looked at the port for 0.8 s, and what had "
            "come was thrown away");
  script_.health.ready = true;
  EXPECT_EQ(warned(), "meter=main");
  script_.health.ready = false;
  EXPECT_EQ(session_.health().driver.trouble, "no frames") << "it is another silence";
}

TEST_F(BusSessionTest, ALineThatIsLostIsNoMatterOfADiscardBefore) {
  up();
  script_.health.ready = true;
  discard();
  down();
  pass(200ms);
  up();
  EXPECT_EQ(warned(), "meter=main");
}

TEST_F(BusSessionTest, ASilentLineIsOpenedAnewAMinuteAfterItsOpening) {
  up();
  pass(31s);
  up();
  EXPECT_EQ(session_.wake_at(), now_ + 60s);
  EXPECT_EQ(session_.health().driver.trouble, "nothing valid for 30 s (received: nothing at all)");
}

TEST_F(BusSessionTest, AFrameOfAnotherLengthIsNotValidAndNamed) {
  up();
  script_.health.frames.add(FrameResult::length);
  chunk("abc");
  pass(30s);
  EXPECT_EQ(newest("line_silent").detail, "received=\"3 bytes, 1 x length\"");
}

TEST_F(BusSessionTest, TheHundredthSilenceIsToldWithItsCount) {
  up();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(newest("line_silent").detail, i > 0 ? "received=\"nothing at all\"" : "");
    pass(66s);
    up();
  }
  EXPECT_EQ(newest("line_silent").detail, "received=\"nothing at all\" count=100");
}

TEST_F(BusSessionTest, AfterAValidFrameSilencesAreCountedAnew) {
  up();
  pass(31s);
  up();
  script_.health.frames.add(FrameResult::ok);
  chunk("good");
  for (int i = 0; i < 3; ++i) {
    pass(66s);
    EXPECT_EQ(events("line_silent"), 2) << "the first of each";
    up();
  }
}

TEST_F(BusSessionTest, WhatAnEarlierLineBroughtIsNotReceivedInTheSilence) {
  up();
  chunk("abc");
  down();
  pass(1s);
  up();
  pass(30s);
  EXPECT_EQ(newest("line_silent").detail, "received=\"nothing at all\"");
}

TEST_F(BusSessionTest, WhoOnlyListenedIsNotSilentForTheTimeWithoutALine) {
  script_.only_listens = true;
  up();
  down("unplugged");
  pass(600s);
  script_.only_listens = false;  // it asks from now on
  up();
  pass(29s);
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{});
}

TEST_F(BusSessionTest, ToListenOnlyDoesNotEndASilence) {
  up();
  pass(31s);
  up();
  script_.only_listens = true;
  apply(session_.on_timer(now_));
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{Fault::line_silent});
  EXPECT_EQ(events("line_heard"), 0);
  script_.health.frames.add(FrameResult::ok);
  chunk("good");
  EXPECT_EQ(session_.health().driver.faults, FaultFlags{});
  EXPECT_EQ(events("line_heard"), 1);
}

TEST_F(BusSessionTest, ASilenceBetweenTwoLossesForTheSameReasonMakesNoNews) {
  up();
  down("unplugged");
  pass(1s);
  up();
  pass(31s);
  ASSERT_EQ(events("line_silent"), 1);
  pass(5s);
  up();
  down("unplugged");
  EXPECT_EQ(events("line_down"), 1);
}

TEST_F(BusSessionTest, WhatADriverSaysWithoutALineIsNothingToReport) {
  script_.health.ready = true;
  apply(session_.on_timer(now_));
  EXPECT_EQ(reports_, 0);
}

TEST_F(BusSessionTest, AWakeUpEndsNoFloodThatTheNewLineHasToldAgain) {
  up();
  apply(session_.on_flood(session_.generation(), true, now_));
  down();
  pass(1s);
  up();
  apply(session_.on_flood(session_.generation(), true, now_));
  pass(20s);
  apply(session_.on_timer(now_));
  EXPECT_EQ(session_.faults(), FaultFlags{Fault::line_flooded});
}

TEST_F(BusSessionTest, WhatTheLineTellsAtAWakeUpComesBeforeTheDriversWord) {
  up();
  apply(session_.on_flood(session_.generation(), true, now_));
  const auto over = now_ + 10s;
  down();
  pass(1s);
  script_.next.wake_at = over;
  up();
  script_.next.tell(Level::info, "driver_woke");
  const auto step = session_.on_timer(over);
  ASSERT_EQ(step.events.size(), 2u);
  EXPECT_EQ(step.events[0].name, "line_flood_over");
  EXPECT_EQ(step.events[1].name, "driver_woke");
}

}  // namespace
}  // namespace esshub::service
