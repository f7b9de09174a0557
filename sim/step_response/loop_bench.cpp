#include "sim/step_response/loop_bench.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <span>
#include <utility>

#include "protocol/modbus/meter_models.hpp"
#include "protocol/vebus/mk3_frame.hpp"

namespace esshub::sim {
namespace {

constexpr double character = 10.0 / 9600.0;  // s
constexpr std::size_t request_characters = 8;
constexpr std::size_t setpoint_bytes = 9;
// The longest exchange with the inverter: AC frame, asked with 7 bytes and told with 17 (reference:
// vebus-mk3#1) after 60 ms at most.
constexpr std::size_t exchange_bytes = 7 + 17;
constexpr Duration longest_reply_delay = 60ms;

std::span<const protocol::modbus::Block> blocks() {
  return protocol::modbus::row_of(protocol::MeterModel::sdm630).blocks;
}

/// From the meter taking its values to the answer's last bit.
Seconds answer_time(const LoopPlant& plant, const protocol::modbus::Block& block) {
  return plant.turnaround + Seconds{(5.0 + 2.0 * block.count) * character};
}
Seconds answer_time(const LoopPlant& plant) {
  return answer_time(plant, blocks().front());
}
Seconds turn(const LoopPlant& plant, const protocol::modbus::Block& block) {
  return Seconds{request_characters * character} + answer_time(plant, block) + Seconds{plant.gap};
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

/// Ahead of the hub's drivers nothing can be known: a step is in no answer that the meter gave
/// before it.
class Ideal {
 public:
  Ideal(const LoopPlant& plant, std::function<Watts(Instant)> net_load)
      : age_(as_duration(answer_time(plant)) + plant.meter_delay + LoopBench::resolution),
        gain_(plant.gain),
        net_load_(std::move(net_load)) {}
  std::optional<Watts> operator()(const control::Inputs& in, Watts, Watts) const {
    return -net_load_(in.snapshot.power(Point::grid)->at - age_) / gain_;
  }

 private:
  Duration age_;
  double gain_;
  std::function<Watts(Instant)> net_load_;
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

ClosedLoopSettings loop_settings(const LoopPlant& plant, LoopKind kind,
                                 const std::function<Watts(Instant)>& net_load) {
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
    case LoopKind::ideal:
      settings.controller = reference(Ideal{plant, net_load});
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
    case LoopKind::ideal:
      return "ideal";
  }
  return "?";
}

Seconds poll_interval(const LoopPlant& plant) {
  return turn(plant, blocks().front());
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

WaitRange wait_range(const LoopPlant& plant) {
  Seconds other_block{};
  for (const auto& block : blocks().subspan(1))
    other_block = std::max(other_block, turn(plant, block));
  const Seconds exchange = protocol::mk3::byte_time * static_cast<Duration::rep>(exchange_bytes) +
                           Seconds{longest_reply_delay};
  return {.shortest = longest_wait(plant) - poll_interval(plant) - Seconds{LoopBench::resolution},
          .longest =
              longest_wait(plant) + other_block + Seconds{control::Settings{}.period} + exchange};
}

WattHours physical_bound(const LoopPlant& plant, Watts step) {
  const Seconds wait =
      longest_wait(plant) - poll_interval(plant) / 2 + plant.inverter_time_constant;
  const Seconds half_ramp{abs(step).value() / plant.ramp.value() / 2.0};
  return abs(step) * Hours{wait + half_ramp};
}

/// By a profile, else what was set, from when on.
struct LoopBench::Known {
  Profile profile;
  Instant begin{};
  std::vector<std::pair<Instant, Watts>> set{};

  [[nodiscard]] Watts at(Instant when) const {
    if (profile) return profile(when - begin);
    const auto later =
        std::ranges::find_if(set, [&](const auto& entry) { return entry.first > when; });
    return later == set.begin() ? Watts{} : std::prev(later)->second;
  }
};

LoopBench::LoopBench(const LoopPlant& plant, LoopKind kind)
    : known_(std::make_shared<Known>(Known{.profile = plant.load, .begin = Instant{} + 1000s})) {
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
  plant_ = std::make_unique<Plant>(settings_of(plant), makers, known_->begin);
  loop_ = std::make_unique<ClosedLoop>(
      *plant_, loop_settings(plant, kind, [known = known_](Instant at) { return known->at(at); }));
}

void LoopBench::set_net_load(Watts net) {
  known_->set.emplace_back(now(), net);
  plant_->set_load(std::max(net, Watts{}));
  plant_->set_solar(std::max(-net, Watts{}));
}

}  // namespace esshub::sim
