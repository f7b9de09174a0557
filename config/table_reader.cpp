#include "config/table_reader.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <charconv>

#include "config/nearest.hpp"

namespace esshub::config {
namespace {

std::string_view type_name(toml::node_type type) {
  switch (type) {
    case toml::node_type::none:
      return "nothing";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "a date or time";
  }
  return "?";
}

/// Of a character of UTF-8, all but its first byte.
bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u;
}

/// What is quoted as long as it takes to see which it is.
std::string with_short_quotes(std::string text) {
  constexpr std::size_t enough = 60;
  std::size_t end = 0;
  for (auto begin = text.find('"'); begin != std::string::npos; begin = text.find('"', end + 1)) {
    end = text.find('"', begin + 1);
    if (end == std::string::npos) break;
    if (end - begin <= enough + 1) continue;
    auto kept = begin + 1 + enough;
    while (continues(text[kept])) --kept;
    text.replace(kept, end - kept, "...");
    end = kept + 3;
  }
  return text;
}

template <class Words>
std::string list(const Words& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

struct Unit {
  std::string_view name;
  double seconds;
};
constexpr std::array<Unit, 5> units{
    {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"min", 60}, {"h", 3600}}};
constexpr double longest_seconds = 7 * 24 * 3600;  // anything longer is a slip of the pen

std::optional<Duration> parse_duration(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  while (text.starts_with(' ')) text.remove_prefix(1);
  const auto unit = std::ranges::find(units, text, &Unit::name);
  if (unit == units.end()) return std::nullopt;
  const double seconds = value * unit->seconds;
  if (!(seconds >= 0 && seconds <= longest_seconds)) return std::nullopt;
  return std::chrono::round<Duration>(Seconds{seconds});
}

}  // namespace

bool is_line_of_text(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= ' '; });
}

std::optional<transport::TcpPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find_first_of(" \t/[]") != std::string_view::npos) return std::nullopt;
  if (!bracketed && host.find(':') != std::string_view::npos) return std::nullopt;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0)
    return std::nullopt;
  return transport::TcpPort{std::string{host}, port};
}

Place place_of(const toml::node& node) {
  return {node.source().begin.line, node.source().begin.column};
}

const toml::node* TableReader::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
  return table_ ? table_->get(key) : nullptr;
}

TableReader TableReader::section(std::string_view key) {
  const auto* node = find(key);
  const auto* table = node ? node->as_table() : nullptr;
  if (node && !table) complain(key, fmt::format("expected a table, written as [{}]", dotted(key)));
  return TableReader{table, dotted(key), errors_};
}

bool TableReader::read(std::string_view key, std::string& out) {
  const auto* node = find(key);
  if (!node) return false;
  const auto* text = node->as_string();
  if (!text) {
    complain_of_type(key, *node, "a string");
    return false;
  }
  out = text->get();
  return true;
}

bool TableReader::read(std::string_view key, std::vector<std::string>& out) {
  const auto* node = find(key);
  if (!node) return false;
  const auto* list = node->as_array();
  const bool strings = list && (list->empty() || list->is_homogeneous(toml::node_type::string));
  if (!strings) {
    complain_of_type(key, *node, "a list of strings");
    return false;
  }
  out.clear();
  for (const auto& item : *list) out.push_back(item.as_string()->get());
  return true;
}

bool TableReader::read(std::string_view key, bool& out) {
  const auto* node = find(key);
  if (!node) return false;
  const auto* flag = node->as_boolean();
  if (!flag) {
    complain_of_type(key, *node, "true or false");
    return false;
  }
  out = flag->get();
  return true;
}

bool TableReader::read(std::string_view key, double& out, std::string_view unit) {
  const auto value = number(key, unit);
  if (value) out = *value;
  return value.has_value();
}

bool TableReader::read(std::string_view key, Soc& out) {
  const auto percent = number(key, "%");
  if (!percent) return false;
  const auto soc = Soc::from_percent(*percent);
  if (!soc) {
    complain(key, fmt::format("is {} %, expected 0 to 100 %", *percent));
    return false;
  }
  out = *soc;
  return true;
}

