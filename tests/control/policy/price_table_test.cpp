#include "control/policy/price_table.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "tests/control/house.hpp"

namespace esshub::control {
namespace {

using namespace literals;

PriceTable told(Instant now, ToldPrices first, ToldPrices second = {}) {
  PriceTable t;
  t.entries[t.count++] = {now, now + 1h, first};
  t.entries[t.count++] = {now + 1h, now + 2h, second};
  return t;
}

TEST(PriceTable, TellsTheEntryOfTheMoment) {
  const Instant now = Instant{} + 1000s;
  const PriceTable t = told(now, {0.1, 0.2}, {{}, -0.3});
  EXPECT_EQ(told_at(t, now - 1ns), ToldPrices{});
  EXPECT_EQ(told_at(t, now), (ToldPrices{0.1, 0.2}));
  EXPECT_EQ(told_at(t, now + 1h - 1ns), (ToldPrices{0.1, 0.2}));
  EXPECT_EQ(told_at(t, now + 1h), (ToldPrices{{}, -0.3}));
  EXPECT_EQ(told_at(t, now + 2h), ToldPrices{});
  EXPECT_EQ(told_at({}, now), ToldPrices{});
}

TEST(PriceTable, ChangesWhereAnEntryBeginsOrEnds) {
  const Instant now = Instant{} + 1000s;
  const PriceTable t = told(now, {0.1, 0.2});
  EXPECT_EQ(next_change(t, now - 10s, now + 5h), now);
  EXPECT_EQ(next_change(t, now, now + 5h), now + 1h) << "after, not at";
  EXPECT_EQ(next_change(t, now + 1h, now + 5h), now + 2h);
  EXPECT_EQ(next_change(t, now + 2h, now + 5h), now + 5h);
  EXPECT_EQ(next_change(t, now, now + 59min), now + 59min);
  EXPECT_EQ(next_change({}, now, now + 5h), now + 5h);
}

TEST(PriceTable, WhateverItSaysPricesAreNumbers) {
  const Instant now = Instant{} + 1000s;
  for (const double odd :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(told_at(told(now, {odd, 0.2}), now), (ToldPrices{{}, 0.2}));
    EXPECT_EQ(told_at(told(now, {0.1, odd}), now), (ToldPrices{0.1, {}}));
  }
  PriceTable t = told(now, {0.1, 0.2});
  t.count = 100'000;
  t.entries.back() = {now + 5h, now + 6h, {0.3, 0.4}};
  EXPECT_EQ(told_at(t, now + 5h), (ToldPrices{0.3, 0.4}));
  EXPECT_EQ(told_at(t, now + 7h), ToldPrices{});
  EXPECT_EQ(next_change(t, now + 5h, now + 9h), now + 6h);
  t.entries[1] = {now, now + 30min, {0.9, 0.9}};
  EXPECT_EQ(told_at(t, now), (ToldPrices{0.1, 0.2})) << "of two the first";
  t.entries[0] = {now + 1h, now, {0.1, 0.2}};
  EXPECT_EQ(told_at(t, now), (ToldPrices{0.9, 0.9})) << "one that ends before it begins is none";
}

/// Drawing 800 W at half SOC, import 0.30, export 0.10 by the tariff.
House at_one_price() {
  House h;
  h.settings.tariff.import_price = 0.30;
  h.settings.tariff.export_price = 0.10;
  h.residual_w = 800;
  h.run(3s);
  return h;
}

TEST(ToldPrice, TakesTheTariffsPlaceWhileItIsTold) {
  House h = at_one_price();
  EXPECT_NEAR(h.run(5s).battery_power.value(), -800, 10);
  h.prices = told(h.now, {-0.02, 0.05}, {0.25, {}});
  Decision d = h.run(5s);
  EXPECT_EQ(d.policy.import_price, -0.02);
  EXPECT_EQ(d.policy.export_price, 0.05);
  EXPECT_EQ(d.policy.authority, Authority::tariff) << "a negative price is cheap";
  EXPECT_TRUE(d.reasons.has(Cause::cheap));
  EXPECT_NEAR(d.battery_power.value(), 0, 1) << "one is paid to draw";
  h.now += 1h;
  d = h.run(15s);
  EXPECT_EQ(d.policy.import_price, 0.25);
  EXPECT_EQ(d.policy.export_price, 0.10) << "the tariff's";
  EXPECT_NEAR(d.battery_power.value(), -800, 10);
  h.now += 1h;
  EXPECT_EQ(h.run(15s).policy.import_price, 0.30) << "it has ended";
}

TEST(ToldPrice, IsNotKnownWithoutAClock) {
  House h = at_one_price();
  h.prices = told(h.now, {-0.02, -0.02});
  h.local.trusted = false;
  const Decision d = h.run(5s);
  EXPECT_EQ(d.policy.import_price, std::nullopt);
  EXPECT_NEAR(d.battery_power.value(), -800, 10);
}

TEST(ToldPrice, AFullChargeWaitsADayForItsCheapHours) {
  House h = at_one_price();
  h.settings.full_charge_days = 1;
  h.orders.last_full = h.now - 48h;
  const auto full_charge = [](const Decision& d) {
    return d.reasons.begin()->cause == Cause::full_charge;
  };
  EXPECT_TRUE(full_charge(h.run(5s))) << "one price";
  h = at_one_price();
  h.settings.full_charge_days = 1;
  h.orders.last_full = h.now - 48h;
  h.prices = told(h.now, {0.20, {}}, {0.10, {}});
  h.prices.entries[1].end = h.now + 6h;
  EXPECT_FALSE(full_charge(h.run(5s))) << "5 h of the next 24 cost less";
  h.now += 1h;
  EXPECT_TRUE(full_charge(h.run(15s)));
}

TEST(ToldPrice, AReserveIsBroughtBackInItsCheapHours) {
  House h = at_one_price();
  h.settings.reserve_recharge = ReserveRecharge::cheap;
  h.soc = 15;
  const auto bought = [](const Decision& d) {
    return d.reasons.begin()->cause == Cause::reserve_recharge;
  };
  EXPECT_TRUE(bought(h.run(5s))) << "one price";
  h.prices = told(h.now, {0.20, {}}, {0.10, {}});
  h.prices.entries[1].end = h.now + 6h;
  EXPECT_FALSE(bought(h.run(5s)));
  h.prices = told(h.now, {0.10, {}}, {0.20, {}});
  EXPECT_TRUE(bought(h.run(5s)));
  h.local.trusted = false;
  EXPECT_FALSE(bought(h.run(5s))) << "the hour is not known";
}

}  // namespace
}  // namespace esshub::control
