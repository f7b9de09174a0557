#include "protocol/vebus_driver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <random>
#include <utility>

#include "protocol/vebus.hpp"

namespace esshub::protocol {
namespace {

using namespace vebus;

constexpr std::uint32_t good_version = 1170212;

/// A driver fed by hand in invented time, and what a plain unit would answer.
class Hand {
 public:
  explicit Hand(VebusConfig config = {}) : driver_(make_vebus_driver(config)) {}

  Instant now = Instant{} + 1h;
  std::vector<Message> sent;  // since taken
  std::vector<Sample> samples;
  std::vector<Event> events;
  std::vector<std::uint32_t> bauds;
  unsigned reopens = 0;
  unsigned wake_ups = 0;  // five 0x55 in a row
  std::map<std::uint8_t, std::uint16_t> records{
      {128, 0x0090}, {129, 0x8800}, {130, 0x0054}};  // others read 0
  AcInfo ac{.state = 9, .mains_voltage = 23000, .period = 195};
  std::uint32_t version = good_version;
  bool answers_flags = true;
  /// -375 W at the battery, 5 W at AC-out, 370 W leaving AC-in; 50.00 V, -7.5 A.
  std::map<std::uint8_t, std::uint16_t> values{{0, 23000},   {4, 5000}, {5, 0xFFB5},
                                               {14, 0xFE89}, {15, 370}, {16, 5}};
  bool reads_many = true;
  bool split = false;  // scales in two frames, as the compat dialect may

  void start() { take(driver_->on_start(now)); }
  void down() {
    driver_->on_down(now);
    wake_.reset();
  }
  void bytes(ByteView b) { take(driver_->on_bytes(b, now)); }
  void give(const Message& message, Duration later = 50ms) {
    now += later;
    bytes(encode(message));
  }
  /// A reply to the newest Winmon request.
  void reply(Code code, std::string_view hex, Duration later = 50ms) {
    give(Winmon{letter(), code, from_hex(hex).value()}, later);
  }
  /// Lets the time pass with nothing heard.
  void wait(Duration d) {
    const Instant until = now + d;
    while (wake_ && *wake_ <= until) {
      now = std::max(now, *wake_);
      take(driver_->on_timer(now));
      if (wake_ && *wake_ <= now) now += 1ms;
    }
    now = until;
  }
  void command(double watts, InverterMode mode = InverterMode::follow, Duration life = 1s) {
    take(driver_->on_setpoint({Watts{watts}, mode, now + life}, now));
  }

  [[nodiscard]] const DriverHealth& health() const { return driver_->health(); }
  [[nodiscard]] Letter letter() const {
    for (auto it = sent.rbegin(); it != sent.rend(); ++it)
      if (const auto* winmon = std::get_if<Winmon>(&*it)) return winmon->letter;
    return Letter::x;
  }
  [[nodiscard]] const Message& last() const { return sent.back(); }
  template <class T>
  [[nodiscard]] std::vector<T> sent_of() const {
    std::vector<T> out;
    for (const auto& message : sent)
      if (const auto* m = std::get_if<T>(&message)) out.push_back(*m);
    return out;
  }
  /// Setpoint words put on the wire.
  [[nodiscard]] std::vector<int> words_written() const {
    std::vector<int> out;
    for (const auto& winmon : sent_of<Winmon>())
      if (winmon.code == Code::write_by_id) out.push_back(read_s16_le(winmon.data, 2));
    return out;
  }
  [[nodiscard]] bool said(std::string_view name) const {
    return std::ranges::any_of(events, [&](const Event& e) { return e.name == name; });
  }
  [[nodiscard]] std::optional<Sample> sample(Point point, Measure measure) const {
    std::optional<Sample> out;
    for (const auto& s : samples)
      if (s.channel == Channel{point, measure}) out = s;
    return out;
  }

  [[nodiscard]] double value(Point point, Measure measure) const {
    const auto found = sample(point, measure);
    EXPECT_TRUE(found) << name(measure);
    return found ? found->value : std::numeric_limits<double>::quiet_NaN();
  }

