// What a restored hub remembers of safety (I12): going back to an older state loosens nothing.
#pragma once

#include <optional>
#include <string>

#include "service/state_file.hpp"

namespace esshub::app {

/// Both together; of two that say the same the one that holds the battery longer. The owner's word
/// that holds a cut-off back is no part of an older memory.
[[nodiscard]] service::SavedSafety stricter(const service::SavedSafety& here,
                                            const service::SavedSafety& restored);

/// Of a state file as it is; of one that this version does not read (a newer one's orders) what
/// safety remembers alone. Nothing: it is damaged.
[[nodiscard]] std::optional<service::SavedState> state_here(const std::string& text);

/// The state to write: orders of the backup that have not ended at `now`, and what safety remembers
/// in either. Its spans count in full from the next start on, as after a power cycle. Nothing:
/// there is none to write.
[[nodiscard]] std::optional<service::SavedState> state_to_restore(
    const std::optional<service::SavedState>& restored,
    const std::optional<service::SavedState>& here, WallTime now);

}  // namespace esshub::app
