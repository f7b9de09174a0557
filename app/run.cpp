#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <thread>

#include "actors/hub.hpp"
#include "app/backup/contents.hpp"
#include "app/commands.hpp"
#include "app/log.hpp"
#include "app/time_zone.hpp"
#include "config/config.hpp"
#include "config/settings_table.hpp"
#include "esshub_version.hpp"
#include "publish/files/folder_lock.hpp"
#include "publish/live_table.hpp"

namespace esshub::app {
namespace {

constexpr std::array<int, 3> handled{SIGINT, SIGTERM, SIGHUP};

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : handled) sigaddset(&set, number);
  return set;
}

/// Every thread to come inherits the block; `serve` alone takes the signals, one by one.
void block_signals() {
  // A shell starts background jobs with SIGINT ignored, and what is ignored cannot be waited for.
  for (const int number : handled) std::signal(number, SIG_DFL);
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a reader of --live that goes away must not take us along
}

/// Prints a row of the View a second to stdout; falls silent when nobody reads it any more.
class LiveTable {
 public:
  explicit LiveTable(const std::string& zone) : zone_(find_time_zone(zone)) {}

  void show(const View& view) {
    if (broken_ || (last_ && view.now - *last_ < 1s)) return;
    // Steps of whole seconds, so that the rate does not sink below one a second.
    last_ = last_ && view.now - *last_ < 2s ? *last_ + 1s : view.now;
    constexpr unsigned header_every = 20;
    // Here: only the thread that shows rows may wait for a reader.
    if (rows_ == 0) print(publish::live_legend());
    if (const auto known = publish::live_information(view); known != information_) {
      information_ = known;
      print("information: " + (known.empty() ? "none any more" : known));
    }
    if (rows_++ % header_every == 0) print(publish::live_header());
    print(publish::live_row(view, time()));
  }

 private:
  [[nodiscard]] std::string time() const {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return date::format("%T", date::make_zoned(zone_, now));
  }
  void print(const std::string& line) {
    broken_ = std::fputs((line + "\n").c_str(), stdout) < 0 || std::fflush(stdout) != 0;
  }

  const date::time_zone* zone_;
  std::optional<Instant> last_;
  unsigned rows_ = 0;
  std::string information_;  ///< told last
  bool broken_ = false;
};

/// Writes one line when a fault is raised and one when it clears.
class FaultLog {
 public:
  explicit FaultLog(Log& log) : log_(log) {}

  void watch(const View& view) {
    const auto& now = view.decision.faults;
    for (const Fault fault : enum_values<Fault>) {
      const auto before = before_.since(fault);
      if (now.active(fault) && !before) {
        log_.write("fault",
                   {level(fault), std::string{name(fault)},
                    "title=" + log_quoted(title(fault)) + " advice=" + log_quoted(advice(fault))});
      } else if (before && !now.active(fault)) {
        const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(view.now - *before);
        log_.write("fault", {Level::notice, std::string{name(fault)} + "_cleared",
                             fmt::format("lasted_s={}", lasted.count())});
      }
    }
    before_ = now;
  }

 private:
  static Level level(Fault fault) {
    switch (severity(fault)) {
      case Severity::info:
        return Level::info;
      case Severity::warning:
        return Level::warning;
      case Severity::critical:
        return Level::critical;
    }
    return Level::critical;
  }

  Log& log_;
  FaultSet before_;
};

/// What is allowed and surely meant otherwise, and the files that cannot be read: no reason not to
/// control the battery.
void log_warnings(const std::filesystem::path& file, const config::HubSettings& settings,
                  Log& log) {
  for (const auto* list : {&settings.warnings, &settings.unreadable_files})
    for (const auto& warning : *list)
      log.write("config", {Level::warning, "config_warning",
                           "at=" + log_quoted(config::describe(file, warning))});
}

/// SIGHUP: the control takes a valid configuration with its next tick; what is built once needs a
/// restart and is named. With errors the running one is kept (F16).
void reload(const std::filesystem::path& file, actors::Hub& hub, const config::HubSettings& started,
            Log& log) {
  const auto loaded = config::load_config(file);
  if (!loaded) {
    for (const auto& error : loaded.error())
      log.write("config", {Level::warning, "config_error",
                           "at=" + log_quoted(config::describe(file, error))});
    log.write("config", {Level::warning, "config_rejected",
                         fmt::format("file={} valid=no kept=running errors={}",
                                     log_quoted(file.string()), loaded.error().size())});
    hub.note_config(true);
    return;
  }
  hub.reload(*loaded);
  log.write("config",
            {Level::notice, "config_applied", "file=" + log_quoted(file.string()) + " valid=yes"});
  log_warnings(file, *loaded, log);
  for (const auto& setting : config::needs_restart(started, *loaded))
    log.write("config", {Level::warning, "config_needs_restart", "setting=" + setting});
}

