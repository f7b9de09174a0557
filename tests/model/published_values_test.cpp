// What each published value is, as its enumerator's comment says and docs/decisions/0018 orders:
// where it comes from, its unit, its decimals, when it is nothing, and what its age counts from.
#include "model/published_values.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "model/enums.hpp"

namespace esshub {
namespace {

using M = Measure;
using P = Point;
using U = Unit;
using V = ValueId;

constexpr Instant begin{1000s};

/// Every channel of every point has a value of its own, taken at a moment of its own.
double value_of(Channel channel) {
  if (channel == Channel{P::battery, M::soc}) return 57.5;
  if (channel == Channel{P::inverter, M::main_state}) return 9.0;
  return 1000.0 * static_cast<double>(index(channel.point)) +
         3.0 * static_cast<double>(index(channel.measure)) + 100.0;
}
Instant taken_at(Channel channel) {
  return begin + std::chrono::milliseconds{50 * index(channel.point) + index(channel.measure)};
}
void measure(View& view, Channel channel) {
  view.snapshot.absorb({channel, value_of(channel), taken_at(channel)});
}
/// Of all that a device can say; the decision is made at `now`.
View full_view() {
  View view;
  view.now = begin + 2s;
  view.max_age = 3s;
  view.decision.at = view.now;
  for (const Point point : enum_values<Point>)
    for (const Measure each : enum_values<Measure>) measure(view, {point, each});
  return view;
}
/// The same a while later: nothing is current any more.
View stale_view() {
  View view = full_view();
  view.now += 1h;
  return view;
}

std::optional<Instant> age_counts_from(const View& view, V id) {
  auto* const taken = published(id).taken_at;
  EXPECT_NE(taken, nullptr) << name(id);
  return taken ? taken(view) : std::nullopt;
}

TEST(PublishedValues, EachHasTheGetterOfItsKindAndNoOther) {
  for (const ValueId id : enum_values<ValueId>) {
    const PublishedValue& row = published(id);
    const bool is_text = row.kind == ValueKind::state || row.kind == ValueKind::text;
    EXPECT_EQ(row.text != nullptr, is_text) << name(id);
    EXPECT_EQ(row.number != nullptr, !is_text) << name(id);
    EXPECT_EQ(row.is_number(), !is_text) << name(id);
  }
}

struct Shown {
  V id;
  Channel channel;
  Unit unit;
  int decimals;
};

TEST(PublishedValues, AReadingIsThatOfItsChannelInItsUnit) {
  const View view = full_view();
  View without = full_view();
  without.snapshot = {};
  const View stale = stale_view();
  for (const auto& [id, channel, unit, decimals] : {
           Shown{V::grid_power, {P::grid, M::power}, U::watt, 0},
           Shown{V::grid_voltage, {P::grid, M::voltage}, U::volt, 1},
           Shown{V::grid_current, {P::grid, M::current}, U::ampere, 2},
           Shown{V::grid_frequency, {P::grid, M::frequency}, U::hertz, 2},
           Shown{V::solar_power, {P::solar, M::power}, U::watt, 0},
           Shown{V::solar_voltage, {P::solar, M::voltage}, U::volt, 1},
           Shown{V::solar_current, {P::solar, M::current}, U::ampere, 2},
           Shown{V::solar_frequency, {P::solar, M::frequency}, U::hertz, 2},
           Shown{V::battery_power, {P::inverter, M::dc_power}, U::watt, 0},
           Shown{V::battery_soc, {P::battery, M::soc}, U::percent, 1},
           Shown{V::battery_soh, {P::battery, M::soh}, U::percent, 1},
           Shown{V::battery_voltage, {P::battery, M::voltage}, U::volt, 2},
           Shown{V::battery_current, {P::battery, M::current}, U::ampere, 1},
           Shown{V::battery_temperature, {P::battery, M::temperature}, U::celsius, 1},
           Shown{V::battery_capacity, {P::battery, M::capacity}, U::ampere_hour, 1},
           Shown{V::battery_modules, {P::battery, M::modules}, U::none, 0},
           Shown{V::battery_charge_voltage_limit, {P::battery, M::cvl}, U::volt, 2},
           Shown{V::battery_discharge_voltage_limit, {P::battery, M::dvl}, U::volt, 2},
           Shown{V::battery_charge_current_limit, {P::battery, M::ccl}, U::ampere, 1},
           Shown{V::battery_discharge_current_limit, {P::battery, M::dcl}, U::ampere, 1},
           Shown{V::battery_cell_voltage_min, {P::battery, M::cell_voltage_min}, U::volt, 3},
           Shown{V::battery_cell_voltage_max, {P::battery, M::cell_voltage_max}, U::volt, 3},
           Shown{V::battery_cell_temperature_min,
                 {P::battery, M::cell_temperature_min},
                 U::celsius,
                 1},
           Shown{V::battery_cell_temperature_max,
                 {P::battery, M::cell_temperature_max},
                 U::celsius,
                 1},
           Shown{V::battery_meter_power, {P::battery_meter, M::power}, U::watt, 0},
           Shown{V::battery_meter_voltage, {P::battery_meter, M::voltage}, U::volt, 1},
           Shown{V::battery_meter_current, {P::battery_meter, M::current}, U::ampere, 2},
           Shown{V::battery_meter_frequency, {P::battery_meter, M::frequency}, U::hertz, 2},
           Shown{V::inverter_power, {P::inverter, M::power}, U::watt, 0},
           Shown{V::inverter_voltage, {P::inverter, M::voltage}, U::volt, 1},
           Shown{V::inverter_frequency, {P::inverter, M::frequency}, U::hertz, 2},
           Shown{V::inverter_dc_voltage, {P::inverter, M::dc_voltage}, U::volt, 2},
           Shown{V::inverter_dc_current, {P::inverter, M::dc_current}, U::ampere, 1},
           Shown{V::inverter_input_limit, {P::inverter, M::input_limit}, U::ampere, 1},
           Shown{V::inverter_error, {P::inverter, M::error}, U::none, 0},
           Shown{V::ac_out_power, {P::ac_out, M::power}, U::watt, 0},
           Shown{V::setpoint_acknowledged, {P::inverter, M::setpoint}, U::watt, 0},
       }) {
    SCOPED_TRACE(name(id));
    EXPECT_EQ(published(id).unit, unit);
    EXPECT_EQ(published(id).decimals, decimals);
    EXPECT_EQ(published(id).kind, ValueKind::gauge);
    EXPECT_EQ(number_of(view, id), value_of(channel));
    EXPECT_EQ(text_of(view, id), std::nullopt);
    EXPECT_EQ(number_of(stale, id), std::nullopt);
    EXPECT_EQ(number_of(without, id), std::nullopt);
    EXPECT_EQ(age_counts_from(view, id), taken_at(channel));
    EXPECT_EQ(age_counts_from(stale, id), taken_at(channel)) << "current or not";
    EXPECT_EQ(age_counts_from(without, id), std::nullopt);
  }
}

TEST(PublishedValues, AMetersOwnCounterIsInKilowattHours) {
  const View view = full_view();
  for (const auto& [id, channel, unit, decimals] : {
           Shown{V::grid_energy_forward, {P::grid, M::energy_forward}, U::kilowatt_hour, 2},
           Shown{V::grid_energy_reverse, {P::grid, M::energy_reverse}, U::kilowatt_hour, 2},
           Shown{V::solar_energy_forward, {P::solar, M::energy_forward}, U::kilowatt_hour, 2},
           Shown{V::solar_energy_reverse, {P::solar, M::energy_reverse}, U::kilowatt_hour, 2},
           Shown{V::battery_meter_energy_forward,
                 {P::battery_meter, M::energy_forward},
                 U::kilowatt_hour,
                 2},
           Shown{V::battery_meter_energy_reverse,
                 {P::battery_meter, M::energy_reverse},
                 U::kilowatt_hour,
                 2},
       }) {
    SCOPED_TRACE(name(id));
    EXPECT_EQ(published(id).unit, unit);
    EXPECT_EQ(published(id).decimals, decimals);
    EXPECT_EQ(published(id).kind, ValueKind::counter);
    EXPECT_EQ(number_of(view, id), value_of(channel) / 1000.0);
    EXPECT_EQ(number_of(stale_view(), id), std::nullopt);
    EXPECT_EQ(age_counts_from(view, id), taken_at(channel));
  }
}

TEST(PublishedValues, PowerAtTheTerminalsIsVoltageTimesCurrent) {
  const View view = full_view();
  for (const auto& [id, volts, amperes] :
       {std::tuple{V::battery_dc_power, Channel{P::battery, M::voltage},
                   Channel{P::battery, M::current}},
        std::tuple{V::inverter_dc_power, Channel{P::inverter, M::dc_voltage},
                   Channel{P::inverter, M::dc_current}}}) {
    SCOPED_TRACE(name(id));
    EXPECT_EQ(published(id).unit, U::watt);
    EXPECT_EQ(published(id).decimals, 0);
    EXPECT_EQ(published(id).kind, ValueKind::gauge);
    EXPECT_EQ(number_of(view, id), value_of(volts) * value_of(amperes));
    EXPECT_EQ(age_counts_from(view, id), taken_at(amperes));
    for (const Channel only : {volts, amperes}) {
      View half;
      half.now = begin + 2s;
      measure(half, only);
      EXPECT_EQ(number_of(half, id), std::nullopt);
    }
  }
}

TEST(PublishedValues, BatteryPowerIsTheInvertersElseTheBmss) {
  constexpr Channel by_inverter{P::inverter, M::dc_power};
  constexpr Channel volts{P::battery, M::voltage};
  constexpr Channel amperes{P::battery, M::current};
  View view;
  view.now = begin + 2s;
  EXPECT_EQ(number_of(view, V::battery_power), std::nullopt);
  EXPECT_EQ(age_counts_from(view, V::battery_power), std::nullopt);
  measure(view, volts);
  measure(view, amperes);
  EXPECT_EQ(number_of(view, V::battery_power), value_of(volts) * value_of(amperes));
  EXPECT_EQ(age_counts_from(view, V::battery_power), taken_at(amperes));
  // The inverter's is there, but old: the BMS's goes on.
  view.snapshot.absorb({by_inverter, 1.0, begin - 10s});
  EXPECT_EQ(number_of(view, V::battery_power), value_of(volts) * value_of(amperes));
  EXPECT_EQ(age_counts_from(view, V::battery_power), taken_at(amperes));
  measure(view, by_inverter);
  EXPECT_EQ(number_of(view, V::battery_power), value_of(by_inverter));
  EXPECT_EQ(age_counts_from(view, V::battery_power), taken_at(by_inverter));
  // Neither is current: the newer one, whichever it is.
  view.now += 1h;
  EXPECT_EQ(number_of(view, V::battery_power), std::nullopt);
  EXPECT_EQ(age_counts_from(view, V::battery_power), taken_at(by_inverter));
  view.snapshot.absorb({amperes, 1.0, begin + 1min});
  EXPECT_EQ(age_counts_from(view, V::battery_power), begin + 1min);

  View inverter_alone;
  inverter_alone.now = begin + 2s;
  measure(inverter_alone, by_inverter);
  EXPECT_EQ(age_counts_from(inverter_alone, V::battery_power), taken_at(by_inverter));
}

TEST(PublishedValues, TheInvertersStateIsAWord) {
  const View view = full_view();
  EXPECT_EQ(published(V::inverter_state).kind, ValueKind::state);
  EXPECT_EQ(published(V::inverter_state).unit, U::none);
  EXPECT_EQ(published(V::inverter_state).decimals, 0);
  EXPECT_EQ(text_of(view, V::inverter_state), "charge");
  EXPECT_EQ(number_of(view, V::inverter_state), std::nullopt);
  EXPECT_EQ(text_of(stale_view(), V::inverter_state), std::nullopt);
  EXPECT_EQ(age_counts_from(view, V::inverter_state), taken_at({P::inverter, M::main_state}));
}

TEST(PublishedValues, ATotalIsInKilowattHoursAndZeroIsUnknown) {
  constexpr double joules_of_a_kwh = 1000.0 * 3600.0;
  const std::pair<V, Flow> totals[] = {{V::grid_import_energy, Flow::grid_import},
                                       {V::grid_export_energy, Flow::grid_export},
                                       {V::solar_energy, Flow::solar},
                                       {V::house_energy, Flow::house},
                                       {V::battery_charge_energy, Flow::battery_charge},
                                       {V::battery_discharge_energy, Flow::battery_discharge}};
  View view = full_view();
  for (const auto& [id, flow] : totals) EXPECT_EQ(number_of(view, id), std::nullopt) << name(id);
  for (const auto& [id, flow] : totals)
    view.energies[flow] = (1.0 + static_cast<double>(index(flow))) * joules_of_a_kwh;
  for (const auto& [id, flow] : totals) {
    SCOPED_TRACE(name(id));
    EXPECT_EQ(published(id).unit, U::kilowatt_hour);
    EXPECT_EQ(published(id).decimals, 3);
    EXPECT_EQ(published(id).kind, ValueKind::counter);
    EXPECT_EQ(number_of(view, id), 1.0 + static_cast<double>(index(flow)));
    EXPECT_EQ(age_counts_from(view, id), view.decision.at);
  }
  view.energies[Flow::solar] = 0.5;  // joules: something has flowed
  EXPECT_TRUE(number_of(view, V::solar_energy));
}

/// A decision in which every number is another one.
View decided() {
  View view = full_view();
  Decision& d = view.decision;
  d.setpoint = {-812.5_W, InverterMode::follow, view.now + 1s};
  d.battery_power = -790.0_W;
  d.proposed = -1500.0_W;
  d.house = 640.0_W;
  d.policy.mode = Mode::scheduled;
  d.policy.instruction.kind = InstructionKind::discharge;
  d.policy.authority = Authority::tariff;
  d.policy.reserve = 21.0_soc;
  d.policy.floor = 11.0_soc;
  d.policy.ceiling = 96.0_soc;
  d.policy.cutoff = 6.0_soc;
  d.policy.backup_left = 90min;
  d.policy.import_price = 0.31;
  d.policy.export_price = -0.02;
  return view;
}

TEST(PublishedValues, WhatIsDecidedIsShownWhileDecisionsAreMade) {
  struct Made {
    V id;
    double value;
    Unit unit;
    int decimals;
  };
  const View view = decided();
  View last = decided();  // the last moment at which it is current
  last.now = last.decision.at + last.max_age;
  View over = last;
  over.now += 1ns;
  for (const auto& [id, value, unit, decimals] : {
           Made{V::house_power, 640.0, U::watt, 0},
           Made{V::battery_command, -790.0, U::watt, 0},
           Made{V::battery_proposed, -1500.0, U::watt, 0},
           Made{V::setpoint, -812.5, U::watt, 0},
           Made{V::reserve_in_force, 21.0, U::percent, 1},
           Made{V::floor, 11.0, U::percent, 1},
           Made{V::ceiling, 96.0, U::percent, 1},
           Made{V::cutoff, 6.0, U::percent, 1},
           Made{V::backup_left, 5400.0, U::second, 0},
           Made{V::import_price, 0.31, U::price, 4},
           Made{V::export_price, -0.02, U::price, 4},
       }) {
    SCOPED_TRACE(name(id));
    EXPECT_EQ(published(id).unit, unit);
    EXPECT_EQ(published(id).decimals, decimals);
    EXPECT_EQ(published(id).kind, ValueKind::gauge);
    EXPECT_EQ(number_of(view, id), value);
    if (id != V::setpoint && id != V::battery_command) {
      EXPECT_EQ(number_of(last, id), value);
    }
    EXPECT_EQ(number_of(over, id), std::nullopt);
    EXPECT_EQ(age_counts_from(view, id), view.decision.at);
  }
  for (const auto& [id, kind, text] : {
           std::tuple{V::inverter_mode, ValueKind::state, "follow"},
           std::tuple{V::mode, ValueKind::state, "scheduled"},
           std::tuple{V::instruction, ValueKind::state, "discharge"},
           std::tuple{V::authority, ValueKind::state, "tariff"},
           std::tuple{V::faults, ValueKind::text, "none"},
       }) {
    SCOPED_TRACE(name(id));
    EXPECT_EQ(published(id).unit, U::none);
    EXPECT_EQ(published(id).decimals, 0);
    EXPECT_EQ(published(id).kind, kind);
    EXPECT_EQ(text_of(view, id), text);
    EXPECT_EQ(text_of(last, id), text);
    EXPECT_EQ(text_of(over, id), std::nullopt);
    EXPECT_EQ(age_counts_from(view, id), view.decision.at);
  }
}

TEST(PublishedValues, NothingIsTakenBeforeTheFirstDecision) {
  View view = decided();
  view.decision.at = Instant{};
  for (const V id : {V::setpoint, V::reason, V::floor, V::solar_energy, V::mains, V::house_power})
    EXPECT_EQ(age_counts_from(view, id), std::nullopt) << name(id);
}

TEST(PublishedValues, WhatIsNotKnownIsNothing) {
  View view = decided();
  view.decision.house.reset();
  view.decision.policy.backup_left.reset();
  view.decision.policy.import_price.reset();
  view.decision.policy.export_price.reset();
  for (const V id : {V::house_power, V::backup_left, V::import_price, V::export_price})
    EXPECT_EQ(number_of(view, id), std::nullopt) << name(id);
  EXPECT_EQ(age_counts_from(view, V::house_power), std::nullopt);
  EXPECT_EQ(text_of(view, V::reason), std::nullopt) << "without any reason";
}

TEST(PublishedValues, NoSetpointIsShownThatIsNotWritten) {
  View view = decided();
  for (const Duration life : {300ms, 2000ms}) {  // it is renewed between two looks
    view.decision.setpoint.valid_until = view.decision.at + life;
    view.now = view.decision.at + std::max<Duration>(life, 1s);
    EXPECT_EQ(number_of(view, V::setpoint), -812.5);
    EXPECT_EQ(number_of(view, V::battery_command), -790.0);
    view.now += 1ns;
    EXPECT_EQ(number_of(view, V::setpoint), std::nullopt);
    EXPECT_EQ(number_of(view, V::battery_command), std::nullopt);
  }
  for (const InverterMode mode : {InverterMode::release, InverterMode::off}) {
    view = decided();
    view.decision.setpoint.mode = mode;
    EXPECT_EQ(number_of(view, V::setpoint), std::nullopt);
    EXPECT_EQ(number_of(view, V::battery_command), std::nullopt);
    EXPECT_EQ(text_of(view, V::inverter_mode), name(mode));
  }
}

TEST(PublishedValues, TheReasonIsWordsWithoutRestingWhereMoreIsKnown) {
  View view = decided();
  Decision& d = view.decision;
  EXPECT_EQ(published(V::reason).kind, ValueKind::text);
  d.reasons.add({Cause::idle, 0.0_W});
  EXPECT_EQ(text_of(view, V::reason), "resting");
  d.reasons.add({Cause::bms_lost, 0.0_W});
  EXPECT_EQ(text_of(view, V::reason), "no current values from the battery's BMS");
  d.reasons.add({Cause::slew, 0.0_W});
  EXPECT_EQ(text_of(view, V::reason),
            "no current values from the battery's BMS; changing no faster than the set slew rate");
}

TEST(PublishedValues, FaultsAreNamedAndOnlySomeAreAProblem) {
  View view = decided();
  FaultSet& faults = view.decision.faults;
  for (const V id : {V::problem, V::mains}) {
    EXPECT_EQ(published(id).kind, ValueKind::flag);
    EXPECT_EQ(published(id).unit, U::none);
    EXPECT_EQ(published(id).decimals, 0);
    EXPECT_EQ(age_counts_from(view, id), view.decision.at);
  }
  EXPECT_EQ(number_of(view, V::problem), 0.0);
  EXPECT_EQ(number_of(view, V::mains), 1.0);
  faults.set(Fault::clock_untrusted, true, view.now);  // for information
  EXPECT_EQ(text_of(view, V::faults), "Clock not trusted");
  EXPECT_EQ(number_of(view, V::problem), 0.0);
  faults.set(Fault::islanded, true, view.now);
  EXPECT_EQ(text_of(view, V::faults), "Power cut, Clock not trusted");
  EXPECT_EQ(number_of(view, V::problem), 1.0);
  EXPECT_EQ(number_of(view, V::mains), 0.0);
}

TEST(PublishedValues, UnitsAreWrittenAsPeopleDo) {
  const std::string_view symbols[] = {"", "W", "V", "A", "Hz", "°C", "%", "kWh", "Ah", "s", ""};
  ASSERT_EQ(std::size(symbols), enum_count<Unit>);
  for (const Unit unit : enum_values<Unit>) EXPECT_EQ(symbol(unit), symbols[index(unit)]);
}

TEST(PublishedValues, AQuickLookShowsWhatIsNeitherADetailNorATotal) {
  EnumArray<ValueId, int> places{};
  for (const V id : device_details) ++places[id];
  for (const V id : totals_since_installed) ++places[id];
  for (const V id : {V::grid_power,
                     V::solar_power,
                     V::house_power,
                     V::battery_power,
                     V::battery_soc,
                     V::battery_soh,
                     V::inverter_power,
                     V::inverter_state,
                     V::ac_out_power,
                     V::battery_command,
                     V::battery_proposed,
                     V::setpoint,
                     V::setpoint_acknowledged,
                     V::inverter_mode,
                     V::mode,
                     V::instruction,
                     V::authority,
                     V::reason,
                     V::reserve_in_force,
                     V::floor,
                     V::ceiling,
                     V::cutoff,
                     V::backup_left,
                     V::import_price,
                     V::export_price,
                     V::faults,
                     V::problem,
                     V::mains})
    ++places[id];
  for (const V id : enum_values<V>) EXPECT_EQ(places[id], 1) << name(id);
  for (const V id : totals_since_installed)
    EXPECT_EQ(published(id).kind, ValueKind::counter) << name(id);
}

}  // namespace
}  // namespace esshub
