// Octopus Energy's unit rates: Agile import, Outgoing export, and the fixed ones.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "feed/wanted.hpp"

namespace esshub::feed {

/// Whether another page has to be asked for.
[[nodiscard]] Result<bool> octopus_has_next(std::string_view page);

/// The pages of `standard-unit-rates`, newest first as they come: pence per kWh with VAT, UTC. Of
/// rates that differ by how one pays, those of `payment` ("DIRECT_DEBIT", "NON_DIRECT_DEBIT"). One
/// without an end holds until the next begins.
[[nodiscard]] Result<Feed> octopus(std::span<const std::string> pages, const std::string& tariff,
                                   std::string_view payment, const Wanted& wanted);

}  // namespace esshub::feed
