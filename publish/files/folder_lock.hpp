// FolderLock: who uses a folder, so that nobody replaces what is in it meanwhile.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "model/result.hpp"
#include "publish/files/replace_file.hpp"

namespace esshub::publish {

/// Held until it is destroyed or the process ends, however that ends; leaves no file (flock(2) of
/// the folder itself).
class FolderLock {
 public:
  enum class Use : std::uint8_t {
    shared,  ///< beside others of this use
    alone,   ///< beside nobody
  };
  /// Does not wait. `refused`: somebody uses it; `io`: it cannot be locked, with the system's word.
  [[nodiscard]] static Result<FolderLock> take(const std::filesystem::path& folder, Use use);

 private:
  explicit FolderLock(std::unique_ptr<Descriptor> folder) : folder_(std::move(folder)) {}
  std::unique_ptr<Descriptor> folder_;
};

}  // namespace esshub::publish
