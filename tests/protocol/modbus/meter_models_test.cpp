#include "protocol/modbus/meter_models.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
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
    EXPECT_EQ(find_register(row.id, 0xFFFF), nullptr);
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

// ---- the map of the reference -------------------------------------------------------------------

/// Address and name of all registers, in the order of the reference's tables (eastron-modbus#2,
/// eastron-modbus#3, eastron-modbus#3.1). What the hub makes of one follows from its name.
const std::map<MeterModel, std::string_view> reference_map{
    {MeterModel::sdm630,
     "0000 l1_voltage_v 0002 l2_voltage_v 0004 l3_voltage_v 0006 l1_current_a "
     "0008 l2_current_a 000A l3_current_a 000C l1_power_w 000E l2_power_w "
     "0010 l3_power_w 0012 l1_apparent_power_va 0014 l2_apparent_power_va "
     "0016 l3_apparent_power_va 0018 l1_reactive_power_var 001A l2_reactive_power_var "
     "001C l3_reactive_power_var 001E l1_power_factor 0020 l2_power_factor "
     "0022 l3_power_factor 0024 l1_phase_angle_deg 0026 l2_phase_angle_deg "
     "0028 l3_phase_angle_deg 002A mean_voltage_v 002E mean_current_a 0030 sum_current_a "
     "0034 total_power_w 0038 total_apparent_power_va 003C total_reactive_power_var "
     "003E total_power_factor 0042 total_phase_angle_deg 0046 frequency_hz "
     "0048 import_wh 004A export_wh 004C import_reactive_varh 004E export_reactive_varh "
     "0050 apparent_energy_vah 0052 charge_ah 0054 power_demand_w "
     "0056 max_power_demand_w 0064 apparent_demand_va 0066 max_apparent_demand_va "
     "0068 neutral_demand_a 006A max_neutral_demand_a 00C8 l1_l2_voltage_v "
     "00CA l2_l3_voltage_v 00CC l3_l1_voltage_v 00CE mean_line_voltage_v "
     "00E0 neutral_current_a 00EA l1_voltage_thd_pct 00EC l2_voltage_thd_pct "
     "00EE l3_voltage_thd_pct 00F0 l1_current_thd_pct 00F2 l2_current_thd_pct "
     "00F4 l3_current_thd_pct 00F8 mean_voltage_thd_pct 00FA mean_current_thd_pct "
     "0102 l1_current_demand_a 0104 l2_current_demand_a 0106 l3_current_demand_a "
     "0108 l1_max_current_demand_a 010A l2_max_current_demand_a "
     "010C l3_max_current_demand_a 014E l1_l2_voltage_thd_pct 0150 l2_l3_voltage_thd_pct "
     "0152 l3_l1_voltage_thd_pct 0154 mean_line_voltage_thd_pct 0156 total_energy_wh "
     "0158 total_reactive_varh 015A l1_import_wh 015C l2_import_wh 015E l3_import_wh "
     "0160 l1_export_wh 0162 l2_export_wh 0164 l3_export_wh 0166 l1_total_wh "
     "0168 l2_total_wh 016A l3_total_wh 016C l1_import_varh 016E l2_import_varh "
     "0170 l3_import_varh 0172 l1_export_varh 0174 l2_export_varh 0176 l3_export_varh "
     "0178 l1_total_varh 017A l2_total_varh 017C l3_total_varh"},
    {MeterModel::sdm120,
     "0000 l1_voltage_v 0006 l1_current_a 000C l1_power_w 0012 l1_apparent_power_va "
     "0018 l1_reactive_power_var 001E l1_power_factor 0024 l1_phase_angle_deg "
     "0046 frequency_hz 0048 import_wh 004A export_wh 004C import_reactive_varh "
     "004E export_reactive_varh 0054 power_demand_w 0056 max_power_demand_w "
     "0058 import_demand_w 005A max_import_demand_w 005C export_demand_w "
     "005E max_export_demand_w 0102 l1_current_demand_a 0108 l1_max_current_demand_a "
     "0156 total_energy_wh 0158 total_reactive_varh"},
    {MeterModel::sdm72d_m,
     "0000 l1_voltage_v 0002 l2_voltage_v 0004 l3_voltage_v 0006 l1_current_a "
     "0008 l2_current_a 000A l3_current_a 000C l1_power_w 000E l2_power_w "
     "0010 l3_power_w 0012 l1_apparent_power_va 0014 l2_apparent_power_va "
     "0016 l3_apparent_power_va 0018 l1_reactive_power_var 001A l2_reactive_power_var "
     "001C l3_reactive_power_var 001E l1_power_factor 0020 l2_power_factor "
     "0022 l3_power_factor 0034 total_power_w 0038 total_apparent_power_va "
     "003C total_reactive_power_var 003E total_power_factor 0046 frequency_hz "
     "0048 import_wh 004A export_wh 0156 total_energy_wh 0158 total_reactive_varh "
     "0180 resettable_energy_wh 0184 resettable_import_wh 0186 resettable_export_wh "
     "0500 import_power_w 0502 export_power_w"},
};

/// A quantity of one phase, or of the only one: totals of three phases are not used.
std::optional<Measure> measure_of(std::string_view name, unsigned phases) {
  if (name == "frequency_hz") return Measure::frequency;
  if (phases == 1 && name == "import_wh") return Measure::energy_forward;
  if (phases == 1 && name == "export_wh") return Measure::energy_reverse;
  if (name.size() < 4 || name[0] != 'l' || name[2] != '_') return std::nullopt;
  const auto quantity = name.substr(3);
  if (quantity == "voltage_v") return Measure::voltage;
  if (quantity == "current_a") return Measure::current;
  if (quantity == "power_w") return Measure::power;
  if (quantity == "import_wh") return Measure::energy_forward;
  if (quantity == "export_wh") return Measure::energy_reverse;
  return std::nullopt;
}

