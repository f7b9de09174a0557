#include "sim/year/market.hpp"

#include <algorithm>
#include <array>

#include "sim/plant/rng.hpp"

namespace esshub::sim {
namespace {

/// GBP/kWh beside the day's mean, hour 1 to 24.
constexpr std::array of_the_hour{-0.030, -0.035, -0.038, -0.038, -0.035, -0.025, 0.000,  0.022,
                                 0.020,  0.008,  0.000,  -0.005, -0.006, -0.005, 0.000,  0.012,
                                 0.035,  0.050,  0.048,  0.030,  0.015,  0.005,  -0.010, -0.020};
constexpr double mean = 0.085;
constexpr double by_wind = 0.030;      // a windy day, by its standard deviation
constexpr double wind_persists = 0.6;  // from a day to the next
constexpr double by_sun = 0.060;       // at 1000 W/kWp
constexpr double noise = 0.006;

bool peak(int hour) {
  return hour >= 17 && hour <= 19;
}

}  // namespace

void add_market(std::span<HouseHour> hours, std::uint64_t seed) {
  Rng rng{seed};
  const double news = 0.8;  // the rest of a variance of 1: sqrt(1 - 0.6^2)
  double wind = rng.noise();
  for (auto& hour : hours) {
    if (hour.hour == 1) wind = wind_persists * wind + news * rng.noise();
    const double sunny = hour.sun.value() / 1000.0;
    const double price = mean + of_the_hour[static_cast<std::size_t>(hour.hour - 1)] -
                         by_wind * wind - by_sun * sunny;
    for (auto& half : hour.wholesale) half = price + noise * rng.noise();
  }
}

double agile_import_price(double wholesale, int hour) {
  return std::min(2.2 * wholesale + (peak(hour) ? 0.12 : 0.0), 1.0);
}

double agile_export_price(double wholesale, int hour) {
  return std::max(0.95 * wholesale + (peak(hour) ? 0.05 : 0.0), 0.0);
}

}  // namespace esshub::sim
