// Safety contract I12: going back to an older state loosens nothing that is in force.
#include "app/backup/safety.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace esshub::app {
namespace {

using service::SavedSafety;
using service::SavedState;
using testing::ElementsAre;

const WallTime now{std::chrono::hours{490'000}};

TEST(RestoredSafety, WhatIsLatchedHereStaysLatched) {
  const SavedSafety here{.cutoff = true, .meter_reversed = true};
  const auto both = stricter(here, {});
  EXPECT_TRUE(both.cutoff);
  EXPECT_TRUE(both.meter_reversed);
  EXPECT_FALSE(stricter({}, {}).cutoff);
  EXPECT_FALSE(stricter({}, {}).meter_reversed);
}

TEST(RestoredSafety, WhatTheBackupRemembersCountsAsWell) {
  const auto both = stricter({}, {.cutoff = true, .meter_reversed = true});
  EXPECT_TRUE(both.cutoff);
  EXPECT_TRUE(both.meter_reversed);
}

TEST(RestoredSafety, TheLongerRestHolds) {
  const SavedSafety more{.meter_rest_left = 900s, .lockout_left = 4h, .hold_left = 1h};
  const SavedSafety less{.meter_rest_left = 1s, .lockout_left = 1h, .hold_left = 1min};
  for (const auto& both :
       {stricter(more, less), stricter(less, more), stricter(more, {}), stricter({}, more)}) {
    EXPECT_EQ(both.meter_rest_left, Duration{900s});
    EXPECT_EQ(both.lockout_left, Duration{4h});
    EXPECT_EQ(both.hold_left, Duration{1h});
  }
}

TEST(RestoredSafety, TheOwnersWordIsNoPartOfAnOlderMemory) {
  EXPECT_EQ(stricter({}, {.cutoff_reset_left = 5min}).cutoff_reset_left, std::nullopt);
  EXPECT_EQ(stricter({.cutoff_reset_left = 5min}, {}).cutoff_reset_left, Duration{5min});
  EXPECT_EQ(stricter({.cutoff_reset_left = 5min}, {.cutoff = true}).cutoff_reset_left,
            std::nullopt);
}

TEST(RestoredSafety, AnInverterThatIsStillOffIsSwitchedOnUnlessACutOffIsLatched) {
  EXPECT_TRUE(stricter({.switch_on = true}, {}).switch_on);
  EXPECT_TRUE(stricter({}, {.switch_on = true}).switch_on);
  EXPECT_FALSE(stricter({.switch_on = true}, {.cutoff = true}).switch_on);
  EXPECT_FALSE(stricter({.cutoff = true}, {.switch_on = true}).switch_on);
}

TEST(RestoredSafety, TheNewestExcursionsOfBothCount) {
  EXPECT_THAT(stricter({.excursions_ago = {3h}}, {.excursions_ago = {5h, 1h}}).excursions_ago,
              ElementsAre(Duration{3h}, Duration{1h}));
  EXPECT_THAT(stricter({}, {.excursions_ago = {5h, 1h}}).excursions_ago,
              ElementsAre(Duration{5h}, Duration{1h}));
}

TEST(RestoredSafety, DeathsHereAreNotForgotten) {
  const SavedSafety here{.parts = {{"control", {10min, 5min}}}};
  const SavedSafety restored{.parts = {{"control", {}}, {"bus.meters", {1min}}}};
  EXPECT_THAT(stricter(here, restored).parts,
              ElementsAre(SavedSafety::Part{"control", {10min, 5min}},
                          SavedSafety::Part{"bus.meters", {1min}}));
}

TEST(RestoredSafety, ThePartThatDiedMoreOftenCounts) {
  const SavedSafety once{.parts = {{"control", {10min}}}};
  const SavedSafety thrice{.parts = {{"control", {3h, 2h, 1h}}}};
  EXPECT_EQ(stricter(once, thrice).parts, thrice.parts);
  EXPECT_EQ(stricter(thrice, once).parts, thrice.parts);
  const SavedSafety other{.parts = {{"control", {20min}}}};
  EXPECT_EQ(stricter(once, other).parts, once.parts) << "as often: what is here";
}

TEST(RestoredSafety, AnExcursionThatBothKnowIsOne) {
  EXPECT_THAT(stricter({.excursions_ago = {3h}}, {.excursions_ago = {3h}}).excursions_ago,
              ElementsAre(Duration{3h}));
  EXPECT_THAT(stricter({.excursions_ago = {2h, 2h}}, {.excursions_ago = {2h}}).excursions_ago,
              ElementsAre(Duration{2h}, Duration{2h}));
}

TEST(StateHere, OfANewerVersionSafetyIsReadAlone) {
  const auto whole = state_here(R"({"saved_at": 7, "mode": "smart", "safety":
                                    {"cutoff": true, "meter_reversed": false}})");
  ASSERT_TRUE(whole && whole->safety);
  EXPECT_EQ(whole->mode, Mode::smart);
  const auto newer = state_here(R"({"saved_at": 7, "mode": "cleverer", "safety":
                                    {"cutoff": true, "meter_reversed": false}})");
  ASSERT_TRUE(newer && newer->safety);
  EXPECT_TRUE(newer->safety->cutoff);
  EXPECT_EQ(newer->saved_at, WallTime{7s});
  EXPECT_FALSE(newer->mode);
  EXPECT_FALSE(state_here("{"));
  EXPECT_FALSE(state_here("[]"));
  EXPECT_FALSE(state_here(R"({"mode": "cleverer"})")) << "it was saved at no time";
}

SavedState saved() {
  SavedState state{.mode = Mode::scheduled, .saved_at = now - 24h};
  state.boot_id = "one";
  state.boot_time = 1h;
  return state;
}

TEST(StateToRestore, OrdersAreTheBackupsAndALockOutOfNowStays) {
  SavedState here{
      .mode = Mode::balance, .safety = SavedSafety{.lockout_left = 2h}, .saved_at = now};
  const auto state = state_to_restore(saved(), here, now);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->mode, Mode::scheduled);
  EXPECT_EQ(state->saved_at, now - 24h);
  ASSERT_TRUE(state->safety);
  EXPECT_EQ(state->safety->lockout_left, Duration{2h});
}

