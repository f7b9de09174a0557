// What may not enter the snapshot (docs/safety.md: F3).
#include "control/plausibility_filter.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "model/plausible.hpp"

namespace esshub::control {
namespace {

struct Row {
  const char* what;
  Channel channel;
  double value;
};
std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.what;
}

/// A float whose two registers were read in the wrong order.
double words_swapped(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<double>(std::bit_cast<float>((bits << 16) | (bits >> 16)));
}

class Impossible : public testing::TestWithParam<Row> {};
TEST_P(Impossible, IsDropped) {
  PlausibilityFilter gate;
  EXPECT_FALSE(gate.admit({GetParam().channel, GetParam().value, {}}, {}));
  EXPECT_TRUE(gate.doubtful({}));
}
INSTANTIATE_TEST_SUITE_P(
    PlausibilityFilter, Impossible,
    testing::Values(
        Row{"grid NaN", {Point::grid, Measure::power}, std::nan("")},
        Row{"grid infinite",
            {Point::grid, Measure::power},
            std::numeric_limits<double>::infinity()},
        Row{"grid beyond the fuse", {Point::grid, Measure::power}, 30000.0},
        Row{"grid beyond the fuse the other way", {Point::grid, Measure::power}, -30000.0},
        Row{"solar in the wrong word order",
            {Point::solar, Measure::power},
            words_swapped(1234.5F)},
        Row{"voltage in the wrong word order",
            {Point::grid, Measure::voltage},
            words_swapped(230.0F)},
        Row{"grid meter without mains", {Point::grid, Measure::voltage}, 0.0},
        Row{"grid meter that could not answer", {Point::grid, Measure::voltage}, 79.9},
        Row{"SOC of 101 %", {Point::battery, Measure::soc}, 101.0},
        Row{"SOC below 0", {Point::battery, Measure::soc}, -1.0},
        Row{"pack of 600 V", {Point::battery, Measure::voltage}, 600.0},
        Row{"frequency of 500 Hz", {Point::grid, Measure::frequency}, 500.0},
        Row{"colder than any winter", {Point::battery, Measure::temperature}, -273.15}));

class Possible : public testing::TestWithParam<Row> {};
TEST_P(Possible, Enters) {
  PlausibilityFilter gate;
  EXPECT_TRUE(gate.admit({GetParam().channel, GetParam().value, {}}, {}));
  EXPECT_FALSE(gate.doubtful({}));
}
INSTANTIATE_TEST_SUITE_P(
    PlausibilityFilter, Possible,
    testing::Values(Row{"grid at rest", {Point::grid, Measure::power}, 0.0},
                    Row{"grid at the fuse", {Point::grid, Measure::power}, 23000.0},
                    Row{"exporting", {Point::grid, Measure::power}, -3680.0},
                    Row{"a phase that is not wired", {Point::solar, Measure::voltage}, 0.0},
                    Row{"no mains at AC-in", {Point::inverter, Measure::voltage}, 0.0},
                    Row{"an empty battery", {Point::battery, Measure::soc}, 0.0},
                    Row{"a full one", {Point::battery, Measure::soc}, 100.0},
                    Row{"all protections", {Point::battery, Measure::protections}, 4294967295.0}));

TEST(PlausibilityFilter, AChannelIsBelievedAgainAfterFiveGoodSamples) {
  PlausibilityFilter gate;
  const Channel grid{Point::grid, Measure::power};
  EXPECT_FALSE(gate.admit({grid, std::nan(""), {}}, {}));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(gate.admit({grid, 100.0, {}}, {}));
  EXPECT_TRUE(gate.doubtful({}));
  EXPECT_TRUE(gate.admit({grid, 100.0, {}}, {}));
  EXPECT_FALSE(gate.doubtful({}));
}

TEST(PlausibilityFilter, GoesByTheTable) {
  Settings settings;
  settings.main_fuse = 400.0_A;  // so that the table binds
  for (const Point point : enum_values<Point>) {
    for (const Measure measure : enum_values<Measure>) {
      const Channel channel{point, measure};
      const Range range = plausible(channel);
      const auto admitted = [&](double value) {
        return PlausibilityFilter{}.admit({channel, value, {}}, settings);
      };
      SCOPED_TRACE(std::string(name(point)) + " " + std::string(name(measure)));
      EXPECT_TRUE(admitted(range.low));
      EXPECT_TRUE(admitted(range.high));
      EXPECT_FALSE(admitted(range.low - 0.001));
      EXPECT_FALSE(admitted(range.high + 0.001));
      EXPECT_EQ(admitted(0.0), range.holds(0.0));
    }
  }
}

TEST(PlausibilityFilter, TheFuseIsConfigured) {
  PlausibilityFilter gate;
  Settings settings;
  settings.main_fuse = 40.0_A;
  EXPECT_FALSE(gate.admit({{Point::grid, Measure::power}, 12000.0, {}}, settings));
}

/// What the fuse carries at 230 V + 20 %.
TEST(PlausibilityFilter, ThePowerOfTheFuseIsPossibleAndNoMore) {
  Settings settings;
  settings.main_fuse = 40.0_A;
  for (const double way : {-1.0, 1.0}) {
    PlausibilityFilter gate;
    EXPECT_TRUE(gate.admit({{Point::grid, Measure::power}, way * 40 * 276, {}}, settings));
    EXPECT_FALSE(gate.admit({{Point::grid, Measure::power}, way * (40 * 276 + 0.1), {}}, settings));
  }
}

TEST(PlausibilityFilter, ANumberNextToZeroIsAWrongWordOrderAndZeroIsNone) {
  for (const auto& [value, possible] : {std::pair{0.0, true},
                                        {1.5e-20, true},
                                        {-1.5e-20, true},
                                        {1e-20, false},
                                        {7e-21, false},
                                        {-7e-21, false}})
    EXPECT_EQ(PlausibilityFilter{}.admit({{Point::solar, Measure::power}, value, {}}, {}), possible)
        << value;
}

TEST(PlausibilityFilter, EachChannelIsDoubtedByItself) {
  PlausibilityFilter gate;
  const auto says = [&](Channel channel, double value) {
    return gate.admit({channel, value, {}}, {});
  };
  const Channel solar{Point::solar, Measure::power};
  const Channel soc{Point::battery, Measure::soc};
  EXPECT_FALSE(says(solar, std::nan("")));
  EXPECT_FALSE(says(soc, 130.0));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(says(solar, 1.0));
  EXPECT_TRUE(gate.doubtful({}));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(says(soc, 50.0));
  EXPECT_FALSE(says(soc, 130.0));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(says(soc, 50.0));
  EXPECT_TRUE(gate.doubtful({})) << "five in a row";
  EXPECT_TRUE(says(soc, 50.0));
  EXPECT_FALSE(gate.doubtful({}));
}

TEST(PlausibilityFilter, TheFuseBindsTheGridAlone) {
  PlausibilityFilter gate;
  Settings settings;
  settings.main_fuse = 16.0_A;
  EXPECT_TRUE(gate.admit({{Point::solar, Measure::power}, 6000.0, {}}, settings));
  EXPECT_TRUE(gate.admit({{Point::inverter, Measure::power}, -4900.0, {}}, settings));
  EXPECT_FALSE(gate.admit({{Point::grid, Measure::power}, 6000.0, {}}, settings));
}

/// What it said once must not be told for ever; those who need it miss it.
TEST(PlausibilityFilter, AChannelThatNeverSpeaksAgainIsDoubtedForAMinute) {
  PlausibilityFilter gate;
  const Instant at = Instant{} + 100s;
  EXPECT_FALSE(gate.admit({{Point::solar, Measure::power}, 1e9, at}, {}));
  EXPECT_TRUE(gate.doubtful(at + 60s));
  EXPECT_FALSE(gate.doubtful(at + 60s + 1ns));
  EXPECT_FALSE(gate.admit({{Point::battery, Measure::soc}, 1e9, at + 90s}, {}));
  EXPECT_TRUE(gate.doubtful(at + 90s)) << "another one";
  EXPECT_FALSE(gate.admit({{Point::solar, Measure::power}, 1e9, at + 80s}, {})) << "older";
  EXPECT_TRUE(gate.doubtful(at + 150s));
}

TEST(PlausibilityFilter, AVoltageThatNeverComesAgainKeepsTheMetersPowerForAMinute) {
  PlausibilityFilter gate;
  const Instant at = Instant{} + 100s;
  const auto power = [&](Duration later) {
    return gate.admit({{Point::grid, Measure::power}, 500.0, at + later}, {});
  };
  EXPECT_FALSE(gate.admit({{Point::grid, Measure::voltage}, 0.0, at}, {}));
  EXPECT_FALSE(power(60s));
  EXPECT_TRUE(power(60s + 1ns));
}

TEST(PlausibilityFilter, ThePowerOfAMeterWhoseVoltageCannotBeIsDropped) {
  PlausibilityFilter gate;
  EXPECT_FALSE(gate.admit({{Point::grid, Measure::voltage}, words_swapped(230.0F), {}}, {}));
  EXPECT_FALSE(gate.admit({{Point::grid, Measure::power}, 0.0, {}}, {}));
  EXPECT_TRUE(gate.admit({{Point::solar, Measure::power}, 300.0, {}}, {})) << "of another meter";
  EXPECT_TRUE(gate.admit({{Point::grid, Measure::voltage}, 230.0, {}}, {}));
  EXPECT_TRUE(gate.admit({{Point::grid, Measure::power}, 500.0, {}}, {}));
}

TEST(PlausibilityFilter, AfterAMinuteWithoutAVoltageOnlyAPowerThatCanBeEnters) {
  PlausibilityFilter gate;
  EXPECT_FALSE(gate.admit({{Point::grid, Measure::voltage}, 0.0, Instant{1h}}, {}));
  const Instant later = Instant{1h} + 2min;
  EXPECT_FALSE(gate.admit({{Point::grid, Measure::power}, 1e9, later}, {}));
  EXPECT_TRUE(gate.admit({{Point::grid, Measure::power}, 500.0, later}, {}));
}

}  // namespace
}  // namespace esshub::control
