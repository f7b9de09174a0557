#include "sim/plant/battery.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace esshub::sim {
namespace {

constexpr double module_amperes = 25.0;  // 0.5 C, reference: pylontech-can#5
constexpr double module_ampere_hours = 50.0;
constexpr double module_ohm =
    0.040;  // cells, switches and cables; a usual figure, not a measured one
constexpr double module_heat_j_per_k = 24'000.0;
constexpr double module_loss_w_per_k = 2.0;
constexpr Duration contactor_rest = 30s;

struct CellPoint {
  double percent;
  double volts;
};
// A usual LFP cell at rest. Below 0 and above 100 % the curve leaves the BMS's range steeply.
constexpr std::array cell_curve{
    CellPoint{-4.0, 2.00},  CellPoint{-2.0, 2.60},  CellPoint{0.0, 2.90},   CellPoint{2.0, 3.05},
    CellPoint{5.0, 3.15},   CellPoint{10.0, 3.21},  CellPoint{20.0, 3.25},  CellPoint{30.0, 3.28},
    CellPoint{40.0, 3.295}, CellPoint{50.0, 3.30},  CellPoint{60.0, 3.31},  CellPoint{70.0, 3.33},
    CellPoint{80.0, 3.335}, CellPoint{90.0, 3.345}, CellPoint{95.0, 3.36},  CellPoint{98.0, 3.385},
    CellPoint{99.0, 3.41},  CellPoint{100.0, 3.45}, CellPoint{101.0, 3.52}, CellPoint{102.0, 3.60},
    CellPoint{104.0, 3.80},
};

double cell_volts(double percent) {
  if (percent <= cell_curve.front().percent) return cell_curve.front().volts;
  for (std::size_t i = 1; i < cell_curve.size(); ++i) {
    const auto& a = cell_curve[i - 1];
    const auto& b = cell_curve[i];
    if (percent <= b.percent)
      return a.volts + (b.volts - a.volts) * (percent - a.percent) / (b.percent - a.percent);
  }
  return cell_curve.back().volts;
}

/// CCL falls in steps near full: 0.75 and 0.40 were captured, 0.20 is in between them and 0.
/// reference: pylontech-can#5.1. UNVERIFIED: at which SOC the steps lie.
double taper(double percent) {
  if (percent < 90.0) return 1.0;
  if (percent < 95.0) return 0.75;
  if (percent < 98.0) return 0.40;
  return 0.20;
}

/// Stays as it was between `set` and `clear`.
bool latch(bool was, bool set, bool clear) {
  return set || (was && !clear);
}

}  // namespace

Battery::Battery(const BatterySettings& settings)
    : settings_(settings), charge_percent_(settings.soc_percent) {
  truth_.modules = settings_.modules;
  truth_.temperature = settings_.ambient;
  truth_.cvl = of_pack(settings_.cvl);
  truth_.dvl = of_pack(settings_.dvl);
  truth_.voltage = open_circuit();
  update_bms(Duration{});
}

Volts Battery::open_circuit() const {
  return Volts{settings_.cells * cell_volts(charge_percent_)};
}

double Battery::resistance() const {
  return module_ohm / static_cast<double>(settings_.modules);
}

/// The area under the cell's curve from 0 to `percent`.
WattHours Battery::stored_at(double percent) const {
  const auto area_below = [](double to) {
    double area = 0.0;
    double from = cell_curve.front().percent;
    for (const auto& point : cell_curve) {
      const double end = std::min(point.percent, to);
      if (end <= from) continue;
      area += (end - from) * (cell_volts(from) + cell_volts(end)) / 2.0;
      from = end;
    }
    return area;
  };
  const double ampere_hours = module_ampere_hours * static_cast<double>(settings_.modules);
  return WattHours{settings_.cells * ampere_hours / 100.0 *
                   (area_below(percent) - area_below(0.0))};
}

/// Solves power = (u + i r) i; beyond the most the cells can give, the current of that most.
Amperes Battery::current_for(Watts power) const {
  const double u = open_circuit().value();
  const double r = resistance();
  const double root = u * u + 4.0 * r * power.value();
  return Amperes{(std::sqrt(std::max(root, 0.0)) - u) / (2.0 * r)};
}

Watts Battery::accepted(Watts wanted) const {
  if (!truth_.contactor) return Watts{};
  const auto high = bit(BmsFlag::high_voltage) | bit(BmsFlag::high_temperature);
  const auto low =
      bit(BmsFlag::low_voltage) | bit(BmsFlag::high_temperature) | bit(BmsFlag::low_temperature);
  if (wanted > Watts{} && (latched_ & high) != 0) return Watts{};
  if (wanted < Watts{} && (latched_ & low) != 0) return Watts{};
  const auto current = current_for(wanted);
  return (open_circuit() + Volts{current.value() * resistance()}) * current;
}

Watts Battery::charge_power(Amperes limit, Volts ceiling) const {
  const auto u = open_circuit();
  const Amperes to_ceiling{(ceiling - u).value() / resistance()};
  const auto current = std::clamp(to_ceiling, Amperes{}, limit);
  return accepted((u + Volts{current.value() * resistance()}) * current);
}

