// View -> one line of text a second for a person watching (`esshub run --live`).
#pragma once

#include <string>
#include <string_view>

#include "model/view.hpp"

namespace esshub::publish {

/// The column titles, as wide as the rows below them.
[[nodiscard]] std::string live_header();

/// Powers in W with the hub's signs (grid + = import, battery and setpoint + = charging), SOC in %;
/// what is unknown, stale or not commanded is `--`. `time` is printed as it is. The line ends with
/// the reasons in words and every active fault with its age.
[[nodiscard]] std::string live_row(const View& view, std::string_view time);

}  // namespace esshub::publish
