#include "publish/live_table.hpp"

#include <array>
#include <cmath>
#include <cstdio>

#include "model/published_values.hpp"
#include "publish/wrapped.hpp"

namespace esshub::publish {
namespace {

using V = ValueId;

struct Column {
  ValueId id;
  const char* title;
  int width;
};

constexpr auto columns = std::to_array<Column>({
    {V::grid_power, "grid W", 6},
    {V::solar_power, "solar W", 7},
    {V::house_power, "house W", 7},
    {V::battery_command, "command W", 9},
    {V::battery_power, "battery W", 9},
    {V::battery_soc, "SOC %", 5},
    {V::setpoint, "setpoint W", 10},
});
static_assert(
    accounts_for_every_value(
        columns,
        {{"one line a second has no room for it", device_details},
         {"it hardly changes from line to line", totals_since_installed},
         {"it hardly changes from line to line",
          {V::battery_soh, V::mode, V::instruction, V::authority, V::reserve_in_force, V::floor,
           V::ceiling, V::cutoff, V::backup_left, V::import_price, V::export_price}},
         {"the reasons tell it", {V::battery_proposed, V::inverter_mode, V::mains}},
         {"the line ends with them in words", {V::reason, V::faults, V::problem}},
         {"the command and what became of it are there",
          {V::inverter_power, V::ac_out_power, V::setpoint_acknowledged, V::inverter_state}}}),
    "every published value has a column or a reason to have none");
constexpr int time_width = 8;
constexpr std::size_t row_width = 120;

std::string cell(std::optional<double> value, int width) {
  std::array<char, 48> text{};
  if (!value) {
    std::snprintf(text.data(), text.size(), " %*s", width, "--");
  } else {
    // Adding 0.0 turns a rounded "-0" into "0".
    std::snprintf(text.data(), text.size(), " %*.0f", width, std::round(*value) + 0.0);
  }
  return text.data();
}

std::string faults(const View& view) {
  std::string text;
  for (const Fault fault : enum_values<Fault>) {
    const auto since = view.decision.faults.since(fault);
    // Information may stand for good, as a clock that nothing sets.
    if (!since || severity(fault) == Severity::info) continue;
    text += " | " + std::string{name(severity(fault))} + ": " + std::string{title(fault)};
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(view.now - *since).count();
    text += " for " + std::to_string(age) + " s";
  }
  return text;
}

std::string padded(std::string_view text, std::size_t width) {
  std::string result{text};
  if (result.size() < width) result.append(width - result.size(), ' ');
  return result;
}

}  // namespace

std::string live_legend() {
  return "signs: grid + = import, solar + = generation, command, battery and setpoint + = "
         "charging; "
         "-- is not known";
}

std::string live_header() {
  std::string line = padded("time", time_width);
  for (const auto& column : columns) {
    const std::string_view title = column.title;
    line += " " + std::string(static_cast<std::size_t>(column.width) - title.size(), ' ');
    line += title;
  }
  return line + "  why";
}

std::string live_row(const View& view, std::string_view time) {
  std::string line = padded(time, time_width);
  for (const auto& column : columns) line += cell(number_of(view, column.id), column.width);
  line += "  ";
  const std::string indent(line.size(), ' ');
  const auto why = wrapped(text_of(view, V::reason).value_or("no decision yet") + faults(view),
                           row_width - line.size());
  for (std::size_t i = 0; i < why.size(); ++i) line += (i > 0 ? "\n" + indent : "") + why[i];
  return line;
}

std::string live_information(const View& view) {
  std::string text;
  for (const Fault fault : enum_values<Fault>)
    if (view.decision.faults.active(fault) && severity(fault) == Severity::info)
      text += (text.empty() ? "" : "; ") + std::string{title(fault)};
  return text;
}

}  // namespace esshub::publish
