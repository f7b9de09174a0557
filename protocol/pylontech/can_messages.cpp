#include "protocol/pylontech/can_messages.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/plausible.hpp"
#include "protocol/pylontech/flag_bits.hpp"

namespace esshub::protocol::pylontech {
namespace {

// 0x359 bytes 0-1 and, but for bit 11, bytes 2-3 (vendor document V1.2; reference:
// pylontech-can#2.5). Emulators put "internal" at bit 15: that is unknown here, with the same
// consequence.
constexpr std::array<FlagBit, 7> flag_bits(BmsFlag bit_11) {
  return {{{1, BmsFlag::high_voltage},
           {2, BmsFlag::low_voltage},
           {3, BmsFlag::high_temperature},
           {4, BmsFlag::low_temperature},
           {7, BmsFlag::high_discharge_current},
           {8, BmsFlag::high_charge_current},
           {11, bit_11}}};
}
constexpr auto protection_bits = flag_bits(BmsFlag::system);
constexpr auto warning_bits = flag_bits(BmsFlag::internal_communication);

constexpr unsigned undocumented_bit = 15;

// 0x35A: order of the 2-bit pairs, lowest first (reference: pylontech-can#4; the bits agree
// with hoylabs/OpenDTU-OnBattery src/battery/pytes/Provider.cpp).
constexpr std::array pair_order{
    BmsFlag::general,
    BmsFlag::high_voltage,
    BmsFlag::low_voltage,
    BmsFlag::high_temperature,
    BmsFlag::low_temperature,
    BmsFlag::high_charge_temperature,
    BmsFlag::low_charge_temperature,
    BmsFlag::high_discharge_current,
    BmsFlag::high_charge_current,
    BmsFlag::contactor,
    BmsFlag::short_circuit,
    BmsFlag::internal_failure,
    BmsFlag::cell_imbalance,
};
constexpr std::size_t pair_count = 16;
constexpr std::uint32_t pair_active = 0b01;
constexpr std::uint32_t pair_inactive = 0b10;

// 0x35C byte 0 (reference: pylontech-can#2.6).
struct RequestBit {
  unsigned bit;
  BmsRequest request;
};
constexpr std::array request_bits{
    RequestBit{7, BmsRequest::charge_enable},  RequestBit{6, BmsRequest::discharge_enable},
    RequestBit{5, BmsRequest::force_charge_1}, RequestBit{4, BmsRequest::force_charge_2},
    RequestBit{3, BmsRequest::full_charge},
};

/// 11 is as undefined as it is unlikely: read as active.
std::uint32_t from_pairs(std::uint32_t word) {
  std::uint32_t flags = 0;
  for (std::size_t i = 0; i < pair_count; ++i) {
    if ((word >> 2 * i & pair_active) == 0) continue;
    flags |= bit(i < pair_order.size() ? pair_order[i] : BmsFlag::unknown);
  }
  return flags;
}

std::uint32_t to_pairs(std::uint32_t flags) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < pair_order.size(); ++i) {
    const bool active = (flags & bit(pair_order[i])) != 0;
    word |= (active ? pair_active : pair_inactive) << 2 * i;
    flags &= ~bit(pair_order[i]);
  }
  return flags == 0 ? word : word | pair_active << 2 * (pair_count - 1);
}

double tenths(int raw) {
  return raw / 10.0;
}

/// ASCII up to the first NUL, blanks trimmed; what cannot be printed becomes a dot.
std::string text(ByteView data) {
  std::string out;
  for (const std::byte b : data) {
    const char c = static_cast<char>(u8(b));
    if (c == '\0') break;
    out.push_back(c >= ' ' && c <= '~' ? c : '.');
  }
  out.erase(out.find_last_not_of(' ') + 1);  // npos + 1 is 0
  out.erase(0, std::min(out.find_first_not_of(' '), out.size()));
  return out;
}

Volts millivolts(ByteView data, std::size_t i) {
  return Volts{read_u16_le(data, i) / 1000.0};
}
Celsius whole_kelvin(ByteView data, std::size_t i) {
  return Celsius{read_u16_le(data, i) - 273.0};
}
WattHours tenth_kilowatt_hours(ByteView data, std::size_t i) {
  return WattHours{read_u32_le(data, i) * 100.0};
}

