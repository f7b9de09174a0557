#include "sim/command.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <vector>

#include "json/text.hpp"
#include "model/plausible.hpp"

namespace esshub::sim {
namespace {

using Words = std::span<const std::string_view>;
using Parsed = tl::expected<PlantCommand, std::string>;

std::vector<std::string_view> split(std::string_view line) {
  constexpr std::string_view blank = " \t\r\n";
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = line.find_first_not_of(blank);
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    words.push_back(line.substr(0, line.find_first_of(blank)));
    line.remove_prefix(words.back().size());
  }
}

tl::unexpected<std::string> expected(std::string_view what, std::string_view got) {
  return tl::unexpected("expected " + std::string(what) + ", got '" + std::string(got) + "'");
}

tl::expected<double, std::string> number(std::string_view word, double low, double high,
                                         std::string_view unit) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || !(value >= low && value <= high))
    return expected("a number from " + std::to_string(std::lround(low)) + " to " +
                        std::to_string(std::lround(high)) + " (" + std::string(unit) + ")",
                    word);
  return value;
}

tl::expected<bool, std::string> on_off(std::string_view word) {
  if (word == "on") return true;
  if (word == "off") return false;
  return expected("on or off", word);
}

template <class T>
struct Named {
  std::string_view name;
  T value;
};

