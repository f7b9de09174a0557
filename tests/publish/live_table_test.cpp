#include "publish/live_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace esshub::publish {
namespace {

using namespace literals;
using testing::EndsWith;
using testing::HasSubstr;

const Instant t0 = Instant{} + 1h;

View working() {
  View view;
  view.now = t0;
  view.max_age = 3s;
  view.snapshot.absorb({{Point::grid, Measure::power}, -12.4, t0});
  view.snapshot.absorb({{Point::solar, Measure::power}, 1500.2, t0});
  view.snapshot.absorb({{Point::inverter, Measure::dc_power}, 1190, t0});
  view.snapshot.absorb({{Point::battery, Measure::soc}, 55, t0});
  view.decision.at = t0;
  view.decision.battery_power = 1188.0_W;
  view.decision.setpoint = {1201.0_W, InverterMode::follow, t0 + 1s};
  view.decision.house = 300.0_W;
  view.decision.reasons.add({Cause::self_consumption, 1500.0_W});
  view.decision.reasons.add({Cause::charge_limit, 1500.0_W});
  return view;
}

TEST(Live, ARowHoldsEveryValueUnderItsTitle) {
  EXPECT_EQ(live_header(),
            "time     grid W solar W house W command W battery W SOC % setpoint W  why");
  EXPECT_EQ(live_row(working(), "12:00:01"),
            "12:00:01    -12    1500     300      1188      1190    55       1201  "
            "following the house load; the set charge power\n" +
                std::string(70, ' ') + "limit");
}

TEST(Live, StaleAndUnknownShowAsDashes) {
  View view = working();
  view.now += 4s;
  EXPECT_THAT(live_row(view, "12:00:05"),
              HasSubstr("12:00:05     --      --      --        --        --    --         --  "));
  EXPECT_THAT(live_row(View{}, ""), EndsWith("no decision yet"));
}

TEST(Live, NothingIsCommandedWhileReleased) {
  View view = working();
  view.decision.setpoint.mode = InverterMode::release;
  EXPECT_THAT(live_row(view, "12:00:01"),
              HasSubstr("     300        --      1190    55         --"));
}

TEST(Live, AnExpiredSetpointIsNotShown) {
  View view = working();
  view.now += 1100ms;
  EXPECT_THAT(live_row(view, ""), HasSubstr("     300        --      1190    55         --"));
}

TEST(Live, MeasuredBatteryPowerFallsBackToTheBms) {
  View view = working();
  view.now += 2s;
  view.snapshot.absorb({{Point::battery, Measure::voltage}, 50, view.now});
  view.snapshot.absorb({{Point::battery, Measure::current}, -20, view.now});
  view.now += 2s;
  EXPECT_THAT(live_row(view, ""), HasSubstr("     -1000 "));
}

TEST(Live, FaultsAreNamedWithSeverityAndAge) {
  View view = working();
  view.decision.faults.set(Fault::bms_lost, true, t0 - 12s);
  EXPECT_THAT(live_row(view, ""), HasSubstr("| critical: Battery's BMS"));
  EXPECT_THAT(live_row(view, ""), EndsWith("lost for 12 s"));
}

/// In a container nothing ever says that the clock is set.
TEST(Live, WhatOnlyInformsIsInNoRow) {
  View view = working();
  const auto row = live_row(view, "");
  EXPECT_EQ(live_information(view), "");
  view.decision.faults.set(Fault::clock_untrusted, true, t0 - 12s);
  EXPECT_EQ(live_row(view, ""), row);
  EXPECT_EQ(live_information(view), title(Fault::clock_untrusted));
}

TEST(Live, NoLineIsWiderThan120Columns) {
  View view = working();
  for (const Fault fault : enum_values<Fault>) view.decision.faults.set(fault, true, t0 - 12s);
  std::istringstream text{live_legend() + "\n" + live_header() + "\n" + live_row(view, "12:00:01")};
  unsigned lines = 0;
  for (std::string line; std::getline(text, line); ++lines) EXPECT_LE(line.size(), 120U) << line;
  EXPECT_GT(lines, 10U);
}

TEST(Live, ASmallNegativeIsNotMinusZero) {
  View view = working();
  view.snapshot.absorb({{Point::grid, Measure::power}, -0.3, t0});
  EXPECT_THAT(live_row(view, "12:00:01"), HasSubstr("12:00:01      0 "));
}

}  // namespace
}  // namespace esshub::publish
