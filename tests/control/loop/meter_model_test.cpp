#include "control/loop/meter_model.hpp"

#include <gtest/gtest.h>

namespace esshub::control {
namespace {

TEST(MeteredPast, IsReadByStraightLinesBetweenItsNotes) {
  MeteredPast past;
  const auto showing = [](double watts) {
    Metered metered;
    metered.fill(Watts{watts});
    return metered;
  };
  const auto at = [&](int ms, int now, double shown) {
    const Metered newest = showing(shown);
    return past.at(Instant{ms * 1ms}, Instant{now * 1ms}, newest).by(3).value();
  };
  EXPECT_EQ(at(900, 1000, 70), 70) << "nothing is known of earlier";
  past.note(Instant{1000ms}, showing(100));
  past.note(Instant{1049ms}, showing(999));  // not every 50 ms
  past.note(Instant{1050ms}, showing(200));
  EXPECT_NEAR(at(1025, 1060, 300), 150, 1e-9);
  EXPECT_NEAR(at(1050, 1060, 300), 200, 1e-9);
  EXPECT_NEAR(at(1055, 1060, 300), 250, 1e-9);
  EXPECT_NEAR(at(1060, 1060, 300), 300, 1e-9);
  EXPECT_NEAR(at(1050, 1050, 200), 200, 1e-9);
  EXPECT_NEAR(at(999, 1060, 300), 100, 1e-9) << "earlier than all it knows: as the oldest";
  for (int i = 1; i <= 30; ++i) past.note(Instant{1050ms + i * 50ms}, showing(200 + i));
  EXPECT_NEAR(at(1050 + 11 * 50, 2560, 0), 211, 1e-9) << "the oldest of 20";
  EXPECT_NEAR(at(1050 + 10 * 50, 2560, 0), 211, 1e-9) << "the one before is gone";
  past.clear();
  EXPECT_EQ(at(2000, 2560, 70), 70);
}

TEST(MeteredPast, GivesEveryPairOfTimeConstantAndDelay) {
  MeteredPast past;
  for (int i = 0; i <= 20; ++i) {
    Metered metered;
    for (std::size_t k = 0; k < metered.size(); ++k)
      metered[k] = Watts{1000.0 * static_cast<double>(k) + i * 50.0};
    past.note(Instant{1s + i * 50ms}, metered);
  }
  Metered now;
  for (std::size_t k = 0; k < now.size(); ++k)
    now[k] = Watts{1000.0 * static_cast<double>(k) + 1000.0};
  const auto all = past.by_all(Instant{2s}, now);
  constexpr double delays_ms[]{0, 150, 300, 450, 600, 800};
  for (std::size_t d = 0; d < 6; ++d)
    for (std::size_t k = 0; k < 13; ++k)
      EXPECT_NEAR(all[d * 13 + k].value(), 1000.0 * static_cast<double>(k) + 1000.0 - delays_ms[d],
                  1e-6);
}

}  // namespace
}  // namespace esshub::control
