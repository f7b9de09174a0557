// The form of docs/feeds.md as text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "service/feed.hpp"

namespace esshub::service {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

constexpr UnixSeconds at_23 = 1795906800;  // 2026-11-28T23:00:00Z, as `date -u -d` counts it

/// A document of import prices with these slots.
std::string prices(const std::string& slots, const std::string& more = "",
                   const std::string& unit = "EUR/kWh") {
  return R"({"kind":"import_price","unit":")" + unit + R"(","issued":"2026-11-28T12:57:00Z")" +
         more + R"(,"slots":[)" + slots + "]}";
}
std::string said(const std::string& text, const FeedLimits& limits = {}) {
  const auto feed = read_feed(text, limits);
  return feed ? "accepted" : feed.error().detail;
}

constexpr const char* slot = R"(["2026-11-28T23:00:00Z","2026-11-28T23:15:00Z",0.2731])";

TEST(FeedJson, ReadsThePricesOfSlots) {
  const auto feed = read_feed(
      prices(std::string{slot} + R"(,["2026-11-29T00:30:00+01:00","2026-11-29T00:30:00Z",-0.05])",
             R"(,"source":"my grid","valid_until":"2026-11-29T12:00:00Z")"));
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_EQ(feed->kind, FeedKind::import_price);
  EXPECT_EQ(feed->unit, "EUR/kWh");
  EXPECT_EQ(feed->source, "my grid");
  EXPECT_EQ(feed->issued, at_23 - 10 * 3600 - 180);
  EXPECT_EQ(feed->valid_until, at_23 + 13 * 3600);
  EXPECT_THAT(feed->slots, ElementsAre(FeedSlot{at_23, at_23 + 900, 0.2731},
                                       FeedSlot{at_23 + 1800, at_23 + 5400, -0.05}));
}

TEST(FeedJson, WithoutAWordItIsValidUntilItsLastSlotEnds) {
  const auto feed = read_feed(
      prices(std::string{R"(["2026-11-29T01:00:00Z","2026-11-29T02:00:00Z",1],)"} + slot));
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_EQ(feed->valid_until, at_23 + 3 * 3600);
  EXPECT_EQ(feed->slots.front().begin, at_23) << "in any order";
  EXPECT_EQ(feed->source, "");
}

TEST(FeedJson, TheSunIsPowerOrEnergyOfASlot) {
  const auto sun = [](const std::string& unit) {
    const auto feed = read_feed(R"({"kind":"solar","unit":")" + unit +
                                R"(","issued":"2026-11-28T12:57:00Z","slots":[)" +
                                R"(["2026-11-28T23:00:00Z","2026-11-28T23:15:00Z",0.5]]})");
    return feed ? feed->unit + ' ' + std::to_string(feed->slots.at(0).value.value())
                : feed.error().detail;
  };
  EXPECT_EQ(sun("W"), "W 0.500000");
  EXPECT_EQ(sun("kW"), "W 500.000000");
  EXPECT_EQ(sun("Wh"), "W 2.000000");
  EXPECT_EQ(sun("kWh"), "W 2000.000000");
  EXPECT_EQ(sun("MW"), "/unit: \"MW\", accepted W, kW, or of a slot Wh, kWh");
  EXPECT_THAT(sun("EUR/kWh"), StartsWith("/unit: "));
}

TEST(FeedJson, DaysOfAnyNumberOfQuartersAreRead) {
  for (const int quarters : {92, 96, 100}) {
    std::string list;
    for (int n = 0; n < quarters; ++n) {
      // The day on which the clocks change, by its UTC: from 2027-10-30T22:00Z on.
      const auto time = [](int quarter) {
        const int minutes = 22 * 60 + quarter * 15;
        const int day = 30 + minutes / 1440;
        const auto two = [](int value) {
          return std::string(value < 10 ? "0" : "") + std::to_string(value);
        };
        return "\"2027-10-" + two(day) + 'T' + two(minutes / 60 % 24) + ':' + two(minutes % 60) +
               ":00Z\"";
      };
      list += (n ? ",[" : "[") + time(n) + ',' + time(n + 1) + ",0.1]";
    }
    const auto feed = read_feed(prices(list));
    ASSERT_TRUE(feed) << feed.error().detail;
    ASSERT_THAT(feed->slots, SizeIs(quarters));
    const auto begin = feed->slots.front().begin;
    EXPECT_EQ(known_until(feed->slots, begin), begin + quarters * 900);
  }
}

