#include "model/utc_text.hpp"

#include <gtest/gtest.h>

namespace esshub {
namespace {

// 2026-12-01T18:00:00Z, as `date -u -d` counts it.
constexpr std::chrono::sys_seconds at_18{std::chrono::seconds{1796148000}};

TEST(UtcText, OneMomentMayBeWrittenInManyWays) {
  for (const auto* text :
       {"2026-12-01T18:00:00Z", "2026-12-01t18:00:00z", "2026-12-01 18:00:00Z", "2026-12-01T18:00Z",
        "2026-12-01T18:00:00.0000000Z", "2026-12-01T19:00:00+01:00", "2026-12-01T13:30-04:30",
        "2026-12-02T03:00:00.5+09:00", "2026-12-01T17:59:60Z"})
    EXPECT_EQ(read_utc(text), at_18) << text;
}

TEST(UtcText, WithoutAZoneOrWithMoreItIsNone) {
  for (const auto* text :
       {"", "2026-12-01", "2026-12-01T18:00:00", "2026-12-01T18:00:00Z ", "26-12-01T18:00:00Z",
        "2026-02-29T18:00:00Z", "2026-12-01T24:00:00Z", "2026-12-01T18:00:00+1:00",
        "2026-12-01T18:00:00+24:00", "12026-12-01T18:00:00Z", "-026-12-01T18:00:00Z",
        "2026-12-01T18:00:00.Z", "1796148000"})
    EXPECT_EQ(read_utc(text), std::nullopt) << text;
}

TEST(UtcText, WhatIsWrittenIsReadAgain) {
  EXPECT_EQ(utc_text(at_18), "2026-12-01T18:00:00Z");
  EXPECT_EQ(utc_text({}), "1970-01-01T00:00:00Z");
  for (const auto* text : {"2024-02-29T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"})
    EXPECT_EQ(utc_text(read_utc(text).value_or(at_18)), text);
}

TEST(UtcText, HasDatesOfTheirOwn) {
  using std::chrono::sys_days;
  using std::chrono::year_month_day;
  const auto day = [](int y, unsigned m, unsigned d) {
    return sys_days{
        year_month_day{std::chrono::year{y}, std::chrono::month{m}, std::chrono::day{d}}};
  };
  EXPECT_EQ(date_text(day(2026, 1, 9)), "2026-01-09");
  EXPECT_EQ(date_text(day(2027, 12, 31)), "2027-12-31");
  EXPECT_EQ(date_text(day(987, 6, 5)), "0987-06-05");
}

}  // namespace
}  // namespace esshub
