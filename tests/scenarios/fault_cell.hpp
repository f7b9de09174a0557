// One cell of the fault matrix: one fault on one bus, healthy before it and healed after it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/time.hpp"
#include "sim/plant/fault.hpp"

namespace esshub::sim {

struct MatrixFault {
  std::string_view name;
  BusFault fault;
  Duration off_for{};  ///< intermittent: the fault holds that long,
  Duration on_for{};   ///< then the bus is well that long, and so on; zero = it stays
};

[[nodiscard]] std::span<const MatrixFault> matrix_faults();

struct Cell {
  Bus bus{};
  const MatrixFault* fault = nullptr;

  std::uint64_t frames_ok = 0;   ///< while the fault was there
  std::uint64_t frames_bad = 0;  ///< everything else the driver counted
  /// Until the driver was not ready, a fault was raised or the battery was commanded to 0 W.
  std::optional<Duration> detected;
  /// When data counts as stale, on the wire: the contract's time and 1 s of reaction. Nothing: the
  /// contract promises nothing for this cell.
  std::optional<Duration> stale_after;
  double stale_watts = 0.0;  ///< largest battery power commanded on data older than that
  /// After the fault until the commanded power was right for 2 s; nothing: not within 60 s.
  std::optional<Duration> recovered;
  std::uint64_t samples = 0;  ///< taken over while the fault was there and after it
  std::uint64_t wrong = 0;    ///< of them outside what was true when they could have been measured
};

/// 60 s healthy, 60 s of `fault` on `bus`, 60 s healed, in virtual time. The load is 1000 W, but
/// 1500 W from 5 s to 40 s of the fault: what stands still or comes late is then seen to be wrong.
[[nodiscard]] Cell run_cell(Bus bus, const MatrixFault& fault);

/// The safety contract's promise the cell breaks, for a person; empty if it keeps them all.
[[nodiscard]] std::string_view broken_promise(const Cell& cell);

}  // namespace esshub::sim
