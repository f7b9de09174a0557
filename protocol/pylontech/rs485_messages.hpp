// Pylontech's RS485 messages: what may be asked of a stack and its modules, and what they answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/bms.hpp"
#include "model/sample.hpp"
#include "model/units.hpp"
#include "protocol/bytes.hpp"
#include "protocol/decode_error.hpp"
#include "protocol/pylontech/rs485_frame.hpp"

// reference: pylontech-can#9. Fields are big-endian; current + = charging on the wire as in
// here, so no sign is turned. Only reading is known here.
namespace esshub::protocol::pylontech_rs485 {

// ---- requests ----------------------------------------------------------------------------------

/// What may be asked. The commands that set limits (94) or switch a module off (95) are left out,
/// so that no code can build them.
enum class CommandCode : std::uint8_t {
  analog,             ///< 42: cells, temperatures, current, charge of a module
  alarms,             ///< 44
  parameters,         ///< 47: thresholds
  protocol_version,   ///< 4F
  maker,              ///< 51: always of the first module when modules are linked
  system_analog,      ///< 61 to 63: the whole stack in one response
  system_alarms,      ///< 62
  system_management,  ///< 63
  management,         ///< 92: limits and requests
  serial_number,      ///< 93
  firmware,           ///< 96
};

struct Rs485Request {
  CommandCode command = CommandCode::analog;
  std::uint8_t address = 2;  ///< 2 is the master, 3 the next; of group n: 16 n + 2 ...
  bool whole_stack = false;  ///< analog and alarms only: all modules in one response of the master
  friend bool operator==(const Rs485Request&, const Rs485Request&) = default;
};

/// Empty for a value that is no CommandCode.
[[nodiscard]] Bytes encode(const Rs485Request& request);

/// Errors: function (not for a battery), unsupported (a command that is not above), length (INFO is
/// not what the command takes), content (INFO names another address).
[[nodiscard]] Decoded<Rs485Request> request_of(const AsciiFrame& frame);

// ---- answers -----------------------------------------------------------------------------------

/// One module in the response to `analog`.
struct Module {
  std::vector<Volts> cells;           ///< at least one
  std::vector<Celsius> temperatures;  ///< of the BMS board, then of groups of cells
  Amperes current;                    ///< + = charging
  Volts voltage;
  std::optional<double> remaining_ah;
  std::optional<double> total_ah;
  unsigned cycles = 0;
};
/// 42. `flags`: bit 0 an alarm change, bit 4 a switch change is unread.
struct Analog {
  std::uint8_t flags = 0;
  std::vector<Module> modules;
};

enum class AlarmLevel : std::uint8_t { ok = 0x00, low = 0x01, high = 0x02, other = 0xF0 };

struct ModuleAlarms {
  std::vector<AlarmLevel> cells;
  std::vector<AlarmLevel> temperatures;  ///< as in Module
  AlarmLevel charge_current = AlarmLevel::ok;
  AlarmLevel voltage = AlarmLevel::ok;
  AlarmLevel discharge_current = AlarmLevel::ok;
  std::array<std::uint8_t, 5> status{};  ///< as sent; see protections() and below

  [[nodiscard]] bool charge_switch() const { return (status[1] & 0x02u) != 0; }
  [[nodiscard]] bool discharge_switch() const { return (status[1] & 0x04u) != 0; }
  [[nodiscard]] bool in_use() const { return (status[1] & 0x08u) != 0; }
};
/// 44.
struct AlarmInfo {
  std::uint8_t flags = 0;
  std::vector<ModuleAlarms> modules;
};
/// BmsFlag bits of status 1; a bit no document names is BmsFlag::unknown.
[[nodiscard]] std::uint32_t protections(const ModuleAlarms& module);
/// BmsFlag bits of the states that are not ok.
[[nodiscard]] std::uint32_t warnings(const ModuleAlarms& module);
/// Status 1 that states these protections; what it has no bit for is sent as its undefined bit.
[[nodiscard]] std::uint8_t protection_byte(std::uint32_t protections);

/// 47: where the BMS warns (high, low) and protects (under).
struct Parameters {
  std::uint8_t flags = 0;
  Volts cell_high, cell_low, cell_under;
  Celsius charge_high, charge_low;
  Amperes charge_current;
  Volts module_high, module_low, module_under;
  Celsius discharge_high, discharge_low;
  Amperes discharge_current;  ///< magnitude
};
/// 92, and 63 for the whole stack.
struct Management {
  Volts cvl;
  Volts dvl;
  Amperes ccl;
  Amperes dcl;                 ///< magnitude: sent negative
  std::uint32_t requests = 0;  ///< BmsRequest bits
};
/// 93: up to 16 characters.
struct SerialNumber {
  std::string text;
};
/// 4F: the response's own VER.
struct ProtocolVersion {
  std::uint8_t version = sent_version;
};
/// 51.
struct Maker {
  std::string device;  ///< up to 10 characters
  std::array<std::uint8_t, 2> version{};
  std::string maker;  ///< up to 20 characters
};
/// 96.
struct Firmware {
  Bytes version;  ///< of no published layout
};
/// A value and which cell of which module has it, both counted from 1.
template <class Q>
struct Extreme {
  Q value{};
  std::uint8_t module = 1;
  std::uint8_t cell = 1;
};
/// The temperatures of one kind of sensor.
struct Temperatures {
  Celsius mean;
  Extreme<Celsius> highest;
  Extreme<Celsius> lowest;
};
/// 61.
struct SystemAnalog {
  Volts voltage;
  Amperes current;  ///< + = charging
  unsigned soc = 0;
  unsigned mean_cycles = 0;
  unsigned most_cycles = 0;
  unsigned mean_soh = 0;
  unsigned least_soh = 0;
  Extreme<Volts> highest_cell;
  Extreme<Volts> lowest_cell;
  Temperatures cells, switches, boards;
};
/// 62: bytes of no published meaning.
struct SystemAlarms {
  std::array<std::uint8_t, 2> warnings{};
  std::array<std::uint8_t, 2> protections{};
};

using Response = std::variant<Analog, AlarmInfo, Parameters, Management, SerialNumber,
                              ProtocolVersion, Maker, Firmware, SystemAnalog, SystemAlarms>;

/// A whole answer to `request`. Errors in the order length, checksum, address, function, exception
/// (refused), then length and content of its fields (also when impossible: a cell outside 0.5 to
/// 5 V, a temperature outside -40 to 100 degC, more than 200 A a module, SOC over 100 %);
/// unsupported for an unknown return code.
[[nodiscard]] Decoded<Response> decode_response(ByteView frame, const Rs485Request& request);

/// The response a device gives; values are rounded to the wire's step and clamped to its range.
/// Empty if the response is not of the request's kind.
[[nodiscard]] Bytes encode_response(const Rs485Request& request, const Response& response);
[[nodiscard]] Bytes encode_return_code(std::uint8_t address, ReturnCode code);

// ---- values ------------------------------------------------------------------------------------

/// Lowest and highest of cells.
struct CellRange {
  Volts lowest, highest;
  Celsius coldest, warmest;
};
/// Board temperatures do not count, unless there is no other.
[[nodiscard]] CellRange cell_range(const Module& module);
/// Of both together.
[[nodiscard]] CellRange joined(const CellRange& a, const CellRange& b);

/// The four cell measures of a point.
[[nodiscard]] std::vector<Sample> samples(const CellRange& range, Point point, Instant at);
/// Voltage, current, mean cell temperature and the four cell measures of a module.
[[nodiscard]] std::vector<Sample> samples(const Module& module, Point point, Instant at);

}  // namespace esshub::protocol::pylontech_rs485
