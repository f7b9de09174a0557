#include "model/bms.hpp"

#include <gmock/gmock.h>

namespace esshub {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Samples, history and the page carry these numbers.
TEST(BmsBits, AreTheSameForEverybody) {
  EXPECT_EQ(bit(BmsFlag::high_voltage), 0x0001u);
  EXPECT_EQ(bit(BmsFlag::low_voltage), 0x0002u);
  EXPECT_EQ(bit(BmsFlag::high_temperature), 0x0004u);
  EXPECT_EQ(bit(BmsFlag::low_temperature), 0x0008u);
  EXPECT_EQ(bit(BmsFlag::high_charge_current), 0x0010u);
  EXPECT_EQ(bit(BmsFlag::high_discharge_current), 0x0020u);
  EXPECT_EQ(bit(BmsFlag::system), 0x0040u);
  EXPECT_EQ(bit(BmsFlag::internal_communication), 0x0080u);
  EXPECT_EQ(bit(BmsFlag::high_charge_temperature), 0x0100u);
  EXPECT_EQ(bit(BmsFlag::low_charge_temperature), 0x0200u);
  EXPECT_EQ(bit(BmsFlag::contactor), 0x0400u);
  EXPECT_EQ(bit(BmsFlag::short_circuit), 0x0800u);
  EXPECT_EQ(bit(BmsFlag::internal_failure), 0x1000u);
  EXPECT_EQ(bit(BmsFlag::cell_imbalance), 0x2000u);
  EXPECT_EQ(bit(BmsFlag::general), 0x4000u);
  EXPECT_EQ(bit(BmsFlag::unknown), 0x8000u);
  EXPECT_EQ(bit(BmsRequest::charge_enable), 0x01u);
  EXPECT_EQ(bit(BmsRequest::discharge_enable), 0x02u);
  EXPECT_EQ(bit(BmsRequest::force_charge_1), 0x04u);
  EXPECT_EQ(bit(BmsRequest::force_charge_2), 0x08u);
  EXPECT_EQ(bit(BmsRequest::full_charge), 0x10u);
}

TEST(BmsBits, EachIsSetByItself) {
  each_bit<BmsFlag>([](BmsFlag flag) {
    EXPECT_TRUE(has(bit(flag), flag));
    EXPECT_FALSE(has(~bit(flag), flag));
    EXPECT_THAT(names_of<BmsFlag>(bit(flag)), ElementsAre(name(flag)));
  });
  each_bit<BmsRequest>([](BmsRequest request) {
    EXPECT_TRUE(has(bit(request), request));
    EXPECT_FALSE(has(~bit(request), request));
    EXPECT_THAT(names_of<BmsRequest>(bit(request)), ElementsAre(name(request)));
  });
}

TEST(BmsBits, WhatHasNoNameIsNotNamed) {
  EXPECT_THAT(names_of<BmsFlag>(0xFFFF0000u), IsEmpty());
  EXPECT_THAT(names_of<BmsRequest>(0xFFFFFFE0u), IsEmpty());
}

}  // namespace
}  // namespace esshub