Message decode_limits(ByteView data) {
  Limits limits{Volts{tenths(read_u16_le(data, 0))}, Amperes{tenths(read_s16_le(data, 2))},
                abs(Amperes{tenths(read_s16_le(data, 4))}), std::nullopt};
  if (data.size() >= 8 && read_u16_le(data, 6) > 0)
    limits.dvl = Volts{tenths(read_u16_le(data, 6))};
  return limits;
}

Message decode_measurement(ByteView data) {
  Measurement measurement{Volts{read_s16_le(data, 0) / 100.0},
                          Amperes{tenths(read_s16_le(data, 2))}, std::nullopt};
  if (data.size() >= 6) measurement.temperature = Celsius{tenths(read_s16_le(data, 4))};
  return measurement;
}

Message decode_alarms(ByteView data) {
  Alarms alarms{flags_of(read_u16_le(data, 0), protection_bits),
                flags_of(read_u16_le(data, 2), warning_bits), std::nullopt, false};
  if (data.size() >= 5 && read_u8(data, 4) > 0) alarms.modules = read_u8(data, 4);
  return alarms;
}

/// The shortest data that makes the message, or nothing for an unknown identifier.
std::optional<std::size_t> shortest(std::uint32_t can_id) {
  switch (can_id) {
    case id::keep_alive:
    case id::controller_306:
    case id::controller_identity:
    case id::events:
    case id::maker:
    case id::name_1:
    case id::name_2:
    case id::lowest_voltage_cell:
    case id::highest_voltage_cell:
    case id::lowest_temperature_cell:
    case id::highest_temperature_cell:
    case id::serial_1:
    case id::serial_2:
    case id::product_text:
      return 0;
    case id::requests:
    case id::charge_request:
      return 1;
    case id::size:
      return 2;
    case id::state:
    case id::measurement:
    case id::alarms:
      return 4;
    case id::limits:
    case id::product:
      return 6;
    case id::alarm_pairs:
    case id::module_states:
    case id::cells:
    case id::energy:
      return 8;
    default:
      return std::nullopt;
  }
}

Message decode_known(std::uint32_t can_id, ByteView data) {
  switch (can_id) {
    case id::keep_alive:
    case id::controller_306:
    case id::controller_identity:
      return Controller{can_id};
    case id::limits:
      return decode_limits(data);
    case id::state:
      return StateOfCharge{read_u16_le(data, 0), read_u16_le(data, 2)};
    case id::measurement:
      return decode_measurement(data);
    case id::alarms:
      return decode_alarms(data);
    case id::alarm_pairs:
      return Alarms{from_pairs(read_u32_le(data, 0)), from_pairs(read_u32_le(data, 4)),
                    std::nullopt, true};
    case id::requests:
      return Requests{requests_of(read_u8(data, 0))};
    case id::maker:
      return Maker{text(data)};
    case id::product:
      return Product{
          read_u16_le(data, 0), {read_u8(data, 2), read_u8(data, 3)}, read_u16_le(data, 4)};
    case id::charge_request:
      return ChargeRequest{read_u8(data, 0) == 0xFF};
    case id::module_states:
      return ModuleStates{read_u16_le(data, 0), read_u16_le(data, 2), read_u16_le(data, 4),
                          read_u16_le(data, 6)};
    case id::cells:
      return Cells{millivolts(data, 0), millivolts(data, 2), whole_kelvin(data, 4),
                   whole_kelvin(data, 6)};
    case id::energy:
      return Energy{tenth_kilowatt_hours(data, 0), tenth_kilowatt_hours(data, 4)};
    case id::size:
      return Size{read_u16_le(data, 0)};
    case id::events:
      return Opaque{can_id};
    default:
      return Text{can_id, text(data)};
  }
}

// ---- plausibility (reference: pylontech-can#6 rule 4) ------------------------------------------

constexpr double amperes_per_module = 200.0;

