// Hash: of a history, that two runs can be compared. Order matters; every machine gets the same.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/bytes.hpp"
#include "sim/storm/dice.hpp"

namespace esshub::sim::storm {

class Hash {
 public:
  void add(std::uint64_t word) { sum_ = scattered(sum_ ^ word); }
  void add(double value) { add(std::bit_cast<std::uint64_t>(value)); }
  void add(protocol::ByteView bytes) {
    std::uint64_t word = bytes.size();
    for (const auto b : bytes) word = word * 0x100000001B3u ^ std::to_integer<std::uint8_t>(b);
    add(word);
  }
  void add(std::string_view text) { add(std::as_bytes(std::span{text})); }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }

 private:
  std::uint64_t sum_ = 0;
};

}  // namespace esshub::sim::storm
