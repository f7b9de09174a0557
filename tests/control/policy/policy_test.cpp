#include "control/policy/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "control/policy/storm.hpp"
#include "tests/control/house.hpp"
#include "tests/control/policy/instructions.hpp"

namespace esshub::control {
namespace {

constexpr WeekSpan always{every_day, 0, 0};

/// A house at half SOC that draws 800 W, long enough at it for every source to be trusted.
House drawing(double watts = 800) {
  House h;
  h.residual_w = watts;
  h.run(3s);
  return h;
}
void order(House& h, std::optional<Order>& slot, const Instruction& instruction,
           Duration length = 1h) {
  slot = Order{instruction, h.now + length};
}
std::optional<Watts> without(const Decision& d, Cause why) {
  for (const auto& reason : d.reasons)
    if (reason.cause == why) return reason.power_without;
  return std::nullopt;
}

TEST(Instructions, ChargeHoldsItsRateFromTheGridUpToItsTargetAndThenBalancesAboveIt) {
  House h = drawing();
  order(h, h.orders.manual, charge(1500.0_W, 60.0_soc));
  Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 1500, 1);
  EXPECT_TRUE(d.reasons.has(Cause::charge));
  EXPECT_EQ(d.policy.authority, Authority::manual);
  EXPECT_EQ(d.policy.instruction, h.orders.manual->instruction);
  EXPECT_EQ(d.policy.until, h.orders.manual->until);
  h.residual_w = -1700;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 1700, 5) << "a larger surplus is not sent away";
  h.residual_w = 800;
  h.drift_to(60);
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 0, 1);
  EXPECT_TRUE(d.reasons.has(Cause::range_low));
  h.residual_w = -600;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 600, 2) << "the sun is stored";
  h.residual_w = 800;
  h.drift_to(61);
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1) << "hysteresis";
  h.drift_to(62);
  EXPECT_NEAR(h.run(5s).battery_power.value(), -800, 2) << "what lies above it serves the house";
  h.drift_to(59);
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1) << "hysteresis";
  h.drift_to(58);
  EXPECT_NEAR(h.run(5s).battery_power.value(), 1500, 1);
}

TEST(Instructions, DischargeHoldsItsRateDownToItsTargetAndThenRests) {
  House h = drawing();
  order(h, h.orders.dispatch, discharge(2000.0_W, 40.0_soc));
  Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), -2000, 1);
  EXPECT_TRUE(d.reasons.has(Cause::discharge));
  EXPECT_EQ(d.policy.authority, Authority::dispatch);
  h.soc = 40;
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 0, 1);
  EXPECT_TRUE(d.reasons.has(Cause::target_reached));
  h.residual_w = -600;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1) << "it would be sold again";
  h.soc = 38;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 600, 2) << "the sun is stored up to the target";
}

TEST(Instructions, ADispatchBeyondWhatTheOwnerAllowsIsBoundedAndSaysSo) {
  House h = drawing();
  h.settings.discharge_limit = Watts{1500};
  order(h, h.orders.dispatch, discharge(5000.0_W, 40.0_soc));
  const Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), -1500, 1);
  EXPECT_TRUE(d.reasons.has(Cause::discharge));
  EXPECT_TRUE(d.reasons.has(Cause::discharge_limit));
  EXPECT_EQ(d.policy.authority, Authority::dispatch);
}

TEST(Instructions, DischargeKeepsToTheExportCapAndTheReserve) {
  House h = drawing();
  h.settings.export_cap = Watts{500};
  order(h, h.orders.dispatch, discharge(2000.0_W, 10.0_soc));
  Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), -1300, 5);
  EXPECT_TRUE(d.reasons.has(Cause::export_cap));
  h.soc = 20;
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 0, 1);
  EXPECT_TRUE(d.reasons.has(Cause::reserve));
}

TEST(Instructions, BalanceKeepsToItsRangeAndSaysWhatItWouldHaveDone) {
  House h = drawing();
  order(h, h.orders.manual, balance(50.0_soc, 70.0_soc));
  Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 0, 1);
  EXPECT_TRUE(d.reasons.has(Cause::range_low));
  EXPECT_NEAR(without(d, Cause::range_low)->value(), -800, 10);
  h.soc = 51;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1) << "hysteresis";
  h.soc = 52;
  EXPECT_NEAR(h.run(5s).battery_power.value(), -800, 2);
  h.residual_w = -600;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 600, 2);
  h.soc = 70;
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 0, 1);
  EXPECT_TRUE(d.reasons.has(Cause::range_high));
}

TEST(Instructions, IdleRestsWithinItsRange) {
  for (const double residual : {800.0, -800.0}) {
    House h = drawing(residual);
    order(h, h.orders.manual, idle(30.0_soc, 70.0_soc));
    const Decision d = h.run(5s);
    EXPECT_NEAR(d.battery_power.value(), 0, 1);
    EXPECT_TRUE(d.reasons.has(Cause::idle));
  }
}

TEST(Instructions, IdleBelowItsRangeLetsTheSunChargeAndNothingElse) {
  House h = drawing(-700);
  h.soc = 45;
  order(h, h.orders.manual, idle(50.0_soc, 70.0_soc));
  EXPECT_NEAR(h.run(5s).battery_power.value(), 700, 2);
  h.residual_w = 700;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1);
}

TEST(Instructions, IdleAboveItsRangeServesTheHouseAndNothingElse) {
  House h = drawing(700);
  h.drift_to(75);
  order(h, h.orders.manual, idle(50.0_soc, 70.0_soc));
  EXPECT_NEAR(h.run(5s).battery_power.value(), -700, 2);
  h.residual_w = -700;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1);
}

TEST(Priorities, OverrideDispatchScheduleTariffBalanceInThisOrderAndLosersAreNamed) {
  House h = drawing();
  h.settings.schedule = {{always, charge(300.0_W, 90.0_soc)}};
  h.settings.tariff.bands = {{always, 0.07, {}, true}};
  h.settings.tariff.force_charge_to = 95.0_soc;
  h.settings.tariff.force_charge_power = Watts{400};
  order(h, h.orders.dispatch, charge(200.0_W, 90.0_soc), 1h);
  order(h, h.orders.manual, charge(100.0_W, 90.0_soc), 30min);
  Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 100, 1);
  EXPECT_EQ(d.policy.authority, Authority::manual);
  EXPECT_EQ(without(d, Cause::dispatch_overruled), Watts{200});
  EXPECT_EQ(without(d, Cause::schedule_overruled), Watts{300});
  EXPECT_EQ(without(d, Cause::tariff_overruled), Watts{400});

  h.orders.manual.reset();
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 200, 1);
  EXPECT_FALSE(d.reasons.has(Cause::dispatch_overruled));
  EXPECT_EQ(without(d, Cause::schedule_overruled), Watts{300});

  h.orders.dispatch.reset();
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 300, 1);
  EXPECT_EQ(d.policy.authority, Authority::schedule);
  EXPECT_EQ(without(d, Cause::tariff_overruled), Watts{400});

  h.orders.mode = Mode::balance;
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 400, 1);
  EXPECT_EQ(d.policy.mode, Mode::balance);
  EXPECT_EQ(d.policy.authority, Authority::tariff);
  EXPECT_TRUE(d.reasons.has(Cause::cheap_charge));

  h.settings.tariff = {};
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), -800, 2);
  EXPECT_EQ(d.policy.authority, Authority::balance);
  EXPECT_EQ(d.reasons.begin()->cause, Cause::self_consumption);
}

