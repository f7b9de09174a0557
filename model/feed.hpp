// What others tell the hub of prices and sun: docs/feeds.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/plan.hpp"
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

/// How a kind stands that was told within the last 15 days, or is refused.
struct FeedState {
  FeedKind kind = FeedKind::import_price;
  /// From now on it is told until then, without a gap; a moment that has passed: since then nothing
  /// is told of now. Nothing: it was not told, or is not of now yet.
  std::optional<WallTime> until{};
  std::size_t refused = 0;  ///< by how many it is told wrongly
  friend bool operator==(const FeedState&, const FeedState&) = default;
};

/// As of a minute ago at most, by the last clock that was trusted. Thread-safe.
using FeedStates = std::function<std::vector<FeedState>()>;

}  // namespace esshub
