// A thousand noisy houses: how often each clamp is named right, not sure, wrong; then the same
// where nobody has told that no export limit works, and where the solar inverter holds one.
//   commissioning_houses [HOUSES] [FIRST_SEED]     fails where one is named wrong
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/commissioning/noisy_house.hpp"

namespace {

using namespace esshub;
using namespace esshub::commissioning;
using namespace esshub::commissioning::tests;

/// House `n`: its wiring, trouble and light go through all there are.
Case house(std::size_t n, std::uint64_t seed) {
  Case c = wiring(n % 48);
  constexpr std::array troubles{Trouble::none, Trouble::none,        Trouble::twice,
                                Trouble::dead, Trouble::wrong_phase, Trouble::three_wire,
                                Trouble::none};
  c.trouble = troubles.at(n % troubles.size());
  c.troubled = n / 5 % 4;
  c.day = n % 2 == 0;
  // By day and night the same wirings: 48 is even.
  if (n / 48 % 2 == 1) c.day = !c.day;
  c.power = n % 11 == 10 ? Watts{200.0} : usual_power;
  c.seed = seed + n;
  return c;
}

/// The same by day, its solar inverter with an export limit of 0 or 1000 W, 0 to 1 s late.
Case limited(std::size_t n, std::uint64_t seed) {
  Case c = house(n, seed);
  constexpr std::array late{0.0, 0.5, 1.0};
  c.day = true;
  c.told_no_limit = false;
  c.export_limit = n % 2 == 0 ? Watts{} : Watts{1000.0};
  c.limit_late = Seconds{late.at(n / 2 % late.size())};
  c.limit_hunts = n / 6 % 2 == 1;
  c.calm = n / 12 % 3 == 0;
  return c;
}

using Count = std::array<unsigned, 3>;  // by Score

struct Table {
  std::string title;
  std::array<Count, 4> by_clamp{};
  std::array<Count, 5> by_trouble{};

  /// Whether none is named wrong.
  bool add(const Case& c) {
    const Run run = play(c);
    const Findings findings = judge(run.measured);
    bool right = true;
    for (std::size_t i = 0; i < 4; ++i) {
      const Score s = score(c, run, findings, i);
      ++by_clamp.at(static_cast<std::size_t>(c.at[i])).at(static_cast<std::size_t>(s));
      ++by_trouble.at(static_cast<std::size_t>(c.trouble)).at(static_cast<std::size_t>(s));
      right = right && s != Score::wrong;
    }
    if (!right) std::printf("WRONG: %s\n", text(c, findings).c_str());
    return right;
  }
  void print() const {
    constexpr std::array rows{"grid", "solar", "battery line", "circuit"};
    constexpr std::array troubles{"  all right", "  ratio 2x", "  dead", "  wrong phase", "  3P3W"};
    std::printf("%-24s %8s %9s %8s\n", title.c_str(), "right", "not sure", "wrong");
    const auto line = [](const char* name, const Count& of) {
      std::printf("%-24s %8u %9u %8u\n", name, of[0], of[1], of[2]);
    };
    for (std::size_t i = 0; i < rows.size(); ++i) line(rows[i], by_clamp[i]);
    for (std::size_t i = 0; i < troubles.size(); ++i) line(troubles[i], by_trouble[i]);
    std::printf("\n");
  }
};

}  // namespace

int main(int argc, char** argv) {
  const std::size_t houses = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const std::uint64_t seed = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1;
  std::array<Table, 6> tables;
  constexpr std::array titles{"by day",           "by night",
                              "by day, not told", "by night, not told",
                              "export limit 0 W", "export limit 1000 W"};
  for (std::size_t i = 0; i < titles.size(); ++i) tables.at(i).title = titles.at(i);
  std::size_t wrong = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t n = 0; n < houses; ++n) {
    Case c = house(n, seed);
    wrong += tables.at(c.day ? 0 : 1).add(c) ? 0 : 1;
    c.told_no_limit = false;
    wrong += tables.at(c.day ? 2 : 3).add(c) ? 0 : 1;
    c = limited(n, seed);
    wrong += tables.at(*c.export_limit == Watts{} ? 4 : 5).add(c) ? 0 : 1;
  }
  const double took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("three times %zu houses, %.1f s\n\n", houses, took);
  for (const auto& table : tables) table.print();
  return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
