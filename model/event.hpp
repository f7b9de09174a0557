// Event: something worth one log line. Pure code returns events; the shells hand them to the log.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace esshub {

/// In syslog's order, worst first.
enum class Level : std::uint8_t { critical, error, warning, notice, info, debug };

struct Event {
  Level level;
  std::string name;    ///< short and stable, snake_case: "line_down", "ess_found"
  std::string detail;  ///< `key=value key="two words"` pairs, may be empty
};

/// `"text"`, fit to stand as a value in Event::detail, whoever wrote it: quotes inside become ',
/// what controls a terminal becomes a space, and beyond 256 bytes it is cut ("...").
[[nodiscard]] std::string log_quoted(std::string_view text);

/// Where shells send events; `component` is "bus.meters", "control", ... Thread-safe.
using EventSink = std::function<void(const std::string& component, const Event&)>;

}  // namespace esshub
