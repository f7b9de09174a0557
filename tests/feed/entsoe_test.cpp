#include "feed/entsoe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/feed/documents.hpp"

namespace esshub::feed {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using tests::at_23;
using tests::document;
using tests::hour;
using tests::replaced;
using tests::said;
using tests::wanted;

constexpr UnixSeconds quarter = 900;

/// One series from 23:00 to 01:00, in quarters, with these positions and prices.
std::string series(const std::string& curve,
                   std::initializer_list<std::pair<int, const char*>> points,
                   const std::string& resolution = "PT15M",
                   const std::string& end = "2026-11-29T01:00Z") {
  std::string text =
      "<TimeSeries><currency_Unit.name>EUR</currency_Unit.name>"
      "<price_Measure_Unit.name>MWH</price_Measure_Unit.name><curveType>" +
      curve + "</curveType><Period><timeInterval><start>2026-11-28T23:00Z</start><end>" + end +
      "</end></timeInterval><resolution>" + resolution + "</resolution>";
  for (const auto& [position, price] : points)
    text += "<Point><position>" + std::to_string(position) + "</position><price.amount>" + price +
            "</price.amount></Point>";
  return text + "</Period></TimeSeries>";
}
std::string market(const std::string& all) {
  return "<Publication_MarketDocument><type>A44</type>" + all + "</Publication_MarketDocument>";
}
std::string said_of(const std::string& text, AuctionSequence sequence = 1) {
  return said(entsoe(text, sequence, wanted()));
}

TEST(Entsoe, WhatCurveA03LeavesOutRepeatsAlsoAtTheEndOfTheDay) {
  const auto feed = entsoe(document("entsoe-a03.xml"), 1, wanted());
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_EQ(feed->unit, "EUR/kWh");
  EXPECT_EQ(feed->source, "ENTSO-E");
  ASSERT_EQ(feed->slots.size(), 96u);
  EXPECT_EQ(feed->slots[0], (FeedSlot{at_23, at_23 + quarter, 0.0505}));
  EXPECT_EQ(feed->slots[2], (FeedSlot{at_23 + 2 * quarter, at_23 + 3 * quarter, 0.0505}));
  EXPECT_EQ(feed->slots[3].value, 0.052) << "per kWh: divided by 1000";
  EXPECT_EQ(feed->slots[5].value, -0.0125);
  EXPECT_EQ(feed->slots[39].value, feed->slots[38].value);
  EXPECT_EQ(feed->slots[95], (FeedSlot{at_23 + 95 * quarter, at_23 + 24 * hour, 0.097}));
  EXPECT_EQ(feed->valid_until, at_23 + 24 * hour);
}

TEST(Entsoe, WhatCurveA01LeavesOutIsUnknown) {
  const auto feed = entsoe(market(series("A01", {{1, "50"}, {4, "60"}})), 1, wanted());
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_THAT(feed->slots, ElementsAre(FeedSlot{at_23, at_23 + quarter, 0.05},
                                       FeedSlot{at_23 + 3 * quarter, at_23 + 4 * quarter, 0.06}));
}

TEST(Entsoe, OfTwoAuctionsTheWantedOneIsRead) {
  const auto text = document("entsoe-sequences.xml");
  const auto coupled = entsoe(text, 1, wanted());
  ASSERT_TRUE(coupled) << coupled.error().detail;
  EXPECT_THAT(coupled->slots, ElementsAre(FeedSlot{at_23, at_23 + hour, 0.0835},
                                          FeedSlot{at_23 + hour, at_23 + 2 * hour, 0.084}));
  const auto exaa = entsoe(text, 2, wanted());
  ASSERT_TRUE(exaa) << exaa.error().detail;
  EXPECT_EQ(exaa->slots.size(), 8u);
  EXPECT_EQ(exaa->slots[4].value, 0.092);
  // In the morning there is only EXAA's.
  const auto begin = text.rfind("<TimeSeries>");
  const auto morning = text.substr(0, begin) + "</Publication_MarketDocument>";
  EXPECT_EQ(said_of(morning), "has prices of sequence 2 only, wanted 1");
  EXPECT_EQ(said_of(morning, 2), "accepted");
}

TEST(Entsoe, TheFinestResolutionHoldsWhateverThePrefix) {
  const auto feed = entsoe(document("entsoe-resolutions.xml"), 1, wanted());
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_THAT(feed->slots,
              ElementsAre(FeedSlot{at_23, at_23 + hour, 0.08},
                          FeedSlot{at_23 + hour, at_23 + hour + quarter, 0.091},
                          FeedSlot{at_23 + hour + quarter, at_23 + hour + 2 * quarter, 0.089},
                          FeedSlot{at_23 + hour + 2 * quarter, at_23 + hour + 3 * quarter, 0.088},
                          FeedSlot{at_23 + hour + 3 * quarter, at_23 + 2 * hour, 0.092},
                          FeedSlot{at_23 + 2 * hour, at_23 + 3 * hour, 0.1}));
}

TEST(Entsoe, ReadsHalfHoursAndHoursByEitherName) {
  for (const auto& [name, length] :
       {std::pair{"PT30M", 1800}, std::pair{"PT60M", 3600}, std::pair{"PT1H", 3600}}) {
    const auto feed = entsoe(market(series("A03", {{1, "50"}}, name)), 1, wanted());
    ASSERT_TRUE(feed) << feed.error().detail;
    EXPECT_EQ(feed->slots.size(), static_cast<std::size_t>(7200 / length)) << name;
    EXPECT_EQ(feed->slots[1].begin, at_23 + length);
  }
}

TEST(Entsoe, DaysOf92And100QuartersAreWhole) {
  for (const auto& [end, count] :
       {std::pair{"2026-11-29T22:00Z", 92u}, {"2026-11-30T00:00Z", 100u}}) {
    const auto text = market(series("A03", {{1, "50"}, {92, "60"}}, "PT15M", end));
    const auto feed = entsoe(text, 1, wanted());
    ASSERT_TRUE(feed) << feed.error().detail;
    EXPECT_EQ(feed->slots.size(), count);
    EXPECT_EQ(service::known_until(feed->slots, at_23), at_23 + count * quarter);
    EXPECT_EQ(feed->slots.back().value, 0.06);
  }
}

TEST(Entsoe, ASeriesThatIsThereTwiceIsOne) {
  const auto one = series("A03", {{1, "50"}});
  EXPECT_EQ(said_of(market(one + one)), "accepted");
  EXPECT_EQ(said_of(market(one + series("A03", {{1, "50"}, {8, "51"}}))),
            "two prices for 2026-11-29T00:45:00Z: 0.050000 and 0.051000");
}

TEST(Entsoe, TaxAndChargesAreAdded) {
  auto what = wanted();
  what.factor = 1.19;
  what.surcharge = 0.15;
  const auto feed = entsoe(market(series("A03", {{1, "100"}, {2, "-100"}})), 1, what);
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_DOUBLE_EQ(feed->slots[0].value.value(), 0.269);
  EXPECT_DOUBLE_EQ(feed->slots[1].value.value(), 0.031);
}

TEST(Entsoe, AnAcknowledgementSaysWhyThereIsNoPrice) {
  const auto feed = entsoe(document("entsoe-acknowledgement.xml"), 1, wanted());
  ASSERT_FALSE(feed);
  EXPECT_EQ(feed.error().kind, ErrorKind::refused);
  EXPECT_EQ(feed.error().detail,
            "says \"No matching data found for Data item ENERGY_PRICES [12.1.D].\"");
}

TEST(Entsoe, SaysWhatIsWrong) {
  const auto good = market(series("A03", {{1, "50"}, {3, "60"}}));
  EXPECT_EQ(said_of(good), "accepted");
  EXPECT_THAT(said_of("{}"), StartsWith("is no XML: "));
  EXPECT_THAT(said_of(""), StartsWith("is no XML: "));
  EXPECT_THAT(said_of("<a><b></a>"), StartsWith("is no XML: "));
  EXPECT_EQ(said_of("<html/>"), "the document is \"html\", expected Publication_MarketDocument");
  EXPECT_EQ(said_of(replaced(good, "A44", "A61")), "type is \"A61\", expected A44");
  EXPECT_EQ(said_of(replaced(good, "MWH", "KWH")),
            "price_Measure_Unit.name is \"KWH\", expected MWH");
  EXPECT_EQ(said_of(replaced(good, "EUR", "Euro")),
            "/unit: \"Euro/kWh\", accepted a currency of three letters per kWh, as EUR/kWh");
  EXPECT_EQ(said_of(market(series("A03", {{1, "50"}}) +
                           replaced(series("A03", {{1, "50"}}), "EUR", "BGN"))),
            "currency_Unit.name is \"BGN\", expected one for all series, EUR");
  EXPECT_EQ(said_of(market(replaced(series("A03", {{1, "50"}}), "EUR", "\n\xc3\xa9 R") +
                           series("A03", {{1, "50"}}))),
            "currency_Unit.name is \"EUR\", expected one for all series, ?? R");
  EXPECT_EQ(said_of(replaced(good, "A03", "A02")), "curveType is \"A02\", expected A01 or A03");
  EXPECT_EQ(said_of(replaced(good, "PT15M", "P1D")),
            "resolution is \"P1D\", expected PT15M, PT30M, PT60M or PT1H");
  EXPECT_EQ(said_of(replaced(good, "2026-11-28T23:00Z", "2026-11-28T23:00")),
            "start is \"2026-11-28T23:00\", expected a moment, as 2026-11-28T23:00Z");
  EXPECT_THAT(said_of(replaced(good, "01:00Z", "01:07Z")), HasSubstr("whole steps"));
  EXPECT_THAT(said_of(replaced(good, "2026-11-29T01", "2026-11-28T23")), HasSubstr("whole steps"));
  EXPECT_THAT(said_of(replaced(good, "2026-11-29T01", "9026-11-29T01")), HasSubstr("31 days"));
  EXPECT_EQ(said_of(market(series("A03", {{0, "50"}}))), "position is \"0\", expected 1 to 8");
  EXPECT_EQ(said_of(market(series("A03", {{9, "50"}}))), "position is \"9\", expected 1 to 8");
  EXPECT_EQ(said_of(market(series("A03", {{2, "50"}}))),
            "position is \"2\", expected 1 as the first of A03");
  EXPECT_EQ(said_of(market(series("A03", {{1, "50"}, {1, "50"}}))),
            "position is \"1\", expected one above the one before it");
  for (const auto* price : {"", "1e999", "NaN", "inf", "50 EUR", "50,5"})
    EXPECT_EQ(said_of(market(series("A03", {{1, price}}))),
              "price.amount is \"" + std::string{price} + "\", expected a number");
  EXPECT_EQ(said_of(market(series("A03", {{1, "5000.1"}}))),
            "/slots/0/2: 5.0001 EUR/kWh, accepted -5.0 to 5.0; prices per MWh are to be divided by "
            "1000, cents and pence by 100");
  EXPECT_EQ(said_of(market("")), "tells nothing of 2026-11-27T23:00:00Z to 2026-11-30T23:00:00Z");
}

TEST(Entsoe, NothingIsTakenFromOutsideTheDocument) {
  const auto text =
      "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/hostname\"><!ENTITY y \"A44\">]>" +
      market(series("A03", {{1, "50"}}));
  EXPECT_EQ(said_of(text), "accepted");
  EXPECT_EQ(said_of(replaced(text, "<type>A44", "<type>&y;")), "type is \"&y;\", expected A44");
  EXPECT_EQ(said_of(replaced(text, "<type>A44", "<type>&x;")), "type is \"&x;\", expected A44");
}

TEST(Entsoe, HugeDocumentsAreRefused) {
  std::string deep;
  for (int n = 0; n < 200'000; ++n) deep += "<a>";
  EXPECT_THAT(said_of(deep), StartsWith("is no XML: "));
  EXPECT_THAT(said_of(std::string(5u << 20, ' ')), HasSubstr("accepted 4194304"));
  std::string many;
  for (int n = 0; n < 20; ++n) many += series("A03", {{1, "50"}}, "PT15M", "2026-12-29T00:00Z");
  EXPECT_EQ(said_of(market(many)), "tells more than 3000 prices");
}

}  // namespace
}  // namespace esshub::feed
