#include "service/saved_safety.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace esshub::service {
namespace {

constexpr Instant now = Instant{} + 5000s;

/// One thing that is remembered, what is kept of it for 100 s from now, and what the log says.
struct Memory {
  std::function<void(SafetyMemories&)> remember;
  std::function<bool(const SavedSafety&)> kept;
  std::string log;
};

const std::vector<Memory>& each() {
  static const std::vector<Memory> memories{
      {[](auto& m) { m.control.cutoff = true; }, [](auto& s) { return s.cutoff; },
       "cutoff=latched"},
      {[](auto& m) { m.control.switch_on = true; }, [](auto& s) { return s.switch_on; },
       "cutoff=ended"},
      {[](auto& m) { m.control.cutoff_reset_until = now + 100s; },
       [](auto& s) { return s.cutoff_reset_left == 100s; }, "cutoff_reset_left_s=100"},
      {[](auto& m) { m.control.meter_reversed = true; }, [](auto& s) { return s.meter_reversed; },
       "grid_meter=reversed"},
      {[](auto& m) { m.supervision.hold_until = now + 100s; },
       [](auto& s) { return s.hold_left == 100s; }, "hold_left_s=100"},
      {[](auto& m) {
         m.supervision.parts = {{"bus", {now - 3s, now - 1s}}};
       },
       [](auto& s) {
         return s.parts == std::vector<SavedSafety::Part>{{"bus", {Duration{3s}, Duration{1s}}}};
       },
       "deaths=2"},
  };
  return memories;
}

TEST(SavedSafety, EachMemoryIsKeptAloneAndComesBack) {
  for (const auto& one : each()) {
    SafetyMemories memories;
    one.remember(memories);
    const auto saved = save_safety(memories, now);
    ASSERT_TRUE(saved) << one.log;
    EXPECT_TRUE(one.kept(*saved)) << one.log;
    for (const auto& other : each())
      EXPECT_EQ(other.kept(*saved), &other == &one) << one.log << ", " << other.log;
    EXPECT_EQ(recall_safety(*saved, {}, now), memories) << one.log;
    EXPECT_EQ(log_text(memories, now), one.log);
  }
}

TEST(SavedSafety, NothingIsKeptOfNothing) {
  EXPECT_FALSE(save_safety({}, now));
  EXPECT_EQ(log_text({}, now), "");
  EXPECT_EQ(recall_safety({}, {}, now), SafetyMemories{});
  SafetyMemories named;
  named.supervision.parts = {{"bus", {}}};
  EXPECT_EQ(log_text(named, now), "") << "nobody died";
}

TEST(SavedSafety, TheRestAfterAReversedMeterIsKeptWithIt) {
  SafetyMemories memories;
  memories.control.meter_reversed = true;
  memories.control.meter_rest_until = now + 900s;
  const auto saved = save_safety(memories, now);
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->meter_rest_left, 900s);
  EXPECT_EQ(recall_safety(*saved, 60s, now).control.meter_rest_until, now + 840s);
  EXPECT_EQ(log_text(memories, now), "grid_meter=reversed meter_rest_left_s=900");
}

TEST(SavedSafety, WhatIsOverIsNotKeptNorRecalled) {
  SafetyMemories memories;
  memories.control.meter_reversed = true;
  for (const Duration left : {Duration{1}, Duration{0}, Duration{-1}}) {
    memories.control.meter_rest_until = now + left;
    EXPECT_EQ(save_safety(memories, now)->meter_rest_left.has_value(), left > Duration{})
        << left.count();
  }
  SavedSafety saved;
  saved.hold_left = 60s;
  EXPECT_TRUE(recall_safety(saved, 60s - Duration{1}, now).supervision.hold_until);
  EXPECT_FALSE(recall_safety(saved, 60s, now).supervision.hold_until);
  EXPECT_FALSE(recall_safety(saved, 61s, now).supervision.hold_until);
}

TEST(SavedSafety, DeathsGrowOlderWhileTheProgramIsOff) {
  SavedSafety saved;
  saved.parts = {{"bus", {Duration{10s}}}};
  const auto recalled = recall_safety(saved, 5s, now);
  ASSERT_EQ(recalled.supervision.parts.size(), 1u);
  EXPECT_EQ(recalled.supervision.parts[0].name, "bus");
  EXPECT_EQ(recalled.supervision.parts[0].deaths, std::vector<Instant>{now - 15s});
  // A clock that was set back makes nobody die in the future.
  SafetyMemories memories;
  memories.supervision.parts = {{"bus", {now + 1s}}};
  EXPECT_EQ(save_safety(memories, now)->parts[0].died_ago, std::vector<Duration>{Duration{}});
}

TEST(SavedSafety, BeginsEmpty) {
  const SavedSafety saved;
  EXPECT_FALSE(saved.cutoff);
  EXPECT_FALSE(saved.switch_on);
  EXPECT_FALSE(saved.meter_reversed);
}

TEST(SavedSafety, AnExcursionIsKeptByItsAgeOfADayAtMost) {
  const auto kept = [](Instant excursion) {
    SafetyMemories memories;
    memories.control.export_excursions = {std::nullopt, excursion};
    return save_safety(memories, now)->excursions_ago;
  };
  EXPECT_EQ(kept(now), std::vector<Duration>{Duration{}});
  EXPECT_EQ(kept(now + 1ns), std::vector<Duration>{Duration{}}) << "none is still to come";
  EXPECT_EQ(kept(now - 1ns), std::vector<Duration>{Duration{1}});
  EXPECT_EQ(kept(now - 24h - 1ns), std::vector<Duration>{Duration{24h}});
}

TEST(SavedSafety, TheLogCountsFromOne) {
  SafetyMemories memories;
  memories.control.export_excursions = {std::nullopt, now - 1h};
  memories.supervision.parts = {{"bus", {now - 1s}}};
  EXPECT_EQ(log_text(memories, now), "export_excursions=1 deaths=1");
}

}  // namespace
}  // namespace esshub::service
