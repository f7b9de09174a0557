// StateKeeper: keeps the state file up to date from a thread of its own.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "actors/state_file.hpp"
#include "model/event.hpp"

namespace esshub::actors {

struct KeeperParts {
  std::filesystem::path file;
  EventSink events;                  ///< gets component "state"
  std::function<void(bool)> failed;  ///< true: cannot be stored; false: can again. Any thread.
  Duration retry = 30s;              ///< after a failed write
};

/// Thread-safe. A disk that is full, read-only or slow never holds anybody up: the newest state
/// waits until it can be written.
class StateKeeper {
 public:
  explicit StateKeeper(KeeperParts parts);
  /// Writes what waits, once.
  ~StateKeeper();
  StateKeeper(const StateKeeper&) = delete;
  StateKeeper& operator=(const StateKeeper&) = delete;

  /// What an earlier run kept; nothing when there is none. A damaged file is set aside and told of;
  /// one that cannot even be moved is never written over. `now` is for its new name.
  [[nodiscard]] std::optional<SavedState> load(WallTime now);

  /// Returns at once.
  void keep(const SavedState& state);

 private:
  void work(const std::stop_token& stop);
  /// False: it is still to be written.
  bool store(const SavedState& state);
  void tell_failed(const std::string& reason);
  void tell(Level level, std::string event, std::string detail);

  KeeperParts parts_;
  bool frozen_ = false;   ///< the file must not be touched
  bool failing_ = false;  ///< told so
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<SavedState> waiting_;
  std::jthread thread_;  ///< last: ends before what it uses
};

}  // namespace esshub::actors
