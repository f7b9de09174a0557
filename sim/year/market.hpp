// A made-up wholesale market for a year: what half-hourly tariffs go by, negative prices among it.
#pragma once

#include <cstdint>
#include <span>

#include "sim/year/house_year.hpp"

namespace esshub::sim {

/// Gives every hour its two half hours of HouseHour::wholesale, GBP/kWh: dear in the morning and
/// the evening, cheap at night and at noon of sunny days, dearer and cheaper by days of wind, which
/// follow one another. The same seed gives the same year. Not the prices of any real year.
void add_market(std::span<HouseHour> hours, std::uint64_t seed = 1);

/// What a tariff of the kind of Octopus Agile asks for a kWh: 2.2 times the wholesale price, and
/// 0.12 more from 16:00 to 19:00; 1.00 at most. Negative prices stay.
[[nodiscard]] double agile_import_price(double wholesale, int hour_1_24);
/// What one of the kind of Agile Outgoing pays: 0.95 times it, 0.05 more from 16:00 to 19:00, 0 at
/// least.
[[nodiscard]] double agile_export_price(double wholesale, int hour_1_24);

}  // namespace esshub::sim
