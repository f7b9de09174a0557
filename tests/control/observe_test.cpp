// What the tick knows for certain: ages, protections, requests, holds and faults at their limits
// (docs/safety-contract.md F1, F4 to F9, F18).
#include "control/observation.hpp"

#include <gtest/gtest.h>

#include "model/bms.hpp"
#include "model/plausible.hpp"
#include "tests/control/house.hpp"

namespace esshub::control {
namespace {

constexpr Duration period = 100ms;

/// A house that draws 1000 W from its battery, every source with a maximum age of its own.
House discharging(double watts = 1000.0) {
  House h;
  h.settings.meter_max_age = 1s;
  h.settings.inverter_max_age = 2s;
  h.settings.bms_max_age = 2500ms;
  h.settings.setpoint_life = 600ms;
  h.residual_w = watts;
  h.run(5s);
  return h;
}
void silence(House& h, Channel channel) {
  h.instead.push_back({channel, std::nullopt});
}
void tell(House& h, Channel channel, double value) {
  h.instead.push_back({channel, value});
}

// ---- I3: every required input and its age
// ----------------------------------------------------------

struct Source {
  Channel channel;
  Duration max_age;
  Cause cause;
  Fault fault;
  InverterMode mode;
};
std::ostream& operator<<(std::ostream& out, const Source& source) {
  return out << name(source.channel.point) << " " << name(source.channel.measure);
}

class RequiredSource : public testing::TestWithParam<Source> {};

TEST_P(RequiredSource, CountsUpToItsMaximumAgeAndNoLonger) {
  const Source& source = GetParam();
  House h = discharging();
  silence(h, source.channel);
  Decision d = h.run(source.max_age);
  EXPECT_LT(d.battery_power, Watts{-900});
  EXPECT_FALSE(d.faults.any());
  d = h.tick();
  EXPECT_EQ(d.battery_power, Watts{});
  EXPECT_TRUE(d.reasons.has(source.cause));
  EXPECT_TRUE(d.faults.active(source.fault));
  EXPECT_EQ(d.setpoint.mode, source.mode);
}

Source of_bms(Measure measure) {
  return {
      {Point::battery, measure}, 2500ms, Cause::bms_lost, Fault::bms_lost, InverterMode::follow};
}
Source of_inverter(Measure measure) {
  return {{Point::inverter, measure},
          2s,
          Cause::inverter_lost,
          Fault::inverter_lost,
          InverterMode::release};
}
INSTANTIATE_TEST_SUITE_P(Observe, RequiredSource,
                         testing::Values(Source{{Point::grid, Measure::power},
                                                1s,
                                                Cause::grid_meter_lost,
                                                Fault::grid_meter_lost,
                                                InverterMode::follow},
                                         of_bms(Measure::soc), of_bms(Measure::voltage),
                                         of_bms(Measure::cvl), of_bms(Measure::ccl),
                                         of_bms(Measure::dcl), of_bms(Measure::protections),
                                         of_inverter(Measure::controllable),
                                         of_inverter(Measure::power),
                                         of_inverter(Measure::status)));

TEST(AcOut, IsBelievedUpToTheInvertersMaximumAge) {
  House h = discharging();
  h.ac_out_w = 200;
  h.run(3s);
  silence(h, {Point::ac_out, Measure::power});
  silence(h, {Point::inverter, Measure::dc_power});
  EXPECT_EQ(h.run(2s).setpoint.mode, InverterMode::follow);
  const Decision d = h.tick();
  EXPECT_EQ(d.setpoint.mode, InverterMode::release);
  EXPECT_EQ(d.battery_power, Watts{});
  EXPECT_TRUE(d.reasons.has(Cause::inverter_lost));
  EXPECT_FALSE(d.house);
}

TEST(Solar, IsBelievedUpToTheMetersMaximumAge) {
  House h = discharging();
  h.solar_w = 300;
  ASSERT_NEAR(h.run(3s).house->value(), 1300, 2);
  silence(h, {Point::solar, Measure::power});
  EXPECT_TRUE(h.run(1s).house);
  Decision d = h.tick();
  EXPECT_FALSE(d.house);
  EXPECT_NEAR(d.battery_power.value(), -1000, 2) << "control needs no solar reading";
  h.settings.solar_metered = false;
  EXPECT_NEAR(h.tick().house->value(), 1000, 2) << "then the load is net of solar";
}

TEST(Start, NoSourceIsAFaultInItsFirst15Seconds) {
  House h;
  h.memory.first_tick.reset();
  h.grid_alive = h.bms_alive = h.inverter_alive = false;
  h.tick();
  EXPECT_FALSE(h.run(15s - period).faults.any());
  const Decision d = h.tick();
  for (const Fault fault : {Fault::grid_meter_lost, Fault::bms_lost, Fault::inverter_lost})
    EXPECT_TRUE(d.faults.active(fault)) << name(fault);
}

/// I12: whatever is remembered, everything else is proved anew.
TEST(Start, BothDirectionsAreBlockedForTheFirst10Seconds) {
  for (const double watts : {1000.0, -1000.0}) {
    House h;
    h.memory.first_tick.reset();
    h.residual_w = watts;
    for (Duration t{}; t < 10s; t += period) {
      const Decision d = h.tick();
      ASSERT_EQ(d.battery_power, Watts{}) << Seconds{t}.count();
      ASSERT_TRUE(d.reasons.has(Cause::starting));
    }
    EXPECT_FALSE(h.tick().reasons.has(Cause::starting));
    EXPECT_NE(h.run(5s).battery_power, Watts{});
  }
}

TEST(Start, OnceStartedASourceThatGoesDoesNotMakeItStartAnew) {
  House h = discharging();
  h.grid_alive = false;
  const Decision d = h.run(3s);
  EXPECT_FALSE(d.reasons.has(Cause::starting));
  EXPECT_TRUE(d.reasons.has(Cause::grid_meter_lost));
}

TEST(Start, OneSourceThatIsMissingIsEnoughToWait) {
  for (bool House::*source : {&House::grid_alive, &House::bms_alive, &House::inverter_alive}) {
    House h;
    h.*source = false;
    EXPECT_TRUE(h.run(5s).reasons.has(Cause::starting));
  }
}

// ---- F1: five good samples
// -------------------------------------------------------------------------

TEST(GridMeter, OnlyNewSamplesAreCountedAndAGapStartsAnew) {
  House h = discharging();
  h.grid_alive = false;
  h.run(2s);
  const auto sample = [&] {
    h.put(Point::grid, Measure::power, 1000);
    return h.run(500ms).faults.active(Fault::grid_meter_lost);
  };
  for (int n = 1; n <= 4; ++n) EXPECT_TRUE(sample()) << n;
  h.run(1500ms);
  for (int n = 1; n <= 4; ++n) EXPECT_TRUE(sample()) << n;
  EXPECT_FALSE(sample());
}

// ---- F4: five seconds of complete frames
// ------------------------------------------------------------

TEST(Bms, IsBelievedAtOnceAtFirstAndAfterALossWhenFiveSecondsWereComplete) {
  House h;
  h.bms_alive = false;
  h.run(20s);
  h.bms_alive = true;
  EXPECT_FALSE(h.tick().reasons.has(Cause::bms_lost));
  h.bms_alive = false;
  h.run(5s);
  h.bms_alive = true;
  EXPECT_TRUE(h.tick().reasons.has(Cause::bms_lost));
  EXPECT_TRUE(h.run(5s - period).reasons.has(Cause::bms_lost));
  EXPECT_FALSE(h.tick().reasons.has(Cause::bms_lost));
}

TEST(Bms, ThatBeginsWithWhatCannotBeHasToBeBelievableForFiveSecondsToo) {
  House h;
  h.bms_implausible = true;
  h.run(20s);
  h.bms_implausible = false;
  EXPECT_TRUE(h.tick().faults.active(Fault::bms_implausible));
  EXPECT_TRUE(h.run(5s - period).faults.active(Fault::bms_implausible));
  EXPECT_FALSE(h.tick().faults.active(Fault::bms_implausible));
}

TEST(Bms, AnIncompleteSecondStartsTheFiveAnew) {
  House h = discharging();
  h.bms_alive = false;
  h.run(5s);
  h.bms_alive = true;
  h.run(4s);
  h.bms_alive = false;
  h.run(3s);
  h.bms_alive = true;
  h.tick();
  EXPECT_TRUE(h.run(5s - period).faults.active(Fault::bms_lost));
  EXPECT_FALSE(h.tick().faults.active(Fault::bms_lost));
}

// ---- F5: protections and requests
// -------------------------------------------------------------------

struct Protection {
  BmsFlag flag;
  bool charge;     ///< may still be charged
  bool discharge;  ///< may still be discharged
};
std::ostream& operator<<(std::ostream& out, const Protection& protection) {
  return out << name(protection.flag);
}

class Protected : public testing::TestWithParam<Protection> {};

/// reference: pylontech-can#6 rule 5, and what is not said there is taken for both directions.
TEST_P(Protected, StopsItsDirectionsAtOnce) {
  const auto& [flag, charge, discharge] = GetParam();
  for (const bool charging : {true, false}) {
    House h = discharging(charging ? -1000 : 1000);
    ASSERT_GT(abs(h.tick().battery_power), Watts{900});
    h.protections = bit(flag);
    const Decision d = h.tick();
    EXPECT_EQ(d.battery_power != Watts{}, charging ? charge : discharge);
    EXPECT_EQ(d.reasons.has(Cause::bms_protection), !(charging ? charge : discharge));
    EXPECT_TRUE(d.faults.active(Fault::bms_protection));
  }
}

INSTANTIATE_TEST_SUITE_P(Observe, Protected,
                         testing::Values(Protection{BmsFlag::high_voltage, false, true},
                                         Protection{BmsFlag::low_voltage, true, false},
                                         Protection{BmsFlag::high_temperature, false, false},
                                         Protection{BmsFlag::low_temperature, false, false},
                                         Protection{BmsFlag::high_charge_current, false, true},
                                         Protection{BmsFlag::high_discharge_current, true, false},
                                         Protection{BmsFlag::system, false, false},
                                         Protection{BmsFlag::internal_communication, false, false},
                                         Protection{BmsFlag::high_charge_temperature, false, true},
                                         Protection{BmsFlag::low_charge_temperature, false, true},
                                         Protection{BmsFlag::contactor, false, false},
                                         Protection{BmsFlag::short_circuit, false, false},
                                         Protection{BmsFlag::internal_failure, false, false},
                                         Protection{BmsFlag::cell_imbalance, false, false},
                                         Protection{BmsFlag::general, false, false},
                                         Protection{BmsFlag::unknown, false, false}));

/// How the BMS forbids one direction, and what lets it.
struct Forbidding {
  const char* what;
  bool charging;  ///< the direction it forbids
  void (*forbid)(House&);
};
std::ostream& operator<<(std::ostream& out, const Forbidding& row) {
  return out << row.what;
}

class Forbidden : public testing::TestWithParam<Forbidding> {};

TEST_P(Forbidden, AtOnceAndForTenSecondsAfterwardsAndTheOtherDirectionNever) {
  const Forbidding& row = GetParam();
  House h = discharging(row.charging ? -1000 : 1000);
  House other = discharging(row.charging ? 1000 : -1000);
  const House fine = h;
  row.forbid(h);
  row.forbid(other);
  EXPECT_EQ(h.tick().battery_power, Watts{});
  EXPECT_GT(abs(other.tick().battery_power), Watts{900});
  h.ccl_a = fine.ccl_a;
  h.dcl_a = fine.dcl_a;
  h.requests = fine.requests;
  h.protections = 0;
  EXPECT_EQ(h.run(10s - period).battery_power, Watts{});
  EXPECT_NE(h.tick().battery_power, Watts{});
}

/// Its ten seconds begin with it, and not when the battery is believed again.
TEST_P(Forbidden, CountsWhileTheRestIsNotBelieved) {
  const Forbidding& row = GetParam();
  House h = discharging(row.charging ? -1000 : 1000);
  const House fine = h;
  h.bms_implausible = true;
  row.forbid(h);
  h.tick();
  h.ccl_a = fine.ccl_a;
  h.dcl_a = fine.dcl_a;
  h.requests = fine.requests;
  h.protections = 0;
  h.bms_implausible = false;
  EXPECT_EQ(h.run(10s - period).battery_power, Watts{});
  EXPECT_NE(h.tick().battery_power, Watts{});
}

TEST_P(Forbidden, HoldsUntilItIsTakenBackHoweverLongTheSilence) {
  const Forbidding& row = GetParam();
  House h = discharging(row.charging ? -1000 : 1000);
  const House fine = h;
  row.forbid(h);
  h.tick();
  h.bms_alive = false;
  h.run(30s);
  h.ccl_a = fine.ccl_a;
  h.dcl_a = fine.dcl_a;
  h.requests = fine.requests;
  h.protections = 0;
  h.bms_alive = true;
  EXPECT_EQ(h.run(10s - period).battery_power, Watts{});
  EXPECT_NE(h.tick().battery_power, Watts{});
}

INSTANTIATE_TEST_SUITE_P(
    Observe, Forbidden,
    testing::Values(Forbidding{"CCL 0", true, [](House& h) { h.ccl_a = 0; }},
                    Forbidding{"CCL below 0", true, [](House& h) { h.ccl_a = -5; }},
                    Forbidding{"charge disabled", true,
                               [](House& h) { h.requests = bit(BmsRequest::discharge_enable); }},
                    Forbidding{
                        "charge protected", true,
                        [](House& h) { h.protections = bit(BmsFlag::high_charge_temperature); }},
                    Forbidding{"DCL 0", false, [](House& h) { h.dcl_a = 0; }},
                    Forbidding{"DCL below 0", false, [](House& h) { h.dcl_a = -5; }},
                    Forbidding{"discharge disabled", false,
                               [](House& h) { h.requests = bit(BmsRequest::charge_enable); }},
                    Forbidding{"discharge protected", false,
                               [](House& h) { h.protections = bit(BmsFlag::low_voltage); }}));

TEST(Bms, AnEnableFlagDoesNotMakeUpForACurrentLimitOfZero) {
  for (const double residual : {-1000.0, 1000.0}) {
    House h = discharging(residual);
    h.ccl_a = h.dcl_a = 0;
    const Decision d = h.tick();
    EXPECT_EQ(d.battery_power, Watts{});
    EXPECT_TRUE(
        d.reasons.has(residual < 0 ? Cause::bms_charge_disabled : Cause::bms_discharge_disabled));
  }
}

TEST(Bms, PermissionsThatAreNoLongerSentAreWithdrawn) {
  for (const double residual : {-1000.0, 1000.0}) {
    House h = discharging(residual);
    silence(h, {Point::battery, Measure::requests});
    EXPECT_GT(abs(h.run(2500ms).battery_power), Watts{900});
    EXPECT_EQ(h.tick().battery_power, Watts{});
  }
}

TEST(Bms, AStackThatNeverSendsPermissionsGoesByItsCurrentLimits) {
  for (const double residual : {-1000.0, 1000.0}) {
    House h;
    silence(h, {Point::battery, Measure::requests});
    h.residual_w = residual;
    EXPECT_NEAR(h.run(5s).battery_power.value(), -residual, 2);
  }
}

TEST(Bms, EitherForceChargeIsHeardButNotOneThatIsNoLongerSent) {
  for (const auto request : {BmsRequest::force_charge_1, BmsRequest::force_charge_2}) {
    House h = discharging();
    h.requests |= bit(request);
    EXPECT_TRUE(h.tick().reasons.has(Cause::force_charge));
    h.bms_alive = false;
    EXPECT_TRUE(h.run(2500ms).reasons.has(Cause::force_charge));
    EXPECT_FALSE(h.tick().reasons.has(Cause::force_charge));
  }
  House h = discharging();
  EXPECT_FALSE(h.tick().reasons.has(Cause::force_charge));
}

// ---- SOC limits and their hysteresis
// -----------------------------------------------------------------

struct Hold {
  const char* what;
  bool Memory::*held;
  double at;        ///< %, where it begins
  double released;  ///< %, where it ends
};
std::ostream& operator<<(std::ostream& out, const Hold& row) {
  return out << row.what;
}
class SocHold : public testing::TestWithParam<Hold> {};

TEST_P(SocHold, BeginsAtItsLimitAndEndsAtItsHysteresis) {
  const auto& [what, held, at, released] = GetParam();
  Settings settings;
  settings.soc_floor = 10.0_soc;
  settings.reserve = 25.0_soc;
  settings.soc_ceiling = 90.0_soc;
  settings.soc_hysteresis = 3.0;
  const double away = released > at ? 0.25 : -0.25;
  Memory memory;
  const auto holds = [&](double percent) {
    Observation observation;
    observation.soc = observation.reported_soc = *Soc::from_percent(percent);
    hold_soc(settings, observation, memory);
    return memory.*held;
  };
  EXPECT_FALSE(holds(at + away));
  EXPECT_TRUE(holds(at));
  EXPECT_TRUE(holds(at - away));
  EXPECT_TRUE(holds(released - away));
  EXPECT_FALSE(holds(released));
  EXPECT_FALSE(holds(released - away)) << "once released it is free until the limit";
}

INSTANTIATE_TEST_SUITE_P(Observe, SocHold,
                         testing::Values(Hold{"floor", &Memory::floor_hold, 10, 13},
                                         Hold{"reserve", &Memory::reserve_hold, 25, 28},
                                         Hold{"ceiling", &Memory::ceiling_hold, 90, 87}));

/// F18: the lower one rules; that a pack is full is the BMS's word.
TEST(SocHold, TheLowerEndsGoByTheSocThatRulesTheUpperEndByTheBms) {
  Settings settings;
  settings.soc_ceiling = 90.0_soc;
  Observation observation;
  observation.soc = 8.0_soc;
  observation.reported_soc = 95.0_soc;
  Memory memory;
  hold_soc(settings, observation, memory);
  EXPECT_TRUE(memory.floor_hold);
  EXPECT_TRUE(memory.reserve_hold);
  EXPECT_TRUE(memory.ceiling_hold);
  observation.reported_soc = 88.0_soc;
  hold_soc(settings, observation, memory);
  EXPECT_FALSE(memory.ceiling_hold);
}

TEST(SocHold, AnotherReserveMayBeInForce) {
  Settings settings;
  Observation observation;
  observation.soc = observation.reported_soc = 40.0_soc;
  Memory memory;
  hold_soc(settings, observation, memory, 40.0_soc);
  EXPECT_TRUE(memory.reserve_hold);
  EXPECT_FALSE(memory.floor_hold);
}

// ---- F18: what the tick makes of the pack's voltage
// ---------------------------------------------------

/// A pack of two modules: 0.03 ohm with its cables. At 46.5 V it can hold 12 %.
TEST(SocDoubt, TheSagOfDischargingIsAddedBackByTheNumberOfModules) {
  struct {
    double amperes;
    double modules;
    double volts;
    double most;  ///< %
  } constexpr rows[]{
      {0, 2, 46.5, 12},    {-10, 2, 46.2, 12}, {-10, 1, 45.9, 12}, {-10, 0.5, 45.9, 12},
      {-10, 4, 46.35, 12}, {-10, 0, 45.9, 12}, {10, 2, 46.5, 12},
  };
  for (const auto& row : rows) {
    House h;
    h.battery_a = row.amperes;
    h.modules = row.modules;
    h.pack_v = row.volts;
    h.tick();
    EXPECT_NEAR(h.memory.soc.ruling.percent(), row.most, 1e-9)
        << row.amperes << " A, " << row.modules << " modules";
  }
}

TEST(SocDoubt, WithoutACurrentReadingTheVoltageSaysNothing) {
  House h;
  h.settings.bms_max_age = 2s;
  h.battery_a = 0.0;
  h.pack_v = 50.0;
  h.tick();
  h.battery_a.reset();
  h.pack_v = 45.0;
  h.run(2s);
  EXPECT_EQ(h.memory.soc.ruling, 5.0_soc);
  h.run(70s);
  EXPECT_EQ(h.memory.soc.ruling, 50.0_soc);
}

TEST(SocDoubt, AFullLookingPackRestsUpToTwoAmperes) {
  for (const double amperes : {-2.0, 2.0, -2.1, 2.1}) {
    House h;
    h.settings.period = 1s;
    h.battery_a = amperes;
    h.pack_v = 51.0;
    EXPECT_EQ(h.run(62s).faults.active(Fault::soc_inconsistent), std::abs(amperes) <= 2.0)
        << amperes;
  }
}

TEST(SocDoubt, AWordIsJudgedOnceHoweverOftenTheTickSeesIt) {
  House h = discharging();
  h.soc = 44;  // a jump of 6 points
  h.tick();
  h.bms_alive = false;
  h.run(1s);
  ASSERT_TRUE(h.memory.soc.doubtful_until);
  EXPECT_EQ(*h.memory.soc.doubtful_until, h.memory.soc.at + 60s);
  EXPECT_EQ(h.memory.soc.at, h.now - 1s);
}

TEST(SocDoubt, IsNoFaultWhileTheBmsIsLost) {
  House h = discharging();
  h.soc = 40;
  EXPECT_TRUE(h.tick().faults.active(Fault::soc_inconsistent));
  h.bms_alive = false;
  EXPECT_FALSE(h.run(3s).faults.active(Fault::soc_inconsistent));
}

// ---- the charge voltage
// --------------------------------------------------------------------------------

/// Charging with all the sun, at `volts`; the cap is 52 V, the BMS's CVL 53 V.
House charging_at(double volts) {
  House h;
  h.settings.charge_voltage_cap = 52.0_V;
  h.cvl_v = 53.0;
  h.residual_w = -2300;
  h.ac_out_w = 300;
  h.pack_v = 50.0;
  h.ccl_a = 100;
  h.settings.charger_current = 100.0_A;
  h.run(5s);
  h.pack_v = volts;
  return h;
}

TEST(ChargeVoltage, EachReadingMovesThePowerBy500WForEachVolt) {
  House h = charging_at(52.2);
  EXPECT_NEAR(h.tick().battery_power.value(), 2000 - 100, 5) << "from what flows";
  EXPECT_NEAR(h.tick().battery_power.value(), 2000 - 200, 5);
  silence(h, {Point::battery, Measure::voltage});
  EXPECT_NEAR(h.tick().battery_power.value(), 2000 - 200, 5) << "no new reading";
  h.instead.clear();
  h.pack_v = 51.9;
  EXPECT_NEAR(h.tick().battery_power.value(), 2000 - 150, 5);
}

TEST(ChargeVoltage, AtFirstNothingIsHeldBack) {
  House h;
  h.pack_v = 52.3;
  h.tick();
  EXPECT_EQ(h.memory.charge_voltage_limit, h.settings.inverter_rating);
}

TEST(ChargeVoltage, AfterTheCvlWasReachedItWaitsForANewReading) {
  House h = charging_at(51.5);
  h.cvl_v = 51.5;
  ASSERT_EQ(h.tick().battery_power, Watts{});
  silence(h, {Point::battery, Measure::voltage});
  h.cvl_v = 53.0;
  EXPECT_EQ(h.tick().battery_power, Watts{});
  h.instead.clear();
  EXPECT_NEAR(h.tick().battery_power.value(), 250, 1);
}

TEST(ChargeVoltage, TheLowerOfCapAndCvlHolds) {
  House h = charging_at(52.1);
  h.cvl_v = 52.1 + 1e-6;
  EXPECT_GT(h.tick().battery_power.value(), 1900) << "just below CVL";
  h.cvl_v = 52.1;
  EXPECT_EQ(h.tick().battery_power, Watts{}) << "at CVL";
  h = charging_at(50.0);
  h.cvl_v = 49.8;
  EXPECT_EQ(h.tick().battery_power, Watts{}) << "above CVL";
}

TEST(ChargeVoltage, RisesNoFurtherThanTheRatingAndFallsNoLowerThanRest) {
  House h = charging_at(50.0);
  h.run(5s);
  EXPECT_EQ(h.memory.charge_voltage_limit, h.settings.inverter_rating);
  h.pack_v = 52.9;
  h.run(2s);
  EXPECT_EQ(h.memory.charge_voltage_limit, Watts{});
  h.residual_w = 1000;  // discharging
  h.run(3s);
  h.pack_v = 52.1;
  h.tick();
  EXPECT_EQ(h.memory.charge_voltage_limit, Watts{}) << "what is discharged is no charging";
}

TEST(ChargeVoltage, IsForgottenWhileTheBmsIsLost) {
  House h = charging_at(52.9);
  h.run(2s);
  ASSERT_EQ(h.memory.charge_voltage_limit, Watts{});
  h.bms_alive = false;
  h.run(4s);
  EXPECT_FALSE(h.memory.charge_voltage_limit);
}

// ---- the inverter's status
// -------------------------------------------------------------------------------

TEST(Inverter, AnyStatusButGridConnectedKeepsTheBatteryAtRest) {
  struct {
    InverterStatus status;
    Cause cause;
    InverterMode mode;
  } constexpr rows[]{
      {InverterStatus::off, Cause::inverter_off, InverterMode::follow},
      {InverterStatus::fault, Cause::inverter_off, InverterMode::follow},
      {InverterStatus::islanded, Cause::islanded, InverterMode::release},
  };
  for (const auto& row : rows) {
    House h = discharging();
    h.state = row.status;
    const Decision d = h.tick();
    EXPECT_EQ(d.battery_power, Watts{}) << name(row.status);
    EXPECT_TRUE(d.reasons.has(row.cause)) << name(row.status);
    EXPECT_EQ(d.setpoint.mode, row.mode) << name(row.status);
    EXPECT_EQ(d.faults.active(Fault::islanded), row.status == InverterStatus::islanded);
  }
}

// ---- F7: what counts as followed
// ---------------------------------------------------------------------------

/// An inverter that was told `told` W (by an override; no load on AC-out) and draws `drawn` W.
struct Told {
  House h;
  Told(double told, double drawn) {
    h.settings.inverter_max_age = 2s;
    h.settings.slew = WattsPerSecond{20000};
    h.settings.inverter_rating = h.settings.charge_limit = h.settings.discharge_limit = 3000.0_W;
    h.settings.charger_current = 100.0_A;
    h.ccl_a = h.dcl_a = 100;
    h.settings.inverter_ramp = WattsPerSecond{20000};
    h.run(3s);
    order(told);
    h.run(3s);
    draw(drawn);
  }
  void order(double told) {
    h.orders.manual =
        Order{{.kind = told > 0 ? InstructionKind::charge : InstructionKind::discharge,
               .power = Watts{std::abs(told)},
               .target = told > 0 ? 90.0_soc : 10.0_soc},
              h.now + 24h};
  }
  void draw(double drawn) {
    h.instead.clear();
    tell(h, {Point::inverter, Measure::power}, drawn);
    // The meter sees the same, so that the estimate of the load stands still.
    tell(h, {Point::grid, Measure::power}, drawn);
  }
  bool alarm_after(Duration time) {
    return h.run(time).faults.active(Fault::setpoint_not_followed);
  }
};

TEST(Following, MoreThanCommandedByMoreThan150WOr15PercentIsNotFollowed) {
  struct {
    double told;
    double drawn;
    bool follows;
  } constexpr rows[]{
      {500, 650, true},   {500, 650.1, false},   {-500, -650, true},   {-500, -650.1, false},
      {2000, 2300, true}, {2000, 2300.1, false}, {-2000, -2300, true}, {-2000, -2300.1, false},
      {100, -50, true},   {100, -50.1, false},   {-100, 50, true},     {-100, 50.1, false},
  };
  for (const auto& row : rows) {
    Told told{row.told, row.drawn};
    EXPECT_EQ(told.alarm_after(16s), !row.follows) << row.told << " W, does " << row.drawn << " W";
  }
}

TEST(Following, TheAlarmComesAfter15SecondsTheReleaseAfter30AndLasts60) {
  Told told{500, 1000};
  told.h.tick();  // the first deviation
  EXPECT_FALSE(told.alarm_after(15s - period));
  EXPECT_TRUE(told.alarm_after(period));
  EXPECT_EQ(told.h.run(15s - period).setpoint.mode, InverterMode::follow);
  EXPECT_EQ(told.h.tick().setpoint.mode, InverterMode::release);
  const Decision released = told.h.run(60s - period);
  EXPECT_EQ(released.setpoint.mode, InverterMode::release);
  EXPECT_TRUE(released.reasons.has(Cause::setpoint_not_followed));
  EXPECT_TRUE(released.faults.active(Fault::setpoint_not_followed)) << "told all the time";
  EXPECT_EQ(told.h.tick().setpoint.mode, InverterMode::follow);
  EXPECT_EQ(told.h.run(29s).setpoint.mode, InverterMode::follow) << "tried again as long";
  EXPECT_EQ(told.h.run(2s).setpoint.mode, InverterMode::release);
}

TEST(Following, TheAlarmEndsAfterFiveSecondsOfMatch) {
  Told told{500, 1000};
  ASSERT_TRUE(told.alarm_after(16s));
  told.draw(500);
  told.h.tick();
  EXPECT_TRUE(told.alarm_after(5s - period));
  EXPECT_FALSE(told.alarm_after(period));
}

TEST(Following, ADeviationThatEndsInTimeIsForgotten) {
  Told told{500, 1000};
  for (int n = 0; n < 3; ++n) {
    EXPECT_FALSE(told.alarm_after(14s));
    told.draw(500);
    EXPECT_FALSE(told.alarm_after(1s));
    told.draw(1000);
  }
}

TEST(Following, AMatchThatDoesNotLastDoesNotEndTheAlarm) {
  Told told{500, 1000};
  ASSERT_TRUE(told.alarm_after(16s));
  for (int n = 0; n < 3; ++n) {
    told.draw(500);
    EXPECT_TRUE(told.alarm_after(4s));
    told.draw(1000);
    EXPECT_TRUE(told.alarm_after(1s));
  }
}

TEST(Following, APowerCutBeginsTheFifteenSecondsAnew) {
  Told told{500, 1000};
  EXPECT_FALSE(told.alarm_after(14s));
  told.h.state = InverterStatus::islanded;
  EXPECT_FALSE(told.alarm_after(1s));
  told.h.state = InverterStatus::grid_connected;
  EXPECT_FALSE(told.alarm_after(14s));
}

TEST(Following, WhatIsNotKnownOrNotCommandedIsNoDeviation) {
  const auto alarm = [](void (*change)(House&)) {
    Told told{500, 1000};
    EXPECT_TRUE(told.alarm_after(16s));
    change(told.h);
    return told.alarm_after(4s);
  };
  EXPECT_TRUE(alarm([](House&) {}));
  EXPECT_FALSE(alarm([](House& h) { h.state = InverterStatus::islanded; }));
  EXPECT_FALSE(alarm([](House& h) { silence(h, {Point::inverter, Measure::setpoint}); }));
  EXPECT_FALSE(alarm([](House& h) { silence(h, {Point::inverter, Measure::controllable}); }));
  EXPECT_FALSE(alarm([](House& h) {
    silence(h, {Point::ac_out, Measure::power});
    silence(h, {Point::inverter, Measure::dc_power});
  }));
}

// ---- F9: the announcement
// ------------------------------------------------------------------------------------

/// In a power cut at 1000 W with two modules: 4800 Wh, so 0.5 h are 500 Wh or 10.42 % above 5 %.
TEST(Cutoff, IsAnnounced30MinutesAheadAndTakenBackAt35) {
  House h;
  h.settings.period = 1s;
  h.modules = 2;
  h.run(10s);
  h.state = InverterStatus::islanded;
  h.mains_v = 0;
  h.battery_a = -20;
  const auto near = [&](double minutes) {
    h.soc = 5.0 + minutes / 60.0 * 1000.0 / 48.0;
    h.memory.soc = {};  // no jump
    const Decision d = h.tick();
    EXPECT_NEAR(Seconds{*d.policy.backup_left}.count(), minutes * 60.0, 0.1);
    return d.faults.active(Fault::cutoff_near);
  };
  EXPECT_FALSE(near(30.05));
  EXPECT_TRUE(near(29.95));
  EXPECT_TRUE(near(30.05));
  EXPECT_TRUE(near(34.95));
  EXPECT_FALSE(near(35.05));
  EXPECT_FALSE(near(34.95));
  EXPECT_TRUE(near(20));
  h.soc = 5;
  h.memory.soc = {};
  EXPECT_FALSE(h.run(4s).faults.active(Fault::cutoff_near)) << "the cut-off itself is told instead";
}

TEST(Cutoff, IsNotAnnouncedEarlierBecauseItIsTheFirstTick) {
  House h;
  h.modules = 2;
  h.state = InverterStatus::islanded;
  h.mains_v = 0;
  h.battery_a = -20;
  h.soc = 5.0 + 32.0 / 60.0 * 1000.0 / 48.0;
  EXPECT_FALSE(h.tick().faults.active(Fault::cutoff_near));
}

TEST(Cutoff, IsNotAnnouncedOnGrid) {
  House h;
  h.modules = 1;
  h.ac_out_w = 2000;
  h.soc = 21;
  const Decision d = h.run(3s);
  ASSERT_LT(*d.policy.backup_left, Duration{30min});
  EXPECT_FALSE(d.faults.active(Fault::cutoff_near));
}

// ---- faults that others find
// --------------------------------------------------------------------------------

TEST(Faults, EachIsThatOfItsOwnCause) {
  struct {
    Fault fault;
    void (*cause)(House&);
  } const rows[]{
      {Fault::control_overrun, [](House& h) { h.overrun = true; }},
      {Fault::implausible_reading, [](House& h) { h.implausible = true; }},
      {Fault::clock_untrusted, [](House& h) { h.local.trusted = false; }},
      {Fault::grid_meter_reversed,
       [](House& h) {
         h.run(7s);  // without a move that would clear it
         h.memory.sign.reversed = true;
       }},
      {Fault::grid_meter_lost, [](House& h) { h.grid_frozen = true; }},
      {Fault::backup_cutoff,
       [](House& h) {
         h.memory.cutoff = true;
         h.mains_v = 0;
       }},
  };
  for (const auto& row : rows) {
    House h = discharging();
    row.cause(h);
    const Decision d = h.tick();
    for (const Fault fault : enum_values<Fault>)
      EXPECT_EQ(d.faults.active(fault), fault == row.fault) << name(row.fault);
  }
}

TEST(Faults, NoProtectionIsToldOfABmsThatIsLost) {
  House h = discharging();
  h.protections = bit(BmsFlag::low_voltage);
  EXPECT_TRUE(h.tick().faults.active(Fault::bms_protection));
  h.bms_alive = false;
  EXPECT_FALSE(h.run(3s).faults.active(Fault::bms_protection));
  h.bms_alive = true;
  EXPECT_FALSE(h.run(5s).faults.active(Fault::bms_protection)) << "until it is believed again";
  EXPECT_TRUE(h.tick().faults.active(Fault::bms_protection));
}

// ---- F21 in the tick
// -------------------------------------------------------------------------------------------

TEST(Reversed, OnlyWhatIsBelievedOfMeterAndInverterIsCompared) {
  const auto compared = [](void (*spoil)(House&), Duration after = 0ms) {
    House h = discharging();
    spoil(h);
    h.run(after);
    const std::size_t before = h.memory.sign.count;
    h.tick();
    return h.memory.sign.count > before;
  };
  EXPECT_TRUE(compared([](House&) {}));
  EXPECT_FALSE(compared([](House& h) { h.grid_frozen = true; }));
  EXPECT_FALSE(compared([](House& h) { h.state = InverterStatus::islanded; }));
  EXPECT_FALSE(compared(
      [](House& h) {
        silence(h, {Point::inverter, Measure::controllable});
      },
      2s));
  EXPECT_TRUE(compared([](House& h) { h.bms_alive = false; }, 3s)) << "the BMS has no part in it";
}

/// The control is started anew, as after its death, with what it remembered.
void restart(House& h) {
  const SafetyMemory kept = h.memory.safety();
  h.memory = Memory{};
  h.memory.restore(kept);
}

TEST(Restart, TheRestOfAReversedMeterGoesOnAndTheOwnersWordEndsIt) {
  House h;
  h.run(5s);
  h.memory.sign.reversed = true;
  h.memory.sign.rest_until = h.now + 15min;
  restart(h);
  h.residual_w = 1000;
  h.memory.first_tick = h.now - 10s;
  const Decision d = h.run(20s);
  EXPECT_TRUE(d.reasons.has(Cause::grid_meter_reversed));
  EXPECT_TRUE(d.faults.active(Fault::grid_meter_reversed));
  EXPECT_EQ(d.battery_power, Watts{});
  EXPECT_EQ(d.safety.meter_rest_until, h.memory.sign.rest_until);
  ++h.orders.acknowledgements;
  const Decision after = h.tick();
  EXPECT_FALSE(after.reasons.has(Cause::grid_meter_reversed));
  EXPECT_TRUE(after.faults.active(Fault::grid_meter_reversed)) << "until a move proves it right";
}

TEST(Restart, ASuspicionIsNotKept) {
  House h = discharging();
  h.memory.sign.rest_until = h.now + 6s;
  EXPECT_EQ(h.memory.safety(), SafetyMemory{});
}

TEST(Reversed, AMeterTheWrongWayRoundPutsTheBatteryToRest) {
  House h;
  h.settings.period = 100ms;
  h.run(3s);
  const auto tick = [&](double watts) {
    h.residual_w = watts;
    h.instead = {{{Point::grid, Measure::power}, -(watts + h.metered_inverter_w)}};
    return h.tick();
  };
  bool rested = false;
  for (int i = 0; i < 300 && !rested; ++i)
    rested = tick(700).reasons.has(Cause::grid_meter_reversed);
  EXPECT_TRUE(rested);
}

/// F1 holds from the first sample on.
TEST(Start, TheGridMeterIsBelievedAtItsFifthSampleAndNotBefore) {
  House h;
  for (int n = 1; n <= 5; ++n) {
    h.tick();
    EXPECT_EQ(h.memory.grid.ok, n == 5) << n;
  }
}

// ---- F27: what is compared with the BMS's limits
// ----------------------------------------------------------------

TEST(PackCurrent, IsJudgedOnlyWhereItAndItsLimitsAreKnownAndTheInverterIsGridTied) {
  const auto exceeded = [](void (*change)(House&)) {
    House h;
    h.settings.bms_max_age = 2s;
    h.settings.inverter_max_age = 2s;
    h.run(10s);
    h.dcl_a = 10;
    h.battery_a = -30;
    change(h);
    return h.run(6s).faults.active(Fault::bms_limit_exceeded);
  };
  EXPECT_TRUE(exceeded([](House&) {}));
  EXPECT_FALSE(exceeded([](House& h) { h.battery_a = -10; }));
  EXPECT_TRUE(exceeded([](House& h) {
    h.ccl_a = 10;
    h.dcl_a = 50;
    h.battery_a = 30;
  }));
  EXPECT_FALSE(exceeded([](House& h) { h.state = InverterStatus::islanded; }));
  EXPECT_FALSE(exceeded([](House& h) { h.state = InverterStatus::off; }));
  EXPECT_FALSE(exceeded([](House& h) { h.bms_alive = false; }));
  EXPECT_FALSE(exceeded([](House& h) { silence(h, {Point::inverter, Measure::status}); }));
  EXPECT_FALSE(exceeded([](House& h) {
    silence(h, {Point::battery, Measure::current});
    h.put(Point::battery, Measure::current, -30);
  })) << "an old reading";
}

// ---- F28 in the tick
// ------------------------------------------------------------------------------------

TEST(Temperature, ThatIsNotKnownYetIsNoFaultInTheFirst15Seconds) {
  House h;
  h.memory.first_tick.reset();
  h.battery_c.reset();
  h.tick();
  EXPECT_FALSE(h.run(15s - period).faults.active(Fault::battery_temperature));
  EXPECT_TRUE(h.tick().faults.active(Fault::battery_temperature));
  h.bms_alive = false;
  EXPECT_FALSE(h.run(4s).faults.active(Fault::battery_temperature)) << "the BMS is what is lost";
}

TEST(Temperature, CountsUpToTheBmssMaximumAge) {
  House h = discharging();
  h.memory.first_tick = h.now - 1min;
  silence(h, {Point::battery, Measure::temperature});
  EXPECT_FALSE(h.run(2500ms).faults.active(Fault::battery_temperature));
  EXPECT_TRUE(h.tick().faults.active(Fault::battery_temperature));
}

// ---- what the inverter says of AC-out in one reply
// -------------------------------------------------------------

/// Words of different replies say nothing of each other.
TEST(AcOut, OnlyWordsOfOneReplyAreComparedWithEachOther) {
  House h;
  h.ac_out_w = 300;
  h.run(10s);
  h.inverter_alive = false;
  h.run(200ms);
  const Instant reply = h.now;
  h.snapshot.absorb({{Point::inverter, Measure::power}, 1300.0, reply});
  h.snapshot.absorb({{Point::inverter, Measure::dc_power}, 1000.0, reply});
  h.snapshot.absorb({{Point::ac_out, Measure::power}, 5000.0, reply - 100ms});
  h.tick();
  EXPECT_TRUE(h.memory.ac_out.doubtful_since) << "AC-out was not told with the others";
  EXPECT_EQ(h.memory.ac_out.accepted, 300.0_W);
  h.snapshot.absorb({{Point::inverter, Measure::power}, 1300.0, h.now});
  h.snapshot.absorb({{Point::ac_out, Measure::power}, 700.0, h.now});
  h.tick();
  EXPECT_EQ(h.memory.ac_out.accepted, 700.0_W) << "the converter was not: its own word counts";
}

/// Its converter tells nothing, so the load on AC-out stays known.
TEST(Inverter, WhosePowerIsNotKnownGetsNoSetpointAlthoughTheLoadIsKnown) {
  House h;
  silence(h, {Point::inverter, Measure::dc_power});
  h.ac_out_w = 200;
  ASSERT_EQ(h.run(10s).setpoint.mode, InverterMode::follow);
  silence(h, {Point::inverter, Measure::power});
  EXPECT_EQ(h.run(4s).setpoint.mode, InverterMode::release);
}

}  // namespace
}  // namespace esshub::control
