#include <array>

#include "metrics/sections.hpp"

namespace esshub::metrics {
namespace {

template <class Visit>
void each_point(Visit visit) {
  for (const Point point : enum_values<Point>) {
    visit(point, name(point));
  }
}

/// The reading by which a point is known to be alive.
Measure main_measure(Point point) {
  if (point == Point::battery) return Measure::soc;
  return point >= Point::module1 ? Measure::voltage : Measure::power;
}

void add_circuits(Page& page, const CircuitRoles& roles) {
  page.gauge("esshub_circuit_info",
             "Always 1, for each further metered circuit: its channel, and its role as configured "
             "(ev, heatpump or other).");
  for (std::size_t i = 0; i < roles.size(); ++i)
    if (roles.at(i)) page.add({{"channel", name(circuit(i))}, {"role", name(*roles.at(i))}}, 1.0);
}

}  // namespace

void add_readings(Page& page, const View& view) {
  add_circuits(page, view.circuit_roles);
  page.gauge("esshub_sample_age_seconds",
             "Age of the newest main reading in seconds (power; battery: state of charge; modules: "
             "voltage). Absent until the first one, then it stays and grows.");
  each_point([&](Point point, std::string_view channel) {
    if (const auto& main = view.snapshot.raw(point, main_measure(point)))
      page.add({{"channel", channel}}, Seconds(view.now - main->at).count());
  });
}

}  // namespace esshub::metrics
