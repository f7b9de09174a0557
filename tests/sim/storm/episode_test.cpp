#include "sim/storm/episode.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "control/step.hpp"
#include "service/feeds.hpp"
#include "sim/storm/command.hpp"
#include "sim/storm/judge.hpp"
#include "sim/storm/machine.hpp"
#include "sim/storm/shorten.hpp"

namespace esshub::sim::storm {
namespace {

constexpr Duration length = 240s;

InjectionKinds kinds(std::string_view list) {
  std::string unknown;
  return parse_kinds(list, unknown).value();
}

/// A house in which nothing goes wrong but what the test puts in.
Plan calm_plan() {
  Plan plan = make_plan(6, length, kinds("none"));
  plan.orders.clear();
  plan.prices.clear();
  plan.loop.control = control::Settings{};
  plan.plant.house.battery.soc_percent = 60.0;
  plan.plant.house.ac_out_share = 0.0;
  plan.load = {{0s, 900.0_W}};
  plan.solar = {{0s, Watts{}}};
  return plan;
}

Plan with(Injection injection) {
  Plan plan = calm_plan();
  plan.weather = {injection};
  return plan;
}

std::string broken(const Plan& plan) {
  return play(plan).broken.value_or("");
}

/// The hub's own control, and what somebody does to its decision.
control::StepFunction spoilt(std::function<void(Decision&)> spoil) {
  return [spoil = std::move(spoil)](const control::Inputs& inputs, control::Memory& memory) {
    Decision decision = control::step(inputs, memory);
    spoil(decision);
    return decision;
  };
}

TEST(StormEpisode, IsTheSameEveryTimeAndAnotherForAnotherSeed) {
  const auto first = play(make_plan(11, length, kinds("all")));
  EXPECT_EQ(first.hash, play(make_plan(11, length, kinds("all"))).hash);
  EXPECT_NE(first.hash, play(make_plan(12, length, kinds("all"))).hash);
  EXPECT_GT(first.ticks, 1000u);
}

TEST(StormPlan, DrawsHowOftenItIsDecidedAndForHowLongThatHolds) {
  std::set<Duration> periods, lives;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto settings = make_plan(seed, length, kinds("none")).loop.control;
    EXPECT_TRUE(control::validate(settings).empty()) << seed;
    periods.insert(settings.period);
    lives.insert(settings.setpoint_life);
  }
  EXPECT_EQ(*periods.begin(), 10ms);
  EXPECT_EQ(*periods.rbegin(), 1s);
  EXPECT_EQ(*lives.begin(), 200ms);
  EXPECT_EQ(*lives.rbegin(), 5s);
}

TEST(StormPlan, TellsPricesInAFormThatIsReadWhereThereIsATariff) {
  std::set<FeedKind> kinds_told;
  bool negative = false;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Plan plan = make_plan(seed, 900s, kinds("none"));
    const auto& tariff = plan.loop.control.tariff;
    EXPECT_TRUE(plan.prices.empty() || tariff.import_price) << seed;
    for (const auto& told : plan.prices) {
      const auto read = service::read_told(service::feed_text(told.feed), tariff);
      ASSERT_TRUE(read.has_value()) << seed << ": " << read.error().detail;
      EXPECT_EQ(*read, told.feed);
      kinds_told.insert(told.feed.kind);
      for (const auto& slot : told.feed.slots) negative |= slot.value < 0.0;
    }
  }
  EXPECT_EQ(kinds_told, (std::set{FeedKind::import_price, FeedKind::export_price}));
  EXPECT_TRUE(negative);
}

