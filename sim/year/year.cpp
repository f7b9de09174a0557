#include "sim/year/year.hpp"

#include <algorithm>

#include "control/observation.hpp"
#include "sim/year/market.hpp"

namespace esshub::sim {
namespace {

/// The battery of the model: energy in and out, nothing else.
class Store {
 public:
  explicit Store(const IdealBattery& battery) : battery_(battery), energy_(battery.start) {}

  /// AC power really taken (+) or given (-) of what is wanted for `time`.
  Watts advance(Watts wanted, Hours time) {
    wanted = std::clamp(wanted, -battery_.discharge, battery_.charge);
    const double e = battery_.efficiency_at(abs(wanted));
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

/// The tariff that holds in that half of the hour: the configuration's own, or what the house pays.
control::Tariff tariff_of(const HouseHour& hour, std::size_t half, const YearSettings& settings) {
  control::Tariff tariff = settings.control.tariff;
  const bool own = !tariff.bands.empty();
  if (!own || !tariff.import_price) tariff.import_price = import_price(hour, half, settings.tariff);
  if (!own || !tariff.export_price)
    tariff.export_price = settings.tariff == YearTariff::agile
                              ? agile_export_price(hour.wholesale.at(half), hour.hour)
                              : settings.export_price;
  return tariff;
}

CivilMinute minute_in(const HouseHour& hour, Duration time) {
  const auto minute = std::chrono::floor<std::chrono::minutes>(time);
  return {(hour.hour - 1) * 60 + static_cast<int>(minute.count()), hour.weekday};
}

/// Of this power at the grid connection (+ = import) for `time`.
double cost_of(Watts grid, const control::Prices& prices, Hours time) {
  const auto price = grid > Watts{} ? prices.import_price : prices.export_price;
  return *price * (grid * time).value() / 1000.0;
}

/// Prices change between minutes; a step that is longer pays their mean.
control::Prices mean_prices(const control::Tariff& tariff, const HouseHour& hour, Duration at,
                            Duration length) {
  control::Prices mean = control::prices_at(tariff, minute_in(hour, at));
  if (tariff.bands.empty() || length <= 1min) return mean;
  const auto minutes = static_cast<int>(length / 1min);
  for (int n = 1; n < minutes; ++n) {
    const auto prices = control::prices_at(tariff, minute_in(hour, at + n * 1min));
    *mean.import_price += *prices.import_price;
    *mean.export_price += *prices.export_price;
  }
  *mean.import_price /= minutes;
  *mean.export_price /= minutes;
  return mean;
}

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
    observation.rest = hour.load - sun + settings.battery.standby;
    inputs.local.weekday = hour.weekday;
    for (std::uint64_t k = 0; k < steps_per_hour; ++k) {
      if (2 * k % steps_per_hour < 2)  // the first, and the first of the second half
        control.tariff = tariff_of(hour, 2 * k / steps_per_hour, settings);
      const CivilMinute minute = minute_in(hour, settings.step * k);
      inputs.local.minute_of_day = minute.minute_of_day;
      observation.soc = observation.reported_soc = store.soc();
      control::hold_soc(control, observation, memory);
      const Decision decision = control::decide(inputs, observation, memory);
      const WattHours before = store.energy();
      const Watts power = store.advance(decision.battery_power, step);
      result.cells_out += std::max(before - store.energy(), WattHours{});
      const Watts grid = *observation.rest + power;
      (power > Watts{} ? result.charged : result.discharged) += abs(power) * step;
      (grid > Watts{} ? result.import : result.export_) += abs(grid) * step;
      result.cost +=
          cost_of(grid, mean_prices(control.tariff, hour, settings.step * k, settings.step), step);
      inputs.now += settings.step;
    }
    result.load += hour.load * Hours{1};
    result.sun += sun * Hours{1};
    result.standby += settings.battery.standby * Hours{1};
    result.steps += steps_per_hour;
    if (progress) progress(i + 1);
  }
  result.end = store.energy();
  const WattHours stored = result.end - settings.battery.start;
  result.losses = result.charged - result.discharged - stored;
  return result;
}

std::vector<PricedSpan> priced_spans(std::span<const HouseHour> house,
                                     const YearSettings& settings) {
  std::vector<PricedSpan> spans;
  spans.reserve(house.size());
  for (const auto& hour : house) {
    const Watts net = hour.load - hour.sun * settings.kwp;
    const std::size_t first = spans.size();
    const Duration piece = settings.control.tariff.bands.empty() ? 30min : 1min;
    for (Duration at{}; at < 1h; at += piece) {
      const auto tariff = tariff_of(hour, at < 30min ? 0 : 1, settings);
      const auto prices = control::prices_at(tariff, minute_in(hour, at));
      const PricedSpan next{net, *prices.import_price, *prices.export_price, Hours{piece}};
      if (spans.size() > first && spans.back().price == next.price &&
          spans.back().export_price == next.export_price) {
        spans.back().length += next.length;
      } else {
        spans.push_back(next);
      }
    }
  }
  return spans;
}

double cost_without_battery(std::span<const PricedSpan> spans) {
  double cost = 0.0;
  for (const auto& span : spans)
    cost += cost_of(span.net, {span.price, span.export_price}, span.length);
  return cost;
}

std::optional<double> bound(std::span<const HouseHour> house, const YearSettings& settings,
                            WattHours end, bool from_grid, bool to_grid) {
  auto spans = priced_spans(house, settings);
  for (auto& span : spans) span.net += settings.battery.standby;
  return least_cost(spans, settings.battery,
                    {from_grid, to_grid, end, settings.control.import_cap});
}

}  // namespace esshub::sim
