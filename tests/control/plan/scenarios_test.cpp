#include "control/plan/scenarios.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

#include "tests/control/plan/plain.hpp"
#include "tests/control/plan/plain_time.hpp"

namespace esshub::control {
namespace {

constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;
constexpr UnixSeconds now = 20000 * day;

PlanSettings settings() {
  PlanSettings s;
  s.begin = now;
  return s;
}

/// Prices of one length, the export price a tenth.
std::vector<PriceSlot> prices(UnixSeconds from, UnixSeconds to, std::int64_t length,
                              double first = 0.1) {
  std::vector<PriceSlot> all;
  for (UnixSeconds at = from; at < to; at += length, first += 0.001)
    all.push_back({at, at + length, first, first / 10.0});
  return all;
}

TEST(PlanScenarios, SlotsEndWherePricesDo) {
  auto s = settings();
  s.begin = now + 7 * 60;
  s.horizon_s = 4 * hour;
  auto mixed = prices(now, now + hour, hour);
  for (const auto& half : prices(now + hour, now + 2 * hour, 1800)) mixed.push_back(half);
  for (const auto& five : prices(now + 2 * hour, now + 5 * hour, 300)) mixed.push_back(five);
  const auto slots = slots_ahead(mixed, s);
  ASSERT_FALSE(slots.empty());
  EXPECT_EQ(slots.front().begin, s.begin);
  EXPECT_EQ(slots.front().end, now + 900);
  EXPECT_EQ(slots.back().end, s.begin + s.horizon_s);
  for (std::size_t k = 1; k < slots.size(); ++k) EXPECT_EQ(slots[k].begin, slots[k - 1].end);
  EXPECT_EQ(slots.size(), 8u + 2 * 12u + 2u);
}

TEST(PlanScenarios, AnUnknownPriceIsNeverZero) {
  auto s = settings();
  s.horizon_s = day;
  // Three past days at 0.1, 0.2 and 0.9 at every hour; tomorrow but one hour is unknown.
  std::vector<PriceSlot> known;
  for (const auto& [days, price] : {std::pair{3, 0.9}, {2, 0.1}, {1, 0.2}})
    known.push_back({now - days * day, now - (days - 1) * day, price, 0.05});
  known.push_back({now, now + hour, 0.3, 0.05});
  known.push_back({now + 2 * hour, now + 3 * hour, -0.1, {}});
  const auto typical = slots_ahead(known, s);
  ASSERT_EQ(typical.size(), 96u);
  EXPECT_EQ(typical[0].source, PriceSource::known);
  EXPECT_NEAR(typical[4].import_price, 0.2, 1e-12);
  EXPECT_EQ(typical[4].source, PriceSource::typical);
  EXPECT_NEAR(typical[8].import_price, -0.1, 1e-12) << "negative prices are prices";
  EXPECT_NEAR(typical[8].export_price, 0.05, 1e-12);
  EXPECT_EQ(typical[8].source, PriceSource::typical) << "the export price is";
  known.erase(known.begin());
  EXPECT_NEAR(slots_ahead(known, s)[4].import_price, 0.15, 1e-12) << "of two the mean";
  s.unknown = UnknownPrice::repeat;
  EXPECT_NEAR(slots_ahead(known, s)[4].import_price, 0.2, 1e-12);
  EXPECT_EQ(slots_ahead(known, s)[4].source, PriceSource::repeated);
  s.unknown = UnknownPrice::wait;
  EXPECT_EQ(slots_ahead(known, s).size(), 4u);
  EXPECT_TRUE(slots_ahead({}, s).empty());
}

/// Quarters whose load is 1 at 18:00 of the clock and whose sun is 1 at 12:00 UTC.
std::vector<PastSlot> past(int days, const PlanSettings& s) {
  std::vector<PastSlot> all;
  for (UnixSeconds at = now - days * day; at < now; at += 900) {
    const auto clock = at + (s.utc_offset ? s.utc_offset(at) * 60 : 0);
    all.push_back({at, at + 900, WattHours{clock % day == 18 * hour ? 1.0 : 0.0},
                   WattHours{at % day == 12 * hour ? 1.0 : 0.0},
                   WattHours{at % day == 0 ? 2.0 : 0}});
  }
  return all;
}

TEST(PlanScenarios, TheHouseGoesByTheClockTheSunByUtc) {
  // The clock goes back an hour in the night before: a day of 100 slots; and forward: of 92.
  for (const int change : {-60, 60}) {
    auto s = settings();
    s.utc_offset = [change](UnixSeconds at) { return at >= now + hour ? 60 + change : 60; };
    const auto slots = slots_ahead(prices(now, now + 2 * day, hour), s);
    const auto days = past_days(slots, past(15, s), s);
    ASSERT_EQ(days.size(), 14u);
    for (std::size_t k = 0; k < slots.size(); ++k) {
      const auto clock = slots[k].begin + s.utc_offset(slots[k].begin) * 60;
      EXPECT_EQ(days[0][k].load, clock % day == 18 * hour ? 1.0 : 0.0);
      EXPECT_EQ(days[0][k].solar, slots[k].begin % day == 12 * hour ? 1.0 : 0.0);
    }
  }
}

TEST(PlanScenarios, CivilDaysOf92And100Slots) {
  for (const int change : {-60, 60}) {
    auto s = settings();
    s.horizon_s = day - change * 60;  // until the clock shows the same again
    const auto slots = slots_ahead(prices(now, now + 2 * day, 1800), s);
    EXPECT_EQ(slots.size(), change > 0 ? 92u : 100u);
    EXPECT_EQ(past_days(slots, past(14, s), s).size(), 14u);
  }
}

TEST(PlanScenarios, FirstDaysAndGaps) {
  const auto s = settings();
  const auto slots = slots_ahead(prices(now, now + 2 * day, hour), s);
  EXPECT_EQ(past_days(slots, {}, s).size(), 0u);
  EXPECT_EQ(past_days(slots, past(1, s), s).size(), 1u);
  auto some = past(2, s);
  EXPECT_EQ(past_days(slots, some, s).size(), 2u);
  // An hour is missing of yesterday's evening: as the other day had it.
  std::erase_if(some, [](const PastSlot& p) {
    return p.begin >= now - 6 * hour && p.begin < now - 5 * hour;
  });
  const auto days = past_days(slots, some, s);
  ASSERT_EQ(days.size(), 2u);
  EXPECT_EQ(days[0][72].load, 1.0);
  // A third of it: it is no day.
  std::erase_if(some, [](const PastSlot& p) { return p.begin >= now - 8 * hour; });
  EXPECT_EQ(past_days(slots, some, s).size(), 1u);
}

/// Three days of 100 Wh of sun, 200 and 600 Wh in each quarter of an hour, the latest first; those
/// of `curtailed` were.
std::vector<double> sun_of_first_slot(const std::vector<bool>& curtailed,
                                      std::int64_t begins_later = 0) {
  std::vector<PastSlot> past;
  const std::array sun{100.0, 200.0, 600.0};
  for (std::size_t d = sun.size(); d-- > 0;)
    for (int n = 0; n < 96; ++n) {
      const UnixSeconds at = now - static_cast<std::int64_t>(d + 1) * day + n * 900;
      past.push_back(
          {at, at + 900, WattHours{50}, WattHours{sun.at(d)}, {}, {}, n == 0 && curtailed.at(d)});
    }
  auto s = settings();
  s.begin += begins_later;
  s.horizon_s = 6 * hour;
  std::vector<double> all;
  for (const auto& of_day : past_days(slots_ahead(prices(now, now + day, 900), s), past, s))
    all.push_back(of_day.front().solar);
  return all;
}

TEST(PlanScenarios, ASunThatWasCurtailedWasAtLeastThatOfTheOtherDaysMean) {
  using Sun = std::vector<double>;
  EXPECT_EQ(sun_of_first_slot({false, false, false}), (Sun{100, 200, 600}));
  EXPECT_EQ(sun_of_first_slot({true, false, false}), (Sun{400, 200, 600}));
  EXPECT_EQ(sun_of_first_slot({true, true, false}), (Sun{600, 600, 600}));
  EXPECT_EQ(sun_of_first_slot({false, false, true}), (Sun{100, 200, 600})) << "it was more";
  EXPECT_EQ(sun_of_first_slot({true, true, true}), (Sun{100, 200, 600})) << "nobody knows better";
  EXPECT_EQ(sun_of_first_slot({true, false, false}, 900), (Sun{100, 200, 600})) << "slot by slot";
}

TEST(PlanScenarios, FlowsAreNetAndWhatCrosses) {
  const std::vector<DayAhead> days{{{300, 100, 20}, {100, 300, 0}}};
  const auto flows = flows_of(days);
  EXPECT_EQ(flows[0][0].deficit, 220);
  EXPECT_EQ(flows[0][0].surplus, 20);
  EXPECT_EQ(flows[0][1].deficit, 0);
  EXPECT_EQ(flows[0][1].surplus, 200);
}

PlanSettings some_settings(plain::Draw& draw) {
  PlanSettings s;
  s.begin = now + static_cast<UnixSeconds>(draw.of({0, 420, 900, 7200}));
  s.horizon_s = static_cast<UnixSeconds>(draw.of({4500, 9000, 10800, 97200}));
  s.slot_s = s.horizon_s > day ? 2 * hour : static_cast<UnixSeconds>(draw.of({900, 1800, 3600}));
  s.days = 1 + static_cast<int>(draw.below(3));
  const std::array rules{UnknownPrice::typical, UnknownPrice::repeat, UnknownPrice::wait};
  s.unknown = rules[draw.below(3)];
  if (draw.one_in(3)) {
    const auto change = now - static_cast<UnixSeconds>(draw.of({-3600, 0, 43200, 97200}));
    const int by = draw.one_in(2) ? 60 : -60;
    s.utc_offset = [=](UnixSeconds at) { return at >= change ? 60 + by : 60; };
  }
  while (draw.one_in(2)) {
    const auto from = s.begin + static_cast<UnixSeconds>(draw.of({-3600, 0, 600, 1800, 7200}));
    s.fixed.push_back({from, from + static_cast<UnixSeconds>(draw.of({600, 3600, 9000})), {}, {}});
  }
  return s;
}

TEST(PlanScenarios, SlotsAndPricesEqualTheReference) {
  for (unsigned seed = 0; seed < 300 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    plain::Draw draw{seed};
    const auto s = some_settings(draw);
    std::vector<PriceSlot> prices;
    const bool sparse = draw.one_in(2);
    for (UnixSeconds at = now - 3 * day - hour; at < s.begin + s.horizon_s + hour;) {
      const auto length = static_cast<UnixSeconds>(draw.of({600, 1800, 3600, 14400}));
      PriceSlot slot{at, at + length, {}, {}};
      if (!sparse || draw.one_in(2)) slot.import_price = draw.of({-0.1, 0.1, 0.2, 0.3});
      if (!sparse || draw.one_in(2)) slot.export_price = draw.of({0.0, 0.04, 0.08});
      if (!sparse || !draw.one_in(3)) prices.push_back(slot);
      at += length;
    }
    const auto slots = slots_ahead(prices, s);
    const auto right = plain::slots_ahead(prices, s);
    ASSERT_EQ(slots.size(), right.size());
    for (std::size_t k = 0; k < slots.size(); ++k) {
      EXPECT_EQ(slots[k].begin, right[k].begin);
      EXPECT_EQ(slots[k].end, right[k].end);
      EXPECT_NEAR(slots[k].import_price, right[k].import_price, 1e-12);
      EXPECT_NEAR(slots[k].export_price, right[k].export_price, 1e-12);
      EXPECT_EQ(slots[k].source, right[k].source);
    }
  }
}

TEST(PlanScenarios, DaysEqualTheReference) {
  for (unsigned seed = 0; seed < 300 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    plain::Draw draw{seed};
    const auto s = some_settings(draw);
    const std::vector<PriceSlot> price{{now, now + 3 * day, 0.2, 0.1}};
    const auto slots = slots_ahead(price, s);
    std::vector<PastSlot> past;
    const std::size_t missing = 2 + draw.below(9);
    const auto first = now - static_cast<UnixSeconds>(draw.of({4.0, 4.0, 2.0, 1.2, 1.01}) * day);
    for (UnixSeconds at = first / 300 * 300; at < now + day;) {
      const auto length = static_cast<UnixSeconds>(draw.of({300, 600, 900}));
      if (!draw.one_in(missing))
        past.push_back({at, at + length, WattHours{draw.of({0, 10, 70})},
                        WattHours{draw.of({0, 20, 90})}, WattHours{draw.of({0, 1, 5})},
                        WattHours{draw.of({0, 3, 40})}});
      at += length;
    }
    const auto days = past_days(slots, past, s);
    const auto right = plain::past_days(slots, past, s);
    ASSERT_EQ(days.size(), right.size());
    for (std::size_t d = 0; d < days.size(); ++d)
      for (std::size_t k = 0; k < slots.size(); ++k) {
        EXPECT_NEAR(days[d][k].load, right[d][k].load, 1e-9);
        EXPECT_NEAR(days[d][k].solar, right[d][k].solar, 1e-9);
        EXPECT_NEAR(days[d][k].crossing, right[d][k].crossing, 1e-9);
        EXPECT_NEAR(days[d][k].beyond, right[d][k].beyond, 1e-9);
      }
  }
}

TEST(PlanScenarios, ASlotThatNoDayHasIsNothing) {
  auto s = settings();
  s.horizon_s = 10 * 900;
  const auto slots = slots_ahead(prices(now, now + day, hour), s);
  auto some = past(3, s);
  std::erase_if(some, [](const PastSlot& p) { return (p.begin - now) % day == 2700 - day; });
  const auto days = past_days(slots, some, s);
  ASSERT_EQ(days.size(), 3u);
  EXPECT_EQ(days[0][3].load, 0.0);
  EXPECT_EQ(days[2][3].crossing, 0.0);
  EXPECT_EQ(days[2][3].beyond, 0.0);
}

}  // namespace
}  // namespace esshub::control
