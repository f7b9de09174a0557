// esshub-sim: the simulated house as a program. The only file that knows the command-line library.
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "esshub_version.hpp"
#include "sim/command.hpp"
#include "sim/hub_config.hpp"
#include "sim/make_plant.hpp"
#include "sim/plant_runner.hpp"
#include "sim/scenario.hpp"

namespace {

namespace fs = std::filesystem;
using namespace esshub;
using namespace esshub::sim;

// As in sysexits.h.
constexpr int exit_usage = 64;
constexpr int exit_cannot_create = 73;
constexpr int exit_config = 78;

struct Options {
  std::string dir;
  std::string scenario;
  std::string load;
  std::string pv;
  std::string metrics = "127.0.0.1:9750";
  std::optional<std::uint64_t> seed;
  std::optional<double> seconds;
};

/// In the form of the hub's own log: level, component, event, key=value.
void log(std::string_view level, const std::string& text) {
  std::cerr << level << " sim " << text << '\n';
}

int fail(int code, std::string_view event, const std::string& reason) {
  log("ERROR", std::string(event) + " reason=\"" + reason + "\"");
  return code;
}

/// Reads one optional trace; false (and a log line) when it is bad.
template <class Read>
bool read_trace(const std::string& file, Read read, std::optional<Trace>& into) {
  if (file.empty()) return true;
  auto trace = read(file);
  if (!trace) {
    std::cerr << trace.error() << '\n';
    return false;
  }
  into = std::move(*trace);
  return true;
}

int run_plant(const Options& options) {
  Scenario scenario;
  if (!options.scenario.empty()) {
    auto read = read_scenario(options.scenario);
    if (!read) {
      for (const auto& mistake : read.error()) std::cerr << mistake << '\n';
      return exit_config;
    }
    scenario = std::move(*read);
  }
  if (options.seed) scenario.seed = *options.seed;
  Traces traces;
  const bool load_good = read_trace(options.load, read_load_trace, traces.load);
  const bool sun_good = read_trace(options.pv, read_sun_trace, traces.sun);
  if (!load_good || !sun_good) return exit_config;

  std::error_code error;
  fs::create_directories(options.dir, error);
  if (error) return fail(exit_cannot_create, "no_directory", options.dir + ": " + error.message());
  const auto dir = fs::canonical(options.dir, error).string();
  if (error) return fail(exit_cannot_create, "no_directory", options.dir + ": " + error.message());

  boost::asio::io_context io;
  const auto plant = make_plant(scenario, traces, std::chrono::steady_clock::now());
  PlantRunner runner{io, *plant, dir, log};
  std::string reason;
  if (!runner.start(reason)) return fail(exit_cannot_create, "cannot_start", reason);
  const auto config = dir + "/esshub.toml";
  if (!(std::ofstream(config) << hub_config(dir, options.metrics)).flush())
    return fail(exit_cannot_create, "no_config", config + ": " + std::strerror(errno));
  log("INFO", "started version=" ESSHUB_VERSION " dir=\"" + dir +
                  "\" seed=" + std::to_string(scenario.seed));

  boost::asio::signal_set signals{io, SIGINT, SIGTERM};
  signals.async_wait([&](const boost::system::error_code&, int signal) {
    log("INFO", "stopping signal=" + std::to_string(signal));
    io.stop();
  });
  boost::asio::steady_timer end{io};
  if (options.seconds) {
    end.expires_after(as_duration(Seconds{*options.seconds}));
    end.async_wait([&](const boost::system::error_code&) { io.stop(); });
  }
  io.run();
  runner.stop();
  plant->advance_to(std::chrono::steady_clock::now());
  log("INFO", "stopped state=" + state(*plant).dump());
  return 0;
}

std::string footer() {
  return "Commands for DIR/control, one a line, each answered by a line 'ok ...' or 'error "
         "...':\n" +
         command_help() +
         "\nExit codes: 0 ended as asked, 64 wrong arguments, 73 something cannot be created,\n"
         "78 a scenario or trace is missing or wrong (each mistake with file and line).\n"
         "\nExample:\n"
         "  esshub-sim plant --dir /tmp/house --load load.csv --pv sun.csv &\n"
         "  esshub run --config /tmp/house/esshub.toml &\n"
         "  echo 'load 2500' | nc -U -q 1 /tmp/house/control\n";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"esshub-sim: a simulated house for esshub"};
  app.set_version_flag("--version", "esshub-sim " ESSHUB_VERSION);
  app.require_subcommand(1);
  app.footer("Exit codes: 0 ended as asked, 64 wrong arguments. See 'esshub-sim plant --help'.");

  Options options;
  auto* plant =
      app.add_subcommand("plant", "Meters, battery and inverter behind serial ports, in real time");
  plant
      ->add_option("--dir", options.dir,
                   "Where to put the ports meters, battery and inverter, the socket control, and "
                   "esshub.toml for the hub")
      ->required();
  plant->add_option("--scenario", options.scenario,
                    "TOML file, see scenario.example.toml: settings and timed events");
  plant->add_option("--load", options.load,
                    "CSV, a row a second, column load_w or active_power_w (W)");
  plant->add_option("--pv", options.pv, "CSV, a row a minute, column ghi_w_m2 (W/m2)");
  plant->add_option("--seed", options.seed,
                    "The same seed, the same house (before the scenario's)");
  plant->add_option("--seconds", options.seconds, "End after that time")
      ->check(CLI::PositiveNumber);
  plant->add_option("--metrics", options.metrics, "Metrics address written into esshub.toml")
      ->check([](const std::string& text) {
        // The metrics library reads HOST:PORT; the hub checks it again.
        const auto colon = text.rfind(':');
        const bool good = colon != std::string::npos && colon > 0 && colon + 1 < text.size() &&
                          text.find_first_not_of("0123456789", colon + 1) == std::string::npos;
        return good ? std::string() : "expected HOST:PORT, got '" + text + "'";
      })
      ->capture_default_str();
  plant->footer(footer());

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }
  return run_plant(options);
}
