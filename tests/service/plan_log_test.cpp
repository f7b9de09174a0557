#include "service/plan_log.hpp"

#include <gtest/gtest.h>

#include "service/feed.hpp"

namespace esshub::service {
namespace {

using namespace esshub::literals;
using namespace std::chrono_literals;

const WallTime midnight = wall_time(1'780'272'000);

/// So many slots of a quarter of an hour from then on.
SmartPlan plan_of(WallTime begin, int count, Soc charge = 50.0_soc) {
  SmartPlan plan;
  plan.made = begin + 10s;
  for (int n = 0; n < count; ++n) {
    SmartSlot slot;
    slot.begin = begin + n * 15min;
    slot.end = slot.begin + 15min;
    slot.import_price = 0.3;
    slot.export_price = -0.1;
    slot.instruction = {InstructionKind::charge, 2.0_kW, 80.0_soc, 10.0_soc, 90.0_soc};
    slot.charge_low = 40.0_soc;
    slot.charge = charge;
    slot.charge_high = 60.0_soc;
    plan.slots.push_back(slot);
  }
  return plan;
}

TEST(PlanLog, HoldsWhatWasBelievedWhenEachSlotBegan) {
  PlanLog log;
  log.take(plan_of(midnight, 8));
  log.take(plan_of(midnight + 40min, 4, 70.0_soc));
  const auto all = log.within(midnight, midnight + 24h);
  ASSERT_EQ(all.size(), 3u + 4u);
  EXPECT_EQ(all[2].begin, midnight + 30min);
  EXPECT_EQ(all[2].end, midnight + 40min) << "another plan took its place";
  EXPECT_EQ(all[2].made, midnight + 10s);
  EXPECT_EQ(all[2].charge, 50.0_soc);
  const ForecastSlot newest{midnight + 40min,
                            midnight + 55min,
                            midnight + 40min + 10s,
                            0.3,
                            -0.1,
                            {InstructionKind::charge, 2.0_kW, 80.0_soc, 10.0_soc, 90.0_soc},
                            40.0_soc,
                            70.0_soc,
                            60.0_soc};
  EXPECT_EQ(all[3], newest);
  log.take(SmartPlan{});
  EXPECT_EQ(log.within(midnight, midnight + 24h), all) << "no plan";
}

TEST(PlanLog, TellsWhatBeginsWithin) {
  PlanLog log;
  log.take(plan_of(midnight, 8));
  const auto some = log.within(midnight + 15min, midnight + 45min);
  ASSERT_EQ(some.size(), 2u);
  EXPECT_EQ(some[0].begin, midnight + 15min);
  EXPECT_EQ(some[1].begin, midnight + 30min);
}

TEST(PlanLog, WhatEndsEarlyHasAnEnd) {
  PlanLog log;
  EXPECT_FALSE(log.end(midnight)) << "there was none";
  log.take(plan_of(midnight, 8));
  EXPECT_TRUE(log.end(midnight + 45min + 20s));
  const auto all = log.within(midnight, midnight + 24h);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all.back().end, midnight + 45min + 20s);
  EXPECT_FALSE(log.end(midnight + 45min + 20s));
  EXPECT_FALSE(log.end(midnight + 3h));
  EXPECT_EQ(log.within(midnight, midnight + 24h), all) << "it had ended";
  EXPECT_TRUE(log.end(midnight + 45min));
  EXPECT_EQ(log.within(midnight, midnight + 24h).size(), 3u);
}

TEST(PlanLog, AClockThatWasWrongLosesNothingOfYesterday) {
  for (const auto wrong : {-24h * 365, -96h, 24h, 24h * 365}) {
    PlanLog log;
    log.take(plan_of(midnight - 24h, 144));
    log.take(plan_of(midnight + 12h, 144, 70.0_soc));
    const auto yesterday = log.within(midnight - 24h, midnight);
    ASSERT_EQ(yesterday.size(), 96u);
    const auto then = midnight + 12h + wrong;
    log.take(plan_of(then, 144));
    log.end(then + 5min);
    EXPECT_EQ(log.within(then, then + 24h).size(), 1u);
    EXPECT_EQ(log.within(midnight - 24h, midnight), yesterday) << wrong.count();
    log.take(plan_of(midnight + 13h, 4, 80.0_soc));
    EXPECT_EQ(log.within(midnight - 24h, midnight), yesterday) << wrong.count();
    EXPECT_EQ(log.within(midnight + 12h, midnight + 24h).size(), 4u + 4u);
    EXPECT_TRUE(PlanLog::decode(log.encode()));
  }
}

TEST(PlanLog, ReplacesTwoDays) {
  PlanLog log;
  log.take(plan_of(midnight + 48h, 1));
  log.take(plan_of(midnight, 193));
  auto all = log.within(midnight, midnight + 72h);
  ASSERT_EQ(all.size(), 193u) << "of longer plans two days";
  EXPECT_EQ(all.back().made, midnight + 48h + 10s) << "what comes later stays";
  EXPECT_TRUE(log.end(midnight + 1s));
  all = log.within(midnight, midnight + 72h);
  ASSERT_EQ(all.size(), 1u) << "all that begins before two days have passed";
  EXPECT_EQ(all.front().end, midnight + 1s);
}

TEST(PlanLog, KeepsWhatIsNearest) {
  PlanLog log;
  log.take(plan_of(midnight - 2400h, 1));
  log.take(plan_of(midnight + 2401h, 1));
  for (int n = 0; n < 797; ++n) log.take(plan_of(midnight + n * 15min, 1));
  const auto all = [&] { return log.within(midnight - 9000h, midnight + 9000h); };
  EXPECT_EQ(all().size(), 799u);
  log.take(plan_of(midnight + 797 * 15min, 1));
  EXPECT_EQ(all().size(), 800u);
  log.take(plan_of(midnight + 798 * 15min, 1));
  EXPECT_EQ(all().size(), 800u);
  EXPECT_EQ(all().front().begin, midnight);
  EXPECT_EQ(all().back().begin, midnight + 2401h);
  log.take(plan_of(midnight - 96h, 1));
  EXPECT_EQ(all().size(), 800u);
  EXPECT_EQ(all().front().begin, midnight - 96h);
  EXPECT_EQ(all().back().begin, midnight + 798 * 15min);
}

TEST(PlanLog, OutlivesTheProgram) {
  PlanLog log;
  log.take(plan_of(midnight, 3));
  const auto read = PlanLog::decode(log.encode());
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->within(midnight, midnight + 24h), log.within(midnight, midnight + 24h));
  EXPECT_TRUE(PlanLog::decode(PlanLog{}.encode()));
}

TEST(PlanLog, WhatEndsWithinASecondOfItsBeginIsNoSlot) {
  PlanLog log;
  log.take(plan_of(midnight, 4));
  EXPECT_TRUE(log.end(midnight + 15min + 200ms));
  const auto all = log.within(midnight, midnight + 24h);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].end, midnight + 15min);
  EXPECT_TRUE(PlanLog::decode(log.encode()));
  EXPECT_TRUE(log.end(midnight + 14min + 999ms));
  EXPECT_EQ(log.within(midnight, midnight + 24h)[0].end, midnight + 14min);
}

