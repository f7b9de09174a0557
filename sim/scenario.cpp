#include "sim/scenario.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

#include <toml++/toml.h>

#include "model/plausible.hpp"
#include "sim/command.hpp"

namespace esshub::sim {
namespace {

enum class Kind : std::uint8_t { number, whole, flag };

/// One setting: where it stands in the file, what it may be, and where it goes. A flag is 0 or 1.
struct Row {
  std::string_view table;
  std::string_view key;
  Kind kind;
  double low;
  double high;
  std::string_view unit;
  void (*set)(Scenario&, double);
};

Duration seconds(double value) {
  return as_duration(Seconds{value});
}

constexpr double day_seconds = 86'400.0;
constexpr std::int64_t most_repeats = 10'000;

const std::array rows{
    Row{"", "seed", Kind::whole, 0, 4e9, "",
        [](Scenario& s, double v) { s.seed = static_cast<std::uint64_t>(v); }},
    Row{"house", "load_w", Kind::number, 0, range::ac_power.high, "W",
        [](Scenario& s, double v) { s.load = Watts{v}; }},
    Row{"house", "solar_w", Kind::number, 0, range::ac_power.high, "W",
        [](Scenario& s, double v) { s.solar = Watts{v}; }},
    Row{"house", "kwp", Kind::number, 0, 30, "kWp", [](Scenario& s, double v) { s.kwp = v; }},
    Row{"house", "ac_out_w", Kind::number, 0, range::ac_power.high, "W",
        [](Scenario& s, double v) { s.house.ac_out = Watts{v}; }},
    Row{"house", "ac_out_share", Kind::number, 0, 1, "of the load",
        [](Scenario& s, double v) { s.house.ac_out_share = v; }},
    Row{"house", "load_offset_s", Kind::number, 0, 366 * day_seconds, "s",
        [](Scenario& s, double v) { s.load_offset = seconds(v); }},
    Row{"house", "solar_offset_s", Kind::number, 0, 366 * day_seconds, "s",
        [](Scenario& s, double v) { s.solar_offset = seconds(v); }},
    Row{"battery", "soc_percent", Kind::number, 0, 100, "%",
        [](Scenario& s, double v) { s.house.battery.soc_percent = v; }},
    Row{"battery", "modules", Kind::whole, 1, 8, "modules",
        [](Scenario& s, double v) { s.house.battery.modules = static_cast<unsigned>(v); }},
    Row{"battery", "cells", Kind::whole, 15, 16, "cells in series",
        [](Scenario& s, double v) { s.house.battery.cells = static_cast<unsigned>(v); }},
    Row{"battery", "ambient_c", Kind::number, -30, 60, "degC",
        [](Scenario& s, double v) { s.house.battery.ambient = Celsius{v}; }},
    Row{"battery", "cvl_v", Kind::number, 48, 56, "V",
        [](Scenario& s, double v) { s.house.battery.cvl = Volts{v}; }},
    Row{"battery", "dvl_v", Kind::number, 40, 50, "V",
        [](Scenario& s, double v) { s.house.battery.dvl = Volts{v}; }},
    Row{"battery", "profile_13", Kind::flag, 0, 1, "",
        [](Scenario& s, double v) { s.battery.profile_13 = v != 0.0; }},
    Row{"battery", "needs_keep_alive", Kind::flag, 0, 1, "",
        [](Scenario& s, double v) { s.battery.needs_keep_alive = v != 0.0; }},
    Row{"battery", "transmit_ack", Kind::flag, 0, 1, "",
        [](Scenario& s, double v) { s.battery.transmit_ack = v != 0.0; }},
    Row{"inverter", "setpoint_timeout_s", Kind::number, 1, 600, "s",
        [](Scenario& s, double v) { s.inverter.setpoint_timeout = seconds(v); }},
    Row{"inverter", "ess_layout", Kind::whole, 0, 3, "",
        [](Scenario& s, double v) { s.inverter.ess_layout = static_cast<int>(v); }},
    Row{"inverter", "long_dialect", Kind::flag, 0, 1, "",
        [](Scenario& s, double v) { s.inverter.long_dialect = v != 0.0; }},
    Row{"inverter", "high_speed", Kind::flag, 0, 1, "",
        [](Scenario& s, double v) { s.inverter.high_speed = v != 0.0; }},
    Row{"inverter", "front_switch", Kind::flag, 0, 1, "",
        [](Scenario& s, double v) { s.inverter.front_switch = v != 0.0; }},
    Row{"inverter", "phases", Kind::whole, 1, 4, "",
        [](Scenario& s, double v) { s.inverter.phases = static_cast<unsigned>(v); }},
    Row{"inverter", "parallel", Kind::whole, 1, 6, "",
        [](Scenario& s, double v) { s.inverter.parallel = static_cast<unsigned>(v); }},
    Row{"inverter", "truncates_w", Kind::flag, 0, 1, "",
        [](Scenario& s, double v) { s.inverter.truncates_w = v != 0.0; }},
    Row{"inverter", "chatter", Kind::flag, 0, 1, "",
        [](Scenario& s, double v) { s.inverter.chatter = v != 0.0; }},
    Row{"inverter", "mains_wait_s", Kind::number, 0, 600, "s",
        [](Scenario& s, double v) { s.house.inverter.mains_wait = seconds(v); }},
    Row{"inverter", "charger_limit_a", Kind::number, 1, 35, "A",
        [](Scenario& s, double v) { s.house.inverter.charger_limit = Amperes{v}; }},
    Row{"inverter", "charge_voltage_v", Kind::number, 45, 60, "V",
        [](Scenario& s, double v) { s.house.inverter.charge_voltage = Volts{v}; }},
    Row{"inverter", "ramp_w_per_s", Kind::number, 1, 100e3, "W/s",
        [](Scenario& s, double v) { s.house.inverter.ramp = WattsPerSecond{v}; }},
    Row{"meters", "live_without_grid", Kind::flag, 0, 1, "",
        [](Scenario& s, double v) { s.meters_live_without_grid = v != 0.0; }},
    Row{"meters", "turnaround_ms", Kind::number, 0, 1000, "ms",
        [](Scenario& s, double v) { s.meter_turnaround = seconds(v / 1000.0); }},
};

class Reader {
 public:
  Reader(std::string file, std::span<const std::string_view> others)
      : file_(std::move(file)), others_(others) {}

