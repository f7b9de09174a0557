// What `esshub commission` found, for the terminal and as a file to keep.
#pragma once

#include <string>

#include "commissioning/findings.hpp"

namespace esshub::app {

struct CommissionReport {
  std::string site;     ///< as the hub is called
  std::string version;  ///< of the hub
  std::string made;     ///< when, for people
  Watts power{};        ///< of the steps
  std::string ended;    ///< why before its time; empty: it ran to its end
  commissioning::Measured measured;
  commissioning::Findings findings;
};

/// The table of channels, what to change, the response; lines of 100 columns at most.
[[nodiscard]] std::string commission_text(const CommissionReport& report);
/// The same with a picture of the readings, one HTML document without anything from elsewhere.
[[nodiscard]] std::string commission_html(const CommissionReport& report);

}  // namespace esshub::app
