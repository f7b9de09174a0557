#include "sim/plant/meter.hpp"

#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

TEST(MeterModel, ShowsAStepTo99PercentAfterASecond) {
  Meter meter{MeterSettings{.power_noise = Watts{}, .voltage_noise = Volts{}}};
  Rng dice{1};
  for (int i = 0; i < 50; ++i) meter.advance(20ms, 1000.0_W, 230.0_V, dice);
  EXPECT_NEAR(meter.reading().power.value(), 990.0, 0.5);
  EXPECT_NEAR(meter.reading().current.value(), 990.0 / 230.0, 0.01);
}

TEST(MeterModel, ShowsEverythingLaterByItsDelay) {
  Rng dice{1};
  Meter prompt{MeterSettings{.power_noise = Watts{}, .voltage_noise = Volts{}}};
  Meter late{MeterSettings{.delay = 300ms, .power_noise = Watts{}, .voltage_noise = Volts{}}};
  std::vector<Watts> shown;
  for (int i = 0; i < 200; ++i) {
    const Watts power{i < 50 ? 0.0 : 1000.0};
    prompt.advance(10ms, power, 230.0_V, dice);
    late.advance(10ms, power, 230.0_V, dice);
    shown.push_back(prompt.reading().power);
    if (i < 30) continue;
    EXPECT_EQ(late.reading().power, shown[static_cast<std::size_t>(i - 30)]);
  }
}

TEST(MeterModel, WithoutItsClampItShowsExactlyNothingOnceItsFilterHasDecayed) {
  Meter meter{MeterSettings{}};
  Rng dice{1};
  for (int i = 0; i < 100; ++i) meter.advance(20ms, Watts{-3680}, 230.0_V, dice);
  meter.set_clamp_off(true);
  for (int i = 0; i < 70; ++i) meter.advance(20ms, Watts{-3680}, 230.0_V, dice);
  EXPECT_NE(meter.reading().power, 0.0_W);
  for (int i = 0; i < 10; ++i) meter.advance(20ms, Watts{-3680}, 230.0_V, dice);
  const auto before = meter.reading();
  meter.advance(20ms, Watts{-3680}, 230.0_V, dice);
  EXPECT_EQ(meter.reading().power, 0.0_W);
  EXPECT_EQ(meter.reading().current, Amperes{});
  EXPECT_NE(meter.reading().voltage, before.voltage) << "it lives";
  meter.set_clamp_off(false);
  meter.advance(20ms, Watts{-3680}, 230.0_V, dice);
  EXPECT_LT(meter.reading().power, Watts{-200});
}

TEST(MeterModel, IsNeverFrozenWhileItLives) {
  Meter meter{MeterSettings{}};
  Rng dice{1};
  meter.advance(20ms, 0.0_W, 230.0_V, dice);
  for (int i = 0; i < 100; ++i) {
    const auto before = meter.reading();
    meter.advance(20ms, 0.0_W, 230.0_V, dice);
    EXPECT_NE(meter.reading().voltage, before.voltage);
    EXPECT_NE(meter.reading().power, before.power);
    EXPECT_LT(abs(meter.reading().power), 1.0_W);
  }
}

TEST(MeterModel, CountsEnergyByDirection) {
  Meter meter{MeterSettings{}};
  Rng dice{1};
  for (int i = 0; i < 3600; ++i) meter.advance(1s, 2000.0_W, 230.0_V, dice);
  for (int i = 0; i < 1800; ++i) meter.advance(1s, -1000.0_W, 230.0_V, dice);
  EXPECT_NEAR(meter.reading().forward.value(), 2000.0, 1e-6);
  EXPECT_NEAR(meter.reading().reverse.value(), 500.0, 1e-6);
}

}  // namespace
}  // namespace esshub::sim
