#include "model/decision.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "model/command.hpp"
#include "model/plan.hpp"
#include "model/safety_memory.hpp"

namespace esshub {
namespace {

TEST(Reasons, KeepTheirOrderAndHaveRoomForEveryCause) {
  Reasons reasons;
  EXPECT_TRUE(reasons.empty());
  EXPECT_EQ(reasons.size(), 0u);
  EXPECT_EQ(reasons.begin(), reasons.end());
  for (const Cause cause : enum_values<Cause>) {
    EXPECT_FALSE(reasons.has(cause)) << name(cause);
    reasons.add({cause, Watts{static_cast<double>(index(cause))}});
    EXPECT_TRUE(reasons.has(cause)) << name(cause);
  }
  EXPECT_FALSE(reasons.empty());
  ASSERT_EQ(reasons.size(), enum_count<Cause>);
  std::size_t i = 0;
  for (const Reason& reason : reasons) {
    EXPECT_EQ(index(reason.cause), i);
    EXPECT_EQ(reason.power_without, Watts{static_cast<double>(i)});
    ++i;
  }
  EXPECT_EQ(i, enum_count<Cause>);
}

TEST(Phrases, EveryCauseHasItsOwnWords) {
  std::set<std::string_view> phrases;
  for (const Cause cause : enum_values<Cause>) {
    EXPECT_FALSE(phrase(cause).empty());
    EXPECT_TRUE(phrases.insert(phrase(cause)).second) << name(cause);
  }
  EXPECT_EQ(phrase(Cause::idle), "resting");
  EXPECT_EQ(phrase(Cause::bms_charge_limit), "the BMS's charge current limit (CCL)");
}

/// Nobody has ordered anything: nothing is commanded (I1), and the house is served.
TEST(Decision, BeginsReleasedWithBalance) {
  const Decision decision;
  EXPECT_EQ(decision.setpoint.mode, InverterMode::release);
  EXPECT_EQ(decision.setpoint.ac_power, Watts{});
  EXPECT_EQ(decision.policy.mode, Mode::balance);
  EXPECT_EQ(decision.policy.authority, Authority::balance);
  const Instruction instruction;
  EXPECT_EQ(instruction.kind, InstructionKind::balance);
  EXPECT_EQ(instruction.low, 0.0_soc);
  EXPECT_EQ(instruction.high, 100.0_soc);
  EXPECT_EQ(Orders{}.acknowledgements, 0u);
  EXPECT_FALSE(decision.setpoint.switch_on);
  EXPECT_FALSE(decision.policy.storm_kept);
  EXPECT_TRUE(Storm{}.fill) << "docs/policy.md";
  EXPECT_TRUE(StartStorm{}.fill);
  EXPECT_EQ(PlanSpan{}.authority, Authority::balance);
  EXPECT_FALSE(PlanSpan{}.repeated_hour);
}

/// I12: a hub without a memory has latched nothing.
TEST(SafetyMemory, BeginsEmpty) {
  const SafetyMemory memory;
  EXPECT_FALSE(memory.cutoff);
  EXPECT_FALSE(memory.switch_on);
  EXPECT_FALSE(memory.meter_reversed);
  EXPECT_EQ(memory.acknowledgements, 0u);
}

}  // namespace
}  // namespace esshub
