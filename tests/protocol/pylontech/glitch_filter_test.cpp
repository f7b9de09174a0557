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
