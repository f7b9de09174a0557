#include "service/savings_record.hpp"

#include <date/date.h>
#include <date/tz.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "control/policy/backup.hpp"

namespace esshub::service {
namespace {

using namespace esshub::literals;
using std::chrono::hours;
using std::chrono::minutes;

const WallTime noon{std::chrono::seconds{1'781'956'800}};  // 2026-06-20T12:00:00Z, 13:00 in London
const WallTime midnight = noon - hours{13};

/// 1 kW of house since June 10th, the battery at half charge and at rest; 4.00 paid on the 20th,
/// and 0.10 earned.
class QuietPast final : public PastReader {
 public:
  Result<std::vector<Minute>> minutes(WallTime from, WallTime to) override {
    if (asked.size() == answers) return fail(ErrorKind::io, "no disk");
    asked.push_back(from);
    std::vector<Minute> all;
    for (WallTime at = std::max(from, since); at < std::min(to, until);
         at += std::chrono::minutes{1})
      all.push_back({.begin = at,
                     .grid_w = 1000.0,
                     .solar_w = 0.0,
                     .house_w = 1000.0,
                     .battery_w = at < battery_from ? 0.0 : battery_w,
                     .soc = 50.0});
    return all;
  }
  Result<std::vector<KeptDay>> days(unsigned count) override {
    days_asked = count;
    if (!knows_days) return fail(ErrorKind::io, "no disk");
    return rows;
  }

  WallTime since = midnight - hours{240};
  WallTime until = midnight + hours{1000};
  std::vector<WallTime> asked;
  std::size_t answers = 1000;
  double battery_w = 0;
  WallTime battery_from = since;
  bool knows_days = true;
  unsigned days_asked = 0;
  std::vector<KeptDay> rows{{"2026-06-20", 4.0, 0.1}};
};

struct Bench {
  Bench() {
    settings.tariff.import_price = 0.3;
    settings.solar_metered = true;
    settings.soc_floor = 0.0_soc;
    settings.reserve = 0.0_soc;
    view.now = Instant{} + 1000s;
    view.wall = noon;
    view.local.trusted = true;
    view.snapshot.absorb({{Point::battery, Measure::capacity}, 100, view.now});
  }
  /// So much later.
  void look(Duration time = {}) {
    view.now += time;
    view.wall += std::chrono::duration_cast<WallTime::duration>(time);
    view.snapshot.absorb({{Point::battery, Measure::soc}, 50, view.now});
    const SavingsRecord::Input input{view, settings, orders, told};
    due = record.note(input);
    if (!due) return;
    const auto looked = record.look(input, past);
    unread = !looked;
    all = looked.value_or(false);
  }
  /// kWh, of the half that is stored.
  [[nodiscard]] double half() const {
    return 0.05 * control::nominal_voltage(settings.cells).value();
  }

  const civil_time::Zone zone{*date::locate_zone("Europe/London"), std::nullopt};
  control::Settings settings;
  Orders orders;
  ToldSlots told;
  View view;
  QuietPast past;
  SavingsRecord record{zone};
  bool due = false;     ///< at the last look
  bool unread = false;  ///< at the last one that was due, as is
  bool all = false;
};

TEST(SavingsRecord, TellsOfTodayTheMonthAndTheYear) {
  Bench b;
  EXPECT_FALSE(b.record.savings().today);
  b.look();
  const auto savings = b.record.savings();
  ASSERT_TRUE(savings.today && savings.month && savings.year);
  EXPECT_EQ(savings.today->days, 1);
  EXPECT_EQ(savings.today->known, 1);
  EXPECT_EQ(savings.today->partial, 0) << "all of it so far";
  EXPECT_NEAR(savings.today->no_battery, 13 * 0.3, 1e-9);
  EXPECT_NEAR(savings.today->cost, 13 * 0.3, 1e-9);
  EXPECT_NEAR(savings.today->balance.value(), 13 * 0.3, 1e-9) << "empty since the tenth";
  EXPECT_NEAR(savings.today->error.value(), 13 * 0.3 - 3.9, 1e-9);
  EXPECT_EQ(savings.month->days, 20);
  EXPECT_EQ(savings.month->known, 11);
  EXPECT_EQ(savings.month->partial, 0);
  EXPECT_NEAR(savings.month->no_battery, (240 + 13) * 0.3, 1e-6);
  const auto& settings = b.settings;
  const double served = b.half() * settings.conversion_efficiency;
  const double stored = b.half() / settings.conversion_efficiency;
  EXPECT_NEAR(savings.month->balance.value(), (240 + 13 - served + stored) * 0.3, 1e-6);
  EXPECT_EQ(savings.year->days, 171);
  EXPECT_EQ(savings.year->known, 11);
  EXPECT_NEAR(savings.year->no_battery, savings.month->no_battery, 1e-9);
  EXPECT_EQ(b.past.days_asked, 16u);
}

TEST(SavingsRecord, ReadsADayThatIsOverOnce) {
  Bench b;
  b.past.since = midnight - hours{480};
  b.look();
  ASSERT_EQ(b.past.asked.size(), 15u) << "14 days and today";
  EXPECT_EQ(b.past.asked.front(), midnight - hours{14 * 24});
  EXPECT_EQ(b.past.asked.back(), midnight);
  b.look(15min - 1s);
  EXPECT_EQ(b.past.asked.size(), 15u);
  b.look(1s);
  EXPECT_EQ(b.past.asked.size(), 16u);
  EXPECT_NEAR(b.record.savings().today->no_battery, 13.25 * 0.3, 1e-9);
  b.look(11h - 16min);
  b.past.asked.clear();
  b.look(1min);
  ASSERT_EQ(b.past.asked.size(), 2u) << "another day";
  EXPECT_EQ(b.past.asked.front(), midnight);
  EXPECT_EQ(b.past.asked.back(), midnight + hours{24});
  EXPECT_EQ(b.record.savings().today->known, 0);
  EXPECT_NEAR(b.record.savings().month->no_battery, 15 * 24 * 0.3, 1e-6);
  EXPECT_EQ(b.record.yesterday()->begin, midnight);
}

TEST(SavingsRecord, AClockThatWasAheadClosesNoDay) {
  Bench b;
  b.past.until = noon;
  b.look();
  for (const auto& wrong : {noon + hours{24}, noon + hours{48}}) {
    b.view.wall = wrong;
    b.look(1s);
    EXPECT_NEAR(b.record.savings().month->no_battery, (240 + 13) * 0.3, 1e-6);
    b.view.wall = noon;
    b.look(15min);
  }
  b.past.until = midnight + hours{72};
  b.view.wall = midnight + hours{48};
  b.look(1s);
  EXPECT_NEAR(b.record.savings().month->no_battery, 12 * 24 * 0.3, 1e-6);
}

TEST(SavingsRecord, AClockThatWasALittleAheadAtMidnightClosesNoDay) {
  Bench b;
  const auto late = midnight + hours{24} - minutes{10};
  b.past.until = b.view.wall = late;
  b.look();
  b.view.wall = late + minutes{20};
  b.look(1s);
  b.view.wall = late;
  b.look(1s);
  b.past.until = midnight + hours{100};
  b.view.wall = midnight + hours{24};
  b.look(1s);
  EXPECT_NEAR(b.record.savings().month->no_battery, 11 * 24 * 0.3, 1e-6);
}

TEST(SavingsRecord, WhatAClockThatWasAheadFoundInTheFutureIsForgotten) {
  Bench b;
  b.look();
  b.view.wall = noon + hours{72};
  b.look(1s);
  EXPECT_EQ(b.record.days().rbegin()->first, "2026-06-22");
  b.view.wall = noon;
  b.look(15min);
  EXPECT_EQ(b.record.days().rbegin()->first, "2026-06-19");
}

TEST(SavingsRecord, AClockThatWasBehindLosesNoDay) {
  Bench b;
  b.look();
  b.view.wall = noon - hours{24 * 365};
  b.look(1s);
  b.view.wall = noon;
  b.past.since = noon + hours{1};  // what is older has gone
  b.look(1s);
  EXPECT_EQ(b.record.savings().month->known, 10);
}

TEST(SavingsRecord, TodayAndYesterdayAreForgottenWhenTheyAreOver) {
  Bench b;
  b.look();
  ASSERT_TRUE(b.record.savings().today && b.record.yesterday());
  b.past.knows_days = false;
  b.look(15min);
  EXPECT_TRUE(b.record.savings().today && b.record.yesterday());
  b.look(10h + 44min);
  EXPECT_TRUE(b.record.savings().today && b.record.yesterday());
  b.look(1min);
  EXPECT_FALSE(b.record.savings().today);
  EXPECT_FALSE(b.record.yesterday());
  EXPECT_EQ(b.record.savings().month->days, 21);
  EXPECT_EQ(b.record.savings().month->known, 10);
  b.past.knows_days = true;
  b.look(1min);
  EXPECT_TRUE(b.record.savings().today && b.record.yesterday());
}

TEST(SavingsRecord, NobodyKnowsTodayWhileTheClockIsNotTrusted) {
  Bench b;
  b.look();
  b.view.local.trusted = false;
  b.look(1s);
  EXPECT_FALSE(b.record.savings().today);
  EXPECT_FALSE(b.record.yesterday());
  EXPECT_EQ(b.record.savings().month->known, 11);
  b.view.local.trusted = true;
  b.look(1s);
  EXPECT_TRUE(b.record.savings().today && b.record.yesterday());
}

TEST(SavingsRecord, ADayThatIsNotWholeIsReadAgainOnTheNextAndForAnotherTariff) {
  Bench b;
  b.past.since = midnight - hours{480};
  b.past.until = midnight - hours{12};
  b.look();
  EXPECT_EQ(b.record.savings().month->partial, 1);
  b.past.until = midnight + hours{100};
  b.look(15min);
  EXPECT_EQ(b.record.savings().month->partial, 1) << "once a day";
  b.past.asked.clear();
  b.settings.tariff.import_price = 0.9;
  b.look(15min);
  EXPECT_EQ(b.past.asked.size(), 2u);
  EXPECT_EQ(b.record.savings().month->partial, 0);
  const double before = b.record.savings().month->no_battery;
  b.past.until = midnight - hours{1};
  b.settings.tariff.import_price = 0.3;
  b.look(15min);
  EXPECT_NEAR(b.record.savings().month->no_battery, before - 13.5 * 0.9, 1e-6) << "today alone";
}

TEST(SavingsRecord, ADayIsReadAgainForMoreMinutesAlone) {
  Bench b;
  b.past.since = midnight - hours{480};
  b.past.until = midnight - hours{12};
  b.look();
  const double before = b.record.savings().month->no_battery;
  for (const auto until : {hours{13}, hours{12}}) {
    b.past.until = midnight - until;
    b.settings.tariff.import_price = *b.settings.tariff.import_price + 0.1;
    b.look(15min);
    EXPECT_NEAR(b.record.savings().month->no_battery, before, 1e-6);
  }
}

TEST(SavingsRecord, OtherCurrenciesAreNotAddedUp) {
  Bench b;
  b.look();
  b.settings.tariff.currency = "EUR";
  b.look(15min);
  EXPECT_EQ(b.record.savings().month->known, 1) << "today";
}

TEST(SavingsRecord, AsksAgainEachMinuteWhileTheHistoryCannotBeRead) {
  Bench b;
  b.past.answers = 10;
  b.look();
  EXPECT_EQ(b.past.asked.size(), 10u);
  EXPECT_FALSE(b.record.savings().today);
  EXPECT_TRUE(b.unread);
  b.past.answers = 1000;
  b.look(1min - 1s);
  EXPECT_EQ(b.past.asked.size(), 10u);
  b.look(1s);
  EXPECT_EQ(b.past.asked.size(), 15u) << "the others are known";
  EXPECT_TRUE(b.record.savings().today);
  b.past.knows_days = false;
  for (int n = 0; n < 3; ++n) b.look(15min);
  EXPECT_TRUE(b.unread);
  EXPECT_NEAR(b.record.savings().today->no_battery, 13 * 0.3 + 0.3 / 60, 1e-9) << "as it was";
}

TEST(SavingsRecord, WaitsForClockAndBattery) {
  Bench b;
  b.view.local.trusted = false;
  b.look();
  EXPECT_TRUE(b.past.asked.empty());
  const auto told = std::exchange(b.view.snapshot, {});
  b.view.local.trusted = true;
  b.look(1s);
  EXPECT_TRUE(b.past.asked.empty()) << "no capacity";
  b.view.snapshot = told;
  b.look(1min);
  EXPECT_EQ(b.past.asked.size(), 15u);
}

TEST(SavingsRecord, WhatTheHistoryDoesNotKnowOfYesterdayIsNotKnown) {
  Bench b;
  b.past.since = midnight - hours{12};
  b.look();
  const auto day = b.record.yesterday();
  ASSERT_EQ(day->happened.size(), 96u);
  const MeasuredSlot none{midnight - hours{24}};
  EXPECT_EQ(day->happened.front(), none);
  EXPECT_EQ(b.record.savings().month->known, 2);
  EXPECT_EQ(b.record.savings().month->partial, 1);
}

TEST(SavingsRecord, SelfConsumptionIsOfTheReserveInForceAndOfAllCircuits) {
  Bench b;
  b.settings.reserve = 50.0_soc;
  b.look();
  EXPECT_NEAR(b.record.savings().month->balance.value(), (240 + 13) * 0.3, 1e-6) << "kept";
  b.orders.reserve = 10.0_soc;
  b.settings.soc_floor = 20.0_soc;
  b.record = SavingsRecord{b.zone};
  b.look();
  const double e = b.settings.conversion_efficiency;
  EXPECT_NEAR(b.record.savings().month->balance.value(),
              (240 + 13 + 0.6 * b.half() * (1 / e - e)) * 0.3, 1e-6)
      << "down to 20 %";
  b.settings.circuit_roles[0] = CircuitRole::ev;
  b.settings.battery_serves[CircuitRole::ev] = false;
  b.look(15min);
  EXPECT_FALSE(b.record.savings().today->balance);
  EXPECT_TRUE(b.record.savings().today->error);
}

TEST(SavingsRecord, GoesByThePricesThatWereTold) {
  Bench b;
  const auto from = std::chrono::duration_cast<std::chrono::seconds>(midnight.time_since_epoch());
  b.told.import_price = {{from.count(), from.count() + 3600, 0.5}};
  b.look();
  EXPECT_NEAR(b.record.savings().today->no_battery, 0.5 + 12 * 0.3, 1e-9);
}

TEST(SavingsRecord, TellsWhatItHasLookedAt) {
  Bench b;
  b.look();
  EXPECT_TRUE(b.due && b.all && !b.unread);
  b.look(1s);
  EXPECT_FALSE(b.due);
  b.past.knows_days = false;
  b.look(15min);
  EXPECT_TRUE(b.due && !b.all && b.unread);
  b.past.knows_days = true;
  b.past.answers = b.past.asked.size();
  b.look(1min);
  EXPECT_TRUE(b.due && !b.all && b.unread);
  b.view.snapshot = {};
  b.look(1min);
  EXPECT_TRUE(b.due && !b.all && !b.unread) << "no battery";
}

TEST(SavingsRecord, TellsOnceThatDaysHaveChanged) {
  Bench b;
  EXPECT_FALSE(b.record.changed());
  b.look();
  EXPECT_TRUE(b.record.changed());
  EXPECT_FALSE(b.record.changed());
  EXPECT_EQ(b.record.days().size(), 10u);
  b.look(15min);
  EXPECT_FALSE(b.record.changed()) << "today alone";
}

TEST(SavingsRecord, GoesOnWithTheDaysOfAnEarlierRun) {
  Bench b;
  b.look();
  const auto days = b.record.days();
  const double before = b.record.savings().month->no_battery;
  b.past.asked.clear();
  b.settings.tariff.import_price = 0.9;
  b.record = SavingsRecord{b.zone};
  b.record.restore(days);
  b.look();
  EXPECT_EQ(b.past.asked.size(), 4u + 2u) << "what is not known, yesterday for its course, today";
  EXPECT_NEAR(b.record.savings().month->no_battery, before + 13 * 0.6, 1e-6);
}

TEST(SavingsRecord, HasYesterdayInQuartersOfAnHour) {
  Bench b;
  b.past.battery_w = -200;
  b.past.battery_from = midnight - hours{12};
  b.look();
  const auto& day = b.record.yesterday();
  ASSERT_TRUE(day);
  EXPECT_EQ(day->begin, midnight - hours{24});
  EXPECT_EQ(day->end, midnight);
  ASSERT_EQ(day->happened.size(), 96u);
  const MeasuredSlot last{midnight - minutes{15}, 50.0, -200.0, 1000.0};
  EXPECT_EQ(day->happened.back(), last);
  EXPECT_EQ(day->happened[47].battery_w, 0.0);
  EXPECT_EQ(day->happened[48].battery_w, -200.0);
}

TEST(SavingsRecord, OnlyWhatWasPaidWholeIsHeldAgainstTheModel) {
  EXPECT_EQ(paid({"", 4.0, 0.5, 1000, 0}), 3.5);
  EXPECT_EQ(paid({"", 4.0, {}, 1000, 0}), 4.0);
  EXPECT_EQ(paid({"", {}, 0.5, 0, 0}), -0.5);
  EXPECT_EQ(paid({"", {}, {}, 0, 0}), std::nullopt);
  EXPECT_TRUE(paid({"", 4.0, {}, 1000, 19.9}));
  EXPECT_FALSE(paid({"", 4.0, {}, 1000, 20.1}));
  EXPECT_FALSE(paid({"", {}, 0.5, 1, 1}));
}

}  // namespace
}  // namespace esshub::service
