// Runs the real program: its exit codes and streams are what scripts and systemd rely on.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

/// The program as a child with pipes on its three streams.
class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    int in[2], out[2], err[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
      return;
    std::signal(SIGPIPE, SIG_IGN);  // a child that ended early fails its test, not the whole run
    arguments.insert(arguments.begin(), ESSHUB_PROGRAM);
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      dup2(err[1], STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(in[0]), close(out[1]), close(err[1]);
    in_ = fdopen(in[1], "w");
    out_ = fdopen(out[0], "r");
    err_ = fdopen(err[0], "r");
  }
  ~Child() {
    if (in_) fclose(in_);
    if (out_) fclose(out_);
    fclose(err_);
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void send(int signal) const { ::kill(pid_, signal); }
  void type(const std::string& text) const {
    fputs(text.c_str(), in_);
    fflush(in_);
  }
  void end_input() {
    fclose(in_);
    in_ = nullptr;
  }
  void stop_reading() {
    fclose(out_);
    out_ = nullptr;
  }
  std::string line() const { return read_line(out_); }
  std::string rest() const { return read_all(out_); }
  std::string errors() const { return read_all(err_); }
  /// Reads stderr up to the first line that holds `text`; "" if it ends before.
  std::string error_line(const std::string& text) const {
    for (std::string next = read_line(err_); !next.empty(); next = read_line(err_))
      if (next.find(text) != std::string::npos) return next;
    return "";
  }
  /// The exit status; a signal that killed it counts as 128 + its number.
  int status() {
    int raw = 0;
    waitpid(std::exchange(pid_, -1), &raw, 0);
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  }

 private:
  static std::string read_line(FILE* from) {
    std::string text;
    for (int c = fgetc(from); c != EOF; c = fgetc(from)) {
      text += static_cast<char>(c);
      if (c == '\n') break;
    }
    return text;
  }
  static std::string read_all(FILE* from) {
    std::string text;
    for (int c = fgetc(from); c != EOF; c = fgetc(from)) text += static_cast<char>(c);
    return text;
  }

  pid_t pid_ = -1;
  FILE* in_ = nullptr;
  FILE* out_ = nullptr;
  FILE* err_ = nullptr;
};

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
        {"run"},
        {"run", "--config"},
        {"check"},
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

TEST(CommandLine, DecodeAnswersEveryLineAtOnce) {
  struct Row {
    const char* kind;
    const char* frame;
  };
  for (const auto& [kind, frame] :
       {Row{"modbus", "01 04 00 00 00 02 71 CB"}, Row{"can", "can0 355#32006300"},
        Row{"mk3", "07 FF 56 2C 1E 11 00 42 07"}}) {
    Child child{{"decode", "--kind", kind}};
    child.type("# a comment\n\n   \n" + std::string{frame} + "\r\n");
    const auto answer = nlohmann::json::parse(child.line(), nullptr, false);
    EXPECT_TRUE(answer.is_object() && !answer.contains("error")) << answer;
    child.type("certainly no frame \xff\n");
    const auto error = nlohmann::json::parse(child.line(), nullptr, false);
    EXPECT_TRUE(error.is_object() && error.contains("error")) << kind;
    child.end_input();
    EXPECT_THAT(child.rest(), IsEmpty());
    EXPECT_EQ(child.status(), 0) << kind;
  }
}

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
  std::string file_ = testing::TempDir() + "esshub_cli_test_" + std::to_string(getpid()) + ".toml";
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
  EXPECT_THAT(hub.line(), AllOf(StartsWith("time "), EndsWith("  why\n")));
  EXPECT_THAT(hub.line(), HasSubstr("--"));
  hub.stop_reading();
  hub.send(SIGTERM);
  EXPECT_EQ(hub.status(), 0);
}

}  // namespace
