#include "protocol/vebus/driver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "tests/protocol/vebus/hand.hpp"

namespace esshub::protocol::vebus {
namespace {

/// Until the next request is on the wire, to the millisecond.
Duration until_sent(Hand& hand, Duration limit = 40s) {
  const auto before = hand.sent.size() + hand.wake_ups + hand.reopens;
  const Instant start = hand.now;
  while (hand.sent.size() + hand.wake_ups + hand.reopens == before && hand.now - start < limit)
    hand.wait(1ms);
  return hand.now - start;
}

void expect_about(Duration seen, Duration expected, std::string_view what) {
  EXPECT_GE(seen + 1ms, expected) << what;
  EXPECT_LE(seen, expected + 2ms) << what;
}

/// Answers until `done`, in vain where it never is.
template <class Done>
void answer_until(Hand& hand, Done done, Duration later = 50ms) {
  for (int i = 0; i < 4000 && !done(); ++i)
    if (!hand.answer(later)) hand.wait(1ms);
  EXPECT_TRUE(done());
}

template <class T>
bool is_last(const Hand& hand) {
  return std::holds_alternative<T>(hand.last());
}

bool is_last(const Hand& hand, Code code) {
  const auto* winmon = std::get_if<Winmon>(&hand.last());
  return winmon != nullptr && winmon->code == code;
}

std::string detail_of(const Hand& hand, std::string_view event) {
  const auto it = std::ranges::find(hand.events, event, &Event::name);
  return it == hand.events.end() ? "never told" : it->detail;
}

Level level_of(const Hand& hand, std::string_view event) {
  const auto it = std::ranges::find(hand.events, event, &Event::name);
  return it == hand.events.end() ? Level::debug : it->level;
}

/// reference: vebus-mk3#11; each step as late as the reference says an answer may be.
TEST(VebusDriverWire, TheSearchForTheInterfaceGoesThroughItsStepsAndBeginsAgain) {
  Hand hand;
  hand.start();
  EXPECT_EQ(hand.sent.size(), 1u);
  EXPECT_EQ(hand.health().trouble, "looking for the MK3 interface");
  const Duration asked = 2s + mk3::wire_time(4);
  expect_about(until_sent(hand), asked, "version");
  EXPECT_EQ(hand.wake_ups, 1u);
  EXPECT_TRUE(is_last<VersionRequest>(hand));
  EXPECT_EQ(hand.health().trouble,
            "no answer from the MK3 interface: check its USB plug, its bus cable and its port");
  EXPECT_EQ(level_of(hand, "inverter_silent"), Level::error);
  for (int round = 0; round < 2; ++round) {
    expect_about(until_sent(hand), asked, "five times 0x55 and version");
    EXPECT_TRUE(is_last<Reset>(hand));
    EXPECT_EQ(hand.bauds.back(), 115200u);
    expect_about(until_sent(hand), 1s, "reset at high speed");
    EXPECT_TRUE(is_last<VersionRequest>(hand) || hand.reopens == 1);
    EXPECT_EQ(hand.bauds.back(), 2400u);
    if (round == 1) break;
    expect_about(until_sent(hand), asked, "version");
    EXPECT_EQ(hand.wake_ups, 2u);
  }
  EXPECT_EQ(hand.reopens, 1u);
  const auto sent = hand.sent.size();
  expect_about(until_sent(hand), 2s, "the line is opened again");
  EXPECT_EQ(hand.sent.size(), sent + 1);
  EXPECT_EQ(hand.wake_ups, 2u);
  EXPECT_EQ(hand.health().frames[FrameResult::timeout], 4u);
}

TEST(VebusDriverWire, ARequestIsGivenUpAfterItsLimitAndThreeInARowAreSilence) {
  Hand lost;
  lost.make_ready();
  lost.settle();
  answer_until(lost, [&] { return is_last<LedRequest>(lost); });
  expect_about(until_sent(lost), 500ms + mk3::wire_time(4), "L");
  lost.sent.clear();
  lost.wait(1200ms);
  EXPECT_FALSE(lost.health().ready);
  EXPECT_EQ(lost.health().trouble, "the inverter does not answer");
  EXPECT_EQ(lost.health().frames[FrameResult::timeout], 3u);
  Hand slow;
  slow.make_ready();
  answer_until(slow, [&] {
    return !(!std::holds_alternative<InfoRequest>(slow.last()) ||
             std::get<InfoRequest>(slow.last()).what != InfoRequest::config);
  });
  expect_about(until_sent(slow), 1200ms + mk3::wire_time(5), "F 5");
}

TEST(VebusDriverWire, AHandshakeThatDoesNotLastComesLaterAndLaterUntilAHeartbeatIsAnswered) {
  Hand hand;
  hand.start();
  const auto reset = [&] {
    hand.answer();
    hand.answer();
    hand.give(Version{good_version, 'B'});
    EXPECT_EQ(hand.health().trouble, "the MK3 interface was reset");
    EXPECT_EQ(hand.health().faults, FaultFlags{Fault::inverter_lost});
    return until_sent(hand);
  };
  for (const auto pause : {250ms, 500ms, 1000ms, 2000ms, 4000ms, 8000ms, 8000ms, 8000ms, 8000ms,
                           8000ms, 8000ms, 8000ms, 8000ms})
    expect_about(reset(), pause, "back-off");
  EXPECT_EQ(detail_of(hand, "interface_reset"), "mode=66");
  EXPECT_EQ(level_of(hand, "interface_reset"), Level::warning);
  hand.answer();
  EXPECT_EQ(hand.health().trouble, "handshake with the inverter");
  for (int i = 0; i < 40; ++i) hand.answer();
  ASSERT_TRUE(hand.health().ready);
  hand.give(Version{good_version, 'B'});
  expect_about(until_sent(hand), 250ms, "back-off after a good one");
}

TEST(VebusDriverWire, TheWakeUpIsTheMomentOfTheNextDeed) {
  const auto driver = make_vebus_driver({});
  const Instant start = Instant{} + 1h;
  EXPECT_FALSE(driver->on_timer(start).wake_at) << "not started";
  EXPECT_EQ(driver->on_start(start).wake_at, start + 2s + mk3::wire_time(4)) << "its limit";
  const auto hear = [&](const Message& message, Duration after) {
    return driver->on_bytes(encode(message), start + after);
  };
  // A false head may hide a frame: the line is looked at again when it has been quiet.
  EXPECT_EQ(hear(Version{good_version, 0}, 50ms).wake_at, start + 350ms);
  EXPECT_EQ(driver->on_timer(start + 350ms).wake_at, start + 550ms + mk3::wire_time(6));
  EXPECT_EQ(hear(Address{true, 0}, 400ms).wake_at, start + 700ms);
  EXPECT_EQ(hear(Version{good_version, 'B'}, 500ms).wake_at, start + 750ms) << "back-off";
  EXPECT_EQ(driver->on_timer(start + 600ms).wake_at, start + 750ms);
}

TEST(VebusDriverWire, OneRejectionAndItsEndAreTold) {
  Hand hand;
  hand.make_ready();
  const auto write = [&] {
    for (int i = 0; i < 1000 && !is_last(hand, Code::write_by_id); ++i) {
      hand.command(-100.0);
      if (!hand.answer(10ms)) hand.wait(1ms);
    }
  };
  write();
  hand.reply(Code::access_denied, "00", 10ms);
  hand.wait(300ms);
  EXPECT_FALSE(hand.said("setpoint_accepted"));
  write();
  hand.reply(Code::ram_written, "", 10ms);
  EXPECT_EQ(level_of(hand, "setpoint_accepted"), Level::notice);
}

/// Whether the inverter heard an unanswered write is not known: the word before it is written
/// again.
TEST(VebusDriverWire, AnUnansweredSetpointIsNotTheLastOneWritten) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  const auto write = [&](double watts) {
    hand.command(watts);
    for (int i = 0; i < 10 && !is_last(hand, Code::write_by_id); ++i) hand.answer(10ms);
  };
  write(-100.0);
  hand.answer(10ms);
  hand.command(-200.0);
  for (int i = 0; i < 20 && hand.words_written().size() < 2; ++i) hand.answer(10ms);
  ASSERT_EQ(hand.words_written(), (std::vector<int>{100, 200}));
  hand.command(-100.0);
  (void)until_sent(hand);
  EXPECT_EQ(hand.words_written(), (std::vector<int>{100, 200, 100}));
}

/// A reset interface is only one that had been given an address.
TEST(VebusDriverWire, TheVersionsModeByteMattersOnceAnAddressIsSelected) {
  VebusConfig config;
  config.address = 2;
  Hand hand{config};
  hand.start();
  hand.give(Version{good_version, 0});
  EXPECT_EQ(std::get<Address>(hand.last()), (Address{true, 2}));
  hand.give(Version{good_version, 'W'});
  EXPECT_FALSE(hand.said("interface_reset"));
  hand.give(Address{true, 1});  // not ours: asked again after a while
  EXPECT_EQ(hand.health().frames[FrameResult::content], 1u);
  expect_about(until_sent(hand), 500ms, "address");
  EXPECT_EQ(std::get<Address>(hand.last()), (Address{true, 2}));
  hand.give(Address{true, 2});
  EXPECT_TRUE(is_last<StateSet>(hand));
  hand.give(Version{good_version, 2});
  EXPECT_FALSE(hand.said("interface_reset"));
  hand.give(Version{good_version, 0});
  EXPECT_TRUE(hand.said("interface_reset"));
}

// ---- a hub that stood still ---------------------------------------------------------------------

/// Ready, with a request on the wire and a setpoint that stays valid.
struct Stalled : Hand {
  Stalled() {
    make_ready();
    settle();
    command(-100.0, InverterMode::follow, 1h);
    answer_until(*this, [&] { return words_written() == std::vector<int>{100}; });
    answer();
    answer_until(*this, [&] { return is_last<LedRequest>(*this); });
    sent.erase(sent.begin(), sent.end() - 1);
    samples.clear();
  }
  /// The wake-up that was asked for comes so much later.
  void wake_late(Duration by) {
    now = wake().value() + by;
    wait(0s);
  }
};

TEST(VebusDriverStall, AWakeUpThatComesMoreThanASecondLateIsOne) {
  Stalled in_time;
  in_time.wake_late(1s);
  EXPECT_FALSE(in_time.said("stalled"));
  EXPECT_TRUE(in_time.health().ready);
  Stalled late;
  late.wake_late(1s + 1ns);
  EXPECT_EQ(level_of(late, "stalled"), Level::warning);
  EXPECT_EQ(detail_of(late, "stalled"), "seconds=1");
  late.wake_late(7s);
  EXPECT_EQ(std::ranges::count(late.events, "stalled", &Event::name), 2);
  EXPECT_EQ(late.events.back().detail, "seconds=7");

  Hand searching;
  searching.start();
  searching.now += 1h;
  searching.wait(0s);
  EXPECT_FALSE(searching.said("stalled")) << "the inverter was not ready";
}

TEST(VebusDriverStall, AnAnswerToWhatWasAskedBeforeIsVoidWhoeverNoticesTheStall) {
  for (const bool by_timer : {false, true}) {
    Stalled hand;
    const auto late = hand.health().frames[FrameResult::late];
    if (by_timer) hand.wake_late(5s);
    if (!by_timer) hand.now += 6s;
    hand.answer(0ms);
    EXPECT_TRUE(hand.said("stalled"));
    EXPECT_EQ(hand.health().frames[FrameResult::late], late + 1);
    EXPECT_EQ(hand.health().frames[FrameResult::timeout], 0u);
    EXPECT_TRUE(hand.samples.empty());
  }
}

TEST(VebusDriverStall, TheFirstSetpointIsWrittenBeforeAnythingElseAndThenTheHandshakeIsMadeAnew) {
  Stalled hand;
  hand.wake_late(5s);
  hand.wait(499ms);
  EXPECT_EQ(hand.sent.size(), 1u) << "not even the setpoint of before, although it is valid";
  EXPECT_TRUE(hand.health().ready);
  hand.command(-300.0);
  EXPECT_EQ(hand.words_written(), std::vector<int>{300});
  EXPECT_EQ(hand.sent.size(), 2u);
  EXPECT_TRUE(hand.health().ready) << "its answer is waited for";
  hand.answer();
  EXPECT_TRUE(is_last<VersionRequest>(hand));
  EXPECT_FALSE(hand.health().ready);
  EXPECT_EQ(hand.health().trouble, "the hub stood still: handshake with the inverter anew");
  EXPECT_EQ(hand.health().faults, FaultFlags{Fault::inverter_lost});
  answer_until(hand, [&] { return hand.health().ready; });
  EXPECT_EQ(hand.health().faults, FaultFlags{});
  EXPECT_EQ(hand.words_written(), std::vector<int>{300}) << "what came before is not written again";
}

TEST(VebusDriverStall, TheSetpointItselfMayNoticeIt) {
  Stalled hand;
  hand.now += 6s;
  hand.command(-300.0);
  EXPECT_TRUE(hand.said("stalled"));
  EXPECT_EQ(hand.words_written(), std::vector<int>{300});
}

TEST(VebusDriverStall, AfterHalfASecondWithoutASetpointTheHandshakeIsMadeAnew) {
  Stalled hand;
  hand.wake_late(5s);
  EXPECT_EQ(hand.wake(), hand.now + 500ms);
  hand.wait(500ms);
  EXPECT_TRUE(is_last<VersionRequest>(hand));
  EXPECT_FALSE(hand.health().ready);
  hand.command(-300.0);
  EXPECT_TRUE(hand.words_written().empty());
}

TEST(VebusDriverStall, ASetpointThatIsNotAnsweredEndsInTheHandshakeToo) {
  Stalled hand;
  hand.wake_late(5s);
  hand.command(-300.0);
  expect_about(until_sent(hand), 500ms + mk3::wire_time(9), "its limit");
  EXPECT_TRUE(is_last<VersionRequest>(hand));
  EXPECT_EQ(hand.words_written(), std::vector<int>{300});
}

TEST(VebusDriverWire, EventsAndHealthTellWhatWasFound) {
  Hand hand;
  hand.make_ready();
  EXPECT_EQ(detail_of(hand, "mk3_found"), "version=1170212");
  EXPECT_EQ(level_of(hand, "mk3_found"), Level::info);
  EXPECT_EQ(detail_of(hand, "ess_found"), "id=131 firmware=2648304");
  EXPECT_EQ(hand.health().firmware, 2648304u);
  EXPECT_EQ(level_of(hand, "ess_found"), Level::notice);
  hand.down();
  EXPECT_EQ(hand.health().trouble, "the line is down");
  hand.events.clear();
  hand.make_ready();
  EXPECT_FALSE(hand.said("mk3_found")) << "the same as before";
  EXPECT_FALSE(hand.said("inverter_back")) << "it was never told to be silent";
  EXPECT_TRUE(hand.said("ess_found"));
  hand.wait(3s);
  EXPECT_EQ(level_of(hand, "inverter_silent"), Level::error);
  for (int i = 0; i < 60 && !hand.health().ready; ++i)
    if (!hand.answer()) hand.wait(500ms);
  EXPECT_EQ(level_of(hand, "inverter_back"), Level::notice);
}

TEST(VebusDriverWire, WhatIsOnlyForTheLogMayStayUnanswered) {
  Hand hand;
  hand.start();
  answer_until(hand, [&] { return is_last(hand, Code::firmware_low); });
  for (const auto code : {Code::firmware_low, Code::firmware_low, Code::firmware_high,
                          Code::firmware_high, Code::ram_info}) {
    EXPECT_TRUE(is_last(hand, code));
    if (code != Code::ram_info) (void)until_sent(hand);
  }
  EXPECT_EQ(hand.health().frames[FrameResult::timeout], 4u);
  for (int i = 0; i < 40; ++i) hand.answer();
  EXPECT_TRUE(hand.health().ready);
  EXPECT_EQ(detail_of(hand, "ess_found"), "id=131 firmware=0");
  EXPECT_FALSE(hand.health().firmware);
}

/// Two requests in a row unanswered, then an answer: it is not silent. Of three letters owed none
/// is free for three seconds.
TEST(VebusDriverWire, WithEveryLetterOwedNothingIsAskedUntilOneIsFree) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  (void)until_sent(hand);
  const Instant first = hand.now;
  (void)until_sent(hand);
  hand.answer(1ms);
  ASSERT_TRUE(hand.health().ready);
  const auto before = hand.sent.size();
  for (int i = 0; i < 50; ++i) hand.answer(1ms);
  EXPECT_GT(hand.sent.size(), before) << "there is one letter left";
  (void)until_sent(hand);
  EXPECT_TRUE(hand.health().ready);
  EXPECT_GE(hand.now - first, 3s - 1ms);
  EXPECT_LE(hand.now - first, 3s + 2ms);
  EXPECT_EQ(hand.health().frames[FrameResult::timeout], 3u);
}

