#include "app/probe/setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "model/enums.hpp"
#include "model/plausible.hpp"
#include "protocol/bytes.hpp"

namespace esshub::app {
namespace {

namespace modbus = protocol::modbus;
using protocol::MeterModel;

modbus::RtuRequest read(std::uint8_t unit, std::uint8_t function, unsigned start, unsigned count) {
  return {.unit = unit,
          .function = function,
          .start = static_cast<std::uint16_t>(start),
          .count = static_cast<std::uint16_t>(count),
          .data = {}};
}

// The models agree on the addresses they share (reference: eastron-modbus#2, eastron-modbus#4).
constexpr unsigned voltages_at = 0x0000;
constexpr unsigned powers_at = 0x000C;
constexpr unsigned system_type_at = 0x000A;

std::optional<double> number(protocol::ByteView registers, std::size_t index) {
  if (registers.size() < 4 * (index + 1)) return std::nullopt;
  const double value{protocol::read_f32_be(registers, 4 * index)};
  return std::isfinite(value) ? std::optional{value} : std::nullopt;
}

bool may_be_measured(Point point) {
  return point == Point::grid || point == Point::solar || point == Point::battery_meter ||
         (point >= Point::circuit1 && point < Point::module1);
}

bool is_named(const Setup& setup, Point point) {
  for (const auto& bus : setup.meters)
    for (const auto& meter : bus.meters)
      for (const auto& phase : meter.phases)
        if (phase.measures == point) return true;
  return false;
}

std::string place_line(const FoundBus& bus) {
  return fmt::format("{} = {}\n", bus.can_interface ? "can" : "port", toml_text(bus.place));
}

std::size_t proven(const std::vector<FoundBus>& buses) {
  return static_cast<std::size_t>(std::ranges::count(buses, false, &FoundBus::unproven));
}

std::string as_comment(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size() - 1) + 1;
    out.append("# ").append(lines.substr(0, end));
    lines.remove_prefix(end);
  }
  return out;
}

/// Its only name if there is one, else numbered.
std::string bus_name(std::string_view name, std::size_t index) {
  return index == 0 ? std::string{name} : fmt::format("{}{}", name, index + 1);
}

std::string meter_text(const FoundMeter& meter) {
  const auto& row = modbus::row_of(meter.model);
  std::string text = fmt::format(
      "\n[[bus.meter]]\nmodel = \"{}\"           # by its answers; its label says {}?\nunit = {}\n",
      row.name, row.title, meter.unit);
  const bool any = std::ranges::any_of(
      meter.phases, [](const FoundPhase& phase) { return phase.measures.has_value(); });
  if (!any) text += "# channels: which conductor its clamps are around was not said.\n";
  text += any ? "channels = [\n" : "# channels = [\n";
  for (std::size_t i = 0; i < meter.phases.size(); ++i) {
    const auto& phase = meter.phases[i];
    text += fmt::format("{}  {{ phase = {}, measures = \"{}\" }},  # {:.0f} W when it was found\n",
                        phase.measures ? "" : "# ", i + 1,
                        phase.measures ? name(*phase.measures) : "...", phase.watts);
  }
  return text + (any ? "]\n" : "# ]\n");
}

std::string meters_text(const FoundMeters& bus, std::size_t index) {
  std::string text = fmt::format("[[bus]]\nname = \"{}\"\nkind = \"modbus\"\n{}",
                                 bus_name("meters", index), place_line(bus));
  if (bus.setting) {
    text += fmt::format("baud = {}\n", bus.setting->baud);
    if (bus.setting->parity != 'N')
      text += fmt::format("parity = \"{}\"\n", bus.setting->parity == 'E' ? "even" : "odd");
  }
  text +=
      "# Which way round a clamp is nobody can see from here: `invert = true` in a channel turns "
      "its sign.\n";
  for (const auto& meter : bus.meters) text += meter_text(meter);
  // A bus whose meters measure nothing that is named would be refused whole.
  const bool any = std::ranges::any_of(bus.meters, [](const FoundMeter& meter) {
    return std::ranges::any_of(meter.phases,
                               [](const FoundPhase& phase) { return phase.measures.has_value(); });
  });
  return any ? text : as_comment(text);
}

}  // namespace

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + '"';
}

std::vector<modbus::RtuRequest> identity_requests(std::uint8_t unit) {
  return {
      read(unit, modbus::read_input, voltages_at, 6), read(unit, modbus::read_input, powers_at, 6),
      read(unit, modbus::read_holding, system_type_at, 2), read(unit, modbus::read_input, 0, 1)};
}

