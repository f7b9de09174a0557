#include "model/snapshot.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "model/view.hpp"

namespace esshub {
namespace {

using namespace literals;

TEST(Snapshot, KeepsTheNewestSample) {
  const Instant t0{};
  Snapshot s;
  const Channel grid{Point::grid, Measure::power};
  s.absorb({grid, 10.0, t0 + 2s});
  s.absorb({grid, 99.0, t0 + 2s - 1ns});  // older: ignored
  ASSERT_TRUE(s.power(Point::grid));
  EXPECT_EQ(s.power(Point::grid)->value, 10.0_W);
  EXPECT_FALSE(s.power(Point::solar));
  s.absorb({grid, 11.0, t0 + 2s});  // not older
  EXPECT_EQ(s.power(Point::grid)->value, 11.0_W);
}

TEST(Snapshot, EachChannelStandsByItself) {
  Snapshot s;
  for (const Point point : enum_values<Point>)
    for (const Measure measure : enum_values<Measure>)
      s.absorb({{point, measure},
                1000.0 * static_cast<double>(index(point)) + static_cast<double>(index(measure)),
                Instant{}});
  for (const Point point : enum_values<Point>)
    for (const Measure measure : enum_values<Measure>)
      EXPECT_EQ(s.raw(point, measure)->value,
                1000.0 * static_cast<double>(index(point)) + static_cast<double>(index(measure)));
}

/// Whatever form it is asked in, a reading keeps its moment and how long it counts as current.
TEST(Snapshot, AReadingKeepsItsAgeInEveryForm) {
  const Instant at{7s};
  constexpr Duration max_age = 11s;
  Snapshot s;
  s.absorb({{Point::battery, Measure::soc}, 50.0, at, max_age});
  s.absorb({{Point::grid, Measure::power}, 5.0, at, max_age});
  s.absorb({{Point::inverter, Measure::status}, 1.0, at, max_age});
  s.absorb({{Point::inverter, Measure::main_state}, 8.0, at, max_age});
  const auto check = [&](const auto& reading, auto value) {
    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->value, value);
    EXPECT_EQ(reading->at, at);
    EXPECT_EQ(reading->max_age, max_age);
  };
  check(s.raw(Point::grid, Measure::power), 5.0);
  check(s.power(Point::grid), 5.0_W);
  check(s.get<Volts>(Point::grid, Measure::power), 5.0_V);
  check(s.soc(), 50.0_soc);
  check(s.bits(Point::inverter, Measure::status), 1u);
  check(s.inverter_status(), InverterStatus::grid_connected);
  check(s.vebus_state(), VebusState::passthru);
}

TEST(Snapshot, WhatNobodyReportedIsNothing) {
  const Snapshot s;
  EXPECT_FALSE(s.raw(Point::grid, Measure::power));
  EXPECT_FALSE(s.power(Point::grid));
  EXPECT_FALSE(s.soc());
  EXPECT_FALSE(s.bits(Point::battery, Measure::protections));
  EXPECT_FALSE(s.inverter_status());
  EXPECT_FALSE(s.vebus_state());
}

TEST(Snapshot, BitsAreWhat32BitsHold) {
  Snapshot s;
  const auto bits = [&](double number) {
    s.absorb({{Point::battery, Measure::protections}, number, Instant{}});
    return s.bits(Point::battery, Measure::protections);
  };
  EXPECT_EQ(bits(0.0)->value, 0u);
  EXPECT_EQ(bits(4294967295.0)->value, 4294967295u);
  EXPECT_FALSE(bits(4294967296.0));
  EXPECT_FALSE(bits(-1.0));
  EXPECT_FALSE(bits(std::nan("")));
}

TEST(Fresh, IsJudgedByTheAgeThatIsAskedForOrThatCameWithIt) {
  const std::optional<Reading<int>> reading{{5, Instant{10s}, 4s}};
  EXPECT_EQ(fresh(reading, Instant{14s}), 5);
  EXPECT_FALSE(fresh(reading, Instant{14s + 1ns}));
  EXPECT_EQ(fresh(reading, Instant{16s}, 6s), 5);
  EXPECT_FALSE(fresh(reading, Instant{16s + 1ns}, 6s));
  EXPECT_FALSE(fresh(std::optional<Reading<int>>{}, Instant{}));
  EXPECT_EQ((Reading<int>{1, Instant{}}.max_age), 3s);
  EXPECT_EQ((Sample{{Point::grid, Measure::power}, 1.0, Instant{}}.max_age), 3s);
}

TEST(Snapshot, StaleIsNotCurrent) {
  const Instant t0{};
  const std::optional<Reading<Watts>> reading{{5.0_W, t0}};
  EXPECT_EQ(fresh(reading, t0 + 3s, 3s), 5.0_W);
  EXPECT_FALSE(fresh(reading, t0 + 3s + 1ns, 3s));
  EXPECT_FALSE(fresh(std::optional<Reading<Watts>>{}, t0, 3s));
}

TEST(Snapshot, ImpossibleSocIsNoReading) {
  Snapshot s;
  s.absorb({{Point::battery, Measure::soc}, 100.0, Instant{}});
  EXPECT_EQ(s.soc()->value, 100.0_soc);
  s.absorb({{Point::battery, Measure::soc}, 101.0, Instant{}});
  EXPECT_FALSE(s.soc());
}

TEST(View, StaleReadingIsNotShown) {
  View v;
  v.snapshot.absorb({{Point::grid, Measure::power}, 1.0, Instant{} + 1s});
  v.now = Instant{} + 2s;
  EXPECT_TRUE(v.current(Point::grid, Measure::power));
  v.now = Instant{} + 10s;
  EXPECT_FALSE(v.current(Point::grid, Measure::power));
}

TEST(View, EachReadingIsShownAsLongAsItsSourceSays) {
  View v;
  v.snapshot.absorb({{Point::battery, Measure::soc}, 57.0, Instant{}});
  v.snapshot.absorb({{Point::battery, Measure::protections}, 2.0, Instant{}, 5s});
  v.snapshot.absorb({{Point::inverter, Measure::main_state}, 9.0, Instant{}, 5s});
  v.snapshot.absorb({{battery_module(0), Measure::temperature}, 21.0, Instant{}, 15s});
  v.now = Instant{} + 3s;
  EXPECT_EQ(v.current(Point::battery, Measure::soc), 57.0);
  EXPECT_EQ(fresh(v.snapshot.soc(), v.now), 57.0_soc);
  v.now += 1ns;
  EXPECT_FALSE(v.current(Point::battery, Measure::soc));
  EXPECT_FALSE(fresh(v.snapshot.soc(), v.now));
  EXPECT_EQ(fresh(v.snapshot.bits(Point::battery, Measure::protections), v.now), 2u);
  EXPECT_TRUE(fresh(v.snapshot.vebus_state(), v.now));
  v.now = Instant{} + 5s + 1ns;
  EXPECT_FALSE(fresh(v.snapshot.bits(Point::battery, Measure::protections), v.now));
  EXPECT_FALSE(fresh(v.snapshot.vebus_state(), v.now));
  EXPECT_EQ(fresh(v.snapshot.get<Celsius>(battery_module(0), Measure::temperature), v.now),
            Celsius{21.0});
  v.now = Instant{} + 15s + 1ns;
  EXPECT_FALSE(v.current(battery_module(0), Measure::temperature));
}

/// What nobody knows is no status: control must not take it for grid-connected.
TEST(Snapshot, AnUnknownInverterStatusIsNone) {
  Snapshot s;
  for (const double number : {0.0, 3.0, 4.0, 255.0, -1.0}) {
    s.absorb({{Point::inverter, Measure::status}, number, Instant{}});
    EXPECT_EQ(s.inverter_status().has_value(), number == 0.0 || number == 3.0) << number;
  }
  for (const double number : {0.0, 9.0, 10.0, 256.0, -1.0}) {
    s.absorb({{Point::inverter, Measure::main_state}, number, Instant{}});
    EXPECT_EQ(s.vebus_state().has_value(), number == 0.0 || number == 9.0) << number;
  }
}

TEST(LocalTime, ThePlanWaitsThroughTheRepeatedHourAndPricesDoNot) {
  LocalTime local;
  EXPECT_FALSE(local.trusted);
  EXPECT_EQ(local.minute_of_day, 0);
  EXPECT_EQ(local.weekday, 1);
  local.minute_of_day = 130;
  local.weekday = 7;
  EXPECT_EQ(local.shown(), (CivilMinute{130, 7}));
  EXPECT_EQ(local.planned(), (CivilMinute{130, 7}));
  local.held = CivilMinute{179, 7};
  EXPECT_EQ(local.shown(), (CivilMinute{130, 7}));
  EXPECT_EQ(local.planned(), (CivilMinute{179, 7}));
  EXPECT_EQ(CivilMinute{}, (CivilMinute{0, 1}));
}

}  // namespace
}  // namespace esshub