  /// Answers the newest request as a plain unit does; false if it is one without an answer.
  bool answer(Duration later = 50ms) {
    if (sent.empty()) return false;
    const Message request = last();
    if (std::holds_alternative<VersionRequest>(request)) {
      give(Version{version, version_mode()}, later);
    } else if (const auto* address = std::get_if<Address>(&request)) {
      addressed_ = true;
      give(*address, later);
    } else if (std::holds_alternative<StateSet>(request)) {
      give(StateAck{}, later);
    } else if (const auto* flags = std::get_if<HardwareFlags>(&request)) {
      if (!answers_flags) return false;
      give(*flags, later);
    } else if (const auto* info = std::get_if<InfoRequest>(&request)) {
      if (info->what == InfoRequest::dc) give(DcInfo{.voltage = 5000}, later);
      if (info->what == InfoRequest::ac_l1) give(ac, later);
      if (info->what == InfoRequest::config) give(ConfigInfo{.limit = 160}, later);
    } else if (std::holds_alternative<LedRequest>(request)) {
      give(Leds{1, 0, std::uint8_t{0}, std::uint8_t{0}, {}}, later);
    } else if (const auto* winmon = std::get_if<Winmon>(&request)) {
      answer_winmon(*winmon, later);
    } else {
      return false;
    }
    return true;
  }
  /// Through the handshake, until the first running request is out.
  void make_ready() {
    start();
    for (int i = 0; i < 40 && !health().ready; ++i)
      if (!answer()) wait(600ms);
    ASSERT_TRUE(health().ready) << health().trouble;
  }
  /// Answers until the first burst of slow questions is over.
  void settle() {
    for (int i = 0; i < 30; ++i) answer();
  }

 private:
  [[nodiscard]] std::uint8_t version_mode() const {
    return addressed_ ? std::uint8_t{0} : std::uint8_t{'B'};
  }
  void answer_winmon(const Winmon& request, Duration later) {
    if (request.code == Code::firmware_low)
      return reply(Code::firmware_low_is, "f06828000701", later);
    if (request.code == Code::firmware_high) return reply(Code::firmware_high_is, "2800", later);
    if (request.code == Code::device_state) return reply(Code::device_state_is, "0901", later);
    if (request.code == Code::write_by_id) return reply(Code::ram_written, "", later);
    if (request.code == Code::ram_info) {
      const auto info = usual_info(read_u8(request.data, 0)).value();
      Bytes scale;
      put_u16_le(scale, static_cast<std::uint16_t>(info.scale));
      Bytes offset;
      put_u16_le(offset, static_cast<std::uint16_t>(info.offset));
      if (split) {
        reply(Code::ram_info_is, to_hex(scale), later);
        return reply(Code::ram_offset_is, to_hex(offset), 5ms);
      }
      return reply(Code::ram_info_is, to_hex(scale) + to_hex(offset), later);
    }
    if (request.code == Code::read_ram) {
      Bytes data;
      for (std::size_t i = 0; i < (reads_many ? request.data.size() : 1); ++i) {
        const std::uint8_t id = read_u8(request.data, i);
        put_u16_le(data, id >= ram::assistants ? records[id] : values.at(id));
      }
      return reply(Code::ram_is, to_hex(data), later);
    }
    ASSERT_EQ(request.code, Code::read_snapshot);
    reply(Code::snapshot_is, "89FE05007201", later);
  }
  void take(Step step) {
    if (step.baud) bauds.push_back(*step.baud);
    if (step.reopen) ++reopens;
    if (step.wake_at) wake_ = step.wake_at;
    for (auto& s : step.samples) samples.push_back(s);
    for (auto& e : step.events) events.push_back(std::move(e));
    for (const auto& chunk : step.send) {
      mk3::Parser parser;
      FrameCounters counters;
      parser.push(chunk);
      while (const auto frame = parser.next(counters)) sent.push_back(decode(*frame).value());
      wake_ups += std::ranges::count(chunk, std::byte{0x55}) == 5 ? 1u : 0u;
    }
  }

