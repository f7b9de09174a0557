// What the planner is told and what it answers: slots, prices, the battery, marks for each slot.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/policy/marks.hpp"
#include "model/units.hpp"

namespace esshub::control {

/// Whole seconds since 1970-01-01 UTC.
using UnixSeconds = std::int64_t;

/// A time that has passed, as it was measured; slots ascend and do not overlap. What a minute has
/// beyond the battery's limits is in neither load nor solar: no plan can change it.
struct PastSlot {
  UnixSeconds begin = 0;
  UnixSeconds end = 0;
  WattHours load{};        ///< of what the battery serves
  WattHours solar{};       ///< what is left of it for house and battery
  WattHours crossing{};    ///< surplus of some minutes while others of the slot had a deficit
  WattHours beyond{};      ///< sun beyond the battery's limits, or that others took
  bool curtailed = false;  ///< the sun may have been held back: it was at least so much
};

/// Prices per kWh within [begin, end), of the past as well; ascending, not overlapping. What no
/// slot tells is unknown.
struct PriceSlot {
  UnixSeconds begin = 0;
  UnixSeconds end = 0;
  std::optional<double> import_price{};
  std::optional<double> export_price{};
};

/// The sun that is expected within [begin, end): mean power of all that the panels give.
struct SunSlot {
  UnixSeconds begin = 0;
  UnixSeconds end = 0;
  Watts power{};
};

/// What is known of the time ahead: an order, a schedule entry, a storm, a full charge.
struct FixedSpan {
  UnixSeconds begin = 0;
  UnixSeconds end = 0;
  std::optional<Marks> marks{};        ///< followed instead of planned
  std::optional<WattHours> reserve{};  ///< at least that, in place of a lower one
  bool ordered = false;  ///< by somebody who knows what it costs: negative prices forbid it nothing
};

/// Charging power that the battery takes at most from this charge on; see PlanBattery.
struct ChargeTaper {
  WattHours from{};
  Watts at_most{};
};

/// Stored energy counts from empty (0) to `capacity`; powers and prices at the AC side.
struct PlanBattery {
  WattHours capacity{};
  Watts charge{};     ///< at most
  Watts discharge{};  ///< at most
  double charge_efficiency = 1.0;
  double discharge_efficiency = 1.0;
  double wear = 0.0;                  ///< cost of a kWh given
  std::vector<ChargeTaper> taper{};   ///< ascending
  std::optional<Watts> import_cap{};  ///< charging never lifts import above it
  std::optional<Watts> export_cap{};  ///< more is neither sold nor paid
  bool from_grid = true;              ///< may buy
  bool to_grid = false;               ///< may sell
  bool bought_to_grid = true;         ///< sells also what it bought
};

/// For a time whose price is not known.
enum class UnknownPrice : std::uint8_t {
  typical,  ///< the median of that time of the day in the last 14 days
  repeat,   ///< that time of the last day whose price is known
  wait,     ///< the plan ends there
};

/// So far ahead is planned.
inline constexpr std::int64_t plan_horizon_s = 48 * 3600;

struct PlanSettings {
  UnixSeconds begin = 0;  ///< of the first slot
  WattHours stored{};     ///< then
  WattHours bought{};     ///< of that
  WattHours reserve{};    ///< never discharged below
  std::int64_t horizon_s = plan_horizon_s;
  std::int64_t slot_s = 900;  ///< at most; a slot ends where a price does
  int days = 14;              ///< of the past
  UnknownPrice unknown = UnknownPrice::typical;
  std::vector<FixedSpan> fixed{};
  std::vector<SunSlot> sun{};  ///< as told; ascending, not overlapping
  int cells = 54;              ///< of charge, all of one size
  /// Minutes of the site's clock ahead of UTC. Nothing: none.
  std::function<int(UnixSeconds)> utc_offset{};
};

enum class PriceSource : std::uint8_t { known, typical, repeated };

/// Expected charge: of the days replayed, a tenth lies below `low` and a tenth above `high`.
struct ChargeBand {
  WattHours low{};
  WattHours mean{};
  WattHours high{};
};

struct PlannedSlot {
  UnixSeconds begin = 0;
  UnixSeconds end = 0;
  Marks marks{};  ///< the schedule's; of a slot with an order what holds should it end early
  double import_price = 0.0;  ///< per kWh
  double export_price = 0.0;
  PriceSource source = PriceSource::known;  ///< the worse of both prices
  ChargeBand charge{};                      ///< at its begin
  double value = 0.0;                       ///< of a kWh stored at its begin, at the mean charge
  WattHours bought{};                       ///< AC side, mean of the days
};

enum class NoPlan : std::uint8_t {
  too_few_days,    ///< less than two days of the past
  price_unknown,   ///< of the first slot
  battery_unknown  ///< no capacity, or no efficiency
};

/// What the days replayed would have been without what the plan buys.
struct WithoutPurchase {
  int days = 0;        ///< replayed
  int empty = 0;       ///< of these, the battery at its reserve while it is planned to be served
  UnixSeconds by = 0;  ///< by when in half of them
};

struct Plan {
  std::optional<NoPlan> problem{};   ///< then nothing else is told
  std::vector<PlannedSlot> slots{};  ///< without a gap from PlanSettings::begin on
  int days = 0;                      ///< replayed
  bool sun_told = false;             ///< PlanSettings::sun told something of it
  double cost = 0.0;                 ///< expected, less what is stored at the end
  double cost_balance = 0.0;         ///< of self-consumption instead, likewise
  double cost_no_battery = 0.0;
  std::optional<WithoutPurchase> without_purchase{};  ///< where the plan buys
};

}  // namespace esshub::control
