#include "actors/system_clock.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace esshub::actors {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

Instant now() {
  return std::chrono::steady_clock::now();
}

TEST(RtcTest, IsReadAndForgotten) {
  const auto file = std::filesystem::path{testing::TempDir()} / "since_epoch";
  const auto shows = [&](seconds behind) {
    const auto wall = std::chrono::floor<seconds>(system_clock::now());
    std::ofstream{file} << (wall - behind).time_since_epoch().count() << "\n";
  };
  Rtc rtc{file};
  EXPECT_FALSE(rtc.wall_ahead(system_clock::now(), now())) << "not read yet";
  for (const seconds behind : {40s, -70s}) {
    shows(behind);
    rtc.read();
    EXPECT_NEAR(
        static_cast<double>(rtc.wall_ahead(system_clock::now(), now()).value_or(0s).count()),
        static_cast<double>(behind.count()), 2.0);
  }
  const auto later = [&](Duration passed, seconds stepped) {
    return rtc.wall_ahead(system_clock::now() + passed + stepped, now() + passed);
  };
  EXPECT_NEAR(static_cast<double>(later(4min, 0s).value_or(0s).count()), -70, 2.0);
  EXPECT_NEAR(static_cast<double>(later(4min, 3600s).value_or(0s).count()), 3530, 2.0)
      << "the wall clock was set meanwhile";
  EXPECT_FALSE(later(6min, 0s)) << "nobody reads it any more";
  std::ofstream{file} << "no number\n";
  rtc.read();
  EXPECT_FALSE(rtc.wall_ahead(system_clock::now(), now()));
  shows(0s);
  rtc.read();
  EXPECT_TRUE(rtc.wall_ahead(system_clock::now(), now()));
  std::filesystem::remove(file);
  rtc.read();
  EXPECT_FALSE(rtc.wall_ahead(system_clock::now(), now())) << "there is none";
}

TEST(SystemClock, TheOwnersWordMakesTheTimeTrustedAndAnUnreadRtcDoesNot) {
  civil_time::LocalClock clock{civil_time::Zone::utc()};
  EXPECT_TRUE(read_local_time(clock, civil_time::ClockSource::manual, Rtc{}).trusted);
  const bool by_kernel = read_local_time(clock, civil_time::ClockSource::ntp, Rtc{}).trusted;
  EXPECT_EQ(read_local_time(clock, civil_time::ClockSource::rtc, Rtc{}).trusted, by_kernel);
}

}  // namespace
}  // namespace esshub::actors
