#include "app/export.hpp"

#include <date/tz.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace esshub::app {
namespace {

using testing::HasSubstr;

WallTime utc(std::int64_t seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

/// Answers with what the test gives it and remembers what was asked.
class Kept : public publish::HistoryReader {
 public:
  Result<std::vector<publish::MinuteRow>> minutes(WallTime from, WallTime until) override {
    asked = {from, until};
    if (broken) return fail(ErrorKind::io, "no disk");
    return minute_rows;
  }
  Result<std::vector<publish::DayRow>> days(unsigned) override { return day_rows; }
  Result<std::vector<publish::HistoryEvent>> events(WallTime, WallTime, unsigned) override {
    return event_rows;
  }

  ExportRange asked;
  bool broken = false;
  std::vector<publish::MinuteRow> minute_rows;
  std::vector<publish::DayRow> day_rows;
  std::vector<publish::HistoryEvent> event_rows;
};

class ExportTest : public testing::Test {
 protected:
  std::string rows(ExportWhat what, ExportFormat format, const ExportRange& range = {}) {
    std::ostringstream out;
    EXPECT_TRUE(export_rows(kept_, what, format, range, {*zone_, "EUR"}, out));
    return out.str();
  }
  ExportRange range(const std::string& from, const std::string& to) {
    return export_range(from, to, *zone_).value();
  }

  Kept kept_;
  const date::time_zone* zone_ = date::locate_zone("Europe/Berlin");
};

TEST_F(ExportTest, MinutesHaveTheSitesTimeWithItsOffset) {
  // The hour that comes twice: 2026-10-25 02:30, first in summer time.
  kept_.minute_rows = {{utc(1792888200), 1200.4, std::nullopt, 900, -0.2, 55.55},
                       {utc(1792891800), {}, 10, {}, {}, {}}};
  EXPECT_EQ(rows(ExportWhat::minutes, ExportFormat::csv),
            "time,grid_w,solar_w,house_w,battery_w,soc_percent\n"
            "2026-10-25T02:30:00+02:00,1200,,900,0,55.5\n"
            "2026-10-25T02:30:00+01:00,,10,,,\n");
  const auto json = nlohmann::json::parse(rows(ExportWhat::minutes, ExportFormat::json));
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["grid_w"], 1200);
  EXPECT_TRUE(json[0]["solar_w"].is_null()) << "unknown is not zero";
  EXPECT_EQ(json[1]["time"], "2026-10-25T02:30:00+01:00");
}

TEST_F(ExportTest, DaysAreInKilowattHoursAndMoney) {
  const auto on = [](const char* date) {
    publish::DayRow day;
    day.date = date;
    return day;
  };
  auto day = on("2026-01-15");
  day.energies.joules = {3.6e6, 7.2e6, 3.6e7, 1.8e6, 0, 0};
  day.import_cost = 0.25;
  day.import_unpriced_j = 1.8e6;
  kept_.day_rows = {on("2026-01-14"), day, on("2026-01-16")};
  EXPECT_EQ(rows(ExportWhat::days, ExportFormat::csv, range("2026-01-15", "2026-01-15")),
            "date,grid_import_kwh,grid_export_kwh,solar_kwh,house_kwh,battery_charge_kwh,"
            "battery_discharge_kwh,import_cost,export_income,import_unpriced_kwh,"
            "export_unpriced_kwh,currency\n"
            "2026-01-15,1.000,2.000,10.000,0.500,0.000,0.000,0.2500,,0.500,0.000,EUR\n");
  const auto json = nlohmann::json::parse(rows(ExportWhat::days, ExportFormat::json));
  ASSERT_EQ(json.size(), 3u);
  EXPECT_EQ(json[0]["currency"], "EUR");
}

TEST_F(ExportTest, EventsAreOldestFirstAndQuoted) {
  kept_.event_rows = {{utc(1768474860), "command", "set_reserve", "who=\"web\", reserve=30"},
                      {utc(1768474800), "system", "started", ""}};
  EXPECT_EQ(rows(ExportWhat::events, ExportFormat::csv),
            "time,kind,name,detail\n"
            "2026-01-15T12:00:00+01:00,system,started,\n"
            "2026-01-15T12:01:00+01:00,command,set_reserve,\"who=\"\"web\"\", reserve=30\"\n");
  EXPECT_EQ(nlohmann::json::parse(rows(ExportWhat::events, ExportFormat::json))[1]["detail"],
            "who=\"web\", reserve=30");
}

TEST_F(ExportTest, NoRowsAreAnEmptyTable) {
  EXPECT_EQ(rows(ExportWhat::events, ExportFormat::csv), "time,kind,name,detail\n");
  EXPECT_EQ(nlohmann::json::parse(rows(ExportWhat::minutes, ExportFormat::json)).size(), 0u);
}

TEST_F(ExportTest, ADayIsTheSitesDayAndTheLastOneIsWhole) {
  const auto days = range("2026-03-28", "2026-03-29");  // the second has 23 hours
  EXPECT_EQ(days.from, utc(1774652400));
  EXPECT_EQ(days.until, utc(1774652400 + 47 * 3600));
  EXPECT_EQ(range("2026-01-15T12:00", "2026-01-15T12:30").until, utc(1768474800 + 1800));
  EXPECT_EQ(range("", "").until, WallTime::max());
  static_cast<void>(rows(ExportWhat::minutes, ExportFormat::csv, days));
  EXPECT_EQ(kept_.asked.from, days.from);
  EXPECT_EQ(kept_.asked.until, days.until);
}

TEST_F(ExportTest, WhatIsNoTimeIsToldWithWhatWasExpected) {
  for (const auto& [from, to] : {std::pair{"yesterday", ""},
                                 {"2026-02-30", ""},
                                 {"", "12:00"},
                                 {"2026-01-15 12:00", ""},
                                 {"2026-01-16", "2026-01-15"}}) {
    const auto range = export_range(from, to, *zone_);
    ASSERT_FALSE(range) << from << to;
    EXPECT_THAT(range.error().detail, HasSubstr(*from ? from : to));
  }
}

TEST_F(ExportTest, AHistoryThatCannotBeReadWritesNothing) {
  kept_.broken = true;
  std::ostringstream out;
  EXPECT_FALSE(export_rows(kept_, ExportWhat::minutes, ExportFormat::csv, {}, {*zone_}, out));
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace esshub::app