  Scenario read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      if (std::ranges::find(others_, key.str()) != others_.end()) continue;
      if (const auto* table = node.as_table(); table != nullptr && is_table(key.str())) {
        for (const auto& [inner, value] : *table) setting(key.str(), inner.str(), value);
      } else if (key == "event") {
        events(node);
      } else {
        setting("", key.str(), node);
      }
    }
    return scenario_;
  }
  void error(const toml::source_region& where, const std::string& what) {
    errors_.push_back(file_ + ":" + std::to_string(where.begin.line) + ":" +
                      std::to_string(where.begin.column) + ": " + what);
  }
  [[nodiscard]] const std::vector<std::string>& errors() const { return errors_; }

 private:
  static bool is_table(std::string_view name) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const Row& row) { return !name.empty() && row.table == name; });
  }

  static std::string allowed(std::string_view table) {
    std::set<std::string> names;
    for (const auto& row : rows) {
      if (row.table == table) names.emplace(row.key);
      if (table.empty()) names.emplace(row.table.empty() ? row.key : row.table);
    }
    if (table.empty()) names.emplace("event");
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
  }

  void setting(std::string_view table, std::string_view key, const toml::node& value) {
    const auto path = (table.empty() ? "" : std::string(table) + ".") + std::string(key);
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&](const Row& r) { return r.table == table && r.key == key; });
    if (row == rows.end())
      return error(value.source(), path + " is not known here, expected one of " + allowed(table));
    std::optional<double> number;
    std::string expected = "true or false";
    if (row->kind == Kind::flag) {
      if (const auto flag = value.value_exact<bool>()) number = *flag ? 1.0 : 0.0;
    } else {
      number = row->kind == Kind::whole && !value.is_integer() ? std::nullopt
               : value.is_number()                             ? value.value<double>()
                                                               : std::nullopt;
      if (number && !(*number >= row->low && *number <= row->high)) number.reset();
      expected = (row->kind == Kind::whole ? "a whole number from " : "a number from ") +
                 std::to_string(std::llround(row->low)) + " to " +
                 std::to_string(std::llround(row->high)) +
                 (row->unit.empty() ? "" : " " + std::string(row->unit));
    }
    if (!number) return error(value.source(), path + ": expected " + expected);
    row->set(scenario_, *number);
  }

  void events(const toml::node& node) {
    const auto* list = node.as_array();
    if (list == nullptr)
      return error(node.source(), "event: expected [[event]] with at_s and command");
    for (const auto& entry : *list) {
      if (const auto* table = entry.as_table()) {
        event(*table);
      } else {
        error(entry.source(), "event: expected [[event]] with at_s and command");
      }
    }
  }

  void event(const toml::table& table) {
    for (const auto& [key, value] : table)
      if (key != "at_s" && key != "command" && key != "every_s" && key != "times")
        error(value.source(), "event." + std::string(key.str()) +
                                  " is not known here, expected at_s, command, every_s, times");
    const auto* at = table.get("at_s");
    const auto* text = table.get("command");
    if (at == nullptr || !at->is_number() || !(at->value<double>().value_or(-1.0) >= 0.0))
      return error(at != nullptr ? at->source() : table.source(),
                   "event.at_s: expected seconds after the start, 0 or more");
    if (text == nullptr || !text->is_string())
      return error(text != nullptr ? text->source() : table.source(),
                   "event.command: expected a command in quotes");
    const auto command = text->value<std::string>().value_or("");
    if (const auto parsed = parse_command(command); !parsed)
      return error(text->source(), "event.command: " + parsed.error());
    repeat(table, seconds(at->value<double>().value_or(0.0)), command);
  }

  void repeat(const toml::table& table, Duration at, const std::string& command) {
    const auto* every = table.get("every_s");
    const auto* times = table.get("times");
    if (every == nullptr && times == nullptr) return scenario_.events.push_back({at, command});
    if (every == nullptr || times == nullptr)
      return error((every != nullptr ? every : times)->source(),
                   "event: expected every_s and times together, or neither");
    if (!every->is_number() || !(every->value<double>().value_or(0.0) > 0.0))
      return error(every->source(), "event.every_s: expected seconds, more than 0");
    const auto count = times->value_exact<std::int64_t>().value_or(0);
    if (count < 1 || count > most_repeats)
      return error(times->source(), "event.times: expected a whole number from 1 to " +
                                        std::to_string(most_repeats));
    const Duration period = seconds(every->value<double>().value_or(0.0));
    for (std::int64_t i = 0; i < count; ++i) scenario_.events.push_back({at + period * i, command});
  }

  std::string file_;
  std::span<const std::string_view> others_;
  Scenario scenario_;
  std::vector<std::string> errors_;
};

}  // namespace

tl::expected<Scenario, std::vector<std::string>> read_scenario(
    const std::filesystem::path& file, std::span<const std::string_view> others) {
  Reader reader{file.string(), others};
  try {
    auto scenario = reader.read(toml::parse_file(file.string()));
    if (!reader.errors().empty()) return tl::unexpected(reader.errors());
    return scenario;
  } catch (const toml::parse_error& error) {
    reader.error(error.source(), std::string(error.description()));
    return tl::unexpected(reader.errors());
  }
}

}  // namespace esshub::sim
