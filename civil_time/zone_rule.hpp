// ZoneRule: the rule of a time zone for all years to come, as POSIX writes it.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace esshub::civil_time {

/// A stretch of one offset, [begin, end).
struct OffsetPeriod {
  std::chrono::seconds offset{};  ///< east of Greenwich
  std::chrono::sys_seconds begin{};
  std::chrono::sys_seconds end{};
};

/// "GMT0BST,M3.5.0/1,M10.5.0" (RFC 8536 section 3.3: hours to 167, minutes and seconds to 59). Days
/// are given as month, week and weekday, the only form that tzdata uses. <date/ptz.h> reads such
/// rules too, but misses a time before midnight, which Greenland has (M3.5.0/-1), and does not
/// compile as C++20.
class ZoneRule {
 public:
  [[nodiscard]] static std::optional<ZoneRule> parse(std::string_view text);

  /// A zone without clock changes has one period without an end.
  [[nodiscard]] OffsetPeriod period(std::chrono::sys_seconds at) const;

 private:
  struct Change {
    std::chrono::month month{};
    unsigned week{};  ///< 5: the last one
    std::chrono::weekday weekday{};
    std::chrono::seconds time{};  ///< of that day by the clock before it; may lie beyond the day

    [[nodiscard]] std::chrono::sys_seconds in(std::chrono::year year,
                                              std::chrono::seconds offset) const;
  };
  struct Changes {
    Change to_summer;
    Change to_standard;
  };
  class Reader;

  std::chrono::seconds standard_{};
  std::chrono::seconds summer_{};
  std::optional<Changes> changes_;
};

}  // namespace esshub::civil_time
