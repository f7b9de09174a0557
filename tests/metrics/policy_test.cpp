#include "tests/metrics/full_view.hpp"

namespace esshub::metrics {
namespace {

TEST(Sections, PolicyShowsInstructionAuthorityAndMode) {
  const auto all = series(text(full_view(), 250ms));
  expect_shown(all, {{"esshub_instruction_active{instruction=\"charge\"}", 1},
                     {"esshub_instruction_power_watts", 1800},
                     {"esshub_instruction_soc_ratio{bound=\"target\"}", 0.8},
                     {"esshub_instruction_until_timestamp_seconds", 1772366400 + 1800},
                     {"esshub_storm_until_timestamp_seconds", 1772366400 + 7200},
                     {"esshub_storm_reached_timestamp_seconds", 1772366400 + 3600},
                     {"esshub_battery_last_full_timestamp_seconds", 1772366400 - 172800},
                     {"esshub_authority_active{authority=\"schedule\"}", 1},
                     {"esshub_mode_active{mode=\"scheduled\"}", 1},
                     {"esshub_local_weekday", 7}});
  EXPECT_NEAR(all.at("esshub_reserve_margin_ratio"), -0.03, 1e-9);
}

TEST(Sections, BoundsOfAnInstructionAreThoseOfItsKind) {
  auto view = full_view();
  view.decision.policy.instruction.kind = InstructionKind::idle;
  view.decision.policy.instruction.low = 30.0_soc;
  const auto all = series(text(view));
  EXPECT_EQ(all.at("esshub_instruction_soc_ratio{bound=\"low\"}"), 0.3);
  EXPECT_EQ(all.at("esshub_instruction_soc_ratio{bound=\"high\"}"), 1.0);
  EXPECT_FALSE(all.contains("esshub_instruction_soc_ratio{bound=\"target\"}"));
  EXPECT_FALSE(all.contains("esshub_instruction_power_watts"));
}

}  // namespace
}  // namespace esshub::metrics
