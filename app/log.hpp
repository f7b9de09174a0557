// The log: one line an event to stderr, `component event key=value ...`, for journald or a person.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "app/throttle.hpp"

namespace spdlog {
class logger;
}  // namespace spdlog

namespace esshub::app {

enum class LogFormat : std::uint8_t {
  plain,    ///< 2026-01-31T12:00:00.123Z WARNING component event ...
  journal,  ///< <4>component event ...: journald stamps the time and reads the level
};

/// journal when stderr is the journal's own stream (systemd sets JOURNAL_STREAM), else plain.
[[nodiscard]] LogFormat format_of_stderr();

/// Thread-safe; one at a time in a program. Writing happens on a thread of its own: a full pipe or
/// a stuck journal never holds up the caller; then the oldest waiting lines are lost. The
/// destructor writes what waits.
class Log {
 public:
  using Clock = std::function<Instant()>;

  Log(std::ostream& out, LogFormat format, Clock clock);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(const std::string& component, const Event& event);
  /// Tells of events that were held back and have stopped coming; call it every few seconds.
  void tidy();
  /// Writes what waits; from here on nothing is written.
  void close();

 private:
  void put(const std::string& component, const Event& event, std::uint64_t held);

  const LogFormat format_;
  const Clock clock_;
  std::mutex mutex_;  // guards throttle_
  Throttle throttle_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace esshub::app
