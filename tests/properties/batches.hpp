// A long check in batches, each in a process of its own: time grows with the ticks and no faster.
#pragma once

#include <cstdint>
#include <functional>

namespace esshub::properties {

/// Ticks by what the battery did in them.
struct Tally {
  std::uint64_t charging = 0;
  std::uint64_t discharging = 0;
  std::uint64_t resting = 0;
};

struct Batches {
  std::uint64_t ticks = 1'000'000;
  unsigned jobs = 1;       ///< processes at a time
  std::uint64_t seed = 0;  ///< of the first batch; each further one has the next
};

/// Checks that many ticks from that seed on and says whether everything held; tells of what did not
/// on standard error.
using Check = std::function<bool(std::uint64_t seed, std::uint64_t ticks, Tally& tally)>;

/// True if every batch held; after the first that did not no further one is begun. Progress and the
/// words of a failed batch go to standard error.
[[nodiscard]] bool run_batches(const Batches& batches, const Check& check, Tally& total);

}  // namespace esshub::properties
