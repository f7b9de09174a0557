#include "service/saved_safety.hpp"

#include <algorithm>
#include <cstddef>

namespace esshub::service {

std::optional<SavedSafety> save_safety(const SafetyMemories& memories, const std::string& boot_id,
                                       const Moment& now) {
  const auto& [control, supervision] = memories;
  if (!control.cutoff && !control.switch_on && !control.meter_reversed && !supervision.hold_until &&
      supervision.parts.empty())
    return std::nullopt;
  const auto left = [&](const std::optional<Instant>& until) -> std::optional<Duration> {
    if (!until || *until <= now.steady) return std::nullopt;
    return *until - now.steady;
  };
  SavedSafety saved{.boot_id = boot_id,
                    .boot_time = now.boot_time,
                    .cutoff = control.cutoff,
                    .switch_on = control.switch_on,
                    .meter_reversed = control.meter_reversed,
                    .meter_rest_left = left(control.meter_rest_until),
                    .hold_left = left(supervision.hold_until)};
  for (const auto& part : supervision.parts) {
    saved.parts.push_back({part.name, {}});
    for (const Instant death : part.deaths)
      saved.parts.back().died_ago.push_back(std::max(now.steady - death, Duration{}));
  }
  return saved;
}

SafetyMemories recall_safety(const SavedSafety& saved, const std::string& boot_id,
                             const Moment& now) {
  const bool same_start = !boot_id.empty() && saved.boot_id == boot_id;
  const Duration since =
      same_start ? std::max(now.boot_time - saved.boot_time, Duration{}) : Duration{};
  const auto until = [&](const std::optional<Duration>& left) -> std::optional<Instant> {
    if (!left || *left <= since) return std::nullopt;
    return now.steady + *left - since;
  };
  SafetyMemories memories{.control = {.cutoff = saved.cutoff,
                                      .switch_on = saved.switch_on,
                                      .meter_reversed = saved.meter_reversed,
                                      .meter_rest_until = until(saved.meter_rest_left)},
                          .supervision = {.parts = {}, .hold_until = until(saved.hold_left)}};
  for (const auto& part : saved.parts) {
    memories.supervision.parts.push_back({part.name, {}});
    for (const Duration ago : part.died_ago)
      memories.supervision.parts.back().deaths.push_back(now.steady - since - ago);
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
  if (control.meter_reversed) add("grid_meter=reversed");
  if (control.meter_rest_until) add("meter_rest_left_s=" + seconds(*control.meter_rest_until));
  if (supervision.hold_until) add("hold_left_s=" + seconds(*supervision.hold_until));
  std::size_t deaths = 0;
  for (const auto& part : supervision.parts) deaths += part.deaths.size();
  if (deaths > 0) add("deaths=" + std::to_string(deaths));
  return text;
}

}  // namespace esshub::service
