// esshub-sim: the simulated house as a program. The only file that knows the command-line library.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "esshub_version.hpp"
#include "service/slot_ring.hpp"
#include "sim/exit_codes.hpp"
#include "sim/plant_command.hpp"
#include "sim/simulate.hpp"
#include "sim/step_response/command.hpp"
#include "sim/storm/command.hpp"
#include "sim/storm/injection.hpp"
#include "sim/year/command.hpp"

namespace {

using namespace esshub;
using namespace esshub::sim;

std::string number(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

void add_trace_options(CLI::App& command, TraceFiles& to) {
  command.add_option("--load", to.load, "CSV, column load_w or active_power_w (W)");
  command.add_option("--load-step", to.load_step_seconds, "Seconds between rows of --load")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--pv", to.sun, "CSV, column ghi_w_m2 (W/m2)");
  command.add_option("--pv-step", to.sun_step_seconds, "Seconds between rows of --pv")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void add_simulate_options(CLI::App& command, SimulateOptions& to) {
  const auto positive = CLI::PositiveNumber;
  command.add_option("--config", to.config, "Configuration of the hub, TOML")->required();
  command.add_option("--scenario", to.scenario,
                     "TOML file, see scenario.example.toml: the house, and events in it");
  add_trace_options(command, to.traces);
  command.add_option("--hours", to.hours, "How long")->check(positive)->capture_default_str();
  command.add_option("--start", to.start, "Local time, such as 2026-10-25T00:30")
      ->capture_default_str();
  command.add_option("--seed", to.seed, "The same seed, the same house (before the scenario's)");
  command.add_option("--import-price", to.prices.import,
                     "Of imported energy, per kWh, while the configuration's tariff names none");
  command.add_option("--export-price", to.prices.export_, "Paid for exported energy, per kWh")
      ->capture_default_str();
  command
      .add_option("--feed", to.feeds,
                  "Prices or sun that are told to the hub when they are issued, JSON as in "
                  "docs/feeds.md; several times for several documents")
      ->allow_extra_args(false);
  command
      .add_option("--past-days", to.past_days,
                  "So many days before --start the planner of mode smart knows from both traces")
      ->check(CLI::Range(0, service::SlotRing::days))
      ->capture_default_str();
  command.add_option("--json", to.json, "Write the summary to this file");
  command.add_option("--csv", to.csv, "Write what happens to this file, a row a --csv-step");
  command.add_option("--csv-step", to.csv_step_seconds, "Seconds between its rows")
      ->check(positive)
      ->capture_default_str();
  command.footer(
      "The hub's drivers, rules and settings are the real ones; the wires have their real speeds,\n"
      "the meters their filters, the inverter its ramp. Both traces begin at the midnight before\n"
      "--start and begin again at their end. The summary goes to stdout: energies in kWh,\n"
      "equivalent full cycles, self-consumption (solar energy not exported), self-sufficiency\n"
      "(load not imported), mean |grid|, time outside +-50 W, cost by price, faults seen.\n"
      "Where the configuration's mode is smart the hub's planner plans, and the summary says "
      "when:\n"
      "the first time when two days were measured, or at once with --past-days.\n"
      "\nExit codes: 0 done, 64 wrong arguments, 73 a file cannot be written, 78 a file that was\n"
      "given is missing or wrong (each error with file and line).\n"
      "\nExample:\n"
      "  esshub-sim simulate --config esshub.toml --load load.csv --pv sun.csv --json day.json\n");
}

template <class T>
using Words = std::vector<std::pair<std::string, T>>;

/// An option that is one of a few words. CLI11's own transformers are dear to compile: one a type.
template <class T>
CLI::Option* add_word(CLI::App& command, const std::string& option, T& to, const Words<T>& words,
                      const std::string& what) {
  std::vector<std::string> known;
  for (const auto& word : words) known.push_back(word.first);
  return command
      .add_option_function<std::string>(
          option,
          [&to, words](const std::string& given) {
            to = std::ranges::find(words, given, &Words<T>::value_type::first)->second;
          },
          what)
      ->check(CLI::IsMember(known))
      ->type_name("WORD");
}

/// `W:SHARE`
EfficiencyPoint efficiency_point(const std::string& text) {
  std::istringstream in(text);
  double power = 0.0;
  double share = 0.0;
  char colon = 0;
  if (!(in >> power >> colon >> share) || colon != ':' || in.peek() != EOF || power < 0.0 ||
      share < 0.5 || share > 1.0)
    throw CLI::ValidationError("--efficiency-curve",
                               "expected W:SHARE with a share of 0.5 to 1, got '" + text + "'");
  return {Watts{power}, share};
}

void add_year_options(CLI::App& command, YearOptions& to) {
  auto& s = to.settings;
  const auto watt_hours = [&](const char* option, WattHours& value, const char* what) {
    command
        .add_option_function<double>(
            option, [&value](double kwh) { value = WattHours{kwh * 1000.0}; }, what)
        ->check(CLI::Range(0.0, 1000.0))
        ->default_str(number(value.value() / 1000.0));
  };
  const auto watts = [&](const char* option, Watts& value, const char* what) {
    command
        .add_option_function<double>(
            option, [&value](double w) { value = Watts{w}; }, what)
        ->check(CLI::Range(100.0, 10000.0))
        ->default_str(number(value.value()));
  };
  command
      .add_option("--house", to.house,
                  "CSV, a row an hour: load_kwh, pv_wh_per_kwp, hour_1_24, day_type, "
                  "tou_price_usd_per_kwh or price_per_kwh")
      ->required();
  add_word(command, "--tariff", s.tariff,
           {{"tou", YearTariff::tou},
            {"e7", YearTariff::e7},
            {"night", YearTariff::night},
            {"agile", YearTariff::agile}},
           "tou: the price column; e7: 0.10 GBP/kWh in hours 1 to 7, else 0.30; "
           "night: 0.07 in hours 1 to 5, else 0.28; agile: made up, another each half hour, "
           "negative ones too, and its own for export")
      ->default_str("tou");
  auto* policy =
      add_word(command, "--policy", to.smart.policy,
               {{"rules", YearPolicy::rules},
                {"balance", YearPolicy::balance},
                {"smart", YearPolicy::smart}},
               "rules: the hub's own; balance: self-consumption; smart: the planner, from the "
               "days past (docs/smart.md), an hour a decision")
          ->default_str("rules");
  add_word(command, "--forecast", to.smart.forecast,
           {{"days", Forecast::days}, {"mean", Forecast::mean}},
           "days: each of the days past is a course; mean: their mean is, for comparison")
      ->default_str("days")
      ->needs(policy);
  add_word(command, "--follow", to.smart.follow,
           {{"marks", Follow::marks}, {"watts", Follow::watts}},
           "marks: as the hub does; watts: the powers that were expected, for comparison")
      ->default_str("marks")
      ->needs(policy);
  command
      .add_flag("--sells", to.smart.sells,
                "The planner may discharge the battery into the grid, and so may the bound")
      ->needs(policy);
  add_word(command, "--perfect", to.smart.perfect,
           {{"solar", Perfect::solar}, {"load", Perfect::load}},
           "The planner knows what comes of it")
      ->needs(policy);
  command
      .add_option_function<double>(
          "--sun-feed", [&to](double percent) { to.smart.sun_feed_error = percent / 100.0; },
          "The planner is told each day's sun, wrong by so many percent (standard deviation)")
      ->check(CLI::Range(0.0, 1000.0))
      ->needs(policy);
  add_word(command, "--step", s.step, {{"1h", 1h}, {"1min", 1min}, {"1s", 1s}},
           "Time between two decisions")
      ->default_str("1min");
  command.add_option("--config", to.config,
                     "Take the rules' settings from this configuration of the hub; without it: "
                     "self-consumption from empty to full");
  auto* cheap = command.add_option("--cheap-below", to.cheap_below,
                                   "An hour is cheap if its price per kWh is below");
  command
      .add_option("--force-charge-to", to.force_charge_to_percent,
                  "While cheap, charge from the grid up to this percentage")
      ->check(CLI::Range(0.0, 100.0))
      ->needs(cheap);
  command
      .add_flag("--no-discharge-while-cheap", to.no_discharge_while_cheap,
                "While cheap, keep what is stored")
      ->needs(cheap);
  command.add_option("--kwp", s.kwp, "Installed solar power, kWp")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  watt_hours("--capacity-kwh", s.battery.capacity, "Usable capacity of the battery");
  watt_hours("--start-kwh", s.battery.start, "Stored at the start");
  watts("--charge-w", s.battery.charge, "Most it charges with, AC side");
  watts("--discharge-w", s.battery.discharge, "Most it discharges with, AC side");
  auto* efficiency = command.add_option("--efficiency", s.battery.efficiency, "One way, 0.5 to 1")
                         ->check(CLI::Range(0.5, 1.0))
                         ->capture_default_str();
  command
      .add_option_function<std::vector<std::string>>(
          "--efficiency-curve",
          [&s](const std::vector<std::string>& points) {
            s.battery.curve.clear();
            for (const auto& text : points) s.battery.curve.push_back(efficiency_point(text));
            if (!std::ranges::is_sorted(s.battery.curve, std::ranges::less_equal{},
                                        &EfficiencyPoint::power))
              throw CLI::ValidationError("--efficiency-curve", "expected growing powers");
          },
          "One way by AC power instead: W:SHARE,W:SHARE,...; straight between the points")
      ->delimiter(',')
      ->type_name("POINTS")
      ->excludes(efficiency);
  command
      .add_option_function<double>(
          "--standby-w", [&s](double w) { s.battery.standby = Watts{w}; },
          "Drawn at the AC side all the time")
      ->check(CLI::Range(0.0, 1000.0))
      ->default_str("0");
  command
      .add_option("--import-limit-w", to.import_limit_w,
                  "Charging never lifts import above it, neither the rules' nor the bound's")
      ->check(CLI::Range(0.0, 100000.0));
  command.add_flag("--free-end", to.free_end,
                   "The bound may end empty; without it, with what the rules end with at least");
  command.add_option("--export-price", s.export_price, "Paid for exported energy, per kWh")
      ->capture_default_str();
  command.add_option("--currency", to.currency,
                     "Of all prices; without it that of --tariff or of --config, if it names one");
  command.add_option("--json", to.json, "Write the figures to this file");
  command.footer(
      "Every decision is made by the hub's own table of targets and limits. Measurements are\n"
      "ideal, and so is the inverter but for its losses; powers are constant within an hour. If\n"
      "the tariff of --config has bands, it is what is paid; what it leaves open is the house's\n"
      "price and --export-price. The bound is the least cost with perfect foresight of the same\n"
      "battery, import limit and prices, and no rules: no rules can be cheaper. With an\n"
      "efficiency curve it has the best efficiency at every power. Regret is cost minus bound.\n"
      "\nExit codes: 0 done, 64 wrong arguments, 73 a file cannot be written, 78 a file that was\n"
      "given is missing or wrong (with file, line and column).\n"
      "\nExample:\n"
      "  esshub-sim year --house house.csv --tariff e7 --step 1min\n"
      "  esshub-sim year --house house.csv --tariff e7 --cheap-below 0.2 --force-charge-to 60\n");
  command.callback([&s] {
    if (s.battery.start > s.battery.capacity)
      throw CLI::ValidationError("--start-kwh", "is more than --capacity-kwh");
  });
}

void add_storm_options(CLI::App& command, storm::StormOptions& to) {
  command.add_option("--seed", to.seed, "Of the first episode; the next ones count up from it")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 62))
      ->capture_default_str();
  auto* episodes = command.add_option("--episodes", to.episodes, "How many, of 15 minutes each")
                       ->check(CLI::PositiveNumber)
                       ->capture_default_str();
  command.add_option("--days", to.days, "One long calm with rare faults instead")
      ->check(CLI::Range(0.05, 400.0))
      ->excludes(episodes);
  command.add_option("--seconds", to.seconds, "Begin no further episode after so much real time")
      ->check(CLI::PositiveNumber);
  command
      .add_option("--faults", to.faults,
                  "all, none, or names and groups with commas between: " + storm::kinds_help())
      ->capture_default_str();
  command.add_flag("--trace", to.trace, "Print what happens, a line each");
  command.add_flag("--twice", to.twice, "Play each episode again; its hash must be the same");
  command.add_option("--shorten", to.shorten, "So many broken episodes are shortened")
      ->capture_default_str();
  command.add_flag("--timing", to.timing, "Measure what each part costs");
  command.add_option("--record", to.record,
                     "Write the truth of house and wires to this file, see docs/storm-record.md");
  command.footer(
      "An episode is a house with settings of its own and what goes wrong in it, all drawn from\n"
      "its seed: the same seed, the same history, bit for bit. The hub's own drivers, bus\n"
      "sessions, control, supervision, command service, state file and the handlers of REST,\n"
      "MQTT and scrapes run in virtual time. An episode that breaks a promise of\n"
      "docs/safety-contract.md is named with its seed, and with the fewest of its faults that\n"
      "still break it.\n"
      "\nExit codes: 0 all kept, 1 a promise is broken, 64 wrong arguments, 73 the record cannot\n"
      "be written.\n"
      "\nExample:\n"
      "  esshub-sim storm --seed 1 --episodes 100\n"
      "  esshub-sim storm --seed 7 --trace --faults line,mains\n");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"esshub-sim: a simulated house for esshub"};
  app.set_version_flag("--version", "esshub-sim " ESSHUB_VERSION);
  app.require_subcommand(1);
  app.footer("Exit codes: 0 ended as asked, 64 wrong arguments. See 'esshub-sim COMMAND --help'.");

