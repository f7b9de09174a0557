#include "tests/properties/world.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

namespace esshub::properties {
namespace {

double scaled(double value, double low, double high) {
  return low + (high - low) * value;
}

std::uint32_t bits_of(double value) {
  return static_cast<std::uint32_t>(value * 1e6);
}

Soc percent(double value) {
  return *Soc::from_percent(std::clamp(100.0 * value, 0.0, 100.0));
}

/// Wilder than the desk lets through: the control must hold its limits by itself (I8).
Instruction any_instruction(double value) {
  Instruction instruction;
  const auto bits = bits_of(value);
  instruction.kind = static_cast<InstructionKind>(bits % 4);
  instruction.power = Watts{static_cast<double>(bits % 97) * 200.0};
  instruction.target = percent(static_cast<double>(bits % 101) / 100.0);
  instruction.low = percent(static_cast<double>(bits % 53) / 100.0);
  instruction.high = percent(0.5 + static_cast<double>(bits % 51) / 100.0);
  return instruction;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Event& event) {
  return out << "+" << event.ticks_before << ": " << static_cast<int>(event.what) << " = "
             << event.value;
}

void World::happen(Happening what, double value) {
  const auto bits = bits_of(value);
  const Duration length = as_duration(Seconds{scaled(value, 0.1, 60.0)});
  switch (what) {
    case Happening::residual:
      residual_w_ = scaled(value, -6000, 9000);
      break;
    case Happening::solar:
      solar_w_ = scaled(value, 0, 6000);
      break;
    case Happening::ac_out:
      ac_out_w_ = scaled(value, 0, 3000);
      break;
    case Happening::soc:
      soc = scaled(value, 0, 100);
      break;
    case Happening::soc_drift:
      soc = std::clamp(soc + (value < 0.5 ? -1.0 : 1.0), 0.0, 100.0);
      break;
    case Happening::pack_voltage:
      pack_v_ = scaled(value, 43, 55);
      break;
    case Happening::battery_current:
      battery_a_ = scaled(value, -60, 60);
      break;
    case Happening::cvl:
      cvl_v_ = scaled(value, 45, 54);
      break;
    case Happening::ccl:
      ccl_a_ = value < 0.1 ? 0.0 : scaled(value, -20, 80);
      break;
    case Happening::dcl:
      dcl_a_ = value < 0.1 ? 0.0 : scaled(value, -20, 80);
      break;
    case Happening::protections:
      protections_ = value < 0.5 ? 0 : 1u << (bits % 20);
      break;
    case Happening::requests:
      requests_ = value < 0.5 ? 3 : bits % 32;
      break;
    case Happening::grid_source:
      grid_alive_ = value < 0.7;
      break;
    case Happening::bms_source:
      bms_alive_ = value < 0.7;
      break;
    case Happening::inverter_source:
      inverter_alive_ = value < 0.7;
      break;
    case Happening::inverter_state:
      status_ = value < 0.5 ? connected : static_cast<double>(bits % 6);
      break;
    case Happening::mains:
      mains_v_ = value < 0.6 ? 230.0 : scaled(value, 0, 300);
      break;
    case Happening::follows:
      follows_ = value < 0.7;
      break;
    case Happening::late:
      extra_ = as_duration(Seconds{scaled(value, 0, 4)});
      break;
    case Happening::overrun:
      overrun = value > 0.7;
      break;
    case Happening::components_failing:
      components_failing = value > 0.7;
      break;
    case Happening::stopping:
      stopping = value > 0.9;
      break;
    case Happening::clock:
      local.minute_of_day = static_cast<int>(bits % 1440);
      local.weekday = static_cast<int>(bits % 7) + 1;
      local.trusted = value < 0.8;
      break;
    case Happening::manual:
      orders.manual = Order{any_instruction(value), now + length};
      break;
    case Happening::dispatch:
      orders.dispatch = Order{any_instruction(value), now + length};
      break;
    case Happening::storm:
      orders.storm = Storm{percent(value), now + length};
      break;
    case Happening::reserve:
      orders.reserve = value < 0.3 ? std::nullopt : std::optional{percent(value)};
      break;
    case Happening::mode:
      orders.mode = value < 0.5 ? Mode::balance : Mode::scheduled;
      break;
    case Happening::cutoff_reset:
      ++orders.cutoff_resets;
      break;
  }
}

void World::report() {
  if (grid_alive_) {
    put(Point::grid, Measure::power, residual_w_ + inverter_w_);
    put(Point::solar, Measure::power, solar_w_);
  }
  if (bms_alive_) {
    put(Point::battery, Measure::soc, soc);
    put(Point::battery, Measure::voltage, pack_v_);
    put(Point::battery, Measure::current, battery_a_);
    put(Point::battery, Measure::cvl, cvl_v_);
    put(Point::battery, Measure::ccl, ccl_a_);
    put(Point::battery, Measure::dcl, dcl_a_);
    put(Point::battery, Measure::protections, protections_);
    put(Point::battery, Measure::requests, requests_);
    put(Point::battery, Measure::modules, 2);
  }
  if (inverter_alive_) {
    put(Point::inverter, Measure::controllable, 1);
    put(Point::inverter, Measure::power, inverter_w_);
    put(Point::inverter, Measure::status, status_);
    put(Point::inverter, Measure::voltage, mains_v_);
    put(Point::inverter, Measure::dc_voltage, pack_v_);
    put(Point::ac_out, Measure::power, ac_out_w_);
    if (last_.setpoint.mode == InverterMode::follow) {
      setpoint_w_ = last_.setpoint.ac_power.value();
      put(Point::inverter, Measure::setpoint, setpoint_w_);
    }
  }
}

Seen World::tick() {
  const Duration passed = settings.period + std::exchange(extra_, Duration{});
  now += passed;
  if (follows_) {
    const double reach = settings.inverter_ramp.value() * Seconds{passed}.count();
    inverter_w_ += std::clamp(setpoint_w_ - inverter_w_, -reach, reach);
  }
  report();
  memory_before = memory;
  Seen seen{control::step(inputs(), memory), last_.battery_power, passed,
            std::exchange(ticked_, true)};
  last_ = seen.decision;
  return seen;
}

}  // namespace esshub::properties
