// A year of the planner: plans from the hours past, marks followed by an ideal battery.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/year/year.hpp"

namespace esshub::sim {

enum class YearPolicy : std::uint8_t {
  rules,    ///< control::decide, run_year()
  balance,  ///< self-consumption
  smart,    ///< control::plan
};

/// What the plan is told of the time ahead in place of the days past: to see what it is worth.
enum class Perfect : std::uint8_t { nothing, solar, load };

/// How others do it, to compare with.
enum class Forecast : std::uint8_t {
  days,  ///< each of the days past is one course
  mean   ///< their mean is the one course
};
enum class Follow : std::uint8_t {
  marks,
  watts  ///< the power that was expected, whatever house and sun do
};

struct SmartSettings {
  YearPolicy policy = YearPolicy::smart;
  Perfect perfect = Perfect::nothing;
  Forecast forecast = Forecast::days;
  Follow follow = Follow::marks;
  /// Told of each day: its sun times a factor whose standard deviation about 1 is this, drawn for
  /// the day, the same in each run. Nothing: no sun is told.
  std::optional<double> sun_feed_error{};
  Duration plan_every = 6h;
  bool sells = false;  ///< the battery may be discharged into the grid
  int cells = 54;
};

struct SmartYear {
  YearResult result;
  std::vector<double> cost_by_hour;
  /// How often it was allowed something else: to buy, to serve the house, neither.
  std::vector<double> changes_by_hour;
  std::uint64_t plans = 0;
  double slowest_plan_s = 0.0;  ///< of the processor's time
};

/// How many hours of prices are known at the begin of this one: two days; of `agile` from 16:00 on
/// those until 23:00 of the next day.
[[nodiscard]] int known_hours(const HouseHour& hour, YearTariff tariff);

/// An hour is decided at once: at its begin the marks of the plan made last, which knew the prices
/// and the hours before it. Until the second day is over, and for `balance`, self-consumption. The
/// battery's efficiency is the same at all powers.
[[nodiscard]] SmartYear run_smart_year(std::span<const HouseHour> house,
                                       const YearSettings& settings, const SmartSettings& smart);

/// The least cost with perfect foresight whatever the prices, by the planner's own programme with
/// `cells` of charge.
[[nodiscard]] double programme_bound(std::span<const HouseHour> house, const YearSettings& settings,
                                     WattHours end, bool sells = false, int cells = 864);

/// By how much `a` is dearer than `b` in the worst 28 days, 0 where it never is; nothing: there are
/// fewer days.
[[nodiscard]] std::optional<double> worst_four_weeks(std::span<const double> a,
                                                     std::span<const double> b);

}  // namespace esshub::sim