TEST(StateToRestore, NoClockCountsItsRestsAway) {
  const auto state = state_to_restore(saved(), std::nullopt, now);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->boot_id, "");
  EXPECT_EQ(state->boot_time, Duration{});
  EXPECT_EQ(service::passed_since(*state, "one", {}), std::nullopt);
}

TEST(StateToRestore, WhatHasEndedIsLeftOut) {
  auto old = saved();
  old.manual = SavedState::Override{.instruction = {}, .until = now};
  old.storm = SavedState::Storm{.reserve = *Soc::from_percent(50), .until = now};
  auto state = state_to_restore(old, std::nullopt, now);
  EXPECT_FALSE(state->manual);
  EXPECT_FALSE(state->storm);
  old.manual->until = old.storm->until = now + 1s;
  state = state_to_restore(old, std::nullopt, now);
  EXPECT_TRUE(state->manual);
  EXPECT_TRUE(state->storm);
}

TEST(StateToRestore, ABackupWithoutAStateTakesOrdersAwayAndNoSafety) {
  EXPECT_FALSE(state_to_restore(std::nullopt, std::nullopt, now));
  SavedState here{.mode = Mode::balance, .saved_at = now};
  EXPECT_FALSE(state_to_restore(std::nullopt, here, now));
  here.safety = SavedSafety{.cutoff = true};
  const auto state = state_to_restore(std::nullopt, here, now);
  ASSERT_TRUE(state);
  EXPECT_FALSE(state->mode);
  EXPECT_EQ(state->saved_at, now);
  EXPECT_TRUE(state->safety->cutoff);
}

}  // namespace
}  // namespace esshub::app
