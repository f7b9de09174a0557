// Writes the hub's configuration that fits a simulated house.
#pragma once

#include <string>

namespace esshub::sim {

/// The text of esshub.toml for the ports in `dir` (an absolute path); addresses are host:port or
/// empty.
[[nodiscard]] std::string hub_config(const std::string& dir, const std::string& metrics_address,
                                     const std::string& web_address);

}  // namespace esshub::sim
