// A year of the hub's own rules in steps of seconds to hours: ideal measurements, ideal inverter.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "control/settings.hpp"
#include "model/time.hpp"
#include "sim/year/house_year.hpp"
#include "sim/year/optimal_bound.hpp"

namespace esshub::sim {

struct YearSettings {
  /// Of the rules; ideal_control() where there is no configuration of a hub. Its tariff, if it has
  /// bands, is what is decided by and what is paid; what it leaves open, and all of it if it has
  /// none, is the house's price of the hour and `export_price`.
  control::Settings control;
  IdealBattery battery;
  double kwp = 4.0;
  double export_price = 0.05;  ///< paid for exported energy, per kWh, but by `agile`; see control
  YearTariff tariff = YearTariff::tou;
  Duration step = 1min;  ///< divides an hour, with `agile` half of one
};

/// Pure self-consumption: no floor, no reserve, no hysteresis, the battery's own power limits.
[[nodiscard]] control::Settings ideal_control(const IdealBattery& battery);

struct YearResult {
  WattHours load{};
  WattHours sun{};
  WattHours import{};
  WattHours export_{};
  WattHours charged{};     ///< AC side
  WattHours discharged{};  ///< AC side
  WattHours cells_out{};   ///< taken out of the cells
  WattHours standby{};
  WattHours losses{};  ///< of the conversion; the standby is not in it
  WattHours end{};     ///< stored at the end
  double cost = 0.0;   ///< in the tariff's currency
  std::uint64_t steps = 0;
};

/// What `control::decide` does with this house, whose battery is ideal but for its losses: it takes
/// and gives what is decided, no more than it can, until it is full or empty. Powers are constant
/// within an hour. The model of the loop's delays and the proof of the sources (control::observe)
/// are left out; every target and limit is the hub's. `progress` is told the hours done.
[[nodiscard]] YearResult run_year(std::span<const HouseHour> house, const YearSettings& settings,
                                  const std::function<void(std::size_t)>& progress = {});

/// The same hours at the same prices, without battery and standby; an hour in which a price changes
/// is several.
[[nodiscard]] std::vector<PricedSpan> priced_spans(std::span<const HouseHour> house,
                                                   const YearSettings& settings);
[[nodiscard]] double cost_without_battery(std::span<const PricedSpan> spans);
/// The least cost for this battery and this import cap, that ends with at least `end`: never above
/// what run_year() costs for any settings of the rules if it ends with no less.
[[nodiscard]] std::optional<double> bound(std::span<const HouseHour> house,
                                          const YearSettings& settings, WattHours end,
                                          bool from_grid = true, bool to_grid = true);

}  // namespace esshub::sim
