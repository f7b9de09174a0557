#include "control/policy/orders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "tests/control/policy/instructions.hpp"

namespace esshub::control {
namespace {

using testing::HasSubstr;

constexpr Instant now = Instant{} + 1000s;
const Settings settings;  // limits 2400 W, floor 10 %, reserve 20 %, ceiling 100 %

std::string refusal(const Command& command, const Settings& s = settings, Orders orders = {}) {
  const auto result = apply(orders, command, s, now);
  return result ? "accepted" : result.error().detail;
}

TEST(Orders, AnOverrideHoldsForItsLength) {
  const auto orders = apply({}, StartOverride{charge(2000.0_W, 80.0_soc), 1h}, settings, now);
  ASSERT_TRUE(orders);
  ASSERT_TRUE(orders->manual);
  EXPECT_EQ(orders->manual->until, now + 1h);
  EXPECT_EQ(orders->manual->instruction.power, 2000.0_W);
}

TEST(Orders, WhatHasEndedIsLeftOut) {
  Orders orders;
  orders.manual = Order{balance(10.0_soc, 90.0_soc), now + 1s};
  orders.dispatch = Order{balance(10.0_soc, 90.0_soc), now};
  orders.storm = Storm{50.0_soc, now - 1s};
  orders.reserve = 30.0_soc;
  const auto left = expire(orders, now);
  EXPECT_TRUE(left.manual);
  EXPECT_FALSE(left.dispatch);
  EXPECT_FALSE(left.storm);
  EXPECT_EQ(left.reserve, 30.0_soc);
  EXPECT_FALSE(apply(orders, SetMode{}, settings, now)->storm) << "nor does a command revive it";
}

TEST(Orders, ARateIsAboveZeroAndWithinTheLimitOfItsDirection) {
  Settings s;
  s.charge_limit = 1000.0_W;
  EXPECT_THAT(refusal(StartOverride{charge(0.0_W, 80.0_soc), 1h}),
              HasSubstr("the rate is 0 W, expected above 0 up to the charge limit (2400 W)"));
  EXPECT_THAT(refusal(StartOverride{charge(1001.0_W, 80.0_soc), 1h}, s), HasSubstr("(1000 W)"));
  EXPECT_EQ(refusal(StartOverride{discharge(1001.0_W, 30.0_soc), 1h}, s), "accepted");
  EXPECT_THAT(refusal(StartOverride{discharge(2401.0_W, 30.0_soc), 1h}),
              HasSubstr("discharge limit"));
}

/// Of a range by its name: its ends and what is offered.
std::array<double, 3> accepted(std::string_view name, const Settings& s,
                               const Orders& orders = {}) {
  for (const auto& limit : accepted_limits(orders, s, now))
    if (limit.name == name) return {limit.least, limit.most, limit.initial};
  return {};
}

TEST(Orders, TheRangesOfferedAreWhatIsTaken) {
  using Range = std::array<double, 3>;
  EXPECT_EQ(accepted("reserve_percent", settings), (Range{10, 97, 20}));  // hysteresis above it
  EXPECT_EQ(accepted("power_w", settings), (Range{10, 2400, 1000}));
  EXPECT_EQ(accepted("override_minutes", settings), (Range{1, 10080, 60}));
  Settings s;
  s.charge_limit = 995.0_W;
  s.soc_floor = 15.0_soc;
  s.soc_ceiling = 90.0_soc;
  EXPECT_EQ(accepted("charge_power_w", s), (Range{10, 990, 990}));
  EXPECT_EQ(accepted("discharge_power_w", s), (Range{10, 2400, 1000}));
  EXPECT_EQ(accepted("power_w", s), (Range{10, 2400, 1000}));
  EXPECT_EQ(accepted("target_percent", s), (Range{15, 90, 80}));
  Orders orders;
  orders.reserve = 85.0_soc;
  EXPECT_EQ(accepted("storm_reserve_percent", s, orders), (Range{85, 89, 85}));
}

/// Whether a value of the range is taken; nothing of a length.
std::optional<bool> taken(const OrderLimit& limit, double v, const Settings& s,
                          const Orders& orders) {
  const auto accepts = [&](const Command& command) { return apply(orders, command, s, now); };
  const auto percent = Soc::from_percent(v);
  const bool charges = limit.name != "discharge_power_w" &&
                       accepts(StartOverride{charge(Watts{v}, s.soc_ceiling), 1h});
  const bool discharges = limit.name != "charge_power_w" &&
                          accepts(StartOverride{discharge(Watts{v}, s.soc_ceiling), 1h});
  switch (limit.id) {
    case OrderLimitId::reserve:
      return percent && accepts(SetReserve{*percent});
    case OrderLimitId::storm_reserve:
      return percent && accepts(StartStorm{*percent, 1h});
    case OrderLimitId::soc:
      return percent && (accepts(StartOverride{charge(10.0_W, *percent), 1h}) ||
                         accepts(StartOverride{discharge(10.0_W, *percent), 1h}));
    case OrderLimitId::power:
      return charges || discharges;
    case OrderLimitId::override_length:
    case OrderLimitId::storm_length:
    case OrderLimitId::storm_begin:
    case OrderLimitId::dispatch_length:
      return std::nullopt;
  }
  return std::nullopt;
}

TEST(Orders, EveryStepOfARangeIsTakenAndNoOther) {
  Settings uneven;
  uneven.soc_floor = 15.5_soc;
  uneven.soc_ceiling = 90.5_soc;
  uneven.charge_limit = 1234.0_W;
  Settings cutoff_above_floor;
  cutoff_above_floor.soc_floor = 0.0_soc;
  cutoff_above_floor.cutoff_soc = 7.0_soc;
  Settings floor_above_reserve;
  floor_above_reserve.soc_floor = 40.0_soc;
  Settings no_charge;
  no_charge.charge_limit = 0.0_W;
  Settings hardly_a_discharge;
  hardly_a_discharge.discharge_limit = 9.0_W;
  Settings neither = no_charge;
  neither.discharge_limit = 0.0_W;
  Settings between_two_steps;
  between_two_steps.soc_floor = 50.2_soc;
  between_two_steps.soc_ceiling = 50.8_soc;
  between_two_steps.soc_hysteresis = 0.1;
  between_two_steps.reserve = 50.3_soc;
  for (const Settings& s : {settings, uneven, cutoff_above_floor, floor_above_reserve, no_charge,
                            hardly_a_discharge, neither, between_two_steps})
    for (const auto& reserve :
         {std::optional<Soc>{}, std::optional{60.0_soc}, std::optional{95.0_soc}}) {
      Orders orders;
      orders.reserve = reserve;
      int judged = 0;
      for (const auto& limit : accepted_limits(orders, s, now)) {
        const auto& whole = order_limit(limit.id);
        if (!taken(limit, whole.least, s, orders)) continue;
        ++judged;
        for (double v = whole.least - whole.step; v <= whole.most + whole.step; v += whole.step)
          ASSERT_EQ(taken(limit, v, s, orders) == true && allows(whole, v), allows(limit, v))
              << limit.name << ' ' << v << ", " << limit.least << " to " << limit.most;
      }
      ASSERT_EQ(judged, 6) << "reserve, storm, target, and the power of either, charge, discharge";
    }
}

TEST(Orders, OfWhatIsNotTakenTheRangeIsEmpty) {
  const auto is_empty = [](std::string_view name, const Settings& s, const Orders& orders = {}) {
    const auto [least, most, initial] = accepted(name, s, orders);
    return least > most;
  };
  Settings s;
  s.charge_limit = 9.0_W;
  EXPECT_TRUE(is_empty("charge_power_w", s));
  EXPECT_FALSE(is_empty("discharge_power_w", s));
  EXPECT_FALSE(is_empty("power_w", s));
  EXPECT_FALSE(is_empty("target_percent", s)) << "of a discharge";
  s.discharge_limit = 0.0_W;
  EXPECT_TRUE(is_empty("power_w", s));
  EXPECT_TRUE(is_empty("target_percent", s));
  Orders orders;
  orders.reserve = 95.0_soc;
  s.soc_ceiling = 90.0_soc;
  EXPECT_TRUE(is_empty("storm_reserve_percent", s, orders)) << "the ceiling was lowered since";
}

TEST(Orders, ADispatchBeyondTheLimitsIsTakenAsAskedForTheyBoundIt) {
  const auto orders = apply({}, StartDispatch{charge(5000.0_W, 80.0_soc), 1min}, settings, now);
  ASSERT_TRUE(orders);
  EXPECT_EQ(orders->dispatch, (Order{charge(5000.0_W, 80.0_soc), now + 1min}));
  EXPECT_EQ(refusal(StartDispatch{discharge(32767.0_W, 30.0_soc), 1min}), "accepted");
}

TEST(Orders, ADispatchOfNoPowerAtAllIsRefused) {
  for (const double power : {std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity(), 0.0, -500.0})
    EXPECT_THAT(refusal(StartDispatch{charge(Watts{power}, 80.0_soc), 1h}),
                HasSubstr("expected a number above 0"));
}

TEST(Orders, ATargetLiesBetweenFloorAndCeiling) {
  Settings s;
  s.soc_ceiling = 90.0_soc;
  EXPECT_THAT(refusal(StartDispatch{charge(500.0_W, 91.0_soc), 1h}, s),
              HasSubstr("expected between the SOC floor (10 %) and the SOC ceiling (90 %)"));
  EXPECT_THAT(refusal(StartDispatch{discharge(500.0_W, 9.0_soc), 1h}, s),
              HasSubstr("the target is 9 %"));
  EXPECT_EQ(refusal(StartDispatch{discharge(500.0_W, 10.0_soc), 1h}, s), "accepted");
}

TEST(Orders, ARangeHasRoomInIt) {
  EXPECT_THAT(refusal(StartOverride{balance(50.0_soc, 50.0_soc), 1h}),
              HasSubstr("the range is 50 % to 50 %, expected low below high"));
}

TEST(Orders, EveryOrderHasAShortestAndALongestLength) {
  const auto b = balance(10.0_soc, 90.0_soc);
  EXPECT_THAT(refusal(StartOverride{b, 59s}), HasSubstr("is 59 s, expected 1 min to 7 days"));
  EXPECT_EQ(refusal(StartOverride{b, 1min}), "accepted");
  EXPECT_EQ(refusal(StartOverride{b, 7 * 24h}), "accepted");
  EXPECT_NE(refusal(StartOverride{b, 7 * 24h + 1s}), "accepted");
  EXPECT_THAT(refusal(StartDispatch{b, 0s}), HasSubstr("is 0 s, expected 1 s to 2 days"));
  EXPECT_EQ(refusal(StartDispatch{b, 1s}), "accepted");
  EXPECT_EQ(refusal(StartDispatch{b, 48h}), "accepted");
  EXPECT_NE(refusal(StartDispatch{b, 48h + 1s}), "accepted");
  EXPECT_NE(refusal(StartDispatch{b, -1s}), "accepted");
  EXPECT_THAT(refusal(StartStorm{50.0_soc, 14min}), HasSubstr("expected 15 min to 14 days"));
  EXPECT_EQ(refusal(StartStorm{50.0_soc, 15min}), "accepted");
  EXPECT_EQ(refusal(StartStorm{50.0_soc, 14 * 24h}), "accepted");
  EXPECT_NE(refusal(StartStorm{50.0_soc, 14 * 24h + 1s}), "accepted");
}

TEST(Orders, ALengthIsToldInTheUnitThatFitsIt) {
  const auto b = balance(10.0_soc, 90.0_soc);
  struct {
    Duration length;
    const char* text;
  } constexpr rows[]{
      {14 * 24h, "the length is 14 days,"},
      {48h + 864s, "the length is 2.01 days,"},
  };
  for (const auto& row : rows)
    EXPECT_THAT(refusal(StartDispatch{b, row.length}), HasSubstr(row.text));
  for (const auto& [length, text] : {std::pair{Duration{12min}, "the length is 12 min,"},
                                     {Duration{60s}, "is 1 min,"},
                                     {Duration{59s}, "is 59 s,"},
                                     {Duration{-7200s}, "is -7200 s,"}})
    EXPECT_THAT(refusal(StartStorm{50.0_soc, length}), HasSubstr(text));
}

TEST(Orders, AnOverrideHasALeastAndAMostPower) {
  Settings s;
  s.charge_limit = 10000.0_W;
  EXPECT_EQ(refusal(StartOverride{charge(10.0_W, 80.0_soc), 1h}, s), "accepted");
  EXPECT_EQ(refusal(StartOverride{charge(10000.0_W, 80.0_soc), 1h}, s), "accepted");
  EXPECT_THAT(refusal(StartOverride{charge(9.9_W, 80.0_soc), 1h}, s),
              HasSubstr("is 9.9 W, expected 10 to 10000 W"));
  EXPECT_THAT(refusal(StartOverride{discharge(9.9_W, 30.0_soc), 1h}),
              HasSubstr("is 9.9 W, expected 10 to 10000 W"));
  EXPECT_THAT(refusal(StartOverride{charge(10001.0_W, 80.0_soc), 1h}, s),
              HasSubstr("expected above 0 up to the charge limit (10000 W)"));
}

TEST(Orders, AReserveLiesBetweenFloorAndCeilingAndFitsTheRest) {
  EXPECT_THAT(refusal(SetReserve{5.0_soc}), HasSubstr("the SOC floor (10 %)"));
  EXPECT_THAT(refusal(SetReserve{100.0_soc}), HasSubstr("the SOC ceiling (100 %)"));
  EXPECT_THAT(refusal(SetReserve{99.0_soc}), HasSubstr("discharging would resume at 101 %"));
  Settings s;
  s.cutoff_soc = 15.0_soc;
  EXPECT_THAT(refusal(SetReserve{12.0_soc}, s), HasSubstr("the cut-off is 15 %"));
  EXPECT_EQ(apply({}, SetReserve{40.0_soc}, settings, now)->reserve, 40.0_soc);
  EXPECT_EQ(apply({.reserve = 40.0_soc}, SetReserve{}, settings, now)->reserve, std::nullopt);
}

TEST(Orders, AReserveAtTheFloorIsTakenAndOneAtTheCeilingIsNot) {
  Settings s;
  s.soc_ceiling = 90.0_soc;
  s.cutoff_soc = 5.0_soc;
  EXPECT_EQ(refusal(SetReserve{10.0_soc}, s), "accepted");
  EXPECT_EQ(refusal(SetReserve{9.9_soc}, s),
            "the reserve is 9.9 %, expected at or above the SOC floor (10 %) and below the SOC "
            "ceiling (90 %)");
  EXPECT_THAT(refusal(SetReserve{90.0_soc}, s), HasSubstr("expected at or above the SOC floor"));
  EXPECT_EQ(refusal(SetReserve{87.9_soc}, s), "accepted") << "with its hysteresis below it";
}

TEST(Orders, AStormCanOnlyRaiseTheReserve) {
  EXPECT_EQ(refusal(StartStorm{20.0_soc, 1h}), "accepted");
  Settings low;
  low.soc_ceiling = 90.0_soc;
  EXPECT_EQ(refusal(StartStorm{90.0_soc, 1h}, low),
            "the storm reserve is 90 %, expected at or above the reserve (20 %) and below the SOC "
            "ceiling (90 %)");
  EXPECT_EQ(refusal(StartStorm{89.9_soc, 1h}, low), "accepted");
  EXPECT_THAT(refusal(StartStorm{19.0_soc, 1h}), HasSubstr("at or above the reserve (20 %)"));
  EXPECT_THAT(refusal(StartStorm{39.0_soc, 1h}, settings, {.reserve = 40.0_soc}),
              HasSubstr("(40 %)"));
  EXPECT_NE(refusal(StartStorm{100.0_soc, 1h}), "accepted");
  const auto orders = apply({}, StartStorm{80.0_soc, 24h}, settings, now);
  ASSERT_TRUE(orders);
  EXPECT_EQ(orders->storm, (Storm{80.0_soc, now + 24h, now, true}));
  const StartStorm later{80.0_soc, 24h, 6h, false};
  EXPECT_EQ(apply({}, later, settings, now)->storm, (Storm{80.0_soc, now + 30h, now + 6h, false}));
  EXPECT_EQ(refusal(StartStorm{80.0_soc, 24h, 7 * 24h}), "accepted");
  EXPECT_NE(refusal(StartStorm{80.0_soc, 24h, 7 * 24h + 1s}), "accepted");
  EXPECT_EQ(refusal(StartStorm{80.0_soc, 24h, 8 * 24h}),
            "it begins in 8 days, expected now to 7 days ahead");
  EXPECT_NE(refusal(StartStorm{80.0_soc, 24h, -1ns}), "accepted");
}

TEST(Orders, EndingEndsItsOwnOrderAlone) {
  Orders orders;
  orders.manual = orders.dispatch = Order{balance(10.0_soc, 90.0_soc), now + 1h};
  orders.storm = Storm{50.0_soc, now + 1h};
  EXPECT_FALSE(apply(orders, EndOverride{}, settings, now)->manual);
  EXPECT_TRUE(apply(orders, EndOverride{}, settings, now)->dispatch);
  EXPECT_FALSE(apply(orders, EndDispatch{}, settings, now)->dispatch);
  EXPECT_FALSE(apply(orders, EndStorm{}, settings, now)->storm);
  EXPECT_EQ(refusal(EndStorm{}), "accepted") << "ending what is not there harms nobody";
}

TEST(Orders, EachIsTakenIntoItsOwnPlace) {
  Orders before;
  before.manual = Order{balance(10.0_soc, 90.0_soc), now + 1h};
  before.dispatch = Order{balance(20.0_soc, 80.0_soc), now + 1h};
  before.storm = Storm{50.0_soc, now + 1h};
  before.reserve = 30.0_soc;
  before.mode = Mode::balance;
  const auto charged = charge(500.0_W, 80.0_soc);
  const auto after = [&](const Command& command) { return *apply(before, command, settings, now); };
  Orders expected = before;
  expected.mode = Mode::scheduled;
  EXPECT_EQ(after(SetMode{Mode::scheduled}), expected);
  expected.mode.reset();
  EXPECT_EQ(after(SetMode{}), expected);
  expected = before;
  expected.manual = Order{charged, now + 2h};
  EXPECT_EQ(after(StartOverride{charged, 2h}), expected);
  expected = before;
  expected.dispatch = Order{charged, now + 2h};
  EXPECT_EQ(after(StartDispatch{charged, 2h}), expected);
  expected = before;
  expected.storm = Storm{60.0_soc, now + 2h, now};
  EXPECT_EQ(after(StartStorm{60.0_soc, 2h}), expected);
}

TEST(Orders, ARefusalIsAMistakeOfWhoAsked) {
  EXPECT_EQ(apply({}, SetReserve{5.0_soc}, settings, now).error().kind, ErrorKind::invalid);
}

TEST(Orders, HoldUntilTheirEndAndNotAtIt) {
  Orders orders;
  orders.manual = orders.dispatch = Order{balance(10.0_soc, 90.0_soc), now};
  orders.storm = Storm{50.0_soc, now};
  EXPECT_EQ(expire(orders, now - 1ns), orders);
  EXPECT_EQ(expire(orders, now), Orders{});
}

TEST(Orders, EveryResetOfTheCutoffIsANewOne) {
  EXPECT_EQ(apply({.acknowledgements = 7}, Acknowledge{}, settings, now)->acknowledgements, 8u);
}

}  // namespace
}  // namespace esshub::control