  std::unique_ptr<Driver> driver_;
  std::optional<Instant> wake_;
  bool addressed_ = false;
};

// ---- handshake ----------------------------------------------------------------------------------

TEST(VebusDriverHandshake, AsksInOrderAndCommandsNothing) {
  Hand hand;
  hand.make_ready();
  ASSERT_GE(hand.sent.size(), 16u);
  EXPECT_TRUE(std::holds_alternative<VersionRequest>(hand.sent[0]));
  EXPECT_EQ(std::get<Address>(hand.sent[1]), (Address{true, 0}));
  const auto set = std::get<StateSet>(hand.sent[2]);
  EXPECT_EQ(set.flags, StateSet::new_format | StateSet::settings_only);
  EXPECT_EQ(set.limit, StateSet::keep_limit);
  EXPECT_EQ(set.ext0, StateSet::long_replies);
  EXPECT_EQ(std::get<HardwareFlags>(hand.sent[3]).flags, 0x07);
  EXPECT_TRUE(hand.words_written().empty());
  EXPECT_TRUE(hand.said("mk3_found"));
  EXPECT_TRUE(hand.said("ess_found"));
  EXPECT_EQ(hand.health().trouble, "");
  EXPECT_FALSE(hand.health().fault);
}

TEST(VebusDriverHandshake, TakesScalesInTwoFrames) {
  Hand hand;
  hand.split = true;
  hand.make_ready();
  hand.settle();
  EXPECT_DOUBLE_EQ(hand.value(Point::inverter, Measure::dc_voltage), 50.0);
}

TEST(VebusDriverHandshake, GoesOnWithoutHardwareFlags) {
  Hand hand;
  hand.answers_flags = false;
  hand.make_ready();
  EXPECT_EQ(hand.health().frames[FrameResult::timeout], 2u);
}

TEST(VebusDriverHandshake, FindsTheEssRecordWhereverItIs) {
  using Records = std::map<std::uint8_t, std::uint16_t>;
  const std::vector<std::pair<Records, int>> layouts{
      {{{128, 0x0090}, {129, 0x8800}, {130, 0x0054}}, 131},
      {{{128, 0x0054}}, 129},
      {{{128, 0x0001}, {129, 0x0054}, {130, 0x0054}}, 131},  // a data word is no header
      {{{128, 0x001F}, {144, 0x0022}, {147, 0x0051}}, 148}};
  for (const auto& [records, id] : layouts) {
    Hand hand;
    hand.records = records;
    hand.make_ready();
    hand.command(-100.0);
    hand.answer();
    hand.answer();
    const auto requests = hand.sent_of<Winmon>();
    const auto write = std::ranges::find(requests, Code::write_by_id, &Winmon::code);
    ASSERT_NE(write, requests.end());
    EXPECT_EQ(read_u8(write->data, 0), 0x02);
    EXPECT_EQ(read_u8(write->data, 1), id);
  }
}

TEST(VebusDriverHandshake, WithoutEssItWatchesAndNeverWrites) {
  const std::vector<std::map<std::uint8_t, std::uint16_t>> none{
      {},
      {{128, 0x0090}, {129, 0x8800}},
      {{128, 0x001F},
       {144, 0x001F},
       {160, 0x001F},
       {176, 0x001F},
       {192, 0x001F},
       {208, 0x001F},
       {224, 0x001F},
       {240, 0x001F}},   // runs past 255
      {{128, 0x0050}}};  // no room for a setpoint
  for (const auto& records : none) {
    Hand hand;
    hand.records = records;
    hand.start();
    for (int i = 0; i < 80; ++i) {
      hand.command(-500.0);
      ASSERT_TRUE(hand.answer());
    }
    EXPECT_FALSE(hand.health().ready);
    EXPECT_EQ(hand.health().fault, Fault::inverter_lost);
    EXPECT_NE(hand.health().trouble.find("ESS"), std::string::npos);
    EXPECT_TRUE(hand.said("ess_missing"));
    EXPECT_TRUE(hand.words_written().empty());
    EXPECT_TRUE(hand.sample(Point::inverter, Measure::main_state));
    EXPECT_FALSE(hand.sample(Point::inverter, Measure::controllable));
  }
}

TEST(VebusDriverHandshake, LooksForEssAgainEveryHalfMinute) {
  Hand hand;
  hand.records.clear();
  hand.start();
  for (int i = 0; i < 60; ++i) hand.answer();
  hand.records = {{128, 0x0054}};
  const Instant until = hand.now + 31s;
  while (hand.now < until) ASSERT_TRUE(hand.answer());
  EXPECT_TRUE(hand.health().ready);
  EXPECT_EQ(std::ranges::count(hand.events, "ess_missing", &Event::name), 1);
}

TEST(VebusDriverHandshake, RefusesSeveralUnitsAndOldInterfaces) {
  {
    Hand hand;
    hand.ac.phase_code = 0x0A;
    hand.start();
    for (int i = 0; i < 40; ++i) hand.answer();
    EXPECT_FALSE(hand.health().ready);
    EXPECT_NE(hand.health().trouble.find("3 phases"), std::string::npos);
  }
  {
    Hand hand;
    hand.ac.mains_factor = 2;
    hand.start();
    for (int i = 0; i < 40; ++i) hand.answer();
    EXPECT_FALSE(hand.health().ready);
  }
  {
    Hand hand;
    hand.version = 1130130;
    hand.start();
    for (int i = 0; i < 40; ++i) hand.answer();
    EXPECT_FALSE(hand.health().ready);
  }
}

TEST(VebusDriverHandshake, ASecondUnitHeardLaterStopsWritingButOneDamagedFrameDoesNot) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.give(AcInfo{.mains_factor = 2, .state = 9});
  hand.give(hand.ac);
  EXPECT_TRUE(hand.health().ready);
  hand.give(AcInfo{.state = 9, .phase_code = 0x07});
  hand.give(AcInfo{.state = 9, .phase_code = 0x07});
  EXPECT_FALSE(hand.health().ready);
  EXPECT_EQ(hand.health().fault, Fault::inverter_lost);
  EXPECT_NE(hand.health().trouble.find("L2"), std::string::npos);
  EXPECT_TRUE(hand.said("inverter_unusable"));
  const auto before = hand.words_written().size();
  for (int i = 0; i < 20; ++i) {
    hand.command(-100.0);
    hand.answer();
  }
  EXPECT_EQ(hand.words_written().size(), before);
}

TEST(VebusDriverHandshake, WakesASilentInterfaceThenResetsItFromHighSpeed) {
  Hand hand;
  hand.start();
  hand.wait(2100ms);
  EXPECT_EQ(hand.wake_ups, 1u);
  EXPECT_TRUE(hand.said("inverter_silent"));
  EXPECT_EQ(hand.health().fault, Fault::inverter_lost);
  hand.wait(2100ms);
  EXPECT_EQ(hand.bauds, (std::vector<std::uint32_t>{2400, 115200}));
  EXPECT_TRUE(std::holds_alternative<Reset>(hand.last()));
  hand.wait(1s);
  EXPECT_EQ(hand.bauds.back(), 2400u);
  EXPECT_TRUE(std::holds_alternative<VersionRequest>(hand.last()));
  EXPECT_EQ(hand.reopens, 0u);
  hand.wait(8s);
  EXPECT_EQ(hand.reopens, 1u);
  hand.wait(60s);
  EXPECT_EQ(std::ranges::count(hand.events, "inverter_silent", &Event::name), 1);
}

// ---- setpoints ----------------------------------------------------------------------------------

TEST(VebusDriverSetpoint, IsWrittenWithTheWiresSignAndStampedAtTheAcknowledgement) {
  Hand hand;
  hand.make_ready();
  hand.command(-370.0);
  hand.answer();  // whatever was under way
  ASSERT_EQ(hand.words_written(), std::vector<int>{370});
  EXPECT_FALSE(hand.sample(Point::inverter, Measure::setpoint));
  hand.reply(Code::ram_written, "0000");
  const auto acknowledged = hand.sample(Point::inverter, Measure::setpoint);
  ASSERT_TRUE(acknowledged);
  EXPECT_EQ(acknowledged->value, -370.0);
  EXPECT_EQ(acknowledged->at, hand.now);
}

TEST(VebusDriverSetpoint, TheNewestWinsAndNothingQueues) {
  Hand hand;
  hand.make_ready();
  for (const double w : {-100.0, -200.0, 300.0}) hand.command(w);
  hand.answer();
  EXPECT_EQ(hand.words_written(), std::vector<int>{-300});
}

TEST(VebusDriverSetpoint, IsNeverWrittenPastItsLife) {
  Hand hand;
  hand.make_ready();
  hand.command(-100.0, InverterMode::follow, 80ms);
  hand.answer(60ms);  // 20 ms left, the frame takes 37
  EXPECT_TRUE(hand.words_written().empty());
  hand.command(-100.0, InverterMode::follow, 1s);
  for (int i = 0; i < 60; ++i) hand.answer();
  EXPECT_GE(hand.words_written().size(), 1u);
  EXPECT_LE(hand.words_written().size(), 2u);  // 1 s of life, refreshed once after 0.8 s
}

TEST(VebusDriverSetpoint, UnchangedIsRefreshedAndChangedIsNotHurried) {
  Hand hand;
  hand.make_ready();
  std::vector<std::pair<Instant, int>> writes;
  for (int i = 0; i < 200; ++i) {
    hand.command(i < 100 ? -500.0 : -500.0 - i);
    const auto before = hand.words_written().size();
    hand.answer();
    if (hand.words_written().size() > before)
      writes.emplace_back(hand.now, hand.words_written().back());
  }
  ASSERT_GT(writes.size(), 10u);
  for (std::size_t i = 1; i < writes.size(); ++i) {
    const auto gap = writes[i].first - writes[i - 1].first;
    EXPECT_GE(gap, writes[i].second == writes[i - 1].second ? Duration{800ms}
                                                            : VebusConfig{}.setpoint_interval);
    EXPECT_LE(gap, 1s);
  }
}

// After everything that may be under way, a refresh of the unchanged setpoint included.
TEST(VebusDriverSetpoint, ANewTargetWaitsForNothingButTheTransactionUnderWay) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  double watts = -500.0;
  unsigned behind_a_refresh = 0;
  for (int i = 0; i < 100; ++i) {
    for (int quiet = 0; quiet < 20 + i % 10; ++quiet) {
      hand.command(watts);
      hand.answer(90ms);
    }
    const auto* under_way = std::get_if<Winmon>(&hand.last());
    if (under_way != nullptr && under_way->code == Code::write_by_id) ++behind_a_refresh;
    watts -= 3.0;
    hand.command(watts);
    hand.answer(90ms);
    ASSERT_EQ(-hand.words_written().back(), static_cast<int>(watts)) << i;
  }
  EXPECT_GT(behind_a_refresh, 2u);
}

