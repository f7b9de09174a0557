#include "sim/storm/episode.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <utility>

#include "config/time_zone.hpp"
#include "json/text.hpp"
#include "protocol/modbus/rtu.hpp"
#include "sim/storm/dice.hpp"
#include "sim/storm/hash.hpp"
#include "sim/storm/history_judge.hpp"
#include "sim/storm/hub_process.hpp"
#include "sim/storm/judge.hpp"
#include "sim/storm/recorder.hpp"

namespace esshub::sim::storm {
namespace {

constexpr Duration grid_of_steps = 20ms;  // of the house's physics
constexpr Duration foreign_request_period = 700ms;
constexpr Duration nonsense_period = 50ms;
constexpr std::uint64_t of_tearing = 100;    // what a die is for, besides those of the plan
constexpr Duration time_server_after = 25s;  // of the machine's start
/// More of them in a second of the episode: it hangs.
constexpr std::uint64_t most_rounds_a_second = 20'000;

/// Adds what passes to a sum, if there is one.
class Timing {
 public:
  explicit Timing(double* sum) : sum_(sum) {
    if (sum_ != nullptr) begin_ = std::chrono::steady_clock::now();
  }
  Timing(const Timing&) = delete;
  Timing& operator=(const Timing&) = delete;
  ~Timing() {
    if (sum_ != nullptr) *sum_ += Seconds{std::chrono::steady_clock::now() - begin_}.count();
  }

 private:
  double* sum_;
  std::chrono::steady_clock::time_point begin_{};
};

/// The power that holds, for a plant that asks in the order of time.
Profile profile(std::vector<PowerStep> steps) {
  return [steps = std::move(steps), next = std::size_t{0}](Duration t) mutable {
    while (next + 1 < steps.size() && steps[next + 1].at <= t) ++next;
    return steps[next].power;
  };
}

DeviceMakers makers(const Plan& plan) {
  return {[&plan](const MeterTruth& main, const MeterTruth& battery) {
            return make_fake_meters({{.unit = 1,
                                      .model = protocol::MeterModel::sdm630,
                                      .truth = &main,
                                      .turnaround = plan.meter_turnaround},
                                     {.unit = 244,
                                      .model = protocol::MeterModel::sdm120,
                                      .truth = &battery,
                                      .turnaround = plan.meter_turnaround}});
          },
          [&plan](const BatteryTruth& truth) { return make_fake_battery(truth, plan.battery); },
          [&plan](const InverterTruth& truth, InverterCommand& command) {
            return make_fake_multiplus(truth, command, plan.inverter);
          }};
}

PlantSettings plant_settings(const Plan& plan) {
  PlantSettings settings = plan.plant;
  settings.load = profile(plan.load);
  settings.solar = profile(plan.solar);
  return settings;
}

civil_time::Zone zone_of(const Plan& plan) {
  auto zone = config::load_time_zone(plan.zone);
  if (!zone) throw std::runtime_error(zone.error().detail);
  return *zone;
}

class Episode final : private Onlooker {
 public:
  Episode(const Plan& plan, const EpisodeOptions& options)
      : plan_(plan),
        options_(options),
        setup_{plan.loop, zone_of(plan), plan.history},
        start_(Instant{} + 1000s),
        end_(start_ + plan.length),
        plant_(plant_settings(plan), makers(plan), start_),
        clocks_(start_, Instant{} + plan.steady, plan.wall, plan.clock_synchronised),
        tap_({.meter = [this](const MeterReply& reply) { on_meter(reply); },
              .bms = [this](const CanWords& frame) { on_bms(frame); },
              .inverter = [this](const InterfaceFrame& frame) { on_inverter(frame); }}),
        judge_(plan.loop.control, start_),
        history_judge_([this](const std::string& what) { judge_.on_history_broken(what, now()); }),
        tearing_(plan.seed, of_tearing) {
    if (options_.record != nullptr) recorder_.emplace(*options_.record, start_);
  }

