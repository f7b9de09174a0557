// Reads what a settings table lists out of the file's sections.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <span>
#include <string>

#include "config/table_reader.hpp"
#include "model/setting_row.hpp"

namespace esshub::config {

/// The sections of a file, each read by one TableReader however many tables have rows in it.
class Sections {
 public:
  Sections(const toml::table& root, std::vector<ConfigError>& errors)
      : top_(&root, "", errors), errors_(errors) {}

  /// The file itself, for its lists.
  [[nodiscard]] TableReader& top() { return top_; }
  /// By its dotted name.
  [[nodiscard]] TableReader& at(std::string_view name) {
    const auto found = readers_.find(name);
    if (found != readers_.end()) return found->second;
    const auto dot = name.rfind('.');
    const bool inner = dot != std::string_view::npos;
    auto reader =
        inner ? at(name.substr(0, dot)).section(name.substr(dot + 1)) : top_.section(name);
    return readers_.emplace(name, std::move(reader)).first->second;
  }
  [[nodiscard]] std::vector<ConfigError>& errors() { return errors_; }
  /// Complains of every key nobody asked for.
  void finish() {
    for (auto& [name, reader] : readers_) reader.finish();
    top_.finish();
  }

 private:
  TableReader top_;
  std::vector<ConfigError>& errors_;
  std::map<std::string, TableReader, std::less<>> readers_;
};

/// A price per kWh, of any sign.
bool read_price(TableReader& reader, std::string_view key, std::optional<double>& out);

/// The roles of circuits in a list of words; the house is always served.
bool read_roles(TableReader& reader, std::string_view key, EnumArray<CircuitRole, bool>& out);

[[nodiscard]] bool read_mode(TableReader& reader, std::string_view key, Mode& out);

/// A time of the day, "00:00" to "23:59", in minutes; as the end, `to`, "24:00" is 0.
[[nodiscard]] bool read_minute(TableReader& reader, std::string_view key, int& out);

/// Days as a word or a list of words.
[[nodiscard]] bool read_days(TableReader& reader, std::string_view key, std::uint8_t& out);

/// Reads one row into its field; true when a good value was read. Whole numbers and, with
/// `check_ranges`, durations, quantities and plain numbers keep to the row's range; the other
/// ranges are the control's to judge.
template <class S>
struct RowReader {
  TableReader& reader;
  const SettingRow<S>& row;
  S& out;
  bool check_ranges;

  template <class Tag>
  bool operator()(Quantity<Tag> S::*m) const {
    Quantity<Tag> value;
    if (!reader.read(row.key, value)) return false;
    if (check_ranges && !(value.value() >= row.range.least && value.value() <= row.range.most)) {
      reader.complain(row.key, fmt::format("is {} {}, expected {} to {} {}", value.value(),
                                           row.unit, row.range.least, row.range.most, row.unit));
      return false;
    }
    out.*m = value;
    return true;
  }
  bool operator()(std::optional<Watts> S::*m) const { return reader.read(row.key, out.*m); }
  bool operator()(Soc S::*m) const { return reader.read(row.key, out.*m); }
  bool operator()(bool S::*m) const { return reader.read(row.key, out.*m); }
  bool operator()(double S::*m) const {
    double value = 0.0;
    if (!reader.read(row.key, value, row.unit)) return false;
    if (check_ranges && !(value >= row.range.least && value <= row.range.most)) {
      reader.complain(row.key, fmt::format("is {}, expected a number in {}", value, row.unit));
      return false;
    }
    out.*m = value;
    return true;
  }
  bool operator()(std::optional<Soc> S::*m) const {
    Soc soc;
    if (!reader.read(row.key, soc)) return false;
    out.*m = soc;
    return true;
  }
  bool operator()(RatioField<S> m) const {
    double percent = 0.0;
    if (!reader.read(row.key, percent, row.unit)) return false;
    out.*m.ratio = percent / 100.0;
    return true;
  }
  bool operator()(PriceField<S> m) const { return read_price(reader, row.key, out.*m.price); }
  bool operator()(Duration S::*m) const {
    const std::optional<Range> range{{row.range.least, row.range.most}};
    return reader.read(row.key, out.*m, check_ranges ? range : std::nullopt);
  }
  template <std::unsigned_integral T>
  bool operator()(T S::*m) const {
    return reader.read(row.key, out.*m, Range{row.range.least, row.range.most});
  }
  bool operator()(std::string S::*m) const {
    std::string text;
    if (!reader.read(row.key, text) || !fits(text)) return false;
    out.*m = std::move(text);
    return true;
  }
  bool operator()(std::vector<std::string> S::*m) const {
    std::vector<std::string> texts;
    if (!reader.read(row.key, texts)) return false;
    for (const auto& text : texts)
      if (!fits(text)) return false;
    out.*m = std::move(texts);
    return true;
  }
  bool operator()(WordField<S> m) const {
    std::string text;
    if (!reader.read(row.key, text)) return false;
    const auto words = m.words();
    const auto word = std::ranges::find(words, text);
    if (word == words.end()) {
      reader.complain_of_word(row.key, text, words);
      return false;
    }
    m.set(out, static_cast<std::size_t>(word - words.begin()));
    return true;
  }
  bool operator()(MinuteField<S> m) const { return read_minute(reader, row.key, out.*m.minute); }
  bool operator()(DaysField<S> m) const { return read_days(reader, row.key, out.*m.days); }
  bool operator()(Mode S::*m) const { return read_mode(reader, row.key, out.*m); }
  bool operator()(RolesField<S> m) const { return read_roles(reader, row.key, out.*m.serves); }
  bool operator()(HostPortField<S> m) const {
    std::string text;
    transport::TcpPort peer;
    if (!reader.read(row.key, text) || text.empty() || !reader.read(row.key, peer)) return false;
    out.*m.host = peer.host;
    out.*m.port = peer.port;
    return true;
  }

 private:
  [[nodiscard]] bool fits(const std::string& text) const {
    if (!row.rule.holds || row.rule.holds(text)) return true;
    reader.complain(row.key, fmt::format("is \"{}\", expected {}", text, row.rule.expected));
    return false;
  }
};

/// A row of an entry of a list; false when its value is wrong, or missing and required.
template <class S>
bool read_row(TableReader& reader, const SettingRow<S>& row, S& out) {
  if (!row.required.empty()) {
    std::string expected{row.required};
    if (const auto* words = std::get_if<WordField<S>>(&row.field);
        words && row.required == one_of_its_words)
      expected += fmt::format(": {}", fmt::join(words->words(), ", "));
    reader.require(row.key, expected);
  }
  const bool read = std::visit(RowReader<S>{reader, row, out, true}, row.field);
  return read || (row.required.empty() && !reader.has(row.key));
}

/// All of them; false when one is wrong, or missing and required.
template <class S>
bool read_rows(TableReader& reader, std::span<const SettingRow<S>> rows, S& out) {
  bool good = true;
  for (const auto& row : rows) good = read_row(reader, row, out) && good;
  return good;
}

}  // namespace esshub::config
