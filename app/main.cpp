// esshub: the command line. The only file that knows the command-line library.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "app/commands.hpp"
#include "commissioning/steps.hpp"
#include "config/nearest.hpp"
#include "esshub_version.hpp"
#include "protocol/pylontech/can_messages.hpp"

namespace {

constexpr const char* exit_codes =
    "exit codes: 0 ok, 1 failure while running, 64 wrong usage, 78 errors in the configuration";

/// What to say of a first word that is no command; empty where it is one, or an option.
std::string unknown_command(const CLI::App& program, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return {};
  std::vector<std::string> names;
  for (const auto* command : program.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return {};
  std::string text = std::string{argv[1]} + " is no command, ";
  if (const auto meant = esshub::config::nearest(argv[1], names))
    return text + "did you mean " + std::string{*meant} + "?";
  text += "expected one of:";
  for (const auto& name : names) text += ' ' + name;
  return text;
}

int parse_and_run(int argc, char** argv) {
  using namespace esshub::app;
  CLI::App program{"Energy management for a home battery: meters, BMS and inverter in one loop.",
                   "esshub"};
  program.set_version_flag("--version", "esshub " ESSHUB_VERSION);
  program.require_subcommand(1);
  program.footer(std::string{"example: esshub run --config /etc/esshub/esshub.toml --live\n"} +
                 exit_codes);

  std::string config = usual_config;
  const auto add_config = [&config](CLI::App* command) {
    command->add_option("--config", config, "the configuration file (TOML)")->capture_default_str();
  };
  bool live = false;
  auto* run_command = program.add_subcommand("run", "Run the hub until SIGINT or SIGTERM.");
  add_config(run_command);
  run_command->add_flag("--live", live, "print a table row a second to stdout");
  run_command->footer(
      std::string{
          "Events go to stderr, one line each. On SIGINT and SIGTERM the battery is brought\n"
          "to rest first; exit code 1 if the inverter did not acknowledge that. A second\n"
          "SIGINT ends at once. SIGHUP reads the file again: a valid one is applied\n"
          "(buses and outward services with a restart), one with errors is not.\n"
          "example: esshub run --config /etc/esshub/esshub.toml --live\n"} +
      exit_codes);

  std::string file = usual_config;
  auto* check_command =
      program.add_subcommand("check", "Check a configuration and name every error.");
  auto* checked = check_command->add_option("FILE", file, "the configuration file (TOML)")
                      ->capture_default_str();
  bool example = false;
  check_command
      ->add_flag("--example", example,
                 "print an example with every setting instead, with its default")
      ->excludes(checked);
  ProbeOptions probing;
  bool probing_too = false;
  auto* probed = check_command
                     ->add_flag("--probe", probing_too,
                                "look at the ports and ask every device as well; the hub must not "
                                "run")
                     ->excludes("--example");
  check_command->add_flag("--json", probing.json, "the findings of --probe as one JSON object")
      ->needs(probed);
  check_command
      ->add_option("--user", probing.user, "with --probe: who runs the hub and must open the ports")
      ->capture_default_str()
      ->needs(probed);
  check_command
      ->add_flag("--beside-hub", probing.beside_hub,
                 "with --probe: go on while a hub of another configuration runs")
      ->needs(probed);
  check_command->footer(
      std::string{
          "--probe only reads: it writes no setpoint and no setting of a device. A battery on CAN\n"
          "that does not say all by itself hears the message 0x305, as from the hub. What fails\n"
          "is told with its cause and what to do; exit code 1 then. Progress goes to stderr.\n"
          "example: sudo esshub check --probe\n"} +
      exit_codes);

  InitOptions starting;
  auto* init_command = program.add_subcommand(
      "init", "Find what is connected, ask a few questions, write a configuration.");
  init_command->add_option("FILE", starting.file, "the configuration to write")
      ->capture_default_str();
  init_command->add_option("--devices", starting.devices,
                           "a folder of serial ports (default: /dev/serial/by-id)");
  init_command->add_option("--port", starting.ports, "a serial port to look at, and only at those");
  init_command->add_option("--can", starting.interfaces,
                           "a CAN interface to look at (default: all there are)");
  init_command->add_option("--measures", starting.measures,
                           "UNIT.PHASE=WHAT: what a meter's phase measures, such as 1.1=grid");
  init_command->add_flag("--yes", starting.yes, "take the default of every question");
  init_command->add_flag("--force", starting.force, "write over a file that exists");
  init_command->add_flag("--beside-hub", starting.beside_hub,
                         "go on while a hub of another configuration runs");
  init_command->footer(
      std::string{
          "Listens 3 s at each port first: where anybody talks in them that is no MK3 and no CAN\n"
          "adapter, nothing is sent. Then it sends to every serial device in /dev/serial/by-id (or "
          "those\n"
          "named): an MK3's version request at 2400 and 115200 baud; the SLCAN commands C, S6, L,\n"
          "F, C at 115200; Modbus reads to addresses 1 to 20 and 240 to 247 and a Pylontech\n"
          "module's reads at the usual speeds. No setpoint and no setting of a device is written.\n"
          "Unplug what is not the hub's (a modem, a UPS), or name the ports with --port. On CAN\n"
          "interfaces it only listens. While a hub runs it does nothing: sudo systemctl stop\n"
          "esshub first. A port whose name has MK3 in it hears MK3 requests alone.\n"
          "What it cannot know it asks: which phase of a meter is the grid's. What stays open\n"
          "stands in the file as a comment, and the exit code is 1.\n"
          "Which way round a clamp is it cannot see and never guesses.\n"
          "example: sudo esshub init\n"} +
      exit_codes);

  auto* password_command = program.add_subcommand(
      "password", "Set the password that changing things on the page needs.");
  add_config(password_command);
  password_command->footer(
      std::string{
          "Asks twice at a terminal, else reads one line of stdin: 10 to 256 bytes. Keeps only\n"
          "an argon2id hash, in `state_dir` of [site]. It holds at once, also for a hub that\n"
          "runs; whoever was signed in is signed out.\n"
          "example: sudo esshub password --config /etc/esshub/esshub.toml\n"} +
      exit_codes);

  const std::map<std::string, DecodeKind> kinds{{"modbus", DecodeKind::modbus},
                                                {"can", DecodeKind::can},
                                                {"mk3", DecodeKind::mk3},
                                                {"pylontech-rs485", DecodeKind::pylontech_rs485}};
  std::string kind;
  auto* decode_command =
      program.add_subcommand("decode", "Decode captured frames from stdin, one a line, to JSON.");
  decode_command->add_option("--kind", kind, "what the frames are")
      ->required()
      ->check(CLI::IsMember(kinds));
  namespace pylontech = esshub::protocol::pylontech;
  unsigned cells = pylontech::usual_cells;
  auto* cells_option = decode_command->add_option(
      "--cells", cells, "how many a battery on CAN has in series: its charge voltage limit");
  cells_option->check(CLI::Range(pylontech::fewest_cells, pylontech::most_cells))
      ->capture_default_str();
  decode_command->callback([&] {
    if (cells_option->count() > 0 && kind != "can")
      throw CLI::ExcludesError("--cells", "--kind " + kind);
  });
  decode_command->footer(
      std::string{
          "One JSON object a line, keys with their unit, the hub's signs. Empty lines and\n"
          "lines that begin with # are skipped; a frame that cannot be decoded gives\n"
          "{\"error\": ..., \"detail\": ...} and the next line goes on. Bytes of a line that\n"
          "belong to no frame come as {\"kind\": \"outside\", \"bytes\": ...}. pylontech-rs485\n"
          "takes the frames as text, from ~ on; the others hex, can also candump's lines.\n"
          "example: candump -L can0 | esshub decode --kind can --cells 16\n"} +
      exit_codes);

  const std::map<std::string, SniffKind> sniff_kinds{
      {"modbus", SniffKind::modbus}, {"slcan", SniffKind::slcan}, {"mk3", SniffKind::mk3}};
  SniffOptions sniffing;
  std::string sniff_kind;
  auto* sniff_command =
      program.add_subcommand("sniff", "Listen on a bus and show what others say, decoded.");
  auto* port = sniff_command->add_option("--port", sniffing.port, "the serial port to listen on");
  auto* can = sniff_command->add_option("--can", sniffing.can, "the CAN interface to listen on");
  can->excludes(port);
  sniff_command->add_option("--baud", sniffing.baud, "its speed, 8N1 or 8E1; else it is found")
      ->check(CLI::PositiveNumber)
      ->excludes(can);
  sniff_command->add_option("--kind", sniff_kind, "what is spoken; else it is found")
      ->check(CLI::IsMember(sniff_kinds))
      ->excludes(can);
  sniff_command->add_option("--write", sniffing.write, "keep what is heard in this file");
  sniff_command->add_option("--seconds", sniffing.seconds, "stop by itself")
      ->check(CLI::PositiveNumber);
  sniff_command->add_flag("--json", sniffing.json, "one JSON object a line");
  sniff_command->callback([&] {
    if (sniffing.port.empty() && sniffing.can.empty())
      throw CLI::RequiredError("one of --port and --can");
    if (!sniff_kind.empty()) sniffing.kind = sniff_kinds.at(sniff_kind);
  });
  sniff_command->footer(
      std::string{
          "A line for each transaction, question and answer together, until Ctrl-C; then the\n"
          "counts. Progress and trouble go to stderr.\n"
          "It never sends on the bus. The exception is an SLCAN adapter's own port, and only\n"
          "with --kind slcan: the adapter is opened at 500 kbit/s to listen only (C, S6, L), so\n"
          "that it does not even acknowledge. Without --kind nothing is written to the port,\n"
          "and an adapter is heard only if its channel is open already.\n"
          "A SocketCAN interface acknowledges unless set up with `listen-only on`.\n"
          "--write: CAN and SLCAN as a candump log (canplayer, esshub decode --kind can); other\n"
          "serial bytes as pcapng of link type 250, LINKTYPE_RTAC_SERIAL, a frame a packet. In\n"
          "Wireshark choose Decode As... RTAC Serial: Modbus RTU; or\n"
          "  tshark -r FILE -d rtacser.data,mbrtu\n"
          "example: esshub sniff --port /dev/ttyUSB0 --write meters.pcapng\n"} +
      exit_codes);

  const std::map<std::string, ExportWhat> export_whats{
      {"minutes", ExportWhat::minutes}, {"days", ExportWhat::days}, {"events", ExportWhat::events}};
  const std::map<std::string, ExportFormat> export_formats{{"csv", ExportFormat::csv},
                                                           {"json", ExportFormat::json}};
  ExportOptions exporting;
  std::string export_what = "minutes";
  std::string export_format = "csv";
  auto* export_command = program.add_subcommand("export", "Write out the history the hub kept.");
  export_command->add_option(
      "--config", exporting.config,
      std::string{"the hub's configuration file; without --file "} + usual_config);
  export_command->add_option("--file", exporting.file, "the history itself, instead");
  export_command->add_option("--time-zone", exporting.time_zone, "instead of the site's own");
  export_command->add_option("--from", exporting.from, "the first day, or a time of the site");
  export_command->add_option("--to", exporting.to, "the last day, or the time it ends before");
  export_command->add_option("--what", export_what, "minutes, days or events")
      ->check(CLI::IsMember(export_whats));
  export_command->add_option("--format", export_format, "csv or json")
      ->check(CLI::IsMember(export_formats));
  export_command->callback([&] {
    if (exporting.config.empty() && exporting.file.empty()) exporting.config = usual_config;
    exporting.what = export_whats.at(export_what);
    exporting.format = export_formats.at(export_format);
  });
  export_command->footer(
      std::string{
          "minutes: means of a minute in W, grid + = import, battery + = charging, and the SOC.\n"
          "days: energies in kWh and money at the price of the moment, in the currency that is\n"
          "configured now. events: faults, decisions and policy when they changed, commands,\n"
          "starts. Times are the site's, with their offset. What is unknown is empty in CSV and "
          "null\n"
          "in JSON. It works while the hub runs; what the hub has not written yet (5 minutes) is "
          "not\n"
          "in it.\n"
          "example: esshub export --config /etc/esshub/esshub.toml --what days --from "
          "2026-01-01\n"} +
      exit_codes);

  StatusOptions asking;
  auto* status_command =
      program.add_subcommand("status", "Show what the running hub does, and why.");
  const auto add_hub = [&asking](CLI::App* command) {
    command->add_option("--address", asking.hub.address, "of the hub's page, host:port or URL");
    command->add_option("--certificate", asking.hub.certificate,
                        "who signed the page's certificate (PEM), for https");
  };
  add_hub(status_command);
  status_command->add_flag("--watch", asking.watch, "again every second until Ctrl-C");
  status_command->add_flag("--json", asking.json, "one JSON object a line");
  status_command->footer(
      std::string{
          "Colour only on a terminal, and never where NO_COLOR is set. What is not current is\n"
          "shown as -- with its age. Exit code 1 when the hub does not answer or its control is\n"
          "silent.\n"
          "example: esshub status --watch\n"} +
      exit_codes);

  bool plan_as_json = false;
  auto* plan_command = program.add_subcommand("plan", "Show what Smart mode plans, and why.");
  add_hub(plan_command);
  plan_command->add_flag("--json", plan_as_json, "one JSON object; null in another mode");
  plan_command->footer(
      std::string{"Prices and the value of a stored kWh are in the tariff's currency. Of the days\n"
                  "replayed a tenth lies below and a tenth above the range of charge. Exit code 1\n"
                  "when the hub does not answer, and without a plan.\n"
                  "example: esshub plan\n"} +
      exit_codes);

  auto* acknowledge_command = program.add_subcommand(
      "acknowledge", "Tell the running hub that you have seen to what holds the battery.");
  add_hub(acknowledge_command);
  acknowledge_command->footer(
      std::string{
          "Ends a latched cut-off (the inverter is switched on again), the rest of 15 minutes\n"
          "after a grid meter the wrong way round, and the hold after a part of the hub died\n"
          "again and again. Asks for the page's password, or reads it from a line of stdin.\n"
          "Exit code 1 with the reason when there is nothing to acknowledge.\n"
          "example: esshub acknowledge\n"} +
      exit_codes);

  CommissionOptions consent;
  consent.power_w = esshub::commissioning::usual_power.value();
  auto* commission_command = program.add_subcommand(
      "commission", "Find out which clamp is which, by small steps of the battery.");
  add_hub(commission_command);
  commission_command->add_option("--power", consent.power_w, "of the steps at most, W")
      ->check(CLI::Range(esshub::commissioning::lowest_power.value(),
                         esshub::commissioning::highest_power.value()))
      ->capture_default_str();
  commission_command->add_option("--report", consent.report, "the folder for the report")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  commission_command->add_flag("--yes", consent.yes, "begin without asking");
  commission_command->add_flag(
      "--no-export-limit", consent.no_export_limit,
      "no solar inverter holds an export limit now: none has one, it is off, or it is dark");
  commission_command->footer(
      std::string{
          "For 52 s the battery rests and discharges by turns, 4 Wh or less in all. The steps\n"
          "are dispatches of the running hub: every limit of it holds, and one that is not\n"
          "renewed ends within 5 s. Any key or Ctrl-C stops it. From what the meters show of the\n"
          "steps it names each channel: grid, solar, line to the inverter, circuit; the right way\n"
          "round or not; twice or half the power; dead. What it cannot know it calls not sure.\n"
          "By night a circuit and solar look alike. A solar inverter that holds an export limit\n"
          "looks like the grid: only --no-export-limit names a grid that exports nothing, and\n"
          "only tell it where it is so. It changes nothing: it says what to change,\n"
          "and keeps that with a picture in an HTML file. Asks for the page's password, or reads\n"
          "it from a line of stdin, and then for the word yes.\n"
          "Where the hub has found the grid meter reversed, limits of 0 W for charging and 450 W\n"
          "for discharging let it measure all the same. Exit code 1 with the reason when the hub\n"
          "or its state forbids it, and when it was stopped.\n"
          "example: esshub commission --report /tmp\n"} +
      exit_codes);

  BackupOptions saving;
  auto* backup_command =
      program.add_subcommand("backup", "Save everything that makes this hub this hub in one file.");
  backup_command->add_option("FILE", saving.file, "the file to write")->required();
  backup_command->add_option("--config", saving.config, "the configuration file (TOML)")
      ->capture_default_str();
  backup_command->add_flag("--with-secrets", saving.with_secrets,
                           "also key, certificates and passwords in files of their own");
  backup_command->add_flag("--force", saving.force, "replace a file that is there");
  backup_command->footer(
      std::string{
          "Configuration, orders, what safety remembers, the page's password (its hash), prices\n"
          "and sun that were told, savings, and the history of one moment, also while the hub\n"
          "runs. It says when somebody was at home, and may hold the broker's password where that\n"
          "stands in the configuration. A tar with checksums in its first file; mode 0600. Exit\n"
          "code 1 also when only the history could not be read and all else is saved.\n"
          "example: sudo esshub backup /media/stick/esshub.backup\n"} +
      exit_codes);

  const std::map<std::string, BackupPart> backup_parts{{"config", BackupPart::config},
                                                       {"state", BackupPart::state},
                                                       {"history", BackupPart::history}};
  RestoreOptions restoring;
  std::string restored_part;
  auto* restore_command =
      program.add_subcommand("restore", "Put back what backup saved, and keep what was there.");
  restore_command->add_option("FILE", restoring.file, "a backup, or a copy of the history")
      ->required();
  restore_command->add_option("--config", restoring.config, "the configuration file (TOML)")
      ->capture_default_str();
  auto* only = restore_command->add_option("--only", restored_part, "nothing but this part of it")
                   ->check(CLI::IsMember(backup_parts));
  restore_command->add_flag("--list", restoring.list, "show what is in it and change nothing")
      ->excludes(only);
  restore_command->callback([&] {
    if (!restored_part.empty()) restoring.only = backup_parts.at(restored_part);
  });
  restore_command->footer(
      std::string{
          "Refuses while the hub runs. Everything is checked before anything is replaced. What\n"
          "was there is kept beside the configuration as before-restore.backup, which restores as\n"
          "well. Files go where the restored configuration says: restore only what you saved; as\n"
          "root no file of the user whom the hub runs as is taken. What safety remembers is put\n"
          "together with what it remembers here: going back loosens nothing. A\n"
          "history of an older version (history.db.schema-N) is taken by itself.\n"
          "example: sudo esshub restore /media/stick/esshub.backup\n"} +
      exit_codes);

  if (const auto unknown = unknown_command(program, argc, argv); !unknown.empty()) {
    std::cerr << "esshub: " << unknown << '\n';
    return exit_usage;
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? exit_ok : exit_usage;
  }
  if (*run_command) return run(config, live);
  if (*init_command) return init(starting, std::cin, std::cout, std::cerr);
  if (*password_command) return password(config, std::cout, std::cerr);
  if (*check_command && example) return check_example(std::cout);
  if (*check_command && *probed) {
    probing.config = file;
    return probe(probing, std::cout, std::cerr);
  }
  if (*check_command) return check(file, std::cout, std::cerr);
  if (*export_command) return export_history(exporting, std::cout, std::cerr);
  if (*status_command) return status(asking, std::cout, std::cerr);
  if (*plan_command) return plan({asking.hub, plan_as_json}, std::cout, std::cerr);
  if (*acknowledge_command) return acknowledge(asking.hub, std::cout, std::cerr);
  consent.hub = asking.hub;
  if (*commission_command) return commission(consent, std::cout, std::cerr);
  if (*backup_command) return backup(saving, std::cout, std::cerr);
  if (*restore_command) return restore(restoring, std::cout, std::cerr);
  if (*sniff_command) return sniff(sniffing, std::cout, std::cerr);
  return decode(kinds.at(kind), cells, std::cin, std::cout);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "esshub: " << error.what() << '\n';
    return esshub::app::exit_failure;
  }
}
