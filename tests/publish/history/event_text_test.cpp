#include "publish/history/event_text.hpp"

#include <gtest/gtest.h>

namespace esshub::publish {
namespace {

TEST(HistoryWords, ADecisionIsToldWithItsLimits) {
  EXPECT_EQ(words({{},
                   "decision",
                   "self_consumption",
                   "battery_w=-2310 wished_w=-5000 limits=bms_discharge_limit,reserve"}),
            "following the house load; the BMS's discharge current limit (DCL); the rest is "
            "kept in reserve for a power cut: discharging 2310 W");
  EXPECT_EQ(words({{}, "decision", "idle", "battery_w=0 wished_w=0"}), "resting: battery at rest");
}

TEST(HistoryWords, WhatAnOlderHubRecordedIsShownAsFarAsItIsKnown) {
  EXPECT_EQ(words({{}, "decision", "gone_reason", "battery_w=x limits=also_gone"}),
            "gone_reason; also_gone: battery x W");
  EXPECT_EQ(words({{}, "decision", "idle", ""}), "resting: battery ? W");
}

TEST(HistoryWords, OtherEventsHaveNone) {
  EXPECT_EQ(words({{}, "fault", "bms_lost", "raised severity=critical"}), "");
  EXPECT_EQ(words({{}, "decision", "policy", "mode=balance instruction=balance"}), "");
}

}  // namespace
}  // namespace esshub::publish
