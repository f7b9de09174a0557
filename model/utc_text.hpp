// UTC as text: moments as RFC 3339 writes them, to the second.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace esshub {

/// The moment that the whole text names, with its zone: "2026-12-01T18:00:00Z",
/// "2026-12-01T19:00+01:00". Seconds may be left out; a fraction of one is dropped. Nothing: it
/// names none.
[[nodiscard]] std::optional<std::chrono::sys_seconds> read_utc(std::string_view text);

/// "2026-12-01T18:00:00Z"
[[nodiscard]] std::string utc_text(std::chrono::sys_seconds moment);

/// "2026-12-01"
[[nodiscard]] std::string date_text(std::chrono::sys_days day);

}  // namespace esshub
