#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "app/commands.hpp"

namespace esshub::app {
namespace {

using testing::HasSubstr;

TEST(Check, AGoodFileIsSummedUpInOneLine) {
  std::ostringstream out, err;
  const std::string example = ESSHUB_SOURCE_DIR "/deploy/esshub.example.toml";
  EXPECT_EQ(check(example, out, err), exit_ok);
  EXPECT_EQ(out.str(), example +
                           ": ok, 3 buses: meters (modbus, 2 meters on /dev/esshub-rs485 at 9600 "
                           "baud), battery (pylontech on /dev/esshub-can at 115200 baud), inverter "
                           "(vebus on /dev/esshub-mk3 at 2400 baud)\n");
  EXPECT_EQ(err.str(), "");
}

TEST(Check, AWarningIsToldAndNoError) {
  std::ostringstream out, err;
  EXPECT_EQ(check(ESSHUB_TEST_DATA "/config/warnings.toml", out, err), exit_ok);
  EXPECT_THAT(out.str(), HasSubstr(": ok, 3 buses"));
  EXPECT_THAT(err.str(),
              HasSubstr("warnings.toml:7:11: warning: battery.reserve: is 0.2 %, is 20 % "
                        "meant?\n"));
}

TEST(Check, AFileThatItNamesAndCannotReadIsAnError) {
  std::ostringstream out, err;
  EXPECT_EQ(check(ESSHUB_TEST_DATA "/config/absent_file.toml", out, err), exit_config);
  EXPECT_EQ(out.str(), "");
  EXPECT_THAT(err.str(), HasSubstr("mqtt.tls_ca: /nowhere/ca.pem cannot be read: No such file"));
}

TEST(Check, PrintsTheExample) {
  std::ostringstream out;
  std::ostringstream text;
  EXPECT_EQ(check_example(out), exit_ok);
  text << std::ifstream{ESSHUB_SOURCE_DIR "/deploy/esshub.example.toml"}.rdbuf();
  EXPECT_EQ(out.str(), text.str());
}

TEST(Check, EveryErrorIsALineOnTheErrorStream) {
  std::ostringstream out, err;
  const std::string file = ESSHUB_TEST_DATA "/config/errors.toml";
  EXPECT_EQ(check(file, out, err), exit_config);
  EXPECT_EQ(out.str(), "");
  EXPECT_THAT(err.str(), HasSubstr("\n" + file + ":3:13: site.time_zone: "));
  EXPECT_THAT(err.str(), HasSubstr("\n" + file +
                                   ":5:1: grid.setpoint: unknown key, did you mean "
                                   "setpoint_w?\n"));
  EXPECT_THAT(err.str(), HasSubstr("\n" + file + ":7:11: battery.reserve: "));
}

}  // namespace
}  // namespace esshub::app
