#include "publish/history/collector.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "json/object.hpp"
#include "json/text.hpp"
#include "model/derived.hpp"
#include "model/same_action.hpp"
#include "model/utc_text.hpp"

namespace esshub::publish {
namespace {

constexpr Duration topic_pause = 10s;  // bounds what a decision that flips all the time can write
constexpr double joules_per_kwh = 3.6e6;

using Json = nlohmann::json;

/// Numbers that cannot be are of no use to anybody.
Json whole(double value) {
  return std::abs(value) < 1e15 ? Json(std::llround(value)) : Json(nullptr);
}

std::chrono::sys_days utc_day(WallTime wall) {
  return std::chrono::floor<std::chrono::days>(wall);
}

/// The site's calendar day: the one next to the UTC day that has the local weekday.
std::chrono::sys_days local_day(const View& view) {
  for (const int step : {-1, 1}) {
    const auto day = utc_day(view.wall) + std::chrono::days(step);
    if (std::chrono::weekday{day}.iso_encoding() == static_cast<unsigned>(view.local.weekday))
      return day;
  }
  return utc_day(view.wall);
}

/// Local minus UTC. The local time is of the tick and a little older than the wall time; no zone's
/// offset is finer than a quarter of an hour.
std::chrono::minutes utc_offset(const View& view) {
  const auto local =
      local_day(view).time_since_epoch() + std::chrono::minutes(view.local.minute_of_day);
  const auto utc = std::chrono::floor<std::chrono::minutes>(view.wall).time_since_epoch();
  const auto difference = std::chrono::duration_cast<std::chrono::minutes>(local - utc);
  return std::chrono::round<std::chrono::duration<int, std::ratio<900>>>(difference);
}

/// Adds money where the price is known, else the energy to what has none.
void charge(double joules, std::optional<double> price, std::optional<double>& money,
            double& unpriced) {
  if (price) {
    money = money.value_or(0.0) + joules / joules_per_kwh * *price;
  } else {
    unpriced += joules;
  }
}

void add(EnergyTotals& totals, const EnergyTotals& more) {
  for (const Flow flow : enum_values<Flow>) totals[flow] += more[flow];
}

void add(std::optional<double>& money, std::optional<double> more) {
  if (more) money = money.value_or(0.0) + *more;
}

/// Limits that come and go with every load step say nothing about the state.
bool passing(Cause why) {
  return why == Cause::slew;
}

}  // namespace

void add(DayRow& day, const DayRow& more) {
  add(day.energies, more.energies);
  add(day.import_cost, more.import_cost);
  add(day.export_income, more.export_income);
  day.import_unpriced_j += more.import_unpriced_j;
  day.export_unpriced_j += more.export_unpriced_j;
}

std::string local_date(const View& view) {
  return date_text(local_day(view));
}

WallTime HistoryCollector::Stamp::wall_at(Instant at) const {
  return wall - std::chrono::duration_cast<WallTime::duration>(now - at);
}

void HistoryCollector::update(const View& view) {
  for (auto& undated : undated_)
    if (!undated.at) undated.at = view.now;
  note_faults(view);
  note_decision(view);
  dated_.reset();
  if (view.local.trusted && clock_.on_clock(view.now, view.wall))
    dated_ = Dated{view.now, view.wall, view.now - *clock_.believed_since()};
  add_energies(view);
  last_.reset();
  if (view.local.trusted) {
    if (const auto wall = clock_.wall_at(view.now)) last_ = Stamp{view.now, *wall};
    add_to_minute(view);
  } else {
    close_minute();
  }
  if (dated_) {
    date_minutes(*last_);
    date_events(*last_);
  }
  trim();
}

void HistoryCollector::finish() {
  close_minute();
  if (!last_) return;
  date_minutes(*last_);
  date_events(*last_);
}

void HistoryCollector::add_energies(const View& view) {
  const EnergyTotals before = std::exchange(energies_, view.energies).value_or(view.energies);
  EnergyTotals flowed;
  for (const Flow flow : enum_values<Flow>)
    flowed[flow] = std::max(0.0, view.energies[flow] - before[flow]);
  add(waiting_.energies, flowed);
  if (!dated_) {
    if (!held_since_) held_since_ = view.now;
    add(held_, flowed);
    return;
  }
  DayRow more;
  if (held_since_) date_held(view, more);
  add(more.energies, flowed);
  const auto* decision = current_decision(view);
  charge(flowed[Flow::grid_import], decision ? decision->policy.import_price : std::nullopt,
         more.import_cost, more.import_unpriced_j);
  charge(flowed[Flow::grid_export], decision ? decision->policy.export_price : std::nullopt,
         more.export_income, more.export_unpriced_j);
  if (more.energies == EnergyTotals{}) return;
  const auto date = local_date(view);
  auto& day = waiting_.days[date];
  day.date = date;
  add(day, more);
}

/// Adds what flowed without a clock to go by to `day`, if it all flowed on it.
void HistoryCollector::date_held(const View& view, DayRow& day) {
  const auto began = Stamp{view.now, view.wall}.wall_at(*held_since_) + utc_offset(view);
  held_since_.reset();
  const auto held = std::exchange(held_, {});
  if (held == EnergyTotals{}) return;
  if (utc_day(began) == local_day(view)) {
    add(day.energies, held);
    day.import_unpriced_j += held[Flow::grid_import];
    day.export_unpriced_j += held[Flow::grid_export];
    return;
  }
  Json undated = Json::object();
  for (const Flow flow : enum_values<Flow>)
    undated[std::string{name(flow)} + "_wh"] = whole(held[flow] / 3600.0);
  note_at(view.now, "system", "energies_undated", json_text(undated));
}

void HistoryCollector::add_to_minute(const View& view) {
  const WallTime begin = std::chrono::floor<std::chrono::minutes>(view.wall);
  if (minute_ && minute_->begin != begin) close_minute();
  if (!minute_) {
    minute_ = OpenMinute{.begin = begin};
    if (!dated_) minute_->undated = view.now;
  }
  minute_->means.add(view);
}

void HistoryCollector::close_minute() {
  if (!minute_) return;
  MinuteRow row = minute_->means.minute(minute_->begin);
  const auto undated = minute_->undated;
  minute_.reset();
  if (row.empty()) return;
  if (undated) {
    undated_minutes_.push_back({*undated, std::move(row)});
  } else {
    waiting_.minutes.push_back(std::move(row));
  }
}

void HistoryCollector::date_minutes(const Stamp& stamp) {
  for (auto& [at, row] : undated_minutes_) {
    row.begin = std::chrono::floor<std::chrono::minutes>(stamp.wall_at(at));
    waiting_.minutes.push_back(row);
  }
  undated_minutes_.clear();
}

void HistoryCollector::note(std::string kind, std::string name, std::string detail) {
  undated_.push_back({std::nullopt, {{}, std::move(kind), std::move(name), std::move(detail)}});
  trim();
}

void HistoryCollector::note_at(Instant at, std::string kind, std::string name, std::string detail) {
  undated_.push_back({at, {{}, std::move(kind), std::move(name), std::move(detail)}});
}

void HistoryCollector::date_events(const Stamp& stamp) {
  for (auto& [at, event] : undated_) {
    event.at = stamp.wall_at(at.value_or(stamp.now));
    waiting_.events.push_back(std::move(event));
  }
  undated_.clear();
}

void HistoryCollector::note_faults(const View& view) {
  const auto& now = view.decision.faults;
  for (const Fault fault : enum_values<Fault>) {
    const auto before = faults_.since(fault);
    if (now.active(fault) && !before) {
      note_at(*now.since(fault), "fault", std::string{name(fault)},
              json_text(json_object({{"state", "raised"}, {"severity", name(severity(fault))}})));
    } else if (before && !now.active(fault)) {
      note_at(view.now, "fault", std::string{name(fault)},
              json_text(json_object({{"state", "cleared"},
                                     {"lasted_s", whole(Seconds(view.now - *before).count())}})));
    }
  }
  faults_ = now;
}

void HistoryCollector::note_decision(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision || decision->reasons.empty()) return;
  const std::string target{name(decision->reasons.begin()->cause)};
  Json limits = Json::array();
  for (const auto* reason = decision->reasons.begin() + 1; reason != decision->reasons.end();
       ++reason)
    if (!passing(reason->cause)) limits.push_back(name(reason->cause));
  const std::string key = target + json_text(limits);
  note_change(reasons_, key, view, target,
              json_text(json_object({{"battery_w", whole(decision->battery_power.value())},
                                     {"proposed_w", whole(decision->proposed.value())},
                                     {"limits", std::move(limits)}})));

