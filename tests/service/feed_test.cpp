#include "service/feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace esshub::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr UnixSeconds noon = 20000 * 86400 + 43200;
constexpr UnixSeconds hour = 3600;

Feed issue(UnixSeconds issued, FeedSlots slots) {
  Feed feed;
  feed.unit = "EUR/kWh";
  feed.issued = issued;
  feed.slots = std::move(slots);
  for (const auto& slot : feed.slots) feed.valid_until = std::max(feed.valid_until, slot.end);
  return feed;
}

// 15 min, 30 min, a gap of an hour, an hour, and one that ends a second after it begins.
const FeedSlots mixed{{noon, noon + 900, 0.1},
                      {noon + 900, noon + 2700, -0.2},
                      {noon + 6300, noon + 9900, 0.3},
                      {noon + 9900, noon + 9901, 0.4}};

TEST(Feed, ASlotHoldsFromItsBeginUntilBeforeItsEnd) {
  EXPECT_EQ(value_at(mixed, noon - 1), std::nullopt);
  EXPECT_EQ(value_at(mixed, noon), 0.1);
  EXPECT_EQ(value_at(mixed, noon + 899), 0.1);
  EXPECT_EQ(value_at(mixed, noon + 900), -0.2) << "a negative price is one";
  EXPECT_EQ(value_at(mixed, noon + 2700), std::nullopt) << "a gap is unknown, not 0";
  EXPECT_EQ(value_at(mixed, noon + 6299), std::nullopt);
  EXPECT_EQ(value_at(mixed, noon + 9900), 0.4);
  EXPECT_EQ(value_at(mixed, noon + 9901), std::nullopt);
  EXPECT_EQ(value_at({}, noon), std::nullopt);
}

TEST(Feed, IsKnownUntilTheFirstGap) {
  EXPECT_EQ(known_until(mixed, noon), noon + 2700);
  EXPECT_EQ(known_until(mixed, noon + 2699), noon + 2700);
  EXPECT_EQ(known_until(mixed, noon + 2700), noon + 2700) << "unknown";
  EXPECT_EQ(known_until(mixed, noon + 6300), noon + 9901);
  EXPECT_EQ(known_until(mixed, noon - 1), noon - 1);
  EXPECT_EQ(known_until({}, noon), noon);
}

TEST(Feed, APartIsToldWithNeighboursOfOneValueAsOne) {
  const FeedSlots slots{{0, 10, 1.0}, {10, 20, 1.0}, {20, 30, 2.0}, {40, 50, 2.0}, {50, 60, 3.0}};
  EXPECT_THAT(told_within(slots, 5, 55), ElementsAre(FeedSlot{5, 20, 1.0}, FeedSlot{20, 30, 2.0},
                                                     FeedSlot{40, 50, 2.0}, FeedSlot{50, 55, 3.0}));
  EXPECT_THAT(told_within(slots, 10, 20), ElementsAre(FeedSlot{10, 20, 1.0}));
  EXPECT_THAT(told_within(slots, 30, 40), IsEmpty());
  EXPECT_THAT(told_within(slots, -5, 70), SizeIs(4)) << "no more than there is";
  EXPECT_THAT(told_within({}, 0, 1), IsEmpty());
  EXPECT_THAT(told_within(slots, 15, 14), IsEmpty()) << "no time";
}

TEST(Feed, WhatIsTakenBackIsUnknown) {
  const FeedSlots slots{{noon, noon + 900, 0.1}, {noon + 900, noon + 1800, std::nullopt}};
  EXPECT_EQ(value_at(slots, noon + 900), std::nullopt);
  EXPECT_EQ(known_until(slots, noon), noon + 900);
  EXPECT_EQ(known_until(slots, noon + 1000), noon + 1000);
}

TEST(Feed, BeginsEmpty) {
  const FeedSlot slot;
  EXPECT_EQ(slot, (FeedSlot{0, 0, 0.0}));
  const Feed feed;
  EXPECT_EQ(feed.kind, FeedKind::import_price);
  EXPECT_EQ(feed.issued, 0);
  EXPECT_EQ(feed.valid_until, 0);
}