  EpisodeResult operator()() {
    try {
      if (recorder_) {
        recorder_->header(plan_, options_.number);
        recorder_->truth(plant_.house(), start_);
      }
      start_hub();
      run();
      judge_.on_end(hub_state(), plant_.house(), now());
    } catch (const std::exception& e) {
      judge_.on_crash(e.what(), now());
    }
    result_.broken = judge_.verdict();
    result_.hash = hash_.sum();
    result_.coverage.setpoints = plant_.house().command().setpoint_writes;
    result_.coverage.quarantined = disk_.quarantined();
    result_.coverage.histories_aside = files_.set_asides();
    if (recorder_)
      recorder_->end(result_.broken.value_or("ok"), result_.hash, result_.ticks,
                     result_.coverage.setpoints, now());
    if (result_.broken) trace("BROKEN", *result_.broken);
    return result_;
  }

 private:
  [[nodiscard]] Instant now() const { return plant_.now(); }
  [[nodiscard]] double* time_of(double PartTimes::*part) const {
    return options_.times == nullptr ? nullptr : &(options_.times->*part);
  }

  // ---- the loop
  // ----------------------------------------------------------------------------------

  void run() {
    Instant next_step = start_ + grid_of_steps;
    std::uint64_t rounds = 0;
    while (now() < end_) {
      Instant next = std::min({end_, next_step, plant_.next_event(), next_happening()});
      if (hub_) next = std::min(next, hub_->next());
      {
        const Timing timing(time_of(&PartTimes::plant));
        plant_.advance_to(std::max(next, now()));
      }
      happen();
      watch_inverter();
      for (const Bus bus : enum_values<Bus>) receive(bus);
      if (hub_) {
        const Timing timing(time_of(&PartTimes::hub));
        hub_->run_due();
      }
      run_history();
      follow_stop();
      if (now() >= next_step) {
        next_step += grid_of_steps;
        step();
      }
      const auto seconds = static_cast<std::uint64_t>((now() - start_) / 1s) + 1;
      if (++rounds > seconds * most_rounds_a_second) throw std::runtime_error("time stands still");
    }
  }

  void run_history() {
    if (!hub_) return;
    std::optional<HistoryPart::Did> did;
    {
      const Timing timing(time_of(&PartTimes::history));
      did = hub_->run_history();
    }
    if (did) on_history(*did, hub_->flowed());
  }

  void receive(Bus bus) {
    protocol::Bytes bytes;
    {
      const Timing timing(time_of(&PartTimes::plant));
      bytes = plant_.from_device(bus, now());
    }
    if (bytes.empty() || !hub_) return;
    if (!hub_->line_open(bus)) return;
    {
      const Timing timing(time_of(&PartTimes::judging));
      tap_.on_received(bus, bytes);
    }
    const Timing timing(time_of(&PartTimes::hub));
    hub_->on_bytes(bus, bytes);
  }

  void watch_inverter() {
    const InverterCommand& command = plant_.house().command();
    if (command.setpoint_writes != setpoint_writes_) {
      setpoint_writes_ = command.setpoint_writes;
      if (command.setpoint) {
        judge_.on_setpoint(*command.setpoint, plant_.house(), plant_.told_by_inverter(), now());
        if (recorder_) recorder_->setpoint(*command.setpoint, now());
      }
    } else if (held_ && !command.setpoint && recorder_) {
      recorder_->release(now());
    }
    held_ = command.setpoint.has_value();
  }

  [[nodiscard]] HubState hub_state() {
    HubState state;
    state.running = hub_.has_value();
    if (!hub_) return state;
    const auto* const tick = hub_->control();
    state.control = tick != nullptr && !hub_->stalled();
    state.inverter = hub_->part_alive(Bus::inverter);
    if (tick != nullptr) {
      faults_ = tick->faults();
      state.faults = &faults_;
      state.mode = tick->decision().setpoint.mode;
    }
    return state;
  }

  void step() {
    const Timing timing(time_of(&PartTimes::judging));
    const House& house = plant_.house();
    judge_.on_step(house, plant_.told_by_inverter(), hub_state(), now());
    if (std::exchange(contactor_, house.battery_truth().contactor) &&
        !house.battery_truth().contactor) {
      ++result_.coverage.contactor;
      trace("house", "the BMS opens its contactor");
    }
    if (recorder_) recorder_->truth(house, now());
    if (options_.trace != nullptr && now() >= next_summary_) {
      next_summary_ = now() + 10s;
      summary();
    }
  }

