// properties: the invariants of docs/safety-contract.md over random houses, faults and orders, and
// what was reached of all that can be.
#include <rapidcheck.h>

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "tests/properties/batches.hpp"
#include "tests/properties/coverage.hpp"
#include "tests/properties/generators.hpp"
#include "tests/properties/invariants.hpp"

namespace esshub::properties {
namespace {

constexpr const char* usage =
    "properties [TICKS] [--exactly] [--jobs N] [--seed S]\n"
    "  Runs until the table of what is to be reached is full, and then as long again; TICKS at\n"
    "  least. Fails when it is not full after 20 million, or after TICKS if that is more.\n"
    "  --exactly  TICKS and no more, however full the table is\n"
    "  RC_PARAMS=\"noshrink=1\" leaves a case that fails as it was found.\n";

constexpr unsigned ticks_per_case = 1000;
constexpr unsigned cases_per_batch = 20;
constexpr std::uint64_t ticks_per_batch = ticks_per_case * cases_per_batch;

/// Plays the history over and over until the ticks of a case have passed.
void play(const House& house, const std::vector<Event>& history, Coverage& coverage) {
  Invariants invariants;
  unsigned tick = 0;
  World world(
      house,
      [&](const Seen& seen) {
        if (const auto broken = invariants.broken(seen))
          RC_FAIL(*broken + " at tick " + std::to_string(tick));
        coverage.see(seen);
      },
      [&](const FaultSet& faults) { coverage.see(faults); });
  std::size_t next = 0;
  unsigned until_next = history.empty() ? ticks_per_case : history.front().after;
  for (; tick < ticks_per_case; ++tick) {
    for (std::size_t events = 0; until_next == 0 && events < history.size(); ++events) {
      world.happen(history[next]);
      next = (next + 1) % history.size();
      until_next = history[next].after;
    }
    if (until_next > 0) --until_next;
    world.tick();
  }
}

/// What RC_PARAMS holds already (reproduce=..., noshrink=1) counts too.
bool check(std::uint64_t seed, Counts& counts) {
  const std::string given = std::getenv("RC_PARAMS") ? std::getenv("RC_PARAMS") : "";
  const std::string params = "seed=" + std::to_string(seed) +
                             " max_success=" + std::to_string(cases_per_batch) + " " + given;
  ::setenv("RC_PARAMS", params.c_str(), 1);
  Coverage coverage;
  const bool held = rc::check("the safety contract holds in every tick", [&] {
    const House house = *any_house();
    play(house, *any_history(house), coverage);
  });
  counts = coverage.counts();
  return held;
}

struct Options {
  std::uint64_t ticks = ticks_per_batch;
  bool exactly = false;
  Batches batches;
};

template <class Number>
bool read(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  return error == std::errc{} && end == text.end();
}

bool read(std::span<char*> words, Options& options) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const std::string_view next = i + 1 < words.size() ? words[i + 1] : "";
    if (word == "--exactly") {
      options.exactly = true;
    } else if (word == "--jobs" || word == "--seed") {
      ++i;
      if (!(word == "--jobs" ? read(next, options.batches.jobs) : read(next, options.batches.seed)))
        return false;
    } else if (!read(word, options.ticks)) {
      return false;
    }
  }
  return true;
}

int run(std::span<char*> words) {
  Options options;
  options.batches.seed = std::random_device{}();
  if (!read(words, options)) {
    std::cerr << usage;
    return 64;  // EX_USAGE
  }
  Coverage coverage;
  options.batches.counts = coverage.counts().size();
  const std::uint64_t most = std::max<std::uint64_t>(options.ticks, 20'000'000);
  std::uint64_t ticks = 0;
  std::uint64_t full_at = 0;
  const bool held = run_batches(options.batches, check, [&](const Counts& counts) {
    coverage.add(counts);
    ticks += ticks_per_batch;
    if (full_at == 0 && coverage.full()) full_at = ticks;
    if (options.exactly) return ticks < options.ticks;
    if (full_at == 0) return ticks < most;
    return ticks < std::max(options.ticks, 2 * full_at);
  });
  coverage.print(std::cout);
  std::cout << "The safety contract " << (held ? "holds" : "DOES NOT HOLD") << " from seed "
            << options.batches.seed << " on, " << ticks << " ticks";
  if (full_at > 0) std::cout << ", the table was full after " << full_at;
  std::cout << '\n';
  if (!held) return EXIT_FAILURE;  // at the case that fails, what was not reached yet says nothing
  const auto missing = coverage.missing();
  for (const auto& line : missing) std::cout << "NOT REACHED  " << line << '\n';
  return options.exactly || missing.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace esshub::properties

int main(int argc, char** argv) {
  return esshub::properties::run(std::span{argv, static_cast<std::size_t>(argc)}.subspan(1));
}
