// savings: what each day cost, with the battery as it was used, with self-consumption and without.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "civil_time/zone.hpp"
#include "control/plan/cost_comparison.hpp"
#include "model/minute.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"
#include "model/savings.hpp"

namespace esshub::service {

/// When the day begins at the site; where midnight is left out, an hour later.
[[nodiscard]] WallTime day_begin(const civil_time::Zone& zone, std::chrono::local_days day);
/// "2026-11-29"
[[nodiscard]] std::string date_text(std::chrono::local_days day);

/// Those of which all is known, also the import price; sun that is not metered is none, an export
/// price that is not known 0. Both ascend.
[[nodiscard]] std::vector<control::MeasuredMinute> measured(std::span<const Minute> minutes,
                                                            std::span<const PlanSpan> prices,
                                                            bool solar_metered, WattHours capacity);

/// So much of a day must be known for it to be known whole.
inline constexpr double whole_share = 0.98;

/// One day of the site's calendar.
struct DaySavings {
  int minutes = 0;               ///< known
  int of = 0;                    ///< of the day, of today of what is over
  std::optional<double> cost{};  ///< paid less earned, as the history has it; nothing: not all
  double no_battery = 0.0;
  control::ModelledCost used{};
  std::optional<control::ModelledCost> balance{};
  std::string currency{};  ///< of all money
  WattHours gained{};      ///< as measured
  double worth = 0.0;      ///< of a kWh stored: bought at the day's cheapest price
  control::ModelledCharge end{};
  [[nodiscard]] bool whole() const { return minutes >= whole_share * of; }
  friend bool operator==(const DaySavings&, const DaySavings&) = default;
};

/// `serves_all`: the battery serves all circuits, else self-consumption cannot be modelled.
[[nodiscard]] DaySavings day_savings(const control::CostComparison& costs, int of,
                                     std::optional<double> cost, double charge_efficiency,
                                     bool serves_all);

/// By date.
using DaysSavings = std::map<std::string, DaySavings>;

/// From that day until `last`, both with it. Days in another currency are not known.
[[nodiscard]] Savings sum_of(const DaysSavings& days, std::chrono::local_days first,
                             std::chrono::local_days last, const std::string& currency);

/// JSON, of the newest `kept_days`.
inline constexpr std::size_t kept_days = 400;
[[nodiscard]] std::string encode(const DaysSavings& days);
/// An Error says what is damaged.
[[nodiscard]] Result<DaysSavings> decode_savings(const std::string& text);

}  // namespace esshub::service
