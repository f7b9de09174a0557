#include "protocol/vebus/messages.hpp"

#include <cmath>
#include <span>
#include <utility>

namespace esshub::protocol::vebus {
namespace {

using mk3::Frame;

constexpr unsigned letter_version = 'V';
constexpr unsigned letter_address = 'A';
constexpr unsigned letter_leds = 'L';
constexpr unsigned letter_info = 'F';
constexpr unsigned letter_state = 'S';
constexpr unsigned letter_flags = 'H';
constexpr unsigned letter_reset = 'R';
constexpr unsigned letter_high_speed = 'N';

constexpr std::uint8_t snapshot_info = 6;
constexpr std::uint8_t dc_phase_code = 0x0C;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce it by itself

Bytes bytes_of(std::initializer_list<unsigned> values) {
  Bytes out;
  out.reserve(values.size());
  for (const unsigned value : values) put_u8(out, value);
  return out;
}

Frame interface_frame(std::initializer_list<unsigned> values) {
  return {mk3::type_interface, bytes_of(values), {}};
}

tl::unexpected<DecodeError> wrong_length(std::string_view what, std::size_t size) {
  return fail(DecodeErrorKind::length,
              std::string{what} + " with " + std::to_string(size) + " bytes");
}

// ---- decoding -----------------------------------------------------------------------------------

Decoded<Message> decode_version(ByteView args) {
  if (args.empty()) return VersionRequest{};
  if (args.size() < 5) return wrong_length("version", args.size());
  return Version{read_u32_le(args, 0), read_u8(args, 4)};
}

Decoded<Message> decode_address(ByteView args) {
  if (args.size() < 2) return wrong_length("address", args.size());
  return Address{read_u8(args, 0) != 0, read_u8(args, 1)};
}

Decoded<Message> decode_leds(ByteView args) {
  if (args.empty()) return LedRequest{};
  if (args.size() < 2) return wrong_length("LED frame", args.size());
  Leds leds{read_u8(args, 0), read_u8(args, 1), {}, {}, {}};
  if (args.size() > 2) leds.alarms = read_u8(args, 2);
  if (args.size() > 3) leds.condition = read_u8(args, 3);
  if (args.size() > 4) leds.tail.assign(args.begin() + 4, args.end());
  return leds;
}

Decoded<Message> decode_info_request(ByteView args) {
  if (args.empty()) return wrong_length("info request", args.size());
  const std::uint8_t what = read_u8(args, 0);
  if (what < snapshot_info && args.size() == 1) return InfoRequest{what};
  if (what == snapshot_info && args.size() >= 2 && args.size() <= 7) {
    SnapshotRequest request;
    for (const std::byte id : args.subspan(1)) request.ids.push_back(u8(id));
    return request;
  }
  return fail(DecodeErrorKind::unsupported, "info request " + std::to_string(what));
}

Decoded<Message> decode_state(ByteView args) {
  // The reply is bare, or longer without meaning; a request has the constant 1 before its flags.
  if (args.size() < 5) return StateAck{};
  StateSet set;
  set.switch_state = read_u8(args, 0);
  set.limit = read_u16_le(args, 1);
  set.flags = read_u8(args, 4);
  if (read_u8(args, 3) != 1 || (set.flags & StateSet::new_format) == 0)
    return fail(DecodeErrorKind::unsupported, "state frame of the first variant");
  if (args.size() > 6) set.ext0 = read_u8(args, 6);
  if (args.size() > 7) set.eeprom = read_u8(args, 7);
  return set;
}

Decoded<Message> decode_hardware_flags(ByteView args) {
  if (args.empty()) return HardwareFlags{};
  return HardwareFlags{read_u8(args, 0)};
}

Decoded<Message> decode_winmon(Letter letter, ByteView args) {
  if (args.empty()) return wrong_length("Winmon frame", args.size());
  return Winmon{letter, static_cast<Code>(read_u8(args, 0)), Bytes(args.begin() + 1, args.end())};
}

Decoded<Message> decode_interface(ByteView payload) {
  if (payload.empty()) return wrong_length("interface frame", 0);
  const unsigned letter = read_u8(payload, 0);
  const ByteView args = payload.subspan(1);
  if (letter >= 'W' && letter <= 'Z') return decode_winmon(static_cast<Letter>(letter), args);
  if (letter == letter_version) return decode_version(args);
  if (letter == letter_address) return decode_address(args);
  if (letter == letter_leds) return decode_leds(args);
  if (letter == letter_info) return decode_info_request(args);
  if (letter == letter_state) return decode_state(args);
  if (letter == letter_flags) return decode_hardware_flags(args);
  if (letter == letter_reset && args.empty()) return Reset{};
  if (letter == letter_high_speed && args.empty()) return HighSpeed{};
  return fail(DecodeErrorKind::unsupported, "interface command " + to_hex(payload.first(1)));
}

Decoded<Message> decode_info(ByteView p) {
  if (p.size() < 14) return wrong_length("info frame", p.size());
  const std::uint8_t phase_code = read_u8(p, 4);
  if (phase_code == dc_phase_code) {
    DcInfo info;
    for (std::size_t i = 0; i < info.undefined.size(); ++i) info.undefined[i] = read_u8(p, i);
    info.voltage = read_u16_le(p, 5);
    info.inverter_current = read_u24_le(p, 7);
    info.charger_current = read_u24_le(p, 10);
    info.period = read_u8(p, 13);
    return info;
  }
  if (phase_code < 0x05 || phase_code > 0x0B)
    return fail(DecodeErrorKind::content,
                "info frame with phase code " + std::to_string(phase_code));
  AcInfo info;
  info.mains_factor = read_u8(p, 0);
  info.inverter_factor = read_u8(p, 1);
  info.undefined = read_u8(p, 2);
  info.state = read_u8(p, 3);
  info.phase_code = phase_code;
  info.mains_voltage = read_u16_le(p, 5);
  info.mains_current = read_s16_le(p, 7);
  info.output_voltage = read_u16_le(p, 9);
  info.output_current = read_s16_le(p, 11);
  info.period = read_u8(p, 13);
  return info;
}

Decoded<Message> decode_config(ByteView p) {
  if (p.size() < 11) return wrong_length("configuration frame", p.size());
  ConfigInfo info;
  info.undefined = read_u8(p, 0);
  info.leds_on = read_u8(p, 1);
  info.leds_blink = read_u8(p, 2);
  info.status = read_u8(p, 3);
  info.input = read_u8(p, 4);
  info.limit_min = read_u16_le(p, 5);
  info.limit_max = read_u16_le(p, 7);
  info.limit = read_u16_le(p, 9);
  if (p.size() > 11) info.switch_register = read_u8(p, 11);
  return info;
}

// ---- encoding -----------------------------------------------------------------------------------

Frame encode_leds(const Leds& leds) {
  Frame out = interface_frame({letter_leds, leds.on, leds.blink});
  if (leds.alarms) put_u8(out.payload, *leds.alarms);
  if (leds.alarms && leds.condition) put_u8(out.payload, *leds.condition);
  out.payload.insert(out.payload.end(), leds.tail.begin(), leds.tail.end());
  return out;
}

Frame encode_state(const StateSet& set) {
  Frame out = interface_frame({letter_state, set.switch_state});
  put_u16_le(out.payload, set.limit);
  put_u8(out.payload, 1);
  put_u8(out.payload, set.flags);
  if (set.ext0) {
    put_u8(out.payload, 0);
    put_u8(out.payload, *set.ext0);
    if (set.eeprom) put_u8(out.payload, *set.eeprom);
  }
  return out;
}

Frame encode_dc(const DcInfo& info) {
  Frame out{mk3::type_info, {}, {}};
  for (const std::uint8_t b : info.undefined) put_u8(out.payload, b);
  put_u8(out.payload, dc_phase_code);
  put_u16_le(out.payload, info.voltage);
  put_u24_le(out.payload, info.inverter_current);
  put_u24_le(out.payload, info.charger_current);
  put_u8(out.payload, info.period);
  return out;
}

Frame encode_ac(const AcInfo& info) {
  Frame out{mk3::type_info,
            bytes_of({info.mains_factor, info.inverter_factor, info.undefined, info.state,
                      info.phase_code}),
            {}};
  put_u16_le(out.payload, info.mains_voltage);
  put_u16_le(out.payload, static_cast<std::uint16_t>(info.mains_current));
  put_u16_le(out.payload, info.output_voltage);
  put_u16_le(out.payload, static_cast<std::uint16_t>(info.output_current));
  put_u8(out.payload, info.period);
  return out;
}

Frame encode_config(const ConfigInfo& info) {
  Frame out{mk3::type_config,
            bytes_of({info.undefined, info.leds_on, info.leds_blink, info.status, info.input}),
            {}};
  put_u16_le(out.payload, info.limit_min);
  put_u16_le(out.payload, info.limit_max);
  put_u16_le(out.payload, info.limit);
  if (info.switch_register) put_u8(out.payload, *info.switch_register);
  return out;
}

Frame encode_winmon(const Winmon& winmon) {
  Frame out =
      interface_frame({static_cast<unsigned>(winmon.letter), static_cast<unsigned>(winmon.code)});
  out.payload.insert(out.payload.end(), winmon.data.begin(), winmon.data.end());
  return out;
}

Winmon with_id(Letter letter, Code code, unsigned id) {
  return {letter, code, bytes_of({id & 0xFFu, id >> 8})};
}

/// A refusal or the reply of another request becomes an error.
std::optional<DecodeError> not_a(Code wanted, const Winmon& reply) {
  if (reply.code == wanted) return std::nullopt;
  const auto code = static_cast<std::byte>(reply.code);
  const std::string hex = to_hex(std::span{&code, 1});
  if (reply.code == Code::unknown_command)
    return DecodeError{DecodeErrorKind::exception, "refused: unknown command (80)"};
  if (reply.code == Code::ram_unsupported || reply.code == Code::setting_unsupported)
    return DecodeError{DecodeErrorKind::exception, "refused: not supported (" + hex + ")"};
  if (reply.code == Code::access_denied)
    return DecodeError{DecodeErrorKind::exception, "refused: a higher access level is needed (9B)"};
  return DecodeError{DecodeErrorKind::function, "reply code " + hex};
}

}  // namespace

// ---- signs --------------------------------------------------------------------------------------

std::optional<std::int16_t> setpoint_word(Watts drawn_from_mains) {
  const double word = std::round(mirror(drawn_from_mains).value());
  if (!(word >= -32767.0 && word <= 32767.0)) return std::nullopt;
  return static_cast<std::int16_t>(word);
}

Watts setpoint_watts(std::int16_t word) {
  return mirror(Watts{static_cast<double>(word)});
}

// ---- RAM variables ------------------------------------------------------------------------------

double Scale::value(std::uint16_t raw) const {
  if (bit) return (raw >> *bit) & 1;
  const int number = is_signed ? static_cast<std::int16_t>(raw) : raw;
  return factor * (number + offset);
}

std::optional<Scale> scale_of(RamInfo info) {
  // -32768 would make the reciprocal rule divide by zero (reference: vebus-mk3#5 rule 1).
  if (info.scale == 0 || info.scale == -32768) return std::nullopt;
  if (info.offset == -32768) {
    if (info.scale < 1 || info.scale > 16) return std::nullopt;
    return Scale{1.0, 0, false, static_cast<unsigned>(info.scale - 1)};
  }
  const int size = info.scale < 0 ? -info.scale : info.scale;
  const double factor = size >= 0x4000 ? 1.0 / (0x8000 - size) : size;
  return Scale{factor, info.offset, info.scale < 0, {}};
}

std::optional<RamInfo> usual_info(std::uint8_t id) {
  constexpr RamInfo hundredths{32668, 0};
  constexpr RamInfo signed_hundredths{-32668, 0};
  constexpr RamInfo signed_ones{-1, 0};
  constexpr std::int16_t is_bit = -32768;
  constexpr std::array<RamInfo, 20> table{{
      hundredths,         // 0 mains V
      signed_hundredths,  // 1 mains A
      hundredths,         // 2 inverter V
      hundredths,         // 3 inverter A: says unsigned, yet the unit sends negative numbers
      hundredths,         // 4 battery V
      {-32758, 0},        // 5 battery A, 0.1
      hundredths,         // 6 battery ripple V
      {30815, 256},       // 7 inverter period, 1/1953
      {31791, 0},         // 8 mains period, 1/977
      signed_hundredths,  // 9 AC load A
      {0, 0},             // 10 virtual switch: not on this model
      {5, is_bit},        // 11 ignore AC input
      {6, is_bit},        // 12 relay
      {32568, 0},         // 13 state of charge, 0.005
      signed_ones,        // 14 battery W
      signed_ones,        // 15 mains W
      signed_ones,        // 16 output W
      signed_ones,        // 17 battery W, unfiltered
      signed_ones,        // 18 mains W, unfiltered
      signed_ones,        // 19 output W, unfiltered
  }};
  if (id >= table.size()) return std::nullopt;
  return table[id];
}

std::optional<Hertz> frequency(const Scale& period, std::uint8_t raw) {
  if (raw == 0x00 || raw == 0xFF) return std::nullopt;
  const double tenths = period.value(raw);
  if (!(tenths > 0.0)) return std::nullopt;
  return Hertz{10.0 / tenths};
}

// ---- messages -----------------------------------------------------------------------------------

std::optional<std::uint8_t> Version::address() const {
  if (mode == 'B' || mode == 'W') return std::nullopt;
  return mode;
}

std::optional<std::uint8_t> Leds::error() const {
  if (!condition) return std::nullopt;
  return static_cast<std::uint8_t>(*condition & 0x1Fu);
}

Amperes DcInfo::battery_current(const Scale& ram5) const {
  return Amperes{ram5.factor *
                 (static_cast<double>(charger_current) - static_cast<double>(inverter_current))};
}

unsigned AcInfo::phase() const {
  return phase_code >= 0x08 ? 1u : 9u - phase_code;
}

std::optional<unsigned> AcInfo::phases() const {
  if (phase_code < 0x08) return std::nullopt;
  return phase_code - 7u;
}

bool ConfigInfo::off_by_remote() const {
  constexpr unsigned must = front_up | remote_contact;
  constexpr unsigned must_not = remote_charge | remote_invert | front_down | charge | invert;
  if (!switch_register || (input & digital_multi_control) != 0) return false;
  return (*switch_register & must) == must && (*switch_register & must_not) == 0;
}

std::optional<VebusState> AcInfo::main_state() const {
  return state_of<VebusState>(state);
}

Decoded<Message> decode(const Frame& frame) {
  if (frame.type == mk3::type_interface) return decode_interface(frame.payload);
  if (frame.type == mk3::type_info) return decode_info(frame.payload);
  if (frame.type == mk3::type_config) return decode_config(frame.payload);
  return Forwarded{frame.type, frame.payload};
}

Frame frame(const Message& message) {
  return std::visit(Overloaded{
                        [](VersionRequest) { return interface_frame({letter_version}); },
                        [](Version v) {
                          Frame out = interface_frame({letter_version});
                          put_u32_le(out.payload, v.version);
                          put_u8(out.payload, v.mode);
                          return out;
                        },
                        [](Address a) {
                          return interface_frame({letter_address, a.select ? 1u : 0u, a.address});
                        },
                        [](LedRequest) { return interface_frame({letter_leds}); },
                        [](const Leds& leds) { return encode_leds(leds); },
                        [](InfoRequest request) {
                          return interface_frame({letter_info, request.what});
                        },
                        [](const SnapshotRequest& request) {
                          Frame out = interface_frame({letter_info, snapshot_info});
                          for (const std::uint8_t id : request.ids) put_u8(out.payload, id);
                          return out;
                        },
                        [](const StateSet& set) { return encode_state(set); },
                        [](StateAck) { return interface_frame({letter_state}); },
                        [](HardwareFlags h) {
                          return h.flags ? interface_frame({letter_flags, *h.flags})
                                         : interface_frame({letter_flags});
                        },
                        [](Reset) { return interface_frame({letter_reset}); },
                        [](HighSpeed) { return interface_frame({letter_high_speed}); },
                        [](const DcInfo& info) { return encode_dc(info); },
                        [](const AcInfo& info) { return encode_ac(info); },
                        [](const ConfigInfo& info) { return encode_config(info); },
                        [](const Forwarded& forwarded) {
                          return Frame{forwarded.type, forwarded.payload, {}};
                        },
                        [](const Winmon& winmon) { return encode_winmon(winmon); },
                    },
                    message);
}

// ---- Winmon requests ----------------------------------------------------------------------------

Winmon firmware_low(Letter letter) {
  return {letter, Code::firmware_low, {}};
}

Winmon firmware_high(Letter letter) {
  return {letter, Code::firmware_high, {}};
}

Winmon device_state(Letter letter) {
  return {letter, Code::device_state, bytes_of({0, 0})};
}

Winmon read_ram(Letter letter, std::initializer_list<std::uint8_t> ids) {
  Winmon out{letter, Code::read_ram, {}};
  for (const std::uint8_t id : ids) put_u8(out.data, id);
  return out;
}

Winmon read_setting(Letter letter, std::uint16_t id) {
  return with_id(letter, Code::read_setting, id);
}

Winmon setting_info(Letter letter, std::uint16_t id) {
  return with_id(letter, Code::setting_info, id);
}

Winmon ram_info(Letter letter, std::uint8_t id) {
  return with_id(letter, Code::ram_info, id);
}

Winmon write_ram(Letter letter, std::uint8_t id, std::int16_t word) {
  constexpr unsigned ram_without_eeprom = 0x02;
  Winmon out{letter, Code::write_by_id, bytes_of({ram_without_eeprom, id})};
  put_u16_le(out.data, static_cast<std::uint16_t>(word));
  return out;
}

Winmon read_snapshot(Letter letter) {
  return {letter, Code::read_snapshot, {}};
}

// ---- Winmon replies -----------------------------------------------------------------------------

Decoded<std::vector<std::uint16_t>> words(const Winmon& reply) {
  if (reply.code != Code::setting_is && reply.code != Code::snapshot_is)
    if (auto error = not_a(Code::ram_is, reply)) return tl::unexpected(std::move(*error));
  std::vector<std::uint16_t> out;
  for (std::size_t i = 0; i + 1 < reply.data.size(); i += 2)
    out.push_back(read_u16_le(reply.data, i));
  return out;
}

Decoded<RamInfo> decode_ram_info(const Winmon& reply) {
  if (auto error = not_a(Code::ram_info_is, reply)) return tl::unexpected(std::move(*error));
  const ByteView d = reply.data;
  if (d.empty()) return RamInfo{};  // long dialect: not supported
  if (d.size() >= 5 && read_u8(d, 2) == static_cast<std::uint8_t>(Code::ram_offset_is))
    return RamInfo{read_s16_le(d, 0), read_s16_le(d, 3)};
  if (d.size() >= 4) return RamInfo{read_s16_le(d, 0), read_s16_le(d, 2)};
  return wrong_length("RAM info", d.size());
}

Decoded<SettingInfo> decode_setting_info(const Winmon& reply) {
  if (auto error = not_a(Code::setting_info_is, reply)) return tl::unexpected(std::move(*error));
  const ByteView d = reply.data;
  const auto unsupported = [] {
    return fail(DecodeErrorKind::exception, "refused: setting not supported");
  };
  if (d.empty()) return unsupported();
  if (d.size() < 10) return wrong_length("setting info", d.size());
  // Compat: 89 scale 8A offset 8B usual 8C min 8D max; long: without the codes in between.
  const bool compat = d.size() >= 14 && read_u8(d, 2) == 0x8A && read_u8(d, 5) == 0x8B &&
                      read_u8(d, 8) == 0x8C && read_u8(d, 11) == 0x8D;
  const std::size_t stride = compat ? 3 : 2;
  SettingInfo info{read_s16_le(d, 0),          read_s16_le(d, stride),
                   read_u16_le(d, 2 * stride), read_u16_le(d, 3 * stride),
                   read_u16_le(d, 4 * stride), {}};
  if (info.scale == 0) return unsupported();
  if (!compat && d.size() > 10) info.access = read_u8(d, 10);
  return info;
}

Decoded<DeviceState> decode_device_state(const Winmon& reply) {
  if (auto error = not_a(Code::device_state_is, reply)) return tl::unexpected(std::move(*error));
  if (reply.data.size() < 2) return wrong_length("device state", reply.data.size());
  return DeviceState{read_u8(reply.data, 0), read_u8(reply.data, 1)};
}

Decoded<FirmwarePart> decode_firmware(const Winmon& reply) {
  if (reply.code != Code::firmware_high_is)
    if (auto error = not_a(Code::firmware_low_is, reply)) return tl::unexpected(std::move(*error));
  const ByteView d = reply.data;
  if (d.size() < 2) return wrong_length("firmware version", d.size());
  // A compat answer padded with zeros must not pass for the whole number.
  if (d.size() >= 4 && read_u16_le(d, 2) != 0) return FirmwarePart{read_u32_le(d, 0), true};
  return FirmwarePart{read_u16_le(d, 0), false};
}

Decoded<bool> decode_written(const Winmon& reply) {
  if (reply.code == Code::setting_written) return true;
  if (auto error = not_a(Code::ram_written, reply)) return tl::unexpected(std::move(*error));
  return true;
}

// ---- words for people ---------------------------------------------------------------------------

namespace {

std::string joined(std::uint8_t bits, const std::array<std::string_view, 8>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (((bits >> i) & 1) == 0) continue;
    if (!out.empty()) out += ", ";
    out += names[i];
  }
  return out;
}

}  // namespace

