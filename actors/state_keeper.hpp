// StateKeeper: keeps the state file up to date from a thread of its own.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "actors/disk.hpp"
#include "model/event.hpp"
#include "service/state_file.hpp"

namespace esshub::actors {

struct KeeperDeps {
  std::filesystem::path file;
  EventSink events;                  ///< gets component "state"
  std::function<void(bool)> failed;  ///< true: cannot be stored; false: can again. Any thread.
  Duration retry = 30s;              ///< after a failed write
};

/// Thread-safe. A disk that is full, read-only or slow never holds anybody up: the newest state
/// waits until it can be written.
class StateKeeper {
 public:
  explicit StateKeeper(const KeeperDeps& deps);
  /// Writes what waits, once.
  ~StateKeeper();
  StateKeeper(const StateKeeper&) = delete;
  StateKeeper& operator=(const StateKeeper&) = delete;

  /// As service::StateFile::load(); to be called before the first keep(). Where a damaged file
  /// could not be moved it is tried again, as if there were something to keep.
  [[nodiscard]] std::optional<service::SavedState> load(WallTime now);

  /// Returns at once.
  void keep(const service::SavedState& state);

 private:
  void work(const std::stop_token& stop);

  Disk disk_;
  service::StateFile file_;  ///< the thread's, from the first keep() on
  Duration retry_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<service::SavedState> waiting_;
  std::jthread thread_;  ///< last: ends before what it uses
};

}  // namespace esshub::actors
