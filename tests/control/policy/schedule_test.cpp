#include "control/policy/schedule.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/control/policy/instructions.hpp"

namespace esshub::control {
namespace {

using namespace literals;

TEST(Schedule, EveryBitIsItsDay) {
  for (int bit = 0; bit < 7; ++bit) {
    const WeekSpan noon{static_cast<std::uint8_t>(1 << bit), 720, 721};
    const WeekSpan night{static_cast<std::uint8_t>(1 << bit), 1439, 1};
    for (int day = 1; day <= 7; ++day) {
      EXPECT_EQ(noon.covers({720, day}), day == bit + 1);
      EXPECT_EQ(night.covers({1439, day}), day == bit + 1);
      EXPECT_EQ(night.covers({0, day}), day == (bit + 1) % 7 + 1) << "the night after";
    }
  }
}

TEST(Schedule, TheFirstMinuteOfTheWeekIsFoundWhereverItLies) {
  const auto minute = [](int weekday, int of_day) {
    return WeekSpan{static_cast<std::uint8_t>(1 << (weekday - 1)), of_day, of_day + 1};
  };
  for (const int weekday : {1, 4, 7})
    for (const int of_day : {0, 725, 1439}) {
      const CivilMinute expected{of_day, weekday};
      EXPECT_EQ(first_common(minute(weekday, of_day), {}), expected);
      const std::vector<WeekSpan> rest{
          {static_cast<std::uint8_t>(every_day & ~(1 << (weekday - 1))), 0, 1440},
          {every_day, 0, of_day},
          {every_day, of_day + 1, 1440}};
      std::vector<WeekSpan> spans;
      for (const auto& span : rest)
        if (span.from < span.to) spans.push_back(span);
      EXPECT_EQ(first_uncovered(spans), expected);
    }
  EXPECT_FALSE(first_common(minute(1, 5), minute(2, 5)));
  EXPECT_FALSE(first_uncovered(std::vector<WeekSpan>{WeekSpan{}}));
}

TEST(Schedule, OfEntriesTheFirstThatHoldsIsTaken) {
  const std::vector<ScheduleEntry> plan{{{every_day, 60, 120}, charge(1.0_W, 50.0_soc)},
                                        {{every_day, 120, 180}, charge(2.0_W, 50.0_soc)}};
  EXPECT_FALSE(scheduled(plan, {59, 1}));
  EXPECT_EQ(scheduled(plan, {119, 1})->power, 1.0_W);
  EXPECT_EQ(scheduled(plan, {120, 1})->power, 2.0_W);
  EXPECT_FALSE(scheduled(plan, {180, 1}));
}

}  // namespace
}  // namespace esshub::control
