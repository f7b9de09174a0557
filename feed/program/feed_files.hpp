// The files of the feed folder: one for each kind, replaced as a whole.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "feed/wanted.hpp"

namespace esshub::feed {

/// FOLDER/import_price.json
[[nodiscard]] std::filesystem::path feed_file(const std::filesystem::path& folder, FeedKind kind);

/// The text of a file; nothing where there is none that can be read.
[[nodiscard]] std::optional<std::string> read_file(const std::filesystem::path& file);

/// publish::replace_file: who reads sees the old document or the new one. Readable by
/// everybody: the hub is another user.
[[nodiscard]] Result<void> write_feed(const std::filesystem::path& folder, const Feed& feed);

}  // namespace esshub::feed
