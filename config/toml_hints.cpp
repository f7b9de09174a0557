#include "config/toml_hints.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace esshub::config {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t";
  const auto begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) + 1 - begin);
}

std::string_view without_comment(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    quoted ^= text[i] == '"';
    if (text[i] == '#' && !quoted) return text.substr(0, i);
  }
  return text;
}

}  // namespace

std::string_view line_of(std::string_view text, unsigned number) {
  for (; number > 1; --number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  const auto line = text.substr(0, text.find('\n'));
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

std::string toml_hint(std::string_view line) {
  for (const std::string_view curly : {"“", "”", "„", "‘", "’"})
    if (line.find(curly) != std::string_view::npos)
      return "curly quotes, expected plain ones: \"text\"";
  const auto equals = line.find('=');
  if (equals == std::string_view::npos || trimmed(line).starts_with('[')) return {};
  const auto value = trimmed(without_comment(line.substr(equals + 1)));
  if (value.empty()) return {};
  const auto word = value.substr(0, value.find_first_of(";, "));
  for (const std::string_view truth : {"true", "false", "True", "False", "yes", "no", "on", "off"})
    if (word == truth) return "expected true or false, and nothing behind it";
  const auto number = value.substr(0, value.find_first_not_of("+-0123456789.,_"));
  const auto rest = trimmed(value.substr(number.size()));
  const bool digits = std::ranges::any_of(number, is_digit);
  if (digits && std::ranges::count(number, ',') == 1 && rest.empty()) {
    std::string with_point{number};
    std::ranges::replace(with_point, ',', '.');
    return fmt::format("a decimal comma, expected a point: {}", with_point);
  }
  if (digits && (rest == "%" || std::ranges::all_of(rest, is_letter)) && !rest.empty())
    return rest == "%" || rest == "W" || rest == "V" || rest == "A"
               ? fmt::format("a unit behind a number, expected the number alone: {}", number)
               : fmt::format("a number with a unit, expected it in quotes: \"{}\"", value);
  const auto quotes = std::ranges::count(value, '"');
  if (quotes == 1 || (quotes == 0 && (is_letter(value.front()) || value.front() == '/')))
    return fmt::format("a text without its quotes, expected \"{}\"",
                       quotes == 1 && value.front() == '"'  ? value.substr(1)
                       : quotes == 1 && value.back() == '"' ? value.substr(0, value.size() - 1)
                                                            : value);
  return {};
}

}  // namespace esshub::config
