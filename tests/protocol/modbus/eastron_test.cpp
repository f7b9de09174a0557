#include "protocol/modbus/eastron.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace esshub::protocol::eastron {
namespace {

Bytes wire(float value) {
  Bytes bytes;
  put_f32_be(bytes, value);
  return bytes;
}

const Register& named(MeterModel model, std::string_view name) {
  for (const auto& reg : registers(model))
    if (reg.name == name) return reg;
  ADD_FAILURE() << name;
  return registers(model).front();
}

bool possible(std::string_view name, float value) {
  return decode_value(named(MeterModel::sdm630, name), wire(value)).has_value();
}

TEST(EastronTable, RisesAndHasEvenAddressesAndUniqueNames) {
  for (const auto model : {MeterModel::sdm630, MeterModel::sdm120}) {
    int last = -1;
    std::set<std::string_view> names;
    for (const auto& reg : registers(model)) {
      EXPECT_GT(int{reg.address}, last);
      EXPECT_EQ(reg.address % 2, 0);
      EXPECT_TRUE(names.insert(reg.name).second) << reg.name;
      last = reg.address;
      EXPECT_EQ(find_register(model, reg.address), &reg);
    }
    EXPECT_EQ(find_register(model, 0x0001), nullptr);
    EXPECT_EQ(find_register(model, 0x4A38), nullptr);
  }
}

TEST(EastronTable, BothModelsAgreeWhereTheyOverlap) {
  for (const auto& reg : registers(MeterModel::sdm120)) {
    const auto* other = find_register(MeterModel::sdm630, reg.address);
    if (!other) continue;
    EXPECT_EQ(other->name, reg.name);
    EXPECT_EQ(other->scale, reg.scale);
  }
}

TEST(EastronTable, EnergiesAreConvertedToWattHours) {
  const auto value = decode_value(named(MeterModel::sdm630, "l1_import_wh"), wire(10.5f));
  ASSERT_TRUE(value);
  EXPECT_DOUBLE_EQ(*value, 10500.0);
}

TEST(EastronBlocks, NoTwoBlocksOfAModelHaveTheSameLength) {
  for (const auto model : {MeterModel::sdm630, MeterModel::sdm120}) {
    std::set<std::uint16_t> lengths;
    for (const auto& block : blocks(model)) EXPECT_TRUE(lengths.insert(block.count).second);
  }
}

TEST(EastronBlocks, ReadEverythingTheHubUses) {
  for (const auto model : {MeterModel::sdm630, MeterModel::sdm120}) {
    for (const auto& reg : registers(model)) {
      if (!reg.measure) continue;
      int found = 0;
      for (const auto& block : blocks(model)) {
        if (reg.address >= block.start && reg.address + 2 <= block.start + block.count) ++found;
      }
      EXPECT_EQ(found, 1) << reg.name;
    }
  }
}

TEST(EastronBlocks, KeepTheLimitsOfTheModels) {
  for (const auto& block : blocks(MeterModel::sdm630)) EXPECT_LE(block.count, 80);
  for (const auto& block : blocks(MeterModel::sdm120)) EXPECT_LE(block.count, 10);
}

TEST(EastronValue, WhatIsNotANumberIsDropped) {
  for (const auto& reg : registers(MeterModel::sdm630)) {
    EXPECT_FALSE(decode_value(reg, wire(std::numeric_limits<float>::quiet_NaN()))) << reg.name;
    EXPECT_FALSE(decode_value(reg, wire(std::numeric_limits<float>::infinity()))) << reg.name;
  }
}

TEST(EastronValue, WhatAHouseCannotShowIsDropped) {
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

TEST(EastronValue, CurrentIsAMagnitude) {
  EXPECT_DOUBLE_EQ(*decode_value(named(MeterModel::sdm630, "l1_current_a"), wire(-3.5f)), 3.5);
}

TEST(EastronWordOrder, IsJudgedByALineVoltage) {
  EXPECT_EQ(judge_word_order(*from_hex("43663334")), WordOrder::right);  // 230.2 V
  EXPECT_EQ(judge_word_order(*from_hex("33344366")),
            WordOrder::swapped);  // the same, low word first
  EXPECT_EQ(judge_word_order(*from_hex("00000000")), WordOrder::unproven);
  EXPECT_EQ(judge_word_order(wire(110.0f)), WordOrder::unproven);
}

}  // namespace
}  // namespace esshub::protocol::eastron
