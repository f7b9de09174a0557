#include "commissioning/steps.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace esshub::commissioning {
namespace {

TEST(Steps, AreBalancedAndNeverMoreThanTwoAlike) {
  EXPECT_EQ(std::count(chips.begin(), chips.end(), true), 8);
  for (std::size_t i = 2; i < chips.size(); ++i)
    EXPECT_FALSE(chips[i] == chips[i - 1] && chips[i] == chips[i - 2]) << i;
}

TEST(Steps, AreWithinOneMinuteAndTenWattHours) {
  EXPECT_EQ(total_length, 52s);
  EXPECT_NEAR(energy_of(usual_power).value(), 3.0, 1e-9);
  EXPECT_NEAR(energy_of(highest_power).value(), 3.2, 1e-9);
}

TEST(Steps, SwingByLessThanWhatProvesAReversedMeter) {
  EXPECT_LT(usual_power, highest_power);
  EXPECT_LT(highest_power, Watts{500.0});  // accusing_move of control/sign_check.cpp
}

TEST(Steps, HaveNoPeriod) {
  for (std::size_t shift = 2; shift <= chips.size() / 2; ++shift) {
    int alike = 0;
    for (std::size_t i = 0; i + shift < chips.size(); ++i)
      alike += chips[i] == chips[i + shift] ? 1 : -1;
    EXPECT_LE(std::abs(alike), 2) << shift;
  }
}

}  // namespace
}  // namespace esshub::commissioning
