#include "tests/properties/invariants.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "tests/properties/coverage.hpp"

namespace esshub::properties {
namespace {

constexpr double eps = 1e-6;
using Broken = std::optional<std::string>;

std::string say(const char* what, double is, double allowed) {
  std::ostringstream text;
  text << what << ": " << is << " W, allowed " << allowed << " W";
  return text.str();
}

double positive(double value) {
  return value > 0.0 ? value : 0.0;  // also where it is no number
}

InverterStatus const* known(const std::optional<InverterStatus>& status) {
  return status ? &*status : nullptr;
}

std::optional<InverterStatus> status_of(const Seen& seen) {
  return fresh(seen.inputs.snapshot.inverter_status(), seen.inputs.now,
               seen.inputs.settings.inverter_max_age);
}

bool islanded(const Seen& seen) {
  return status_of(seen) == InverterStatus::islanded;
}

bool inverter_complete(const Seen& seen) {
  return status_of(seen) && current(seen.inputs, Wire::controllable) &&
         current(seen.inputs, Wire::inverter_power);
}

/// W, the least charging that keeps the export within its cap, which no order takes away (F25).
double export_to_charge(const Seen& seen) {
  const auto& s = seen.inputs.settings;
  const auto& rest = seen.observation.rest;
  return s.witness && rest ? positive(-s.export_cap->value() - rest->value()) : 0.0;
}

/// What the owner keeps for a power cut now.
double reserve_in_force(const Seen& seen, bool storm_kept) {
  const Orders& orders = seen.inputs.orders;
  const double reserve = orders.reserve.value_or(seen.inputs.settings.reserve).percent();
  return storm_kept ? std::max(reserve, orders.storm->reserve.percent()) : reserve;
}

/// What others told of a moment: the first entry that covers it; what is no number is nothing.
control::ToldPrices told_prices(const Seen& seen, Instant at) {
  const auto* const table = seen.inputs.prices;
  for (std::size_t i = 0; table && i < table->count && i < table->entries.size(); ++i) {
    const auto& [begin, end, prices] = table->entries.at(i);
    if (at < begin || at >= end) continue;
    control::ToldPrices told = prices;
    if (told.import_price && !std::isfinite(*told.import_price)) told.import_price.reset();
    if (told.export_price && !std::isfinite(*told.export_price)) told.export_price.reset();
    return told;
  }
  return {};
}

/// Whether the hours differ in price: docs/policy.md.
bool has_hours(const Seen& seen) {
  return !seen.inputs.settings.tariff.bands.empty() ||
         told_prices(seen, seen.inputs.now).import_price;
}

/// s, of those ahead, in which a kWh costs less than now; at a gain: also if bought for later, with
/// the losses of both ways. docs/policy.md.
struct Cost {
  bool dear;
  double price;
  [[nodiscard]] bool less_than(const Cost& other) const {
    return dear == other.dear ? price < other.price : other.dear;
  }
};

constexpr double unknown_price = 1e9;

/// By the tariff at a minute of the week, and what is told of the moment.
Cost cost_at(const Seen& seen, int minute_of_week, Instant at) {
  const auto& tariff = seen.inputs.settings.tariff;
  const CivilMinute minute{minute_of_week % 1440, minute_of_week / 1440 % 7 + 1};
  Cost found{true, tariff.import_price.value_or(unknown_price)};
  for (const auto& band : tariff.bands)
    if (band.when.covers(minute)) found = {!band.cheap, band.import_price};
  if (const auto told = told_prices(seen, at).import_price) found.price = *told;
  if (found.price < positive(tariff.cheap_below.value_or(0.0))) found.dear = false;
  return found;
}

/// Calls with each stretch ahead in which nothing changes: its cost and how long it is. The
/// world's bands are whole hours; what is told may change at any moment.
template <class Visit>
void each_cost_ahead(const Seen& seen, double ahead_s, Visit visit) {
  const auto& in = seen.inputs;
  const CivilMinute shown = in.local.shown();
  const int first = (shown.weekday - 1) * 1440 + shown.minute_of_day;
  const Instant end = in.now + std::chrono::duration_cast<Duration>(Seconds{ahead_s});
  std::set<Instant> edges{in.now, end};
  for (Instant hour = in.now + std::chrono::minutes{60 - first % 60}; hour < end; hour += 1h)
    edges.insert(hour);
  for (std::size_t i = 0; in.prices && i < in.prices->count && i < in.prices->entries.size(); ++i)
    for (const Instant edge : {in.prices->entries.at(i).begin, in.prices->entries.at(i).end})
      if (edge > in.now && edge < end) edges.insert(edge);
  for (auto at = edges.begin(); std::next(at) != edges.end(); ++at) {
    const auto minutes = std::chrono::floor<std::chrono::minutes>(*at - in.now).count();
    visit(cost_at(seen, first + static_cast<int>(minutes), *at), *std::next(at) - *at);
  }
}

double cheaper_ahead(const Seen& seen, double ahead_s, bool at_a_gain) {
  const CivilMinute shown = seen.inputs.local.shown();
  const Cost now = cost_at(seen, (shown.weekday - 1) * 1440 + shown.minute_of_day, seen.inputs.now);
  const double kept = seen.inputs.settings.conversion_efficiency;
  double sum = 0.0;
  each_cost_ahead(seen, ahead_s, [&](const Cost& then, Duration length) {
    if (then.less_than(now) && (!at_a_gain || then.price < now.price * kept * kept))
      sum += Seconds{length}.count();
  });
  return sum;
}

/// 3.2 V a cell (docs/policy.md).
double nominal_volts(const Seen& seen) {
  return seen.inputs.settings.cells * 3.2;
}

/// Of the whole battery, Wh; 0 if unknown.
double battery_wh(const Seen& seen) {
  const auto ah = seen.inputs.snapshot.raw(Point::battery, Measure::capacity);
  const auto modules = seen.inputs.snapshot.raw(Point::battery, Measure::modules);
  if (ah && ah->value > 0.0) return ah->value * nominal_volts(seen);
  return modules && modules->value > 0.0 ? modules->value * 2400.0 : 0.0;
}

/// s to charge so many points: docs/policy.md.
double storm_charging(const Seen& seen, double points, double ccl) {
  if (points <= 0.0) return 0.0;
  const auto& s = seen.inputs.settings;
  const double wh = battery_wh(seen);
  const bool full = ccl <= 0.0 && seen.observation.reported_soc.percent() >= 99.0;
  const double amperes =
      full ? s.charger_current.value() : std::min(s.charger_current.value(), positive(ccl));
  double watts =
      std::min({s.charge_limit.value(), s.inverter_rating.value(), amperes * nominal_volts(seen)});
  if (s.import_cap) watts = std::min(watts, s.import_cap->value());
  watts *= s.conversion_efficiency;
  if (wh <= 0.0 || watts <= 0.0) return 1e12;
  return wh * points / 100.0 / watts * 3600.0 * 1.1 + 600.0;
}

/// What is missing of it is told and brought back (F24): not what a storm adds.
double reserve_to_keep(const Seen& seen) {
  const auto& s = seen.inputs.settings;
  return std::max(seen.inputs.orders.reserve.value_or(s.reserve).percent(), s.soc_floor.percent());
}

/// By docs/policy.md: the cheap hours; where there are none the lowest price; without bands always.
/// Where a price is told: the cheap hours; where a day has none, when none that is known costs
/// less, or less than 4 h do and at least 4 h cost more.
bool off_peak(const Seen& seen) {
  const auto& tariff = seen.inputs.settings.tariff;
  if (!has_hours(seen)) return true;
  if (!seen.inputs.local.trusted) return false;
  if (told_prices(seen, seen.inputs.now).import_price) {
    const CivilMinute shown = seen.inputs.local.shown();
    const Cost present =
        cost_at(seen, (shown.weekday - 1) * 1440 + shown.minute_of_day, seen.inputs.now);
    if (!present.dear) return true;
    bool any_cheap = false;
    Duration less{};
    Duration more{};
    each_cost_ahead(seen, 24 * 3600.0, [&](const Cost& then, Duration length) {
      any_cheap = any_cheap || !then.dear;
      if (then.less_than(present)) less += length;
      if (then.price < unknown_price && present.less_than(then)) more += length;
    });
    if (any_cheap) return false;
    return less == 0s || (less < 4h && more >= 4h);
  }
  struct Hour {
    double price;
    bool cheap;
  };
  const double cheap_below = positive(tariff.cheap_below.value_or(0.0));
  std::vector<Hour> hours;
  std::optional<Hour> now;
  for (const auto& band : tariff.bands) {
    hours.push_back({band.import_price, band.cheap || band.import_price < cheap_below});
    if (band.when.covers(seen.inputs.local.shown())) now = hours.back();
  }
  bool outside = false;
  for (int hour = 0; hour < 7 * 24 && !outside; ++hour) {
    const CivilMinute minute{hour % 24 * 60, hour / 24 + 1};  // the world's bands are whole hours
    outside = std::none_of(tariff.bands.begin(), tariff.bands.end(),
                           [&](const auto& band) { return band.when.covers(minute); });
  }
  if (tariff.import_price && outside) {
    hours.push_back({*tariff.import_price, *tariff.import_price < cheap_below});
    if (!now) now = hours.back();
  }
  const auto is_cheap = [](const Hour& hour) { return hour.cheap; };
  if (std::any_of(hours.begin(), hours.end(), is_cheap)) return now && now->cheap;
  return now && std::all_of(hours.begin(), hours.end(),
                            [&](const Hour& hour) { return now->price <= hour.price; });
}

bool within(const std::optional<Instant>& since, Instant now, Duration span) {
  return since && now - *since < span;
}

void hold(bool& held, bool set, bool clear) {
  held = set || (held && !clear);
}

/// More than half beyond the transfer switch is no load.
double largest_load(const Seen& seen) {
  return 230.0 * 1.5 * seen.inputs.settings.transfer_switch.value();
}

bool forced_charge(const Decision& d) {
  const Cause target = d.reasons.begin()->cause;
  return target == Cause::force_charge || target == Cause::full_charge ||
         target == Cause::storm_fill || target == Cause::reserve_recharge;
}

}  // namespace

struct Invariants::Battery {
  explicit Battery(const Seen& seen) {
    const auto& in = seen.inputs;
    const auto soc_word = fresh(in.snapshot.soc(), in.now, in.settings.bms_max_age);
    const auto bits = fresh(in.snapshot.bits(Point::battery, Measure::protections), in.now,
                            in.settings.bms_max_age);
    const auto v = current(in, Wire::pack_voltage);
    const auto cvl_word = current(in, Wire::cvl);
    const auto ccl_word = current(in, Wire::ccl);
    const auto dcl_word = current(in, Wire::dcl);
    complete = soc_word && bits && v && cvl_word && ccl_word && dcl_word && !in.bms_implausible;
    const auto told = in.snapshot.bits(Point::battery, Measure::requests);
    const auto asked = fresh(told, in.now, in.settings.bms_max_age);
    // A word that stops a direction counts by itself, until it is taken back.
    const auto stops = [&](std::uint32_t against_other_alone, Measure limit, BmsRequest direction) {
      const auto said = in.snapshot.bits(Point::battery, Measure::protections);
      const auto& amperes = in.snapshot.raw(Point::battery, limit);
      return (said && (said->value & ~against_other_alone) != 0) ||
             (amperes && !(amperes->value > 0.0)) || (told && !has(told->value, direction));
    };
    stops_charging = stops(against_discharging_alone, Measure::ccl, BmsRequest::charge_enable);
    stops_discharging = stops(against_charging_alone, Measure::dcl, BmsRequest::discharge_enable);
    if (!complete) return;
    soc = soc_word->percent();
    soc_at = in.snapshot.soc()->at;
    volts = *v;
    cvl = *cvl_word;
    ccl = *ccl_word;
    dcl = *dcl_word;
    protections = *bits;
    // Flags that were sent once and are no more are withdrawn.
    if (told) requests = asked.value_or(0);
  }
  [[nodiscard]] bool forbids_charging() const {
    return (protections & ~against_discharging_alone) != 0 || !(ccl > 0.0) ||
           !has(requests, BmsRequest::charge_enable);
  }
  [[nodiscard]] bool forbids_discharging() const {
    return (protections & ~against_charging_alone) != 0 || !(dcl > 0.0) ||
           !has(requests, BmsRequest::discharge_enable);
  }

