// Pulls typed values out of one TOML table; what is wrong or was not asked for becomes an error.
#pragma once

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace esshub::config {

[[nodiscard]] Place place_of(const toml::node& node);

/// "host:port" or "[ipv6]:port".
[[nodiscard]] std::optional<transport::TcpPort> parse_host_port(std::string_view text);

/// 1 to `most` bytes without a control character: what is shown to people in one line.
[[nodiscard]] bool is_line_of_text(std::string_view text, std::size_t most);

/// Both ends allowed; in the unit of the value, durations in ms.
struct Range {
  double low;
  double high;
};

template <class T>
struct Word {
  std::string_view text;
  T value;
};

/// What must be there once at most, and where it was first.
template <class T>
using Seen = std::map<T, Place>;

/// One `read` is one known key: it leaves `out` alone when the key is absent or wrong, and returns
/// true when a good value was read. `finish` complains of every key nobody asked for.
class TableReader {
 public:
  /// `table` may be null: everything is absent. `scope` is its name, such as "bus.meter".
  TableReader(const toml::table* table, std::string scope, std::vector<ConfigError>& errors)
      : table_(table), scope_(std::move(scope)), errors_(errors) {}

  /// The value of a key in any type, or null; the key counts as known.
  const toml::node* find(std::string_view key);

  bool read(std::string_view key, std::string& out);
  bool read(std::string_view key, bool& out);
  bool read(std::string_view key, std::vector<std::string>& out);
  /// "host:port" or "[ipv6]:port"
  bool read(std::string_view key, transport::TcpPort& out);
  bool read(std::string_view key, double& out, std::string_view unit);
  bool read(std::string_view key, Soc& out);
  /// A string of a number and its unit: "100 ms", "3 s", "1.5 min", "1 h".
  bool read(std::string_view key, Duration& out, std::optional<Range> range_ms = {});
  bool read(std::string_view key, Watts& out) { return quantity(key, out, "W"); }
  bool read(std::string_view key, std::optional<Watts>& out);
  bool read(std::string_view key, Volts& out) { return quantity(key, out, "V"); }
  bool read(std::string_view key, Amperes& out) { return quantity(key, out, "A"); }
  bool read(std::string_view key, Celsius& out) { return quantity(key, out, "degC"); }
  bool read(std::string_view key, WattsPerSecond& out) { return quantity(key, out, "W/s"); }

  /// A whole number within `range`.
  template <std::unsigned_integral T>
  bool read(std::string_view key, T& out, Range range) {
    const auto value = whole(key, range);
    if (value) out = static_cast<T>(*value);
    return value.has_value();
  }

  /// One word of a list.
  template <class T, std::size_t n>
  bool read(std::string_view key, T& out, const std::array<Word<T>, n>& words) {
    std::string text;
    if (!read(key, text)) return false;
    const auto found = std::ranges::find(words, text, &Word<T>::text);
    if (found != words.end()) {
      out = found->value;
      return true;
    }
    std::array<std::string_view, n> texts{};
    std::ranges::transform(words, texts.begin(), &Word<T>::text);
    complain_of_word(key, text, texts);
    return false;
  }

  /// A sub-table by name; absent is as good as empty.
  [[nodiscard]] TableReader section(std::string_view key);

  /// True if the table has the key, whatever its value.
  [[nodiscard]] bool has(std::string_view key) const { return table_ && table_->contains(key); }
  /// Where the key's value stands; where the table begins if the key is absent.
  [[nodiscard]] Place place(std::string_view key) const;
  /// "bus.meter.unit"
  [[nodiscard]] std::string dotted(std::string_view key) const;
  /// Adds `scope.key: text` at the key's value.
  void complain(std::string_view key, const std::string& text);
  /// Complains of a text that is no word of the list.
  void complain_of_word(std::string_view key, const std::string& found,
                        std::span<const std::string_view> words);
  /// Complains of an absent key.
  void require(std::string_view key, std::string_view expected);
  /// Complains when `value` was seen before, naming the line of the first.
  template <class T>
  void once(Seen<T>& seen, const T& value, std::string_view key, const std::string& text) {
    const auto [first, is_new] = seen.try_emplace(value, place(key));
    if (!is_new) complain(key, text + " (line " + std::to_string(first->second.line) + ")");
  }
  void finish();

 private:
  std::optional<double> number(std::string_view key, std::string_view unit);
  std::optional<std::uint32_t> whole(std::string_view key, Range range);
  void complain_of_type(std::string_view key, const toml::node& node, std::string_view expected);

  template <class Tag>
  bool quantity(std::string_view key, Quantity<Tag>& out, std::string_view unit) {
    const auto value = number(key, unit);
    if (value) out = Quantity<Tag>{*value};
    return value.has_value();
  }

  const toml::table* table_;
  std::string scope_;
  std::vector<ConfigError>& errors_;
  std::vector<std::string> known_;
};

}  // namespace esshub::config