std::string_view name(SwitchState state) {
  switch (state) {
    case SwitchState::charger_only:
      return "charger_only";
    case SwitchState::inverter_only:
      return "inverter_only";
    case SwitchState::on:
      return "on";
    case SwitchState::off:
      return "off";
  }
  return "unknown";
}

std::string led_names(std::uint8_t bits) {
  return joined(bits, {"mains", "absorption", "bulk", "float", "inverter", "overload",
                       "low_battery", "temperature"});
}

std::string alarm_names(std::uint8_t bits) {
  std::string out;
  const auto add = [&out](VebusAlarm alarm, std::string_view level) {
    out += (out.empty() ? "" : ", ") + std::string{name(alarm)} + std::string{level};
  };
  for (const auto alarm : enum_values<VebusAlarm>)
    if ((bits & warning_bit(alarm)) != 0) add(alarm, "_warning");
  for (const auto alarm : enum_values<VebusAlarm>)
    if ((bits & alarm_bit(alarm)) != 0) add(alarm, "");
  return out;
}

std::string_view error_text(std::uint8_t code) {
  switch (code) {
    case 0:
      return "no error";
    case 1:
      return "another phase has switched off";
    case 2:
      return "old and new types of MK2 are mixed";
    case 3:
      return "not all or too many devices were found";
    case 4:
      return "no other device was found";
    case 5:
      return "over-voltage on AC-out";
    case 6:
      return "error in an assistant's program";
    case 7:
      return "a BMS is connected that needs an assistant, and there is none";
    case 8:
    case 11:
      return "relay or ground test failed";  // UNVERIFIED (reference: vebus-mk3#8.3)
    case 10:
      return "time synchronisation problem";
    case 14:
      return "the device cannot transmit data";
    case 16:
      return "dongle missing";
    case 17:
      return "another unit took over the master's role";
    case 18:
      return "AC over-voltage on a slave's output while switched off";
    case 22:
      return "the device cannot act as slave";
    case 24:
      return "switch-over system protection";
    case 25:
      return "incompatible firmware";
    case 26:
      return "internal error";
    default:
      return "unknown error";
  }
}

}  // namespace esshub::protocol::vebus
