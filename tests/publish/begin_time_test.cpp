#include "publish/begin_time.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace esshub::publish {
namespace {

using testing::HasSubstr;

// 2026-12-01T18:00:00Z, as `date -u -d` counts it.
constexpr WallTime at_18{std::chrono::seconds{1796148000}};

Result<Duration> ahead(std::string_view text, Duration before = 1h) {
  return begins_in(text, at_18 - std::chrono::duration_cast<WallTime::duration>(before),
                   OrderLimitId::storm_begin);
}
std::string said(const Result<Duration>& result) {
  return result ? "accepted" : result.error().detail;
}

TEST(BeginTime, OneMomentMayBeWrittenInManyWays) {
  for (const auto* text :
       {"2026-12-01T18:00:00Z", "2026-12-01t18:00:00z", "2026-12-01 18:00:00Z", "2026-12-01T18:00Z",
        "2026-12-01T18:00:00.000Z", "2026-12-01T19:00:00+01:00", "2026-12-01T13:30-04:30",
        "2026-12-02T03:00:00.5+09:00", "2026-12-01T17:59:60Z"})
    EXPECT_EQ(ahead(text), 1h) << text;
}

TEST(BeginTime, WhatIsPastBeginsNow) {
  EXPECT_EQ(ahead("2026-12-01T16:59:59Z"), 0s);
  EXPECT_EQ(ahead("0001-01-01T00:00:00Z"), 0s);
}

TEST(BeginTime, TheLimitsEndIsAllowed) {
  EXPECT_EQ(ahead("2026-12-08T17:00:00Z"), 7 * 24h);
  EXPECT_EQ(said(ahead("2026-12-08T17:12:00Z")), "that is 168.20 h ahead, expected 168 h at most");
  EXPECT_THAT(said(ahead("9999-12-31T00:00:00Z")), HasSubstr("expected 168 h at most"));
}

TEST(BeginTime, WhatIsNoMomentIsRefused) {
  for (const auto* text : {"",
                           "now",
                           "18:00",
                           "2026-12-01",
                           "2026-12-01T18:00:00",
                           "2026-12-01T18:00:00Z ",
                           "2026-12-01T18Z",
                           "2026-02-29T18:00:00Z",
                           "2026-13-01T18:00:00Z",
                           "2026-12-01T24:00:00Z",
                           "2026-12-01T18:60:00Z",
                           "2026-12-01T18:00:61Z",
                           "2026-12-01T18:00:00+24:00",
                           "2026-12-01T18:00:00+01:60",
                           "2026-12-01T18:00:00+0100",
                           "-026-12-01T18:00:00Z",
                           "2026-12--1T18:00:00Z",
                           "2026/12/01T18:00:00Z",
                           "26-12-01T18:00:00Z",
                           "2026-12-01X18:00:00Z",
                           "2026-12-01T18:00:00.Z"})
    EXPECT_THAT(said(ahead(text)), HasSubstr("expected a moment with its zone")) << text;
}

TEST(BeginTime, WithoutATrustedClockNoMomentIsNear) {
  const auto refused = begins_in("2026-12-01T18:00:00Z", std::nullopt, OrderLimitId::storm_begin);
  EXPECT_THAT(said(refused), HasSubstr("clock is not trusted"));
}

}  // namespace
}  // namespace esshub::publish
