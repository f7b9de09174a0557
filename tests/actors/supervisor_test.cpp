#include "actors/supervisor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>

#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

/// What the fakes do and saw.
struct Stage {
  std::vector<std::string> started;
  std::vector<std::string> ended;
  std::vector<std::string> notified;
  std::vector<ComponentsState> told;  ///< to the control
  std::vector<BusHealth> forwarded;
  caf::actor inverter;  ///< as the control was told
  caf::actor control;   ///< as the publisher was told
  bool acknowledges = true;
  bool publisher_hangs = false;

  [[nodiscard]] auto starts(const std::string& name) const {
    return std::count(started.begin(), started.end(), name);
  }
  [[nodiscard]] auto notes(const std::string& note) const {
    return std::count(notified.begin(), notified.end(), note);
  }
};

caf::behavior fake_part(caf::event_based_actor* self, Stage* stage, std::string name) {
  stage->started.push_back(name);
  self->attach_functor([=] { stage->ended.push_back(name); });
  if (name == "publisher" && stage->publisher_hangs)
    self->set_exit_handler([](caf::exit_msg&) {});  // deaf, like one stuck in a sink
  return {
      [=](const InverterBusStarted& meet) { stage->inverter = meet.bus; },
      [=](const ControlStarted& meet) { stage->control = meet.control; },
      [=](const ComponentsState& state) { stage->told.push_back(state); },
      [=](const BusReport& report) { stage->forwarded.push_back(report.health); },
      [=](const StopControl& stop) {
        self->send(stop.reply_to, ControlStopped{stage->acknowledges});
        self->quit();
      },
  };
}

class SupervisorTest : public testing::Test {
 protected:
  void start() {
    const auto part = [this](const std::string& name) -> Spawn {
      return [this, name](caf::actor_system& system, const caf::actor&) {
        return live_[name] = system.spawn(fake_part, &stage_, name);
      };
    };
    SupervisorDeps parts;
    parts.control = part("control");
    parts.buses = {{"meters", false, part("meters")}, {"inverter", true, part("inverter")}};
    parts.publisher = part("publisher");
    parts.notify = [this](const std::string& state) { stage_.notified.push_back(state); };
    parts.watchdog_period = 1s;
    parts.events = log_.sink();
    supervisor_ = spawn_supervisor(v_.system, std::move(parts));
    v_.run();
  }
  void SetUp() override { start(); }
  void TearDown() override {
    stage_.inverter = stage_.control = {};
    v_.end(supervisor_);
    for (auto& [name, actor] : live_) {
      if (stage_.publisher_hangs && name == "publisher") caf::anon_send(actor, StopControl{actor});
      v_.end(actor);
    }
    live_.clear();
  }

  void beat() {
    caf::anon_send(supervisor_, ControlHeartbeat{true, 1});
    v_.run();
  }
  void report(const std::string& bus) {
    BusReport r;
    r.health.bus = bus;
    r.health.line_up = r.health.driver.ready = true;
    caf::anon_send(supervisor_, r);
    v_.run();
  }
  /// Time passes with everybody well except those named.
  void live(Duration time, const std::vector<std::string>& silent = {}) {
    const auto speaks = [&](const std::string& name) {
      return std::find(silent.begin(), silent.end(), name) == silent.end();
    };
    for (const auto end = v_.now() + time; v_.now() < end;) {
      if (speaks("control")) beat();
      for (const auto* bus : {"meters", "inverter"})
        if (speaks(bus)) report(bus);
      v_.pass(500ms);
    }
  }
  void kill(const std::string& name) { v_.end(live_[name]); }
  /// Stops; the answer, once it came within `time`.
  std::optional<HubStopped> stop(Duration time) {
    std::optional<HubStopped> answer;
    const auto listener = v_.system.spawn(
        [](caf::event_based_actor*, std::optional<HubStopped>* into) -> caf::behavior {
          return {[into](const HubStopped& stopped) { *into = stopped; }};
        },
        &answer);
    caf::anon_send(supervisor_, StopHub{listener});
    v_.run();
    if (!answer) v_.pass(time);
    v_.end(listener);
    return answer;
  }

  Stage stage_;
  EventLog log_;
  VirtualSystem v_;
  std::map<std::string, caf::actor> live_;
  caf::actor supervisor_;
};

TEST_F(SupervisorTest, StartsEverybodyAndIntroducesThem) {
  EXPECT_EQ(stage_.started.size(), 4u);
  EXPECT_EQ(stage_.inverter, live_["inverter"]);
  EXPECT_EQ(stage_.control, live_["control"]);
}

TEST_F(SupervisorTest, ReadyIsSaidOnceWithTheFirstHeartbeatOfTheControl) {
  report("meters");
  EXPECT_EQ(stage_.notes("READY=1"), 0);
  live(3s);
  EXPECT_EQ(stage_.notes("READY=1"), 1);
}

TEST_F(SupervisorTest, TheWatchdogIsFedWhileAllIsWell) {
  live(10s);
  EXPECT_GE(stage_.notes("WATCHDOG=1"), 10);
}