bool TableReader::read(std::string_view key, transport::TcpPort& out) {
  std::string text;
  if (!read(key, text)) return false;
  auto peer = parse_host_port(text);
  if (!peer) {
    complain(key, fmt::format("is \"{}\", expected host:port, such as \"127.0.0.1:9750\"", text));
    return false;
  }
  out = std::move(*peer);
  return true;
}

bool TableReader::read(std::string_view key, std::optional<Watts>& out) {
  Watts value;
  if (!quantity(key, value, "W")) return false;
  out = value;
  return true;
}

bool TableReader::read(std::string_view key, Duration& out, std::optional<Range> range_ms) {
  constexpr std::string_view expected = "a duration with its unit, such as \"100 ms\" or \"3 s\"";
  const auto* node = find(key);
  if (!node) return false;
  const auto* text = node->as_string();
  if (!text) {
    complain_of_type(key, *node, expected);
    return false;
  }
  const auto duration = parse_duration(text->get());
  if (!duration) {
    complain(key, fmt::format("is \"{}\", expected {}", text->get(), expected));
    return false;
  }
  const double ms = std::chrono::duration<double, std::milli>(*duration).count();
  if (range_ms && !(ms >= range_ms->low && ms <= range_ms->high)) {
    complain(key, fmt::format("is {} ms, expected {} to {} ms", ms, range_ms->low, range_ms->high));
    return false;
  }
  out = *duration;
  return true;
}

std::optional<double> TableReader::number(std::string_view key, std::string_view unit) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  if (!node->is_number()) {
    complain_of_type(key, *node, fmt::format("a number in {}", unit));
    return std::nullopt;
  }
  // Not value<double>(): it knows nothing of whole numbers that no double holds exactly.
  if (const auto* whole = node->as_integer()) return static_cast<double>(whole->get());
  return node->as_floating_point()->get();
}

std::optional<std::uint32_t> TableReader::whole(std::string_view key, Range range) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  const auto* integer = node->as_integer();
  if (!integer) {
    complain_of_type(key, *node, "a whole number");
    return std::nullopt;
  }
  const auto value = static_cast<double>(integer->get());
  if (!(value >= range.low && value <= range.high)) {
    const auto expected = range.low < range.high ? fmt::format("{} to {}", range.low, range.high)
                                                 : fmt::format("{}", range.low);
    complain(key, fmt::format("is {}, expected {}", integer->get(), expected));
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(integer->get());
}

Place TableReader::place(std::string_view key) const {
  if (!table_) return {1, 1};
  const auto* node = table_->get(key);
  return place_of(node ? *node : *table_);
}

std::string TableReader::dotted(std::string_view key) const {
  return scope_.empty() ? std::string{key} : fmt::format("{}.{}", scope_, key);
}

void TableReader::complain(std::string_view key, const std::string& text) {
  errors_.push_back({place(key), dotted(key) + ": " + with_short_quotes(text)});
}

void TableReader::require(std::string_view key, std::string_view expected) {
  if (!has(key)) complain(key, fmt::format("is missing, expected {}", expected));
}

void TableReader::complain_of_type(std::string_view key, const toml::node& node,
                                   std::string_view expected) {
  complain(key, fmt::format("is {}, expected {}", type_name(node.type()), expected));
}

void TableReader::complain_of_word(std::string_view key, const std::string& found,
                                   std::span<const std::string_view> words) {
  complain(key, fmt::format("is \"{}\", expected one of: {}", found, list(words)));
}

void TableReader::finish() {
  if (!table_) return;
  for (const auto& [key, value] : *table_) {
    if (std::ranges::find(known_, key.str()) != known_.end()) continue;
    const auto meant = nearest(key.str(), known_);
    const auto& begin = key.source().begin;
    errors_.push_back({{begin.line, begin.column},
                       dotted(key.str()) + ": unknown key, " +
                           (meant ? fmt::format("did you mean {}?", *meant)
                                  : "expected one of: " + list(known_))});
  }
}

}  // namespace esshub::config
