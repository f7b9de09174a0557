// RunSummary: what a simulated stretch of time came to - energies, money, control quality, faults.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "model/decision.hpp"
#include "sim/plant/house.hpp"

namespace esshub::sim {

/// Prices where the hub's own tariff names none; per kWh.
struct FlatPrices {
  std::optional<double> import;
  double export_ = 0.0;
};

class RunSummary {
 public:
  /// `house` as it is at the start; it is looked at until the end.
  RunSummary(const House& house, FlatPrices prices);

  /// After every control tick: `period` has passed under `decision`, with `faults` active, the
  /// buses' included.
  void tick(const Decision& decision, const FaultSet& faults, Duration period);

  /// For a person; a row a figure.
  [[nodiscard]] std::string text() const;
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
  void count_faults(const FaultSet& faults, Duration period);
  [[nodiscard]] WattHours stored() const { return house_.battery().stored() - first_stored_; }
  /// What the books do not explain: nothing, but for the physics' own step.
  [[nodiscard]] WattHours unexplained() const;

  const House& house_;
  FlatPrices prices_;
  WattHours first_stored_;
  HouseTruth truth_;                 ///< at the last tick
  Duration outside_{};               ///< |grid| > 50 W
  Duration outside_unlimited_{};     ///< the same while no limit held the battery back
  std::map<double, Bought> bought_;  ///< by import price
  double earned_ = 0.0;
  EnumArray<Cause, Duration> shaped_;  ///< how long each rule shaped the decision
  EnumArray<Fault, Seen> faults_;
};

}  // namespace esshub::sim