  // ---- what happens
  // ------------------------------------------------------------------------------

  [[nodiscard]] Instant next_happening() const {
    Instant at = end_;
    if (next_injection_ < plan_.weather.size())
      at = std::min(at, start_ + plan_.weather[next_injection_].begin);
    for (const auto id : on_) at = std::min(at, start_ + plan_.weather[id].end());
    if (next_order_ < plan_.orders.size()) at = std::min(at, start_ + plan_.orders[next_order_].at);
    if (next_prices_ < plan_.prices.size())
      at = std::min(at, start_ + plan_.prices[next_prices_].at);
    if (hub_at_) at = std::min(at, *hub_at_);
    if (foreign_at_) at = std::min(at, *foreign_at_);
    if (nonsense_at_) at = std::min(at, *nonsense_at_);
    if (synchronised_at_) at = std::min(at, *synchronised_at_);
    return at;
  }

  void happen() {
    for (std::size_t i = 0; i < on_.size();) {
      const auto id = on_[i];
      if (start_ + plan_.weather[id].end() > now()) {
        ++i;
        continue;
      }
      on_.erase(on_.begin() + static_cast<std::ptrdiff_t>(i));
      switch_injection(id, false);
    }
    while (next_injection_ < plan_.weather.size() &&
           start_ + plan_.weather[next_injection_].begin <= now()) {
      const auto id = next_injection_++;
      if (plan_.weather[id].length > Duration{}) on_.push_back(id);
      switch_injection(id, true);
    }
    if (synchronised_at_ && now() >= *synchronised_at_) {
      synchronised_at_.reset();
      clocks_.set_synchronised(true);
      clocks_.set(now(), plan_.wall + (now() - start_));
      record_clock();
    }
    if (hub_at_ && now() >= *hub_at_) {
      hub_at_.reset();
      start_hub();
    }
    while (next_order_ < plan_.orders.size() && start_ + plan_.orders[next_order_].at <= now())
      give(plan_.orders[next_order_++]);
    while (next_prices_ < plan_.prices.size() && start_ + plan_.prices[next_prices_].at <= now())
      tell(plan_.prices[next_prices_++].feed);
    if (foreign_at_ && now() >= *foreign_at_) {
      foreign_at_ = now() + foreign_request_period;
      const auto request = protocol::modbus::encode({.unit = 7,
                                                     .function = protocol::modbus::read_input,
                                                     .start = 0,
                                                     .count = 2,
                                                     .data = {}});
      if (hub_) hub_->on_bytes(Bus::meters, request);
    }
    if (nonsense_at_ && now() >= *nonsense_at_) {
      nonsense_at_ = now() + nonsense_period;
      if (hub_ && !hub_->stalled())
        if (const auto obeyed = hub_->say_nonsense(nonsense_++))
          judge_.on_nonsense_obeyed(*obeyed, now());
    }
  }

  /// One of that kind besides `except`, on that bus where it is of one.
  [[nodiscard]] bool is_on(const Injection& like, std::size_t except) const {
    const bool any_bus = row(like.what).where == Where::any_bus;
    return std::ranges::any_of(on_, [&](std::size_t id) {
      const Injection& i = plan_.weather[id];
      return id != except && i.what == like.what && (!any_bus || i.bus == like.bus);
    });
  }

  void switch_injection(std::size_t id, bool begins) {
    const Injection& i = plan_.weather[id];
    if (begins) {
      ++result_.coverage.injected[i.what][doing(plant_.house())];
      trace("inject", text(i));
    } else {
      trace("inject", "over: " + text(i));
    }
    judge_.on_injection(i, begins, now());
    if (recorder_) recorder_->injection(i, id, begins, now());
    apply(i, begins, id);
  }

