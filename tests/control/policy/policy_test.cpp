#include "control/policy/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/control/house.hpp"

namespace esshub::control {
namespace {

constexpr Instruction charge(Watts power, Soc target) {
  return {.kind = InstructionKind::charge, .power = power, .target = target};
}
constexpr Instruction discharge(Watts power, Soc target) {
  return {.kind = InstructionKind::discharge, .power = power, .target = target};
}
constexpr Instruction balance(Soc low, Soc high) {
  return {.kind = InstructionKind::balance, .low = low, .high = high};
}
constexpr Instruction idle(Soc low, Soc high) {
  return {.kind = InstructionKind::idle, .low = low, .high = high};
}
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

TEST(Instructions, ChargeHoldsItsRateFromTheGridUpToItsTargetAndThenRests) {
  House h = drawing();
  order(h, h.orders.manual, charge(1500.0_W, 60.0_soc));
  Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 1500, 1);
  EXPECT_TRUE(d.reasons.has(Cause::charge));
  EXPECT_EQ(d.policy.authority, Authority::manual);
  EXPECT_EQ(d.policy.instruction, h.orders.manual->instruction);
  EXPECT_EQ(d.policy.until, h.orders.manual->until);
  h.soc = 60;
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 0, 1);
  EXPECT_TRUE(d.reasons.has(Cause::target_reached));
  h.soc = 59;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1) << "hysteresis";
  h.soc = 58;
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
  h.soc = 75;
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
  EXPECT_EQ(without(d, Cause::bms_stale), Watts{2000});
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

TEST(FullCharge, ThatDoesNotGetThereGivesUpForADay) {
  House h = drawing();
  h.settings.period = 1s;
  h.requests |= static_cast<std::uint32_t>(BmsRequest::full_charge);
  h.run(24h - 1min);
  EXPECT_TRUE(h.tick().reasons.has(Cause::full_charge));
  h.run(2min);
  EXPECT_FALSE(h.tick().reasons.has(Cause::full_charge));
  h.run(24h);
  EXPECT_TRUE(h.tick().reasons.has(Cause::full_charge));
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

TEST(ScheduleMistakes, OverlappingEntriesAreRefusedAndBothNamed) {
  Settings s;
  s.schedule = {{{0b0011111, 60, 120}, charge(1000.0_W, 90.0_soc)},
                {{0b1000000, 23 * 60, 61}, charge(1000.0_W, 90.0_soc)}};
  EXPECT_THAT(errors(s), ElementsAre("schedule 1|schedule 0: overlaps another on Monday at 01:00"));
  s.schedule[1].when.to = 60;
  EXPECT_THAT(errors(s), IsEmpty());
}

TEST(ScheduleMistakes, AnInstructionKeepsToTheLimits) {
  Settings s;
  s.schedule = {{{every_day, 60, 120}, charge(3000.0_W, 90.0_soc)}};
  EXPECT_THAT(errors(s), ElementsAre(HasSubstr("schedule 0|: the rate is 3000 W")));
}

TEST(TariffMistakes, EveryMinuteHasItsPrice) {
  Settings s;
  s.tariff.bands = {{{every_day, 0, 300}, 0.07}, {{every_day, 301, 0}, 0.30}};
  EXPECT_THAT(errors(s), ElementsAre(HasSubstr("no band holds on Monday at 05:00")));
  s.tariff.bands[1].when.from = 300;
  EXPECT_THAT(errors(s), IsEmpty());
  s.tariff.bands[1].when.from = 299;
  EXPECT_THAT(errors(s), ElementsAre("tariff.band 1|tariff.band 0: overlaps another on Monday "
                                     "at 04:59"));
}

TEST(TariffMistakes, AForceChargeKeepsToTheLimits) {
  Settings s;
  s.tariff.force_charge_to = 5.0_soc;
  s.tariff.force_charge_power = Watts{2401};
  EXPECT_THAT(errors(s), ElementsAre(HasSubstr("the target is 5 %"), HasSubstr("2401 W")));
}

TEST(FullChargeMistakes, ACeilingBelow100NeverLetsTheBatteryGetFull) {
  Settings s;
  s.full_charge_days = 30;
  s.soc_ceiling = 90.0_soc;
  EXPECT_THAT(errors(s), ElementsAre(HasSubstr("a full charge cannot pass")));
}

}  // namespace
}  // namespace esshub::control
