// Plan: what the schedule and the tariff intend for the hours to come, as spans of wall time.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "model/instruction.hpp"

namespace esshub {

/// A moment by the wall clock (UTC).
using WallTime = std::chrono::system_clock::time_point;

/// A stretch in which nothing changes. Spans follow each other without a gap.
struct PlanSpan {
  WallTime begin{};
  WallTime end{};
  Instruction instruction;
  Authority authority = Authority::balance;
  std::optional<double> import_price;  ///< per kWh, in the tariff's currency
  std::optional<double> export_price;
  bool repeated_hour = false;  ///< the second pass of the hour the clocks are set back over
};

/// The plan of [from, until). Thread-safe; may take milliseconds.
using PlanSource = std::function<std::vector<PlanSpan>(WallTime from, WallTime until)>;

}  // namespace esshub
