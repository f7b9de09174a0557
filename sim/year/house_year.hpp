// A house hour by hour, for as long as it was measured: load, sun and price from a CSV file.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "model/units.hpp"

namespace esshub::sim {

struct HouseHour {
  Watts load{};                       ///< constant within the hour
  Watts sun{};                        ///< per kWp installed
  int hour = 1;                       ///< 1 to 24 local time: hour h is (h - 1, h]
  int weekday = 1;                    ///< ISO 8601: 1 Monday to 7 Sunday
  double price = 0.;                  ///< of imported energy by the file's own tariff, per kWh
  std::array<double, 2> wholesale{};  ///< of each half hour, GBP/kWh: see add_market()
};

/// Columns load_kwh, pv_wh_per_kwp, hour_1_24, day_type (8, a holiday, counts as Sunday) and
/// tou_price_usd_per_kwh or price_per_kwh, a row an hour. The error names file, line and column.
[[nodiscard]] tl::expected<std::vector<HouseHour>, std::string> read_house_year(
    const std::filesystem::path& file);

enum class YearTariff : std::uint8_t {
  tou,    ///< the price column of the file
  e7,     ///< two rates: 0.10 GBP/kWh in hours 1 to 7, else 0.30
  night,  ///< 0.07 GBP/kWh in hours 1 to 5, else 0.28
  agile,  ///< by HouseHour::wholesale, another in each half hour; also what export earns
};

/// Of its prices; empty where the file's column of prices names none.
[[nodiscard]] std::string currency(const std::filesystem::path& file, YearTariff tariff);

/// Of imported energy in that half (0, 1) of the hour, per kWh.
[[nodiscard]] double import_price(const HouseHour& hour, std::size_t half, YearTariff tariff);

}  // namespace esshub::sim
