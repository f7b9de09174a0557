#include "tests/scenarios/witness_case.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "control/export_watch.hpp"
#include "service/command_service.hpp"
#include "sim/closed_loop.hpp"
#include "sim/plant/rng.hpp"

namespace esshub::sim {
namespace {

using namespace esshub::literals;

constexpr Duration slice = 20ms;   // of looking at the truth; the plant's own step
constexpr Watts about_cap{50.0};   // the meter's class and the loop: docs/decisions/0026
constexpr Duration after = 8s;     // longer than any bound
constexpr Duration most_age = 1s;  // of the grid meter with `witness`
constexpr Duration tick = 20ms;
constexpr Duration wire = 300ms;          // setpoint on the wire, and the inverter's time constant
constexpr Duration clamp_decay = 1519ms;  // the meter's filter of 217 ms, seven times
constexpr Duration clamp_zeros = 500ms;
constexpr Duration standing = 1500ms + 2 * 330ms;  // and two readings

Duration seconds(double s) {
  return as_duration(Seconds{s});
}

/// What of the export above the cap the battery causes, or could take where `can_take`.
Watts battery_share(const House& house, Watts cap, std::optional<Watts> can_take) {
  const Watts above = -house.truth().grid - cap;
  const Watts battery = house.inverter_truth().battery_ac;
  Watts share = std::max(Watts{}, -battery);
  if (can_take) share += std::max(Watts{}, *can_take - std::max(Watts{}, battery));
  return std::min(above, share);
}

DeviceMakers makers(Duration timeout, std::uint64_t seed) {
  return {[](const MeterTruth& main, const MeterTruth& line) {
            return make_fake_meters({{1, protocol::MeterModel::sdm630, &main},
                                     {244, protocol::MeterModel::sdm120, &line}});
          },
          [](const BatteryTruth& truth) { return make_fake_battery(truth, {}); },
          [=](const InverterTruth& truth, InverterCommand& command) {
            return make_fake_multiplus(truth, command, {.setpoint_timeout = timeout, .seed = seed});
          }};
}

PlantSettings plant_settings(double ramp, std::uint64_t seed) {
  PlantSettings settings;
  settings.seed = seed;
  settings.house.seed = seed;
  settings.house.inverter.ramp = WattsPerSecond{ramp};
  return settings;
}

/// The hub of an installation with `witness` that is allowed as much as its ramp permits.
ClosedLoopSettings hub_settings(double ramp, Watts cap, bool sells) {
  ClosedLoopSettings settings = fitting_settings();
  auto& control = settings.control;
  control.witness = true;
  control.export_cap = cap;
  control.inverter_ramp = WattsPerSecond{ramp};
  control.discharge_limit =
      std::min(control.discharge_limit, Watts{std::floor(most_with_witness(control).value())});
  if (sells)
    control.schedule.push_back({{.from = 0, .to = 1440},
                                {.kind = InstructionKind::discharge,
                                 .power = control.discharge_limit,
                                 .target = 25.0_soc}});
  return settings;
}

class Run {
 public:
  explicit Run(const WitnessCase& which)
      : which_(which),
        rng_(which.seed * 2654435761u + 17),
        cap_(caps_.at(static_cast<std::size_t>(rng_.uniform() * caps_.size()))),
        sells_(cap_ > Watts{} || rng_.chance(50)),
        plant_(plant_settings(which.ramp, which.seed), makers(which.timeout, which.seed),
               Instant{} + 1000s),
        loop_(std::make_unique<ClosedLoop>(plant_, hub_settings(which.ramp, cap_, sells_))) {}

  Witnessed operator()() {
    const double most_step = which_.ramp < 500.0 ? 1300.0 : 3000.0;
    step_ = Watts{between(500.0, most_step)};
    const Watts need{between(400.0, 2600.0)};
    load_ = std::max(need, step_ + 100.0_W);
    plant_.set_load(load_);
    plant_.set_solar(load_ - need);
    loop_->run(seconds(between(16.0, 24.0)));
    pull();
    const bool loses = which_.pulled != Pulled::load && which_.pulled != Pulled::can;
    const Instant from = loses ? pulled_at_ : load_goes_;
    watch(load_goes_ - plant_.now());
    plant_.set_load(load_ - step_);
    begin_ = battery();
    look();
    const bool dead = which_.pulled == Pulled::mk3 || !alive();
    watch(after + (dead ? which_.timeout : Duration{}));
    return {last_ ? *last_ - from : Duration{}, bound()};
  }

 private:
  static constexpr std::array<Watts, 5> caps_{0.0_W, 0.0_W, 500.0_W, 1000.0_W, 2000.0_W};

