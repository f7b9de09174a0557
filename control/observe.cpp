#include <algorithm>
#include <utility>

#include "control/latch.hpp"
#include "control/loop/load_estimate.hpp"
#include "control/observation.hpp"
#include "control/policy/backup.hpp"
#include "control/policy/policy.hpp"
#include "control/policy/storm.hpp"

namespace esshub::control {
namespace {

constexpr int good_samples = 5;              // F1
constexpr Duration bms_proof = 5s;           // F4
constexpr Duration block_after = 10s;        // F5: a direction resumes 10 s after its cause cleared
constexpr Duration start_grace = 15s;        // a source never seen is a fault only after this
constexpr Duration announce_cutoff = 30min;  // F9
/// Forced charging goes on so long after the BMS last asked: a request that flickers at its edge
/// must not switch the battery between charging and discharging.
constexpr Duration least_force_charge = 60s;
constexpr double module_ohm = 0.06;  // with its cables; a usual figure, generous

/// `at`: stamp of the newest sample of a meter that lives. Back after 5 good samples in a row (F1).
void trust_grid(Memory& memory, const std::optional<Instant>& at, Instant now, Duration max_age) {
  if (!at || now - *at > max_age) {
    memory.good_grid_samples = 0;
  } else if (memory.grid_sample_at != at) {
    ++memory.good_grid_samples;
  }
  memory.grid_sample_at = at;
  memory.grid.set(latch(memory.grid.ok, memory.good_grid_samples >= good_samples,
                        memory.good_grid_samples == 0));
}

/// Back after 5 s of complete frames (F4); the first time at once.
void trust_bms(Memory& memory, bool complete, Instant now) {
  if (!complete) {
    memory.bms_complete_since.reset();
  } else if (!memory.bms_complete_since) {
    memory.bms_complete_since = now;
  }
  memory.bms.set(complete && (memory.bms.ok || !memory.bms.ever ||
                              now - *memory.bms_complete_since >= bms_proof));
}

/// Stamp of the newest sample of a grid meter that measures. With `witness`: no live conductor
/// shows exactly 0 W for long, nor any power and voltage to the bit; a meter does without its
/// clamp, or when it has frozen.
std::optional<Instant> measured_at(const Inputs& inputs, Memory& memory) {
  const auto grid = inputs.snapshot.power(Point::grid);
  if (!grid || inputs.grid_frozen) return std::nullopt;
  if (!inputs.settings.witness) return grid->at;
  ExportWatch& watch = memory.export_watch;
  if (grid->value != Watts{}) watch.measured_at = grid->at;
  if (!watch.measured_at || grid->at - *watch.measured_at > clamp_max_age) return std::nullopt;
  const auto voltage = inputs.snapshot.get<Volts>(Point::grid, Measure::voltage);
  const GridWord word{grid->value, voltage ? voltage->value : Volts{}};
  if (!watch.moved_at || word != watch.word) watch.moved_at = grid->at;
  watch.word = word;
  if (grid->at - *watch.moved_at > standing_max_age) return std::nullopt;
  return grid->at;
}

bool forbids_charge(std::uint32_t p) {
  constexpr auto only_discharge = static_cast<std::uint32_t>(BmsFlag::low_voltage) |
                                  static_cast<std::uint32_t>(BmsFlag::high_discharge_current);
  return (p & ~only_discharge) != 0;
}

bool forbids_discharge(std::uint32_t p) {
  constexpr auto only_charge = static_cast<std::uint32_t>(BmsFlag::high_voltage) |
                               static_cast<std::uint32_t>(BmsFlag::high_charge_current) |
                               static_cast<std::uint32_t>(BmsFlag::high_charge_temperature) |
                               static_cast<std::uint32_t>(BmsFlag::low_charge_temperature);
  return (p & ~only_charge) != 0;
}

void evaluate_soc(const Inputs& inputs, Memory& memory, Soc soc, Volts voltage) {
  const Snapshot& snap = inputs.snapshot;
  const auto reading = snap.soc();
  if (memory.soc.reported && memory.soc.at == reading->at) return;  // evaluated already
  const auto current = fresh(snap.get<Amperes>(Point::battery, Measure::current), inputs.now,
                             inputs.settings.bms_max_age);
  constexpr Amperes rest{2.0};
  // Only the sag of discharging is added back: charging, the voltage stands above that at rest, and
  // a pack that looks fuller than it is contradicts nothing.
  std::optional<Volts> rest_voltage;
  if (current) {
    const auto modules = snap.raw(Point::battery, Measure::modules).value_or(Reading<double>{});
    const double ohm = module_ohm / std::max(1.0, modules.value);
    const double to_15_cells = 15.0 / inputs.settings.cells;
    rest_voltage = (voltage + Volts{std::max(0.0, -current->value()) * ohm}) * to_15_cells;
  }
  check_soc(memory.soc, soc, rest_voltage, current && abs(*current) <= rest, reading->at);
}

void observe_battery(const Inputs& inputs, Memory& memory, Observation& observation) {
  const Settings& s = inputs.settings;
  const Snapshot& snap = inputs.snapshot;
  const Instant now = inputs.now;
  const auto read = [&]<class Q>(std::optional<Reading<Q>> reading) {
    return fresh(reading, now, s.bms_max_age);
  };
  const auto soc = read(snap.soc());
  const auto voltage = read(snap.get<Volts>(Point::battery, Measure::voltage));
  const auto cvl = read(snap.get<Volts>(Point::battery, Measure::cvl));
  const auto ccl = read(snap.get<Amperes>(Point::battery, Measure::ccl));
  const auto dcl = read(snap.get<Amperes>(Point::battery, Measure::dcl));
  const auto protections = read(snap.bits(Point::battery, Measure::protections));
  const bool told = soc && voltage && cvl && ccl && dcl && protections;
  const bool complete = told && !inputs.bms_implausible;
  // What begins with a value that cannot be has to prove itself like what was lost (F23).
  memory.bms.ever |= inputs.bms_implausible;
  trust_bms(memory, complete, now);
  observation.bms_ok = memory.bms.ok;
  // What falls silent afterwards is lost.
  memory.bms_implausible =
      inputs.bms_implausible || (memory.bms_implausible && told && !memory.bms.ok);
  hold_temperature(
      memory.temperature, read(snap.get<Celsius>(Point::battery, Measure::temperature)),
      {s.coldest_charge, s.warmest_charge}, {s.coldest_discharge, s.warmest_discharge});
  // A word that stops a direction counts by itself, whatever else is missing or cannot be, until it
  // is taken back (F5); that permissions which once came are sent no more, only where the rest is.
  const auto told_bits = snap.bits(Point::battery, Measure::protections);
  const auto permissions = snap.bits(Point::battery, Measure::requests);
  const auto requests = read(permissions);
  const bool withdrawn = complete && permissions && !requests;
  const auto permits = [&](BmsRequest direction, Measure limit) {
    const auto amperes = snap.get<Amperes>(Point::battery, limit);
    if (withdrawn || (amperes && !(amperes->value > Amperes{}))) return false;
    return !permissions || has(permissions->value, direction);
  };
  observation.charge_protected = told_bits && forbids_charge(told_bits->value);
  observation.discharge_protected = told_bits && forbids_discharge(told_bits->value);
  const bool charge_enabled = permits(BmsRequest::charge_enable, Measure::ccl);
  const bool discharge_enabled = permits(BmsRequest::discharge_enable, Measure::dcl);
  if (observation.charge_protected || !charge_enabled)
    memory.charge_blocked_until = now + block_after;
  if (observation.discharge_protected || !discharge_enabled)
    memory.discharge_blocked_until = now + block_after;
  if (!complete) {
    evaluate_storm(inputs, observation, memory);
    return;
  }

  evaluate_soc(inputs, memory, *soc, *voltage);
  observation.soc = memory.soc.ruling;
  observation.reported_soc = *soc;
  observation.voltage = *voltage;
  observation.cvl = *cvl;
  observation.ccl = std::max(*ccl, Amperes{});
  observation.dcl = std::max(*dcl, Amperes{});
  observation.charge_enabled = charge_enabled;
  observation.discharge_enabled = discharge_enabled;
  observation.full_charge_asked = requests && has(*requests, BmsRequest::full_charge);
  if (requests &&
      (has(*requests, BmsRequest::force_charge_1) || has(*requests, BmsRequest::force_charge_2)))
    memory.force_charge_until = now + least_force_charge;
  observation.force_charge = memory.force_charge_until && now < *memory.force_charge_until;

  evaluate_storm(inputs, observation, memory);
  hold_soc(s, observation, memory, reserve_in_force(inputs, memory));
}

/// Holds the pack at the voltage cap: a slow integral on charging power, one step per new voltage,
/// far below the 1 Hz of the BMS so that it cannot swing. At the BMS's own CVL charging stops at
/// once.
void hold_charge_voltage(const Inputs& inputs, Memory& memory, const Observation& observation) {
  constexpr double watts_per_volt = 500.0;
  const Settings& s = inputs.settings;
  const auto voltage = inputs.snapshot.get<Volts>(Point::battery, Measure::voltage);
  if (!observation.bms_ok || !voltage) {
    memory.charge_voltage_limit.reset();
    return;
  }
  // Also for a voltage that was looked at already: the CVL may have fallen since.
  if (!(voltage->value < observation.cvl)) {
    memory.charge_voltage_limit = Watts{};
    memory.voltage_at = voltage->at;
    return;
  }
  if (memory.voltage_at == voltage->at) return;
  memory.voltage_at = voltage->at;
  const Volts cap = std::min(s.charge_voltage_cap, observation.cvl);
  const Volts room = cap - voltage->value;
  Watts limit = memory.charge_voltage_limit.value_or(s.inverter_rating);
  // Start from what really flows, or the limit would have to unwind from far above first.
  if (room < Volts{}) limit = std::min(limit, std::max(memory.battery_power, Watts{}));
  limit += Watts{watts_per_volt * room.value()};
  memory.charge_voltage_limit = std::clamp(limit, Watts{}, s.inverter_rating);
}

/// A load that the transfer switch could not carry for long is none: then it is not known.
std::optional<Reading<Watts>> accepted(const AcOutCheck& check, const Settings& s) {
  constexpr double overload = 1.5;  // also for mains above 230 V
  const Watts most = s.transfer_switch * nominal_mains * overload;
  if (!check.accepted || abs(*check.accepted) > most) return std::nullopt;
  return Reading<Watts>{*check.accepted, check.accepted_at};
}

/// What the inverter told in one reply bears one stamp.
void observe_ac_out(const Inputs& inputs, Memory& memory) {
  const Snapshot& snap = inputs.snapshot;
  const auto ac_in = snap.power(Point::inverter);
  const auto converter = snap.get<Watts>(Point::inverter, Measure::dc_power);
  const auto ac_out = snap.power(Point::ac_out);
  if (ac_in && converter && converter->at == ac_in->at) {
    const bool with_it = ac_out && ac_out->at == ac_in->at;
    check_ac_out(memory.ac_out, {ac_in->at, ac_in->value, converter->value,
                                 with_it ? std::optional{ac_out->value} : std::nullopt});
  } else if (ac_out) {
    check_ac_out(memory.ac_out, {.at = ac_out->at, .ac_out = ac_out->value});
  }
}

/// The load behind an inverter that could be commanded before the stall.
std::optional<Watts> ac_out_at_rest(const Inputs& inputs, const Memory& memory) {
  const Snapshot& snap = inputs.snapshot;
  const auto known = [&](auto reading) {
    return fresh(reading, inputs.now - inputs.stall, inputs.settings.inverter_max_age);
  };
  if (!known(snap.raw(Point::inverter, Measure::controllable))) return std::nullopt;
  if (known(snap.inverter_status()) != InverterStatus::grid_connected) return std::nullopt;
  return known(accepted(memory.ac_out, inputs.settings));
}

void observe_inverter(const Inputs& inputs, Memory& memory, Observation& observation) {
  const Settings& s = inputs.settings;
  const Snapshot& snap = inputs.snapshot;
  const auto is_fresh = [&](Measure measure) {
    return fresh(snap.raw(Point::inverter, measure), inputs.now, s.inverter_max_age).has_value();
  };
  // Without a status that is known it is not taken for grid-connected.
  const auto status = fresh(snap.inverter_status(), inputs.now, s.inverter_max_age);
  const bool complete = is_fresh(Measure::controllable) && is_fresh(Measure::power) && status;
  memory.inverter.set(complete);
  observation.inverter_ok = memory.inverter.ok;
  observation.inverter_off = status == InverterStatus::off || status == InverterStatus::fault;
  observation.inverter_on = status && !observation.inverter_off;
  observation.islanded = status == InverterStatus::islanded;
  observe_ac_out(inputs, memory);
  if (inputs.stall > Duration{}) observation.ac_out_before = ac_out_at_rest(inputs, memory);
  observation.ac_out = fresh(accepted(memory.ac_out, s), inputs.now, s.inverter_max_age);
}

/// The owner's word, each once: a command may have come while no control was there to hear it. A
/// control that has just been restored may not have heard the orders yet.
void take_acknowledgement(const Inputs& inputs, Memory& memory) {
  if (inputs.orders.acknowledgements <= memory.acknowledgements) return;
  memory.acknowledgements = inputs.orders.acknowledgements;
  acknowledge_cutoff(memory, inputs.now);
  memory.sign.rest_until.reset();
}

/// F21: the grid meter's answer to our own power.
void observe_sign(Memory& memory, const Observation& observation,
                  const std::optional<Reading<Watts>>& grid) {
  if (!observation.grid_ok || !observation.inverter_ok || observation.islanded ||
      !memory.loop.residual)
    return;
  check_sign(memory.sign, {grid->at, grid->value, grid->value - *memory.loop.residual});
}

/// F7, F7a: measured against acknowledged, at the battery.
void observe_following(const Inputs& inputs, Memory& memory, const Observation& observation) {
  const auto power =
      fresh(inputs.snapshot.power(Point::inverter), inputs.now, inputs.settings.inverter_max_age);
  std::optional<Followed> followed;
  if (!observation.islanded && observation.inverter_ok && observation.ac_out && power &&
      memory.acknowledged)
    followed = Followed{*memory.acknowledged - *observation.ac_out, *power - *observation.ac_out};
  evaluate_following(memory.following, followed, inputs.now);
}

/// F27, whoever commands.
void observe_pack_current(const Inputs& inputs, Memory& memory, const Observation& observation) {
  const Settings& s = inputs.settings;
  const auto current = fresh(inputs.snapshot.get<Amperes>(Point::battery, Measure::current),
                             inputs.now, s.bms_max_age);
  const auto status = fresh(inputs.snapshot.inverter_status(), inputs.now, s.inverter_max_age);
  std::optional<PackCurrent> pack;
  if (current && observation.bms_ok && status == InverterStatus::grid_connected)
    pack = PackCurrent{*current, observation.ccl, observation.dcl, observation.voltage};
  watch_current(memory.pack_current, pack, s.inverter_ramp, inputs.now);
}

/// The meter or its clamp. In a power cut, which ends all export, a meter may fall silent before
/// the inverter has told of it; and after a stall of the hub it was not the meter that fell silent,
/// unless it was lost before.
bool measurement_lost(const Inputs& inputs, Memory& memory) {
  auto& since = memory.export_watch.lost_since;
  auto& excused_until = memory.export_watch.excused_until;
  if (!(memory.grid.ever && !memory.grid.ok) && !memory.sign.reversed) {
    since.reset();
    excused_until.reset();
    return false;
  }
  if (inputs.stall > Duration{} && !since)
    excused_until = inputs.now + time_to_be_heard(inputs.settings);
  if (excused_until && inputs.now < *excused_until) return false;
  if (!since) since = inputs.now;
  const auto status = inputs.snapshot.inverter_status();
  if (!fresh(status, inputs.now, inputs.settings.inverter_max_age)) return true;
  return status->at >= *since && status->value == InverterStatus::grid_connected;
}

/// What of the export above its cap is the battery's to end: what it discharges, and what it was
/// told to charge and neither does nor has acknowledged. What it has acknowledged and does not take
/// it cannot (F7a). Of an inverter that does not say, all of it.
std::optional<Watts> battery_excess(const Inputs& inputs, const Memory& memory,
                                    const Observation& observation) {
  const Settings& s = inputs.settings;
  const auto grid = fresh(inputs.snapshot.power(Point::grid), inputs.now, s.grid_max_age());
  if (!grid || !observation.grid_ok || observation.islanded || !s.export_cap) return std::nullopt;
  const Watts above = -*grid - *s.export_cap;
  const auto power = fresh(inputs.snapshot.power(Point::inverter), inputs.now, s.inverter_max_age);
  if (!observation.inverter_ok || !observation.ac_out || !power) return above;
  const Watts battery = *power - *observation.ac_out;
  const Watts acknowledged =
      memory.acknowledged.value_or(*observation.ac_out) - *observation.ac_out;
  const Watts heard = std::max({Watts{}, battery, acknowledged});
  const Watts behind = std::max(Watts{}, memory.battery_power - heard);
  return std::min(above, std::max(Watts{}, -battery) + behind);
}

/// F25.
void observe_export(const Inputs& inputs, Memory& memory, const Observation& observation) {
  ExportSeen seen;
  if (inputs.settings.witness && !inputs.stopping)
    seen = {.measurement_lost = measurement_lost(inputs, memory),
            .excess = battery_excess(inputs, memory, observation),
            .rest = observation.rest};
  watch_export(memory.export_watch, seen, inputs.settings, inputs.now);
}

void evaluate_faults(const Inputs& inputs, Memory& memory, const Observation& observation) {
  const bool grace = inputs.now - *memory.first_tick < start_grace;
  const auto lost = [&](const Trust& trust) { return !trust.ok && (trust.ever || !grace); };
  FaultSet& faults = memory.faults;
  faults.set(Fault::grid_meter_lost, lost(memory.grid), inputs.now);
  faults.set(Fault::grid_meter_reversed, memory.sign.reversed, inputs.now);
  faults.set(Fault::bms_lost, lost(memory.bms) && !memory.bms_implausible, inputs.now);
  faults.set(Fault::bms_implausible, memory.bms_implausible, inputs.now);
  faults.set(Fault::bms_limit_exceeded, memory.pack_current.exceeded(), inputs.now);
  faults.set(Fault::export_lockout, memory.export_watch.locked(), inputs.now);
  faults.set(Fault::ac_out_inconsistent, memory.ac_out.inconsistent(), inputs.now);
  faults.set(Fault::setpoint_not_followed, memory.following.not_followed, inputs.now);
  faults.set(Fault::inverter_derating, memory.following.derating, inputs.now);
  const TemperatureHold& temperature = memory.temperature;
  faults.set(Fault::battery_temperature,
             temperature.charge || temperature.discharge ||
                 (observation.bms_ok && !temperature.known && !grace),
             inputs.now);
  faults.set(Fault::inverter_lost, lost(memory.inverter), inputs.now);
  faults.set(
      Fault::bms_protection,
      observation.bms_ok && (observation.charge_protected || observation.discharge_protected),
      inputs.now);
  faults.set(Fault::islanded, observation.islanded, inputs.now);
  faults.set(Fault::backup_cutoff, memory.cutoff, inputs.now);
  faults.set(Fault::control_overrun, inputs.overrun, inputs.now);
  faults.set(Fault::implausible_reading, inputs.implausible, inputs.now);
  faults.set(Fault::soc_inconsistent, observation.bms_ok && memory.soc.doubtful_until, inputs.now);
  faults.set(Fault::cutoff_near, memory.cutoff_near, inputs.now);
  faults.set(Fault::clock_untrusted, !inputs.local.trusted, inputs.now);
}

}  // namespace

void hold_soc(const Settings& s, const Observation& observation, Memory& memory,
              std::optional<Soc> in_force) {
  const Soc reserve = in_force.value_or(s.reserve);
  const double percent = observation.soc.percent();
  const double said = observation.reported_soc.percent();
  memory.floor_hold = latch(memory.floor_hold, observation.soc <= s.soc_floor,
                            percent >= s.soc_floor.percent() + s.soc_hysteresis);
  memory.reserve_hold = latch(memory.reserve_hold, observation.soc <= reserve,
                              percent >= reserve.percent() + s.soc_hysteresis);
  memory.ceiling_hold = latch(memory.ceiling_hold, observation.reported_soc >= s.soc_ceiling,
                              said <= s.soc_ceiling.percent() - s.soc_hysteresis);
}

Observation observe(const Inputs& inputs, Memory& memory) {
  if (!memory.first_tick) memory.first_tick = inputs.now;
  take_acknowledgement(inputs, memory);
  Observation observation;
  const auto grid = inputs.snapshot.power(Point::grid);
  trust_grid(memory, measured_at(inputs, memory), inputs.now, inputs.settings.grid_max_age());
  observation.grid_ok = memory.grid.ok;
  observe_battery(inputs, memory, observation);
  observe_inverter(inputs, memory, observation);
  hold_charge_voltage(inputs, memory, observation);
  evaluate_cutoff(inputs, memory, observation);
  observation.backup_left = backup_left(inputs, memory, observation);
  // A little later to end than to begin: the draw moves.
  const Duration announced = announce_cutoff + (memory.cutoff_near ? 5min : 0min);
  memory.cutoff_near = observation.islanded && !memory.cutoff && observation.backup_left &&
                       *observation.backup_left <= announced;

  estimate_load(inputs, memory);
  if (observation.grid_ok && observation.inverter_ok && observation.ac_out && memory.loop.residual)
    observation.rest = *memory.loop.residual + *observation.ac_out;

  observe_sign(memory, observation, grid);

  observe_following(inputs, memory, observation);
  observe_pack_current(inputs, memory, observation);
  observe_export(inputs, memory, observation);
  evaluate_faults(inputs, memory, observation);
  if (observation.grid_ok && observation.bms_ok && observation.inverter_ok) memory.started = true;
  return observation;
}

}  // namespace esshub::control