  bool complete = false;
  bool stops_charging = false;
  bool stops_discharging = false;
  double soc = 0.0;
  Instant soc_at{};
  double volts = 0.0;
  double cvl = 0.0;
  double ccl = 0.0;
  double dcl = 0.0;
  std::uint32_t protections = 0;
  std::uint32_t requests =
      bit(BmsRequest::charge_enable) | bit(BmsRequest::discharge_enable);  // a stack without them
};

// ---- what the contract's times speak of
// ------------------------------------------------------------

/// F25: a meter that shows exactly 0 W for more than half a second measures nothing, nor does one
/// that repeats power and voltage to the bit for more than one and a half.
bool Invariants::grid_current(const Seen& seen) const {
  if (!current(seen.inputs, Wire::grid_power) || seen.inputs.grid_frozen) return false;
  if (!seen.inputs.settings.witness) return true;
  const auto at = seen.inputs.snapshot.power(Point::grid)->at;
  return past_.not_zero_at && at - *past_.not_zero_at <= 500ms && at - past_.new_word_at <= 1500ms;
}

/// F25: what must count, and how long what is locked stays so. Running time: what was left when a
/// program ended is left when the next one begins.
void Invariants::remember_export(const Seen& seen, const Battery& battery) {
  const auto& in = seen.inputs;
  const Decision& d = seen.decision;
  // What an inverter that does not follow takes already is not above the cap at the meter.
  const double above = positive(-in.settings.export_cap.value_or(Watts{}).value() -
                                current(in, Wire::grid_power).value_or(0.0));
  const double need = std::min(export_to_charge(seen), above);
  const bool able = need >= 100.0 && battery.complete && seen.observation.grid_ok;
  const bool narrowed = std::any_of(d.reasons.begin(), d.reasons.end(), [](const Reason& reason) {
    return reason.cause >= Cause::starting && reason.cause != Cause::range_high;
  });
  // With a gain that was identified it is told so much more or less.
  const double least = 0.4 * need;
  const bool asked = d.proposed.value() >= least;
  if (!able || (asked && (d.battery_power.value() >= least || narrowed)))
    past_.uncharged_since.reset();
  else if (!past_.uncharged_since)
    past_.uncharged_since = in.now;
  const bool lost = in.settings.witness && past_.grid_was_good && !grid_current(seen) &&
                    status_of(seen) == InverterStatus::grid_connected && !in.stopping &&
                    in.stall == Duration{};
  if (!lost) past_.meter_lost_since.reset();
  if (lost && !past_.meter_lost_since) past_.meter_lost_since = in.now;
  const auto& newest = seen.decision.safety.export_excursions[1];
  past_.loss_counted |= newest && newest != past_.told.export_excursions[1];
  if (past_.good_samples >= 5 && !seen.decision.faults.active(Fault::grid_meter_reversed))
    past_.loss_counted = false;
  const auto since = seen.decision.faults.since(Fault::export_lockout);
  if (since == in.now && !seen.first) past_.locked_until = in.now + 4h;
}

void Invariants::remember_grid(const Seen& seen) {
  const auto& reading = seen.inputs.snapshot.power(Point::grid);
  if (reading && reading->value != Watts{}) past_.not_zero_at = reading->at;
  const auto& voltage = seen.inputs.snapshot.raw(Point::grid, Measure::voltage);
  const std::array word{reading ? reading->value.value() : 0.0, voltage ? voltage->value : 0.0};
  if (reading && word != past_.word) past_.new_word_at = reading->at;
  past_.word = word;
  if (!grid_current(seen)) {
    past_.good_samples = 0;
  } else if (past_.grid_at != reading->at) {
    ++past_.good_samples;
  }
  past_.grid_at = reading && !seen.inputs.grid_frozen ? std::optional{reading->at} : std::nullopt;
  past_.grid_was_good |= past_.good_samples >= 5;
}

void Invariants::remember_battery(const Seen& seen, const Battery& battery) {
  const Instant now = seen.inputs.now;
  if (battery.stops_charging) past_.charge_forbidden_at = now;
  if (battery.stops_discharging) past_.discharge_forbidden_at = now;
  if (!battery.complete) {
    past_.complete_since.reset();
    past_.bms_was_lost |= past_.bms_was_complete || seen.inputs.bms_implausible;
    return;
  }
  if (!past_.complete_since) past_.complete_since = now;
  past_.bms_was_complete = true;
  const bool full_charge_wanted =
      battery.soc < 100.0 && (has(battery.requests, BmsRequest::full_charge) ||
                              seen.inputs.settings.full_charge_days > 0.0);
  if (!full_charge_wanted)
    past_.full_charge_wanted_since.reset();
  else if (!past_.full_charge_wanted_since)
    past_.full_charge_wanted_since = now;
  if (battery.forbids_charging()) past_.charge_forbidden_at = now;
  if (battery.forbids_discharging()) past_.discharge_forbidden_at = now;
}

bool Invariants::bms_trusted(const Battery& battery, Instant now) const {
  return battery.complete && (!past_.bms_was_lost || now - *past_.complete_since >= 5s);
}

void Invariants::remember_soc(const Seen& seen, const Battery& battery) {
  if (!battery.complete) return;
  const auto& s = seen.inputs.settings;
  const double h = s.soc_hysteresis;
  const double reserve = reserve_in_force(seen, past_.storm.kept);
  hold(past_.floor_held, battery.soc <= s.soc_floor.percent(),
       battery.soc >= s.soc_floor.percent() + h);
  hold(past_.reserve_held, battery.soc <= reserve, battery.soc >= reserve + h);
  hold(past_.ceiling_held, battery.soc >= s.soc_ceiling.percent(),
       battery.soc <= s.soc_ceiling.percent() - h);

  if (past_.soc && past_.soc->at == battery.soc_at) return;
  // A minute of agreement is one of readings.
  if (past_.doubt_until && past_.soc && battery.soc_at - past_.soc->at >= 10s)
    past_.doubt_until = battery.soc_at + 60s;
  const bool in_doubt = past_.doubt_until && battery.soc_at < *past_.doubt_until;
  if (!in_doubt) past_.doubt_until.reset();
  const bool jumps = past_.soc && battery.soc_at - past_.soc->at < 10s &&
                     std::abs(battery.soc - past_.soc->soc) > 5.0;
  if (jumps || (in_doubt && battery.soc < past_.lower_soc)) {
    const double before = in_doubt ? past_.lower_soc : past_.soc->soc;
    past_.lower_soc = std::min(before, battery.soc);
  }
  if (jumps) past_.doubt_until = battery.soc_at + 60s;
  past_.soc = Past::Word{battery.soc, battery.soc_at};
}

void Invariants::remember_cutoff(const Seen& seen, const Battery& battery) {
  const auto& in = seen.inputs;
  // They only grow: a number that was carried out before is no new one.
  if (in.orders.acknowledgements > past_.resets) {
    past_.resets = in.orders.acknowledgements;
    if (past_.told_cut_off) past_.grace_until = in.now + 10min;
    past_.cut_off = past_.may_be_cut_off = false;
    past_.low_since.reset();
  }
  if (const auto mains = current(in, Wire::mains_voltage); mains && *mains >= 180.0) {
    past_.cut_off = past_.may_be_cut_off = false;
    past_.grace_until.reset();
    past_.low_since.reset();
    past_.islanded_since.reset();
    return;
  }
  if (!islanded(seen)) {
    past_.low_since.reset();
    past_.islanded_since.reset();
    return;
  }
  const bool trusted = bms_trusted(battery, in.now);
  const auto volts = trusted ? std::optional{battery.volts} : current(in, Wire::dc_voltage);
  const bool low = volts && *volts <= in.settings.cutoff_voltage.value();
  if (!low) past_.low_since.reset();
  if (low && !past_.low_since) past_.low_since = in.now;
  if (!past_.islanded_since) past_.islanded_since = in.now;
  const bool lasts = in.now - *past_.islanded_since >= 10s;
  const bool grace = past_.grace_until && in.now < *past_.grace_until;
  if (past_.low_since && in.now - *past_.low_since >= 10s) past_.cut_off = true;
  if (trusted && lasts && !grace && battery.soc <= in.settings.cutoff_soc.percent())
    past_.cut_off = true;
  // A lower SOC than the reported one may rule (F18).
  const bool doubtful = seen.decision.faults.active(Fault::soc_inconsistent);
  const bool may_be_over = !grace || past_.grace_unsure;
  const bool low_soc = trusted && battery.soc <= in.settings.cutoff_soc.percent();
  past_.may_be_cut_off |=
      past_.cut_off || (lasts && may_be_over && ((trusted && doubtful) || low_soc));
  if (!grace) past_.grace_unsure = false;
}

/// What a reply of the inverter says of the load on AC-out: its own word, and AC-in less converter.
struct Invariants::AcOut {
  explicit AcOut(const Seen& seen) {
    const auto& snap = seen.inputs.snapshot;
    const auto of = [&](Wire wire) {
      const Channel channel = wires[wire].channel;
      return snap.raw(channel.point, channel.measure);
    };
    const auto ac_in = of(Wire::inverter_power);
    const auto converter = of(Wire::converter_power);
    const auto own = of(Wire::ac_out_power);
    if (ac_in && converter && converter->at == ac_in->at) {
      at = ac_in->at;
      balance = ac_in->value - converter->value;
      if (own && own->at == at) word = own->value;
    } else if (own) {
      at = own->at;
      word = own->value;
    }
  }
  [[nodiscard]] bool agrees() const { return word && balance && std::abs(*word - *balance) <= 50; }

