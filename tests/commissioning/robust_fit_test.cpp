#include "commissioning/robust_fit.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace esshub::commissioning {
namespace {

/// A cause that steps up and down, a second one with another rhythm.
std::vector<FitRow> rows(double first, double second, std::size_t count = 200) {
  std::vector<FitRow> out;
  for (std::size_t i = 0; i < count; ++i) {
    const double n = static_cast<double>(i);
    const double a = i / 7 % 2 == 0 ? 400.0 : -400.0;
    const double b = 300.0 * std::sin(n);
    out.push_back({n * 0.2, first * a + second * b + 3.0 * std::sin(n * 12.9898), {a, b}});
  }
  return out;
}

TEST(RobustFit, MediansAreInTheMiddle) {
  EXPECT_EQ(median({}), 0.0);
  EXPECT_EQ(median({3, 1, 2}), 2.0);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_NEAR(spread({1, 2, 3, 4, 100}, 3.0), 1.4826, 1e-9);
}

TEST(RobustFit, FindsBothGains) {
  const auto fit = robust_fit(rows(-1.0, 0.5), 2, 25);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->gain[0], -1.0, 0.005);
  EXPECT_NEAR(fit->gain[1], 0.5, 0.005);
  EXPECT_LT(fit->error[0], 0.01);
  EXPECT_LT(fit->error[1], 0.01);
  EXPECT_GT(fit->explained, 0.8);
}

TEST(RobustFit, ThirtyPercentOfKettlesDoNotBendIt) {
  auto some = rows(1.0, 0.0);
  for (std::size_t i = 0; i < some.size(); i += 3) some[i].change += i % 2 == 0 ? 2500 : 1800;
  const auto fit = robust_fit(some, 1, 25);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->gain[0], 1.0, 0.02);
  EXPECT_LT(fit->explained, 0.7);
}

TEST(RobustFit, TheErrorGrowsWithScatterAndShrinksWithIndependentRows) {
  auto noisy = rows(1.0, 0.0);
  for (std::size_t i = 0; i < noisy.size(); ++i)
    noisy[i].change += 200.0 * std::sin(static_cast<double>(i * i));
  const auto fit = robust_fit(noisy, 1, 25);
  const auto quiet = robust_fit(rows(1.0, 0.0), 1, 25);
  const auto surer = robust_fit(noisy, 1, 100);
  ASSERT_TRUE(fit && quiet && surer);
  EXPECT_GT(fit->error[0], 10 * quiet->error[0]);
  EXPECT_NEAR(fit->error[0], 2.0 * surer->error[0], 1e-9);
  EXPECT_NEAR(fit->gain[0], 1.0, 3.0 * fit->error[0]);
}

TEST(RobustFit, ThereIsNoneWithoutMovementOrWithTooFewRows) {
  auto still = rows(1.0, 0.0);
  for (auto& row : still) row.causes = {};
  EXPECT_FALSE(least_absolute(still));
  EXPECT_FALSE(robust_fit(still, 1, 25));
  EXPECT_FALSE(robust_fit(rows(1.0, 0.0, 7), 1, 25));
  EXPECT_TRUE(robust_fit(rows(1.0, 0.0, 20), 1, 25));
  EXPECT_FALSE(robust_fit(rows(1.0, 0.0), 1, 1.0));
  // The second cause follows from the first.
  auto same = rows(1.0, 0.0);
  for (auto& row : same) row.causes[1] = 2.0 * row.causes[0];
  EXPECT_FALSE(robust_fit(same, 2, 25));
}

TEST(LeastAbsolute, IsTheWeightedMedianOfSlopes) {
  const std::vector<FitRow> three{{0, 100, {100}}, {1, 400, {200}}, {2, -600, {-300}}, {3, 9, {0}}};
  const auto fit = least_absolute(three);
  ASSERT_TRUE(fit);
  EXPECT_EQ(fit->gain, 2.0);
  EXPECT_EQ(fit->misfit, (100.0 + 0.0 + 0.0 + 9.0) / 4.0);
}

}  // namespace
}  // namespace esshub::commissioning
