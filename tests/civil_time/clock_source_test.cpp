#include "civil_time/clock_source.hpp"

#include <date/date.h>
#include <gtest/gtest.h>

namespace esshub::civil_time {
namespace {

using date::operator""_y;
using std::chrono::seconds;

constexpr WallTime today{date::sys_days{2026_y / 12 / 1}};

bool rtc_is_trusted(std::optional<seconds> ahead, Duration since_boot = {}) {
  return is_trusted(ClockSource::rtc,
                    {.wall = today, .ahead_of_rtc = ahead, .since_boot = since_boot});
}

TEST(ClockSource, TheKernelsWordIsEnoughForEverySource) {
  for (const auto source : {ClockSource::ntp, ClockSource::rtc, ClockSource::manual})
    EXPECT_TRUE(is_trusted(source, {.wall = WallTime{}, .synchronised = true}));
}

TEST(ClockSource, WithoutItNtpIsNotTrustedAndTheOwnerIsWhereTheTimeCanBe) {
  EXPECT_FALSE(is_trusted(ClockSource::ntp, {.wall = today, .ahead_of_rtc = 0s}));
  EXPECT_TRUE(is_trusted(ClockSource::manual, {.wall = today}));
  const WallTime written{date::sys_days{2026_y / 11 / 1}};
  EXPECT_TRUE(is_trusted(ClockSource::manual, {.wall = written}));
  EXPECT_FALSE(is_trusted(ClockSource::manual, {.wall = written - 1ns})) << "never set";
  EXPECT_FALSE(is_trusted(ClockSource::rtc, {.wall = written - 1ns, .ahead_of_rtc = 0s}))
      << "its battery is empty";
}

TEST(ClockSource, AnRtcIsTrustedWithinItsDrift) {
  EXPECT_FALSE(rtc_is_trusted({})) << "none";
  for (const int sign : {1, -1}) {
    EXPECT_TRUE(rtc_is_trusted(sign * 60s));
    EXPECT_FALSE(rtc_is_trusted(sign * 61s));
    EXPECT_TRUE(rtc_is_trusted(sign * 77s, 24h)) << "200 ppm of a day are 17.28 s";
    EXPECT_FALSE(rtc_is_trusted(sign * 78s, 24h));
    EXPECT_TRUE(rtc_is_trusted(sign * 232s, 240h)) << "and of ten days 172.8 s";
    EXPECT_FALSE(rtc_is_trusted(sign * 233s, 240h));
    EXPECT_TRUE(rtc_is_trusted(sign * 15min, 10'000h));
    EXPECT_FALSE(rtc_is_trusted(sign * (15min + 1s), 10'000h)) << "whatever its age";
  }
}

}  // namespace
}  // namespace esshub::civil_time
