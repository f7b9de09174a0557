#include "sim/step_response/report.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace esshub::sim
