#include "control/rules.hpp"

#include <array>

#include "control/limits.hpp"
#include "control/targets.hpp"

namespace esshub::control {
namespace {

// Safety first: an earlier limit always wins over a later one.
constexpr std::array<Limit, 14> limit_table{
    limit_stopping,          // F20, F11, F10: told to stop, failing parts, overrun
    limit_stale,             // F1, F2, F4, F6: a required source is not fresh
    limit_islanded,          // F7, F8: the inverter runs by itself, is off, does not follow
    limit_bms_protection,    // F5: a protection bit
    limit_bms_enable,        // F5: charge or discharge enable cleared, CCL or DCL 0
    limit_bms_current,       // CCL and DCL times pack voltage
    limit_charge_voltage,    // CVL and the configured cap
    limit_soc_floor,         // never below, ever
    limit_soc_ceiling,       // never above
    limit_reserve,           // kept for a power cut
    limit_inverter_rating,   // what the MultiPlus can do
    limit_configured_power,  // what the owner allows
    limit_grid_caps,         // what the connection allows
    limit_slew,              // how fast
};

constexpr std::array<Target, 3> target_table{
    target_force_charge,      // the BMS asks for it
    target_self_consumption,  // hold the grid at its setpoint
    target_idle,
};

}  // namespace

std::span<const Limit> limits() {
  return limit_table;
}
std::span<const Target> targets() {
  return target_table;
}

}  // namespace esshub::control