TEST(VebusDriverWire, AFrameHiddenBehindAFalseHeadComesOutWhenTheLineIsQuiet) {
  Hand hand;
  hand.start();
  const Bytes version = encode(Version{good_version, 'B'});
  Bytes stream = from_hex("27ff").value();  // the head of a long frame
  stream.insert(stream.end(), version.begin(), version.end());
  hand.bytes(stream);
  hand.wait(299ms);
  EXPECT_EQ(hand.sent.size(), 1u);
  hand.wait(1ms);
  EXPECT_EQ(hand.sent.size(), 2u) << "by the timer";

  Hand other;
  other.start();
  other.bytes(stream);
  other.now += 300ms;  // the timer is late, other bytes come first
  other.bytes(from_hex("ff").value());
  EXPECT_EQ(other.sent.size(), 2u);

  Hand split;  // a frame whose bytes come with pauses shorter than the gap
  split.start();
  for (const std::byte b : version) {
    split.now += 299ms;
    split.bytes(Bytes{b});
    if (split.sent.size() > 1) break;
  }
  EXPECT_EQ(split.sent.size(), 2u);
}

TEST(VebusDriverWire, LateAndUnaskedMessagesAreCountedAsWhatTheyAre) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  answer_until(hand, [&] { return is_last<LedRequest>(hand); });
  hand.wait(510ms + mk3::wire_time(4));
  const auto late = [&] { return hand.health().frames[FrameResult::late]; };
  EXPECT_EQ(late(), 0u);
  hand.samples.clear();
  hand.give(Leds{1, 2, std::uint8_t{3}, std::uint8_t{4}, {}});
  EXPECT_EQ(late(), 1u);
  EXPECT_TRUE(hand.samples.empty());
  hand.give(Leds{1, 2, std::uint8_t{3}, std::uint8_t{4}, {}});
  EXPECT_EQ(late(), 1u) << "owed once";
  hand.give(Winmon{Letter::w, Code::ram_is, {}});
  EXPECT_EQ(late(), 2u) << "no request of ours has that letter";
  hand.give(ConfigInfo{.limit = 123});
  EXPECT_EQ(late(), 2u);
  EXPECT_DOUBLE_EQ(hand.value(Point::inverter, Measure::input_limit), 12.3) << "broadcast";
  const auto unknown = hand.health().frames[FrameResult::unknown];
  hand.bytes(mk3::encode({mk3::type_interface, from_hex("55").value(), {}}));
  EXPECT_EQ(hand.health().frames[FrameResult::unknown], unknown + 1);

  Hand early;
  early.start();
  early.give(ConfigInfo{.limit = 123});
  EXPECT_FALSE(early.sample(Point::inverter, Measure::input_limit)) << "before the handshake";
}

