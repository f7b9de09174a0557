// Eastron meters: the register tables of SDM630 and SDM120, how they are read, what can be true.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/result.hpp"
#include "model/sample.hpp"
#include "protocol/bytes.hpp"

namespace esshub::protocol {

enum class MeterModel : std::uint8_t { sdm630, sdm120 };

namespace eastron {

/// One measurement: a float32 in two input registers, high word first (reference:
/// eastron-modbus#1).
struct Register {
  std::uint16_t address;
  std::string_view name;  ///< quantity and unit as the hub shows it: "l1_power_w", "l1_import_wh"
  double scale = 1.0;     ///< value in that unit = float on the wire * scale
  unsigned phase = 0;     ///< 1 to 3; 0 = the meter as a whole
  std::optional<Measure> measure{};  ///< what the hub makes of it; nothing = only tools show it
};

/// Everything the model documents, by rising address.
[[nodiscard]] std::span<const Register> registers(MeterModel model);
/// The register at this address, or nothing.
[[nodiscard]] const Register* find_register(MeterModel model, std::uint16_t address);

/// Registers read together.
struct Block {
  std::uint16_t start;
  std::uint16_t count;  ///< differs between all blocks of a model, see blocks()
  Duration period;      ///< zero: as often as the wire allows
};

/// How the hub reads a model: the first block, with the power, as often as possible; the others
/// between. No two blocks of a model have the same length: answers carry no register address, so a
/// late answer to one block could otherwise be taken for another.
[[nodiscard]] std::span<const Block> blocks(MeterModel model);
/// The block of the model that holds the line voltage: the word order is checked with it.
[[nodiscard]] const Block& voltage_block(MeterModel model);

/// Holding register with the system type, and the one type that fills phases 2 and 3
/// (reference: eastron-modbus#2 and eastron-modbus#4; S2 prints 0x0008: misprint).
constexpr Block system_type_block{0x000A, 2, Duration::zero()};
constexpr double system_type_3p4w = 3.0;
[[nodiscard]] std::string_view system_type_name(double type);  ///< "1P2W", "3P3W", "3P4W", "?"

/// The float in these four bytes in the register's unit, whatever it is.
[[nodiscard]] double wire_value(const Register& reg, ByteView four_bytes);
/// The same as the hub uses it, currents as magnitudes; `content` when it cannot be true (not
/// finite, or outside what a house can show: 30 kW a phase, 80 to 300 V or 0 on an unwired phase,
/// 120 A, 40 to 70 Hz, negative energy).
[[nodiscard]] Result<double> decode_value(const Register& reg, ByteView four_bytes);

enum class WordOrder : std::uint8_t {
  right,
  swapped,   ///< the meter sends the low word first
  unproven,  ///< no line voltage either way
};
/// Judged by a line voltage, which must decode to 180 to 270 V.
[[nodiscard]] WordOrder judge_word_order(ByteView voltage);

}  // namespace eastron
}  // namespace esshub::protocol
