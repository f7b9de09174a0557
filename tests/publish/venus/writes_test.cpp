#include "publish/venus/writes.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "publish/rate_limit.hpp"

namespace esshub::publish {
namespace {

using namespace literals;

const Instant t0 = Instant{} + 1h;
constexpr auto setpoint = "/Hub4/L1/AcPowerSetpoint";
constexpr auto no_charge = "/Hub4/DisableCharge";
constexpr auto no_feed_in = "/Hub4/DisableFeedIn";

class Remote : public testing::Test {
 protected:
  Remote() {
    view.max_age = 3s;
    view.decision.policy.floor = 10.0_soc;
    view.decision.policy.ceiling = 95.0_soc;
    load(200);
  }
  void load(double watts) {
    view.now = now;
    view.snapshot.absorb({{Point::ac_out, Measure::power}, watts, now});
  }
  Result<Command> write(std::string_view path, std::optional<double> value) {
    return remote.write("vebus", path, value, view, now);
  }
  StartDispatch started(const Result<Command>& command) {
    if (!command) {
      ADD_FAILURE() << command.error().detail;
      return {};
    }
    const auto* start = std::get_if<StartDispatch>(&*command);
    EXPECT_TRUE(start);
    return start ? *start : StartDispatch{};
  }

  VenusWrites remote;
  View view;
  Instant now = t0;
};

TEST_F(Remote, TheSetpointIsAtAcInSoTheLoadOnAcOutComesOnTop) {
  auto start = started(write(setpoint, 1200));
  EXPECT_EQ(start.instruction.kind, InstructionKind::charge);
  EXPECT_EQ(start.instruction.power, 1000.0_W);
  EXPECT_EQ(start.instruction.target, 95.0_soc) << "the ceiling";
  start = started(write(setpoint, -800));
  EXPECT_EQ(start.instruction.kind, InstructionKind::discharge);
  EXPECT_EQ(start.instruction.power, 1000.0_W);
  EXPECT_EQ(start.instruction.target, 10.0_soc) << "the floor";
  start = started(write(setpoint, 200));
  EXPECT_EQ(start.instruction.kind, InstructionKind::idle);
}

TEST_F(Remote, ADispatchAlwaysEnds) {
  EXPECT_EQ(started(write(setpoint, 1200)).length, VenusWrites::life);
  now += 20s;
  load(200);
  EXPECT_EQ(started(write(no_charge, 0)).length, VenusWrites::life - 20s)
      << "writing another path does not keep an old setpoint alive";
}

TEST_F(Remote, AnExpiredSetpointIsNotRevived) {
  started(write(setpoint, 1200));
  now += 61s;
  EXPECT_EQ(started(write(no_charge, 1)).instruction.high, 1.0_soc);
}

TEST_F(Remote, WithoutTheLoadOnAcOutTheSetpointIsRefused) {
  view.now = now + 10s;
  const auto command = write(setpoint, 1200);
  ASSERT_FALSE(command);
  EXPECT_EQ(command.error().kind, ErrorKind::invalid);
}

TEST_F(Remote, DisableFlagsBindTheSetpoint) {
  started(write(no_charge, 1));
  EXPECT_EQ(started(write(setpoint, 1200)).instruction.kind, InstructionKind::idle);
  started(write(no_charge, 0));
  started(write(no_feed_in, 1));
  const auto start = started(write(setpoint, -800));
  EXPECT_EQ(start.instruction.kind, InstructionKind::discharge);
  EXPECT_EQ(start.instruction.power, 200.0_W) << "AC-out may be fed, AC-in not";
}

TEST_F(Remote, DisableFlagsAloneNarrowTheHubsOwnBalance) {
  // Idle charges from the sun below its range and serves the house above it.
  auto wish = started(write(no_charge, 1)).instruction;
  EXPECT_EQ(wish.kind, InstructionKind::idle);
  EXPECT_EQ(wish.low, 0.0_soc) << "never charges";
  EXPECT_EQ(wish.high, 1.0_soc);
  wish = started(write(no_feed_in, 1)).instruction;
  EXPECT_EQ(wish.low, 0.0_soc);
  EXPECT_EQ(wish.high, 100.0_soc) << "never discharges either";
  wish = started(write(no_charge, 0)).instruction;
  EXPECT_EQ(wish.low, 99.0_soc);
  EXPECT_EQ(wish.high, 100.0_soc);
}

TEST_F(Remote, InvalidWithdrawsTheWish) {
  started(write(setpoint, 1200));
  const auto command = write(setpoint, std::nullopt);
  ASSERT_TRUE(command);
  EXPECT_TRUE(std::holds_alternative<EndDispatch>(*command));
}

TEST_F(Remote, ARefusedWriteChangesNothing) {
  started(write(setpoint, 1200));
  for (const double value : {32768.0, -32768.0, std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()})
    EXPECT_FALSE(write(setpoint, value)) << value;
  for (const double value : {0.5, 2.0, -1.0}) EXPECT_FALSE(write(no_charge, value)) << value;
  EXPECT_EQ(started(write(no_charge, 0)).instruction.power, 1000.0_W);
}

TEST_F(Remote, OnlyTheHub4PathsAndTheReserveCanBeWritten) {
  for (const auto& [service, path] : {std::pair{"vebus", "/Mode"},
                                      {"grid", setpoint},
                                      {"battery", "/Soc"},
                                      {"settings", "/Settings/CGwacs/Hub4Mode"}}) {
    EXPECT_FALSE(VenusWrites::writable(service, path));
    const auto command = remote.write(service, path, 1, view, now);
    ASSERT_FALSE(command);
    EXPECT_EQ(command.error().kind, ErrorKind::refused);
  }
  EXPECT_TRUE(VenusWrites::writable("vebus", no_feed_in));
}

TEST_F(Remote, TheMinimumSocIsTheReserve) {
  const auto reserve = [&](std::optional<double> value) {
    return remote.write("settings", "/Settings/CGwacs/BatteryLife/MinimumSocLimit", value, view,
                        now);
  };
  EXPECT_EQ(std::get<SetReserve>(*reserve(35)).reserve, 35.0_soc);
  EXPECT_EQ(std::get<SetReserve>(*reserve({})).reserve, std::nullopt);
  EXPECT_FALSE(reserve(100.1));
  EXPECT_FALSE(reserve(-1));
}

TEST(RateLimit, ABurstThenSoManyASecond) {
  RateLimit limit{2, 3};
  int passed = 0;
  for (int i = 0; i < 10; ++i) passed += limit.take(t0);
  EXPECT_EQ(passed, 3);
  EXPECT_FALSE(limit.take(t0 + 400ms));
  EXPECT_TRUE(limit.take(t0 + 500ms));
  EXPECT_FALSE(limit.take(t0 + 500ms));
  EXPECT_FALSE(limit.take(t0)) << "time that goes back gives nothing";
}

}  // namespace
}  // namespace esshub::publish
