// Zone: the offsets of an IANA time zone, past and future.
#pragma once

#include <chrono>
#include <optional>

#include "civil_time/zone_rule.hpp"

namespace date {
class time_zone;
}

namespace esshub::civil_time {

/// Immutable, cheap to copy. The date library reads the listed clock changes of a zone (they end in
/// 2037) and not the rule for all years after them, which stands in the same file: both are used.
class Zone {
 public:
  /// `listed` must outlive the zone (those of the date library live for ever). `rule`: the last
  /// line of the zone's file; nothing where the file has none.
  Zone(const date::time_zone& listed, std::optional<ZoneRule> rule)
      : listed_(&listed), rule_(rule) {}

  /// Needs nothing of the system.
  [[nodiscard]] static Zone utc() { return Zone{}; }

  /// The stretch of one offset around `at`, as far as an int64 of nanoseconds reaches.
  [[nodiscard]] OffsetPeriod period(std::chrono::sys_seconds at) const;

  /// When clocks first show `local`; nothing in the hour that is left out when they are put
  /// forward, and beyond what an int64 of nanoseconds reaches.
  [[nodiscard]] std::optional<std::chrono::sys_seconds> first_moment(
      std::chrono::local_seconds local) const;

 private:
  Zone() = default;

  const date::time_zone* listed_ = nullptr;  ///< UTC
  std::optional<ZoneRule> rule_;
};

}  // namespace esshub::civil_time
