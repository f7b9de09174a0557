#include "app/probe/finding.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace esshub::app {
namespace {

const Finding good = ok("clock", "a time server keeps it");
const Finding odd{"inverter", Verdict::warning, "no mains", "a power cut", "wait"};
const Finding bad{"meters", Verdict::failed, "silent", "no power", "look at its display"};

TEST(Finding, WhatIsGoodIsOneLineAndWhatIsNotHasCauseAndWhatToDo) {
  EXPECT_EQ(to_text(good), "ok      clock: a time server keeps it\n");
  EXPECT_EQ(to_text(odd),
            "warning inverter: no mains\n        cause: a power cut\n        do: wait\n");
  EXPECT_EQ(to_text(bad),
            "FAILED  meters: silent\n        cause: no power\n        do: look at its display\n");
}

TEST(Finding, OnlyAFailureFails) {
  EXPECT_FALSE(any_failed({}));
  EXPECT_FALSE(any_failed({good, odd}));
  EXPECT_TRUE(any_failed({good, bad, odd}));
}

TEST(Finding, TheSummaryCounts) {
  EXPECT_EQ(summary({good, good, odd, bad}), "2 ok, 1 warning, 1 failed");
  EXPECT_EQ(summary({odd, odd}), "0 ok, 2 warnings, 0 failed");
}

TEST(Finding, AsJsonEachHasItsFields) {
  const auto json = to_json({good, bad});
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(to_json({good, odd})["ok"], true);
  EXPECT_EQ(json["findings"][0]["verdict"], "ok");
  EXPECT_EQ(json["findings"][1], (nlohmann::json{{"what", "meters"},
                                                 {"verdict", "failed"},
                                                 {"symptom", "silent"},
                                                 {"cause", "no power"},
                                                 {"action", "look at its display"}}));
}

}  // namespace
}  // namespace esshub::app
