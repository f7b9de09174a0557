// SignCheck: whether the grid meter answers our own power the wrong way round (a reversed CT).
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::control {

/// What it remembers. A wrong sign makes the loop run away to its limits, within seconds. That very
/// move proves it: the meter shows the mirror image of our own power, which no load does for long.
/// One such move is a suspicion: the battery rests for 6 s, and a move that is answered the right
/// way round clears it. A second one within two minutes makes it certain: a load does not by chance
/// move as twice the mirror of ours, twice.
struct SignCheck {
  struct Pair {
    Instant at{};
    Watts grid{};  ///< shown by the meter, + = import
    Watts own{};   ///< our own power as the meter's filter has it, + = drawn
  };
  static constexpr std::size_t depth = 64;

  std::array<Pair, depth> pairs{};  ///< ring, newest at count - 1
  std::size_t count = 0;
  std::optional<Instant> suspected;  ///< since a move was mirrored
  std::optional<Instant> rest_until;
  bool reversed = false;  ///< certain; until a move is answered the right way round
};

/// Takes a new pair; an older one than the newest is not looked at. Once certain the battery rests
/// for 15 min, then one move is tried: mirrored, it rests again; answered the right way, all is
/// well.
void check_sign(SignCheck& check, const SignCheck::Pair& pair);

}  // namespace esshub::control
