#include "publish/history/event_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace esshub::publish {
namespace {

TEST(EventText, ADecisionIsToldWithItsLimits) {
  const HistoryEvent held{
      {},
      "decision",
      "self_consumption",
      R"({"battery_w":-2310,"proposed_w":-5000,"limits":["bms_discharge_limit","reserve"]})"};
  EXPECT_EQ(words(held),
            "following the house load; the BMS's discharge current limit (DCL); the rest is "
            "kept in reserve for a power cut: discharging 2310 W");
  EXPECT_EQ(title(held), "following the house load");
  EXPECT_EQ(words({{}, "decision", "idle", R"({"battery_w":0})"}), "resting: battery at rest");
}

TEST(EventText, AFaultHasTheTitleOfItsTable) {
  const HistoryEvent raised{{}, "fault", "bms_lost", R"({"state":"raised"})"};
  EXPECT_EQ(title(raised), "Battery's BMS lost");
  EXPECT_EQ(values(raised)["state"], "raised");
  EXPECT_EQ(words(raised), "");
}

TEST(EventText, WhatAnOlderHubRecordedIsLeftAsItIs) {
  EXPECT_EQ(words({{}, "decision", "gone_reason", R"({"battery_w":-5,"limits":["also_gone",7]})"}),
            "gone reason; also gone: discharging 5 W");
  for (const char* detail :
       {"", "battery_w=-2310 limits=reserve", "{", "[1]", "7", "{}", R"({"battery_w":"x"})"})
    EXPECT_EQ(words({{}, "decision", "idle", detail}), "") << detail;
  for (const char* detail : {"", "raised severity=critical", "{\"state\":", "[]", "\xff"})
    EXPECT_TRUE(values({{}, "fault", "bms_lost", detail}).is_null()) << detail;
  EXPECT_EQ(words({{}, "decision", "idle", R"({"battery_w":1,"limits":{"a":2}})"}),
            "resting: charging 1 W");
  EXPECT_EQ(title({{}, "fault", "gone_fault", ""}), "gone fault");
}

TEST(EventText, OthersHaveTheirNameForATitle) {
  EXPECT_EQ(title({{}, "command", "set_reserve", "reserve=30"}), "set reserve");
  EXPECT_EQ(title({{}, "decision", "policy", "{}"}), "policy");
  EXPECT_EQ(words({{}, "decision", "policy", R"({"battery_w":1})"}), "");
}

}  // namespace
}  // namespace esshub::publish
