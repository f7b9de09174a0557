// The witness test (F25): something is pulled at a random instant, and the plant's truth says how
// soon the battery no longer lifts the export above its cap; keeps docs/witness.md.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/scenarios/witness_case.hpp"

namespace esshub::sim {
namespace {

constexpr std::string_view document = ESSHUB_SOURCE_DIR "/docs/witness.md";
constexpr Duration promised = 5s;  // docs/safety-contract.md, F25
constexpr Duration lock_out = 4h;
constexpr Duration lost_by_a_power_cut = 16min;  // saved every 15 min; a restart takes a minute

constexpr std::string_view head =
    R"(# Witness test: how soon the battery stops exporting when something is pulled

Made by the program `witness`, whose test fails when a case is slower than its bound or this file lacks a row; do not
edit. After a change: `tests/witness --write` (a minute of one core; the optimised build).

**This is measured behaviour in a G100-style witness test. It is no claim to comply with G100 or any other grid code.**
What is measured is the hub against the simulated house in virtual time, with `grid.witness = true`; no real meter,
inverter or witness was there. The unit's own time-out is not known for sure (reference: vebus-mk3#7.4).

Each case draws an export cap (0, 500, 1000 or 2000 W), a house that serves itself or sells as much as the cap allows, loads
and sun from its seed; something is pulled at a random instant, and a load of 500 to 3000 W (1300 W at 400 W/s) goes
meanwhile. The plant's own power at the grid connection and at the battery are judged, not what the hub makes of them.

- **above**: cases in which the battery's doing was more than 50 W above the cap at all; p50, p99 and worst are of these.
- **back after**: from the pull to the last moment above the cap by the battery's doing. Where nothing or the CAN adapter is
  pulled: from the load that goes.
- **bound**: for each case age + tick + wire + power/ramp, by the plant's power: 1 s (a clamp that is off: 1.52 s for the meter's
  filter and 0.5 s; a meter that repeats one word: 1.5 s and two readings of 0.33 s), 0.02 s, 0.3 s, and the way of the
  battery; the column has the largest. The battery's `discharge_limit_w` is what `grid.witness` allows with that ramp: 2400 W
  and 1008 W.

)";

constexpr std::string_view alive_head = R"(## The hub lives

| pulled | ramp | cases | above | p50 | p99 | worst | bound | over its bound |
|---|---|---|---|---|---|---|---|---|
)";
constexpr std::string_view dead_head = R"(
## The hub, its way to the inverter or its supply is gone

The inverter goes on by itself until its setpoint times out: the hub cannot shorten that. Bound: the time-out, 0.3 s and
power/ramp. The ramp is 1000 W/s.

| pulled | time-out | cases | above | p50 | p99 | worst | bound | over its bound |
|---|---|---|---|---|---|---|---|---|
)";
constexpr std::string_view locked_head = R"(
## The third excursion

The meter's clamp or adapter is pulled three times while the battery sells 1000 W; the board loses its power at random
between and after, for up to 15 min. Then loads go and the sun comes every few minutes for as long as the lock-out lasts.

| cases | power cuts | locked by the third | running time locked | longest export by the battery meanwhile | bound |
|---|---|---|---|---|---|
)";

struct Row {
  Pulled pulled;
  double ramp;
  Duration timeout;
  std::vector<Duration> back{};  ///< above 0
  std::size_t cases = 0;
  std::size_t over = 0;
  Duration bound{};

  [[nodiscard]] bool alive() const { return pulled < Pulled::mk3; }
  /// The row's first cells, as in the document.
  [[nodiscard]] std::string label() const {
    const auto s = std::to_string(timeout / 1s) + " s";
    return "| " + std::string(name(pulled)) + " | " +
           (alive() ? std::to_string(std::lround(ramp)) + " W/s" : s) + " | ";
  }
};

std::vector<Row> rows() {
  std::vector<Row> all;
  for (const Pulled pulled :
       {Pulled::load, Pulled::meter, Pulled::freeze, Pulled::clamp, Pulled::rs485, Pulled::can})
    for (const double ramp : {1000.0, 400.0}) all.push_back({pulled, ramp, 15s});
  for (const Pulled pulled : {Pulled::mk3, Pulled::process, Pulled::board})
    for (const Duration timeout : {10s, 15s, 60s}) all.push_back({pulled, 1000.0, timeout});
  return all;
}

std::string seconds(Duration time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f s", Seconds{time}.count());
  return text.data();
}

