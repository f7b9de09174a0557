#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/app/child.hpp"

namespace esshub::tests {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

/// A hub whose devices are all absent: it must run, wait for them, and stop in order.
class Service : public testing::Test {
 protected:
  Service() { write(""); }
  ~Service() override { std::filesystem::remove(file_); }
  void write(const std::string& more) const {
    std::ofstream{file_}
        << "[site]\nstate_dir = \"\"\n[control]\nrealtime = false\n[metrics]\naddress = "
           "\"\"\n" +
               more +
               R"(
[[bus]]
name = "meters"
kind = "modbus"
port = "/nowhere/meters"
[[bus.meter]]
model = "sdm630"
unit = 1
channels = [ { phase = 1, measures = "grid" } ]
[[bus]]
name = "battery"
kind = "pylontech"
port = "/nowhere/battery"
[[bus]]
name = "inverter"
kind = "vebus"
port = "/nowhere/inverter"
)";
  }
  std::string file_ = testing::TempDir() + "esshub_run_test_" + std::to_string(getpid()) + ".toml";
};

TEST_F(Service, StopsInOrderOnSigtermAndSigint) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Child hub{{"run", "--config", file_}};
    ASSERT_THAT(hub.error_line(" starting "), HasSubstr("buses=3"));
    hub.send(signal);
    EXPECT_THAT(hub.error_line(" stopping "),
                HasSubstr(signal == SIGTERM ? "signal=SIGTERM" : "signal=SIGINT"));
    EXPECT_EQ(hub.status(), 0);
  }
}

TEST_F(Service, SighupAppliesAValidFileNamesWhatNeedsARestartAndKeepsTheRunningOneOtherwise) {
  Child hub{{"run", "--config", file_}};
  ASSERT_THAT(hub.error_line(" starting "), HasSubstr("buses=3"));
  hub.send(SIGHUP);
  EXPECT_THAT(hub.error_line("config config_applied"), HasSubstr("valid=yes"));
  write("[grid]\nsetpoint_w = 50\n[history]\nkeep_days = 30\n");
  hub.send(SIGHUP);
  EXPECT_THAT(hub.error_line("config config_applied"), HasSubstr("valid=yes"));
  EXPECT_THAT(hub.error_line("config config_needs_restart"),
              HasSubstr("setting=history.keep_days"));
  write("[grid]\nsetpoint_w = 99999\n");
  hub.send(SIGHUP);
  EXPECT_THAT(hub.error_line("config config_error"), HasSubstr(":8:14: grid.setpoint_w: is 99999"));
  EXPECT_THAT(hub.error_line("config config_rejected"), HasSubstr("kept=running errors=1"));
  hub.send(SIGTERM);
  EXPECT_EQ(hub.status(), 0);
}

TEST_F(Service, LiveShowsARowASecondAndSurvivesItsReader) {
  Child hub{{"run", "--config", file_, "--live"}};
  EXPECT_THAT(hub.line(), StartsWith("signs: "));
  auto header = hub.line();
  if (header.starts_with("information: ")) header = hub.line();  // where nothing sets the clock
  EXPECT_THAT(header, AllOf(StartsWith("time "), EndsWith("  why\n")));
  EXPECT_THAT(hub.line(), HasSubstr("--"));
  hub.stop_reading();
  hub.send(SIGTERM);
  EXPECT_EQ(hub.status(), 0);
}

}  // namespace
}  // namespace esshub::tests