  /// Of two of a kind that overlap the later rules (of alarms and of the BMS's words all that can),
  /// and the end of one does not end the other.
  void apply(const Injection& i, bool begins, std::size_t id) {
    House& house = plant_.house();
    const Where where = row(i.what).where;
    const bool one_place = where != Where::any_bus && where != Where::battery_bus &&
                           i.what != Injected::inverter_alarm;
    if (!begins && one_place && is_on(i, id)) return;
    switch (i.what) {
      case Injected::line_off:
      case Injected::line_drop:
      case Injected::line_noise:
      case Injected::line_late:
      case Injected::line_stuck:
      case Injected::line_unplug:
        return set_line_fault(i.bus);
      case Injected::line_flood:
        if (hub_ && (begins || !is_on(i, id))) hub_->flood(i.bus, begins);
        return;
      case Injected::line_other_master:
        foreign_at_ = begins ? std::optional{now()} : std::nullopt;
        return;
      case Injected::meter_reversed:
        return house.set_grid_ct_reversed(begins);
      case Injected::bms_limits:
      case Injected::bms_protection:
      case Injected::bms_soc:
      case Injected::bms_temperature:
      case Injected::bms_module_lost:
        return set_bms();
      case Injected::inverter_gain:
        return house.inverter().set_gain(begins ? i.first : 1.0);
      case Injected::inverter_derate:
        return house.inverter().set_derating(begins ? std::optional{Watts{i.first}} : std::nullopt);
      case Injected::inverter_ac_out_word:
        return house.inverter().set_ac_out_error(Watts{begins ? i.first : 0.0});
      case Injected::inverter_alarm:
        return set_alarms();
      case Injected::mains_lost:
        return house.set_grid(!begins);
      case Injected::broker_off:
        if (hub_) hub_->set_broker(!begins);
        return;
      case Injected::clients_flood:
        nonsense_at_ = begins ? std::optional{now()} : std::nullopt;
        return;
      case Injected::disk_full:
        disk_.trouble.full = files_.trouble.full = begins;
        return;
      case Injected::disk_slow:
        disk_slowness_ = begins ? as_duration(Seconds{i.first}) : Duration{};
        if (hub_) hub_->set_disk_slowness(disk_slowness_);
        return;
      case Injected::disk_lost:
        disk_.trouble.lost = files_.trouble.lost = begins;
        return;
      case Injected::disk_torn:
        disk_.trouble.torn_after =
            begins ? std::optional{static_cast<std::size_t>(i.first)} : std::nullopt;
        return;
      case Injected::disk_unreadable:
        disk_.trouble.unreadable = files_.trouble.unreadable = begins;
        return;
      case Injected::clock_step:
        if (begins) clocks_.step(as_duration(Seconds{i.first}));
        return record_clock();
      case Injected::clock_unsynchronised:
        clocks_.set_synchronised(!begins && plan_.clock_synchronised);
        return record_clock();
      case Injected::control_stall:
        if (begins && hub_) hub_->stall_until(start_ + i.end());
        return;
      case Injected::actor_stuck:
        if (begins && hub_) hub_->stick(i.bus, start_ + i.end());
        return;
      case Injected::actor_death:
        if (!begins || !hub_) return;
        return i.first > 0.0 ? hub_->kill_control() : hub_->kill_bus(i.bus);
      case Injected::hub_killed:
        if (!begins) return;
        die_writing(i);
        end_hub("killed", start_ + i.end());
        return;
      case Injected::hub_stopped:
        if (begins && hub_) {
          record_process("stopping");
          hub_->begin_stop();
          hub_starts_again_ = start_ + i.end();
        }
        return;
      case Injected::power_cut:
        if (begins) cut_power(i);
        return;
    }
  }

  void set_line_fault(Bus bus) {
    BusFault fault;
    for (const auto id : on_) {
      const Injection& i = plan_.weather[id];
      if (i.bus != bus) continue;
      switch (i.what) {
        case Injected::line_off:
          fault = {.kind = FaultKind::off};
          break;
        case Injected::line_drop:
          fault = {.kind = FaultKind::drop, .percent = i.first};
          break;
        case Injected::line_noise:
          fault = {.kind = FaultKind::garbage, .percent = i.first};
          break;
        case Injected::line_late:
          fault = {.kind = FaultKind::slow, .delay = as_duration(Seconds{i.first})};
          break;
        case Injected::line_stuck:
          fault = {.kind = FaultKind::stuck};
          break;
        case Injected::line_unplug:
          fault = {.kind = FaultKind::unplug};
          break;
        default:
          continue;
      }
    }
    const bool was_out = plant_.fault(bus).kind == FaultKind::unplug;
    plant_.set_fault(bus, fault);
    if (hub_ && was_out != (fault.kind == FaultKind::unplug)) hub_->follow_plug(bus);
  }

