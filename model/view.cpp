#include "model/view.hpp"

#include <algorithm>

namespace esshub {
namespace {

constexpr Duration slow_rota = 15s;

}  // namespace

Duration View::max_age_of(Measure measure) const {
  switch (measure) {
    case Measure::energy_forward:
    case Measure::energy_reverse:
      return 30s;  // polled every 10 s
    case Measure::input_limit:
      return 90s;  // asked for every 30 s, under a restless target every 60 s
    case Measure::voltage:
    case Measure::current:
    case Measure::frequency:
    case Measure::dc_voltage:
    case Measure::dc_current:
    case Measure::charge_state:
    case Measure::capacity:
    case Measure::cell_voltage_min:
    case Measure::cell_voltage_max:
    case Measure::cell_temperature_min:
    case Measure::cell_temperature_max:
      return std::max(max_age, slow_rota);  // the slower rota of a bus
    default:
      return max_age;
  }
}

Duration View::max_age_of(Point point, Measure measure) const {
  const Duration age = max_age_of(measure);
  return point >= Point::module1 ? std::max(age, slow_rota) : age;
}

}  // namespace esshub
