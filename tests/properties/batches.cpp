#include "tests/properties/batches.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <system_error>
#include <vector>

namespace esshub::properties {
namespace {

constexpr std::uint64_t ticks_per_batch = 1'000'000;

struct Batch {
  std::uint64_t seed;
  std::uint64_t ticks;
  pid_t process;
  std::FILE* words;  ///< what it says on standard error
  std::FILE* tally;
};

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::FILE* scratch() {
  std::FILE* file = std::tmpfile();
  if (file == nullptr) fail("tmpfile");
  return file;
}

[[noreturn]] void be(const Batch& batch, const Check& check) {
  ::dup2(::fileno(batch.words), STDERR_FILENO);
  Tally tally;
  const bool held = check(batch.seed, batch.ticks, tally);
  const bool told = std::fwrite(&tally, sizeof tally, 1, batch.tally) == 1;
  std::fflush(nullptr);
  std::_Exit(held && told ? EXIT_SUCCESS : EXIT_FAILURE);
}

Batch begin(std::uint64_t seed, std::uint64_t ticks, const Check& check) {
  std::fflush(nullptr);
  Batch batch{seed, ticks, 0, scratch(), scratch()};
  batch.process = ::fork();
  if (batch.process < 0) fail("fork");
  if (batch.process == 0) be(batch, check);
  return batch;
}

/// Whether the batch held.
bool end(const Batch& batch, int status, Tally& total) {
  Tally tally;
  std::rewind(batch.tally);
  const bool told = std::fread(&tally, sizeof tally, 1, batch.tally) == 1;
  const bool held = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS && told;
  if (!held) {
    std::cerr << "\nbatch of seed " << batch.seed << ", " << batch.ticks << " ticks:";
    if (WIFSIGNALED(status)) std::cerr << " ended by signal " << WTERMSIG(status);
    std::cerr << '\n';
    std::rewind(batch.words);
    std::array<char, 4096> text{};
    while (const auto size = std::fread(text.data(), 1, text.size(), batch.words))
      std::cerr.write(text.data(), static_cast<std::streamsize>(size));
  }
  std::fclose(batch.words);
  std::fclose(batch.tally);
  total.charging += tally.charging;
  total.discharging += tally.discharging;
  total.resting += tally.resting;
  return held;
}

class Progress {
 public:
  explicit Progress(std::uint64_t ticks) : ticks_(ticks) {}

  /// A line that renews itself on a terminal; elsewhere one after each tenth.
  void show(std::uint64_t done) const {
    if (ticks_ <= ticks_per_batch) return;
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    const auto tenths = [&](std::uint64_t n) { return 10 * n / ticks_; };
    if (!terminal && tenths(done) == tenths(done - std::min(done, ticks_per_batch))) return;
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin_;
    std::fprintf(stderr, "%s%.0f of %.0f million ticks, %.0f ticks/s%s", terminal ? "\r" : "",
                 static_cast<double>(done) / 1e6, static_cast<double>(ticks_) / 1e6,
                 static_cast<double>(done) / time.count(), terminal && done < ticks_ ? "" : "\n");
  }

 private:
  std::uint64_t ticks_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace

bool run_batches(const Batches& batches, const Check& check, Tally& total) {
  const Progress progress{batches.ticks};
  std::vector<Batch> running;
  std::uint64_t seed = batches.seed;
  std::uint64_t begun = 0;
  std::uint64_t done = 0;
  bool held = true;
  while (true) {
    while (held && begun < batches.ticks && running.size() < std::max(1u, batches.jobs)) {
      const auto ticks = std::min(ticks_per_batch, batches.ticks - begun);
      running.push_back(begin(seed++, ticks, check));
      begun += ticks;
    }
    if (running.empty()) return held;
    int status = 0;
    const pid_t process = ::wait(&status);
    if (process < 0) fail("wait");
    const auto batch = std::ranges::find(running, process, &Batch::process);
    if (batch == running.end()) continue;
    held = end(*batch, status, total) && held;
    done += batch->ticks;
    running.erase(batch);
    progress.show(done);
  }
}

}  // namespace esshub::properties
