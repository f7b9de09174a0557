// Observation: what the tick knows for certain. Made once a tick by observe(); the rules only read
// them.
#pragma once

#include <optional>

#include "control/memory.hpp"
#include "control/step.hpp"

namespace esshub::control {

struct Observation {
  bool grid_ok = false;       ///< grid meter trusted
  bool bms_ok = false;        ///< BMS trusted: the battery values below are current
  bool inverter_ok = false;   ///< inverter controllable and reporting
  bool inverter_off = false;  ///< it is off, by a switch or by a fault of its own
  bool inverter_on = false;   ///< it says that it is neither
  bool islanded = false;      ///< the inverter feeds the loads without mains

  std::optional<Watts> ac_out;  ///< loads behind the inverter (AcOutCheck)
  /// After a stall of the hub (Inputs::stall): the same as known before it, if the inverter was
  /// then controllable and tied to the grid. Good for one thing: to let the battery rest.
  std::optional<Watts> ac_out_before;
  std::optional<Watts> rest;  ///< grid power if the battery rested, time-aligned

  Soc soc;           ///< what rules: the lower one while the BMS's word is in doubt (F18)
  Soc reported_soc;  ///< the BMS's word
  Volts voltage;
  Volts cvl;
  Amperes ccl;
  Amperes dcl;
  bool charge_enabled = true;     ///< BMS request flag; a stack without the flag uses CCL
  bool discharge_enabled = true;  ///< the same with DCL
  bool charge_protected = false;  ///< a protection that forbids charging, or its 10 s after
  bool discharge_protected = false;
  bool force_charge = false;
  bool full_charge_asked = false;       ///< by the BMS
  std::optional<Duration> backup_left;  ///< to the cut-off at the present draw
};

/// Holds a direction whose SOC limit is reached until the SOC is past its hysteresis again. The
/// reserve is the configured one unless another is in force.
void hold_soc(const Settings& settings, const Observation& observation, Memory& memory,
              std::optional<Soc> reserve = {});

/// Judges the sources, updates latches and faults in memory, estimates the load.
[[nodiscard]] Observation observe(const Inputs& inputs, Memory& memory);

/// The other half of a step: the rules alone, for an observation known otherwise (a simulated
/// year). As deterministic and as free of allocation as step().
[[nodiscard]] Decision decide(const Inputs& inputs, const Observation& observation, Memory& memory);

}  // namespace esshub::control
