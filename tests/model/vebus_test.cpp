#include "model/vebus.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/model/names.hpp"

namespace esshub {
namespace {

using testing::ElementsAre;

TEST(OutwardNames, OfVebus) {
  EXPECT_THAT(names<VebusState>(),
              ElementsAre("down", "startup", "off", "slave", "invert_full", "invert_half",
                          "invert_search", "power_assist", "passthru", "charge"));
  EXPECT_THAT(names<VebusChargeState>(),
              ElementsAre("init", "bulk", "absorption", "float", "storage", "repeated_absorption",
                          "forced_absorption", "equalise", "bulk_stopped"));
  EXPECT_THAT(names<VebusAlarm>(),
              ElementsAre("temperature", "low_battery", "overload", "dc_ripple"));
}

TEST(Vebus, NumbersAreStatesAndBitsOrNothing) {
  EXPECT_EQ(state_of<VebusChargeState>(0), VebusChargeState::init);
  EXPECT_EQ(state_of<VebusChargeState>(3), VebusChargeState::float_);
  EXPECT_EQ(state_of<VebusChargeState>(8), VebusChargeState::bulk_stopped);
  EXPECT_FALSE(state_of<VebusChargeState>(-1));
  EXPECT_FALSE(state_of<VebusChargeState>(9));
  EXPECT_FALSE(state_of<VebusChargeState>(std::nan("")));
  EXPECT_EQ(alarm_bit(VebusAlarm::dc_ripple), 0x80u);
  EXPECT_EQ(alarm_bit(VebusAlarm::temperature), 0x10u);
  EXPECT_EQ(warning_bit(VebusAlarm::temperature), 0x01u);
  EXPECT_EQ(warning_bit(VebusAlarm::low_battery), 0x02u);
}

}  // namespace
}  // namespace esshub