  PlantOptions options;
  auto* plant =
      app.add_subcommand("plant", "Meters, battery and inverter behind serial ports, in real time");
  plant
      ->add_option(
          "--dir", options.dir,
          "Where to put the ports meters, battery, cells and inverter, the socket control, "
          "and esshub.toml for the hub")
      ->required();
  plant->add_option("--scenario", options.scenario,
                    "TOML file, see scenario.example.toml: settings and timed events");
  add_trace_options(*plant, options.traces);
  plant->add_option("--seed", options.seed,
                    "The same seed, the same house (before the scenario's)");
  plant->add_option("--seconds", options.seconds, "End after that time")
      ->check(CLI::PositiveNumber);
  // Who listens there reads HOST:PORT; the hub checks it again.
  const auto host_port = [](const std::string& text) {
    const auto colon = text.rfind(':');
    const bool good = colon != std::string::npos && colon > 0 && colon + 1 < text.size() &&
                      text.find_first_not_of("0123456789", colon + 1) == std::string::npos;
    return good ? std::string() : "expected HOST:PORT, got '" + text + "'";
  };
  plant->add_option("--metrics", options.metrics, "Metrics address written into esshub.toml")
      ->check(host_port)
      ->capture_default_str();
  plant->add_option("--web", options.web, "The page's address written into esshub.toml")
      ->check(host_port)
      ->capture_default_str();
  plant->footer(plant_help());

