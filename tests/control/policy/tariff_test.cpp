#include "control/policy/tariff.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "tests/control/policy/instructions.hpp"

namespace esshub::control {
namespace {

using namespace literals;

TEST(Prices, BandsCheapnessAndWhatFollowsFromIt) {
  Tariff t;
  t.import_price = 0.30;
  t.export_price = 0.15;
  t.bands = {{{every_day, 60, 90}, 0.07}, {{every_day, 90, 120}, 0.10, 0.05}};
  t.cheap_below = 0.10;
  const auto at = [&](int minute) { return prices_at(t, {minute, 3}); };
  EXPECT_EQ(at(59).import_price, 0.30);
  EXPECT_EQ(at(59).export_price, 0.15);
  EXPECT_FALSE(at(59).cheap);
  EXPECT_EQ(at(60).import_price, 0.07);
  EXPECT_EQ(at(60).export_price, 0.15) << "as outside the bands";
  EXPECT_TRUE(at(60).cheap);
  EXPECT_EQ(at(90).import_price, 0.10);
  EXPECT_EQ(at(90).export_price, 0.05);
  EXPECT_FALSE(at(90).cheap) << "not below 0.10";
  t.bands[1].cheap = true;
  EXPECT_TRUE(at(90).cheap) << "whatever it costs";
  t.cheap_below.reset();
  EXPECT_FALSE(at(60).cheap);
  t.bands.clear();
  t.cheap_below = 0.40;
  EXPECT_TRUE(at(60).cheap) << "all day";
  t.import_price.reset();
  EXPECT_FALSE(at(60).cheap) << "no price is no cheap one";
  EXPECT_FALSE(at(60).import_price);
}

TEST(Prices, WhatIsToldTakesTheTariffsPlaceAndACheapBandStaysCheap) {
  Tariff t;
  t.import_price = 0.30;
  t.export_price = 0.15;
  t.bands = {{{every_day, 60, 90}, 0.07, {}, true}};
  t.cheap_below = 0.10;
  const auto both = prices_at(t, {0, 3}, {0.09, 0.02});
  EXPECT_EQ(both.import_price, 0.09);
  EXPECT_EQ(both.export_price, 0.02);
  EXPECT_TRUE(both.cheap) << "by the price that is told";
  EXPECT_EQ(prices_at(t, {0, 3}, {0.09, {}}).export_price, 0.15);
  EXPECT_EQ(prices_at(t, {0, 3}, {{}, 0.02}).import_price, 0.30);
  EXPECT_EQ(prices_at(t, {60, 3}, {0.40, {}}).import_price, 0.40);
  EXPECT_TRUE(prices_at(t, {60, 3}, {0.40, {}}).cheap);
  t.bands[0].cheap = false;
  EXPECT_FALSE(prices_at(t, {60, 3}, {0.40, {}}).cheap);
  EXPECT_EQ(tariff_wish(t, 2000.0_W, {0, 3}, {0.09, {}}),
            (Instruction{.kind = InstructionKind::balance, .low = 100.0_soc}));
  EXPECT_FALSE(tariff_wish(t, 2000.0_W, {60, 3}, {0.40, {}}));
  EXPECT_EQ(prices_at({}, {0, 3}, {-0.01, {}}).import_price, -0.01) << "without a tariff too";
  EXPECT_TRUE(prices_at({}, {0, 3}, {-0.01, {}}).cheap);
}

struct ToldAhead {
  PriceTable table;
  Instant now = Instant{} + 5000s;
  void add(Duration from, Duration to, std::optional<double> price) {
    table.entries.at(table.count++) = {now + from, now + to, {price, {}}};
  }
  [[nodiscard]] PricesAhead ahead() const { return {&table, now}; }
};

TEST(OffPeak, WhereAPriceIsToldTheCheapHoursElseTheFourAtTheLowestPricesOfADay) {
  Tariff t;
  t.import_price = 0.30;
  LocalTime local{.minute_of_day = 0, .weekday = 3, .trusted = true};
  ToldAhead told;
  EXPECT_FALSE(has_hours(t, told.ahead()));
  told.add(10s, 1h, 0.10);
  EXPECT_FALSE(has_hours(t, told.ahead())) << "not yet";
  EXPECT_TRUE(is_off_peak(t, local, told.ahead()));
  told.table = {};
  told.add(0h, 1h, 0.20);
  told.add(1h, 5h, 0.10);
  EXPECT_TRUE(has_hours(t, told.ahead()));
  EXPECT_TRUE(has_hours({}, told.ahead()));
  EXPECT_FALSE(is_off_peak(t, local, told.ahead())) << "4 h cost less";
  told.table.entries[1].begin += 1s;
  EXPECT_TRUE(is_off_peak(t, local, told.ahead())) << "less than 4 h do";
  local.trusted = false;
  EXPECT_FALSE(is_off_peak(t, local, told.ahead()));
  local.trusted = true;
  told.table = {};
  told.add(0h, 1h, 0.20);
  told.add(21h, 30h, 0.10);
  EXPECT_TRUE(is_off_peak(t, local, told.ahead())) << "what is beyond 24 h does not count";
  told.table.entries[1].begin -= 1h;
  EXPECT_FALSE(is_off_peak(t, local, told.ahead()));
  t.cheap_below = 0.15;
  told.table.entries[1].begin += 2h;
  EXPECT_FALSE(is_off_peak(t, local, told.ahead())) << "there are cheap hours";
  t.cheap_below = 0.25;
  EXPECT_TRUE(is_off_peak(t, local, told.ahead())) << "it is cheap";
}

TEST(OffPeak, HoursWhosePriceIsNotKnownCountNeitherWay) {
  const LocalTime local{.minute_of_day = 0, .weekday = 3, .trusted = true};
  ToldAhead told;
  const auto buys = [&] { return is_off_peak({}, local, told.ahead()); };
  told.add(0h, 30min, 0.90);
  told.add(30min, 210min, 0.10);
  EXPECT_FALSE(buys()) << "all that is known costs less";
  told.now += 30min;
  EXPECT_TRUE(buys()) << "nothing known costs less";
  told.table = {};
  told.add(0h, 6h, 0.20);
  EXPECT_TRUE(buys()) << "one price";
  told.add(7h, 8h, 0.20);
  EXPECT_TRUE(buys());
  told.add(8h, 8h + 1s, 0.10);
  EXPECT_FALSE(buys()) << "the highest price that is known";
  told.table = {};
  told.add(0h, 1h, 0.20);
  told.add(2h, 3h, 0.10);
  told.add(4h, 6h, 0.30);
  told.add(9h, 11h, 0.40);
  EXPECT_TRUE(buys()) << "4 h cost more";
  told.table.entries[3].end -= 1s;
  EXPECT_FALSE(buys()) << "less than 4 h do";
  told.table.entries[3].end += 1s;
  told.table.entries[3].prices.import_price = 0.20;
  EXPECT_FALSE(buys()) << "as much is not more";
  told.table = {};
  told.add(0h, 1h, 0.20);
  told.add(1h, 3h, 0.10);
  told.add(3h, 8h, 0.30);
  told.add(8h, 10h, 0.11);
  EXPECT_FALSE(buys()) << "4 h in two parts cost less";
  told.table.entries[1].begin += 1s;
  EXPECT_TRUE(buys());
  Tariff t;
  t.cheap_below = 0.10;
  EXPECT_TRUE(is_off_peak(t, local, told.ahead())) << "no less than that";
  t.cheap_below = 0.11;
  EXPECT_FALSE(is_off_peak(t, local, told.ahead())) << "some are cheap, if not the last";
}

TEST(OffPeak, ThePeakWaitsForTheFewHoursThatCostLess) {
  Tariff t;
  t.import_price = 0.30;
  const LocalTime local{.minute_of_day = 0, .weekday = 3, .trusted = true};
  ToldAhead told;
  told.add(0h, 21h, 0.30);
  told.add(21h, 24h, 0.10);
  EXPECT_FALSE(is_off_peak(t, local, told.ahead()));
  told.now += 21h;
  EXPECT_TRUE(is_off_peak(t, local, told.ahead()));
}

TEST(OffPeak, PricesThatAlwaysFallAreWaitedForAsLongAsTheyAreTold) {
  const LocalTime local{.minute_of_day = 0, .weekday = 3, .trusted = true};
  ToldAhead told;
  for (int hour = 0; hour < 40; ++hour)
    told.add(std::chrono::hours{hour}, std::chrono::hours{hour + 1}, 1.0 - 0.02 * hour);
  for (int hour = 0; hour < 39; ++hour, told.now += 1h)
    EXPECT_FALSE(is_off_peak({}, local, told.ahead())) << hour;
  EXPECT_TRUE(is_off_peak({}, local, told.ahead()));
}

TEST(OffPeak, IsCheapElseLowestElseAlways) {
  Tariff t;
  LocalTime local{.minute_of_day = 0, .weekday = 3, .trusted = true};
  const auto at = [&](int minute) {
    local.minute_of_day = minute;
    return is_off_peak(t, local);
  };
  EXPECT_TRUE(at(59)) << "no tariff";
  t.import_price = 0.30;
  local.trusted = false;
  EXPECT_TRUE(at(59)) << "one price at any time, known or not";
  t.bands = {{{every_day, 60, 90}, 0.20}, {{every_day, 90, 120}, 0.10}};
  EXPECT_FALSE(at(90)) << "the hour is not known";
  local.trusted = true;
  EXPECT_FALSE(at(59));
  EXPECT_FALSE(at(60)) << "not the lowest";
  EXPECT_TRUE(at(90));
  t.cheap_below = 0.25;
  EXPECT_TRUE(at(60)) << "cheap";
  EXPECT_FALSE(at(59));
  t.cheap_below.reset();
  t.bands[0].cheap = true;
  EXPECT_TRUE(at(60));
  EXPECT_FALSE(at(90)) << "lower, but not what the owner calls cheap";
  t.bands = {{{every_day, 60, 90}, 0.40}};
  EXPECT_TRUE(at(59)) << "the price outside the bands is the lowest";
  EXPECT_FALSE(at(60));
  t.bands = {{{every_day, 0, 720}, 0.40}, {{every_day, 720, 0}, 0.20}};
  for (const auto outside : {std::optional<double>{}, std::optional{0.10}}) {
    t.import_price = outside;  // in no hour
    EXPECT_FALSE(at(719));
    EXPECT_TRUE(at(720));
  }
  t.bands[1].when = {0b0111111, 720, 1439};  // now it is, for a minute a day and on Sundays
  EXPECT_FALSE(at(720));
  t.bands = {{{0b1010101, 600, 600}, 0.40},
             {{0b0101010, 600, 540}, 0.30},
             {{0b1010100, 540, 600}, 0.35}};  // all week, over midnights
  local.weekday = 2;
  EXPECT_TRUE(at(601));
  EXPECT_FALSE(at(541));
}

TEST(Cheap, IsChargedToItsTargetElseKeptElseLeftAlone) {
  Tariff t;
  t.import_price = 0.05;
  t.cheap_below = 0.10;
  EXPECT_EQ(tariff_wish(t, 2000.0_W, {0, 1}),
            (Instruction{.kind = InstructionKind::balance, .low = 100.0_soc}));
  t.no_discharge_while_cheap = false;
  EXPECT_FALSE(tariff_wish(t, 2000.0_W, {0, 1}));
  t.force_charge_to = 80.0_soc;
  Instruction down_to_its_target = charge(2000.0_W, 80.0_soc);
  down_to_its_target.low = 80.0_soc;
  EXPECT_EQ(tariff_wish(t, 2000.0_W, {0, 1}), down_to_its_target);
  t.no_discharge_while_cheap = true;
  EXPECT_EQ(tariff_wish(t, 2000.0_W, {0, 1})->low, 100.0_soc);
  t.force_charge_power = 900.0_W;
  EXPECT_EQ(tariff_wish(t, 2000.0_W, {0, 1})->power, 900.0_W);
  t.import_price = 0.10;
  EXPECT_FALSE(tariff_wish(t, 2000.0_W, {0, 1}));
}

TEST(Cheap, IsEveryNegativePriceAndThenAllIsKept) {
  Tariff t;
  t.bands = {{{every_day, 60, 120}, 0.0, {}, false}, {{every_day, 120, 180}, -0.01, {}, false}};
  t.no_discharge_while_cheap = false;
  EXPECT_FALSE(prices_at(t, {90, 1}).cheap) << "nothing is not negative";
  EXPECT_TRUE(prices_at(t, {150, 1}).cheap);
  t.cheap_below = -0.05;
  EXPECT_TRUE(prices_at(t, {150, 1}).cheap) << "whatever else is cheap";
  EXPECT_EQ(tariff_wish(t, 2000.0_W, {150, 1}),
            (Instruction{.kind = InstructionKind::balance, .low = 100.0_soc}));
  t.force_charge_to = 80.0_soc;
  EXPECT_EQ(tariff_wish(t, 2000.0_W, {150, 1})->low, 100.0_soc);
}

TEST(Priced, MarksKeepAllWhileOneIsPaidToDrawAndStoreFirstWhileOnePaysToGive) {
  const Marks asked{.buy = 20.0_soc,
                    .buy_power = 1.0_W,
                    .store = 30.0_soc,
                    .serve = 40.0_soc,
                    .sell = 50.0_soc,
                    .sell_power = 2.0_W};
  struct Row {
    Prices prices;
    double store, serve, sell;
  };
  for (const auto& row :
       {Row{{}, 30, 40, 50}, Row{{0.0, 0.0}, 30, 40, 50}, Row{{-0.01, 0.0}, 30, 100, 50},
        Row{{0.0, -0.01}, 100, 40, 100}, Row{{-0.01, -0.01}, 100, 100, 100}}) {
    const Marks m = priced(asked, row.prices);
    EXPECT_EQ(m.store.percent(), row.store);
    EXPECT_EQ(m.serve.percent(), row.serve);
    EXPECT_EQ(m.sell.percent(), row.sell);
    EXPECT_EQ(m.buy, asked.buy);
    EXPECT_EQ(m.buy_power, asked.buy_power);
  }
}

/// A week of bands whose edges are any minutes; some minutes have none, some no price.
Tariff any_tariff(std::mt19937& random) {
  const auto draw = [&](int most) { return static_cast<int>(random() % (most + 1u)); };
  Tariff t;
  if (draw(3) > 0) t.import_price = draw(3) / 10.0;
  for (int from = draw(600); from < 1400;) {
    const int to = from + 1 + draw(500);
    t.bands.push_back({.when = {static_cast<std::uint8_t>(1 + draw(126)), from, to % 1440},
                       .import_price = draw(4) / 10.0 - 0.1,
                       .cheap = draw(9) == 0});
    from = to + draw(300);
    if (to >= 1440) break;
  }
  return t;
}

/// What a minute costs, for a choice between minutes: cheap ones first.
std::pair<bool, double> cost_of(const Tariff& t, CivilMinute minute) {
  const Prices prices = prices_at(t, minute);
  return {!prices.cheap, prices.import_price.value_or(1e9)};
}

TEST(Hours, ThoseThatCostLessAndTheCheapestEndAreThoseOfEveryMinute) {
  std::mt19937 random{1};  // NOLINT(cert-msc51-cpp): the same ones every time
  int waits = 0;
  int splits = 0;
  for (int round = 0; round < 3000; ++round) {
    const Tariff t = any_tariff(random);
    const CivilMinute now{static_cast<int>(random() % 1440), 1 + static_cast<int>(random() % 7)};
    const int span = static_cast<int>(random() % (round % 10 == 0 ? 10080 : 2000));
    const int need = static_cast<int>(random() % (span + 50u));
    std::vector<std::pair<bool, double>> costs;
    for (int i = 0; i < span; ++i) {
      const int minute = now.minute_of_day + i;
      costs.push_back(cost_of(t, {minute % 1440, (now.weekday - 1 + minute / 1440) % 7 + 1}));
    }
    const auto less = std::ranges::count_if(costs, [&](auto c) { return c < cost_of(t, now); });
    ASSERT_EQ(cheaper_within(t, now, std::chrono::minutes{span}), std::chrono::minutes{less});
    const auto end = cheapest_end(t, now, std::chrono::minutes{span}, std::chrono::minutes{need});
    ASSERT_EQ(end.has_value(), need <= span);
    if (!end) continue;
    std::vector<int> order(costs.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, {}, [&](int i) { return costs[i]; });
    int last = 0;
    for (int i = 0; i < need; ++i) last = std::max(last, order[i] + 1);
    ASSERT_EQ(*end, std::chrono::minutes{last});
    waits += last > need;
    splits += less > 0 && less < need;
  }
  EXPECT_GT(waits, 1000);
  EXPECT_GT(splits, 200);
}

TEST(Hours, AreCountedToTheSecondAtTheirEnds) {
  Tariff t;
  t.import_price = 0.30;
  t.bands = {{.when = {every_day, 60, 120}, .import_price = 0.10}};
  EXPECT_EQ(cheaper_within(t, {0, 1}, 60min + 1s), 1s);
  EXPECT_EQ(cheaper_within(t, {0, 1}, 0s), 0s);
  EXPECT_EQ(cheapest_end(t, {0, 1}, 60min + 10s, 15s), 60min + 10s) << "10 s, and 5 s now";
  EXPECT_EQ(cheapest_end(t, {0, 1}, 2h, 15s), 60min + 15s);
  EXPECT_EQ(cheapest_end(t, {0, 1}, 2h, 0s), 0s);
  EXPECT_FALSE(cheapest_end(t, {0, 1}, 2h, 2h + 1s));
  EXPECT_EQ(cheapest_end(t, {0, 1}, 2h, 2h), 2h) << "all of it";
  EXPECT_EQ(cheapest_end(t, {0, 1}, 0s, 0s), 0s);
}

TEST(Hours, ThoseThatAreToldAreCountedToTheSecond) {
  std::mt19937 random{2};  // NOLINT(cert-msc51-cpp): the same ones every time
  int gained = 0;
  for (int round = 0; round < 300; ++round) {
    const Tariff t = any_tariff(random);
    const CivilMinute now{static_cast<int>(random() % 1440), 1 + static_cast<int>(random() % 7)};
    const int span = static_cast<int>(random() % 7000);
    ToldAhead told;
    const int tells = static_cast<int>(random() % 6);
    for (int at = -100, n = 0; n < tells; ++n) {
      const int from = at + static_cast<int>(random() % 900);
      at = from + static_cast<int>(random() % 2000);
      const auto price = random() % 8 == 0
                             ? std::nullopt
                             : std::optional{static_cast<int>(random() % 5) / 10.0 - 0.1};
      told.add(std::chrono::seconds{from}, std::chrono::seconds{at}, price);
    }
    std::vector<std::pair<bool, double>> costs;
    for (int i = 0; i < span; ++i) {
      const int minute = now.minute_of_day + i / 60;
      const auto prices = prices_at(t, {minute % 1440, (now.weekday - 1 + minute / 1440) % 7 + 1},
                                    told_at(told.table, told.now + std::chrono::seconds{i}));
      costs.emplace_back(!prices.cheap, prices.import_price.value_or(1e9));
    }
    if (costs.empty()) continue;
    const auto less = std::ranges::count_if(costs, [&](auto c) { return c < costs.front(); });
    ASSERT_EQ(cheaper_within(t, now, std::chrono::seconds{span}, {}, told.ahead()),
              std::chrono::seconds{less});
    const int need = static_cast<int>(random() % static_cast<unsigned>(span));
    std::vector<int> order(costs.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, {}, [&](int i) { return costs[i]; });
    int last = 0;
    for (int i = 0; i < need; ++i) last = std::max(last, order[i] + 1);
    ASSERT_EQ(
        cheapest_end(t, now, std::chrono::seconds{span}, std::chrono::seconds{need}, told.ahead()),
        std::chrono::seconds{last});
    gained += tells > 0 && less > 0;
  }
  EXPECT_GT(gained, 10);
}

TEST(Hours, OnlyThoseCountThatCostLessThanAShareOfThePresentOne) {
  Tariff t;
  t.import_price = 0.30;
  t.bands = {{.when = {every_day, 60, 120}, .import_price = 0.15}};
  EXPECT_EQ(cheaper_within(t, {0, 1}, 2h, 0.5), 0s) << "no less than half";
  EXPECT_EQ(cheaper_within(t, {0, 1}, 2h, 0.51), 1h);
}

}  // namespace
}  // namespace esshub::control
