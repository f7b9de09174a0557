#include "protocol/modbus/meter_models.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "model/enums.hpp"
#include "model/plausible.hpp"

namespace esshub::protocol::modbus {
namespace {

constexpr double kilo = 1000.0;  // the wire says kWh, kvarh and kVAh; we say Wh, varh and VAh

// Eastron SDM630Modbus protocol V1.8, input registers, and SDM630 Protocol 2018 v2.0, pages 3 to 5:
// identical addresses. Totals mix all three phases, so a meter used as three single-phase channels
// is read by phase only (reference: eastron-modbus#2.1).
constexpr Register sdm630[] = {
    {0x0000, "l1_voltage_v", 1, 1, Measure::voltage},
    {0x0002, "l2_voltage_v", 1, 2, Measure::voltage},
    {0x0004, "l3_voltage_v", 1, 3, Measure::voltage},
    {0x0006, "l1_current_a", 1, 1, Measure::current},
    {0x0008, "l2_current_a", 1, 2, Measure::current},
    {0x000A, "l3_current_a", 1, 3, Measure::current},
    {0x000C, "l1_power_w", 1, 1, Measure::power},
    {0x000E, "l2_power_w", 1, 2, Measure::power},
    {0x0010, "l3_power_w", 1, 3, Measure::power},
    {0x0012, "l1_apparent_power_va"},
    {0x0014, "l2_apparent_power_va"},
    {0x0016, "l3_apparent_power_va"},
    {0x0018, "l1_reactive_power_var"},
    {0x001A, "l2_reactive_power_var"},
    {0x001C, "l3_reactive_power_var"},
    {0x001E, "l1_power_factor"},
    {0x0020, "l2_power_factor"},
    {0x0022, "l3_power_factor"},
    {0x0024, "l1_phase_angle_deg"},
    {0x0026, "l2_phase_angle_deg"},
    {0x0028, "l3_phase_angle_deg"},
    {0x002A, "mean_voltage_v"},
    {0x002E, "mean_current_a"},
    {0x0030, "sum_current_a"},
    {0x0034, "total_power_w"},
    {0x0038, "total_apparent_power_va"},
    {0x003C, "total_reactive_power_var"},
    {0x003E, "total_power_factor"},
    {0x0042, "total_phase_angle_deg"},
    {0x0046, "frequency_hz", 1, 0, Measure::frequency},
    {0x0048, "import_wh", kilo},
    {0x004A, "export_wh", kilo},
    {0x004C, "import_reactive_varh", kilo},
    {0x004E, "export_reactive_varh", kilo},
    {0x0050, "apparent_energy_vah", kilo},
    {0x0052, "charge_ah"},
    {0x0054, "power_demand_w"},
    {0x0056, "max_power_demand_w"},
    {0x0064, "apparent_demand_va"},
    {0x0066, "max_apparent_demand_va"},
    {0x0068, "neutral_demand_a"},
    {0x006A, "max_neutral_demand_a"},
    {0x00C8, "l1_l2_voltage_v"},
    {0x00CA, "l2_l3_voltage_v"},
    {0x00CC, "l3_l1_voltage_v"},
    {0x00CE, "mean_line_voltage_v"},
    {0x00E0, "neutral_current_a"},
    {0x00EA, "l1_voltage_thd_pct"},
    {0x00EC, "l2_voltage_thd_pct"},
    {0x00EE, "l3_voltage_thd_pct"},
    {0x00F0, "l1_current_thd_pct"},
    {0x00F2, "l2_current_thd_pct"},
    {0x00F4, "l3_current_thd_pct"},
    {0x00F8, "mean_voltage_thd_pct"},
    {0x00FA, "mean_current_thd_pct"},
    {0x0102, "l1_current_demand_a"},
    {0x0104, "l2_current_demand_a"},
    {0x0106, "l3_current_demand_a"},
    {0x0108, "l1_max_current_demand_a"},
    {0x010A, "l2_max_current_demand_a"},
    {0x010C, "l3_max_current_demand_a"},
    {0x014E, "l1_l2_voltage_thd_pct"},
    {0x0150, "l2_l3_voltage_thd_pct"},
    {0x0152, "l3_l1_voltage_thd_pct"},
    {0x0154, "mean_line_voltage_thd_pct"},
    {0x0156, "total_energy_wh", kilo},
    {0x0158, "total_reactive_varh", kilo},
    {0x015A, "l1_import_wh", kilo, 1, Measure::energy_forward},
    {0x015C, "l2_import_wh", kilo, 2, Measure::energy_forward},
    {0x015E, "l3_import_wh", kilo, 3, Measure::energy_forward},
    {0x0160, "l1_export_wh", kilo, 1, Measure::energy_reverse},
    {0x0162, "l2_export_wh", kilo, 2, Measure::energy_reverse},
    {0x0164, "l3_export_wh", kilo, 3, Measure::energy_reverse},
    {0x0166, "l1_total_wh", kilo},
    {0x0168, "l2_total_wh", kilo},
    {0x016A, "l3_total_wh", kilo},
    {0x016C, "l1_import_varh", kilo},
    {0x016E, "l2_import_varh", kilo},
    {0x0170, "l3_import_varh", kilo},
    {0x0172, "l1_export_varh", kilo},
    {0x0174, "l2_export_varh", kilo},
    {0x0176, "l3_export_varh", kilo},
    {0x0178, "l1_total_varh", kilo},
    {0x017A, "l2_total_varh", kilo},
    {0x017C, "l3_total_varh", kilo},
};

// Eastron SDM120M RTU protocol V2.5, input registers; 0x0024 in the older document only. The total
// energy 0x0156 depends on a setting (0xF920): import and export are read instead
// (reference: eastron-modbus#3). The SDM230 documents the same ones and two resettable energies.
// UNVERIFIED: no capture of an SDM230 shows more than its import (reference: eastron-modbus#3.1).
constexpr Register one_phase[] = {
    {0x0000, "l1_voltage_v", 1, 1, Measure::voltage},
    {0x0006, "l1_current_a", 1, 1, Measure::current},
    {0x000C, "l1_power_w", 1, 1, Measure::power},
    {0x0012, "l1_apparent_power_va"},
    {0x0018, "l1_reactive_power_var"},
    {0x001E, "l1_power_factor"},
    {0x0024, "l1_phase_angle_deg"},
    {0x0046, "frequency_hz", 1, 0, Measure::frequency},
    {0x0048, "import_wh", kilo, 1, Measure::energy_forward},
    {0x004A, "export_wh", kilo, 1, Measure::energy_reverse},
    {0x004C, "import_reactive_varh", kilo},
    {0x004E, "export_reactive_varh", kilo},
    {0x0054, "power_demand_w"},
    {0x0056, "max_power_demand_w"},
    {0x0058, "import_demand_w"},
    {0x005A, "max_import_demand_w"},
    {0x005C, "export_demand_w"},
    {0x005E, "max_export_demand_w"},
    {0x0102, "l1_current_demand_a"},
    {0x0108, "l1_max_current_demand_a"},
    {0x0156, "total_energy_wh", kilo},
    {0x0158, "total_reactive_varh", kilo},
};

// Voltage, current and power in one response: 58 ms of wire at 9600 baud instead of 33 for the
// power alone. It costs the grid reading a sixth of its rate (the meter itself needs 1 s to show a
// step), and for it every power sample comes with the voltage that proves its word order and that
// the meter is not frozen.
constexpr Block sdm630_blocks[] = {
    {0x0000, 18, Duration::zero()},  // V, I, P of three phases
    {0x0046, 2, 2s},                 // frequency
    {0x015A, 12, 10s},               // import and export of three phases
};

// At most 10 registers at once: some meters of the family fail above (reference: eastron-modbus#1),
// so the voltage is read apart from the power. The frequency comes with the energies: it is the
// grid's, and another read would cost every fast one.
constexpr Block one_phase_blocks[] = {
    {0x000C, 2, Duration::zero()},  // P
    {0x0000, 8, 2s},                // V, I
    {0x0046, 6, 10s},               // frequency, import, export
};

// UNVERIFIED: no capture; as documented for the edition SDM72D-M-2. The first edition has totals
// alone: whatever it answers for a voltage is no line voltage, so it is refused. Energies are of
// all phases together, so none is used (reference: eastron-modbus#3.1).
constexpr Register sdm72d_m[] = {
    {0x0000, "l1_voltage_v", 1, 1, Measure::voltage},
    {0x0002, "l2_voltage_v", 1, 2, Measure::voltage},
    {0x0004, "l3_voltage_v", 1, 3, Measure::voltage},
    {0x0006, "l1_current_a", 1, 1, Measure::current},
    {0x0008, "l2_current_a", 1, 2, Measure::current},
    {0x000A, "l3_current_a", 1, 3, Measure::current},
    {0x000C, "l1_power_w", 1, 1, Measure::power},
    {0x000E, "l2_power_w", 1, 2, Measure::power},
    {0x0010, "l3_power_w", 1, 3, Measure::power},
    {0x0012, "l1_apparent_power_va"},
    {0x0014, "l2_apparent_power_va"},
    {0x0016, "l3_apparent_power_va"},
    {0x0018, "l1_reactive_power_var"},
    {0x001A, "l2_reactive_power_var"},
    {0x001C, "l3_reactive_power_var"},
    {0x001E, "l1_power_factor"},
    {0x0020, "l2_power_factor"},
    {0x0022, "l3_power_factor"},
    {0x0034, "total_power_w"},
    {0x0038, "total_apparent_power_va"},
    {0x003C, "total_reactive_power_var"},
    {0x003E, "total_power_factor"},
    {0x0046, "frequency_hz", 1, 0, Measure::frequency},
    {0x0048, "import_wh", kilo},
    {0x004A, "export_wh", kilo},
    {0x0156, "total_energy_wh", kilo},
    {0x0158, "total_reactive_varh", kilo},
    {0x0180, "resettable_energy_wh", kilo},
    {0x0184, "resettable_import_wh", kilo},
    {0x0186, "resettable_export_wh", kilo},
    {0x0500, "import_power_w"},
    {0x0502, "export_power_w"},
};
constexpr Block sdm72d_m_blocks[] = {
    {0x0000, 18, Duration::zero()},  // V, I, P of three phases
    {0x0046, 2, 2s},                 // frequency
};

// S2 prints 0x0008: misprint (reference: eastron-modbus#2 and eastron-modbus#4).
constexpr SystemType three_phase_four_wire{.block = {0x000A, 2, Duration::zero()}, .needed = 3.0};

// The most registers in one read: reference: eastron-modbus#1; meter codes: reference:
// eastron-modbus#1 and eastron-modbus#3.1.
// Fineness: of an SDM630 230.649857 V and 753.423523 W, of an SDM230 234.696228 V were seen; an
// SDM120 shows steps of 0.1 V and 0.1 W, an SDM72D-M of 1 W (docs/decisions/0026-witness.md).
constexpr EnumTable<MeterModelRow> rows{{
    {.id = MeterModel::sdm630,
     .name = "sdm630",
     .title = "Eastron SDM630",
     .phases = 3,
     .registers = sdm630,
     .blocks = sdm630_blocks,
     .system_type = three_phase_four_wire,
     .most_registers = 80,
     .meter_code = 0x0000,
     .fine = true},
    {.id = MeterModel::sdm120,
     .name = "sdm120",
     .title = "Eastron SDM120",
     .phases = 1,
     .registers = one_phase,
     .blocks = one_phase_blocks,
     .system_type = {},
     .most_registers = 80,
     .meter_code = 0x0020,
     .fine = false},
    {.id = MeterModel::sdm72d_m,
     .name = "sdm72d-m",
     .title = "Eastron SDM72D-M",
     .phases = 3,
     .registers = sdm72d_m,
     .blocks = sdm72d_m_blocks,
     .system_type = three_phase_four_wire,
     .most_registers = 60,
     .meter_code = 0x0089,
     .fine = false},
    {.id = MeterModel::sdm230,
     .name = "sdm230",
     .title = "Eastron SDM230",
     .phases = 1,
     .registers = one_phase,
     .blocks = one_phase_blocks,
     .system_type = {},
     .most_registers = 60,
     .meter_code = 0x00A8,
     .fine = true},
}};

/// As of a phase that may have no wire: that the grid's has one is for who knows which it is.
bool possible(const Register& reg, double value) {
  return !reg.measure || plausible({Point::solar, *reg.measure}).holds(value);
}

bool is_line_voltage(float value) {
  return Volts{double{value}} >= mains_present && value <= 270.0f;
}

}  // namespace

std::span<const MeterModelRow> meter_models() {
  return rows;
}

const MeterModelRow& row_of(MeterModel model) {
  return rows[model];
}

const Register* find_register(MeterModel model, std::uint16_t address) {
  const auto table = row_of(model).registers;
  const auto found = std::ranges::find(table, address, &Register::address);
  return found == table.end() ? nullptr : &*found;
}

const Register* find_register(std::uint16_t address) {
  for (const auto& row : rows)
    if (const auto* reg = find_register(row.id, address)) return reg;
  return nullptr;
}

const Register* find_register(MeterModel model, unsigned phase, Measure measure) {
  for (const auto& reg : row_of(model).registers)
    if (reg.phase == phase && reg.measure == measure) return &reg;
  return nullptr;
}

bool holds(const Block& block, const Register& reg) {
  return reg.address >= block.start && reg.address + 2 <= block.start + block.count;
}

const Block& voltage_block(MeterModel model) {
  const auto& voltage = *find_register(model, 1, Measure::voltage);
  return *std::ranges::find_if(row_of(model).blocks,
                               [&](const Block& block) { return holds(block, voltage); });
}

std::string_view system_type_name(double type) {
  if (type == 1.0) return "1P2W";
  if (type == 2.0) return "3P3W";
  if (type == 3.0) return "3P4W";
  return "?";
}

double wire_value(const Register& reg, ByteView four_bytes) {
  return double{read_f32_be(four_bytes, 0)} * reg.scale;
}

Decoded<double> decode_value(const Register& reg, ByteView four_bytes) {
  const double value = wire_value(reg, four_bytes);
  if (!std::isfinite(value) || !possible(reg, value)) {
    return fail(DecodeErrorKind::content,
                std::string(reg.name) + " cannot be " + std::to_string(value));
  }
  return reg.measure == Measure::current ? std::abs(value) : value;
}

WordOrder judge_word_order(ByteView voltage) {
  if (is_line_voltage(read_f32_be(voltage, 0))) return WordOrder::right;
  const auto swapped = std::bit_cast<float>(std::rotl(read_u32_be(voltage, 0), 16));
  return is_line_voltage(swapped) ? WordOrder::swapped : WordOrder::unproven;
}

}  // namespace esshub::protocol::modbus
