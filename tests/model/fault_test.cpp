#include "model/fault.hpp"

#include <gtest/gtest.h>

namespace esshub {
namespace {

TEST(FaultSet, KeepsTheFirstMomentUntilItIsCleared) {
  FaultSet faults;
  faults.set(Fault::bms_lost, true, Instant{5s});
  faults.set(Fault::bms_lost, true, Instant{9s});
  EXPECT_EQ(faults.since(Fault::bms_lost), Instant{5s});
  faults.set(Fault::bms_lost, false, Instant{10s});
  EXPECT_FALSE(faults.since(Fault::bms_lost));
  faults.set(Fault::bms_lost, true, Instant{11s});
  EXPECT_EQ(faults.since(Fault::bms_lost), Instant{11s});
}

TEST(FaultSet, EachFaultStandsByItself) {
  for (const Fault fault : enum_values<Fault>) {
    FaultSet faults;
    EXPECT_FALSE(faults.any());
    faults.set(fault, true, Instant{1s});
    EXPECT_TRUE(faults.any());
    for (const Fault other : enum_values<Fault>) EXPECT_EQ(faults.active(other), other == fault);
  }
}

TEST(FaultSet, AClearedFaultLeavesNoTrace) {
  FaultSet faults;
  faults.set(Fault::islanded, true, Instant{5s});
  EXPECT_NE(faults, FaultSet{});
  faults.set(Fault::islanded, false, Instant{6s});
  EXPECT_EQ(faults, FaultSet{});
}

}  // namespace
}  // namespace esshub
