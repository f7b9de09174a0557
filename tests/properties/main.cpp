// properties [TICKS]: the invariants over random settings, faults and orders (docs/safety.md
// I1-I9).
#include <rapidcheck.h>

#include <cstdlib>
#include <iostream>
#include <string>

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

unsigned long charging = 0;
unsigned long discharging = 0;
unsigned long resting = 0;

/// Plays the history over and over until the ticks of a case have passed.
void play(const control::Settings& settings, const std::vector<Event>& history) {
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
    (seen.decision.battery_power > Watts{}   ? charging
     : seen.decision.battery_power < Watts{} ? discharging
                                             : resting)++;
    if (const auto broken = invariants.broken(world, seen))
      RC_FAIL(*broken + " at tick " + std::to_string(i));
  }
}

int check(unsigned long ticks) {
  const auto cases = std::max(1ul, ticks / ticks_per_case);
  const std::string given = std::getenv("RC_PARAMS") ? std::getenv("RC_PARAMS") : "";
  const std::string params = given + " max_success=" + std::to_string(cases) + " max_size=60";
  ::setenv("RC_PARAMS", params.c_str(), 1);
  const bool held =
      rc::check("I1 to I9 hold in every tick", [] { play(*any_settings(), *any_history()); });
  std::cout << cases * ticks_per_case << " ticks wanted: " << charging << " charging, "
            << discharging << " discharging, " << resting << " at rest\n";
  return held ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace esshub::properties

int main(int argc, char** argv) {
  return esshub::properties::check(argc > 1 ? std::stoul(argv[1]) : 1'000'000ul);
}
