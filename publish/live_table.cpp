#include "publish/live_table.hpp"

#include <array>
#include <cmath>
#include <cstdio>

#include "publish/derived.hpp"

namespace esshub::publish {
namespace {

struct Column {
  const char* title;
  int width;
  int decimals;
  std::optional<double> (*value)(const View&);
};

constexpr std::array<Column, 7> columns{{
    {"grid W", 8, 0, [](const View& v) { return v.current(Point::grid, Measure::power); }},
    {"solar W", 8, 0, [](const View& v) { return v.current(Point::solar, Measure::power); }},
    {"house W", 8, 0, &house_load_w},
    {"command W", 10, 0, &battery_command_w},
    {"battery W", 10, 0, &battery_power_w},
    {"SOC %", 6, 0, [](const View& v) { return v.current(Point::battery, Measure::soc); }},
    {"setpoint W", 11, 0, &setpoint_w},
}};
constexpr int time_width = 8;

std::string cell(std::optional<double> value, int width, int decimals) {
  std::array<char, 48> text{};
  if (!value) {
    std::snprintf(text.data(), text.size(), " %*s", width, "--");
  } else {
    // Adding 0.0 turns a rounded "-0" into "0".
    std::snprintf(text.data(), text.size(), " %*.*f", width, decimals, std::round(*value) + 0.0);
  }
  return text.data();
}

std::string why(const View& view) {
  std::string text;
  for (const auto& reason : view.decision.reasons) {
    // What keeps the battery at rest says more than that it rests.
    if (reason.cause == Cause::idle && view.decision.reasons.size() > 1) continue;
    if (!text.empty()) text += "; ";
    text += phrase(reason.cause);
  }
  return text.empty() ? "no decision yet" : text;
}

std::string faults(const View& view) {
  std::string text;
  for (const Fault fault : enum_values<Fault>) {
    const auto since = view.decision.faults.since(fault);
    if (!since) continue;
    text += " | " + std::string{name(severity(fault))} + ": " + std::string{name(fault)};
    if (severity(fault) == Severity::info) continue;  // nothing to act on: no need to count seconds
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
  for (const auto& column : columns)
    line += cell(column.value(view), column.width, column.decimals);
  return line + "  " + why(view) + faults(view);
}

}  // namespace esshub::publish
