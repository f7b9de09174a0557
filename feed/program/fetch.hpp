// One source asked once, over the network.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "feed/source.hpp"

namespace esshub::feed {

struct Refused {
  std::string why;                             ///< without any secret
  std::optional<std::chrono::seconds> wait{};  ///< at least: after an answer the source's own pause
};

/// Blocks for 10 s a page until it is connected and 20 s until it has answered, at most, besides
/// looking a name up.
[[nodiscard]] tl::expected<Feed, Refused> fetch(const Source& source, const std::string& token,
                                                const Wanted& wanted);

}  // namespace esshub::feed
