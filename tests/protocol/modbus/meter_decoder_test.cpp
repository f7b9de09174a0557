#include "protocol/modbus/meter_decoder.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/protocol/step_text.hpp"

namespace esshub::protocol {
namespace {

using modbus::Block;

constexpr Instant start{1000s};

constexpr Block fast{0x0000, 18, 0s};
constexpr Block frequency{0x0046, 2, 2s};
constexpr Block energies{0x015A, 12, 10s};

MeterConfig three_phases() {
  return {.name = "main",
          .model = MeterModel::sdm630,
          .unit = 7,
          .channels = {{.phase = 1, .point = Point::grid, .invert = false},
                       {.phase = 2, .point = Point::solar, .invert = true},
                       {.phase = 3, .point = Point::circuit1, .invert = false}}};
}

/// A decoder and the registers it is given.
struct Bench {
  explicit Bench(MeterConfig config = three_phases(), ModbusMode mode = ModbusMode::poll)
      : decoder(std::move(config), mode) {
    for (unsigned phase = 0; phase < 3; ++phase) {
      const auto at = static_cast<std::uint16_t>(2 * phase);
      const auto n = static_cast<float>(phase);
      values[at] = 230.0f + n;
      values[static_cast<std::uint16_t>(0x0006 + at)] = 1.0f + n;
      values[static_cast<std::uint16_t>(0x000C + at)] = 100.0f * (n + 1.0f);
      values[static_cast<std::uint16_t>(0x015A + at)] = 10.0f + n;
      values[static_cast<std::uint16_t>(0x0160 + at)] = 20.0f + n;
    }
    values[0x0046] = 50.0f;
  }

  Duration take(const Block& block, bool swapped = false) {
    Bytes data;
    for (unsigned i = 0; i < block.count; i += 2) {
      const auto bits =
          std::bit_cast<std::uint32_t>(values[static_cast<std::uint16_t>(block.start + i)]);
      put_u32_be(data, swapped ? std::rotl(bits, 16) : bits);
    }
    return decoder.take(block, data, now, step, frames);
  }
  Duration type(float value) {
    Bytes data;
    put_f32_be(data, value);
    return decoder.take_system_type(data, step, frames);
  }
  /// Order and type are proved.
  void validate() {
    EXPECT_EQ(take(fast), 0s);
    EXPECT_EQ(decoder.type_known() ? Duration{0s} : type(3.0f), 0s);
    EXPECT_TRUE(decoder.order_known() && decoder.type_known());
    (void)told();
  }
  /// "grid/power=100 3000ms, ..." of all samples since asked.
  std::string told() { return samples_text(step, now); }
  std::string events() { return events_text(step); }