TEST(Priorities, TheBatterysOwnNeedOutranksEverybody) {
  House h = drawing();
  order(h, h.orders.manual, discharge(2000.0_W, 20.0_soc));
  h.requests |= static_cast<std::uint32_t>(BmsRequest::force_charge_1);
  const Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 500, 1);
  EXPECT_EQ(d.reasons.begin()->cause, Cause::force_charge);
  EXPECT_EQ(without(d, Cause::override_overruled), Watts{-2000});
}

TEST(Priorities, SafetyLimitsAnOverride) {
  House h = drawing();
  order(h, h.orders.manual, charge(2000.0_W, 90.0_soc));
  h.run(5s);
  h.bms_alive = false;
  const Decision d = h.run(5s);
  EXPECT_EQ(d.battery_power, Watts{});
  EXPECT_EQ(without(d, Cause::bms_lost), Watts{2000});
}

TEST(Expiry, WhatEndsGivesWayToTheNextLowerAtThatTick) {
  House h = drawing();
  order(h, h.orders.dispatch, charge(200.0_W, 90.0_soc), 20s);
  order(h, h.orders.manual, charge(100.0_W, 90.0_soc), 10s);
  const Instant start = h.now;
  while (h.now < start + 30s) {
    const Decision d = h.tick();
    const Authority expected = h.now < start + 10s   ? Authority::manual
                               : h.now < start + 20s ? Authority::dispatch
                                                     : Authority::balance;
    ASSERT_EQ(d.policy.authority, expected) << Seconds{h.now - start}.count();
  }
  EXPECT_FALSE(h.tick().policy.until);
}

TEST(Expiry, AStormEndsByItself) {
  House h = drawing();
  h.orders.storm = Storm{50.0_soc, h.now + 20s};
  Decision d = h.run(10s);
  EXPECT_NEAR(d.battery_power.value(), 0, 1);
  EXPECT_TRUE(d.reasons.has(Cause::storm));
  EXPECT_EQ(d.policy.reserve, 50.0_soc);
  EXPECT_EQ(d.policy.storm_until, h.orders.storm->until);
  h.soc = 52;
  d = h.run(20s);
  EXPECT_NEAR(d.battery_power.value(), -800, 2);
  EXPECT_EQ(d.policy.reserve, 20.0_soc);
  EXPECT_FALSE(d.policy.storm_until);
}

TEST(ReserveOrder, ReplacesTheConfiguredOne) {
  House h = drawing();
  h.orders.reserve = 50.0_soc;
  const Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 0, 1);
  EXPECT_TRUE(d.reasons.has(Cause::reserve));
  EXPECT_EQ(d.policy.reserve, 50.0_soc);
}

TEST(Schedule, HoldsFromItsFirstMinuteUntilBeforeItsEnd) {
  House h = drawing();
  h.settings.schedule = {{{0b0000001, 90, 300}, charge(1000.0_W, 90.0_soc)}};
  const auto authority_at = [&](int minute, int weekday) {
    h.local.minute_of_day = minute;
    h.local.weekday = weekday;
    return h.tick().policy.authority;
  };
  EXPECT_EQ(authority_at(89, 1), Authority::balance);
  EXPECT_EQ(authority_at(90, 1), Authority::schedule);
  EXPECT_EQ(authority_at(299, 1), Authority::schedule);
  EXPECT_EQ(authority_at(300, 1), Authority::balance);
  EXPECT_EQ(authority_at(90, 2), Authority::balance);
}

TEST(Schedule, AnEntryPastMidnightBelongsToTheDayItBeginsOn) {
  const WeekSpan sunday_night{0b1000000, 23 * 60, 60};
  EXPECT_TRUE(sunday_night.covers({23 * 60, 7}));
  EXPECT_TRUE(sunday_night.covers({59, 1}));
  EXPECT_FALSE(sunday_night.covers({60, 1}));
  EXPECT_FALSE(sunday_night.covers({30, 7}));
  EXPECT_FALSE(sunday_night.covers({23 * 60, 1}));
}

TEST(Schedule, EqualEndsAreADay) {
  const WeekSpan monday{0b0000001, 60, 60};
  EXPECT_TRUE(monday.covers({60, 1}));
  EXPECT_TRUE(monday.covers({59, 2}));
  EXPECT_FALSE(monday.covers({60, 2}));
}

TEST(Schedule, WaitsThroughTheSecondPassOfARepeatedHour) {
  House h = drawing();
  h.settings.schedule = {{{every_day, 60, 90}, charge(1000.0_W, 90.0_soc)}};
  h.local.minute_of_day = 70;
  EXPECT_EQ(h.tick().policy.authority, Authority::schedule);
  h.local.held = CivilMinute{119, 1};
  EXPECT_EQ(h.tick().policy.authority, Authority::balance);
}

TEST(Clock, UntrustedMakesScheduleAndTariffStandAsideAndSaysSo) {
  House h = drawing();
  h.settings.schedule = {{always, charge(1000.0_W, 90.0_soc)}};
  h.settings.tariff.bands = {{always, 0.07, {}, true}};
  h.local.trusted = false;
  const Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), -800, 2) << "Balance goes on";
  EXPECT_TRUE(d.reasons.has(Cause::clock_untrusted));
  EXPECT_TRUE(d.faults.active(Fault::clock_untrusted));
  EXPECT_FALSE(d.policy.import_price);
}

TEST(Clock, UntrustedDoesNotEndAnOverride) {
  House h = drawing();
  order(h, h.orders.manual, charge(1000.0_W, 90.0_soc));
  h.local.trusted = false;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 1000, 1);
}

TEST(Cheap, NoDischargeButTheSunMayCharge) {
  House h = drawing();
  h.settings.tariff.import_price = 0.30;
  h.settings.tariff.cheap_below = 0.10;
  h.settings.tariff.bands = {{{every_day, 700, 800}, 0.07}};
  Decision d = h.run(5s);  // 12:00
  EXPECT_NEAR(d.battery_power.value(), 0, 1);
  EXPECT_TRUE(d.reasons.has(Cause::cheap));
  EXPECT_NEAR(without(d, Cause::cheap)->value(), -800, 10);
  EXPECT_EQ(d.policy.import_price, 0.07);
  h.residual_w = -600;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 600, 2);
  h.local.minute_of_day = 800;
  h.residual_w = 800;
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), -800, 2);
  EXPECT_EQ(d.policy.import_price, 0.30);
}

