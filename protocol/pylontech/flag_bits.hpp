// Words of alarm bits as the wire has them <-> BmsFlag bits; CAN and RS485 differ in the table
// alone.
#pragma once

#include <cstdint>
#include <span>

#include "model/bms.hpp"

namespace esshub::protocol::pylontech {

struct FlagBit {
  unsigned at;  ///< number of the bit in the word, 0 = lowest
  BmsFlag flag;
};

/// A bit that the table does not have is BmsFlag::unknown.
[[nodiscard]] constexpr std::uint32_t flags_of(std::uint32_t word, std::span<const FlagBit> table) {
  std::uint32_t flags = 0;
  std::uint32_t left = word;
  for (const auto& row : table) {
    if ((word >> row.at & 1u) != 0) flags |= bit(row.flag);
    left &= ~(1u << row.at);
  }
  return left == 0 ? flags : flags | bit(BmsFlag::unknown);
}

/// Flags that the table does not have set the bit `undocumented`: read back they are unknown, and
/// nothing that protects gets lost.
[[nodiscard]] constexpr std::uint32_t word_of(std::uint32_t flags, std::span<const FlagBit> table,
                                              unsigned undocumented) {
  std::uint32_t word = 0;
  std::uint32_t left = flags;
  for (const auto& row : table) {
    if (has(flags, row.flag)) word |= 1u << row.at;
    left &= ~bit(row.flag);
  }
  return left == 0 ? word : word | 1u << undocumented;
}

}  // namespace esshub::protocol::pylontech
