#include "config/list_tables.hpp"

#include <array>

#include "model/order_limits.hpp"

namespace esshub::config {
namespace {

using control::TariffBand;
using control::WeekSpan;
using protocol::MeterChannel;
using protocol::MeterConfig;
using protocol::MeterModel;
using protocol::ModbusConfig;
using protocol::ModbusMode;
using protocol::PylontechConfig;
using protocol::PylontechRs485Config;
using protocol::VebusConfig;
using transport::SerialPort;

constexpr Reload at_once = Reload::at_once;
constexpr Reload restart = Reload::restart;
constexpr auto soc = order_limit(OrderLimitId::soc);
constexpr auto power = order_limit(OrderLimitId::power);

// ---- lists of words -----------------------------------------------------------------------------

using Words = std::vector<std::string_view>;

/// The member of an enumeration that counts from 0, whose words stand in its order.
template <auto member>
struct WordOf;
template <class S, class E, E S::*member>
struct WordOf<member> {
  static constexpr WordField<S> among(Words (*words)()) {
    return {words, [](const S& s) { return index(s.*member); },
            [](S& s, std::size_t word) { s.*member = static_cast<E>(word); }};
  }
};

Words modes() {
  return {"poll", "sniff"};
}
static_assert(index(ModbusMode::poll) == 0 && index(ModbusMode::sniff) == 1);
Words models() {
  Words words;
  for (const auto& row : protocol::modbus::meter_models()) words.push_back(row.name);
  return words;
}
Words actions() {
  Words words;
  for (const auto kind : enum_values<InstructionKind>) words.push_back(name(kind));
  return words;
}

constexpr std::string_view parity_letters = "NEO";
constexpr WordField<SerialPort> parity{
    [] {
      return Words{"none", "even", "odd"};
    },
    [](const SerialPort& port) { return parity_letters.find(port.parity); },
    [](SerialPort& port, std::size_t word) { port.parity = parity_letters.at(word); }};

/// The battery and the inverter report themselves on their own buses.
constexpr auto points = [] {
  std::array<Point, 3 + max_circuits> list{Point::grid, Point::solar, Point::battery_meter};
  for (std::size_t i = 0; i < max_circuits; ++i) list.at(3 + i) = circuit(i);
  return list;
}();
constexpr WordField<MeterChannel> measures{
    [] {
      Words words;
      for (const Point point : points) words.push_back(name(point));
      return words;
    },
    [](const MeterChannel& channel) {
      std::size_t word = 0;
      while (word + 1 < points.size() && points.at(word) != channel.point) ++word;
      return word;
    },
    [](MeterChannel& channel, std::size_t word) { channel.point = points.at(word); }};

// ---- [[bus]] ------------------------------------------------------------------------------------

constexpr auto serial_rows = std::to_array<SettingRow<SerialPort>>({
    {"bus",
     "baud",
     &SerialPort::baud,
     "",
     {1200, 2000000},
     restart,
     "Of the port or of the wire behind tcp; all devices of a bus share it."},
    {"bus", "parity", parity, "", {}, restart, "Of every device of the bus."},
    {"bus", "stop_bits", &SerialPort::stop_bits, "", {1, 2}, restart, "Of every device."},
});

constexpr auto modbus_rows = std::to_array<SettingRow<ModbusConfig>>({
    {"bus",
     "mode",
     WordOf<&ModbusConfig::mode>::among(&modes),
     "",
     {},
     restart,
     "poll: the hub is the only master; sniff: it only listens beside another one."},
    {"bus",
     "other_master_wait",
     &ModbusConfig::other_master_wait,
     "ms",
     {0, 60000},
     restart,
     "No other master must be heard for so long before the first request."},
    {"bus",
     "response_timeout",
     &ModbusConfig::response_timeout,
     "ms",
     {50, 5000},
     restart,
     "A meter whose response has not begun by then is silent."},
    {"bus",
     "gap",
     &ModbusConfig::gap,
     "ms",
     {0, 1000},
     restart,
     "Silence between a response and the next request."},
    {"bus",
     "retries",
     &ModbusConfig::retries,
     "",
     {0, 5},
     restart,
     "Before a meter counts as lost."},
});

constexpr auto meter_rows = std::to_array<SettingRow<MeterConfig>>({
    {.section = "bus.meter",
     .key = "name",
     .field = &MeterConfig::name,
     .unit = "",
     .range = {},
     .reload = restart,
     .sentence = "For the log; default \"unit\" and its address."},
    {.section = "bus.meter",
     .key = "model",
     .field = WordOf<&MeterConfig::model>::among(&models),
     .unit = "",
     .range = {},
     .reload = restart,
     .sentence = "See docs/hardware.md.",
     .required = one_of_its_words},
    {.section = "bus.meter",
     .key = "unit",
     .field = &MeterConfig::unit,
     .unit = "",
     .range = {1, 247},
     .reload = restart,
     .sentence = "Modbus address.",
     .required = "its Modbus address, 1 to 247"},
});

constexpr auto channel_rows = std::to_array<SettingRow<MeterChannel>>({
    {.section = "bus.meter.channels",
     .key = "phase",
     .field = &MeterChannel::phase,
     .unit = "",
     .range = {1, 3},
     .reload = restart,
     .sentence = "Of a meter that has so many."},
    {.section = "bus.meter.channels",
     .key = "measures",
     .field = measures,
     .unit = "",
     .range = {},
     .reload = restart,
     .sentence = "Each once.",
     .required = "what it measures, such as \"grid\""},
    {.section = "bus.meter.channels",
     .key = "invert",
     .field = &MeterChannel::invert,
     .unit = "",
     .range = {},
     .reload = restart,
     .sentence = "Where the conductor passes the other way round."},
});

constexpr auto pylontech_rows = std::to_array<SettingRow<PylontechConfig>>({
    {"bus",
     "cells",
     &PylontechConfig::cells,
     "",
     {protocol::pylontech::fewest_cells, protocol::pylontech::most_cells},
     restart,
     "In series in each module: 15 in a US2000, 16 in many that speak its language. With 16, "
     "battery.cutoff_voltage_v (49.1) must be given, and charge_voltage_cap_v (55.9) too, or it is "
     "never full; these two wait for the restart with it."},
    {"bus",
     "keep_alive",
     &PylontechConfig::keep_alive,
     "ms",
     {200, 5000},
     restart,
     "Period of the message that keeps the BMS talking."},
    {"bus",
     "listen_only",
     &PylontechConfig::listen_only,
     "",
     {},
     restart,
     "Instead of keep_alive, default false: send nothing, beside the inverter that controls the "
     "battery. A SocketCAN interface still acknowledges, unless `ip link set can0 type can bitrate "
     "500000 listen-only on` is its set-up.",
     "true"},
});

constexpr auto pylontech_rs485_rows = std::to_array<SettingRow<PylontechRs485Config>>({
    {.section = "bus",
     .key = "modules",
     .field = &PylontechRs485Config::modules,
     .unit = "",
     .range = {1, max_modules},
     .reload = restart,
     .sentence = "There is no default.",
     .required = "how many modules the stack has, 1 to 8"},
    {.section = "bus",
     .key = "first_address",
     .field = &PylontechRs485Config::first_address,
     .unit = "",
     .range = {2, 255 - max_modules},
     .reload = restart,
     .sentence = "Of the master; 18 in group 1, 34 in group 2, ..."},
    {.section = "bus",
     .key = "sweep_period",
     .field = &PylontechRs485Config::sweep_period,
     .unit = "ms",
     .range = {1000, 10000},
     .reload = restart,
     .sentence = "Every module is asked once in it."},
    {.section = "bus",
     .key = "response_timeout",
     .field = &PylontechRs485Config::response_timeout,
     .unit = "ms",
     .range = {50, 5000},
     .reload = restart,
     .sentence = "A module whose response has not begun by then is silent."},
    {.section = "bus",
     .key = "gap",
     .field = &PylontechRs485Config::gap,
     .unit = "ms",
     .range = {0, 1000},
     .reload = restart,
     .sentence = "Silence between a response and the next request."},
    {.section = "bus",
     .key = "retries",
     .field = &PylontechRs485Config::retries,
     .unit = "",
     .range = {0, 5},
     .reload = restart,
     .sentence = "Before a module counts as lost."},
});
static_assert(max_modules == 8);

constexpr auto vebus_rows = std::to_array<SettingRow<VebusConfig>>({
    {"bus",
     "address",
     &VebusConfig::address,
     "",
     {0, 255},
     restart,
     "VE.Bus device; 0 = the only one or the master."},
    {"bus",
     "refresh",
     &VebusConfig::refresh,
     "ms",
     {200, 999},
     restart,
     "An unchanged setpoint is written again this often."},
    {"bus",
     "setpoint_interval",
     &VebusConfig::setpoint_interval,
     "ms",
     {50, 999},
     restart,
     "Changed setpoints are written no faster."},
});

// ---- [[schedule]], [[tariff.band]] --------------------------------------------------------------

constexpr std::string_view a_time = "a time such as \"01:30\"";

constexpr auto span_rows = std::to_array<SettingRow<WeekSpan>>({
    {.section = "schedule",
     .key = "days",
     .field = DaysField<WeekSpan>{&WeekSpan::days},
     .unit = "",
     .range = {},
     .reload = at_once,
     .sentence = "daily, weekdays, weekend or a list of mon, tue, wed, thu, fri, sat, sun."},
    {.section = "schedule",
     .key = "from",
     .field = MinuteField<WeekSpan>{&WeekSpan::from},
     .unit = "",
     .range = {},
     .reload = at_once,
     .sentence = "By the site's clock.",
     .required = a_time},
    {.section = "schedule",
     .key = "to",
     .field = MinuteField<WeekSpan>{&WeekSpan::to},
     .unit = "",
     .range = {},
     .reload = at_once,
     .sentence = "At or before `from`: on the next day.",
     .required = a_time},
});

constexpr auto instruction_rows = std::to_array<SettingRow<Instruction>>({
    {.section = "schedule",
     .key = "action",
     .field = WordOf<&Instruction::kind>::among(&actions),
     .unit = "",
     .range = {},
     .reload = at_once,
     .sentence = "docs/policy.md.",
     .required = one_of_its_words},
    {.section = "schedule",
     .key = "power_w",
     .field = &Instruction::power,
     .unit = power.unit,
     .range = {power.least, power.most},
     .reload = at_once,
     .sentence = "For charge and discharge; default the configured limit."},
    {.section = "schedule",
     .key = "target",
     .field = &Instruction::target,
     .unit = soc.unit,
     .range = {soc.least, soc.most},
     .reload = at_once,
     .sentence = "For charge and discharge: there it rests."},
    {.section = "schedule",
     .key = "low",
     .field = &Instruction::low,
     .unit = soc.unit,
     .range = {soc.least, soc.most},
     .reload = at_once,
     .sentence = "For balance and idle; default 0."},
    {.section = "schedule",
     .key = "high",
     .field = &Instruction::high,
     .unit = soc.unit,
     .range = {soc.least, soc.most},
     .reload = at_once,
     .sentence = "For balance and idle; default 100."},
});

constexpr auto band_rows = std::to_array<SettingRow<TariffBand>>({
    {.section = "tariff.band",
     .key = "import",
     .field = &TariffBand::import_price,
     .unit = "the currency per kWh",
     .range = {},
     .reload = at_once,
     .sentence = "Price per kWh.",
     .required = "a price per kWh"},
    {.section = "tariff.band",
     .key = "export",
     .field = PriceField<TariffBand>{&TariffBand::export_price},
     .unit = "",
     .range = {},
     .reload = at_once,
     .sentence = "Price per kWh; default as outside the bands."},
    {.section = "tariff.band",
     .key = "cheap",
     .field = &TariffBand::cheap,
     .unit = "",
     .range = {},
     .reload = at_once,
     .sentence = "Default false: cheap whatever cheap_below says."},
});

// A field that is added does not compile here; then it wants its row, or its place among the rest.
[[maybe_unused]] void count(const SerialPort& port) {
  [[maybe_unused]] const auto& [f1, f2, f3, f4] = port;
}
static_assert(serial_rows.size() + 1 == 4);  // path
[[maybe_unused]] void count(const ModbusConfig& modbus) {
  [[maybe_unused]] const auto& [f1, f2, f3, f4, f5, f6, f7, f8] = modbus;
}
static_assert(modbus_rows.size() + 3 == 8);  // meters, baud, bits_per_character
[[maybe_unused]] void count(const MeterConfig& meter) {
  [[maybe_unused]] const auto& [f1, f2, f3, f4] = meter;
}
static_assert(meter_rows.size() + 1 == 4);  // channels
[[maybe_unused]] void count(const MeterChannel& channel) {
  [[maybe_unused]] const auto& [f1, f2, f3] = channel;
}
static_assert(channel_rows.size() == 3);
[[maybe_unused]] void count(const PylontechConfig& can) {
  [[maybe_unused]] const auto& [f1, f2, f3, f4, f5] = can;
}
static_assert(pylontech_rows.size() + 2 == 5);  // framing, silence_limit
[[maybe_unused]] void count(const PylontechRs485Config& rs485) {
  [[maybe_unused]] const auto& [f1, f2, f3, f4, f5, f6, f7] = rs485;
}
static_assert(pylontech_rs485_rows.size() + 1 == 7);  // baud
[[maybe_unused]] void count(const VebusConfig& vebus) {
  [[maybe_unused]] const auto& [f1, f2, f3, f4] = vebus;
}
static_assert(vebus_rows.size() + 1 == 4);  // setpoint_deadband
[[maybe_unused]] void count(const WeekSpan& span) {
  [[maybe_unused]] const auto& [f1, f2, f3] = span;
}
static_assert(span_rows.size() == 3);
[[maybe_unused]] void count(const Instruction& instruction) {
  [[maybe_unused]] const auto& [f1, f2, f3, f4, f5] = instruction;
}
static_assert(instruction_rows.size() == 5);
[[maybe_unused]] void count(const TariffBand& band) {
  [[maybe_unused]] const auto& [f1, f2, f3, f4] = band;
}
static_assert(band_rows.size() + 1 == 4);  // when

}  // namespace

std::span<const SettingRow<SerialPort>> serial_table() {
  return serial_rows;
}
std::span<const SettingRow<ModbusConfig>> modbus_table() {
  return modbus_rows;
}
std::span<const SettingRow<MeterConfig>> meter_table() {
  return meter_rows;
}
std::span<const SettingRow<MeterChannel>> channel_table() {
  return channel_rows;
}
std::span<const SettingRow<PylontechConfig>> pylontech_table() {
  return pylontech_rows;
}
std::span<const SettingRow<PylontechRs485Config>> pylontech_rs485_table() {
  return pylontech_rs485_rows;
}
std::span<const SettingRow<VebusConfig>> vebus_table() {
  return vebus_rows;
}
std::span<const SettingRow<WeekSpan>> span_table() {
  return span_rows;
}
std::span<const SettingRow<Instruction>> instruction_table() {
  return instruction_rows;
}
std::span<const SettingRow<TariffBand>> band_table() {
  return band_rows;
}
std::span<const Point> meter_points() {
  return points;
}

}  // namespace esshub::config
