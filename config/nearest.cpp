#include "config/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace esshub::config {
namespace {

/// How many letters must be added, dropped or changed (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view wrong,
                                        std::span<const std::string> words) {
  std::optional<std::string_view> best;
  std::size_t least = 0;
  for (const std::string_view word : words) {
    const auto d = distance(wrong, word);
    if (d <= std::max<std::size_t>(2, word.size() / 3) && (!best || d < least)) {
      best = word;
      least = d;
    }
  }
  return best;
}

}  // namespace esshub::config
