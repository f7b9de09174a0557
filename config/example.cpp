#include "config/example.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <concepts>

#include "config/list_tables.hpp"
#include "config/settings_table.hpp"

namespace esshub::config {
namespace {

constexpr std::size_t comment_column = 26;
constexpr std::size_t line_width = 120;

// ---- values as the file has them ------------------------------------------------------------

std::string toml_string(std::string_view text) {
  return fmt::format("\"{}\"", text);  // no default needs an escape
}

/// In the greatest unit that leaves a whole number.
std::string duration_text(double ms) {
  struct Unit {
    double ms;
    const char* name;
  };
  for (const auto& unit : {Unit{3600e3, "h"}, Unit{60e3, "min"}, Unit{1e3, "s"}})
    if (ms >= unit.ms && std::fmod(ms, unit.ms) == 0.0)
      return fmt::format("{:g} {}", ms / unit.ms, unit.name);
  // 1.5 s rather than 1500 ms
  return ms > 1e3 ? fmt::format("{:g} s", ms / 1e3) : fmt::format("{:g} ms", ms);
}

template <class S>
struct ValueText {
  const S& settings;

  template <class Tag>
  std::string operator()(Quantity<Tag> S::*m) const {
    return fmt::format("{:g}", (settings.*m).value());
  }
  std::string operator()(double S::*m) const { return fmt::format("{:g}", settings.*m); }
  std::string operator()(Soc S::*m) const { return fmt::format("{:g}", (settings.*m).percent()); }
  std::string operator()(RatioField<S> m) const {
    return fmt::format("{:g}", settings.*m.ratio * 100.0);
  }
  std::string operator()(Duration S::*m) const {
    return toml_string(
        duration_text(std::chrono::duration<double, std::milli>(settings.*m).count()));
  }
  std::string operator()(bool S::*m) const { return settings.*m ? "true" : "false"; }
  template <std::unsigned_integral T>
  std::string operator()(T S::*m) const {
    return fmt::format("{}", settings.*m);
  }
  std::string operator()(std::string S::*m) const { return toml_string(settings.*m); }
  std::string operator()(std::vector<std::string> S::*m) const {
    std::vector<std::string> words;
    for (const auto& word : settings.*m) words.push_back(toml_string(word));
    return fmt::format("[{}]", fmt::join(words, ", "));
  }
  std::string operator()(Mode S::*m) const { return toml_string(name(settings.*m)); }
  std::string operator()(HostPortField<S> m) const {
    const auto& host = settings.*m.host;
    return toml_string(host.empty() ? "" : fmt::format("{}:{}", host, settings.*m.port));
  }
  std::string operator()(RolesField<S> m) const {
    std::vector<std::string> words;
    for (const CircuitRole role : enum_values<CircuitRole>)
      if (role != CircuitRole::other && (settings.*m.serves)[role])
        words.push_back(toml_string(name(role)));
    return fmt::format("[{}]", fmt::join(words, ", "));
  }
  std::string operator()(WordField<S> m) const {
    return toml_string(m.words().at(m.get(settings)));
  }
  std::string operator()(MinuteField<S> m) const {
    const int minute = settings.*m.minute;
    return toml_string(fmt::format("{:02}:{:02}", minute / 60, minute % 60));
  }
  std::string operator()(DaysField<S>) const { return toml_string("daily"); }
  std::string operator()(PriceField<S> m) const {
    return fmt::format("{}", (settings.*m.price).value_or(0.0));
  }
  // Their default is nothing: the row has an example.
  std::string operator()(std::optional<Watts> S::*) const { return {}; }
  std::string operator()(std::optional<Soc> S::*) const { return {}; }
};

/// What the value may be, to stand before the sentence.
template <class S>
struct RangeText {
  const SettingRow<S>& row;