  SimulateOptions simulation;
  auto* simulate_command = app.add_subcommand(
      "simulate", "The hub's own configuration against the simulated house, in virtual time");
  add_simulate_options(*simulate_command, simulation);

  YearOptions year;
  auto* year_command = app.add_subcommand(
      "year", "What the hub's rules make of a year, next to no battery and to perfect foresight");
  add_year_options(*year_command, year);

  StepCommand step_command;
  auto* step_response = app.add_subcommand(
      "step-response", "How fast and how well the hub follows load steps, in virtual time");
  step_response->add_flag("--sweep", step_command.sweep, "252 other plants, not told to the hub");
  step_response->add_option("--load", step_command.load,
                            "Also follow this recorded load, CSV, a row a second; the goal is what "
                            "doing the same exactly 1 s late comes to");
  step_response->add_option("--json", step_command.json, "Write all figures to this file");
  step_response->add_option("--svg", step_command.svg, "Draw the answers into this file");
  step_response->add_option("--phases", step_command.phases, "Steps of each size")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  step_response->add_option("--seed", step_command.seed, "Of the plant's noise, delays and chatter")
      ->capture_default_str();
  step_response
      ->add_option("--seeds", step_command.seeds, "The sweep with so many seeds, from --seed on")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  step_response->footer(
      "Exit codes: 0 every goal met, 1 a goal missed, 73 a file cannot be "
      "written, 78 the load cannot be read or is not of one row a second.");

  storm::StormOptions storms;
  auto* storm_command = app.add_subcommand(
      "storm", "The hub in random houses in which things go wrong, in virtual time, judged");
  add_storm_options(*storm_command, storms);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }
  if (simulate_command->parsed()) return simulate(simulation, std::cout, std::cerr);
  if (year_command->parsed()) return simulate_year(year, std::cout, std::cerr);
  if (step_response->parsed()) return run_step_response(step_command);
  if (storm_command->parsed()) return storm::run_storm(storms, std::cout, std::cerr);
  return run_plant(options);
}