  double between(double low, double high) { return low + (high - low) * rng_.uniform(); }
  [[nodiscard]] bool alive() const {
    return which_.pulled != Pulled::process && which_.pulled != Pulled::board;
  }
  [[nodiscard]] Watts battery() const { return plant_.house().inverter_truth().battery_ac; }

  void pull() {
    pulled_at_ = plant_.now();
    double latest = 0.6;  // s, until the load goes: the battery still discharges
    const auto unplug = [&](Bus bus) { plant_.set_fault(bus, {FaultKind::unplug}); };
    switch (which_.pulled) {
      case Pulled::load:
        break;
      case Pulled::meter:
        plant_.set_fault(Bus::meters, {FaultKind::off});
        break;
      case Pulled::clamp:
        plant_.house().set_grid_clamp_off(true);
        break;
      case Pulled::freeze:
        plant_.set_fault(Bus::meters, {FaultKind::stuck});
        break;
      case Pulled::rs485:
        unplug(Bus::meters);
        break;
      case Pulled::can:
        unplug(Bus::battery);
        latest = 4.0;
        break;
      case Pulled::mk3:
        unplug(Bus::inverter);
        latest = 0.9 * Seconds{which_.timeout}.count();
        break;
      case Pulled::process:
        latest = 0.9 * Seconds{which_.timeout}.count();
        break;
      case Pulled::board:
        unplug(Bus::meters);
        unplug(Bus::battery);
        unplug(Bus::inverter);
        latest = 0.9 * Seconds{which_.timeout}.count();
        break;
    }
    load_goes_ = pulled_at_ + seconds(between(0.0, latest));
  }

  void watch(Duration time) {
    for (const Instant end = plant_.now() + time; plant_.now() < end;) {
      const Duration next = std::min(slice, end - plant_.now());
      if (alive()) {
        loop_->run(next);
      } else {
        plant_.advance_to(plant_.now() + next);
      }
      look();
    }
  }

  void look() {
    most_discharged_ = std::max(most_discharged_, -battery());
    most_charged_ = std::max(most_charged_, battery());
    // Without its meter, its BMS or the hub it must rest, and takes nothing.
    std::optional<Watts> can_take;
    if (which_.pulled == Pulled::load)
      can_take = InverterSettings{}.charger_limit * plant_.house().battery_truth().voltage;
    if (battery_share(plant_.house(), cap_, can_take) > about_cap) last_ = plant_.now();
  }

  [[nodiscard]] Duration bound() const {
    const auto ramp = [&](Watts way) { return seconds(way.value() / which_.ramp); };
    const Duration way_to_rest = ramp(most_discharged_);
    switch (which_.pulled) {
      case Pulled::load:
      case Pulled::can:
        return most_age + tick + wire + ramp(std::max(Watts{}, most_charged_) - begin_);
      case Pulled::meter:
      case Pulled::rs485:
        return most_age + tick + wire + way_to_rest;
      case Pulled::clamp:
        return clamp_decay + clamp_zeros + tick + wire + way_to_rest;
      case Pulled::freeze:
        return standing + tick + wire + way_to_rest;
      case Pulled::mk3:
      case Pulled::process:
      case Pulled::board:
        return which_.timeout + wire + way_to_rest;
    }
    return {};
  }

  WitnessCase which_;
  Rng rng_;
  Watts cap_;
  bool sells_;
  Plant plant_;
  std::unique_ptr<ClosedLoop> loop_;
  Watts load_{};
  Watts step_{};
  Watts begin_{};
  Watts most_discharged_{};
  Watts most_charged_{};
  Instant pulled_at_{};
  Instant load_goes_{};
  std::optional<Instant> last_;
};

// ---- lock-out
// ---------------------------------------------------------------------------------

/// A hub that sells up to its cap of 1000 W, and its state file; the board loses its power now and
/// then.
class LockOut {
 public:
  explicit LockOut(std::uint64_t seed)
      : rng_(seed * 2654435761u + 91),
        settings_(hub_settings(1000.0, cap, true)),
        plant_(plant_settings(1000.0, seed), makers(15s, seed), Instant{} + 1000s) {
    settings_.control.period = 100ms;
    settings_.control.schedule.front().instruction.power = 1500.0_W;
    plant_.house().battery().set_soc(90.0);
  }

