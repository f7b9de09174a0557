// A house in Smart mode for the tests of the planner: a view, what is in force, and a past.
#pragma once

#include <date/date.h>
#include <date/tz.h>

#include <functional>
#include <vector>

#include "service/planner.hpp"

namespace esshub::service {

using namespace esshub::literals;

inline const civil_time::LocalClock utc{
    civil_time::Zone{*date::locate_zone("Etc/UTC"), civil_time::ZoneRule::parse("UTC0")}};
/// Of a Monday.
inline const WallTime midnight = date::sys_days{date::year{2026} / 6 / 1};
inline constexpr std::int64_t day = 86400;

inline control::UnixSeconds seconds(WallTime at) {
  return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

/// Of minutes of the Monday's clock.
struct MondayPrice {
  int from = 0;
  int to = 0;
  double import_price = 0.0;
  double export_price = 0.0;
};

/// 0.30, from 00:00 until 05:00 0.07; a stack of 100 Ah.
struct House {
  explicit House(const civil_time::LocalClock& clock = utc) : planner(clock) {
    in_force.mode = Mode::smart;
    in_force.settings.tariff.import_price = 0.30;
    in_force.settings.tariff.export_price = 0.05;
    in_force.settings.tariff.bands = {{{control::every_day, 0, 300}, 0.07}};
    view.now = Instant{} + 1000s;
    view.wall = midnight;
    view.local = {.minute_of_day = 0, .weekday = 1, .trusted = true};
    put(Point::battery, Measure::capacity, 100);
    put(Point::battery, Measure::soc, 50);
    view.max_age = 365 * 24h;  // of the decision: it is always current
    view.decision.house = Watts{400};
    put(Point::solar, Measure::power, 0);
  }
  void put(Point point, Measure measure, double value) {
    view.snapshot.absorb({{point, measure}, value, view.now});
  }
  /// The only prices that are known: a plan ends where they do, and is made the sooner.
  void prices(const std::vector<MondayPrice>& known) {
    in_force.settings.tariff = {};
    for (const auto& [from, to, import_price, export_price] : known)
      in_force.settings.tariff.bands.push_back({{0b0000001, from, to}, import_price, export_price});
  }
  /// Load and sun of each minute of so many days before now.
  void recall(int days, const std::function<PastMinute(control::UnixSeconds)>& was) {
    std::vector<PastMinute> minutes;
    for (auto at = seconds(view.wall) - days * day; at < seconds(view.wall); at += 60)
      minutes.push_back(was(at));
    planner.recall(minutes, in_force.settings);
  }
  /// 200 W, from 17:00 until 22:00 1000 W; no sun.
  void recall(int days) {
    recall(days, [](control::UnixSeconds at) {
      const auto of_day = at % day;
      const double load = of_day >= 17 * 3600 && of_day < 22 * 3600 ? 1000.0 : 200.0;
      return PastMinute{at, Watts{load}, {}};
    });
  }
  void pass(Duration time) {
    view.now += time;
    view.wall += std::chrono::duration_cast<WallTime::duration>(time);
    put(Point::solar, Measure::power, 0);
    if (const auto soc = view.snapshot.soc())
      put(Point::battery, Measure::soc, soc->value.percent());
  }
  Planner::Orders in_force;
  View view;
  Planner planner;
};

}  // namespace esshub::service
