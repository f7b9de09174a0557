// VE.Bus commands and replies inside MK2/MK3 frames; the one place that knows the wire's signs.
//
// Each message is decoded without knowing its direction: a request and its reply differ in length
// or code. The source of each wire fact is named beside it.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/units.hpp"
#include "model/vebus.hpp"
#include "protocol/decode_error.hpp"
#include "protocol/vebus/mk3_frame.hpp"

namespace esshub::protocol::vebus {

// ---- signs (reference: vebus-mk3#7.3) ----------------------------------------------------------

/// The setpoint word, RAM 15 and RAM 18 count power leaving AC-in as positive; inside the hub power
/// drawn from the mains is positive. The only sign change there is; it is its own inverse.
[[nodiscard]] constexpr Watts mirror(Watts power) {
  return Watts{} - power;
}
/// Our setpoint (+ = drawn from mains) as the word for the wire, rounded to whole watts. Nothing
/// for a value that is not a number or does not fit.
[[nodiscard]] std::optional<std::int16_t> setpoint_word(Watts drawn_from_mains);
[[nodiscard]] Watts setpoint_watts(std::int16_t word);

// ---- RAM variables (reference: vebus-mk3#5) ----------------------------------------------------

namespace ram {
constexpr std::uint8_t mains_voltage = 0;
constexpr std::uint8_t mains_current = 1;
constexpr std::uint8_t inverter_voltage = 2;
constexpr std::uint8_t inverter_current = 3;
constexpr std::uint8_t battery_voltage = 4;
constexpr std::uint8_t battery_current = 5;  ///< + = charging
constexpr std::uint8_t inverter_period = 7;
constexpr std::uint8_t mains_period = 8;
constexpr std::uint8_t battery_power = 14;  ///< at the AC side, + = charging
constexpr std::uint8_t mains_power = 15;    ///< + = leaving AC-in: mirror() it
constexpr std::uint8_t output_power = 16;   ///< + = to the loads on AC-out
constexpr std::uint8_t assistants = 128;    ///< first header of the assistants' records
}  // namespace ram

/// How raw words of one RAM variable become numbers.
struct Scale {
  double factor = 1.0;
  int offset = 0;
  bool is_signed = false;
  std::optional<unsigned> bit{};  ///< a bit variable: the value is this bit, 0 or 1
  /// In V, A, W, or units of 0.1 s for periods.
  [[nodiscard]] double value(std::uint16_t raw) const;
  friend bool operator==(const Scale&, const Scale&) = default;
};

/// Reply to a RAM info request, as on the wire.
struct RamInfo {
  std::int16_t scale = 0;
  std::int16_t offset = 0;
  friend bool operator==(RamInfo, RamInfo) = default;
};
/// Nothing when the variable is not supported.
[[nodiscard]] std::optional<Scale> scale_of(RamInfo info);
/// What a MultiPlus-II answers for ids 0 to 19; for tools and the simulator, never for control.
[[nodiscard]] std::optional<RamInfo> usual_info(std::uint8_t id);
/// Nothing when there is no signal (raw 0x00 and 0xFF, reference: vebus-mk3#3.4).
[[nodiscard]] std::optional<Hertz> frequency(const Scale& period, std::uint8_t raw);

// ---- interface messages (reference: vebus-mk3#3) -----------------------------------------------

/// 'V', to the interface.
struct VersionRequest {
  friend bool operator==(VersionRequest, VersionRequest) = default;
};
/// 'V', asked for or broadcast.
struct Version {
  std::uint32_t version = 0;
  std::uint8_t mode = 0;  ///< the selected address; 'B' or 'W' before any address command
  [[nodiscard]] std::optional<std::uint8_t> address() const;
  friend bool operator==(Version, Version) = default;
};
/// 'A', request and echo.
struct Address {
  bool select = true;  ///< false: only ask
  std::uint8_t address = 0;
  friend bool operator==(Address, Address) = default;
};
/// 'L', to the interface.
struct LedRequest {
  friend bool operator==(LedRequest, LedRequest) = default;
};
/// 'L', reply.
struct Leds {
  std::uint8_t on = 0;
  std::uint8_t blink = 0;
  std::optional<std::uint8_t> alarms{};     ///< absent in the shortest form
  std::optional<std::uint8_t> condition{};  ///< bits 0-4 error code, bit 7 interface blocked
  Bytes tail{};                             ///< two further bytes of unknown meaning
  /// False when both LED bytes say that there is no information.
  [[nodiscard]] bool known() const { return on != 0x1F || blink != 0x1F; }
  [[nodiscard]] std::optional<std::uint8_t> error() const;
  friend bool operator==(const Leds&, const Leds&) = default;
};
/// 'F' 0 to 5: ask for an info frame.
struct InfoRequest {
  static constexpr std::uint8_t dc = 0;
  static constexpr std::uint8_t ac_l1 = 1;  ///< L2 to L4 follow
  static constexpr std::uint8_t config = 5;
  std::uint8_t what = dc;
  friend bool operator==(InfoRequest, InfoRequest) = default;
};
/// 'F' 6: freeze up to six RAM values. There is no reply; a snapshot read fetches them.
struct SnapshotRequest {
  std::vector<std::uint8_t> ids;
  friend bool operator==(const SnapshotRequest&, const SnapshotRequest&) = default;
};

enum class SwitchState : std::uint8_t { charger_only = 1, inverter_only = 2, on = 3, off = 4 };
[[nodiscard]] std::string_view name(SwitchState state);

/// 'S' in its second variant: switch, AC-in current limit and the interface's own settings.
struct StateSet {
  static constexpr std::uint16_t keep_limit = 0x8000;  ///< and above: leave the limit alone
  // flags
  static constexpr std::uint8_t auto_resend = 0x01;  ///< never: it goes on when the host is dead
  static constexpr std::uint8_t append_leds = 0x02;
  static constexpr std::uint8_t settings_only = 0x10;  ///< does not send the switch to the bus
  static constexpr std::uint8_t new_format = 0x80;
  // ext0
  static constexpr std::uint8_t long_replies = 0x00;
  static constexpr std::uint8_t compat_replies = 0x01;