TEST(VebusDriverWire, EachRequestIsAskedInItsFormAndAsOftenAsItsPeriodSays) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.sent.erase(hand.sent.begin(), hand.sent.end() - 1);
  const Instant end = hand.now + 61s;
  for (int i = 0; i < 2000 && hand.now < end; ++i) {
    hand.command(-100.0);
    hand.answer(40ms);
  }
  const auto infos = [&](std::uint8_t what) {
    return static_cast<double>(
        std::ranges::count(hand.sent_of<InfoRequest>(), what, &InfoRequest::what));
  };
  const auto winmons = [&](Code code) {
    return static_cast<double>(std::ranges::count(hand.sent_of<Winmon>(), code, &Winmon::code));
  };
  EXPECT_NEAR(infos(InfoRequest::ac_l1), 61 / 0.78, 4);
  EXPECT_EQ(infos(InfoRequest::dc), 0) << "it comes with the check of the record";
  EXPECT_EQ(infos(InfoRequest::config), 2);
  EXPECT_NEAR(static_cast<double>(hand.sent_of<LedRequest>().size()), 61 / 1.27, 5);
  EXPECT_NEAR(static_cast<double>(hand.sent_of<VersionRequest>().size()), 61 / 2.05, 4);
  EXPECT_EQ(hand.sent_of<HardwareFlags>(),
            (std::vector<HardwareFlags>(4, HardwareFlags{std::uint8_t{7}})));
  EXPECT_NEAR(winmons(Code::device_state), 10, 1);
  EXPECT_NEAR(winmons(Code::write_by_id), 61 / 0.83, 4);
  const auto requests = hand.sent_of<Winmon>();
  const auto check = std::ranges::find(requests, Code::read_ram, &Winmon::code);
  ASSERT_NE(check, requests.end());
  EXPECT_EQ(to_hex(check->data), "820F0E100405");
  ASSERT_FALSE(hand.sent_of<SnapshotRequest>().empty());
  EXPECT_EQ(hand.sent_of<SnapshotRequest>()[0].ids, (std::vector<std::uint8_t>{14, 16, 15}));
  EXPECT_TRUE(hand.sent_of<StateSet>().empty());
}

TEST(VebusDriverWire, WhatTheInterfaceIsSetToLeavesSwitchAndLimitAlone) {
  Hand hand;
  hand.make_ready();
  EXPECT_EQ(std::get<StateSet>(hand.sent[2]),
            (StateSet{3, 0x8000, 0x90, std::uint8_t{0}, std::uint8_t{0}}));
}

