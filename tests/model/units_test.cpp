#include "model/units.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace esshub {
namespace {

using namespace literals;

TEST(Units, VoltsTimesAmperesAreWatts) {
  EXPECT_EQ(50.0_V * 2.0_A, 100.0_W);
  EXPECT_EQ(100.0_W / 50.0_V, 2.0_A);
  EXPECT_DOUBLE_EQ((1.0_kW * Hours{0.5}).value(), 500.0);
  EXPECT_EQ(WattsPerSecond{1000.0} * Seconds{0.1}, 100.0_W);
}

TEST(Units, AQuantityHasTheArithmeticOfItsNumbers) {
  const Watts three{3.0};
  const Watts five{5.0};
  EXPECT_EQ(Watts{}.value(), 0.0);
  EXPECT_EQ((three + five).value(), 8.0);
  EXPECT_EQ((three - five).value(), -2.0);
  EXPECT_EQ((-three).value(), -3.0);
  EXPECT_EQ((three * 4.0).value(), 12.0);
  EXPECT_EQ((4.0 * three).value(), 12.0);
  EXPECT_EQ((three / 4.0).value(), 0.75);
  EXPECT_EQ(three / five, 0.6);
  Watts sum = three;
  sum += five;
  EXPECT_EQ(sum.value(), 8.0);
  sum -= three;
  EXPECT_EQ(sum.value(), 5.0);
  EXPECT_EQ(abs(-three).value(), 3.0);
  EXPECT_EQ(abs(three).value(), 3.0);
  EXPECT_FALSE(std::signbit(abs(Watts{}).value()));
}

TEST(Units, QuantitiesAreOrderedByTheirNumbers) {
  const Volts low{1.0};
  const Volts high{2.0};
  EXPECT_TRUE(low == low);
  EXPECT_FALSE(low == high);
  EXPECT_TRUE(low < high);
  EXPECT_FALSE(low < low);
  EXPECT_TRUE(high > low);
  EXPECT_FALSE(low > low);
  EXPECT_TRUE(low <= low);
  EXPECT_FALSE(high <= low);
  EXPECT_TRUE(low >= low);
  EXPECT_FALSE(low >= high);
}

TEST(Units, ALiteralIsItsNumber) {
  EXPECT_EQ((1.5_W).value(), 1.5);
  EXPECT_EQ((1.5_kW).value(), 1500.0);
  EXPECT_EQ((1.5_V).value(), 1.5);
  EXPECT_EQ((1.5_A).value(), 1.5);
  EXPECT_EQ((1.5_Hz).value(), 1.5);
  EXPECT_EQ((1.5_degC).value(), 1.5);
  EXPECT_EQ((1.5_Wh).value(), 1.5);
  EXPECT_EQ((1.5_kWh).value(), 1500.0);
  EXPECT_EQ((1.5_soc).percent(), 1.5);
  EXPECT_EQ(2.0_A * 50.0_V, 100.0_W);
}

TEST(Units, SocIsOnlyMadeInRange) {
  EXPECT_EQ(Soc::from_percent(0), Soc{});
  EXPECT_TRUE(Soc::from_percent(0.5));
  EXPECT_EQ(Soc::from_percent(100)->percent(), 100.0);
  EXPECT_EQ(Soc::from_percent(25)->ratio(), 0.25);
  EXPECT_EQ(Soc{}.percent(), 0.0);
  EXPECT_FALSE(Soc::from_percent(std::nextafter(100.0, 101.0)));
  EXPECT_FALSE(Soc::from_percent(std::nextafter(0.0, -1.0)));
  EXPECT_FALSE(Soc::from_percent(std::nan("")));
  EXPECT_LT(20.0_soc, 21.0_soc);
}

}  // namespace
}  // namespace esshub
