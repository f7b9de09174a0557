#include "sim/simulate.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <ostream>
#include <utility>

#include "config/config.hpp"
#include "sim/exit_codes.hpp"
#include "sim/fit_config.hpp"
#include "sim/make_plant.hpp"
#include "sim/progress.hpp"
#include "sim/run_summary.hpp"
#include "sim/site_clock.hpp"
#include "sim/stopwatch.hpp"

namespace esshub::sim {
namespace {

namespace fs = std::filesystem;

/// Everything that was given as files, read and found good.
struct Furnished {
  FittedConfig hub;
  Scenario scenario;
  Traces traces;
  SiteClock civil;
};

/// Names every error of every file.
std::optional<Furnished> build(const SimulateOptions& options, std::ostream& err) {
  bool good = true;
  const auto complain = [&](const auto& text) {
    err << text << '\n';
    good = false;
  };
  Scenario scenario;
  if (!options.scenario.empty()) {
    auto read = read_scenario(options.scenario);
    if (read) {
      scenario = std::move(*read);
    } else {
      for (const auto& error : read.error()) complain(error);
    }
  }
  if (options.seed) scenario.seed = *options.seed;

  auto traces = read_traces(options.traces, err);
  good &= traces.has_value();

  const auto settings = config::load_config(options.config);
  if (!settings) {
    for (const auto& error : settings.error()) complain(config::describe(options.config, error));
    return std::nullopt;
  }
  auto hub = fit_config(*settings);
  if (!hub)
    for (const auto& error : hub.error()) complain(options.config.string() + ": " + error);
  auto civil = SiteClock::starting(options.start, settings->time_zone);
  if (!civil) complain("--start: " + civil.error());
  if (!good) return std::nullopt;

  // Row 0 of a trace is the midnight before the start.
  scenario.load_offset += civil->start_of_day();
  scenario.solar_offset += civil->start_of_day();
  scenario.meter_wire = hub->meter_wire;
  auto& house = scenario.house;
  house.battery.cells = hub->loop.battery.cells;
  house.inverter.charge_voltage = house.inverter.charge_voltage * (house.battery.cells / 15.0);
  return Furnished{std::move(*hub), std::move(scenario), std::move(*traces), *civil};
}

/// One row at each `step`: what is true in the house, and what the hub does about it.
class TickFile {
 public:
  TickFile(const fs::path& path, Duration step)
      : step_(step), file_(std::fopen(path.c_str(), "w"), &std::fclose) {
    if (file_)
      std::fputs(
          "local_time,time_s,load_w,unserved_w,solar_w,grid_w,battery_w,soc_percent,stored_wh,"
          "setpoint_w,import_price,export_price,rules,faults\n",
          file_.get());
  }
  [[nodiscard]] bool is_open() const { return file_ != nullptr; }
  [[nodiscard]] bool good() const { return std::ferror(file_.get()) == 0; }
  [[nodiscard]] bool flush() { return std::fflush(file_.get()) == 0 && good(); }

  void tick(Duration since_start, SiteClock& civil, const House& house, const Decision& decision,
            const FaultSet& faults) {
    if (since_start < next_) return;
    next_ += step_;
    const auto& truth = house.truth();
    std::fprintf(file_.get(), "%s,%.3f,%.1f,%.1f,%.1f,%.1f,%.1f,%.2f,%.3f",
                 civil.text(since_start).c_str(), Seconds{since_start}.count(),
                 (truth.load + truth.ac_out).value(), truth.unserved.value(), truth.solar.value(),
                 truth.grid.value(), house.inverter_truth().battery_ac.value(),
                 house.battery_truth().soc_percent, house.battery().stored().value());
    std::fputc(',', file_.get());
    if (decision.setpoint.mode == InverterMode::follow)
      std::fprintf(file_.get(), "%.1f", decision.setpoint.ac_power.value());
    for (const auto& price : {decision.policy.import_price, decision.policy.export_price}) {
      std::fputc(',', file_.get());
      if (price) std::fprintf(file_.get(), "%.6g", *price);
    }
    char separator = ',';
    for (const auto& reason : decision.reasons) word(separator, name(reason.cause));
    if (separator == ',') std::fputc(separator, file_.get());
    separator = ',';
    for (const Fault fault : enum_values<Fault>)
      if (faults.active(fault)) word(separator, name(fault));
    if (separator == ',') std::fputc(separator, file_.get());
    std::fputc('\n', file_.get());
  }

 private:
  /// One more of a cell's words.
  void word(char& separator, std::string_view text) {
    std::fputc(std::exchange(separator, '+'), file_.get());
    std::fwrite(text.data(), 1, text.size(), file_.get());
  }

  Duration step_;
  Duration next_{};
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

int cannot_write(const fs::path& file, std::ostream& err) {
  err << file.string() << ": cannot be written: " << std::strerror(errno) << '\n';
  return exit_cannot_create;
}

}  // namespace

int simulate(const SimulateOptions& options, std::ostream& out, std::ostream& err) {
  auto furnished = build(options, err);
  if (!furnished) return exit_config;
  for (const auto& note : furnished->hub.notes) err << "note: " << note << '\n';
  const Duration period = furnished->hub.loop.control.period;
  std::optional<TickFile> ticks;
  if (!options.csv.empty()) {
    if (as_duration(Seconds{options.csv_step_seconds}) < period) {
      err << "--csv-step: " << options.csv_step_seconds << " s is below control.period, "
          << Seconds{period}.count() << " s: the file has a row a decision at most\n";
      return exit_usage;
    }
    ticks.emplace(options.csv, as_duration(Seconds{options.csv_step_seconds}));
    if (!ticks->is_open()) return cannot_write(options.csv, err);
  }
  std::ofstream json;
  if (!options.json.empty()) {
    json.open(options.json);
    if (!json) return cannot_write(options.json, err);
  }

  const auto plant = make_plant(furnished->scenario, furnished->traces, Instant{} + 1h);
  ClosedLoop loop{*plant, furnished->hub.loop};
  SiteClock& civil = furnished->civil;
  loop.set_clock([&](Duration since_start) { return civil.at(since_start); });
  const House& house = plant->house();
  RunSummary books{house, options.prices};
  const std::string& currency = furnished->hub.loop.control.tariff.currency;

  const Stopwatch watch;
  {
    Progress progress{options.hours, "h"};
    loop.run(as_duration(Hours{options.hours}), [&](const Decision& decision, const Snapshot&) {
      const Duration since_start = plant->now() - plant->start();
      const FaultSet faults = loop.faults();
      books.tick(decision, faults);
      if (ticks) ticks->tick(since_start, civil, house, decision, faults);
      progress.show(Hours{since_start}.count());
    });
    books.finish();
  }
  const double took = watch.wall();
  const double processor = watch.processor();

  out << civil.text(Duration{}) << ", " << options.hours << " h, seed " << furnished->scenario.seed
      << '\n'
      << books.text(currency);
  err << "simulated " << options.hours << " h in " << took << " s; " << processor
      << " s of a processor, " << options.hours / processor << " h/s\n";
  if (ticks && !ticks->flush()) return cannot_write(options.csv, err);
  if (json.is_open()) {
    auto summary = books.json();
    summary["currency"] = currency;
    summary["start"] = civil.text(Duration{});
    summary["seed"] = furnished->scenario.seed;
    summary["hours_per_processor_second"] = options.hours / processor;
    if (!(json << summary.dump(2) << '\n').flush()) return cannot_write(options.json, err);
  }
  return exit_ok;
}

}  // namespace esshub::sim