/// A snapshot read that comes too early is empty: it is read after a gap from then on, and a unit
/// that never fills it is not commanded.
TEST(VebusDriverWire, EmptySnapshotsAreReadLaterAndTenInARowStopWriting) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  const auto empty = [&] {
    for (int i = 0; i < 1000 && !is_last(hand, Code::read_snapshot); ++i) {
      if (!is_last<SnapshotRequest>(hand)) {
        ASSERT_TRUE(hand.answer(20ms));
        continue;
      }
      expect_about(until_sent(hand), mk3::wire_time(8) + 60ms, "the second half");
    }
    hand.reply(Code::snapshot_is, "89FE0500", 20ms);
  };
  answer_until(
      hand, [&] { return is_last(hand, Code::read_snapshot); }, 20ms);
  const auto content = hand.health().frames[FrameResult::content];
  for (int i = 0; i < 9; ++i) empty();
  EXPECT_EQ(hand.health().frames[FrameResult::content], content + 9);
  EXPECT_TRUE(hand.health().ready);
  answer_until(
      hand, [&] { return is_last<SnapshotRequest>(hand); }, 20ms);
  (void)until_sent(hand);
  hand.answer();  // a full one in between: counted anew
  for (int i = 0; i < 9; ++i) empty();
  EXPECT_TRUE(hand.health().ready);
  empty();
  EXPECT_FALSE(hand.health().ready);
  EXPECT_EQ(hand.health().trouble, "the inverter gives no power readings");
  EXPECT_EQ(level_of(hand, "inverter_unusable"), Level::error);
  EXPECT_EQ(detail_of(hand, "inverter_unusable"),
            "reason=\"the inverter gives no power readings\"");
}

TEST(VebusDriverWire, AnUnansweredSecondHalfOfASnapshotIsGivenUpAsWell) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  answer_until(hand, [&] { return is_last(hand, Code::read_snapshot); });
  hand.reply(Code::snapshot_is, "");
  answer_until(hand, [&] { return is_last<SnapshotRequest>(hand); });
  expect_about(until_sent(hand), mk3::wire_time(8) + 60ms, "the read");
  expect_about(until_sent(hand), 500ms + mk3::wire_time(5), "the next request");
}

/// Nothing answers F 6: where the next one gets lost too, what is read is what the first one froze.
TEST(VebusDriverWire, PowersThatMayHaveBeenFrozenMoreThanASecondAgoAreNotTaken) {
  const auto taken_at = [](Duration age) {
    Hand hand;
    hand.make_ready();
    hand.settle();
    answer_until(hand, [&] { return is_last(hand, Code::read_snapshot); });
    const Instant frozen = hand.now;
    hand.wait(600ms);  // unanswered
    answer_until(hand, [&] { return is_last(hand, Code::read_snapshot); });
    hand.samples.clear();
    EXPECT_LT(hand.now, frozen + 1s);
    hand.reply(Code::snapshot_is, "89FE05007201", frozen + age - hand.now);
    const bool taken = hand.sample(Point::ac_out, Measure::power).has_value();
    answer_until(hand, [&] { return is_last(hand, Code::read_snapshot); });
    hand.samples.clear();
    hand.reply(Code::snapshot_is, "89FE05007201");
    EXPECT_TRUE(hand.sample(Point::ac_out, Measure::power)) << "the next is of its own freeze";
    return taken;
  };
  EXPECT_TRUE(taken_at(1s));
  EXPECT_FALSE(taken_at(1s + 1ms));
}

/// An empty one may have been read before its freeze: that is there still.
TEST(VebusDriverWire, WhatAnEmptySnapshotLeftIsOldLater) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  answer_until(hand, [&] { return is_last(hand, Code::read_snapshot); });
  const Instant frozen = hand.now;
  hand.reply(Code::snapshot_is, "");
  hand.wait(550ms);  // the next is not answered
  answer_until(
      hand, [&] { return is_last(hand, Code::read_snapshot); }, 100ms);
  hand.samples.clear();
  hand.reply(Code::snapshot_is, "89FE05007201",
             std::max(frozen + 1001ms - hand.now, Duration{20ms}));
  EXPECT_FALSE(hand.sample(Point::ac_out, Measure::power));
}

/// Reading clears it, whatever was read.
TEST(VebusDriverWire, AnEmptySnapshotLeavesNothingOldBehind) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  answer_until(hand, [&] { return is_last(hand, Code::read_snapshot); });
  hand.wait(600ms);  // unanswered
  answer_until(hand, [&] { return is_last(hand, Code::read_snapshot); });
  hand.reply(Code::snapshot_is, "");
  answer_until(
      hand, [&] { return is_last(hand, Code::read_snapshot); }, 200ms);
  hand.samples.clear();
  hand.reply(Code::snapshot_is, "89FE05007201", 300ms);
  EXPECT_TRUE(hand.sample(Point::ac_out, Measure::power));
}

TEST(VebusDriverWire, ImpossiblePowersAreCountedAndDoNotShowThatItCanBeControlled) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  answer_until(hand, [&] { return is_last(hand, Code::read_snapshot); });
  hand.samples.clear();
  const auto content = hand.health().frames[FrameResult::content];
  hand.reply(Code::snapshot_is, "89FE05003175");  // 30001 W
  EXPECT_EQ(hand.health().frames[FrameResult::content], content + 1);
  EXPECT_TRUE(hand.samples.empty());
}

TEST(VebusDriverWire, AUnitThatIsNotCommandedIsLookedAtAgainAfterHalfAMinute) {
  Hand hand;
  hand.records.clear();
  hand.start();
  answer_until(hand, [&] { return hand.said("ess_missing"); });
  EXPECT_EQ(level_of(hand, "ess_missing"), Level::error);
  EXPECT_EQ(detail_of(hand, "ess_missing"),
            "reason=\"the inverter has no ESS assistant: install it with VEConfigure\"");
  const Instant refused = hand.now;
  answer_until(
      hand, [&] { return is_last(hand, Code::ram_info); }, 10ms);
  EXPECT_GE(hand.now - refused, 30s);
  EXPECT_LE(hand.now - refused, 30s + 20ms);
}

TEST(VebusDriverWire, ASecondRefusalIsOneOfTheSameHalfMinute) {
  for (const bool soon : {true, false}) {
    Hand hand;
    hand.make_ready();
    const auto refuse = [&] {
      for (int i = 0; i < 1000 && !is_last(hand, Code::write_by_id); ++i) {
        hand.command(-100.0);
        hand.answer(10ms);
      }
      hand.reply(Code::access_denied, "00", 10ms);
    };
    refuse();
    EXPECT_EQ(level_of(hand, "setpoint_refused"), Level::error);
    EXPECT_EQ(detail_of(hand, "setpoint_refused"),
              "reason=\"refused: a higher access level is needed (9B)\"");
    const Instant first = hand.now;
    hand.wait(300ms);
    hand.sent.erase(hand.sent.begin(), hand.sent.end() - 1);
    answer_until(
        hand, [&] { return !(hand.now < first + (soon ? 29900ms : 30s)); }, 10ms);
    refuse();
    EXPECT_EQ(hand.said("inverter_unusable"), soon);
    EXPECT_EQ(hand.health().trouble,
              "the inverter does not take the setpoint: refused: a higher access level is needed "
              "(9B)");
  }
}

