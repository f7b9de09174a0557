#include "sim/trace.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "model/plausible.hpp"
#include "sim/csv.hpp"

namespace esshub::sim {
namespace {

tl::expected<Trace, std::string> read(const std::filesystem::path& file, const CsvColumn& column,
                                      Duration step) {
  auto values = read_csv(file, std::array{column});
  if (!values) return tl::unexpected(std::move(values.error()));
  return Trace{step, std::move(values->front())};
}

constexpr double day_seconds = 86'400.0;

/// Two digits below `end` at `place`.
std::optional<int> two_digits(std::string_view text, std::size_t place, int end) {
  if (text.size() < place + 2) return std::nullopt;
  int value = 0;
  const char* const first = text.data() + place;
  const auto [last, error] = std::from_chars(first, first + 2, value);
  if (error != std::errc{} || last != first + 2 || value < 0 || value >= end) return std::nullopt;
  return value;
}

/// HH:MM or HH:MM:SS, wherever a cell has it: "2026-06-21T12:00:05+02:00".
std::optional<double> second_of_day(std::string_view cell) {
  const auto colon = cell.find(':');
  if (colon == std::string_view::npos || colon < 2) return std::nullopt;
  const auto hour = two_digits(cell, colon - 2, 24);
  const auto minute = two_digits(cell, colon + 1, 60);
  const bool seconds = cell.size() > colon + 3 && cell[colon + 3] == ':';
  const auto second = seconds ? two_digits(cell, colon + 4, 60) : std::optional{0};
  if (!hour || !minute || !second) return std::nullopt;
  return 3600.0 * *hour + 60.0 * *minute + *second;
}

}  // namespace

double Trace::held(Duration t) const {
  return values[static_cast<std::size_t>(t / step) % values.size()];
}

double Trace::between(Duration t) const {
  const auto index = static_cast<std::size_t>(t / step);
  const double part = static_cast<double>((t % step).count()) / static_cast<double>(step.count());
  const double a = values[index % values.size()];
  const double b = values[(index + 1) % values.size()];
  return a + (b - a) * part;
}

tl::expected<Trace, std::string> read_load_trace(const std::filesystem::path& file) {
  return read(file, {{"load_w", "active_power_w"}, 0.0, range::ac_power.high, "W"}, 1s);
}

tl::expected<Trace, std::string> read_second_load_trace(const std::filesystem::path& file) {
  auto load = read_load_trace(file);
  if (!load) return load;
  const CsvColumn time{.names = {"local_time", "utc_time"},
                       .low = 0.0,
                       .high = day_seconds,
                       .unit = "s of the day as HH:MM or HH:MM:SS",
                       .optional = true,
                       .parse = second_of_day};
  const auto times = read_csv(file, std::array{time});
  if (!times) return tl::unexpected(times.error());
  const auto& second = times->front();
  for (std::size_t i = 1; i < second.size(); ++i) {
    const double gap = std::fmod(second[i] - second[i - 1] + day_seconds, day_seconds);
    if (gap != 1.0)
      return tl::unexpected(file.string() + ": row " + std::to_string(i + 1) + " is " +
                            std::to_string(std::lround(gap)) +
                            " s after the row before, expected a row a second");
  }
  return load;
}

tl::expected<Trace, std::string> read_sun_trace(const std::filesystem::path& file) {
  return read(file, {{"ghi_w_m2"}, 0.0, 2'000.0, "W/m2"}, 60s);
}

}  // namespace esshub::sim