  LockedOut operator()() {
    plant_.set_load(500.0_W);
    start();
    run(40s);
    bool exports_before = true;
    for (int n = 1; n <= 3; ++n) {
      exports_before &= exports() && !locked();
      lose_meter(seconds(between(3.0, 30.0)));
      if (n == 3) third_ = running_;
      run(seconds(between(75.0, 600.0)));
      if (rng_.chance(50)) power_cut();
    }
    found_.locked = exports_before && locked();
    found_.bound = most_age + settings_.control.period + wire + 700ms;
    judging_ = true;
    const Duration first_cut = seconds(between(60.0, 12000.0));
    bool cut = false;
    while (running_ - third_ < 5h) {
      plant_.set_load((running_ / 300s) % 2 == 0 ? 200.0_W : 700.0_W);
      plant_.set_solar((running_ / 600s) % 2 == 0 ? 1000.0_W : 0.0_W);
      if (!cut && running_ - third_ > first_cut) {
        cut = true;
        power_cut();
      }
      run(1s);
      if (found_.length) break;
    }
    return found_;
  }

 private:
  static constexpr Watts cap{1000.0};

  double between(double low, double high) { return low + (high - low) * rng_.uniform(); }
  [[nodiscard]] bool locked() const { return loop_->faults().active(Fault::export_lockout); }
  [[nodiscard]] Watts exported() const { return battery_share(plant_.house(), 0.0_W, {}); }
  [[nodiscard]] bool exports() const { return exported() > about_cap; }
  [[nodiscard]] service::Moment moment() const {
    return {.steady = plant_.now(),
            .wall = WallTime{std::chrono::seconds{1'790'000'000}},
            .boot_time = plant_.now().time_since_epoch()};
  }

  /// As the program does: from the state file into the service, from there into the control.
  void start() {
    ++boots_;
    std::optional<service::SavedState> saved;
    if (state_file_) saved = service::decode_state(*state_file_).value();
    commands_ = std::make_unique<service::CommandService>(
        service::CommandService::Deps{
            .settings = settings_.control,
            .events = [](const std::string&, const Event&) {},
            .boot_id = std::to_string(boots_),
            .send = [](const Orders&) {},
            .store = [this](const service::SavedState& state) { state_file_ = encode(state); }},
        saved, moment());
    loop_ = std::make_unique<ClosedLoop>(plant_, settings_);
    loop_->restore(commands_->memories().control);
  }

  void power_cut() {
    loop_.reset();
    commands_.reset();
    ++found_.power_cuts;
    const Instant back = plant_.now() + seconds(between(1.0, 900.0));
    while (plant_.now() < back) plant_.advance_to(std::min(plant_.now() + 1s, back));
    start();
    // What the inverter still holds of before the cut is its time-out's to end.
    const bool judged = std::exchange(judging_, false);
    run(40s);
    judging_ = judged;
    exported_for_ = {};
  }

  void lose_meter(Duration time) {
    const bool clamp = rng_.chance(50);
    if (clamp) plant_.house().set_grid_clamp_off(true);
    if (!clamp) plant_.set_fault(Bus::meters, {FaultKind::unplug});
    run(time);
    plant_.house().set_grid_clamp_off(false);
    plant_.set_fault(Bus::meters, {});
  }

  void run(Duration time) {
    for (const Instant end = plant_.now() + time; plant_.now() < end;) {
      const Duration next = std::min<Duration>(100ms, end - plant_.now());
      loop_->run(next);
      running_ += next;
      commands_->note_safety(loop_->decision().safety, moment());
      commands_->note_time(true, moment());
      judge(next);
    }
  }

  void judge(Duration passed) {
    if (!judging_ || found_.length) return;
    if (exports()) {
      exported_for_ += passed;
      // Longer than any dead time: the lock-out is over.
      if (exported_for_ >= 5s) found_.length = running_ - exported_for_ - third_;
      return;
    }
    found_.longest_export = std::max(found_.longest_export, exported_for_);
    exported_for_ = {};
  }

  Rng rng_;
  ClosedLoopSettings settings_;
  Plant plant_;
  std::unique_ptr<service::CommandService> commands_;
  std::unique_ptr<ClosedLoop> loop_;
  std::optional<std::string> state_file_;
  int boots_ = 0;
  Duration running_{};
  Duration third_{};
  bool judging_ = false;
  Duration exported_for_{};
  LockedOut found_;
};

}  // namespace

std::string_view name(Pulled pulled) {
  switch (pulled) {
    case Pulled::load:
      return "nothing: a load goes";
    case Pulled::meter:
      return "grid meter";
    case Pulled::clamp:
      return "clamp";
    case Pulled::freeze:
      return "grid meter freezes";
    case Pulled::rs485:
      return "RS485 adapter";
    case Pulled::can:
      return "CAN adapter";
    case Pulled::mk3:
      return "MK3";
    case Pulled::process:
      return "process";
    case Pulled::board:
      return "board";
  }
  return {};
}

Witnessed run_case(const WitnessCase& which) {
  return Run{which}();
}

LockedOut run_lock_out(std::uint64_t seed) {
  return LockOut{seed}();
}

}  // namespace esshub::sim
