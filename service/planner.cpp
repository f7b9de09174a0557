#include "service/planner.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>
#include <utility>

#include "control/plan/plan.hpp"
#include "control/policy/backup.hpp"
#include "control/policy/policy.hpp"
#include "model/enums.hpp"

namespace esshub::service {
namespace {

using namespace esshub::literals;
using control::PlanBattery;
using control::PlanSettings;
using control::UnixSeconds;

constexpr Duration horizon = std::chrono::seconds{control::plan_horizon_s};
constexpr Duration try_again = 1min;
constexpr Duration dispatch_settles = 15min;
constexpr Duration sun_settles = 1h;
constexpr Duration bms_tells_within = 2min;

Watts most_charged(const control::Settings& s) {
  return std::min(
      {s.charge_limit, s.inverter_rating, s.charger_current * control::nominal_voltage(s.cells)});
}
Watts most_discharged(const control::Settings& s) {
  return std::min(s.discharge_limit, s.inverter_rating);
}

/// Nothing from a BMS that is silent.
std::optional<Soc> soc_now(const View& view) {
  const auto percent = view.current(Point::battery, Measure::soc);
  return percent ? Soc::from_percent(*percent) : std::nullopt;
}

/// Not served by the battery.
bool left_out(const control::Settings& settings, std::size_t circuit) {
  const auto& role = settings.circuit_roles.at(circuit);
  return role && !settings.battery_serves[*role];
}

/// What is told, of the past too; of a kind that tells nothing of now the tariff's, which pays
/// nothing for export where it has no price for it. What is not told yet is not known: it will be
/// like what was told, not like the tariff.
std::vector<control::PriceSlot> prices_of(std::span<const PlanSpan> ahead, const ToldSlots& told) {
  const UnixSeconds begin = unix_seconds(ahead.front().begin);
  const UnixSeconds end = unix_seconds(ahead.back().end);
  std::set<UnixSeconds> cuts;
  for (const auto& span : ahead) cuts.insert({unix_seconds(span.begin), unix_seconds(span.end)});
  for (const auto* slots : {&told.import_price, &told.export_price})
    for (const auto& slot : *slots)
      for (const UnixSeconds edge : {slot.begin, slot.end})
        if (edge > begin - Feeds::keeps && edge < end) cuts.insert(edge);
  const control::ToldPrices now = told.at(ahead.front().begin);
  std::vector<control::PriceSlot> prices;
  auto span = ahead.begin();
  for (auto cut = cuts.begin(); std::next(cut) != cuts.end(); ++cut) {
    const auto [import_price, export_price] = told.at(wall_time(*cut));
    control::PriceSlot slot{*cut, *std::next(cut), import_price, export_price};
    if (*cut >= begin) {
      while (unix_seconds(span->end) <= *cut) ++span;
      if (!now.import_price) slot.import_price = span->import_price;
      if (!now.export_price) slot.export_price = span->export_price.value_or(0.0);
    }
    prices.push_back(slot);
  }
  return prices;
}

/// Import and export, whether something is told of this moment; see prices_of().
std::pair<bool, bool> told_of(const ToldSlots& told, UnixSeconds at) {
  const control::ToldPrices prices = told.at(wall_time(at));
  return {prices.import_price.has_value(), prices.export_price.has_value()};
}

/// Orders later than the schedule's entries, which they overrule.
void add_orders(PlanSettings& plan, const Orders& orders, const View& view, WattHours capacity) {
  const auto at = [&](Instant moment) {
    return unix_seconds(view.wall +
                        std::chrono::duration_cast<WallTime::duration>(moment - view.now));
  };
  for (const auto& order : {orders.dispatch, orders.manual})
    if (order && order->until > view.now)
      plan.fixed.push_back(
          {plan.begin, at(order->until), control::marks(order->instruction), {}, true});
  if (const auto& storm = orders.storm; storm && storm->until > view.now)
    plan.fixed.push_back({std::max(plan.begin, at(storm->from)),
                          at(storm->until),
                          {},
                          capacity * storm->reserve.ratio()});
}

double level(Soc soc, const PlanBattery& battery) {
  return soc.ratio() * battery.capacity.value();
}

/// What a slot's marks do at the expected charge.
struct Does {
  bool buys, sells, serves, stores;
};
Does at_expected(const control::PlannedSlot& slot, WattHours capacity) {
  const control::Marks& marks = slot.marks;
  const double charge = slot.charge.mean.value() / capacity.value();
  return {marks.buy_power > Watts{} && charge<marks.buy.ratio(), marks.sell_power> Watts{} &&
              charge > marks.sell.ratio(),
          charge > marks.serve.ratio(), charge < marks.store.ratio()};
}

Instruction word_of(const control::PlannedSlot& slot, WattHours capacity) {
  const Does does = at_expected(slot, capacity);
  return control::word(slot.marks, does.buys, does.sells);
}

template <class... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

/// The comparison that the slot's action rests on.
std::string why(const control::PlannedSlot& slot, WattHours capacity, WattHours reserve) {
  const Does does = at_expected(slot, capacity);
  if (does.buys)
    return formatted("a kWh is bought for %.3f: stored it is worth %.3f later", slot.import_price,
                     slot.value);
  if (does.sells)
    return formatted("a kWh is sold for %.3f: stored it is worth %.3f later", slot.export_price,
                     slot.value);
  std::string text = "the reserve is kept";
  if (does.serves)
    text = formatted("the house is served: a kWh from the grid costs %.3f, stored it is worth %.3f",
                     slot.import_price, slot.value);
  else if (slot.charge.mean > reserve + capacity * 0.02)
    text = formatted(
        "the charge is kept: a kWh stored is worth %.3f later, from the grid it costs %.3f",
        slot.value, slot.import_price);
  if (!does.stores && slot.marks.store < 100.0_soc)
    text += formatted("; the sun is exported for %.3f", slot.export_price);
  return text;
}

}  // namespace

std::optional<PlanBattery> battery_of(const View& view, const control::Settings& s) {
  const auto capacity = control::battery_capacity(view.snapshot, control::nominal_voltage(s.cells));
  if (!capacity || !soc_now(view)) return std::nullopt;
  PlanBattery battery;
  battery.capacity = *capacity;
  battery.charge = most_charged(s);
  battery.discharge = most_discharged(s);
  battery.charge_efficiency = battery.discharge_efficiency = s.conversion_efficiency;
  battery.wear = s.smart_wear;
  if (s.soc_ceiling.percent() < 100.0)
    battery.taper.push_back({*capacity * s.soc_ceiling.ratio(), Watts{}});
  battery.import_cap = s.import_cap;
  battery.export_cap = s.export_cap;
  battery.to_grid = s.smart_sells;
  battery.bought_to_grid = s.smart_sells_bought;
  return battery;
}

bool serves_all(const control::Settings& settings) {
  for (std::size_t i = 0; i < max_circuits; ++i)
    if (left_out(settings, i)) return false;
  return true;
}

std::optional<PastMinute> past_minute(const Minute& minute, const control::Settings& settings) {
  if (minute.islanded || minute.partial || !minute.house_w) return std::nullopt;
  if (settings.solar_metered && !minute.solar_w) return std::nullopt;
  double others = 0.0;
  for (std::size_t i = 0; i < max_circuits; ++i) {
    if (!left_out(settings, i)) continue;
    const auto drawn = minute.circuit_w(i);
    if (!drawn) return std::nullopt;
    others += std::max(std::round(*drawn), 0.0);
  }
  const double load = std::round(*minute.house_w) - others;
  const double solar = settings.solar_metered ? std::round(*minute.solar_w) : 0.0;
  const double taken = std::min(others, std::max(solar - load, 0.0));
  return PastMinute{unix_seconds(minute.begin), Watts{load}, Watts{solar - taken}, Watts{taken},
                    minute.curtailed};
}

std::string_view name(control::NoPlan why) {
  return enum_name(why);
}

Planner::Metered Planner::metered(const control::Settings& settings) {
  Metered result;
  for (std::size_t i = 0; i < max_circuits; ++i) result.left_out.at(i) = left_out(settings, i);
  result.solar = settings.solar_metered;
  return result;
}

void Planner::recall(std::span<const PastMinute> minutes, const control::Settings& settings) {
  wants_history_ = false;
  SlotRing read;
  for (const auto& minute : minutes)
    read.add(minute, most_charged(settings), most_discharged(settings));
  if (read.size() >= ring_.size()) ring_ = std::move(read);
}

void Planner::note(const View& view, const control::Settings& settings) {
  if (!begun_) begun_ = view.now;
  const Metered now_metered = metered(settings);
  if (metered_ && *metered_ != now_metered) {
    ring_ = {};
    minute_.reset();
    wants_history_ = true;
  }
  metered_ = now_metered;
  if (!view.local.trusted) {
    minute_.reset();
    return;
  }
  const WallTime begin = std::chrono::floor<std::chrono::minutes>(view.wall);
  if (minute_ && minute_->begin != begin) close_minute(settings);
  if (!minute_) minute_ = OpenMinute{.begin = begin};
  minute_->means.add(view);
}

void Planner::close_minute(const control::Settings& settings) {
  const auto past = past_minute(minute_->means.minute(minute_->begin), settings);
  minute_.reset();
  if (past) ring_.add(*past, most_charged(settings), most_discharged(settings));
}

bool Planner::Task::same(const Orders& other, UnixSeconds at) const {
  const auto told = [&](const FeedSlots& slots) { return told_within(slots, at, end); };
  const esshub::Orders& mine = orders.orders;
  const UnixSeconds begin = end - control::plan_horizon_s;
  return orders.settings == other.settings && mine.reserve == other.orders.reserve &&
         mine.manual == other.orders.manual && mine.storm == other.orders.storm &&
         mine.dispatch.has_value() == other.orders.dispatch.has_value() &&
         told(orders.told.import_price) == told(other.told.import_price) &&
         told(orders.told.export_price) == told(other.told.export_price) &&
         told_of(orders.told, begin) == told_of(other.told, at - at % 60);
}

bool Planner::Task::same_sun(const Orders& other, UnixSeconds at) const {
  return told_within(orders.told.solar, at, end) == told_within(other.told.solar, at, end);
}

bool Planner::waits(const View& view, const control::Settings& settings) const {
  return !battery_of(view, settings) && (!begun_ || view.now - *begun_ < bms_tells_within);
}

bool Planner::due(const View& view, const Orders& in_force) const {
  if (in_force.mode != Mode::smart || !view.local.trusted || waits(view, in_force.settings))
    return false;
  const UnixSeconds now = unix_seconds(view.wall);
  if (!tried_at_ || !planned_for_ || !planned_for_->same(in_force, now)) return true;
  const bool succeeded = last_ && made_at_ == tried_at_;
  const auto slots = ahead(view);
  const bool covers = !slots.empty() && slots.front().begin <= now;
  const bool other = planned_for_->orders.orders.dispatch != in_force.orders.dispatch;
  const Duration holds = other ? dispatch_settles
                         : !in_force.settings.solar_metered || planned_for_->same_sun(in_force, now)
                             ? control::plan_every
                             : sun_settles;
  return view.now - *tried_at_ >= (succeeded && covers ? holds : try_again);
}

std::optional<control::NoPlan> Planner::plan(const View& view, const Orders& in_force) {
  const control::Settings& s = in_force.settings;
  tried_at_ = view.now;
  const PlanBattery battery = battery_of(view, s).value_or(PlanBattery{});  // refused: no capacity
  const WallTime begin = std::chrono::floor<std::chrono::minutes>(view.wall);

  PlanSettings settings;
  settings.begin = unix_seconds(begin);
  planned_for_ = Task{in_force, settings.begin + settings.horizon_s};
  settings.stored = WattHours{level(soc_now(view).value_or(Soc{}), battery)};
  // Where it came from is not known: what is there is kept for the house.
  if (!battery.bought_to_grid) settings.bought = settings.stored;
  const Soc reserve = std::max(s.soc_floor, in_force.orders.reserve.value_or(s.reserve));
  settings.reserve = WattHours{level(reserve, battery)};
  settings.utc_offset = [this](UnixSeconds at) {
    const auto shown = clock_.local(wall_time(at)).time_since_epoch();
    return static_cast<int>((shown.count() - at) / 60);
  };
  const auto forecasted =
      forecast(s, Mode::scheduled, clock_, begin, begin + horizon, true, {}, in_force.told);
  for (const auto& span : forecasted)
    if (span.authority == Authority::schedule)
      settings.fixed.push_back(
          {unix_seconds(span.begin), unix_seconds(span.end), control::marks(span.instruction), {}});
  add_orders(settings, in_force.orders, view, battery.capacity);

  // What is not metered cannot be held against what is told.
  if (s.solar_metered)
    for (const auto& [from, to, watts] :
         told_within(in_force.told.solar, settings.begin, planned_for_->end))
      settings.sun.push_back({from, to, Watts{*watts}});

  const auto past = ring_.slots();
  auto made = control::plan(past, prices_of(forecasted, in_force.told), battery, settings);
  if (made.problem) {
    problem_ = made.problem;
    if (!made_for_.same(in_force, unix_seconds(view.wall))) last_.reset();
    return problem_;
  }
  made_for_ = *planned_for_;
  made_at_ = view.now;
  made_ = view.wall;
  capacity_ = battery.capacity;
  reason_ = control::reason_in_words(made, settings);
  reserve_ = settings.reserve;
  sun_issued_.reset();
  if (made.sun_told) sun_issued_ = wall_time(in_force.told.solar_issued);
  fixed_ = std::move(settings.fixed);
  last_ = std::move(made);
  problem_.reset();
  return problem_;
}

std::span<const control::PlannedSlot> Planner::ahead(const View& view) const {
  if (!last_ || !view.local.trusted) return {};
  const UnixSeconds now = unix_seconds(view.wall);
  const UnixSeconds end = unix_seconds(made_ + plan_life);
  const auto& slots = last_->slots;
  const auto last = std::ranges::find_if(slots, [&](const auto& slot) {
    return slot.begin >= end || slot.source != control::PriceSource::known;
  });
  const auto first =
      std::find_if(slots.begin(), last, [&](const auto& slot) { return slot.end > now; });
  return {first, last};
}

const control::Marks* Planner::fixed(const control::PlannedSlot& slot) const {
  const control::Marks* marks = nullptr;
  for (const auto& span : fixed_)
    if (span.marks && slot.begin >= span.begin && slot.begin < span.end) marks = &*span.marks;
  return marks;
}

control::MarkTable Planner::table(const View& view) const {
  control::MarkTable table;
  table.made = made_at_;
  const auto at = [&](UnixSeconds moment) {
    return view.now + std::chrono::duration_cast<Duration>(wall_time(moment) - view.wall);
  };
  for (const auto& slot : ahead(view)) {
    if (table.count == control::MarkTable::most) break;
    table.entries.at(table.count++) = {at(slot.begin), at(slot.end), slot.marks};
  }
  return table;
}

std::vector<SmartSpan> Planner::spans(const View& view) const {
  std::vector<SmartSpan> spans;
  for (auto slot : ahead(view)) {
    if (const auto* marks = fixed(slot)) slot.marks = *marks;
    spans.push_back({wall_time(slot.begin), wall_time(slot.end), word_of(slot, capacity_)});
  }
  return spans;
}

std::optional<SmartPlan> Planner::shown(const View& view) const {
  const auto slots = ahead(view);
  if (slots.empty()) return std::nullopt;
  SmartPlan plan{.made = made_,
                 .days = last_->days,
                 .sun_issued = sun_issued_,
                 .cost = last_->cost,
                 .cost_balance = last_->cost_balance,
                 .cost_no_battery = last_->cost_no_battery,
                 .reason = reason_,
                 .slots = {}};
  for (auto slot : slots) {
    const auto* ordered = fixed(slot);
    if (ordered) slot.marks = *ordered;
    const auto soc = [&](WattHours stored) {
      return Soc::from_percent(std::clamp(100.0 * (stored / capacity_), 0.0, 100.0))
          .value_or(Soc{});
    };
    plan.slots.push_back(
        {.begin = wall_time(slot.begin),
         .end = wall_time(slot.end),
         .import_price = slot.import_price,
         .export_price = slot.export_price,
         .instruction = word_of(slot, capacity_),
         .charge_low = soc(slot.charge.low),
         .charge = soc(slot.charge.mean),
         .charge_high = soc(slot.charge.high),
         .value = slot.value,
         .bought_kwh = slot.bought.value() / 1000.0,
         .reason = ordered ? "the weekly plan or an order" : why(slot, capacity_, reserve_)});
  }
  return plan;
}

}  // namespace esshub::service
