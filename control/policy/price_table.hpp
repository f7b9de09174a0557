// PriceTable: prices that others told for the hours to come, as the control takes them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "model/time.hpp"

namespace esshub::control {

/// Per kWh, in the tariff's currency; nothing: not told.
struct ToldPrices {
  std::optional<double> import_price{};
  std::optional<double> export_price{};
  friend bool operator==(const ToldPrices&, const ToldPrices&) = default;
};

struct TimedPrices {
  Instant begin{};
  Instant end{};
  ToldPrices prices{};
  friend bool operator==(const TimedPrices&, const TimedPrices&) = default;
};

/// Of a fixed size, so that it passes from thread to thread without memory. What no entry covers is
/// not told.
struct PriceTable {
  static constexpr std::size_t most = 256;

  std::size_t count = 0;  ///< of the entries
  std::array<TimedPrices, most> entries{};
  friend bool operator==(const PriceTable&, const PriceTable&) = default;
};

/// The first entry that covers `at`; what is no number is not told. Whatever the table says.
[[nodiscard]] ToldPrices told_at(const PriceTable& table, Instant at);

/// The first moment after `at` and before `until` at which an entry begins or ends, else `until`.
[[nodiscard]] Instant next_change(const PriceTable& table, Instant at, Instant until);

}  // namespace esshub::control
