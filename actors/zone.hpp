// Zone: the offsets of an IANA time zone, past and future, from the system's tzdata.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "actors/zone_rule.hpp"
#include "model/result.hpp"

namespace date {
class time_zone;
}

namespace esshub::actors {

/// Immutable, cheap to copy. The date library reads the listed clock changes of a zone (they end in
/// 2037) and not the rule for all years after them, which stands in the same file: both are used.
class Zone {
 public:
  /// Error when the IANA name is unknown (or the system has no tzdata).
  [[nodiscard]] static Result<Zone> make(const std::string& name);

  /// As far as an int64 of nanoseconds reaches.
  [[nodiscard]] OffsetPeriod period(std::chrono::sys_seconds at) const;

 private:
  Zone() = default;
  const date::time_zone* listed_ = nullptr;
  std::optional<ZoneRule> rule_;  ///< nothing: the file has none
};

}  // namespace esshub::actors
