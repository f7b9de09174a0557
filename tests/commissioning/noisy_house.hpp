// A house for the commissioning tests: inverter, loads, clouds and meters in steps of 50 ms, and
// what is true of each clamp. Made from facts of such houses, not from the estimator's own model.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "commissioning/findings.hpp"
#include "commissioning/steps.hpp"

namespace esshub::commissioning::tests {

/// What is really at a channel's clamp.
enum class Conductor : std::uint8_t { grid, solar, battery, spare };

enum class Trouble : std::uint8_t {
  none,
  twice,        ///< one clamp's ratio set to twice of what it is
  dead,         ///< one clamp shows nothing
  wrong_phase,  ///< one channel has its voltage from another phase
  three_wire,   ///< the meter of the first three channels is set to 3P3W, with all on one phase
};

struct Case {
  /// By channel: grid, solar, battery_meter, circuit1 of the configuration.
  std::array<Conductor, 4> at{Conductor::grid, Conductor::solar, Conductor::battery,
                              Conductor::spare};
  std::array<bool, 4> reversed{};
  Trouble trouble = Trouble::none;
  std::size_t troubled = 0;  ///< the channel
  bool day = true;
  bool calm = false;  ///< nobody switches anything; the sun has thin clouds
  Watts power = usual_power;
  std::optional<Watts> export_limit;  ///< held by the solar inverter at the grid connection
  Seconds limit_late{};               ///< it follows the house so much later
  bool limit_hunts = false;           ///< and never quite gets there
  bool told_no_limit = true;          ///< `--no-export-limit`
  std::uint64_t seed = 1;
};

/// The 48 wirings of three clamps: six orders, eight sets of signs. `n` from 0 to 47.
[[nodiscard]] Case wiring(std::size_t n);

struct Run {
  Measured measured;
  std::array<double, 4> mean{};  ///< W, true mean of each channel's conductor
  std::array<double, 4> peak{};  ///< W, its largest
};
[[nodiscard]] Run play(const Case& c);

enum class Score : std::uint8_t { right, not_sure, wrong };
/// Of one channel: right is all that can be told of it, wrong is anything said that is not so.
[[nodiscard]] Score score(const Case& c, const Run& run, const Findings& findings,
                          std::size_t channel);
/// For messages.
[[nodiscard]] std::string text(const Case& c, const Findings& findings);

}  // namespace esshub::commissioning::tests
