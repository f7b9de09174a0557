#include "sim/step_response/report.hpp"

#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

TEST(StepResponse, ThePictureIsAWholeSvg) {
  StepReport report;
  report.loops.push_back({LoopKind::hub, {}, {}, {}});
  for (int n = 0; n < 2; ++n)
    report.loops[0].steps.push_back(record_step(report.plant, LoopKind::hub, usual_steps()[1], 1));
  EXPECT_NE(as_svg(report).find("</svg>"), std::string::npos);
}

}  // namespace
}  // namespace esshub::sim