/// Waits for a signal to stop; returns it.
int serve(const std::filesystem::path& file, actors::Hub& hub, const config::HubSettings& started,
          Log& log) {
  const sigset_t signals = handled_signals();
  constexpr timespec tidy_period{5, 0};
  for (;;) {
    const int signal = sigtimedwait(&signals, nullptr, &tidy_period);
    if (signal == SIGINT || signal == SIGTERM) return signal;
    if (signal == SIGHUP) reload(file, hub, started, log);
    log.tidy();
  }
}

/// From here on a second SIGINT ends the program at once, as if nothing handled it.
void restore_sigint() {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
}

/// While the hub runs nobody restores over what it keeps. `refused`: somebody does just now. A
/// folder that cannot be made or locked is no reason not to control the battery.
Result<std::vector<publish::FolderLock>> hold_folders(const std::filesystem::path& file,
                                                      const config::HubSettings& settings) {
  std::vector<publish::FolderLock> held;
  for (const auto& folder : kept_folders(places_of(file, settings))) {
    std::error_code ignored;
    std::filesystem::create_directories(folder, ignored);
    auto lock = publish::FolderLock::take(folder, publish::FolderLock::Use::shared);
    if (lock)
      held.push_back(*std::move(lock));
    else if (lock.error().kind == ErrorKind::refused)
      return fail(ErrorKind::refused, "a backup is being restored into " + folder.string());
  }
  return held;
}

std::atomic<int> exit_code{exit_failure};  ///< as far as it is known

/// Safety contract F20: the program ends within 5 s, whatever hangs: a sink, the disk, the reader
/// of stderr.
void end_in_time() {
  static constexpr auto limit = 4800ms;
  std::thread{[] {
    std::this_thread::sleep_for(limit);
    ::_exit(exit_code);
  }}.detach();
}

}  // namespace

int run(const std::filesystem::path& file, bool live) {
  block_signals();
  auto config = config::load_config(file);
  if (!config) {
    for (const auto& error : config.error()) std::cerr << config::describe(file, error) << '\n';
    return exit_config;
  }

  Log log{std::cerr, format_of_stderr(), [] { return std::chrono::steady_clock::now(); }};
  FaultLog faults{log};
  std::vector<actors::ViewSink> sinks{[&](const View& view) { faults.watch(view); }};
  std::unique_ptr<LiveTable> table;
  if (live) {
    table = std::make_unique<LiveTable>(config->time_zone);
    sinks.push_back([&](const View& view) { table->show(view); });
  }

  log.write("main", {Level::notice, "starting",
                     fmt::format("version={} config={} site={} buses={}", ESSHUB_VERSION,
                                 log_quoted(file.string()), log_quoted(config->site_name),
                                 config->buses.size())});
  log_warnings(file, *config, log);
  const auto held = hold_folders(file, *config);
  if (!held) {
    log.write("main",
              {Level::critical, "start_failed", "reason=" + log_quoted(held.error().detail)});
    return exit_failure;
  }
  auto hub = actors::Hub::start(
      *config,
      [&](const std::string& component, const Event& event) { log.write(component, event); },
      std::move(sinks));
  if (!hub) {
    log.write("main",
              {Level::critical, "start_failed", "reason=" + log_quoted(hub.error().detail)});
    return exit_failure;
  }

  const int signal = serve(file, **hub, *config, log);
  log.write("main", {Level::notice, "stopping",
                     std::string{"signal="} + (signal == SIGINT ? "SIGINT" : "SIGTERM")});
  restore_sigint();
  end_in_time();
  const bool acknowledged = (*hub)->stop();
  if (acknowledged)
    log.write("main", {Level::notice, "stopped", ""});
  else
    log.write("main", {Level::error, "stopped_unacknowledged",
                       "hint=\"the inverter did not acknowledge the final setpoint; it falls to "
                       "passthru by its own time-out\""});
  const int code = acknowledged ? exit_ok : exit_failure;
  exit_code = code;
  if ((*hub)->all_ended()) return code;
  // A thread that hangs would still use what is destroyed by returning.
  log.write("main", {Level::warning, "thread_left_behind",
                     "hint=\"a part of the hub hangs; see actor_stuck above\""});
  log.close();
  ::_exit(code);
}

}  // namespace esshub::app
