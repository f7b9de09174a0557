#include "app/log.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>

#include "model/enums.hpp"
#include "publish/threads/thread_name.hpp"

namespace esshub::app {
namespace {

struct Row {
  Level id;
  std::string_view name;
  char priority;  ///< sd-daemon(3): <0> to <7>
};

constexpr EnumTable<Row> rows({
    {Level::critical, "CRITICAL", '2'},
    {Level::error, "ERROR", '3'},
    {Level::warning, "WARNING", '4'},
    {Level::notice, "NOTICE", '5'},
    {Level::info, "INFO", '6'},
    {Level::debug, "DEBUG", '7'},
});

}  // namespace

LogFormat format_of_stderr() {
  const char* const stream = std::getenv("JOURNAL_STREAM");  // "device:inode", sd_journal(3)
  struct stat status {};
  if (!stream || fstat(STDERR_FILENO, &status) != 0) return LogFormat::plain;
  const std::string own = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  return own == stream ? LogFormat::journal : LogFormat::plain;
}

Log::Log(std::ostream& out, LogFormat format, Clock clock)
    : format_(format), clock_(std::move(clock)) {
  constexpr std::size_t waiting_lines = 1024;
  spdlog::init_thread_pool(waiting_lines, std::size_t{1}, [] { publish::name_thread("log"); });
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out, true);
  logger_ = std::make_shared<spdlog::async_logger>("esshub", std::move(sink), spdlog::thread_pool(),
                                                   spdlog::async_overflow_policy::overrun_oldest);
  logger_->set_level(spdlog::level::trace);  // the events' own levels are in the text
  logger_->set_pattern(format == LogFormat::plain ? "%Y-%m-%dT%H:%M:%S.%eZ %v" : "%v",
                       spdlog::pattern_time_type::utc);
}

Log::~Log() {
  close();
}

void Log::write(const std::string& component, const Event& event) {
  // Each answer to a SIGHUP is told, however often one asks the same.
  std::optional<std::uint64_t> held = 0;
  if (component != "config") {
    const std::lock_guard lock{mutex_};
    held = throttle_.admit(component, event, clock_());
  }
  if (held) put(component, event, *held);
}

void Log::tidy() {
  std::vector<Throttle::Held> overdue;
  {
    const std::lock_guard lock{mutex_};
    overdue = throttle_.take_held(clock_());
  }
  for (const auto& held : overdue) put(held.component, held.event, held.count);
}

void Log::close() {
  tidy();
  spdlog::shutdown();  // its thread ends once it has written everything
}

void Log::put(const std::string& component, const Event& event, std::uint64_t held) {
  const auto& level = rows[event.level];
  std::string line;
  if (format_ == LogFormat::journal) {
    line = {'<', level.priority, '>'};
  } else {
    line = std::string{level.name} + ' ';
  }
  line += component + ' ' + event.name;
  if (!event.detail.empty()) line += ' ' + event.detail;
  if (held > 0) line += " suppressed=" + std::to_string(held);
  std::ranges::replace(line, '\n', ' ');  // one event, one line, whatever the detail holds
  logger_->log(spdlog::level::info, spdlog::string_view_t{line});
}

}  // namespace esshub::app
