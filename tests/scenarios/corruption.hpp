// Damaged frames by the million: how many of them each decoder takes for something else.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/enums.hpp"

namespace esshub::sim {

enum class Damage : std::uint8_t {
  flips,   ///< one to four bits
  losses,  ///< one to three bytes
  extras,  ///< one to three random bytes put in
  shift,   ///< a byte lost, another put in elsewhere: the length survives
  bytes,   ///< two to four bytes replaced
  splice,  ///< the beginning of one valid frame and the end of another
};
constexpr std::size_t damage_count = enum_count<Damage>;
[[nodiscard]] std::string_view name(Damage damage);

struct Tally {
  std::uint64_t frames = 0;       ///< really damaged
  std::uint64_t unprotected = 0;  ///< whose length and checksum are right all the same
  std::uint64_t accepted = 0;     ///< with other content than before
  std::uint64_t beyond = 0;       ///< accepted although length or checksum are wrong: an error
};

struct Corruption {
  std::string_view protocol;
  bool checksummed = true;
  std::array<Tally, damage_count> by_damage{};
};

/// `count` damaged frames for each protocol, made of the vectors in `folder`, the same every time.
/// Throws std::runtime_error where the vectors cannot be read.
[[nodiscard]] std::vector<Corruption> corrupt(std::uint64_t count, const std::string& folder);

}  // namespace esshub::sim
