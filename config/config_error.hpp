// What is wrong in a configuration file, and where.
#pragma once

#include <string>

namespace esshub::config {

/// A place in the configuration file, counted from 1; line 0 means the file as a whole.
struct Place {
  unsigned line = 0;
  unsigned column = 0;
};

struct ConfigError {
  Place place;
  std::string text;    ///< what is wrong, and what was expected
  std::string line{};  ///< of the file, where it helps to see it
};

}  // namespace esshub::config
