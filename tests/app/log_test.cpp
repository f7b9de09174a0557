#include "app/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <thread>

namespace esshub::app {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;
using testing::SizeIs;

std::vector<std::string> lines(const std::ostringstream& out) {
  std::istringstream in{out.str()};
  std::vector<std::string> result;
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

const Instant t0 = Instant{} + 1h;

class LogLines : public testing::Test {
 protected:
  std::vector<std::string> written(LogFormat format, const std::function<void(Log&)>& work) {
    std::ostringstream out;
    {
      Log log{out, format, [this] { return now; }};
      work(log);
    }
    return lines(out);
  }
  Instant now = t0;
};

TEST_F(LogLines, PlainLinesCarryTimeAndLevel) {
  EXPECT_THAT(written(LogFormat::plain,
                      [](Log& log) {
                        log.write("bus.meters", {Level::warning, "line_down", "reason=\"gone\""});
                        log.write("main", {Level::notice, "stopped", ""});
                      }),
              ElementsAre(MatchesRegex("[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z WARNING bus.meters "
                                       "line_down reason=\"gone\""),
                          MatchesRegex("[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z NOTICE main stopped")));
}

TEST_F(LogLines, JournalLinesCarryThePriority) {
  EXPECT_THAT(written(LogFormat::journal,
                      [](Log& log) {
                        for (const Level level : {Level::critical, Level::error, Level::warning,
                                                  Level::notice, Level::info, Level::debug})
                          log.write("c", {level, std::to_string(static_cast<int>(level)), "k=v"});
                      }),
              ElementsAre("<2>c 0 k=v", "<3>c 1 k=v", "<4>c 2 k=v", "<5>c 3 k=v", "<6>c 4 k=v",
                          "<7>c 5 k=v"));
}

TEST_F(LogLines, AnEventIsOneLineWhateverItsDetail) {
  EXPECT_THAT(written(LogFormat::journal,
                      [](Log& log) {
                        log.write("c", {Level::info, "e", "a={}\nfake b={0}%v"});
                      }),
              ElementsAre("<6>c e a={} fake b={0}%v"));
}

TEST_F(LogLines, RepeatsAreCountedNotWritten) {
  EXPECT_THAT(written(LogFormat::journal,
                      [this](Log& log) {
                        for (int n = 0; n < 3; ++n) log.write("c", {Level::error, "e", "k=v"});
                        log.tidy();  // too early
                        now += 60s;
                        log.tidy();
                        log.write("c", {Level::error, "e", "k=v"});
                      }),
              ElementsAre("<3>c e k=v", "<3>c e k=v suppressed=2", "<3>c e k=v"));
}

TEST_F(LogLines, ManyThreadsWriteWholeLines) {
  const auto all = written(LogFormat::journal, [](Log& log) {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&log, t] {
        for (int n = 0; n < 100; ++n)
          log.write("thread" + std::to_string(t), {Level::info, "e" + std::to_string(n), ""});
      });
  });
  EXPECT_THAT(all, SizeIs(400));
  EXPECT_THAT(all, testing::Each(MatchesRegex("<6>thread[0-3] e[0-9]+")));
}

TEST(LogFormatOfStderr, IsPlainUnlessTheJournalOwnsTheStream) {
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_EQ(format_of_stderr(), LogFormat::plain);
  ::setenv("JOURNAL_STREAM", "0:0", 1);
  EXPECT_EQ(format_of_stderr(), LogFormat::plain);
  struct stat own {};
  ASSERT_EQ(fstat(STDERR_FILENO, &own), 0);
  const auto stream = std::to_string(own.st_dev) + ":" + std::to_string(own.st_ino);
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
  EXPECT_EQ(format_of_stderr(), LogFormat::journal);
  ::unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace esshub::app