TEST(VebusDriverSetpoint, ARestlessTargetIsHeldUpByOneReadingAtMost) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  std::size_t writes = hand.words_written().size();
  unsigned others = 0;
  for (int i = 0; i < 500; ++i) {
    hand.command(-500.0 - 2.0 * i);
    hand.answer(90ms);
    const bool written =
        hand.words_written().size() > std::exchange(writes, hand.words_written().size());
    others = written ? 0 : others + 1;
    ASSERT_LE(others, 1u) << i;
  }
}

TEST(VebusDriverSetpoint, ARestlessTargetLeavesTimeToReadPowersAndTheRest) {
  Hand hand;
  hand.make_ready();
  const auto powers = [&] {
    return std::ranges::count(hand.samples, Channel{Point::inverter, Measure::power},
                              &Sample::channel);
  };
  const auto states = [&] {
    return std::ranges::count(hand.samples, Channel{Point::inverter, Measure::main_state},
                              &Sample::channel);
  };
  const auto powers_before = powers();
  const auto states_before = states();
  const Instant start = hand.now;
  for (int i = 0; i < 200; ++i) {
    hand.command(i % 2 == 0 ? -500.0 : -900.0);
    hand.answer();
  }
  const double seconds = Seconds{hand.now - start}.count();
  EXPECT_GT(static_cast<double>(powers() - powers_before), 1.5 * seconds);
  EXPECT_GT(static_cast<double>(states() - states_before), 0.8 * seconds);
}

