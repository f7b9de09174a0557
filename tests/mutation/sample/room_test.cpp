// Kills some mutants of the sample and, on purpose, not others.
#include "room/sample.hpp"

#include <gtest/gtest.h>

namespace sample {

TEST(Sample, Inside) {
  EXPECT_TRUE(inside({1, 3}, 1));
  EXPECT_TRUE(inside({1, 3}, 2));
  EXPECT_FALSE(inside({1, 3}, 0));
  EXPECT_FALSE(inside({1, 3}, 3));
}

TEST(Sample, Clamped) {
  EXPECT_EQ(clamped({1, 3}, 0), 1);
  EXPECT_EQ(clamped({1, 3}, 2), 2);
  EXPECT_EQ(clamped({1, 3}, 9), 3);
}

/// Says nothing of 0: `power > 0` may be `power >= 0`.
TEST(Sample, Mode) {
  EXPECT_EQ(mode_of(5), Mode::charge);
  EXPECT_EQ(mode_of(-5), Mode::discharge);
}

TEST(Sample, Capacity) {
  EXPECT_EQ(capacity(), 4u);
}

TEST(Sample, Sum) {
  EXPECT_EQ(sum_of_first(3), 6);
}

TEST(Sample, Waited) {
  EXPECT_EQ(waited(7), -7);
  EXPECT_EQ(waited({}), 100);
}

/// One bit of two.
TEST(Sample, Allow) {
  unsigned flags = 0b01;
  allow(flags, 0b11);
  EXPECT_EQ(flags, 0b01u);
}

TEST(Sample, Read) {
  EXPECT_EQ(read(nullptr), 0);
}

TEST(Sample, Halvings) {
  EXPECT_EQ(halvings(8), 3);
}

TEST(Sample, Between) {
  EXPECT_EQ(between({5}, {3}), 2);
}

TEST(Sample, Greater) {
  EXPECT_EQ(greater(1, 2), 2);
  EXPECT_EQ(greater(2, 1), 2);
}

TEST(Sample, Alone) {
  EXPECT_EQ(alone(5), std::vector<int>{5});
}

/// What is left out of the score: it would kill what `Mode` does not.
TEST(Golden, Everything) {
  EXPECT_EQ(mode_of(0), Mode::off);
  EXPECT_TRUE(untested(4));
}

}  // namespace sample