TEST(VebusDriverWire, AMovedRecordIsToldAndTheHandshakeBeginsAgain) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.records = {{128, 0x0090}, {129, 0x0054}};
  answer_until(hand, [&] { return !(hand.health().ready); });
  EXPECT_EQ(level_of(hand, "ess_moved"), Level::warning);
  EXPECT_EQ(hand.health().trouble, "the ESS assistant is not where it was");
  expect_about(until_sent(hand), 250ms, "back-off");
  EXPECT_TRUE(is_last<VersionRequest>(hand));
}

TEST(VebusDriverWire, BytesBothWaysAndWhatIsSentLaterAreTimeOnTheWire) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  answer_until(hand, [&] { return is_last(hand, Code::read_snapshot); });
  hand.reply(Code::snapshot_is, "");
  answer_until(hand, [&] { return is_last<SnapshotRequest>(hand); });
  const auto before = hand.health().wire_busy;
  (void)until_sent(hand);
  EXPECT_EQ(hand.health().wire_busy - before, mk3::wire_time(5)) << "the second half alone";
}

TEST(VebusDriverWire, ThreeUnansweredRequestsMeanSilenceWithinThreeSeconds) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.wait(3s);
  EXPECT_FALSE(hand.health().ready);
  EXPECT_EQ(hand.health().faults, FaultFlags{Fault::inverter_lost});
  EXPECT_TRUE(hand.said("inverter_silent"));
  for (int i = 0; i < 60 && !hand.health().ready; ++i)
    if (!hand.answer()) hand.wait(500ms);
  EXPECT_TRUE(hand.said("inverter_back"));
  EXPECT_TRUE(hand.words_written().empty());
}

TEST(VebusDriverWire, AnInterfaceThatForgotItsAddressIsSetUpAgain) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.command(-100.0, InverterMode::follow, 1h);
  hand.give(Version{good_version, 'B'});
  EXPECT_FALSE(hand.health().ready);
  EXPECT_TRUE(hand.said("interface_reset"));
  hand.wait(300ms);
  hand.sent.erase(hand.sent.begin(), hand.sent.end() - 1);
  for (int i = 0; i < 60; ++i) hand.answer();
  EXPECT_TRUE(hand.health().ready);
  EXPECT_TRUE(hand.words_written().empty());
}

TEST(VebusDriverWire, RoundTripsAndTheTimeOfTheBytesAreCounted) {
  Hand hand;
  hand.start();
  const auto asked = hand.health().wire_busy;
  EXPECT_EQ(asked, 4 * mk3::byte_time);
  hand.answer(80ms);
  EXPECT_EQ(hand.health().round_trip.count(), 1u);
  EXPECT_DOUBLE_EQ(hand.health().round_trip.sum_seconds, 0.08);
  EXPECT_EQ(hand.health().wire_busy - asked, (9 + 6) * mk3::byte_time);  // version; address
}

TEST(VebusDriverWire, NothingIsAskedOfALineThatIsDown) {
  Hand hand;
  hand.make_ready();
  hand.down();
  const auto before = hand.sent.size();
  hand.command(-100.0);
  hand.wait(1s);
  hand.give(Version{good_version, 0});
  EXPECT_EQ(hand.sent.size(), before);
  EXPECT_FALSE(hand.health().ready);
}

TEST(VebusDriverWire, WhatWasCommandedBeforeTheLineWentDownIsVoid) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.command(0.0, InverterMode::off, 1h);
  hand.down();
  hand.sent.clear();
  hand.make_ready();
  hand.settle();
  for (const auto& set : hand.sent_of<StateSet>()) {
    EXPECT_EQ(set.switch_state, static_cast<std::uint8_t>(SwitchState::on));
    EXPECT_NE(set.flags & StateSet::settings_only, 0) << "it was never switched off";
  }
}

/// reference: vebus-mk3#14 rule 17: not before the standby line is held, but then at once.
TEST(VebusDriverWire, SwitchesOffAsSoonAsTheStandbyLineIsHeld) {
  Hand hand;
  hand.start();
  hand.command(0.0, InverterMode::off, 1h);
  answer_until(hand, [&] { return is_last<HardwareFlags>(hand); });
  for (const auto& set : hand.sent_of<StateSet>())
    EXPECT_NE(set.flags & StateSet::settings_only, 0) << "too early";
  hand.answer();
  ASSERT_TRUE(is_last<StateSet>(hand));
  EXPECT_EQ(std::get<StateSet>(hand.last()).switch_state,
            static_cast<std::uint8_t>(SwitchState::off));
}

TEST(VebusDriverWire, HalfAFrameOfALineThatWasLostIsForgotten) {
  Hand hand;
  hand.start();
  hand.bytes(from_hex("27ff").value());  // the head of a long frame
  hand.down();
  hand.start();
  hand.give(Version{good_version, 'B'});
  EXPECT_TRUE(is_last<Address>(hand));
}

/// What is heard at the interface's high speed is no part of a frame at the low one.
TEST(VebusDriverWire, HalfAFrameHeardAtHighSpeedIsForgotten) {
  Hand hand;
  hand.start();
  for (int i = 0; i < 10 && !is_last<Reset>(hand); ++i) (void)until_sent(hand);
  ASSERT_TRUE(is_last<Reset>(hand));
  hand.wait(900ms);
  hand.bytes(from_hex("27ff").value());
  (void)until_sent(hand);
  ASSERT_TRUE(is_last<VersionRequest>(hand));
  hand.give(Version{good_version, 'B'});
  EXPECT_TRUE(is_last<Address>(hand));
}

TEST(VebusDriverWire, RandomBytesAndFramesNeverCrashNorReachTheSetpoint) {
  std::mt19937 random{11};
  const auto draw = [&](unsigned n) { return static_cast<unsigned>(random()) % n; };
  for (int round = 0; round < 20; ++round) {
    Hand hand;
    hand.start();
    for (int i = 0; i < 300; ++i) {
      Bytes bytes;
      if (draw(3) == 0) {
        for (unsigned n = draw(20); n > 0; --n) put_u8(bytes, draw(256));
      } else {
        constexpr std::array<std::uint8_t, 4> types{0xFF, 0x20, 0x41, 0x38};
        constexpr std::string_view letters = "VALFSHRWXYZXYZ";
        mk3::Frame frame{types[draw(4)], {}, {}};
        put_u8(frame.payload, static_cast<unsigned>(letters[draw(letters.size())]));
        put_u8(frame.payload, 0x80 + draw(0x20));
        for (unsigned n = draw(16); n > 0; --n) put_u8(frame.payload, draw(256));
        bytes = mk3::encode(frame);
      }
      hand.now += 1ms * draw(400);
      hand.bytes(bytes);
      if (draw(4) == 0) hand.answer();
      if (draw(4) == 0) hand.wait(1ms * draw(1500));
      hand.command(0.0, InverterMode::release);
    }
    EXPECT_TRUE(hand.words_written().empty());
  }
}

TEST(VebusDriverWire, IsSetForTheOnlyUnitAndARefreshBelowASecond) {
  const VebusConfig config;
  EXPECT_EQ(config.address, 0);
  EXPECT_EQ(config.refresh, 800ms);
  EXPECT_EQ(config.setpoint_interval, 80ms);
  EXPECT_EQ(config.setpoint_deadband, Watts{1.0});
}

// ---- exact instants -----------------------------------------------------------------------------

/// Fires the wake-up that is asked for, at its very instant.
void wake_once(Hand& hand) {
  hand.now = hand.wake().value();
  hand.timer();
}

