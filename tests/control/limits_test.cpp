// Each limit of the rules table by itself: how far it narrows, for which cause, and at what value.
#include "control/limits.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "model/snapshot.hpp"

namespace esshub::control {
namespace {

constexpr Watts wide{9000.0};

/// What a limit sees: everything healthy, half full, 50 V, 20 A each way.
struct Seen {
  Settings settings;
  Snapshot snapshot;
  Instant now{1000s};
  Observation observation;
  Memory memory;
  Orders orders;
  bool stopping = false;
  bool overrun = false;
  bool components_failing = false;

  Seen() {
    observation.grid_ok = observation.bms_ok = observation.inverter_ok = true;
    observation.soc = observation.reported_soc = 50.0_soc;
    observation.voltage = 50.0_V;
    observation.ccl = observation.dcl = 20.0_A;
    observation.ac_out = 0.0_W;
    memory.started = true;
    memory.policy.authority_state(Authority::balance).instruction = Instruction{};
  }
  void rule(Authority who, const Instruction& instruction) {
    memory.policy.authority = who;
    memory.policy.authority_state(who) = {instruction, marks(instruction)};
  }
  void keep_for_a_storm(Soc reserve) {
    memory.policy.storm = {.order = Storm{reserve, now + 1s}, .keeps = true};
  }
  AuthorityState& state(Authority who) { return memory.policy.authority_state(who); }
  [[nodiscard]] Inputs inputs() const {
    return {.settings = settings,
            .snapshot = snapshot,
            .now = now,
            .local = {},
            .stopping = stopping,
            .overrun = overrun,
            .components_failing = components_failing,
            .orders = orders};
  }
  /// The window that `limit` leaves to a battery that would like `proposal`.
  PowerWindow narrowed(Limit limit, Watts proposal, Reasons& reasons) const {
    PowerWindow window{proposal, -wide, wide, reasons};
    limit(inputs(), observation, memory, window);
    return window;
  }
};

struct Row {
  const char* what;
  Limit limit;
  void (*prepare)(Seen&);
  double low;                          ///< W that are left
  double high;                         ///< W that are left
  std::optional<Cause> discharging{};  ///< why no more is discharged
  std::optional<Cause> charging{};     ///< why no more is charged
};
std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.what;
}

constexpr double all = wide.value();

class Limits : public testing::TestWithParam<Row> {};

TEST_P(Limits, NarrowAsFarAsTheyShouldAndSayWhy) {
  const Row& row = GetParam();
  Seen seen;
  row.prepare(seen);
  for (const bool charging : {false, true}) {
    Reasons reasons;
    const Watts proposal = charging ? wide : -wide;
    const PowerWindow window = seen.narrowed(row.limit, proposal, reasons);
    EXPECT_DOUBLE_EQ(window.low().value(), row.low);
    EXPECT_DOUBLE_EQ(window.high().value(), row.high);
    const auto& cause = charging ? row.charging : row.discharging;
    EXPECT_EQ(reasons.empty(), !cause);
    if (cause && !reasons.empty()) {
      EXPECT_EQ(name(reasons.begin()->cause), name(*cause));
      EXPECT_EQ(reasons.begin()->power_without, proposal);
    }
  }
}

Row stops(const char* what, Limit limit, Cause cause, void (*prepare)(Seen&)) {
  return {what, limit, prepare, 0, 0, cause, cause};
}
Row allows(const char* what, Limit limit, void (*prepare)(Seen&)) {
  return {what, limit, prepare, -all, all};
}
Row no_discharge(const char* what, Limit limit, Cause cause, void (*prepare)(Seen&)) {
  return {what, limit, prepare, 0, all, cause, {}};
}
Row no_charge(const char* what, Limit limit, Cause cause, void (*prepare)(Seen&)) {
  return {what, limit, prepare, -all, 0, {}, cause};
}
void nothing(Seen&) {}

INSTANTIATE_TEST_SUITE_P(
    Safe, Limits,
    testing::Values(
        allows("nothing", limit_stopping, nothing),
        stops("told to stop", limit_stopping, Cause::shutting_down,
              [](Seen& s) { s.stopping = true; }),
        stops("components failing", limit_stopping, Cause::components_failing,
              [](Seen& s) { s.components_failing = true; }),
        stops("overrun", limit_stopping, Cause::control_overrun, [](Seen& s) { s.overrun = true; }),
        allows("every source fresh", limit_stale, nothing),
        stops("not started", limit_stale, Cause::starting,
              [](Seen& s) { s.memory.started = false; }),
        stops("in its first 10 s", limit_stale, Cause::starting,
              [](Seen& s) { s.memory.first_tick = s.now - 10s + 1ns; }),
        allows("after them", limit_stale, [](Seen& s) { s.memory.first_tick = s.now - 10s; }),
        stops("inverter lost", limit_stale, Cause::inverter_lost,
              [](Seen& s) { s.observation.inverter_ok = false; }),
        stops("load on AC-out not known", limit_stale, Cause::inverter_lost,
              [](Seen& s) { s.observation.ac_out.reset(); }),
        stops("BMS lost", limit_stale, Cause::bms_lost,
              [](Seen& s) { s.observation.bms_ok = false; }),
        stops("grid meter lost", limit_stale, Cause::grid_meter_lost,
              [](Seen& s) { s.observation.grid_ok = false; }),
        stops("grid meter reversed", limit_stale, Cause::grid_meter_reversed,
              [](Seen& s) { s.memory.sign.rest_until = s.now + 1ns; }),
        allows("its rest is over", limit_stale, [](Seen& s) { s.memory.sign.rest_until = s.now; }),
        allows("grid-tied", limit_islanded, nothing),
        stops("islanded", limit_islanded, Cause::islanded,
              [](Seen& s) { s.observation.islanded = true; }),
        stops("inverter off", limit_islanded, Cause::inverter_off,
              [](Seen& s) { s.observation.inverter_off = true; }),
        stops("released", limit_islanded, Cause::setpoint_not_followed,
              [](Seen& s) { s.memory.following.released_until = s.now; })));

INSTANTIATE_TEST_SUITE_P(
    Battery, Limits,
    testing::Values(
        allows("no protection", limit_bms_protection, nothing),
        no_charge("charge protected", limit_bms_protection, Cause::bms_protection,
                  [](Seen& s) { s.observation.charge_protected = true; }),
        no_discharge("discharge protected", limit_bms_protection, Cause::bms_protection,
                     [](Seen& s) { s.observation.discharge_protected = true; }),
        stops("more current than the BMS allows", limit_bms_protection, Cause::bms_limit_exceeded,
              [](Seen& s) { s.memory.pack_current.exceeded_since = s.now; }),
        stops("released for that", limit_bms_protection, Cause::bms_limit_exceeded,
              [](Seen& s) { s.memory.pack_current.released_until = s.now; }),
        allows("temperate", limit_temperature, nothing),
        no_charge("too cold to charge", limit_temperature, Cause::battery_temperature,
                  [](Seen& s) { s.memory.temperature.charge = true; }),
        no_discharge("too cold to discharge", limit_temperature, Cause::battery_temperature,
                     [](Seen& s) { s.memory.temperature.discharge = true; }),
        Row{"a pack voltage that cannot be", limit_bms_current,
            [](Seen& s) { s.observation.voltage = Volts{-50}; }, 0, 0, Cause::bms_discharge_limit,
            Cause::bms_charge_limit},
        allows("enabled", limit_bms_enable, nothing),
        no_charge("charge disabled", limit_bms_enable, Cause::bms_charge_disabled,
                  [](Seen& s) { s.observation.charge_enabled = false; }),
        no_discharge("discharge disabled", limit_bms_enable, Cause::bms_discharge_disabled,
                     [](Seen& s) { s.observation.discharge_enabled = false; }),
        no_charge("charge blocked", limit_bms_enable, Cause::bms_charge_disabled,
                  [](Seen& s) { s.memory.charge_blocked_until = s.now + 1ns; }),
        no_discharge("discharge blocked", limit_bms_enable, Cause::bms_discharge_disabled,
                     [](Seen& s) { s.memory.discharge_blocked_until = s.now + 1ns; }),
        allows("no longer blocked", limit_bms_enable,
               [](Seen& s) {
                 s.memory.charge_blocked_until = s.memory.discharge_blocked_until = s.now;
               }),
        Row{"CCL and DCL", limit_bms_current,
            [](Seen& s) {
              s.observation.ccl = 30.0_A;
              s.settings.conversion_efficiency = 0.9;
            },
            -20 * 50 * 0.9, 30 * 50, Cause::bms_discharge_limit, Cause::bms_charge_limit},
        Row{"neither CCL nor DCL", limit_bms_current,
            [](Seen& s) { s.observation.ccl = s.observation.dcl = {}; }, 0, 0,
            Cause::bms_discharge_limit, Cause::bms_charge_limit},
        allows("no voltage limit", limit_charge_voltage, nothing),
        Row{"a voltage limit",
            limit_charge_voltage,
            [](Seen& s) { s.memory.charge_voltage_limit = 300.0_W; },
            -all,
            300,
            {},
            Cause::charge_voltage},
        allows("above the floor", limit_soc_floor, nothing),
        no_discharge("at the floor", limit_soc_floor, Cause::soc_floor,
                     [](Seen& s) { s.memory.floor_hold = true; }),
        allows("below the ceiling", limit_soc_ceiling, nothing),
        no_charge("at the ceiling", limit_soc_ceiling, Cause::soc_ceiling,
                  [](Seen& s) { s.memory.ceiling_hold = true; }),
        allows("above the reserve", limit_reserve, [](Seen& s) { s.keep_for_a_storm(90.0_soc); }),
        no_discharge("at the reserve", limit_reserve, Cause::reserve,
                     [](Seen& s) { s.memory.reserve_hold = true; }),
        no_discharge("at the reserve of a storm", limit_reserve, Cause::storm,
                     [](Seen& s) {
                       s.memory.reserve_hold = true;
                       s.keep_for_a_storm(90.0_soc);
                     }),
        no_discharge("a storm that raises nothing", limit_reserve, Cause::reserve, [](Seen& s) {
          s.memory.reserve_hold = true;
          s.orders.reserve = 90.0_soc;
          s.keep_for_a_storm(90.0_soc);
        })));

constexpr Instruction of(InstructionKind kind) {
  return {.kind = kind, .power = 1000.0_W, .target = 50.0_soc};
}

INSTANTIATE_TEST_SUITE_P(
    Policy, Limits,
    testing::Values(
        allows("within its range", limit_instruction,
               [](Seen& s) { s.rule(Authority::manual, of(InstructionKind::balance)); }),
        no_discharge("the house is served down to it", limit_instruction, Cause::range_low,
                     [](Seen& s) {
                       s.rule(Authority::manual, of(InstructionKind::balance));
                       s.state(Authority::manual).served = true;
                     }),
        no_charge("the sun is stored up to it", limit_instruction, Cause::range_high,
                  [](Seen& s) {
                    s.rule(Authority::manual, of(InstructionKind::balance));
                    s.state(Authority::manual).stored = true;
                  }),
        allows("at the marks of one that does not rule", limit_instruction,
               [](Seen& s) {
                 s.rule(Authority::dispatch, of(InstructionKind::balance));
                 s.state(Authority::dispatch).served = true;
                 s.state(Authority::dispatch).stored = true;
                 s.rule(Authority::manual, of(InstructionKind::balance));
               }),
        allows("nobody rules", limit_instruction,
               [](Seen& s) {
                 s.state(Authority::balance) = {std::nullopt, {}, true, true, true, true};
               }),
        allows("what is sold, although the house would not be served", limit_instruction,
               [](Seen& s) {
                 s.rule(Authority::manual, of(InstructionKind::discharge));
                 s.state(Authority::manual).served = true;
               }),
        no_discharge("sold down to it", limit_instruction, Cause::range_low,
                     [](Seen& s) {
                       s.rule(Authority::manual, of(InstructionKind::discharge));
                       s.state(Authority::manual).served = true;
                       s.state(Authority::manual).sold = true;
                     }),
        allows("what is bought, although the sun would not be stored", limit_instruction,
               [](Seen& s) {
                 s.rule(Authority::manual, of(InstructionKind::charge));
                 s.state(Authority::manual).stored = true;
               }),
        no_discharge("bought up to it", limit_instruction, Cause::range_low,
                     [](Seen& s) {
                       s.rule(Authority::manual, of(InstructionKind::charge));
                       s.state(Authority::manual).bought = true;
                       s.state(Authority::manual).served = true;
                     }),
        no_discharge("charging while cheap", limit_instruction, Cause::cheap,
                     [](Seen& s) {
                       s.rule(Authority::tariff, of(InstructionKind::charge));
                       s.state(Authority::tariff).served = true;
                     }),
        allows("charged while cheap, and may be used", limit_instruction,
               [](Seen& s) { s.rule(Authority::tariff, of(InstructionKind::charge)); }),
        allows("cheap, but the BMS forces a charge", limit_instruction,
               [](Seen& s) {
                 s.rule(Authority::tariff, of(InstructionKind::charge));
                 s.state(Authority::tariff).served = true;
                 s.observation.force_charge = true;
               }),
        allows("stored, but a full charge is due", limit_instruction,
               [](Seen& s) {
                 s.rule(Authority::schedule, of(InstructionKind::balance));
                 s.state(Authority::schedule).stored = true;
                 s.memory.policy.full_charge = true;
               }),
        no_charge("a full charge waits for an override", limit_instruction, Cause::range_high,
                  [](Seen& s) {
                    s.rule(Authority::manual, of(InstructionKind::balance));
                    s.state(Authority::manual).stored = true;
                    s.memory.policy.full_charge = true;
                  })));

/// The house takes 3000 W, of which a car at circuit 2 takes `watts`; the battery does not serve
/// it.
void with_car(Seen& s, double watts) {
  s.observation.rest = 3000.0_W;
  s.settings.circuit_roles[0] = CircuitRole::heatpump;
  s.settings.circuit_roles[1] = CircuitRole::ev;
  s.settings.battery_serves[CircuitRole::ev] = false;
  s.snapshot.absorb({{circuit(0), Measure::power}, 700.0, s.now});
  s.snapshot.absorb({{circuit(1), Measure::power}, watts, s.now - 2s});
}

INSTANTIATE_TEST_SUITE_P(
    ExcludedLoad, Limits,
    testing::Values(
        Row{"a car", limit_excluded_load, [](Seen& s) { with_car(s, 1000); }, -2000, all,
            Cause::excluded_load},
        Row{"a car, and the grid shall export", limit_excluded_load,
            [](Seen& s) {
              with_car(s, 1000);
              s.settings.grid_setpoint = Watts{-50};
            },
            -2050, all, Cause::excluded_load},
        Row{"a car that takes more than all that is bought", limit_excluded_load,
            [](Seen& s) { with_car(s, 3500); }, 0, all, Cause::excluded_load},
        Row{"two circuits", limit_excluded_load,
            [](Seen& s) {
              with_car(s, 1000);
              s.settings.battery_serves[CircuitRole::heatpump] = false;
            },
            -1300, all, Cause::excluded_load},
        Row{"the smallest car", limit_excluded_load, [](Seen& s) { with_car(s, 0.5); }, -2999.5,
            all, Cause::excluded_load},
        allows("a car that takes nothing", limit_excluded_load, [](Seen& s) { with_car(s, 0); }),
        allows("a car that gives", limit_excluded_load, [](Seen& s) { with_car(s, -500); }),
        Row{"one that gives makes no room for another", limit_excluded_load,
            [](Seen& s) {
              with_car(s, -500);
              s.settings.battery_serves[CircuitRole::heatpump] = false;
            },
            -2300, all, Cause::excluded_load},
        allows("a car that is served", limit_excluded_load,
               [](Seen& s) {
                 with_car(s, 1000);
                 s.settings.battery_serves[CircuitRole::ev] = true;
               }),
        allows("the house's need is not known", limit_excluded_load,
               [](Seen& s) {
                 with_car(s, 1000);
                 s.observation.rest.reset();
               }),
        allows("an instructed discharge is a rate", limit_excluded_load,
               [](Seen& s) {
                 with_car(s, 1000);
                 s.rule(Authority::manual, of(InstructionKind::discharge));
               }),
        allows("nobody rules", limit_excluded_load,
               [](Seen& s) {
                 with_car(s, 1000);
                 s.memory.policy.authority_state(Authority::balance).instruction.reset();
               }),
        Row{"a reading of the maximum age", limit_excluded_load,
            [](Seen& s) {
              with_car(s, 1000);
              s.settings.meter_max_age = 2s;
            },
            -2000, all, Cause::excluded_load},
        no_discharge("an older reading", limit_excluded_load, Cause::excluded_load_stale,
                     [](Seen& s) {
                       with_car(s, 1000);
                       s.settings.meter_max_age = 2s - 1ns;
                     }),
        no_discharge("no reading", limit_excluded_load, Cause::excluded_load_stale, [](Seen& s) {
          with_car(s, 1000);
          s.snapshot = {};
        })));

INSTANTIATE_TEST_SUITE_P(
    Installation, Limits,
    testing::Values(
        Row{"the rating", limit_inverter_rating,
            [](Seen& s) {
              s.settings.inverter_rating = 1700.0_W;
              s.settings.charger_current = 35.0_A;
            },
            -1700, 1700, Cause::inverter_rating, Cause::inverter_rating},
        Row{"its charger", limit_inverter_rating,
            [](Seen& s) {
              s.settings.inverter_rating = 2400.0_W;
              s.settings.charger_current = 35.0_A;
            },
            -2400, 1750, Cause::inverter_rating, Cause::inverter_rating},
        allows("it follows", limit_derating, [](Seen& s) { s.memory.following.most = 900.0_W; }),
        Row{"it holds back charging",
            limit_derating,
            [](Seen& s) {
              s.memory.following.derating = true;
              s.memory.following.most = 900.0_W;
            },
            -all,
            900,
            {},
            Cause::inverter_derating},
        Row{"it holds back discharging", limit_derating,
            [](Seen& s) {
              s.memory.following.derating = true;
              s.memory.following.most = Watts{-900};
            },
            -900, all, Cause::inverter_derating},
        Row{"its transfer switch", limit_transfer_switch,
            [](Seen& s) {
              s.settings.transfer_switch = 20.0_A;
              s.observation.ac_out = 1000.0_W;
            },
            -5600, 3600, Cause::transfer_switch, Cause::transfer_switch},
        Row{"a smaller fuse", limit_transfer_switch, [](Seen& s) { s.settings.main_fuse = 10.0_A; },
            -2300, 2300, Cause::transfer_switch, Cause::transfer_switch},
        no_charge("more load than it carries", limit_transfer_switch, Cause::transfer_switch,
                  [](Seen& s) { s.observation.ac_out = 9000.0_W; }),
        Row{"the fuse and the house", limit_grid_caps,
            [](Seen& s) {
              s.settings.main_fuse = 20.0_A;
              s.observation.rest = 3000.0_W;
            },
            -7600, 1600, Cause::main_fuse, Cause::main_fuse},
        Row{"what the owner allows", limit_configured_power,
            [](Seen& s) {
              s.settings.charge_limit = 1200.0_W;
              s.settings.discharge_limit = 800.0_W;
            },
            -800, 1200, Cause::discharge_limit, Cause::charge_limit},
        allows("no caps", limit_grid_caps, [](Seen& s) { s.observation.rest = 500.0_W; }),
        Row{"an import cap",
            limit_grid_caps,
            [](Seen& s) {
              s.observation.rest = 500.0_W;
              s.settings.import_cap = 2000.0_W;
            },
            -all,
            1500,
            {},
            Cause::import_cap},
        no_charge("an import cap that the house exceeds alone", limit_grid_caps, Cause::import_cap,
                  [](Seen& s) {
                    s.observation.rest = 2500.0_W;
                    s.settings.import_cap = 2000.0_W;
                  }),
        Row{"an export cap", limit_grid_caps,
            [](Seen& s) {
              s.observation.rest = 500.0_W;
              s.settings.export_cap = 2000.0_W;
            },
            -2500, all, Cause::export_cap},
        no_discharge("an export cap that the sun exceeds alone", limit_grid_caps, Cause::export_cap,
                     [](Seen& s) {
                       s.observation.rest = Watts{-2500};
                       s.settings.export_cap = 2000.0_W;
                     }),
        Row{"an export cap with witness, of an inverter that does more than it is told",
            limit_grid_caps,
            [](Seen& s) {
              s.observation.rest = 500.0_W;
              s.settings.export_cap = 2000.0_W;
              s.settings.witness = true;
              s.memory.loop.inverter = {WattsPerSecond{1000}, Seconds{0.1}, 1.25, Watts{}};
            },
            -2000, all, Cause::export_cap},
        Row{"the same of one that does less", limit_grid_caps,
            [](Seen& s) {
              s.observation.rest = 500.0_W;
              s.settings.export_cap = 2000.0_W;
              s.settings.witness = true;
              s.memory.loop.inverter = {WattsPerSecond{1000}, Seconds{0.1}, 0.8, Watts{}};
            },
            -2500, all, Cause::export_cap},
        Row{"the same without witness", limit_grid_caps,
            [](Seen& s) {
              s.observation.rest = 500.0_W;
              s.settings.export_cap = 2000.0_W;
              s.memory.loop.inverter = {WattsPerSecond{1000}, Seconds{0.1}, 1.25, Watts{}};
            },
            -2500, all, Cause::export_cap},
        Row{"a lock-out of export", limit_grid_caps,
            [](Seen& s) {
              s.observation.rest = 500.0_W;
              s.memory.export_watch.locked_until = s.now + 1s;
            },
            -500, all, Cause::export_lockout},
        no_discharge("a lock-out by a meter that may be reversed", limit_grid_caps,
                     Cause::export_lockout,
                     [](Seen& s) {
                       s.observation.rest = 500.0_W;
                       s.memory.sign.suspected = s.now;
                       s.memory.export_watch.locked_until = s.now + 1s;
                     }),
        no_discharge("a lock-out by a meter that is reversed", limit_grid_caps,
                     Cause::export_lockout,
                     [](Seen& s) {
                       s.observation.rest = 500.0_W;
                       s.memory.sign.reversed = true;
                       s.memory.export_watch.locked_until = s.now + 1s;
                     }),
        no_discharge("a lock-out of export in the sun", limit_grid_caps, Cause::export_lockout,
                     [](Seen& s) {
                       s.observation.rest = Watts{-300};
                       s.memory.export_watch.locked_until = s.now + 1s;
                     }),
        allows("caps, but the house's need is not known", limit_grid_caps,
               [](Seen& s) { s.settings.import_cap = s.settings.export_cap = 2000.0_W; })));

INSTANTIATE_TEST_SUITE_P(Slew, Limits,
                         testing::Values(Row{"after a period", limit_slew,
                                             [](Seen& s) {
                                               s.settings.slew = WattsPerSecond{500};
                                               s.memory.battery_power = 300.0_W;
                                               s.memory.last_tick = s.now - 100ms;
                                             },
                                             250, 350, Cause::slew, Cause::slew},
                                         Row{"after a second", limit_slew,
                                             [](Seen& s) {
                                               s.settings.slew = WattsPerSecond{500};
                                               s.memory.last_tick = s.now - 1s;
                                             },
                                             -500, 500, Cause::slew, Cause::slew},
                                         Row{"a long pause counts as a second", limit_slew,
                                             [](Seen& s) {
                                               s.settings.slew = WattsPerSecond{500};
                                               s.memory.last_tick = s.now - 20s;
                                             },
                                             -500, 500, Cause::slew, Cause::slew},
                                         Row{"at the first tick", limit_slew, nothing, 0, 0,
                                             Cause::slew, Cause::slew}));

}  // namespace
}  // namespace esshub::control
