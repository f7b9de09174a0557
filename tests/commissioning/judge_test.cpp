#include "commissioning/findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/commissioning/noisy_house.hpp"

namespace esshub::commissioning::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::size_t wirings = 48;

std::vector<Score> scores(const Case& c, const Findings& findings, const Run& run) {
  std::vector<Score> out;
  for (std::size_t i = 0; i < 4; ++i) out.push_back(score(c, run, findings, i));
  return out;
}

TEST(Judge, NamesAllWiringsOfThreeClampsByDay) {
  for (std::size_t n = 0; n < wirings; ++n) {
    Case c = wiring(n);
    c.calm = true;
    c.seed = 100 + n;
    const auto run = play(c);
    const auto findings = judge(run.measured);
    EXPECT_THAT(scores(c, findings, run), testing::Each(Score::right)) << text(c, findings);
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_NE(findings.channels[i].role, Role::no_current) << text(c, findings);
  }
}

TEST(Judge, NamesGridAndBatteryByNightAndLeavesTheSunOpen) {
  for (std::size_t n = 0; n < wirings; ++n) {
    Case c = wiring(n);
    c.calm = true;
    c.day = false;
    c.seed = 200 + n;
    const auto run = play(c);
    const auto findings = judge(run.measured);
    EXPECT_THAT(scores(c, findings, run), testing::Each(Score::right)) << text(c, findings);
    for (std::size_t i = 0; i < 4; ++i) {
      const bool still = c.at[i] == Conductor::solar || c.at[i] == Conductor::spare;
      EXPECT_EQ(findings.channels[i].role == Role::no_current, still) << text(c, findings);
      EXPECT_EQ(findings.channels[i].sign == Sign::open, still) << text(c, findings);
    }
  }
}

TEST(Judge, NamesATroubleOfEachClamp) {
  for (const Trouble trouble : {Trouble::twice, Trouble::dead, Trouble::wrong_phase})
    for (std::size_t n = 0; n < wirings; n += 5) {
      Case c = wiring(n);
      c.calm = true;
      c.trouble = trouble;
      c.troubled = n % 3;
      c.seed = 300 + n;
      const auto run = play(c);
      const auto findings = judge(run.measured);
      for (const Score s : scores(c, findings, run))
        EXPECT_NE(s, Score::wrong) << text(c, findings);
      const auto& found = findings.channels[c.troubled];
      if (c.at[c.troubled] == Conductor::solar) continue;
      if (trouble == Trouble::dead)
        EXPECT_EQ(found.role, Role::no_current) << text(c, findings);
      else
        EXPECT_EQ(found.ratio, trouble == Trouble::twice ? Ratio::twice : Ratio::half)
            << text(c, findings);
      EXPECT_EQ(found.sign == Sign::open, trouble != Trouble::twice) << text(c, findings);
    }
}

TEST(Judge, SaysNothingWrongOfNoisyHouses) {
  std::array<unsigned, 3> count{};
  for (std::size_t n = 0; n < wirings; ++n) {
    Case c = wiring(n);
    c.day = n % 3 != 0;
    c.trouble = static_cast<Trouble>(n % 5);
    c.troubled = n / 5 % 4;
    c.seed = 1000 + n;
    const auto run = play(c);
    const auto findings = judge(run.measured);
    for (const Score s : scores(c, findings, run)) {
      EXPECT_NE(s, Score::wrong) << text(c, findings);
      ++count.at(static_cast<std::size_t>(s));
    }
  }
  // It may doubt, but not always.
  EXPECT_GT(count[0], count[1]);
}

TEST(Judge, NamesNoGridWhereSolarHoldsAnExportLimit) {
  unsigned hidden = 0;
  for (const double limit : {0.0, 1000.0})
    for (const double late : {0.0, 0.5, 1.0})
      for (const bool hunts : {false, true})
        for (std::size_t n = 0; n < wirings; n += 7) {
          Case c = wiring(n);
          c.calm = true;
          c.told_no_limit = false;
          c.export_limit = Watts{limit};
          c.limit_late = Seconds{late};
          c.limit_hunts = hunts;
          c.seed = 400 + n;
          const auto run = play(c);
          const auto findings = judge(run.measured);
          for (const Score s : scores(c, findings, run))
            EXPECT_NE(s, Score::wrong) << text(c, findings);
          EXPECT_TRUE(findings.limit_possible);
          for (std::size_t i = 0; i < 4; ++i)
            if (c.at[i] == Conductor::solar && findings.channels[i].likely == Role::grid) {
              EXPECT_THAT(findings.channels[i].found, HasSubstr("holds an export limit"));
              ++hidden;
            }
        }
  EXPECT_GT(hidden, 42U);  // in more than half of the houses
}

TEST(Judge, NamesAGridThatStandsAtZeroNotSure) {
  Case c;
  c.calm = true;
  c.told_no_limit = false;
  c.export_limit = Watts{};
  c.seed = 8;
  const auto findings = judge(play(c).measured);
  EXPECT_EQ(findings.channels[0].role, Role::not_sure) << text(c, findings);
  EXPECT_THAT(findings.channels[0].change, IsEmpty());
  EXPECT_EQ(findings.channels[2].role, Role::battery_line) << text(c, findings);
}

TEST(Judge, NamesAGridThatExportsWithoutBeingToldOfLimits) {
  for (std::size_t n = 0; n < wirings; n += 5) {
    Case c = wiring(n);
    c.calm = true;
    c.told_no_limit = false;
    c.seed = 100 + n;
    const auto run = play(c);
    const auto findings = judge(run.measured);
    for (std::size_t i = 0; i < 4; ++i)
      if (c.at[i] == Conductor::grid) {
        EXPECT_EQ(score(c, run, findings, i), Score::right) << text(c, findings);
      }
  }
}

