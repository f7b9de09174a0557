#include "sim/year/year.hpp"

#include <algorithm>

#include "control/observation.hpp"

namespace esshub::sim {
namespace {

/// The battery of the model: energy in and out, nothing else.
class Store {
 public:
  explicit Store(const IdealBattery& battery) : battery_(battery), energy_(battery.start) {}

  /// AC power really taken (+) or given (-) of what is wanted for `time`.
  Watts advance(Watts wanted, Hours time) {
    const double e = battery_.efficiency;
    const WattHours proposal = wanted * time;
    const WattHours change = std::clamp(wanted > Watts{} ? proposal * e : proposal / e, -energy_,
                                        battery_.capacity - energy_);
    energy_ += change;
    const WattHours at_ac = change > WattHours{} ? change / e : change * e;
    return Watts{at_ac.value() / time.count()};
  }
  [[nodiscard]] WattHours energy() const { return energy_; }
  [[nodiscard]] Soc soc() const {
    return Soc::from_percent(std::clamp(100.0 * (energy_ / battery_.capacity), 0.0, 100.0)).value();
  }

 private:
  const IdealBattery& battery_;
  WattHours energy_;
};

control::Observation ideal_facts() {
  control::Observation observation;
  observation.grid_ok = observation.bms_ok = observation.inverter_ok = true;
  observation.ac_out = Watts{};
  observation.voltage = 50.0_V;
  observation.cvl = 53.2_V;
  observation.ccl = observation.dcl = 1000.0_A;
  return observation;
}

}  // namespace

control::Settings ideal_control(const IdealBattery& battery) {
  control::Settings s;
  s.charge_limit = battery.charge;
  s.discharge_limit = battery.discharge;
  s.inverter_rating = std::max(battery.charge, battery.discharge);
  s.charger_current = 200.0_A;
  s.soc_floor = s.reserve = s.cutoff_soc = 0.0_soc;
  s.soc_hysteresis = 0.0;
  return s;
}

YearResult run_year(std::span<const HouseHour> house, const YearSettings& settings,
                    const std::function<void(std::size_t)>& progress) {
  control::Settings control = settings.control;
  control.solar_metered = false;  // the observation says it all
  control.slew = WattsPerSecond{20000.0};
  const Hours step = settings.step;
  const auto steps_per_hour = static_cast<std::uint64_t>(1h / settings.step);
  const Snapshot snapshot;

  Store store{settings.battery};
  YearResult result;
  control::Memory memory;
  memory.started = true;
  control::Inputs inputs{.settings = control, .snapshot = snapshot, .now = {}, .local = {}};
  inputs.local.trusted = true;
  memory.last_tick = inputs.now - settings.step;
  control::Observation observation = ideal_facts();
  for (std::size_t i = 0; i < house.size(); ++i) {
    const HouseHour& hour = house[i];
    const Watts sun = hour.sun * settings.kwp;
    const double price = import_price(hour, settings.tariff);
    if (control.tariff.bands.empty()) control.tariff.import_price = price;
    observation.rest = hour.load - sun;
    inputs.local.weekday = hour.weekday;
    WattHours import{};
    WattHours export_{};
    for (std::uint64_t k = 0; k < steps_per_hour; ++k) {
      const auto minute = std::chrono::floor<std::chrono::minutes>(settings.step * k);
      inputs.local.minute_of_day = (hour.hour - 1) * 60 + static_cast<int>(minute.count());
      observation.soc = observation.reported_soc = store.soc();
      control::hold_soc(control, observation, memory);
      const Decision decision = control::decide(inputs, observation, memory);
      const Watts power = store.advance(decision.battery_power, step);
      const Watts grid = *observation.rest + power;
      (power > Watts{} ? result.charged : result.discharged) += abs(power) * step;
      (grid > Watts{} ? import : export_) += abs(grid) * step;
      inputs.now += settings.step;
    }
    result.load += hour.load * Hours{1};
    result.sun += sun * Hours{1};
    result.import += import;
    result.export_ += export_;
    result.cost += (price * import.value() - settings.export_price * export_.value()) / 1000.0;
    result.steps += steps_per_hour;
    if (progress) progress(i + 1);
  }
  result.end = store.energy();
  const WattHours stored = result.end - settings.battery.start;
  result.losses = result.charged - result.discharged - stored;
  return result;
}

std::vector<PricedHour> priced_hours(std::span<const HouseHour> house,
                                     const YearSettings& settings) {
  std::vector<PricedHour> hours;
  hours.reserve(house.size());
  for (const auto& hour : house)
    hours.push_back({hour.load - hour.sun * settings.kwp, import_price(hour, settings.tariff)});
  return hours;
}

double cost_without_battery(std::span<const PricedHour> hours, double export_price) {
  double cost = 0.0;
  for (const auto& hour : hours)
    cost += hour.net.value() / 1000.0 * (hour.net > Watts{} ? hour.price : export_price);
  return cost;
}

}  // namespace esshub::sim