TEST(Cheap, ForceChargeKeepsWhatItReached) {
  House h = drawing();
  h.settings.tariff.bands = {{always, 0.07, {}, true}};
  h.settings.tariff.force_charge_to = 60.0_soc;
  EXPECT_EQ(h.run(5s).proposed, h.settings.charge_limit) << "by default";
  h.soc = 60;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1);
  h.residual_w = -600;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 600, 2) << "the sun may still charge";
}

TEST(Cheap, ForceChargeThatMayBeUsedServesTheHouseDownToItsTarget) {
  House h = drawing();
  h.drift_to(65);
  h.settings.tariff.bands = {{always, 0.07, {}, true}};
  h.settings.tariff.force_charge_to = 60.0_soc;
  h.settings.tariff.no_discharge_while_cheap = false;
  EXPECT_NEAR(h.run(5s).battery_power.value(), -800, 2);
  h.drift_to(60);
  Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 0, 1);
  EXPECT_TRUE(d.reasons.has(Cause::cheap));
  h.drift_to(61);
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1) << "not to and fro";
  h.drift_to(62);
  EXPECT_NEAR(h.run(5s).battery_power.value(), -800, 2);
  h.drift_to(58);
  EXPECT_EQ(h.run(5s).proposed, h.settings.charge_limit);
}

TEST(NegativePrice, OfImportKeepsWhatThereIsWhoeverPlansButNotAgainstAnOrder) {
  House h = drawing();
  h.settings.tariff.bands = {{always, -0.02}};
  h.settings.tariff.no_discharge_while_cheap = false;
  for (const auto& plan : {balance(0.0_soc, 100.0_soc), discharge(1000.0_W, 20.0_soc)}) {
    h.settings.schedule = {{always, plan}};
    const Decision d = h.run(5s);
    EXPECT_EQ(d.policy.authority, Authority::schedule);
    EXPECT_NEAR(d.battery_power.value(), 0, 1);
    EXPECT_TRUE(d.reasons.has(Cause::cheap));
  }
  h.settings.tariff.bands[0].import_price = 0.20;
  EXPECT_NEAR(h.run(5s).battery_power.value(), -1000, 1) << "with the price it is over, at once";
  h.settings.tariff.bands[0].import_price = -0.02;
  h.settings.schedule.clear();
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1) << "nobody plans";
  order(h, h.orders.dispatch, discharge(1000.0_W, 20.0_soc));
  EXPECT_NEAR(h.run(5s).battery_power.value(), -1000, 1);
  h.orders.dispatch.reset();
  h.local.trusted = false;
  EXPECT_NEAR(h.run(5s).battery_power.value(), -800, 2) << "who knows what it costs";
}

TEST(NegativePrice, OfExportStoresTheSunAndSellsNothing) {
  House h = drawing(-700);
  h.settings.tariff.import_price = 0.30;
  h.settings.tariff.bands = {{always, 0.20, -0.03}};
  h.settings.schedule = {{always, idle(0.0_soc, 100.0_soc)}};
  EXPECT_NEAR(h.run(5s).battery_power.value(), 700, 2);
  h.settings.schedule = {{always, discharge(1000.0_W, 20.0_soc)}};
  EXPECT_NEAR(h.run(5s).battery_power.value(), 700, 2);
  h.residual_w = 600;
  EXPECT_NEAR(h.run(5s).battery_power.value(), -600, 2) << "the house is served";
  h.settings.tariff.bands[0].export_price = 0.0;
  EXPECT_NEAR(h.run(5s).battery_power.value(), -1000, 1);
}

TEST(Cheap, AScheduleThatDischargesWhileCheapIsObeyed) {
  House h = drawing();
  h.settings.tariff.bands = {{always, 0.07, {}, true}};
  h.settings.schedule = {{always, discharge(1000.0_W, 20.0_soc)}};
  const Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), -1000, 1);
  EXPECT_TRUE(d.reasons.has(Cause::tariff_overruled));
}

TEST(Cheap, PricesFollowTheClockInBothPasses) {
  Tariff t;
  t.import_price = 0.30;
  t.bands = {{{every_day, 60, 90}, 0.07}};
  LocalTime second_pass{70, 7, true, CivilMinute{119, 7}};
  EXPECT_EQ(prices_at(t, second_pass.shown()).import_price, 0.07);
}

/// A house that draws `all_w`, with a car at circuit2 that the battery does not serve.
House with_car(double all_w) {
  House h = drawing(all_w);
  h.settings.circuit_roles[0] = CircuitRole::other;
  h.settings.circuit_roles[1] = CircuitRole::ev;
  h.settings.battery_serves[CircuitRole::ev] = false;
  return h;
}
Decision run_with_car(House& h, double car_w) {
  Decision d;
  for (const Instant end = h.now + 5s; h.now < end;) {
    h.put(circuit(1), Measure::power, car_w);
    d = h.tick();
  }
  return d;
}

TEST(Unserved, TheBatteryGivesOnlyForTheRestOfTheHouse) {
  House h = with_car(7800);
  h.dcl_a = 200;
  const Decision d = run_with_car(h, 7000);
  EXPECT_NEAR(d.battery_power.value(), -800, 5);
  EXPECT_TRUE(d.reasons.has(Cause::excluded_load));
  EXPECT_NEAR(without(d, Cause::excluded_load)->value(), -7800, 20);
}

TEST(Unserved, ASurplusChargesAndTheSunMayFeedTheCar) {
  House h = with_car(-600);
  EXPECT_NEAR(run_with_car(h, 3000).battery_power.value(), 600, 2);
  h.residual_w = 2000;  // the sun gives 1000 of the car's 3000
  EXPECT_NEAR(run_with_car(h, 3000).battery_power.value(), 0, 2);
}

TEST(Unserved, AReadingThatIsNotCurrentMeansNoDischarge) {
  House h = with_car(800);
  const Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 0, 1);
  EXPECT_TRUE(d.reasons.has(Cause::excluded_load_stale));
  EXPECT_NEAR(run_with_car(h, 0).battery_power.value(), -800, 2);
  EXPECT_NEAR(h.run(2s).battery_power.value(), -800, 2);
  EXPECT_NEAR(h.run(3s).battery_power.value(), 0, 2);
}

TEST(Unserved, AnInstructedDischargeIsARateWhoeverDraws) {
  House h = with_car(7800);
  order(h, h.orders.manual, discharge(2000.0_W, 20.0_soc));
  EXPECT_NEAR(run_with_car(h, 7000).battery_power.value(), -2000, 1);
}

