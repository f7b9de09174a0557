#include "sim/plant_command.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string_view>
#include <utility>

#include "esshub_version.hpp"
#include "json/text.hpp"
#include "model/event.hpp"
#include "sim/command.hpp"
#include "sim/exit_codes.hpp"
#include "sim/hub_config.hpp"
#include "sim/make_plant.hpp"
#include "sim/plant_runner.hpp"
#include "sim/scenario.hpp"

namespace esshub::sim {
namespace {

namespace fs = std::filesystem;

/// In the form of the hub's own log: level, component, event, key=value.
void log(std::string_view level, const std::string& text) {
  std::cerr << level << " sim " << text << '\n';
}

int fail(int code, std::string_view event, const std::string& reason) {
  log("ERROR", std::string(event) + " reason=" + log_quoted(reason));
  return code;
}

}  // namespace

int run_plant(const PlantOptions& options) {
  Scenario scenario;
  if (!options.scenario.empty()) {
    auto read = read_scenario(options.scenario);
    if (!read) {
      for (const auto& error : read.error()) std::cerr << error << '\n';
      return exit_config;
    }
    scenario = std::move(*read);
  }
  if (options.seed) scenario.seed = *options.seed;
  const auto traces = read_traces(options.traces, std::cerr);
  if (!traces) return exit_config;

  std::error_code error;
  fs::create_directories(options.dir, error);
  if (error) return fail(exit_cannot_create, "no_directory", options.dir + ": " + error.message());
  const auto dir = fs::canonical(options.dir, error).string();
  if (error) return fail(exit_cannot_create, "no_directory", options.dir + ": " + error.message());

  boost::asio::io_context io;
  const auto plant = make_plant(scenario, *traces, std::chrono::steady_clock::now());
  PlantRunner runner{io, *plant, dir, log};
  std::string reason;
  if (!runner.start(reason)) return fail(exit_cannot_create, "cannot_start", reason);
  const auto config = dir + "/esshub.toml";
  if (!(std::ofstream(config) << hub_config(dir, options.metrics, options.web)).flush())
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
  log("INFO", "stopped state=" + json_text(state(*plant)));
  return 0;
}

std::string plant_help() {
  return "Commands for DIR/control, one a line, each answered by a line 'ok ...' or 'error "
         "...':\n" +
         command_help() +
         "\nExit codes: 0 ended as asked, 64 wrong arguments, 73 something cannot be created,\n"
         "78 a scenario or trace is missing or wrong (each error with file and line).\n"
         "\nExample:\n"
         "  esshub-sim plant --dir /tmp/house --load load.csv --pv sun.csv &\n"
         "  esshub run --config /tmp/house/esshub.toml &\n"
         "  echo 'load 2500' | nc -U -q 1 /tmp/house/control\n";
}

}  // namespace esshub::sim