TEST(VebusDriverSetpoint, NoRestlessTargetMakesReadingsStale) {
  const std::vector<std::array<double, 2>> targets{{0.0, -400.0}, {300.0, -300.0}, {5.0, -5.0}};
  for (const auto& target : targets) {
    Hand hand;
    hand.make_ready();
    hand.settle();
    hand.samples.clear();
    std::map<Measure, Instant> seen;
    std::map<Measure, Duration> longest;
    for (int i = 0; i < 600; ++i) {
      hand.command(target[static_cast<std::size_t>(i % 2)]);
      hand.answer(100ms);
      for (const auto& sample : std::exchange(hand.samples, {})) {
        const auto [before, first] = seen.try_emplace(sample.channel.measure, sample.at);
        const Duration gap = sample.at - std::exchange(before->second, sample.at);
        longest[sample.channel.measure] = std::max(longest[sample.channel.measure], gap);
      }
    }
    EXPECT_LE(longest[Measure::main_state], 1500ms) << target[0];
    EXPECT_LE(longest[Measure::dc_power], 1500ms) << target[0];
    EXPECT_LE(longest[Measure::alarms], 3s) << target[0];
    for (const auto needed : {Measure::dc_power, Measure::main_state, Measure::alarms})
      EXPECT_LE(hand.now - seen[needed], 3s) << name(needed);
  }
}

