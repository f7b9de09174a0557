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

std::string number_text(double value) {
  return fmt::format("{:g}", value);
}
/// A price with all its digits.
std::string price_text(double value) {
  return fmt::format("{}", value);
}
std::string joined(std::span<const std::string_view> words, bool quoted) {
  std::string out;
  for (const auto word : words) {
    if (!out.empty()) out += ", ";
    out += quoted ? toml_string(word) : std::string{word};
  }
  return out;
}

/// What a line says of a setting: its value, and what the value may be, to stand before the
/// sentence.
struct FieldText {
  std::string value;
  std::string range{};
};

/// The same for settings of all structs: compiled once.
struct RowText {
  const SettingRange& range;
  std::string_view unit;

  [[nodiscard]] std::string range_text() const {
    if (range.most == SettingRange{}.most) return {};  // any number
    return fmt::format("{} to {}{}{}. ", range.least, range.most, unit.empty() ? "" : " ", unit);
  }
  [[nodiscard]] FieldText number(double value) const { return {number_text(value), range_text()}; }
  [[nodiscard]] FieldText whole_number(std::uint64_t value) const {
    return {std::to_string(value), range_text()};
  }
  [[nodiscard]] FieldText duration(Duration value) const {
    return {toml_string(duration_text(std::chrono::duration<double, std::milli>(value).count())),
            fmt::format("{} to {}. ", duration_text(range.least), duration_text(range.most))};
  }
};

FieldText list_text(std::span<const std::string_view> words) {
  return {"[" + joined(words, true) + "]"};
}
FieldText host_port_text(const std::string& host, std::uint16_t port) {
  return {toml_string(host.empty() ? "" : host + ':' + std::to_string(port))};
}
FieldText clock_text(int minute) {
  return {toml_string(fmt::format("{:02}:{:02}", minute / 60, minute % 60))};
}
FieldText roles_text(const EnumArray<CircuitRole, bool>& serves) {
  std::vector<std::string_view> words;
  for (const CircuitRole role : enum_values<CircuitRole>)
    if (role != CircuitRole::other && serves[role]) words.push_back(name(role));
  return list_text(words);
}
FieldText word_text(std::span<const std::string_view> words, std::size_t chosen) {
  return {toml_string(words[chosen]), "One of: " + joined(words, false) + ". "};
}

template <class S>
struct FieldTextOf {
  const S& settings;
  RowText row;

  template <class Tag>
  FieldText operator()(Quantity<Tag> S::*m) const {
    return row.number((settings.*m).value());
  }
  FieldText operator()(double S::*m) const { return row.number(settings.*m); }
  FieldText operator()(Soc S::*m) const { return row.number((settings.*m).percent()); }
  FieldText operator()(RatioField<S> m) const { return row.number(settings.*m.ratio * 100.0); }
  FieldText operator()(Duration S::*m) const { return row.duration(settings.*m); }
  FieldText operator()(bool S::*m) const {
    return {settings.*m ? "true" : "false", "true or false. "};
  }
  template <std::unsigned_integral T>
  FieldText operator()(T S::*m) const {
    return row.whole_number(settings.*m);
  }
  FieldText operator()(std::string S::*m) const { return {toml_string(settings.*m)}; }
  FieldText operator()(std::vector<std::string> S::*m) const {
    return list_text(std::vector<std::string_view>{(settings.*m).begin(), (settings.*m).end()});
  }
  // Its sentence names them.
  FieldText operator()(Mode S::*m) const { return {toml_string(name(settings.*m))}; }
  FieldText operator()(HostPortField<S> m) const {
    return host_port_text(settings.*m.host, settings.*m.port);
  }
  FieldText operator()(RolesField<S> m) const { return roles_text(settings.*m.serves); }
  FieldText operator()(WordField<S> m) const { return word_text(m.words(), m.get(settings)); }
  FieldText operator()(MinuteField<S> m) const { return clock_text(settings.*m.minute); }
  FieldText operator()(DaysField<S>) const { return {toml_string("daily")}; }  // as of Mode
  FieldText operator()(PriceField<S> m) const {
    return {price_text((settings.*m.price).value_or(0.0))};
  }
  // Their default is nothing: the row has an example.
  FieldText operator()(std::optional<Watts> S::*) const { return {{}, row.range_text()}; }
  FieldText operator()(std::optional<Soc> S::*) const { return {{}, row.range_text()}; }
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

/// A setting as a line of the file, without the struct it belongs to.
struct Line {
  std::string_view key;
  FieldText field;
  std::string_view example;  ///< in place of a value that is nothing; as a comment
  std::string_view sentence;
  Reload reload;