  std::uint8_t switch_state = static_cast<std::uint8_t>(SwitchState::on);
  std::uint16_t limit = keep_limit;  ///< 0.1 A
  std::uint8_t flags = new_format;
  std::optional<std::uint8_t> ext0{};
  std::optional<std::uint8_t> eeprom{};  ///< only together with ext0
  friend bool operator==(StateSet, StateSet) = default;
};
/// 'S', reply.
struct StateAck {
  friend bool operator==(StateAck, StateAck) = default;
};
/// 'H' (MK3 only): the interface's hardware flags; without a value it asks. Lost with its power.
struct HardwareFlags {
  static constexpr std::uint8_t panel_detect = 0x01;
  static constexpr std::uint8_t standby = 0x02;  ///< keeps a switched-off unit, and the MK3, awake
  static constexpr std::uint8_t unknown_default = 0x04;  ///< set by default
  std::optional<std::uint8_t> flags{};
  friend bool operator==(HardwareFlags, HardwareFlags) = default;
};
/// 'R': all settings of the interface back to default.
struct Reset {
  friend bool operator==(Reset, Reset) = default;
};
/// 'N': the interface changes to 115200 baud. Never sent by the hub, only recognised.
struct HighSpeed {
  friend bool operator==(HighSpeed, HighSpeed) = default;
};

// ---- info frames (reference: vebus-mk3#3.4), raw as on the wire --------------------------------

/// Type 0x20 with phase code 0x0C.
struct DcInfo {
  std::array<std::uint8_t, 4> undefined{};  ///< garbage on real units
  std::uint16_t voltage = 0;                ///< scale of RAM 4
  std::uint32_t inverter_current = 0;       ///< 24 bit, scale of RAM 5, taken from the battery
  std::uint32_t charger_current = 0;        ///< 24 bit, scale of RAM 5, given to the battery
  std::uint8_t period = 0;                  ///< scale of RAM 7
  /// + = charging.
  [[nodiscard]] Amperes battery_current(const Scale& ram5) const;
  friend bool operator==(const DcInfo&, const DcInfo&) = default;
};
/// Type 0x20 of one phase.
struct AcInfo {
  std::uint8_t mains_factor = 1;     ///< multiplies the mains current: units in parallel
  std::uint8_t inverter_factor = 1;  ///< multiplies the inverter current
  std::uint8_t undefined = 0;
  std::uint8_t state = 0;
  std::uint8_t phase_code = 0x08;
  std::uint16_t mains_voltage = 0;   ///< scale of RAM 0
  std::int16_t mains_current = 0;    ///< scale of RAM 1, + = drawn from mains
  std::uint16_t output_voltage = 0;  ///< scale of RAM 2
  std::int16_t output_current = 0;   ///< scale of RAM 3, to AC-out
  std::uint8_t period = 0;           ///< scale of RAM 8
  /// 1 to 4.
  [[nodiscard]] unsigned phase() const;
  /// Number of phases; told by the frame of L1 alone.
  [[nodiscard]] std::optional<unsigned> phases() const;
  [[nodiscard]] std::optional<VebusState> main_state() const;
  friend bool operator==(AcInfo, AcInfo) = default;
};
/// Type 0x41: AC input and switch register.
struct ConfigInfo {
  std::uint8_t undefined = 0x10;
  std::uint8_t leds_on = 0;
  std::uint8_t leds_blink = 0;
  std::uint8_t status = 0;
  std::uint8_t input = 0;       ///< bits 0-1 active input, 4-6 number of inputs, 7 panel detected
  std::uint16_t limit_min = 0;  ///< 0.1 A
  std::uint16_t limit_max = 0;  ///< 0.1 A
  std::uint16_t limit = 0;      ///< 0.1 A
  std::optional<std::uint8_t> switch_register{};  ///< absent in the short form