TEST(FeedHistory, KnowsWhatWasBelievedWhen) {
  FeedHistory history;
  EXPECT_THAT(history.believed(noon), IsEmpty());
  ASSERT_TRUE(history.add(issue(noon, {{noon, noon + 2 * hour, 0.1}}), noon).value_or(false));
  // A correction of the second hour, and a third.
  ASSERT_TRUE(history
                  .add(issue(noon + 60, {{noon + hour, noon + 2 * hour, 0.2},
                                         {noon + 2 * hour, noon + 3 * hour, 0.3}}),
                       noon + 60)
                  .value_or(false));
  EXPECT_THAT(history.believed(noon - 1), IsEmpty());
  EXPECT_THAT(history.believed(noon + 59), ElementsAre(FeedSlot{noon, noon + 2 * hour, 0.1}));
  EXPECT_THAT(
      history.believed(noon + 60),
      ElementsAre(FeedSlot{noon, noon + hour, 0.1}, FeedSlot{noon + hour, noon + 2 * hour, 0.2},
                  FeedSlot{noon + 2 * hour, noon + 3 * hour, 0.3}));
}

TEST(FeedHistory, ANewerWordTakesAPriceBackWhereItSaysSo) {
  FeedHistory history;
  ASSERT_EQ(history.add(issue(noon, {{noon, noon + 3 * hour, 0.1}}), noon), true);
  const FeedSlots back{{noon + hour, noon + 2 * hour, std::nullopt}};
  ASSERT_EQ(history.add(issue(noon + 60, back), noon + 60), true);
  EXPECT_THAT(history.believed(noon + 60),
              ElementsAre(FeedSlot{noon, noon + hour, 0.1},
                          FeedSlot{noon + 2 * hour, noon + 3 * hour, 0.1}));
  EXPECT_THAT(history.believed(noon + 59), ElementsAre(FeedSlot{noon, noon + 3 * hour, 0.1}))
      << "what was believed then";
  EXPECT_THAT(history.believed(noon + 4 * hour), SizeIs(2)) << "nor is it told of the past";
  EXPECT_EQ(history.add(issue(noon + 61, back), noon + 61), false) << "it says so already";
  ASSERT_EQ(history.add(issue(noon + 62, {{noon + hour, noon + 2 * hour, 0.2}}), noon + 62), true);
  EXPECT_EQ(value_at(history.believed(noon + 62), noon + hour), 0.2);
  EXPECT_EQ(history.add(issue(noon + 30, {{noon, noon + 2 * hour, 0.3}}), noon + 63), true)
      << "that came late";
  EXPECT_EQ(value_at(history.believed(noon + 61), noon + hour), std::nullopt);
  EXPECT_EQ(value_at(history.believed(noon + 61), noon), 0.3);
}

TEST(FeedHistory, TheNewestWordHoldsWithinASlotOfAnOlderOne) {
  FeedHistory history;
  ASSERT_TRUE(history.add(
      issue(noon, {{noon, noon + hour, 1.0}, {noon + 2 * hour, noon + 3 * hour, 2.0}}), noon));
  ASSERT_TRUE(history.add(issue(noon + 1, {{noon - hour, noon - 60, 3.0},
                                           {noon + 600, noon + 900, 4.0},
                                           {noon + 1200, noon + 8000, 5.0}}),
                          noon + 1));
  EXPECT_THAT(
      history.believed(noon + 1),
      ElementsAre(FeedSlot{noon - hour, noon - 60, 3.0}, FeedSlot{noon, noon + 600, 1.0},
                  FeedSlot{noon + 600, noon + 900, 4.0}, FeedSlot{noon + 900, noon + 1200, 1.0},
                  FeedSlot{noon + 1200, noon + 8000, 5.0},
                  FeedSlot{noon + 8000, noon + 3 * hour, 2.0}));
}

TEST(FeedHistory, AnOlderSlotKeepsItsEndWhereTheNewestWordIsSilent) {
  FeedHistory history;
  ASSERT_TRUE(history.add(issue(noon, {{noon, noon + hour, 1.0}}), noon));
  ASSERT_TRUE(history.add(issue(noon + 1, {{noon + 2 * hour, noon + 3 * hour, 2.0}}), noon + 1));
  EXPECT_THAT(history.believed(noon + 1),
              ElementsAre(FeedSlot{noon, noon + hour, 1.0},
                          FeedSlot{noon + 2 * hour, noon + 3 * hour, 2.0}));
}