TEST(VebusDriverSetpoint, SmallChangesWaitButZeroDoesNot) {
  VebusConfig config;
  config.setpoint_deadband = Watts{10.0};
  Hand hand{config};
  hand.make_ready();
  hand.command(5.0);
  hand.answer();
  hand.answer();
  for (int i = 0; i < 6; ++i) hand.answer();
  ASSERT_EQ(hand.words_written(), std::vector<int>{-5});
  hand.command(9.0);
  for (int i = 0; i < 3; ++i) hand.answer();
  EXPECT_EQ(hand.words_written().size(), 1u);
  hand.command(0.0);
  hand.answer();
  EXPECT_EQ(hand.words_written(), (std::vector<int>{-5, 0}));
}

TEST(VebusDriverSetpoint, ReleaseWritesNothing) {
  Hand hand;
  hand.make_ready();
  for (int i = 0; i < 50; ++i) {
    hand.command(-500.0, InverterMode::release);
    hand.answer();
  }
  EXPECT_TRUE(hand.words_written().empty());
  EXPECT_EQ(hand.sent_of<StateSet>().size(), 1u);  // the handshake's
}

TEST(VebusDriverSetpoint, NotANumberIsNotWritten) {
  Hand hand;
  hand.make_ready();
  for (int i = 0; i < 20; ++i) {
    hand.command(std::numeric_limits<double>::quiet_NaN());
    hand.answer();
  }
  EXPECT_TRUE(hand.words_written().empty());
  EXPECT_EQ(std::ranges::count(hand.events, "setpoint_impossible", &Event::name), 1);
}

TEST(VebusDriverSetpoint, GivenBeforeReadyIsNeverReplayed) {
  Hand hand;
  hand.start();
  hand.command(-2000.0, InverterMode::follow, 1h);
  for (int i = 0; i < 60; ++i) hand.answer();
  EXPECT_TRUE(hand.health().ready);
  EXPECT_TRUE(hand.words_written().empty());
  hand.command(-100.0);
  hand.answer();
  EXPECT_EQ(hand.words_written(), std::vector<int>{100});
}

TEST(VebusDriverSetpoint, ARefusalStartsOverAndASecondOneStopsWriting) {
  Hand hand;
  hand.make_ready();
  hand.command(-100.0);
  hand.answer();
  hand.reply(Code::access_denied, "00");
  EXPECT_FALSE(hand.health().ready);
  EXPECT_EQ(hand.health().fault, Fault::inverter_lost);
  EXPECT_EQ(hand.health().frames[FrameResult::exception], 1u);
  EXPECT_TRUE(hand.said("setpoint_refused"));
  hand.wait(300ms);
  for (int i = 0; i < 40 && !hand.health().ready; ++i) hand.answer();
  ASSERT_TRUE(hand.health().ready);
  EXPECT_EQ(hand.words_written().size(), 1u);
  hand.command(-100.0);
  hand.answer();
  hand.reply(Code::unknown_command, "00");
  for (int i = 0; i < 40; ++i) {
    hand.command(-100.0);
    hand.answer();
  }
  EXPECT_FALSE(hand.health().ready);
  EXPECT_NE(hand.health().trouble.find("setpoint"), std::string::npos);
  EXPECT_EQ(hand.words_written().size(), 2u);
}

TEST(VebusDriverSetpoint, AMovedRecordIsNotWrittenTo) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.records = {{128, 0x0090}, {129, 0x0054}};
  const Instant until = hand.now + 3s;
  while (hand.health().ready && hand.now < until) hand.answer();
  EXPECT_FALSE(hand.health().ready);
  EXPECT_TRUE(hand.said("ess_moved"));
}

// ---- switch -------------------------------------------------------------------------------------

TEST(VebusDriverSwitch, OffIsSentAcknowledgedRepeatedAndUndone) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  const auto switches = [&] {
    std::vector<unsigned> out;
    for (const auto& set : hand.sent_of<StateSet>())
      if ((set.flags & StateSet::settings_only) == 0) out.push_back(set.switch_state);
    return out;
  };
  for (int i = 0; i < 20; ++i) {
    hand.command(0.0, InverterMode::off);
    hand.answer();
  }
  EXPECT_EQ(switches(), std::vector<unsigned>{4});
  EXPECT_TRUE(hand.words_written().empty());
  for (int i = 0; i < 100; ++i) {
    hand.command(0.0, InverterMode::off);
    hand.answer();
  }
  EXPECT_EQ(switches().size(), 2u);  // after 5 s
  for (int i = 0; i < 20; ++i) {
    hand.command(-100.0);
    hand.answer();
  }
  EXPECT_EQ(switches(), (std::vector<unsigned>{4, 4, 3}));
  EXPECT_FALSE(hand.words_written().empty());
}

