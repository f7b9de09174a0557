#include "control/rules.hpp"

#include <array>

#include "control/limits.hpp"
#include "control/targets.hpp"

namespace esshub::control {
namespace {

// Safety first: an earlier limit always wins over a later one.
constexpr auto limit_table = std::to_array<Limit>({
    limit_stopping,          // F20, F11, F10: told to stop, failing parts, overrun
    limit_stale,             // F1, F2, F4, F6, F21: a required source is not fresh or not right
    limit_islanded,          // F7, F8: the inverter runs by itself, is off, does not follow
    limit_bms_protection,    // F5, F27: a protection bit, more current than the BMS allows
    limit_bms_enable,        // F5: charge or discharge enable cleared, CCL or DCL 0
    limit_bms_current,       // CCL and DCL times pack voltage
    limit_temperature,       // F28
    limit_charge_voltage,    // CVL and the configured cap
    limit_soc_floor,         // never below, ever
    limit_soc_ceiling,       // never above
    limit_reserve,           // kept for a power cut, more before a storm
    limit_instruction,       // the range of the instruction that rules; keep while cheap
    limit_excluded_load,     // circuits the battery gives nothing for
    limit_inverter_rating,   // what the MultiPlus can do
    limit_derating,          // F7a: what it does of that now
    limit_transfer_switch,   // what AC-in carries
    limit_configured_power,  // what the owner allows
    limit_grid_caps,         // F25: what the connection allows, no export in a lock-out
    limit_slew,              // how fast
});

// Who is heard first: safety > island policy (both are limits above) > these.
constexpr auto target_table = std::to_array<RankedTarget>({
    {target_force_charge},                         // the BMS asks for it: safety
    {target_override, Cause::override_overruled},  // the owner, for a while
    {target_storm_fill},                           // what is missing before bad weather
    {target_full_charge},                          // the BMS asks, or it is time again
    {target_reserve_recharge},                     // what is missing of it
    {target_dispatch, Cause::dispatch_overruled},  // a planner or a remote command
    {target_schedule, Cause::schedule_overruled},  // the weekly plan
    {target_smart, Cause::smart_overruled},        // the planner's marks
    {target_tariff, Cause::tariff_overruled},      // charge or keep while cheap
    {target_self_consumption},                     // Balance: the grid at its setpoint
    {target_idle},
});

}  // namespace

std::span<const Limit> limits() {
  return limit_table;
}
std::span<const RankedTarget> targets() {
  return target_table;
}

}  // namespace esshub::control
