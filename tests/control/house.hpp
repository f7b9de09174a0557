// A house as the control sees it: feeds samples tick by tick with invented time.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "control/step.hpp"

namespace esshub::control {

/// Defaults: everything healthy and fresh at half SOC; tests change what they are about. The
/// inverter has the ramp and time constant and the meter the filter that the settings say, which is
/// known already, but no line between costs time.
struct House {
  House() {
    settings.period = 100ms;  // a tick for every reading of the meter
    settings.meter_delay = settings.inverter_delay = settings.ack_delay = 0ms;
    memory.loop.meter_time_constant = settings.meter_time_constant;
    memory.first_tick = now - 10s;  // its start is over
  }
  Settings settings;
  Memory memory;
  Snapshot snapshot;
  Instant now = Instant{} + 1000s;
  LocalTime local{.minute_of_day = 720, .weekday = 1, .trusted = true};
  bool stopping = false;
  bool overrun = false;
  bool components_failing = false;
  Orders orders;
  bool implausible = false;
  bool grid_frozen = false;
  bool bms_implausible = false;
  Duration stall{};
  MarkTable plan{};
  PriceTable prices{};

  // The truth that healthy sources report.
  double residual_w = 0.0;  ///< loads minus solar on the grid side
  double solar_w = 0.0;
  double ac_out_w = 0.0;
  double inverter_w = 0.0;  ///< AC-in
  double ramped_w = 0.0;
  double metered_inverter_w = 0.0;
  double setpoint_w = 0.0;
  double soc = 50.0;
  double pack_v = 50.0;
  double cvl_v = 53.2;
  std::optional<double> battery_a;  ///< the BMS's word, if it gives one
  std::optional<double> battery_c = 20.0;
  double modules = 0.0;  ///< 0: it does not say
  double ccl_a = 50.0;
  double dcl_a = 50.0;
  std::uint32_t protections = 0;
  std::uint32_t requests = 3;  // charge and discharge enabled
  InverterStatus state = InverterStatus::grid_connected;
  double mains_v = 230.0;
  bool grid_alive = true;
  bool bms_alive = true;
  bool inverter_alive = true;
  bool inverter_follows = true;
  int grid_words = 0;

  /// What is told in place of the truth; nothing: the channel is silent.
  struct Instead {
    Channel channel;
    std::optional<double> value;
  };
  std::vector<Instead> instead;

  [[nodiscard]] std::optional<double> told(Channel channel, double truth) const {
    std::optional<double> value = truth;
    for (const auto& other : instead)
      if (other.channel == channel) value = other.value;
    return value;
  }

  void put(Point point, Measure measure, double value) {
    if (const auto word = told({point, measure}, value))
      snapshot.absorb({{point, measure}, *word, now});
  }

  void pass(Duration time) {
    const auto share = [](Duration dt, Duration time_constant) {
      return dt / Seconds{dt + time_constant};
    };
    for (Duration dt = 10ms; time > 0ms; time -= dt) {
      const double reach = settings.inverter_ramp.value() * Seconds{dt}.count();
      if (inverter_follows) ramped_w += std::clamp(setpoint_w - ramped_w, -reach, reach);
      inverter_w += (ramped_w - inverter_w) * share(dt, settings.inverter_time_constant);
      metered_inverter_w +=
          (inverter_w - metered_inverter_w) * share(dt, settings.meter_time_constant);
    }
  }

  /// One period of time passes, healthy sources report, the control decides, the inverter obeys.
  Decision tick() {
    now += settings.period;
    pass(settings.period);
    if (grid_alive) {
      put(Point::grid, Measure::power, residual_w + metered_inverter_w);
      // No living meter says the same twice.
      put(Point::grid, Measure::voltage, mains_v + 0.01 * (++grid_words % 3));
      put(Point::solar, Measure::power, solar_w);
    }
    if (bms_alive) {
      put(Point::battery, Measure::soc, soc);
      put(Point::battery, Measure::voltage, pack_v);
      if (battery_a) put(Point::battery, Measure::current, *battery_a);
      if (battery_c) put(Point::battery, Measure::temperature, *battery_c);
      if (modules > 0) put(Point::battery, Measure::modules, modules);
      put(Point::battery, Measure::cvl, cvl_v);
      put(Point::battery, Measure::ccl, ccl_a);
      put(Point::battery, Measure::dcl, dcl_a);
      put(Point::battery, Measure::protections, protections);
      put(Point::battery, Measure::requests, requests);
    }
    if (inverter_alive) {
      put(Point::inverter, Measure::controllable, 1);
      put(Point::inverter, Measure::power, inverter_w);
      put(Point::inverter, Measure::status, static_cast<double>(state));
      put(Point::inverter, Measure::voltage, mains_v);
      put(Point::inverter, Measure::dc_voltage, pack_v);
      if (const auto drawn = told({Point::inverter, Measure::power}, inverter_w))
        put(Point::inverter, Measure::dc_power, *drawn - ac_out_w);
      put(Point::ac_out, Measure::power, ac_out_w);
    }
    const Decision d = step({.settings = settings,
                             .snapshot = snapshot,
                             .now = now,
                             .local = local,
                             .stopping = stopping,
                             .overrun = overrun,
                             .components_failing = components_failing,
                             .orders = orders,
                             .implausible = implausible,
                             .grid_frozen = grid_frozen,
                             .bms_implausible = bms_implausible,
                             .stall = stall,
                             .plan = &plan,
                             .prices = &prices},
                            memory);
    if (inverter_alive && d.setpoint.mode == InverterMode::follow) {
      put(Point::inverter, Measure::setpoint, d.setpoint.ac_power.value());
      setpoint_w = d.setpoint.ac_power.value();
    }
    return d;
  }
  /// Moves the SOC a point a tick, as no battery jumps.
  void drift_to(double percent) {
    while (std::abs(percent - soc) > 1.0) {
      soc += percent > soc ? 1.0 : -1.0;
      tick();
    }
    soc = percent;
  }
  Decision run(Duration duration) {
    Decision d;
    for (const Instant end = now + duration; now < end;) d = tick();
    return d;
  }
};

}  // namespace esshub::control
