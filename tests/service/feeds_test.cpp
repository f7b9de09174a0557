#include "service/feeds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace esshub::service {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr UnixSeconds noon = 20000 * 86400 + 43200;
constexpr UnixSeconds hour = 3600;
const WallTime at_noon{std::chrono::seconds{noon}};
const Instant now = Instant{} + 5000s;

Feed feed(FeedKind kind, UnixSeconds issued, FeedSlots slots, std::string unit = "EUR/kWh") {
  Feed feed;
  feed.kind = kind;
  feed.unit = std::move(unit);
  feed.issued = issued;
  feed.valid_until = slots.back().end;
  feed.slots = std::move(slots);
  return feed;
}

TEST(ToldSlots, TellBothPricesOfAMoment) {
  const ToldSlots told{{{noon, noon + hour, 0.1}}, {{noon + hour, noon + 2 * hour, 0.2}}, {}};
  EXPECT_EQ(told.at(at_noon), (control::ToldPrices{0.1, {}}));
  EXPECT_EQ(told.at(at_noon + std::chrono::hours{1}), (control::ToldPrices{{}, 0.2}));
  EXPECT_EQ(told.at(at_noon - std::chrono::seconds{1}), control::ToldPrices{});
}

TEST(PriceTable, IsWhatIsStillToComeByTheSteadyClock) {
  ToldSlots told{{{noon, noon + hour, 0.7}}, {{noon, noon + hour, 0.7}}, {}};
  EXPECT_EQ(price_table(told, at_noon, now), control::PriceTable{}) << "it does not last";
  told.lasting_import = {{noon - 2 * hour, noon - hour, 0.9},
                         {noon - hour, noon + hour, 0.1},
                         {noon + hour, noon + 2 * hour, 0.1},
                         {noon + 3 * hour, noon + 4 * hour, 0.1}};
  told.lasting_export = {{noon + 1800, noon + hour, 0.05}};
  const auto table = price_table(told, at_noon + std::chrono::milliseconds{500}, now);
  ASSERT_EQ(table.count, 4u);
  const Instant begin = now - 500ms;
  EXPECT_EQ(table.entries[0], (control::TimedPrices{begin, begin + 30min, {0.1, {}}}));
  EXPECT_EQ(table.entries[1], (control::TimedPrices{begin + 30min, begin + 1h, {0.1, 0.05}}));
  EXPECT_EQ(table.entries[2], (control::TimedPrices{begin + 1h, begin + 2h, {0.1, {}}}));
  EXPECT_EQ(table.entries[3], (control::TimedPrices{begin + 3h, begin + 4h, {0.1, {}}}))
      << "a gap is not told";
  EXPECT_EQ(price_table({}, at_noon, now), control::PriceTable{});
}

TEST(PriceTable, MergesNeighboursThatAreAlikeAndHasRoomForSoMany) {
  ToldSlots told;
  for (int n = 0; n < 600; ++n)
    told.lasting_import.push_back({noon + n * 900, noon + (n + 1) * 900, n / 2 / 1000.0});
  const auto table = price_table(told, at_noon, now);
  ASSERT_EQ(table.count, control::PriceTable::most);
  EXPECT_EQ(table.entries[0], (control::TimedPrices{now, now + 30min, {0.0, {}}}));
  EXPECT_EQ(table.entries[255].end, now + 256 * 30min);
}

TEST(PriceTable, HoldsTheNearestWhereTwoPricesChangeMoreOftenThanItHasRoomFor) {
  ToldSlots told;
  for (int n = 0; n < 192; ++n) {  // 48 h in quarters, the one 5 min after the other
    const UnixSeconds begin = noon + n * 900;
    told.lasting_import.push_back({begin, begin + 900, n / 1000.0});
    told.lasting_export.push_back({begin + 300, begin + 1200, n / 1000.0});
  }
  const auto table = price_table(told, at_noon, now);
  ASSERT_EQ(table.count, 256u);
  EXPECT_EQ(table.entries[0], (control::TimedPrices{now, now + 5min, {0.0, {}}}));
  EXPECT_EQ(table.entries[255],
            (control::TimedPrices{now + 32h - 10min, now + 32h, {0.127, 0.127}}));
}

