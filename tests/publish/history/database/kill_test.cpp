// kill -9 at any moment: the real writer, killed again and again on one file.
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "publish/history/monotonic_totals.hpp"
#include "publish/history/settings.hpp"

namespace esshub::publish {
namespace {

/// Reads a line; nothing at the end, or where the line was cut off.
std::optional<std::string> line_of(int fd) {
  std::string line;
  char c = 0;
  while (::read(fd, &c, 1) == 1) {
    if (c == '\n') return line;
    line += c;
  }
  return std::nullopt;
}

/// What it last said, J.
struct Said {
  std::optional<double> written;
  double shown = 0.0;   ///< and promised
  bool failed = false;  ///< since the last batch

  /// True: that a batch is on disk.
  bool take(const std::string& line) {
    if (line.starts_with("shown ")) {
      if (!failed) shown = std::stod(line.substr(6));
      return false;
    }
    if (line == "failed") {
      failed = true;
      return false;
    }
    failed = false;
    written = std::stod(line);
    return true;
  }
};

/// One life of the writer: started, and killed when it has said `batches` times that a batch is on
/// disk and `part` of the time of one more has gone by.
Said one_life(const std::string& file, int batches, double part) {
  int out[2];
  EXPECT_EQ(::pipe(out), 0);
  auto begin = std::chrono::steady_clock::now();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::close(out[0]);
    ::execl(ESSHUB_HISTORY_WRITER, ESSHUB_HISTORY_WRITER, file.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(out[1]);
  Said said;
  std::chrono::duration<double> batch(0.02);
  for (int i = 0; i < batches; ++i) {
    auto line = line_of(out[0]);
    while (line && !said.take(*line)) line = line_of(out[0]);
    EXPECT_TRUE(line) << "it ended by itself";
    if (!line) break;
    batch = std::chrono::steady_clock::now() - begin;
    begin += std::chrono::duration_cast<std::chrono::steady_clock::duration>(batch);
  }
  std::this_thread::sleep_for(part * batch);
  ::kill(pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself with " << WEXITSTATUS(status);
  while (const auto line = line_of(out[0])) said.take(*line);
  ::close(out[0]);
  return said;
}

struct Found {
  std::string integrity = "no file";
  double energy = 0.0, energy_of_days = 0.0, mark = 0.0;
};

Found look(const std::string& file) {
  Found found;
  sqlite3* db = nullptr;
  if (sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    sqlite3_exec(
        db, "PRAGMA integrity_check",
        [](void* text, int, char** row, char**) {
          *static_cast<std::string*>(text) = row[0];
          return 0;
        },
        &found.integrity, nullptr);
    const auto number = [&](const char* sql) {
      double value = 0.0;
      sqlite3_exec(
          db, sql,
          [](void* out, int, char** row, char**) {
            if (row[0]) *static_cast<double*>(out) = std::stod(row[0]);
            return 0;
          },
          &value, nullptr);
      return value;
    };
    found.energy = number("SELECT joules FROM totals WHERE flow='grid_import'");
    found.mark = number("SELECT mark FROM totals WHERE flow='grid_import'");
    found.energy_of_days = number("SELECT sum(grid_import) FROM days");
  }
  sqlite3_close(db);
  return found;
}

TEST(HistoryKill, AtAnyMomentLosesAtMostTheLastBatchAndNeverTheFile) {
  namespace fs = std::filesystem;
  const char* wanted = std::getenv("ESSHUB_KILLS");
  const int kills = wanted ? std::atoi(wanted) : 100;
  std::string pattern = fs::temp_directory_path() / "esshub-kill.XXXXXX";
  const fs::path dir = ::mkdtemp(pattern.data());
  const std::string file = dir / "history.db";

  std::mt19937 dice{11};  // NOLINT: the same moments every time
  std::uniform_int_distribution<int> batches{0, 3};
  std::uniform_real_distribution<double> part{0.0, 1.2};
  const double batch = 1000.0 * std::chrono::duration<double>(HistorySettings{}.batch).count();
  double before = 0.0;
  int with_batches = 0;
  int ahead = 0;  // kills that took away energy which had been shown
  for (int i = 0; i < kills; ++i) {
    const auto said = one_life(file, batches(dice), part(dice));
    if (!fs::exists(file)) continue;  // killed before it began
    const auto found = look(file);
    ASSERT_EQ(found.integrity, "ok") << "after kill " << i;
    ASSERT_GE(found.energy, said.written.value_or(before))
        << "what was on disk is gone, kill " << i;
    ASSERT_LE(found.energy, said.written.value_or(before) + batch);
    ASSERT_GE(found.mark, said.shown) << "the next run would show less than this one, kill " << i;
    ASSERT_LE(found.mark, found.energy + MonotonicTotals::room + 1.0);
    ASSERT_NEAR(found.energy_of_days, found.energy, 1.0) << "half a batch, kill " << i;
    with_batches += said.written ? 1 : 0;
    ahead += said.shown > found.energy ? 1 : 0;
    before = found.energy;
  }
  for (const auto& entry : fs::directory_iterator(dir))
    EXPECT_EQ(entry.path().string().find("damaged"), std::string::npos) << entry.path();
  EXPECT_GT(before, 0.0);
  std::cout << kills << " kills, " << with_batches << " of them after at least one batch; "
            << before / batch << " batches kept; " << ahead << " took away what had been shown\n";
  fs::remove_all(dir);
}

}  // namespace
}  // namespace esshub::publish
