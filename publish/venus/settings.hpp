// What the configuration says of D-Bus.
#pragma once

#include <string>
#include <vector>

namespace esshub::publish {

struct DbusSettings {
  std::string bus;  ///< "system", "session" or an address; empty = off
  /// Classes of venus_services() to own; "system" only where no Venus OS has it.
  std::vector<std::string> services{"grid", "pvinverter", "acload", "battery", "vebus"};
  bool writes = false;  ///< obey the Hub4 paths of vebus
  friend bool operator==(const DbusSettings&, const DbusSettings&) = default;
};

}  // namespace esshub::publish
