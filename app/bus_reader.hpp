// Reads the [[bus]] tables of the configuration: lines, drivers, meters and their channels.
#pragma once

#include <vector>

#include "app/table_reader.hpp"

namespace esshub::app {

struct Buses {
  std::vector<actors::BusSettings> list;
  bool solar_metered = false;  ///< a channel measures Point::solar
};

/// Reads the key "bus" of the whole file; what is wrong is added to `mistakes`.
[[nodiscard]] Buses read_buses(TableReader& top, std::vector<ConfigMistake>& mistakes);

}  // namespace esshub::app
