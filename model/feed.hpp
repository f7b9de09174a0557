// What others tell the hub of prices and sun: docs/feeds.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.hpp"

namespace esshub {

enum class FeedKind : std::uint8_t { import_price, export_price, solar };
/// As it stands in the form.
[[nodiscard]] std::string_view name(FeedKind kind);

/// Of a document that comes as one message (MQTT, REST) at most. A file: service/feed.hpp.
inline constexpr std::size_t feed_message_bytes = 64 * 1024;

/// Takes a document of strangers, which is judged later and by others; `who` told it, for the log.
/// Thread-safe, never waits.
using FeedSink =
    std::function<void(FeedKind kind, const std::string& document, const std::string& who)>;

/// The same, judged at once: an Error says what is wrong with it, or, of the kind `refused`, why it
/// cannot be taken now. The document is of one of `kinds`.
using FeedDesk = std::function<Result<void>(const std::vector<FeedKind>& kinds,
                                            const std::string& document, const std::string& who)>;

}  // namespace esshub
