#include "sim/step_response/report.hpp"

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "sim/csv.hpp"

namespace esshub::sim {
namespace {

TEST(StepResponse, TheReportNamesEveryGoal) {
  StepReport report;
  const auto step = usual_steps()[1];
  report.loops.push_back({LoopKind::hub, {}, {}, {}});
  for (int n = 0; n < 2; ++n)
    report.loops[0].steps.push_back(record_step(report.plant, LoopKind::hub, step, 1));
  const auto text = as_text(report);
  for (const auto& goal : goals(report)) EXPECT_NE(text.find(goal.what), std::string::npos);
  EXPECT_NE(as_json(report).find("\"bound_1kw_wh\""), std::string::npos);
}

StepReport report_of_nothing() {
  StepRecord record;
  record.step = usual_steps()[1];
  record.runs.resize(1);
  StepReport report;
  report.loops.push_back({LoopKind::hub, {record, record}, {}, {}});
  return report;
}

TEST(StepResponse, TheGoalOfARecordedLoadIsThatLoadsOwn) {
  StepReport report = report_of_nothing();
  report.loops[0].trace = TraceFigures{WattHours{100}, WattHours{2}, WattHours{5}};
  report.second_late = follow_late({0.0, 7200.0, 0.0, 10800.0}, 1);  // +5 Wh, -2 Wh
  const auto all = goals(report);
  ASSERT_EQ(all.size(), 12u);
  EXPECT_EQ(all[10].what, "recorded load, import");
  EXPECT_NEAR(all[10].limit, 5.0, 1e-9);
  EXPECT_TRUE(all[10].met());
  EXPECT_NEAR(all[11].limit, 2.0, 1e-9);
  EXPECT_FALSE(all[11].met());
}

TEST(StepResponse, LaboratoryFiguresAreThoseOfTheDatabase) {
  const auto number = [](std::string_view name) {
    return CsvColumn{.names = {name}, .low = 0.0, .high = 100.0, .unit = ""};
  };
  const std::array columns{number("dead_s"), number("settling_s"), number("discharging_import_w"),
                           number("discharging_export_w")};
  const auto values =
      read_csv(std::filesystem::path{ESSHUB_TEST_DATA} / "home_batteries_bslib.csv", columns);
  ASSERT_TRUE(values) << values.error();
  ASSERT_EQ(laboratory().size(), (*values)[0].size());
  for (std::size_t i = 0; i < laboratory().size(); ++i) {
    const auto& system = laboratory()[i];
    EXPECT_EQ(system.dead, (*values)[0][i]) << system.system;
    EXPECT_EQ(system.settling, (*values)[1][i]) << system.system;
    EXPECT_EQ(system.import, (*values)[2][i]) << system.system;
    EXPECT_EQ(system.export_, (*values)[3][i]) << system.system;
  }
  const StepReport report = report_of_nothing();
  for (const auto& system : laboratory())
    EXPECT_NE(as_text(report).find(system.system), std::string::npos);
  EXPECT_NE(as_json(report).find("\"laboratory\""), std::string::npos);
}

}  // namespace
}  // namespace esshub::sim
