#include "actors/supervisor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <map>
#include <optional>
#include <thread>

#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

/// What the fakes do and saw.
struct Stage {
  std::vector<std::string> started;
  std::vector<std::string> ended;
  std::vector<std::string> notified;
  std::vector<ComponentsState> told;  ///< to the control
  std::vector<service::SupervisionMemory> remembered;
  std::vector<SafetyMemory> safety;
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
      [=](const ComponentsState& state) { stage->told.push_back(state); },
      [=](const StopControl& stop) {
        self->send(stop.reply_to, ControlStopped{stage->acknowledges});
        self->quit();
      },
  };
}

class SupervisorTest : public testing::Test {
 protected:
  using Role = service::Supervision::Role;

  void start() {
    SupervisorDeps deps;
    add(deps, "control", "control", Role::control);
    for (const auto& [bus, role] :
         {std::pair{"meters", Role::vital_bus}, std::pair{"inverter", Role::vital_bus},
          std::pair{"garage", Role::bus}}) {
      add(deps, bus, std::string{"bus."} + bus, role);
      deps.parts.back().bus = channels_[bus] = std::make_shared<BusChannel>(bus);
      channels_[bus]->ready = true;
    }
    add(deps, "publisher", "publisher", Role::publisher);
    deps.control = channel_;
    deps.remember_safety = [this](const SafetyMemory& safety) { stage_.safety.push_back(safety); };
    deps.restored = restored_;
    deps.remember = [this](const auto& memory) { stage_.remembered.push_back(memory); };
    deps.notify = [this](const std::string& state) { stage_.notified.push_back(state); };
    deps.watchdog_period = 1s;
    deps.events = log_.sink();
    supervisor_ = spawn_supervisor(v_.system, std::move(deps));
    v_.run();
  }
  void add(SupervisorDeps& deps, const std::string& name, const std::string& part, Role role) {
    const auto heartbeat = beats_[name] = std::make_shared<Heartbeat>();
    deps.parts.push_back({.name = part,
                          .role = role,
                          .spawn =
                              [this, name](caf::actor_system& system) {
                                return live_[name] = system.spawn(fake_part, &stage_, name);
                              },
                          .heartbeat = heartbeat});
  }
  void SetUp() override { start(); }
  void TearDown() override { shut_down(); }
  void shut_down() {
    v_.end(supervisor_);
    for (auto& [name, actor] : live_) {
      if (stage_.publisher_hangs && name == "publisher") caf::anon_send(actor, StopControl{actor});
      v_.end(actor);
    }
    live_.clear();
  }