TEST(FullCharge, ComesEveryNDaysCountedFromTheLastAndEndsAt100) {
  House h = drawing();
  h.settings.full_charge_days = 30;
  h.orders.last_full = h.now - 30 * 24h + 60s;
  EXPECT_NEAR(h.run(50s).battery_power.value(), -800, 2);
  Decision d = h.run(20s);
  EXPECT_NEAR(d.battery_power.value(), 500, 1);
  EXPECT_TRUE(d.reasons.has(Cause::full_charge));
  EXPECT_FALSE(d.policy.last_full);
  h.soc = 100;
  d = h.run(20s);
  EXPECT_NEAR(d.battery_power.value(), -800, 2);
  ASSERT_TRUE(d.policy.last_full);
  EXPECT_LT(h.now - *d.policy.last_full, 1s);
}

TEST(FullCharge, ComesWhenTheBmsAsksAndNotIntoACeiling) {
  House h = drawing();
  h.requests |= static_cast<std::uint32_t>(BmsRequest::full_charge);
  EXPECT_TRUE(h.run(5s).reasons.has(Cause::full_charge));
  h.settings.soc_ceiling = 90.0_soc;
  EXPECT_FALSE(h.run(5s).reasons.has(Cause::full_charge));
}

TEST(FullCharge, WaitsForAnOverrideButNotForASchedule) {
  House h = drawing();
  h.requests |= static_cast<std::uint32_t>(BmsRequest::full_charge);
  h.settings.schedule = {{always, discharge(1000.0_W, 20.0_soc)}};
  const Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 500, 1);
  EXPECT_TRUE(d.reasons.has(Cause::schedule_overruled));
  order(h, h.orders.manual, balance(10.0_soc, 90.0_soc));
  EXPECT_NEAR(h.run(5s).battery_power.value(), -800, 2);
}

// ---- tick by tick, by hand
// ---------------------------------------------------------------------------

/// Who says what, without the rest of the control.
struct Authorities {
  Settings settings;
  Snapshot snapshot;
  Memory memory;
  Observation observation;
  Orders orders;
  LocalTime local{.minute_of_day = 720, .weekday = 1, .trusted = true};
  Instant now{1000h};
  const PriceTable* prices = nullptr;

  Authorities() {
    observation.bms_ok = true;
    at(50);
  }
  void at(double soc, std::optional<double> reported = {}) {
    observation.soc = *Soc::from_percent(soc);
    observation.reported_soc = *Soc::from_percent(reported.value_or(soc));
  }
  [[nodiscard]] Inputs inputs() const {
    return {.settings = settings,
            .snapshot = snapshot,
            .now = now,
            .local = local,
            .orders = orders,
            .prices = prices};
  }
  PolicyMemory& tick(Duration passed = 100ms) {
    now += passed;
    update_authorities(inputs(), observation, memory);
    return memory.policy;
  }
  bool full_charge(Duration passed = 100ms) { return tick(passed).full_charge; }
  const AuthorityState& manual() { return tick().authority_state(Authority::manual); }
};

struct End {
  InstructionKind kind;
  bool AuthorityState::*end;
  double outside;  ///< %, where it is not reached yet
  double at;       ///< %, where it is
  double holds;    ///< %, the last value of its hysteresis
  double free;     ///< %
  bool ruling;     ///< goes by the SOC that rules, else by the BMS's word
};
/// Target 60 %, range 30 to 70 %, hysteresis 2 points (docs/policy.md).
TEST(Instructions, EachEndIsReachedAndLeftAtItsOwnValue) {
  using enum InstructionKind;
  for (const auto& row : {
           End{charge, &AuthorityState::bought, 59.9, 60, 58.1, 58, false},
           End{charge, &AuthorityState::served, 60.1, 60, 61.9, 62, true},
           End{discharge, &AuthorityState::sold, 60.1, 60, 61.9, 62, true},
           End{discharge, &AuthorityState::served, 60.1, 60, 61.9, 62, true},
           End{discharge, &AuthorityState::stored, 59.9, 60, 58.1, 58, false},
           End{balance, &AuthorityState::served, 30.1, 30, 31.9, 32, true},
           End{balance, &AuthorityState::stored, 69.9, 70, 68.1, 68, false},
           End{idle, &AuthorityState::stored, 29.9, 30, 28.1, 28, false},
           End{idle, &AuthorityState::served, 70.1, 70, 71.9, 72, true},
       }) {
    Authorities a;
    a.orders.manual = Order{
        {.kind = row.kind, .power = 1.0_W, .target = 60.0_soc, .low = 30.0_soc, .high = 70.0_soc},
        a.now + 1h};
    const auto reached = [&](double soc) {
      row.ruling ? a.at(soc, 50) : a.at(50, soc);
      return a.manual().*row.end;
    };
    SCOPED_TRACE(testing::Message() << name(row.kind) << " at " << row.at);
    EXPECT_FALSE(reached(row.outside));
    EXPECT_TRUE(reached(row.at));
    EXPECT_TRUE(reached(row.outside));
    EXPECT_TRUE(reached(row.holds));
    EXPECT_FALSE(reached(row.free));
    EXPECT_FALSE(reached(row.holds));
    EXPECT_TRUE(reached(row.at));
    a.observation.bms_ok = false;
    EXPECT_TRUE(reached(row.free)) << "not known: as it was";
    a.observation.bms_ok = true;
    a.orders.manual->instruction.power = 2.0_W;
    EXPECT_FALSE(reached(row.holds)) << "another instruction begins anew";
  }
}

TEST(Instructions, WhatIsNeitherBoughtNorSoldIsNoWaitingForIt) {
  for (const auto kind : enum_values<InstructionKind>) {
    Authorities a;
    a.orders.manual = Order{{.kind = kind, .power = 1.0_W, .target = 50.0_soc}, a.now + 1h};
    a.at(75, 25);
    EXPECT_EQ(a.manual().buys(), kind == InstructionKind::charge) << name(kind);
    EXPECT_EQ(a.manual().sells(), kind == InstructionKind::discharge) << name(kind);
  }
}

TEST(Expiry, AnOrderHoldsUntilItsEndAndNotAtIt) {
  Authorities a;
  a.orders.dispatch = Order{charge(200.0_W, 90.0_soc), a.now + 10s};
  a.orders.manual = Order{charge(100.0_W, 90.0_soc), a.now + 5s};
  EXPECT_EQ(a.tick(5s - 1ns).authority, Authority::manual);
  EXPECT_EQ(a.tick(1ns).authority, Authority::dispatch);
  EXPECT_EQ(policy_of(a.inputs(), a.observation, a.memory).until, a.orders.dispatch->until);
  EXPECT_EQ(a.tick(5s - 1ns).authority, Authority::dispatch);
  EXPECT_EQ(a.tick(1ns).authority, Authority::balance);
  EXPECT_FALSE(policy_of(a.inputs(), a.observation, a.memory).until);
  EXPECT_FALSE(a.memory.policy.authority_state(Authority::manual).instruction);
}

