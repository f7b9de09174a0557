// Outlook: what Home Assistant is told besides the View, of the configuration, the history and the
// plan.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/plan.hpp"
#include "model/smart_plan.hpp"
#include "model/view.hpp"
#include "publish/history/history.hpp"

namespace esshub::publish {

/// What the configuration says of the house: decides which entities it can ever have.
struct HouseFacts {
  bool solar_metered = true;
  bool state_of_health = true;  ///< its BMS tells it
  bool cell_voltages = true;    ///< the same
  bool history = false;
  bool planned = false;  ///< there is a schedule or a tariff
  bool import_priced = false;
  bool export_priced = false;
  std::string currency{};  ///< of all prices, "GBP"; empty = not said
  std::string page{};      ///< URL under which the owner's page is reached; empty = not known
  friend bool operator==(const HouseFacts&, const HouseFacts&) = default;
};

struct Outlook {
  /// An older day's row is not shown any more.
  static constexpr Duration max_age = 3min;

  HouseFacts house{};
  Instant at{};                   ///< of the View it was made at
  std::optional<DayRow> today{};  ///< nothing: not known now
  std::vector<PlanSpan> plan{};   ///< from now on; empty: not known now
  SmartState smart{};             ///< Smart mode's
};

/// What is known at the View's moment. May wait for the disk.
using OutlookSource = std::function<Outlook(const View&)>;

/// Without a trusted clock neither today nor the plan is known; a day of which nothing is kept yet
/// has zeros. `history` may be null and `plan` empty.
[[nodiscard]] Outlook outlook_at(const View& view, HouseFacts house, HistoryReader* history,
                                 const PlanSource& plan);

/// The first span after the one under way that orders something else (a price that changes is none,
/// nor is another mark of a Smart plan); nothing where all stays as it is.
[[nodiscard]] std::optional<PlanSpan> next_action(const std::vector<PlanSpan>& plan, WallTime now);

/// "charge to 80 % with 2000 W", "balance between 20 and 100 %", "idle"
[[nodiscard]] std::string words(const Instruction& instruction);

/// As Home Assistant takes a moment: "2026-11-29T06:30:00+00:00"
[[nodiscard]] std::string moment_text(WallTime at);

}  // namespace esshub::publish
