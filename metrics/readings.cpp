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

/// A measure of every point, and what the inverter measures on its DC side under a name of its own.
struct Row {
  std::string_view name;
  std::string_view help;
  Measure measure;
  std::optional<Measure> of_inverter_dc{};
};
constexpr auto rows = std::to_array<Row>({
    {"esshub_voltage_volts",
     "Voltage in volts; battery, modules and inverter_dc: DC. Absent while not current.",
     Measure::voltage, Measure::dc_voltage},
    {"esshub_current_amperes",
     "Current in amperes; battery, modules and inverter_dc: DC, + = charging. Absent while not "
     "current.",
     Measure::current, Measure::dc_current},
    {"esshub_frequency_hertz", "Mains frequency in hertz. Absent while not current.",
     Measure::frequency},
    {"esshub_temperature_celsius",
     "Temperature in degrees Celsius; modules: mean of the module. Absent while not current.",
     Measure::temperature},
});

/// W, DC at the battery's terminals by its BMS, + = charging.
std::optional<double> battery_power(const View& view) {
  const auto volts = view.current(Point::battery, Measure::voltage);
  const auto amperes = view.current(Point::battery, Measure::current);
  if (!volts || !amperes) return std::nullopt;
  return *volts * *amperes;
}

void add_powers(Page& page, const View& view) {
  page.gauge("esshub_power_watts",
             "Active power in watts. grid + = import, solar + = generation, battery (DC, by its "
             "BMS), battery_ac (AC side of the conversion, by the inverter), battery_meter and "
             "inverter (at AC-in) + = charging, load, ac_out and circuits + = consumption. Absent "
             "while not current.");
  each_point([&](Point point, std::string_view channel) {
    page.add({{"channel", channel}},
             point == Point::battery ? battery_power(view) : view.current(point, Measure::power));
  });
  page.add({{"channel", "battery_ac"}}, view.current(Point::inverter, Measure::dc_power));
  if (view.decision.house_load && view.now - view.decision.at <= view.max_age)
    page.add({{"channel", "load"}}, view.decision.house_load->value());
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
  add_powers(page, view);
  for (const auto& row : rows) {
    page.gauge(row.name, row.help);
    each_point([&](Point point, std::string_view channel) {
      page.add({{"channel", channel}}, view.current(point, row.measure));
    });
    if (row.of_inverter_dc)
      page.add({{"channel", "inverter_dc"}}, view.current(Point::inverter, *row.of_inverter_dc));
  }
  page.gauge("esshub_sample_age_seconds",
             "Age of the newest main reading in seconds (power; battery: state of charge; modules: "
             "voltage). Absent until the first one, then it stays and grows.");
  each_point([&](Point point, std::string_view channel) {
    if (const auto& main = view.snapshot.raw(point, main_measure(point)))
      page.add({{"channel", channel}}, Seconds(view.now - main->at).count());
  });
}

void add_energies(Page& page, const View& view) {
  page.counter("esshub_energy_joules_total",
               "Energy counted by the meter itself in joules; forward is the + direction of "
               "esshub_power_watts (import, generation, charging, consumption). Absent while not "
               "current.");
  each_point([&](Point point, std::string_view channel) {
    const auto add = [&](Measure measure, std::string_view direction) {
      if (const auto watt_hours = view.current(point, measure))
        page.add({{"channel", channel}, {"direction", direction}},
                 *watt_hours * joules_per_watt_hour);
    };
    add(Measure::energy_forward, "forward");
    add(Measure::energy_reverse, "reverse");
  });
  page.counter("esshub_flow_energy_joules_total",
               "Energy that has flowed since the hub was installed in joules, summed by the hub "
               "over current readings only; kept over restarts. Absent before the first joule.");
  for (const Flow flow : enum_values<Flow>) {
    // A zero before the kept totals are read would look like a counter that began anew.
    if (view.energies[flow] > 0) page.add({{"flow", name(flow)}}, view.energies[flow]);
  }
}

}  // namespace esshub::metrics
