// Planner: Smart mode in the running hub - what the house did, when to plan, and what for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "civil_time/local_clock.hpp"
#include "control/plan/types.hpp"
#include "control/policy/mark_table.hpp"
#include "control/settings.hpp"
#include "model/instruction.hpp"
#include "model/minute.hpp"
#include "model/plan.hpp"
#include "model/smart_plan.hpp"
#include "model/view.hpp"
#include "service/feeds.hpp"
#include "service/forecast.hpp"
#include "service/slot_ring.hpp"

namespace esshub::service {

/// A plan holds so long at most; then the tariff's rule takes its place.
inline constexpr Duration plan_life = 36h;

/// As the plan takes it; nothing while capacity or SOC is not known.
[[nodiscard]] std::optional<control::PlanBattery> battery_of(const View& view,
                                                             const control::Settings& settings);

/// All circuits, as far as they are told apart.
[[nodiscard]] bool serves_all(const control::Settings& settings);

/// What the battery had to do with in that minute, in whole watts, as the history keeps it: a hub
/// that is started again knows the same as one that went on. Nothing where it is no day's pattern
/// (islanded, partial) or house, sun or a circuit that is not served is not known.
[[nodiscard]] std::optional<PastMinute> past_minute(const Minute& minute,
                                                    const control::Settings& settings);

/// Single-threaded and pure: Views come in, plans come out.
class Planner {
 public:
  /// What is in force besides the View.
  struct Orders {
    control::Settings settings;
    Mode mode = Mode::balance;
    esshub::Orders orders{};
    ToldSlots told{};
  };

  explicit Planner(civil_time::LocalClock clock) : clock_(clock) {}

  /// At the start, and where what was noted is of no use as the battery serves others since.
  [[nodiscard]] bool wants_history() const { return wants_history_; }
  /// All such minutes at once, ascending: they take the place of what was noted, unless that is
  /// more.
  void recall(std::span<const PastMinute> minutes, const control::Settings& settings);
  /// About once a second. A minute counts as past_minute() says, by a clock that is trusted. Whom
  /// the battery serves is the same for all that is kept.
  void note(const View& view, const control::Settings& settings);

  /// Capacity or a SOC that is current is missing, and the first View was noted within the last two
  /// minutes: the BMS may be about to tell.
  [[nodiscard]] bool waits(const View& view, const control::Settings& settings) const;
  /// In Smart mode, by a clock that is trusted, unless it waits: after control::plan_every; with
  /// other settings, orders or told prices ahead than those of the last plan, but if a dispatch
  /// takes the place of one no sooner than after a quarter of an hour: some renew theirs twice a
  /// minute; for another sun that is told no sooner than after an hour, as its figures change with
  /// each document and the plan little; after a minute where there was none or where the clock was
  /// set to a time that it does not cover.
  [[nodiscard]] bool due(const View& view, const Orders& in_force) const;
  /// Plans as of the View, which takes milliseconds. What was in the way, if something was: then
  /// the plan before goes on until its end if it was made for the same settings, orders and prices
  /// ahead, else it is dropped.
  [[nodiscard]] std::optional<control::NoPlan> plan(const View& view, const Orders& in_force);

  /// The last plan that there is; prices and marks by the wall clock. Nothing: none.
  [[nodiscard]] const std::optional<control::Plan>& last() const { return last_; }
  [[nodiscard]] WallTime made() const { return made_; }
  /// What the control follows: slots that are not over, as far as the plan's prices are known and
  /// within plan_life. No slots without a plan or a clock that is trusted; when the last plan was
  /// made it tells even then.
  [[nodiscard]] control::MarkTable table(const View& view) const;
  /// The same slots in words for people, at the expected charge.
  [[nodiscard]] std::vector<SmartSpan> spans(const View& view) const;
  /// The same slots with the reasons; nothing without a plan or a clock that is trusted.
  [[nodiscard]] std::optional<SmartPlan> shown(const View& view) const;
  /// What was in the way of a newer plan.
  [[nodiscard]] const std::optional<control::NoPlan>& problem() const { return problem_; }

 private:
  /// What is planned for, and until when.
  struct Task {
    Orders orders;
    control::UnixSeconds end = 0;
    /// Whether `other` would be the same from `at` on, but for what a dispatch says.
    [[nodiscard]] bool same(const Orders& other, control::UnixSeconds at) const;
    /// Whether `other` is told the same sun.
    [[nodiscard]] bool same_sun(const Orders& other, control::UnixSeconds at) const;
  };
  struct OpenMinute {
    WallTime begin{};
    MinuteMeans means{};
  };
  void close_minute(const control::Settings& settings);
  [[nodiscard]] std::span<const control::PlannedSlot> ahead(const View& view) const;
  /// What the schedule or an order does in that slot; null: nothing.
  [[nodiscard]] const control::Marks* fixed(const control::PlannedSlot& slot) const;

  /// What load and sun are.
  struct Metered {
    std::array<bool, max_circuits> left_out{};  ///< not served
    bool solar = false;
    friend bool operator==(const Metered&, const Metered&) = default;
  };
  [[nodiscard]] static Metered metered(const control::Settings& settings);

  civil_time::LocalClock clock_;
  SlotRing ring_;
  std::optional<Metered> metered_;  ///< in ring_
  bool wants_history_ = true;
  std::optional<Instant> begun_;  ///< the first View
  std::optional<OpenMinute> minute_;
  std::optional<Task> planned_for_;
  Task made_for_;  ///< the last plan
  std::optional<Instant> tried_at_;
  std::optional<Instant> made_at_;
  WallTime made_{};
  WattHours capacity_{};
  WattHours reserve_{};
  std::vector<control::FixedSpan> fixed_;  ///< of the last plan, as is what follows
  std::optional<WallTime> sun_issued_;
  std::string reason_;
  std::optional<control::NoPlan> problem_;
  std::optional<control::Plan> last_;
};

/// "too_few_days", ...: why there is none.
[[nodiscard]] std::string_view name(control::NoPlan why);

}  // namespace esshub::service
