#include "control/temperature_hold.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace esshub::control {
namespace {

constexpr TemperatureRange charge{Celsius{0}, Celsius{50}};
constexpr TemperatureRange discharge{Celsius{-10}, Celsius{55}};

void at(TemperatureHold& hold, double celsius) {
  hold_temperature(hold, Celsius{celsius}, charge, discharge);
}

TEST(TemperatureHold, EachDirectionStopsAtOnceOutsideItsOwnRange) {
  struct {
    double celsius;
    bool charge, discharge;
  } constexpr rows[]{
      {20, false, false},  {0, false, false},   {-0.1, true, false},
      {-10, true, false},  {-10.1, true, true}, {50, false, false},
      {50.1, true, false}, {55, true, false},   {55.1, true, true},
  };
  for (const auto& row : rows) {
    TemperatureHold hold;
    at(hold, row.celsius);
    EXPECT_EQ(hold.charge, row.charge) << row.celsius;
    EXPECT_EQ(hold.discharge, row.discharge) << row.celsius;
    EXPECT_TRUE(hold.known);
  }
}

TEST(TemperatureHold, GoesOnTwoKelvinInside) {
  TemperatureHold hold;
  at(hold, -11);
  at(hold, -8.1);
  EXPECT_TRUE(hold.discharge);
  at(hold, -8);
  EXPECT_FALSE(hold.discharge);
  at(hold, 1.9);
  EXPECT_TRUE(hold.charge);
  at(hold, 2);
  EXPECT_FALSE(hold.charge);
  at(hold, 60);
  at(hold, 53.1);
  EXPECT_TRUE(hold.discharge);
  at(hold, 53);
  EXPECT_FALSE(hold.discharge);
  at(hold, 48.1);
  EXPECT_TRUE(hold.charge);
  at(hold, 48);
  EXPECT_FALSE(hold.charge);
}

TEST(TemperatureHold, WithoutATemperatureNothingChanges) {
  TemperatureHold hold;
  hold_temperature(hold, std::nullopt, charge, discharge);
  EXPECT_FALSE(hold.known || hold.charge || hold.discharge);
  at(hold, -20);
  hold_temperature(hold, std::nullopt, charge, discharge);
  EXPECT_FALSE(hold.known);
  EXPECT_TRUE(hold.charge && hold.discharge);
  at(hold, 20);
  hold_temperature(hold, Celsius{std::nan("")}, charge, discharge);
  EXPECT_FALSE(hold.known || hold.charge || hold.discharge);
}

}  // namespace
}  // namespace esshub::control
