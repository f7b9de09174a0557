#include "tests/properties/coverage.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <ostream>

namespace esshub::properties {
namespace {

constexpr unsigned protections = 17;  // the named ones, and a bit without a name
enum Block : std::size_t { enable_off = protections, limit_zero, withdrawn, blocks };
constexpr Duration blocked_for = 10s;  // F5

struct Never {
  std::string_view group;
  std::string_view name;
  std::string_view why;
};
/// What cannot be by construction. A row of it that is reached after all fails the run.
constexpr std::string_view alone_limit = "alone: limit";
constexpr std::string_view alone_fault = "alone: fault";
constexpr std::string_view together = "faults together";
constexpr auto nevers = std::to_array<Never>({
    {alone_fault, "storage_failed", "tells; the battery goes on"},
    {alone_fault, "config_rejected", "tells; the running configuration goes on"},
    {alone_fault, "server_unavailable", "tells; the battery goes on"},
    {alone_fault, "cutoff_near", "tells; islanded rests the battery's command already"},
    {alone_fault, "plan_suspended", "tells; the clock's own fault has its row"},
    {alone_fault, "plan_missing", "tells; the tariff's rule or Balance goes on"},
    {alone_fault, "reserve_not_kept", "tells; what brings it back is a target"},
    {alone_fault, "bus_contended", "tells; a bus that is not asked is lost (its measures' rows)"},
    {alone_fault, "line_flooded", "tells; the line is read at its wire's rate"},
    {alone_fault, "ac_out_inconsistent", "tells; the load on AC-out is known all the same"},
    {alone_fault, "line_silent", "tells; what a silent line brings is lost (its measures' rows)"},
    {alone_fault, "inverter_overload", "tells; the inverter looks after itself"},
    {alone_fault, "inverter_temperature", "tells; the inverter looks after itself"},
    {alone_fault, "inverter_low_battery", "tells; the inverter looks after itself"},
    {alone_fault, "inverter_dc_ripple", "tells; the inverter looks after itself"},
    {together, "bms_lost + bms_implausible", "a BMS that is not believed is not silent"},
    {together, "bms_protection + bms_implausible", "a protection is of a BMS that is believed"},
    {together, "soc_inconsistent + bms_implausible", "a doubt is of a BMS that is believed"},
    {together, "cutoff_near + bms_implausible", "the time left is of a BMS that is believed"},
    {together, "inverter_lost + inverter_derating", "what it does is not known"},
    {together, "islanded + inverter_derating", "it follows nothing"},
    {together, "backup_cutoff + inverter_derating", "it follows nothing"},
    {together, "cutoff_near + inverter_derating", "it follows nothing"},
    {together, "bms_lost + bms_protection", "a protection is known from a BMS that is not lost"},
    {together, "bms_lost + soc_inconsistent", "a doubt is of a BMS that is not lost"},
    {together, "bms_lost + cutoff_near", "the time left is known from a BMS that is not lost"},
    {together, "bms_lost + reserve_not_kept", "the SOC is that of a BMS that is not lost"},
    {together, "inverter_lost + reserve_not_kept", "whether the mains is there is not known"},
    {together, "islanded + reserve_not_kept", "the reserve is there for that"},
    {together, "reserve_not_kept + bms_implausible", "the SOC is of a BMS that is believed"},
    {together, "reserve_not_kept + cutoff_near", "the reserve is there for that"},
    {together, "backup_cutoff + cutoff_near", "what has come is not near any more"},
});

std::optional<std::string_view> why_never(std::string_view group, std::string_view name) {
  for (const auto& never : nevers)
    if (never.group == group && never.name == name) return never.why;
  return std::nullopt;
}

Duration max_age(const control::Settings& s, Bus bus) {
  switch (bus) {
    case Bus::meters:
      return s.meter_max_age;
    case Bus::battery:
      return s.bms_max_age;
    case Bus::inverter:
      return s.inverter_max_age;
  }
  return {};
}

constexpr std::array required_of_bms{Wire::soc, Wire::pack_voltage, Wire::cvl,
                                     Wire::ccl, Wire::dcl,          Wire::protections};
constexpr std::array required_of_inverter{Wire::controllable, Wire::inverter_power, Wire::status};

/// It counts: not old, and what it says can be.
bool is_known(const control::Inputs& inputs, Wire wire) {
  if (!current(inputs, wire)) return false;
  const Snapshot& snap = inputs.snapshot;
  if (wire == Wire::soc) return snap.soc().has_value();
  if (wire == Wire::status) return snap.inverter_status().has_value();
  if (wire == Wire::protections) return snap.bits(Point::battery, Measure::protections).has_value();
  return true;
}

/// The only one of the measures that does not count.
std::optional<Wire> only_missing(const control::Inputs& inputs, std::span<const Wire> required) {
  std::optional<Wire> missing;
  for (const Wire wire : required) {
    if (is_known(inputs, wire)) continue;
    if (missing) return std::nullopt;
    missing = wire;
  }
  return missing;
}

std::optional<std::size_t> only_one(const std::vector<std::optional<Instant>>& last, Instant now) {
  std::optional<std::size_t> only;
  for (std::size_t i = 0; i < last.size(); ++i) {
    if (!last[i] || now - *last[i] >= blocked_for) continue;
    if (only) return std::nullopt;
    only = i;
  }
  return only;
}

bool is_limit(Cause cause) {
  return cause >= Cause::starting;
}

struct Near {
  std::string_view name;
  Duration low;
  Duration high;
};
constexpr std::array nears{
    Near{"steady clock in its first hour", 0h, 1h},
    Near{"steady clock around 2^31 ms", 2147483s - 1h, 2147484s + 1h},
    Near{"steady clock around 49.7 days", 4294967s - 1h, 4294968s + 1h},
    Near{"steady clock beyond a year", 8760h, Duration::max()},
};

}  // namespace

std::optional<double> current(const control::Inputs& inputs, Wire wire) {
  const auto& row = wires[wire];
  Duration age = max_age(inputs.settings, row.bus);
  if (wire == Wire::grid_power && inputs.settings.witness) age = std::min<Duration>(age, 1s);
  return fresh(inputs.snapshot.raw(row.channel.point, row.channel.measure), inputs.now, age);
}

std::size_t Coverage::row(std::string_view group, std::string name, std::uint64_t least) {
  const auto never = why_never(group, name);
  rows_.push_back({group, std::move(name), never ? 0 : least, never.value_or("")});
  return rows_.size() - 1;
}

template <class E>
std::size_t Coverage::rows(std::string_view group, std::uint64_t least) {
  for (const E value : enum_values<E>) row(group, std::string{enum_name(value)}, least);
  return rows_.size() - enum_count<E>;
}

Coverage::Coverage() {
  const auto named = [&](std::string_view group, std::initializer_list<const char*> names) {
    const std::size_t first = rows_.size();
    for (const auto* name : names) row(group, name);
    return first;
  };
  const auto protection_name = [](unsigned i) {
    const auto known = name(static_cast<BmsFlag>(1u << i));
    return known.empty() ? "bit without a name" : std::string{known};
  };
  status_ = rows<InverterStatus>("inverter status");
  row("inverter status", "none known");
  mode_ = rows<InverterMode>("inverter mode");
  policy_mode_ = rows<Mode>("mode");
  instruction_ = rows_.size();
  for (const Authority who : enum_values<Authority>)
    for (const InstructionKind kind : enum_values<InstructionKind>) {
      const bool given = who >= Authority::smart || kind == InstructionKind::balance ||
                         (who == Authority::tariff && kind == InstructionKind::charge);
      row("instruction", std::string{name(who)} + ' ' + std::string{name(kind)},
          given ? least_ticks : 0);
    }
  order_ =
      named("order in force", {"mode", "reserve", "override", "dispatch", "storm",
                               "storm ahead, not kept", "storm ahead, kept", "cut-off held back"});
  reason_ = rows<Cause>("reason");
  fault_ = rows<Fault>("fault");
  protection_ = rows_.size();
  for (unsigned i = 0; i < protections; ++i) row("protection", protection_name(i));
  request_ = named("request", {"charge_enable", "discharge_enable", "force_charge_1",
                               "force_charge_2", "full_charge", "charge disabled alone",
                               "discharge disabled alone", "never told", "withdrawn"});
  missing_ = rows<Wire>("missing");
  source_ = named("source", {"grid meter trusted", "grid meter proving itself", "grid meter lost",
                             "BMS trusted", "BMS proving itself", "BMS lost", "inverter trusted",
                             "inverter lost"});
  export_ =
      named("export watch", {"clamp off", "meter stands still", "excess within its time",
                             "excess beyond it", "measurement lost", "not over yet", "locked out"});
  follow_ = named("inverter's power", {"as told", "other sign", "more", "less"});
  clock_ = named("clock", {"untrusted", "trusted", "second pass of an hour"});
  for (const auto& near : nears) row("clock", std::string{near.name});
  tick_ =
      named("tick", {"after a missed period", "within 10 s of control's restart",
                     "within 10 s of the program's restart", "stopping", "within 1 s of a stall"});
  row("tick", "at rest by what was known before a stall", 10);
  alone_limit_ = rows_.size();
  for (const Cause cause : enum_values<Cause>)
    row(alone_limit, std::string{name(cause)}, is_limit(cause) ? least_ticks : 0);
  alone_block_ = rows_.size();
  for (const char* direction : {"charging", "discharging"}) {
    const bool charging = direction == std::string_view{"charging"};
    const auto forbids = [&](unsigned i) {
      return ((charging ? against_discharging_alone : against_charging_alone) >> i & 1u) == 0;
    };
    for (unsigned i = 0; i < protections; ++i)
      row("alone: forbids", protection_name(i) + ' ' + direction, forbids(i) ? least_ticks : 0);
    for (const char* why : {"disabled", "current limit 0", "flags withdrawn"})
      row("alone: forbids", std::string{direction} + ' ' + why);
  }
  alone_request_ = named("alone: asks", {"force_charge_1", "force_charge_2", "full_charge"});
  alone_missing_ = rows_.size();
  const auto is_required = [](Wire wire) {
    return std::ranges::count(required_of_bms, wire) +
                   std::ranges::count(required_of_inverter, wire) >
               0 ||
           wire == Wire::grid_power;  // that of AC-out is known twice
  };
  for (const Wire wire : enum_values<Wire>)
    row("alone: missing", std::string{name(wire)}, is_required(wire) ? least_ticks : 0);
  alone_fault_ = rows<Fault>(alone_fault);
  pair_ = rows_.size();
  for (const Fault a : enum_values<Fault>)
    for (const Fault b : enum_values<Fault>)
      row(together, std::string{name(a)} + " + " + std::string{name(b)}, a < b ? least_pairs : 0);
  counts_.resize(rows_.size());
  charge_.last.resize(blocks);
  discharge_.last.resize(blocks);
}

void Coverage::see(const Seen& seen) {
  const control::Inputs& in = seen.inputs;
  const Decision& d = seen.decision;
  const auto status = fresh(in.snapshot.inverter_status(), in.now, in.settings.inverter_max_age);
  count(status_ + (status ? index(*status) : enum_count<InverterStatus>));
  count(mode_ + index(d.setpoint.mode));
  count(policy_mode_ + index(d.policy.mode));
  count(instruction_ + index(d.policy.authority) * enum_count<InstructionKind> +
        index(d.policy.instruction.kind));
  const Orders& orders = in.orders;
  const std::array in_force{orders.mode.has_value(),
                            orders.reserve.has_value(),
                            orders.manual && in.now < orders.manual->until,
                            orders.dispatch && in.now < orders.dispatch->until,
                            orders.storm && in.now < orders.storm->until,
                            d.policy.storm_from && !seen.memory.policy.storm.keeps,
                            d.policy.storm_from && seen.memory.policy.storm.keeps,
                            seen.memory.cutoff_reset_until.has_value()};
  for (std::size_t i = 0; i < in_force.size(); ++i)
    if (in_force[i]) count(order_ + i);
  for (const auto& reason : d.reasons) count(reason_ + index(reason.cause));
  for (const Wire wire : enum_values<Wire>)
    if (!current(in, wire)) count(missing_ + index(wire));

  const control::Memory& m = seen.memory;
  count(source_ + (m.grid.ok ? 0 : m.good_grid_samples > 0 ? 1 : 2));
  count(source_ + 3 + (m.bms.ok ? 0 : m.bms_complete_since ? 1 : 2));
  count(source_ + 6 + (m.inverter.ok ? 0 : 1));
  const control::ExportWatch& watch = m.export_watch;
  const bool due = watch.due && in.now >= *watch.due;
  const auto grid = in.snapshot.power(Point::grid);
  const std::array watched{grid && watch.measured_at && !m.grid.ok &&
                               grid->at - *watch.measured_at > control::clamp_max_age,
                           grid && watch.moved_at && !m.grid.ok && !in.grid_frozen &&
                               grid->at - *watch.moved_at > control::standing_max_age,
                           watch.due && !due,
                           due,
                           watch.beyond && !due,
                           watch.counted_at && !watch.beyond,
                           watch.locked()};
  for (std::size_t i = 0; i < watched.size(); ++i)
    if (watched[i]) count(export_ + i);
  const auto power = current(in, Wire::inverter_power);
  const auto ac_out = current(in, Wire::ac_out_power);
  if (power && ac_out && m.acknowledged) {
    const double told = m.acknowledged->value() - *ac_out;
    const double does = *power - *ac_out;
    const double off = std::max(150.0, 0.15 * std::abs(m.acknowledged->value()));
    count(follow_ + (std::abs(told - does) <= off      ? 0
                     : told * does < 0.0               ? 1
                     : std::abs(does) > std::abs(told) ? 2
                                                       : 3));
  }
  if (seen.first) {
    charge_.last.assign(blocks, std::nullopt);
    discharge_.last.assign(blocks, std::nullopt);
    requests_told_ = false;
  }
  see_battery(seen);
  see_times(seen);
  see_alone(seen);
}

void Coverage::see_battery(const Seen& seen) {
  const control::Inputs& in = seen.inputs;
  const auto told = in.snapshot.bits(Point::battery, Measure::requests);
  const auto requests = fresh(told, in.now, in.settings.bms_max_age);
  const auto flags = fresh(in.snapshot.bits(Point::battery, Measure::protections), in.now,
                           in.settings.bms_max_age);
  std::array<bool, protections> set{};
  for (unsigned i = 0; flags && i < 32; ++i)
    if ((*flags >> i & 1u) != 0) set[std::min(i, protections - 1)] = true;
  const bool charge = requests && has(*requests, BmsRequest::charge_enable);
  const bool discharge = requests && has(*requests, BmsRequest::discharge_enable);
  for (unsigned i = 0; i < protections; ++i)
    if (set[i]) count(protection_ + i);
  for (unsigned i = 0; requests && i < 5; ++i)
    if ((*requests >> i & 1u) != 0) count(request_ + i);
  if (requests && !charge && discharge) count(request_ + 5);
  if (requests && charge && !discharge) count(request_ + 6);
  if (!told) count(request_ + 7);
  if (told && !requests) count(request_ + 8);

  if (!std::ranges::all_of(required_of_bms, [&](Wire wire) { return is_known(in, wire); })) return;
  const auto note = [&](Blocks& direction, std::size_t why, bool forbids) {
    if (forbids) direction.last[why] = in.now;
  };
  for (unsigned i = 0; i < protections; ++i) {
    note(charge_, i, set[i] && (against_discharging_alone >> i & 1u) == 0);
    note(discharge_, i, set[i] && (against_charging_alone >> i & 1u) == 0);
  }
  note(charge_, enable_off, requests && !charge);
  note(discharge_, enable_off, requests && !discharge);
  note(charge_, limit_zero, !(*current(in, Wire::ccl) > 0.0));
  note(discharge_, limit_zero, !(*current(in, Wire::dcl) > 0.0));
  note(charge_, withdrawn, told && !requests);
  note(discharge_, withdrawn, told && !requests);
}

void Coverage::see_times(const Seen& seen) {
  const control::Inputs& in = seen.inputs;
  count(clock_ + (in.local.trusted ? 1 : 0));
  if (in.local.held) count(clock_ + 2);
  for (std::size_t i = 0; i < nears.size(); ++i)
    if (const auto t = in.now.time_since_epoch(); t >= nears[i].low && t <= nears[i].high)
      count(clock_ + 3 + i);
  if (seen.missed > 0) count(tick_);
  if (seen.first && !seen.program) control_began_ = in.now;
  if (seen.program) {
    // The first start of a case is none anew.
    if (control_began_ || program_began_) program_began_ = in.now;
    control_began_.reset();
  }
  if (control_began_ && in.now - *control_began_ < 10s) count(tick_ + 1);
  if (program_began_ && in.now - *program_began_ < 10s) count(tick_ + 2);
  if (!program_began_ && seen.program) program_began_ = in.now;
  if (in.stopping) count(tick_ + 3);
  if (in.stall > Duration{}) count(tick_ + 4);
  const bool writes = seen.decision.setpoint.mode == InverterMode::follow;
  if (writes && !seen.observation.inverter_ok) count(tick_ + 5);
}

void Coverage::see_alone(const Seen& seen) {
  const control::Inputs& in = seen.inputs;
  const Decision& d = seen.decision;
  const auto alone_fault_is = [&](Fault fault) { count(alone_fault_ + index(fault)); };
  if (d.setpoint.mode == InverterMode::off) alone_fault_is(Fault::backup_cutoff);

  const bool full_charge = d.reasons.begin()->cause == Cause::full_charge;
  if (d.reasons.begin()->cause == Cause::force_charge || full_charge) {
    const auto bits = in.snapshot.bits(Point::battery, Measure::requests);
    const auto asks = bits ? bits->value >> 2 & 7u : 0u;
    for (unsigned i = 0; i < 3; ++i)
      if (asks == 1u << i && full_charge == (i == 2)) count(alone_request_ + i);
  }
  if (!in.local.trusted && (!in.settings.schedule.empty() || !in.settings.tariff.bands.empty())) {
    control::Inputs known = in;
    known.local.trusted = true;
    control::Memory memory = seen.memory;
    memory.battery_power = seen.power_before;
    memory.last_tick = seen.tick_before;
    if (control::decide(known, seen.observation, memory).battery_power != d.battery_power)
      alone_fault_is(Fault::clock_untrusted);
  }
  // Without a power on AC-out nothing is written; the battery's power does not show it.
  const control::Observation& o = seen.observation;
  if (!o.ac_out && seen.memory.started && o.inverter_ok && !o.islanded &&
      !seen.memory.following.released_until && d.setpoint.mode == InverterMode::release)
    count(alone_missing_ + index(Wire::ac_out_power));
  // Without a source nothing is known of the load, so nothing is proposed either: what is lost is
  // made good in the observation, the load as it was known last, and decided again.
  const auto without_loss = [&](bool control::Observation::*source) {
    control::Observation made_good = o;
    made_good.*source = true;
    const auto grid = in.snapshot.power(Point::grid);
    const auto inverter = in.snapshot.power(Point::inverter);
    if (made_good.grid_ok && made_good.inverter_ok && grid && inverter && o.ac_out)
      made_good.rest =
          seen.memory.loop.residual.value_or(grid->value - inverter->value) + *o.ac_out;
    control::Memory memory = seen.memory;
    memory.battery_power = seen.power_before;
    memory.last_tick = seen.tick_before;
    return abs(control::decide(in, made_good, memory).battery_power - d.battery_power) > Watts{0.5};
  };
  if (o.grid_ok != o.inverter_ok && o.bms_ok && seen.memory.started) {
    if (o.inverter_ok && without_loss(&control::Observation::grid_ok)) see_loss_of_grid(seen);
    if (o.grid_ok && without_loss(&control::Observation::inverter_ok)) see_loss_of_inverter(seen);
  }
  if (d.battery_power == d.proposed) return;  // then no limit has changed it

  const Counterfactual other{seen};
  if (!other.adds_up()) throw std::logic_error("the limits one by one do not make the decision");
  EnumArray<Cause, bool> alone{};
  for (const Cause cause : other.causes())
    if (cause != Cause::grid_meter_lost && cause != Cause::inverter_lost && other.alone(cause)) {
      alone[cause] = true;
      count(alone_limit_ + index(cause));
    }
  // A battery that is not known takes the limits along that only it can tell.
  const auto missing = only_missing(in, required_of_bms);
  const bool without_bms = other.binds(Cause::bms_lost) && other.alone([&](Cause c, bool) {
    return c == Cause::bms_lost || c == Cause::bms_charge_limit ||
           c == Cause::bms_discharge_limit || c == Cause::inverter_rating;
  });
  if (!alone[Cause::bms_lost] && without_bms) count(alone_limit_ + index(Cause::bms_lost));
  if (without_bms && missing) count(alone_missing_ + index(*missing));
  const auto alone_by = [&](Cause cause, Fault fault) {
    if (alone[cause]) alone_fault_is(fault);
  };
  if (without_bms) alone_fault_is(Fault::bms_lost);
  alone_by(Cause::grid_meter_reversed, Fault::grid_meter_reversed);
  alone_by(Cause::islanded, Fault::islanded);
  alone_by(Cause::setpoint_not_followed, Fault::setpoint_not_followed);
  alone_by(Cause::control_overrun, Fault::control_overrun);
  alone_by(Cause::components_failing, Fault::actor_stuck);
  if (in.implausible && without_bms) alone_fault_is(Fault::implausible_reading);
  if (in.bms_implausible && without_bms) alone_fault_is(Fault::bms_implausible);
  alone_by(Cause::bms_limit_exceeded, Fault::bms_limit_exceeded);
  alone_by(Cause::inverter_derating, Fault::inverter_derating);
  alone_by(Cause::battery_temperature, Fault::battery_temperature);
  alone_by(Cause::export_lockout, Fault::export_lockout);
  if (o.bms_ok && seen.memory.soc.doubtful_until) {
    const double h = in.settings.soc_hysteresis;
    const double reported = o.reported_soc.percent();
    const auto held_by_doubt = [&](Cause cause, double level) {
      return alone[cause] && reported >= level + h;
    };
    if (held_by_doubt(Cause::soc_floor, in.settings.soc_floor.percent()) ||
        held_by_doubt(Cause::reserve, d.policy.reserve.percent()) ||
        held_by_doubt(Cause::storm, d.policy.reserve.percent()))
      alone_fault_is(Fault::soc_inconsistent);
  }
  see_blocks(seen, other);
}

void Coverage::see_loss_of_grid(const Seen& seen) {
  count(alone_limit_ + index(Cause::grid_meter_lost));
  count(alone_fault_ + index(Fault::grid_meter_lost));
  const bool known = current(seen.inputs, Wire::grid_power).has_value();
  if (!known) count(alone_missing_ + index(Wire::grid_power));
  if (known && seen.inputs.grid_frozen) count(alone_fault_ + index(Fault::grid_meter_frozen));
}

void Coverage::see_loss_of_inverter(const Seen& seen) {
  count(alone_limit_ + index(Cause::inverter_lost));
  count(alone_fault_ + index(Fault::inverter_lost));
  if (const auto wire = only_missing(seen.inputs, required_of_inverter))
    count(alone_missing_ + index(*wire));
}

void Coverage::see_blocks(const Seen& seen, const Counterfactual& other) {
  if (!seen.observation.bms_ok) return;
  for (const bool charging : {true, false}) {
    const auto only = only_one((charging ? charge_ : discharge_).last, seen.inputs.now);
    if (!only) continue;
    const bool zero = *only == limit_zero;
    const bool changed = other.alone([&](Cause c, bool against_charging) {
      return against_charging == charging &&
             (c == Cause::bms_protection || c == Cause::bms_charge_disabled ||
              c == Cause::bms_discharge_disabled ||
              (zero && (c == Cause::bms_charge_limit || c == Cause::bms_discharge_limit)));
    });
    if (!changed) continue;
    count(alone_block_ + (charging ? std::size_t{} : std::size_t{blocks}) + *only);
    // Its 10 s begin with it, so it never stands without them.
    if (*only < protections && other.binds(Cause::bms_protection)) {
      count(alone_limit_ + index(Cause::bms_protection));
      count(alone_fault_ + index(Fault::bms_protection));
    }
  }
}

void Coverage::see(const FaultSet& faults) {
  for (const Fault a : enum_values<Fault>) {
    if (!faults.active(a)) continue;
    count(fault_ + index(a));
    for (const Fault b : enum_values<Fault>)
      if (a < b && faults.active(b)) count(pair_ + index(a) * enum_count<Fault> + index(b));
  }
}

void Coverage::add(std::span<const std::uint64_t> counts) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += counts[i];
}

