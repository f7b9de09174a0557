#include "sim/trace.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <span>
#include <string_view>

namespace esshub::sim {
namespace {

std::vector<std::string_view> cells_of(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  std::vector<std::string_view> cells;
  while (true) {
    const auto comma = line.find(',');
    cells.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return cells;
    line.remove_prefix(comma + 1);
  }
}

std::string joined(std::span<const std::string_view> words) {
  std::string text;
  for (const auto word : words) {
    if (!text.empty()) text += " or ";
    text += word;
  }
  return text;
}

struct Column {
  std::vector<std::string_view> names;  ///< any of them
  double low;
  double high;
  std::string_view unit;
};

tl::expected<Trace, std::string> read(const std::filesystem::path& file, const Column& column,
                                      Duration step) {
  const auto bad = [&](std::size_t line, const std::string& what) {
    return tl::unexpected(file.string() + ":" + std::to_string(line) + ": " + what);
  };
  std::ifstream in(file);
  if (!in) return tl::unexpected(file.string() + ": cannot be read");

  std::string line;
  std::getline(in, line);
  const auto header = cells_of(line);
  const auto found =
      std::find_first_of(header.begin(), header.end(), column.names.begin(), column.names.end());
  if (found == header.end())
    return bad(1, "no column " + joined(column.names) + " in the header '" + line + "'");
  const auto index = static_cast<std::size_t>(found - header.begin());

  Trace trace{step, {}};
  for (std::size_t number = 2; std::getline(in, line); ++number) {
    if (line.empty() || line == "\r") continue;
    const auto cells = cells_of(line);
    if (cells.size() <= index) return bad(number, "too few columns");
    const auto cell = cells[index];
    double value = 0.0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc{} || end != cell.data() + cell.size() || !(value >= column.low) ||
        !(value <= column.high))
      return bad(number, "expected a number from " + std::to_string(std::lround(column.low)) +
                             " to " + std::to_string(std::lround(column.high)) + " " +
                             std::string(column.unit) + ", got '" + std::string(cell) + "'");
    trace.values.push_back(value);
  }
  if (trace.values.empty()) return bad(2, "no values");
  return trace;
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
  return read(file, {{"load_w", "active_power_w"}, 0.0, 30'000.0, "W"}, 1s);
}

tl::expected<Trace, std::string> read_sun_trace(const std::filesystem::path& file) {
  return read(file, {{"ghi_w_m2"}, 0.0, 2'000.0, "W/m2"}, 60s);
}

}  // namespace esshub::sim