  void set_alarms() {
    unsigned alarms = 0;
    for (const auto id : on_)
      if (plan_.weather[id].what == Injected::inverter_alarm)
        alarms |= static_cast<unsigned>(plan_.weather[id].first);
    plant_.house().inverter().set_alarms(static_cast<std::uint8_t>(alarms));
  }

  void set_bms() {
    BmsOverrides overrides;
    Battery& battery = plant_.house().battery();
    for (const auto id : on_) {
      const Injection& i = plan_.weather[id];
      switch (i.what) {
        case Injected::bms_limits:
          overrides.ccl = Amperes{i.first};
          overrides.dcl = Amperes{i.second};
          break;
        case Injected::bms_module_lost:
          overrides.ccl = battery.truth().ccl * 0.5;
          overrides.dcl = battery.truth().dcl * 0.5;
          break;
        case Injected::bms_protection:
          overrides.protections |= 1u << static_cast<unsigned>(i.first);
          break;
        case Injected::bms_soc:
          overrides.soc_percent = i.first;
          break;
        case Injected::bms_temperature:
          overrides.celsius = i.first;
          break;
        default:
          break;
      }
    }
    battery.set_overrides(overrides);
  }

  // ---- the hub's process and its machine
  // -----------------------------------------------------------

  void start_hub() {
    const bool kept = latch_kept();
    files_.begin_run();
    history_judge_.on_start(files_);
    hub_.emplace(setup_, clocks_, disk_, files_, plant_, static_cast<Onlooker&>(*this));
    hub_->set_disk_slowness(disk_slowness_);
    hub_->set_broker(std::ranges::none_of(
        on_, [&](std::size_t id) { return plan_.weather[id].what == Injected::broker_off; }));
    ++result_.coverage.starts;
    judge_.on_process(true, now());
    judge_.on_restart(kept, hub_->commands().memories().control.cutoff, now());
    record_process("started");
  }

  /// The newest state file that can be read says that the cut-off is latched.
  [[nodiscard]] bool latch_kept() const {
    if (!disk_.content() || disk_.trouble.unreadable) return false;
    const auto state = service::decode_state(*disk_.content());
    return state && state->safety && state->safety->cutoff;
  }

  void end_hub(const char* how, Instant starts_again, std::optional<bool> acknowledged = {}) {
    hub_at_ = starts_again;
    hub_starts_again_.reset();
    if (!hub_) return;
    files_.die();
    hub_.reset();
    told_ = {};
    if (recorder_) recorder_->forget_claims();
    judge_.on_process(false, now());
    record_process(how, {}, acknowledged);
  }

  void follow_stop() {
    if (!hub_ || !hub_starts_again_ || !hub_->stopped()) return;
    const bool acknowledged = *hub_->stopped();
    hub_->close();
    end_hub("stopped", std::max(*hub_starts_again_, now() + 500ms), acknowledged);
  }

  /// The size of a kill and of a power cut: bytes that the history's thread still writes.
  void die_writing(const Injection& i) {
    if (hub_ && i.second > 0.0) hub_->die_writing(static_cast<std::size_t>(i.second));
  }

  void cut_power(const Injection& i) {
    die_writing(i);
    end_hub("power_cut", start_ + i.end());
    disk_.power_cut();
    history_judge_.on_power_cut(files_.power_cut(tearing_));
    const bool no_clock = i.first > 0.0;
    clocks_.set_synchronised(false);
    clocks_.reboot(now(), Instant{} + 5s,
                   no_clock ? std::optional{WallTime{} + 10s} : std::nullopt);
    if (plan_.clock_synchronised) synchronised_at_ = start_ + i.end() + time_server_after;
    record_clock();
  }

