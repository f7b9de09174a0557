#include "sim/step_response/report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include <nlohmann/json.hpp>

#include "json/object.hpp"
#include "json/text.hpp"

namespace esshub::sim {
namespace {

using Figure = double (*)(const StepFigures&);
constexpr Figure dead = [](const StepFigures& f) { return f.dead.count(); };
constexpr Figure settling = [](const StepFigures& f) { return f.settling.count(); };
constexpr Figure overshoot = [](const StepFigures& f) { return 100.0 * f.overshoot; };
constexpr Figure import = [](const StepFigures& f) { return f.import.value(); };

constexpr std::size_t rating_step = 0;  // in usual_steps()
constexpr std::size_t kilowatt_step = 1;

template <class... Values>
std::string format(const char* text, Values... values) {
  std::string out(1024, '\0');
  out.resize(static_cast<std::size_t>(std::snprintf(out.data(), out.size(), text, values...)));
  return out;
}

double height(const LoadStep& step) {
  return abs(step.to - step.from).value();
}
/// s.
double ramp_time(const LoopPlant& plant, const LoadStep& step) {
  return height(step) / plant.ramp.value();
}
/// P / r + 0.8 s.
double settling_goal(const LoopPlant& plant, const LoadStep& step) {
  return ramp_time(plant, step) + 0.8;
}
Spread worse(Spread a, Spread b) {
  return {std::max(a.p50, b.p50), std::max(a.worst, b.worst)};
}

/// The ideal loop's, where it was measured.
const LoopReport* ideal_of(const StepReport& report) {
  const auto ideal = std::ranges::find(report.loops, LoopKind::ideal, &LoopReport::kind);
  return ideal == report.loops.end() ? nullptr : &*ideal;
}
/// At the worst moment of either of the first two steps.
double worst_dead(const LoopReport& loop) {
  return worse(spread(loop.steps[rating_step].runs, dead),
               spread(loop.steps[kilowatt_step].runs, dead))
      .worst;
}
double worst_settling(const LoopReport& loop) {
  return spread(loop.steps[kilowatt_step].runs, settling).worst;
}

std::string ideal_text(const StepReport& report) {
  const auto* ideal = ideal_of(report);
  if (!ideal) return {};
  const LoopReport& hub = report.loops.front();
  const auto range = wait_range(report.plant);
  return format(
      "\nWhat the wires allow: the ideal loop knows the house and acts on the first reading taken "
      "after the step.\nAt the worst of %zu moments its dead time is %.2f s (arithmetic: %.2f to "
      "%.2f "
      "s, and 0.01 s to the first 10 W),\nand 1 kW is settled in %.2f s. The hub's worst differ by "
      "%+.2f s "
      "and %+.2f s.\n",
      ideal->steps[kilowatt_step].runs.size(), worst_dead(*ideal), range.shortest.count(),
      range.longest.count(), worst_settling(*ideal), worst_dead(hub) - worst_dead(*ideal),
      worst_settling(hub) - worst_settling(*ideal));
}

std::string row(const StepRecord& record) {
  const auto d = spread(record.runs, dead);
  const auto s = spread(record.runs, settling);
  const auto o = spread(record.runs, overshoot);
  return format("  %-27s %5.2f %5.2f   %6.2f %6.2f   %6.1f %6.1f\n", record.step.name.c_str(),
                d.p50, d.worst, s.p50, s.worst, o.p50, o.worst);
}

constexpr const char* step_header =
    "                                dead, s       settling, s      overshoot, %\n"
    "  step                        p50 worst      p50  worst      p50  worst\n";

std::string text_of(const SweepCell& cell) {
  return format("  %5.0f W/s  %4.1f s  %4.2f s  %3.1f   %5.1f %%  %6.1f W  %4llu%s\n",
                cell.ramp.value(), cell.meter_time_constant.count(), cell.poll.count(), cell.gain,
                100.0 * cell.overshoot, cell.peak_to_peak.value(),
                static_cast<unsigned long long>(cell.seed), cell.good() ? "" : "   missed");
}

/// Where there are several seeds: how many plants met the goal with each.
std::string seeds_text(const std::vector<SweepCell>& cells, bool (SweepCell::*met)() const) {
  struct Count {
    int met = 0;
    int all = 0;
  };
  std::map<std::uint64_t, Count> counts;
  for (const auto& cell : cells) {
    counts[cell.seed].met += (cell.*met)();
    ++counts[cell.seed].all;
  }
  if (counts.size() < 2) return {};
  std::string out = "By seed:";
  for (const auto& [seed, count] : counts)
    out += format(" %llu: %d of %d;", static_cast<unsigned long long>(seed), count.met, count.all);
  out.back() = '\n';
  return out;
}

/// The cells nearest to their goals, or furthest beyond.
std::vector<SweepCell> worst_first(std::vector<SweepCell> cells) {
  const auto badness = [](const SweepCell& cell) {
    return std::max(cell.overshoot / 0.15, cell.peak_to_peak.value() / 40.0);
  };
  std::ranges::stable_sort(cells, std::ranges::greater{}, badness);
  return cells;
}

std::string wrong_text(const std::vector<SweepCell>& cells) {
  const auto good = std::ranges::count_if(cells, &SweepCell::quiet);
  std::string out = format(
      "\nSettings wrong in everything: %zu plants, the meter up to 0.5 s later than configured.\n"
      "Goal: from 30 s on peak-to-peak <= 40 W. Met by %td of %zu. The worst:\n"
      "       ramp      tau   later  gain  overshoot  peak-to-peak  seed\n",
      cells.size(), good, cells.size());
  auto sorted = cells;
  std::ranges::stable_sort(sorted, std::ranges::greater{}, &SweepCell::peak_to_peak);
  for (std::size_t i = 0; i < std::min<std::size_t>(8, sorted.size()); ++i) {
    const SweepCell& cell = sorted[i];
    out += format("  %5.0f W/s  %5.3f s  %4.2f s  %3.1f   %5.1f %%  %6.1f W  %4llu%s\n",
                  cell.ramp.value(), cell.meter_time_constant.count(),
                  Seconds{cell.meter_delay}.count(), cell.gain, 100.0 * cell.overshoot,
                  cell.peak_to_peak.value(), static_cast<unsigned long long>(cell.seed),
                  cell.quiet() ? "" : "   missed");
  }
  return out + seeds_text(cells, &SweepCell::quiet);
}

std::string sweep_text(const std::vector<SweepCell>& cells) {
  const auto good = std::ranges::count_if(cells, &SweepCell::good);
  std::string out = format(
      "\nSweep: %zu plants the hub is not told of; a step of 1.6 kW up and down.\n"
      "Goal: overshoot <= 15 %%, and from 30 s on peak-to-peak <= 40 W. Met by %td of %zu.\n"
      "The worst:\n"
      "       ramp     tau    poll  gain  overshoot  peak-to-peak  seed\n",
      cells.size(), good, cells.size());
  const auto sorted = worst_first(cells);
  for (std::size_t i = 0; i < std::min<std::size_t>(8, sorted.size()); ++i)
    out += text_of(sorted[i]);
  return out + seeds_text(cells, &SweepCell::good);
}

}  // namespace

std::span<const LaboratoryFigures> laboratory() {
  static constexpr std::array systems{
      LaboratoryFigures{"Siemens Junelight Smart Battery 9.9", 1.6, 3.8, 1.9, 0.8},
      LaboratoryFigures{"KOSTAL PLENTICORE plus 5.5 with BYD Battery-Box H6.4", 0.63, 2.79, 1.98,
                        2.86},
      LaboratoryFigures{"KOSTAL PLENTICORE plus 10 with BYD Battery-Box H11.5", 0.61, 2.74, 2.98,
                        2.65},
      LaboratoryFigures{"Fronius Symo GEN24 10.0 Plus with BYD Battery-Box H11.5", 1.6, 14.2, 3.0,
                        1.2}};
  return systems;
}

std::vector<Goal> goals(const StepReport& report) {
  const LoopReport& hub = report.loops.front();
  const StepRecord& rating = hub.steps[rating_step];
  const StepRecord& kilowatt = hub.steps[kilowatt_step];
  const double bound = physical_bound(report.plant, Watts{height(kilowatt.step)}).value();
  const auto goal = [](std::string what, double limit, Spread s, std::string unit) {
    return Goal{std::move(what), limit, s.p50, s.worst, std::move(unit)};
  };
  const auto one = [](double value) { return Spread{value, value}; };
  std::vector<Goal> out{
      goal("dead time, 10 % to 90 %", 0.40, spread(rating.runs, dead), "s"),
      goal("dead time, 1 kW", 0.40, spread(kilowatt.runs, dead), "s"),
      goal("settling, 10 % to 90 %", settling_goal(report.plant, rating.step),
           spread(rating.runs, settling), "s"),
      goal("settling, 1 kW", settling_goal(report.plant, kilowatt.step),
           spread(kilowatt.runs, settling), "s"),
      goal("overshoot, 10 % to 90 %", 5.0, spread(rating.runs, overshoot), "%"),
      goal("overshoot, 1 kW", 5.0, spread(kilowatt.runs, overshoot), "%"),
      goal("stationary import", 3.0, one(hub.rest.import.value()), "W"),
      goal("stationary export", 3.0, one(hub.rest.export_.value()), "W"),
      goal("import of a 1 kW step", 0.33, spread(kilowatt.runs, import), "Wh"),
      goal("the same, 1.5 x bound", 1.5 * bound, spread(kilowatt.runs, import), "Wh")};
  // At the worst moment of the poll cycle, where physics allows it.
  const Seconds wait = longest_wait(report.plant);
  const auto* ideal = ideal_of(report);
  const auto of_worst = [&](std::string what, double limit, Spread s) {
    out.push_back({std::move(what), limit, s.p50, s.worst, "s", true});
  };
  const double longest_dead =
      std::max({0.45, wait.count(), ideal != nullptr ? worst_dead(*ideal) : 0.0});
  const double longest_settling =
      std::max({1.8, wait.count() + ramp_time(report.plant, kilowatt.step),
                ideal != nullptr ? worst_settling(*ideal) : 0.0});
  of_worst("dead time, worst moment", longest_dead,
           worse(spread(rating.runs, dead), spread(kilowatt.runs, dead)));
  of_worst("settling, 1 kW, worst", longest_settling, spread(kilowatt.runs, settling));
  if (hub.trace && report.second_late) {
    out.push_back(goal("recorded load, import", report.second_late->import.value(),
                       one(hub.trace->import.value()), "Wh"));
    out.push_back(goal("recorded load, export", report.second_late->export_.value(),
                       one(hub.trace->export_.value()), "Wh"));
  }
  return out;
}

std::string as_text(const StepReport& report) {
  const LoopPlant& plant = report.plant;
  const LoopReport& hub = report.loops.front();
  std::string out = format(
      "How fast and how well the hub follows the house, in virtual time.\n"
      "Plant: SDM630 at 9600 8N1, %.0f ms turnaround, %.0f ms gap (a grid reading every %.0f ms),\n"
      "meter time constant %.3f s (1 s to 99 %%), MK3 replies 25 to 60 ms, inverter %.0f W/s and "
      "time constant %.0f ms.\n"
      "%zu steps each, spread over the poll cycle; seed %llu.\n\n"
      "Goal                        limit     p50   worst\n",
      Seconds{plant.turnaround}.count() * 1e3, Seconds{plant.gap}.count() * 1e3,
      poll_interval(plant).count() * 1e3, plant.meter_time_constant.count(), plant.ramp.value(),
      plant.inverter_time_constant.count() * 1e3, hub.steps.front().runs.size(),
      static_cast<unsigned long long>(plant.seed));
  for (const Goal& goal : goals(report))
    out += format("  %-24s %6.2f  %6.2f  %6.2f %-2s  %s\n", goal.what.c_str(), goal.limit, goal.p50,
                  goal.worst, goal.unit.c_str(),
                  !goal.met()                ? "MISSED"
                  : goal.worst <= goal.limit ? "met"
                                             : "met by the median");
  out += ideal_text(report) + "\nThe hub, every step\n" + std::string{step_header};
  for (const auto& record : hub.steps) out += row(record);
  if (report.beside_meter) {
    out += "\nThe same with an SDM120 on the meters' line\n" + std::string{step_header};
    for (const auto& record : report.beside_meter->steps) out += row(record);
  }
  const double bound = physical_bound(plant, Watts{height(hub.steps[kilowatt_step].step)}).value();
  out += format(
      "\nBeside others in the same plant (medians; the physical bound of a 1 kW step is %.3f Wh)\n"
      "               10 %% to 90 %%                  1 kW step             at rest, W\n"
      "             dead  settling  overshoot     Wh   x bound   import export  std dev  "
      "recorded load, Wh\n",
      bound);
  for (const auto& loop : report.loops) {
    const auto& rating = loop.steps[rating_step].runs;
    const double wh = spread(loop.steps[kilowatt_step].runs, import).p50;
    out += format("  %-10s %5.2f s  %5.2f s   %6.1f %%   %6.3f   %5.2f    %6.1f %6.1f   %6.1f",
                  std::string{name(loop.kind)}.c_str(), spread(rating, dead).p50,
                  spread(rating, settling).p50, spread(rating, overshoot).p50, wh, wh / bound,
                  loop.rest.import.value(), loop.rest.export_.value(), loop.rest.deviation.value());
    if (loop.trace)
      out += format("   +%.2f -%.2f", loop.trace->import.value(), loop.trace->export_.value());
    out += "\n";
  }
  out +=
      "\nSystems on sale, measured in a laboratory (bslib's database, RE-Lab-Projects/bslib, CC BY "
      "4.0);\nreal meters and other steps: an order of magnitude\n"
      "  dead, s  settling, s  at rest: import export, W\n";
  for (const auto& system : laboratory())
    out += format("  %7.2f  %11.2f  %15.1f %6.1f      %s\n", system.dead, system.settling,
                  system.import, system.export_, std::string{system.system}.c_str());
  if (!report.cells.empty()) out += sweep_text(report.cells);
  if (!report.wrong_cells.empty()) out += wrong_text(report.wrong_cells);
  return out;
}

std::string as_json(const StepReport& report) {
  using nlohmann::json;
  const auto spread_of = [](const StepRecord& record, Figure figure) {
    const auto s = spread(record.runs, figure);
    return json_object({{"p50", s.p50}, {"worst", s.worst}});
  };
  const auto loop_of = [&](const LoopReport& loop) {
    json out = json_object(
        {{"loop", name(loop.kind)},
         {"stationary", json_object({{"load_w", loop.rest.load.value()},
                                     {"import_w", loop.rest.import.value()},
                                     {"export_w", loop.rest.export_.value()},
                                     {"standard_deviation_w", loop.rest.deviation.value()}})},
         {"steps", json::array()}});
    for (const auto& record : loop.steps)
      out["steps"].push_back(json_object({{"name", record.step.name},
                                          {"from_w", record.step.from.value()},
                                          {"to_w", record.step.to.value()},
                                          {"runs", record.runs.size()},
                                          {"dead_s", spread_of(record, dead)},
                                          {"settling_s", spread_of(record, settling)},
                                          {"overshoot_percent", spread_of(record, overshoot)},
                                          {"import_wh", spread_of(record, import)}}));
    if (loop.trace)
      out["recorded_load"] = json_object({{"consumed_wh", loop.trace->consumed.value()},
                                          {"import_wh", loop.trace->import.value()},
                                          {"export_wh", loop.trace->export_.value()}});
    return out;
  };
  const LoopPlant& plant = report.plant;
  json out = json_object(
      {{"plant", json_object({{"meter_time_constant_s", plant.meter_time_constant.count()},
                              {"poll_s", poll_interval(plant).count()},
                              {"ramp_w_per_s", plant.ramp.value()},
                              {"inverter_time_constant_s", plant.inverter_time_constant.count()},
                              {"gain", plant.gain},
                              {"seed", plant.seed}})},
       {"bound_1kw_wh", physical_bound(plant, 1000.0_W).value()},
       {"goals", json::array()},
       {"loops", json::array()},
       {"laboratory", json::array()}});
  for (const auto& system : laboratory())
    out["laboratory"].push_back(json_object({{"system", system.system},
                                             {"dead_s", system.dead},
                                             {"settling_s", system.settling},
                                             {"stationary_import_w", system.import},
                                             {"stationary_export_w", system.export_}}));
  for (const Goal& goal : goals(report))
    out["goals"].push_back(json_object({{"what", goal.what},
                                        {"unit", goal.unit},
                                        {"limit", goal.limit},
                                        {"p50", goal.p50},
                                        {"worst", goal.worst},
                                        {"met", goal.met()}}));
  for (const auto& loop : report.loops) out["loops"].push_back(loop_of(loop));
  if (report.beside_meter) out["beside_sdm120"] = loop_of(*report.beside_meter);
  const auto cells_of = [](const std::vector<SweepCell>& cells, bool (SweepCell::*good)() const) {
    json rows = json::array();
    for (const auto& cell : cells)
      rows.push_back(json_object({{"ramp_w_per_s", cell.ramp.value()},
                                  {"meter_time_constant_s", cell.meter_time_constant.count()},
                                  {"meter_later_s", Seconds{cell.meter_delay}.count()},
                                  {"poll_s", cell.poll.count()},
                                  {"gain", cell.gain},
                                  {"seed", cell.seed},
                                  {"overshoot_percent", 100.0 * cell.overshoot},
                                  {"peak_to_peak_w", cell.peak_to_peak.value()},
                                  {"good", (cell.*good)()}}));
    return rows;
  };
  if (!report.cells.empty()) out["sweep"] = cells_of(report.cells, &SweepCell::good);
  if (!report.wrong_cells.empty())
    out["wrong_settings"] = cells_of(report.wrong_cells, &SweepCell::quiet);
  return json_text(out, 2) + "\n";
}

}  // namespace esshub::sim
