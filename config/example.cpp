#include "config/example.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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
  std::string operator()(unsigned S::*m) const { return fmt::format("{}", settings.*m); }
  std::string operator()(std::size_t S::*m) const { return fmt::format("{}", settings.*m); }
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
  // Their default is nothing: the row has an example.
  std::string operator()(std::optional<Watts> S::*) const { return {}; }
  std::string operator()(std::optional<Soc> S::*) const { return {}; }
  std::string operator()(PriceField<S>) const { return {}; }
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
  template <class Number>
  std::string operator()(Number) const {
    return fmt::format("{:g} to {:g} {}. ", row.range.least, row.range.most, row.unit);
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
# import, battery + is charging. Check a file with `esshub check FILE`; it names every mistake.
# SIGHUP (systemctl reload esshub) applies a changed file at once, save where a restart is needed.
)";

constexpr std::string_view schedule =
    R"(
# The weekly plan: any number of entries, none at the same time as another.
# [[schedule]]
# days = "daily"          # daily, weekdays, weekend or a list of mon, tue, wed, thu, fri, sat, sun
# from = "01:30"          # the site's clock
# to = "05:00"            # at or before `from`: on the next day
# action = "charge"       # charge, discharge, balance or idle
# power_w = 2000          # charge and discharge; default the limit above
# target = 80             # charge and discharge: %, there it rests
# [[schedule]]
# from = "16:00"
# to = "19:00"
# action = "balance"
# low = 30                # balance and idle: %, default 0
# high = 100              # balance and idle: %, default 100
)";

constexpr std::string_view bands =
    R"(# [[tariff.band]]
# days = "daily"          # as in the schedule
# from = "00:30"
# to = "04:30"
# import = 0.07
# export = 0.15           # default as outside the bands
# cheap = true            # default false: cheap whatever cheap_below says
)";

// Theirs is read by config/bus_reader.cpp.
constexpr std::string_view buses =
    R"(# ---- the buses: one grid channel, one battery, one inverter -----------------------------------
# Each has a name (letters, digits, _ and -), a kind and one place: port = a device file,
# tcp = "host:port" of a serial gateway, or, for the battery, can = a network interface.

[[bus]]
name = "meters"
kind = "modbus"
port = "/dev/esshub-rs485"
baud = 9600              # 1200 to 115200; all meters of a bus share one speed
mode = "poll"            # poll: the hub is the only master; sniff: it only listens beside another one
other_master_wait = "3 s" # 0 ms to 60 s: hear no other master for so long before the first request
parity = "none"          # none, even or odd
stop_bits = 1            # 1 or 2
response_timeout = "300 ms" # 50 ms to 5 s: a meter that has not begun to answer by then is silent
gap = "60 ms"            # 0 ms to 1 s: silence between response and next request
retries = 2              # 0 to 5

[[bus.meter]]
name = "main"            # for the log; default "unit" and its address
model = "sdm630"         # docs/hardware.md lists the models
unit = 1                 # Modbus address, 1 to 247
# measures = grid, solar, battery_meter or circuit1 to circuit10, each once. A circuit may have a
# role = "ev", "heatpump" or "other" (default), such as the car on the third CT:
#   { phase = 3, measures = "circuit1", role = "ev" },
# invert = true where the conductor passes the other way round; default false.
channels = [
  { phase = 1, measures = "grid", invert = false },
  { phase = 2, measures = "solar" },
]

[[bus.meter]]
name = "battery"
model = "sdm120"
unit = 244
channels = [ { phase = 1, measures = "battery_meter" } ]

[[bus]]
name = "battery"
kind = "pylontech"
port = "/dev/esshub-can" # an SLCAN adapter
# can = "can0"           # instead of port: a SocketCAN interface, brought up at 500 kbit/s
# tcp = "192.0.2.7:2000" # instead of port: an SLCAN adapter behind a gateway
baud = 115200            # of the SLCAN adapter, 1200 to 2000000
keep_alive = "1 s"       # 200 ms to 5 s: period of the message that keeps the BMS talking
# listen_only = true     # instead of keep_alive, default false: send nothing, beside the inverter
                         # that controls the battery. A SocketCAN interface still acknowledges,
                         # unless `ip link set can0 type can bitrate 500000 listen-only on` is its
                         # set-up

[[bus]]
name = "inverter"
kind = "vebus"
port = "/dev/esshub-mk3"
baud = 2400              # of the MK3 interface, which knows 2400
address = 0              # 0 to 255: VE.Bus device, 0 = the only one or the master
refresh = "800 ms"       # 200 ms to 999 ms: an unchanged setpoint is written again this often
setpoint_interval = "80 ms"  # 50 ms to 999 ms: changed setpoints are written no faster

# Optional: cell voltages and temperatures of every battery module, from the RS485 port of the master.
# They are shown, never controlled by.
# [[bus]]
# name = "cells"
# kind = "pylontech-rs485"
# port = "/dev/esshub-cells"
# baud = 115200            # or 9600, as DIP switch 1 of the master says
# modules = 2              # 1 to 8; there is no default
# first_address = 2        # 2 to 247: of the master; 18 in group 1, 34 in group 2, ...
# sweep_period = "5 s"     # 1 s to 10 s: every module is asked once in it
# response_timeout = "500 ms" # 50 ms to 5 s: a module that has not begun to answer by then is silent
# gap = "250 ms"           # 0 ms to 1 s: silence between response and next request
# retries = 2              # 0 to 5
)";

}  // namespace

std::string example_text() {
  std::string text{head};
  for (const auto& section : sections()) {
    text += '\n' + section_text(section);
    if (section.name == "policy") text += schedule;
    if (section.name == "tariff") text += bands;
  }
  return text + '\n' + std::string{buses};
}

}  // namespace esshub::config
