#include "publish/mqtt/outlook.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include "model/same_action.hpp"

#include "publish/history/collector.hpp"

namespace esshub::publish {
namespace {

constexpr auto planned_ahead = std::chrono::hours(48);

std::optional<DayRow> today_of(const View& view, HistoryReader& history) {
  const auto days = history.days(1);
  if (!days) return std::nullopt;
  const auto date = local_date(view);
  if (!days->empty() && days->back().date == date) return days->back();
  DayRow none;
  none.date = date;
  return none;
}

template <class... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

}  // namespace

Outlook outlook_at(const View& view, HouseFacts house, HistoryReader* history,
                   const PlanSource& plan) {
  Outlook outlook{std::move(house), view.now, std::nullopt, {}, {}};
  if (!view.local.trusted) return outlook;
  if (history) outlook.today = today_of(view, *history);
  if (plan) outlook.plan = plan(view.wall, view.wall + planned_ahead);
  return outlook;
}

std::optional<PlanSpan> next_action(const std::vector<PlanSpan>& plan, WallTime now) {
  const auto current = std::ranges::find_if(plan, [&](const PlanSpan& s) { return now < s.end; });
  const auto next = std::find_if(current, plan.end(), [&](const PlanSpan& s) {
    if (s.authority != current->authority) return true;
    // The Smart plan's marks are others in each quarter of an hour: no action each.
    if (s.authority == Authority::smart) return !same_action(s.instruction, current->instruction);
    return s.instruction != current->instruction;
  });
  return next == plan.end() ? std::nullopt : std::optional{*next};
}

std::string words(const Instruction& instruction) {
  std::string name{esshub::name(instruction.kind)};
  switch (instruction.kind) {
    case InstructionKind::charge:
    case InstructionKind::discharge:
      return name + formatted(" to %.0f %% with %.0f W", instruction.target.percent(),
                              instruction.power.value());
    case InstructionKind::balance:
    case InstructionKind::idle:
      break;
  }
  // All that is in it is kept, as in a cheap night.
  if (instruction.low >= instruction.high) return "keep the charge";
  if (instruction.low == Instruction{}.low && instruction.high == Instruction{}.high) return name;
  return name + formatted(" between %.0f and %.0f %%", instruction.low.percent(),
                          instruction.high.percent());
}

std::string moment_text(WallTime at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{seconds - day};
  return formatted("%04d-%02u-%02uT%02d:%02d:%02d+00:00", static_cast<int>(date.year()),
                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                   static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                   static_cast<int>(time.seconds().count()));
}

}  // namespace esshub::publish