  [[nodiscard]] std::string text(std::string_view note = {}) const {
    const bool in_force = example.empty();
    return with(in_force ? field.value : example, in_force, note);
  }
  /// With another value, or as a comment with its default or example.
  [[nodiscard]] std::string text(const std::string* value, std::string_view note) const {
    if (value != nullptr) return with(*value, true, note);
    return with(example.empty() ? field.value : example, false, note);
  }

 private:
  [[nodiscard]] std::string with(std::string_view value, bool in_force,
                                 std::string_view note) const {
    return commented(fmt::format("{}{} = {}", in_force ? "" : "# ", key, value),
                     fmt::format("{}{}{}", field.range, sentence, note));
  }
};

template <class S>
Line line_of(const SettingRow<S>& row, const S& values) {
  const FieldTextOf<S> text{values, {row.range, row.unit}};
  return {row.key, std::visit(text, row.field), row.example, row.sentence, row.reload};
}

template <class S>
std::string lines_of(std::span<const SettingRow<S>> rows, const S& values) {
  std::string lines;
  for (const auto& row : rows) lines += line_of(row, values).text();
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

using Values = std::map<std::string, std::string>;

/// "A change needs a restart." where it does for the whole section, else of each key. `values`:
/// what is in force; nothing: the defaults are.
std::string section_text(const SettingSection& section, const Values* in_force = nullptr) {
  constexpr std::string_view restart = " A change needs a restart.";
  HubSettings defaults;
  std::vector<Line> lines;
  for_each_table(defaults, [&]<class S>(std::span<const SettingRow<S>> table, const S& values) {
    for (const auto& row : table)
      if (row.section == section.name) lines.push_back(line_of(row, values));
  });
  const bool any_at_once = std::ranges::count(lines, Reload::at_once, &Line::reload) > 0;
  std::string text = commented(fmt::format("[{}]", section.name),
                               fmt::format("{}{}", section.sentence, any_at_once ? "" : restart));
  for (const auto& line : lines) {
    const auto note = any_at_once && line.reload == Reload::restart ? restart : std::string_view{};
    if (in_force == nullptr) {
      text += line.text(note);
      continue;
    }
    const auto found = in_force->find(fmt::format("{}.{}", section.name, line.key));
    text += line.text(found == in_force->end() ? nullptr : &found->second, note);
  }
  return text;
}

// ---- what no table has ----------------------------------------------------------------------

constexpr std::string_view filled_head =
    R"(# The configuration of esshub, as `esshub init` wrote it. What stands as a comment is a default or an example.
#
# Powers are in W, percentages in %, durations are text with a unit ("100 ms", "3 s", "1 min"). Signs: grid + is
# import, battery + is charging. Check it with `esshub check FILE`, and the wires with `esshub check --probe FILE`.
# SIGHUP (systemctl reload esshub) applies a changed file at once, save where a restart is needed.
)";

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
                       lines_of(span_table().subspan(1), evening) + lines_of(rows.first(1), keep) +
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
  return lines_of(serial_table().first(1), transport::SerialPort{.path = {}, .baud = baud});
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

namespace {

std::string sections_text(const Values* values = nullptr) {
  std::string text;
  for (const auto& section : sections()) {
    text += '\n' + section_text(section, values);
    if (section.name == "policy") text += schedule();
    if (section.name == "tariff") text += bands();
  }
  return text;
}

}  // namespace

std::string filled_text(const Values& values, std::string_view buses) {
  std::string text{filled_head};
  text.append(sections_text(&values)).append("\n").append(buses_head).append("\n").append(buses);
  return text;
}

std::string example_text() {
  std::string text{head};
  text += sections_text();
  for (const auto& part : {std::string{buses_head}, meters(), battery(), inverter(), cells()})
    text += '\n' + part;
  return text;
}

}  // namespace esshub::config