TEST(Judge, NamesAGridThatOnlyDrawsWhenToldOfNoLimit) {
  Case c;
  c.calm = true;
  c.day = false;
  c.power = Watts{150.0};
  c.seed = 8;
  EXPECT_EQ(judge(play(c).measured).channels[0].role, Role::grid);
  c.told_no_limit = false;
  const auto findings = judge(play(c).measured);
  EXPECT_EQ(findings.channels[0].role, Role::not_sure) << text(c, findings);
  EXPECT_EQ(findings.channels[0].likely, Role::grid);
}

TEST(Judge, TakesNoSolarInverterForACircuitThatMeetsItsLimitAtTimes) {
  Case c = wiring(37);
  c.told_no_limit = false;
  c.export_limit = Watts{1000.0};
  c.seed = 854;
  const auto run = play(c);
  const auto findings = judge(run.measured);
  for (const Score s : scores(c, findings, run)) EXPECT_NE(s, Score::wrong) << text(c, findings);
}

Case calm_case() {
  Case c;
  c.calm = true;
  c.seed = 7;
  return c;
}

TEST(Judge, GivesTheSameFindingsForTheSameReadings) {
  const auto run = play(calm_case());
  const auto one = judge(run.measured);
  const auto two = judge(run.measured);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(one.channels[i].gain, two.channels[i].gain);
    EXPECT_EQ(one.channels[i].gain_error, two.channels[i].gain_error);
  }
}

TEST(Judge, DoubtsEverythingWhereTheInverterDidNotMove) {
  auto c = calm_case();
  c.power = Watts{40.0};
  const auto findings = judge(play(c).measured);
  EXPECT_FALSE(findings.enough);
  for (const auto& channel : findings.channels) {
    EXPECT_EQ(channel.role, Role::not_sure);
    EXPECT_THAT(channel.found, HasSubstr("did not move enough"));
    EXPECT_THAT(channel.change, IsEmpty());
  }
}

TEST(Judge, DoubtsWithoutReadings) {
  Measured nothing;
  nothing.channels.push_back({Point::grid, {}});
  const auto findings = judge(nothing);
  EXPECT_FALSE(findings.enough);
  EXPECT_EQ(findings.channels.at(0).role, Role::not_sure);

  auto run = play(calm_case());
  run.measured.channels[0].readings.resize(10);  // it was heard for two seconds
  const auto short_one = judge(run.measured);
  EXPECT_EQ(short_one.channels[0].role, Role::not_sure);
}

TEST(Judge, DoubtsWhichOfTwoIsTheLineInAHouseThatDrawsNothing) {
  auto run = play(calm_case());
  // Both clamps around the same conductor.
  run.measured.channels[0].readings = run.measured.channels[2].readings;
  const auto findings = judge(run.measured);
  EXPECT_EQ(findings.channels[0].role, Role::not_sure);
  EXPECT_EQ(findings.channels[2].role, Role::not_sure);
  EXPECT_THAT(findings.channels[0].found, HasSubstr("is not certain"));
}

TEST(Judge, MeasuresLagResponseAndLosses) {
  const auto findings = judge(play(calm_case()).measured);
  EXPECT_NEAR(findings.swing.value().value(), 440, 20);
  // The house has a dead time of 0.5 to 0.9 s and its inverter tells 0.2 s late; 350 to 450 W/s.
  EXPECT_NEAR(findings.dead.value().count(), 0.9, 0.35);
  EXPECT_NEAR(findings.ramp.value().value(), 400, 80);
  EXPECT_NEAR(findings.channels[0].lag.value().count(), 0.0, 0.3);
  EXPECT_FALSE(findings.channels[1].lag);
  EXPECT_NEAR(findings.loss_resting.value().value(), 11, 6);
  // The house's battery gives 11 W and 8 % more than is converted: lost is positive.
  EXPECT_NEAR(findings.loss_discharging.value().value(), 11 + 0.08 * 440, 6);
}

TEST(Judge, SaysWhatToChange) {
  auto c = calm_case();
  c.reversed[0] = true;
  auto findings = judge(play(c).measured);
  EXPECT_THAT(findings.channels[0].change, HasSubstr("`invert`"));
  EXPECT_THAT(findings.channels[2].change, IsEmpty());
  EXPECT_THAT(findings.channels[2].found, HasSubstr("the line to the inverter"));

  c = calm_case();
  std::swap(c.at[0], c.at[1]);
  findings = judge(play(c).measured);
  EXPECT_THAT(findings.channels[0].change,
              HasSubstr("the channel that is now grid is measures = \"solar\""));
  EXPECT_THAT(findings.channels[1].change, HasSubstr("measures = \"grid\""));

  c = calm_case();
  c.trouble = Trouble::twice;
  EXPECT_THAT(judge(play(c).measured).channels[0].change, HasSubstr("CT ratio"));
  c.trouble = Trouble::dead;
  findings = judge(play(c).measured);
  EXPECT_THAT(findings.channels[0].found, HasSubstr("no current, although the battery moved"));
  EXPECT_THAT(findings.channels[0].change, HasSubstr("mend"));

  c = calm_case();
  c.day = false;
  findings = judge(play(c).measured);
  EXPECT_THAT(findings.channels[1].found, HasSubstr("solar at night"));
  EXPECT_THAT(findings.channels[1].change, IsEmpty());
}

}  // namespace
}  // namespace esshub::commissioning::tests
