#include "model/units.hpp"

#include <gtest/gtest.h>

#include "model/snapshot.hpp"
#include "model/view.hpp"

namespace esshub {
namespace {

using namespace literals;

TEST(Units, VoltsTimesAmperesAreWatts) {
  EXPECT_EQ(50.0_V * 2.0_A, 100.0_W);
  EXPECT_EQ(100.0_W / 50.0_V, 2.0_A);
  EXPECT_DOUBLE_EQ((1.0_kW * Hours{0.5}).value(), 500.0);
  EXPECT_EQ(WattsPerSecond{1000.0} * Seconds{0.1}, 100.0_W);
}

TEST(Units, SocIsOnlyMadeInRange) {
  EXPECT_TRUE(Soc::from_percent(0));
  EXPECT_TRUE(Soc::from_percent(100));
  EXPECT_FALSE(Soc::from_percent(100.1));
  EXPECT_FALSE(Soc::from_percent(-0.1));
  EXPECT_FALSE(Soc::from_percent(std::nan("")));
}

TEST(Snapshot, KeepsTheNewestSample) {
  const Instant t0{};
  Snapshot s;
  const Channel grid{Point::grid, Measure::power};
  s.absorb({grid, 10.0, t0 + 2s});
  s.absorb({grid, 99.0, t0 + 1s});  // older: ignored
  ASSERT_TRUE(s.power(Point::grid));
  EXPECT_EQ(s.power(Point::grid)->value, 10.0_W);
  EXPECT_FALSE(s.power(Point::solar));
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

TEST(Vebus, NumbersAreStatesAndBitsOrNothing) {
  EXPECT_EQ(state_of<VebusChargeState>(3), VebusChargeState::float_);
  EXPECT_FALSE(state_of<VebusChargeState>(9));
  EXPECT_FALSE(state_of<VebusChargeState>(std::nan("")));
  EXPECT_EQ(alarm_bit(VebusAlarm::dc_ripple), 0x80u);
  EXPECT_EQ(warning_bit(VebusAlarm::low_battery), 0x02u);
}

}  // namespace
}  // namespace esshub