TEST(FeedHistory, OfAnOlderSlotThatBeginsAlikeTheRestIsLeft) {
  FeedHistory history;
  ASSERT_TRUE(history.add(issue(noon, {{noon, noon + 2 * hour, 1.0}}), noon));
  ASSERT_TRUE(history.add(issue(noon + 1, {{noon, noon + hour, 2.0}}), noon + 1));
  EXPECT_THAT(history.believed(noon + 1), ElementsAre(FeedSlot{noon, noon + hour, 2.0},
                                                      FeedSlot{noon + hour, noon + 2 * hour, 1.0}));
}

TEST(FeedHistory, WhatArrivesLateTakesItsPlace) {
  FeedHistory history;
  ASSERT_TRUE(history.add(issue(noon + 60, {{noon, noon + hour, 2.0}}), noon + 60));
  ASSERT_TRUE(history.add(issue(noon, {{noon, noon + 2 * hour, 1.0}}), noon + 90).value_or(false));
  EXPECT_EQ(value_at(history.believed(noon + 90), noon), 2.0);
  EXPECT_EQ(value_at(history.believed(noon + 90), noon + hour), 1.0);
  EXPECT_EQ(value_at(history.believed(noon + 59), noon), 1.0);
}

TEST(FeedHistory, AfterItsValidityADocumentTellsOfThePastOnly) {
  FeedHistory history;
  auto feed = issue(noon, {{noon, noon + hour, 0.1}, {noon + hour, noon + 2 * hour, 0.2}});
  feed.valid_until = noon + 1800;
  ASSERT_TRUE(history.add(feed, noon));
  EXPECT_EQ(history.believed(noon + 1799), feed.slots);
  EXPECT_THAT(history.believed(noon + 1800), ElementsAre(FeedSlot{noon, noon + 1800, 0.1}));
}

TEST(FeedHistory, WhatSaysNothingNewIsNotKept) {
  FeedHistory history;
  const FeedSlots day{{noon, noon + hour, 0.1}, {noon + hour, noon + 2 * hour, 0.2}};
  EXPECT_EQ(history.add(issue(noon, day), noon), true);
  EXPECT_EQ(history.add(issue(noon + 60, day), noon + 60), false);
  EXPECT_EQ(history.add(issue(noon + hour, {day[1]}), noon + hour), false) << "its rest";
  auto longer = issue(noon + 90, day);
  ++longer.valid_until;
  EXPECT_EQ(history.add(longer, noon + 90), true);
  EXPECT_EQ(history.add(issue(noon + 95, {{noon, noon + hour, 0.1000001}}), noon + 95), true);
  EXPECT_EQ(history.add(issue(noon + 96, {{noon, noon + hour - 1, 0.1000001}}), noon + 96), false)
      << "the last second stays what it was";
  EXPECT_THAT(history.issues(), SizeIs(3));
}

TEST(FeedHistory, WhatIsCoveredBySlotsOfOtherEndsSaysNothingNew) {
  FeedHistory history;
  ASSERT_EQ(history.add(issue(noon, {{noon, noon + hour, 0.1},
                                     {noon + hour, noon + 2 * hour, 0.1},
                                     {noon + 3 * hour, noon + 4 * hour, 0.1},
                                     {noon + 4 * hour, noon + 5 * hour, 0.2}}),
                        noon),
            true);
  UnixSeconds now = noon;
  const auto tells = [&](FeedSlots slots) {
    ++now;
    return FeedHistory{history}.add(issue(now, std::move(slots)), now).value_or(false);
  };
  EXPECT_FALSE(tells({{noon + 600, noon + hour, 0.1}}));
  EXPECT_FALSE(tells({{noon, noon + 2 * hour, 0.1}})) << "both together";
  EXPECT_FALSE(tells({{noon, noon + 900, 0.1}, {noon + 900, noon + 4000, 0.1}}));
  EXPECT_TRUE(tells({{noon - 1, noon + hour, 0.1}}));
  EXPECT_TRUE(tells({{noon, noon + 4 * hour, 0.1}})) << "the gap";
  EXPECT_TRUE(tells({{noon + 3 * hour, noon + 4 * hour + 1, 0.1}})) << "another price";
  EXPECT_TRUE(tells({{noon + 600, noon + hour, 0.2}}));
}