TEST(StormEpisode, GoesByThePricesThatAreToldOnceTheTimeIsKnown) {
  Plan plan = calm_plan();
  plan.loop.control.tariff.currency = "EUR";
  plan.loop.control.tariff.import_price = 0.30;
  plan.wall = WallTime{1'790'000'000s};
  plan.clock_synchronised = true;
  const auto tell = [&](Duration at, double price) {
    const auto now = service::unix_seconds(plan.wall + at);
    plan.prices.push_back({at,
                           {.unit = "EUR/kWh",
                            .source = "test",
                            .issued = now,
                            .valid_until = now + 3600,
                            .slots = {{now, now + 3600, price}}}});
  };
  tell(100s, -0.10);
  tell(150s, 0.20);
  const auto told = play(plan);
  EXPECT_EQ(told.broken.value_or(""), "");
  EXPECT_EQ(told.coverage.prices_taken, 2u);
  EXPECT_NEAR(static_cast<double>(told.coverage.negative_s), 50.0, 2.0);
  plan.clock_synchronised = false;
  const auto refused = play(plan);
  EXPECT_EQ(refused.coverage.prices_refused, 2u);
  EXPECT_EQ(refused.coverage.negative_s, 0u);
}

TEST(StormEpisode, ACalmOneBreaksNothingAndHoldsTheGrid) {
  const auto result = play(calm_plan());
  EXPECT_EQ(result.broken.value_or(""), "");
  EXPECT_GT(result.coverage.setpoints, 200u);
}

TEST(StormEpisode, ASetpointOnStaleDataIsFoundOut) {
  Plan plan = with({.what = Injected::line_off, .bus = Bus::meters, .begin = 60s, .length = 20s});
  EXPECT_EQ(broken(plan), "");
  plan.loop.controller = spoilt([kept = Watts{}](Decision& d) mutable {
    if (d.faults.active(Fault::grid_meter_lost))
      d.setpoint.ac_power = kept;
    else
      kept = d.setpoint.ac_power;
  });
  EXPECT_TRUE(broken(plan).starts_with("F1 at 6")) << broken(plan);
}

TEST(StormEpisode, AFaultThatIsNotToldIsFoundOut) {
  Plan plan = with({.what = Injected::line_off, .bus = Bus::battery, .begin = 60s, .length = 20s});
  EXPECT_EQ(broken(plan), "");
  plan.loop.controller = spoilt([](Decision& d) { d.faults = FaultSet{}; });
  EXPECT_TRUE(broken(plan).starts_with("F4 at 6")) << broken(plan);
}

TEST(StormEpisode, ALimitThatIsIgnoredIsFoundOut) {
  Plan plan =
      with({.what = Injected::bms_limits, .bus = Bus::battery, .begin = 60s, .length = 20s});
  EXPECT_EQ(broken(plan), "");
  plan.loop.controller = spoilt([at = Instant{}, first = Instant{}](Decision& d) mutable {
    if (first == Instant{}) first = d.at;
    at = d.at;
    if (d.setpoint.mode == InverterMode::follow && d.reasons.has(Cause::bms_discharge_disabled))
      d.setpoint.ac_power = -900.0_W;
  });
  EXPECT_TRUE(broken(plan).starts_with("I2 at 6")) << broken(plan);
}

TEST(StormEpisode, PowerWithinTenSecondsOfTheStartIsFoundOut) {
  Plan plan = with({.what = Injected::hub_killed, .begin = 60s, .length = 5s});
  EXPECT_EQ(broken(plan), "");
  plan.loop.controller = spoilt([](Decision& d) {
    if (d.reasons.has(Cause::starting)) d.setpoint.ac_power = -900.0_W;
  });
  EXPECT_TRUE(broken(plan).starts_with("I12 at ")) << broken(plan);
}

/// With long periods it is back before its last setpoint has ended.
TEST(StormEpisode, WhatADeadControlDecidedIsNotWrittenOnceItIsBack) {
  Plan plan = with({.what = Injected::actor_death, .begin = 60s, .first = 1.0});
  plan.loop.control.period = 1s;
  plan.loop.control.setpoint_life = 5s;
  EXPECT_EQ(broken(plan), "");
}

TEST(StormEpisode, PowerAfterAStallIsFoundOut) {
  Plan plan = with({.what = Injected::control_stall, .begin = 60s, .length = 700ms});
  EXPECT_EQ(broken(plan), "");
  plan.loop.controller = spoilt([](Decision& d) {
    if (d.reasons.has(Cause::control_overrun)) d.setpoint.ac_power = -900.0_W;
  });
  EXPECT_TRUE(broken(plan).starts_with("F10 at 60.")) << broken(plan);
}

/// The hub is held to what the inverter told of the load, and to no less.
TEST(StormEpisode, AStuckInverterExcusesNoPowerThatWasCommandedByItsWord) {
  Plan plan =
      with({.what = Injected::line_stuck, .bus = Bus::inverter, .begin = 60s, .length = 40s});
  plan.plant.house.ac_out_share = 1.0;
  plan.loop.control.discharge_limit = 500.0_W;
  plan.load = {{0s, 400.0_W}, {70s, 1800.0_W}};
  EXPECT_EQ(broken(plan), "");
  plan.loop.controller = spoilt([start = Instant{}](Decision& d) mutable {
    if (start == Instant{}) start = d.at;
    if (d.at - start > 80s && d.setpoint.mode == InverterMode::follow)
      d.setpoint.ac_power = -300.0_W;  // 700 W by the word, 2100 W by the truth
  });
  EXPECT_TRUE(broken(plan).starts_with("I2 at 8")) << broken(plan);
}

/// What the BMS said 4 s before the bus came back waits in the kernel until then.
TEST(StormEpisode, WhatWaitedWhileABusHungIsNotPublishedAsCurrent) {
  Plan plan =
      with({.what = Injected::actor_stuck, .bus = Bus::battery, .begin = 60s, .length = 10s});
  plan.weather.push_back(
      {.what = Injected::line_off, .bus = Bus::battery, .begin = 66s, .length = 20s});
  EXPECT_EQ(broken(plan), "");
}

/// As above, of a hub that stands still.
TEST(StormEpisode, WhatWaitedWhileTheHubStoodStillIsNotPublishedAsCurrent) {
  Plan plan = with({.what = Injected::control_stall, .begin = 60s, .length = 10s});
  plan.weather.push_back(
      {.what = Injected::line_off, .bus = Bus::battery, .begin = 66s, .length = 20s});
  EXPECT_EQ(broken(plan), "");
}

/// The BMS says at 60 s that nothing may be discharged, where the hub must not go by its words.
TEST(StormEpisode, WhatAFloodedLineOrAStuckPartBringsIsNoWordOfTheBmsButItsSilence) {
  for (const auto why : {Injected::line_flood, Injected::actor_stuck}) {
    Plan plan = with({.what = why, .bus = Bus::battery, .begin = 60s, .length = 10s});
    plan.weather.push_back(
        {.what = Injected::bms_limits, .bus = Bus::battery, .begin = 60s, .length = 20s});
    EXPECT_EQ(broken(plan), "");
    plan.loop.controller = spoilt([kept = Watts{}](Decision& d) mutable {
      if (d.faults.active(Fault::bms_lost))
        d.setpoint.ac_power = kept;
      else
        kept = d.setpoint.ac_power;
    });
    EXPECT_TRUE(broken(plan).starts_with("F4 at 6")) << broken(plan);
  }
}

TEST(StormEpisode, ALineThatIsOpenedInAFloodIsHeardAgain) {
  Plan plan =
      with({.what = Injected::line_flood, .bus = Bus::battery, .begin = 60s, .length = 60s});
  plan.weather.push_back(
      {.what = Injected::line_unplug, .bus = Bus::battery, .begin = 65s, .length = 2s});
  EXPECT_EQ(broken(plan), "");
}

TEST(StormEpisode, AMeterIsFrozenFromItsFirstReplyToThisHub) {
  Plan plan = with({.what = Injected::line_stuck, .bus = Bus::meters, .begin = 60s, .length = 30s});
  EXPECT_EQ(broken(plan), "");
  plan.loop.controller = spoilt([kept = Watts{}](Decision& d) mutable {
    if (d.faults.active(Fault::grid_meter_lost))
      d.setpoint.ac_power = kept;
    else
      kept = d.setpoint.ac_power;
  });
  EXPECT_TRUE(broken(plan).starts_with("F2 at 7")) << broken(plan);
  plan.weather.push_back({.what = Injected::hub_killed, .begin = 65s, .length = 500ms});
  EXPECT_EQ(broken(plan), "");
}

TEST(StormJudge, ASetpointThatNobodyDecidedAndALatchThatIsForgottenAreFoundOut) {
  const Instant start{1000s};
  const House house{{}};
  Judge late({}, start);
  late.on_setpoint(100.0_W, house, house.inverter_truth(), start + 20s);
  EXPECT_TRUE(late.verdict().value().starts_with("I6"));
  Judge kept({}, start);
  kept.on_restart(true, true, start);
  EXPECT_FALSE(kept.verdict());
  kept.on_restart(true, false, start);
  EXPECT_TRUE(kept.verdict().value().starts_with("I12"));
}

/// A judge of a hub whose battery moves by 500 W, as it was decided, whatever the wires bring.
struct Watched {
  control::Settings settings{};
  Instant now{1000s};
  House house{{}};
  Judge judge{settings, now};

  explicit Watched(control::Settings s) : settings(std::move(s)), judge(settings, now) {}
  explicit Watched(bool witness = false) : Watched(witnessed(witness)) {}
  static control::Settings witnessed(bool on) {
    control::Settings s;
    s.witness = on;
    return s;
  }
  void command(double w) { judge.on_setpoint(Watts{w}, house, house.inverter_truth(), now); }
  void decide(double w) {
    Decision decision;
    decision.setpoint.mode = InverterMode::follow;
    decision.setpoint.ac_power = Watts{w};
    judge.on_decision(decision, now);
  }
  void meter(float w) {
    judge.on_meter({.unit = 1, .start = 12, .values = {w, 0.0f, 0.0f}}, true, now);
  }
  [[nodiscard]] std::string verdict() const { return judge.verdict().value_or(""); }
};

TEST(StormJudge, AGridPowerThatIsPublishedThoughTheMeterIsSilentIsFoundOut) {
  for (const bool witness : {false, true}) {
    Watched hub{witness};
    hub.meter(500.0f);
    hub.now += (witness ? 1s : 3s) + 600ms;
    hub.judge.on_published("esshub/x/state/grid_power", "500", hub.now);
    EXPECT_EQ(hub.verdict(), "");
    hub.now += 20ms;
    hub.judge.on_published("esshub/x/state/grid_power", "None", hub.now);
    EXPECT_EQ(hub.verdict(), "");
    hub.judge.on_published("esshub/x/state/grid_power", "500", hub.now);
    EXPECT_TRUE(hub.verdict().starts_with("I10")) << hub.verdict();
  }
}

TEST(StormJudge, AStateOfChargeThatIsPublishedThoughTheBmsIsSilentIsFoundOut) {
  Watched hub;
  hub.judge.on_bms({.id = 0x355u, .size = 8}, true, hub.now);
  hub.now += 3s + 600ms;
  hub.judge.on_bms({.id = 0x351u, .size = 8}, true, hub.now);
  hub.judge.on_published("esshub/x/state/battery_soc", "50", hub.now);
  EXPECT_EQ(hub.verdict(), "");
  hub.now += 20ms;
  hub.judge.on_published("esshub/x/state/battery_soc", "None", hub.now);
  hub.judge.on_published("esshub/x/state/battery_soh", "50", hub.now);
  EXPECT_EQ(hub.verdict(), "");
  hub.judge.on_published("esshub/x/state/battery_soc", "50", hub.now);
  EXPECT_TRUE(hub.verdict().starts_with("I10")) << hub.verdict();
}

TEST(StormJudge, AControlWithLongerPeriodsActsThatMuchLater) {
  for (const auto period : {20ms, 1000ms})
    for (const bool late : {false, true}) {
      control::Settings settings;
      settings.period = period;
      Watched hub{settings};
      hub.meter(500.0f);
      hub.now += 3s + 1460ms + 2 * period + (late ? 1ms : 0ms);
      hub.decide(500.0);
      hub.command(500.0);
      EXPECT_EQ(hub.verdict().substr(0, 2), late ? "F1" : "F4") << period.count();
    }
}

TEST(StormJudge, AControlWithLongerPeriodsTellsOfWhatItNeverHeardThatMuchLater) {
  for (const auto period : {20ms, 1000ms}) {
    control::Settings settings;
    settings.period = period;
    Watched hub{settings};
    hub.judge.on_control_started(hub.now);
    const FaultSet none;
    const auto step = [&](Duration t) {
      hub.now = Instant{1000s} + t;
      hub.judge.on_step(hub.house, hub.house.inverter_truth(),
                        {.running = true, .control = true, .inverter = true, .faults = &none},
                        hub.now);
    };
    step(0ms);
    step(15'960ms + 2 * period - 1ms);
    EXPECT_EQ(hub.verdict(), "") << period.count();
    step(15'960ms + 2 * period);
    EXPECT_EQ(hub.verdict().substr(0, 2), "F1") << period.count();
  }
}

TEST(StormJudge, AControlBeginsWithItsFirstDecisionOrWithoutOneAtOnce) {
  for (const Duration first : {Duration{0ms}, Duration{2400ms}, Duration{1h}}) {
    Watched hub;
    const Instant start = hub.now;
    const FaultSet none;
    hub.judge.on_control_started(start);
    Duration told{};
    for (Duration t{}; hub.verdict().empty() && t < 30s; t += 20ms) {
      hub.now = start + t;
      if (t >= first) hub.decide(0.0);
      hub.judge.on_step(hub.house, hub.house.inverter_truth(),
                        {.running = true, .control = true, .inverter = true, .faults = &none},
                        hub.now);
      told = t;
    }
    EXPECT_EQ(hub.verdict().substr(0, 2), "F1");
    EXPECT_EQ(told, (first < 1h ? first : 0ms) + 16s);
  }
}

TEST(StormEpisode, AControlThatStandsStillBeforeItsFirstDecisionWatchesFromThatOn) {
  Plan plan = with({.what = Injected::hub_killed, .begin = 60s, .length = 5s});
  plan.weather.push_back(
      {.what = Injected::line_off, .bus = Bus::meters, .begin = 60s, .length = 40s});
  plan.weather.push_back({.what = Injected::control_stall, .begin = 65010ms, .length = 2400ms});
  EXPECT_EQ(broken(plan), "");
  plan.loop.controller = spoilt([](Decision& d) { d.faults = FaultSet{}; });
  EXPECT_TRUE(broken(plan).starts_with("F1 at 83.4")) << broken(plan);
}

TEST(StormJudge, TwoStandstillsThatOverlapAreOne) {
  const Injection stall{.what = Injected::control_stall, .length = 250ms};
  for (const Duration later : {240ms, 260ms}) {
    Watched hub;
    hub.judge.on_injection(stall, true, hub.now);
    hub.now += later;
    hub.judge.on_injection(stall, true, hub.now);
    hub.now += stall.length;
    hub.decide(500.0);
    hub.command(500.0);
    EXPECT_EQ(hub.verdict().substr(0, 3), later < stall.length ? "F10" : "F1 ");
  }
}

TEST(StormPlan, AMachineThatStandsStillAgainAndAgainDecidesInBetween) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Plan plan = make_plan(seed, 900s, kinds("control.stall"));
    for (const auto& first : plan.weather)
      for (const auto& next : plan.weather) {
        if (next.length != first.length || next.begin <= first.begin) continue;
        EXPECT_GE(next.begin, first.begin + 2 * first.length) << seed;
      }
  }
}

TEST(StormJudge, NoiseOfAnotherBusExcusesNoSetpoint) {
  for (const Bus bus : enum_values<Bus>) {
    Watched hub;
    const Injection noise{.what = Injected::line_noise, .bus = bus, .length = 5s};
    hub.judge.on_injection(noise, true, hub.now);
    hub.command(100.0);
    EXPECT_EQ(hub.verdict().substr(0, 2), bus == Bus::inverter ? "" : "I6");
    hub.now += 5s;
    hub.judge.on_injection(noise, false, hub.now);
    hub.now += 1100ms;
    hub.command(100.0);
    EXPECT_EQ(hub.verdict().substr(0, 2), "I6");
  }
}

TEST(StormJudge, NoiseExcusesNothingOfWhatWasDecided) {
  Watched hub;
  hub.judge.on_injection({.what = Injected::line_noise, .bus = Bus::inverter, .length = 5s}, true,
                         hub.now);
  hub.decide(500.0);
  hub.command(500.0);
  EXPECT_EQ(hub.verdict().substr(0, 2), "F1");  // the meter was never heard
}

TEST(StormJudge, AMeterIsFrozenAfterOneAndAHalfSecondsWhereItIsTheWitness) {
  for (const bool witness : {false, true}) {
    Watched hub{witness};
    for (int i = 0; i < 50; ++i) {
      hub.now += 100ms;
      hub.meter(500.0f);
      for (const unsigned id : {0x351u, 0x355u, 0x356u, 0x359u})
        hub.judge.on_bms({.id = id, .size = 8, .data = {}}, true, hub.now);
      hub.decide(500.0);
    }
    hub.command(500.0);
    EXPECT_EQ(hub.verdict().substr(0, 2), witness ? "F2" : "I2") << hub.verdict();
  }
}

TEST(StormJudge, OfWhatIsNotHeardTheAgeRunsOn) {
  const auto verdict = [](std::optional<Bus> unheard) {
    Watched hub;
    const FaultSet none;
    hub.judge.on_control_started(hub.now);
    for (int i = 0; i < 200; ++i) {
      hub.now += 100ms;
      const auto heard = [&](Bus bus) { return bus != unheard; };
      hub.judge.on_meter({.unit = 1, .start = 12, .values = {static_cast<float>(i)}},
                         heard(Bus::meters), hub.now);
      for (const unsigned id : {0x351u, 0x355u, 0x356u, 0x359u})
        hub.judge.on_bms({.id = id, .size = 8, .data = {}}, heard(Bus::battery), hub.now);
      hub.judge.on_inverter({.command = "W", .bytes = {}}, heard(Bus::inverter), hub.now);
      hub.judge.on_step(hub.house, hub.house.inverter_truth(),
                        {.running = true, .control = true, .inverter = true, .faults = &none},
                        hub.now);
    }
    return hub.verdict().substr(0, 2);
  };
  EXPECT_EQ(verdict({}), "");
  EXPECT_EQ(verdict(Bus::meters), "F1");
  EXPECT_EQ(verdict(Bus::battery), "F4");
  EXPECT_EQ(verdict(Bus::inverter), "F6");
}

TEST(StormJudge, AMeterFreezesAlsoWhereItIsNotHeard) {
  Watched hub;
  const auto reply = [&](bool heard) {
    hub.now += 100ms;
    hub.judge.on_meter({.unit = 1, .start = 12, .values = {600.0f}}, heard, hub.now);
  };
  hub.meter(500.0f);
  for (int i = 0; i < 150; ++i) reply(false);
  reply(true);
  hub.decide(500.0);
  hub.command(500.0);
  EXPECT_EQ(hub.verdict().substr(0, 2), "F2") << hub.verdict();
}

TEST(StormEpisode, AHubThatStandsStillFindsTheBrokerAfterwards) {
  Plan plan = calm_plan();
  plan.weather = {{.what = Injected::broker_off, .begin = 50s, .length = 15s},
                  {.what = Injected::control_stall, .begin = 60s, .length = 9s}};
  EXPECT_EQ(broken(plan), "");
}

TEST(StormEpisode, AHubThatStandsStillStopsAfterwards) {
  Plan plan = calm_plan();
  plan.weather = {{.what = Injected::control_stall, .begin = 60s, .length = 10s},
                  {.what = Injected::actor_death, .begin = 61s, .first = 1.0},
                  {.what = Injected::hub_stopped, .begin = 65s, .length = 1s}};
  std::ostringstream trace;
  const auto result = play(plan, {.trace = &trace});
  EXPECT_EQ(result.broken.value_or(""), "");
  EXPECT_NE(trace.str().find("70.000 process stopped"), std::string::npos) << trace.str();
  EXPECT_EQ(result.coverage.starts, 2u);
}

TEST(StormEpisode, TwoThatOverlapEndOneByOne) {
  Plan plan = calm_plan();
  const auto flood = [](Duration begin, Duration lasts) {
    return Injection{
        .what = Injected::line_flood, .bus = Bus::meters, .begin = begin, .length = lasts};
  };
  plan.weather = {flood(60s, 20s), flood(65s, 30s)};
  const auto cleared = [&] {
    std::ostringstream trace;
    static_cast<void>(play(plan, {.trace = &trace}));
    const std::string text = trace.str();
    const auto at = text.find("-line_flooded");
    return at == std::string::npos ? 0.0 : std::stod(text.substr(text.rfind('\n', at) + 1));
  };
  EXPECT_NEAR(cleared(), 95.0, 1.0);
  plan.weather.pop_back();
  EXPECT_NEAR(cleared(), 80.0, 1.0);
}

TEST(StormRecord, IsLinesOfJsonInTheOrderOfTimeFromHeaderToEnd) {
  std::stringstream record;
  const auto result = play(make_plan(11, length, kinds("all")), {.record = &record});
  std::string line;
  std::string first;
  std::string last;
  std::int64_t t = 0;
  while (std::getline(record, line)) {
    const auto json = nlohmann::json::parse(line);
    if (first.empty()) first = json.at("k");
    EXPECT_GE(json.at("t").get<std::int64_t>(), t) << line;
    t = json.at("t");
    last = line;
  }
  EXPECT_EQ(first, "header");
  EXPECT_EQ(nlohmann::json::parse(last).at("k"), "end");
  EXPECT_EQ(nlohmann::json::parse(last).at("ticks"), result.ticks);
}

TEST(StormRecord, ChangesNothingOfTheHistory) {
  std::stringstream record;
  const Plan plan = make_plan(13, length, kinds("all"));
  EXPECT_EQ(play(plan, {.record = &record}).hash, play(plan).hash);
}

TEST(StormDisk, LosesAndTearsOnlyAtAPowerCut) {
  VirtualDisk disk;
  ASSERT_TRUE(disk.replace("old"));
  disk.trouble.lost = true;
  ASSERT_TRUE(disk.replace("new"));
  EXPECT_EQ(disk.read().value(), "new");
  disk.power_cut();
  EXPECT_EQ(disk.read().value(), "old");
  disk.trouble = {.torn_after = 2};
  ASSERT_TRUE(disk.replace("newer"));
  disk.power_cut();
  EXPECT_EQ(disk.read().value(), "ne");
  disk.trouble = {.full = true};
  EXPECT_FALSE(disk.replace("newest"));
  EXPECT_EQ(disk.read().value(), "ne");
}

TEST(StormClocks, AreThoseOfTheMachine) {
  const Instant start{1000s};
  MachineClocks clocks(start, Instant{50h}, WallTime{70s}, true);
  EXPECT_EQ(clocks.steady(start + 5s), Instant{50h + 5s});
  clocks.step(-20s);
  EXPECT_EQ(clocks.wall(start + 5s), WallTime{55s});
  const auto boot = clocks.boot_id();
  clocks.reboot(start + 10s, Instant{5s}, std::nullopt);
  EXPECT_EQ(clocks.steady(start + 11s), Instant{6s});
  EXPECT_EQ(clocks.wall(start + 11s), WallTime{61s});
  EXPECT_NE(clocks.boot_id(), boot);
}

TEST(StormFaults, AreNamedAloneOrByGroup) {
  EXPECT_TRUE(kinds("line,disk.full")[Injected::line_late]);
  EXPECT_TRUE(kinds("line,disk.full")[Injected::disk_full]);
  EXPECT_FALSE(kinds("line,disk.full")[Injected::disk_torn]);
  std::string unknown;
  EXPECT_FALSE(parse_kinds("line,rain", unknown));
  EXPECT_EQ(unknown, "rain");
}

TEST(StormPlan, LeavingFaultsOutMovesNothingElse) {
  const Plan all = make_plan(5, 900s, kinds("all"));
  const Plan none = make_plan(5, 900s, kinds("none"));
  EXPECT_TRUE(none.weather.empty());
  EXPECT_FALSE(all.weather.empty());
  EXPECT_EQ(all.loop.control, none.loop.control);
  EXPECT_EQ(all.load.size(), none.load.size());
  EXPECT_EQ(all.orders.size(), none.orders.size());
  for (const auto& injection : all.weather) EXPECT_LE(injection.end(), 900s - calm_end);
}

TEST(StormShorten, LeavesWhatIsNeeded) {
  Plan plan = calm_plan();
  for (int i = 0; i < 9; ++i)
    plan.weather.push_back({.what = Injected::line_off, .first = static_cast<double>(i)});
  const Plan least = shorten(plan, [](const Plan& p) {
    int needed = 0;
    for (const auto& injection : p.weather)
      needed += injection.first == 2.0 || injection.first == 7.0;
    return needed == 2;
  });
  ASSERT_EQ(least.weather.size(), 2u);
  EXPECT_EQ(least.weather[0].first, 2.0);
  EXPECT_EQ(least.weather[1].first, 7.0);
}

TEST(StormCommand, CountsWhatItReachedAndRefusesAnUnknownFault) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(run_storm({.faults = "rain"}, out, err), 64);
  EXPECT_NE(err.str().find("'rain'"), std::string::npos);
  EXPECT_EQ(run_storm({.seed = 1, .days = 0.003, .faults = "line.off"}, out, err), 0);
  EXPECT_NE(out.str().find("grid_meter_lost"), std::string::npos);
  EXPECT_NE(out.str().find("simulated seconds a second"), std::string::npos);
}

}  // namespace
}  // namespace esshub::sim::storm
