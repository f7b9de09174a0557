#include "sim/csv.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>

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

std::optional<double> number_in(std::string_view cell) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc{} || end != cell.data() + cell.size()) return std::nullopt;
  return value;
}

std::string joined(std::span<const std::string_view> words) {
  std::string text;
  for (const auto word : words) {
    if (!text.empty()) text += " or ";
    text += word;
  }
  return text;
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

tl::expected<std::vector<std::vector<double>>, std::string> read_csv(
    const std::filesystem::path& file, std::span<const CsvColumn> columns) {
  const auto bad = [&](std::size_t line, const std::string& what) {
    return tl::unexpected(file.string() + ":" + std::to_string(line) + ": " + what);
  };
  std::ifstream in(file);
  if (!in) return tl::unexpected(file.string() + ": cannot be read");

  std::string line;
  if (!std::getline(in, line)) return bad(1, "expected a header with the names of the columns");
  const auto header = cells_of(line);
  constexpr auto absent = std::string_view::npos;
  std::vector<std::size_t> places;
  for (const auto& column : columns) {
    const auto found =
        std::find_first_of(header.begin(), header.end(), column.names.begin(), column.names.end());
    if (found == header.end() && column.optional) {
      places.push_back(absent);
      continue;
    }
    if (found == header.end())
      return bad(1, "no column " + joined(column.names) + " in the header '" + line + "'");
    places.push_back(static_cast<std::size_t>(found - header.begin()));
  }

  std::vector<std::vector<double>> values(columns.size());
  for (std::size_t number = 2; std::getline(in, line); ++number) {
    if (line.empty() || line == "\r") continue;
    const auto cells = cells_of(line);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto& column = columns[i];
      if (places[i] == absent) continue;
      if (cells.size() <= places[i])
        return bad(number, "too few columns: " + joined(column.names) + " is missing");
      const auto cell = cells[places[i]];
      const auto value = column.parse != nullptr ? column.parse(cell) : number_in(cell);
      if (!value || !(*value >= column.low) || !(*value <= column.high))
        return tl::unexpected(file.string() + ":" + std::to_string(number) + ":" +
                              std::to_string(cell.data() - line.data() + 1) +
                              ": expected a number from " + short_number(column.low) + " to " +
                              short_number(column.high) + " " + std::string(column.unit) +
                              ", got '" + std::string(cell) + "'");
      values[i].push_back(*value);
    }
  }
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (places[i] != absent && values[i].empty()) return bad(2, "no values");
  return values;
}

}  // namespace esshub::sim