TEST(MeterModels, HaveTheRegistersOfTheReference) {
  for (const auto& row : meter_models()) {
    const auto model = row.id == MeterModel::sdm230 ? MeterModel::sdm120 : row.id;
    std::istringstream map{std::string(reference_map.at(model))};
    for (const auto& reg : row.registers) {
      std::string address;
      std::string name;
      map >> address >> name;
      SCOPED_TRACE(std::string(row.name) + " " + name);
      EXPECT_EQ(reg.address, std::stoul(address, nullptr, 16));
      EXPECT_EQ(reg.name, name);
      const bool counts_thousands = name.ends_with("_wh") || name.ends_with("_varh") ||
                                    name.ends_with("_vah");  // the wire says kWh, kvarh, kVAh
      EXPECT_EQ(reg.scale, counts_thousands ? 1000.0 : 1.0);
      const auto measure = measure_of(name, row.phases);
      EXPECT_EQ(reg.measure, measure);
      if (!measure) continue;
      const unsigned phase = name[0] == 'l' ? static_cast<unsigned>(name[1] - '0') : 1u;
      EXPECT_EQ(reg.phase, measure == Measure::frequency ? 0u : phase);
    }
    std::string more;
    EXPECT_FALSE(map >> more) << row.name << " lacks " << more;
  }
}

TEST(MeterModels, HaveTheLimitsAndCodesOfTheReference) {
  struct Facts {
    std::string_view name;
    unsigned phases;
    unsigned most_registers;
    unsigned meter_code;
    bool system_type;
  };
  const std::vector<Facts> facts{{"sdm630", 3, 80, 0x0000, true},
                                 {"sdm120", 1, 80, 0x0020, false},
                                 {"sdm72d-m", 3, 60, 0x0089, true},
                                 {"sdm230", 1, 60, 0x00A8, false}};
  ASSERT_EQ(meter_models().size(), facts.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const auto& row = meter_models()[i];
    EXPECT_EQ(row.id, static_cast<MeterModel>(i));
    EXPECT_EQ(row.name, facts[i].name);
    EXPECT_EQ(row.phases, facts[i].phases) << row.name;
    EXPECT_EQ(row.most_registers, facts[i].most_registers) << row.name;
    EXPECT_EQ(row.meter_code, facts[i].meter_code) << row.name;
    ASSERT_EQ(row.system_type.has_value(), facts[i].system_type) << row.name;
    if (!row.system_type) continue;
    EXPECT_EQ(row.system_type->block.start, 0x000A);
    EXPECT_EQ(row.system_type->block.count, 2);
    EXPECT_EQ(row.system_type->needed, 3.0);
  }
}

TEST(MeterBlocks, BeginEndAndComeAsTheHubReadsThem) {
  using Blocks = std::vector<std::tuple<unsigned, unsigned, Duration>>;
  const Blocks one_phase{{0x000C, 2, 0s}, {0x0000, 8, 2s}, {0x0046, 6, 10s}};
  const std::vector<Blocks> expected{{{0x0000, 18, 0s}, {0x0046, 2, 2s}, {0x015A, 12, 10s}},
                                     one_phase,
                                     {{0x0000, 18, 0s}, {0x0046, 2, 2s}},
                                     one_phase};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    Blocks blocks;
    for (const auto& b : meter_models()[i].blocks) blocks.emplace_back(b.start, b.count, b.period);
    EXPECT_EQ(blocks, expected[i]) << meter_models()[i].name;
  }
  const Block block{10, 4, 0s};
  for (const unsigned address : {8u, 9u, 10u, 11u, 12u, 13u, 14u})
    EXPECT_EQ(holds(block, {static_cast<std::uint16_t>(address), "x"}),
              address >= 10 && address <= 12)
        << address;
}

TEST(MeterModels, NameTheSystemTypes) {
  EXPECT_EQ(system_type_name(1.0), "1P2W");
  EXPECT_EQ(system_type_name(2.0), "3P3W");
  EXPECT_EQ(system_type_name(3.0), "3P4W");
  for (const double other : {0.0, 1.5, 4.0, -1.0}) EXPECT_EQ(system_type_name(other), "?");
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

TEST(MeterValue, WhatOnlyToolsShowHasNoRange) {
  for (const auto& row : meter_models())
    for (const auto& reg : row.registers)
      if (!reg.measure) {
        EXPECT_EQ(decode_value(reg, wire(1e30f)).value_or(0.0), wire_value(reg, wire(1e30f)))
            << reg.name;
      }
  EXPECT_EQ(named(MeterModel::sdm630, "total_power_w").phase, 0u) << "the meter as a whole";
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

TEST(MeterValue, AnErrorNamesTheRegisterAndItsValue) {
  const auto value = decode_value(named(MeterModel::sdm630, "l2_power_w"), wire(-30500.0f));
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().kind, DecodeErrorKind::content);
  EXPECT_EQ(value.error().detail, "l2_power_w cannot be -30500.000000");
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
  EXPECT_EQ(judge_word_order(wire(270.0f)), WordOrder::right);
  EXPECT_EQ(judge_word_order(wire(270.1f)), WordOrder::unproven);
  EXPECT_EQ(judge_word_order(*from_hex("00000000")), WordOrder::unproven);
  EXPECT_EQ(judge_word_order(wire(110.0f)), WordOrder::unproven);
}

}  // namespace
}  // namespace esshub::protocol::modbus
