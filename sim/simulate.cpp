#include "sim/simulate.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>
#include <sstream>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "json/text.hpp"
#include "sim/exit_codes.hpp"
#include "sim/fit_config.hpp"
#include "sim/loop_planner.hpp"
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
  std::vector<service::Feed> feeds;
};

/// A document that says something of the time simulated.
Result<service::Feed> read_feed_of(const fs::path& file, const control::Tariff& tariff,
                                   const SiteClock& civil, Duration length) {
  std::ifstream in(file);
  std::ostringstream text;  // a folder opens and cannot be read
  if (!(text << in.rdbuf())) return fail(ErrorKind::io, "it cannot be read");
  return service::read_told(text.str(), tariff)
      .and_then([&](service::Feed feed) -> Result<service::Feed> {
        const auto begin = service::unix_seconds(civil.wall({}));
        const auto end = service::unix_seconds(civil.wall(length));
        if (feed.valid_until <= begin || feed.issued >= end || feed.slots.back().end <= begin)
          return fail(ErrorKind::invalid, "it tells nothing of the time simulated");
        return feed;
      });
}

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
  std::vector<service::Feed> feeds;
  for (const auto& file : options.feeds) {
    if (!civil) break;
    auto feed =
        read_feed_of(file, settings->control.tariff, *civil, as_duration(Hours{options.hours}));
    if (feed)
      feeds.push_back(*std::move(feed));
    else
      complain(file.string() + ": " + feed.error().detail);
  }
  if (!good) return std::nullopt;

  // Row 0 of a trace is the midnight before the start.
  scenario.load_offset += civil->start_of_day();
  scenario.solar_offset += civil->start_of_day();
  scenario.meter_wire = hub->meter_wire;
  auto& house = scenario.house;
  house.battery.cells = hub->loop.battery.cells;
  house.inverter.charge_voltage = house.inverter.charge_voltage * (house.battery.cells / 15.0);
  return Furnished{std::move(*hub), std::move(scenario), std::move(*traces), *civil,
                   std::move(feeds)};
}

/// As the trace has it at `at`, be it before its begin.
Duration within(const Trace& trace, Duration at) {
  const Duration length = trace.step * static_cast<std::int64_t>(trace.values.size());
  return (at % length + length) % length;
}

/// What a hub before this one would have noted: the minutes of both traces before the start.
std::vector<service::PastMinute> past_minutes(const Furnished& furnished, int days) {
  constexpr int samples = 60;
  const auto& [hub, scenario, traces, civil, feeds] = furnished;
  const auto start = service::unix_seconds(civil.wall({}));
  std::vector<service::PastMinute> minutes;
  for (Duration at = -days * 24h; at < Duration{}; at += 1min) {
    double load = scenario.load.value();
    if (traces.load) {
      load = 0.0;
      for (int n = 0; n < samples; ++n)
        load +=
            traces.load->held(within(*traces.load, scenario.load_offset + at + n * 1s)) / samples;
    }
    const double solar =
        traces.sun ? scenario.kwp *
                         traces.sun->between(within(*traces.sun, scenario.solar_offset + at + 30s))
                   : scenario.solar.value();
    minutes.push_back({start + std::chrono::floor<std::chrono::seconds>(at).count(),
                       Watts{load} + scenario.house.ac_out, Watts{solar}});
  }
  return minutes;
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

/// For a person: when it planned, or why not.
std::string plans_text(const LoopPlanner& planner, Instant start, SiteClock& civil) {
  const auto plans = planner.plans();
  std::array<char, 40> count{};
  std::snprintf(count.data(), count.size(), "planned          %9zu times", plans.size());
  std::string text = count.data();
  const auto when = [&](const PlanMade& plan) {
    return civil.text(plan.at - start) + " from " + std::to_string(plan.days) + " days";
  };
  if (!plans.empty()) text += ", first " + when(plans.front()) + ", last " + when(plans.back());
  if (const auto& problem = planner.problem()) text += ": " + std::string{service::name(*problem)};
  return text + '\n';
}

nlohmann::json plans_json(const LoopPlanner& planner, Instant start, SiteClock& civil) {
  auto plans = nlohmann::json::array();
  for (const auto& plan : planner.plans())
    plans.push_back({{"at", civil.text(plan.at - start)},
                     {"days", plan.days},
                     {"cost", plan.cost},
                     {"cost_balance", plan.cost_balance},
                     {"cost_no_battery", plan.cost_no_battery}});
  return plans;
}

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
  std::optional<LoopPlanner> planner;
  if (furnished->hub.loop.control.mode == Mode::smart || !furnished->feeds.empty()) {
    planner.emplace(furnished->hub.loop.control, civil.zone(), furnished->feeds);
    planner->recall(past_minutes(*furnished, options.past_days));
  }
  Duration next_look{};
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
      if (planner && since_start >= next_look) {
        next_look += 1s;
        if (const auto tables = planner->look(loop.view(civil.wall(since_start)))) {
          loop.set_plan(tables->plan);
          loop.set_prices(tables->prices);
        }
      }
      progress.show(Hours{since_start}.count());
    });
    books.finish();
  }
  const double took = watch.wall();
  const double processor = watch.processor();

  out << civil.text(Duration{}) << ", " << options.hours << " h, seed " << furnished->scenario.seed
      << '\n'
      << books.text(currency);
  const bool plans = planner && furnished->hub.loop.control.mode == Mode::smart;
  if (plans) out << plans_text(*planner, plant->start(), civil);
  err << "simulated " << options.hours << " h in " << took << " s; " << processor
      << " s of a processor, " << options.hours / processor << " h/s\n";
  if (ticks && !ticks->flush()) return cannot_write(options.csv, err);
  if (json.is_open()) {
    auto summary = books.json();
    summary["currency"] = currency;
    summary["start"] = civil.text(Duration{});
    summary["seed"] = furnished->scenario.seed;
    summary["hours_per_processor_second"] = options.hours / processor;
    if (plans) {
      summary["plans"] = plans_json(*planner, plant->start(), civil);
      summary["no_plan"] = nullptr;
      if (const auto& problem = planner->problem()) summary["no_plan"] = service::name(*problem);
    }
    if (!(json << json_text(summary, 2) << '\n').flush()) return cannot_write(options.json, err);
  }
  return exit_ok;
}

}  // namespace esshub::sim
