// Documents of tests/data/feeds, and what the tests of all converters want of them.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "feed/wanted.hpp"

namespace esshub::feed::tests {

inline constexpr UnixSeconds at_23 = 1795906800;  // 2026-11-28T23:00:00Z, as `date -u -d` counts it
inline constexpr UnixSeconds hour = 3600;

inline std::string document(const std::string& name) {
  std::ifstream in{ESSHUB_TEST_DATA "/feeds/" + name};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// A day before and two days after.
inline Wanted wanted(FeedKind kind = FeedKind::import_price) {
  Wanted result;
  result.kind = kind;
  result.from = at_23 - 24 * hour;
  result.to = at_23 + 48 * hour;
  result.issued = at_23 - 10 * hour;
  return result;
}

/// What is said of a document that is refused.
inline std::string said(const Result<Feed>& feed) {
  return feed ? "accepted" : feed.error().detail;
}

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace esshub::feed::tests
