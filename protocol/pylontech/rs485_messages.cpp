#include "protocol/pylontech/rs485_messages.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/enums.hpp"
#include "model/plausible.hpp"
#include "protocol/pylontech/can_messages.hpp"
#include "protocol/pylontech/flag_bits.hpp"

namespace esshub::protocol::pylontech_rs485 {
namespace {

constexpr std::uint8_t all_modules = 0xFF;
constexpr int zero_celsius = 2731;  // 0.1 K
constexpr double module_amperes = 200.0;
constexpr double most_modules = 16.0;
constexpr unsigned not_stated = 0xFFFF;
constexpr unsigned items_with_24_bits = 4;
constexpr std::size_t serial_length = 16;
constexpr std::size_t device_length = 10;
constexpr std::size_t maker_length = 20;

// ---- commands ----------------------------------------------------------------------------------

/// Nothing for a value that is no CommandCode.
std::optional<std::uint8_t> cid2_of(CommandCode command) {
  switch (command) {
    case CommandCode::analog:
      return 0x42;
    case CommandCode::alarms:
      return 0x44;
    case CommandCode::parameters:
      return 0x47;
    case CommandCode::protocol_version:
      return 0x4F;
    case CommandCode::maker:
      return 0x51;
    case CommandCode::system_analog:
      return 0x61;
    case CommandCode::system_alarms:
      return 0x62;
    case CommandCode::system_management:
      return 0x63;
    case CommandCode::management:
      return 0x92;
    case CommandCode::serial_number:
      return 0x93;
    case CommandCode::firmware:
      return 0x96;
  }
  return std::nullopt;
}

std::optional<CommandCode> command_of(std::uint8_t cid2) {
  for (const CommandCode command : enum_values<CommandCode>)
    if (cid2_of(command) == cid2) return command;
  return std::nullopt;
}

/// INFO names the module that is asked.
/// UNVERIFIED: that 61 to 63 take it as well.
bool names_module(CommandCode command) {
  return command != CommandCode::protocol_version && command != CommandCode::maker;
}

bool knows_whole_stack(CommandCode command) {
  return command == CommandCode::analog || command == CommandCode::alarms;
}

// Status 1 (reference: pylontech-can#9 lists it from the highest bit).
// UNVERIFIED: that bit 3 is the one without a meaning.
constexpr std::array protection_bits{
    pylontech::FlagBit{0, BmsFlag::high_voltage},             // module
    pylontech::FlagBit{1, BmsFlag::low_voltage},              // cell
    pylontech::FlagBit{2, BmsFlag::high_charge_current},      //
    pylontech::FlagBit{4, BmsFlag::high_discharge_current},   //
    pylontech::FlagBit{5, BmsFlag::high_temperature},         // while discharging
    pylontech::FlagBit{6, BmsFlag::high_charge_temperature},  //
    pylontech::FlagBit{7, BmsFlag::low_voltage},              // module
};
constexpr unsigned undefined_bit = 3;

// ---- reading fields ----------------------------------------------------------------------------

/// Reads INFO from its front. After the first error everything reads as 0 and the error stays.
class Fields {
 public:
  explicit Fields(ByteView data) : data_(data) {}

  unsigned u8() { return take(1) ? read_u8(data_, at_ - 1) : 0u; }
  unsigned u16() { return take(2) ? read_u16_be(data_, at_ - 2) : 0u; }
  int s16() { return static_cast<std::int16_t>(u16()); }
  unsigned u24() {
    const unsigned high = u8();
    return high << 16 | u16();
  }
  ByteView raw(std::size_t n) { return take(n) ? data_.subspan(at_ - n, n) : ByteView{}; }
  ByteView rest() { return raw(data_.size() - at_); }

