#include "config/policy_reader.hpp"

#include <fmt/format.h>

namespace esshub::config {
namespace {

using control::WeekSpan;

constexpr std::array<Word<InstructionKind>, 4> kinds{{{"charge", InstructionKind::charge},
                                                      {"discharge", InstructionKind::discharge},
                                                      {"balance", InstructionKind::balance},
                                                      {"idle", InstructionKind::idle}}};
constexpr std::array<Word<std::uint8_t>, 10> day_words{{{"mon", 1 << 0},
                                                        {"tue", 1 << 1},
                                                        {"wed", 1 << 2},
                                                        {"thu", 1 << 3},
                                                        {"fri", 1 << 4},
                                                        {"sat", 1 << 5},
                                                        {"sun", 1 << 6},
                                                        {"weekdays", 0b0011111},
                                                        {"weekend", 0b1100000},
                                                        {"daily", control::every_day}}};
constexpr std::string_view expected_days =
    "\"daily\", \"weekdays\", \"weekend\" or a list such as [\"mon\", \"thu\"]";

std::optional<std::uint8_t> days_of(const toml::node& node) {
  const auto text = node.value<std::string_view>();
  const auto word = std::ranges::find(day_words, text.value_or(""), &Word<std::uint8_t>::text);
  if (!text || word == day_words.end()) return std::nullopt;
  return word->value;
}

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

class PolicyReader {
 public:
  PolicyReader(Sections& sections, control::Settings& control)
      : sections_(sections), control_(control) {}

  PolicyPlaces read() {
    each(sections_.top(), "schedule", "schedule", [&](TableReader& entry) { read_entry(entry); });
    each(sections_.at("tariff"), "band", "tariff.band",
         [&](TableReader& band) { read_band(band); });
    return std::move(places_);
  }

 private:
  void read_entry(TableReader& reader) {
    control::ScheduleEntry entry;
    const bool when = read_span(reader, entry.when);
    const bool good = read_instruction(reader, entry.instruction) && when;
    reader.finish();
    if (!good) return;
    places_["schedule " + std::to_string(control_.schedule.size())] = reader.place("from");
    control_.schedule.push_back(entry);
  }

  bool read_span(TableReader& reader, WeekSpan& span) {
    const bool days = read_days(reader, span.days);
    const bool from = read_minute(reader, "from", span.from);
    const bool to = read_minute(reader, "to", span.to);
    return days && from && to;
  }

  static bool read_days(TableReader& reader, std::uint8_t& days) {
    const auto* node = reader.find("days");
    if (!node) return true;  // daily
    std::optional<std::uint8_t> read = days_of(*node);
    if (const auto* list = node->as_array(); list && !list->empty()) {
      read = 0;
      for (const auto& day : *list) {
        const auto one = days_of(day);
        read = read && one ? std::optional{static_cast<std::uint8_t>(*read | *one)} : std::nullopt;
      }
    }
    if (read)
      days = *read;
    else
      reader.complain("days", fmt::format("expected {}", expected_days));
    return read.has_value();
  }

  static bool read_minute(TableReader& reader, std::string_view key, int& minute) {
    reader.require(key, "a time such as \"01:30\"");
    std::string text;
    if (!reader.read(key, text)) return false;
    const auto read = minute_of(text);
    if (read)
      minute = *read;
    else
      reader.complain(key,
                      fmt::format("is \"{}\", expected a time from \"00:00\" to \"23:59\"", text));
    return read.has_value();
  }

  bool read_instruction(TableReader& reader, Instruction& instruction) {
    constexpr std::array<std::string_view, 4> details{"power_w", "target", "low", "high"};
    for (const auto key : details) static_cast<void>(reader.find(key));  // known whatever it is
    reader.require("action", "one of: charge, discharge, balance, idle");
    if (!reader.read("action", instruction.kind, kinds)) return false;
    const bool charges = instruction.kind == InstructionKind::charge;
    const bool powered = charges || instruction.kind == InstructionKind::discharge;
    instruction.power = !powered  ? Watts{}
                        : charges ? control_.charge_limit
                                  : control_.discharge_limit;
    const bool numbers = reader.read("power_w", instruction.power) | !reader.has("power_w");
    const bool socs = (reader.read("target", instruction.target) | !reader.has("target")) &
                      (reader.read("low", instruction.low) | !reader.has("low")) &
                      (reader.read("high", instruction.high) | !reader.has("high"));
    if (powered) reader.require("target", "the state of charge to stop at, in %");
    bool fits = !powered || reader.has("target");
    for (const auto key : details) {
      const bool of_power = key == "power_w" || key == "target";
      if (!reader.has(key) || of_power == powered) continue;
      reader.complain(key, fmt::format("has no meaning here, expected only with {}",
                                       of_power ? "charge and discharge" : "balance and idle"));
      fits = false;
    }
    return numbers && socs && fits;
  }

  void read_band(TableReader& reader) {
    control::TariffBand band;
    bool good = read_span(reader, band.when);
    std::optional<double> import_price;
    reader.require("import", "a price per kWh");
    good &= read_price(reader, "import", import_price);
    good &= read_price(reader, "export", band.export_price) | !reader.has("export");
    reader.read("cheap", band.cheap);
    reader.finish();
    if (!good) return;
    band.import_price = *import_price;
    places_["tariff.band " + std::to_string(control_.tariff.bands.size())] = reader.place("from");
    control_.tariff.bands.push_back(band);
  }

  template <class Read>
  void each(TableReader& parent, std::string_view key, const std::string& scope, Read read) {
    const auto* node = parent.find(key);
    const auto* list = node ? node->as_array() : nullptr;
    if (node && !list)
      parent.complain(key, fmt::format("expected a list of tables, each written as [[{}]]", scope));
    if (!list) return;
    for (const auto& entry : *list) {
      if (const auto* table = entry.as_table()) {
        TableReader reader{table, scope, sections_.errors()};
        read(reader);
      } else {
        sections_.errors().push_back(
            {place_of(entry),
             fmt::format("{}: expected a table, written as [[{}]]", scope, scope)});
      }
    }
  }

  Sections& sections_;
  control::Settings& control_;
  PolicyPlaces places_;
};

}  // namespace

PolicyPlaces read_policy(Sections& sections, control::Settings& control) {
  return PolicyReader{sections, control}.read();
}

}  // namespace esshub::config
