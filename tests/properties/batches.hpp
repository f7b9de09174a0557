// A long check in batches, each in a process of its own: time grows with the ticks and no faster.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace esshub::properties {

using Counts = std::vector<std::uint64_t>;

struct Batches {
  unsigned jobs = 1;       ///< processes at a time
  std::uint64_t seed = 0;  ///< of the first batch; each further one has the next
  std::size_t counts = 0;  ///< how many each batch hands back
};

/// Plays the batch of that seed and says whether everything held; tells of what did not on standard
/// error. What it counted goes into `counts`.
using Check = std::function<bool(std::uint64_t seed, Counts& counts)>;
/// Takes what one more batch counted, in the order of the seeds; false: that is enough.
using Enough = std::function<bool(const Counts& counts)>;

/// True if every batch held; after the first that did not no further one is begun. The words of a
/// failed batch go to standard error.
[[nodiscard]] bool run_batches(const Batches& batches, const Check& check, const Enough& go_on);

}  // namespace esshub::properties
