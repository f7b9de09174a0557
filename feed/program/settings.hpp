// The configuration of esshub-feed: TOML, every error at once with its line and column.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "config/config_error.hpp"
#include "feed/source.hpp"

namespace esshub::feed {

struct Settings {
  std::string folder = "/run/esshub-feed";  ///< gets import_price.json and the others
  service::FeedLimits limits{};
  std::vector<Source> sources{};  ///< one at most of each kind that they give
};

[[nodiscard]] tl::expected<Settings, std::vector<config::ConfigError>> read_settings(
    std::string_view text);

}  // namespace esshub::feed
