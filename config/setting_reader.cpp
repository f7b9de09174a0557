#include "config/setting_reader.hpp"

namespace esshub::config {
namespace {

constexpr std::array<Word<Mode>, 3> modes{
    {{"balance", Mode::balance}, {"scheduled", Mode::scheduled}, {"smart", Mode::smart}}};
constexpr std::array<Word<CircuitRole>, 2> roles{
    {{"ev", CircuitRole::ev}, {"heatpump", CircuitRole::heatpump}}};

constexpr std::array<Word<std::uint8_t>, 10> day_words{{{"mon", 1 << 0},
                                                        {"tue", 1 << 1},
                                                        {"wed", 1 << 2},
                                                        {"thu", 1 << 3},
                                                        {"fri", 1 << 4},
                                                        {"sat", 1 << 5},
                                                        {"sun", 1 << 6},
                                                        {"weekdays", 0b0011111},
                                                        {"weekend", 0b1100000},
                                                        {"daily", 0b1111111}}};
constexpr std::string_view expected_days =
    "\"daily\", \"weekdays\", \"weekend\" or a list such as [\"mon\", \"thu\"]";

std::optional<std::uint8_t> days_of(const toml::node& node) {
  const auto text = node.value<std::string_view>();
  const auto word = std::ranges::find(day_words, text.value_or(""), &Word<std::uint8_t>::text);
  if (!text || word == day_words.end()) return std::nullopt;
  return word->value;
}

constexpr std::string_view midnight = "24:00";  // as an end

/// "HH:MM", 00:00 to 23:59.
std::optional<int> minute_of(std::string_view text) {
  const auto digit = [&](std::size_t i) {
    return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : 99;
  };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const int hour = digit(0) * 10 + digit(1);
  const int minute = digit(3) * 10 + digit(4);
  if (hour > 23 || minute > 59) return std::nullopt;
  return hour * 60 + minute;
}

}  // namespace

bool read_price(TableReader& reader, std::string_view key, std::optional<double>& out) {
  double price = 0.0;
  if (!reader.read(key, price, "the currency per kWh")) return false;
  if (!std::isfinite(price)) {
    reader.complain(key, fmt::format("is {}, expected a price per kWh", price));
    return false;
  }
  out = price;
  return true;
}

bool read_roles(TableReader& reader, std::string_view key, EnumArray<CircuitRole, bool>& out) {
  const auto* node = reader.find(key);
  if (!node) return false;
  out = {};
  out[CircuitRole::other] = true;
  const auto* list = node->as_array();
  bool good = list != nullptr;
  if (list)
    for (const auto& entry : *list) {
      const auto word = entry.value<std::string_view>();
      const auto role = std::ranges::find(roles, word.value_or(""), &Word<CircuitRole>::text);
      good &= role != roles.end();
      if (role != roles.end()) out[role->value] = true;
    }
  if (!good)
    reader.complain(key, "expected a list of circuit roles beside the house: \"ev\", \"heatpump\"");
  return good;
}

bool read_minute(TableReader& reader, std::string_view key, int& out) {
  std::string text;
  if (!reader.read(key, text)) return false;
  const bool end = key == "to";
  const auto read = end && text == midnight ? 0 : minute_of(text);
  if (read)
    out = *read;
  else
    reader.complain(key, fmt::format("is \"{}\", expected a time from \"00:00\" to \"{}\"", text,
                                     end ? midnight : "23:59"));
  return read.has_value();
}

bool read_days(TableReader& reader, std::string_view key, std::uint8_t& out) {
  const auto* node = reader.find(key);
  if (!node) return false;
  std::optional<std::uint8_t> read = days_of(*node);
  if (const auto* list = node->as_array(); list && !list->empty()) {
    read = 0;
    for (const auto& day : *list) {
      const auto one = days_of(day);
      read = read && one ? std::optional{static_cast<std::uint8_t>(*read | *one)} : std::nullopt;
    }
  }
  if (read)
    out = *read;
  else
    reader.complain(key, fmt::format("expected {}", expected_days));
  return read.has_value();
}

bool read_mode(TableReader& reader, std::string_view key, Mode& out) {
  return reader.read(key, out, modes);
}

}  // namespace esshub::config
