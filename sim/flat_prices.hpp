// FlatPrices: what energy costs where no tariff says it.
#pragma once

#include <optional>

namespace esshub::sim {

/// Prices where the hub's own tariff names none; per kWh.
struct FlatPrices {
  std::optional<double> import;
  double export_ = 0.0;
};

}  // namespace esshub::sim
