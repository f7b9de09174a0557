// What may be ordered: docs/policy.md, docs/page.md and openapi.json say the same numbers.
#include "model/order_limits.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace esshub {
namespace {

using L = OrderLimitId;

TEST(OrderLimits, AreWhatTheOwnerIsTold) {
  struct Told {
    L id;
    double least;
    double most;
    double step;
    double initial;
    Duration unit_length;
  };
  for (const auto& told : {
           Told{L::reserve, 0, 100, 1, 20, 0s},
           Told{L::storm_reserve, 0, 100, 1, 80, 0s},
           Told{L::soc, 0, 100, 1, 80, 0s},
           Told{L::power, 10, 10000, 10, 1000, 0s},
           Told{L::override_length, 1, 10080, 1, 60, 1min},
           Told{L::storm_length, 0.25, 336, 0.25, 24, 1h},
           Told{L::storm_begin, 0, 168, 0.25, 0, 1h},
           Told{L::dispatch_length, 1, 172800, 1, 900, 1s},
       }) {
    const OrderLimit& limit = order_limit(told.id);
    SCOPED_TRACE(limit.name);
    EXPECT_EQ(limit.least, told.least);
    EXPECT_EQ(limit.most, told.most);
    EXPECT_EQ(limit.step, told.step);
    EXPECT_EQ(limit.initial, told.initial);
    EXPECT_EQ(limit.unit_length, told.unit_length);
  }
}

TEST(OrderLimits, BothEndsAreAllowedAndWhatIsNoNumberIsNot) {
  const OrderLimit& power = order_limit(L::power);
  EXPECT_TRUE(allows(power, 10.0));
  EXPECT_TRUE(allows(power, 10000.0));
  EXPECT_FALSE(allows(power, std::nextafter(10.0, 0.0)));
  EXPECT_FALSE(allows(power, std::nextafter(10000.0, 1e9)));
  EXPECT_FALSE(allows(power, std::numeric_limits<double>::quiet_NaN()));
}

TEST(OrderLimits, ALengthIsInItsUnit) {
  EXPECT_EQ(length_of(order_limit(L::override_length), 2.5), 150s);
  EXPECT_EQ(shortest(L::override_length), 1min);
  EXPECT_EQ(longest(L::override_length), 7 * 24h);
  EXPECT_EQ(shortest(L::storm_length), 15min);
  EXPECT_EQ(longest(L::storm_length), 14 * 24h);
  EXPECT_EQ(shortest(L::dispatch_length), 1s);
  EXPECT_EQ(longest(L::dispatch_length), 48h);
}

}  // namespace
}  // namespace esshub
