#include "publish/wrapped.hpp"

#include <algorithm>

namespace esshub::publish {
namespace {

/// Bytes that begin a character.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

}  // namespace

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  bool first = true;  // of its line
  while (true) {
    const auto end = text.find(' ');
    const auto word = text.substr(0, end);
    if (!first && characters(lines.back()) + 1 + characters(word) > width) {
      lines.emplace_back();
      first = true;
    }
    if (!first) lines.back() += ' ';
    lines.back() += word;
    first = false;
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

}  // namespace esshub::publish
