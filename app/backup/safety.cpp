#include "app/backup/safety.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace esshub::app {
namespace {

using service::SavedSafety;
using service::SavedState;

/// Nothing is the shortest.
std::optional<Duration> longer(const std::optional<Duration>& a, const std::optional<Duration>& b) {
  return std::max(a, b);
}

}  // namespace

SavedSafety stricter(const SavedSafety& here, const SavedSafety& restored) {
  SavedSafety both = here;
  both.cutoff = here.cutoff || restored.cutoff;
  both.switch_on = !both.cutoff && (here.switch_on || restored.switch_on);
  if (both.cutoff) both.cutoff_reset_left.reset();
  both.meter_reversed = here.meter_reversed || restored.meter_reversed;
  both.meter_rest_left = longer(here.meter_rest_left, restored.meter_rest_left);
  both.lockout_left = longer(here.lockout_left, restored.lockout_left);
  both.hold_left = longer(here.hold_left, restored.hold_left);
  // Oldest first; the newest that are enough for a lock-out are remembered. What both know as of
  // the same moment (the same backup restored twice) is one.
  auto known = restored.excursions_ago;
  std::ranges::sort(known, std::greater{});
  std::ranges::sort(both.excursions_ago, std::greater{});
  std::vector<Duration> excursions;
  std::ranges::set_union(both.excursions_ago, known, std::back_inserter(excursions),
                         std::greater{});
  constexpr auto remembered = std::tuple_size_v<decltype(SafetyMemory::export_excursions)>;
  if (excursions.size() > remembered)
    excursions.erase(excursions.begin(),
                     excursions.end() - static_cast<std::ptrdiff_t>(remembered));
  both.excursions_ago = std::move(excursions);
  for (const auto& part : restored.parts) {
    const auto same = std::ranges::find(both.parts, part.name, &SavedSafety::Part::name);
    if (same == both.parts.end())
      both.parts.push_back(part);
    else if (part.died_ago.size() > same->died_ago.size())
      *same = part;
  }
  return both;
}

std::optional<SavedState> state_here(const std::string& text) {
  if (auto whole = service::decode_state(text)) return *std::move(whole);
  const auto j = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!j.is_object()) return std::nullopt;
  auto part = nlohmann::json::object();
  for (const char* key : {"saved_at", "safety"})
    if (j.contains(key)) part[key] = j[key];
  auto state = service::decode_state(part.dump());
  return state ? std::optional{*std::move(state)} : std::nullopt;
}

std::optional<SavedState> state_to_restore(const std::optional<SavedState>& restored,
                                           const std::optional<SavedState>& here, WallTime now) {
  const auto safety_of = [](const std::optional<SavedState>& state) {
    return state ? state->safety : std::optional<SavedSafety>{};
  };
  auto safety = safety_of(here);
  if (const auto older = safety_of(restored))
    safety = stricter(safety.value_or(SavedSafety{}), *older);
  if (!restored && !safety) return std::nullopt;
  SavedState state = restored ? *restored : SavedState{.saved_at = here->saved_at};
  state.safety = std::move(safety);
  if (state.manual && state.manual->until <= now) state.manual.reset();
  if (state.storm && state.storm->until <= now) state.storm.reset();
  // Two moments in one file: no clock of the machine counts from both.
  state.boot_id.clear();
  state.boot_time = {};
  return state;
}

}  // namespace esshub::app