constexpr Range soc{0.0, 105.0};  // a counter that runs over: full
constexpr Range voltage{40.0, 60.0};
/// 48 to 56 V of 15 cells, to the wire's step; 0: no charging.
Range cvl_range(unsigned cells) {
  const auto of_15 = [&](double volts) { return std::round(volts * cells / 1.5) / 10.0; };
  return {of_15(48.0), of_15(56.0), true};
}

std::string short_text(double value) {
  std::string text = std::to_string(value);
  text.erase(text.size() - 4);  // two decimals are all the wire has
  return text;
}

/// Takes what can be, and tells of the rest.
struct Collector {
  Instant at;
  double most_amperes;
  unsigned cells;
  BatteryWords out{};

  void add(Measure measure, double value) {
    out.samples.push_back({{Point::battery, measure}, value, at});
  }
  /// False: it cannot be.
  bool check(std::string_view what, double value, const Range& range, std::string_view unit,
             bool required) {
    if (range.holds(value)) return true;
    out.impossible.push_back({std::string(what) + " of " + short_text(value) + ", accepted " +
                                  std::to_string(std::lround(range.low)) + " to " +
                                  std::to_string(std::lround(range.high)) + " " + std::string(unit),
                              required});
    return false;
  }
  /// Not below `least`; as many as the stack can, and as anything can.
  [[nodiscard]] Range amperes(double least) const {
    const double most = std::min(most_amperes, range::dc_current.high);
    return {std::max(least, -most), most};
  }
};

void collect(Collector& c, const Limits& m) {
  if (c.check("charge voltage limit", m.cvl.value(), cvl_range(c.cells),
              "V of " + std::to_string(c.cells) + " cells", true))
    c.add(Measure::cvl, m.cvl.value());
  if (c.check("charge current limit", m.ccl.value(), c.amperes(-c.most_amperes), "A", true))
    c.add(Measure::ccl, std::max(m.ccl.value(), 0.0));
  if (c.check("discharge current limit", m.dcl.value(), c.amperes(0.0), "A", true))
    c.add(Measure::dcl, m.dcl.value());
  if (m.dvl && c.check("discharge voltage limit", m.dvl->value(), {0.0, voltage.high}, "V", false))
    c.add(Measure::dvl, m.dvl->value());
}
void collect(Collector& c, const StateOfCharge& m) {
  if (c.check("state of charge", m.soc, soc, "%", true)) c.add(Measure::soc, std::min(m.soc, 100u));
  if (c.check("state of health", m.soh, range::soh, "%", false)) c.add(Measure::soh, m.soh);
}
void collect(Collector& c, const Measurement& m) {
  if (c.check("voltage", m.voltage.value(), voltage, "V", true))
    c.add(Measure::voltage, m.voltage.value());
  if (c.check("current", m.current.value(), c.amperes(-c.most_amperes), "A", false))
    c.add(Measure::current, m.current.value());
  if (m.temperature &&
      c.check("temperature", m.temperature->value(), range::temperature, "degC", false))
    c.add(Measure::temperature, m.temperature->value());
}
void collect(Collector& c, const Alarms& m) {
  c.add(Measure::protections, m.protections);
  c.add(Measure::warnings, m.warnings);
  if (m.modules) c.add(Measure::modules, *m.modules);
}
void collect(Collector& c, const Requests& m) {
  c.add(Measure::requests, m.bits);
}
void collect(Collector& c, const Product& m) {
  c.add(Measure::capacity, m.available_ah);
}
template <class Other>
void collect(Collector&, const Other&) {}

// ---- encoding ----------------------------------------------------------------------------------

unsigned rounded(double value, double step, double lowest, double highest) {
  return static_cast<unsigned>(std::lround(std::clamp(value / step, lowest, highest)));
}
void put_unsigned(Bytes& out, double value, double step) {
  put_u16_le(out, rounded(value, step, 0.0, 65535.0));
}
void put_signed(Bytes& out, double value, double step) {
  put_u16_le(out, rounded(value, step, -32768.0, 32767.0) & 0xFFFFu);
}

}  // namespace

