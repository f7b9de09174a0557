// What others tell the hub of prices and sun: docs/feeds.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace esshub {

enum class FeedKind : std::uint8_t { import_price, export_price, solar };
/// As it stands in the form.
[[nodiscard]] std::string_view name(FeedKind kind);

}  // namespace esshub
