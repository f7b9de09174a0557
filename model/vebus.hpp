// VE.Bus words: what the diagnostic measures of a MultiPlus mean. Shown to people; control goes by
// InverterStatus alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/enums.hpp"

namespace esshub {

/// Measure::main_state (reference: vebus-mk3#8.1).
enum class VebusState : std::uint8_t {
  down = 0,
  startup = 1,
  off = 2,
  slave = 3,
  invert_full = 4,
  invert_half = 5,
  invert_search = 6,
  power_assist = 7,
  passthru = 8,
  charge = 9,
};
[[nodiscard]] std::string_view name(VebusState state);  ///< "passthru", ..., "?" for no such state

/// Measure::charge_state, the sub-state while charging (reference: vebus-mk3#8.1).
enum class VebusChargeState : std::uint8_t {
  init,
  bulk,
  absorption,
  float_,
  storage,
  repeated_absorption,
  forced_absorption,
  equalise,
  bulk_stopped,
};
[[nodiscard]] std::string_view name(
    VebusChargeState state);  ///< "bulk", ..., "?" for no such state

/// What Measure::alarms tells of: bit n warns of the n-th, bit n + 4 is its alarm
/// (reference: vebus-mk3#3.3).
enum class VebusAlarm : std::uint8_t { temperature, low_battery, overload, dc_ripple };
[[nodiscard]] std::string_view name(VebusAlarm alarm);  ///< "low_battery"
[[nodiscard]] constexpr std::uint32_t warning_bit(VebusAlarm alarm) {
  return 1u << static_cast<unsigned>(alarm);
}
[[nodiscard]] constexpr std::uint32_t alarm_bit(VebusAlarm alarm) {
  return warning_bit(alarm) << 4;
}

/// The VebusState or VebusChargeState of this number; nothing where there is none.
template <class State>
[[nodiscard]] std::optional<State> state_of(double number) {
  if (!(number >= 0.0 && number < static_cast<double>(enum_count<State>))) return std::nullopt;
  return static_cast<State>(number);
}

}  // namespace esshub
