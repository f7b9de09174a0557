// Savings: what the battery saved, and what else the mode saved.
#pragma once

#include <functional>
#include <optional>

namespace esshub {

/// Of some days. Money in the tariff's currency, paid less earned, less what is stored at the end
/// that was not at the begin, at the mean of the days' cheapest import prices.
struct Savings {
  int days = 0;       ///< of the site's calendar; one of them may be today
  int known = 0;      ///< of these, days of which there are minutes with prices
  int partial = 0;    ///< of the known ones, days of which some are missing (of today: so far)
  double cost = 0.0;  ///< modelled: of the battery as it was used
  double no_battery = 0.0;          ///< modelled
  std::optional<double> balance{};  ///< modelled; nothing: it does not serve all circuits
  /// By how much `cost` is above what was paid, on the days that are known whole; nothing: none is.
  /// Of the other cases it says nothing.
  std::optional<double> error{};
  int error_days = 0;  ///< of which `error` is
};

/// Up to now. Nothing: not known yet.
struct SavingsState {
  std::optional<Savings> today{};
  std::optional<Savings> month{};
  std::optional<Savings> year{};
};

/// Thread-safe.
using SavingsSource = std::function<SavingsState()>;

}  // namespace esshub
