#include "protocol/vebus/sample_decoder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "model/snapshot.hpp"
#include "tests/protocol/step_text.hpp"
#include "tests/protocol/vebus/hand.hpp"

namespace esshub::protocol::vebus {
namespace {

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

TEST(VebusDriverReadings, HaveTheAgeOfWhatTheyAreReadWith) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  const auto age = [&](Measure measure) {
    return hand.sample(Point::inverter, measure).value().max_age;
  };
  for (const auto measure :
       {Measure::power, Measure::dc_power, Measure::main_state, Measure::voltage,
        Measure::frequency, Measure::alarms, Measure::error, Measure::controllable})
    EXPECT_EQ(age(measure), 3s) << name(measure);
  EXPECT_EQ(age(Measure::dc_voltage), 3750ms);
  EXPECT_EQ(age(Measure::charge_state), 15s);
  EXPECT_EQ(age(Measure::input_limit), 75s);
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

/// Safety: only what is known to be on the mains is grid-connected.
TEST(VebusDriverReadings, EachMainStateIsANeutralStatusOrNone) {
  const auto status = [](std::uint8_t state, std::uint8_t error) -> std::optional<InverterStatus> {
    SampleDecoder decoder;
    Step step;
    FrameCounters frames;
    decoder.on_leds(Leds{.condition = error}, Instant{}, step);
    decoder.on_mains(AcInfo{.state = state}, Scales{}, Instant{}, step, frames);
    Snapshot snapshot;
    for (const auto& sample : step.samples) snapshot.absorb(sample);
    const auto reading = snapshot.inverter_status();
    return reading ? std::optional{reading->value} : std::nullopt;
  };
  using enum InverterStatus;
  constexpr std::array<std::optional<InverterStatus>, 11> expected{off,
                                                                   off,
                                                                   off,
                                                                   std::nullopt,
                                                                   islanded,
                                                                   islanded,
                                                                   islanded,
                                                                   grid_connected,
                                                                   grid_connected,
                                                                   grid_connected,
                                                                   std::nullopt};
  for (std::uint8_t state = 0; state < expected.size(); ++state)
    EXPECT_EQ(status(state, 0), expected.at(state)) << int{state};
  EXPECT_EQ(status(2, 5), fault) << "switched itself off";
  EXPECT_EQ(status(4, 5), islanded) << "goes on";
  EXPECT_EQ(status(9, 5), grid_connected) << "goes on";
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

// ---- the last words that can be, and the first that cannot (model/plausible.hpp) ----------------

Scales usual_scales() {
  Scales scales;
  for (auto walk = Scales::Walk::next; walk != Scales::Walk::done;) {
    const auto info = usual_info(read_u8(scales.request(Letter::x).data, 0)).value();
    Winmon reply{Letter::x, Code::ram_info_is, {}};
    put_u16_le(reply.data, static_cast<std::uint16_t>(info.scale));
    put_u16_le(reply.data, static_cast<std::uint16_t>(info.offset));
    walk = scales.on_reply(reply);
  }
  return scales;
}

TEST(VebusPlausibility, OfRamValues) {
  const Scales scales = usual_scales();
  const auto taken = [&](std::uint8_t id, int word) {
    Step step;
    const auto what = SampleDecoder::on_ram_values(
        scales, std::array{id}, std::array{static_cast<std::uint16_t>(word)}, Instant{}, step);
    const bool good = what == SampleDecoder::Taken::all;
    EXPECT_EQ(step.samples.size(), good ? 1u : 0u);
    return good;
  };
  for (const auto id : {ram::battery_power, ram::mains_power, ram::output_power}) {
    EXPECT_TRUE(taken(id, 30000)) << int{id};
    EXPECT_TRUE(taken(id, -30000)) << int{id};
    EXPECT_FALSE(taken(id, 30001)) << int{id};
    EXPECT_FALSE(taken(id, -30001)) << int{id};
  }
  EXPECT_TRUE(taken(ram::battery_voltage, 7000));
  EXPECT_FALSE(taken(ram::battery_voltage, 7001));
  EXPECT_TRUE(taken(ram::battery_current, 10000));
  EXPECT_FALSE(taken(ram::battery_current, 10001));
  EXPECT_FALSE(taken(ram::battery_current, -10001));
}

TEST(VebusPlausibility, OneImpossibleRamValueSpoilsAll) {
  Step step;
  EXPECT_EQ(SampleDecoder::on_ram_values(usual_scales(),
                                         std::array{ram::mains_power, ram::battery_voltage},
                                         std::array<std::uint16_t, 2>{370, 7001}, Instant{}, step),
            SampleDecoder::Taken::none);
  EXPECT_TRUE(step.samples.empty());
}

TEST(VebusPlausibility, AnImpossibleLoadOnAcOutIsLeftOutAlone) {
  Step step;
  EXPECT_EQ(SampleDecoder::on_ram_values(
                usual_scales(), std::array{ram::battery_power, ram::output_power, ram::mains_power},
                std::array<std::uint16_t, 3>{100, 30001, 370}, Instant{}, step),
            SampleDecoder::Taken::all_but_ac_out);
  ASSERT_EQ(step.samples.size(), 2u);
  for (const auto& sample : step.samples) EXPECT_EQ(sample.channel.point, Point::inverter);
}

TEST(VebusPlausibility, OfTheMains) {
  const Scales scales = usual_scales();
  const auto taken = [&](AcInfo info, Measure measure) {
    SampleDecoder decoder;
    Step step;
    FrameCounters frames;
    decoder.on_mains(info, scales, Instant{}, step, frames);
    return std::ranges::any_of(step.samples, [&](const Sample& s) {
      return s.channel == Channel{Point::inverter, measure};
    });
  };
  EXPECT_TRUE(taken({.mains_voltage = 0}, Measure::voltage));
  EXPECT_TRUE(taken({.mains_voltage = 30000}, Measure::voltage));
  EXPECT_FALSE(taken({.mains_voltage = 30001}, Measure::voltage));
  EXPECT_TRUE(taken({.period = 244}, Measure::frequency));   // 40.04 Hz
  EXPECT_FALSE(taken({.period = 245}, Measure::frequency));  // 39.88 Hz
  EXPECT_TRUE(taken({.period = 140}, Measure::frequency));   // 69.79 Hz
  EXPECT_FALSE(taken({.period = 139}, Measure::frequency));  // 70.29 Hz
}

TEST(VebusPlausibility, OfTheCurrentsAndTheVoltageOfAcOut) {
  const auto taken = [](AcInfo info, Channel channel) {
    SampleDecoder decoder;
    Step step;
    FrameCounters frames;
    decoder.on_mains(info, usual_scales(), Instant{}, step, frames);
    return std::ranges::any_of(step.samples, [&](const Sample& s) { return s.channel == channel; });
  };
  constexpr Channel in{Point::inverter, Measure::current};
  constexpr Channel out{Point::ac_out, Measure::current};
  EXPECT_TRUE(taken({.mains_current = -12000}, in));
  EXPECT_FALSE(taken({.mains_current = -12001}, in));
  EXPECT_TRUE(taken({.output_current = 12000}, out));
  EXPECT_FALSE(taken({.output_current = 12001}, out));
  EXPECT_TRUE(taken({.output_voltage = 30000}, {Point::ac_out, Measure::voltage}));
  EXPECT_FALSE(taken({.output_voltage = 30001}, {Point::ac_out, Measure::voltage}));
}

TEST(VebusPlausibility, OfTheBattery) {
  const Scales scales = usual_scales();
  const auto taken = [&](const DcInfo& info, Measure measure) {
    Step step;
    FrameCounters frames;
    SampleDecoder::on_battery(info, scales, Instant{}, step, frames);
    const bool good = std::ranges::any_of(step.samples, [&](const Sample& s) {
      return s.channel == Channel{Point::inverter, measure};
    });
    EXPECT_EQ(frames[FrameResult::content], good ? 0u : 1u);
    return good;
  };
  EXPECT_TRUE(taken({.voltage = 7000}, Measure::dc_voltage));
  EXPECT_FALSE(taken({.voltage = 7001}, Measure::dc_voltage));
  EXPECT_TRUE(taken({.charger_current = 10000}, Measure::dc_current));
  EXPECT_FALSE(taken({.charger_current = 10001}, Measure::dc_current));
  EXPECT_TRUE(taken({.inverter_current = 10000}, Measure::dc_current));
  EXPECT_FALSE(taken({.inverter_current = 10001}, Measure::dc_current));
}

// ---- the decoder by itself ----------------------------------------------------------------------

struct Decoding {
  SampleDecoder decoder;
  Step step;
  FrameCounters frames;
  Scales scales = usual_scales();
  Instant now = Instant{} + 1h;

  void mains(const AcInfo& info) { decoder.on_mains(info, scales, now, step, frames); }
  void mains(VebusState state, std::uint16_t hundredths = 23000) {
    mains(AcInfo{.state = static_cast<std::uint8_t>(state), .mains_voltage = hundredths});
  }
  void input(std::uint8_t switch_register) {
    decoder.on_input({.limit = 320, .switch_register = switch_register}, now, step);
  }
  /// "inverter/power=370 3000ms, ..." of all samples since asked.
  std::string told() { return samples_text(step, now); }
  /// "notice name detail; ..." of all events since asked.
  std::string events() { return events_text(step); }
};

constexpr std::uint8_t off_by_a_command = 0x44;

/// protocol/vebus/driver.hpp: "found off, with mains present and nothing but a remote command
/// keeping it off".
TEST(VebusSampleDecoder, AUnitIsLeftOffWhenOffByACommandWithMainsPresent) {
  Decoding d;
  d.input(off_by_a_command);
  EXPECT_FALSE(d.decoder.left_off()) << "its state is unknown";
  d.mains(VebusState::off);
  EXPECT_FALSE(d.decoder.left_off()) << "the register is from before";
  d.input(off_by_a_command);
  EXPECT_TRUE(d.decoder.left_off());
  d.mains(VebusState::off, 18000);
  EXPECT_TRUE(d.decoder.left_off());
  d.mains(VebusState::off, 17999);
  EXPECT_FALSE(d.decoder.left_off()) << "no mains";
  EXPECT_TRUE(d.decoder.switched_off());
  d.mains(VebusState::off, 30001);
  EXPECT_FALSE(d.decoder.left_off()) << "no voltage that can be";
  d.mains(VebusState::off);
  EXPECT_TRUE(d.decoder.left_off());
  d.input(0x43);
  EXPECT_FALSE(d.decoder.left_off()) << "the front switch";
  d.input(off_by_a_command);
  d.decoder.on_switched();
  EXPECT_FALSE(d.decoder.left_off()) << "to be told anew";
  d.input(off_by_a_command);
  d.mains(VebusState::charge);
  EXPECT_FALSE(d.decoder.left_off());
  d.mains(VebusState::off);
  EXPECT_FALSE(d.decoder.left_off()) << "the register is from before";
  d.input(off_by_a_command);
  d.mains(AcInfo{.state = 0x77, .mains_voltage = 23000});
  EXPECT_TRUE(d.decoder.left_off()) << "a damaged state says nothing";
  d.scales = {};
  d.mains(VebusState::off);
  EXPECT_FALSE(d.decoder.left_off()) << "no voltage is measured";
}

TEST(VebusSampleDecoder, TheMainsFrameIsStateStatusVoltagesCurrentsAndFrequency) {
  Decoding d;
  const std::string nothing_else =
      ", inverter/current=0 3000ms, ac_out/voltage=0 3000ms, ac_out/current=0 3000ms";
  d.mains({.state = 8,
           .mains_voltage = 23012,
           .mains_current = -161,
           .output_voltage = 22950,
           .output_current = -7,
           .period = 195});
  EXPECT_EQ(d.told(),
            "inverter/main_state=8 3000ms, inverter/status=1 3000ms, inverter/voltage=230.12 "
            "3000ms, inverter/current=-1.61 3000ms, ac_out/voltage=229.5 3000ms, "
            "ac_out/current=-0.07 3000ms, inverter/frequency=50.1026 3000ms");
  EXPECT_EQ(d.events(), "3 inverter_state state=passthru");
  d.mains(VebusState::passthru, 0);
  EXPECT_EQ(d.told(),
            "inverter/main_state=8 3000ms, inverter/status=1 3000ms, inverter/voltage=0 3000ms" +
                nothing_else);
  EXPECT_EQ(d.events(), "") << "no other state";
  d.mains(VebusState::slave, 0);
  EXPECT_EQ(d.told(), "inverter/main_state=3 3000ms, inverter/voltage=0 3000ms" + nothing_else);
  EXPECT_EQ(d.events(), "3 inverter_state state=slave");
  EXPECT_EQ(d.frames[FrameResult::content], 0u);
  d.mains(AcInfo{.state = 10});
  EXPECT_EQ(d.told(), "inverter/voltage=0 3000ms" + nothing_else);
  EXPECT_EQ(d.frames[FrameResult::content], 1u);
  d.mains(VebusState::slave, 30001);
  EXPECT_EQ(d.told(), "inverter/main_state=3 3000ms" + nothing_else);
  EXPECT_EQ(d.frames[FrameResult::content], 2u);
  d.scales = {};
  d.mains({.state = 3, .mains_voltage = 23000, .period = 195});
  EXPECT_EQ(d.told(), "inverter/main_state=3 3000ms") << "nothing that is not measured";
  EXPECT_EQ(d.frames[FrameResult::content], 2u);
}

TEST(VebusSampleDecoder, LedsAlarmsAndErrorsAreToldWhenTheyChange) {
  Decoding d;
  const auto leds = [&](std::uint8_t alarms, std::uint8_t error) {
    d.decoder.on_leds({1, 2, alarms, error, {}}, d.now, d.step);
  };
  leds(0, 0);
  EXPECT_EQ(d.told(),
            "inverter/leds=513 3000ms, inverter/alarms=0 3000ms, inverter/error=0 3000ms");
  EXPECT_EQ(d.events(), "") << "nothing is wrong";
  leds(0x21, 0);
  EXPECT_EQ(d.told(),
            "inverter/leds=513 3000ms, inverter/alarms=33 3000ms, inverter/error=0 3000ms");
  EXPECT_EQ(d.events(), "2 inverter_alarms alarms=\"temperature_warning, low_battery\"");
  leds(0x21, 0x83);
  EXPECT_EQ(d.events(), "1 vebus_error code=3 text=\"not all or too many devices were found\"");
  leds(0x21, 0x83);
  EXPECT_EQ(d.events(), "");
  leds(0, 0x80);
  EXPECT_EQ(d.events(), "3 inverter_alarms alarms=\"\"; 3 vebus_error code=0 text=\"no error\"");
  (void)d.told();
  d.decoder.on_leds({0x1F, 0x1F, {}, {}, {}}, d.now, d.step);
  EXPECT_EQ(d.told(), "");
  d.decoder.on_leds({0x1F, 0x1E, {}, {}, {}}, d.now, d.step);
  EXPECT_EQ(d.told(), "inverter/leds=7711 3000ms");
}

/// reference: vebus-mk3#3.3. F30: each of the four, by its LED (ripple has none) and by its flags.
TEST(VebusSampleDecoder, EachWarningIsAFaultByLedAndByFlagFor30Seconds) {
  struct Row {
    Leds leds;
    Fault fault;
  };
  using enum Fault;
  const Row rows[]{
      {{.on = 0x20}, inverter_overload},
      {{.blink = 0x20}, inverter_overload},
      {{.on = 0x40}, inverter_low_battery},
      {{.blink = 0x40}, inverter_low_battery},
      {{.on = 0x80}, inverter_temperature},
      {{.blink = 0x80}, inverter_temperature},
      {{.alarms = 0x01}, inverter_temperature},
      {{.alarms = 0x10}, inverter_temperature},
      {{.alarms = 0x02}, inverter_low_battery},
      {{.alarms = 0x20}, inverter_low_battery},
      {{.alarms = 0x04}, inverter_overload},
      {{.alarms = 0x40}, inverter_overload},
      {{.alarms = 0x08}, inverter_dc_ripple},
      {{.alarms = 0x80}, inverter_dc_ripple},
      {{0x3F, 0x1F, 0, {}, {}}, inverter_overload},
  };
  for (const Row& row : rows) {
    Decoding d;
    d.decoder.on_leds({.on = 0x1F, .alarms = 0}, d.now, d.step);
    EXPECT_EQ(d.decoder.warnings(d.now), FaultFlags{}) << "the other LEDs warn of nothing";
    d.decoder.on_leds(row.leds, d.now, d.step);
    d.decoder.on_leds({.on = 0x01, .alarms = 0}, d.now + 1s, d.step);
    EXPECT_EQ(d.decoder.warnings(d.now + 30s), FaultFlags{row.fault}) << name(row.fault);
    EXPECT_EQ(d.decoder.warnings(d.now + 30001ms), FaultFlags{}) << name(row.fault);
  }
  Decoding d;
  d.decoder.on_leds({0x1F, 0x1F, {}, {}, {}}, d.now, d.step);
  EXPECT_EQ(d.decoder.warnings(d.now), FaultFlags{}) << "no LED information";
}

TEST(VebusSampleDecoder, TheRestComesWithTheAgeOfItsPeriod) {
  Decoding d;
  d.input(0x77);
  EXPECT_EQ(d.told(), "inverter/input_limit=32 75000ms");

  SampleDecoder::on_battery({.voltage = 5012, .inverter_current = 30, .charger_current = 105},
                            d.scales, d.now, d.step, d.frames);
  EXPECT_EQ(d.told(), "inverter/dc_voltage=50.12 22500ms, inverter/dc_current=7.5 22500ms");
  SampleDecoder::on_battery({.voltage = 5012}, {}, d.now, d.step, d.frames);
  EXPECT_EQ(d.told(), "") << "nothing that is not measured";
  EXPECT_EQ(d.frames[FrameResult::content], 0u);

  const auto state = [&](Code code, std::string_view hex) {
    SampleDecoder::on_device_state({Letter::x, code, from_hex(hex).value()}, d.now, d.step);
    return d.told();
  };
  EXPECT_EQ(state(Code::device_state_is, "0903"), "inverter/charge_state=3 15000ms");
  EXPECT_EQ(state(Code::device_state_is, "0803"), "") << "not charging";
  EXPECT_EQ(state(Code::device_state_is, "09"), "");
  EXPECT_EQ(state(Code::unknown_command, "0903"), "");
}

TEST(VebusSampleDecoder, RamValuesGoToTheirChannelsWithOurSigns) {
  Decoding d;
  const auto told = [&](const Scales& scales, std::vector<std::uint8_t> ids) {
    const std::vector<std::uint16_t> raw{1, 2, 3, 4, 5};
    EXPECT_EQ(SampleDecoder::on_ram_values(scales, ids, raw, d.now, d.step),
              SampleDecoder::Taken::all);
    return d.told();
  };
  EXPECT_EQ(told(d.scales, {14, 15, 16, 4, 5}),
            "inverter/dc_power=1 3000ms, inverter/power=-2 3000ms, ac_out/power=3 3000ms, "
            "inverter/dc_voltage=0.04 3750ms, inverter/dc_current=0.5 3750ms");
  EXPECT_EQ(told(d.scales, {16, 0, 14}), "ac_out/power=1 3000ms, inverter/dc_power=3 3000ms")
      << "mains voltage comes with its own frame";
  EXPECT_EQ(told({}, {14, 15, 16}), "") << "nothing that is not measured";
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

TEST(VebusSampleDecoder, ANewHandshakeForgetsWhatWasSaidAndNotWhatWasWarnedOf) {
  Decoding d;
  d.mains(VebusState::off);
  d.input(off_by_a_command);
  d.decoder.on_leds({.on = 0x20}, d.now, d.step);
  d.decoder.begin_anew();
  EXPECT_FALSE(d.decoder.switched_off());
  EXPECT_EQ(d.decoder.warnings(d.now + 30s), FaultFlags{Fault::inverter_overload});
}

TEST(VebusDriverReadings, AWarningIsAFaultOfTheBusAlsoWithoutEssAndGoesWithTheLine) {
  for (const bool ess : {true, false}) {
    Hand hand;
    if (!ess) hand.records.clear();
    hand.start();
    for (int i = 0; i < 200 && !hand.said(ess ? "ess_found" : "ess_missing"); ++i)
      if (!hand.answer()) hand.wait(600ms);
    while (!std::holds_alternative<LedRequest>(hand.last())) hand.answer();
    hand.give(Leds{0, 0x20, std::uint8_t{0x04}, std::uint8_t{0}, {}});
    FaultFlags expected{Fault::inverter_overload};
    expected.set(Fault::inverter_lost, !ess);
    EXPECT_EQ(hand.health().faults, expected);
    hand.down();
    EXPECT_FALSE(hand.health().faults.active(Fault::inverter_overload)) << "nobody knows";
  }
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
TEST(VebusSampleDecoder, NothingIsWrongNorOffUntilItIsTold) {
  Decoding d;
  EXPECT_FALSE(d.decoder.switched_off());
  d.mains(VebusState::off);
  EXPECT_NE(d.told().find("inverter/status=0"), std::string::npos) << "off, no error was told";
  EXPECT_FALSE(d.decoder.switched_off()) << "its register is unknown";
  EXPECT_FALSE(d.decoder.left_off());
  d.input(off_by_a_command);
  EXPECT_TRUE(d.decoder.switched_off());
  d.decoder.on_switched();
  EXPECT_FALSE(d.decoder.switched_off()) << "to be told anew";

  Decoding young;
  young.now = Instant{} + 1s;  // the clock of a computer just switched on
  EXPECT_FALSE(young.decoder.warnings(young.now).any());
}

TEST(VebusSampleDecoder, AlarmsAreNotComparedWithTheCondition) {
  Decoding d;
  const Leds leds{1, 2, std::uint8_t{0x21}, std::uint8_t{0x83}, {}};
  d.decoder.on_leds(leds, d.now, d.step);
  EXPECT_NE(d.events(), "");
  d.decoder.on_leds(leds, d.now, d.step);
  EXPECT_EQ(d.events(), "");
  d.decoder.on_leds({1, 2, std::uint8_t{0x83}, std::uint8_t{0x83}, {}}, d.now, d.step);
  EXPECT_NE(d.events(), "") << "others than before";
  (void)d.told();
  d.decoder.on_leds({1, 2, std::uint8_t{0x21}, {}, {}}, d.now, d.step);
  EXPECT_EQ(d.told(), "inverter/leds=513 3000ms, inverter/alarms=33 3000ms");
  d.decoder.on_leds({1, 2, {}, std::uint8_t{0x83}, {}}, d.now, d.step);
  EXPECT_EQ(d.told(), "inverter/leds=513 3000ms, inverter/error=3 3000ms");
}

}  // namespace
}  // namespace esshub::protocol::vebus