TEST(VebusDriverSwitch, OnIsNotSentWhereWeSwitchedNothingOff) {
  Hand hand;
  hand.make_ready();
  for (int i = 0; i < 50; ++i) {
    hand.command(-100.0);
    hand.answer();
  }
  for (const auto& set : hand.sent_of<StateSet>())
    EXPECT_NE(set.flags & StateSet::settings_only, 0);
}

TEST(VebusDriverSwitch, WhatWeSwitchedOffIsSwitchedOnInTheNextHandshake) {
  Hand hand;
  hand.make_ready();
  hand.command(0.0, InverterMode::off);
  hand.answer();
  hand.answer();
  hand.down();
  hand.now += 10s;
  hand.sent.clear();
  hand.start();
  hand.command(0.0, InverterMode::release);
  for (int i = 0; i < 5; ++i) hand.answer();
  const auto sets = hand.sent_of<StateSet>();
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_EQ(sets[0].switch_state, 3);
  EXPECT_EQ(sets[0].flags, StateSet::new_format);
}

TEST(VebusDriverSwitch, OffWaitsUntilTheStandbyLineIsHeld) {
  Hand hand;
  hand.start();
  hand.command(0.0, InverterMode::off, 1h);
  bool held = false;
  bool off = false;
  for (int i = 0; i < 8; ++i) {
    hand.answer();
    for (const auto& flags : hand.sent_of<HardwareFlags>())
      held = held || (flags.flags.value_or(0) & HardwareFlags::standby) != 0;
    for (const auto& set : hand.sent_of<StateSet>()) {
      if ((set.flags & StateSet::settings_only) != 0) continue;
      EXPECT_TRUE(held);
      off = off || set.switch_state == 4;
    }
  }
  EXPECT_TRUE(off);
}

TEST(VebusDriverSwitch, ChargerOnlyIsAWishOfItsOwn) {
  Hand hand;
  hand.make_ready();
  hand.command(500.0, InverterMode::charger_only);
  hand.answer();
  EXPECT_EQ(hand.sent_of<StateSet>().back().switch_state, 1);
  hand.answer();
  hand.settle();
  EXPECT_TRUE(hand.words_written().empty());
}

// ---- readings -----------------------------------------------------------------------------------

TEST(VebusDriverReadings, HaveOurSignsAndTheMomentOfArrival) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  EXPECT_EQ(hand.value(Point::inverter, Measure::power), -370.0);
  EXPECT_EQ(hand.value(Point::inverter, Measure::dc_power), -375.0);
  EXPECT_EQ(hand.value(Point::ac_out, Measure::power), 5.0);
  EXPECT_DOUBLE_EQ(hand.value(Point::inverter, Measure::dc_current), -7.5);
  EXPECT_DOUBLE_EQ(hand.value(Point::inverter, Measure::voltage), 230.0);
  EXPECT_NEAR(hand.value(Point::inverter, Measure::frequency), 50.1, 0.01);
  EXPECT_EQ(hand.value(Point::inverter, Measure::main_state), 9.0);
  EXPECT_EQ(hand.value(Point::inverter, Measure::charge_state), 1.0);
  EXPECT_EQ(hand.value(Point::inverter, Measure::leds), 1.0);
  EXPECT_EQ(hand.value(Point::inverter, Measure::alarms), 0.0);
  EXPECT_EQ(hand.value(Point::inverter, Measure::error), 0.0);
  EXPECT_EQ(hand.value(Point::inverter, Measure::input_limit), 16.0);
  EXPECT_EQ(hand.value(Point::inverter, Measure::controllable), 1.0);
  EXPECT_LE(hand.sample(Point::inverter, Measure::power)->at, hand.now);
}

TEST(VebusDriverReadings, AUnitThatReadsOneValueAtATimeIsAskedSo) {
  for (const bool from_the_start : {true, false}) {
    Hand hand;
    hand.reads_many = !from_the_start;
    hand.make_ready();
    hand.reads_many = false;
    for (int i = 0; i < 100; ++i) hand.answer();
    EXPECT_TRUE(hand.health().ready);
    EXPECT_FALSE(hand.said("ess_moved"));
    const auto requests = hand.sent_of<Winmon>();
    const auto many = std::ranges::count_if(
        requests, [](const Winmon& w) { return w.code == Code::read_ram && w.data.size() == 6; });
    EXPECT_EQ(many, from_the_start ? 0 : 1);
    EXPECT_DOUBLE_EQ(hand.value(Point::inverter, Measure::dc_voltage), 50.0);
  }
}