  Instant at{};
  std::optional<double> word;
  std::optional<double> balance;
};

/// How long they contradict each other, and how long they agree.
void Invariants::remember_ac_out(const Seen& seen) {
  const AcOut told{seen};
  if (past_.ac_out_at && told.at <= *past_.ac_out_at) return;
  past_.ac_out_at = told.at;
  if (!told.balance) {
    past_.unchecked_at = told.at;
    return;
  }
  if (told.agrees()) {
    past_.contradicted_since.reset();
    past_.contradictions = 0;
    if (!past_.agreed_since) past_.agreed_since = told.at;
    if (told.at - *past_.agreed_since >= 5s) past_.doubted_since.reset();
    return;
  }
  past_.agreed_since.reset();
  ++past_.contradictions;
  if (!past_.contradicted_since) past_.contradicted_since = told.at;
  if (!past_.doubted_since) past_.doubted_since = told.at;
}

/// F7, F7a, at the battery: the other way by more than the unit's own use, or more than told.
/// Judged where the load on AC-out is beyond doubt.
void Invariants::remember_following(const Seen& seen) {
  const auto& in = seen.inputs;
  const auto power = current(in, Wire::inverter_power);
  const auto told = current(in, Wire::setpoint);
  const AcOut load{seen};
  bool unsafe = false;
  const bool known = load.agrees() && !past_.doubted_since;
  if (power && told && known && !islanded(seen) && inverter_complete(seen)) {
    // Of the two words that agree either may be the one that counts.
    const auto is_unsafe = [&](double ac_out, double margin) {
      const double battery = *told - ac_out;
      const double does = *power - ac_out;
      const double off = does - battery;
      const bool other_sign = does * battery < 0.0 && std::abs(does) > 50.0 + margin;
      const bool more = battery == 0.0 || off * battery > 0.0;
      return std::abs(off) > std::max(150.0, 0.15 * std::abs(battery)) + margin &&
             (other_sign || more);
    };
    unsafe = is_unsafe(*load.balance, 10.0) && is_unsafe(*load.word, 10.0);
    if (is_unsafe(*load.balance, -10.0) || is_unsafe(*load.word, -10.0))
      past_.perhaps_unsafe_at = in.now;
  } else {
    past_.perhaps_unsafe_at = in.now;
  }
  if (past_.released_until && in.now >= *past_.released_until) past_.released_until.reset();
  past_.released_for_less = false;
  if (!past_.released_until && seen.decision.reasons.has(Cause::setpoint_not_followed)) {
    past_.released_until = in.now + 60s;
    past_.released_for_less = past_.perhaps_unsafe_at != in.now;
  }
  if (!unsafe || past_.released_until) {
    past_.unfollowed_since.reset();
  } else if (!past_.unfollowed_since) {
    past_.unfollowed_since = in.now;
  }
}

/// F27: beyond by more than max(3 A, 15 %), for 2 s and what the ramp needs.
void Invariants::remember_pack_current(const Seen& seen, const Battery& battery) {
  const auto& in = seen.inputs;
  const auto amperes = current(in, Wire::pack_current);
  if (!amperes || !bms_trusted(battery, in.now) ||
      status_of(seen) != InverterStatus::grid_connected || seen.patched) {
    past_.beyond_since.reset();
    past_.within_since.reset();
    past_.exceeded &= !seen.patched;  // by what the control made of no number
    return;
  }
  const double limit = positive(*amperes > 0.0 ? battery.ccl : battery.dcl);
  const double excess = std::abs(*amperes) - limit;
  if (!(excess > std::max(3.0, 0.15 * limit))) {
    past_.beyond_since.reset();
    if (!past_.within_since) past_.within_since = in.now;
    if (in.now - *past_.within_since >= 10s) past_.exceeded = false;
    return;
  }
  past_.within_since.reset();
  if (!past_.beyond_since) {
    past_.beyond_since = in.now;
    past_.beyond_for =
        2s + as_duration(Seconds{excess * battery.volts / in.settings.inverter_ramp.value()});
  }
  if (in.now - *past_.beyond_since > past_.beyond_for) past_.exceeded = true;
}

/// F28.
void Invariants::remember_temperature(const Seen& seen) {
  const auto& s = seen.inputs.settings;
  const auto t = current(seen.inputs, Wire::temperature);
  if (!t) return;
  const auto judge = [&](bool& held, Celsius coldest, Celsius warmest) {
    const double low = coldest.value();
    const double high = warmest.value();
    hold(held, *t < low || *t > high, *t >= low + 2.0 && *t <= high - 2.0);
  };
  judge(past_.charge_cold, s.coldest_charge, s.warmest_charge);
  judge(past_.discharge_cold, s.coldest_discharge, s.warmest_discharge);
}

/// F10: by time, over the last 6 s.
void Invariants::remember_ticks(const Seen& seen) {
  const Instant now = seen.inputs.now;
  const Duration period = seen.inputs.settings.period;
  past_.lost.push_back({now, seen.missed});
  while (now - past_.lost.front().at >= 6s) past_.lost.pop_front();
  std::uint64_t lost = 0;
  for (const auto& entry : past_.lost) lost += entry.periods;
  const double percent = 100.0 * static_cast<double>(lost) * Seconds{period}.count() / 6.0;
  const Duration gap = past_.at ? now - *past_.at : Duration{};
  if (gap > std::max<Duration>(100ms, 2 * period)) past_.gap_over_100ms_at = now;
  if (gap > std::max<Duration>(300ms, 3 * period)) {
    past_.stall = gap;
    past_.stall_at = now;
    past_.overrun = true;
  } else if (percent > 10.0) {
    past_.overrun = true;
  } else if (percent < 2.0 && !within(past_.gap_over_100ms_at, now, 6s)) {
    past_.overrun = false;
  }
}

std::optional<double> Invariants::ac_out_before_stall(const Seen& seen) const {
  const auto& in = seen.inputs;
  if (!within(past_.stall_at, in.now, 1s) || past_.stall > 10s) return std::nullopt;
  const auto then = [&](Wire wire) -> std::optional<double> {
    const Channel channel = wires[wire].channel;
    return fresh(in.snapshot.raw(channel.point, channel.measure), in.now - past_.stall,
                 in.settings.inverter_max_age);
  };
  if (!then(Wire::controllable) ||
      then(Wire::status) != static_cast<double>(InverterStatus::grid_connected))
    return std::nullopt;
  if (const auto word = then(Wire::ac_out_power)) return word;
  const auto ac_in = then(Wire::inverter_power);
  const auto converter = then(Wire::converter_power);
  if (!ac_in || !converter) return std::nullopt;
  return *ac_in - *converter;
}

/// A control begins: what safety remembers survives (I12), everything else is proved anew.
void Invariants::begin(const Seen& seen) {
  const Past before = std::exchange(past_, {});
  past_.began = seen.inputs.now;
  past_.cut_off = before.cut_off;
  past_.may_be_cut_off = before.may_be_cut_off;
  past_.told_cut_off = before.told_cut_off;
  past_.grace_until = before.grace_until;
  past_.resets = seen.program ? 0 : before.resets;
  past_.meter_rests_until = before.meter_rests_until;
  if (before.locked_until && before.at)
    past_.locked_until =
        seen.program ? past_.began + (*before.locked_until - *before.at) : *before.locked_until;
  past_.told = seen.decision.safety;
  // A steady clock that reads earlier is another start of the machine: what was left is left.
  if (!before.at || past_.began >= *before.at) return;
  if (before.meter_rests_until)
    past_.meter_rests_until = past_.began + (*before.meter_rests_until - *before.at);
  // What was left of the owner's 10 minutes when it was last kept, which is at most all of them.
  past_.grace_unsure = before.grace_until && *before.at < *before.grace_until;
  past_.grace_until.reset();
  if (past_.grace_unsure) past_.grace_until = past_.began + 10min;
}

/// F21: 15 min from the moment it is told, or the owner's word.
void Invariants::remember_reversed(const Seen& seen) {
  const auto& in = seen.inputs;
  if (in.orders.acknowledgements > past_.resets) past_.meter_rests_until.reset();
  const auto since = seen.decision.faults.since(Fault::grid_meter_reversed);
  if (!since) past_.meter_rests_until.reset();
  if (since == in.now && !seen.first) past_.meter_rests_until = in.now + 15min;
}

void Invariants::remember_mode(const control::Inputs& in) {
  const bool smart = in.orders.mode.value_or(in.settings.mode) == Mode::smart;
  if (!smart) past_.smart_since.reset();
  if (smart && !past_.smart_since) past_.smart_since = in.now;
}

void Invariants::remember(const Seen& seen, const Battery& battery) {
  if (seen.first) begin(seen);
  remember_reversed(seen);
  remember_grid(seen);
  remember_export(seen, battery);
  remember_battery(seen, battery);
  remember_storm(seen, battery);
  remember_soc(seen, battery);
  remember_cutoff(seen, battery);
  remember_ac_out(seen);
  remember_following(seen);
  remember_pack_current(seen, battery);
  remember_mode(seen.inputs);
  remember_temperature(seen);
  remember_ticks(seen);
  past_.inverter_was_good |= inverter_complete(seen);
  past_.all_were_fresh |= grid_current(seen) && battery.complete && inverter_complete(seen);
}

// ---- what must hold -----------------------------------------------------------------------------

/// The causes of the safe setpoint: F1 to F4, F6 to F8, F10 to F12, F20, F21, I3.
Broken Invariants::stops(const Seen& seen, const Battery& battery) const {
  const Decision& d = seen.decision;
  const auto& in = seen.inputs;
  const bool writes = d.setpoint.mode == InverterMode::follow;
  const auto status = status_of(seen);
  const auto* is = known(status);
  if (!past_.all_were_fresh && writes) return "F12: written before every source was fresh";
  if (islanded(seen) && writes) return "F8: written although islanded";
  if (writes && !ac_out_before_stall(seen)) {
    if (is == nullptr) return "F6: written to an inverter whose status is not known";
    if (!current(in, Wire::controllable)) return "F6: written to one not controllable";
    if (!current(in, Wire::ac_out_power) && !current(in, Wire::converter_power))
      return "safe setpoint: AC-out is not known";
  }
  if (past_.released_for_less) return "F7a: released although it did no more than told";
  if (past_.released_until && writes) return "F7: written within a minute of the release";
  if (past_.unfollowed_since && in.now - *past_.unfollowed_since >= 30s)
    return "F7: not followed for 30 s and not released";
  if (d.battery_power == Watts{}) return std::nullopt;

  const auto rests = [&](const char* why) { return say(why, d.battery_power.value(), 0); };
  if (!past_.all_were_fresh) return rests("F12: a source was never fresh");
  if (!grid_current(seen)) return rests("I3: the grid meter is stale or frozen");
  if (past_.good_samples < 5) return rests("F1: fewer than 5 good samples");
  if (!battery.complete) return rests("I3: the BMS is stale");
  if (!bms_trusted(battery, in.now)) return rests("F4: complete for less than 5 s");
  if (!inverter_complete(seen)) return rests("I3: the inverter is stale");
  if (!writes) return rests("I5: power is commanded, but no setpoint written");
  if (is == nullptr || *is != InverterStatus::grid_connected)
    return rests("I3: the inverter is not known to be grid-connected");
  if (past_.released_until) return rests("F7: released");
  if (past_.overrun) return rests("F10: overrun");
  if (in.stopping) return rests("F20: told to stop");
  if (in.components_failing) return rests("F11: parts fail again and again");
  if (past_.meter_rests_until && in.now < *past_.meter_rests_until)
    return rests("F21: the meter is reversed");
  if (in.now - past_.began < 10s) return rests("I12: not all is proved anew");
  if (past_.exceeded) return rests("F27: more current than the BMS allows");
  if (in.bms_implausible) return rests("F23: the BMS sends what cannot be");
  return std::nullopt;
}

/// I2 and F5.
Broken Invariants::battery_limits(const Seen& seen, const Battery& battery) const {
  const double p = seen.decision.battery_power.value();
  const auto& s = seen.inputs.settings;
  const Instant now = seen.inputs.now;
  const double most =
      std::min({positive(battery.ccl * battery.volts), s.inverter_rating.value(),
                s.charge_limit.value(), positive(s.charger_current.value() * battery.volts)});
  const double least = -std::min({positive(battery.dcl * battery.volts * s.conversion_efficiency),
                                  s.inverter_rating.value(), s.discharge_limit.value()});
  if (!(p <= most + eps)) return say("I2: charge", p, most);
  if (!(p >= least - eps)) return say("I2: discharge", p, least);
  if (p > 0.0 && within(past_.charge_forbidden_at, now, 10s))
    return say("F5: the BMS forbids charging, or did within 10 s", p, 0);
  if (p < 0.0 && within(past_.discharge_forbidden_at, now, 10s))
    return say("F5: the BMS forbids discharging, or did within 10 s", p, 0);
  if (p > 0.0 && past_.charge_cold) return say("F28: charge outside its temperatures", p, 0);
  if (p < 0.0 && past_.discharge_cold) return say("F28: discharge outside its temperatures", p, 0);
  if (p > 0.0 && !(battery.volts < battery.cvl)) return say("I2: charge at the CVL", p, 0);
  return std::nullopt;
}

/// I1, F18 and the ceiling.
Broken Invariants::states_of_charge(const Seen& seen, const Battery& battery) const {
  const double p = seen.decision.battery_power.value();
  const auto& s = seen.inputs.settings;
  const double reserve = std::max(reserve_in_force(seen, past_.storm.kept), s.soc_floor.percent());
  if (!battery.complete) return std::nullopt;
  if (p < 0.0 && battery.soc <= reserve) return say("I1: discharge at the reserve", p, 0);
  if (p < 0.0 && past_.floor_held) return say("I1: discharge within the floor's hysteresis", p, 0);
  if (p < 0.0 && past_.reserve_held)
    return say("I1: discharge within the reserve's hysteresis", p, 0);
  if (p > 0.0 && past_.ceiling_held) return say("charge at the ceiling", p, 0);
  if (p < 0.0 && past_.doubt_until && battery.soc_at < *past_.doubt_until &&
      past_.lower_soc <= reserve)
    return say("F18: discharge although the lower SOC is at the reserve", p, 0);
  return std::nullopt;
}

/// I4: only what the battery adds counts; the house may exceed a cap by itself. And the circuits
/// that the battery does not serve (docs/policy.md).
Broken Invariants::grid(const Seen& seen) const {
  const double p = seen.decision.battery_power.value();
  const auto& s = seen.inputs.settings;
  const AcOut told{seen};
  const auto& residual = seen.memory.loop.residual;
  if (!residual || p == 0.0) return std::nullopt;
  // Between the two words, or where they contradict each other what is written.
  const std::optional<double> ac_out =
      told.agrees() ? std::optional{seen.decision.setpoint.ac_power.value() - p} : std::nullopt;
  if (!ac_out) return std::nullopt;
  const double rest = residual->value() + *ac_out;
  const double fuse = s.main_fuse.value() * 230.0;
  if (p > 0.0 && rest + p > fuse + eps) return say("I4: import beyond the fuse", rest + p, fuse);
  if (p < 0.0 && rest + p < -fuse - eps) return say("I4: export beyond the fuse", rest + p, -fuse);
  if (s.import_cap && p > 0.0 && rest + p > s.import_cap->value() + eps)
    return say("I4: import", rest + p, s.import_cap->value());
  if (s.export_cap && p < 0.0 && rest + p < -s.export_cap->value() - eps)
    return say("I4: export", rest + p, -s.export_cap->value());
  if (seen.decision.faults.active(Fault::export_lockout) && p < 0.0 && rest + p < -eps)
    return say("F25: export in a lock-out", rest + p, 0);

  if (p > 0.0 || seen.decision.policy.instruction.kind == InstructionKind::discharge)
    return std::nullopt;
  double excluded = 0.0;
  for (const std::size_t i : {0u, 1u}) {
    const auto& role = s.circuit_roles.at(i);
    if (!role || s.battery_serves[*role]) continue;
    const auto drawn = current(seen.inputs, i == 0 ? Wire::ev_power : Wire::heatpump_power);
    if (!drawn) return say("discharge although a circuit that is not served is stale", p, 0);
    excluded += positive(*drawn);
  }
  const double serves = positive(rest - excluded - s.grid_setpoint.value());
  if (excluded > 0.0 && -p > serves + eps) return say("discharge into another circuit", -p, serves);
  return std::nullopt;
}

/// F25: a lost meter counts, the third excursion locks for 4 h, and what is above the cap is
/// charged whatever was ordered.
Broken Invariants::export_cap(const Seen& seen) const {
  const Decision& d = seen.decision;
  const Instant now = seen.inputs.now;
  const bool locked = d.faults.active(Fault::export_lockout);
  if (locked != d.safety.export_locked_until.has_value()) return "F25: locked out and not told";
  if (past_.locked_until && now < *past_.locked_until && !locked)
    return "F25: a lock-out of less than 4 h";
  const auto& before = past_.told.export_excursions;
  const auto& [older, newest] = d.safety.export_excursions;
  const bool counted = newest && newest != before[1];
  const bool third = counted && before[0] && now - *before[0] < 24h;
  if (third && !locked) return "F25: the third excursion does not lock";
  if (past_.meter_lost_since && now - *past_.meter_lost_since >= 5s && !newest &&
      !past_.loss_counted)
    return "F25: a lost meter is no excursion";
  for (const auto& excursion : {older, newest})
    if (excursion && now - *excursion >= 24h) return "F25: an excursion of a day ago counts";

  if (past_.uncharged_since && now - *past_.uncharged_since >= 5s)
    return say("F25: could take it and does not", d.battery_power.value(), export_to_charge(seen));
  return std::nullopt;
}

/// The AC-in setpoint is battery power and the load on AC-out, whichever one of the inverter's
/// words is wrong: what passes switch and fuse beyond what they carry is not the battery's doing.
Broken Invariants::setpoint_at_ac_in(const Seen& seen) const {
  const double setpoint = seen.decision.setpoint.ac_power.value();
  const double power = seen.decision.battery_power.value();
  const double load = setpoint - power;
  const double most = largest_load(seen);
  if (std::abs(load) > most + eps) return say("a load that no switch carries", load, most);
  const auto& s = seen.inputs.settings;
  const double carried = 230.0 * std::min(s.transfer_switch.value(), s.main_fuse.value());
  if (std::abs(power) > eps && power * load >= 0.0 && std::abs(setpoint) > carried + eps)
    return say("AC-in beyond switch and fuse by the battery's doing", setpoint, carried);
  const AcOut told{seen};
  if (const auto before = ac_out_before_stall(seen); before && !current(seen.inputs, Wire::status))
    return std::nullopt;  // checked when it was current
  if (told.agrees() && std::abs(load - *told.balance) > 50.0 + eps)
    return say("setpoint for a load that both words deny", load, *told.balance);
  if (!told.balance && told.word && std::abs(load - *told.word) > eps &&
      past_.unchecked_at == told.at)
    return say("setpoint", load, *told.word);
  const bool lasts = past_.contradictions >= 3 && told.at - *past_.contradicted_since >= 2500ms;
  if (told.balance && lasts && std::abs(load - *told.balance) > eps)
    return say("a word that is wrong for ever counts", load, *told.balance);
  return std::nullopt;
}

/// I5, I6 and I9, and that a command is one.
Broken Invariants::command(const Seen& seen) const {
  const Decision& d = seen.decision;
  const auto& s = seen.inputs.settings;
  const Instant now = seen.inputs.now;
  const double p = d.battery_power.value();
  const Setpoint& setpoint = d.setpoint;
  const bool writes = setpoint.mode == InverterMode::follow;
  if (!std::isfinite(p) || !std::isfinite(setpoint.ac_power.value())) return "no number commanded";
  if (writes)
    if (const auto broken = setpoint_at_ac_in(seen)) return broken;

  if (writes) {
    const Seconds passed = past_.at ? std::min<Duration>(now - *past_.at, 1s) : Duration{};
    const double slew = s.slew.value() * passed.count();
    const double before = past_.commanded.value();
    const bool towards_rest = (before >= 0.0 && p >= -slew - eps && p <= before + slew + eps) ||
                              (before <= 0.0 && p <= slew + eps && p >= before - slew - eps);
    if (!towards_rest) return say("I5: faster than the slew", p, before);
  }
  if (setpoint.mode != InverterMode::release &&
      (setpoint.valid_until <= now || setpoint.valid_until > now + s.setpoint_life ||
       setpoint.valid_until > now + std::max<Duration>(300ms, 3 * s.period)))
    return "I6: a setpoint without its end";

  if (d.reasons.empty() || d.reasons.begin()->cause > Cause::idle) return "I9: no target named";
  const auto* limit = std::find_if(d.reasons.begin(), d.reasons.end(), [](const Reason& reason) {
    return reason.cause >= Cause::starting;
  });
  // No installation is wider than 1 MW, and no number is no wish.
  const double wish =
      std::isnan(d.proposed.value()) ? 0.0 : std::clamp(d.proposed.value(), -1e6, 1e6);
  if (wish == p) return std::nullopt;
  if (limit == d.reasons.end()) return "I9: a limit moved the result and is not named";
  if (limit->power_without.value() != wish) return "I9: not what it was before the first limit";
  return std::nullopt;
}

/// Smart mode (docs/smart.md): which marks are in force. Of several the first; a mark that lies
/// below one that it may not lie below is moved up, and a power that is no power is none.
std::optional<control::Marks> planned_marks(const Seen& seen) {
  const auto& in = seen.inputs;
  if (in.orders.mode.value_or(in.settings.mode) != Mode::smart || !in.local.trusted || !in.plan)
    return std::nullopt;
  for (std::size_t i = 0; i < in.plan->entries.size() && i < in.plan->count; ++i) {
    const auto& entry = in.plan->entries.at(i);
    if (in.now < entry.begin || in.now >= entry.end) continue;
    control::Marks m = entry.marks;
    if (m.store < m.buy) m.store = m.buy;
    if (m.serve < m.buy) m.serve = m.buy;
    if (m.sell < m.serve) m.sell = m.serve;
    if (!(m.buy_power.value() > 0.0 && std::isfinite(m.buy_power.value()))) m.buy_power = {};
    if (!(m.sell_power.value() > 0.0 && std::isfinite(m.sell_power.value()))) m.sell_power = {};
    return m;
  }
  return std::nullopt;
}

/// Who rules, F13 and F17, and what his word allows (I8).
Broken Invariants::orders(const Seen& seen, const Battery& battery) const {
  const auto& in = seen.inputs;
  const Policy& policy = seen.decision.policy;
  const double p = seen.decision.battery_power.value();
  const Authority who = policy.authority;
  const bool planned =
      who == Authority::schedule || who == Authority::smart || who == Authority::tariff;
  const bool manual = in.orders.manual && in.now < in.orders.manual->until;
  const bool dispatch = in.orders.dispatch && in.now < in.orders.dispatch->until;
  if (planned && !in.local.trusted) return "F13: a plan rules by a clock that is not trusted";
  if (who == Authority::schedule && in.orders.mode.value_or(in.settings.mode) == Mode::balance)
    return "the schedule rules although the mode is balance";
  const auto smart = planned_marks(seen);
  if (!smart && who == Authority::smart) return "Smart rules without a plan";
  if (smart && who < Authority::smart) return "the plan does not rule, and nobody above it";
  if (manual != (who == Authority::manual)) return "F17: the override rules without being in force";
  if (!manual && dispatch != (who == Authority::dispatch))
    return "F17: the dispatch rules without being in force";
  if (!battery.complete || !seen.observation.bms_ok || forced_charge(seen.decision))
    return std::nullopt;
  bool pays_to_give = false;
  if (!manual && !dispatch && in.local.trusted) {
    const auto& tariff = in.settings.tariff;
    auto import_price = tariff.import_price;
    auto export_price = tariff.export_price;
    for (const auto& band : tariff.bands)
      if (band.when.covers(in.local.shown())) {
        import_price = band.import_price;
        if (band.export_price) export_price = band.export_price;
      }
    const auto told = told_prices(seen, in.now);
    if (told.import_price) import_price = told.import_price;
    if (told.export_price) export_price = told.export_price;
    if (policy.import_price != import_price || policy.export_price != export_price)
      return "another price is told than what is believed";
    if (import_price && *import_price < 0.0 && p < 0.0)
      return say("discharged while one is paid to draw", p, 0);
    pays_to_give = export_price && *export_price < 0.0;
    if (pays_to_give && seen.decision.reasons.has(Cause::discharge))
      return say("sold at a negative price", p, 0);
  }
  // What keeps the export within its cap no range takes away; the loop's own figure may differ by
  // what it knows of the inverter.
  const auto& rest = seen.observation.rest;
  const bool keeps_cap = in.settings.witness && rest &&
                         -in.settings.export_cap->value() - rest->value() > -100.0 &&
                         p <= 2.0 * export_to_charge(seen) + 200.0;
  const Instruction& i = policy.instruction;
  const bool stores_all = pays_to_give || keeps_cap;
  if (who == Authority::smart) {
    const bool buys = seen.decision.reasons.has(Cause::charge);
    const bool sells = seen.decision.reasons.has(Cause::discharge);
    if (buys && (smart->buy_power.value() <= 0.0 || battery.soc >= smart->buy.percent()))
      return say("I8: bought beyond the plan's mark", battery.soc, smart->buy.percent());
    if (sells && (smart->sell_power.value() <= 0.0 || battery.soc <= smart->sell.percent()))
      return say("I8: sold beyond the plan's mark", battery.soc, smart->sell.percent());
    if (p < 0.0 && battery.soc <= smart->serve.percent())
      return say("I8: served beyond the plan's mark", battery.soc, smart->serve.percent());
    if (p > 0.0 && !stores_all && battery.soc >= smart->store.percent())
      return say("I8: stored beyond the plan's mark", battery.soc, smart->store.percent());
    return std::nullopt;
  }
  switch (i.kind) {
    case InstructionKind::balance:
      if (battery.soc <= i.low.percent() && p < 0.0) return say("I8: below the range", p, 0);
      if (battery.soc >= i.high.percent() && p > 0.0 && !pays_to_give && !keeps_cap)
        return say("I8: above the range", p, 0);
      break;
    case InstructionKind::charge:
      if (battery.soc >= i.target.percent() && p > 0.0 &&
          (seen.decision.reasons.has(Cause::charge) ||
           seen.decision.reasons.has(Cause::cheap_charge)))
        return say("I8: bought beyond the target", p, 0);
      if (battery.soc <= i.target.percent() && p < 0.0)
        return say("I8: discharged below what is to be bought", p, 0);
      if (who == Authority::tariff && in.settings.tariff.no_discharge_while_cheap && p < 0.0)
        return say("discharged while cheap", p, 0);
      break;
    case InstructionKind::discharge:
      if (battery.soc <= i.target.percent() && p < 0.0)
        return say("I8: discharged beyond the target", p, 0);
      if (battery.soc >= i.target.percent() && p > 0.0 && !pays_to_give && !keeps_cap)
        return say("I8: charged above what is to be sold", p, 0);
      break;
    case InstructionKind::idle:
      break;
  }
  return std::nullopt;
}

/// From a point below it to a little beyond it, for a BMS tells whole points.
void Invariants::remember_reserve(const Seen& seen, const Battery& battery) {
  if (!battery.complete || !seen.observation.bms_ok || !inverter_complete(seen)) return;
  const double more = std::min(1.0, seen.inputs.settings.soc_hysteresis / 2.0);
  hold(past_.reserve_wanted, battery.soc <= reserve_to_keep(seen) - 1.0,
       battery.soc >= reserve_to_keep(seen) + more);
  if (islanded(seen)) past_.reserve_wanted = false;
}

/// From when on a storm's reserve is kept, and whether it is bought now: docs/policy.md.
void Invariants::remember_storm(const Seen& seen, const Battery& battery) {
  const auto& in = seen.inputs;
  const auto& storm = in.orders.storm;
  auto& past = past_.storm;
  past.buys = false;
  if (!storm || in.now >= storm->until) {
    past = {};
    return;
  }
  if (past.order != storm) {
    past = {};
    past.order = storm;
    past.judged = in.now;
    past.kept = storm->fill;
  }
  const bool begun = in.now >= storm->from;
  if (!storm->fill) {
    past.kept = begun;
    return;
  }
  past.kept |= begun;
  if (!battery.complete || !seen.observation.bms_ok) return;
  const double reserve = storm->reserve.percent();
  const double ceiling = in.settings.soc_ceiling.percent();
  const double goal = std::min(reserve + std::min(1.0, in.settings.soc_hysteresis / 2.0),
                               std::max(ceiling, reserve));
  hold(past.wanted, battery.soc <= reserve - 1.0, battery.soc >= goal);
  const double missing = positive((past.wanted ? goal : reserve) - battery.soc);
  if (begun || !has_hours(seen) || battery_wh(seen) <= 0.0 ||
      (!in.local.trusted && in.now - past.judged >= 1h)) {
    past.kept = true;
    past.may_wait = false;
  } else if (in.local.trusted && past.minute != in.local.shown() &&
             (battery.ccl > 0.0 || seen.observation.reported_soc.percent() >= 99.0)) {
    const bool first = !past.minute;
    past.minute = in.local.shown();
    past.judged = in.now;
    const double ahead = std::chrono::duration<double>(storm->from - in.now).count();
    const auto suffices_for = [&](double more, bool at_a_gain) {
      return cheaper_ahead(seen, 60.0 * std::floor(ahead / 60.0), at_a_gain) >=
             storm_charging(seen, missing + more, battery.ccl);
    };
    past.kept = !suffices_for(past.kept && !first ? 10.0 : 5.0, true);
    past.may_wait = suffices_for(past.may_wait ? 0.0 : 2.0, false);
  }
  past.buys = past.wanted && !past.may_wait;
}

/// A storm is filled when it is its time, and by nobody else.
Broken Invariants::storm(const Seen& seen, const Battery& battery) const {
  const Decision& d = seen.decision;
  const Cause target = d.reasons.begin()->cause;
  const bool manual = d.policy.authority == Authority::manual;
  if (target == Cause::storm_fill && (!past_.storm.buys || manual))
    return "bought for a storm without need";
  if (target == Cause::storm_fill && d.proposed < seen.inputs.settings.charge_limit)
    return say("bought for a storm", d.proposed.value(), seen.inputs.settings.charge_limit.value());
  if (past_.storm.buys && !manual && target != Cause::storm_fill && target != Cause::force_charge)
    return "not bought for the storm";
  const double reserve = reserve_in_force(seen, past_.storm.kept);
  if (d.policy.reserve.percent() != reserve)
    return say("another reserve is told", d.policy.reserve.percent(), reserve);
  const auto& reached = d.policy.storm_reached;
  if (!reached) return std::nullopt;
  if (manual || islanded(seen))
    return "told when a storm's reserve will be there, by one who does nothing";
  if (*reached <= seen.inputs.now &&
      !(past_.storm.kept && battery.soc > seen.inputs.orders.storm->reserve.percent() - 1.0))
    return "a storm's reserve is told to be there and is not";
  return std::nullopt;
}

/// F24, and that a full charge is not bought at the peak within a day.
Broken Invariants::reserve(const Seen& seen, const Battery& battery) const {
  const Decision& d = seen.decision;
  const auto& s = seen.inputs.settings;
  const Cause target = d.reasons.begin()->cause;
  const bool told = d.faults.active(Fault::reserve_not_kept);
  const bool known = battery.complete && seen.observation.bms_ok && inverter_complete(seen);
  if (told && (!known || islanded(seen) || battery.soc >= reserve_to_keep(seen)))
    return "F24: told although the reserve is there, in use or not known";
  if (known && !islanded(seen) && battery.soc <= reserve_to_keep(seen) - 1.0 && !told)
    return "F24: not told";
  if (target == Cause::full_charge && !off_peak(seen) &&
      !(past_.full_charge_wanted_since &&
        seen.inputs.now - *past_.full_charge_wanted_since >= std::chrono::hours{24}))
    return "a full charge is bought at the peak";
  const bool buys = s.reserve_recharge == control::ReserveRecharge::at_once ||
                    (s.reserve_recharge == control::ReserveRecharge::cheap && off_peak(seen));
  if (target == Cause::reserve_recharge && !(known && buys && past_.reserve_wanted))
    return "F24: bought without need";
  if (!told || !buys || forced_charge(d) || d.policy.authority == Authority::manual)
    return std::nullopt;
  if (target != Cause::charge && target != Cause::cheap_charge) return "F24: not bought back";
  if (d.proposed < s.reserve_recharge_power)
    return say("F24: bought back", d.proposed.value(), s.reserve_recharge_power.value());
  return std::nullopt;
}

/// That what fails is told, and F9.
Broken Invariants::faults(const Seen& seen, const Battery& battery) const {
  const Decision& d = seen.decision;
  const auto& in = seen.inputs;
  const bool off = d.setpoint.mode == InverterMode::off;
  if (past_.cut_off && !off) return "F9: not switched off";
  if (off && !past_.may_be_cut_off) return "F9: switched off although the battery is not low";
  const auto must = [&](Fault fault, bool active) -> Broken {
    if (!active || d.faults.active(fault)) return std::nullopt;
    return "fault not raised: " + std::string{name(fault)};
  };
  const Mode mode = in.orders.mode.value_or(in.settings.mode);
  const bool doubt = past_.doubt_until && battery.soc_at < *past_.doubt_until;
  for (const auto& broken :
       {must(Fault::grid_meter_lost, past_.grid_was_good && !grid_current(seen)),
        must(Fault::bms_lost, past_.bms_was_complete && !battery.complete && !in.bms_implausible),
        must(Fault::bms_implausible, in.bms_implausible),
        must(Fault::bms_limit_exceeded, past_.exceeded),
        must(Fault::battery_temperature, past_.charge_cold || past_.discharge_cold),
        must(Fault::ac_out_inconsistent,
             past_.doubted_since && *past_.ac_out_at - *past_.doubted_since >= 10s),
        must(Fault::inverter_lost, past_.inverter_was_good && !inverter_complete(seen)),
        must(Fault::islanded, islanded(seen)), must(Fault::backup_cutoff, past_.cut_off),
        must(Fault::control_overrun, past_.overrun),
        must(Fault::clock_untrusted, !in.local.trusted),
        must(Fault::plan_suspended,
             !in.local.trusted && ((mode != Mode::balance && !in.settings.schedule.empty()) ||
                                   mode == Mode::smart || !in.settings.tariff.bands.empty())),
        must(Fault::plan_missing, past_.smart_since && in.now - *past_.smart_since >= 1min &&
                                      in.plan && in.plan->made && in.now - *in.plan->made >= 8h),
        must(Fault::bms_protection,
             battery.complete && seen.observation.bms_ok && battery.protections != 0),
        must(Fault::soc_inconsistent, battery.complete && seen.observation.bms_ok && doubt),
        must(Fault::setpoint_not_followed,
             past_.unfollowed_since && in.now - *past_.unfollowed_since >= 15s)})
    if (broken) return broken;
  for (const auto& row : wires)
    if (const auto& garbage = seen.garbage[row.id]) {
      const auto& reading = in.snapshot.raw(row.channel.point, row.channel.measure);
      if (reading &&
          (reading->value == *garbage || (!seen.patched && !std::isfinite(reading->value))))
        return "F3: garbage was taken for a value of " + std::string{name(row.id)};
    }
  return std::nullopt;
}

Broken Invariants::broken(const Seen& seen) {
  const Battery battery{seen};
  remember(seen, battery);
  remember_reserve(seen, battery);
  Broken broken = stops(seen, battery);
  if (!broken) broken = battery_limits(seen, battery);
  if (!broken) broken = states_of_charge(seen, battery);
  if (!broken) broken = grid(seen);
  if (!broken) broken = export_cap(seen);
  if (!broken) broken = command(seen);
  if (!broken) broken = orders(seen, battery);
  if (!broken) broken = storm(seen, battery);
  if (!broken) broken = reserve(seen, battery);
  if (!broken) broken = faults(seen, battery);
  past_.commanded =
      seen.decision.setpoint.mode == InverterMode::follow ? seen.decision.battery_power : Watts{};
  past_.told_cut_off = seen.decision.faults.active(Fault::backup_cutoff);
  past_.told = seen.decision.safety;
  past_.at = seen.inputs.now;
  return broken;
}

}  // namespace esshub::properties
