#include "feed/open_meteo.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/feed/documents.hpp"

namespace esshub::feed {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::at_23;
using tests::document;
using tests::hour;
using tests::replaced;
using tests::said;

constexpr UnixSeconds noon = at_23 + 13 * hour;  // of 2026-11-29
constexpr Panels panels{4000.0, 0.8};

Wanted sun() {
  return tests::wanted(FeedKind::solar);
}

TEST(OpenMeteo, AMomentEndsTheQuarterWhoseMeanItTells) {
  const auto feed = open_meteo(document("open-meteo.json"), panels, sun());
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_EQ(feed->kind, FeedKind::solar);
  EXPECT_EQ(feed->unit, "W");
  EXPECT_THAT(feed->slots, ElementsAre(FeedSlot{noon - 900, noon, 0.0},
                                       FeedSlot{noon, noon + 900, 0.0},  // negative in the model
                                       FeedSlot{noon + 1800, noon + 2700, 40.0},
                                       FeedSlot{noon + 2700, noon + 3600, 800.0},
                                       FeedSlot{noon + 3600, noon + 4500, 2560.0}))
      << "null is unknown";
}

TEST(OpenMeteo, HoursAreReadWhereThereAreNoQuarters) {
  const auto feed = open_meteo(document("open-meteo-hourly.json"), panels, sun());
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_THAT(feed->slots, ElementsAre(FeedSlot{noon - 3 * hour, noon - 2 * hour, 320.0},
                                       FeedSlot{noon - 2 * hour, noon - hour, 640.0},
                                       FeedSlot{noon - hour, noon, 1280.0}));
}

TEST(OpenMeteo, TimesOfAZoneAreRefused) {
  const auto text = document("open-meteo-hourly.json");
  EXPECT_EQ(
      said(open_meteo(replaced(text, "\"utc_offset_seconds\": 0", "\"utc_offset_seconds\": 3600"),
                      panels, sun())),
      "utc_offset_seconds is not 0, expected times in UTC");
  EXPECT_EQ(said(open_meteo(replaced(text, "\"utc_offset_seconds\": 0,", ""), panels, sun())),
            "utc_offset_seconds is not 0, expected times in UTC");
}

TEST(OpenMeteo, SaysWhatIsWrong) {
  const auto text = document("open-meteo-hourly.json");
  const auto said_of = [&](const std::string& from, const std::string& to) {
    return said(open_meteo(replaced(text, from, to), panels, sun()));
  };
  EXPECT_EQ(said_of("W/m", "MJ/m"), "global_tilted_irradiance is not in W/m2");
  EXPECT_EQ(said_of("\"hourly_units\"", "\"units\""), "global_tilted_irradiance is not in W/m2");
  EXPECT_EQ(said_of("\"hourly\"", "\"daily\""), "has neither minutely_15 nor hourly");
  EXPECT_EQ(said_of("100.0, ", ""), "hourly has not as many global_tilted_irradiance as times");
  EXPECT_EQ(said_of("[100.0, 200.0, 400.0]", "7"),
            "hourly has not as many global_tilted_irradiance as times");
  EXPECT_EQ(said_of("100.0", "\"100\""), "global_tilted_irradiance 0 is no number");
  constexpr auto no_moment = "hourly.time 1 is no moment without a zone";
  for (const auto* wrong : {"\"2026-11-29T11:00Z\"", "\"11:00\"", "1.5", "-1", "null",
                            "18446744073709551615", "99999999999999999999"})
    EXPECT_EQ(said_of("\"2026-11-29T11:00\"", wrong), no_moment) << wrong;
  EXPECT_THAT(said_of("400.0", "4e7"), HasSubstr("accepted 0.0 to 100000.0"));
  EXPECT_EQ(said(open_meteo(R"({"error":true,"reason":"Daily API request limit exceeded."})",
                            panels, sun())),
            "says \"Daily API request limit exceeded.\"");
  EXPECT_THAT(said(open_meteo("", panels, sun())), HasSubstr("no JSON object"));
}

}  // namespace
}  // namespace esshub::feed
