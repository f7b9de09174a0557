// History: what others may ask of the past, whoever keeps it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/energy.hpp"
#include "model/minute.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"

namespace esshub::publish {

using MinuteRow = Minute;

/// One day of the site's calendar.
struct DayRow {
  std::string date;       ///< "2026-11-22"
  EnergyTotals energies;  ///< of this day alone
  /// In the tariff's currency, of what flowed while its price was known; nothing if none was.
  std::optional<double> import_cost;
  std::optional<double> export_income;
  double import_unpriced_j = 0.0;  ///< J imported while no price was known: not in import_cost
  double export_unpriced_j = 0.0;
};

struct HistoryEvent {
  WallTime at{};
  std::string kind;    ///< "fault", "decision", "command", "system"
  std::string name;    ///< of the fault; of the decision's target, or "policy"; of the command
  std::string detail;  ///< a JSON object of values; of commands and some others text for a person
};

/// Thread-safe; every call may read from disk and wait for it, so never from an I/O thread.
class HistoryReader {
 public:
  virtual ~HistoryReader() = default;
  /// Oldest first, [from, until).
  [[nodiscard]] virtual Result<std::vector<MinuteRow>> minutes(WallTime from, WallTime until) = 0;
  /// The newest `count` days, oldest first, today's as far as it went.
  [[nodiscard]] virtual Result<std::vector<DayRow>> days(unsigned count) = 0;
  /// Newest first, `most` at most.
  [[nodiscard]] virtual Result<std::vector<HistoryEvent>> events(WallTime from, WallTime until,
                                                                 unsigned most) = 0;

 protected:
  HistoryReader() = default;
  HistoryReader(const HistoryReader&) = default;
  HistoryReader& operator=(const HistoryReader&) = default;
};

}  // namespace esshub::publish
