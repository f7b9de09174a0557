// esshub-feed: the command line.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <string>

#include "config/config.hpp"
#include "esshub_version.hpp"
#include "feed/program/feed_files.hpp"
#include "feed/program/run.hpp"

namespace {

constexpr int exit_ok = 0;
constexpr int exit_failure = 1;
constexpr int exit_usage = 64;   // EX_USAGE
constexpr int exit_config = 78;  // EX_CONFIG

int parse_and_run(int argc, char** argv) {
  using namespace esshub;
  CLI::App program{"Fetches prices and expected sun for the hub, which itself fetches nothing.",
                   "esshub-feed"};
  program.set_version_flag("--version", "esshub-feed " ESSHUB_VERSION);
  std::string file = "/etc/esshub/esshub-feed.toml";
  std::string folder;
  bool once = false;
  program.add_option("--config", file, "the configuration file (TOML)")->capture_default_str();
  program.add_option("--folder", folder, "write there, whatever the file says");
  program.add_flag("--once", once, "ask each source once, then end");
  program.footer(
      "Writes import_price.json, export_price.json and solar.json, each replaced as a whole,\n"
      "in the form of docs/feeds.md. A source that cannot be reached is asked again after\n"
      "1, 2, 4 ... min, one that answers never more often than it allows; its last file stays.\n"
      "Events go to stderr.\n"
      "example: esshub-feed --once --folder /tmp --config esshub-feed.toml\n"
      "exit codes: 0 ok, 1 failure while running, 64 wrong usage, 78 errors in the configuration");
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? exit_ok : exit_usage;
  }
  const auto text = feed::read_file(file);
  if (!text) {
    std::cerr << "esshub-feed: " << file << ": cannot be read, expected a configuration file\n";
    return exit_config;
  }
  auto settings = feed::read_settings(*text);
  if (!settings) {
    for (const auto& error : settings.error()) std::cerr << config::describe(file, error) << '\n';
    return exit_config;
  }
  if (!folder.empty()) settings->folder = folder;
  return feed::run(*settings, once) ? exit_ok : exit_failure;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "esshub-feed: " << error.what() << '\n';
    return exit_failure;
  }
}
