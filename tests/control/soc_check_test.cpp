// F18: which SOC rules when the BMS's word jumps or disagrees with the pack voltage.
#include "control/soc_check.hpp"

#include <gtest/gtest.h>

#include <array>

namespace esshub::control {
namespace {

Soc percent(double value) {
  return *Soc::from_percent(value);
}

/// A BMS that speaks every second.
struct Bms {
  SocCheck check{};
  Instant now{1h};

  /// The SOC that rules after the next word.
  double says(double soc, std::optional<double> volts = {}, bool resting = false,
              Duration after = 1s) {
    now += after;
    check_soc(check, percent(soc), volts ? std::optional{Volts{*volts}} : std::nullopt, resting,
              now);
    return check.ruling.percent();
  }
  [[nodiscard]] bool doubtful() const { return check.doubtful_until.has_value(); }
};

TEST(SocCheck, AChangeOfFivePointsIsHonestAndOneOfMoreIsAJump) {
  for (const double way : {-1.0, 1.0}) {
    Bms bms;
    bms.says(50);
    bms.says(50 + way * 5.0);
    EXPECT_FALSE(bms.doubtful());
    bms.says(50 + way * 10.1);
    EXPECT_TRUE(bms.doubtful());
  }
}

TEST(SocCheck, OnlyWithinTenSecondsIsItAJump) {
  for (const auto& [after, jumps] : {std::pair{9999ms, true}, std::pair{10000ms, false}}) {
    Bms bms;
    bms.says(50);
    EXPECT_EQ(bms.says(60, {}, false, after), jumps ? 50 : 60);
    EXPECT_EQ(bms.doubtful(), jumps);
  }
}

TEST(SocCheck, TheFirstWordIsNoJump) {
  Bms bms;
  bms.check.at = bms.now;
  EXPECT_EQ(bms.says(90), 90);
  EXPECT_FALSE(bms.doubtful());
}

TEST(SocCheck, InDoubtTheLowestWordRulesUntilSixtySecondsAgreed) {
  Bms bms;
  bms.says(50);
  EXPECT_EQ(bms.says(60), 50) << "up";
  EXPECT_EQ(bms.says(57), 50);
  EXPECT_EQ(bms.says(48), 48) << "a lower word rules at once";
  const Instant last_jump = bms.now;
  while (bms.now < last_jump + 59s) EXPECT_EQ(bms.says(52), 48);
  EXPECT_EQ(bms.says(52, {}, false, 999ms), 48);
  EXPECT_TRUE(bms.doubtful());
  EXPECT_EQ(bms.says(52, {}, false, 1ms), 52);
  EXPECT_FALSE(bms.doubtful());
}

TEST(SocCheck, EveryJumpBeginsTheMinuteAnew) {
  Bms bms;
  bms.says(50);
  bms.says(60);
  for (int i = 0; i < 50; ++i) bms.says(60);
  bms.says(54);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(bms.says(54), 50) << i;
  for (int i = 0; i < 10; ++i) bms.says(54);
  EXPECT_EQ(bms.says(54), 54);
}

TEST(SocCheck, ALongSilenceDoesNotEndTheDoubt) {
  Bms bms;
  bms.says(30);
  EXPECT_EQ(bms.says(60), 30);
  EXPECT_EQ(bms.says(60, {}, false, 20s), 30);
  EXPECT_TRUE(bms.doubtful());
  EXPECT_EQ(bms.says(60, {}, false, 70s), 30) << "silence is no agreement";
  for (int i = 0; i < 59; ++i) EXPECT_EQ(bms.says(60, {}, false, 1s), 30);
  EXPECT_EQ(bms.says(60, {}, false, 1s), 60);
  EXPECT_FALSE(bms.doubtful());
}

struct Curve {
  double volts;  ///< at rest
  double most;   ///< % that a healthy pack holds there, and the BMS may say
};
/// The usual curve of 15 LFP cells, twice what it says: straight lines between these points.
constexpr std::array curve{
    Curve{40.0, 5},  Curve{45.0, 5},   Curve{45.75, 8.5}, Curve{46.5, 12},   Curve{46.95, 18.5},
    Curve{47.4, 25}, Curve{47.85, 35}, Curve{48.3, 45},   Curve{48.31, 100}, Curve{53.0, 100},
};

TEST(SocCheck, NoMoreIsBelievedThanThePackHoldsAtItsVoltage) {
  for (const auto& [volts, most] : curve) {
    Bms bms;
    EXPECT_NEAR(bms.says(100, volts), most, 1e-9) << volts;
    EXPECT_EQ(bms.doubtful(), most < 100) << volts;
    Bms fine;
    const double less = std::max(0.0, most - 0.5);
    EXPECT_NEAR(fine.says(less, volts), less, 1e-9) << volts;
    EXPECT_FALSE(fine.doubtful()) << volts;
  }
}

TEST(SocCheck, ExactlyWhatThePackHoldsIsNoContradiction) {
  Bms bms;
  bms.says(12, 46.5);
  EXPECT_FALSE(bms.doubtful());
}

TEST(SocCheck, AVoltageThatRisesAgainDoesNotRaiseTheSocThatRulesWithinTheMinute) {
  Bms bms;
  EXPECT_EQ(bms.says(50, 46.5), 12);
  for (int i = 0; i < 59; ++i) EXPECT_EQ(bms.says(50, 50.0), 12) << i;
  EXPECT_EQ(bms.says(50, 50.0), 50);
  EXPECT_FALSE(bms.doubtful());
}

TEST(SocCheck, WithoutAVoltageTheWordStands) {
  Bms bms;
  EXPECT_EQ(bms.says(50), 50);
  EXPECT_FALSE(bms.doubtful());
}

struct Full {
  const char* what;
  double soc;
  double volts;
  bool resting;
  bool doubted;
};
/// 3.37 V a cell at rest is a full one's; below 70 % the word contradicts it.
TEST(SocCheck, ARestingPackOfAFullOnesVoltageContradictsAHalfOnesSoc) {
  for (const auto& row :
       {Full{"looks full, says half", 69.9, 50.55, true, true},
        Full{"says 70 %", 70, 50.55, true, false}, Full{"lower", 69.9, 50.54, true, false},
        Full{"does not rest", 69.9, 50.55, false, false}}) {
    Bms bms;
    for (int i = 0; i < 60; ++i) bms.says(row.soc, row.volts, row.resting);
    EXPECT_FALSE(bms.doubtful()) << row.what << ": for less than a minute";
    EXPECT_EQ(bms.says(row.soc, row.volts, row.resting), row.soc);
    EXPECT_EQ(bms.doubtful(), row.doubted) << row.what;
  }
}

TEST(SocCheck, TheMinuteOfAFullOnesVoltageIsInOnePiece) {
  Bms bms;
  for (int i = 0; i < 50; ++i) bms.says(50, 51.0, true);
  bms.says(50, 50.0, true);
  for (int i = 0; i < 60; ++i) bms.says(50, 51.0, true);
  EXPECT_FALSE(bms.doubtful());
  bms.says(50, 51.0, true);
  EXPECT_TRUE(bms.doubtful());
}

}  // namespace
}  // namespace esshub::control