  MeterDecoder decoder;
  std::map<std::uint16_t, float> values;
  Instant now = start;
  Step step;
  FrameCounters frames;
};

TEST(MeterDecoder, EachPhaseGoesToItsPointInOurSignsWithTheAgeOfItsBlock) {
  Bench b;
  b.validate();
  EXPECT_EQ(b.take(fast), 0s);
  EXPECT_EQ(b.told(),
            "grid/voltage=230 3000ms, grid/current=1 3000ms, grid/power=100 3000ms, "
            "solar/voltage=231 3000ms, solar/current=2 3000ms, solar/power=-200 3000ms, "
            "circuit1/voltage=232 3000ms, circuit1/current=3 3000ms, circuit1/power=300 3000ms");
  EXPECT_EQ(b.take(frequency), 0s);
  EXPECT_EQ(b.told(), "grid/frequency=50 15000ms") << "of the first channel alone";
  EXPECT_EQ(b.take(energies), 0s);
  EXPECT_EQ(b.told(), "") << "a counter is believed when it was read twice";
  EXPECT_EQ(b.take(energies), 0s);
  EXPECT_EQ(b.told(),
            "grid/energy_forward=10000 25000ms, grid/energy_reverse=20000 25000ms, "
            "solar/energy_reverse=11000 25000ms, solar/energy_forward=21000 25000ms, "
            "circuit1/energy_forward=12000 25000ms, circuit1/energy_reverse=22000 25000ms");
  EXPECT_EQ(b.frames[FrameResult::content], 0u);
}

TEST(MeterDecoder, WhatIsHeardComesAsOftenAsTheOtherMasterAsks) {
  Bench b{three_phases(), ModbusMode::sniff};
  EXPECT_EQ(b.take(fast), 0s);
  EXPECT_EQ(b.told(),
            "grid/voltage=230 15000ms, grid/current=1 15000ms, grid/power=100 3000ms, "
            "solar/voltage=231 15000ms, solar/current=2 15000ms, solar/power=-200 3000ms, "
            "circuit1/voltage=232 15000ms, circuit1/current=3 15000ms, circuit1/power=300 3000ms");
}

TEST(MeterDecoder, NothingLeavesBeforeOrderAndTypeAreProved) {
  Bench b;
  EXPECT_FALSE(b.decoder.order_known());
  EXPECT_FALSE(b.decoder.type_known());
  EXPECT_EQ(b.take(frequency), 0s);
  EXPECT_EQ(b.told(), "");
  EXPECT_EQ(b.take(fast), 0s);
  EXPECT_EQ(b.told(), "") << "the type is not known";
  EXPECT_TRUE(b.decoder.order_known());
  EXPECT_FALSE(b.decoder.flows());
  EXPECT_EQ(b.type(3.0f), 0s);
  EXPECT_FALSE(b.decoder.flows());
  EXPECT_EQ(b.take(fast), 0s);
  EXPECT_NE(b.told(), "");
  EXPECT_TRUE(b.decoder.flows());
  EXPECT_EQ(b.events(), "") << "nothing was wrong";
  b.decoder.reset_validation();
  EXPECT_FALSE(b.decoder.order_known() || b.decoder.type_known() || b.decoder.flows());
  b.decoder.assume_system_type();
  EXPECT_TRUE(b.decoder.type_known());

  auto first_phase = three_phases();
  first_phase.channels.resize(1);
  EXPECT_TRUE(Bench{first_phase}.decoder.type_known()) << "phases 2 and 3 are not used";
  first_phase.channels[0].phase = 2;
  EXPECT_FALSE(Bench{first_phase}.decoder.type_known());
  EXPECT_TRUE((Bench{{.name = "b",
                      .model = MeterModel::sdm120,
                      .unit = 2,
                      .channels = {{.phase = 1, .point = Point::battery_meter, .invert = false}}}}
                   .decoder.type_known()));
}

TEST(MeterDecoder, WordsInTheWrongOrderAreNamedAndTriedAgainAfterTenSeconds) {
  Bench b;
  b.validate();
  EXPECT_EQ(b.take(fast, true), 10s);
  EXPECT_EQ(b.told(), "");
  EXPECT_EQ(b.frames[FrameResult::content], 1u);
  EXPECT_EQ(b.events(), "1 word_order meter=\"main\" unit=7 found=\"low word first\"");
  EXPECT_EQ(
      b.decoder.rejection_reason(),
      "sends its words in the wrong order: set its register order to normal, high word first");
  EXPECT_FALSE(b.decoder.order_known());
  for (int i = 2; i < 100; ++i) (void)b.take(fast, true);
  EXPECT_EQ(b.events(), "");
  (void)b.take(fast, true);
  EXPECT_NE(b.events(), "") << "the hundredth";
  (void)b.take(fast);
  EXPECT_EQ(b.events(), "") << "not yet: its type is to be proved again";
  (void)b.type(3.0f);
  (void)b.take(fast);
  EXPECT_EQ(b.events(), "3 meter_back meter=\"main\" unit=7");
  EXPECT_EQ(b.decoder.rejection_reason(), "");
  (void)b.take(fast, true);
  EXPECT_NE(b.events(), "") << "counted anew";
}

TEST(MeterDecoder, WithoutALineVoltageItWaitsASecond) {
  Bench b;
  b.values[0] = b.values[2] = b.values[4] = 179.9f;
  EXPECT_EQ(b.take(fast), 1s);
  EXPECT_EQ(b.decoder.rejection_reason(),
            "shows no line voltage of 180 to 270 V: check the wiring of its voltage inputs");
  EXPECT_EQ(b.frames[FrameResult::content], 1u);
  EXPECT_EQ(b.events(), "");
  b.values[4] = 180.0f;
  EXPECT_EQ(b.take(fast), 0s) << "one of them proves the order";
  EXPECT_TRUE(b.decoder.order_known());
  b.values[4] = 0.0f;
  EXPECT_EQ(b.take(fast), 0s) << "it is proved";
}

TEST(MeterDecoder, AnotherSystemTypeIsNamedAndTriedAgainAfterTenSeconds) {
  Bench b;
  EXPECT_EQ(b.type(1.0f), 10s);
  EXPECT_EQ(b.events(), "1 wrong_system_type meter=\"main\" unit=7 found=1P2W expected=3P4W");
  EXPECT_EQ(b.decoder.rejection_reason(),
            "is set to 1P2W, where phases 2 and 3 read zero: set its system type to 3P4W on its "
            "front panel");
  EXPECT_EQ(b.frames[FrameResult::content], 1u);
  EXPECT_EQ(b.type(2.0f), 10s);
  EXPECT_EQ(b.events(), "") << "told once";
  EXPECT_EQ(b.type(3.0f), 0s);
  EXPECT_TRUE(b.decoder.type_known());
}

TEST(MeterDecoder, WhoOnlyListensNeedsALineVoltageOnPhaseTwoOrThree) {
  Bench b{three_phases(), ModbusMode::sniff};
  b.values[2] = b.values[4] = 0.0f;
  EXPECT_EQ(b.take(fast), 10s);
  EXPECT_EQ(b.told(), "");
  EXPECT_EQ(b.events(),
            "1 wrong_system_type meter=\"main\" unit=7 found=\"no voltage on phases 2 and 3\" "
            "expected=3P4W");
  EXPECT_EQ(b.decoder.rejection_reason(),
            "shows no line voltage on phases 2 and 3: check the wiring of their voltage inputs, "
            "and set its system type to 3P4W on its front panel");
  EXPECT_EQ(b.take({0x0000, 2, 0s}), 0s) << "says nothing of them";
  EXPECT_EQ(b.told(), "");
  b.values[4] = 231.0f;
  EXPECT_EQ(b.take(fast), 0s);
  EXPECT_NE(b.told(), "");
}

TEST(MeterDecoder, WhoOnlyListensTakesOneOfBothPhasesForAProofAndKeepsIt) {
  Bench b{three_phases(), ModbusMode::sniff};
  b.values[4] = 0.0f;
  EXPECT_EQ(b.take(fast), 0s) << "phase 2 shows a line voltage";
  EXPECT_TRUE(b.decoder.type_known());
  b.values[2] = 0.0f;
  EXPECT_EQ(b.take(fast), 0s) << "it is proved";
  EXPECT_TRUE(b.decoder.type_known());
  EXPECT_EQ(b.events(), "");
}

TEST(MeterDecoder, ItFlowsWithTheFirstPowerAfterItsProofs) {
  auto first_phase = three_phases();
  first_phase.channels.resize(1);
  Bench b{first_phase, ModbusMode::sniff};
  EXPECT_EQ(b.take({0x0000, 2, 0s}), 0s);
  EXPECT_FALSE(b.decoder.flows()) << "its voltage alone";
  EXPECT_EQ(b.take({0x000C, 2, 0s}), 0s);
  EXPECT_TRUE(b.decoder.flows());
}

TEST(MeterDecoder, OneRejectionIsEnoughForItsReturnToBeTold) {
  Bench b;
  (void)b.type(1.0f);
  (void)b.events();
  (void)b.take(fast);
  (void)b.type(3.0f);
  (void)b.take(fast);
  EXPECT_EQ(b.events(), "3 meter_back meter=\"main\" unit=7");
}

TEST(MeterDecoder, AFirstPowerOfZeroIsNotFrozen) {
  Bench b{three_phases(), ModbusMode::sniff};
  b.values[0x000C] = 0.0f;
  (void)b.take({0x0002, 2, 0s});  // of phase 2: it proves order and type
  EXPECT_EQ(b.decoder.type_known(), true);
  (void)b.told();
  EXPECT_EQ(b.take({0x000C, 2, 0s}), 0s);
  EXPECT_FALSE(b.decoder.frozen());
  EXPECT_EQ(b.told(), "grid/power=0 3000ms");
}

TEST(MeterDecoder, AnEnergyMayRiseByAStepOfOneKilowatthourAtOnce) {
  Bench b;
  b.validate();
  const auto reads = [&](float kwh) {
    b.values[0x015A] = kwh;
    (void)b.take(energies);
    return b.told().find("grid/energy_forward") != std::string::npos;
  };
  EXPECT_FALSE(reads(100.0f));
  EXPECT_TRUE(reads(100.0f));
  EXPECT_FALSE(reads(101.0005f));
  EXPECT_TRUE(reads(101.0f));
}

TEST(MeterDecoder, AGridMeterThatRepeatsPowerAndVoltageForTenSecondsIsFrozen) {
  Bench b;
  b.validate();
  (void)b.take(fast);
  (void)b.told();
  b.now = start + 10s - 1ns;
  (void)b.take(fast);
  EXPECT_NE(b.told(), "");
  EXPECT_FALSE(b.decoder.frozen());
  b.now = start + 10s;
  b.values[0x000E] += 1.0f;  // of another phase
  b.values[0x0006] += 1.0f;  // the current alone does not matter
  (void)b.take(fast);
  EXPECT_EQ(b.told(), "");
  EXPECT_TRUE(b.decoder.frozen());
  (void)b.take(energies);
  EXPECT_EQ(b.told(), "") << "nothing of a frozen meter";
  b.values[0x0000] += 0.1f;
  (void)b.take(fast);
  EXPECT_NE(b.told(), "");
  EXPECT_FALSE(b.decoder.frozen());
  b.now += 9s;
  b.values[0x000C] += 0.1f;
  (void)b.take(fast);
  b.now += 9s;
  (void)b.take(fast);
  EXPECT_FALSE(b.decoder.frozen()) << "either of both is enough";
  b.now += 1s;
  (void)b.take(fast);
  EXPECT_TRUE(b.decoder.frozen());
  b.decoder.reset_validation();
  EXPECT_FALSE(b.decoder.frozen()) << "to be judged again";

  auto elsewhere = three_phases();
  elsewhere.channels.erase(elsewhere.channels.begin());
  Bench other{elsewhere};
  other.validate();
  (void)other.take(fast);
  other.now += 1h;
  (void)other.take(fast);
  EXPECT_FALSE(other.decoder.frozen()) << "no load may be constant for ever but the grid's";
}

TEST(MeterDecoder, ALostMeterIsProvedAgainAndItsReturnIsTold) {
  Bench b;
  b.validate();
  (void)b.take(fast);
  b.decoder.lose();
  EXPECT_FALSE(b.decoder.order_known() || b.decoder.type_known() || b.decoder.flows());
  (void)b.told();
  (void)b.take(fast);
  EXPECT_EQ(b.events(), "");
  (void)b.type(3.0f);
  (void)b.take(energies);
  EXPECT_EQ(b.events(), "") << "its power is what counts";
  (void)b.take(fast);
  EXPECT_EQ(b.events(), "3 meter_back meter=\"main\" unit=7");
  (void)b.take(fast);
  EXPECT_EQ(b.events(), "");
  (void)b.take(fast, true);
  EXPECT_NE(b.decoder.rejection_reason(), "");
  b.decoder.lose();
  EXPECT_EQ(b.decoder.rejection_reason(), "") << "it does not answer at all";
}

TEST(MeterDecoder, ImpossibleValuesAreDroppedAndAnImpossibleVoltageTakesItsPhaseAlong) {
  Bench b;
  b.validate();
  b.values[0x000C] = 30001.0f;
  b.values[0x0002] = 42.0f;
  EXPECT_EQ(b.take(fast), 0s);
  EXPECT_EQ(b.frames[FrameResult::content], 2u);
  EXPECT_EQ(b.told(),
            "grid/voltage=230 3000ms, grid/current=1 3000ms, "
            "circuit1/voltage=232 3000ms, circuit1/current=3 3000ms, circuit1/power=300 3000ms");
  b.values[0x0002] = 231.0f;
  EXPECT_EQ(b.take(fast), 0s);
  EXPECT_NE(b.told().find("solar/power=-200"), std::string::npos) << "believed again";
}

/// What three phases of 120 A carry at 250 V in the time, and a step of 1 kWh.
TEST(MeterDecoder, AnEnergyThatNoWireCanCarryIsBelievedTheThirdTimeInARow) {
  Bench b;
  b.validate();
  const auto reads = [&](float kwh, Duration later = 10s) {
    b.now += later;
    b.values[0x015A] = kwh;
    (void)b.take(energies);
    return b.told().find("grid/energy_forward") != std::string::npos;
  };
  EXPECT_FALSE(reads(1e6f)) << "the very first may be the absurd one";
  EXPECT_FALSE(reads(100.0f));
  EXPECT_TRUE(reads(100.1f)) << "confirmed";
  EXPECT_TRUE(reads(101.2f)) << "10 s at 90 kW are 0.25 kWh";
  EXPECT_FALSE(reads(102.6f));
  EXPECT_FALSE(reads(1e6f));
  EXPECT_TRUE(reads(101.3f));
  EXPECT_TRUE(reads(191.3f, 1h)) << "a gap: the house went on";
  EXPECT_FALSE(reads(283.0f, 1h));
  EXPECT_TRUE(reads(192.0f));
  EXPECT_FALSE(reads(1e6f));
  EXPECT_FALSE(reads(1e6f));
  EXPECT_TRUE(reads(1e6f)) << "it stays: another meter";
  EXPECT_TRUE(reads(1e6f));
}

TEST(MeterDecoder, ALowerEnergyIsBelievedTheThirdTimeInARow) {
  Bench b;
  b.validate();
  const auto reads = [&](float kwh) {
    b.values[0x015A] = kwh;
    (void)b.take(energies);
    return b.told().find("grid/energy_forward") != std::string::npos;
  };
  EXPECT_FALSE(reads(100.0f));
  EXPECT_TRUE(reads(100.0f));
  EXPECT_FALSE(reads(99.0f));
  EXPECT_FALSE(reads(99.0f));
  EXPECT_TRUE(reads(100.0f)) << "as before: counted anew";
  EXPECT_FALSE(reads(50.0f));
  EXPECT_FALSE(reads(51.0f));
  EXPECT_TRUE(reads(52.0f));
  EXPECT_TRUE(reads(52.0f));
  EXPECT_EQ(b.frames[FrameResult::content], 4u);
  b.values[0x0160] = 1.0f;
  (void)b.take(energies);
  EXPECT_EQ(b.told().find("grid/energy_reverse"), std::string::npos) << "the other counter too";
}

TEST(MeterDecoder, TellsWhichPhaseShowsNoPower) {
  Bench b;
  EXPECT_EQ(b.decoder.phase_without_power(start), 1u);
  b.validate();
  (void)b.take(fast);
  EXPECT_FALSE(b.decoder.phase_without_power(start));
  EXPECT_EQ(b.decoder.phase_without_power(start + 1ns), 1u);
  b.now += 1s;
  b.values[0x000E] = 30001.0f;
  (void)b.take(fast);
  EXPECT_EQ(b.decoder.phase_without_power(start + 1s), 2u);
  EXPECT_EQ(b.decoder.label(), "meter 'main' (unit 7)");
}

}  // namespace
}  // namespace esshub::protocol
