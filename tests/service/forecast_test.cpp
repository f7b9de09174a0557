#include "service/forecast.hpp"

#include <date/date.h>
#include <date/tz.h>
#include <gtest/gtest.h>

#include <span>
#include <vector>

namespace esshub::service {
namespace {

using date::operator""_y;
using namespace esshub::literals;

const civil_time::LocalClock utc{
    civil_time::Zone{*date::locate_zone("Etc/UTC"), civil_time::ZoneRule::parse("UTC0")}};
const WallTime midnight = date::sys_days{2026_y / 6 / 1};  // a Monday

constexpr Instruction charge{
    .kind = InstructionKind::charge, .power = 2000.0_W, .target = 80.0_soc};

std::vector<std::pair<Duration, Duration>> lengths(const std::vector<PlanSpan>& plan) {
  std::vector<std::pair<Duration, Duration>> found;
  for (const auto& span : plan) found.emplace_back(span.begin - midnight, span.end - midnight);
  return found;
}

TEST(Forecast, SpansBeginAndEndWhereTheScheduleDoes) {
  control::Settings s;
  s.schedule = {{{control::every_day, 60, 90}, charge}};
  const auto plan = forecast(s, Mode::scheduled, utc, midnight + 15s, midnight + 2h + 30s);
  EXPECT_EQ(lengths(plan), (std::vector<std::pair<Duration, Duration>>{
                               {15s, 60min}, {60min, 90min}, {90min, 120min + 30s}}));
  ASSERT_EQ(plan.size(), 3u);
  EXPECT_EQ(plan[0].authority, Authority::balance);
  EXPECT_EQ(plan[1].authority, Authority::schedule);
  EXPECT_EQ(plan[1].instruction, charge);
  EXPECT_FALSE(plan[1].import_price);
  EXPECT_FALSE(plan[1].repeated_hour);
  EXPECT_EQ(forecast(s, Mode::balance, utc, midnight, midnight + 2h).size(), 1u);
}

TEST(Forecast, AnotherInstructionOfTheScheduleIsAnotherSpanToTheMinute) {
  control::Settings s;
  const Instruction idle{.kind = InstructionKind::idle};
  s.schedule = {{{control::every_day, 61, 63}, charge}, {{control::every_day, 63, 64}, idle}};
  const auto plan = forecast(s, Mode::scheduled, utc, midnight, midnight + 2h);
  ASSERT_EQ(lengths(plan), (std::vector<std::pair<Duration, Duration>>{
                               {0s, 61min}, {61min, 63min}, {63min, 64min}, {64min, 2h}}));
  EXPECT_EQ(plan[1].instruction, charge);
  EXPECT_EQ(plan[2].instruction, idle);
}

TEST(Forecast, WhatIsToldTakesTheTariffsPlaceAndMakesItsWord) {
  control::Settings s;
  s.tariff.import_price = 0.3;
  s.tariff.export_price = 0.1;
  const auto begin = std::chrono::floor<std::chrono::seconds>(midnight).time_since_epoch().count();
  ToldSlots told;
  told.import_price = {{begin + 3600, begin + 5400, -0.05}};
  told.export_price = {{begin + 5400, begin + 7200, 0.2}};
  const auto plan = forecast(s, Mode::scheduled, utc, midnight, midnight + 3h, true, {}, told);
  ASSERT_EQ(lengths(plan), (std::vector<std::pair<Duration, Duration>>{
                               {0s, 1h}, {1h, 90min}, {90min, 2h}, {2h, 3h}}));
  EXPECT_EQ(plan[0].import_price, 0.3);
  EXPECT_EQ(plan[1].import_price, -0.05);
  EXPECT_EQ(plan[1].export_price, 0.1);
  EXPECT_EQ(plan[1].authority, Authority::tariff) << "a negative price is cheap";
  EXPECT_EQ(plan[2].import_price, 0.3);
  EXPECT_EQ(plan[2].export_price, 0.2);
  EXPECT_EQ(plan[2].authority, Authority::balance);
  for (const auto& span :
       forecast(s, Mode::scheduled, utc, midnight, midnight + 3h, false, {}, told))
    EXPECT_FALSE(span.import_price) << "no clock, no price";
}

TEST(Forecast, WithoutATrustedClockThePlanIsSelfConsumptionAtNoKnownPrice) {
  control::Settings s;
  s.schedule = {{{control::every_day, 60, 90}, charge}};
  s.tariff.import_price = 0.3;
  ASSERT_GT(forecast(s, Mode::scheduled, utc, midnight, midnight + 2h).size(), 1U);
  const auto plan = forecast(s, Mode::scheduled, utc, midnight, midnight + 2h, false);
  ASSERT_EQ(plan.size(), 1U);
  EXPECT_EQ(plan[0].instruction, Instruction{});
  EXPECT_EQ(plan[0].authority, Authority::balance);
  EXPECT_FALSE(plan[0].import_price);
}

TEST(Forecast, NothingIsPlannedOfNoTime) {
  EXPECT_TRUE(forecast({}, Mode::balance, utc, midnight, midnight).empty());
  EXPECT_TRUE(forecast({}, Mode::balance, utc, midnight, midnight - 1s).empty());
  const auto moment = forecast({}, Mode::balance, utc, midnight, midnight + 1s);
  EXPECT_EQ(lengths(moment), (std::vector<std::pair<Duration, Duration>>{{0s, 1s}}));
}

TEST(Forecast, AnotherPriceIsAnotherSpan) {
  control::Settings s;
  s.tariff.import_price = 0.30;
  s.tariff.export_price = 0.15;
  s.tariff.bands = {{{control::every_day, 60, 120}, 0.45},
                    {{control::every_day, 180, 240}, 0.30, 0.20}};
  const auto plan = forecast(s, Mode::balance, utc, midnight, midnight + 5h);
  ASSERT_EQ(lengths(plan), (std::vector<std::pair<Duration, Duration>>{
                               {0s, 1h}, {1h, 2h}, {2h, 3h}, {3h, 4h}, {4h, 5h}}));
  EXPECT_EQ(plan[0].import_price, 0.30);
  EXPECT_EQ(plan[0].export_price, 0.15);
  EXPECT_EQ(plan[1].import_price, 0.45);
  EXPECT_EQ(plan[3].import_price, 0.30);
  EXPECT_EQ(plan[3].export_price, 0.20);
}

TEST(Forecast, TheRepeatedHourIsASpanOfItsOwn) {
  const civil_time::LocalClock london{
      civil_time::Zone{*date::locate_zone("Europe/London"), std::nullopt}};
  const WallTime night = date::sys_days{2026_y / 10 / 25};
  const auto plan = forecast({}, Mode::balance, london, night, night + 3h);
  ASSERT_EQ(plan.size(), 3u);
  EXPECT_EQ(plan[1].begin, night + 1h);
  EXPECT_EQ(plan[1].end, night + 2h);
  EXPECT_TRUE(plan[1].repeated_hour);
  EXPECT_FALSE(plan[2].repeated_hour);
}

TEST(Forecast, TheSameInstructionByAnotherAuthorityIsAnotherSpan) {
  control::Settings s;
  s.schedule = {{{control::every_day, 60, 120}, Instruction{}}};
  const auto plan = forecast(s, Mode::scheduled, utc, midnight, midnight + 3h);
  ASSERT_EQ(plan.size(), 3u);
  EXPECT_EQ(plan[0].instruction, plan[1].instruction);
  EXPECT_EQ(plan[1].authority, Authority::schedule);
}

TEST(Forecast, InSmartModeThePlanStandsInTheTariffsPlaceAndTheScheduleAboveIt) {
  control::Settings s;
  s.schedule = {{{control::every_day, 30, 60}, charge}};
  s.tariff.bands = {{{control::every_day, 0, 120}, 0.07, {}, true}};
  const Instruction idle{.kind = InstructionKind::idle};
  const std::vector<SmartSpan> smart{{midnight + 15min, midnight + 45min, idle},
                                     {midnight + 60min, midnight + 75min, idle}};
  const auto plan = forecast(s, Mode::smart, utc, midnight, midnight + 90min, true, smart);
  EXPECT_EQ(lengths(plan),
            (std::vector<std::pair<Duration, Duration>>{
                {0s, 15min}, {15min, 30min}, {30min, 60min}, {60min, 75min}, {75min, 90min}}));
  ASSERT_EQ(plan.size(), 5u);
  EXPECT_EQ(plan[0].authority, Authority::tariff) << "no plan there";
  EXPECT_EQ(plan[1].authority, Authority::smart);
  EXPECT_EQ(plan[1].instruction, idle);
  EXPECT_EQ(plan[1].import_price, 0.07);
  EXPECT_EQ(plan[2].authority, Authority::schedule);
  EXPECT_EQ(plan[3].authority, Authority::smart);
  EXPECT_EQ(plan[4].authority, Authority::tariff);
  for (const auto& span :
       forecast(s, Mode::scheduled, utc, midnight, midnight + 90min, true, smart))
    EXPECT_NE(span.authority, Authority::smart);
}

TEST(Forecast, WithoutATrustedClockTheSmartPlanStandsAside) {
  const std::vector<SmartSpan> smart{{midnight, midnight + 2h, charge}};
  const auto plan = forecast({}, Mode::smart, utc, midnight, midnight + 2h, false, smart);
  ASSERT_EQ(plan.size(), 1u);
  EXPECT_EQ(plan[0].authority, Authority::balance);
}

TEST(Forecast, ASpanThatIsNotGivenSaysNothing) {
  const std::vector<SmartSpan> known{{midnight, midnight + 2h, charge},
                                     {midnight + 1h, midnight + 2h, charge}};
  const auto plan = forecast({}, Mode::smart, utc, midnight, midnight + 2h, true,
                             std::span<const SmartSpan>{known}.subspan(1));
  ASSERT_EQ(lengths(plan), (std::vector<std::pair<Duration, Duration>>{{0s, 1h}, {1h, 2h}}));
  EXPECT_EQ(plan[0].authority, Authority::balance) << "before the first";
  EXPECT_EQ(plan[1].authority, Authority::smart);
}

}  // namespace
}  // namespace esshub::service
