// ConfigNotes: what the configuration in force has for people, beside the View.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace esshub::publish {

struct ConfigNotes {
  struct Warning {
    unsigned line = 0;  ///< of the file; 0: none
    std::string text;   ///< "battery.reserve: is 0.2 %, is 20 % meant?"
  };
  std::vector<Warning> warnings;           ///< allowed, and surely meant otherwise
  std::vector<std::string> circuit_names;  ///< of Point::circuit1 and its followers; empty: none
};

/// The newest; never null. Thread-safe.
using ConfigNotesSource = std::function<std::shared_ptr<const ConfigNotes>()>;

}  // namespace esshub::publish
