// CommandDoor: the one door for commands at run time, for any thread: clocks and disk for
// service::CommandService.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/state_keeper.hpp"
#include "actors/system_clock.hpp"
#include "service/command_service.hpp"

namespace esshub::actors {

struct CommandDoorDeps {
  control::Settings settings;
  std::string state_dir;  ///< empty: orders end with the program
  EventSink events;       ///< gets components "command" and "state"
  /// The orders as they stand, to the control; must not wait. In the order of the commands.
  std::function<void(const Orders&)> send;
  std::function<void(bool)> storage_failed;  ///< Fault::storage_failed; any thread
  /// Acknowledge was accepted; for the supervisor. Must not wait, nor ask the door.
  std::function<void()> acknowledged{};
  std::function<service::Moment()> now = &read_moment;
  std::string boot_id = read_boot_id();
};

/// Thread-safe.
class CommandDoor {
 public:
  explicit CommandDoor(const CommandDoorDeps& deps);

  /// A CommandSink's work.
  [[nodiscard]] Result<void> order(const Command& command, const std::string& who);
  /// Refuses everything from here on and writes what waits to be written.
  void close();
  void set_settings(const control::Settings& settings);
  void note_full(Instant at);
  void note_time(bool clock_trusted);
  [[nodiscard]] service::CommandService::InForce in_force();
  /// What order() takes now, of each number.
  [[nodiscard]] std::vector<OrderLimit> limits();

  /// What safety remembers, kept on change: of a View's decision; of Supervision::saved().
  void note_safety(const SafetyMemory& safety);
  void note_supervision(const service::SupervisionMemory& supervision);
  /// The newest, or of an earlier run: for control::Tick::restore() at every start of the control
  /// and service::Supervision::restore() at the start of the program.
  [[nodiscard]] service::SafetyMemories memories();

 private:
  std::function<service::Moment()> now_;
  std::mutex mutex_;
  std::unique_ptr<StateKeeper> keeper_;  ///< nothing: nothing is kept
  std::optional<service::CommandService> service_;
};

}  // namespace esshub::actors
