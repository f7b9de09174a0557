#include "control/policy/price_table.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace esshub::control {
namespace {

std::span<const TimedPrices> entries_of(const PriceTable& table) {
  return std::span{table.entries}.first(std::min(table.count, PriceTable::most));
}

std::optional<double> number(const std::optional<double>& price) {
  return price && std::isfinite(*price) ? price : std::nullopt;
}

}  // namespace

ToldPrices told_at(const PriceTable& table, Instant at) {
  for (const auto& entry : entries_of(table))
    if (at >= entry.begin && at < entry.end)
      return {number(entry.prices.import_price), number(entry.prices.export_price)};
  return {};
}

Instant next_change(const PriceTable& table, Instant at, Instant until) {
  for (const auto& entry : entries_of(table))
    for (const Instant edge : {entry.begin, entry.end})
      if (edge > at && edge < until) until = edge;
  return until;
}

}  // namespace esshub::control
