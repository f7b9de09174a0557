#include "tests/scenarios/fault_cell.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/closed_loop.hpp"
#include "tests/scenarios/truth_history.hpp"

namespace esshub::sim {
namespace {

constexpr Duration phase = 60s;
constexpr Duration reaction = 1s;       // docs/safety.md: ramped over at most 1 s
constexpr Duration lost_after = 3s;     // F1, F4, F6
constexpr Duration frozen_after = 10s;  // F2
constexpr Watts load{1000.0};
constexpr Watts higher_load{1500.0};
constexpr double right_within = 50.0;  // W
constexpr Duration right_for = 2s;

constexpr std::array faults{
    MatrixFault{"off", {FaultKind::off}},
    MatrixFault{"drop 2 %", {FaultKind::drop, 2.0}},
    MatrixFault{"drop 20 %", {FaultKind::drop, 20.0}},
    MatrixFault{"garbage 5 %", {FaultKind::garbage, 5.0}},
    MatrixFault{"stuck", {FaultKind::stuck}},
    MatrixFault{"slow 0.4 s", {FaultKind::slow, 0.0, 400ms}},
    MatrixFault{"delayed 1.5 s", {FaultKind::slow, 0.0, 1500ms}},
    MatrixFault{"off 2 s, on 3 s", {FaultKind::off}, 2s, 3s},
    MatrixFault{"unplug", {FaultKind::unplug}},
};

DeviceMakers makers() {
  return {[](const MeterTruth& main, const MeterTruth& line) {
            return make_fake_meters({{1, protocol::MeterModel::sdm630, &main},
                                     {244, protocol::MeterModel::sdm120, &line}});
          },
          [](const BatteryTruth& truth) { return make_fake_battery(truth, {}); },
          [](const InverterTruth& truth, InverterCommand& command) {
            return make_fake_multiplus(truth, command, {});
          }};
}

std::uint64_t bad(const FrameCounters& frames) {
  std::uint64_t all = 0;
  for (const auto count : frames.count) all += count;
  return all - frames[FrameResult::ok];
}

/// What the control needs of a bus.
std::span<const Channel> required(Bus bus) {
  static constexpr std::array meters{Channel{Point::grid, Measure::power}};
  static constexpr std::array battery{
      Channel{Point::battery, Measure::soc}, Channel{Point::battery, Measure::voltage},
      Channel{Point::battery, Measure::cvl}, Channel{Point::battery, Measure::ccl},
      Channel{Point::battery, Measure::dcl}, Channel{Point::battery, Measure::protections}};
  static constexpr std::array inverter{Channel{Point::inverter, Measure::controllable},
                                       Channel{Point::inverter, Measure::power},
                                       Channel{Point::inverter, Measure::main_state}};
  switch (bus) {
    case Bus::meters:
      return meters;
    case Bus::battery:
      return battery;
    case Bus::inverter:
      return inverter;
  }
  return {};
}

std::optional<Duration> stale_after(Bus bus, FaultKind kind) {
  if (kind != FaultKind::stuck) return lost_after + reaction;
  if (bus != Bus::meters) return std::nullopt;
  return frozen_after + reaction;
}

class Run {
 public:
  Run(Bus bus, const MatrixFault& fault)
      : plant_({}, makers(), Instant{} + 1000s), loop_(plant_, fitting_settings()) {
    cell_.bus = bus;
    cell_.fault = &fault;
    cell_.stale_after = stale_after(bus, fault.fault.kind);
  }

  Cell operator()() {
    plant_.set_load(load);
    loop_.run(phase, [this](const Decision&, const Snapshot&) { remember(); });
    break_bus();
    loop_.run(phase, [this](const Decision& d, const Snapshot& s) { watch_fault(d, s); });
    heal_bus();
    loop_.run(phase, [this](const Decision&, const Snapshot&) { watch_recovery(); });
    return cell_;
  }

 private:
  [[nodiscard]] Duration since(Instant then) const { return plant_.now() - then; }
  [[nodiscard]] double written() const {
    return plant_.house().command().setpoint.value_or(Watts{}).value();
  }
  void remember() { history_.remember(plant_.house(), plant_.now()); }