std::string document(const std::string& unit, const std::string& value,
                     const std::string& kind = "import_price") {
  return R"({"kind": ")" + kind + R"(", "unit": ")" + unit +
         R"(", "issued": "2026-11-28T12:00:00Z",
 "slots": [["2026-11-28T12:00:00Z", "2026-11-28T13:00:00Z", )" +
         value + "]]}";
}

TEST(ReadTold, TakesPricesInTheTariffsCurrencyAlone) {
  control::Tariff tariff;
  tariff.currency = "EUR";
  EXPECT_TRUE(read_told(document("EUR/kWh", "0.3"), tariff));
  EXPECT_EQ(read_told(document("GBP/kWh", "0.3"), tariff).error().detail,
            "/unit: \"GBP/kWh\", accepted \"EUR/kWh\", as tariff.currency says");
  tariff.currency.clear();
  EXPECT_EQ(read_told(document("EUR/kWh", "0.3"), tariff).error().detail,
            "/unit: \"EUR/kWh\", accepted none while the hub's tariff.currency is not set");
  EXPECT_TRUE(read_told(document("kW", "3", "solar"), tariff)) << "the sun costs nothing";
}

TEST(ReadTold, TakesPlausiblePricesAlone) {
  control::Tariff tariff;
  tariff.currency = "JPY";
  EXPECT_THAT(read_told(document("JPY/kWh", "31"), tariff).error().detail,
              HasSubstr("accepted -5.0 to 5.0"));
  tariff.plausible_price = 31.0;
  EXPECT_TRUE(read_told(document("JPY/kWh", "31"), tariff));
  EXPECT_FALSE(read_told(document("JPY/kWh", "31.1"), tariff));
}

TEST(Feeds, TellWhatIsBelievedOfEachKindInTheCurrencyInForce) {
  Feeds feeds;
  EXPECT_EQ(feeds.version(), 0u);
  EXPECT_TRUE(feeds.take(feed(FeedKind::import_price, noon, {{noon, noon + hour, 0.1}}), noon)
                  .value_or(false));
  EXPECT_EQ(feeds.version(), 1u);
  EXPECT_TRUE(feeds.take(feed(FeedKind::export_price, noon, {{noon, noon + hour, 0.2}}), noon)
                  .value_or(false));
  EXPECT_TRUE(feeds.take(feed(FeedKind::solar, noon, {{noon, noon + hour, 500}}, "W"), noon)
                  .value_or(false));
  const auto told = feeds.told(noon, "EUR");
  EXPECT_EQ(told.import_price, (FeedSlots{{noon, noon + hour, 0.1}}));
  EXPECT_EQ(told.export_price, (FeedSlots{{noon, noon + hour, 0.2}}));
  EXPECT_EQ(told.solar, (FeedSlots{{noon, noon + hour, 500}}));
  EXPECT_THAT(feeds.told(noon, "GBP").import_price, IsEmpty());
  EXPECT_EQ(feeds.told(noon, "GBP").solar, told.solar);
  EXPECT_EQ(feeds.version(), 3u);
  EXPECT_FALSE(feeds.take(feed(FeedKind::import_price, noon, {{noon, noon + hour, 0.1}}), noon)
                   .value_or(true));
  EXPECT_FALSE(
      feeds.take(feed(FeedKind::import_price, noon, {{noon, noon + hour, 0.1}}), noon + hour))
      << "no longer valid";
  EXPECT_EQ(feeds.version(), 3u);
}

