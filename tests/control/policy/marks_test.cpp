// What the words of an instruction mean: docs/policy.md, the table of instructions.
#include "control/policy/marks.hpp"

#include <gtest/gtest.h>

namespace esshub::control {
namespace {

constexpr Instruction of(InstructionKind kind) {
  return {.kind = kind, .power = 900.0_W, .target = 60.0_soc, .low = 30.0_soc, .high = 80.0_soc};
}

struct Row {
  InstructionKind kind;
  double buy, buy_power, store, serve, sell, sell_power;
};

TEST(Marks, AreWhatTheTableOfInstructionsSays) {
  using enum InstructionKind;
  for (const auto& row :
       {Row{balance, 0, 0, 80, 30, 100, 0}, Row{idle, 0, 0, 30, 80, 100, 0},
        Row{charge, 60, 900, 100, 60, 100, 0}, Row{discharge, 0, 0, 60, 60, 60, 900}}) {
    const Marks m = marks(of(row.kind));
    SCOPED_TRACE(name(row.kind));
    EXPECT_EQ(m.buy.percent(), row.buy);
    EXPECT_EQ(m.buy_power.value(), row.buy_power);
    EXPECT_EQ(m.store.percent(), row.store);
    EXPECT_EQ(m.serve.percent(), row.serve);
    EXPECT_EQ(m.sell.percent(), row.sell);
    EXPECT_EQ(m.sell_power.value(), row.sell_power);
  }
}

TEST(Marks, ThatAreBoughtUpToLieNotAboveThoseOfTheSunNorServedBelowWhatIsSold) {
  for (const auto kind : enum_values<InstructionKind>)
    for (const double target : {0.0, 50.0, 100.0}) {
      Instruction i = of(kind);
      i.target = *Soc::from_percent(target);
      const Marks m = marks(i);
      EXPECT_LE(m.buy, m.store) << name(kind) << ' ' << target;
      EXPECT_LE(m.serve, m.sell) << name(kind) << ' ' << target;
    }
}

TEST(Marks, KeepingMoreThanTheTargetIsKept) {
  Instruction cheap = of(InstructionKind::charge);
  cheap.low = 100.0_soc;
  EXPECT_EQ(marks(cheap).serve, 100.0_soc);
}

TEST(Marks, OfNoKnownWordLetTheBatteryRest) {
  const Marks m = marks(of(static_cast<InstructionKind>(9)));
  EXPECT_EQ(m.store, Soc{});
  EXPECT_EQ(m.serve, 100.0_soc);
  EXPECT_EQ(m.buy_power, Watts{});
  EXPECT_EQ(m.sell_power, Watts{});
}

}  // namespace
}  // namespace esshub::control
