// Numbers out of a CSV file by the names of their columns; an error names file, line and column.
#pragma once

#include <filesystem>
#include <optional>
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
  bool optional = false;  ///< the file may lack it: then it has no values
  /// What a cell says; nothing: no number, or not what is expected there.
  std::optional<double> (*parse)(std::string_view cell) = nullptr;  ///< nullptr: a number
};

/// The values of each column, all of the same length and never empty (but for `optional`). The
/// first line is the header; other columns of the file are skipped. The error is `file:line:column:
/// what, and what was expected`, the column counted in characters; without it where the whole line
/// is meant.
[[nodiscard]] tl::expected<std::vector<std::vector<double>>, std::string> read_csv(
    const std::filesystem::path& file, std::span<const CsvColumn> columns);

}  // namespace esshub::sim