  void break_bus() {
    const MatrixFault& fault = *cell_.fault;
    begin_ = plant_.now();
    frames_ = loop_.health(cell_.bus).frames;
    plant_.at(begin_ + 5s, [](Plant& plant) { plant.set_load(higher_load); });
    plant_.at(begin_ + 40s, [](Plant& plant) { plant.set_load(load); });
    plant_.set_fault(cell_.bus, fault.fault);
    if (fault.off_for == Duration{}) return;
    const Bus bus = cell_.bus;
    for (Duration t{}; t < phase; t += fault.off_for + fault.on_for) {
      plant_.at(begin_ + t, [&fault, bus](Plant& plant) { plant.set_fault(bus, fault.fault); });
      plant_.at(begin_ + t + fault.off_for, [bus](Plant& plant) { plant.set_fault(bus, {}); });
    }
  }

  void heal_bus() {
    plant_.set_fault(cell_.bus, {});
    const FrameCounters& now = loop_.health(cell_.bus).frames;
    cell_.frames_ok = now[FrameResult::ok] - frames_[FrameResult::ok];
    cell_.frames_bad = bad(now) - bad(frames_);
    healed_ = plant_.now();
  }

  void watch_fault(const Decision& decision, const Snapshot& snapshot) {
    remember();
    const bool commanded = decision.setpoint.mode == InverterMode::follow;
    const double power = commanded ? std::abs(decision.battery_power.value()) : 0.0;
    watch_detection(decision, power);
    watch_age(snapshot, power);
    judge_samples();
  }

  void judge_samples() {
    for (const Sample& sample : loop_.taken()) {
      ++cell_.samples;
      if (!history_.explains(sample, cell_.fault->fault.delay)) ++cell_.wrong;
    }
  }

  void watch_detection(const Decision& decision, double power) {
    const DriverHealth& health = loop_.health(cell_.bus);
    const bool noticed =
        !health.ready || health.faults.any() || decision.faults.any() || power < 1.0;
    if (noticed && !cell_.detected) cell_.detected = since(begin_);
  }

  /// How old the newest truth is that the hub can know of.
  void watch_age(const Snapshot& snapshot, double power) {
    const BusFault& fault = plant_.fault(cell_.bus);
    Duration age{};
    for (const Channel channel : required(cell_.bus)) {
      const auto& reading = snapshot.raw(channel.point, channel.measure);
      if (!reading) return;  // never heard: nothing that could be stale
      const bool delayed = reading->at >= begin_ + fault.delay;
      age = std::max(age, since(reading->at) + (delayed ? fault.delay : Duration{}));
    }
    if (fault.kind == FaultKind::stuck) age = since(begin_);
    if (!cell_.stale_after || age <= *cell_.stale_after) return;
    // A lost inverter cannot be told: what it still holds is its own time-out's to end.
    if (cell_.bus != Bus::inverter) power = std::max(power, std::abs(written()));
    cell_.stale_watts = std::max(cell_.stale_watts, power);
  }

  void watch_recovery() {
    remember();
    judge_samples();
    if (cell_.recovered) return;
    const bool right = std::abs(written() + load.value()) <= right_within;
    if (!right) {
      right_since_.reset();
    } else if (!right_since_) {
      right_since_ = plant_.now();
    } else if (since(*right_since_) >= right_for) {
      cell_.recovered = *right_since_ - healed_;
    }
  }

  Plant plant_;
  ClosedLoop loop_;
  TruthHistory history_;
  Cell cell_;
  FrameCounters frames_;
  Instant begin_;
  Instant healed_;
  std::optional<Instant> right_since_;
};

}  // namespace

std::span<const MatrixFault> matrix_faults() {
  return faults;
}

Cell run_cell(Bus bus, const MatrixFault& fault) {
  return Run{bus, fault}();
}

std::string_view broken_promise(const Cell& cell) {
  const FaultKind kind = cell.fault->fault.kind;
  const bool silent =
      (kind == FaultKind::off || kind == FaultKind::unplug) && cell.fault->off_for == Duration{};
  if (cell.stale_watts >= 1.0) return "the battery was commanded on stale data";
  if (silent && (!cell.detected || *cell.detected > lost_after + reaction))
    return "silence was not noticed in time";
  if (kind == FaultKind::stuck && cell.bus == Bus::meters &&
      (!cell.detected || *cell.detected > *cell.stale_after))
    return "a frozen meter was not noticed in time";
  if (!cell.recovered) return "not recovered within 60 s";
  // One byte's sum is one in 256; standing still is no error.
  if (cell.bus != Bus::inverter && kind != FaultKind::stuck && cell.wrong > 0)
    return "a wrong value was accepted";
  return {};
}

}  // namespace esshub::sim
