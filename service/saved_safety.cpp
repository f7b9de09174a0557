#include "service/saved_safety.hpp"

#include <algorithm>
#include <cstddef>

namespace esshub::service {

std::optional<SavedSafety> save_safety(const SafetyMemories& memories, Instant now) {
  const auto& [control, supervision] = memories;
  if (!control.cutoff && !control.switch_on && !control.cutoff_reset_until &&
      !control.meter_reversed && !control.export_excursions.back() &&
      !control.export_locked_until && !supervision.hold_until && supervision.parts.empty())
    return std::nullopt;
  const auto left = [&](const std::optional<Instant>& until) -> std::optional<Duration> {
    if (!until || *until <= now) return std::nullopt;
    return *until - now;
  };
  SavedSafety saved{.cutoff = control.cutoff,
                    .switch_on = control.switch_on,
                    .cutoff_reset_left = left(control.cutoff_reset_until),
                    .meter_reversed = control.meter_reversed,
                    .meter_rest_left = left(control.meter_rest_until),
                    .lockout_left = left(control.export_locked_until),
                    .hold_left = left(supervision.hold_until)};
  for (const auto& excursion : control.export_excursions)
    if (excursion) saved.excursions_ago.push_back(std::clamp<Duration>(now - *excursion, 0s, 24h));
  for (const auto& part : supervision.parts) {
    saved.parts.push_back({part.name, {}});
    for (const Instant death : part.deaths)
      saved.parts.back().died_ago.push_back(std::max(now - death, Duration{}));
  }
  return saved;
}

SafetyMemories recall_safety(const SavedSafety& saved, Duration passed, Instant now) {
  const auto until = [&](const std::optional<Duration>& left) -> std::optional<Instant> {
    if (!left || *left <= passed) return std::nullopt;
    return now + *left - passed;
  };
  SafetyMemories memories{.control = {.cutoff = saved.cutoff,
                                      .switch_on = saved.switch_on,
                                      .cutoff_reset_until = until(saved.cutoff_reset_left),
                                      .meter_reversed = saved.meter_reversed,
                                      .meter_rest_until = until(saved.meter_rest_left)},
                          .supervision = {.parts = {}, .hold_until = until(saved.hold_left)}};
  if (saved.lockout_left) memories.control.export_locked_until = now + *saved.lockout_left;
  auto& excursions = memories.control.export_excursions;
  for (const Duration ago : saved.excursions_ago) excursions = {excursions.back(), now - ago};
  for (const auto& part : saved.parts) {
    memories.supervision.parts.push_back({part.name, {}});
    for (const Duration ago : part.died_ago)
      memories.supervision.parts.back().deaths.push_back(now - passed - ago);
  }
  return memories;
}

std::string log_text(const SafetyMemories& memories, Instant now) {
  const auto& [control, supervision] = memories;
  std::string text;
  const auto add = [&](const std::string& one) { text += (text.empty() ? "" : " ") + one; };
  const auto seconds = [&](Instant until) { return std::to_string((until - now) / 1s); };
  if (control.cutoff) add("cutoff=latched");
  if (control.switch_on) add("cutoff=ended");
  if (control.cutoff_reset_until)
    add("cutoff_reset_left_s=" + seconds(*control.cutoff_reset_until));
  if (control.meter_reversed) add("grid_meter=reversed");
  if (control.meter_rest_until) add("meter_rest_left_s=" + seconds(*control.meter_rest_until));
  const auto& excursions = control.export_excursions;
  const auto counted = std::count_if(excursions.begin(), excursions.end(),
                                     [](const auto& excursion) { return excursion.has_value(); });
  if (counted > 0) add("export_excursions=" + std::to_string(counted));
  if (control.export_locked_until)
    add("export_lockout_left_s=" + seconds(*control.export_locked_until));
  if (supervision.hold_until) add("hold_left_s=" + seconds(*supervision.hold_until));
  std::size_t deaths = 0;
  for (const auto& part : supervision.parts) deaths += part.deaths.size();
  if (deaths > 0) add("deaths=" + std::to_string(deaths));
  return text;
}

}  // namespace esshub::service