TEST(VebusDriverWire, EachWaitEndsAtItsVeryInstant) {
  Hand search;
  search.start();
  EXPECT_EQ(search.health().faults, FaultFlags{}) << "nothing is lost that was never there";
  search.now += 2s + mk3::wire_time(4) - 1ns;
  search.timer();
  EXPECT_EQ(search.health().frames[FrameResult::timeout], 0u);
  search.now += 1ns;
  search.timer();
  EXPECT_EQ(search.health().frames[FrameResult::timeout], 1u);

  Hand other;
  other.start();
  other.answer();
  other.give(Address{true, 1});
  EXPECT_EQ(other.wake(), other.now + 500ms) << "another address than ours";

  Hand gap;
  gap.make_ready();
  gap.settle();
  answer_until(gap, [&] { return is_last(gap, Code::read_snapshot); });
  gap.reply(Code::snapshot_is, "");
  answer_until(gap, [&] { return is_last<SnapshotRequest>(gap); });
  EXPECT_EQ(gap.wake(), gap.now + mk3::wire_time(8) + 60ms);
  const auto sent = gap.sent.size();
  gap.now = *gap.wake() - 1ns;
  gap.timer();
  EXPECT_EQ(gap.sent.size(), sent) << "too early";
  wake_once(gap);
  EXPECT_EQ(gap.sent.size(), sent + 1);
  EXPECT_TRUE(is_last(gap, Code::read_snapshot));
}

TEST(VebusDriverWire, HalfAFrameIsNotGivenUpByAWakeUpBeforeTheLineIsQuiet) {
  const auto driver = make_vebus_driver({});
  const Instant start = Instant{} + 1h;
  (void)driver->on_start(start);
  const Bytes version = encode(Version{good_version, 'B'});
  const ByteView whole{version};
  (void)driver->on_bytes(whole.first(4), start + 200ms);
  (void)driver->on_timer(start + 310ms);
  EXPECT_FALSE(driver->on_bytes(whole.subspan(4), start + 400ms).send.empty());
}

TEST(VebusDriverWire, WithEveryLetterOwedTheWakeUpIsWhenTheFirstIsFree) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  const auto time_outs = [&] { return hand.health().frames[FrameResult::timeout]; };
  const auto until_given_up = [&](std::uint64_t count) {
    for (int i = 0; i < 10 && time_outs() < count; ++i) wake_once(hand);
  };
  until_given_up(1);
  const Instant first = hand.now;
  until_given_up(2);
  for (int i = 0; i < 3; ++i) hand.answer(1ms);
  until_given_up(3);
  EXPECT_TRUE(hand.health().ready);
  EXPECT_EQ(hand.wake(), first + 3s);
}

TEST(VebusDriverWire, TheSpeedIsChangedForTheResetAloneAndTheSearchGoesRound) {
  Hand hand;
  hand.start();
  for (int i = 0; i < 11; ++i) (void)until_sent(hand);
  EXPECT_EQ(hand.bauds,
            (std::vector<std::uint32_t>{2400, 115200, 2400, 115200, 2400, 115200, 2400}));
  Hand again;
  again.start();
  while (again.reopens == 0) (void)until_sent(again);
  EXPECT_EQ(again.wake_ups, 2u);
  (void)until_sent(again);
  EXPECT_EQ(again.wake_ups, 2u) << "the version alone first";
  (void)until_sent(again);
  EXPECT_EQ(again.wake_ups, 3u);
}

// ---- what is remembered and what is not ---------------------------------------------------------

TEST(VebusDriverWire, ALineThatIsBackIsSearchedAtOnceAndFromTheBeginning) {
  Hand hand;
  hand.start();
  (void)until_sent(hand);
  ASSERT_EQ(hand.wake_ups, 1u);
  hand.down();
  hand.start();
  EXPECT_TRUE(is_last<VersionRequest>(hand));
  EXPECT_EQ(hand.wake_ups, 1u) << "the version alone first";

  Hand waiting;
  waiting.start();
  while (waiting.reopens == 0) (void)until_sent(waiting);
  const auto sent = waiting.sent.size();
  waiting.down();
  waiting.start();
  EXPECT_EQ(waiting.sent.size(), sent + 1) << "not after the wait for its opening";
}

TEST(VebusDriverWire, AnInterfaceThatWasFoundIsSearchedFromTheBeginning) {
  Hand hand;
  hand.start();
  (void)until_sent(hand);
  ASSERT_EQ(hand.wake_ups, 1u);
  hand.answer();
  hand.answer();
  hand.give(Version{good_version, 'B'});
  (void)until_sent(hand);
  EXPECT_EQ(hand.wake_ups, 1u) << "the version alone first";
  (void)until_sent(hand);
  EXPECT_EQ(hand.wake_ups, 2u);
}

TEST(VebusDriverWire, ACommandDoesNotCutTheBackOffShort) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.give(Version{good_version, 'B'});
  const auto sent = hand.sent.size();
  hand.command(-100.0);
  EXPECT_EQ(hand.sent.size(), sent);
  EXPECT_EQ(hand.wake(), hand.now + 250ms);
}

TEST(VebusDriverWire, SilenceIsToldOnceAndItsEndOnceAndAResetIsNoSilence) {
  const auto count = [](const Hand& hand, std::string_view name) {
    return std::ranges::count(hand.events, name, &Event::name);
  };
  Hand reset;
  reset.make_ready();
  reset.settle();
  reset.give(Version{good_version, 'B'});
  for (int i = 0; i < 40; ++i)
    if (!reset.answer()) reset.wait(1ms);
  ASSERT_TRUE(reset.health().ready);
  EXPECT_EQ(count(reset, "inverter_back"), 0);
  reset.give(Version{good_version, 'B'});
  reset.wait(250ms + 2s + mk3::wire_time(4) + 1ms);
  EXPECT_EQ(count(reset, "inverter_silent"), 1) << "of the interface";

  Hand handshake;  // silent after the interface was reset and found again
  handshake.make_ready();
  handshake.settle();
  handshake.give(Version{good_version, 'B'});
  (void)until_sent(handshake);
  handshake.answer();
  ASSERT_TRUE(is_last<Address>(handshake));
  handshake.wait(2s);
  EXPECT_EQ(count(handshake, "inverter_silent"), 1) << "of the inverter";
  for (int i = 0; i < 10 && !is_last<VersionRequest>(handshake); ++i) (void)until_sent(handshake);
  handshake.answer();
  handshake.wait(2s);
  EXPECT_EQ(count(handshake, "inverter_silent"), 1) << "it has not been back";
  answer_until(handshake, [&] { return handshake.health().ready; });
  EXPECT_EQ(count(handshake, "inverter_back"), 1);
}

TEST(VebusDriverWire, ANewHandshakeTellsTheStateAnewAndAsksForEverything) {
  Hand hand;
  hand.make_ready();
  for (int i = 0; i < 60; ++i) hand.answer();
  const auto states = [&] {
    return std::ranges::count(hand.events, "inverter_state", &Event::name);
  };
  EXPECT_EQ(states(), 1);
  hand.give(Version{good_version, 'B'});
  answer_until(
      hand, [&] { return hand.health().ready; }, 5ms);
  hand.sent.erase(hand.sent.begin(), hand.sent.end() - 1);
  for (int i = 0; i < 80; ++i) hand.answer(20ms);
  EXPECT_EQ(states(), 2);
  EXPECT_EQ(
      std::ranges::count(hand.sent_of<InfoRequest>(), InfoRequest::config, &InfoRequest::what), 1)
      << "although it was read seconds ago";
  EXPECT_FALSE(hand.said("inverter_switched")) << "nothing was switched";
}