  Volts millivolts() { return Volts{s16() / 1000.0}; }
  Volts unsigned_millivolts() { return Volts{u16() / 1000.0}; }
  Amperes tenth_amperes() { return Amperes{s16() / 10.0}; }
  Amperes hundredth_amperes() { return Amperes{s16() / 100.0}; }
  Celsius tenth_kelvin() {
    return Celsius{in("temperature", (s16() - zero_celsius) / 10.0, range::temperature.low,
                      range::temperature.high)};
  }
  unsigned percent(std::string_view what) {
    const unsigned value = u8();
    in(what, value, 0.0, 100.0);
    return value;
  }
  /// How many fields follow: at least one.
  std::size_t count(std::string_view what) {
    const unsigned n = u8();
    in(what, n, 1.0, 255.0);
    return n;
  }
  AlarmLevel state() {
    const unsigned value = u8();
    switch (static_cast<AlarmLevel>(value)) {
      case AlarmLevel::ok:
      case AlarmLevel::low:
      case AlarmLevel::high:
      case AlarmLevel::other:
        return static_cast<AlarmLevel>(value);
    }
    refuse(DecodeErrorKind::content, "alarm state " + std::to_string(value));
    return AlarmLevel::other;
  }

  double in(std::string_view what, double value, double lowest, double highest) {
    if (!(value >= lowest && value <= highest))
      refuse(DecodeErrorKind::content, std::string(what) + " of " + std::to_string(value));
    return value;
  }
  void refuse(DecodeErrorKind kind, std::string detail) {
    if (ok()) error_ = DecodeError{kind, std::move(detail)};
  }

  [[nodiscard]] bool ok() const { return !error_; }
  [[nodiscard]] bool done() const { return at_ == data_.size(); }
  [[nodiscard]] const std::optional<DecodeError>& error() const { return error_; }

 private:
  bool take(std::size_t n) {
    if (data_.size() - at_ < n)
      refuse(DecodeErrorKind::length,
             "INFO ends within a field after " + std::to_string(at_) + " bytes");
    if (!ok()) return false;
    at_ += n;
    return true;
  }

