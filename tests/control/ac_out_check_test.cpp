#include "control/ac_out_check.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace esshub::control {
namespace {

constexpr Instant start = Instant{} + 100s;

/// A unit that answers every 200 ms; its converter does 100 W unless it is told otherwise.
struct Unit {
  AcOutCheck check;
  Instant now = start;
  std::optional<double> load = 300.0;       ///< its word for AC-out
  double truth = 300.0;                     ///< by the two others
  std::optional<double> converter = 100.0;  ///< AC side of the battery

  std::optional<double> reply() {
    now += 200ms;
    const auto watts = [](const std::optional<double>& value) {
      return value ? std::optional{Watts{*value}} : std::nullopt;
    };
    check_ac_out(check,
                 {now, Watts{truth + converter.value_or(0.0)}, watts(converter), watts(load)});
    if (!check.accepted) return std::nullopt;
    return check.accepted->value();
  }
  std::optional<double> replies(Duration time) {
    std::optional<double> last;
    for (const Instant end = now + time; now < end;) last = reply();
    return last;
  }
};

TEST(AcOutCheck, TakesWhatBothSay) {
  Unit unit;
  EXPECT_EQ(unit.reply(), 300.0);
  EXPECT_EQ(unit.check.accepted_at, unit.now);
  unit.load = unit.truth = -800.0;  // the sun behind the inverter
  EXPECT_EQ(unit.reply(), -800.0);
  EXPECT_FALSE(unit.check.doubtful_since);
}

TEST(AcOutCheck, OneDamagedWordMovesNothing) {
  for (const double damaged : {-30000.0, 0.0, 249.0, 351.0, 20000.0}) {
    Unit unit;
    unit.replies(2s);
    unit.load = damaged;
    EXPECT_EQ(unit.reply(), 300.0) << "RAM 16: " << damaged;
    unit.load = 300.0;
    unit.truth = damaged;
    EXPECT_EQ(unit.reply(), 300.0) << "RAM 14 or 15: " << damaged;
    unit.truth = 300.0;
    EXPECT_EQ(unit.reply(), 300.0);
  }
}

TEST(AcOutCheck, ALoadThatStepsPassesAtOnce) {
  Unit unit;
  unit.replies(2s);
  for (const double load : {2800.0, 10.0, -2000.0}) {
    unit.load = unit.truth = load;
    EXPECT_EQ(unit.reply(), load);
  }
}

TEST(AcOutCheck, FiftyWattsAreNoContradiction) {
  Unit unit;
  unit.replies(2s);
  unit.load = 350.0;
  unit.replies(20s);
  EXPECT_FALSE(unit.check.doubtful_since);
  unit.load = 350.1;
  unit.reply();
  EXPECT_TRUE(unit.check.doubtful_since);
}

TEST(AcOutCheck, AWordThatIsWrongForEverCountsNoLongerThanASecond) {
  for (const double error : {-1500.0, 60.0, 1500.0, 29000.0}) {
    Unit unit;
    unit.replies(2s);
    const auto set = [&](double load) {
      unit.truth = load;
      unit.load = load + error;
    };
    set(300.0);
    unit.replies(1s);  // the fifth reply comes 800 ms after the first
    for (const double load : {800.0, 500.0, 20.0, 2500.0, 0.0}) {
      set(load);
      unit.replies(200ms);
      EXPECT_EQ(unit.replies(200ms), load) << error;
    }
  }
}

TEST(AcOutCheck, InTheFirstSecondItIsNoFurtherOffThanTheLoadHasMoved) {
  Unit unit;
  unit.replies(2s);
  unit.load = 20000.0;
  for (int n = 0; n < 4; ++n) {
    unit.truth = 300.0 + 50.0 * n;
    EXPECT_EQ(unit.reply(), 300.0) << "what is so far from the other word proves no step";
  }
}

// The bytes of F 6 moved by one that noise put in: a header, the battery and AC-out were read
// where battery, AC-out and AC-in were asked for.
TEST(AcOutCheck, AReplyInWhichSeveralWordsAreWrongMovesNothing) {
  for (const auto& [ac_in, converter, word] :
       {std::array{-938.0, 0.0, 84.0}, std::array{-938.0, 84.0, 0.0}, std::array{-84.0, 0.0, 938.0},
        std::array{20000.0, 0.0, 5000.0}}) {
    Unit unit;
    unit.converter = 0.0;
    unit.load = unit.truth = 938.0;
    unit.replies(2s);
    unit.load = word;
    unit.truth = ac_in - converter;
    unit.converter = converter;
    EXPECT_EQ(unit.reply(), 938.0) << ac_in << ' ' << converter << ' ' << word;
    EXPECT_EQ(unit.check.accepted_at, unit.now);
  }
}

TEST(AcOutCheck, AStepThatOneWordTellsInFullAndTheOtherInPartPassesAsFarAsBothTellIt) {
  for (const double step : {2000.0, -2000.0}) {
    Unit unit;
    unit.replies(2s);
    unit.truth = 300.0 + step;
    unit.load = 300.0 + 0.5 * step;
    EXPECT_EQ(unit.reply(), 300.0 + 0.5 * step) << "as far from each other as from the last";
    Unit less;
    less.replies(2s);
    less.truth = 300.0 + step;
    less.load = 300.0 + 0.49 * step;
    EXPECT_EQ(less.reply(), 300.0);
  }
}

TEST(AcOutCheck, ASecondNeedsThreeReplies) {
  Unit unit;
  unit.reply();
  unit.load = 5000.0;
  unit.truth = 200.0;
  EXPECT_EQ(unit.reply(), 300.0);
  unit.now += 1s;
  EXPECT_EQ(unit.reply(), 300.0) << "two, a second apart";
  EXPECT_EQ(unit.reply(), 200.0) << "three";
}

TEST(AcOutCheck, AtTheStartAContradictionIsNotKnownForASecond) {
  Unit unit;
  unit.load = 5000.0;
  EXPECT_EQ(unit.replies(1s), std::nullopt);
  EXPECT_EQ(unit.replies(400ms), 300.0);
}

TEST(AcOutCheck, WithoutTheConverterItsOwnWordCounts) {
  Unit unit;
  unit.converter = std::nullopt;
  unit.load = 700.0;
  EXPECT_EQ(unit.reply(), 700.0);
  unit.load = std::nullopt;
  unit.reply();
  EXPECT_EQ(unit.check.accepted_at, unit.now - 200ms) << "not new";
}

TEST(AcOutCheck, WithoutItsOwnWordTheBalanceCountsAfterASecond) {
  Unit unit;
  unit.replies(1s);
  unit.load = std::nullopt;
  unit.truth = 900.0;
  EXPECT_EQ(unit.reply(), 300.0);
  EXPECT_EQ(unit.check.accepted_at, unit.now - 200ms) << "and grows old";
  EXPECT_EQ(unit.replies(1s), 900.0);
}

TEST(AcOutCheck, NoNumberIsNotTold) {
  const double nan = std::nan("");
  Unit unit;
  unit.replies(1s);
  unit.load = nan;
  for (int n = 0; n < 10; ++n) EXPECT_EQ(unit.reply(), 300.0);
  unit.converter = nan;
  unit.load = 400.0;
  EXPECT_EQ(unit.reply(), 400.0);
  unit.now += 200ms;
  check_ac_out(unit.check, {unit.now, Watts{500}, Watts{nan}, Watts{450}});
  EXPECT_EQ(unit.check.accepted, Watts{450}) << "the converter's word alone is none";
  unit.converter = 100.0;
  unit.truth = nan;
  unit.load = 500.0;
  EXPECT_EQ(unit.replies(3s), 500.0);
}

TEST(AcOutCheck, WhatIsOlderThanThreeSecondsSaysNothing) {
  Unit unit;
  unit.reply();
  unit.now += 2800ms;
  unit.load = 5000.0;
  EXPECT_EQ(unit.reply(), 300.0) << "3 s";
  Unit other;
  other.reply();
  other.now += 2801ms;
  other.load = 5000.0;
  EXPECT_EQ(other.reply(), std::nullopt);
}

TEST(AcOutCheck, AReplyIsLookedAtOnce) {
  Unit unit;
  unit.reply();
  unit.load = 5000.0;
  unit.reply();
  for (int n = 0; n < 10; ++n)
    check_ac_out(unit.check, {unit.now, Watts{400}, Watts{100}, Watts{5000}});
  EXPECT_EQ(unit.check.contradictions, 1);
}

TEST(AcOutCheck, IsToldAfterTenSecondsAndOverAfterFiveThatAgree) {
  Unit unit;
  unit.replies(2s);
  unit.load = 900.0;
  unit.reply();
  unit.replies(9800ms);
  EXPECT_FALSE(unit.check.inconsistent());
  unit.reply();
  EXPECT_TRUE(unit.check.inconsistent());
  unit.load = 300.0;
  unit.reply();
  unit.replies(4800ms);
  EXPECT_TRUE(unit.check.inconsistent());
  unit.reply();
  EXPECT_FALSE(unit.check.inconsistent());
  EXPECT_FALSE(unit.check.doubtful_since);
}

TEST(AcOutCheck, OneReplyInFourThatAgreesHidesNothing) {
  Unit unit;
  for (int n = 0; n < 60; ++n) {
    unit.load = n % 4 == 0 ? 300.0 : 5000.0;
    EXPECT_EQ(unit.reply(), 300.0);
  }
  EXPECT_TRUE(unit.check.inconsistent());
}

/// A reply that agrees ends a contradiction: its second and its three replies are of one piece.
TEST(AcOutCheck, AContradictionLastsOnlyWhereNoReplyInBetweenAgrees) {
  for (const bool slow : {false, true}) {
    Unit unit;
    unit.replies(2s);
    const auto contradict = [&](int replies) {
      unit.load = 5000.0;
      unit.truth = 200.0;
      std::optional<double> last;
      for (int n = 0; n < replies; ++n) last = unit.reply();
      return last;
    };
    contradict(4);  // 600 ms
    unit.load = unit.truth = 300.0;
    EXPECT_EQ(unit.replies(2s), 300.0);
    if (slow) {
      EXPECT_EQ(contradict(1), 300.0);
      unit.now += 1s;
      EXPECT_EQ(contradict(1), 300.0) << "two, a second apart";
    } else {
      EXPECT_EQ(contradict(5), 300.0) << "five, in 800 ms";
      EXPECT_EQ(contradict(1), 200.0);
    }
  }
}

TEST(AcOutCheck, TheFiveSecondsThatEndADoubtAreOfOnePiece) {
  Unit unit;
  unit.replies(2s);
  for (int n = 0; n < 4; ++n) {
    unit.load = 900.0;
    unit.reply();
    unit.load = 300.0;
    unit.replies(4s);
    EXPECT_TRUE(unit.check.doubtful_since) << n;
  }
  EXPECT_TRUE(unit.check.inconsistent());
  unit.replies(1200ms);
  EXPECT_FALSE(unit.check.doubtful_since);
}

}  // namespace
}  // namespace esshub::control
