#include "sim/storm/judge.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>
#include <variant>

#include "control/overrun.hpp"

namespace esshub::sim::storm {
namespace {

constexpr Duration reaction = 1500ms;  // the ramp of at most 1 s, and the wire
constexpr double about = 40.0;         // W: rounding, self-use, a word of AC-out that is not newest
constexpr std::array bms_ids{0x351u, 0x355u, 0x356u, 0x359u};
constexpr std::size_t at_355 = 1;
static_assert(bms_ids[at_355] == 0x355u);
constexpr Duration start_block = 10s;  // I12
constexpr Duration start_grace = 16s;  // of a source never heard
// For 1 s after it the load on AC-out counts as known before it; and the way to the inverter.
constexpr Duration ac_out_before_counts = 1600ms;
// docs/safety.md, F10: after a stall of up to 10 s the load counts as known before it.
constexpr Duration longest_stall = 10s;
constexpr Duration rest_after_stall = 6s;  // docs/safety.md, F10: it clears after 6 s
// docs/safety.md: registers that repeat themselves for so long are a frozen meter.
constexpr Duration frozen_after = 10s;             // F2
constexpr Duration witness_frozen_after = 1500ms;  // F25

/// What a hub may be behind that stands still for less than a stall (F10), and nobody tells: a
/// frame waits for so long until it is read, and what is made of it as long again.
Duration behind(Duration period) {
  return 2 * control::longest_gap(period);
}

/// The slacks are for the usual period. With another a word waits by so much longer for the next
/// decision, and what was decided before stands by so much longer: less than 0 with a shorter one.
Duration longer_period(Duration period) {
  constexpr Duration usual = 20ms;  // as control::Settings has it
  return 2 * (period - usual);
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

// ---- what is remembered
// --------------------------------------------------------------------------

void Judge::Span::add(double value, Instant now) {
  newest_ = now.time_since_epoch() / 100ms;
  Bucket& bucket = buckets_[static_cast<std::size_t>(newest_) % span_buckets];
  if (bucket.tenth != newest_) bucket = {.tenth = newest_};
  bucket.extremes.include({value, value});
}
Judge::Extremes Judge::Span::extremes() const {
  Extremes out;
  for (const auto& b : buckets_)
    if (b.tenth >= 0 && newest_ - b.tenth < static_cast<std::int64_t>(span_buckets))
      out.include(b.extremes);
  return out;
}

void Judge::Words::add(double value, Instant now) {
  heard.push_back({now, value});
  while (heard.size() > 2 && now - heard[1].at > span) heard.pop_front();
}
std::optional<double> Judge::Words::most() const {
  if (heard.size() < 2) return std::nullopt;
  return std::ranges::max_element(heard, {}, &Heard::value)->value;
}
std::optional<double> Judge::Words::least() const {
  if (heard.size() < 2) return std::nullopt;
  return std::ranges::min_element(heard, {}, &Heard::value)->value;
}

Judge::Judge(const control::Settings& settings, Instant start)
    : settings_(settings),
      start_(start),
      lowest_reserve_(settings.reserve.percent()),
      mains_since_(start - std::chrono::hours{1}) {
  for (Words* const words : {&ccl_, &dcl_, &soc_, &voltage_, &charge_stop_, &discharge_stop_})
    words->span += longer_period(settings.period);
}

void Judge::broken(const char* promise, const std::string& what, Instant now) {
  if (verdict_) return;
  verdict_ = std::string{promise} + " at " + number(Seconds{now - start_}.count()) + " s: " + what;
}

bool Judge::calm(std::initializer_list<Injected> kinds, Duration span, Instant now) const {
  return std::ranges::all_of(kinds, [&](Injected kind) { return kinds_[kind].calm(span, now); });
}

bool Judge::bus_calm(Bus bus, Duration span, Instant now) const {
  return buses_[static_cast<std::size_t>(bus)].calm(span, now);
}

void Judge::Disturbed::note(const Injection& injection, bool begins, Instant now) {
  const bool lasts = injection.length > Duration{};
  if (lasts) active += begins ? 1 : -1;
  if (!lasts || !begins) ended = now;
}

void Judge::on_injection(const Injection& injection, bool begins, Instant now) {
  kinds_[injection.what].note(injection, begins, now);
  if (row(injection.what).where != Where::house)
    buses_[static_cast<std::size_t>(injection.bus)].note(injection, begins, now);
  if (injection.what == Injected::line_noise && injection.bus == Bus::inverter)
    inverter_noise_.note(injection, begins, now);
  if (injection.what == Injected::control_stall && begins) on_stall(injection.length, now);
}

void Judge::on_stall(Duration length, Instant now) {
  if (!standstill_ || now > standstill_->over)
    standstill_ = {.began = now, .over = now, .ac_out = ac_out(now)};
  standstill_->over = std::max(standstill_->over, now + length);
  const Duration whole = standstill_->over - standstill_->began;
  // The newest decision was made up to a period before.
  if (whole < control::longest_gap(settings_.period) + settings_.period) return;
  stall_ = standstill_;
  if (whole >= longest_stall) stall_->ac_out = {};
}

void Judge::on_process(bool started, Instant now) {
  on_meters_started();
  process_since_ = started ? std::optional{now} : std::nullopt;
  if (!started) {
    control_since_.reset();
    ready_since_.reset();
  }
}

void Judge::on_order(const Command& command, Instant now) {
  if (std::holds_alternative<Acknowledge>(command)) acknowledged_at_ = now;
  if (const auto* const reserve = std::get_if<SetReserve>(&command); reserve && reserve->reserve)
    lowest_reserve_ = std::min(lowest_reserve_, reserve->reserve->percent());
}

void Judge::on_meter(const MeterReply& reply, bool heard, Instant now) {
  constexpr std::uint8_t main_meter = 1;
  constexpr unsigned power_l1 = 12;
  if (reply.unit != main_meter) return;
  if (heard && reply.at(power_l1)) grid_at_ = now;
  if (std::exchange(grid_words_[reply.start], reply.values) != reply.values || !same_since_)
    same_since_ = now;
}

void Judge::on_bms(const CanWords& frame, bool heard, Instant now) {
  if (!heard) return;
  const auto* const id = std::ranges::find(bms_ids, frame.id);
  if (id != bms_ids.end()) bms_at_[static_cast<std::size_t>(id - bms_ids.begin())] = now;
  switch (frame.id) {
    case 0x351:
      ccl_.add(std::abs(frame.s16(2)) * 0.1, now);
      dcl_.add(std::abs(frame.s16(4)) * 0.1, now);
      break;
    case 0x355:
      soc_.add(frame.u16(0), now);
      break;
    case 0x356:
      voltage_.add(frame.s16(0) * 0.01, now);
      break;
    case 0x359: {
      const auto bits = protections(frame);
      const auto stops = [&](std::initializer_list<BmsFlag> flags) {
        return std::ranges::any_of(flags, [&](BmsFlag flag) { return has(bits, flag); }) ? 1.0
                                                                                         : 0.0;
      };
      charge_stop_.add(stops({BmsFlag::high_voltage, BmsFlag::high_temperature,
                              BmsFlag::high_charge_current, BmsFlag::system, BmsFlag::unknown}),
                       now);
      discharge_stop_.add(
          stops({BmsFlag::low_voltage, BmsFlag::high_temperature, BmsFlag::high_discharge_current,
                 BmsFlag::system, BmsFlag::unknown}),
          now);
      break;
    }
    default:
      break;
  }
}

void Judge::on_inverter(const InterfaceFrame& frame, bool heard, Instant now) {
  if (heard && frame.command != "V") inverter_at_ = now;
}

/// I10, of one value of the meters and one of the BMS.
void Judge::on_published(const std::string& topic, const std::string& payload, Instant now) {
  if (payload == "None") return;
  const auto check = [&](const char* value, const std::optional<Instant>& heard, Duration age) {
    if (topic.ends_with(value) && older(heard, age + behind(settings_.period), now))
      broken("I10", topic + " is published as " + payload + ", and its source is silent", now);
  };
  check("/state/grid_power", grid_at_, settings_.grid_max_age());
  check("/state/battery_soc", bms_at_[at_355], settings_.bms_max_age);
}

void Judge::on_decision(const Decision& decision, Instant now) {
  if (control_since_ && !std::exchange(decided_, true)) control_since_ = now;
  if (decision.setpoint.mode == InverterMode::follow)
    commanded_.push_back({now, decision.setpoint.ac_power.value()});
  while (!commanded_.empty() && now - commanded_.front().at > 5s) commanded_.pop_front();
}

bool Judge::bms_older(Duration age, Instant now) const {
  return std::ranges::any_of(bms_at_, [&](const auto& at) { return older(at, age, now); });
}

// ---- a setpoint on the wire
// ----------------------------------------------------------------------

void Judge::on_setpoint(Watts at_ac_in, const House& house, const InverterTruth& told,
                        Instant now) {
  const double w = at_ac_in.value();
  // I6: within its life, which F10 bounds, what the wire takes, and one answer to be waited for.
  const Duration longest =
      std::min(settings_.setpoint_life, control::longest_gap(settings_.period)) + 600ms;
  const bool known = std::ranges::any_of(commanded_, [&](const Commanded& c) {
    return now - c.at <= longest && std::abs(c.watts - w) <= 1.5;
  });
  // One damage in 256 passes a frame's checksum (reference: vebus-mk3#1): the wire's word, not the
  // hub's.
  if (!known && !inverter_noise_.calm(1s, now)) return;
  if (!known)
    broken("I6",
           "a setpoint of " + number(w) + " W that no decision of the last " +
               number(Seconds{longest}.count()) + " s made",
           now);
  if (!house.truth().grid_on || !older(mains_since_, 20s, now)) return;  // or it connects only now
  note_ac_out(told, now);
  const Extremes load = ac_out(now);
  check_power(std::max(0.0, w - load.most - about), std::max(0.0, load.least - w - about), now);
}

/// Its own word for the load, and what it draws less what it converts: F27 lets either count.
void Judge::note_ac_out(const InverterTruth& told, Instant now) {
  ac_out_.add(told.ac_out.value(), now);
  ac_out_.add((told.ac_out + told.ac_out_error).value(), now);
}

/// The load on AC-out as the inverter has told it lately.
Judge::Extremes Judge::ac_out(Instant now) const {
  Extremes out = ac_out_.extremes();
  if (stall_ && now < stall_->over + ac_out_before_counts + longer_period(settings_.period))
    out.include(stall_->ac_out);
  return out;
}

/// Battery power that the setpoint commands at least, W.
void Judge::check_power(double charge, double discharge, Instant now) {
  const double power = std::max(charge, discharge);
  const auto commands = [&](const std::string& why) {
    return number(power) + (charge > 0.0 ? " W charging" : " W discharging") + " commanded " + why;
  };
  if (power <= 0.0) return;
  if (control_since_ && now - *control_since_ < start_block)
    broken("I12", commands("within 10 s of the start"), now);
  if (stall_ && now >= stall_->over && now < stall_->over + rest_after_stall)
    broken("F10", commands("after a stall"), now);
  const Duration most = reaction + longer_period(settings_.period);
  if (older(grid_at_, settings_.grid_max_age() + most, now))
    broken("F1", commands("without a grid meter"), now);
  const Duration frozen = settings_.witness ? witness_frozen_after : frozen_after;
  if (same_since_ && now - *same_since_ > frozen + settings_.grid_max_age() + most)
    broken("F2", commands("on a frozen grid meter"), now);
  if (bms_older(settings_.bms_max_age + most, now)) broken("F4", commands("without the BMS"), now);

  const auto volts = voltage_.most();
  const double rating = settings_.inverter_rating.value();
  const double efficiency = settings_.conversion_efficiency;
  if (charge > 0.0) {
    if (const auto ccl = ccl_.most(); ccl && volts && charge > *ccl * *volts / efficiency * 1.03)
      broken("I2", commands("with a CCL of " + number(*ccl) + " A"), now);
    if (charge > std::min(rating, settings_.charge_limit.value()))
      broken("I2", commands("beyond rating or limit"), now);
    if (charge_stop_.least() > 0.5) broken("F5", commands("against a protection"), now);
  } else {
    if (const auto dcl = dcl_.most(); dcl && volts && discharge > *dcl * *volts * 1.03)
      broken("I2", commands("with a DCL of " + number(*dcl) + " A"), now);
    if (discharge > std::min(rating, settings_.discharge_limit.value()))
      broken("I2", commands("beyond rating or limit"), now);
    if (discharge_stop_.least() > 0.5) broken("F5", commands("against a protection"), now);
    const auto soc = soc_.most();
    if (soc && *soc <= std::max(settings_.soc_floor.percent(), lowest_reserve_))
      broken("I1", commands("at a SOC of " + number(*soc) + " %"), now);
  }
}

// ---- every 20 ms
// ---------------------------------------------------------------------------------

void Judge::on_step(const House& house, const InverterTruth& told, const HubState& hub,
                    Instant now) {
  note_ac_out(told, now);
  const bool mains = house.truth().grid_on;
  if (!mains)
    mains_since_.reset();
  else if (!mains_since_)
    mains_since_ = now;
  if (mains)
    mains_gone_since_.reset();
  else if (!mains_gone_since_)
    mains_gone_since_ = now;
  const bool ready = hub.running && hub.control && hub.inverter;
  if (!ready)
    ready_since_.reset();
  else if (!ready_since_)
    ready_since_ = now;
  const bool islanded = !mains && house.inverter_truth().state == VebusState::invert_full;
  if (!islanded)
    islanded_since_.reset();
  else if (!islanded_since_)
    islanded_since_ = now;
  check_faults(hub, now);
  check_caps(house, hub, now);
  check_contactor(house, hub, now);
  check_cutoff(house, hub, now);
}

void Judge::check_faults(const HubState& hub, Instant now) {
  // A control that has just started only watches, and tells of nothing that it never heard.
  if (!hub.faults || !ready_since_ || now - *ready_since_ < 5s || !control_since_ ||
      now - *control_since_ < start_grace + longer_period(settings_.period))
    return;
  const Duration slack = behind(settings_.period);
  const auto& faults = *hub.faults;
  if (older(grid_at_, settings_.grid_max_age() + slack, now) &&
      !faults.active(Fault::grid_meter_lost))
    broken("F1", "the grid meter is silent and nothing is told", now);
  if (bms_older(settings_.bms_max_age + slack, now) && !faults.active(Fault::bms_lost) &&
      !faults.active(Fault::bms_implausible))
    broken("F4", "the BMS is silent and nothing is told", now);
  if (older(inverter_at_, settings_.inverter_max_age + slack, now) &&
      !faults.active(Fault::inverter_lost))
    broken("F6", "the inverter is silent and nothing is told", now);
  const Duration told = 4s + longer_period(settings_.period);
  if (islanded_since_ && now - *islanded_since_ > told && bus_calm(Bus::inverter, 15s, now) &&
      !faults.active(Fault::islanded) && !faults.active(Fault::backup_cutoff) &&
      !faults.active(Fault::inverter_lost))
    broken("F8", "the mains is gone and nothing is told", now);
}

void Judge::check_caps(const House& house, const HubState&, Instant now) {
  const bool judged = ready_since_ && now - *ready_since_ > 30s && mains_since_ &&
                      now - *mains_since_ > 30s && bus_calm(Bus::meters, 20s, now) &&
                      bus_calm(Bus::inverter, 20s, now) && bus_calm(Bus::battery, 20s, now);
  const auto& truth = house.truth();
  const double battery = house.inverter_truth().battery_ac.value();
  const auto watch = [&](bool beyond, std::optional<Instant>& since, const char* what) {
    if (!judged || !beyond) {
      since.reset();
    } else if (!since) {
      since = now;
    } else if (now - *since > 8s) {
      broken("I4", what, now);
    }
  };
  watch(settings_.import_cap && battery > 150.0 &&
            truth.grid.value() > settings_.import_cap->value() + 150.0,
        import_beyond_, "charging lifts the import above its cap for 8 s");
  watch(settings_.export_cap && battery < -150.0 &&
            truth.grid.value() < -settings_.export_cap->value() - 150.0,
        export_beyond_, "discharging lifts the export above its cap for 8 s");
}

void Judge::check_contactor(const House& house, const HubState&, Instant now) {
  const bool closed = house.battery_truth().contactor;
  const bool opened = std::exchange(contactor_, closed) && !closed;
  if (!opened || !house.truth().grid_on || older(mains_since_, 0s, now)) return;
  const bool could_obey =
      ready_since_ && now - *ready_since_ > 25s && now - *mains_since_ > 30s &&
      bus_calm(Bus::inverter, 25s, now) && !bms_older(1500ms, now) &&
      calm({Injected::line_off, Injected::line_drop, Injected::line_noise, Injected::line_late,
            Injected::line_stuck, Injected::line_unplug, Injected::line_flood, Injected::bms_soc},
           15s, now);
  if (could_obey)
    broken("I2", "the BMS opened its contactor because its limits were ignored for 5 s", now);
}

void Judge::check_cutoff(const House& house, const HubState& hub, Instant now) {
  const auto position = house.command().switch_state;
  const bool switched_on = switch_ == SwitchPosition::off && position == SwitchPosition::on;
  switch_ = position;
  const bool islanded = mains_gone_since_ && now - *mains_gone_since_ > 15s;
  const bool allowed = acknowledged_at_ && now - *acknowledged_at_ < 11min;
  if (switched_on && islanded && !allowed && hub.running)
    broken("F9", "the inverter was switched on in a power cut, without the owner's word", now);
  const auto soc = soc_.most();
  const bool low = islanded && !allowed && soc && *soc < settings_.cutoff_soc.percent() &&
                   !bms_older(1500ms, now) && ready_since_ && now - *ready_since_ > 20s &&
                   bus_calm(Bus::inverter, 20s, now) && bus_calm(Bus::battery, 20s, now) &&
                   house.inverter_truth().state == VebusState::invert_full;
  if (!low) {
    cutoff_since_.reset();
  } else if (!cutoff_since_) {
    cutoff_since_ = now;
  } else if (now - *cutoff_since_ > 15s) {
    broken("F9", "below the cut-off in a power cut the inverter runs on", now);
  }
}

void Judge::on_restart(bool cutoff_kept, bool cutoff_remembered, Instant now) {
  if (cutoff_kept && !cutoff_remembered)
    broken("I12", "the latched cut-off that was on the disk was forgotten by a restart", now);
}

void Judge::on_end(const HubState& hub, const House& house, Instant now) {
  if (!hub.running || !hub.control || !hub.faults) return broken("F12", "no hub at the end", now);
  constexpr std::array healed{
      Fault::grid_meter_lost,    Fault::grid_meter_frozen,    Fault::implausible_reading,
      Fault::bms_lost,           Fault::inverter_lost,        Fault::setpoint_not_followed,
      Fault::islanded,           Fault::control_overrun,      Fault::storage_failed,
      Fault::bus_contended,      Fault::line_flooded,         Fault::line_silent,
      Fault::inverter_overload,  Fault::inverter_temperature, Fault::inverter_dc_ripple,
      Fault::bms_limit_exceeded, Fault::ac_out_inconsistent,  Fault::bms_implausible};
  for (const Fault fault : healed)
    if (hub.faults->active(fault))
      broken("recovery",
             "150 s after the last disturbance there is still " + std::string{name(fault)}, now);
  // What holds the battery by right.
  if (hub.faults->active(Fault::actor_stuck) || hub.faults->active(Fault::grid_meter_reversed) ||
      hub.faults->active(Fault::backup_cutoff) || !house.battery_truth().contactor)
    return;
  if (hub.mode != InverterMode::follow || !house.command().setpoint)
    broken("recovery", "150 s after the last disturbance the inverter is not controlled", now);
}

}  // namespace esshub::sim::storm