Decoded<Message> decode(const CanFrame& frame) {
  if (frame.extended || frame.remote || frame.error)
    return fail(DecodeErrorKind::unsupported, "not a standard data frame");
  const auto least = shortest(frame.id);
  if (!least) return fail(DecodeErrorKind::unsupported, "an identifier no document names");
  const ByteView data = frame.payload();
  if (data.size() < *least)
    return fail(DecodeErrorKind::length, std::to_string(data.size()) + " bytes, at least " +
                                             std::to_string(*least) + " expected");
  return decode_known(frame.id, data);
}

bool truncated(const CanFrame& frame) {
  switch (frame.id) {
    case id::limits:
      return frame.size == 7;
    case id::measurement:
      return frame.size >= 4 && frame.size < 6;
    case id::alarms:
      return frame.size == 4;
    default:
      return false;
  }
}

BatteryWords samples(const Message& message, std::optional<unsigned> modules, Instant at,
                     unsigned cells) {
  Collector c{at, modules ? amperes_per_module * *modules : range::dc_current.high, cells};
  std::visit([&](const auto& m) { collect(c, m); }, message);
  return std::move(c.out);
}

CanFrame keep_alive() {
  return make_frame(id::keep_alive, Bytes(8));
}

CanFrame encode(const Limits& limits) {
  Bytes data;
  put_unsigned(data, limits.cvl.value(), 0.1);
  put_signed(data, limits.ccl.value(), 0.1);
  put_signed(data, limits.dcl.value(), 0.1);
  if (limits.dvl) put_unsigned(data, limits.dvl->value(), 0.1);
  return make_frame(id::limits, data);
}

CanFrame encode(const StateOfCharge& state) {
  Bytes data;
  put_unsigned(data, state.soc, 1.0);
  put_unsigned(data, state.soh, 1.0);
  return make_frame(id::state, data);
}

CanFrame encode(const Measurement& measurement) {
  Bytes data;
  put_signed(data, measurement.voltage.value(), 0.01);
  put_signed(data, measurement.current.value(), 0.1);
  if (measurement.temperature) put_signed(data, measurement.temperature->value(), 0.1);
  return make_frame(id::measurement, data);
}

CanFrame encode(const Alarms& alarms) {
  Bytes data;
  if (alarms.pairs) {
    put_u32_le(data, to_pairs(alarms.protections));
    put_u32_le(data, to_pairs(alarms.warnings));
    return make_frame(id::alarm_pairs, data);
  }
  put_u16_le(data, word_of(alarms.protections, protection_bits, undocumented_bit));
  put_u16_le(data, word_of(alarms.warnings, warning_bits, undocumented_bit));
  put_u8(data, std::min(alarms.modules.value_or(0), 255u));
  put_u8(data, 'P');
  put_u8(data, 'N');
  return make_frame(id::alarms, data);
}

CanFrame encode(const Requests& requests) {
  Bytes data;
  put_u16_le(data, request_byte(requests.bits));
  return make_frame(id::requests, data);
}

CanFrame encode(const Maker& maker) {
  std::string padded = maker.text;
  padded.resize(8, ' ');
  return make_frame(id::maker, to_bytes(padded));
}

CanFrame encode(const Product& product) {
  Bytes data;
  put_u16_le(data, product.code);
  put_u8(data, product.firmware[0]);
  put_u8(data, product.firmware[1]);
  put_u16_le(data, product.available_ah);
  return make_frame(id::product, data);
}

std::uint32_t requests_of(std::uint8_t byte) {
  std::uint32_t requests = 0;
  for (const auto& [at, request] : request_bits)
    if ((byte >> at & 1u) != 0) requests |= bit(request);
  return requests;
}

std::uint8_t request_byte(std::uint32_t requests) {
  unsigned byte = 0;
  for (const auto& [at, request] : request_bits)
    if ((requests & bit(request)) != 0) byte |= 1u << at;
  return static_cast<std::uint8_t>(byte);
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string out;
  for (const auto word : words) {
    if (!out.empty()) out += ',';
    out += word;
  }
  return out;
}

}  // namespace esshub::protocol::pylontech
