// What a recorded decision says, in plain words.
#pragma once

#include <string>

#include "publish/history/history.hpp"

namespace esshub::publish {

/// "following the house load; the BMS's discharge current limit (DCL): discharging 2310 W"; empty
/// for other events. What it does not know stays as recorded.
[[nodiscard]] std::string words(const HistoryEvent& event);

}  // namespace esshub::publish
