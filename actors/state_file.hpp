// The state file: what was ordered for longer than the hub runs, and how it gets to disk.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "model/instruction.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"

namespace esshub::actors {

/// Ends are by the wall clock: the steady one starts anew with the machine.
struct SavedState {
  struct Override {
    Instruction instruction;
    WallTime until{};
    friend bool operator==(const Override&, const Override&) = default;
  };
  struct Storm {
    Soc reserve;
    WallTime until{};
    friend bool operator==(const Storm&, const Storm&) = default;
  };
  std::optional<Mode> mode{};
  std::optional<Soc> reserve{};
  std::optional<Override> manual{};
  std::optional<Storm> storm{};
  std::optional<WallTime> last_full{};  ///< the battery was at 100 %
  WallTime saved_at{};

  /// True when both say the same; when they were saved does not count.
  [[nodiscard]] bool same(const SavedState& other) const {
    return mode == other.mode && reserve == other.reserve && manual == other.manual &&
           storm == other.storm && last_full == other.last_full;
  }
};

/// JSON, times as whole seconds since 1970 (UTC).
[[nodiscard]] std::string encode(const SavedState& state);
/// An Error says what is damaged.
[[nodiscard]] Result<SavedState> decode_state(const std::string& text);

/// The whole file; nothing when there is none. An Error names what the system says.
[[nodiscard]] Result<std::optional<std::string>> read_file(const std::filesystem::path& file);

/// Replaces the file at once and for good: a new file beside it, fsync, rename, fsync of the
/// folder (made where it is missing). A crash leaves the old one or the new one, never half.
[[nodiscard]] Result<void> write_atomically(const std::filesystem::path& file,
                                            const std::string& text);

/// Moves a damaged file out of the way as `NAME.damaged-SECONDS`; never deletes. The new name.
[[nodiscard]] Result<std::filesystem::path> quarantine(const std::filesystem::path& file,
                                                       WallTime now);

}  // namespace esshub::actors
