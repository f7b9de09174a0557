#include "feed/awattar.hpp"

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
using tests::wanted;

TEST(Awattar, MillisecondsAndPricesPerMegawattHourAreRead) {
  const auto feed = awattar(document("awattar.json"), wanted());
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_EQ(feed->unit, "EUR/kWh");
  EXPECT_THAT(feed->slots, ElementsAre(FeedSlot{at_23, at_23 + hour, 0.0835},
                                       FeedSlot{at_23 + hour, at_23 + 2 * hour, -0.00501},
                                       FeedSlot{at_23 + 2 * hour, at_23 + 3 * hour, 0.0},
                                       FeedSlot{at_23 + 3 * hour, at_23 + 4 * hour, 0.12}));
}

TEST(Awattar, SaysWhatIsWrong) {
  const auto text = document("awattar.json");
  const auto said_of = [&](const std::string& from, const std::string& to) {
    return said(awattar(replaced(text, from, to), wanted()));
  };
  EXPECT_EQ(said_of("Eur/MWh", "Eur/kWh"), "unit is \"Eur/kWh\", expected Eur/MWh");
  EXPECT_EQ(said_of("\"data\"", "\"date\""), "has no data");
  EXPECT_EQ(said_of("[", "[7,"), "a row is no object");
  EXPECT_EQ(said_of("83.5", "null"), "marketprice is no number");
  constexpr auto no_second = "start_timestamp is no whole second, in ms since 1970";
  for (const auto* wrong : {"1795906800001", "1795906800000.5", "-1000", "null",
                            "\"1795906800000\"", "18446744073709550616", "99999999999999999999"})
    EXPECT_EQ(said_of("1795906800000", wrong), no_second) << wrong;
  EXPECT_EQ(said_of("1795906800000", "1795910400000"),
            "end_timestamp is not after start_timestamp");
  EXPECT_EQ(said_of("1795906800000", "1795906800"), no_second) << "it is in seconds";
  EXPECT_THAT(said(awattar("[]", wanted())), HasSubstr("no JSON object"));
}

}  // namespace
}  // namespace esshub::feed
