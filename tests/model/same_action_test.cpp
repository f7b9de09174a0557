#include "model/same_action.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace esshub {
namespace {

constexpr Instruction balance(Soc low) {
  return {.kind = InstructionKind::balance, .low = low};
}
constexpr Instruction charge(Watts power, Soc target) {
  return {.kind = InstructionKind::charge, .power = power, .target = target};
}

TEST(SameAction, ABalanceThatServesNobodyKeepsTheCharge) {
  EXPECT_TRUE(keeps_charge(balance(100.0_soc)));
  EXPECT_FALSE(keeps_charge(balance(99.0_soc))) << "a hundredth of the battery may still serve";
  EXPECT_FALSE(keeps_charge(balance(50.0_soc)));
  EXPECT_FALSE(keeps_charge(balance(0.0_soc)));
}

TEST(SameAction, OnlyABalanceIsSaidToKeepTheCharge) {
  for (const auto kind :
       {InstructionKind::charge, InstructionKind::discharge, InstructionKind::idle}) {
    EXPECT_FALSE(keeps_charge({.kind = kind, .low = 100.0_soc}));
  }
}

TEST(SameAction, OtherPowersAndTargetsAreNoOtherAction) {
  EXPECT_TRUE(same_action(charge(1000.0_W, 80.0_soc), charge(2000.0_W, 40.0_soc)));
  EXPECT_TRUE(same_action(balance(20.0_soc), balance(60.0_soc)));
  EXPECT_TRUE(same_action(balance(100.0_soc), balance(100.0_soc)));
}

TEST(SameAction, AnotherKindIsAnotherAction) {
  EXPECT_FALSE(same_action(balance(20.0_soc), charge(1000.0_W, 80.0_soc)));
  EXPECT_FALSE(same_action(charge(1000.0_W, 80.0_soc),
                           {.kind = InstructionKind::discharge, .power = 1000.0_W}));
}

TEST(SameAction, ToKeepTheChargeIsAnotherActionThanToServeTheHouse) {
  EXPECT_FALSE(same_action(balance(100.0_soc), balance(20.0_soc)));
  EXPECT_FALSE(same_action(balance(20.0_soc), balance(100.0_soc)));
}

}  // namespace
}  // namespace esshub
