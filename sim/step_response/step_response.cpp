#include "sim/step_response/step_response.hpp"

#include <algorithm>
#include <cmath>

namespace esshub::sim {
namespace {

constexpr Duration start_time = 40s;  // handshakes, proofs, and the first load taken over
constexpr Duration rest_before = 12s;
constexpr Duration rest_after = 12s;
constexpr Duration lead_in = 1s;
constexpr Seconds held{2.0};
constexpr std::size_t per_second = 1s / LoopBench::resolution;

struct Timing {
  Duration cycle;   ///< over which the steps are spread
  Duration record;  ///< after the step
};
Timing timing(const LoopPlant& plant, LoopKind kind) {
  switch (kind) {
    case LoopKind::hub:
    case LoopKind::ideal:
      return {as_duration(poll_interval(plant)), 12s};
    case LoopKind::cycle_1s:
    case LoopKind::integral:
      return {1s, 12s};
    case LoopKind::cycle_30s:
      return {30s, 70s};
  }
  return {};
}

/// `grid` and `battery` every 10 ms from the step on.
StepFigures evaluate(const LoadStep& step, const std::vector<double>& grid,
                     const std::vector<double>& battery) {
  constexpr double h = 1.0 / per_second;
  const double size = (step.to - step.from).value();
  const double height = std::abs(size);
  const double sign = size < 0 ? -1.0 : 1.0;
  StepFigures out;
  out.dead = out.settling = Seconds{static_cast<double>(grid.size()) * h};

  const double moved = std::max(10.0, 0.01 * height);
  for (std::size_t i = 0; i < battery.size(); ++i) {
    if (-(battery[i] - battery.front()) * sign < moved) continue;
    out.dead = Seconds{static_cast<double>(i) * h};
    break;
  }
  const double band = std::max(50.0, 0.05 * height);
  std::size_t inside = 0;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    inside = std::abs(grid[i]) <= band ? inside + 1 : 0;
    if (static_cast<double>(inside) * h < held.count()) continue;
    out.settling = Seconds{static_cast<double>(i + 1 - inside) * h};
    break;
  }
  for (std::size_t i = 0; i < grid.size(); ++i) {
    out.overshoot = std::max(out.overshoot, -grid[i] * sign / height);
    (grid[i] > 0 ? out.import : out.export_) += Watts{std::abs(grid[i])} * Hours{Seconds{h}};
  }
  return out;
}

}  // namespace

std::vector<LoadStep> usual_steps() {
  return {{"10 % to 90 % of the rating", 240.0_W, 2160.0_W},
          {"1 kW", 300.0_W, 1300.0_W},
          {"500 W", 300.0_W, 800.0_W},
          {"200 W", 300.0_W, 500.0_W},
          {"90 % to 10 %", 2160.0_W, 240.0_W},
          {"charging, 10 % to 90 %", -160.0_W, -1440.0_W},
          {"discharging to charging", 700.0_W, -700.0_W}};
}

Spread spread(const std::vector<StepFigures>& runs,
              const std::function<double(const StepFigures&)>& figure) {
  if (runs.empty()) return {};
  std::vector<double> values(runs.size());
  std::ranges::transform(runs, values.begin(), figure);
  std::ranges::sort(values);
  return {values[values.size() / 2], values.back()};
}

StepRecord record_step(const LoopPlant& plant, LoopKind kind, const LoadStep& step, int phases) {
  const auto [cycle, time] = timing(plant, kind);
  LoopBench bench{plant, kind};
  bench.set_net_load(step.from);
  bench.run(start_time);
  StepRecord out;
  out.step = step;
  std::vector<std::vector<double>> curves;
  for (int n = 0; n < phases; ++n) {
    bench.set_net_load(step.from);
    bench.run(rest_before + cycle * n / phases);
    std::vector<double> grid;
    std::vector<double> battery;
    const auto note = [&] {
      grid.push_back(bench.grid().value());
      battery.push_back(bench.battery().value());
    };
    bench.run(lead_in, note);
    bench.set_net_load(step.to);
    bench.run(time, note);
    curves.push_back(grid);
    // The physics answers from the next 10 ms on: the record begins with that.
    grid.erase(grid.begin(), grid.begin() + per_second);
    battery.erase(battery.begin(), battery.begin() + per_second);
    out.runs.push_back(evaluate(step, grid, battery));
    bench.set_net_load(step.from);
    bench.run(rest_after);
  }
  for (std::size_t i = 0; i < curves.front().size(); ++i) {
    std::vector<double> at(curves.size());
    std::ranges::transform(curves, at.begin(), [i](const auto& curve) { return curve[i]; });
    std::ranges::sort(at);
    out.low.push_back(at.front());
    out.middle.push_back(at[at.size() / 2]);
    out.high.push_back(at.back());
  }
  return out;
}

