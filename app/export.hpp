// Export: the history as CSV or JSON, in the site's own time.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "model/result.hpp"
#include "publish/history/history.hpp"

namespace date {
class time_zone;
}

namespace esshub::app {

enum class ExportFormat : std::uint8_t { csv, json };
enum class ExportWhat : std::uint8_t { minutes, days, events };

/// From a moment up to, not including, another.
struct ExportRange {
  WallTime from{};
  WallTime until = WallTime::max();
};

struct ExportSite {
  const date::time_zone& zone;
  std::string currency{};  ///< of the days' money; empty: the configuration names none
};

/// `from` and `to` as "2026-01-31" or "2026-01-31T18:00" in the zone's time; empty: no bound. A day
/// as `to` is meant whole. Of the hour that comes twice, the first one. An Error says what was
/// found and what was expected.
[[nodiscard]] Result<ExportRange> export_range(const std::string& from, const std::string& to,
                                               const date::time_zone& zone);

/// Oldest first. Times as 2026-01-31T18:00:00+01:00; what is unknown is empty in CSV and null in
/// JSON; powers in W with the hub's signs, energies in kWh, events' texts quoted as RFC 4180 says.
/// JSON is one array, a row a line. An Error when the history cannot be read; then nothing was
/// written.
[[nodiscard]] Result<void> export_rows(publish::HistoryReader& history, ExportWhat what,
                                       ExportFormat format, const ExportRange& range,
                                       const ExportSite& site, std::ostream& out);

}  // namespace esshub::app
