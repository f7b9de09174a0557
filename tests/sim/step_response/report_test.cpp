#include "sim/step_response/report.hpp"

#include <algorithm>
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
  ASSERT_EQ(all.size(), 14u);
  EXPECT_EQ(all[12].what, "recorded load, import");
  EXPECT_NEAR(all[12].limit, 5.0, 1e-9);
  EXPECT_TRUE(all[12].met());
  EXPECT_NEAR(all[13].limit, 2.0, 1e-9);
  EXPECT_FALSE(all[13].met());
}

TEST(StepResponse, TheWorstMomentHasGoalsOfItsOwn) {
  StepReport report = report_of_nothing();
  auto& runs = report.loops[0].steps[1].runs;
  runs.resize(20);
  EXPECT_TRUE(std::ranges::all_of(goals(report), &Goal::met));
  runs[3].dead = Seconds{0.46};
  runs[4].settling = Seconds{1.81};
  int missed = 0;
  for (const auto& goal : goals(report)) missed += !goal.met() && goal.of_worst;
  EXPECT_EQ(missed, 2);
  // Physics does not allow it where the meter is asked once a second.
  report.plant.gap = gap_for(Seconds{1.0}, report.plant);
  EXPECT_TRUE(std::ranges::all_of(goals(report), &Goal::met));
  runs[4].settling = longest_wait(report.plant) + Seconds{1.01};
  EXPECT_FALSE(std::ranges::all_of(goals(report), &Goal::met));
}

TEST(StepResponse, TheWorstMomentIsAllowedWhatTheIdealLoopNeeds) {
  StepReport report = report_of_nothing();
  report.loops.push_back({LoopKind::ideal, report.loops[0].steps, {}, {}});
  const auto set = [&](std::size_t loop, double dead, double settling) {
    auto& run = report.loops[loop].steps[1].runs.front();
    run.dead = Seconds{dead};
    run.settling = Seconds{settling};
  };
  set(0, 0.50, 2.0);
  set(1, 0.44, 1.3);
  const auto missed = [&] {
    return std::ranges::count_if(goals(report),
                                 [](const Goal& goal) { return goal.of_worst && !goal.met(); });
  };
  EXPECT_EQ(missed(), 2);
  EXPECT_NE(as_text(report).find("The hub's worst differ by +0.06 s and +0.70 s."),
            std::string::npos)
      << as_text(report);
  set(1, 0.51, 2.01);
  EXPECT_EQ(missed(), 0);
}

TEST(StepResponse, EachSeedOfTheSweepIsCounted) {
  StepReport report = report_of_nothing();
  for (const std::uint64_t seed : {1, 1, 2, 2}) {
    report.cells.push_back({});
    report.cells.back().seed = seed;
  }
  report.cells.back().overshoot = 0.2;
  EXPECT_NE(as_text(report).find("By seed: 1: 2 of 2; 2: 1 of 2\n"), std::string::npos);
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
