// The subcommands as functions, and the program's exit codes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "app/backup/contents.hpp"
#include "app/bus_tools/sniff_kind.hpp"
#include "app/export.hpp"

namespace esshub::app {

constexpr int exit_ok = 0;
constexpr int exit_failure = 1;  ///< could not start, or could not stop in order
constexpr int exit_usage = 64;   ///< EX_USAGE
constexpr int exit_config = 78;  ///< EX_CONFIG

/// Runs the hub until SIGINT or SIGTERM; SIGHUP checks the configuration again. Call it before any
/// thread exists: it blocks these signals for all of them. Logs to stderr; with `live` a table row
/// a second goes to stdout.
[[nodiscard]] int run(const std::filesystem::path& config, bool live);

/// Asks for the owner's password (twice and without echo at a terminal, else one line of stdin) and
/// keeps its hash where the hub of this configuration looks for it.
[[nodiscard]] int password(const std::filesystem::path& config, std::ostream& out,
                           std::ostream& err);

constexpr const char* usual_config = "/etc/esshub/esshub.toml";

/// One line of summary to `out`, or every error to `err`; warnings there too. A file that the
/// configuration names and this user cannot read is an error here: the hub itself would start
/// without what needs it.
[[nodiscard]] int check(const std::filesystem::path& config, std::ostream& out, std::ostream& err);

/// A configuration with every setting and its default, for people to begin with.
[[nodiscard]] int check_example(std::ostream& out);

struct ProbeOptions {
  std::filesystem::path config{};
  std::string user = "esshub";  ///< of the service; one that this machine lacks is not looked at
  bool json = false;
  bool beside_hub = false;  ///< a hub of another configuration may run
};
/// Looks at ports and asks every device of the configuration who and how it is; only reads, and
/// nothing while a hub runs. Findings to `out`, progress to `err`. Fails when
/// one of them does.
[[nodiscard]] int probe(const ProbeOptions& options, std::ostream& out, std::ostream& err);

struct InitOptions {
  std::filesystem::path file = usual_config;  ///< to write
  std::filesystem::path devices{};            ///< folder of serial ports; empty: those plugged in
  std::vector<std::string> ports{};           ///< serial ports besides; without `devices` instead
  std::vector<std::string> interfaces{};      ///< CAN interfaces, in place of those there are
  std::vector<std::string> measures{};        ///< "1.1=grid": answers to what a phase measures
  bool yes = false;                           ///< takes the default of every question
  bool force = false;                         ///< writes over a file that exists
  bool beside_hub = false;                    ///< a hub of another configuration may run
};
/// Finds out what is connected, asks a few questions and writes a configuration. Writes no
/// setting of a device, and sends nothing where somebody unknown talks or a hub runs. Fails when
/// the file is there already or cannot be written, and when what it wrote is not yet a whole
/// configuration.
[[nodiscard]] int init(const InitOptions& options, std::istream& in, std::ostream& out,
                       std::ostream& err);

enum class DecodeKind : std::uint8_t { modbus, can, mk3, pylontech_rs485 };
/// One JSON object for each line of `in`, flushed at once; empty lines and those that begin with #
/// are skipped. `cells`: see make_can_decoder().
[[nodiscard]] int decode(DecodeKind kind, unsigned cells, std::istream& in, std::ostream& out);

struct SniffOptions {
  std::string port;  ///< a serial port, or
  std::string can;   ///< a CAN interface
  std::optional<std::uint32_t> baud{};
  std::optional<SniffKind> kind{};
  std::filesystem::path write{};      ///< empty = no capture
  std::optional<unsigned> seconds{};  ///< nothing = until SIGINT or SIGTERM
  bool json = false;
};
/// Shows what others say on a bus: transactions and the counts at the end to `out`, progress and
/// trouble to `err`. Nothing is sent, but for the commands that open an SLCAN adapter for listening
/// when `kind` says that it is one. Call it before any thread exists. Fails when the line does, or
/// when nothing was understood.
[[nodiscard]] int sniff(const SniffOptions& options, std::ostream& out, std::ostream& err);

struct ExportOptions {
  std::filesystem::path config{};  ///< says which file and which zone, unless they are given
  std::string file{};
  std::string time_zone{};  ///< empty and no config: UTC
  std::string from{};       ///< as export_range() takes them
  std::string to{};
  ExportWhat what = ExportWhat::minutes;
  ExportFormat format = ExportFormat::csv;
};
/// The history to `out`, also while the hub runs; what is wrong to `err`.
[[nodiscard]] int export_history(const ExportOptions& options, std::ostream& out,
                                 std::ostream& err);

/// Where the running hub is asked.
struct HubAddress {
  std::string address = "127.0.0.1:8750";  ///< of the hub's page: host:port or http(s)://host:port
  std::filesystem::path certificate{};     ///< PEM of who signed the page's, for https
};

struct StatusOptions {
  HubAddress hub{};
  bool watch = false;  ///< again every second until SIGINT
  bool json = false;   ///< the hub's own words, one object a line
};
/// What the hub does and why, for a person at a terminal. Fails when it does not answer, or when
/// its control is silent.
[[nodiscard]] int status(const StatusOptions& options, std::ostream& out, std::ostream& err);

struct PlanOptions {
  HubAddress hub{};
  bool json = false;  ///< the hub's own words
};
/// What Smart mode plans and why. Fails when the hub does not answer, and without a plan.
[[nodiscard]] int plan(const PlanOptions& options, std::ostream& out, std::ostream& err);

/// The owner's word to a latched cut-off, a reversed meter's rest and the hold after repeated
/// deaths (F9, F21, F11). Asks for the page's password (without echo at a terminal, else one line
/// of stdin). Fails with the hub's words when it refuses, also when there is nothing.
[[nodiscard]] int acknowledge(const HubAddress& hub, std::ostream& out, std::ostream& err);

struct CommissionOptions {
  HubAddress hub{};
  double power_w = 0.0;                ///< of the steps at most, 100 to 480
  bool yes = false;                    ///< the owner's consent, without asking
  bool no_export_limit = false;        ///< the owner's word: no solar inverter holds one now
  std::filesystem::path report = ".";  ///< the folder for the report
};
/// Moves the battery by dispatches of the running hub, with consent and a stop key, and names what
/// each clamp is at. Changes nothing. Asks for the page's password as acknowledge() does, then for
/// consent at the same place. Fails where the hub or its state forbids it, and when it was stopped.
[[nodiscard]] int commission(const CommissionOptions& options, std::ostream& out,
                             std::ostream& err);

struct BackupOptions {
  std::filesystem::path config = usual_config;
  std::filesystem::path file{};  ///< to be written
  bool with_secrets = false;     ///< the files that the configuration names: key, passwords
  bool force = false;            ///< replace what is there
};
/// Everything that makes this hub this hub, in one file, also while it runs. Fails without a trace;
/// but a history that cannot be read is left out, told, and counts as a failure.
[[nodiscard]] int backup(const BackupOptions& options, std::ostream& out, std::ostream& err);

struct RestoreOptions {
  std::filesystem::path config = usual_config;
  std::filesystem::path file{};  ///< a backup, or a copy of the history (a database)
  std::optional<BackupPart> only{};
  bool list = false;  ///< show what is in it and touch nothing
};
/// Puts back what backup() wrote, once all of it is known to be whole and fit for this version, and
/// keeps what was there. Fails while a hub runs that keeps something in the same folders.
[[nodiscard]] int restore(const RestoreOptions& options, std::ostream& out, std::ostream& err);

}  // namespace esshub::app
