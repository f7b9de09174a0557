// View -> a table row a second for a person watching (`esshub run --live`), 120 columns wide.
#pragma once

#include <string>
#include <string_view>

#include "model/view.hpp"

namespace esshub::publish {

/// What the signs mean.
[[nodiscard]] std::string live_legend();

/// The column titles, as wide as the rows below them.
[[nodiscard]] std::string live_header();

/// Powers in W with the hub's signs (grid + = import, battery and setpoint + = charging), SOC in %;
/// what is unknown, stale or not commanded is `--`. `time` is printed as it is. The row ends with
/// the reasons in words and every active fault with its age, on further lines where one is too
/// short.
[[nodiscard]] std::string live_row(const View& view, std::string_view time);

/// The active faults that only inform, which the rows leave out; empty: none.
[[nodiscard]] std::string live_information(const View& view);

}  // namespace esshub::publish
