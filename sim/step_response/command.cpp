#include "sim/step_response/command.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

#include "sim/exit_codes.hpp"
#include "sim/progress.hpp"
#include "sim/step_response/report.hpp"
#include "sim/trace.hpp"

namespace esshub::sim {
namespace {

LoopReport measure(const LoopPlant& plant, LoopKind kind, std::size_t steps, int phases,
                   Progress& bar, double& done) {
  LoopReport report{.kind = kind, .steps = {}, .rest = {}, .trace = {}};
  const auto all = usual_steps();
  for (std::size_t i = 0; i < std::min(steps, all.size()); ++i) {
    report.steps.push_back(record_step(plant, kind, all[i], phases));
    bar.show(++done);
  }
  report.rest = record_rest(plant, kind, 1200.0_W);
  return report;
}

bool write(const std::string& file, const std::string& text) {
  if (file.empty() || (std::ofstream(file) << text).flush()) return true;
  std::cerr << "cannot write " << file << '\n';
  return false;
}

}  // namespace

int run_step_response(const StepCommand& command) {
  std::optional<Trace> load;
  if (!command.load.empty()) {
    auto read = read_second_load_trace(command.load);
    if (!read) {
      std::cerr << read.error() << '\n';
      return exit_config;
    }
    load = std::move(*read);
  }
  constexpr int reference_steps = 2;
  // The moments that are worst for the wires are few; more steps the battery does not last.
  constexpr int ideal_phases = 100;
  const auto all = static_cast<int>(usual_steps().size());
  const int references = static_cast<int>(loop_kinds.size()) - 1;
  constexpr double sweep_parts = 8;
  Progress bar(2 * all + references * reference_steps +
                   (command.sweep ? command.seeds * 2 * sweep_parts : 0),
               "steps");
  double done = 0.0;

  StepReport report;
  report.plant.seed = command.seed;
  if (load) report.second_late = follow_late(load->values, 1);
  for (const LoopKind kind : loop_kinds) {
    const bool hub = kind == LoopKind::hub;
    const int phases = kind == LoopKind::ideal ? ideal_phases : command.phases;
    report.loops.push_back(
        measure(report.plant, kind, hub ? all : reference_steps, phases, bar, done));
    if (load) report.loops.back().trace = follow_trace(load->values, kind, command.seed);
  }
  LoopPlant shared_line = report.plant;
  shared_line.battery_meter = true;
  report.beside_meter = measure(shared_line, LoopKind::hub, all, command.phases, bar, done);
  const auto on_progress = [&](double share) { bar.show(done + sweep_parts * share); };
  for (int n = 0; command.sweep && n < command.seeds; ++n) {
    const auto seed = command.seed + static_cast<std::uint64_t>(n);
    std::ranges::copy(sweep(1, on_progress, seed), std::back_inserter(report.cells));
    done += sweep_parts;
    std::ranges::copy(wrong_sweep(1, on_progress, seed), std::back_inserter(report.wrong_cells));
    done += sweep_parts;
  }

  std::cout << as_text(report) << std::flush;
  if (!write(command.json, as_json(report)) || !write(command.svg, as_svg(report)))
    return exit_cannot_create;
  const bool good = std::ranges::all_of(goals(report), &Goal::met) &&
                    std::ranges::all_of(report.cells, &SweepCell::good) &&
                    std::ranges::all_of(report.wrong_cells, &SweepCell::quiet);
  return good ? 0 : 1;
}

}  // namespace esshub::sim
