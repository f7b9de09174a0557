// A house in invented time, for tests of the history.
#pragma once

#include <cmath>
#include <string>

#include "model/view.hpp"

namespace esshub::publish {

/// Readings, a decision and energies that go on with the time; the site is one hour ahead of UTC.
class HistoryHouse {
 public:
  /// `wall` of the first View, in seconds since 1970.
  explicit HistoryHouse(std::int64_t wall_s, Instant start = Instant{} + 1h)
      : start_(start), wall_(std::chrono::seconds(wall_s)) {
    view.max_age = 3s;
    view.local.trusted = true;
    view.decision.reasons.add({Cause::self_consumption, Watts{}});
    pass(Duration{});
  }

  /// Time goes on: `grid_w` was drawn from the grid all along, and every reading is new.
  void pass(Duration time, double grid_w = 1000.0) {
    gone_ += time;
    view.now = start_ + gone_;
    view.wall = wall_ + std::chrono::duration_cast<WallTime::duration>(gone_ + step_);
    set_local();
    view.energies[Flow::grid_import] += grid_w * Seconds(time).count();
    view.decision.at = view.now;
    read(Point::grid, Measure::power, grid_w);
    read(Point::battery, Measure::soc, 55.5);
  }
  void read(Point point, Measure measure, double value) {
    view.snapshot.absorb({{point, measure}, value, view.now});
  }
  /// The wall clock jumps.
  void step(Duration by) { step_ += by; }
  void decide(std::initializer_list<Cause> reasons) {
    view.decision.reasons = {};
    for (const auto why : reasons) view.decision.reasons.add({why, Watts{}});
  }

  View view;

 private:
  void set_local() {
    const auto local = view.wall + 1h;
    const auto day = std::chrono::floor<std::chrono::days>(local);
    view.local.minute_of_day =
        static_cast<int>(std::chrono::floor<std::chrono::minutes>(local - day).count());
    view.local.weekday = static_cast<int>(std::chrono::weekday{day}.iso_encoding());
  }

  Instant start_;
  WallTime wall_;
  Duration gone_{};
  Duration step_{};
};

/// 2026-01-15 11:00 UTC, a Thursday; noon at the site.
constexpr std::int64_t noon = 1768474800;

}  // namespace esshub::publish
