#include "protocol/modbus/meter_models.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/plausible.hpp"
#include "protocol/modbus/rtu.hpp"

namespace esshub::protocol::modbus {
namespace {

Bytes wire(float value) {
  Bytes bytes;
  put_f32_be(bytes, value);
  return bytes;
}

const Register& named(MeterModel model, std::string_view name) {
  const auto table = row_of(model).registers;
  const auto found = std::ranges::find(table, name, &Register::name);
  EXPECT_NE(found, table.end()) << name;
  return found == table.end() ? table.front() : *found;
}

bool possible(std::string_view name, float value) {
  return decode_value(named(MeterModel::sdm630, name), wire(value)).has_value();
}

TEST(MeterModels, RegistersRiseWithEvenAddressesAndUniqueNames) {
  for (const auto& row : meter_models()) {
    SCOPED_TRACE(row.name);
    int last = -1;
    std::set<std::string_view> names;
    for (const auto& reg : row.registers) {
      EXPECT_GT(int{reg.address}, last);
      EXPECT_EQ(reg.address % 2, 0);
      EXPECT_LE(reg.phase, row.phases);
      EXPECT_TRUE(names.insert(reg.name).second) << reg.name;
      last = reg.address;
      EXPECT_EQ(find_register(row.id, reg.address), &reg);
    }
    EXPECT_EQ(find_register(row.id, 0x0001), nullptr);
    EXPECT_EQ(find_register(row.id, 0x4A38), nullptr);
  }
}

TEST(MeterModels, AgreeOnTheAddressesTheyShare) {
  for (const auto& row : meter_models())
    for (const auto& reg : row.registers) {
      const auto* other = find_register(reg.address);
      ASSERT_NE(other, nullptr);
      EXPECT_EQ(other->name, reg.name) << row.name;
      EXPECT_EQ(other->scale, reg.scale) << row.name << ' ' << reg.name;
    }
}

TEST(MeterModels, HaveVoltageCurrentAndPowerOfEachPhase) {
  for (const auto& row : meter_models()) {
    EXPECT_TRUE(row.phases == 1 || row.system_type) << row.name;
    for (unsigned phase = 1; phase <= row.phases; ++phase)
      for (const auto measure : {Measure::voltage, Measure::current, Measure::power})
        EXPECT_NE(find_register(row.id, phase, measure), nullptr) << row.name << " L" << phase;
  }
}

TEST(MeterModels, EnergiesAreConvertedToWattHours) {
  const auto value = decode_value(named(MeterModel::sdm630, "l1_import_wh"), wire(10.5f));
  ASSERT_TRUE(value);
  EXPECT_DOUBLE_EQ(*value, 10500.0);
}

TEST(MeterBlocks, NoTwoBlocksOfAModelHaveTheSameLength) {
  for (const auto& row : meter_models()) {
    std::set<std::uint16_t> lengths;
    for (const auto& block : row.blocks)
      EXPECT_TRUE(lengths.insert(block.count).second) << row.name;
    EXPECT_TRUE(!row.system_type || row.system_type->block.count == 2) << row.name;
  }
}

TEST(MeterBlocks, ReadEverythingTheHubUsesOnceAndThePowerFirst) {
  for (const auto& row : meter_models()) {
    for (const auto& reg : row.registers) {
      if (!reg.measure) continue;
      EXPECT_EQ(std::ranges::count_if(row.blocks, [&](const auto& b) { return holds(b, reg); }), 1)
          << row.name << ' ' << reg.name;
      EXPECT_TRUE(reg.measure != Measure::power || holds(row.blocks[0], reg)) << row.name;
    }
    EXPECT_EQ(row.blocks[0].period, Duration::zero()) << row.name;
    EXPECT_TRUE(holds(voltage_block(row.id), *find_register(row.id, 1, Measure::voltage)));
  }
}

TEST(MeterBlocks, KeepTheLimitsOfTheModels) {
  for (const auto& row : meter_models())
    for (const auto& block : row.blocks)
      EXPECT_LE(block.count, row.phases == 1 ? 10 : row.most_registers) << row.name;
}

// ---- a golden frame each: what the model answers to the hub's first block -----------------------

struct Golden {
  MeterModel model;
  std::uint16_t start;
  std::string_view response;  ///< whole, from unit 1
  std::vector<std::pair<std::string_view, double>> values;
};

const std::vector<Golden> golden{
    // Vendor's example, mb-018 of tests/data/modbus-vectors.jsonl.
    {MeterModel::sdm630, 0x0000, "010404436633341B38", {{"l1_voltage_v", 230.2}}},
    // Built from the register table: -456.75 W is C3E46000 as a float.
    {MeterModel::sdm120, 0x000C, "010404C3E46000AFF7", {{"l1_power_w", -456.75}}},
    // Built from the register table: 230, 231, 232 V; 1, 2, 3 A; 100, -200, 300 W.
    {MeterModel::sdm72d_m,
     0x0000,
     "010424436600004367000043680000"
     "3F8000004000000040400000"
     "42C80000C34800004396000030D6",
     {{"l1_voltage_v", 230.0},
      {"l2_voltage_v", 231.0},
      {"l3_voltage_v", 232.0},
      {"l1_current_a", 1.0},
      {"l2_current_a", 2.0},
      {"l3_current_a", 3.0},
      {"l1_power_w", 100.0},
      {"l2_power_w", -200.0},
      {"l3_power_w", 300.0}}},
    // Captured behind a Solax inverter, mb-014 of tests/data/modbus-vectors.jsonl: 10909.28 kWh.
    {MeterModel::sdm230, 0x0048, "010404462A7521298C", {{"import_wh", 10909282.2}}},
};

TEST(MeterModels, DecodeTheirGoldenFrames) {
  std::set<MeterModel> seen;
  for (const auto& [model, start, response, values] : golden) {
    SCOPED_TRACE(row_of(model).name);
    seen.insert(model);
    const RtuRequest request{.unit = 1,
                             .function = read_input,
                             .start = start,
                             .count = static_cast<std::uint16_t>(2 * values.size()),
                             .data = {}};
    const auto frame = from_hex(response);
    ASSERT_TRUE(frame);
    const auto registers = decode_response(*frame, request);
    ASSERT_TRUE(registers) << registers.error().detail;
    for (const auto& [name, value] : values) {
      const auto& reg = named(model, name);
      const auto decoded = decode_value(reg, registers->subspan(2u * (reg.address - start), 4));
      ASSERT_TRUE(decoded) << name;
      EXPECT_NEAR(*decoded, value, std::abs(value) * 1e-6) << name;
    }
  }
  EXPECT_EQ(seen.size(), meter_models().size()) << "a model without a golden frame";
}

TEST(MeterModels, AreListedInTheHardwareDocument) {
  std::ifstream file(ESSHUB_SOURCE_DIR "/docs/hardware.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const auto& row : meter_models()) {
    const std::string line = "| `" + std::string(row.name) + "` | " + std::string(row.title);
    const auto at = text.find(line);
    ASSERT_NE(at, std::string::npos) << line;
    const auto phases = text.find("| " + std::to_string(row.phases) + " |", at);
    EXPECT_LT(phases, text.find('\n', at)) << line;
  }
}

TEST(MeterValue, WhatIsNotANumberIsDropped) {
  for (const auto& reg : row_of(MeterModel::sdm630).registers) {
    EXPECT_FALSE(decode_value(reg, wire(std::numeric_limits<float>::quiet_NaN()))) << reg.name;
    EXPECT_FALSE(decode_value(reg, wire(std::numeric_limits<float>::infinity()))) << reg.name;
  }
}

TEST(MeterValue, WhatAHouseCannotShowIsDropped) {
  EXPECT_TRUE(possible("l1_power_w", -30000.0f));
  EXPECT_FALSE(possible("l1_power_w", -30001.0f));
  EXPECT_TRUE(possible("l1_voltage_v", 0.0f));
  EXPECT_FALSE(possible("l1_voltage_v", 4.2e-8f));
  EXPECT_TRUE(possible("l1_voltage_v", 80.0f));
  EXPECT_FALSE(possible("l1_voltage_v", 300.5f));
  EXPECT_TRUE(possible("l1_current_a", 120.0f));
  EXPECT_FALSE(possible("l1_current_a", 120.5f));
  EXPECT_FALSE(possible("frequency_hz", 500.0f));
  EXPECT_TRUE(possible("frequency_hz", 49.9f));
  EXPECT_FALSE(possible("l1_import_wh", -0.1f));
}

TEST(MeterValue, GoesByTheTable) {
  constexpr float farther = std::numeric_limits<float>::infinity();
  const auto in_range = [](const Register& reg, double value) {
    return decode_value(reg, wire(static_cast<float>(value / reg.scale))).has_value();
  };
  const auto beyond = [](const Register& reg, double end, float towards) {
    const float value = std::nextafter(static_cast<float>(end / reg.scale), towards);
    return decode_value(reg, wire(value)).has_value();
  };
  for (const auto& row : meter_models()) {
    for (const auto& reg : row.registers) {
      if (!reg.measure) continue;
      SCOPED_TRACE(reg.name);
      const Range range = plausible({Point::solar, *reg.measure});
      EXPECT_TRUE(in_range(reg, range.low));
      EXPECT_TRUE(in_range(reg, range.high));
      EXPECT_FALSE(beyond(reg, range.low, -farther));
      EXPECT_FALSE(beyond(reg, range.high, farther));
      EXPECT_EQ(in_range(reg, 0.0), range.holds(0.0));
    }
  }
}

TEST(MeterValue, CurrentIsAMagnitude) {
  EXPECT_DOUBLE_EQ(*decode_value(named(MeterModel::sdm630, "l1_current_a"), wire(-3.5f)), 3.5);
}

TEST(MeterWordOrder, IsJudgedByALineVoltage) {
  EXPECT_EQ(judge_word_order(*from_hex("43663334")), WordOrder::right);  // 230.2 V
  EXPECT_EQ(judge_word_order(*from_hex("33344366")),
            WordOrder::swapped);  // the same, low word first
  EXPECT_EQ(judge_word_order(wire(180.0f)), WordOrder::right);
  EXPECT_EQ(judge_word_order(wire(179.9f)), WordOrder::unproven);
  EXPECT_EQ(judge_word_order(*from_hex("00000000")), WordOrder::unproven);
  EXPECT_EQ(judge_word_order(wire(110.0f)), WordOrder::unproven);
}

}  // namespace
}  // namespace esshub::protocol::modbus
