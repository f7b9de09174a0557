#include "sim/step_response/command.hpp"

#include <gtest/gtest.h>

#include "sim/exit_codes.hpp"

namespace esshub::sim {
namespace {

TEST(StepCommand, ALoadThatCannotBeReadIs78BeforeAnythingIsMeasured) {
  StepCommand command;
  command.load = "/nowhere/load.csv";
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_step_response(command), exit_config);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("/nowhere/load.csv"), std::string::npos);
}

}  // namespace
}  // namespace esshub::sim
