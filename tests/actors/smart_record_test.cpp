#include "actors/smart_record.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "config/time_zone.hpp"
#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

namespace fs = std::filesystem;
using namespace esshub::literals;
using std::chrono::hours;
using std::chrono::minutes;

const WallTime noon{std::chrono::seconds{1'781'956'800}};  // 2026-06-20T12:00:00Z, 13:00 in London
const WallTime midnight = noon - hours{13};

/// 1 kW of house since June 10th, the battery at half charge and at rest; 0.50 paid a day, of the
/// 20th 4.00, and 0.10 earned.
class QuietHistory final : public publish::HistoryReader {
 public:
  Result<std::vector<publish::MinuteRow>> minutes(WallTime from, WallTime to) override {
    if (asked.size() == answers) return fail(ErrorKind::io, "no disk");
    asked.push_back(from);
    std::vector<publish::MinuteRow> all;
    for (WallTime at = std::max(from, since); at < std::min(to, until);
         at += std::chrono::minutes{1}) {
      publish::MinuteRow row;
      row.begin = at;
      row.grid_w = 1000;
      row.house_w = 1000;
      row.solar_w = 0;
      row.battery_w = battery_w;
      row.soc = 50;
      all.push_back(row);
    }
    return all;
  }
  Result<std::vector<publish::DayRow>> days(unsigned count) override {
    days_asked = count;
    if (!throws.empty()) throw std::runtime_error(throws);
    if (!knows_days) return fail(ErrorKind::io, "no disk");
    return rows;
  }
  Result<std::vector<publish::HistoryEvent>> events(WallTime, WallTime, unsigned) override {
    return {};
  }
  static publish::DayRow day(const std::string& date, std::optional<double> import_cost,
                             std::optional<double> export_income) {
    publish::DayRow row;
    row.date = date;
    row.import_cost = import_cost;
    row.export_income = export_income;
    return row;
  }

  WallTime since = midnight - hours{240};
  WallTime until = midnight + hours{1000};
  std::vector<WallTime> asked;
  std::size_t answers = 1000;
  double battery_w = 0;
  bool knows_days = true;
  unsigned days_asked = 0;
  std::string throws{};
  std::vector<publish::DayRow> rows{day("2026-06-20", 4.0, 0.1)};
};

struct Bench {
  Bench() {
    std::string pattern = (fs::temp_directory_path() / "esshub-record.XXXXXX").string();
    root = ::mkdtemp(pattern.data());
    in_force.settings.tariff.import_price = 0.3;
    in_force.settings.solar_metered = true;
    in_force.settings.soc_floor = 0.0_soc;
    in_force.settings.reserve = 0.0_soc;
    view.now = Instant{} + 1000s;
    view.wall = noon;
    view.local.trusted = true;
    view.snapshot.absorb({{Point::battery, Measure::capacity}, 100, view.now});
    start();
  }
  ~Bench() { fs::remove_all(root); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void start() {
    record.emplace(
        SmartRecordDeps{.state_dir = root.string(),
                        .history = history,
                        .zone = config::load_time_zone("Europe/London").value(),
                        .events = log.sink(),
                        .storage_failed = [this](bool failed) { told_failed.push_back(failed); }});
  }
  /// So much later.
  void look(Duration time = {}) {
    view.now += time;
    view.wall += std::chrono::duration_cast<WallTime::duration>(time);
    view.snapshot.absorb({{Point::battery, Measure::soc}, 50, view.now});
    record->look({view, in_force, std::make_shared<const service::ToldSlots>(told), plan});
  }
  void write(const std::string& file, const std::string& text) const {
    std::ofstream{root / file} << text;
  }
  [[nodiscard]] int set_aside() const {
    int count = 0;
    for (const auto& file : fs::directory_iterator{root})
      count += file.path().string().find(".damaged-") != std::string::npos;
    return count;
  }

  fs::path root;
  service::CommandService::InForce in_force{};
  service::ToldSlots told;
  std::shared_ptr<const SmartPlan> plan;
  View view;
  std::shared_ptr<QuietHistory> history = std::make_shared<QuietHistory>();
  EventLog log;
  std::vector<bool> told_failed;
  std::optional<SmartRecord> record;
};

// What is reckoned of them: tests/service/savings_record_test.cpp.
TEST(SmartRecordTest, TakesMinutesAndDaysOfTheHistory) {
  Bench b;
  EXPECT_FALSE(b.record->savings().today);
  b.look();
  const auto savings = b.record->savings();
  ASSERT_TRUE(savings.today && savings.month && savings.year);
  EXPECT_NEAR(savings.today->no_battery, 13 * 0.3, 1e-9) << "the minutes";
  EXPECT_NEAR(savings.today->error.value(), 13 * 0.3 - 3.9, 1e-9) << "the days";
  EXPECT_EQ(savings.month->known, 11);
  EXPECT_EQ(savings.year->known, 11);
  EXPECT_EQ(b.history->days_asked, 16u);
}

TEST(SmartRecordTest, NobodyKnowsTodayWhileTheClockIsNotTrusted) {
  Bench b;
  b.look();
  b.view.local.trusted = false;
  b.look(1s);
  EXPECT_FALSE(b.record->savings().today);
  EXPECT_FALSE(b.record->yesterday());
  EXPECT_EQ(b.record->savings().month->known, 11);
  b.view.local.trusted = true;
  b.look(1s);
  EXPECT_TRUE(b.record->savings().today && b.record->yesterday());
}

TEST(SmartRecordTest, KeepsTheDaysOverARestart) {
  Bench b;
  b.look();
  const auto before = b.record->savings();
  b.history->asked.clear();
  b.in_force.settings.tariff.import_price = 0.9;
  b.start();
  b.look();
  ASSERT_EQ(b.history->asked.size(), 4u + 2u)
      << "what is not known, yesterday for its course, today";
  const auto after = b.record->savings();
  EXPECT_NEAR(after.month->no_battery, before.month->no_battery + 13 * 0.6, 1e-6)
      << "what a day cost does not change with the tariff";
  EXPECT_EQ(b.told_failed.size(), 0u);
}

TEST(SmartRecordTest, AsksAgainEachMinuteWhileTheHistoryCannotBeRead) {
  Bench b;
  b.history->answers = 10;
  b.look();
  EXPECT_EQ(b.history->asked.size(), 10u);
  EXPECT_FALSE(b.record->savings().today);
  EXPECT_EQ(b.log.count("smart_record history_not_read"), 1u);
  b.history->answers = 1000;
  b.look(1min - 1s);
  EXPECT_EQ(b.history->asked.size(), 10u);
  b.look(1s);
  EXPECT_EQ(b.history->asked.size(), 15u) << "the others are known";
  EXPECT_TRUE(b.record->savings().today);
  b.history->knows_days = false;
  for (int n = 0; n < 3; ++n) b.look(15min);
  EXPECT_EQ(b.log.count("smart_record history_not_read"), 2u);
  EXPECT_NEAR(b.record->savings().today->no_battery, 13 * 0.3 + 0.3 / 60, 1e-9) << "as it was";
}

TEST(SmartRecordTest, TellsWhatWasPlannedYesterdayAndWhatHappened) {
  Bench b;
  SmartPlan plan;
  plan.made = midnight - hours{24};
  for (int n = 0; n < 192; ++n) {
    SmartSlot slot;
    slot.begin = plan.made + n * minutes{15};
    slot.end = slot.begin + minutes{15};
    slot.charge = 70.0_soc;
    plan.slots.push_back(slot);
  }
  EXPECT_FALSE(b.record->yesterday());
  b.plan = std::make_shared<const SmartPlan>(plan);
  b.history->battery_w = -200;
  b.look();
  auto day = b.record->yesterday();
  ASSERT_TRUE(day);
  EXPECT_EQ(day->begin, midnight - hours{24});
  EXPECT_EQ(day->end, midnight);
  ASSERT_EQ(day->planned.size(), 96u);
  EXPECT_EQ(day->planned.back().end, midnight);
  EXPECT_EQ(day->planned.back().charge, 70.0_soc);
  ASSERT_EQ(day->happened.size(), 96u);
  const MeasuredSlot last{midnight - minutes{15}, 50.0, -200.0, 1000.0};
  EXPECT_EQ(day->happened.back(), last);
  b.start();
  b.plan.reset();
  b.look();
  day = b.record->yesterday();
  EXPECT_EQ(day->planned.size(), 96u) << "kept";
  b.look(24h);
  EXPECT_EQ(b.record->yesterday()->planned.size(), 13u * 4) << "until noon";
}

TEST(SmartRecordTest, WhatWasPaidIsOfTheHistorysDays) {
  Bench b;
  auto row = QuietHistory::day("2026-06-20", 3.9, {});
  row.energies[Flow::grid_import] = 13 * 3.6e6;
  row.import_unpriced_j = 0.02 * 13 * 3.6e6;
  b.history->rows = {row};
  b.look();
  EXPECT_NEAR(b.record->savings().today->error.value(), 0.0, 1e-9);
  b.history->rows.front().import_unpriced_j += 1.0;
  b.look(15min);
  EXPECT_FALSE(b.record->savings().today->error);
}

TEST(SmartRecordTest, AnExceptionThatLastsIsToldOnce) {
  Bench b;
  b.history->throws = "no memory";
  for (int n = 0; n < 3; ++n) b.look(1min);
  EXPECT_EQ(b.log.count("smart_record failed"), 1u);
  b.history->throws = "no luck";
  b.look(1min);
  EXPECT_EQ(b.log.count("smart_record failed"), 2u);
  b.history->throws.clear();
  b.look(1min);
  EXPECT_TRUE(b.record->savings().today);
  b.history->throws = "no luck";
  b.look(15min);
  EXPECT_EQ(b.log.count("smart_record failed"), 3u) << "again";
}

TEST(SmartRecordTest, SetsAsideWhatIsDamaged) {
  Bench b;
  b.write("savings.json", "{");
  b.write("smart_plan.json", "[]");
  b.look();
  EXPECT_EQ(b.log.count("smart_record not_restored"), 2u);
  EXPECT_EQ(b.set_aside(), 2);
  EXPECT_EQ(b.record->savings().month->known, 11);
  b.start();
  b.look();
  EXPECT_EQ(b.log.count("smart_record not_restored"), 2u);
}

TEST(SmartRecordTest, TellsOfADiskThatFailsUntilItWorksAgain) {
  Bench b;
  fs::create_directories(b.root / "savings.json.new/x");
  fs::create_directories(b.root / "smart_plan.json.new/x");
  SmartPlan plan;
  plan.made = noon;
  plan.slots.push_back({.begin = noon, .end = noon + hours{1}});
  b.plan = std::make_shared<const SmartPlan>(plan);
  b.look();
  EXPECT_EQ(b.told_failed.back(), true);
  EXPECT_EQ(b.log.count("smart_record not_kept"), 2u);
  fs::remove_all(b.root / "savings.json.new");
  b.look(1min - 1s);
  EXPECT_FALSE(fs::exists(b.root / "savings.json"));
  b.look(1s);
  EXPECT_TRUE(fs::exists(b.root / "savings.json"));
  EXPECT_EQ(b.told_failed.back(), true) << "the other is still to be written";
  fs::remove_all(b.root / "smart_plan.json.new");
  b.look(1min);
  EXPECT_TRUE(fs::exists(b.root / "smart_plan.json"));
  EXPECT_EQ(b.told_failed.back(), false);
  EXPECT_EQ(b.log.count("smart_record not_kept"), 2u);
}

TEST(SmartRecordTest, WithoutAStateDirectoryNothingIsKept) {
  Bench b;
  b.record.emplace(SmartRecordDeps{.state_dir = "",
                                   .history = b.history,
                                   .zone = civil_time::Zone::utc(),
                                   .events = b.log.sink(),
                                   .storage_failed = [](bool) { FAIL(); }});
  b.look();
  EXPECT_TRUE(b.record->savings().today);
  EXPECT_TRUE(fs::is_empty(b.root));
}

TEST(SmartRecordTest, ClosedItTellsNothing) {
  Bench b;
  b.write("savings.json", "{");
  b.record->close();
  b.look();
  EXPECT_EQ(b.log.count("smart_record"), 0u);
}

}  // namespace
}  // namespace esshub::actors
