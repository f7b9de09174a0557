#include "feed/wanted.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/feed/documents.hpp"

namespace esshub::feed {
namespace {

using testing::ElementsAre;
using testing::StartsWith;
using tests::at_23;
using tests::hour;
using tests::said;
using tests::wanted;

Result<Feed> made(FeedSlots slots, const Wanted& what = wanted()) {
  return wanted_of(what, "EUR/kWh", "x", std::move(slots));
}

TEST(Wanted, WhatIsNotAskedForIsCutOff) {
  const auto what = wanted();
  const auto feed = made({{what.to - 60, what.to + 60, 3.0},
                          {what.from - 60, what.from, 0.5},
                          {what.from - 60 - hour, what.from - 60, 0.4},
                          {what.from, what.from + 60, 2.0},
                          {what.to + 60, what.to + 120, 4.0}},
                         what);
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_THAT(feed->slots, ElementsAre(FeedSlot{what.from, what.from + 60, 2.0},
                                       FeedSlot{what.to - 60, what.to, 3.0}));
  const auto whole = made({{what.from - hour, what.to + hour, 1.0}}, what);
  ASSERT_TRUE(whole) << whole.error().detail;
  EXPECT_THAT(whole->slots, ElementsAre(FeedSlot{what.from, what.to, 1.0}));
}

TEST(Wanted, NothingWantedIsSaid) {
  const auto nothing = made({{at_23 + 48 * hour, at_23 + 49 * hour, 1.0}});
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().kind, ErrorKind::refused);
  EXPECT_EQ(nothing.error().detail,
            "tells nothing of 2026-11-27T23:00:00Z to 2026-11-30T23:00:00Z");
}

TEST(Wanted, TaxComesBeforeTheSurcharge) {
  auto what = wanted();
  what.factor = 1.2;
  what.surcharge = 0.1;
  const auto feed = made({{at_23, at_23 + 60, 0.1}, {at_23 + 60, at_23 + 120, 1.0 / 3.0}}, what);
  ASSERT_TRUE(feed) << feed.error().detail;
  EXPECT_EQ(feed->slots[0].value, 0.22);
  EXPECT_EQ(feed->slots[1].value, 0.5);
}

TEST(Wanted, ItIsValidUntilItsEndUnlessItIsSaid) {
  auto what = wanted();
  EXPECT_EQ(made({{at_23, at_23 + 60, 0.1}}, what)->valid_until, at_23 + 60);
  what.valid_until = at_23 + 5;
  EXPECT_EQ(made({{at_23, at_23 + 60, 0.1}}, what)->valid_until, at_23 + 5);
}

TEST(Wanted, WhatContradictsItselfOrIsBeyondTheBoundsIsRefused) {
  EXPECT_TRUE(made({{at_23, at_23 + 60, 0.1}, {at_23, at_23 + 60, 0.1}}));
  EXPECT_THAT(said(made({{at_23, at_23 + 60, 0.1}, {at_23, at_23 + 60, 0.2}})),
              StartsWith("two prices for 2026-11-28T23:00:00Z"));
  EXPECT_THAT(said(made({{at_23, at_23 + 60, 0.1}, {at_23, at_23 + 61, 0.1}})),
              StartsWith("two prices for"));
  EXPECT_THAT(said(made({{at_23, at_23 + 60, 5.1}})), StartsWith("/slots/0/2: 5.1 EUR/kWh"));
  auto what = wanted();
  what.limits.price = 6.0;
  EXPECT_TRUE(made({{at_23, at_23 + 60, 5.1}}, what));
}

}  // namespace
}  // namespace esshub::feed
