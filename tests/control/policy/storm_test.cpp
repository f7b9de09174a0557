#include "control/policy/storm.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <tuple>
#include <utility>

#include "tests/control/house.hpp"
#include "tests/control/policy/instructions.hpp"

namespace esshub::control {
namespace {

using namespace literals;

constexpr auto after = [](double minutes) {
  return as_duration(std::chrono::duration<double, std::ratio<60>>{minutes});
};

/// Monday 22:00 in a house that draws 800 W, at 50 % of 4.8 kWh; 0.30 a kWh but in the bands. What
/// is missing to 80 %, and a point more, takes 53.5 min: 1488 Wh at 2400 W * 0.94, a tenth more,
/// and 10 min. Each point is 1.40 min.
struct Evening : House {
  Evening() {
    modules = 2;
    residual_w = 800;
    settings.charger_current = 70.0_A;
    local = {.minute_of_day = 22 * 60, .weekday = 1, .trusted = true};
    settings.tariff.import_price = 0.30;
    run(3s);
    begin = now;
  }
  void band(int from, int to, double price = 0.10) {
    settings.tariff.bands.push_back({.when = {every_day, from, to}, .import_price = price});
  }
  void storm(Duration begins_in, bool fill = true) {
    orders.storm = Storm{80.0_soc, now + begins_in + 24h, now + begins_in, fill};
  }
  /// So long after 22:00 and some seconds, when all are trusted again.
  Decision at(Duration later) {
    now = begin + later;
    const auto minutes = 22 * 60 + static_cast<int>(later / 1min);
    local.minute_of_day = minutes % 1440;
    local.weekday = 1 + minutes / 1440;
    return run(15s);
  }
  Instant begin;
};

void expect_buys(const Decision& d) {
  EXPECT_NEAR(d.battery_power.value(), 2400, 2);
  EXPECT_EQ(d.reasons.begin()->cause, Cause::storm_fill);
  EXPECT_EQ(d.policy.reserve, 80.0_soc) << "and kept";
}
void expect_serves(const Decision& d) {
  EXPECT_NEAR(d.battery_power.value(), -800, 10);
  EXPECT_EQ(d.policy.reserve, 20.0_soc);
}
void expect_keeps(const Decision& d) {
  EXPECT_NEAR(d.battery_power.value(), 0, 1);
  EXPECT_TRUE(d.reasons.has(Cause::storm));
  EXPECT_EQ(d.policy.reserve, 80.0_soc);
}

TEST(Storm, IsFilledAtOnceWhereNoHourIsCheaper) {
  Evening h;
  h.storm(10h);
  const Decision d = h.run(5s);
  expect_buys(d);
  EXPECT_EQ(d.policy.storm_from, h.orders.storm->from);
  ASSERT_TRUE(d.policy.storm_reached);
  EXPECT_NEAR(Seconds{*d.policy.storm_reached - d.at}.count(), 53.5 * 60, 10);
}

TEST(Storm, WaitsForCheaperHoursThatSufficeAndServesTheHouseUntilThen) {
  Evening h;
  h.band(2 * 60, 5 * 60);
  h.storm(10h);
  Decision d = h.run(5s);
  expect_serves(d);
  ASSERT_TRUE(d.policy.storm_reached);
  EXPECT_NEAR(Seconds{*d.policy.storm_reached - h.begin}.count(), (240 + 53.5) * 60, 70);
  expect_serves(h.at(239min));
  d = h.at(240min);
  expect_buys(d);
  EXPECT_NEAR(Seconds{*d.policy.storm_reached - h.begin}.count(), (240 + 53.5) * 60, 70);
  h.drift_to(80);
  d = h.run(5s);
  expect_buys(d);
  EXPECT_EQ(d.policy.storm_reached, d.at) << "it is there; a BMS tells whole points";
  h.soc = 81;
  expect_keeps(h.run(5s));
  expect_keeps(h.at(8h));  // 06:00: nothing before it begins is cheaper
  d = h.at(10h);
  expect_keeps(d);
  EXPECT_FALSE(d.policy.storm_from) << "it has begun";
}

TEST(Storm, BuysNowWhatTheCheaperHoursDoNotSuffice) {
  Evening h;
  h.band(2 * 60, 2 * 60 + 50);
  h.storm(10h);
  expect_buys(h.run(5s));
  h.drift_to(54);  // 50.7 min with 2 points to spare
  expect_buys(h.at(1min));
  h.drift_to(55);  // 49.3
  expect_keeps(h.at(2min));
  h.storm(5h);
  expect_keeps(h.run(5s));
  h.storm(4h + 40min);  // those after its begin do not count: 42 min, but 46.5 are needed
  expect_buys(h.run(5s));
}

TEST(Storm, ServesOnlyWhatCanBeBoughtBackForLess) {
  Evening h;
  h.band(2 * 60, 2 * 60 + 61);  // 60.6 min for 5 points more
  h.storm(10h);
  expect_serves(h.run(5s));
  h.drift_to(49);
  expect_keeps(h.at(1min));
  h.drift_to(54);  // 61.9 min for 10 points more
  expect_keeps(h.at(2min));
  h.drift_to(55);
  expect_serves(h.at(3min));
}

TEST(Storm, TheCheapestHoursComeFirst) {
  Evening h;
  h.band(2 * 60, 2 * 60 + 40, 0.20);
  h.band(4 * 60, 4 * 60 + 30, 0.10);
  h.storm(10h);
  expect_serves(h.run(5s));
  expect_buys(h.at(240min));  // they do not fit into 30 min
  h.drift_to(71.5);           // 23.3 min; 30.4 for 5 points more
  h.run(15s);
  expect_keeps(h.at(250min));
  expect_buys(h.at(6h));
}

TEST(Storm, OneThatIsOnlyKeptIsKeptFromItsBeginAndNothingIsBought) {
  Evening h;
  h.storm(1h, false);
  Decision d = h.run(5s);
  expect_serves(d);
  EXPECT_FALSE(d.policy.storm_reached);
  d = h.at(59min);
  expect_serves(d);
  d = h.at(60min);
  expect_keeps(d);
  EXPECT_FALSE(d.policy.storm_reached);
}

TEST(Storm, OnceBegunIsFilledAtAnyPrice) {
  Evening h;
  h.band(2 * 60, 5 * 60);
  h.storm(0s);
  expect_buys(h.run(5s));
  h.drift_to(81);
  expect_keeps(h.run(5s));
  h.soc = 79.1;
  expect_keeps(h.run(5s));
  h.soc = 79;
  expect_buys(h.run(5s));
}

TEST(Storm, IsFilledAtOnceAfterAnHourThatIsNotKnownAndWhereTheBatterysSizeIsNot) {
  Evening h;
  h.band(2 * 60, 5 * 60);
  h.storm(10h);
  expect_serves(h.run(5s));
  h.local.trusted = false;
  expect_serves(h.at(59min));
  expect_buys(h.at(60min));
  h.local.trusted = true;
  expect_serves(h.at(61min));
  h.snapshot = {};
  h.modules = 0;
  const Decision d = h.at(62min);
  expect_buys(d);
  EXPECT_FALSE(d.policy.storm_reached) << "nobody knows when";
}

TEST(Storm, WhatTheBmsAllowsSaysHowLongItTakes) {
  Evening h;
  h.ccl_a = 10;
  h.storm(10h);
  const Decision d = h.run(5s);
  EXPECT_EQ(d.reasons.begin()->cause, Cause::storm_fill);
  // 1488 Wh at 10 A * 48 V * 0.94, a tenth more, and 10 min
  const auto minutes = [](const Decision& decision) {
    return Seconds{*decision.policy.storm_reached - decision.at}.count() / 60;
  };
  EXPECT_NEAR(minutes(d), 1488 / 451.2 * 66 + 10, 0.1);
  h.settings.cells = 16;  // 51.2 V
  EXPECT_NEAR(minutes(h.run(1s)), 1488 / 481.28 * 66 + 10, 0.1);
  h.settings.cells = 15;
  h.settings.charger_current = 5.0_A;
  EXPECT_NEAR(minutes(h.run(1s)), 1488 / 225.6 * 66 + 10, 0.1);
  h.settings.import_cap = 120.0_W;
  EXPECT_NEAR(minutes(h.run(1s)), 1488 / 112.8 * 66 + 10, 0.1);
  h.settings.charge_limit = 60.0_W;
  EXPECT_NEAR(minutes(h.run(1s)), 1488 / 56.4 * 66 + 10, 0.1);
  h.ccl_a = 0;
  EXPECT_FALSE(h.run(15s).policy.storm_reached);
}

TEST(Storm, IsPutBehindTheOverrideOnly) {
  Evening h;
  h.storm(0s);
  const Instruction idle{.kind = InstructionKind::idle};
  h.orders.dispatch = Order{idle, h.now + 1h};
  const Decision d = h.run(5s);
  expect_buys(d);
  EXPECT_TRUE(d.reasons.has(Cause::dispatch_overruled));
  h.orders.manual = Order{idle, h.now + 1h};
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1);
  EXPECT_FALSE(h.run(5s).policy.storm_reached) << "the owner wishes otherwise";
}

TEST(Storm, NothingIsToldToBeMissingThatIsNotBought) {
  Evening h;
  h.drift_to(79.5);  // not a point
  h.storm(0s);
  const Decision d = h.run(5s);
  expect_keeps(d);
  EXPECT_EQ(d.policy.storm_reached, d.at);
}

/// How often keeping or buying changed in an hour of ticks, with the clock running.
int changes_in_an_hour(Evening& h, const std::function<void(const Decision&)>& see) {
  int changes = 0;
  std::optional<std::pair<bool, Cause>> before;
  for (int tick = 0; tick < 7200; ++tick) {
    h.local.minute_of_day = 22 * 60 + static_cast<int>((h.now - h.begin + 500ms) / 1min);
    const Decision d = h.tick();
    const std::pair now{d.policy.storm_kept, d.reasons.begin()->cause};
    changes += before && *before != now;
    before = now;
    see(d);
  }
  return changes;
}

TEST(Storm, IsJudgedAtTheBeginningOfAMinuteOnly) {
  // A begin within a cheap minute: 61 min for the 60.6 of 5 points more, 54 min for 53.5.
  for (const Duration begins_in : {4h + 61min + 54s, 4h + 54min + 54s}) {
    Evening h;
    h.settings.period = 500ms;
    h.band(2 * 60, 5 * 60);
    h.storm(begins_in);
    EXPECT_EQ(changes_in_an_hour(h, [](const Decision&) {}), 0) << Seconds{begins_in}.count();
  }
}

TEST(Storm, AJudgementIsNotTakenBackByWhatMovesWithThePower) {
  // For 5 points more: 82.2 min at 35 A, 83.3 min at 34.5 A.
  Evening h;
  h.settings.period = 500ms;
  h.settings.charger_current = 35.0_A;
  h.band(2 * 60, 3 * 60 + 23);
  h.storm(10h);
  EXPECT_EQ(changes_in_an_hour(h,
                               [&](const Decision& d) {
                                 h.pack_v = 50.0 + d.battery_power.value() * 0.0006;
                                 h.ccl_a = d.battery_power.value() < 0 ? 34.5 : 35.5;
                               }),
            1);
}

TEST(Storm, AfterARestartItIsKeptUntilTheHourIsKnown) {
  Evening h;
  h.band(2 * 60, 5 * 60);
  h.local.trusted = false;
  h.storm(10h);
  expect_keeps(h.run(5s));
  expect_keeps(h.at(58min));
  h.local.trusted = true;
  expect_serves(h.at(59min));

  Evening unknown;
  unknown.band(2 * 60, 5 * 60);
  unknown.local.trusted = false;
  unknown.storm(10h);
  expect_keeps(unknown.run(5s));
  expect_keeps(unknown.at(59min));
  expect_buys(unknown.at(61min));
}

TEST(Storm, ForAnHourAfterTheLastJudgementItHolds) {
  Evening h;
  h.band(2 * 60, 5 * 60);
  h.storm(10h);
  expect_serves(h.at(2h));
  h.local.trusted = false;
  expect_serves(h.at(2h + 59min));
  expect_buys(h.at(3h + 1min));
}

TEST(Storm, IsNotSaidToBeThereBeforeItIs) {
  Evening h;
  h.band(2 * 60, 5 * 60);
  h.drift_to(85);
  h.storm(10h);
  Decision d = h.run(5s);
  expect_serves(d);
  EXPECT_FALSE(d.policy.storm_reached) << "it is there, but will not stay";
  h.drift_to(50);
  expect_buys(h.at(240min));
  h.ccl_a = 10;  // 1488 Wh at 451 W
  d = h.run(5s);
  ASSERT_TRUE(d.policy.storm_reached);
  EXPECT_NEAR(Seconds{*d.policy.storm_reached - d.at}.count(), (1488 / 451.2 * 66 + 10) * 60, 10);
}

TEST(Storm, ServesNothingThatIsBoughtBackAtALoss) {
  for (const bool gain : {false, true}) {
    Evening h;
    h.band(2 * 60, 5 * 60, gain ? 0.26 : 0.27);  // 0.30 * 0.94^2 = 0.265
    h.storm(10h);
    const Decision d = h.run(5s);
    gain ? expect_serves(d) : expect_keeps(d);
    expect_buys(h.at(240min));
  }
}

TEST(Storm, AMomentWithoutAChargeCurrentJudgesNothing) {
  Evening h;
  h.band(2 * 60, 5 * 60);
  h.storm(10h);
  expect_serves(h.run(5s));
  h.ccl_a = 0;
  Decision d = h.at(2min);
  expect_serves(d);
  EXPECT_FALSE(d.policy.storm_reached);
  h.ccl_a = 50;
  d = h.at(3min);
  expect_serves(d);
  EXPECT_TRUE(d.policy.storm_reached);
}

TEST(Storm, AFullBatteryServesUntilItsTimeThoughItTakesNothingNow) {
  Evening h;
  h.band(2 * 60, 5 * 60);
  h.drift_to(100);
  h.ccl_a = 0;
  h.storm(10h);
  expect_serves(h.run(5s));
  expect_serves(h.at(2min));
}

TEST(Storm, AFullBatteryGoesByWhatTheChargerDoesOneThatIsNotByWhatTheBmsAllows) {
  // 5 points at 10 A * 48 V * 0.94, a tenth more, and 10 min: 45.1 min; at 50 A 17 min.
  for (const auto& [soc, ccl, charger, cheap, serves] :
       {std::tuple{100.0, 0.0, 10.0, 44, false}, std::tuple{100.0, 0.0, 10.0, 46, true},
        std::tuple{99.0, 0.0, 10.0, 46, true}, std::tuple{99.0, 10.0, 70.0, 44, false}}) {
    Evening h;
    h.settings.charger_current = Amperes{charger};
    h.band(2 * 60, 2 * 60 + cheap);
    h.drift_to(soc);
    h.ccl_a = ccl;
    h.run(15s);
    h.storm(10h);
    SCOPED_TRACE(testing::Message() << soc << " % " << ccl << " A " << cheap << " min");
    EXPECT_EQ(h.run(5s).policy.storm_kept, !serves);
  }
}

TEST(Storm, WhatIsThereBeyondTheReserveMakesNoTimeShorterAndWhatIsWantedNoneLonger) {
  for (const auto& [soc, cheap] : {std::pair{85.0, 18}, std::pair{80.5, 18}}) {
    Evening h;  // 17.0 min for 5 points, 18.4 min for 6
    h.band(2 * 60, 2 * 60 + cheap);
    h.drift_to(soc);
    h.storm(10h);
    expect_serves(h.run(5s));
  }
  Evening h;  // 45.1 min for 5 points at 10 A, 48.6 min for 5.5
  h.settings.charger_current = 10.0_A;
  h.band(2 * 60, 2 * 60 + 47);
  h.drift_to(80.5);
  h.storm(10h);
  expect_serves(h.run(5s));
}

TEST(Storm, WhoWaitsGoesOnAsLongAsTheCheaperHoursSufficeWhoBuysUntilTheyDoByTwoPointsMore) {
  Evening h;
  h.band(2 * 60, 2 * 60 + 55);
  h.storm(10h);
  expect_keeps(h.run(5s));  // 53.5 min
  h.drift_to(49);           // 54.9 min
  expect_keeps(h.at(1min));
  h.drift_to(48.5);  // 55.6 min
  expect_buys(h.at(2min));
  h.drift_to(50);  // 53.5 min, and 56.3 with 2 points more
  expect_buys(h.at(3min));
  h.drift_to(51.2);  // 51.8 min, and 54.7
  expect_keeps(h.at(4min));
}

TEST(Storm, WhereNothingIsMissingItIsWaitedUntilTheNextMinuteJudges) {
  Evening h;
  h.band(2 * 60, 2 * 60 + 5);
  h.drift_to(80.5);
  h.storm(10h);
  h.run(1s);
  h.drift_to(79);
  expect_keeps(h.run(1s));
  expect_buys(h.at(1min));  // 12.8 min for 2 points
}

TEST(Storm, GoesByTheBmssWordWhereTheLowerOneRules) {
  Evening h;
  h.storm(0s);
  h.run(5s);
  h.soc = 85;
  const Decision d = h.run(5s);
  EXPECT_TRUE(d.faults.active(Fault::soc_inconsistent));
  EXPECT_EQ(d.policy.storm_reached, d.at) << "what is bought is judged by what the BMS says";
  EXPECT_FALSE(d.reasons.has(Cause::storm_fill));
}

TEST(Storm, WithOnePriceItsTimeIsToldWithoutAClock) {
  Evening h;
  h.local.trusted = false;
  h.storm(10h);
  const Decision d = h.run(5s);
  expect_buys(d);
  EXPECT_TRUE(d.policy.storm_reached);
}

TEST(Storm, IsBoughtAtOnceWhereHourAndSizeAreLost) {
  Evening h;
  h.band(2 * 60, 5 * 60);
  h.storm(10h);
  expect_serves(h.run(5s));
  h.local.trusted = false;
  h.snapshot = {};
  h.modules = 0;
  expect_buys(h.at(1min));
}

TEST(Storm, OfMorePricesThanAreSortedNoTimeIsTold) {
  Evening h;
  for (int i = 0; i < 320; ++i) h.band(i, i + 1, 0.10 + 0.0001 * i);
  h.storm(10h);
  Decision d = h.run(5s);
  expect_serves(d);
  EXPECT_FALSE(d.policy.storm_reached);
  h.storm(30min);
  d = h.run(5s);
  expect_buys(d);
  ASSERT_TRUE(d.policy.storm_reached) << "from now on, whatever it costs";
  EXPECT_NEAR(Seconds{*d.policy.storm_reached - d.at}.count(), 53.5 * 60, 10);
}

TEST(Storm, OfAsManyPricesAsAreSortedItsTimeIsTold) {
  Evening h;
  for (int i = 0; i < 319; ++i) h.band(i, i + 1, 0.10 + 0.0001 * i);
  h.storm(10h);
  EXPECT_TRUE(h.run(5s).policy.storm_reached);
}

TEST(Storm, GoesByThePricesThatAreTold) {
  Evening h;
  h.storm(10h);
  const auto hour = [&](double price, Duration from, Duration to) {
    h.prices.entries.at(h.prices.count++) = {h.begin + from, h.begin + to, {price, {}}};
  };
  hour(0.30, 0h, 4h);
  hour(0.10, 4h, 330min);
  hour(0.28, 330min, 8h);
  Decision d = h.run(5s);
  expect_serves(d);
  ASSERT_TRUE(d.policy.storm_reached);
  EXPECT_NEAR(Seconds{*d.policy.storm_reached - h.begin}.count(), (4 * 60 + 53.5) * 60, 10);
  expect_buys(h.at(4h));
}

TEST(Storm, IsRememberedThroughASilenceOfTheBms) {
  for (const bool buying : {false, true}) {
    Evening h;
    h.drift_to(buying ? 79 : 80);
    h.storm(10h);
    h.run(5s);
    h.drift_to(buying ? 80.5 : 80);  // reached, and not yet enough
    const auto expect_as_before = [&](const Decision& d) {
      buying ? expect_buys(d) : expect_keeps(d);
    };
    expect_as_before(h.run(5s));
    h.bms_alive = false;
    const Decision d = h.run(10s);
    EXPECT_EQ(d.policy.reserve, 80.0_soc);
    EXPECT_FALSE(d.policy.storm_reached);
    h.bms_alive = true;
    expect_as_before(h.run(15s));
  }
}

TEST(Storm, EndsWithItsTimeWhateverIsMissing) {
  Evening h;
  h.storm(0s);
  expect_buys(h.run(5s));
  h.orders.storm->until = h.now + 1s;
  const Decision d = h.run(5s);
  expect_serves(d);
  EXPECT_FALSE(d.policy.storm_until);
  EXPECT_FALSE(d.policy.storm_reached);
}

TEST(Storm, WhatAPowerCutTookIsBoughtAgain) {
  Evening h;
  h.storm(0s);
  h.drift_to(81);
  expect_keeps(h.run(5s));
  h.state = InverterStatus::islanded;
  h.mains_v = 0;
  h.drift_to(60);
  EXPECT_FALSE(h.run(5s).policy.storm_reached) << "not as long as it lasts";
  h.state = InverterStatus::grid_connected;
  h.mains_v = 230;
  expect_buys(h.run(15s));
}

}  // namespace
}  // namespace esshub::control