TEST_F(SupervisorTest, TheWatchdogIsNotFedWithoutNewBeats) {
  live(2s);
  const auto fed = stage_.notes("WATCHDOG=1");
  live(3s, {"control"});
  EXPECT_EQ(stage_.notes("WATCHDOG=1"), fed);
}

TEST_F(SupervisorTest, ASilentBusIsStuckAfterFiveSecondsNeverReplacedAndTheWatchdogFed) {
  live(5s, {"meters"});
  EXPECT_EQ(log_.count("supervisor actor_stuck actor=bus.meters"), 0u);
  live(1s, {"meters"});
  EXPECT_EQ(log_.count("supervisor actor_stuck actor=bus.meters"), 1u);
  EXPECT_TRUE(std::any_of(stage_.told.begin(), stage_.told.end(),
                          [](const ComponentsState& s) { return s.stuck && s.hold_safe; }));
  const auto fed = stage_.notes("WATCHDOG=1");
  live(8s, {"meters"});
  EXPECT_EQ(stage_.starts("meters"), 1);
  EXPECT_GE(stage_.notes("WATCHDOG=1"), fed + 8);
}

TEST_F(SupervisorTest, ADeadBusIsStartedAgainAndIntroducedAgain) {
  kill("inverter");
  EXPECT_TRUE(stage_.told.back().stuck);
  live(1s);
  EXPECT_EQ(stage_.starts("inverter"), 2);
  EXPECT_EQ(stage_.inverter, live_["inverter"]);
  EXPECT_FALSE(stage_.told.back().stuck);
  report("inverter");
  EXPECT_EQ(stage_.forwarded.back().restarts, 1u);
}

TEST_F(SupervisorTest, ADeadControlIsStartedAgainAndMeetsEverybody) {
  kill("control");
  live(1s);
  EXPECT_EQ(stage_.starts("control"), 2);
  EXPECT_EQ(stage_.control, live_["control"]) << "the publisher asks the new one";
  stage_.inverter = {};
  kill("control");
  live(2s);
  EXPECT_EQ(stage_.inverter, live_["inverter"]);
}

TEST_F(SupervisorTest, RestartsBackOff) {
  for (int i = 0; i < 3; ++i) {
    kill("meters");
    live(3s);
  }
  EXPECT_EQ(stage_.starts("meters"), 4);
  kill("meters");
  live(3s);
  EXPECT_EQ(stage_.starts("meters"), 4) << "the fourth waits 4 s";
  live(2s);
  EXPECT_EQ(stage_.starts("meters"), 5);
}

TEST_F(SupervisorTest, MoreThanThreeDeathsAnHourHoldTheSafeSetpointUntilTheHourIsClean) {
  for (int i = 0; i < 3; ++i) {
    kill("meters");
    live(5s);
  }
  EXPECT_FALSE(stage_.told.back().hold_safe);
  kill("meters");
  live(10s);
  EXPECT_TRUE(stage_.told.back().hold_safe);
  live(59min);
  EXPECT_TRUE(stage_.told.back().hold_safe);
  live(1min);
  EXPECT_FALSE(stage_.told.back().hold_safe);
}

TEST_F(SupervisorTest, APublisherThatDiesOftenIsRestartedAndHoldsNothing) {
  for (int i = 0; i < 6; ++i) {
    kill("publisher");
    live(40s);
  }
  EXPECT_EQ(stage_.starts("publisher"), 7);
  EXPECT_TRUE(std::none_of(stage_.told.begin(), stage_.told.end(),
                           [](const ComponentsState& s) { return s.hold_safe; }));
}

TEST_F(SupervisorTest, StatusCountsTheReadyBuses) {
  live(1s);
  EXPECT_EQ(stage_.notes("STATUS=2 of 2 buses ready"), 1);
}

TEST_F(SupervisorTest, StopsControlThenBusesThenPublisher) {
  const auto stopped = stop(0s);
  ASSERT_TRUE(stopped);
  EXPECT_TRUE(stopped->acknowledged);
  EXPECT_TRUE(stopped->all_ended);
  ASSERT_EQ(stage_.ended.size(), 4u);
  EXPECT_EQ(stage_.ended.front(), "control");
  EXPECT_EQ(stage_.ended.back(), "publisher");
  EXPECT_EQ(stage_.notes("STOPPING=1"), 1);
}

TEST_F(SupervisorTest, AnUnacknowledgedLastSetpointIsPassedOn) {
  stage_.acknowledges = false;
  const auto stopped = stop(0s);
  ASSERT_TRUE(stopped);
  EXPECT_FALSE(stopped->acknowledged);
}

TEST_F(SupervisorTest, AHangingPublisherIsLeftBehind) {
  stage_.publisher_hangs = true;
  kill("publisher");
  live(1s);
  const auto stopped = stop(500ms);
  ASSERT_TRUE(stopped);
  EXPECT_TRUE(stopped->acknowledged);
  EXPECT_FALSE(stopped->all_ended);
}

TEST_F(SupervisorTest, NothingIsRestartedWhileStopping) {
  stage_.publisher_hangs = true;
  kill("publisher");
  live(1s);
  const auto before = stage_.started.size();
  stop(2s);
  EXPECT_EQ(stage_.started.size(), before);
}

}  // namespace
}  // namespace esshub::actors