  /// Time passes with everybody well except those named.
  void live(Duration time, const std::vector<std::string>& silent = {}) {
    for (const auto end = v_.now() + time; v_.now() < end;) {
      for (auto& [name, heartbeat] : beats_)
        if (std::find(silent.begin(), silent.end(), name) == silent.end()) heartbeat->beat();
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
  std::map<std::string, std::shared_ptr<Heartbeat>> beats_;
  std::map<std::string, std::shared_ptr<BusChannel>> channels_;
  std::shared_ptr<ControlChannel> channel_ = std::make_shared<ControlChannel>();
  service::SupervisionMemory restored_;
  caf::actor supervisor_;
};

TEST_F(SupervisorTest, StartsEverybodyOnceAndBeats) {
  EXPECT_EQ(stage_.started.size(), 5u);
  const auto before = channel_->supervisor.beats();
  live(3s);
  EXPECT_EQ(stage_.started.size(), 5u);
  EXPECT_GE(channel_->supervisor.beats(), before + 3);
}

TEST_F(SupervisorTest, ReadyIsSaidOnceWithTheFirstTick) {
  EXPECT_EQ(stage_.notes("READY=1"), 0);
  live(3s, {"control"});
  EXPECT_EQ(stage_.notes("READY=1"), 0);
  live(3s);
  EXPECT_EQ(stage_.notes("READY=1"), 1);
}

TEST_F(SupervisorTest, TheWatchdogIsFedWhileTheControlBeats) {
  live(10s);
  EXPECT_GE(stage_.notes("WATCHDOG=1"), 10);
  const auto fed = stage_.notes("WATCHDOG=1");
  live(10s, {"control"});
  EXPECT_LE(stage_.notes("WATCHDOG=1"), fed + 1);
}

TEST_F(SupervisorTest, ASilentVitalBusIsStuckAndToldAndNeitherReplacedNorTheWatchdogsBusiness) {
  live(2s);
  stage_.told.clear();
  const auto fed = stage_.notes("WATCHDOG=1");
  live(10s, {"meters"});
  EXPECT_EQ(log_.count("supervisor actor_stuck actor=bus.meters"), 1u);
  ASSERT_FALSE(stage_.told.empty());
  EXPECT_TRUE(stage_.told.back().stuck);
  EXPECT_TRUE(stage_.told.back().hold_safe);
  EXPECT_EQ(stage_.starts("meters"), 1);
  EXPECT_GE(stage_.notes("WATCHDOG=1"), fed + 8);
  live(2s);
  EXPECT_FALSE(stage_.told.back().stuck);
}

TEST_F(SupervisorTest, ASilentBusThatIsNotVitalIsToldAndHoldsNothing) {
  live(10s, {"garage"});
  EXPECT_EQ(log_.count("supervisor actor_stuck actor=bus.garage"), 1u);
  EXPECT_TRUE(stage_.told.back().stuck);
  EXPECT_FALSE(stage_.told.back().hold_safe);
}

TEST_F(SupervisorTest, TheCallABusHangsInIsNamed) {
  std::promise<void> in;
  std::promise<void> release;
  std::jthread stuck([&] {
    channels_["inverter"]->call->during(transport::SystemCall::tcsetattr, [&] {
      in.set_value();
      release.get_future().wait();
      return 0;
    });
  });
  in.get_future().wait();
  std::this_thread::sleep_for(1100ms);  // a call's time is the real one
  live(10s, {"inverter"});
  EXPECT_EQ(log_.count("supervisor actor_stuck actor=bus.inverter call=tcsetattr"), 1u);
  release.set_value();
}

TEST_F(SupervisorTest, ADeadBusIsStartedAgainAndItsRestartsAreCounted) {
  kill("inverter");
  EXPECT_TRUE(stage_.told.back().stuck);
  live(2s);
  EXPECT_EQ(stage_.starts("inverter"), 2);
  EXPECT_FALSE(stage_.told.back().stuck);
  EXPECT_EQ(channels_["inverter"]->restarts, 1u);
}

TEST_F(SupervisorTest, ADeadControlIsStartedAgainAndToldHowThingsStand) {
  for (int i = 0; i < 4; ++i) {
    kill("meters");
    live(10s);
  }
  stage_.told.clear();
  kill("control");
  live(2s);
  EXPECT_EQ(stage_.starts("control"), 2);
  ASSERT_FALSE(stage_.told.empty());
  EXPECT_TRUE(stage_.told.back().hold_safe);
}

TEST_F(SupervisorTest, TheHoldIsRememberedOverARestartAndEndsWithTheOwnersWord) {
  for (int i = 0; i < 4; ++i) {
    kill("meters");
    live(10s);
  }
  EXPECT_TRUE(stage_.told.back().hold_safe);
  ASSERT_FALSE(stage_.remembered.empty());
  restored_ = stage_.remembered.back();
  shut_down();
  stage_.told.clear();
  start();
  live(1s);
  EXPECT_TRUE(stage_.told.back().hold_safe);
  const auto fed = stage_.notes("WATCHDOG=1");
  live(30s);
  EXPECT_GE(stage_.notes("WATCHDOG=1"), fed + 25) << "a hold is no reason to restart";
  caf::anon_send(supervisor_, Acknowledged{});
  v_.run();
  EXPECT_FALSE(stage_.told.back().hold_safe);
}

TEST_F(SupervisorTest, WhatSafetyRemembersIsKeptWhileThePublisherHangs) {
  channel_->safety.publish({.cutoff = true});
  live(10s, {"publisher"});
  ASSERT_EQ(stage_.safety.size(), 1u);
  EXPECT_TRUE(stage_.safety[0].cutoff);
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

TEST_F(SupervisorTest, StatusCountsTheReadyBusesAndSaysWhatIsWrong) {
  live(1s);
  EXPECT_EQ(stage_.notes("STATUS=3 of 3 buses ready"), 1);
  channels_["garage"]->ready = false;
  live(10s, {"garage"});
  EXPECT_TRUE(std::any_of(stage_.notified.begin(), stage_.notified.end(), [](const auto& note) {
    return note.rfind("STATUS=2 of 3 buses ready, bus.garage silent", 0) == 0;
  }));
}

TEST_F(SupervisorTest, StopsControlThenBusesThenPublisher) {
  const auto stopped = stop(0s);
  ASSERT_TRUE(stopped);
  EXPECT_TRUE(stopped->acknowledged);
  EXPECT_TRUE(stopped->all_ended);
  ASSERT_EQ(stage_.ended.size(), 5u);
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
