// Every zone of tzdata and every clock change of 2020 to 2040, against the C library.
#include <date/tz.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "civil_time/local_clock.hpp"
#include "config/time_zone.hpp"
#include "control/policy/policy.hpp"
#include "service/forecast.hpp"

namespace esshub::civil_time {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using namespace esshub::literals;
using service::forecast;

constexpr time_t year_2020 = 1577836800;
constexpr time_t year_2041 = 2240611200;

/// The C library's civil time, an implementation that shares nothing with ours.
class Reference {
 public:
  explicit Reference(const std::string& zone) {
    ::setenv("TZ", (":" + zone).c_str(), 1);
    ::tzset();
  }
  ~Reference() {
    ::unsetenv("TZ");
    ::tzset();
  }
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;

  [[nodiscard]] static tm at(time_t t) {
    tm civil{};
    ::localtime_r(&t, &civil);
    return civil;
  }
  /// The first second of every new offset.
  [[nodiscard]] static std::vector<time_t> changes() {
    constexpr time_t step = 3 * 86400;
    std::vector<time_t> found;
    auto offset = at(year_2020).tm_gmtoff;
    for (time_t t = year_2020; t < year_2041; t += step) {
      const auto next = at(t + step).tm_gmtoff;
      if (next == offset) continue;
      time_t low = t;
      time_t high = t + step;
      while (high - low > 1) {
        const time_t middle = low + (high - low) / 2;
        (at(middle).tm_gmtoff == offset ? low : high) = middle;
      }
      found.push_back(high);
      offset = next;
    }
    return found;
  }
};

CivilMinute civil(const tm& t) {
  return {t.tm_hour * 60 + t.tm_min, t.tm_wday == 0 ? 7 : t.tm_wday};
}
Instant steady(time_t t) {
  return Instant{seconds{t}};
}
WallTime wall(time_t t) {
  return WallTime{seconds{t}};
}

/// The minutes from 8 h before a clock change to 8 h after it.
struct Window {
  struct Minute {
    time_t at;
    LocalTime local;       ///< as LocalClock says
    std::int64_t counted;  ///< civil minutes since 1970, by the C library
  };
  std::vector<Minute> minutes;
  std::int64_t change = 0;  ///< counted, of the first minute after it
};

constexpr time_t reach = 8 * 3600;  // Antarctica/Casey turns back by three hours

Window window(LocalClock& clock, time_t change) {
  Window w;
  w.minutes.reserve(2 * reach / 60);
  for (time_t t = change - reach; t < change + reach; t += 60) {
    const tm reference = Reference::at(t);
    w.minutes.push_back({t, clock.at(wall(t), steady(t), true), (t + reference.tm_gmtoff) / 60});
    if (t == change) w.change = w.minutes.back().counted;
  }
  return w;
}

std::string at_text(const std::string& zone, time_t t) {
  return zone + " at " + std::to_string(t);
}

/// Every file of tzdata once: many names are links.
template <class Check>
void every_zone(Check check) {
  std::set<std::string> seen;
  for (const auto& zone : date::get_tzdb().zones) {
    std::ifstream in{"/usr/share/zoneinfo/" + zone.name(), std::ios::binary};
    std::ostringstream file;
    if (!in || !(file << in.rdbuf()) || !seen.insert(file.str()).second) continue;
    const Reference reference{zone.name()};
    auto loaded = config::load_time_zone(zone.name());
    ASSERT_TRUE(loaded) << zone.name();
    LocalClock clock{*loaded};
    check(zone.name(), clock);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(seen.size(), 300u);
}

TEST(CivilTime, EveryZoneShowsWhatTheCLibraryShowsAndHoldsThroughTheSecondPass) {
  std::size_t changes = 0;
  every_zone([&](const std::string& zone, LocalClock& clock) {
    for (const time_t change : Reference::changes()) {
      ++changes;
      std::int64_t furthest = -1;  // what clocks have shown so far, and when
      CivilMinute furthest_shown;
      for (const auto& m : window(clock, change).minutes) {
        const CivilMinute shown = civil(Reference::at(m.at));
        ASSERT_EQ(m.local.shown(), shown) << at_text(zone, m.at);
        if (m.counted > furthest) {
          furthest = m.counted;
          furthest_shown = shown;
          ASSERT_FALSE(m.local.held) << at_text(zone, m.at);
        } else {
          ASSERT_EQ(m.local.held, furthest_shown) << at_text(zone, m.at);
        }
      }
    }
  });
  EXPECT_GT(changes, 4000u);
}

/// How the entry that begins `from` (counted) went in the window.
struct Course {
  int runs = 0;
  std::int64_t length = 0;  ///< minutes
  std::int64_t first = 0;   ///< counted, of its first minute
};
Course watch(const Window& w, const control::WeekSpan& span) {
  Course run;
  bool on = false;
  for (const auto& m : w.minutes) {
    const bool covered = span.covers(m.local.planned());
    if (covered && !on) {
      ++run.runs;
      run.first = m.counted;
    }
    if (covered) ++run.length;
    on = covered;
  }
  return run;
}

TEST(CivilTime, EveryEntryRunsOnceThatDayInEveryZoneAtEveryClockChange) {
  every_zone([&](const std::string& zone, LocalClock& clock) {
    for (const time_t change : Reference::changes()) {
      const Window w = window(clock, change);
      const auto& before = w.minutes[static_cast<std::size_t>(reach / 60) - 1];
      // Minutes that are left out (> 0) or passed twice (< 0).
      const auto jump = w.change - before.counted - 1;
      const auto gap_begin = before.counted + 1;
      for (std::int64_t from = before.counted - 150; from <= before.counted + 150; from += 15) {
        for (const int length : {5, 60, 100}) {
          const auto day = (from / 1440 + 3) % 7;  // 1 January 1970 was a Thursday
          const auto minute = static_cast<int>(from % 1440);
          const control::WeekSpan span{static_cast<std::uint8_t>(1U << day), minute,
                                       (minute + length) % 1440};
          const auto to = from + length;
          const auto missing = jump > 0 ? std::max<std::int64_t>(0, std::min(to, gap_begin + jump) -
                                                                        std::max(from, gap_begin))
                                        : 0;
          const bool held = jump < 0 && from <= before.counted && to > before.counted;
          const Course run = watch(w, span);
          ASSERT_EQ(run.runs, missing == length ? 0 : 1)
              << at_text(zone, change) << " from " << minute << " for " << length;
          ASSERT_EQ(run.length, length - missing - (held ? jump : 0)) << at_text(zone, change);
          if (run.runs == 1) {
            ASSERT_EQ(run.first, jump > 0 && from >= gap_begin && from < gap_begin + jump
                                     ? gap_begin + jump
                                     : from)
                << at_text(zone, change);
          }
        }
      }
    }
  });
}

control::Settings planning_settings() {
  control::Settings s;
  const Instruction charge{.kind = InstructionKind::charge, .power = 2000.0_W, .target = 80.0_soc};
  const Instruction discharge{
      .kind = InstructionKind::discharge, .power = 2000.0_W, .target = 30.0_soc};
  s.schedule = {{{control::every_day, 30, 95}, charge},
                {{control::every_day, 23 * 60 + 40, 10}, discharge},
                {{0b0100000, 110, 190}, discharge}};
  s.tariff.import_price = 0.30;
  s.tariff.export_price = 0.15;
  s.tariff.cheap_below = 0.10;
  s.tariff.bands = {{{control::every_day, 90, 270}, 0.07}, {{0b0011111, 960, 1140}, 0.45, 0.30}};
  return s;
}

TEST(CivilTime, ThePlanAheadIsWhatTheTickWillDecideAndThePriceIsAlwaysKnown) {
  const auto settings = planning_settings();
  ASSERT_TRUE(control::validate(settings).empty());
  every_zone([&](const std::string& zone, LocalClock& clock) {
    for (const time_t change : Reference::changes()) {
      const auto plan =
          forecast(settings, Mode::scheduled, clock, wall(change - reach), wall(change + reach));
      ASSERT_FALSE(plan.empty());
      ASSERT_EQ(plan.front().begin, wall(change - reach));
      ASSERT_EQ(plan.back().end, wall(change + reach));
      auto span = plan.begin();
      for (time_t t = change - reach; t < change + reach; t += 60) {
        if (wall(t) >= span->end) {
          ASSERT_EQ(std::next(span)->begin, span->end) << at_text(zone, t);
          ++span;
        }
        const auto local = clock.at(wall(t), steady(t), true);
        const auto now = control::planned(settings, Mode::scheduled, local);
        const auto prices = control::prices_at(settings.tariff, local.shown());
        ASSERT_EQ(span->instruction, now.instruction) << at_text(zone, t);
        ASSERT_EQ(span->authority, now.authority) << at_text(zone, t);
        ASSERT_EQ(span->repeated_hour, local.held.has_value()) << at_text(zone, t);
        ASSERT_TRUE(prices.import_price && prices.export_price);
        ASSERT_EQ(span->import_price, prices.import_price) << at_text(zone, t);
        ASSERT_EQ(span->export_price, prices.export_price) << at_text(zone, t);
      }
    }
  });
}

TEST(CivilTime, LondonsAutumnNightHoldsThePlanThroughTheSecondPass) {
  const time_t change = 1792890000;  // 25 October 2026 01:00 UTC: 02:00 BST becomes 01:00 GMT
  LocalClock clock{config::load_time_zone("Europe/London").value()};
  EXPECT_FALSE(clock.at(wall(change - 1), steady(change - 1), true).held);
  const auto second_pass = clock.at(wall(change), steady(change), true);
  EXPECT_EQ(second_pass.shown(), (CivilMinute{60, 7}));
  EXPECT_EQ(second_pass.planned(), (CivilMinute{119, 7}));
  const auto after = clock.at(wall(change + 3600), steady(change + 3600), true);
  EXPECT_EQ(after.planned(), (CivilMinute{120, 7}));
}

TEST(PlanAhead, SpansOfTwoDaysFollowEachOtherFromNowOn) {
  const auto settings = planning_settings();
  const LocalClock clock{config::load_time_zone("Europe/London").value()};
  const auto from = wall(1795348815);  // 22 November 2026 12:00:15
  const auto plan = forecast(settings, Mode::scheduled, clock, from, from + 48h);
  EXPECT_EQ(plan.front().begin, from);
  EXPECT_EQ(plan.back().end, from + 48h);
  for (std::size_t i = 1; i < plan.size(); ++i) EXPECT_EQ(plan[i].begin, plan[i - 1].end);
  const auto balance = forecast(settings, Mode::balance, clock, from, from + 48h);
  EXPECT_TRUE(std::ranges::none_of(
      balance, [](const PlanSpan& s) { return s.authority == Authority::schedule; }));
}

}  // namespace
}  // namespace esshub::civil_time