  void give(const PlannedOrder& order) {
    if (!hub_ || hub_->stalled()) return;
    reached_ = false;
    const auto answer = hub_->say(order.command, order.who);
    if (!reached_) on_order(order.command, order.who, answer);  // its door refused it
  }

  void tell(const service::Feed& prices) {
    if (!hub_ || hub_->stalled()) return;
    const auto taken = hub_->tell(service::feed_text(prices));
    ++(taken ? result_.coverage.prices_taken : result_.coverage.prices_refused);
    trace("prices", taken ? (*taken ? "taken" : "no news") : "refused: " + taken.error().detail);
  }

  void record_process(const char* what, const std::string& part = {},
                      std::optional<bool> acknowledged = {}) {
    trace("process", std::string{what} + " " + part);
    if (recorder_) recorder_->process(what, now(), part, acknowledged);
  }
  void record_clock() {
    history_judge_.on_clock_set();
    if (recorder_) recorder_->clock(clocks_.wall(now()), clocks_.synchronised(), now());
  }

  // ---- what the taps hear
  // --------------------------------------------------------------------------

  void on_meter(const MeterReply& reply) {
    judge_.on_meter(reply, hub_->goes_by(Bus::meters), now());
    if (recorder_) recorder_->meter(reply, now());
  }
  void on_bms(const CanWords& frame) {
    judge_.on_bms(frame, hub_->goes_by(Bus::battery), now());
    if (recorder_) recorder_->bms(frame, now());
  }
  void on_inverter(const InterfaceFrame& frame) {
    judge_.on_inverter(frame, hub_->goes_by(Bus::inverter), now());
    if (recorder_) recorder_->inverter(frame, now());
  }

  // ---- Onlooker
  // ------------------------------------------------------------------------------------

  void on_event(const std::string& component, const Event& event) override {
    trace("hub", component + " " + event.name + " " + event.detail);
    if (recorder_) recorder_->event(component, event, now());
  }
  void on_line(Bus bus, bool open) override {
    if (recorder_) recorder_->line(bus, open, now());
  }
  void on_sent(Bus bus, protocol::ByteView bytes) override {
    hash_.add(static_cast<std::uint64_t>((now() - start_).count()));
    hash_.add(static_cast<std::uint64_t>(bus));
    hash_.add(bytes);
    tap_.on_sent(bus, bytes);
  }
  void on_part(const std::string& part, bool started) override {
    if (part == "control" && started) judge_.on_control_started(now());
    if (part == "bus.meters" && started) judge_.on_meters_started();
    if (hub_) record_process(started ? "restarted" : "died", part);
  }
  void on_disk(const char* what, bool ok) override {
    if (recorder_) recorder_->disk(what, ok, now());
  }
  void on_history(HistoryPart::Did did, const EnergyTotals& flowed) override {
    const Timing timing(time_of(&PartTimes::judging));
    const char* const what = did.began ? "opened" : "write";
    trace("history", std::string{what} + (did.ok ? "" : " failed"));
    if (recorder_) recorder_->history(what, did.ok, now());
    if (did.began) return history_judge_.on_began(files_);
    if (!did.ok) return history_judge_.on_failed();
    history_judge_.on_written(files_, flowed);
    ++result_.coverage.history_writes;
  }
  void on_energies_shown(const EnergyTotals& shown) override { history_judge_.on_shown(shown); }
  void on_order(const Command& command, const std::string& who,
                const Result<void>& answer) override {
    reached_ = true;
    ++(answer ? result_.coverage.orders_accepted : result_.coverage.orders_refused);
    if (answer) judge_.on_order(command, now());
    if (recorder_) recorder_->order(who, command, answer, now());
    trace("order", who + " " + json_text(command_json(command)) +
                       (answer ? " accepted" : " refused: " + answer.error().detail));
  }
  void on_published(const publish::MqttMessage& message) override {
    if (hub_ && hub_->stalled()) throw std::logic_error("a hub that stands still publishes");
    ++result_.coverage.published;
    judge_.on_published(message.topic, message.payload, now());
  }
  void on_second(std::uint64_t published) override {
    hash_.add(published);
    const auto* const tick = hub_->control();
    if (tick != nullptr && tick->decision().policy.import_price.value_or(0.0) < 0.0)
      ++result_.coverage.negative_s;
  }
  void on_tick(const control::Tick& tick) override {
    ++result_.ticks;
    const Decision& d = tick.decision();
    hash_.add(static_cast<std::uint64_t>(d.setpoint.mode));
    hash_.add(d.setpoint.ac_power.value());
    hash_.add(d.battery_power.value());
    for (const auto& reason : d.reasons) hash_.add(static_cast<std::uint64_t>(reason.cause));
    judge_.on_decision(d, now());
    const FaultSet faults = tick.faults();
    for (const Fault fault : enum_values<Fault>) {
      const bool active = faults.active(fault);
      if (active == told_.active(fault)) continue;
      told_.set(fault, active);
      hash_.add(static_cast<std::uint64_t>(fault));
      ++(active ? result_.coverage.raised : result_.coverage.cleared)[fault];
      trace("fault", std::string{active ? "+" : "-"} + std::string{name(fault)});
    }
    if (recorder_) recorder_->claims(tick, now());
  }