TEST(VebusDriverWire, AfterANewHandshakeSnapshotsAreReadAtOnceAndCountedAnew) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  const auto empty = [&] {
    answer_until(
        hand, [&] { return is_last(hand, Code::read_snapshot) || is_last<SnapshotRequest>(hand); },
        20ms);
    while (is_last<SnapshotRequest>(hand)) (void)until_sent(hand);
    hand.reply(Code::snapshot_is, "", 20ms);
  };
  for (int i = 0; i < 9; ++i) empty();
  ASSERT_TRUE(hand.health().ready);
  hand.give(Version{good_version, 'B'});
  answer_until(
      hand, [&] { return hand.health().ready; }, 20ms);
  answer_until(
      hand, [&] { return is_last(hand, Code::read_snapshot) || is_last<SnapshotRequest>(hand); },
      20ms);
  EXPECT_TRUE(is_last(hand, Code::read_snapshot)) << "both halves in one go";
  for (int i = 0; i < 9; ++i) empty();
  EXPECT_TRUE(hand.health().ready);
  empty();
  EXPECT_FALSE(hand.health().ready);
}

TEST(VebusDriverWire, WhatIsUnusableForOneReasonKeepsItAndTellsItAgainAfterItWasGood) {
  Hand hand;
  const auto good = hand.records;
  hand.records.clear();
  hand.start();
  const auto missing = [&] { return std::ranges::count(hand.events, "ess_missing", &Event::name); };
  answer_until(hand, [&] { return missing() == 1; });
  const std::string why = "the inverter has no ESS assistant: install it with VEConfigure";
  for (int i = 0; i < 12; ++i) {
    answer_until(
        hand, [&] { return is_last(hand, Code::read_snapshot) || is_last<SnapshotRequest>(hand); },
        20ms);
    while (is_last<SnapshotRequest>(hand)) (void)until_sent(hand);
    hand.reply(Code::snapshot_is, "", 20ms);
  }
  EXPECT_EQ(hand.health().trouble, why) << "no power readings is no news";
  for (int i = 0; i < 3; ++i) hand.give(AcInfo{.phase_code = 0x07});
  EXPECT_EQ(hand.health().trouble, why) << "nor is another unit";
  const auto go_on_until = [&](const auto& done) {
    for (int i = 0; i < 4000 && !done(); ++i)
      if (!hand.answer()) (void)until_sent(hand);
    EXPECT_TRUE(done());
  };
  hand.records = good;
  go_on_until([&] { return hand.health().ready; });
  hand.records.clear();
  go_on_until([&] { return missing() == 2; });
  EXPECT_EQ(hand.health().trouble, why);
}

TEST(VebusDriverWire, AnotherUnitIsNoReasonBeforeTheHandshakeIsOver) {
  Hand hand;
  hand.start();
  hand.answer();
  for (int i = 0; i < 3; ++i) hand.give(AcInfo{.phase_code = 0x07});
  EXPECT_EQ(hand.health().trouble, "handshake with the inverter");
  EXPECT_TRUE(hand.events.empty() || hand.events.back().name == "mk3_found");
}

TEST(VebusDriverWire, WithoutTheRecordTheBatteryIsReadByItself) {
  Hand hand;
  hand.records.clear();
  hand.start();
  answer_until(hand, [&] { return hand.said("ess_missing"); });
  hand.sent.erase(hand.sent.begin(), hand.sent.end() - 1);
  for (int i = 0; i < 40; ++i) hand.answer(20ms);
  EXPECT_EQ(std::ranges::count(hand.sent_of<InfoRequest>(), InfoRequest::dc, &InfoRequest::what),
            1);
}

TEST(VebusDriverWire, AVersionThatOnlyOneDamagedFrameToldIsForgottenWithTheNext) {
  Hand hand;
  hand.version = 294968100;  // of a storm: its checksum held
  hand.start();
  answer_until(hand, [&] { return hand.said("inverter_unusable"); });
  EXPECT_EQ(detail_of(hand, "inverter_unusable"), "reason=\"the interface's firmware is too old\"");
  hand.version = good_version;
  const Instant refused = hand.now;
  answer_until(hand, [&] { return hand.health().ready; });
  EXPECT_LT(hand.now - refused, 45s) << "a heartbeat, and the second look";
  EXPECT_TRUE(hand.health().trouble.empty());
}

TEST(VebusDriverWire, TheSecondLookComesExactlyHalfAMinuteAfterTheRefusal) {
  for (const Duration short_of : {Duration{1ns}, Duration{0ns}}) {
    Hand hand;
    hand.records.clear();
    hand.start();
    answer_until(hand, [&] { return hand.said("ess_missing"); });
    const Instant again = hand.now + 30s;
    answer_until(
        hand, [&] { return hand.now >= again - 100ms; }, 10ms);
    ASSERT_LT(hand.now, again - 1ns);
    answer_until(
        hand, [&] { return !is_last<InfoRequest>(hand) && !is_last<SnapshotRequest>(hand); }, 1ms);
    ASSERT_LT(hand.now, again - 1ns);
    hand.answer(again - short_of - hand.now);
    EXPECT_EQ(is_last(hand, Code::ram_info), short_of == 0ns);
  }
}

TEST(VebusDriverWire, ARefusalExactlyHalfAMinuteAfterTheFirstIsAFirstOne) {
  for (const Duration short_of : {Duration{1ns}, Duration{0ns}}) {
    Hand hand;
    hand.make_ready();
    const auto write = [&] {
      for (int i = 0; i < 1000 && !is_last(hand, Code::write_by_id); ++i) {
        hand.command(-100.0);
        hand.answer(10ms);
      }
    };
    write();
    hand.reply(Code::access_denied, "00", 10ms);
    const Instant first = hand.now;
    hand.wait(300ms);
    answer_until(
        hand, [&] { return hand.now >= first + 29700ms; }, 10ms);
    write();
    ASSERT_LT(hand.now, first + 30s - 1ns);
    hand.reply(Code::access_denied, "00", first + 30s - short_of - hand.now);
    EXPECT_EQ(hand.said("inverter_unusable"), short_of != 0ns);
  }
}

TEST(VebusDriverWire, FirmwareInTwoHalvesIsPutTogether) {
  Hand hand;
  hand.start();
  answer_until(hand, [&] { return is_last(hand, Code::firmware_low); });
  hand.reply(Code::firmware_low_is, "f068");
  ASSERT_TRUE(is_last(hand, Code::firmware_high));
  hand.reply(Code::firmware_high_is, "2800");
  EXPECT_TRUE(is_last(hand, Code::ram_info));
  answer_until(hand, [&] { return hand.health().ready; });
  EXPECT_EQ(detail_of(hand, "ess_found"), "id=131 firmware=2648304");
}

TEST(VebusDriverWire, AnInputThatIsToldUnaskedIsNotAskedFor) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.sent.erase(hand.sent.begin(), hand.sent.end() - 1);
  const Instant end = hand.now + 61s;
  for (int i = 0; hand.now < end; ++i) {
    if (i % 100 == 0 && !is_last<InfoRequest>(hand)) hand.give(ConfigInfo{.limit = 160}, 1ms);
    if (!hand.answer(40ms)) hand.wait(1ms);
  }
  EXPECT_EQ(
      std::ranges::count(hand.sent_of<InfoRequest>(), InfoRequest::config, &InfoRequest::what), 0);
}

