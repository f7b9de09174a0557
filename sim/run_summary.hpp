// RunSummary: what a simulated stretch of time came to - energies, money, control quality, faults.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "model/decision.hpp"
#include "sim/flat_prices.hpp"
#include "sim/plant/house.hpp"

namespace esshub::sim {

/// The hub holds the grid at its setpoint and nothing keeps it from that: neither a limit, nor
/// another target (planned charging), nor an inverter that is not to follow.
[[nodiscard]] bool regulates(const Decision& decision);

class RunSummary {
 public:
  /// `house` as it is at the start; it is looked at until the end.
  RunSummary(const House& house, FlatPrices prices);

  /// At every control tick: from now on `decision` is in force and `faults` are active, the buses'
  /// included. What has passed since the tick before belongs to that one's; what passed before the
  /// first one belongs to the first.
  void tick(const Decision& decision, const FaultSet& faults);
  /// At the end: adds what has passed since the last tick.
  void finish();

  /// For a person; a row a figure. `currency` of the prices; empty: not said.
  [[nodiscard]] std::string text(const std::string& currency = {}) const;
  /// Keys end in their unit.
  [[nodiscard]] nlohmann::json json() const;

 private:
  struct Bought {
    WattHours energy{};
    double cost = 0.0;
  };
  struct Seen {
    unsigned times = 0;
    Duration time{};
    bool active = false;
  };
  void take(const Decision& decision, const FaultSet& faults);
  [[nodiscard]] WattHours stored() const { return house_.battery().stored() - first_stored_; }
  /// What the books do not explain: nothing, but for the physics' own step.
  [[nodiscard]] WattHours unexplained() const;

  const House& house_;
  FlatPrices prices_;
  WattHours first_stored_;
  HouseTruth truth_;                  ///< up to there everything is counted
  std::optional<Decision> decision_;  ///< in force since then
  Duration outside_regulating_{};     ///< of HouseTruth::outside: see regulates()
  std::map<double, Bought> bought_;   ///< by import price
  double earned_ = 0.0;
  EnumArray<Cause, Duration> shaped_;  ///< how long each rule shaped the decision
  EnumArray<Fault, Seen> faults_;
};

}  // namespace esshub::sim