  std::string operator()(Duration S::*) const {
    return fmt::format("{} to {}. ", duration_text(row.range.least), duration_text(row.range.most));
  }
  std::string operator()(bool S::*) const { return "true or false. "; }
  std::string operator()(Mode S::*) const { return {}; }  // its sentence names them
  std::string operator()(std::string S::*) const { return {}; }
  std::string operator()(std::vector<std::string> S::*) const { return {}; }
  std::string operator()(HostPortField<S>) const { return {}; }
  std::string operator()(RolesField<S>) const { return {}; }
  std::string operator()(PriceField<S>) const { return {}; }
  std::string operator()(MinuteField<S>) const { return {}; }
  std::string operator()(DaysField<S>) const { return {}; }  // its sentence names them
  std::string operator()(WordField<S> m) const {
    return fmt::format("One of: {}. ", fmt::join(m.words(), ", "));
  }
  template <class Number>
  std::string operator()(Number) const {
    if (row.range.most == SettingRange{}.most) return {};  // any number
    return fmt::format("{} to {}{}{}. ", row.range.least, row.range.most,
                       row.unit.empty() ? "" : " ", row.unit);
  }
};

// ---- lines ----------------------------------------------------------------------------------

/// `text` behind `start`, as comments in lines of their own where it is long.
std::string commented(std::string line, std::string_view text) {
  std::string out;
  line.resize(std::max(line.size() + 1, comment_column), ' ');
  line += '#';
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    if (line.size() + 1 + word.size() > line_width && !line.ends_with('#')) {
      out += line + '\n';
      line = std::string(comment_column, ' ') + '#';
    }
    line.append(" ").append(word);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + line + '\n';
}

template <class S>
std::string line_of(const SettingRow<S>& row, const S& defaults) {
  const bool shows_default = row.example.empty();
  const std::string value =
      shows_default ? std::visit(ValueText<S>{defaults}, row.field) : std::string{row.example};
  return commented(fmt::format("{}{} = {}", shows_default ? "" : "# ", row.key, value),
                   std::visit(RangeText<S>{row}, row.field) + std::string{row.sentence});
}

template <class S>
std::string lines_of(std::span<const SettingRow<S>> rows, const S& values) {
  std::string lines;
  for (const auto& row : rows) lines += line_of(row, values);
  return lines;
}

/// The lines as comments: an example that is not in force.
std::string commented_out(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const auto end = lines.find('\n') + 1;
    out.append("# ").append(lines.substr(0, end));
    lines.remove_prefix(end);
  }
  return out;
}

/// "A change needs a restart." where it does for the whole section, else of each key.
std::string section_text(const SettingSection& section) {
  HubSettings defaults;
  std::string lines;
  bool any_at_once = false;
  for_each_table(defaults, [&]<class S>(std::span<const SettingRow<S>> table, const S&) {
    for (const auto& row : table)
      any_at_once |= row.section == section.name && row.reload == Reload::at_once;
  });
  for_each_table(defaults, [&]<class S>(std::span<const SettingRow<S>> table, const S& values) {
    for (const auto& row : table) {
      if (row.section != section.name) continue;
      auto shown = row;
      const std::string noted = std::string{row.sentence} + " A change needs a restart.";
      if (any_at_once && row.reload == Reload::restart) shown.sentence = noted;
      lines += line_of(shown, values);
    }
  });
  std::string sentence{section.sentence};
  if (!any_at_once) sentence += " A change needs a restart.";
  return commented(fmt::format("[{}]", section.name), sentence) + lines;
}

// ---- what no table has ----------------------------------------------------------------------

constexpr std::string_view head =
    R"(# The configuration of esshub: every setting with its unit, range and default (`esshub check --example`).
#
# A key that is left out keeps its default; the three buses at the end must be there. Powers are in
# W, percentages in %, durations are text with a unit ("100 ms", "3 s", "1 min"). Signs: grid + is
# import, battery + is charging. Check a file with `esshub check FILE`; it names every error.
# SIGHUP (systemctl reload esshub) applies a changed file at once, save where a restart is needed.
)";

// ---- the lists ------------------------------------------------------------------------------

