// Numbers out of a CSV file by the names of their columns; an error names file, line and column.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace esshub::sim {

struct CsvColumn {
  std::vector<std::string_view> names;  ///< in the header: any of them
  double low;                           ///< both ends allowed
  double high;
  std::string_view unit;
};

/// The values of each column, all of the same length and never empty. The first line is the header;
/// other columns of the file are skipped. The error is `file:line:column: what, and what was
/// expected`, the column counted in characters; without it where the whole line is meant.
[[nodiscard]] tl::expected<std::vector<std::vector<double>>, std::string> read_csv(
    const std::filesystem::path& file, std::span<const CsvColumn> columns);

}  // namespace esshub::sim
