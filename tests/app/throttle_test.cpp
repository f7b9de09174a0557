#include "app/throttle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace esshub::app {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

const Instant t0 = Instant{} + 1h;

TEST(Throttle, ShowsTheFirstAndEveryHundredth) {
  Throttle throttle;
  std::vector<std::pair<int, std::uint64_t>> shown;
  for (int n = 1; n <= 250; ++n)
    if (const auto held = throttle.admit("bus.a", {Level::warning, "timeout", ""}, t0 + n * 1s))
      shown.emplace_back(n, *held);
  EXPECT_THAT(shown, ElementsAre(std::pair{1, 0u}, std::pair{100, 98u}, std::pair{200, 99u}));
}

TEST(Throttle, AfterAQuietMinuteTheNextIsAFirstOne) {
  Throttle throttle;
  const Event event{Level::warning, "timeout", ""};
  EXPECT_EQ(throttle.admit("bus.a", event, t0), 0u);
  EXPECT_EQ(throttle.admit("bus.a", event, t0 + 1s), std::nullopt);
  EXPECT_EQ(throttle.admit("bus.a", event, t0 + 60s), std::nullopt);
  EXPECT_EQ(throttle.admit("bus.a", event, t0 + 120s), 2u);
  EXPECT_EQ(throttle.admit("bus.a", event, t0 + 121s), std::nullopt);
}

TEST(Throttle, OnlyAlikeEventsHoldEachOtherBack) {
  Throttle throttle;
  const auto shown = [&](const std::string& component, const std::string& name,
                         const std::string& detail) {
    return throttle.admit(component, {Level::warning, name, detail}, t0).has_value();
  };
  EXPECT_TRUE(shown("bus.a", "lost", "meter=unit1 errors=5"));
  EXPECT_FALSE(shown("bus.a", "lost", "meter=unit1 errors=-6.5"));
  EXPECT_TRUE(shown("bus.a", "lost", "meter=unit2 errors=6"));
  EXPECT_TRUE(shown("bus.a", "back", "meter=unit1 errors=5"));
  EXPECT_TRUE(shown("bus.b", "lost", "meter=unit1 errors=5"));
  EXPECT_TRUE(shown("bus.a", "lost", "reason=\"id=5 x\""));
}

/// A flood over MQTT or D-Bus, each write with another payload.
TEST(Throttle, AFloodOfDifferentDetailsIsAFewLinesAMinute) {
  Throttle throttle;
  int lines = 0;
  const auto refused = [&](int n) {
    const Event event{Level::warning, "write_refused",
                      "who=\"mqtt\" payload=\"" + std::to_string(n) + "\""};
    lines += throttle.admit("mqtt", event, t0 + n * 500us).has_value() ? 1 : 0;
    if (n % 2000 == 0) lines += static_cast<int>(throttle.take_held(t0 + n * 500us).size());
  };
  for (int n = 0; n < 2000 * 60; ++n) refused(n);
  EXPECT_LE(lines, 50);
  EXPECT_GE(lines, 21) << "the first ones, and that it goes on";
  const int flood = lines;
  EXPECT_EQ(throttle.admit("mqtt", {Level::notice, "connected", ""}, t0 + 60s), 0u)
      << "another kind";
  EXPECT_EQ(throttle.admit("dbus", {Level::warning, "write_refused", ""}, t0 + 60s), 0u)
      << "another source";
  static_cast<void>(throttle.take_held(t0 + 5min));
  refused(2000 * 300);
  EXPECT_EQ(lines, flood + 1) << "a first one again";
}

TEST(Throttle, AFloodOfOneEventIsShownEvery10SecondsAtMost) {
  Throttle throttle;
  int lines = 0;
  for (int n = 0; n < 60'000; ++n)
    lines += throttle.admit("mqtt", {Level::warning, "write_refused", ""}, t0 + n * 1ms) ? 1 : 0;
  EXPECT_EQ(lines, 6);
}

TEST(Throttle, WhatGoesOnIsToldEvery30s) {
  Throttle throttle;
  std::size_t told = 0;
  for (int second = 0; second < 300; ++second) {
    (void)throttle.admit("fault", {Level::warning, "islanded", ""},
                         t0 + std::chrono::seconds{2 * second});
    told += throttle.take_held(t0 + std::chrono::seconds{2 * second}).size();
  }
  EXPECT_GE(told, 15u);
  EXPECT_LE(told, 20u);
}

TEST(Throttle, WhatWasHeldBackIsToldOnceItIsQuiet) {
  Throttle throttle;
  for (int n = 0; n < 5; ++n)
    (void)throttle.admit("bus.a", {Level::warning, "timeout", "n=" + std::to_string(n)}, t0);
  (void)throttle.admit("bus.a", {Level::notice, "once", ""}, t0);
  EXPECT_THAT(throttle.take_held(t0 + 29s), SizeIs(0));
  const auto quiet = throttle.take_held(t0 + 60s);
  ASSERT_THAT(quiet, SizeIs(1));
  EXPECT_EQ(quiet[0].component, "bus.a");
  EXPECT_EQ(quiet[0].event.detail, "n=4");
  EXPECT_EQ(quiet[0].count, 4u);
  EXPECT_THAT(throttle.take_held(t0 + 120s), SizeIs(0));
}

}  // namespace
}  // namespace esshub::app