TEST(Feeds, SayWhenTheSunThatIsToldWasIssued) {
  Feeds feeds;
  EXPECT_EQ(feeds.told(noon, "EUR").solar_issued, 0);
  const auto take = [&](UnixSeconds issued, UnixSeconds end, UnixSeconds valid_until,
                        std::optional<double> watts) {
    auto one = feed(FeedKind::solar, issued, {{noon, end, watts}}, "W");
    one.valid_until = valid_until;
    ASSERT_TRUE(feeds.take(std::move(one), noon).value_or(false));
  };
  take(noon - 300, noon + 4 * hour, noon + 3 * hour, 100);
  EXPECT_EQ(feeds.told(noon, "EUR").solar_issued, noon - 300);
  EXPECT_EQ(feeds.told(noon - 301, "EUR").solar_issued, 0) << "by a clock that was set back";
  EXPECT_EQ(feeds.told(noon - 300, "EUR").solar_issued, noon - 300);
  take(noon - 200, noon + 2 * hour, noon + 4 * hour, 200);
  EXPECT_EQ(feeds.told(noon + 2 * hour - 1, "EUR").solar_issued, noon - 200);
  take(noon - 100, noon + 60, noon + hour, std::nullopt);
  EXPECT_EQ(feeds.told(noon, "EUR").solar_issued, noon - 200) << "taking back tells nothing";
  EXPECT_EQ(feeds.told(noon + 2 * hour, "EUR").solar_issued, noon - 300) << "it says no more";
  EXPECT_EQ(feeds.told(noon + 3 * hour, "EUR").solar_issued, 0) << "not valid any more";
}

TEST(Feeds, SayWhenAKindHasEnded) {
  Feeds feeds;
  constexpr auto kind = FeedKind::import_price;
  EXPECT_EQ(feeds.ended(kind, noon, "EUR"), std::nullopt) << "nothing was ever told";
  ASSERT_TRUE(feeds.take(feed(kind, noon, {{noon + hour, noon + 2 * hour, 0.1}}), noon));
  EXPECT_EQ(feeds.ended(kind, noon, "EUR"), std::nullopt) << "it is still to come";
  EXPECT_EQ(feeds.ended(kind, noon + 2 * hour - 1, "EUR"), std::nullopt);
  EXPECT_EQ(feeds.ended(kind, noon + 2 * hour, "EUR"), noon + 2 * hour);
  EXPECT_EQ(feeds.ended(kind, noon + 9 * hour, "EUR"), noon + 2 * hour);
  EXPECT_EQ(feeds.ended(kind, noon + 10, "GBP"), noon) << "nothing of it is believed";
  EXPECT_EQ(feeds.ended(kind, noon - 1, "EUR"), std::nullopt) << "a clock that is a little late";
  EXPECT_EQ(feeds.ended(FeedKind::solar, noon + 9 * hour, "EUR"), std::nullopt);
}

TEST(Feeds, WhatIsTakenBackHasEnded) {
  Feeds feeds;
  constexpr auto kind = FeedKind::import_price;
  ASSERT_TRUE(feeds.take(feed(kind, noon, {{noon, noon + 2 * hour, 0.1}}), noon));
  constexpr UnixSeconds then = noon + hour;
  ASSERT_TRUE(feeds.take(feed(kind, then, {{then, noon + 2 * hour, std::nullopt}}), then));
  const auto told = feeds.told(then, "EUR");
  EXPECT_EQ(told.import_price, (FeedSlots{{noon, then, 0.1}}));
  EXPECT_EQ(told.lasting_import, (FeedSlots{{noon, then, 0.1}}));
  EXPECT_EQ(feeds.ended(kind, then, "EUR"), then);
  EXPECT_EQ(feeds.until(kind, then, "EUR"), then);
  ASSERT_TRUE(feeds.take(feed(kind, then + 1, {{noon, noon + 2 * hour, std::nullopt}}), then + 1));
  EXPECT_THAT(feeds.told(then + 1, "EUR").import_price, IsEmpty());
  EXPECT_EQ(feeds.until(kind, then + 1, "EUR"), then + 1) << "since the last word";
}