TEST(FeedHistory, TheSameNumbersInAnotherUnitAreNew) {
  FeedHistory history;
  auto feed = issue(noon, {{noon, noon + hour, 0.1}});
  ASSERT_EQ(history.add(feed, noon), true);
  feed.unit = "GBP/kWh";
  feed.issued = noon + 1;
  EXPECT_EQ(history.add(feed, noon + 1), true);
  EXPECT_THAT(history.believed(noon + 1, "GBP/kWh"), SizeIs(1));
  feed.issued = noon + 2;
  EXPECT_EQ(history.add(feed, noon + 2), false);
}

/// The slot that was taken out may still stand in memory, behind the last.
TEST(FeedHistory, ASlotAfterTheLastKnownOneIsNew) {
  FeedHistory history;
  const FeedSlot second{noon + hour, noon + 2 * hour, 0.2};
  auto feed = issue(noon, {{noon, noon + hour, 0.1}, second});
  feed.slots.pop_back();
  ASSERT_EQ(history.add(std::move(feed), noon), true);
  EXPECT_EQ(history.add(issue(noon + 60, {second}), noon + 60), true);
}

TEST(FeedHistory, KeepsTheNewest) {
  FeedHistory history;
  for (UnixSeconds n = 0; n < 40; ++n)
    ASSERT_EQ(history.add(issue(noon + n, {{noon, noon + hour, double(n)}}), noon + n), true);
  EXPECT_THAT(history.issues(), SizeIs(FeedHistory::most));
  EXPECT_EQ(history.issues().front().issued, noon + 40 - 32);
  EXPECT_EQ(history.add(issue(noon + 7, {{noon, noon + hour, 99.0}}), noon + 50), false);
  EXPECT_THAT(history.issues(), SizeIs(FeedHistory::most));
}

/// `count` documents of an hour, a second apart, by a clock that shows their moment.
void add_all(FeedHistory& history, UnixSeconds first, UnixSeconds count) {
  for (UnixSeconds n = first; n < first + count; ++n)
    ASSERT_EQ(history.add(issue(n, {{n, n + hour, double(n)}}), n), true) << n;
}

constexpr UnixSeconds years = 10 * 365 * 86400;

std::vector<UnixSeconds> issued_of(const FeedHistory& history) {
  std::vector<UnixSeconds> all;
  for (const auto& feed : history.issues()) all.push_back(feed.issued);
  return all;
}

std::vector<UnixSeconds> seconds_from(UnixSeconds first, UnixSeconds count) {
  std::vector<UnixSeconds> all;
  for (UnixSeconds n = 0; n < count; ++n) all.push_back(first + n);
  return all;
}

/// F26, both ways, and whichever clock was first.
TEST(FeedHistory, WhatAClockThatIsYearsWrongTakesDrivesOutNothing) {
  for (const UnixSeconds wrong : {years, -years}) {
    FeedHistory history;
    add_all(history, noon, 40);
    add_all(history, noon + wrong, 40);
    auto kept = seconds_from(noon + 8, 32);
    const auto of_wrong = seconds_from(noon + wrong + 8, 32);
    kept.insert(wrong > 0 ? kept.end() : kept.begin(), of_wrong.begin(), of_wrong.end());
    EXPECT_EQ(issued_of(history), kept) << wrong;
    add_all(history, noon + 40, 1);  // right again: of its own clock the oldest gives way
    EXPECT_EQ(value_at(history.believed(noon + 40), noon + 40), double(noon + 40));
    EXPECT_EQ(history.issues().size(), 64u);
    EXPECT_EQ(std::ranges::count(issued_of(history), noon + 8), 0);
    EXPECT_EQ(std::ranges::count(issued_of(history), noon + 9), 1);
  }
}