  ByteView data_;
  std::size_t at_ = 0;
  std::optional<DecodeError> error_;
};

/// ASCII up to the first NUL without trailing blanks and dashes; what cannot be printed becomes a
/// dot.
std::string text(ByteView data) {
  std::string out;
  for (const std::byte b : data) {
    const char c = static_cast<char>(u8(b));
    if (c == '\0') break;
    out.push_back(c >= ' ' && c <= '~' ? c : '.');
  }
  out.erase(out.find_last_not_of(" -") + 1);
  return out;
}

Module read_module(Fields& f) {
  Module m;
  for (auto n = f.count("number of cells"); n > 0 && f.ok(); --n) {
    const Volts cell = f.millivolts();
    f.in("cell voltage", cell.value(), range::cell_voltage.low, range::cell_voltage.high);
    m.cells.push_back(cell);
  }
  for (auto n = f.count("number of temperatures"); n > 0 && f.ok(); --n)
    m.temperatures.push_back(f.tenth_kelvin());
  m.current = f.tenth_amperes();
  f.in("current", m.current.value(), -module_amperes, module_amperes);
  m.voltage = f.unsigned_millivolts();
  f.in("voltage", m.voltage.value(), 10.0, 60.0);
  const unsigned remaining = f.u16();
  const unsigned items = f.u8();
  const unsigned total = f.u16();
  m.cycles = f.u16();
  if (remaining != not_stated) m.remaining_ah = remaining / 1000.0;
  if (total != not_stated) m.total_ah = total / 1000.0;
  if (items >= items_with_24_bits) {
    m.remaining_ah = f.u24() / 1000.0;
    m.total_ah = f.u24() / 1000.0;
  }
  return m;
}

/// The document states five status bytes; captures of single modules have a sixth.
ModuleAlarms read_alarms(Fields& f, std::size_t status_bytes) {
  ModuleAlarms m;
  for (auto n = f.count("number of cells"); n > 0 && f.ok(); --n) m.cells.push_back(f.state());
  for (auto n = f.count("number of temperatures"); n > 0 && f.ok(); --n)
    m.temperatures.push_back(f.state());
  m.charge_current = f.state();
  m.voltage = f.state();
  m.discharge_current = f.state();
  for (auto& status : m.status) status = static_cast<std::uint8_t>(f.u8());
  f.raw(status_bytes - m.status.size());
  return m;
}

/// The byte that repeats the asked module.
void read_command_value(Fields& f, const Rs485Request& request) {
  const unsigned value = f.u8();
  if (value != request.address)
    f.refuse(DecodeErrorKind::address, "of module " + std::to_string(value) + ", expected " +
                                           std::to_string(request.address));
}

/// The modules of a response: one, after which a newer firmware may say more, or all, without a
/// gap.
template <class Read>
auto read_modules(Fields& f, const Rs485Request& request, Read read) {
  std::vector<decltype(read(f))> modules;
  if (!request.whole_stack) {
    read_command_value(f, request);
    modules.push_back(read(f));
    return modules;
  }
  for (auto n = f.count("number of modules"); n > 0 && f.ok(); --n) modules.push_back(read(f));
  if (!f.done()) f.refuse(DecodeErrorKind::length, "INFO goes on after the last module");
  return modules;
}

Response read_analog(Fields& f, const Rs485Request& request) {
  Analog response{static_cast<std::uint8_t>(f.u8()), {}};
  response.modules = read_modules(f, request, read_module);
  return response;
}

Response read_alarms(Fields& f, const Rs485Request& request) {
  const auto attempt = [&request](Fields& fields, std::size_t status_bytes) {
    AlarmInfo response{static_cast<std::uint8_t>(fields.u8()), {}};
    response.modules = read_modules(
        fields, request, [status_bytes](Fields& from) { return read_alarms(from, status_bytes); });
    return response;
  };
  Fields longer = f;
  AlarmInfo response = attempt(f, 5);
  if (f.ok()) return response;
  response = attempt(longer, 6);
  if (longer.ok()) f = longer;
  return response;
}

/// UNVERIFIED: no command value after the flags and currents in 0.01 A, as in
/// Frankkkkk/python-pylontech pylontech/pylontech.py; no capture was found.
Response read_parameters(Fields& f) {
  Parameters p;
  p.flags = static_cast<std::uint8_t>(f.u8());
  p.cell_high = f.unsigned_millivolts();
  p.cell_low = f.unsigned_millivolts();
  p.cell_under = f.unsigned_millivolts();
  p.charge_high = f.tenth_kelvin();
  p.charge_low = f.tenth_kelvin();
  p.charge_current = abs(f.hundredth_amperes());
  p.module_high = f.unsigned_millivolts();
  p.module_low = f.unsigned_millivolts();
  p.module_under = f.unsigned_millivolts();
  p.discharge_high = f.tenth_kelvin();
  p.discharge_low = f.tenth_kelvin();
  p.discharge_current = abs(f.hundredth_amperes());
  return p;
}

Response read_management(Fields& f) {
  Management m;
  m.cvl = f.unsigned_millivolts();
  m.dvl = f.unsigned_millivolts();
  m.ccl = f.tenth_amperes();
  m.dcl = abs(f.tenth_amperes());
  const double most = module_amperes * most_modules;
  f.in("charge voltage limit", m.cvl.value(), 10.0, 60.0);
  f.in("discharge voltage limit", m.dvl.value(), 0.0, m.cvl.value());
  f.in("charge current limit", m.ccl.value(), 0.0, most);
  f.in("discharge current limit", m.dcl.value(), 0.0, most);
  m.requests = pylontech::requests_of(static_cast<std::uint8_t>(f.u8()));
  return m;
}

Response read_maker(Fields& f) {
  Maker m;
  m.device = text(f.raw(device_length));
  for (auto& part : m.version) part = static_cast<std::uint8_t>(f.u8());
  m.maker = text(f.raw(maker_length));
  return m;
}

template <class Q>
Extreme<Q> read_extreme(Fields& f, Q value) {
  const auto module = static_cast<std::uint8_t>(f.u8());
  const auto cell = static_cast<std::uint8_t>(f.u8());
  return {value, module, cell};
}

Temperatures read_temperatures(Fields& f) {
  Temperatures t;
  t.mean = f.tenth_kelvin();
  t.highest = read_extreme(f, f.tenth_kelvin());
  t.lowest = read_extreme(f, f.tenth_kelvin());
  return t;
}

/// Layout as in dalathegreat/Battery-Emulator Software/src/inverter/PYLON-LV-RS485.cpp.
Response read_system_analog(Fields& f) {
  SystemAnalog s;
  s.voltage = f.unsigned_millivolts();
  f.in("voltage", s.voltage.value(), 10.0, 60.0);
  s.current = f.hundredth_amperes();
  s.soc = f.percent("state of charge");
  s.mean_cycles = f.u16();
  s.most_cycles = f.u16();
  s.mean_soh = f.percent("state of health");
  s.least_soh = f.percent("state of health");
  s.highest_cell = read_extreme(f, f.unsigned_millivolts());
  s.lowest_cell = read_extreme(f, f.unsigned_millivolts());
  for (const auto* cell : {&s.highest_cell, &s.lowest_cell})
    f.in("cell voltage", cell->value.value(), range::cell_voltage.low, range::cell_voltage.high);
  s.cells = read_temperatures(f);
  s.switches = read_temperatures(f);
  s.boards = read_temperatures(f);
  return s;
}

Response read_system_alarms(Fields& f) {
  SystemAlarms s;
  for (auto& byte : s.warnings) byte = static_cast<std::uint8_t>(f.u8());
  for (auto& byte : s.protections) byte = static_cast<std::uint8_t>(f.u8());
  return s;
}

Response read_response(Fields& f, const Rs485Request& request, std::uint8_t version) {
  switch (request.command) {
    case CommandCode::analog:
      return read_analog(f, request);
    case CommandCode::alarms:
      return read_alarms(f, request);
    case CommandCode::parameters:
      return read_parameters(f);
    case CommandCode::protocol_version:
      return ProtocolVersion{version};
    case CommandCode::maker:
      return read_maker(f);
    case CommandCode::system_analog:
      return read_system_analog(f);
    case CommandCode::system_alarms:
      return read_system_alarms(f);
    case CommandCode::system_management:
      return read_management(f);
    case CommandCode::management:
      read_command_value(f, request);
      return read_management(f);
    case CommandCode::serial_number:
      read_command_value(f, request);
      return SerialNumber{text(f.raw(serial_length))};
    case CommandCode::firmware: {
      read_command_value(f, request);
      const ByteView rest = f.rest();
      return Firmware{Bytes(rest.begin(), rest.end())};
    }
  }
  f.refuse(DecodeErrorKind::unsupported, "no command");
  return ProtocolVersion{};
}

// ---- writing fields ----------------------------------------------------------------------------

void put_unsigned(Bytes& out, double value, double step) {
  put_u16_be(out, static_cast<unsigned>(std::lround(std::clamp(value / step, 0.0, 65535.0))));
}
void put_signed(Bytes& out, double value, double step) {
  const long rounded = std::lround(std::clamp(value / step, -32768.0, 32767.0));
  put_u16_be(out, static_cast<unsigned>(rounded) & 0xFFFFu);
}
void put_volts(Bytes& out, Volts value) {
  put_unsigned(out, value.value(), 0.001);
}
void put_celsius(Bytes& out, Celsius value) {
  put_signed(out, value.value() * 10.0 + zero_celsius, 1.0);
}
void put_milliampere_hours(Bytes& out, std::optional<double> ah) {
  const auto value =
      static_cast<unsigned>(std::lround(std::clamp(ah.value_or(0.0) * 1000.0, 0.0, 16777215.0)));
  put_u8(out, value >> 16);
  put_u16_be(out, value & 0xFFFFu);
}
void put_text(Bytes& out, std::string text, std::size_t length, char padding) {
  text.resize(length, padding);
  const Bytes bytes = to_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}
void put_state(Bytes& out, AlarmLevel state) {
  put_u8(out, static_cast<unsigned>(state));
}
template <class Q>
void put_position(Bytes& out, const Extreme<Q>& extreme) {
  put_u8(out, extreme.module);
  put_u8(out, extreme.cell);
}

void put(Bytes& out, const Module& m) {
  put_u8(out, static_cast<unsigned>(m.cells.size()));
  for (const Volts cell : m.cells) put_volts(out, cell);
  put_u8(out, static_cast<unsigned>(m.temperatures.size()));
  for (const Celsius temperature : m.temperatures) put_celsius(out, temperature);
  put_signed(out, m.current.value(), 0.1);
  put_volts(out, m.voltage);
  // 65 Ah and more do not fit 16 bits.
  const bool small = m.remaining_ah.value_or(0.0) < 65.0 && m.total_ah.value_or(0.0) < 65.0;
  const auto put_small = [&](std::optional<double> ah) {
    if (small && ah) {
      put_unsigned(out, *ah, 0.001);
    } else {
      put_u16_be(out, not_stated);
    }
  };
  put_small(m.remaining_ah);
  put_u8(out, small ? 2 : items_with_24_bits);
  put_small(m.total_ah);
  put_u16_be(out, m.cycles);
  if (small) return;
  put_milliampere_hours(out, m.remaining_ah);
  put_milliampere_hours(out, m.total_ah);
}

void put(Bytes& out, const ModuleAlarms& m) {
  put_u8(out, static_cast<unsigned>(m.cells.size()));
  for (const AlarmLevel cell : m.cells) put_state(out, cell);
  put_u8(out, static_cast<unsigned>(m.temperatures.size()));
  for (const AlarmLevel temperature : m.temperatures) put_state(out, temperature);
  put_state(out, m.charge_current);
  put_state(out, m.voltage);
  put_state(out, m.discharge_current);
  for (const auto status : m.status) put_u8(out, status);
  put_u8(out, 0);
}

/// Analog and AlarmInfo.
template <class Modules>
bool put_modules(Bytes& out, const Rs485Request& request, const Modules& response) {
  if (!request.whole_stack && response.modules.size() != 1) return false;
  put_u8(out, response.flags);
  put_u8(out,
         request.whole_stack ? static_cast<unsigned>(response.modules.size()) : request.address);
  for (const auto& module : response.modules) put(out, module);
  return true;
}

void put(Bytes& out, const Temperatures& t) {
  put_celsius(out, t.mean);
  for (const auto* extreme : {&t.highest, &t.lowest}) {
    put_celsius(out, extreme->value);
    put_position(out, *extreme);
  }
}

// The INFO of a response; false if it is none to the request.

bool write(Bytes& out, const Rs485Request& request, const Analog& response) {
  return request.command == CommandCode::analog && put_modules(out, request, response);
}
bool write(Bytes& out, const Rs485Request& request, const AlarmInfo& response) {
  return request.command == CommandCode::alarms && put_modules(out, request, response);
}
bool write(Bytes& out, const Rs485Request& request, const Parameters& p) {
  put_u8(out, p.flags);
  put_volts(out, p.cell_high);
  put_volts(out, p.cell_low);
  put_volts(out, p.cell_under);
  put_celsius(out, p.charge_high);
  put_celsius(out, p.charge_low);
  put_signed(out, p.charge_current.value(), 0.01);
  put_volts(out, p.module_high);
  put_volts(out, p.module_low);
  put_volts(out, p.module_under);
  put_celsius(out, p.discharge_high);
  put_celsius(out, p.discharge_low);
  put_signed(out, -p.discharge_current.value(), 0.01);
  return request.command == CommandCode::parameters;
}
bool write(Bytes& out, const Rs485Request& request, const Management& m) {
  if (request.command == CommandCode::management) put_u8(out, request.address);
  put_volts(out, m.cvl);
  put_volts(out, m.dvl);
  put_signed(out, m.ccl.value(), 0.1);
  put_signed(out, -m.dcl.value(), 0.1);
  put_u8(out, pylontech::request_byte(m.requests));
  return request.command == CommandCode::management ||
         request.command == CommandCode::system_management;
}
bool write(Bytes& out, const Rs485Request& request, const SerialNumber& response) {
  put_u8(out, request.address);
  put_text(out, response.text, serial_length, '\0');
  return request.command == CommandCode::serial_number;
}
bool write(Bytes&, const Rs485Request& request, const ProtocolVersion&) {
  return request.command == CommandCode::protocol_version;
}
bool write(Bytes& out, const Rs485Request& request, const Maker& m) {
  put_text(out, m.device, device_length, '\0');
  for (const auto part : m.version) put_u8(out, part);
  put_text(out, m.maker, maker_length, '-');
  return request.command == CommandCode::maker;
}
bool write(Bytes& out, const Rs485Request& request, const Firmware& response) {
  put_u8(out, request.address);
  out.insert(out.end(), response.version.begin(), response.version.end());
  return request.command == CommandCode::firmware;
}
bool write(Bytes& out, const Rs485Request& request, const SystemAnalog& s) {
  put_volts(out, s.voltage);
  put_signed(out, s.current.value(), 0.01);
  put_u8(out, s.soc);
  put_u16_be(out, s.mean_cycles);
  put_u16_be(out, s.most_cycles);
  put_u8(out, s.mean_soh);
  put_u8(out, s.least_soh);
  for (const auto* cell : {&s.highest_cell, &s.lowest_cell}) {
    put_volts(out, cell->value);
    put_position(out, *cell);
  }
  put(out, s.cells);
  put(out, s.switches);
  put(out, s.boards);
  return request.command == CommandCode::system_analog;
}
bool write(Bytes& out, const Rs485Request& request, const SystemAlarms& s) {
  for (const auto byte : s.warnings) put_u8(out, byte);
  for (const auto byte : s.protections) put_u8(out, byte);
  return request.command == CommandCode::system_alarms;
}

bool any(const std::vector<AlarmLevel>& states, AlarmLevel state) {
  return std::ranges::find(states, state) != states.end();
}

}  // namespace

// ---- requests ----------------------------------------------------------------------------------

Bytes encode(const Rs485Request& request) {
  const auto cid2 = cid2_of(request.command);
  if (!cid2) return {};
  AsciiFrame frame{.address = request.address, .cid2 = *cid2, .info = {}};
  if (names_module(request.command)) {
    const bool all = request.whole_stack && knows_whole_stack(request.command);
    put_u8(frame.info, all ? all_modules : request.address);
  }
  return encode_frame(frame);
}

Decoded<Rs485Request> request_of(const AsciiFrame& frame) {
  if (frame.cid1 != battery_cid1)
    return fail(DecodeErrorKind::function,
                "CID1 " + std::to_string(frame.cid1) + " is no battery's");
  const auto command = command_of(frame.cid2);
  if (!command)
    return fail(DecodeErrorKind::unsupported,
                "command " + std::to_string(frame.cid2) + " is not known");
  Rs485Request request{*command, frame.address, false};
  const std::size_t expected = names_module(*command) ? 1 : 0;
  if (frame.info.size() != expected)
    return fail(
        DecodeErrorKind::length,
        std::to_string(frame.info.size()) + " bytes of INFO, expected " + std::to_string(expected));
  if (expected == 0) return request;
  const auto module = u8(frame.info[0]);
  request.whole_stack = module == all_modules && knows_whole_stack(*command);
  if (!request.whole_stack && module != frame.address)
    return fail(DecodeErrorKind::content, "INFO names module " + std::to_string(module));
  return request;
}

// ---- answers -----------------------------------------------------------------------------------

Decoded<Response> decode_response(ByteView bytes, const Rs485Request& request) {
  auto frame = decode_frame(bytes);
  if (!frame) return tl::unexpected(std::move(frame.error()));
  if (frame->address != request.address)
    return fail(DecodeErrorKind::address, "from address " + std::to_string(frame->address) +
                                              ", expected " + std::to_string(request.address));
  if (frame->cid1 != battery_cid1)
    return fail(DecodeErrorKind::function,
                "CID1 " + std::to_string(frame->cid1) + " is no battery's");
  const auto code = static_cast<ReturnCode>(frame->cid2);
  if (describe(code).empty())
    return fail(DecodeErrorKind::unsupported, "return code " + std::to_string(frame->cid2));
  if (code != ReturnCode::ok) return fail(DecodeErrorKind::exception, std::string(describe(code)));
  Fields fields{frame->info};
  Response response = read_response(fields, request, frame->version);
  if (fields.error()) return tl::unexpected(*fields.error());
  return response;
}

Bytes encode_response(const Rs485Request& request, const Response& response) {
  AsciiFrame frame{.address = request.address, .info = {}};
  if (!std::visit([&](const auto& a) { return write(frame.info, request, a); }, response))
    return {};
  if (const auto* version = std::get_if<ProtocolVersion>(&response))
    frame.version = version->version;
  return encode_frame(frame);
}

Bytes encode_return_code(std::uint8_t address, ReturnCode code) {
  return encode_frame({.address = address, .cid2 = static_cast<std::uint8_t>(code), .info = {}});
}

// ---- alarms ------------------------------------------------------------------------------------

std::uint32_t protections(const ModuleAlarms& module) {
  return pylontech::flags_of(module.status[0], protection_bits);
}

std::uint8_t protection_byte(std::uint32_t flags) {
  return static_cast<std::uint8_t>(pylontech::word_of(flags, protection_bits, undefined_bit));
}

std::uint32_t warnings(const ModuleAlarms& module) {
  std::uint32_t flags = 0;
  const auto add = [&flags](bool on, BmsFlag flag) {
    if (on) flags |= bit(flag);
  };
  const auto is = [](AlarmLevel state, AlarmLevel wanted) { return state == wanted; };
  add(any(module.cells, AlarmLevel::high) || is(module.voltage, AlarmLevel::high),
      BmsFlag::high_voltage);
  add(any(module.cells, AlarmLevel::low) || is(module.voltage, AlarmLevel::low),
      BmsFlag::low_voltage);
  add(any(module.temperatures, AlarmLevel::high), BmsFlag::high_temperature);
  add(any(module.temperatures, AlarmLevel::low), BmsFlag::low_temperature);
  add(is(module.charge_current, AlarmLevel::high), BmsFlag::high_charge_current);
  add(is(module.discharge_current, AlarmLevel::high), BmsFlag::high_discharge_current);
  // "Other", and a current too low, have no flag of their own.
  add(any(module.cells, AlarmLevel::other) || any(module.temperatures, AlarmLevel::other) ||
          is(module.voltage, AlarmLevel::other) || is(module.charge_current, AlarmLevel::other) ||
          is(module.charge_current, AlarmLevel::low) ||
          is(module.discharge_current, AlarmLevel::other) ||
          is(module.discharge_current, AlarmLevel::low),
      BmsFlag::general);
  return flags;
}

// ---- values ------------------------------------------------------------------------------------

namespace {

/// Those of cells: the first is the BMS board's.
std::span<const Celsius> cell_temperatures(const Module& module) {
  const std::span<const Celsius> all = module.temperatures;
  return all.size() > 1 ? all.subspan(1) : all;
}

}  // namespace

CellRange cell_range(const Module& module) {
  const auto [lowest, highest] = std::ranges::minmax(module.cells);
  const auto [coldest, warmest] = std::ranges::minmax(cell_temperatures(module));
  return {lowest, highest, coldest, warmest};
}

CellRange joined(const CellRange& a, const CellRange& b) {
  return {std::min(a.lowest, b.lowest), std::max(a.highest, b.highest),
          std::min(a.coldest, b.coldest), std::max(a.warmest, b.warmest)};
}

std::vector<Sample> samples(const CellRange& range, Point point, Instant at) {
  return {{{point, Measure::cell_voltage_min}, range.lowest.value(), at},
          {{point, Measure::cell_voltage_max}, range.highest.value(), at},
          {{point, Measure::cell_temperature_min}, range.coldest.value(), at},
          {{point, Measure::cell_temperature_max}, range.warmest.value(), at}};
}

std::vector<Sample> samples(const Module& module, Point point, Instant at) {
  std::vector<Sample> out = samples(cell_range(module), point, at);
  const auto temperatures = cell_temperatures(module);
  Celsius sum;
  for (const Celsius t : temperatures) sum += t;
  const double mean = sum.value() / static_cast<double>(temperatures.size());
  out.push_back({{point, Measure::voltage}, module.voltage.value(), at});
  out.push_back({{point, Measure::current}, module.current.value(), at});
  out.push_back({{point, Measure::temperature}, mean, at});
  return out;
}

}  // namespace esshub::protocol::pylontech_rs485