std::optional<FoundMeter> identify_meter(std::uint8_t unit, std::span<const ModbusAnswer> answers) {
  if (answers.size() != 4) return std::nullopt;
  const auto first = number(answers[0].registers, 0);
  if (!first || !(*first >= mains_present.value() && *first <= range::meter_voltage.high))
    return std::nullopt;
  const auto type = number(answers[2].registers, 0);
  const bool three_phases = type && (*type == 1.0 || *type == 2.0 || *type == 3.0);
  const auto code = answers[3].registers.size() == 2
                        ? std::optional{protocol::read_u16_be(answers[3].registers, 0)}
                        : std::nullopt;
  FoundMeter meter{unit, three_phases ? MeterModel::sdm630 : MeterModel::sdm120, {}};
  for (const auto& row : modbus::meter_models())
    if (code == row.meter_code && (row.phases == 3) == three_phases) meter.model = row.id;
  for (std::size_t i = 0; i < modbus::row_of(meter.model).phases; ++i)
    // Whole watts, and no minus before a zero.
    meter.phases.push_back({number(answers[0].registers, i).value_or(0.0),
                            std::round(number(answers[1].registers, i).value_or(0.0)) + 0.0,
                            {}});
  return meter;
}

std::optional<Point> read_point(std::string_view word) {
  for (const Point point : enum_values<Point>)
    if (may_be_measured(point) && name(point) == word) return point;
  return std::nullopt;
}

tl::expected<std::pair<PhaseName, Point>, std::string> read_assignment(std::string_view text) {
  const auto refuse = [&] {
    return tl::unexpected(
        fmt::format("\"{}\": expected UNIT.PHASE=WHAT, such as 1.1=grid, "
                    "1.2=solar or 244=battery_meter",
                    text));
  };
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return refuse();
  const auto whole = [](std::string_view digits) -> std::optional<unsigned> {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  };
  const auto place = text.substr(0, equals);
  const auto dot = place.find('.');
  const auto unit = whole(place.substr(0, dot));
  const auto phase = dot == std::string_view::npos ? 1u : whole(place.substr(dot + 1));
  const auto point = read_point(text.substr(equals + 1));
  if (!unit || !phase || *phase < 1 || *phase > 3 || !point) return refuse();
  return std::pair{PhaseName{*unit, *phase}, *point};
}

std::vector<std::string> open_questions(const Setup& setup) {
  std::vector<std::string> out;
  if (setup.meters.empty()) {
    out.emplace_back("no meters were found");
  } else if (!is_named(setup, Point::grid)) {
    out.emplace_back("which phase of which meter measures the grid is not known");
  }
  const auto one = [&](std::size_t count, const char* none, const char* several) {
    if (count == 0) out.emplace_back(none);
    if (count > 1) out.emplace_back(several);
  };
  one(proven(setup.batteries), "no battery was found", "several batteries were found: keep one");
  if (proven(setup.batteries) == 0)
    for (const auto& each : setup.batteries)
      out.push_back(
          fmt::format("whether {} is the battery's CAN adapter is not known", each.place));
  one(proven(setup.inverters), "no inverter was found", "several inverters were found: keep one");
  return out;
}

std::string buses_text(const Setup& setup) {
  std::string text;
  for (std::size_t i = 0; i < setup.meters.size(); ++i)
    text += meters_text(setup.meters[i], i) + '\n';
  if (setup.meters.empty())
    text +=
        "# No meters were found. When they are there:\n# [[bus]]\n# name = \"meters\"\n# kind = "
        "\"modbus\"\n# port = \"/dev/serial/by-id/...\"\n\n";
  // One of each: of several the owner has to choose, so that none is chosen here.
  const auto buses = [&](const std::vector<FoundBus>& found, std::string_view bus,
                         std::string_view kind) {
    const auto certain = proven(found);
    if (certain == 0)
      text += fmt::format(
          "# No {0} was found. When it is there:\n# [[bus]]\n# name = \"{0}\"\n# kind = "
          "\"{1}\"\n# port = \"/dev/serial/by-id/...\"\n\n",
          bus, kind);
    if (certain > 1) text += fmt::format("# Several were found: keep one {}.\n", bus);
    for (const auto& each : found) {
      auto lines =
          fmt::format("[[bus]]\nname = \"{}\"\nkind = \"{}\"\n{}", bus, kind, place_line(each));
      if (each.setting) lines += fmt::format("baud = {}\n", each.setting->baud);
      if (each.unproven)
        text += fmt::format("# Something answers here, but not as a {} would: is it one?\n", bus);
      text += (certain > 1 || each.unproven ? as_comment(lines) : lines) + '\n';
    }
  };
  buses(setup.batteries, "battery", "pylontech");
  buses(setup.inverters, "inverter", "vebus");
  for (std::size_t i = 0; i < setup.cells.size(); ++i) {
    const auto& found = setup.cells[i];
    const auto lines = fmt::format(
        "[[bus]]\nname = \"{}\"\nkind = \"pylontech-rs485\"\n{}baud = {}\nmodules = {}\n",
        bus_name("cells", i), place_line(found), found.setting ? found.setting->baud : 115200,
        found.modules ? std::to_string(*found.modules) : "...");
    text += found.modules ? lines : "# How many modules it has is not known.\n" + as_comment(lines);
    text += '\n';
  }
  return text;
}

}  // namespace esshub::app
