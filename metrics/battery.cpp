#include <array>

#include "metrics/sections.hpp"

namespace esshub::metrics {
namespace {

constexpr double per_cent = 0.01;

/// One reading of the battery as one series; rows of one family follow each other.
struct Row {
  std::string_view name;
  std::string_view help;
  Measure measure;
  double scale = 1.0;
  std::string_view limit{};  ///< label value, empty for none
};
constexpr auto rows = std::to_array<Row>({
    {"esshub_battery_soh_ratio", "State of health, 0 to 1, by the BMS. Absent while not current.",
     Measure::soh, per_cent},
    {"esshub_battery_limit_amperes",
     "Charge and discharge current limits (CCL, DCL) of the BMS in amperes, both positive. Absent "
     "while not current.",
     Measure::ccl, 1.0, "charge"},
    {"esshub_battery_limit_amperes", "", Measure::dcl, 1.0, "discharge"},
    {"esshub_battery_limit_volts",
     "Charge and discharge voltage limits (CVL, DVL) of the BMS in volts. Absent while not "
     "current.",
     Measure::cvl, 1.0, "charge"},
    {"esshub_battery_limit_volts", "", Measure::dvl, 1.0, "discharge"},
    {"esshub_battery_modules", "Battery modules online, by the BMS. Absent while not current.",
     Measure::modules},
    {"esshub_battery_capacity_coulombs",
     "Capacity by the BMS in coulombs, 3600 of which are 1 Ah. Absent while not current.",
     Measure::capacity, coulombs_per_ampere_hour},
});

template <class Bit>
void add_bits(Page& page, const View& view, Measure measure, std::string_view label) {
  const auto set = fresh(view.snapshot.bits(Point::battery, measure), view.now);
  if (!set) return;
  each_bit<Bit>([&](Bit each) { page.add({{label, name(each)}}, has(*set, each)); });
}

/// Lowest and highest cell, of the whole battery and of each module.
void add_cells(Page& page, const View& view, Measure lowest, Measure highest) {
  for (const Point point : enum_values<Point>) {
    if (point != Point::battery && point < Point::module1) continue;
    page.add({{"channel", name(point)}, {"cell", "lowest"}}, view.current(point, lowest));
    page.add({{"channel", name(point)}, {"cell", "highest"}}, view.current(point, highest));
  }
}

}  // namespace

void add_battery(Page& page, const View& view) {
  page.gauge("esshub_battery_soc_ratio",
             "State of charge (SOC), 0 to 1, by the BMS. Absent while not current.");
  if (const auto soc = fresh(view.snapshot.soc(), view.now)) page.add({}, soc->ratio());
  for (const auto& row : rows) {
    if (!row.help.empty()) page.gauge(row.name, row.help);
    auto value = view.current(Point::battery, row.measure);
    if (value) *value *= row.scale;
    if (row.limit.empty()) {
      page.add({}, value);
    } else {
      page.add({{"limit", row.limit}}, value);
    }
  }
  page.gauge("esshub_battery_protection_active",
             "1 while the BMS protects the battery against it, else 0. Absent while not current.");
  add_bits<BmsFlag>(page, view, Measure::protections, "protection");
  page.gauge("esshub_battery_warning_active",
             "1 while the BMS warns of it, else 0. Absent while not current.");
  add_bits<BmsFlag>(page, view, Measure::warnings, "warning");
  page.gauge("esshub_battery_request_active",
             "1 while the BMS asks for or allows it, else 0. Absent while not current.");
  add_bits<BmsRequest>(page, view, Measure::requests, "request");
  page.gauge("esshub_cell_voltage_volts",
             "Voltage of the lowest and the highest cell in volts. Absent while not current.");
  add_cells(page, view, Measure::cell_voltage_min, Measure::cell_voltage_max);
  page.gauge("esshub_cell_temperature_celsius",
             "Temperature of the coldest (lowest) and the warmest (highest) cell in degrees "
             "Celsius. Absent while not current.");
  add_cells(page, view, Measure::cell_temperature_min, Measure::cell_temperature_max);
}

}  // namespace esshub::metrics
