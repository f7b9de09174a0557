// HistorySettings: where the history is kept, and how.
#pragma once

#include <string>

#include "model/time.hpp"

namespace esshub::publish {

struct HistorySettings {
  std::string file;          ///< absolute; empty: no history is kept
  Duration batch = 5min;     ///< rows are written together this often; a crash loses at most these
  unsigned keep_days = 365;  ///< of minutes and events; days are kept for ever
  friend bool operator==(const HistorySettings&, const HistorySettings&) = default;
};

}  // namespace esshub::publish
