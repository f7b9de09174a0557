// What a recorded event says, in plain words: made from its ids and values, by the tables of faults
// and causes.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "publish/history/history.hpp"

namespace esshub::publish {

/// What the event is about: "Grid meter lost", "following the house load", "set reserve". Of a name
/// that this hub does not know the name itself.
[[nodiscard]] std::string title(const HistoryEvent& event);

/// The values in event.detail; null if it holds none, as in rows that an older hub wrote.
[[nodiscard]] nlohmann::json values(const HistoryEvent& event);

/// "following the house load; the BMS's discharge current limit (DCL): discharging 2310 W"; empty
/// for events other than decisions, and where the values of one are missing.
[[nodiscard]] std::string words(const HistoryEvent& event);

}  // namespace esshub::publish