TEST(VebusDriverWire, AUnitThatStopsReadingSeveralValuesIsAskedForItsRecordAloneAtOnce) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  answer_until(hand, [&] { return is_last(hand, Code::read_ram); });
  hand.reads_many = false;
  hand.answer();
  hand.sent.erase(hand.sent.begin(), hand.sent.end() - 1);
  for (int i = 0; i < 4; ++i) hand.answer();
  EXPECT_EQ(std::ranges::count(hand.sent_of<Winmon>(), Code::read_ram, &Winmon::code), 1);
}

TEST(VebusDriverWire, AReadingThatIsNotAnsweredIsTriedSoonAndLeavesTheSetpointAlone) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  const auto leds_asked = [&] {
    answer_until(
        hand, [&] { return is_last<LedRequest>(hand); }, 10ms);
    return hand.now;
  };
  hand.command(-100.0, InverterMode::follow, 1h);
  // A change right before the LEDs are asked for: they are given up before its refresh.
  const Instant soon = leds_asked() + 1100ms;
  answer_until(
      hand, [&] { return hand.now >= soon; }, 10ms);
  hand.command(-200.0, InverterMode::follow, 1h);
  answer_until(
      hand, [&] { return hand.words_written().back() == 200; }, 10ms);
  hand.answer(10ms);
  (void)leds_asked();
  ASSERT_TRUE(is_last<LedRequest>(hand));
  hand.sent.erase(hand.sent.begin(), hand.sent.end() - 1);
  (void)until_sent(hand);
  EXPECT_EQ(hand.health().frames[FrameResult::timeout], 1u);
  EXPECT_TRUE(hand.words_written().empty()) << "it was acknowledged";
  const Instant given_up = hand.now;
  answer_until(
      hand, [&] { return is_last<LedRequest>(hand); }, 10ms);
  EXPECT_GE(hand.now - given_up, 290ms);
  EXPECT_LE(hand.now - given_up, 450ms) << "after a quarter of its period";
}

TEST(VebusDriverWire, WhatAnswersNothingIsNotLateAndNothingIsOwedAfterANewHandshake) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  const auto give_up_leds = [&] {
    answer_until(hand, [&] { return is_last<LedRequest>(hand); });
    (void)until_sent(hand);
  };
  const auto late = [&] { return hand.health().frames[FrameResult::late]; };
  give_up_leds();
  hand.give(Forwarded{0x38, Bytes(4, std::byte{9})});
  EXPECT_EQ(late(), 0u);
  hand.give(Leds{1, 2, std::uint8_t{0}, std::uint8_t{0}, {}});
  EXPECT_EQ(late(), 1u);
  give_up_leds();
  hand.give(Version{good_version, 'B'});
  hand.give(Leds{1, 2, std::uint8_t{0}, std::uint8_t{0}, {}}, 10ms);
  EXPECT_EQ(late(), 1u) << "of the handshake before";
}

// ---- a unit that is off, and a hub that stood still ---------------------------------------------

/// Ready, off by its switch register, the newest command void.
struct Off : Hand {
  explicit Off(std::uint16_t mains_voltage = 23000) {
    make_ready();
    settle();
    ac = AcInfo{.state = 2, .mains_voltage = mains_voltage};
    answer_until(*this, [&] { return said_off(); });
    give(ConfigInfo{.limit = 160, .switch_register = std::uint8_t{0x44}}, 1ms);
    sent.erase(sent.begin(), sent.end() - 1);
  }
  [[nodiscard]] bool said_off() const {
    return std::ranges::any_of(events, [](const Event& e) { return e.detail == "state=off"; });
  }
  void command_for_ten_seconds(InverterMode mode, bool switch_on) {
    order({Watts{-100.0}, mode, now + 10s, {}, switch_on});
  }
  /// Switch states sent while it answers.
  std::vector<int> switched(Duration span = 1s) {
    for (const Instant end = now + span; now < end;)
      if (!answer(20ms)) wait(1ms);
    std::vector<int> out;
    for (const auto& set : sent_of<StateSet>()) out.push_back(set.switch_state);
    return out;
  }
};

TEST(VebusDriverSwitch, AUnitFoundOffIsSwitchedOnOnceWithMainsOrAtTheEndOfACutoff) {
  const std::vector<int> on{static_cast<int>(SwitchState::on)};
  using enum InverterMode;
  Off with_mains;
  with_mains.command_for_ten_seconds(follow, false);
  EXPECT_EQ(with_mains.switched(), on) << "what kept it off is to be told anew";
  Off released;
  released.command_for_ten_seconds(release, false);
  EXPECT_EQ(released.switched(), std::vector<int>{});
  Off islanded{0};
  islanded.command_for_ten_seconds(follow, false);
  EXPECT_EQ(islanded.switched(), std::vector<int>{}) << "never in a power cut by itself";
  Off ended{0};
  ended.command_for_ten_seconds(release, true);
  EXPECT_EQ(ended.switched(), on) << "the cut-off has ended";
  Hand running;
  running.make_ready();
  running.settle();
  running.sent.clear();
  running.order({Watts{-100.0}, follow, running.now + 10s, {}, true});
  for (int i = 0; i < 30; ++i)
    if (!running.answer(20ms)) running.wait(1ms);
  EXPECT_TRUE(running.sent_of<StateSet>().empty()) << "it is not off";
}

TEST(VebusDriverStall, TheSetpointGoesBeforeASwitchToo) {
  Off hand;
  hand.now = hand.wake().value() + 5s;
  hand.timer();
  ASSERT_TRUE(hand.said("stalled"));
  hand.command(-300.0);
  EXPECT_EQ(hand.words_written(), std::vector<int>{300});
  EXPECT_TRUE(hand.sent_of<StateSet>().empty());
}

TEST(VebusDriverStall, EndsWithTheAnswerOrAfterExactlyHalfASecond) {
  Stalled answered;
  answered.wake_late(5s);
  answered.wait(100ms);
  answered.command(-300.0);
  answered.answer(50ms);
  EXPECT_TRUE(is_last<VersionRequest>(answered)) << "at once";
  EXPECT_FALSE(answered.health().ready);

  Stalled waiting;
  waiting.now = waiting.wake().value() + 5s;
  waiting.timer();
  const Instant end = waiting.now + 500ms;
  waiting.now = end - 1ns;
  waiting.timer();
  EXPECT_TRUE(waiting.health().ready);
  waiting.now = end;
  waiting.timer();
  EXPECT_TRUE(is_last<VersionRequest>(waiting));
  EXPECT_FALSE(waiting.health().ready);
}

TEST(VebusDriverStall, TheLetterOfWhatWasAskedBeforeIsNotUsedForThreeSeconds) {
  Stalled hand;
  answer_until(hand, [&] { return is_last(hand, Code::read_snapshot); });
  const Letter owed = hand.letter();
  hand.sent.erase(hand.sent.begin(), hand.sent.end() - 1);
  const auto before = hand.sent.size();
  hand.wake_late(5s);
  const Instant stalled = hand.now;
  hand.command(-300.0);
  while (hand.now < stalled + 2900ms)
    if (!hand.answer(10ms)) hand.wait(1ms);
  const auto requests = hand.sent_of<Winmon>();
  ASSERT_GT(requests.size(), before + 10);
  for (std::size_t i = 1; i < requests.size(); ++i) EXPECT_NE(requests[i].letter, owed) << i;
}

}  // namespace
}  // namespace esshub::protocol::vebus