  const auto& policy = decision->policy;
  const auto& instruction = policy.instruction;
  Json rules = json_object(
      {{"mode", name(policy.mode)},
       {"authority", name(policy.authority)},
       {"instruction", json_object({{"kind", name(instruction.kind)},
                                    {"power_w", whole(instruction.power.value())},
                                    {"target_percent", whole(instruction.target.percent())},
                                    {"low_percent", whole(instruction.low.percent())},
                                    {"high_percent", whole(instruction.high.percent())},
                                    {"keeps_charge", keeps_charge(instruction)}})},
       {"reserve_percent", whole(policy.reserve.percent())},
       {"floor_percent", whole(policy.floor.percent())},
       {"ceiling_percent", whole(policy.ceiling.percent())},
       {"storm", policy.storm_kept}});
  if (policy.import_price) rules["import_price"] = *policy.import_price;
  if (policy.export_price) rules["export_price"] = *policy.export_price;
  const std::string text = json_text(rules);
  // The Smart plan's marks are others in each quarter of an hour: no event each.
  if (policy.authority == Authority::smart)
    rules["instruction"] = {name(instruction.kind), keeps_charge(instruction)};
  note_change(policy_, json_text(rules), view, "policy", text);
}

void HistoryCollector::note_change(Topic& topic, std::string key, const View& view,
                                   const std::string& name, const std::string& detail) {
  if (key != topic.seen) {
    topic.seen = std::move(key);
    topic.seen_since = view.now;
  }
  if (topic.seen == topic.recorded) return;
  if (topic.recorded_at && view.now - *topic.recorded_at < topic_pause) return;
  topic.recorded = topic.seen;
  topic.recorded_at = view.now;
  note_at(topic.seen_since, "decision", name, detail);
}

HistoryBatch HistoryCollector::take() {
  return std::exchange(waiting_, {});
}

void HistoryCollector::put_back(HistoryBatch batch) {
  batch.minutes.insert(batch.minutes.end(), waiting_.minutes.begin(), waiting_.minutes.end());
  batch.events.insert(batch.events.end(), std::make_move_iterator(waiting_.events.begin()),
                      std::make_move_iterator(waiting_.events.end()));
  add(batch.energies, waiting_.energies);
  for (const auto& [date, more] : waiting_.days) {
    auto& day = batch.days[date];
    day.date = date;
    add(day, more);
  }
  waiting_ = std::move(batch);
  trim();
}

void HistoryCollector::trim() {
  const auto cut = [this](auto& rows, std::size_t most) {
    while (rows.size() > most) {
      rows.pop_front();
      ++dropped_;
    }
  };
  cut(waiting_.minutes, most_minutes);
  cut(undated_minutes_, most_minutes);
  cut(waiting_.events, most_events);
  cut(undated_, most_events);
}

}  // namespace esshub::publish
