// SavedSafety: what safety remembers, in a form that outlives program and machine (I12).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/safety_memory.hpp"
#include "service/supervision.hpp"

namespace esshub::service {

/// What the control and the supervision of one run remember, by its clock.
struct SafetyMemories {
  SafetyMemory control;
  SupervisionMemory supervision;
  friend bool operator==(const SafetyMemories&, const SafetyMemories&) = default;
};

/// The same as spans of time, for no steady clock outlives the machine's start.
struct SavedSafety {
  bool cutoff = false;
  bool switch_on = false;
  std::optional<Duration> cutoff_reset_left{};
  bool meter_reversed = false;
  std::optional<Duration> meter_rest_left{};
  // In running time: they stand still while the hub does not run.
  std::vector<Duration> excursions_ago{};
  std::optional<Duration> lockout_left{};
  std::optional<Duration> hold_left{};
  struct Part {
    std::string name;
    std::vector<Duration> died_ago;
    friend bool operator==(const Part&, const Part&) = default;
  };
  std::vector<Part> parts{};
  friend bool operator==(const SavedSafety&, const SavedSafety&) = default;
};

/// Nothing where nothing is remembered.
[[nodiscard]] std::optional<SavedSafety> save_safety(const SafetyMemories& memories, Instant now);
/// As of now; `passed` since it was saved, as far as that is known.
[[nodiscard]] SafetyMemories recall_safety(const SavedSafety& saved, Duration passed, Instant now);
/// "cutoff=latched meter_rest_left_s=812 hold_left_s=1200 deaths=4", for the log.
[[nodiscard]] std::string log_text(const SafetyMemories& memories, Instant now);

}  // namespace esshub::service