std::string row_text(Row& row) {
  std::ranges::sort(row.back);
  const auto quantile = [&](double q) {
    if (row.back.empty()) return std::string{"-"};
    const auto last = static_cast<double>(row.back.size() - 1);
    return seconds(row.back.at(static_cast<std::size_t>(std::lround(q * last))));
  };
  return row.label() + std::to_string(row.cases) + " | " + std::to_string(row.back.size()) + " | " +
         quantile(0.5) + " | " + quantile(0.99) + " | " + quantile(1.0) + " | " +
         seconds(row.bound) + " | " + std::to_string(row.over) + " |\n";
}

struct Part {
  std::string text{};
  bool good = true;
};

/// `count` cases, the rows by turns; the seed is the case's number.
Part pulled(std::uint64_t count, std::uint64_t first) {
  auto all = rows();
  Part out;
  for (std::uint64_t n = first; n < first + count; ++n) {
    Row& row = all[n % all.size()];
    const WitnessCase which{row.pulled, row.ramp, row.timeout, n};
    const Witnessed found = run_case(which);
    ++row.cases;
    if (found.back > Duration{}) row.back.push_back(found.back);
    row.bound = std::max(row.bound, found.bound);
    const bool late = found.back > (row.alive() ? std::min(found.bound, promised) : found.bound);
    if (late) ++row.over;
    if (!late) continue;
    std::fprintf(stderr, "case %llu, %s: back after %s, bound %s\n",
                 static_cast<unsigned long long>(n), row.label().c_str(),
                 seconds(found.back).c_str(), seconds(found.bound).c_str());
    out.good = false;
  }
  out.text = std::string(alive_head);
  for (Row& row : all)
    if (row.alive()) out.text += row_text(row);
  out.text += dead_head;
  for (Row& row : all)
    if (!row.alive()) out.text += row_text(row);
  return out;
}

Part locked(std::uint64_t count) {
  Part out{std::string(locked_head)};
  int cuts = 0;
  std::uint64_t right = 0;
  Duration shortest = Duration::max();
  Duration longest{};
  Duration exported{};
  Duration bound{};
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    const LockedOut found = run_lock_out(seed);
    cuts += found.power_cuts;
    if (found.locked) ++right;
    const Duration length = found.length.value_or(Duration{});
    shortest = std::min(shortest, length);
    longest = std::max(longest, length);
    exported = std::max(exported, found.longest_export);
    bound = std::max(bound, found.bound);
    if (found.locked && length >= lock_out && found.longest_export <= found.bound &&
        length <= lock_out + found.power_cuts * lost_by_a_power_cut + 1min)
      continue;
    std::fprintf(stderr, "lock-out %llu: locked %d, %d power cuts, %s, export for %s\n",
                 static_cast<unsigned long long>(seed), int{found.locked}, found.power_cuts,
                 seconds(length).c_str(), seconds(found.longest_export).c_str());
    out.good = false;
  }
  const auto minutes = [](Duration time) {
    return std::to_string(time / 1h) + " h " + std::to_string(time % 1h / 1min) + " min";
  };
  if (count > 0)
    out.text += "| " + std::to_string(count) + " | " + std::to_string(cuts) + " | " +
                std::to_string(right) + " | " + minutes(shortest) + " to " + minutes(longest) +
                " | " + seconds(exported) + " | " + seconds(bound) + " |\n";
  return out;
}

/// The document is of this program: its words, and every row.
bool is_of_this_program() {
  std::ifstream file{std::string(document)};
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  bool good = text.starts_with(head);
  for (const auto part : {alive_head, dead_head, locked_head})
    good &= text.find(part) != std::string::npos;
  for (const Row& row : rows()) good &= text.find(row.label()) != std::string::npos;
  if (!good)
    std::fputs("docs/witness.md is of another program; its head tells how to renew it\n", stderr);
  return good;
}

int usage() {
  std::fputs("usage: witness CASES LOCK_OUTS [--check | --write | --from SEED]\n", stderr);
  return 2;
}

int main(const std::vector<std::string>& words) {
  if (words.size() < 2 || words.size() > 4) return usage();
  const std::string how = words.size() > 2 ? words[2] : "";
  const bool from = how == "--from";
  if (!how.empty() && how != "--check" && how != "--write" && !from) return usage();
  if (from != (words.size() == 4)) return usage();
  Part found = pulled(std::stoull(words[0]), from ? std::stoull(words[3]) : 1);
  const Part third = locked(std::stoull(words[1]));
  found.text += third.text;
  found.good &= third.good;
  std::fputs(found.text.c_str(), stdout);
  if (how == "--check") found.good &= is_of_this_program();
  if (how == "--write") {
    std::ofstream file{std::string(document)};
    file << head << found.text;
    found.good &= static_cast<bool>(file.flush());
  }
  return found.good ? 0 : 1;
}

}  // namespace
}  // namespace esshub::sim

int main(int argc, char** argv) {
  try {
    return esshub::sim::main({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "witness: %s\n", error.what());
    return 1;
  }
}
