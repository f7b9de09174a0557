// What the steps showed of each channel, of the meters, of the inverter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "commissioning/track.hpp"
#include "model/sample.hpp"

namespace esshub::commissioning {

enum class Role : std::uint8_t {
  not_sure,
  grid,
  solar,
  battery_line,  ///< the conductor to the inverter
  spare,         ///< a circuit of the house
  no_current,    ///< nothing flows in it: dead, unloaded, or solar at night; they look alike
};
[[nodiscard]] const char* name(Role role);  ///< "grid", "battery line", ...

enum class Sign : std::uint8_t { open, right, reversed };
/// What is shown for each watt there is.
enum class Ratio : std::uint8_t { open, one, twice, half };

/// What was measured while the steps were made. Powers as the hub publishes them, its `invert`
/// applied; signs: grid + = import, solar + = generation, battery and inverter + = charging.
struct Measured {
  struct Channel {
    Point point{};
    std::vector<PowerReading> readings;
  };
  std::vector<Channel> channels;
  std::vector<PowerReading> inverter;    ///< its own measurement at AC-in
  std::vector<PowerReading> commanded;   ///< what the battery was ordered, from when on
  std::vector<PowerReading> conversion;  ///< AC side of the battery's conversion, by the inverter
  std::vector<PowerReading> battery_dc;  ///< at the battery's terminals, by its BMS
  /// No solar inverter holds an export limit now: none has one, it is off, or it is dark.
  bool no_export_limit = false;
};

struct ChannelFinding {
  Point point{};
  Role role = Role::not_sure;
  Role likely = Role::not_sure;  ///< where it is not sure: what it looks like
  Sign sign = Sign::open;
  Ratio ratio = Ratio::open;
  double gain = 0.0;           ///< W shown for each W of the inverter
  double gain_error = 0.0;     ///< standard deviation
  Watts mean{};                ///< its median while it was watched
  std::optional<Seconds> lag;  ///< behind the inverter's own measurement, where it follows
  std::string found;           ///< in words
  std::string change;          ///< what to change, in words; empty: nothing
};

struct Findings {
  std::vector<ChannelFinding> channels;
  std::optional<Watts> swing;   ///< of the inverter, by its own measurement
  std::optional<Seconds> dead;  ///< from an order to the first tenth of its answer
  std::optional<WattsPerSecond> ramp;
  std::optional<Watts> loss_resting;      ///< taken from the battery while it rests
  std::optional<Watts> loss_discharging;  ///< between its terminals and AC
  bool enough = false;         ///< the inverter was seen to move; without it no channel is judged
  bool limit_possible = true;  ///< a solar inverter may hold an export limit
};

/// Names what is certain and nothing else.
[[nodiscard]] Findings judge(const Measured& measured);

}  // namespace esshub::commissioning
