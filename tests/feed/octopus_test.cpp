#include "feed/octopus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "model/utc_text.hpp"
#include "tests/feed/documents.hpp"

namespace esshub::feed {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::at_23;
using tests::document;
using tests::hour;
using tests::said;
using tests::wanted;

using Pages = std::vector<std::string>;

Result<Feed> read(const Pages& pages, const Wanted& what = wanted(),
                  std::string_view payment = "DIRECT_DEBIT") {
  return octopus(pages, "E-1R-X-C", payment, what);
}

TEST(Octopus, PenceWithTaxNewestFirstOverPagesBecomePoundsInOrder) {
  const auto feed = read({document("octopus-agile-1.json"), document("octopus-agile-2.json")});
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_EQ(feed->unit, "GBP/kWh");
  EXPECT_EQ(feed->source, "Octopus E-1R-X-C");
  EXPECT_EQ(feed->issued, wanted().issued);
  EXPECT_EQ(feed->valid_until, at_23 + 3 * hour / 2);
  EXPECT_THAT(feed->slots, ElementsAre(FeedSlot{at_23 - hour, at_23 - hour / 2, 0.1155},
                                       FeedSlot{at_23 - hour / 2, at_23, 0.105},
                                       FeedSlot{at_23, at_23 + hour / 2, 0.17199},
                                       FeedSlot{at_23 + hour / 2, at_23 + hour, -0.021},
                                       FeedSlot{at_23 + hour, at_23 + 3 * hour / 2, 0.21}));
}

TEST(Octopus, KnowsWhetherThereIsAnotherPage) {
  EXPECT_EQ(octopus_has_next(document("octopus-agile-1.json")), true);
  EXPECT_EQ(octopus_has_next(document("octopus-agile-2.json")), false);
  EXPECT_FALSE(octopus_has_next("<html>"));
}

TEST(Octopus, ARateWithoutAnEndHoldsUntilTheNextOrAsLongAsIsAsked) {
  const auto feed = read({document("octopus-outgoing.json")}, wanted(FeedKind::export_price));
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_EQ(feed->kind, FeedKind::export_price);
  EXPECT_THAT(feed->slots, ElementsAre(FeedSlot{at_23 - 24 * hour, at_23 - 11 * hour, 0.08},
                                       FeedSlot{at_23 - 11 * hour, at_23 + 48 * hour, 0.15}));
}

TEST(Octopus, OfRatesByPaymentOneIsTaken) {
  const Pages pages{document("octopus-payment.json")};
  const auto direct = read(pages);
  ASSERT_TRUE(direct) << direct.error().detail;
  EXPECT_EQ(direct->slots.at(0).value, 0.231);
  const auto other = read(pages, wanted(), "NON_DIRECT_DEBIT");
  ASSERT_TRUE(other) << other.error().detail;
  EXPECT_EQ(other->slots.at(0).value, 0.252);
  EXPECT_THAT(said(read(pages, wanted(), "PREPAYMENT")), HasSubstr("tells nothing of"));
}

/// Half hours from a moment on, newest first.
std::string half_hours(UnixSeconds begin, int count) {
  const auto utc = [](UnixSeconds at) {
    return utc_text(std::chrono::sys_seconds{std::chrono::seconds{at}});
  };
  std::string text;
  for (int n = count - 1; n >= 0; --n)
    text += R"({"value_inc_vat":)" + std::to_string(n) + R"(,"valid_from":")" +
            utc(begin + n * 1800) + R"(","valid_to":")" + utc(begin + n * 1800 + 1800) + "\"}" +
            (n > 0 ? "," : "");
  return R"({"next":null,"results":[)" + text + "]}";
}

TEST(Octopus, DaysOf23And25HoursAreWhole) {
  // British days: 2026-03-29 begins at 00:00Z and ends at 23:00Z, 2026-10-25 from 23:00Z until
  // 00:00Z.
  for (const auto& [begin, count] : {std::pair{1774742400, 46}, std::pair{1792882800, 50}}) {
    auto what = wanted();
    what.from = begin;
    what.to = begin + count * 1800;
    what.issued = begin - hour;
    const auto feed = read({half_hours(begin, count)}, what);
    ASSERT_TRUE(feed) << feed.error().detail;
    EXPECT_EQ(feed->slots.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(service::known_until(feed->slots, begin), begin + count * 1800);
    EXPECT_EQ(service::value_at(feed->slots, begin + 5 * 1800), 0.05);
  }
}

TEST(Octopus, SaysWhatIsWrong) {
  EXPECT_EQ(said(read({R"({"detail":"No EnergyProduct matches the given query."})"})),
            "has no results, but \"No EnergyProduct matches the given query.\"");
  EXPECT_THAT(said(read({"<html>"})), HasSubstr("is no JSON object, but begins \"<html>\""));
  const auto rate = [](const std::string& text) {
    return said(read({R"({"next":null,"results":[)" + text + "]}"}));
  };
  EXPECT_EQ(rate("7"), "a result is no object");
  EXPECT_EQ(rate(R"({"value_inc_vat":1,"valid_to":null})"),
            "valid_from is \"\", expected a moment with its zone");
  EXPECT_EQ(rate(R"({"value_inc_vat":1,"valid_from":"2026-11-28T23:00:00","valid_to":null})"),
            "valid_from is \"2026-11-28T23:00:00\", expected a moment with its zone");
  EXPECT_EQ(rate(R"({"value_inc_vat":null,"valid_from":"2026-11-28T23:00:00Z","valid_to":null})"),
            "value_inc_vat is no number");
  EXPECT_EQ(rate(R"({"value_inc_vat":1,"valid_from":"2026-11-28T23:00:00Z"})"),
            "valid_to is \"\", expected a moment with its zone");
  EXPECT_EQ(rate(R"({"value_inc_vat":1,"valid_from":"2026-11-28T23:00:00Z",)"
                 R"("valid_to":"2026-11-28T23:00:00Z"})"),
            "valid_to is not after valid_from");
  const std::string one =
      R"({"value_inc_vat":1,"valid_from":"2026-11-28T23:00:00Z","valid_to":"2026-11-29T00:00:00Z"})";
  const std::string other =
      R"({"value_inc_vat":2,"valid_from":"2026-11-28T23:30:00Z","valid_to":"2026-11-29T00:00:00Z"})";
  EXPECT_EQ(rate(one), "accepted");
  EXPECT_EQ(rate(one + ',' + one), "accepted") << "it came twice";
  EXPECT_EQ(rate(one + ',' + other), "two prices for 2026-11-28T23:30:00Z: 0.010000 and 0.020000");
}

}  // namespace
}  // namespace esshub::feed
