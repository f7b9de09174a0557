// The Pylontech low-voltage CAN messages, both profiles and their common extensions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/bms.hpp"
#include "model/sample.hpp"
#include "model/units.hpp"
#include "protocol/decode_error.hpp"
#include "protocol/pylontech/can_frame.hpp"

// reference: pylontech-can#2 to pylontech-can#4. Everything is little-endian; current + = charging
// on the wire as in here, so no sign is turned.
namespace esshub::protocol::pylontech {

constexpr unsigned bit_rate = 500'000;  ///< reference: pylontech-can#1

namespace id {
constexpr std::uint32_t keep_alive = 0x305;
constexpr std::uint32_t controller_306 = 0x306;
constexpr std::uint32_t controller_identity = 0x307;
constexpr std::uint32_t limits = 0x351;
constexpr std::uint32_t state = 0x355;
constexpr std::uint32_t measurement = 0x356;
constexpr std::uint32_t alarms = 0x359;
constexpr std::uint32_t alarm_pairs = 0x35A;
constexpr std::uint32_t events = 0x35B;
constexpr std::uint32_t requests = 0x35C;
constexpr std::uint32_t maker = 0x35E;
constexpr std::uint32_t product = 0x35F;
constexpr std::uint32_t charge_request = 0x360;
constexpr std::uint32_t name_1 = 0x370;
constexpr std::uint32_t name_2 = 0x371;
constexpr std::uint32_t module_states = 0x372;
constexpr std::uint32_t cells = 0x373;
constexpr std::uint32_t lowest_voltage_cell = 0x374;
constexpr std::uint32_t highest_voltage_cell = 0x375;
constexpr std::uint32_t lowest_temperature_cell = 0x376;
constexpr std::uint32_t highest_temperature_cell = 0x377;
constexpr std::uint32_t energy = 0x378;
constexpr std::uint32_t size = 0x379;
constexpr std::uint32_t serial_1 = 0x380;
constexpr std::uint32_t serial_2 = 0x381;
constexpr std::uint32_t product_text = 0x382;
}  // namespace id

/// 0x305 to 0x307: an inverter or controller speaks, not the battery.
struct Controller {
  std::uint32_t id = id::keep_alive;
};
/// 0x351, for the whole stack.
struct Limits {
  Volts cvl;
  Amperes ccl;               ///< as sent; 0 or less = no charging
  Amperes dcl;               ///< magnitude: some stacks send it negative
  std::optional<Volts> dvl;  ///< absent in 6-byte frames, which is normal, and when sent as 0
};
/// 0x355, percent as sent, not checked.
struct StateOfCharge {
  unsigned soc = 0;
  unsigned soh = 0;
};
/// 0x356.
struct Measurement {
  Volts voltage;    ///< of one module, or the mean of all
  Amperes current;  ///< of the whole stack, + = charging
  std::optional<Celsius> temperature;
};
/// 0x359 and 0x35A: BmsFlag bits. A bit that no document names is BmsFlag::unknown.
struct Alarms {
  std::uint32_t protections = 0;
  std::uint32_t warnings = 0;
  std::optional<unsigned> modules;  ///< only 0x359 has it; nothing if the stack sends 0
  bool pairs = false;               ///< 0x35A (profile 1.3), else 0x359
};
/// 0x35C: BmsRequest bits.
struct Requests {
  std::uint32_t bits = 0;
};
/// 0x35E, trimmed. Not a reliable identity: clones send PYLON too.
struct Maker {
  std::string text;
};
/// 0x35F.
struct Product {
  unsigned code = 0;
  std::array<unsigned, 2> firmware{};
  unsigned available_ah = 0;
};
/// 0x360 (Pytes).
struct ChargeRequest {
  bool wanted = false;
};
/// 0x372.
struct ModuleStates {
  unsigned online = 0;
  unsigned blocking_charge = 0;
  unsigned blocking_discharge = 0;
  unsigned offline = 0;
};
/// 0x373.
struct Cells {
  Volts lowest;
  Volts highest;
  Celsius coldest;
  Celsius warmest;
};
/// 0x378, since it was made.
struct Energy {
  WattHours charged;
  WattHours discharged;
};
/// 0x379.
struct Size {
  unsigned installed_ah = 0;
};
/// 0x370, 0x371, 0x374 to 0x377, 0x380 to 0x382: text, its unprintable characters shown as '.'.
struct Text {
  std::uint32_t id = 0;
  std::string text;
};
/// 0x35B: bytes of no published meaning.
struct Opaque {
  std::uint32_t id = 0;
};

using Message =
    std::variant<Controller, Limits, StateOfCharge, Measurement, Alarms, Requests, Maker, Product,
                 ChargeRequest, ModuleStates, Cells, Energy, Size, Text, Opaque>;

/// A message as the wire states it, plausible or not. Longer frames than documented are accepted
/// (clones pad to 8). Errors: length (too short for what makes the message), unsupported (29-bit,
/// remote and error frames, unknown identifiers).
[[nodiscard]] Decoded<Message> decode(const CanFrame& frame);

/// The message is usable, but a documented field did not fit and is absent (0x351 of 6 bytes, which
/// has no DVL, is complete).
[[nodiscard]] bool truncated(const CanFrame& frame);

/// In series in a US2000 (reference: pylontech-can#1). Others that speak its language have 16.
inline constexpr unsigned usual_cells = 15;
inline constexpr unsigned fewest_cells = 15;
inline constexpr unsigned most_cells = 16;

/// A field that cannot be true of the stack (reference: pylontech-can#6 rule 4).
struct Impossible {
  std::string text;       ///< "state of charge of 130.00, accepted 0 to 105 %"
  bool required = false;  ///< the battery cannot be used without it: SOC, voltage, CVL, CCL, DCL
};
/// What of a message may be used, and what may not.
struct BatteryWords {
  std::vector<Sample> samples;  ///< at Point::battery; none of messages that control does not use
  std::vector<Impossible> impossible;
};
/// Each field by itself: a stop beside a value that cannot be is still a stop. `modules`: how many
/// there are, if known, bounds the currents; `cells`: how many in series, the CVL. A SOC of 101 to
/// 105 % counts as 100 %; a CVL or CCL of 0 is no error but forbids charging.
[[nodiscard]] BatteryWords samples(const Message& message, std::optional<unsigned> modules,
                                   Instant at, unsigned cells = usual_cells);

// Encoders: what a controller and a stack send. Values are rounded to the wire's step and clamped
// to its range.
[[nodiscard]] CanFrame keep_alive();
[[nodiscard]] CanFrame encode(const Limits& limits);
[[nodiscard]] CanFrame encode(const StateOfCharge& state);
[[nodiscard]] CanFrame encode(const Measurement& measurement);
/// 0x359, or 0x35A if `pairs`. Flags that the profile has no bit for are sent as one undocumented
/// bit: nothing that protects gets lost.
[[nodiscard]] CanFrame encode(const Alarms& alarms);
[[nodiscard]] CanFrame encode(const Requests& requests);
[[nodiscard]] CanFrame encode(const Maker& maker);
[[nodiscard]] CanFrame encode(const Product& product);

/// BmsRequest bits of the request byte, and back. RS485 uses the same byte.
[[nodiscard]] std::uint32_t requests_of(std::uint8_t byte);
[[nodiscard]] std::uint8_t request_byte(std::uint32_t requests);

/// With commas between.
[[nodiscard]] std::string joined(const std::vector<std::string_view>& words);

}  // namespace esshub::protocol::pylontech