TEST(Expiry, AStormHoldsFromItsBeginToItsEndAndOnlyRaises) {
  Authorities a;
  a.orders.reserve = 40.0_soc;
  const auto reserve = [&] {
    evaluate_storm(a.inputs(), a.observation, a.memory);
    return reserve_in_force(a.inputs(), a.memory);
  };
  const auto policy = [&] { return policy_of(a.inputs(), a.observation, a.memory); };
  a.orders.storm = Storm{60.0_soc, a.now + 1ns};
  EXPECT_EQ(reserve(), 60.0_soc);
  EXPECT_EQ(policy().storm_until, a.now + 1ns);
  EXPECT_FALSE(policy().storm_from) << "it has begun";
  EXPECT_TRUE(policy().storm_kept);
  a.orders.storm->until = a.now;
  EXPECT_EQ(reserve(), 40.0_soc);
  EXPECT_FALSE(policy().storm_until);
  EXPECT_FALSE(policy().storm_kept);
  a.orders.storm = Storm{30.0_soc, a.now + 1s};
  EXPECT_EQ(reserve(), 40.0_soc);
  a.orders.storm = Storm{60.0_soc, a.now + 2s, a.now + 1ns, false};
  EXPECT_EQ(reserve(), 40.0_soc) << "not yet";
  EXPECT_EQ(policy().storm_from, a.now + 1ns);
  EXPECT_FALSE(policy().storm_kept);
  a.now += 1ns;
  EXPECT_EQ(reserve(), 60.0_soc);
  EXPECT_FALSE(policy().storm_from);
  EXPECT_TRUE(policy().storm_kept);
}

constexpr Duration a_day = 24h;

TEST(FullCharge, IsDueAfterItsDaysToTheTickAndNeverWithoutDays) {
  Authorities a;
  a.orders.last_full = a.now;
  EXPECT_FALSE(a.full_charge(4000 * a_day)) << "0 days: only when the BMS asks";
  a.settings.full_charge_days = 0.5;
  a.orders.last_full = a.now;
  EXPECT_FALSE(a.full_charge(12h - 1ns));
  EXPECT_TRUE(a.full_charge(1ns));
}

TEST(FullCharge, IsCountedFromTheStartWhereNothingIsKnown) {
  Authorities a;
  a.settings.full_charge_days = 1;
  EXPECT_FALSE(a.full_charge());
  EXPECT_FALSE(a.full_charge(a_day - 1ns));
  EXPECT_TRUE(a.full_charge(1ns));
  EXPECT_FALSE(policy_of(a.inputs(), a.observation, a.memory).last_full) << "a guess is not told";
}

TEST(FullCharge, WhatWasSeenCountsMoreThanWhatAnEarlierRunKnew) {
  Authorities a;
  a.settings.full_charge_days = 1;
  a.orders.last_full = a.now - 2 * a_day;
  EXPECT_TRUE(a.full_charge());
  a.at(50, 100);
  EXPECT_FALSE(a.full_charge()) << "full by the BMS's word";
  const Instant full = a.now;
  a.at(90);
  EXPECT_FALSE(a.full_charge(a_day - 1ns));
  EXPECT_EQ(policy_of(a.inputs(), a.observation, a.memory).last_full, full);
  EXPECT_TRUE(a.full_charge(1ns));
}

TEST(FullCharge, NeedsTheBmsAndACeilingOf100) {
  Authorities a;
  a.observation.full_charge_asked = true;
  EXPECT_TRUE(a.full_charge());
  a.observation.bms_ok = false;
  EXPECT_FALSE(a.full_charge());
  a.at(100);
  a.tick();
  EXPECT_FALSE(a.memory.policy.seen_full) << "an old word";
  a.observation.bms_ok = true;
  a.at(99.9);
  EXPECT_TRUE(a.full_charge());
  a.settings.soc_ceiling = 99.9_soc;
  EXPECT_FALSE(a.full_charge());
}

TEST(FullCharge, ThatDoesNotGetThereGivesUpForADay) {
  Authorities a;
  a.observation.full_charge_asked = true;
  EXPECT_TRUE(a.full_charge());
  EXPECT_TRUE(a.full_charge(a_day - 1ns));
  EXPECT_TRUE(a.full_charge(1ns)) << "the last tick of it";
  EXPECT_FALSE(a.full_charge(1ns));
  EXPECT_FALSE(a.full_charge(a_day - 2ns));
  EXPECT_TRUE(a.full_charge(1ns));
  EXPECT_TRUE(a.full_charge(a_day - 1ns)) << "a day again";
  EXPECT_TRUE(a.full_charge(1ns));
  EXPECT_FALSE(a.full_charge(1ns));
}

TEST(FullCharge, IsNotBoughtAtThePeakWithinADay) {
  Authorities a;
  a.settings.tariff.import_price = 0.30;
  a.settings.tariff.bands = {{.when = {every_day, 120, 180}, .import_price = 0.10}};
  a.local.minute_of_day = 60;
  a.observation.full_charge_asked = true;
  EXPECT_FALSE(a.full_charge()) << "at the peak";
  a.local.minute_of_day = 120;
  EXPECT_TRUE(a.full_charge());
  a.local.minute_of_day = 180;
  EXPECT_FALSE(a.full_charge());
  a.observation.bms_ok = false;
  a.full_charge();
  a.observation.bms_ok = true;
  EXPECT_FALSE(a.full_charge(a_day - 4 * 100ms));
  EXPECT_TRUE(a.full_charge()) << "it has waited for a day";
  EXPECT_TRUE(a.full_charge(a_day)) << "the last tick of it";
  EXPECT_FALSE(a.full_charge());
}

TEST(FullCharge, WithoutATrustedClockWaitsOutItsDayWherePricesChange) {
  Authorities a;
  a.settings.tariff.import_price = 0.30;
  a.settings.tariff.bands = {{.when = {every_day, 0, 1440}, .import_price = 0.10}};
  a.local.trusted = false;
  a.observation.full_charge_asked = true;
  EXPECT_FALSE(a.full_charge());
  EXPECT_FALSE(a.full_charge(a_day - 1ns));
  EXPECT_TRUE(a.full_charge(1ns));
}

/// A house below its reserve of 20 %, with a peak price outside 02:00 to 03:00.
House without_its_reserve(ReserveRecharge rule) {
  House h = drawing();
  h.settings.tariff.import_price = 0.30;
  h.settings.tariff.bands = {{.when = {every_day, 120, 180}, .import_price = 0.10}};
  h.settings.reserve_recharge = rule;
  h.settings.reserve_recharge_power = 600.0_W;
  h.local.minute_of_day = 60;
  h.drift_to(19);
  return h;
}

TEST(Reserve, IsMissedAtOnePointBelowItAndBackWhenReached) {
  for (const double floor : {10.0, 20.0}) {
    House h = drawing();
    h.settings.soc_floor = *Soc::from_percent(floor);
    h.settings.reserve = *Soc::from_percent(30.0 - floor);
    h.settings.reserve_recharge = ReserveRecharge::surplus;
    h.drift_to(19.1);
    EXPECT_FALSE(h.tick().faults.active(Fault::reserve_not_kept));
    h.soc = 19;
    EXPECT_TRUE(h.tick().faults.active(Fault::reserve_not_kept));
    h.soc = 19.9;
    EXPECT_TRUE(h.tick().faults.active(Fault::reserve_not_kept));
    h.soc = 20;
    EXPECT_FALSE(h.tick().faults.active(Fault::reserve_not_kept));
    h.soc = 19.1;
    EXPECT_FALSE(h.tick().faults.active(Fault::reserve_not_kept));
  }
}

