#include "control/window.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace esshub::control {
namespace {

TEST(Window, WhatStopsIsNamedAlsoWhereNothingWasProposed) {
  Reasons reasons;
  PowerWindow w{Watts{}, Watts{-5000}, Watts{5000}, reasons};
  w.stop(Cause::bms_lost);
  ASSERT_EQ(reasons.size(), 1u);
  EXPECT_EQ(reasons.begin()->cause, Cause::bms_lost);
  EXPECT_EQ(reasons.begin()->power_without, Watts{});
  EXPECT_EQ(w.low(), Watts{});
  EXPECT_EQ(w.high(), Watts{});
}

TEST(Window, WhatStopsAMoveIsNamedOnce) {
  for (const double proposal : {-700.0, 700.0}) {
    Reasons reasons;
    PowerWindow w{Watts{proposal}, Watts{-5000}, Watts{5000}, reasons};
    w.stop(Cause::bms_lost);
    ASSERT_EQ(reasons.size(), 1u);
    EXPECT_EQ(reasons.begin()->power_without, Watts{proposal});
  }
}

/// The same inputs give the same bits (I7): a zero keeps the sign that the first limit gave it.
TEST(Window, OfTwoZerosTheEarlierOneHolds) {
  Reasons reasons;
  PowerWindow up{Watts{100}, Watts{-5000}, Watts{5000}, reasons};
  up.at_least(Watts{0.0}, Cause::reserve);
  up.at_most(Watts{-0.0}, Cause::soc_ceiling);
  EXPECT_FALSE(std::signbit(up.power().value()));
  EXPECT_FALSE(std::signbit(up.high().value()));
  PowerWindow down{Watts{-100}, Watts{-5000}, Watts{5000}, reasons};
  down.at_most(Watts{-0.0}, Cause::soc_ceiling);
  down.at_least(Watts{0.0}, Cause::reserve);
  EXPECT_EQ(std::signbit(down.power().value()), std::signbit(down.high().value()));
  EXPECT_EQ(std::signbit(down.low().value()), std::signbit(down.high().value()));
}

/// A limit is about how much, not about which way: none forces a charge or a discharge.
TEST(Window, ALimitOnItsWrongSideOrNoNumberLetsNothingPassButRest) {
  for (const double wrong : {-700.0, -1e308, std::nan("")}) {
    Reasons reasons;
    PowerWindow w{Watts{900}, Watts{-5000}, Watts{5000}, reasons};
    w.at_most(Watts{wrong}, Cause::bms_charge_limit);
    EXPECT_EQ(w.power(), Watts{}) << wrong;
    EXPECT_EQ(w.low(), Watts{-5000});
    PowerWindow other{Watts{-900}, Watts{-5000}, Watts{5000}, reasons};
    other.at_least(Watts{-wrong}, Cause::bms_discharge_limit);
    EXPECT_EQ(other.power(), Watts{}) << wrong;
    EXPECT_EQ(other.high(), Watts{5000});
  }
}

TEST(Window, OnlyThePaceMayForbidRestAndNoEarlierLimit) {
  Reasons reasons;
  PowerWindow w{Watts{0}, Watts{-5000}, Watts{5000}, reasons};
  w.move_within(Watts{300}, Watts{400}, Cause::slew);
  EXPECT_EQ(w.power(), Watts{300});
  PowerWindow stopped{Watts{0}, Watts{-5000}, Watts{5000}, reasons};
  stopped.at_most(Watts{0}, Cause::reserve);
  stopped.move_within(Watts{300}, Watts{400}, Cause::slew);
  EXPECT_EQ(stopped.power(), Watts{0});
}

TEST(Window, AProposalBeyondItIsClampedWithoutAReason) {
  Reasons reasons;
  EXPECT_EQ((PowerWindow{Watts{900}, Watts{-50}, Watts{50}, reasons}.power()), Watts{50});
  EXPECT_EQ((PowerWindow{Watts{-900}, Watts{-50}, Watts{50}, reasons}.power()), Watts{-50});
  EXPECT_TRUE(reasons.empty());
}

}  // namespace
}  // namespace esshub::control
