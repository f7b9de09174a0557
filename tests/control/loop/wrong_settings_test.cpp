// Whatever the settings say of the plant, the loop does not hunt.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "tests/control/house.hpp"

namespace esshub::control {
namespace {

/// What is told of the plant, and how much later the meter is than told.
struct Wrong {
  double time_constant = 1.0;
  double ramp = 1.0;
  double gain = 1.0;
  Duration late{};
};

/// A house with a reading every 100 ms whose settings are wrong.
class WrongHouse {
 public:
  explicit WrongHouse(const Wrong& wrong) : truth_(house.settings) {
    house.settings.meter_time_constant =
        std::chrono::duration_cast<Duration>(truth_.meter_time_constant * wrong.time_constant);
    house.settings.inverter_ramp = truth_.inverter_ramp * wrong.ramp;
    house.memory.loop.meter_time_constant.reset();
    house.settings.period = 1ns;
    house.grid_alive = false;  // the meter's word comes from here
    house.memory.loop.inverter =
        InverterResponse{house.settings.inverter_ramp,
                         Seconds{house.settings.inverter_time_constant}, wrong.gain, Watts{}};
    on_the_way_.resize(static_cast<std::size_t>(wrong.late / 50ms), 0.0);
  }
  /// Lets `time` pass; the inverter's ups and downs in it, in W.
  double pass(Duration time) {
    double low = 1e9;
    double high = -1e9;
    for (const Instant end = house.now + time; house.now < end; house.now += 50ms) {
      Settings told = std::exchange(house.settings, truth_);
      house.pass(50ms);
      house.settings = told;
      on_the_way_.push_back(house.residual_w + house.metered_inverter_w);
      if (++readings_ % 2 == 0) {
        house.put(Point::grid, Measure::power, on_the_way_.front());
        house.tick();
      }
      on_the_way_.pop_front();
      low = std::min(low, house.inverter_w);
      high = std::max(high, house.inverter_w);
    }
    return high - low;
  }

  House house;

 private:
  Settings truth_;
  std::deque<double> on_the_way_;
  int readings_ = 0;
};

TEST(WrongSettings, NoneMakesTheLoopHunt) {
  for (const double time_constant : {1.0 / 3.0, 1.0, 3.0})
    for (const double ramp : {1.0 / 3.0, 1.0, 3.0})
      for (const double gain : {0.7, 1.0, 1.4})
        for (const Duration late : {0ms, 150ms, 300ms, 500ms}) {
          WrongHouse wrong{{time_constant, ramp, gain, late}};
          wrong.pass(10s);
          for (int n = 0; n < 4; ++n) {
            wrong.house.residual_w = n % 2 == 0 ? 1500.0 : 400.0;
            wrong.pass(30s);
            EXPECT_LT(wrong.pass(15s), 40.0)
                << "time constant x " << time_constant << ", ramp x " << ramp << ", gain x " << gain
                << ", " << late / 1ms << " ms late, step " << n;
            EXPECT_NEAR(wrong.house.inverter_w, -wrong.house.residual_w, 20.0);
          }
        }
}

}  // namespace
}  // namespace esshub::control