TEST(Reserve, IsNotMissedWhereItIsUsedOrNothingIsKnown) {
  House h = without_its_reserve(ReserveRecharge::surplus);
  const auto told = [&] { return h.run(5s).faults.active(Fault::reserve_not_kept); };
  EXPECT_TRUE(told());
  h.state = InverterStatus::islanded;
  EXPECT_FALSE(told()) << "it is there for that";
  h.state = InverterStatus::grid_connected;
  EXPECT_TRUE(told());
  h.bms_alive = false;
  EXPECT_FALSE(told());
  h.bms_alive = true;
  h.run(5s);
  EXPECT_TRUE(told());
  h.inverter_alive = false;
  EXPECT_FALSE(told());
}

TEST(Reserve, WhatAStormAddsWasNeverThereToBeMissed) {
  House h = drawing();
  h.orders.storm = Storm{.reserve = 90.0_soc, .until = h.now + 1h, .fill = false};
  Decision d = h.run(5s);
  EXPECT_FALSE(d.faults.active(Fault::reserve_not_kept));
  EXPECT_FALSE(d.reasons.has(Cause::reserve_recharge));
  h.orders.reserve = 60.0_soc;
  d = h.run(5s);
  EXPECT_TRUE(d.faults.active(Fault::reserve_not_kept)) << "the owner wants more";
  EXPECT_TRUE(d.reasons.has(Cause::reserve_recharge));
}

TEST(Reserve, IsBoughtBackInCheapHoursUntilItIsReached) {
  House h = without_its_reserve(ReserveRecharge::cheap);
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1) << "not at the peak";
  h.local.minute_of_day = 120;
  Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 600, 1);
  EXPECT_TRUE(d.reasons.has(Cause::reserve_recharge));
  h.residual_w = -900;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 900, 2) << "more sun is not sent away";
  h.residual_w = 800;
  h.local.trusted = false;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1) << "the hour is not known";
  h.local.trusted = true;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 600, 1);
  h.soc = 20;
  d = h.run(5s);
  EXPECT_FALSE(d.faults.active(Fault::reserve_not_kept)) << "reached";
  EXPECT_NEAR(d.battery_power.value(), 600, 1) << "a BMS tells whole points";
  h.soc = 21;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1);
  h.soc = 19.1;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1);
  h.soc = 19;
  h.settings.soc_hysteresis = 0.5;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 600, 1);
  h.soc = 20.25;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1) << "before discharging resumes";
}

TEST(Reserve, IsBoughtBackAtAnyPriceOrOnlyByTheSunWhereTheOwnerSaysSo) {
  House h = without_its_reserve(ReserveRecharge::at_once);
  EXPECT_NEAR(h.run(5s).battery_power.value(), 600, 1);
  h.settings.reserve_recharge = ReserveRecharge::surplus;
  for (const int minute : {60, 120}) {
    h.local.minute_of_day = minute;
    EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1);
  }
  h.residual_w = -700;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 700, 2);
}

TEST(Reserve, OutranksPlansAndDispatchesButNotTheOverride) {
  House h = without_its_reserve(ReserveRecharge::at_once);
  const Instruction idle{.kind = InstructionKind::idle};
  order(h, h.orders.dispatch, idle);
  Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 600, 1);
  EXPECT_TRUE(d.reasons.has(Cause::dispatch_overruled));
  order(h, h.orders.dispatch, charge(1500.0_W, 90.0_soc));
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 1500, 1) << "whoever buys more does it himself";
  EXPECT_FALSE(d.reasons.has(Cause::reserve_recharge));
  order(h, h.orders.dispatch, charge(500.0_W, 90.0_soc));
  EXPECT_NEAR(h.run(5s).battery_power.value(), 600, 1);
  order(h, h.orders.manual, idle);
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1);
}

TEST(FullCharge, ThatWasInterruptedHasItsWholeDayAgain) {
  Authorities a;
  a.observation.full_charge_asked = true;
  a.full_charge();
  a.full_charge(20h);
  a.observation.full_charge_asked = false;
  EXPECT_FALSE(a.full_charge());
  a.observation.full_charge_asked = true;
  EXPECT_TRUE(a.full_charge());
  EXPECT_TRUE(a.full_charge(23h));
  EXPECT_TRUE(a.full_charge(30min));
}

/// What is told from `now` on, for two days.
PriceTable dear_then_cheap(Instant now, Duration dear) {
  PriceTable prices;
  prices.count = 2;
  prices.entries[0] = {now, now + dear, {0.30, {}}};
  prices.entries[1] = {now + dear, now + 48h, {0.10, {}}};
  return prices;
}

TEST(FullCharge, ThatWaitedForToldPricesKeepsItsDayWhenTheyEnd) {
  Authorities a;
  PriceTable prices = dear_then_cheap(a.now, 5h);
  a.prices = &prices;
  a.observation.full_charge_asked = true;
  EXPECT_FALSE(a.full_charge()) << "at the peak";
  prices.entries[0].end = a.now + 25h;
  prices.entries[1].begin = a.now + 25h;
  EXPECT_FALSE(a.full_charge(a_day - 1ns));
  EXPECT_TRUE(a.full_charge(1ns)) << "it has waited for a day";
  EXPECT_TRUE(a.full_charge(1h - 1s));
  a.prices = nullptr;
  EXPECT_TRUE(a.full_charge(1s)) << "they end";
  EXPECT_TRUE(a.full_charge(1h));
  EXPECT_TRUE(a.full_charge(22h)) << "the last tick of its day";
  EXPECT_FALSE(a.full_charge());
}

TEST(FullCharge, ThatLosesToldPricesWaitsForTheBandsOrNoLonger) {
  for (const bool bands : {true, false}) {
    Authorities a;
    a.settings.tariff.import_price = 0.30;
    if (bands) a.settings.tariff.bands = {{.when = {every_day, 120, 180}, .import_price = 0.10}};
    PriceTable prices = dear_then_cheap(a.now, 20h);
    a.prices = &prices;
    a.observation.full_charge_asked = true;
    EXPECT_FALSE(a.full_charge()) << "at the peak";
    EXPECT_FALSE(a.full_charge(10h - 1s));
    a.prices = nullptr;
    EXPECT_EQ(a.full_charge(1s), !bands) << "they end";
    EXPECT_EQ(a.full_charge(14h - 1ns), !bands);
    EXPECT_TRUE(a.full_charge(1ns)) << "it has waited for a day";
    EXPECT_TRUE(a.full_charge(a_day)) << "the last tick of its day";
    EXPECT_FALSE(a.full_charge());
  }
}

