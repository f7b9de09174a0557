// CommandService: every command at run time - checked, logged, remembered, passed on.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/settings.hpp"
#include "model/command.hpp"
#include "model/event.hpp"
#include "model/instruction.hpp"
#include "model/order_limits.hpp"
#include "service/moment.hpp"
#include "service/state_file.hpp"

namespace esshub::service {

/// Single-threaded. Mode, reserve, override and storm outlive the program, and so does what safety
/// remembers (I12); a dispatch does not, for whoever gave it is there to give it again.
class CommandService {
 public:
  struct Deps {
    control::Settings settings;
    EventSink events;                              ///< gets component "command"
    std::string boot_id{};                         ///< of the machine's start; empty: not known
    std::function<void(const Orders&)> send;       ///< the orders as they stand, to the control
    std::function<void(const SavedState&)> store;  ///< what is to outlive the program
    /// Acknowledge was accepted: Supervision::acknowledge(). May be empty.
    std::function<void()> acknowledged{};
  };
  /// Restores what an earlier run was ordered, as far as it still holds and still is allowed. What
  /// is left of an order is counted by the machine's own clock; after another start of the machine
  /// by the wall clock, if one that was trusted gave the end, but never more than was left when it
  /// was saved.
  CommandService(Deps deps, const std::optional<SavedState>& saved, const Moment& now);

  /// A CommandSink's work. The Error says why a command is refused.
  [[nodiscard]] Result<void> order(const Command& command, const std::string& who,
                                   const Moment& now);
  /// Refuses everything from here on; what is left of orders and rests is kept as it is now.
  void close(const Moment& now);

  /// New limits for the commands to come.
  void set_settings(const control::Settings& settings, const Moment& now);
  /// The battery was full at `at`; remembered for the next full charge, to the hour.
  void note_full(Instant at, const Moment& now);

  /// Now and then: whether the wall clock is trusted. Once it is, the ends of restored orders are
  /// put right by it. What is left of orders and rests is kept every quarter of an hour: at most so
  /// much is added to them by a power cycle of a machine without a clock.
  void note_time(bool clock_trusted, const Moment& now);

  /// What the safety functions remember now; kept when it has changed.
  void note_safety(const SafetyMemory& safety, const Moment& now);
  void note_supervision(const SupervisionMemory& supervision, const Moment& now);
  /// The newest noted, or of an earlier run: what control and supervision begin with.
  [[nodiscard]] const SafetyMemories& memories() const { return memories_; }

  /// What the plan ahead is made of.
  struct InForce {
    control::Settings settings;
    Mode mode;
    bool clock_trusted;  ///< else schedule and tariff stand aside
    Orders orders;
  };
  [[nodiscard]] InForce in_force() const;
  /// What order() takes now.
  [[nodiscard]] std::vector<OrderLimit> limits(const Moment& now) const;

 private:
  void restore(const SavedState& saved, const Moment& now);
  void restore(const Command& command, const char* what, const Moment& now);
  void begin_counting(const Moment& now);
  void changed(const Moment& now);
  void correct_ends(const Moment& now);
  void remember_ends(const Moment& now);
  void store(const Moment& now);
  [[nodiscard]] bool something_passes(Instant now) const;
  void keep(const SavedState& state, const Moment& now);
  [[nodiscard]] SavedState state(const Moment& now) const;
  [[nodiscard]] bool to_acknowledge(Instant now) const;

  Deps deps_;
  Orders orders_;
  std::optional<SavedState> saved_;
  SafetyMemories memories_;
  SafetyMemories saved_memories_;
  /// The end of an order by a clock that was trusted.
  struct TrustedEnd {
    Instant until;  ///< of the order, by the steady clock
    WallTime end;
    bool corrects = false;  ///< restored after another start of the machine: not put right yet
  };
  std::optional<TrustedEnd> manual_end_;
  std::optional<TrustedEnd> storm_end_;
  bool clock_trusted_ = false;
  std::optional<Instant> kept_at_;
  bool closed_ = false;
};

}  // namespace esshub::service
