#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/child.hpp"

namespace esshub::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct Result {
  int status;
  std::string out, err;
};
Result run(std::vector<std::string> arguments) {
  Child child{std::move(arguments)};
  child.end_input();
  auto out = child.rest();
  auto err = child.errors();
  return {child.status(), std::move(out), std::move(err)};
}

const std::string example = ESSHUB_SOURCE_DIR "/deploy/esshub.example.toml";
const std::string bad_config = ESSHUB_TEST_DATA "/config/errors.toml";

TEST(CommandLine, HelpShowsAnExampleAndTheExitCodes) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--help"},
                                                    {"run", "--help"},
                                                    {"check", "--help"},
                                                    {"decode", "--help"},
                                                    {"sniff", "--help"}}) {
    const auto result = run(arguments);
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.out,
                AllOf(HasSubstr("example: "), HasSubstr("exit codes: 0 ok"), HasSubstr("78")));
    EXPECT_THAT(result.err, IsEmpty());
  }
}

TEST(CommandLine, VersionIsOneLine) {
  const auto result = run({"--version"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, testing::MatchesRegex("esshub [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(CommandLine, WrongUsageIs64AndSaysWhy) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{},
        {"--colour"},
        {"fly"},
        {"run", "--config"},
        {"rnu"},
        {"check", example, "--example"},
        {"check", example, "more"},
        {"decode"},
        {"decode", "--kind", "morse"},
        {"sniff"},
        {"sniff", "--port", "/dev/a", "--can", "b"},
        {"sniff", "--can", "b", "--baud", "9600"},
        {"sniff", "--port", "/dev/a", "--baud", "0"},
        {"sniff", "--port", "/dev/a", "--kind", "can"},
        {"sniff", "--port", "/dev/a", "--seconds", "x"}}) {
    const auto result = run(arguments);
    EXPECT_EQ(result.status, 64) << testing::PrintToString(arguments);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, testing::Not(IsEmpty()));
  }
}

TEST(CommandLine, CheckSumsUpAGoodFile) {
  const auto result = run({"check", example});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, StartsWith(example + ": ok, 3 buses: "));
  EXPECT_THAT(result.err, IsEmpty());
}

TEST(CommandLine, CheckAndRunRefuseABadFileWithEveryError) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"check", bad_config}, {"run", "--config", bad_config}}) {
    const auto result = run(arguments);
    EXPECT_EQ(result.status, 78);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err,
                AllOf(HasSubstr(bad_config + ":3:13: "), HasSubstr(bad_config + ":5:1: "),
                      HasSubstr(bad_config + ":7:11: ")));
  }
  EXPECT_EQ(run({"check", "/nowhere.toml"}).status, 78);
}

}  // namespace
}  // namespace esshub::tests
