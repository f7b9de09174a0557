#include "model/view.hpp"

#include <algorithm>

namespace esshub {

Duration View::max_age_of(Measure measure) const {
  switch (measure) {
    case Measure::energy_forward:
    case Measure::energy_reverse:
      return 30s;  // polled every 10 s
    case Measure::voltage:
    case Measure::current:
    case Measure::frequency:
    case Measure::input_limit:
    case Measure::dc_voltage:
    case Measure::dc_current:
    case Measure::charge_state:
    case Measure::capacity:
      return std::max<Duration>(max_age, 15s);  // the slower rota of a bus
    default:
      return max_age;
  }
}

}  // namespace esshub
