#include "control/text.hpp"

#include <array>
#include <cstdio>

namespace esshub::control {

std::string number_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  return text.data();
}

std::string percent_text(double value) {
  return number_text(value) + " %";
}

}  // namespace esshub::control
