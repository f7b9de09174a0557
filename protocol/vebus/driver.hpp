// Speaks to one MultiPlus-II through an MK3: handshake, state polling, setpoint refresh, recovery.
#pragma once

#include <cstdint>
#include <memory>

#include "protocol/driver.hpp"

namespace esshub::protocol {

struct VebusConfig {
  std::uint8_t address = 0;           ///< Winmon target: 0 = the only device or the L1 master
  Duration refresh = 800ms;           ///< an unchanged setpoint is written again this often (< 1 s)
  Duration setpoint_interval = 80ms;  ///< changed setpoints are written no faster than this
  Watts setpoint_deadband{1.0};       ///< smaller changes wait for the refresh
};

/// The driver of one single-phase unit with the ESS assistant (reference: vebus-mk3#7,
/// vebus-mk3#11).
///
/// Ready means: handshake done and the ESS record found; only then {inverter, controllable} is
/// emitted and setpoints are written. Without the record, with several units, or where setpoints
/// are refused twice, it goes on measuring with Fault::inverter_lost and looks again every 30 s.
/// {inverter, setpoint} is stamped at the acknowledgement; its effect is for others to check.
/// A wake-up that comes more than 1 s late means that the hub stood still. Where the inverter was
/// ready, answers to what was asked before are void, the first valid setpoint that comes within
/// 0.5 s is written before anything else, and then the handshake is made anew.
/// A changed setpoint waits for the transaction under way and for no other; only where setpoints
/// come so often that readings would grow old does one reading come between two of them.
/// A command given before the inverter was ready is never written, but for the switch: off is sent
/// also where setpoints cannot be, and what was switched off here is switched on again by the next
/// follow or release, even across a lost line. A unit found off, with mains present and nothing but
/// a remote command keeping it off, is switched on by a follow: an earlier run ended at the
/// cut-off. The front switch is never argued with.
///
/// Events: mk3_found, ess_found, ess_missing, ess_moved, inverter_unusable, inverter_silent,
/// inverter_back, interface_reset, inverter_switched, inverter_state, inverter_alarms, vebus_error,
/// setpoint_refused (the first and every hundredth), setpoint_accepted, setpoint_impossible,
/// stalled.
[[nodiscard]] std::unique_ptr<Driver> make_vebus_driver(VebusConfig config);

}  // namespace esshub::protocol
