// The targets of the rules table: each may propose a battery power; the first that answers wins.
#pragma once

#include "control/rules.hpp"

namespace esshub::control {

/// Charges gently while the BMS asks for it (0x35C force charge I or II).
[[nodiscard]] std::optional<Proposal> target_force_charge(const Inputs&, const Observation&,
                                                          const Memory&);
/// What would be exported above its cap is charged (F25, `witness`): the least charging power that
/// keeps it, where that is any; whoever has less in mind is overruled.
[[nodiscard]] std::optional<Proposal> export_charge(const Inputs&, const Observation&,
                                                    const Memory&);
/// The owner's override.
[[nodiscard]] std::optional<Proposal> target_override(const Inputs&, const Observation&,
                                                      const Memory&);
/// Charges to 100 % because the BMS asks for it or it is time again; as gently as by force.
[[nodiscard]] std::optional<Proposal> target_full_charge(const Inputs&, const Observation&,
                                                         const Memory&);
/// Buys what is missing before bad weather (evaluate_storm).
[[nodiscard]] std::optional<Proposal> target_storm_fill(const Inputs&, const Observation&,
                                                        const Memory&);
/// Brings back what is missing of the reserve (F24), unless whoever rules buys as much himself.
[[nodiscard]] std::optional<Proposal> target_reserve_recharge(const Inputs&, const Observation&,
                                                              const Memory&);
/// What a planner or a remote command orders.
[[nodiscard]] std::optional<Proposal> target_dispatch(const Inputs&, const Observation&,
                                                      const Memory&);
/// The weekly plan.
[[nodiscard]] std::optional<Proposal> target_schedule(const Inputs&, const Observation&,
                                                      const Memory&);
/// The marks of the planner, in Smart mode.
[[nodiscard]] std::optional<Proposal> target_smart(const Inputs&, const Observation&,
                                                   const Memory&);
/// Charges while energy is cheap; charged, it follows the house as far as the limits let it.
[[nodiscard]] std::optional<Proposal> target_tariff(const Inputs&, const Observation&,
                                                    const Memory&);
/// Holds the grid meter at the grid setpoint from the time-aligned load.
[[nodiscard]] std::optional<Proposal> target_self_consumption(const Inputs&, const Observation&,
                                                              const Memory&);
/// Rests. Always answers.
[[nodiscard]] std::optional<Proposal> target_idle(const Inputs&, const Observation&, const Memory&);

}  // namespace esshub::control