  // input
  static constexpr std::uint8_t digital_multi_control = 0x08;  ///< that panel alone decides
  // switch_register
  static constexpr std::uint8_t remote_charge = 0x01;
  static constexpr std::uint8_t remote_invert = 0x02;
  static constexpr std::uint8_t front_up = 0x04;  ///< position I, on
  static constexpr std::uint8_t front_down = 0x08;
  static constexpr std::uint8_t charge = 0x10;          ///< resulting
  static constexpr std::uint8_t invert = 0x20;          ///< resulting
  static constexpr std::uint8_t remote_contact = 0x40;  ///< on-board remote input
  /// True when nothing but an 'S' command keeps it off: the front switch and the on-board remote
  /// input say on. False where the register is absent.
  /// UNVERIFIED: that 'S' off clears both remote bits; deduced from their names.
  [[nodiscard]] bool off_by_remote() const;
  friend bool operator==(ConfigInfo, ConfigInfo) = default;
};
/// A forwarded frame that is not for us: another panel, bus housekeeping.
struct Forwarded {
  std::uint8_t type = 0;
  Bytes payload;
  friend bool operator==(const Forwarded&, const Forwarded&) = default;
};

// ---- Winmon (reference: vebus-mk3#4) -----------------------------------------------------------

/// The letter pairs a reply with its request. W replies may be truncated: the hub uses X, Y, Z.
enum class Letter : std::uint8_t { w = 'W', x = 'X', y = 'Y', z = 'Z' };

/// Requests are below 0x80, replies above.
enum class Code : std::uint8_t {
  firmware_low = 0x05,
  firmware_high = 0x06,
  device_state = 0x0E,
  read_ram = 0x30,
  read_setting = 0x31,
  select_ram = 0x32,      ///< compat dialect only, then write_data
  select_setting = 0x33,  ///< compat dialect only, then write_data
  write_data = 0x34,
  setting_info = 0x35,
  ram_info = 0x36,
  write_by_id = 0x37,
  read_snapshot = 0x38,
  unknown_command = 0x80,
  firmware_low_is = 0x82,
  firmware_high_is = 0x83,
  ram_is = 0x85,
  setting_is = 0x86,
  ram_written = 0x87,
  setting_written = 0x88,
  setting_info_is = 0x89,  ///< compat: 8A to 8D introduce the further words
  ram_info_is = 0x8E,
  ram_offset_is = 0x8F,  ///< compat: introduces the second word
  ram_unsupported = 0x90,
  setting_unsupported = 0x91,
  device_state_is = 0x94,
  snapshot_is = 0x99,
  access_denied = 0x9B,
};

struct Winmon {
  Letter letter = Letter::x;
  Code code = Code::unknown_command;
  Bytes data{};
  [[nodiscard]] bool is_reply() const { return static_cast<unsigned>(code) >= 0x80; }
  friend bool operator==(const Winmon&, const Winmon&) = default;
};

// Requests.
[[nodiscard]] Winmon firmware_low(Letter letter);
[[nodiscard]] Winmon firmware_high(Letter letter);
[[nodiscard]] Winmon device_state(Letter letter);
/// Up to six ids. Old firmware takes the second byte for the high half of the first id, so give
/// 0 as the second one when a single value is wanted.
[[nodiscard]] Winmon read_ram(Letter letter, std::initializer_list<std::uint8_t> ids);
[[nodiscard]] Winmon read_setting(Letter letter, std::uint16_t id);
[[nodiscard]] Winmon setting_info(Letter letter, std::uint16_t id);
[[nodiscard]] Winmon ram_info(Letter letter, std::uint8_t id);
/// Never touches the EEPROM (flags 0x02).
/// UNVERIFIED: a word with the high byte 0xFF is sent unpadded, as two working implementations do;
/// one old encoder appends a zero (reference: vebus-mk3#2 rule 3).
[[nodiscard]] Winmon write_ram(Letter letter, std::uint8_t id, std::int16_t word);
[[nodiscard]] Winmon read_snapshot(Letter letter);

// Replies, both dialects by their actual length; data longer than needed is padding. Errors:
// exception (a refusal), function (another reply), length.

/// Words of a RAM read, a setting read or a snapshot.
[[nodiscard]] Decoded<std::vector<std::uint16_t>> words(const Winmon& reply);
/// The compat dialect may split the response: `length` means append the next frame's code and data.
[[nodiscard]] Decoded<RamInfo> decode_ram_info(const Winmon& reply);

struct SettingInfo {
  std::int16_t scale = 0;  ///< negative: divide by it
  std::int16_t offset = 0;
  std::uint16_t usual = 0;
  std::uint16_t min = 0;
  std::uint16_t max = 0;
  std::optional<std::uint8_t> access{};  ///< long dialect only
  friend bool operator==(SettingInfo, SettingInfo) = default;
};
/// Unsupported settings are an error of kind exception. Split answers as for decode_ram_info.
[[nodiscard]] Decoded<SettingInfo> decode_setting_info(const Winmon& reply);

struct DeviceState {
  std::uint8_t state = 0;      ///< VebusState
  std::uint8_t sub_state = 0;  ///< while charging, VebusChargeState
};
[[nodiscard]] Decoded<DeviceState> decode_device_state(const Winmon& reply);

/// One word (both halves must be asked for) or the whole number.
struct FirmwarePart {
  std::uint32_t value = 0;
  bool whole = false;
};
[[nodiscard]] Decoded<FirmwarePart> decode_firmware(const Winmon& reply);

/// True for 87 and 88; a refusal is an error of kind exception.
[[nodiscard]] Decoded<bool> decode_written(const Winmon& reply);

/// Header word of an assistant's record (reference: vebus-mk3#7.1).
struct RecordHeader {
  static constexpr unsigned ess = 5;
  unsigned assistant = 0;
  unsigned size = 0;  ///< words that follow
};
[[nodiscard]] constexpr RecordHeader record_header(std::uint16_t word) {
  return {static_cast<unsigned>(word) >> 4, word & 15u};
}

// ---- frames <-> messages ------------------------------------------------------------------------

using Message = std::variant<VersionRequest, Version, Address, LedRequest, Leds, InfoRequest,
                             SnapshotRequest, StateSet, StateAck, HardwareFlags, Reset, HighSpeed,
                             DcInfo, AcInfo, ConfigInfo, Forwarded, Winmon>;

/// Errors: unsupported (a letter or variant we do not know), length, content.
[[nodiscard]] Decoded<Message> decode(const mk3::Frame& frame);
[[nodiscard]] mk3::Frame frame(const Message& message);
[[nodiscard]] inline Bytes encode(const Message& message) {
  return mk3::encode(frame(message));
}

// ---- words for people (reference: vebus-mk3#3.3, vebus-mk3#8) ----------------------------------

/// "mains, bulk"; the LEDs of one byte.
[[nodiscard]] std::string led_names(std::uint8_t bits);
/// "low_battery_warning, overload"; empty when none.
[[nodiscard]] std::string alarm_names(std::uint8_t bits);
/// VE.Bus error codes.
[[nodiscard]] std::string_view error_text(std::uint8_t code);

}  // namespace esshub::protocol::vebus