TEST(FullCharge, ThatComesWhereNoPricesAreToldAnyMoreWaitsForNone) {
  Authorities a;
  PriceTable prices = dear_then_cheap(a.now, 5h);
  a.prices = &prices;
  a.observation.full_charge_asked = true;
  EXPECT_FALSE(a.full_charge()) << "at the peak";
  a.observation.full_charge_asked = false;
  EXPECT_FALSE(a.full_charge());
  a.prices = nullptr;
  a.observation.full_charge_asked = true;
  EXPECT_TRUE(a.full_charge());
  EXPECT_TRUE(a.full_charge(a_day)) << "the last tick of it";
  EXPECT_FALSE(a.full_charge());
}

TEST(FullCharge, OnceFullItMayComeAgainAtOnce) {
  Authorities a;
  a.observation.full_charge_asked = true;
  a.full_charge();
  a.full_charge(a_day);
  EXPECT_FALSE(a.full_charge()) << "rests";
  a.at(100);
  EXPECT_FALSE(a.full_charge()) << "full, by the sun";
  a.at(90);
  EXPECT_TRUE(a.full_charge()) << "and asked for again";
  EXPECT_TRUE(a.full_charge(a_day - 1ns)) << "with a day of its own";
}

TEST(Planned, ScheduleBeforeTariffBeforeBalanceAndBalanceAloneWithoutAClock) {
  Settings s;
  s.schedule = {{{every_day, 60, 120}, charge(1000.0_W, 90.0_soc)}};
  s.tariff.bands = {{{every_day, 60, 180}, 0.07, {}, true}};
  s.tariff.force_charge_to = 80.0_soc;
  const auto who = [&](Mode mode, int minute, bool trusted = true) {
    return planned(s, mode, {minute, 1, trusted}).authority;
  };
  EXPECT_EQ(who(Mode::scheduled, 90), Authority::schedule);
  EXPECT_EQ(planned(s, Mode::scheduled, {90, 1, true}).instruction, charge(1000.0_W, 90.0_soc));
  EXPECT_EQ(who(Mode::balance, 90), Authority::tariff);
  const Instruction cheap = planned(s, Mode::balance, {90, 1, true}).instruction;
  EXPECT_EQ(cheap.kind, InstructionKind::charge);
  EXPECT_EQ(cheap.power, 2400.0_W);
  EXPECT_EQ(cheap.target, 80.0_soc);
  EXPECT_EQ(who(Mode::scheduled, 150), Authority::tariff);
  EXPECT_EQ(who(Mode::scheduled, 200), Authority::balance);
  EXPECT_EQ(who(Mode::scheduled, 90, false), Authority::balance);
  EXPECT_EQ(planned(s, Mode::scheduled, {90, 1, false}).instruction, Instruction{});
  EXPECT_EQ(who(Mode::balance, 90, false), Authority::balance);
}

TEST(Clock, OnlyPlansThatAreThereWaitForIt) {
  struct {
    bool schedule;
    bool tariff;
    Mode mode;
    bool waits;
  } constexpr rows[]{
      {false, false, Mode::scheduled, false}, {true, false, Mode::scheduled, true},
      {true, false, Mode::balance, false},    {false, true, Mode::scheduled, true},
      {false, true, Mode::balance, true},
  };
  for (const auto& row : rows) {
    House h = drawing();
    if (row.schedule) h.settings.schedule = {{always, charge(1000.0_W, 90.0_soc)}};
    if (row.tariff) h.settings.tariff.bands = {{always, 0.07, {}, true}};
    h.orders.mode = row.mode;
    EXPECT_FALSE(h.tick().reasons.has(Cause::clock_untrusted));
    h.local.trusted = false;
    const Decision d = h.tick();
    EXPECT_EQ(d.reasons.has(Cause::clock_untrusted), row.waits);
    EXPECT_EQ(without(d, Cause::clock_untrusted),
              row.waits ? std::optional{d.proposed} : std::nullopt);
  }
}

TEST(Policy, TellsWhatIsInForce) {
  Authorities a;
  a.settings.mode = Mode::balance;
  a.settings.soc_floor = 11.0_soc;
  a.settings.soc_ceiling = 91.0_soc;
  a.settings.reserve = 21.0_soc;
  a.settings.cutoff_soc = 6.0_soc;
  a.settings.tariff.import_price = 0.30;
  a.settings.tariff.export_price = 0.15;
  a.observation.backup_left = 3h;
  a.tick();
  Policy p = policy_of(a.inputs(), a.observation, a.memory);
  EXPECT_EQ(p.mode, Mode::balance);
  EXPECT_EQ(p.floor, 11.0_soc);
  EXPECT_EQ(p.ceiling, 91.0_soc);
  EXPECT_EQ(p.reserve, 21.0_soc);
  EXPECT_EQ(p.cutoff, 6.0_soc);
  EXPECT_EQ(p.import_price, 0.30);
  EXPECT_EQ(p.export_price, 0.15);
  EXPECT_EQ(p.backup_left, Duration{3h});
  EXPECT_EQ(p.instruction, Instruction{});
  a.orders.mode = Mode::scheduled;
  a.local.trusted = false;
  p = policy_of(a.inputs(), a.observation, a.memory);
  EXPECT_EQ(p.mode, Mode::scheduled);
  EXPECT_FALSE(p.import_price);
  EXPECT_FALSE(p.export_price);
}

TEST(Policy, ABmsThatForcesAChargeOutranksAllAFullChargeAndTheReserveAllButTheOwner) {
  Authorities a;
  EXPECT_FALSE(forced_charge(a.observation, a.memory));
  for (bool PolicyMemory::*need : {&PolicyMemory::full_charge, &PolicyMemory::reserve_recharge})
    for (const Authority who : enum_values<Authority>) {
      a.memory.policy = {};
      a.memory.policy.*need = true;
      a.memory.policy.authority = who;
      EXPECT_EQ(forced_charge(a.observation, a.memory), who != Authority::manual);
    }
  a.observation.force_charge = true;
  EXPECT_TRUE(forced_charge(a.observation, a.memory));
}

TEST(Policy, FloorCeilingAndCutoffAreThoseInForce) {
  House h = drawing();
  const Decision d = h.tick();
  EXPECT_EQ(d.policy.mode, Mode::scheduled);
  EXPECT_EQ(d.policy.floor, h.settings.soc_floor);
  EXPECT_EQ(d.policy.ceiling, h.settings.soc_ceiling);
  EXPECT_EQ(d.policy.cutoff, h.settings.cutoff_soc);
  EXPECT_EQ(d.policy.instruction, Instruction{});
}

// ---- what is refused ------------------------------------------------------------------------

