// CommandService: every command at run time - checked, logged, remembered, passed on.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "control/settings.hpp"
#include "model/command.hpp"
#include "model/event.hpp"
#include "model/instruction.hpp"
#include "service/state_file.hpp"

namespace esshub::service {

/// One moment on both clocks.
struct Moment {
  Instant steady{};
  WallTime wall{};
};

/// Single-threaded. Mode, reserve, override and storm outlive the program; a dispatch does not, for
/// whoever gave it is there to give it again.
class CommandService {
 public:
  struct Deps {
    control::Settings settings;
    EventSink events;                              ///< gets component "command"
    std::function<void(const Orders&)> send;       ///< the orders as they stand, to the control
    std::function<void(const SavedState&)> store;  ///< what is to outlive the program
  };
  /// Restores what an earlier run was ordered, as far as it still holds and still is allowed. An
  /// end that lies ahead is counted from now, or from when it was saved where the clock reads
  /// earlier than that: it never moves away by a clock that is not set yet.
  CommandService(Deps deps, const std::optional<SavedState>& saved, const Moment& now);

  /// A CommandSink's work. The Error says why a command is refused.
  [[nodiscard]] Result<void> order(const Command& command, const std::string& who,
                                   const Moment& now);
  /// Refuses everything from here on.
  void close() { closed_ = true; }

  /// New limits for the commands to come.
  void set_settings(const control::Settings& settings, const Moment& now);
  /// The battery was full at `at`; remembered for the next full charge, to the hour.
  void note_full(Instant at, const Moment& now);

  /// What the plan ahead is made of.
  struct InForce {
    control::Settings settings;
    Mode mode;
  };
  [[nodiscard]] InForce in_force() const;

 private:
  void restore(const SavedState& saved, const Moment& now);
  void restore(const Command& command, const char* what, const Moment& now);
  void begin_counting(const Moment& now);
  void changed(const Moment& now);

  Deps deps_;
  Orders orders_;
  std::optional<SavedState> saved_;
  bool closed_ = false;
};

}  // namespace esshub::service