TEST(FeedHistory, BeyondAllThatIsKeptTheOldestOfManyGivesWay) {
  FeedHistory history;
  for (const UnixSeconds wrong : {UnixSeconds{0}, years, -years})
    add_all(history, noon + wrong, 32);
  EXPECT_EQ(history.issues().size(), FeedHistory::at_all);
  add_all(history, noon + 2 * years, 1);
  EXPECT_EQ(history.issues().size(), FeedHistory::at_all);
  EXPECT_EQ(history.issues().front().issued, noon - years + 1);
  EXPECT_EQ(history.issues().back().issued, noon + 2 * years);
  add_all(history, noon - 2 * years, 1);
  EXPECT_EQ(history.issues().size(), FeedHistory::at_all);
  EXPECT_EQ(history.issues().front().issued, noon - 2 * years);
  EXPECT_EQ(history.issues()[1].issued, noon - years + 2);
  EXPECT_EQ(history.issues().back().issued, noon + 2 * years);
}

TEST(FeedHistory, OfAllThatAreFarApartTheOldestGivesWay) {
  FeedHistory history;
  for (UnixSeconds n = 1; n <= 48; ++n) {
    add_all(history, noon - n * FeedHistory::one_clock * 2, 1);
    add_all(history, noon + n * FeedHistory::one_clock * 2, 1);
  }
  ASSERT_EQ(history.issues().size(), FeedHistory::at_all);
  add_all(history, noon, 1);
  ASSERT_EQ(history.issues().size(), FeedHistory::at_all);
  EXPECT_EQ(history.issues().front().issued, noon - 47 * FeedHistory::one_clock * 2);
  EXPECT_EQ(history.issues().back().issued, noon + 48 * FeedHistory::one_clock * 2);
}

TEST(FeedHistory, OfOneClockIsWhatWasIssuedWithin30Days) {
  constexpr UnixSeconds month = 30 * 86400;
  const auto kept_with = [](UnixSeconds newer) {
    FeedHistory history;
    add_all(history, noon, 32);
    add_all(history, noon + newer, 1);
    return history.issues().size();
  };
  EXPECT_EQ(kept_with(month), 32u);
  EXPECT_EQ(kept_with(month + 1), 33u) << "31 are within";
  const auto kept_before = [](UnixSeconds newer) {
    FeedHistory history;
    add_all(history, noon + newer, 32);
    auto early = issue(noon, {{noon, noon + hour, 0.5}});
    early.valid_until = noon + years;
    return history.add(early, noon + newer + 31);
  };
  EXPECT_EQ(kept_before(month - 31), false) << "it is the oldest of enough";
  EXPECT_EQ(kept_before(month - 30), true) << "31 are within";
}

/// Of a year in which one came each day.
TEST(FeedHistory, NoWrongClockTakesTheNewestOfMany) {
  for (const UnixSeconds wrong : {years, -years}) {
    FeedHistory history;
    for (UnixSeconds day = 0; day < 365; ++day) add_all(history, noon + day * 86400, 1);
    ASSERT_EQ(history.issues().size(), FeedHistory::at_all);
    add_all(history, noon + wrong, 40);
    EXPECT_EQ(history.issues().size(), FeedHistory::at_all);
    const auto issued = issued_of(history);
    for (UnixSeconds day = 365 - 64; day < 365; ++day)
      EXPECT_EQ(std::ranges::count(issued, noon + day * 86400), 1) << day;
  }
}

TEST(FeedHistory, WhatWasTakenAheadIsInNobodysWay) {
  FeedHistory history;
  add_all(history, noon + 7 * 86400, 32);
  add_all(history, noon, 40);
  auto kept = seconds_from(noon + 8, 32);
  const auto ahead = seconds_from(noon + 7 * 86400, 32);
  kept.insert(kept.end(), ahead.begin(), ahead.end());
  EXPECT_EQ(issued_of(history), kept);
}

TEST(FeedHistory, AheadIsWhatAClockThatIsALittleLateDoesNotExplain) {
  FeedHistory history;
  add_all(history, noon + 600, 32);
  const auto early = issue(noon - 5, {{noon, noon + hour, 0.5}});
  EXPECT_EQ(FeedHistory{history}.add(early, noon + 31), false) << "all 32 may be of now";
  EXPECT_EQ(FeedHistory{history}.add(early, noon + 30), true) << "the newest is ahead";
}

