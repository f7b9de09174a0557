#include "tests/properties/invariants.hpp"

#include <algorithm>
#include <bit>
#include <sstream>

namespace esshub::properties {
namespace {

constexpr double eps = 1e-6;

std::string say(const char* what, double is, double allowed) {
  std::ostringstream text;
  text << what << ": " << is << " W, allowed " << allowed << " W";
  return text.str();
}

bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool same(const Decision& a, const Decision& b) {
  if (!same(a.battery_power.value(), b.battery_power.value()) ||
      !same(a.setpoint.ac_power.value(), b.setpoint.ac_power.value()) ||
      !same(a.proposed.value(), b.proposed.value()) || a.setpoint.mode != b.setpoint.mode ||
      a.setpoint.valid_until != b.setpoint.valid_until || a.faults != b.faults ||
      a.reasons.size() != b.reasons.size())
    return false;
  return std::equal(
      a.reasons.begin(), a.reasons.end(), b.reasons.begin(), [](const Reason& x, const Reason& y) {
        return x.cause == y.cause && same(x.power_without.value(), y.power_without.value());
      });
}

/// What the owner keeps for a power cut now.
double reserve_in_force(const World& w) {
  double reserve = w.orders.reserve.value_or(w.settings.reserve).percent();
  if (w.orders.storm && w.now < w.orders.storm->until)
    reserve = std::max(reserve, w.orders.storm->reserve.percent());
  return reserve;
}

double newest(const World& w, Point point, Measure measure) {
  const auto& reading = w.snapshot.raw(point, measure);
  return reading ? reading->value : 0.0;
}

bool stale(const World& w, Point point, Measure measure, Duration max_age) {
  return !fresh(w.snapshot.raw(point, measure), w.now, max_age);
}

bool is_target(Cause why) {
  return why <= Cause::idle;
}

}  // namespace

std::optional<std::string> Invariants::broken(const World& w, const Seen& seen) {
  const Decision& d = seen.decision;
  const auto& s = w.settings;
  const double p = d.battery_power.value();
  const bool islanded = d.faults.active(Fault::islanded);

  // I1: with the BMS's newest word, whatever the control made of it.
  const double reserve = reserve_in_force(w);
  if (w.soc <= reserve) reserve_held_ = true;
  if (w.soc >= reserve + s.soc_hysteresis) reserve_held_ = false;
  const bool soc_reported = !stale(w, Point::battery, Measure::soc, s.bms_max_age) &&
                            newest(w, Point::battery, Measure::soc) == w.soc;
  if (!islanded && soc_reported && reserve_held_ && w.soc < reserve + s.soc_hysteresis &&
      w.soc <= reserve && p < 0.0)
    return say("I1: discharge at or below the reserve", p, 0);
  if (!islanded && soc_reported && w.soc <= s.soc_floor.percent() && p < 0.0)
    return say("I1: discharge at or below the floor", p, 0);

  // I2
  const double volts = newest(w, Point::battery, Measure::voltage);
  const double most = std::min({std::max(0.0, newest(w, Point::battery, Measure::ccl)) * volts,
                                s.inverter_rating.value(), s.charge_limit.value(),
                                s.charger_current.value() * volts});
  const double least = -std::min({std::max(0.0, newest(w, Point::battery, Measure::dcl)) * volts,
                                  s.inverter_rating.value(), s.discharge_limit.value()});
  if (p > most + eps) return say("I2: charge", p, most);
  if (p < least - eps) return say("I2: discharge", p, least);
  const auto protections =
      static_cast<std::uint32_t>(newest(w, Point::battery, Measure::protections));
  if (has(protections, BmsFlag::high_voltage) && p > 0.0) return say("I2: protected", p, 0);
  if (has(protections, BmsFlag::low_voltage) && p < 0.0) return say("I2: protected", p, 0);
  const auto requests = static_cast<std::uint32_t>(newest(w, Point::battery, Measure::requests));
  if (!has(requests, BmsRequest::charge_enable) && p > 0.0) return say("I2: disabled", p, 0);
  if (!has(requests, BmsRequest::discharge_enable) && p < 0.0) return say("I2: disabled", p, 0);
  if (volts >= newest(w, Point::battery, Measure::cvl) && p > 0.0) return say("I2: CVL", p, 0);
  if (w.soc >= s.soc_ceiling.percent() && soc_reported && p > 0.0)
    return say("I2: charge at the ceiling", p, 0);

  // I3, and the causes of the safe setpoint that no reading speaks of.
  const bool source_stale = stale(w, Point::grid, Measure::power, s.meter_max_age) ||
                            stale(w, Point::battery, Measure::soc, s.bms_max_age) ||
                            stale(w, Point::battery, Measure::ccl, s.bms_max_age) ||
                            stale(w, Point::inverter, Measure::power, s.inverter_max_age) ||
                            stale(w, Point::inverter, Measure::controllable, s.inverter_max_age);
  if (source_stale && p != 0.0) return say("I3: a source is stale", p, 0);
  if ((w.stopping || w.overrun || w.components_failing) && p != 0.0)
    return say("I3: the hub stops, is late or fails", p, 0);
  if (islanded && p != 0.0) return say("I3: islanded", p, 0);
  const auto status = fresh(w.snapshot.inverter_status(), w.now, s.inverter_max_age);
  if (status != InverterStatus::grid_connected && p != 0.0)
    return say("I3: the inverter is not known to be grid-connected", p, 0);
  if (islanded && d.setpoint.mode == InverterMode::follow)
    return "I3: a setpoint is written although islanded";
  if (stale(w, Point::inverter, Measure::controllable, s.inverter_max_age) &&
      d.setpoint.mode == InverterMode::follow)
    return "I3: a setpoint is written to an inverter that is silent";

  // I4: only what the battery adds counts; the house may exceed a cap by itself.
  if (w.memory.loop.residual && p != 0.0) {
    const double rest = w.memory.loop.residual->value() + newest(w, Point::ac_out, Measure::power);
    if (s.import_cap && p > 0.0 && rest + p > s.import_cap->value() + eps)
      return say("I4: import", rest + p, s.import_cap->value());
    if (s.export_cap && p < 0.0 && rest + p < -s.export_cap->value() - eps)
      return say("I4: export", rest + p, -s.export_cap->value());
  }

  // I5: faster than the slew only towards rest.
  if (seen.known) {
    const double slew = s.slew.value() * std::min(1.0, Seconds{seen.passed}.count());
    const double before = seen.before.value();
    const bool towards_rest = (before >= 0.0 && p >= -slew - eps && p <= before + slew + eps) ||
                              (before <= 0.0 && p <= slew + eps && p >= before - slew - eps);
    if (!towards_rest) return say("I5: faster than the slew", p, before);
  }

  // I6
  if (d.setpoint.mode == InverterMode::follow &&
      (d.setpoint.valid_until <= w.now || d.setpoint.valid_until > w.now + s.setpoint_life))
    return "I6: a setpoint without its end";

  // I7: the same inputs again.
  control::Memory again = w.memory_before;
  if (!same(control::step(w.inputs(), again), d)) return "I7: decided differently";

  // I8: what the owner ordered narrows too. (Charging may be the BMS's proposal, which outranks
  // him.)
  const auto& manual = w.orders.manual;
  if (manual && w.now < manual->until && manual->instruction.kind == InstructionKind::balance &&
      soc_reported && w.soc <= manual->instruction.low.percent() && p < 0.0)
    return say("I8: discharge below the range of the override", p, 0);

  // I9: the target first, then every rule that moved the result, each with what it was before.
  if (d.reasons.empty() || !is_target(d.reasons.begin()->cause)) return "I9: no target named";
  const bool moved = d.proposed != d.battery_power;
  if (moved && d.reasons.size() < 2) return "I9: a limit moved the result and is not named";
  return std::nullopt;
}

}  // namespace esshub::properties
