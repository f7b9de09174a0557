#include "publish/mqtt/outlook.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/publish/history/house.hpp"

namespace esshub::publish {
namespace {

using namespace literals;

constexpr std::int64_t noon = 1'790'852'400;  // 2026-10-01T11:00:00Z, 12:00 at the site

class Kept final : public HistoryReader {
 public:
  Result<std::vector<MinuteRow>> minutes(WallTime, WallTime) override {
    return std::vector<MinuteRow>{};
  }
  Result<std::vector<DayRow>> days(unsigned count) override {
    EXPECT_EQ(count, 1u);
    if (fails) return fail(ErrorKind::io, "no disk");
    return rows;
  }
  Result<std::vector<HistoryEvent>> events(WallTime, WallTime, unsigned) override {
    return std::vector<HistoryEvent>{};
  }
  std::vector<DayRow> rows;
  bool fails = false;
};

DayRow day(std::string date, std::optional<double> import_cost) {
  DayRow row;
  row.date = std::move(date);
  row.import_cost = import_cost;
  return row;
}

PlanSpan span(WallTime begin, WallTime end, std::optional<double> price = {},
              const Instruction& instruction = {}, Authority authority = Authority::balance) {
  PlanSpan span;
  span.begin = begin;
  span.end = end;
  span.import_price = price;
  span.instruction = instruction;
  span.authority = authority;
  return span;
}

TEST(OutlookAt, HasTodaysRowAndThePlanWhileTheClockIsTrusted) {
  HistoryHouse house{noon};
  Kept kept;
  WallTime from{};
  const PlanSource plan = [&](WallTime begin, WallTime end) {
    from = begin;
    return std::vector{span(begin, end)};
  };
  const auto look = [&] { return outlook_at(house.view, {.currency = "GBP"}, &kept, plan); };
  kept.rows = {day("2026-10-01", 1.5)};
  auto outlook = look();
  EXPECT_EQ(outlook.house.currency, "GBP");
  EXPECT_EQ(outlook.at, house.view.now);
  ASSERT_TRUE(outlook.today);
  EXPECT_EQ(outlook.today->import_cost, 1.5);
  ASSERT_EQ(outlook.plan.size(), 1u);
  EXPECT_EQ(from, house.view.wall);
  EXPECT_EQ(outlook.plan[0].end - from, 48h);

  kept.rows = {day("2026-09-30", 1.5)};
  outlook = look();
  ASSERT_TRUE(outlook.today);
  EXPECT_EQ(outlook.today->date, "2026-10-01") << "nothing of it is kept yet";
  EXPECT_EQ(outlook.today->energies, EnergyTotals{});
  EXPECT_FALSE(outlook.today->import_cost);
  kept.rows.clear();
  EXPECT_TRUE(look().today);
  kept.fails = true;
  EXPECT_FALSE(look().today) << "not known is not zero";
  kept.fails = false;
  house.view.local.trusted = false;
  outlook = look();
  EXPECT_FALSE(outlook.today);
  EXPECT_TRUE(outlook.plan.empty());
  EXPECT_EQ(outlook.house.currency, "GBP");
  house.view.local.trusted = true;
  outlook = outlook_at(house.view, {}, nullptr, {});
  EXPECT_FALSE(outlook.today);
  EXPECT_TRUE(outlook.plan.empty());
}

TEST(NextAction, IsTheFirstOtherInstructionOrAuthorityNotAnotherPrice) {
  const WallTime t{std::chrono::seconds(noon)};
  const Instruction charge{.kind = InstructionKind::charge, .power = 1000.0_W, .target = 80.0_soc};
  const std::vector plan{span(t - 1h, t), span(t, t + 1h, 0.3), span(t + 1h, t + 2h, 0.1),
                         span(t + 2h, t + 3h, {}, charge, Authority::tariff),
                         span(t + 3h, t + 4h, {}, charge, Authority::schedule)};
  EXPECT_EQ(next_action(plan, t)->begin, t + 2h);
  EXPECT_EQ(next_action(plan, t + 2h)->begin, t + 3h);
  EXPECT_FALSE(next_action(plan, t + 3h)) << "all stays as it is";
  EXPECT_FALSE(next_action(plan, t + 5h)) << "the plan is over";
  EXPECT_FALSE(next_action({}, t));
}

TEST(NextAction, OfASmartPlanIsAnotherKindOrToKeepTheCharge) {
  const WallTime t{std::chrono::hours{500'000}};
  const auto span = [&](int hour, Instruction instruction, Authority authority = Authority::smart) {
    PlanSpan s;
    s.begin = t + hour * 1h;
    s.end = t + (hour + 1) * 1h;
    s.instruction = instruction;
    s.authority = authority;
    return s;
  };
  const std::vector<PlanSpan> plan{span(0, {.high = 87.0_soc}),
                                   span(1, {.high = 85.0_soc}),
                                   span(2, {.low = 100.0_soc}),
                                   span(3, {.low = 20.0_soc}),
                                   span(4, {.kind = InstructionKind::charge}),
                                   span(5, {.kind = InstructionKind::charge}, Authority::tariff)};
  for (const auto& [from, next] :
       {std::pair{0, 2}, std::pair{1, 2}, std::pair{2, 3}, std::pair{3, 4}, std::pair{4, 5}}) {
    const auto action = next_action(plan, t + from * 1h);
    ASSERT_TRUE(action) << from;
    EXPECT_EQ(action->begin, t + next * 1h) << from;
  }
}

TEST(InstructionWords, AreForAPerson) {
  EXPECT_EQ(words({.kind = InstructionKind::charge, .power = 2000.0_W, .target = 80.0_soc}),
            "charge to 80 % with 2000 W");
  EXPECT_EQ(words({.kind = InstructionKind::discharge, .power = 500.0_W, .target = 20.0_soc}),
            "discharge to 20 % with 500 W");
  EXPECT_EQ(words({}), "balance");
  EXPECT_EQ(words({.low = 30.0_soc}), "balance between 30 and 100 %");
  EXPECT_EQ(words({.low = 100.0_soc}), "keep the charge");
  EXPECT_EQ(words({.kind = InstructionKind::idle, .high = 80.0_soc}), "idle between 0 and 80 %");
}

TEST(MomentText, IsTheTimeInUtc) {
  EXPECT_EQ(moment_text(WallTime{std::chrono::seconds(noon)}), "2026-10-01T11:00:00+00:00");
  EXPECT_EQ(moment_text(WallTime{std::chrono::milliseconds(noon * 1000 + 1999)}),
            "2026-10-01T11:00:01+00:00");
  EXPECT_EQ(moment_text(WallTime{std::chrono::seconds(1'835'481'599)}),
            "2028-02-29T23:59:59+00:00");
}

}  // namespace
}  // namespace esshub::publish
