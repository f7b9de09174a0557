// Coverage: what the episodes reached: faults told, injections by what the inverter did then.
#pragma once

#include <cstdint>
#include <ostream>

#include "model/fault.hpp"
#include "sim/plant/house.hpp"
#include "sim/storm/injection.hpp"

namespace esshub::sim::storm {

/// What the inverter does when something goes wrong.
enum class Doing : std::uint8_t { off, passthru, rests, charges, discharges, islanded };
[[nodiscard]] Doing doing(const House& house);

struct Coverage {
  EnumArray<Fault, std::uint64_t> raised{};
  EnumArray<Fault, std::uint64_t> cleared{};
  EnumArray<Injected, EnumArray<Doing, std::uint64_t>> injected{};
  std::uint64_t orders_accepted = 0;
  std::uint64_t orders_refused = 0;
  std::uint64_t prices_taken = 0;  ///< documents
  std::uint64_t prices_refused = 0;
  std::uint64_t negative_s = 0;   ///< seconds in which the control went by a negative import price
  std::uint64_t starts = 0;       ///< of the program
  std::uint64_t quarantined = 0;  ///< damaged state files
  std::uint64_t history_writes = 0;
  std::uint64_t histories_aside = 0;
  std::uint64_t contactor = 0;  ///< times it opened
  std::uint64_t published = 0;  ///< messages for the broker
  std::uint64_t setpoints = 0;  ///< that arrived

  Coverage& operator+=(const Coverage& other);
};

/// Two tables.
void print(std::ostream& out, const Coverage& coverage);

}  // namespace esshub::sim::storm
