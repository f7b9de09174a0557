// A small good configuration, and what parse_config says of it with something wrong.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace esshub::config {

// 21 lines; tests append to it or replace a piece of it.
inline const std::string minimal = R"([[bus]]
name = "meters"
kind = "modbus"
port = "/dev/ttyUSB0"
[[bus.meter]]
model = "sdm630"
unit = 1
channels = [ { phase = 1, measures = "grid" }, { phase = 2, measures = "solar", invert = true } ]

[[bus]]
name = "battery"
kind = "pylontech"
can = "can0"

[[bus]]
name = "inverter"
kind = "vebus"
port = "/dev/ttyUSB1"

# tail
)";

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// Errors as "line:column: text".
inline std::vector<std::string> errors(const std::string& text) {
  const auto config = parse_config(text);
  std::vector<std::string> result;
  if (config) return result;
  for (const auto& error : config.error()) result.push_back(describe("f", error).substr(2));
  return result;
}

inline std::vector<std::string> with(const std::string& more) {
  return errors(minimal + more);
}

inline std::vector<std::string> instead(std::string_view from, std::string_view to) {
  return errors(replaced(minimal, from, to));
}

}  // namespace esshub::config