TEST(FeedJson, WhatIsWrongIsNamedByItsPointer) {
  const auto accepted = said(prices(slot));
  EXPECT_EQ(accepted, "accepted");
  EXPECT_EQ(said("[]"), "document: a list, accepted an object");
  EXPECT_EQ(said(prices(slot, R"(,"price/s":1)")),
            "/price~1s: unknown key, accepted kind, unit, source, issued, valid_until, slots");
  EXPECT_EQ(said(prices(slot, R"(,"unit":"GBP/kWh")")),
            "/unit: there twice, accepted each key once");
  EXPECT_EQ(said(R"({"kind":"price"})"),
            "/kind: \"price\", accepted import_price, export_price or solar");
  EXPECT_EQ(said(R"({"unit":"EUR/kWh"})"),
            "/kind: missing, accepted import_price, export_price or solar");
  EXPECT_EQ(said(R"({"kind":7})"), "/kind: 7, accepted import_price, export_price or solar");
  EXPECT_EQ(said(R"({"kind":"solar","unit":"W"})"),
            "/issued: missing, accepted a moment with its zone, as 2026-11-28T23:00:00Z");
  EXPECT_EQ(said(R"({"kind":"solar","unit":"W","issued":"2026-11-28T12:57:00"})"),
            "/issued: \"2026-11-28T12:57:00\", accepted a moment with its zone, as "
            "2026-11-28T23:00:00Z");
  EXPECT_EQ(said(R"({"kind":"solar","unit":"W","issued":1795870620})"),
            "/issued: 1795870620, accepted a moment with its zone, as 2026-11-28T23:00:00Z");
  EXPECT_EQ(said(prices(slot, R"(,"source":[])")), "/source: a list, accepted a text");
  EXPECT_EQ(said(prices(slot, R"(,"source":"a\nb")")),
            "/source: \"a?b\", accepted 80 characters of printable ASCII at most");
  EXPECT_EQ(said(prices(slot, R"(,"valid_until":"2026-11-28T12:57:00Z")")),
            "/valid_until: 2026-11-28T12:57:00Z, accepted a moment after /issued, "
            "2026-11-28T12:57:00Z");
  EXPECT_EQ(said(prices(slot, R"(,"valid_until":null)")),
            "/valid_until: null, accepted a moment with its zone, as 2026-11-28T23:00:00Z");
  EXPECT_EQ(said(R"({"kind":"solar","unit":"W","issued":"2026-11-28T12:57:00Z","slots":{}})"),
            "/slots: an object, accepted a list of [begin, end, value]");
  EXPECT_EQ(said(R"({"kind":"solar","unit":"W","issued":"2026-11-28T12:57:00Z"})"),
            "/slots: missing, accepted a list of [begin, end, value]");
  EXPECT_EQ(said(prices("")), "/slots: 0 slots, accepted 1 to 3000");
  EXPECT_EQ(said(prices("7")), "/slots/0: 7, accepted [begin, end, value]");
  EXPECT_EQ(said(prices(std::string{slot} + R"(,["2026-11-28T23:15:00Z",0.1])")),
            "/slots/1: 2 parts, accepted [begin, end, value]");
  EXPECT_EQ(said(prices(R"(["2026-11-31T23:00:00Z","2026-11-28T23:15:00Z",0])")),
            "/slots/0/0: \"2026-11-31T23:00:00Z\", accepted a moment with its zone, as "
            "2026-11-28T23:00:00Z");
  EXPECT_EQ(said(prices(R"(["2026-11-28T23:00:00Z","2026-11-28T23:00:00Z",0])")),
            "/slots/0/1: 2026-11-28T23:00:00Z, accepted a moment after its begin, "
            "2026-11-28T23:00:00Z");
  EXPECT_EQ(said(prices(R"(["2026-11-28T23:00:00Z","2026-11-28T23:15:00Z",true])")),
            "/slots/0/2: true, accepted a number; what is unknown has no slot");
  EXPECT_EQ(said(prices(R"(["2026-11-28T23:00:00Z","2026-11-28T23:15:00Z","0.1"])")),
            "/slots/0/2: \"0.1\", accepted a number; what is unknown has no slot");
  EXPECT_EQ(said(prices(R"(["2028-11-28T23:00:00Z","2028-11-28T23:15:00Z",0.1])")),
            "/slots/0/0: 2028-11-28T23:00:00Z, accepted a moment within 400 days of /issued, "
            "2026-11-28T12:57:00Z");
}

