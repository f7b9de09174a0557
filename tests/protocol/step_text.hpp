// What a decoder left in a step, as text; taking it empties the step.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <string>
#include <utility>

#include "protocol/driver.hpp"

namespace esshub::protocol {

/// "inverter/power=370 3000ms, ...": channel, value and maximum age of every sample, all of `now`.
inline std::string samples_text(Step& step, Instant now) {
  std::ostringstream out;
  for (const char* separator = ""; const auto& s : std::exchange(step.samples, {})) {
    EXPECT_EQ(s.at, now);
    out << std::exchange(separator, ", ") << name(s.channel.point) << '/' << name(s.channel.measure)
        << '=' << s.value << ' '
        << std::chrono::duration_cast<std::chrono::milliseconds>(s.max_age).count() << "ms";
  }
  return out.str();
}

/// "3 line_up detail; ...": level by its number, name and detail.
inline std::string events_text(Step& step) {
  std::string out;
  for (const auto& e : std::exchange(step.events, {}))
    out += (out.empty() ? "" : "; ") + std::to_string(static_cast<int>(e.level)) + ' ' + e.name +
           ' ' + e.detail;
  return out;
}

}  // namespace esshub::protocol
