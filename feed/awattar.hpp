// aWATTar's market prices: of whole hours, without tax.
#pragma once

#include <string_view>

#include "feed/wanted.hpp"

namespace esshub::feed {

/// EUR/MWh; begin and end in ms since 1970.
[[nodiscard]] Result<Feed> awattar(std::string_view document, const Wanted& wanted);

}  // namespace esshub::feed
