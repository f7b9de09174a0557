// Instruction: what the battery shall do, who says so, and until when.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/enums.hpp"
#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub {

enum class InstructionKind : std::uint8_t { balance, charge, discharge, idle };

/// One word of a plan (reference: moixa-behaviour#4). The range holds for balance and
/// idle, power and target for charge and discharge.
struct Instruction {
  InstructionKind kind = InstructionKind::balance;
  Watts power{};  ///< rate at the battery (AC side), > 0 for charge and discharge alike
  Soc target{};   ///< charge: at least that, above it balance; discharge: down to it
  Soc low{};      ///< balance, cheap charge: no discharge at or below; idle: below it the sun may
                  ///< charge
  Soc high = 100.0_soc;  ///< balance: no charge at or above; idle: above it the house is served
  friend bool operator==(const Instruction&, const Instruction&) = default;
};

/// Who gave the instruction in force; a later one outranks an earlier one. Safety and the island
/// policy outrank them all.
enum class Authority : std::uint8_t {
  balance,   ///< nobody: what is not planned is Balance
  tariff,    ///< charging while cheap
  smart,     ///< the planner, in Smart mode
  schedule,  ///< the owner's weekly plan
  dispatch,  ///< a planner or a remote command
  manual,    ///< the owner's override
};

/// What the owner chose for good.
enum class Mode : std::uint8_t {
  balance,    ///< the weekly plan stands aside
  scheduled,  ///< the weekly plan holds; what is not planned is Balance
  smart,      ///< the weekly plan holds; what is not planned is the planner's
};

/// An instruction that always ends.
struct Order {
  Instruction instruction;
  Instant until{};
  friend bool operator==(const Order&, const Order&) = default;
};

/// A temporary raise of the reserve before bad weather.
struct Storm {
  Soc reserve;
  Instant until{};
  Instant from{};    ///< kept from then on; with `fill` from before, where that takes it
  bool fill = true;  ///< what is missing of it is bought
  friend bool operator==(const Storm&, const Storm&) = default;
};

/// Everything ordered at run time, on top of the configuration. Enters the control with the next
/// tick (F17: whatever is temporary carries its end).
struct Orders {
  std::optional<Mode> mode{};     ///< nothing: as configured
  std::optional<Soc> reserve{};   ///< nothing: as configured
  std::optional<Order> manual{};  ///< the owner's override
  std::optional<Order> dispatch{};
  std::optional<Storm> storm{};
  std::optional<Instant> last_full{};  ///< when the battery was full, if an earlier run knew
  std::uint32_t acknowledgements =
      0;  ///< counts the owner's word that what holds may end (F9, F21)
  friend bool operator==(const Orders&, const Orders&) = default;
};

[[nodiscard]] std::string_view name(InstructionKind kind);  ///< "balance", "charge", ...
[[nodiscard]] std::string_view name(Authority authority);   ///< "balance", ..., "manual"
[[nodiscard]] std::string_view name(Mode mode);             ///< "balance", "scheduled", "smart"
[[nodiscard]] std::optional<InstructionKind> instruction_kind(std::string_view name);
[[nodiscard]] std::optional<Mode> mode(std::string_view name);

}  // namespace esshub
