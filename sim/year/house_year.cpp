#include "sim/year/house_year.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <tuple>

#include "sim/csv.hpp"
#include "sim/year/market.hpp"

namespace esshub::sim {
namespace {

constexpr const char* price_in_usd = "tou_price_usd_per_kwh";

}  // namespace

tl::expected<std::vector<HouseHour>, std::string> read_house_year(
    const std::filesystem::path& file) {
  const std::array columns{CsvColumn{{"load_kwh"}, 0.0, 100.0, "kWh"},
                           CsvColumn{{"pv_wh_per_kwp"}, 0.0, 1500.0, "Wh per kWp"},
                           CsvColumn{{"hour_1_24"}, 1.0, 24.0, ""},
                           CsvColumn{{"day_type"}, 1.0, 8.0, ""},
                           CsvColumn{{price_in_usd, "price_per_kwh"}, -10.0, 10.0, "per kWh"}};
  const auto values = read_csv(file, columns);
  if (!values) return tl::unexpected(values.error());
  const auto& [load, sun, hour, day, price] =
      std::tie((*values)[0], (*values)[1], (*values)[2], (*values)[3], (*values)[4]);
  std::vector<HouseHour> hours;
  hours.reserve(load.size());
  for (std::size_t i = 0; i < load.size(); ++i)
    hours.push_back({Watts{load[i] * 1000.0},
                     Watts{sun[i]},
                     static_cast<int>(hour[i]),
                     std::min(static_cast<int>(day[i]), 7),
                     price[i],
                     {}});
  add_market(hours);
  return hours;
}

std::string currency(const std::filesystem::path& file, YearTariff tariff) {
  if (tariff != YearTariff::tou) return "GBP";
  std::ifstream in(file);
  std::string header;
  std::getline(in, header);
  return header.find(price_in_usd) != std::string::npos ? "USD" : "";
}

double import_price(const HouseHour& hour, std::size_t half, YearTariff tariff) {
  switch (tariff) {
    case YearTariff::tou:
      return hour.price;
    case YearTariff::e7:
      return hour.hour <= 7 ? 0.10 : 0.30;
    case YearTariff::night:
      return hour.hour <= 5 ? 0.07 : 0.28;
    case YearTariff::agile:
      return agile_import_price(hour.wholesale.at(half), hour.hour);
  }
  return hour.price;
}

}  // namespace esshub::sim