std::vector<std::string> errors(const Settings& settings) {
  std::vector<std::string> texts;
  for (const auto& m : validate(settings)) texts.push_back(m.key + "|" + m.other + ": " + m.text);
  return texts;
}
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ScheduleErrors, OverlappingEntriesAreRefusedAndBothNamed) {
  Settings s;
  s.schedule = {{{0b0011111, 60, 120}, charge(1000.0_W, 90.0_soc)},
                {{0b1000000, 23 * 60, 61}, charge(1000.0_W, 90.0_soc)}};
  EXPECT_THAT(errors(s), ElementsAre("schedule 1|schedule 0: overlaps another on Monday at 01:00"));
  s.schedule[1].when.to = 60;
  EXPECT_THAT(errors(s), IsEmpty());
}

TEST(ScheduleErrors, AnInstructionKeepsToTheLimits) {
  Settings s;
  s.schedule = {{{every_day, 60, 120}, charge(3000.0_W, 90.0_soc)}};
  EXPECT_THAT(errors(s), ElementsAre(HasSubstr("schedule 0|: the rate is 3000 W")));
}

TEST(TariffErrors, EveryMinuteHasItsPrice) {
  Settings s;
  s.tariff.bands = {{{every_day, 0, 300}, 0.07}, {{every_day, 301, 0}, 0.30}};
  EXPECT_THAT(errors(s), ElementsAre(HasSubstr("no band holds on Monday at 05:00")));
  s.tariff.bands[1].when.from = 300;
  EXPECT_THAT(errors(s), IsEmpty());
  s.tariff.bands[1].when.from = 299;
  EXPECT_THAT(errors(s), ElementsAre("tariff.band 1|tariff.band 0: overlaps another on Monday "
                                     "at 04:59"));
}

TEST(TariffErrors, AForceChargeMayReachTheLimits) {
  Settings s;
  s.soc_ceiling = 90.0_soc;
  s.discharge_limit = 1000.0_W;
  s.tariff.force_charge_power = s.charge_limit;
  for (const auto& [target, errors_expected] :
       {std::pair{10.0_soc, 0u}, {90.0_soc, 0u}, {9.9_soc, 1u}, {90.1_soc, 1u}}) {
    s.tariff.force_charge_to = target;
    EXPECT_EQ(errors(s).size(), errors_expected) << target.percent();
  }
  s.tariff.force_charge_to = 80.0_soc;
  s.tariff.force_charge_power = 2400.1_W;
  EXPECT_THAT(errors(s), ElementsAre("tariff.force_charge_w|: the rate is 2400.1 W, expected above "
                                     "0 up to the charge limit (2400 W)"));
}

TEST(TariffErrors, OutsideTheBandsAPriceIsEnough) {
  Settings s;
  s.tariff.bands = {{{every_day, 60, 61}, 0.07}};
  EXPECT_EQ(errors(s).size(), 1u);
  s.tariff.import_price = 0.30;
  EXPECT_THAT(errors(s), IsEmpty());
}

TEST(ScheduleErrors, EveryDayHasItsName) {
  constexpr const char* names[]{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                "Friday", "Saturday", "Sunday"};
  for (int day = 0; day < 7; ++day) {
    Settings s;
    const WeekSpan span{static_cast<std::uint8_t>(1 << day), 13 * 60 + 5, 14 * 60};
    s.schedule = {{span, charge(1000.0_W, 90.0_soc)}, {span, charge(1000.0_W, 90.0_soc)}};
    EXPECT_THAT(errors(s), ElementsAre(std::string("schedule 1|schedule 0: overlaps another on ") +
                                       names[day] + " at 13:05"));
  }
}

TEST(TariffErrors, AForceChargeKeepsToTheLimits) {
  Settings s;
  s.tariff.force_charge_to = 5.0_soc;
  s.tariff.force_charge_power = Watts{2401};
  EXPECT_THAT(errors(s), ElementsAre(HasSubstr("the target is 5 %"), HasSubstr("2401 W")));
}

TEST(FullChargeErrors, ACeilingBelow100NeverLetsTheBatteryGetFull) {
  Settings s;
  s.full_charge_days = 30;
  s.soc_ceiling = 90.0_soc;
  EXPECT_THAT(errors(s), ElementsAre(HasSubstr("a full charge cannot pass")));
}

TEST(Cheap, ForceChargeTakesTheChargeLimitWhereNoPowerIsSet) {
  House h = drawing();
  h.settings.charge_limit = 1500.0_W;
  h.settings.tariff.bands = {{always, 0.07, {}, true}};
  h.settings.tariff.force_charge_to = 90.0_soc;
  EXPECT_EQ(h.run(5s).proposed, 1500.0_W);
}

TEST(NegativePrice, DoesNotHoldAgainstAnOverride) {
  House h = drawing();
  h.settings.tariff.bands = {{always, -0.02, -0.02}};
  order(h, h.orders.manual, discharge(1000.0_W, 20.0_soc));
  EXPECT_NEAR(h.run(5s).battery_power.value(), -1000, 1);
}

TEST(ReserveRecharge, EndsHalfOfTheHysteresisAboveTheReserveWhereThatIsLessThanAPoint) {
  House h = without_its_reserve(ReserveRecharge::at_once);
  h.settings.soc_hysteresis = 1.0;
  for (const double soc : {19.0, 20.0, 20.4}) {
    h.soc = soc;
    EXPECT_NEAR(h.run(5s).battery_power.value(), 600, 1) << soc;
  }
  h.soc = 20.5;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1);
}

TEST(ReserveRecharge, WantsNothingWhereNothingIsKnown) {
  for (bool House::*source : {&House::bms_alive, &House::inverter_alive}) {
    House h = without_its_reserve(ReserveRecharge::at_once);
    ASSERT_TRUE(h.run(1s).reasons.has(Cause::reserve_recharge));
    h.*source = false;
    EXPECT_FALSE(h.run(4s).reasons.has(Cause::reserve_recharge));
  }
}

TEST(ReserveRecharge, LeavesTheChargeToWhoeverBuysAsMuch) {
  for (const auto& [watts, own] : {std::pair{599.0, true}, {600.0, false}}) {
    House h = without_its_reserve(ReserveRecharge::at_once);
    order(h, h.orders.dispatch, charge(Watts{watts}, 90.0_soc));
    EXPECT_EQ(h.run(5s).reasons.has(Cause::reserve_recharge), own) << watts;
  }
}

/// Less than a point below the reserve is not missed, and a point above it is not bought, unless
/// it was missed before.
TEST(ReserveRecharge, BeginsWithNothingMissed) {
  for (const double soc : {19.5, 20.5}) {
    House h;
    h.settings.reserve_recharge = ReserveRecharge::at_once;
    h.residual_w = 800;
    h.soc = soc;
    const Decision d = h.run(5s);
    EXPECT_FALSE(d.faults.active(Fault::reserve_not_kept)) << soc;
    EXPECT_FALSE(d.reasons.has(Cause::reserve_recharge)) << soc;
  }
}

}  // namespace
}  // namespace esshub::control
