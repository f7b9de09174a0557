// Episode: plays a plan: house, wires, machine and hub together, in virtual time in one thread.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "sim/storm/coverage.hpp"
#include "sim/storm/plan.hpp"

namespace esshub::sim::storm {

/// Time of the processor by part, seconds.
struct PartTimes {
  double plant = 0.0;    ///< house, devices, wires
  double hub = 0.0;      ///< drivers, control, supervision, commands, state file
  double history = 0.0;  ///< its thread: SQLite
  double judging = 0.0;  ///< taps, checks, record
};

struct EpisodeOptions {
  std::ostream* record = nullptr;  ///< docs/storm-record.md
  std::ostream* trace = nullptr;   ///< what happens, a line each, for a person
  PartTimes* times = nullptr;      ///< measured only if given: it costs
  unsigned number = 1;             ///< of the episode, in the record
};

struct EpisodeResult {
  std::optional<std::string> broken;  ///< the first promise
  std::uint64_t hash = 0;             ///< of what was sent on all wires, and of all decisions
  std::uint64_t ticks = 0;
  Coverage coverage;
};

[[nodiscard]] EpisodeResult play(const Plan& plan, const EpisodeOptions& options = {});

}  // namespace esshub::sim::storm