std::string schedule() {
  constexpr auto at = [](int hour, int minute) { return 60 * hour + minute; };
  const auto rows = instruction_table();
  const Instruction charge{InstructionKind::charge, Watts{2000.0}, 80.0_soc};
  const Instruction keep{.kind = InstructionKind::balance, .low = 30.0_soc};
  const control::WeekSpan night{.from = at(1, 30), .to = at(5, 0)};
  const control::WeekSpan evening{.from = at(16, 0), .to = at(19, 0)};
  return "\n# The weekly plan: any number of entries, none at the same time as another.\n" +
         commented_out("[[schedule]]\n" + lines_of(span_table(), night) +
                       lines_of(rows.first(3), charge) + "[[schedule]]\n" +
                       lines_of(span_table().subspan(1), evening) + line_of(rows[0], keep) +
                       lines_of(rows.subspan(3), keep));
}

std::string bands() {
  const control::TariffBand cheap{
      .when = {.from = 30, .to = 270}, .import_price = 0.07, .export_price = 0.15, .cheap = true};
  return commented_out("[[tariff.band]]\n" + lines_of(span_table(), cheap.when) +
                       lines_of(band_table(), cheap));
}

/// `place`: its lines as they are.
std::string bus(std::string_view name, std::string_view kind, std::string_view place) {
  return fmt::format("[[bus]]\nname = \"{}\"\nkind = \"{}\"\n{}\n", name, kind, place);
}

std::string serial_line(std::uint32_t baud) {
  return line_of(serial_table().front(), transport::SerialPort{.path = {}, .baud = baud});
}

std::string meters() {
  const protocol::ModbusConfig defaults;
  return bus("meters", "modbus", "port = \"/dev/esshub-rs485\"") + serial_line(defaults.baud) +
         lines_of(serial_table().subspan(1), transport::SerialPort{}) +
         lines_of(modbus_table(), defaults) + "\n[[bus.meter]]\n" +
         lines_of(meter_table(),
                  protocol::MeterConfig{"main", protocol::MeterModel::sdm630, 1, {}}) +
         "# Of each channel:\n" +
         commented_out(lines_of(channel_table(), protocol::MeterChannel{})) +
         R"(# A circuit may have a role = "ev", "heatpump" or "other" (default), and a name for the page, such as
# the car on the third CT:
#   { phase = 3, measures = "circuit1", role = "ev", name = "garage" },
channels = [
  { phase = 1, measures = "grid", invert = false },
  { phase = 2, measures = "solar" },
]

[[bus.meter]]
name = "battery"
model = "sdm120"
unit = 244
channels = [ { phase = 1, measures = "battery_meter" } ]
)";
}

std::string battery() {
  return bus("battery", "pylontech", R"(port = "/dev/esshub-can" # an SLCAN adapter
# can = "can0"           # instead of port: a SocketCAN interface, brought up at 500 kbit/s
# tcp = "192.0.2.7:2000" # instead of port: an SLCAN adapter behind a gateway)") +
         serial_line(115200) + lines_of(pylontech_table(), protocol::PylontechConfig{});
}

std::string inverter() {
  return bus("inverter", "vebus",
             "port = \"/dev/esshub-mk3\" # an MK3 speaks 2400 baud and no other") +
         serial_line(2400) + lines_of(vebus_table(), protocol::VebusConfig{});
}

std::string cells() {
  const protocol::PylontechRs485Config two_modules{.modules = 2};
  return "# Optional: cell voltages and temperatures of every battery module, from the RS485 port "
         "of "
         "the master.\n# They are shown, never controlled by. 9600 baud where DIP switch 1 of the "
         "master says so.\n" +
         commented_out(bus("cells", "pylontech-rs485", "port = \"/dev/esshub-cells\"") +
                       serial_line(two_modules.baud) +
                       lines_of(pylontech_rs485_table(), two_modules));
}

constexpr std::string_view buses_head =
    R"(# ---- the buses: one grid channel, one battery, one inverter -----------------------------------
# Each has a name (letters, digits, _ and -), a kind and one place: port = a device file,
# tcp = "host:port" of a serial gateway, or, for the battery, can = a network interface. A change
# needs a restart.
)";

}  // namespace

std::string example_text() {
  std::string text{head};
  for (const auto& section : sections()) {
    text += '\n' + section_text(section);
    if (section.name == "policy") text += schedule();
    if (section.name == "tariff") text += bands();
  }
  for (const auto& part : {std::string{buses_head}, meters(), battery(), inverter(), cells()})
    text += '\n' + part;
  return text;
}

}  // namespace esshub::config