TEST(PlanLog, RefusesWhatIsDamaged) {
  const auto slot = [](const std::string& begin, const std::string& end, const std::string& price,
                       const std::string& kind, const std::string& charge) {
    return "[" + begin + "," + end + ",5," + price + ",0.1,\"" + kind + "\",0,0,0,100,1," + charge +
           ",3]";
  };
  const auto reads = [](const std::string& slots) {
    return PlanLog::decode(R"({"slots":[)" + slots + "]}").has_value();
  };
  const auto good = slot("100", "200", "0.3", "idle", "50");
  EXPECT_TRUE(reads(good));
  EXPECT_TRUE(reads(good + "," + slot("200", "201", "0.3", "idle", "50")));
  EXPECT_FALSE(reads(good + "," + slot("199", "201", "0.3", "idle", "50")));
  EXPECT_FALSE(reads(slot("200", "200", "0.3", "idle", "50")));
  EXPECT_TRUE(reads(slot("0", "7258118400", "0.3", "idle", "50")));
  EXPECT_FALSE(reads(slot("0", "7258118401", "0.3", "idle", "50")));
  EXPECT_FALSE(reads(slot("-1", "200", "0.3", "idle", "50")));
  EXPECT_FALSE(reads(slot("100", "200", "1e999", "idle", "50")));
  EXPECT_FALSE(reads(slot("100", "200", "null", "idle", "50")));
  EXPECT_FALSE(reads(slot("100", "200", "0.3", "sell", "50")));
  EXPECT_FALSE(reads(slot("100", "200", "0.3", "idle", "101")));
  EXPECT_FALSE(PlanLog::decode("{}"));
  EXPECT_FALSE(PlanLog::decode(""));
}

}  // namespace
}  // namespace esshub::service
