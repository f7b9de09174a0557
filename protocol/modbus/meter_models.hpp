// The Modbus meters the hub can read, one row a model: registers, how they are read, what must be
// validated. Configuration, driver, tools, simulator and documents read this table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/sample.hpp"
#include "protocol/bytes.hpp"
#include "protocol/decode_error.hpp"

namespace esshub::protocol {

/// To add a model: an enumerator here, its row in meter_models.cpp, a golden frame in its test.
enum class MeterModel : std::uint8_t { sdm630, sdm120, sdm72d_m, sdm230 };

namespace modbus {

/// One measurement: a float32 in two input registers, high word first (reference:
/// eastron-modbus#1).
struct Register {
  std::uint16_t address;
  std::string_view name;  ///< quantity and unit as the hub shows it: "l1_power_w", "l1_import_wh"
  double scale = 1.0;     ///< value in that unit = float on the wire * scale
  unsigned phase = 0;     ///< 1 to 3; 0 = the meter as a whole
  std::optional<Measure> measure{};  ///< what the hub makes of it; nothing = only tools show it
};

/// Registers read together.
struct Block {
  std::uint16_t start;
  std::uint16_t count;  ///< differs between all blocks of a model, see MeterModelRow::blocks
  Duration period;      ///< zero: as often as the wire allows
};

/// Holding register with the system type, and the one type that fills phases 2 and 3.
struct SystemType {
  Block block;
  double needed;
};

struct MeterModelRow {
  MeterModel id;
  std::string_view name;   ///< as the configuration writes it: "sdm630"
  std::string_view title;  ///< as documents write it: "Eastron SDM630"
  unsigned phases;         ///< 1 or 3
  /// Everything the model documents, by rising address. Models agree on the addresses they share.
  std::span<const Register> registers;
  /// How the hub reads it: the first block, with the power, as often as possible; the others
  /// between. No two blocks of a model have the same length: answers carry no register address, so
  /// a late response to one block could otherwise be taken for another.
  std::span<const Block> blocks;
  /// To be validated before phases 2 and 3 are used; nothing = the model has one phase.
  std::optional<SystemType> system_type;
  std::uint16_t most_registers;  ///< in one read; more are answered by an exception
  std::uint16_t meter_code;      ///< what it answers to the read of a single register
  /// Its powers and voltages are as fine as a float shows: no two of them are alike.
  bool fine;
};

/// Every model, in the order of the enumeration.
[[nodiscard]] std::span<const MeterModelRow> meter_models();
[[nodiscard]] const MeterModelRow& row_of(MeterModel model);

/// The register at this address, or nothing.
[[nodiscard]] const Register* find_register(MeterModel model, std::uint16_t address);
/// The same in any model, for who does not know the model.
[[nodiscard]] const Register* find_register(std::uint16_t address);
/// The register with this quantity of the phase, or nothing.
[[nodiscard]] const Register* find_register(MeterModel model, unsigned phase, Measure measure);

/// True if the block reads the register.
[[nodiscard]] bool holds(const Block& block, const Register& reg);
/// The block of the model that holds the line voltage: the word order is checked with it.
[[nodiscard]] const Block& voltage_block(MeterModel model);

[[nodiscard]] std::string_view system_type_name(double type);  ///< "1P2W", "3P3W", "3P4W", "?"

/// The float in these four bytes in the register's unit, whatever it is.
[[nodiscard]] double wire_value(const Register& reg, ByteView four_bytes);
/// The same as the hub uses it, currents as magnitudes; `content` when it cannot be true (not
/// finite, or outside of model/plausible.hpp; a phase without a wire may show 0 V).
[[nodiscard]] Decoded<double> decode_value(const Register& reg, ByteView four_bytes);

enum class WordOrder : std::uint8_t {
  right,
  swapped,   ///< the meter sends the low word first
  unproven,  ///< no line voltage either way
};
/// Judged by a line voltage, which must decode to 180 to 270 V.
[[nodiscard]] WordOrder judge_word_order(ByteView voltage);

}  // namespace modbus
}  // namespace esshub::protocol
