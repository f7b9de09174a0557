// Copies of the history's database, whole and of one moment, also while the hub writes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "model/result.hpp"

namespace esshub::publish {

/// Pages copied so far, and all of them.
using CopyProgress = std::function<void(std::uint64_t done, std::uint64_t all)>;

/// Writes what `from` held at one moment to `to`, an empty file; a few pages in memory. The copy
/// has no log beside it and is not synced. The version of its schema. `invalid`: `from` is no
/// history that this version reads, or is damaged; `io`: it cannot be copied.
[[nodiscard]] Result<std::int64_t> copy_history(const std::string& from, const std::string& to,
                                                const CopyProgress& progress);

/// Looks through the whole file; the version of its schema. Errors as of copy_history().
[[nodiscard]] Result<std::int64_t> judge_history(const std::string& file);

}  // namespace esshub::publish
