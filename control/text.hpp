// Numbers in the texts of errors.
#pragma once

#include <string>

namespace esshub::control {

/// With up to ten significant digits, without trailing zeros: "0.1", "2400".
[[nodiscard]] std::string number_text(double value);
/// "12.5 %"
[[nodiscard]] std::string percent_text(double value);

}  // namespace esshub::control
