// A thousand noisy houses: how often each clamp is named right, not sure, wrong.
//   commissioning_houses [HOUSES] [FIRST_SEED]     fails where one is named wrong
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

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

struct Count {
  std::array<unsigned, 3> of{};
};

}  // namespace

int main(int argc, char** argv) {
  const std::size_t houses = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const std::uint64_t seed = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1;
  constexpr std::array rows{"grid", "solar", "battery line", "circuit"};
  std::array<std::array<Count, 4>, 2> counts{};
  std::array<std::array<Count, 5>, 2> by_trouble{};
  unsigned wrong = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t n = 0; n < houses; ++n) {
    const Case c = house(n, seed);
    const Run run = play(c);
    const Findings findings = judge(run.measured);
    bool any = false;
    for (std::size_t i = 0; i < 4; ++i) {
      const auto s = static_cast<std::size_t>(score(c, run, findings, i));
      ++counts[c.day ? 0 : 1].at(static_cast<std::size_t>(c.at[i])).of.at(s);
      ++by_trouble[c.day ? 0 : 1].at(static_cast<std::size_t>(c.trouble)).of.at(s);
      any = any || s == 2;
    }
    if (any) {
      ++wrong;
      std::printf("WRONG: %s\n", text(c, findings).c_str());
    }
  }
  const double took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%zu houses, %.1f s\n\n", houses, took);
  for (const std::size_t light : {0U, 1U}) {
    std::printf("%-14s %8s %9s %8s\n", light == 0 ? "by day" : "by night", "right", "not sure",
                "wrong");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto& of = counts[light][i].of;
      std::printf("%-14s %8u %9u %8u\n", rows[i], of[0], of[1], of[2]);
    }
    constexpr std::array troubles{"all right", "ratio 2x", "dead", "wrong phase", "3P3W"};
    for (std::size_t i = 0; i < troubles.size(); ++i) {
      const auto& of = by_trouble[light][i].of;
      std::printf("  %-12s %8u %9u %8u\n", troubles[i], of[0], of[1], of[2]);
    }
    std::printf("\n");
  }
  return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