/// It is not said to be taken.
TEST(FeedHistory, TheOldestOfAllThatIsDroppedAtOnceIsNotTaken) {
  FeedHistory history;
  for (UnixSeconds day = 0; day < 96; ++day) add_all(history, noon + day * 86400, 1);
  auto late = issue(noon - 5, {{noon, noon + hour, 0.5}});
  late.valid_until = noon + years;
  EXPECT_EQ(history.add(late, noon + 96 * 86400), false);
  EXPECT_EQ(history.issues().front().issued, noon);
  late.issued = noon + 5;
  EXPECT_EQ(history.add(late, noon + 96 * 86400), true);
  EXPECT_EQ(history.issues().front().issued, noon + 5);
  EXPECT_EQ(history.issues().size(), FeedHistory::at_all);
}

TEST(FeedHistory, WhatIsLateTakesThePlaceOfTheOldest) {
  FeedHistory history;
  for (UnixSeconds n = 0; n < 32; ++n) add_all(history, noon + 2 * n, 1);
  EXPECT_EQ(history.add(issue(noon - 1, {{noon, noon + hour, 0.5}}), noon + 99), false);
  EXPECT_EQ(history.add(issue(noon + 7, {{noon, noon + hour, 0.5}}), noon + 99), true);
  auto kept = std::vector<UnixSeconds>{noon + 2, noon + 4, noon + 6, noon + 7, noon + 8};
  for (UnixSeconds n = 5; n < 32; ++n) kept.push_back(noon + 2 * n);
  EXPECT_EQ(issued_of(history), kept);
}

TEST(FeedHistory, RestoresAsManyAsThereCanHaveBeen) {
  FeedHistory history;
  for (UnixSeconds n = 0; n < 97; ++n)
    history.restore(issue(noon + n, {{noon, noon + hour, double(n)}}));
  EXPECT_EQ(issued_of(history), seconds_from(noon + 1, 96));
}

TEST(FeedHistory, AWrongClockAndAnOldDocumentAreRefused) {
  FeedHistory history;
  const auto feed = issue(noon, {{noon, noon + hour, 0.1}});
  EXPECT_TRUE(history.add(feed, noon - 600));
  const auto ahead = history.add(feed, noon - 601);
  ASSERT_FALSE(ahead);
  EXPECT_EQ(ahead.error().kind, ErrorKind::invalid);
  EXPECT_THAT(ahead.error().detail, HasSubstr("/issued: 601 s ahead"));
  EXPECT_TRUE(history.add(feed, noon + hour - 1));
  const auto old = history.add(feed, noon + hour);
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().kind, ErrorKind::invalid);
  EXPECT_THAT(old.error().detail, HasSubstr("/valid_until: passed 0 s ago"));
}

TEST(FeedHistory, BelievesOneUnitWhereOneIsAskedFor) {
  FeedHistory history;
  ASSERT_TRUE(history.add(issue(noon, {{noon, noon + hour, 0.1}}), noon));
  EXPECT_THAT(history.believed(noon, "EUR/kWh"), SizeIs(1));
  EXPECT_THAT(history.believed(noon, "GBP/kWh"), IsEmpty());
  EXPECT_THAT(history.believed(noon, ""), SizeIs(1));
}

TEST(FeedHistory, WhatLastsIsOfNoDocumentBeyondItsValidity) {
  FeedHistory history;
  ASSERT_TRUE(history.add(issue(noon - 60, {{noon, noon + 2 * hour, 0.5}}), noon));
  auto feed = issue(noon, {{noon, noon + hour, 0.1}, {noon + hour, noon + 2 * hour, 0.2}});
  feed.valid_until = noon + 1800;
  ASSERT_TRUE(history.add(feed, noon));
  EXPECT_EQ(history.believed(noon), feed.slots);
  EXPECT_THAT(
      history.believed(noon, {}, true),
      ElementsAre(FeedSlot{noon, noon + 1800, 0.1}, FeedSlot{noon + 1800, noon + 2 * hour, 0.5}));
}

}  // namespace
}  // namespace esshub::service
