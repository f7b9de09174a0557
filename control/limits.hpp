// The limits of the rules table. Each narrows the battery power window for one cause.
#pragma once

#include "control/rules.hpp"

namespace esshub::control {

void limit_stopping(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_stale(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_islanded(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_bms_protection(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_bms_enable(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_bms_current(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_temperature(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_charge_voltage(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_soc_floor(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_soc_ceiling(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_reserve(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_instruction(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_excluded_load(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_inverter_rating(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_derating(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_transfer_switch(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_configured_power(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_grid_caps(const Inputs&, const Observation&, const Memory&, PowerWindow&);
void limit_slew(const Inputs&, const Observation&, const Memory&, PowerWindow&);

}  // namespace esshub::control
