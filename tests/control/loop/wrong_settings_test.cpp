// Whatever the settings say of the plant, the loop does not hunt.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
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

// Every pair of values of any two meets: a Latin square leaves out the rest.
TEST(WrongSettings, NoneMakesTheLoopHunt) {
  constexpr std::array factors{1.0 / 3.0, 1.0, 3.0};
  constexpr std::array gains{0.7, 1.0, 1.4};
  constexpr std::array<Duration, 4> delays{0ms, 150ms, 300ms, 500ms};
  for (std::size_t t = 0; t < factors.size(); ++t)
    for (std::size_t r = 0; r < factors.size(); ++r)
      for (std::size_t d = 0; d < delays.size(); ++d) {
        const Wrong told{factors[t], factors[r], gains[(t + r + d) % gains.size()], delays[d]};
        WrongHouse wrong{told};
        wrong.pass(10s);
        for (int n = 0; n < 4; ++n) {
          wrong.house.residual_w = n % 2 == 0 ? 1500.0 : 400.0;
          wrong.pass(30s);
          EXPECT_LT(wrong.pass(15s), 40.0)
              << "time constant x " << told.time_constant << ", ramp x " << told.ramp << ", gain x "
              << told.gain << ", " << told.late / 1ms << " ms late, step " << n;
          EXPECT_NEAR(wrong.house.inverter_w, -wrong.house.residual_w, 20.0);
        }
      }
}

}  // namespace
}  // namespace esshub::control
