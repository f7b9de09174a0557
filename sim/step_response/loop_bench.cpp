#include "sim/step_response/loop_bench.hpp"

#include <algorithm>

#include "protocol/modbus/meter_models.hpp"
#include "protocol/vebus/mk3_frame.hpp"

namespace esshub::sim {
namespace {

constexpr double character = 10.0 / 9600.0;  // s
constexpr std::size_t request_characters = 8;
constexpr std::size_t setpoint_bytes = 9;

/// From the meter taking its values to the answer's last bit.
Seconds answer_time(const LoopPlant& plant) {
  const auto& block = protocol::modbus::row_of(protocol::MeterModel::sdm630).blocks.front();
  return plant.turnaround + Seconds{(5.0 + 2.0 * block.count) * character};
}

// ---- the references: no limits, no safety, just their arithmetic -------------------------------

class Cycle {
 public:
  explicit Cycle(Duration period) : period_(period) {}
  std::optional<Watts> operator()(const control::Inputs& in, Watts grid, Watts inverter) {
    if (next_ && in.now < *next_) return setpoint_;
    next_ = in.now + period_;
    return setpoint_ = inverter - grid;
  }

 private:
  Duration period_;
  std::optional<Instant> next_;
  std::optional<Watts> setpoint_;
};

class Integral {
 public:
  explicit Integral(Watts most) : most_(most) {}
  std::optional<Watts> operator()(const control::Inputs& in, Watts grid, Watts inverter) {
    constexpr double per_second = 2.0;
    if (!last_) setpoint_ = inverter;
    const Seconds dt = in.now - last_.value_or(in.now);
    last_ = in.now;
    setpoint_ = std::clamp(setpoint_ - grid * (per_second * dt.count()), -most_, most_);
    return setpoint_;
  }

 private:
  Watts most_;
  std::optional<Instant> last_;
  Watts setpoint_{};
};

template <class Law>
control::StepFunction reference(Law law) {
  return [law](const control::Inputs& in, control::Memory&) mutable {
    const auto grid = fresh(in.snapshot.power(Point::grid), in.now, 3s);
    const auto inverter = fresh(in.snapshot.power(Point::inverter), in.now, 3s);
    Decision decision;
    decision.at = in.now;
    if (!grid || !inverter) return decision;
    const auto setpoint = law(in, *grid, *inverter);
    if (setpoint) decision.setpoint = {*setpoint, InverterMode::follow, in.now + 1s};
    return decision;
  };
}

PlantSettings settings_of(const LoopPlant& plant) {
  PlantSettings settings;
  settings.seed = plant.seed;
  settings.step = LoopBench::resolution;
  settings.load = plant.load;
  auto& house = settings.house;
  house.seed = plant.seed;
  house.meter.time_constant = plant.meter_time_constant;
  house.meter.delay = plant.meter_delay;
  house.inverter.ramp = plant.ramp;
  house.inverter.time_constant = plant.inverter_time_constant;
  house.inverter.gain = plant.gain;
  if (plant.unlimited) {
    house.inverter.continuous = house.inverter.peak = 20000.0_W;
    house.inverter.charger_limit = Amperes{400.0};
    house.battery.modules = 16;
  }
  return settings;
}

ClosedLoopSettings loop_settings(const LoopPlant& plant, LoopKind kind) {
  ClosedLoopSettings settings = fitting_settings();
  settings.meters.gap = plant.gap;
  if (!plant.battery_meter) settings.meters.meters.resize(1);
  if (plant.unlimited) {
    auto& control = settings.control;
    control.charge_limit = control.discharge_limit = 10000.0_W;
    control.inverter_rating = 15000.0_W;
    control.charger_current = 200.0_A;
    control.slew = WattsPerSecond{20000.0};
  }
  switch (kind) {
    case LoopKind::hub:
      break;
    case LoopKind::cycle_1s:
      settings.controller = reference(Cycle{1s});
      break;
    case LoopKind::cycle_30s:
      settings.controller = reference(Cycle{30s});
      break;
    case LoopKind::integral:
      settings.controller = reference(Integral{settings_of(plant).house.inverter.continuous});
      break;
  }
  return settings;
}

}  // namespace

std::string_view name(LoopKind kind) {
  switch (kind) {
    case LoopKind::hub:
      return "hub";
    case LoopKind::cycle_1s:
      return "1 s cycle";
    case LoopKind::cycle_30s:
      return "30 s cycle";
    case LoopKind::integral:
      return "integral";
  }
  return "?";
}

Seconds poll_interval(const LoopPlant& plant) {
  return Seconds{request_characters * character} + answer_time(plant) + Seconds{plant.gap};
}

Duration gap_for(Seconds interval, const LoopPlant& plant) {
  LoopPlant none = plant;
  none.gap = Duration{};
  return std::max(as_duration(interval - poll_interval(none)), Duration{});
}

Seconds longest_wait(const LoopPlant& plant) {
  const Seconds write = protocol::mk3::byte_time * static_cast<Duration::rep>(setpoint_bytes);
  return poll_interval(plant) + answer_time(plant) + write + 10ms;
}

WattHours physical_bound(const LoopPlant& plant, Watts step) {
  const Seconds wait =
      longest_wait(plant) - poll_interval(plant) / 2 + plant.inverter_time_constant;
  const Seconds half_ramp{abs(step).value() / plant.ramp.value() / 2.0};
  return abs(step) * Hours{wait + half_ramp};
}

LoopBench::LoopBench(const LoopPlant& plant, LoopKind kind) {
  const DeviceMakers makers{
      [&](const MeterTruth& main, const MeterTruth& battery) {
        return make_fake_meters({{1, protocol::MeterModel::sdm630, &main, plant.turnaround},
                                 {244, protocol::MeterModel::sdm120, &battery, plant.turnaround}});
      },
      [](const BatteryTruth& truth) { return make_fake_battery(truth, {}); },
      [&](const InverterTruth& truth, InverterCommand& command) {
        FakeMultiplusOptions options;
        options.seed = plant.seed;
        return make_fake_multiplus(truth, command, options);
      }};
  plant_ = std::make_unique<Plant>(settings_of(plant), makers, Instant{} + 1000s);
  loop_ = std::make_unique<ClosedLoop>(*plant_, loop_settings(plant, kind));
}

void LoopBench::set_net_load(Watts net) {
  plant_->set_load(std::max(net, Watts{}));
  plant_->set_solar(std::max(-net, Watts{}));
}

}  // namespace esshub::sim