bool Coverage::full() const {
  return missing().empty();
}

std::vector<std::string> Coverage::missing() const {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    const std::string what = std::string{row.group} + ", " + row.name + ": ";
    if (counts_[i] < row.least)
      lines.push_back(what + std::to_string(counts_[i]) + " of " + std::to_string(row.least));
    if (!row.never.empty() && counts_[i] > 0)
      lines.push_back(what + std::to_string(counts_[i]) +
                      ", but it cannot be: " + std::string{row.never});
  }
  return lines;
}

void Coverage::print(std::ostream& out) const {
  for (std::size_t first = 0; first < rows_.size();) {
    std::size_t end = first;
    std::vector<std::size_t> order;
    for (; end < rows_.size() && rows_[end].group == rows_[first].group; ++end)
      if (rows_[end].least > 0 || counts_[end] > 0) order.push_back(end);
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return counts_[i]; });
    const bool pairs = rows_[first].group == together;
    out << rows_[first].group << ':';
    std::size_t column = 100;
    for (std::size_t n = 0; n < order.size() && !(pairs && n == 20); ++n) {
      const std::string cell =
          "  " + rows_[order[n]].name + ' ' + std::to_string(counts_[order[n]]);
      if (column + cell.size() > 98) {
        out << "\n ";
        column = 1;
      }
      out << cell;
      column += cell.size();
    }
    if (pairs && order.size() > 20)
      out << "\n   and " << order.size() - 20 << " more, each oftener";
    out << '\n';
    first = end;
  }
}

}  // namespace esshub::properties
