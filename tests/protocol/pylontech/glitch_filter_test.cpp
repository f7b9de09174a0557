#include "protocol/pylontech/glitch_filter.hpp"

#include <gtest/gtest.h>

#include "model/bms.hpp"

namespace esshub::protocol {
namespace {

class GlitchFilterTest : public testing::Test {
 protected:
  /// What becomes of a value; nothing if it is held back.
  std::optional<double> say(Measure measure, double value) {
    std::vector<Sample> samples{{{Point::battery, measure}, value, Instant{}}};
    guard_.filter(samples);
    return samples.empty() ? std::nullopt : std::optional(samples.front().value);
  }
  static double flags(auto... bits) {
    return static_cast<double>((0u | ... | static_cast<std::uint32_t>(bits)));
  }

  GlitchFilter guard_;
};

TEST_F(GlitchFilterTest, TheFirstValueAndSmallChangesPass) {
  EXPECT_EQ(say(Measure::soc, 25), 25);
  EXPECT_EQ(say(Measure::soc, 26), 26);
  EXPECT_EQ(say(Measure::soc, 27), 27);
  EXPECT_EQ(say(Measure::voltage, 49.9), 49.9);
  EXPECT_EQ(say(Measure::voltage, 51.4), 51.4);
}

/// protocol/pylontech/glitch_filter.cpp, the table: each measure's jump, at it and just over it.
TEST_F(GlitchFilterTest, EachMeasureHasItsJump) {
  struct Row {
    Measure measure;
    double jump;
    std::optional<double> up;    ///< what is believed of 40 and a bit more at first
    std::optional<double> down;  ///< of 40 and a bit less
  };
  const auto up = [](double jump) { return std::optional{40.0 + jump + 0.001}; };
  const auto down = [](double jump) { return std::optional{40.0 - jump - 0.001}; };
  for (const auto& row : std::initializer_list<Row>{{Measure::soc, 1.0, 40.0, down(1.0)},
                                                    {Measure::soh, 1.0, {}, {}},
                                                    {Measure::cvl, 0.2, 40.0, down(0.2)},
                                                    {Measure::ccl, 0.2, 40.0, down(0.2)},
                                                    {Measure::dcl, 0.2, 40.0, down(0.2)},
                                                    {Measure::dvl, 0.2, up(0.2), 40.0},
                                                    {Measure::voltage, 2.0, {}, {}},
                                                    {Measure::current, 30.0, {}, {}},
                                                    {Measure::temperature, 1.0, {}, {}},
                                                    {Measure::modules, 0.0, {}, {}},
                                                    {Measure::capacity, 1.0, {}, {}}}) {
    for (const double sign : {1.0, -1.0}) {
      guard_ = {};
      SCOPED_TRACE(name(row.measure));
      EXPECT_EQ(say(row.measure, 40.0), 40.0);
      const double near = 40.0 + sign * (row.jump > 0.0 ? row.jump - 0.001 : 0.0);
      EXPECT_EQ(say(row.measure, near), near);
      guard_ = {};
      EXPECT_EQ(say(row.measure, 40.0), 40.0);
      EXPECT_EQ(say(row.measure, 40.0 + sign * (row.jump + 0.001)), sign > 0 ? row.up : row.down);
    }
  }
  for (const auto measure : {Measure::protections, Measure::warnings}) {
    guard_ = {};
    EXPECT_EQ(say(measure, 1), 1);
    EXPECT_EQ(say(measure, 2), 3) << "every bit forbids something";
  }
  EXPECT_EQ(say(Measure::requests, 3), 3);
  EXPECT_EQ(say(Measure::requests, 6), 2) << "every bit allows something";
}

TEST_F(GlitchFilterTest, AWiderLimitIsBelievedTheSecondTime) {
  for (const Measure measure : {Measure::ccl, Measure::dcl, Measure::cvl, Measure::soc}) {
    EXPECT_EQ(say(measure, 20), 20);
    EXPECT_EQ(say(measure, 40), 20);
    EXPECT_EQ(say(measure, 40.1), 40.1);
  }
  EXPECT_EQ(say(Measure::dvl, 46), 46);
  EXPECT_EQ(say(Measure::dvl, 40), 46);
  EXPECT_EQ(say(Measure::dvl, 40), 40);
}

TEST_F(GlitchFilterTest, ANarrowerLimitCountsAtOnce) {
  for (const Measure measure : {Measure::ccl, Measure::dcl, Measure::cvl, Measure::soc}) {
    EXPECT_EQ(say(measure, 50), 50);
    EXPECT_EQ(say(measure, 0), 0);
  }
  EXPECT_EQ(say(Measure::dvl, 40), 40);
  EXPECT_EQ(say(Measure::dvl, 46), 46);
}

TEST_F(GlitchFilterTest, OneDamagedFrameIsForgottenWithTheNextSoundOne) {
  EXPECT_EQ(say(Measure::dcl, 50), 50);
  EXPECT_EQ(say(Measure::dcl, 3), 3);
  EXPECT_EQ(say(Measure::dcl, 50), 50);
  EXPECT_EQ(say(Measure::dcl, 90), 50);
  EXPECT_EQ(say(Measure::dcl, 50), 50);
  EXPECT_EQ(say(Measure::dcl, 90), 50) << "said once more, but not in a row";
}

TEST_F(GlitchFilterTest, ALimitThatClimbsIsFollowedOneFrameLater) {
  EXPECT_EQ(say(Measure::ccl, 10), 10);
  EXPECT_EQ(say(Measure::ccl, 20), 10);
  EXPECT_EQ(say(Measure::ccl, 30), 20);
  EXPECT_EQ(say(Measure::ccl, 25), 25);
  EXPECT_EQ(say(Measure::ccl, 25), 25);
}

TEST_F(GlitchFilterTest, AVoltageThatJumpsIsHeldUntilItIsSaidAgain) {
  EXPECT_EQ(say(Measure::voltage, 50), 50);
  EXPECT_EQ(say(Measure::voltage, 55), std::nullopt);
  EXPECT_EQ(say(Measure::voltage, 50), 50);
  EXPECT_EQ(say(Measure::voltage, 45), std::nullopt);
  EXPECT_EQ(say(Measure::voltage, 45.5), 45.5);
}

TEST_F(GlitchFilterTest, ACurrentThatTurnsIsHeldUntilItIsSaidAgain) {
  EXPECT_EQ(say(Measure::current, 20), 20);
  EXPECT_EQ(say(Measure::current, -34.3), std::nullopt);
  EXPECT_EQ(say(Measure::current, -34.3), -34.3);
}

TEST_F(GlitchFilterTest, WhatHasNoRulePassesAsItIs) {
  EXPECT_EQ(say(Measure::power, 50), 50);
  EXPECT_EQ(say(Measure::power, -5000), -5000);
}

TEST_F(GlitchFilterTest, AProtectionIsSetAtOnceAndClearedTheSecondTime) {
  const double high = flags(BmsFlag::high_voltage),
               both = flags(BmsFlag::high_voltage, BmsFlag::low_voltage);
  EXPECT_EQ(say(Measure::protections, 0), 0);
  EXPECT_EQ(say(Measure::protections, high), high);
  EXPECT_EQ(say(Measure::protections, high), high);
  EXPECT_EQ(say(Measure::protections, flags(BmsFlag::low_voltage)), both);
  EXPECT_EQ(say(Measure::protections, 0), high);
  EXPECT_EQ(say(Measure::protections, 0), 0);
}

TEST_F(GlitchFilterTest, AnEnableIsClearedAtOnceAndSetTheSecondTime) {
  const double charge = flags(BmsRequest::charge_enable);
  const double both = flags(BmsRequest::charge_enable, BmsRequest::discharge_enable);
  EXPECT_EQ(say(Measure::requests, both), both);
  EXPECT_EQ(say(Measure::requests, charge), charge);
  EXPECT_EQ(say(Measure::requests, charge), charge);
  EXPECT_EQ(say(Measure::requests, both), charge);
  EXPECT_EQ(say(Measure::requests, both), both);
}

}  // namespace
}  // namespace esshub::protocol
