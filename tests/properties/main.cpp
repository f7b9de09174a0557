// properties [TICKS] [--jobs N] [--seed S]: the invariants over random settings, faults and orders
// (docs/safety.md I1-I9).
#include <rapidcheck.h>

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "tests/properties/batches.hpp"
#include "tests/properties/invariants.hpp"

namespace esshub::properties {
namespace {

constexpr unsigned ticks_per_case = 1000;

/// The whole range at once: by itself the library begins with its low end.
rc::Gen<int> any_below(int end) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, end));
}

rc::Gen<double> between(double low, double high) {
  return rc::gen::map(any_below(1001), [=](int parts) {
    return low + (high - low) * static_cast<double>(parts) / 1000.0;
  });
}

/// Settings of an owner: any that validate() takes.
rc::Gen<control::Settings> any_settings() {
  const auto made = rc::gen::exec([] {
    control::Settings s;
    const auto soc = [](double low, double high) {
      return *Soc::from_percent(*between(low, high));
    };
    s.period = std::chrono::milliseconds(*rc::gen::element(50, 100, 250, 1000));
    s.setpoint_life = 2 * s.period + 100ms;
    s.soc_floor = soc(0, 30);
    s.reserve = soc(0, 80);
    s.soc_ceiling = soc(85, 100);
    s.cutoff_soc = soc(0, 5);
    s.soc_hysteresis = *between(0, 4);
    s.charge_limit = Watts{*between(0, 4000)};
    s.discharge_limit = Watts{*between(0, 4000)};
    s.inverter_rating = Watts{*between(100, 4000)};
    s.charger_current = Amperes{*between(1, 80)};
    s.slew = WattsPerSecond{*between(50, 20000)};
    s.charge_voltage_cap = Volts{*between(50, 54)};
    s.grid_setpoint = Watts{*between(-1000, 1000)};
    if (*rc::gen::arbitrary<bool>()) s.import_cap = Watts{*between(1000, 8000)};
    if (*rc::gen::arbitrary<bool>()) s.export_cap = Watts{*between(1000, 4000)};
    return s;
  });
  return rc::gen::suchThat(made, [](const auto& s) { return control::validate(s).empty(); });
}

rc::Gen<std::vector<Event>> any_history() {
  const auto event = rc::gen::construct<Event>(
      rc::gen::map(any_below(40), [](int n) { return static_cast<unsigned>(n) + 1; }),
      rc::gen::map(any_below(static_cast<int>(happening_count)),
                   [](int i) { return static_cast<Happening>(i); }),
      between(0, 1));
  return rc::gen::container<std::vector<Event>>(event);
}

/// Plays the history over and over until the ticks of a case have passed.
void play(const control::Settings& settings, const std::vector<Event>& history, Tally& tally) {
  World world(settings);
  Invariants invariants;
  std::size_t next = 0;
  unsigned until_next = history.empty() ? ticks_per_case : history.front().ticks_before;
  for (unsigned i = 0; i < ticks_per_case; ++i) {
    while (!history.empty() && until_next == 0) {
      world.happen(history[next].what, history[next].value);
      next = (next + 1) % history.size();
      until_next = history[next].ticks_before;
    }
    if (until_next > 0) --until_next;
    const Seen seen = world.tick();
    (seen.decision.battery_power > Watts{}   ? tally.charging
     : seen.decision.battery_power < Watts{} ? tally.discharging
                                             : tally.resting)++;
    if (const auto broken = invariants.broken(world, seen))
      RC_FAIL(*broken + " at tick " + std::to_string(i));
  }
}

/// What RC_PARAMS holds already (reproduce=..., verbose_shrinking=1) counts too.
bool check(std::uint64_t seed, std::uint64_t ticks, Tally& tally) {
  const auto cases = std::max<std::uint64_t>(1, ticks / ticks_per_case);
  const std::string given = std::getenv("RC_PARAMS") ? std::getenv("RC_PARAMS") : "";
  const std::string params = "seed=" + std::to_string(seed) +
                             " max_success=" + std::to_string(cases) + " max_size=60 " + given;
  ::setenv("RC_PARAMS", params.c_str(), 1);
  return rc::check("I1 to I9 hold in every tick",
                   [&] { play(*any_settings(), *any_history(), tally); });
}

template <class Number>
bool read(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  return error == std::errc{} && end == text.end();
}

int run(std::span<char*> words) {
  Batches batches;
  batches.seed = std::random_device{}();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const std::string_view next = i + 1 < words.size() ? words[i + 1] : "";
    const bool option = word == "--jobs" || word == "--seed";
    const bool good = word == "--jobs"   ? read(next, batches.jobs)
                      : word == "--seed" ? read(next, batches.seed)
                                         : read(word, batches.ticks);
    if (!good) {
      std::cerr << "properties [TICKS] [--jobs N] [--seed S]\n";
      return 64;  // EX_USAGE
    }
    if (option) ++i;
  }
  Tally tally;
  const bool held = run_batches(batches, check, tally);
  std::cout << "I1 to I9 " << (held ? "hold" : "DO NOT HOLD") << " from seed " << batches.seed
            << " on, " << batches.ticks << " ticks wanted: " << tally.charging << " charging, "
            << tally.discharging << " discharging, " << tally.resting << " at rest\n";
  return held ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace esshub::properties

int main(int argc, char** argv) {
  return esshub::properties::run(std::span{argv, static_cast<std::size_t>(argc)}.subspan(1));
}
