// CommandService: the one door for commands at run time - checked, logged, remembered, passed on.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "actors/state_keeper.hpp"
#include "control/settings.hpp"
#include "model/command.hpp"
#include "model/event.hpp"
#include "model/instruction.hpp"

namespace esshub::actors {

struct CommandServiceDeps {
  control::Settings settings;
  std::string state_dir;  ///< empty: orders end with the program
  EventSink events;       ///< gets component "command"
  /// The orders as they stand, to the control; must not wait. In the order of the commands.
  std::function<void(const Orders&)> tell;
  std::function<void(bool)> storage_failed;  ///< Fault::storage_failed; any thread
  std::function<Instant()> steady_now = [] { return std::chrono::steady_clock::now(); };
  std::function<WallTime()> wall_now = [] { return std::chrono::system_clock::now(); };
};

/// Thread-safe. Mode, reserve, override and storm outlive the program; a dispatch does not, for
/// whoever gave it is there to give it again.
class CommandService {
 public:
  /// Takes up what an earlier run was ordered, as far as it still holds and still is allowed. An
  /// end that lies ahead is counted from now, or from when it was saved where the clock reads
  /// earlier than that: it never moves away by a clock that is not set yet.
  explicit CommandService(CommandServiceDeps parts);

  /// A CommandSink's work.
  [[nodiscard]] Result<void> order(const Command& command, const std::string& who);

  /// Refuses everything from here on and writes what waits to be written.
  void close();

  /// New limits for the commands to come.
  void hear(const control::Settings& settings);

  /// The battery was full then; remembered for the next full charge, to the hour.
  void note_full(Instant at);

  /// What the plan ahead is made of.
  struct InForce {
    control::Settings settings;
    Mode mode;
  };
  [[nodiscard]] InForce in_force();

 private:
  void restore();
  void restore(const Command& command, const char* what);
  void begin_counting();
  void remember();

  CommandServiceDeps parts_;
  std::mutex mutex_;
  Orders orders_;
  std::optional<SavedState> saved_;
  std::unique_ptr<StateKeeper> keeper_;
  bool closed_ = false;
};

}  // namespace esshub::actors