TEST(VebusDriverReadings, IslandedShowsNoVoltageAndNoFrequency) {
  Hand hand;
  hand.ac = AcInfo{.state = 4, .period = 0};
  hand.make_ready();
  hand.settle();
  EXPECT_EQ(hand.value(Point::inverter, Measure::voltage), 0.0);
  EXPECT_EQ(hand.value(Point::inverter, Measure::main_state), 4.0);
  EXPECT_FALSE(hand.sample(Point::inverter, Measure::frequency));
}

TEST(VebusDriverReadings, WhatCannotBeIsDroppedAndCounted) {
  Hand hand;
  hand.ac.state = 0x77;
  hand.ac.mains_voltage = 65535;
  hand.make_ready();
  hand.settle();
  EXPECT_FALSE(hand.sample(Point::inverter, Measure::main_state));
  EXPECT_FALSE(hand.sample(Point::inverter, Measure::voltage));
  EXPECT_GT(hand.health().frames[FrameResult::content], 0u);
}

TEST(VebusDriverReadings, UnknownLedsAlarmsAndErrorsAreAbsentOrTold) {
  Hand hand;
  hand.make_ready();
  while (!std::holds_alternative<LedRequest>(hand.last())) hand.answer();
  hand.give(Leds{0x1F, 0x1F, std::uint8_t{0x20}, std::uint8_t{0x85}, {}});
  EXPECT_FALSE(hand.sample(Point::inverter, Measure::leds));
  EXPECT_EQ(hand.value(Point::inverter, Measure::alarms), 0x20);
  EXPECT_EQ(hand.value(Point::inverter, Measure::error), 5.0);
  EXPECT_TRUE(hand.said("inverter_alarms"));
  EXPECT_TRUE(hand.said("vebus_error"));
  EXPECT_EQ(hand.events.back().detail, "code=5 text=\"over-voltage on AC-out\"");
}

TEST(VebusDriverReadings, AnEmptySnapshotIsNoReadingAndSlowsTheReadDown) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  const auto is_snapshot = [&] {
    const auto* winmon = std::get_if<Winmon>(&hand.last());
    return winmon != nullptr && winmon->code == Code::read_snapshot;
  };
  while (!is_snapshot()) hand.answer();
  hand.samples.clear();
  hand.reply(Code::snapshot_is, "");
  EXPECT_FALSE(hand.sample(Point::inverter, Measure::power));
  EXPECT_FALSE(hand.sample(Point::inverter, Measure::controllable));
  while (!std::holds_alternative<SnapshotRequest>(hand.last())) ASSERT_TRUE(hand.answer());
  hand.wait(200ms);  // the read comes by itself, later
  EXPECT_TRUE(is_snapshot());
  hand.answer();
  EXPECT_TRUE(hand.sample(Point::inverter, Measure::power));
}

// ---- the wire -----------------------------------------------------------------------------------

TEST(VebusDriverWire, LateAnswersAreDroppedAndCounted) {
  Hand hand;
  hand.make_ready();
  hand.command(-100.0);
  hand.answer();
  const auto lost = std::get<Winmon>(hand.last());
  ASSERT_EQ(lost.code, Code::write_by_id);
  hand.wait(600ms);
  hand.give(Winmon{lost.letter, Code::ram_written, {}});
  EXPECT_FALSE(hand.sample(Point::inverter, Measure::setpoint));
  EXPECT_EQ(hand.health().frames[FrameResult::late], 1u);
  EXPECT_EQ(hand.words_written().size(), 2u);  // written again, still alive
}

TEST(VebusDriverWire, ThreeUnansweredRequestsMeanSilenceWithinThreeSeconds) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.wait(3s);
  EXPECT_FALSE(hand.health().ready);
  EXPECT_EQ(hand.health().fault, Fault::inverter_lost);
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

TEST(VebusDriverWire, OneRequestAtATime) {
  Hand hand;
  hand.make_ready();
  const auto before = hand.sent.size();
  for (int i = 0; i < 20; ++i) {
    hand.command(-100.0 - i);
    hand.give(Version{good_version, 0}, 5ms);
    hand.give(Forwarded{0x38, Bytes(4, std::byte{9})}, 5ms);
  }
  EXPECT_EQ(hand.sent.size(), before);
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

}  // namespace
}  // namespace esshub::protocol