template <class Table>
auto one_of(const Table& table, std::string_view word)
    -> tl::expected<decltype(table[0].value), std::string> {
  std::string names;
  for (const auto& row : table) {
    if (row.name == word) return row.value;
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return expected("one of " + names, word);
}

constexpr auto bus_words = [] {
  std::array<Named<Bus>, bus_count> words{};
  for (const Bus bus : enum_values<Bus>) words.at(index(bus)) = {name(bus), bus};
  return words;
}();
constexpr std::array fault_names{
    Named<FaultKind>{"none", FaultKind::none},     Named<FaultKind>{"off", FaultKind::off},
    Named<FaultKind>{"drop", FaultKind::drop},     Named<FaultKind>{"garbage", FaultKind::garbage},
    Named<FaultKind>{"stuck", FaultKind::stuck},   Named<FaultKind>{"slow", FaultKind::slow},
    Named<FaultKind>{"unplug", FaultKind::unplug},
};
/// `load` and `pv` differ only in what they set.
Parsed power_or_trace(Words words, void (Plant::*set)(std::optional<Watts>)) {
  if (words[1] == "trace")
    return PlantCommand{[set](Plant& plant) {
      (plant.*set)(std::nullopt);
      return std::string{};
    }};
  const auto watts = number(words[1], 0.0, range::ac_power.high, "W");
  if (!watts) return tl::unexpected(watts.error() + " or 'trace'");
  return PlantCommand{[set, value = Watts{*watts}](Plant& plant) {
    (plant.*set)(value);
    return std::string{};
  }};
}

Parsed parse_load(Words words) {
  return power_or_trace(words, &Plant::set_load);
}

Parsed parse_pv(Words words) {
  return power_or_trace(words, &Plant::set_solar);
}

Parsed parse_soc(Words words) {
  return number(words[1], 0.0, 100.0, "%").map([](double percent) -> PlantCommand {
    return [percent](Plant& plant) {
      plant.house().battery().set_soc(percent);
      return std::string{};
    };
  });
}

Parsed parse_grid(Words words) {
  return on_off(words[1]).map([](bool on) -> PlantCommand {
    return [on](Plant& plant) {
      plant.house().set_grid(on);
      return std::string{};
    };
  });
}

Parsed parse_fault(Words words) {
  const auto bus = one_of(bus_words, words[1]);
  if (!bus) return tl::unexpected(bus.error());
  const auto kind = one_of(fault_names, words[2]);
  if (!kind) return tl::unexpected(kind.error());
  BusFault fault{.kind = *kind};
  const bool percent = *kind == FaultKind::drop || *kind == FaultKind::garbage;
  const bool needs_number = percent || *kind == FaultKind::slow;
  if (needs_number != (words.size() == 4))
    return tl::unexpected("fault " + std::string(words[1]) + " " + std::string(words[2]) +
                          (percent        ? " needs a percentage"
                           : needs_number ? " needs a delay in ms"
                                          : " takes nothing after it"));
  if (needs_number) {
    const auto value =
        percent ? number(words[3], 0.0, 100.0, "%") : number(words[3], 0.0, 60'000.0, "ms");
    if (!value) return tl::unexpected(value.error());
    if (percent) {
      fault.percent = *value;
    } else {
      fault.delay = as_duration(std::chrono::duration<double, std::milli>{*value});
    }
  }
  return PlantCommand{[bus = *bus, fault](Plant& plant) {
    plant.set_fault(bus, fault);
    return std::string{};
  }};
}

/// `bms WHAT NUMBER|auto`
template <class Value>
Parsed parse_bms_number(Words words, std::optional<Value> BmsOverrides::*field, double low,
                        double high, std::string_view unit) {
  if (words.size() != 3)
    return tl::unexpected("expected bms " + std::string(words[1]) + " NUMBER|auto");
  std::optional<Value> value;
  if (words[2] != "auto") {
    const auto told = number(words[2], low, high, unit);
    if (!told) return tl::unexpected(told.error() + " or 'auto'");
    value = Value{*told};
  }
  return PlantCommand{[field, value](Plant& plant) {
    auto overrides = plant.house().battery().overrides();
    overrides.*field = value;
    plant.house().battery().set_overrides(overrides);
    return std::string{};
  }};
}

/// `alarm` and `warning` differ only in what they set.
Parsed parse_bms_flag(Words words, std::uint32_t BmsOverrides::*flags) {
  if (words.size() != 4)
    return tl::unexpected("expected bms " + std::string(words[1]) + " NAME on|off");
  std::vector<Named<BmsFlag>> named;
  each_bit<BmsFlag>([&named](BmsFlag each) { named.push_back({name(each), each}); });
  const auto flag = one_of(named, words[2]);
  if (!flag) return tl::unexpected(flag.error());
  return on_off(words[3]).map([flags, flag = *flag](bool on) -> PlantCommand {
    return [flags, flag, on](Plant& plant) {
      auto overrides = plant.house().battery().overrides();
      const auto bit = static_cast<std::uint32_t>(flag);
      overrides.*flags = on ? overrides.*flags | bit : overrides.*flags & ~bit;
      plant.house().battery().set_overrides(overrides);
      return std::string{};
    };
  });
}

Parsed parse_bms(Words words) {
  if (words[1] == "ccl") return parse_bms_number(words, &BmsOverrides::ccl, 0.0, 500.0, "A");
  if (words[1] == "dcl") return parse_bms_number(words, &BmsOverrides::dcl, 0.0, 500.0, "A");
  if (words[1] == "soc")
    return parse_bms_number(words, &BmsOverrides::soc_percent, 0.0, 65535.0, "%");
  if (words[1] == "temperature")
    return parse_bms_number(words, &BmsOverrides::celsius, -3000.0, 3000.0, "degC");
  if (words[1] == "alarm") return parse_bms_flag(words, &BmsOverrides::protections);
  if (words[1] == "warning") return parse_bms_flag(words, &BmsOverrides::warnings);
  return expected("ccl, dcl, soc, temperature, alarm or warning", words[1]);
}

Parsed parse_ac_out_error(Words words) {
  if (words.size() != 3) return tl::unexpected(std::string("expected inverter ac_out_error W"));
  return number(words[2], range::ac_power.low, range::ac_power.high, "W")
      .map([](double watts) -> PlantCommand {
        return [watts](Plant& plant) {
          plant.house().inverter().set_ac_out_error(Watts{watts});
          return std::string{};
        };
      });
}

Parsed parse_inverter(Words words) {
  if (words[1] == "ac_out_error") return parse_ac_out_error(words);
  if (words[1] != "alarm") return expected("alarm or ac_out_error", words[1]);
  if (words.size() != 4) return tl::unexpected(std::string("expected inverter alarm NAME on|off"));
  struct Alarm {
    std::string name;
    unsigned value;  // its bit
  };
  std::vector<Alarm> named;
  named.reserve(2 * enum_count<VebusAlarm>);
  for (const auto alarm : enum_values<VebusAlarm>)
    named.push_back({std::string{name(alarm)} + "_warning", warning_bit(alarm)});
  for (const auto alarm : enum_values<VebusAlarm>)
    named.push_back({std::string{name(alarm)}, alarm_bit(alarm)});
  const auto bit = one_of(named, words[2]);
  if (!bit) return tl::unexpected(bit.error());
  return on_off(words[3]).map([bit = *bit](bool on) -> PlantCommand {
    return [bit, on](Plant& plant) {
      auto& inverter = plant.house().inverter();
      const unsigned bits = on ? inverter.shown_alarms() | bit : inverter.shown_alarms() & ~bit;
      inverter.set_alarms(static_cast<std::uint8_t>(bits));
      return std::string{};
    };
  });
}

Parsed parse_ct(Words words) {
  const std::string_view how = words[1];
  if (how != "right" && how != "reversed" && how != "off")
    return expected("right, reversed or off", words[1]);
  return PlantCommand{[reversed = how == "reversed", off = how == "off"](Plant& plant) {
    plant.house().set_grid_ct_reversed(reversed);
    plant.house().set_grid_clamp_off(off);
    return std::string{};
  }};
}

Parsed parse_state(Words) {
  return PlantCommand{[](Plant& plant) { return json_text(state(plant)); }};
}

Parsed parse_help(Words);

struct Verb {
  std::string_view name;
  std::size_t least;  ///< words, the verb included
  std::size_t most;
  Parsed (*parse)(Words);
  std::string_view usage;
  std::string_view meaning;
};
constexpr std::array verbs{
    Verb{"load", 2, 2, parse_load, "load W|trace", "house load, or back to the trace"},
    Verb{"pv", 2, 2, parse_pv, "pv W|trace", "solar power, or back to the trace"},
    Verb{"soc", 2, 2, parse_soc, "soc PERCENT", "state of charge of the battery"},
    Verb{"grid", 2, 2, parse_grid, "grid on|off", "public grid"},
    Verb{"fault", 3, 4, parse_fault,
         "fault meters|battery|inverter none|off|drop P|garbage P|stuck|slow MS|unplug",
         "what is wrong with a bus"},
    Verb{"bms", 3, 4, parse_bms,
         "bms ccl A|auto, bms dcl A|auto, bms soc PERCENT|auto, bms temperature C|auto, "
         "bms alarm NAME on|off, bms warning NAME on|off",
         "what the BMS says"},
    Verb{"inverter", 3, 4, parse_inverter, "inverter alarm NAME on|off, inverter ac_out_error W",
         "what the inverter complains of; by how much its word for the load on AC-out is wrong"},
    Verb{
        "ct", 2, 2, parse_ct, "ct right|reversed|off",
        "which way round the grid meter's CT is: reversed shows import as export, off exactly 0 W"},
    Verb{"state", 1, 1, parse_state, "state", "the truth as JSON"},
    Verb{"help", 1, 1, parse_help, "help", "this list"},
};

Parsed parse_help(Words) {
  return PlantCommand{[](Plant&) {
    std::string text;
    for (const auto& verb : verbs) {
      if (!text.empty()) text += " | ";
      text += verb.usage;
    }
    return text;
  }};
}

}  // namespace

tl::expected<PlantCommand, std::string> parse_command(std::string_view line) {
  const auto words = split(line);
  std::string names;
  for (const auto& verb : verbs) {
    if (!words.empty() && words.front() == verb.name) {
      if (words.size() < verb.least || words.size() > verb.most)
        return tl::unexpected("expected " + std::string(verb.usage));
      return verb.parse(words);
    }
    if (!names.empty()) names += ", ";
    names += verb.name;
  }
  if (words.empty()) return tl::unexpected("expected one of " + names);
  return expected("one of " + names, words.front());
}

std::string answer(Plant& plant, std::string_view line) {
  const auto command = parse_command(line);
  if (!command) return "error " + command.error();
  const auto said = (*command)(plant);
  return said.empty() ? "ok" : "ok " + said;
}

nlohmann::json state(const Plant& plant) {
  const auto& house = plant.house();
  const auto& truth = house.truth();
  const auto& battery = house.battery_truth();
  const auto& inverter = house.inverter_truth();
  const auto& command = house.command();
  const Hours hours = truth.since_start;
  nlohmann::json json;
  json["time_s"] = Seconds{truth.since_start}.count();
  json["grid_on"] = truth.grid_on;
  json["grid_w"] = truth.grid.value();
  json["solar_w"] = truth.solar.value();
  json["load_w"] = truth.load.value();
  json["ac_out_w"] = truth.ac_out.value();
  json["inverter_w"] = truth.drawn.value();
  json["battery_w"] = inverter.battery_ac.value();
  json["battery_v"] = battery.voltage.value();
  json["battery_a"] = battery.current.value();
  json["soc_percent"] = battery.soc_percent;
  json["ccl_a"] = battery.ccl.value();
  json["dcl_a"] = battery.dcl.value();
  json["inverter_state"] = name(inverter.state);
  json["setpoint_w"] = nullptr;
  if (command.setpoint) json["setpoint_w"] = command.setpoint->value();
  json["setpoint_writes"] = command.setpoint_writes;
  json["import_wh"] = truth.import.value();
  json["export_wh"] = truth.export_.value();
  json["mean_abs_grid_w"] = hours.count() > 0.0 ? truth.absolute.value() / hours.count() : 0.0;
  return json;
}

std::string command_help() {
  std::string lines;
  for (const auto& verb : verbs) {
    lines += "  ";
    lines += verb.usage;
    lines += "\n      ";
    lines += verb.meaning;
    lines += "\n";
  }
  return lines;
}

}  // namespace esshub::sim
