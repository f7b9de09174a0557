#include "tests/properties/batches.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <system_error>

namespace esshub::properties {
namespace {

struct Batch {
  std::uint64_t seed;
  pid_t process;
  std::FILE* words;  ///< what it says on standard error
  std::FILE* counts;
};

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::FILE* scratch() {
  std::FILE* file = std::tmpfile();
  if (file == nullptr) fail("tmpfile");
  return file;
}

[[noreturn]] void be(const Batch& batch, const Check& check, std::size_t size) {
  ::dup2(::fileno(batch.words), STDERR_FILENO);
  Counts counts(size);
  const bool held = check(batch.seed, counts);
  const bool told =
      std::fwrite(counts.data(), sizeof counts[0], counts.size(), batch.counts) == counts.size();
  std::fflush(nullptr);
  std::_Exit(held && told ? EXIT_SUCCESS : EXIT_FAILURE);
}

Batch begin(std::uint64_t seed, const Check& check, std::size_t size) {
  std::fflush(nullptr);
  Batch batch{seed, 0, scratch(), scratch()};
  batch.process = ::fork();
  if (batch.process < 0) fail("fork");
  if (batch.process == 0) be(batch, check, size);
  return batch;
}

/// Whether the batch held; waits for it. A batch that crashes ends the program by the same signal:
/// no promise was found broken.
bool end(const Batch& batch, Counts& counts) {
  int status = 0;
  if (::waitpid(batch.process, &status, 0) < 0) fail("waitpid");
  std::rewind(batch.counts);
  const bool told =
      std::fread(counts.data(), sizeof counts[0], counts.size(), batch.counts) == counts.size();
  const bool held = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS && told;
  if (!held) {
    std::cerr << "\nbatch of seed " << batch.seed << ':';
    if (WIFSIGNALED(status)) std::cerr << " ended by signal " << WTERMSIG(status);
    std::cerr << '\n';
    std::rewind(batch.words);
    std::array<char, 4096> text{};
    while (const auto size = std::fread(text.data(), 1, text.size(), batch.words))
      std::cerr.write(text.data(), static_cast<std::streamsize>(size));
  }
  std::fclose(batch.words);
  std::fclose(batch.counts);
  if (WIFSIGNALED(status)) {
    std::cerr.flush();
    ::signal(WTERMSIG(status), SIG_DFL);
    ::raise(WTERMSIG(status));
  }
  return held;
}

}  // namespace

bool run_batches(const Batches& batches, const Check& check, const Enough& go_on) {
  std::deque<Batch> running;
  std::uint64_t seed = batches.seed;
  Counts counts(batches.counts);
  bool held = true;
  bool more = true;
  while (true) {
    while (held && more && running.size() < std::max(1u, batches.jobs))
      running.push_back(begin(seed++, check, batches.counts));
    if (running.empty()) return held;
    held = end(running.front(), counts) && held;
    running.pop_front();
    // What was begun beside the last batch that counts is thrown away: the result goes by the seed
    // alone, whatever the number of processes.
    if (more) more = go_on(counts) && held;
  }
}

}  // namespace esshub::properties
