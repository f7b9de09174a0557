#include "sim/step_response/command.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

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

TEST(StepCommand, ALoadOfMinutesIsRefused) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("esshub_minutes_" + std::to_string(::getpid()) + ".csv");
  std::ofstream(file) << "local_time,load_w\n2026-06-21T12:00:00,300\n2026-06-21T12:01:00,900\n";
  StepCommand command;
  command.load = file;
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_step_response(command), exit_config);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("expected a row a second"),
            std::string::npos);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace esshub::sim
