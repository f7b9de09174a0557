// The tar format (ustar, POSIX.1-1988), as far as a backup needs it: regular files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "model/result.hpp"

namespace esshub::app {

constexpr std::size_t tar_block = 512;
using TarBlock = std::array<char, tar_block>;

struct TarMember {
  std::string name{};      ///< at most 100 bytes
  std::uint64_t size = 0;  ///< bytes, below 8 GiB
  std::uint32_t mode = 0600;
  std::int64_t modified = 0;  ///< seconds since 1970
  std::string user{};         ///< names, at most 31 bytes; empty: not known
  std::string group{};
  friend bool operator==(const TarMember&, const TarMember&) = default;
};

/// `invalid`: the format has no room for the name or the size.
[[nodiscard]] Result<TarBlock> tar_header(const TarMember& member);
/// Nothing: the end. `invalid`: damaged, or something else than a regular file.
[[nodiscard]] Result<std::optional<TarMember>> read_tar_header(const TarBlock& block);
/// Zeros that follow so many bytes of a file, up to the next block.
[[nodiscard]] std::size_t tar_padding(std::uint64_t size);

}  // namespace esshub::app