TEST(FeedJson, OverlapsAreRefusedWhateverTheOrder) {
  EXPECT_EQ(
      said(prices(std::string{R"(["2026-11-28T23:14:59Z","2026-11-29T00:00:00Z",0.1],)"} + slot)),
      "/slots/0/0: 2026-11-28T23:14:59Z, accepted none before 2026-11-28T23:15:00Z, the end "
      "of /slots/1");
  EXPECT_THAT(said(prices(std::string{slot} + ',' + slot)), StartsWith("/slots/1/0: "));
}

TEST(FeedJson, PricesPerMegawattHourAreTold) {
  EXPECT_EQ(said(prices(R"(["2026-11-28T23:00:00Z","2026-11-28T23:15:00Z",83.5])")),
            "/slots/0/2: 83.5 EUR/kWh, accepted -5.0 to 5.0; prices per MWh are to be divided by "
            "1000, cents and pence by 100");
  EXPECT_EQ(said(prices(slot, "", "EUR/MWh")),
            "/unit: \"EUR/MWh\", accepted a currency of three letters per kWh, as EUR/kWh; divide "
            "by 1000");
  EXPECT_THAT(said(prices(slot, "", "p/kWh")), HasSubstr("; divide by 100"));
  EXPECT_EQ(said(prices(slot, "", "eur/kWh")),
            "/unit: \"eur/kWh\", accepted a currency of three letters per kWh, as EUR/kWh");
}

TEST(FeedJson, TheBoundsAreSettings) {
  const auto at = [](const std::string& value) {
    return prices(R"(["2026-11-28T23:00:00Z","2026-11-28T23:15:00Z",)" + value + ']');
  };
  EXPECT_EQ(said(at("5")), "accepted");
  EXPECT_EQ(said(at("-5")), "accepted");
  EXPECT_THAT(said(at("5.0001")), StartsWith("/slots/0/2: 5.0001 "));
  EXPECT_THAT(said(at("-5.0001")), StartsWith("/slots/0/2: -5.0001 "));
  EXPECT_EQ(said(at("60"), {.price = 60.0}), "accepted");
  EXPECT_EQ(said(at("123456789")), "/slots/0/2: 123456789.0 EUR/kWh, accepted -5.0 to 5.0");
  const auto sun = [](const std::string& value) {
    return said(R"({"kind":"solar","unit":"W","issued":"2026-11-28T12:57:00Z","slots":[)"
                R"(["2026-11-28T23:00:00Z","2026-11-28T23:15:00Z",)" +
                value + "]]}");
  };
  EXPECT_EQ(sun("100000"), "accepted");
  EXPECT_EQ(sun("100001"), "/slots/0/2: 100001.0 W, accepted 0.0 to 100000.0");
  EXPECT_EQ(sun("-0.1"), "/slots/0/2: -0.1 W, accepted 0.0 to 100000.0");
}

