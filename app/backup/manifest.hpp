// The manifest of a backup: what is in it, of which hub and version, and how to know it whole.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/result.hpp"

namespace esshub::app {

struct ManifestFile {
  std::string name;  ///< in the backup
  std::uint64_t size = 0;
  std::string sha256;  ///< hexadecimal
  friend bool operator==(const ManifestFile&, const ManifestFile&) = default;
};

struct Manifest {
  static constexpr int form = 1;  ///< the newest that this version reads; writes

  std::string version;               ///< of the program that made it
  std::chrono::sys_seconds made_at;  ///< by the clock of its machine
  std::string site;
  // Where it was, for a person; a restore goes by the configuration.
  std::string config;
  std::string state_dir;
  std::string history;
  std::optional<std::int64_t> history_schema{};  ///< nothing: there is no history in it
  std::vector<ManifestFile> files{};             ///< all but itself, in their order
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// JSON.
[[nodiscard]] std::string encode(const Manifest& manifest);
/// `refused`: of a newer form; `invalid`: says what is damaged.
[[nodiscard]] Result<Manifest> decode_manifest(const std::string& text);

}  // namespace esshub::app
