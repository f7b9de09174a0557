// Reads the [[bus]] tables of the configuration: lines, drivers, meters and their channels.
#pragma once

#include <string>
#include <vector>

#include "config/table_reader.hpp"
#include "model/circuit.hpp"

namespace esshub::config {

struct Buses {
  std::vector<BusSettings> list;
  bool solar_metered = false;  ///< a channel measures Point::solar
  unsigned cells = 15;         ///< of the battery, in series
  CircuitRoles circuit_roles{};
  std::vector<std::string> circuit_names;  ///< as HubSettings has them
};

/// Reads the key "bus" of the whole file; what is wrong is added to `errors`, what is allowed and
/// surely meant otherwise to `warnings`.
[[nodiscard]] Buses read_buses(TableReader& top, std::vector<ConfigError>& errors,
                               std::vector<ConfigError>& warnings);

}  // namespace esshub::config