TEST(FeedJson, HostileTextIsRefused) {
  const auto at = [](const std::string& value) {
    return said(prices(R"(["2026-11-28T23:00:00Z","2026-11-28T23:15:00Z",)" + value + ']'));
  };
  EXPECT_THAT(said(""), StartsWith("document: no JSON, parse error at line 1, column 1"));
  EXPECT_THAT(at("NaN"), StartsWith("document: no JSON, "));
  EXPECT_THAT(at("-Infinity"), StartsWith("document: no JSON, "));
  EXPECT_THAT(at("1e999"), HasSubstr("number overflow"));
  EXPECT_EQ(at("1e308"), "/slots/0/2: 1e+308 EUR/kWh, accepted -5.0 to 5.0");
  EXPECT_EQ(at("18446744073709551616"),
            "/slots/0/2: 1.8446744073709552e+19 EUR/kWh, accepted -5.0 to 5.0");
  EXPECT_EQ(at("[[[1]]]"), "document: lists or objects four deep, accepted slots as the deepest");
  EXPECT_THAT(said(prices(R"(["99999999999999999999-01-01T00:00:00Z","x",0])")),
              StartsWith("/slots/0/0: \"99999999999999999999-01-01T00:00:00Z\", accepted"));
  EXPECT_THAT(said(prices(R"(["9999-12-31T23:59:59Z","9999-12-31T23:59:59Z",0])")),
              StartsWith("/slots/0/1: "));
  EXPECT_THAT(said(std::string(100'000, '[')), StartsWith("document: no JSON, "));
  EXPECT_EQ(said(std::string(100'000, '[') + std::string(100'000, ']')),
            "document: lists or objects four deep, accepted slots as the deepest");
  EXPECT_EQ(said(std::string(262'145, ' ')), "document: 262145 bytes, accepted 262144 at most");
  EXPECT_THAT(said("\"\xff\""), StartsWith("document: no JSON, "));
  EXPECT_THAT(said(prices(slot) + prices(slot)), StartsWith("document: no JSON, "));
  for (const auto& text :
       {"{\"" + std::string(1000, 'k') + "\":1}", R"({"kind":")" + std::string(1000, 'k') + "\"}",
        '"' + std::string(200'000, 'x')})
    EXPECT_LT(said(text).size(), 250u) << "it does not fill the log";
  std::string many;
  for (int n = 0; n < 3001; ++n) many += n ? ",0" : "0";
  EXPECT_EQ(said(prices(many)), "/slots: 3001 slots, accepted 1 to 3000");
}

TEST(FeedJson, NullTakesBackWhatWasToldOfThatTime) {
  constexpr const char* first = R"(["2026-11-28T23:00:00Z","2026-11-28T23:15:00Z",null])";
  const auto feed = read_feed(
      prices(std::string{first} + R"(,["2026-11-28T23:15:00Z","2026-11-28T23:30:00Z",0.5])", "",
             "EUR/kWh"));
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_THAT(feed->slots, ElementsAre(FeedSlot{at_23, at_23 + 900, std::nullopt},
                                       FeedSlot{at_23 + 900, at_23 + 1800, 0.5}));
  EXPECT_EQ(said(prices(first), {.price = 0.5}), "accepted");
  EXPECT_EQ(said(R"({"kind":"solar","unit":"kWh","issued":"2026-11-28T12:57:00Z","slots":[)" +
                 std::string{first} + "]}"),
            "accepted");
  EXPECT_THAT(said(prices(std::string{first} + ',' + slot)), StartsWith("/slots/1/0: "))
      << "an overlap all the same";
}

TEST(FeedJson, WhatIsWrittenIsReadAgain) {
  Feed feed{FeedKind::export_price, "GBP/kWh", "a \"source\"", at_23 - 60, at_23 + 7200, {}};
  feed.slots = {{at_23, at_23 + 1800, 0.1},
                {at_23 + 1800, at_23 + 3600, std::nullopt},
                {at_23 + 3600, at_23 + 5400, -1.0 / 3.0}};
  const auto again = read_feed(feed_text(feed));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(*again, feed);
}

TEST(FeedJson, TheLargestDocumentFits) {
  Feed feed{FeedKind::import_price, "EUR/kWh", std::string(80, 'x'), at_23, at_23 + 1, {}};
  for (UnixSeconds n = 0; n < 3000; ++n)
    feed.slots.push_back({at_23 + n * 900, at_23 + n * 900 + 900, -1.0 / 3.0});
  feed.valid_until = feed.slots.back().end;
  ASSERT_TRUE(check_feed(feed));
  const auto again = read_feed(feed_text(feed));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(*again, feed);
}

TEST(FeedJson, WhatAConverterMadeIsJudgedAlike) {
  Feed feed{FeedKind::import_price, "EUR/kWh", "", at_23, at_23 + 1, {{at_23, at_23 + 1, 0.1}}};
  EXPECT_TRUE(check_feed(feed));
  feed.slots.front().value = 83.5;
  ASSERT_FALSE(check_feed(feed));
  EXPECT_THAT(check_feed(feed).error().detail, StartsWith("/slots/0/2: 83.5"));
  feed.slots.front().value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(check_feed(feed));
}

// ---- each bound to the last accepted, each message whole ----------------------------------------

/// One price, as a converter made it.
Feed one_price(UnixSeconds begin, UnixSeconds end) {
  return {FeedKind::import_price, "EUR/kWh", "", at_23, at_23 + 1, {{begin, end, 0.1}}};
}
std::string judged(const Feed& feed) {
  const auto good = check_feed(feed);
  return good ? "accepted" : good.error().detail;
}

TEST(FeedJson, WhatIsWrongIsInvalidWhereverItIsFound) {
  for (const auto* const text : {"", "[]", R"({"kind":"price"})"}) {
    const auto feed = read_feed(text);
    ASSERT_FALSE(feed) << text;
    EXPECT_EQ(feed.error().kind, ErrorKind::invalid) << text;
  }
}

TEST(FeedJson, ASlotLiesWithin400DaysOfItsIssue) {
  constexpr UnixSeconds farthest = 400 * UnixSeconds{86400};
  EXPECT_EQ(judged(one_price(at_23 + farthest - 900, at_23 + farthest)), "accepted");
  EXPECT_EQ(judged(one_price(at_23 + farthest - 900, at_23 + farthest + 1)),
            "/slots/0/1: 2028-01-02T23:00:01Z, accepted a moment within 400 days of /issued, "
            "2026-11-28T23:00:00Z");
  EXPECT_EQ(judged(one_price(at_23 - farthest, at_23)), "accepted");
  EXPECT_EQ(judged(one_price(at_23 - farthest - 1, at_23)),
            "/slots/0/0: 2025-10-24T22:59:59Z, accepted a moment within 400 days of /issued, "
            "2026-11-28T23:00:00Z");
}

TEST(FeedJson, AnEndBeforeItsBeginIsToldWithBoth) {
  EXPECT_EQ(judged(one_price(at_23, at_23 - 60)),
            "/slots/0/1: 2026-11-28T22:59:00Z, accepted a moment after its begin, "
            "2026-11-28T23:00:00Z");
  auto feed = one_price(at_23, at_23 + 900);
  feed.valid_until = at_23 - 60;
  EXPECT_EQ(judged(feed),
            "/valid_until: 2026-11-28T22:59:00Z, accepted a moment after /issued, "
            "2026-11-28T23:00:00Z");
  EXPECT_EQ(said(prices(R"(["2026-11-28T23:00:00Z","noon",0])")),
            "/slots/0/1: \"noon\", accepted a moment with its zone, as 2026-11-28T23:00:00Z");
}

TEST(FeedJson, EverySlotIsJudged) {
  auto feed = one_price(at_23, at_23 + 3600);
  feed.slots.push_back({at_23 + 3600, at_23 + 7200, 83.5});
  EXPECT_THAT(judged(feed), StartsWith("/slots/1/2: 83.5 EUR/kWh, accepted "));
  feed.slots.back() = {at_23 + 600, at_23 + 1200, 0.1};
  EXPECT_EQ(judged(feed),
            "/slots/1/0: 2026-11-28T23:10:00Z, accepted none before 2026-11-29T00:00:00Z, the end "
            "of /slots/0");
  feed.slots.clear();
  EXPECT_EQ(judged(feed), "/slots: 0 slots, accepted 1 to 3000");
  for (UnixSeconds n = 0; n < 3001; ++n) feed.slots.push_back({at_23 + n, at_23 + n + 1, 0.1});
  EXPECT_EQ(judged(feed), "/slots: 3001 slots, accepted 1 to 3000");
}

TEST(FeedJson, ASourceIs80CharactersOfPrintableAscii) {
  const auto named = [](const std::string& source) {
    auto feed = one_price(at_23, at_23 + 900);
    feed.source = source;
    return judged(feed);
  };
  const std::string longest(80, 'x');
  const std::string accepted = "\", accepted 80 characters of printable ASCII at most";
  EXPECT_EQ(named(longest), "accepted");
  EXPECT_EQ(named(longest + 'x'), "/source: \"" + std::string(40, 'x') + "..." + accepted);
  EXPECT_EQ(named(longest + "..."), "/source: \"" + std::string(40, 'x') + "..." + accepted);
  EXPECT_EQ(named(" ~"), "accepted");
  EXPECT_EQ(named("a\x7f"), "/source: \"a?" + accepted);
  EXPECT_EQ(named("a\xc3\xa4"), "/source: \"a??" + accepted);
}

TEST(FeedJson, StrangersTextIsShownToItsFortiethCharacter) {
  const std::string forty(40, 'k');
  const std::string kinds = "\", accepted import_price, export_price or solar";
  EXPECT_EQ(said(R"({"kind":")" + forty + "\"}"), "/kind: \"" + forty + kinds);
  EXPECT_EQ(said(R"({"kind":")" + forty + "k\"}"), "/kind: \"" + forty + "..." + kinds);
  EXPECT_EQ(said(R"({"kind":"solar","unit":"W","issued":")" + forty + "\"}"),
            "/issued: \"" + forty + "\", accepted a moment with its zone, as 2026-11-28T23:00:00Z");
  const std::string begin = "document: no JSON, ";
  const auto broken = said('"' + std::string(1000, 'x'));
  EXPECT_THAT(broken, StartsWith(begin));
  EXPECT_EQ(broken.size(), begin.size() + 160 + 3) << "what the parser says, to its 160th";
  EXPECT_THAT(broken, EndsWith("x..."));
}

TEST(FeedJson, AKeyIsNamedByItsPointer) {
  const std::string unknown =
      ": unknown key, accepted kind, unit, source, issued, valid_until, slots";
  EXPECT_EQ(said(R"({"a~b":1})"), "/a~0b" + unknown);
  EXPECT_EQ(said(R"({"":1})"), "/" + unknown);
  EXPECT_EQ(said(R"({"kind":"solar","kind":"solar","unit":"W","unit":"W"})"),
            "/kind: there twice, accepted each key once")
      << "the first mistake";
  EXPECT_EQ(said(prices(R"({"begin":1,"begin":2})")),
            "/slots/0: an object, accepted [begin, end, value]")
      << "not that it says a thing twice";
}

TEST(FeedJson, ADocumentOf256KibibytesIsRead) {
  auto text = prices(slot);
  text.resize(256 * 1024, ' ');
  EXPECT_EQ(said(text), "accepted");
  EXPECT_EQ(said(text + ' '), "document: 262145 bytes, accepted 262144 at most");
}

TEST(FeedJson, ACurrencyIsThreeCapitalLetters) {
  const std::string accepted = ", accepted a currency of three letters per kWh, as EUR/kWh";
  EXPECT_EQ(said(R"({"kind":"import_price"})"), "/unit: missing" + accepted);
  EXPECT_EQ(said(R"({"kind":"export_price","unit":7})"), "/unit: 7" + accepted);
  for (const auto* const unit : {"AUD/kWh", "NZD/kWh", "ZAR/kWh"})
    EXPECT_EQ(said(prices(slot, "", unit)), "accepted") << unit;
  for (const std::string unit : {"EURO/kWh", "EU/kWh", "EU1/kWh", "E1R/kWh", "EuR/kWh", "EUR/kwh"})
    EXPECT_EQ(said(prices(slot, "", unit)), "/unit: \"" + unit + '"' + accepted);
  for (const std::string unit : {"ct/kWh", "c/kWh", "p/kWh"})
    EXPECT_EQ(said(prices(slot, "", unit)),
              "/unit: \"" + unit + '"' + accepted + "; divide by 100");
}

TEST(FeedJson, WhatMayBeAPricePerMegawattHourIsToldSo) {
  const auto at = [](const std::string& value) {
    return said(prices(R"(["2026-11-28T23:00:00Z","2026-11-28T23:15:00Z",)" + value + ']'));
  };
  for (const auto* const value : {"5000", "-5000"})
    EXPECT_THAT(at(value), EndsWith("to be divided by 1000, cents and pence by 100")) << value;
  for (const auto* const value : {"5000.5", "-5000.5"})
    EXPECT_THAT(at(value), EndsWith(" EUR/kWh, accepted -5.0 to 5.0")) << value;
}

}  // namespace
}  // namespace esshub::service