Stationary record_rest(const LoopPlant& plant, LoopKind kind, Watts load) {
  LoopBench bench{plant, kind};
  bench.set_net_load(load);
  bench.run(kind == LoopKind::cycle_30s ? 150s : 60s);
  double import = 0.0;
  double export_ = 0.0;
  double square = 0.0;
  double n = 0.0;
  bench.run(120s, [&] {
    const double grid = bench.grid().value();
    (grid > 0 ? import : export_) += std::abs(grid);
    square += grid * grid;
    ++n;
  });
  const double mean = (import - export_) / n;
  return {load, Watts{import / n}, Watts{export_ / n},
          Watts{std::sqrt(std::max(0.0, square / n - mean * mean))}};
}

TraceFigures follow_trace(const std::vector<double>& load, LoopKind kind, std::uint64_t seed) {
  LoopPlant plant;
  plant.seed = seed;
  plant.unlimited = true;
  plant.ramp = WattsPerSecond{1e9};
  plant.inverter_time_constant = Seconds{0.001};
  plant.load = [&load](Duration t) {
    const auto row = (t - start_time) / 1s;
    return Watts{row < 0 ? load.front()
                         : load[std::min(static_cast<std::size_t>(row), load.size() - 1)]};
  };
  LoopBench bench{plant, kind};
  bench.run(start_time);
  const HouseTruth before = bench.truth();
  bench.run(std::chrono::seconds{load.size()});
  TraceFigures out;
  for (const double watts : load) out.consumed += Watts{watts} * Hours{Seconds{1.0}};
  out.import = bench.truth().import - before.import;
  out.export_ = bench.truth().export_ - before.export_;
  return out;
}

TraceFigures follow_late(const std::vector<double>& load, std::size_t rows) {
  constexpr Hours row{Seconds{1.0}};
  TraceFigures out;
  for (std::size_t i = 0; i < load.size(); ++i) {
    const Watts grid{load[i] - load[i < rows ? 0 : i - rows]};
    out.consumed += Watts{load[i]} * row;
    (grid > Watts{} ? out.import : out.export_) += abs(grid) * row;
  }
  return out;
}

namespace {

void measure(SweepCell& cell) {
  LoopPlant plant;
  plant.seed = cell.seed;
  plant.ramp = cell.ramp;
  plant.meter_time_constant = std::max(cell.meter_time_constant, Seconds{1e-6});
  plant.meter_delay = cell.meter_delay;
  plant.gap = gap_for(cell.poll, plant);
  plant.gain = cell.gain;
  constexpr Watts low{240.0};
  constexpr Watts high{1840.0};
  constexpr double height = (high - low).value();
  LoopBench bench{plant, LoopKind::hub};
  bench.set_net_load(low);
  bench.run(start_time);
  for (const double sign : {1.0, -1.0}) {
    bench.set_net_load(sign > 0 ? high : low);
    bench.run(30s, [&] {
      cell.overshoot = std::max(cell.overshoot, -sign * bench.grid().value() / height);
    });
    double least = 1e9;
    double most = -1e9;
    bench.run(30s, [&] {
      least = std::min(least, bench.grid().value());
      most = std::max(most, bench.grid().value());
    });
    cell.peak_to_peak = std::max(cell.peak_to_peak, Watts{most - least});
  }
}

std::vector<SweepCell> measure_every(int stride, const std::vector<SweepCell>& all,
                                     const OnProgress& progress, std::uint64_t seed) {
  std::vector<SweepCell> cells;
  for (std::size_t i = 0; i < all.size(); i += static_cast<std::size_t>(stride)) {
    cells.push_back(all[i]);
    cells.back().seed = seed;
    measure(cells.back());
    if (progress) progress(static_cast<double>(i + 1) / static_cast<double>(all.size()));
  }
  return cells;
}

}  // namespace

std::vector<SweepCell> sweep(int stride, const OnProgress& progress, std::uint64_t seed) {
  std::vector<SweepCell> all;
  for (const double ramp : {200.0, 400.0, 1000.0, 5000.0})
    for (const double time_constant : {0.0, 0.2, 0.5, 1.0})
      for (const double poll : {0.1, 0.33, 1.0})
        for (const double gain : {0.9, 1.0, 1.1})
          all.push_back(
              {WattsPerSecond{ramp}, Seconds{time_constant}, Seconds{poll}, gain, {}, 1, 0.0, {}});
  return measure_every(stride, all, progress, seed);
}

std::vector<SweepCell> wrong_sweep(int stride, const OnProgress& progress, std::uint64_t seed) {
  const LoopPlant nominal;
  const Seconds poll = poll_interval(nominal);
  std::vector<SweepCell> all;
  for (const Duration late : {0ms, 150ms, 300ms, 500ms})
    for (const double time_constant : {1.0 / 3.0, 1.0, 3.0})
      for (const double ramp : {1.0 / 3.0, 1.0, 3.0})
        for (const double gain : {0.9, 1.0, 1.1})
          all.push_back({nominal.ramp * ramp,
                         nominal.meter_time_constant * time_constant,
                         poll,
                         gain,
                         late,
                         1,
                         0.0,
                         {}});
  return measure_every(stride, all, progress, seed);
}

}  // namespace esshub::sim
