// The state file: what was ordered for longer than the hub runs, what safety remembers, and how
// both are kept.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "model/event.hpp"
#include "model/instruction.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"
#include "service/moment.hpp"
#include "service/saved_safety.hpp"

namespace esshub::service {

/// Ends of orders are by the wall clock: the steady one starts anew with the machine.
struct SavedState {
  struct Override {
    Instruction instruction;
    WallTime until{};                         ///< by the clock of saved_at, right or wrong
    std::optional<WallTime> trusted_until{};  ///< by one that was trusted, in this run or before
    friend bool operator==(const Override&, const Override&) = default;
  };
  struct Storm {
    Soc reserve;
    WallTime until{};
    std::optional<WallTime> trusted_until{};
    WallTime from{};  ///< as `until`; in the past: it has begun
    bool fill = false;
    friend bool operator==(const Storm&, const Storm&) = default;
  };
  std::optional<Mode> mode{};
  std::optional<Soc> reserve{};
  std::optional<Override> manual{};
  std::optional<Storm> storm{};
  std::optional<WallTime> last_full{};  ///< the battery was at 100 %
  std::optional<SavedSafety> safety{};  ///< nothing: nothing is remembered
  WallTime saved_at{};
  std::string boot_id{};  ///< which start of the machine it was saved after; empty: not known
  Duration boot_time{};   ///< how long after it

  /// True when both hold the same orders; when they were saved does not count, nor does `safety`.
  [[nodiscard]] bool same(const SavedState& other) const {
    return mode == other.mode && reserve == other.reserve && manual == other.manual &&
           storm == other.storm && last_full == other.last_full;
  }
};

/// Since it was saved, by the machine's own clock; nothing after another start of the machine, for
/// that clock does not know how long it was off.
[[nodiscard]] std::optional<Duration> passed_since(const SavedState& saved,
                                                   const std::string& boot_id, const Moment& now);

/// JSON; times as whole seconds since 1970 (UTC), spans in milliseconds.
[[nodiscard]] std::string encode(const SavedState& state);
/// An Error says what is damaged.
[[nodiscard]] Result<SavedState> decode_state(const std::string& text);

/// One file on a disk. Errors say what the system says.
class StateDisk {
 public:
  StateDisk() = default;
  StateDisk(const StateDisk&) = delete;
  StateDisk& operator=(const StateDisk&) = delete;
  virtual ~StateDisk() = default;

  /// The whole file; nothing when there is none. `refused`: there is one, for another user.
  [[nodiscard]] virtual Result<std::optional<std::string>> read() = 0;
  /// Replaces the file at once and for good: a crash leaves the old one or the new one, never half.
  [[nodiscard]] virtual Result<void> replace(const std::string& text) = 0;
  /// Moves a damaged file out of the way as `NAME.damaged-SECONDS`; never deletes. The new name.
  [[nodiscard]] virtual Result<std::string> quarantine(WallTime now) = 0;
};

/// For one thread at a time. Safety contract F14: a disk that fails is a fault and an event, once,
/// until it works again.
class StateFile {
 public:
  /// `events` gets component "state". `failed`: true: cannot be stored; false: can again.
  StateFile(StateDisk& disk, EventSink events, std::function<void(bool)> failed);

  /// What an earlier run kept; nothing when there is none. A damaged file is quarantined and
  /// reported; one that cannot be moved yet is never written over. One of another user's is no
  /// damage: it stays, and nothing is stored, until it is gone, is read by another start, or safety
  /// has something to remember: then it is set aside as well. `now` is for the new name.
  [[nodiscard]] std::optional<SavedState> load(WallTime now);
  /// False: it is still to be written.
  [[nodiscard]] bool store(const SavedState& state);
  /// The newest load() or store() was told as a failure: only a store() ends it.
  [[nodiscard]] bool failing() const { return failing_; }

 private:
  [[nodiscard]] bool clear_the_way(const SavedState& state);
  void report_failure(const std::string& reason);

  StateDisk& disk_;
  EventSink events_;
  std::function<void(bool)> failed_;
  bool in_the_way_ = false;  ///< a damaged file that could not be moved, or one of another user's
  bool stays_ = false;       ///< the latter
  bool failing_ = false;     ///< reported
};

}  // namespace esshub::service