  // ---- for a person
  // --------------------------------------------------------------------------------

  void trace(const char* what, const std::string& text) const {
    if (options_.trace == nullptr) return;
    char head[40];
    std::snprintf(head, sizeof head, "%10.3f %-8s", Seconds{now() - start_}.count(), what);
    *options_.trace << head << text << '\n';
  }
  void summary() {
    const House& house = plant_.house();
    const auto& truth = house.truth();
    const auto* const tick = hub_ ? hub_->control() : nullptr;
    std::string reasons;
    if (tick != nullptr)
      for (const auto& reason : tick->decision().reasons)
        reasons += " " + std::string{name(reason.cause)};
    char text[200];
    std::snprintf(text, sizeof text,
                  "grid %.0f W, load %.0f, ac_out %.0f, solar %.0f, battery %.0f, SOC %.1f, %s, "
                  "setpoint %s%.0f;",
                  truth.grid.value(), truth.load.value(), truth.ac_out.value(), truth.solar.value(),
                  house.inverter_truth().battery_ac.value(), house.battery_truth().soc_percent,
                  std::string{name(house.inverter_truth().state)}.c_str(),
                  house.command().setpoint ? "" : "none ",
                  house.command().setpoint.value_or(Watts{}).value());
    trace("house", text + reasons);
  }

  const Plan& plan_;
  const EpisodeOptions& options_;
  const HubSetup setup_;
  const Instant start_;
  const Instant end_;
  Plant plant_;
  MachineClocks clocks_;
  VirtualDisk disk_;
  HistoryFiles files_;
  Duration disk_slowness_{};
  WireTap tap_;
  Judge judge_;
  HistoryJudge history_judge_;
  Dice tearing_;
  std::optional<Recorder> recorder_;
  Hash hash_;
  EpisodeResult result_;
  FaultSet faults_;
  FaultFlags told_;

  std::optional<HubProcess> hub_;
  std::optional<Instant> hub_at_;            ///< it starts
  std::optional<Instant> hub_starts_again_;  ///< after the orderly stop under way
  std::size_t next_injection_ = 0;
  std::vector<std::size_t> on_;  ///< that are in force, of plan_.weather
  std::size_t next_order_ = 0;
  std::size_t next_prices_ = 0;
  bool reached_ = false;  ///< the order under way, the command service
  std::optional<Instant> foreign_at_;
  std::optional<Instant> nonsense_at_;
  std::size_t nonsense_ = 0;
  std::optional<Instant> synchronised_at_;  ///< after a power cut
  std::uint64_t setpoint_writes_ = 0;
  bool held_ = false;
  bool contactor_ = true;
  Instant next_summary_{};
};

}  // namespace

EpisodeResult play(const Plan& plan, const EpisodeOptions& options) {
  return std::make_unique<Episode>(plan, options)->operator()();
}

}  // namespace esshub::sim::storm