void Battery::advance(Duration dt, Watts power) {
  const auto current = current_for(accepted(power));
  const auto modules = static_cast<double>(settings_.modules);
  const double hours = Hours{dt}.count();
  charge_percent_ += 100.0 * current.value() * hours / (module_ampere_hours * modules);
  charge_percent_ = std::clamp(charge_percent_, -4.0, 104.0);

  const double heat = current.value() * current.value() * resistance();
  const double loss =
      module_loss_w_per_k * modules * (truth_.temperature - settings_.ambient).value();
  truth_.temperature +=
      Celsius{(heat - loss) * Seconds{dt}.count() / (module_heat_j_per_k * modules)};

  truth_.current = current;
  truth_.voltage = open_circuit() + Volts{current.value() * resistance()};
  guard_limits(dt);
  update_bms(dt);
}

void Battery::guard_limits(Duration dt) {
  if (settings_.opens_after == Duration{}) return;
  if (!truth_.contactor) {
    open_for_ += dt;
    if (open_for_ >= contactor_rest) truth_.contactor = true;
    return;
  }
  const auto beyond = [](Amperes current, Amperes limit) {
    return current > limit + std::max(3.0_A, 0.15 * limit);
  };
  const bool ignored = beyond(truth_.current, truth_.ccl) || beyond(-truth_.current, truth_.dcl);
  beyond_for_ = ignored ? beyond_for_ + dt : Duration{};
  if (beyond_for_ < settings_.opens_after) return;
  truth_.contactor = false;
  beyond_for_ = open_for_ = Duration{};
}

void Battery::update_bms(Duration dt) {
  const auto u = truth_.voltage;
  const auto t = truth_.temperature;
  const double soc = std::clamp(charge_percent_, 0.0, 100.0);
  const Amperes rated{module_amperes * static_cast<double>(settings_.modules)};
  truth_.soc_percent = soc;
  truth_.told_soc_percent = overrides_.soc_percent;
  truth_.told_celsius = overrides_.celsius;

  const auto protect = [&](BmsFlag flag, bool set, bool clear) {
    if (latch((latched_ & bit(flag)) != 0, set, clear)) {
      latched_ |= bit(flag);
    } else {
      latched_ &= ~bit(flag);
    }
  };
  protect(BmsFlag::high_voltage, u >= of_pack(54.0_V), u < of_pack(52.5_V));
  protect(BmsFlag::low_voltage, u <= of_pack(43.5_V), u > of_pack(47.0_V));
  protect(BmsFlag::high_temperature, t >= 55.0_degC, t < 50.0_degC);
  protect(BmsFlag::low_temperature, t <= -10.0_degC, t > -8.0_degC);

  truth_.warnings = 0;
  const auto warn = [&](BmsFlag flag, bool active) {
    if (active) truth_.warnings |= bit(flag);
  };
  warn(BmsFlag::high_voltage, u >= of_pack(53.6_V));
  warn(BmsFlag::low_voltage, u <= of_pack(45.0_V));
  warn(BmsFlag::high_temperature, t >= 50.0_degC);
  warn(BmsFlag::low_temperature, t <= 0.0_degC);
  warn(BmsFlag::high_charge_current, truth_.current > 1.1 * rated);
  warn(BmsFlag::high_discharge_current, -truth_.current > 1.1 * rated);

  full_ = latch(full_, charge_percent_ >= 100.0, charge_percent_ < 98.0);
  empty_ = latch(empty_, charge_percent_ <= 0.0 || u <= truth_.dvl, charge_percent_ >= 5.0);
  const bool charge_cold_or_hot = t <= 0.0_degC || t >= 50.0_degC;  // 0..50 degC
  const auto stops_charge = bit(BmsFlag::high_voltage) | bit(BmsFlag::high_temperature);
  const auto stops_discharge =
      bit(BmsFlag::low_voltage) | bit(BmsFlag::high_temperature) | bit(BmsFlag::low_temperature);
  truth_.charge_enable = !full_ && !charge_cold_or_hot && (latched_ & stops_charge) == 0;
  truth_.discharge_enable = !empty_ && (latched_ & stops_discharge) == 0;
  truth_.ccl = truth_.charge_enable ? taper(soc) * rated : Amperes{};
  truth_.dcl = truth_.discharge_enable ? rated : Amperes{};
  truth_.protections = latched_;

  // US2000B-Plus thresholds, reference: pylontech-can#2.6.
  truth_.force_charge_1 = soc < 9.0;
  truth_.force_charge_2 = soc >= 9.0 && soc <= 13.0;
  not_full_for_ = soc > 97.0 ? Duration{} : not_full_for_ + dt;
  truth_.full_charge = not_full_for_ >= std::chrono::hours{30 * 24};

  if (overrides_.ccl) truth_.ccl = *overrides_.ccl;
  if (overrides_.dcl) truth_.dcl = *overrides_.dcl;
  truth_.protections |= overrides_.protections;
  truth_.warnings |= overrides_.warnings;
}

void Battery::set_soc(double percent) {
  charge_percent_ = std::clamp(percent, 0.0, 100.0);
  full_ = empty_ = false;
  latched_ = 0;
  truth_.current = Amperes{};
  truth_.voltage = open_circuit();
  update_bms(Duration{});
}

void Battery::set_overrides(const BmsOverrides& overrides) {
  overrides_ = overrides;
  update_bms(Duration{});
}

}  // namespace esshub::sim
