// What each target proposes, and when it has nothing to propose.
#include "control/targets.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "control/loop/load_estimate.hpp"

namespace esshub::control {
namespace {

/// A house that takes `rest` W from the grid while the battery rests.
struct Seen {
  Settings settings;
  Snapshot snapshot;
  Instant now{1000s};
  Observation observation;
  Memory memory;

  explicit Seen(double rest) {
    observation.grid_ok = observation.bms_ok = observation.inverter_ok = true;
    observation.ac_out = 0.0_W;
    observation.rest = Watts{rest};
    settings.force_charge_power = 500.0_W;
  }
  AuthorityState& state(Authority who) {
    memory.policy.authority = who;
    return memory.policy.authority_state(who);
  }
  std::optional<Proposal> proposal(Target target) {
    return target({.settings = settings, .snapshot = snapshot, .now = now, .local = {}},
                  observation, memory);
  }
};

constexpr Instruction of(InstructionKind kind) {
  return {.kind = kind, .power = 700.0_W, .target = 50.0_soc};
}

struct Row {
  InstructionKind kind;
  std::vector<bool AuthorityState::*> reached;
  double surplus;  ///< of the sun, W
  double power;
  Cause cause;
};

/// docs/policy.md.
TEST(Targets, AnInstructionProposesWhatItsMarksSay) {
  using enum InstructionKind;
  constexpr auto bought = &AuthorityState::bought;
  constexpr auto stored = &AuthorityState::stored;
  constexpr auto served = &AuthorityState::served;
  constexpr auto sold = &AuthorityState::sold;
  const Row rows[] = {
      {charge, {}, 300, 700, Cause::charge},
      {charge, {}, 900, 900, Cause::charge},
      {charge, {served}, -300, 700, Cause::charge},
      {charge, {bought, served}, 300, 300, Cause::self_consumption},
      {charge, {bought}, -300, -300, Cause::self_consumption},
      {discharge, {}, 300, -700, Cause::discharge},
      {discharge, {}, -900, -700, Cause::discharge},
      {discharge, {stored}, 300, -700, Cause::discharge},
      {discharge, {stored, served, sold}, 300, 0, Cause::target_reached},
      {discharge, {served, sold}, 300, 300, Cause::self_consumption},
      {balance, {}, 300, 300, Cause::self_consumption},
      {balance, {served}, -300, -300, Cause::self_consumption},
      {idle, {stored, served}, 300, 0, Cause::idle},
      {idle, {stored, served}, -300, 0, Cause::idle},
      {idle, {served}, 300, 300, Cause::self_consumption},
      {idle, {stored}, -300, -300, Cause::self_consumption},
  };
  const struct {
    Authority who;
    Target target;
  } targets[] = {{Authority::manual, target_override},
                 {Authority::dispatch, target_dispatch},
                 {Authority::schedule, target_schedule}};
  for (const auto& [who, target] : targets)
    for (const auto& row : rows) {
      Seen seen{-row.surplus};
      EXPECT_FALSE(seen.proposal(target)) << "no instruction";
      auto& state = seen.state(who);
      state = {of(row.kind), marks(of(row.kind))};
      for (const auto mark : row.reached) state.*mark = true;
      const auto proposal = seen.proposal(target);
      ASSERT_TRUE(proposal);
      EXPECT_NEAR(proposal->battery_power.value(), row.power, 1e-9) << name(row.kind);
      EXPECT_EQ(name(proposal->cause), name(row.cause)) << name(row.kind);
    }
}

TEST(Targets, WithoutAGridMeterOrItsEstimateNothingIsBalanced) {
  for (const bool meter : {true, false}) {
    Seen seen{-300};
    if (meter)
      seen.observation.rest.reset();
    else
      seen.observation.grid_ok = false;
    EXPECT_FALSE(seen.proposal(target_self_consumption));
    seen.state(Authority::manual).instruction = of(InstructionKind::balance);
    EXPECT_EQ(seen.proposal(target_override)->battery_power, Watts{});
    EXPECT_EQ(seen.proposal(target_override)->cause, Cause::idle);
  }
  EXPECT_EQ(Seen{-300}.proposal(target_self_consumption)->cause, Cause::self_consumption);
}

TEST(Targets, TheTariffBuysUpToItsMarkAndThenBalances) {
  Seen seen{-300};
  EXPECT_FALSE(seen.proposal(target_tariff));
  auto& state = seen.state(Authority::tariff);
  state = {of(InstructionKind::charge), marks(of(InstructionKind::charge))};
  EXPECT_EQ(seen.proposal(target_tariff)->battery_power, 700.0_W);
  EXPECT_EQ(seen.proposal(target_tariff)->cause, Cause::cheap_charge);
  state.bought = true;
  EXPECT_EQ(seen.proposal(target_tariff)->battery_power, 300.0_W);
  EXPECT_EQ(seen.proposal(target_tariff)->cause, Cause::self_consumption);
  state = {of(InstructionKind::balance), marks(of(InstructionKind::balance))};
  EXPECT_EQ(seen.proposal(target_tariff)->battery_power, 300.0_W);
}

/// docs/policy.md: at force_charge_w or with the solar surplus.
TEST(Targets, TheBmssNeedIsChargedGentlyOrWithALargerSurplus) {
  const struct {
    Target target;
    void (*need)(Seen&);
    Cause cause;
  } rows[] = {
      {target_force_charge, [](Seen& s) { s.observation.force_charge = true; },
       Cause::force_charge},
      {target_full_charge, [](Seen& s) { s.memory.policy.full_charge = true; }, Cause::full_charge},
  };
  for (const auto& row : rows)
    for (const auto& [surplus, power] : {std::pair{-800, 500}, {499, 500}, {800, 800}}) {
      Seen seen{static_cast<double>(-surplus)};
      EXPECT_FALSE(seen.proposal(row.target)) << "not needed";
      row.need(seen);
      EXPECT_NEAR(seen.proposal(row.target)->battery_power.value(), power, 1e-9);
      EXPECT_EQ(seen.proposal(row.target)->cause, row.cause);
      seen.observation.rest.reset();
      EXPECT_EQ(seen.proposal(row.target)->battery_power, 500.0_W) << "surplus not known";
    }
  Seen lost{0};
  lost.observation.force_charge = true;
  lost.observation.bms_ok = false;
  EXPECT_FALSE(lost.proposal(target_force_charge));
}

TEST(Targets, TheLastOneRests) {
  Seen seen{-300};
  EXPECT_EQ(seen.proposal(target_idle)->battery_power, Watts{});
  EXPECT_EQ(seen.proposal(target_idle)->cause, Cause::idle);
}

}  // namespace
}  // namespace esshub::control
