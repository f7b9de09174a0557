#include "publish/history/clock_judge.hpp"

#include <gtest/gtest.h>

namespace esshub::publish {
namespace {

const Instant t0 = Instant{} + 1h;
const WallTime noon{std::chrono::seconds(1768474800)};

/// A clock that shows `noon` at t0, and `by` more.
bool dates(ClockJudge& judge, Duration later, Duration by = {}) {
  return judge.on_clock(t0 + later,
                        noon + std::chrono::duration_cast<WallTime::duration>(later + by));
}

TEST(ClockJudge, BelievesNothingBeforeItKnowsWhatIsKept) {
  ClockJudge judge;
  EXPECT_FALSE(dates(judge, 0s));
  EXPECT_FALSE(dates(judge, 2h));
  EXPECT_EQ(judge.wall_at(t0), std::nullopt);
  judge.begin({});
  EXPECT_TRUE(dates(judge, 2h));
  EXPECT_EQ(judge.wall_at(t0), noon);
}

TEST(ClockJudge, AtTheStartItGoesByTheNewestRow) {
  struct {
    Duration after_newest;
    bool believed;
  } const rows[]{
      {-10min - 1s, false}, {-10min, true}, {0s, true}, {24h * 400, true}, {24h * 400 + 1s, false}};
  for (const auto& row : rows) {
    ClockJudge judge;
    judge.begin(noon - std::chrono::duration_cast<WallTime::duration>(row.after_newest));
    EXPECT_EQ(dates(judge, 0s), row.believed) << Seconds(row.after_newest).count();
  }
}

TEST(ClockJudge, ASmallCorrectionIsNoJumpHoweverManyThereAre) {
  ClockJudge judge;
  judge.begin({});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(dates(judge, i * 1min, i * 10min)) << i;
  EXPECT_FALSE(dates(judge, 10min, 9 * 10min + 10min + 1s));
  EXPECT_FALSE(dates(judge, 11min, 9 * 10min - 10min - 1s));
  EXPECT_EQ(judge.believed_since(), t0);
}

TEST(ClockJudge, AfterAJumpOnlyAnHourOfEvenTimeIsBelieved) {
  ClockJudge judge;
  judge.begin({});
  EXPECT_TRUE(dates(judge, 0s));
  EXPECT_FALSE(dates(judge, 1min, 24h));
  EXPECT_EQ(judge.wall_at(t0), noon) << "the clock before is in force";
  EXPECT_FALSE(dates(judge, 1min + 1h - 1s, 24h));
  EXPECT_FALSE(dates(judge, 1min + 1h - 1s, 48h)) << "another jump: another hour";
  EXPECT_FALSE(dates(judge, 1min + 2h - 2s, 48h));
  EXPECT_TRUE(dates(judge, 1min + 2h - 1s, 48h));
  EXPECT_EQ(judge.wall_at(t0), noon + 48h);
  EXPECT_EQ(judge.believed_since(), t0 + 1min + 1h - 1s) << "since it goes evenly";
}

TEST(ClockJudge, TheClockFromBeforeIsBelievedAtOnce) {
  ClockJudge judge;
  judge.begin({});
  EXPECT_TRUE(dates(judge, 0s));
  EXPECT_FALSE(dates(judge, 1min, -24h));
  EXPECT_TRUE(dates(judge, 2min));
  EXPECT_FALSE(dates(judge, 3min, -24h));
  EXPECT_FALSE(dates(judge, 62min, -24h)) << "its hour began anew";
  EXPECT_EQ(judge.believed_since(), t0);
}

}  // namespace
}  // namespace esshub::publish
