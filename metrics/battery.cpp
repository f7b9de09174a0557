#include <array>

#include "metrics/sections.hpp"

namespace esshub::metrics {
namespace {

template <class Bit>
void add_bits(Page& page, const View& view, Measure measure, std::string_view label) {
  const auto set = fresh(view.snapshot.bits(Point::battery, measure), view.now);
  if (!set) return;
  each_bit<Bit>([&](Bit each) { page.add({{label, name(each)}}, has(*set, each)); });
}

}  // namespace

void add_battery(Page& page, const View& view) {
  page.gauge("esshub_battery_protection_active",
             "1 while the BMS protects the battery against it, else 0. Absent while not current.");
  add_bits<BmsFlag>(page, view, Measure::protections, "protection");
  page.gauge("esshub_battery_warning_active",
             "1 while the BMS warns of it, else 0. Absent while not current.");
  add_bits<BmsFlag>(page, view, Measure::warnings, "warning");
  page.gauge("esshub_battery_request_active",
             "1 while the BMS asks for or allows it, else 0. Absent while not current.");
  add_bits<BmsRequest>(page, view, Measure::requests, "request");
}

}  // namespace esshub::metrics
