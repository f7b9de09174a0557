#include "config/policy_reader.hpp"

#include <fmt/format.h>

#include "config/list_tables.hpp"

namespace esshub::config {
namespace {

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
    const bool when = read_rows(reader, span_table(), entry.when);
    const bool good = read_instruction(reader, entry.instruction) && when;
    reader.finish();
    if (!good) return;
    places_["schedule " + std::to_string(control_.schedule.size())] = reader.place("from");
    control_.schedule.push_back(entry);
  }

  bool read_instruction(TableReader& reader, Instruction& instruction) {
    const auto action = instruction_table().front();
    const auto details = instruction_table().subspan(1);
    for (const auto& row : details)
      static_cast<void>(reader.find(row.key));  // known whatever it is
    if (!read_row(reader, action, instruction)) return false;
    const bool charges = instruction.kind == InstructionKind::charge;
    const bool powered = charges || instruction.kind == InstructionKind::discharge;
    instruction.power = !powered  ? Watts{}
                        : charges ? control_.charge_limit
                                  : control_.discharge_limit;
    bool good = read_rows(reader, details, instruction);
    if (powered) reader.require("target", "the state of charge to stop at, in %");
    good &= !powered || reader.has("target");
    for (const auto& row : details) {
      const bool of_power = row.key == "power_w" || row.key == "target";
      if (!reader.has(row.key) || of_power == powered) continue;
      reader.complain(row.key, fmt::format("has no meaning here, expected only with {}",
                                           of_power ? "charge and discharge" : "balance and idle"));
      good = false;
    }
    return good;
  }

  void read_band(TableReader& reader) {
    control::TariffBand band;
    const bool when = read_rows(reader, span_table(), band.when);
    const bool good = read_rows(reader, band_table(), band) && when;
    reader.finish();
    if (!good) return;
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