TEST(Feeds, SayUntilWhenAKindIsToldWithoutAGap) {
  Feeds feeds;
  constexpr auto kind = FeedKind::export_price;
  EXPECT_EQ(feeds.until(kind, noon, "EUR"), std::nullopt) << "nothing was ever told";
  auto told = feed(kind, noon,
                   {{noon + hour, noon + 2 * hour, 0.1},
                    {noon + 2 * hour, noon + 3 * hour, 0.2},
                    {noon + 4 * hour, noon + 6 * hour, 0.3}});
  told.valid_until = noon + 5 * hour;
  ASSERT_TRUE(feeds.take(told, noon));
  EXPECT_EQ(feeds.until(kind, noon, "EUR"), std::nullopt) << "of later alone";
  EXPECT_EQ(feeds.until(kind, noon + hour, "EUR"), noon + 3 * hour);
  EXPECT_EQ(feeds.until(kind, noon + 3 * hour - 1, "EUR"), noon + 3 * hour);
  EXPECT_EQ(feeds.until(kind, noon + 3 * hour, "EUR"), noon + 3 * hour);
  EXPECT_EQ(feeds.until(kind, noon + 3 * hour + 1, "EUR"), noon + 3 * hour)
      << "since then it is silent";
  EXPECT_EQ(feeds.until(kind, noon + 4 * hour, "EUR"), noon + 5 * hour) << "it is valid so long";
  EXPECT_EQ(feeds.until(kind, noon + 9 * hour, "EUR"), noon + 5 * hour);
  EXPECT_EQ(feeds.until(kind, noon + 10, "GBP"), noon) << "nothing of it is believed";
  EXPECT_EQ(feeds.until(kind, noon + 5 * hour + 15 * 24 * hour, "EUR"), noon + 5 * hour);
  EXPECT_EQ(feeds.until(kind, noon + 5 * hour + 15 * 24 * hour + 1, "EUR"), std::nullopt);
}

TEST(Feeds, TellNothingThatEndedTwoWeeksAgoAndKeepItAllTheSame) {
  Feeds feeds;
  constexpr auto kind = FeedKind::import_price;
  const FeedSlots slots{{noon, noon + hour, 0.1}, {noon + hour, noon + 2 * hour, 0.2}};
  feeds.restore(feed(kind, noon, slots));
  ASSERT_EQ(feeds.history(kind).issues().size(), 1u) << "though it has ended since";
  EXPECT_EQ(feeds.version(), 1u);
  constexpr UnixSeconds long_after = noon + hour + 15 * 24 * hour;
  EXPECT_EQ(feeds.told(long_after, "EUR").import_price, slots);
  EXPECT_EQ(feeds.told(long_after + 1, "EUR").import_price, (FeedSlots{slots[1]}));
  EXPECT_EQ(feeds.ended(kind, long_after + hour, "EUR"), noon + 2 * hour);
  EXPECT_EQ(feeds.ended(kind, long_after + hour + 1, "EUR"), std::nullopt);
  EXPECT_EQ(feeds.told(noon, "EUR").import_price, slots) << "that clock was wrong";
}

TEST(Feeds, WhatLastsEndsWithTheDocumentsValidity) {
  Feeds feeds;
  const FeedSlots slots{{noon, noon + 2 * hour, 0.1}};
  for (const FeedKind kind : {FeedKind::import_price, FeedKind::export_price}) {
    auto document = feed(kind, noon, slots);
    document.slots[0].value = kind == FeedKind::import_price ? 0.1 : 0.2;
    document.valid_until = noon + hour;
    ASSERT_TRUE(feeds.take(document, noon));
  }
  const auto told = feeds.told(noon, "EUR");
  EXPECT_EQ(told.import_price, slots);
  EXPECT_EQ(told.export_price, (FeedSlots{{noon, noon + 2 * hour, 0.2}}));
  EXPECT_EQ(told.lasting_import, (FeedSlots{{noon, noon + hour, 0.1}}));
  EXPECT_EQ(told.lasting_export, (FeedSlots{{noon, noon + hour, 0.2}}));
  EXPECT_THAT(feeds.told(noon, "GBP").lasting_import, IsEmpty());
}

}  // namespace
}  // namespace esshub::service
