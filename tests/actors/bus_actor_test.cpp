#include "actors/bus_actor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

protocol::Bytes bytes(std::string_view text) {
  return protocol::to_bytes(text);
}

/// What the test sees of the line and plays on it.
struct Wire {
  transport::Line::Callbacks callbacks;
  int opened = 0;
  int closed = 0;
  std::vector<std::string> done;  ///< writes and speed changes in order
};

class FakeLine final : public transport::Line {
 public:
  explicit FakeLine(Wire& wire) : wire_(wire) {}
  void open(Callbacks callbacks) override {
    ++wire_.opened;
    wire_.callbacks = std::move(callbacks);
  }
  void write(std::vector<std::byte> b) override {
    std::string text;
    for (const auto byte : b) text += static_cast<char>(byte);
    wire_.done.push_back(text);
  }
  void set_baud(std::uint32_t baud) override { wire_.done.push_back(std::to_string(baud)); }
  void close() override { ++wire_.closed; }

 private:
  Wire& wire_;
};

/// Answers every call with the next prepared step and notes the calls.
struct Script {
  std::vector<std::string> calls;
  std::vector<Instant> times;
  protocol::Step next;
  DriverHealth health;
};

class FakeDriver final : public protocol::Driver {
 public:
  explicit FakeDriver(Script& script) : script_(script) {}
  protocol::Step on_start(Instant now) override { return call("start", now); }
  protocol::Step on_bytes(std::span<const std::byte> b, Instant now) override {
    std::string text;
    for (const auto byte : b) text += static_cast<char>(byte);
    if (text == "throw") throw std::runtime_error("bug");
    return call("bytes " + text, now);
  }
  protocol::Step on_timer(Instant now) override { return call("timer", now); }
  protocol::Step on_setpoint(const Setpoint& s, Instant now) override {
    return call("setpoint " + std::to_string(static_cast<int>(s.ac_power.value())), now);
  }
  void on_down(Instant now) override {
    script_.health.ready = false;
    call("down", now);
  }
  const DriverHealth& health() const override { return script_.health; }

 private:
  protocol::Step call(std::string what, Instant now) {
    script_.calls.push_back(std::move(what));
    script_.times.push_back(now);
    return std::exchange(script_.next, {});
  }
  Script& script_;
};

class BusActorTest : public testing::Test {
 protected:
  void SetUp() override {
    BusDeps deps;
    deps.name = "meters";
    deps.make_line = [this] { return std::make_shared<FakeLine>(wire_); };
    deps.make_driver = [this] { return std::make_unique<FakeDriver>(script_); };
    deps.queue = queue_;
    deps.events = log_.sink();
    // (An actor function without arguments trips UBSan inside CAF 0.17.6.)
    const auto watch = [](caf::event_based_actor*, std::vector<BusHealth>* into) -> caf::behavior {
      return {[into](const BusReport& report) { into->push_back(report.health); }};
    };
    supervisor_ = v_.system.spawn(watch, &reports_);
    v_.run();
    bus_ = spawn_bus(v_.system, deps, supervisor_);
    v_.run();
  }
  void TearDown() override {
    wire_.callbacks = {};
    v_.end(bus_);
    v_.end(supervisor_);
  }
  void up() {
    wire_.callbacks.on_up();
    v_.run();
  }
  void down(std::string reason = "gone") {
    wire_.callbacks.on_down(std::move(reason));
    v_.run();
  }
  void chunk(std::string_view text) {
    wire_.callbacks.on_chunk(bytes(text), v_.now());
    v_.run();
  }

  Wire wire_;
  Script script_;
  EventLog log_;
  std::shared_ptr<SampleQueue> queue_ = std::make_shared<SampleQueue>();
  std::vector<BusHealth> reports_;
  VirtualSystem v_;
  caf::actor supervisor_;
  caf::actor bus_;
};

TEST_F(BusActorTest, OpensAtOnceAndStartsTheDriverWhenTheLineIsUp) {
  EXPECT_EQ(wire_.opened, 1);
  EXPECT_TRUE(script_.calls.empty());
  up();
  EXPECT_EQ(script_.calls, std::vector<std::string>{"start"});
  EXPECT_TRUE(reports_.back().line_up);
}

TEST_F(BusActorTest, PutsSamplesInTheQueueAndBytesOnTheLineSpeedFirst) {
  up();
  const Sample sample{{Point::grid, Measure::power}, 42, v_.now()};
  script_.next.samples = {sample};
  script_.next.send = {bytes("a"), bytes("b")};
  script_.next.baud = 115200;
  chunk("x");
  Sample got{};
  ASSERT_TRUE(queue_->pop(got));
  EXPECT_EQ(got.value, 42);
  EXPECT_EQ(wire_.done, (std::vector<std::string>{"115200", "a", "b"}));
}

TEST_F(BusActorTest, HandsTheDriverTheMomentTheBytesArrived) {
  up();
  const auto arrived = v_.now() - 7ms;
  wire_.callbacks.on_chunk(bytes("x"), arrived);
  v_.run();
  EXPECT_EQ(script_.times.back(), arrived);
}

TEST_F(BusActorTest, WakesTheDriverAtTheMomentAskedFor) {
  script_.next.wake_at = v_.now() + 100ms;
  up();
  v_.pass(99ms);
  EXPECT_EQ(script_.calls.back(), "start");
  v_.pass(1ms);
  EXPECT_EQ(script_.calls.back(), "timer");
}

TEST_F(BusActorTest, ALaterWakeUpReplacesTheEarlierOne) {
  script_.next.wake_at = v_.now() + 100ms;
  up();
  script_.next.wake_at = v_.now() + 300ms;
  chunk("x");
  v_.pass(200ms);
  EXPECT_EQ(script_.calls.back(), "bytes x");
  v_.pass(100ms);
  EXPECT_EQ(script_.calls.back(), "timer");
  v_.pass(1s);
  EXPECT_EQ(std::count(script_.calls.begin(), script_.calls.end(), "timer"), 1);
}

TEST_F(BusActorTest, ALossTellsTheDriverAndNothingOfTheOldLineReachesIt) {
  script_.next.wake_at = v_.now() + 100ms;
  up();
  const auto old_line = wire_.callbacks;
  down();
  EXPECT_EQ(script_.calls.back(), "down");
  EXPECT_EQ(wire_.closed, 1);
  v_.pass(250ms);  // reopened meanwhile, and the wake-up has gone by
  up();
  EXPECT_EQ(script_.calls.back(), "start");
  const auto calls = script_.calls.size();
  old_line.on_chunk(bytes("old"), v_.now());
  old_line.on_down("old");
  v_.run();
  EXPECT_EQ(script_.calls.size(), calls);
  EXPECT_TRUE(reports_.back().line_up);
  EXPECT_EQ(reports_.back().reopens, 1u);
}

TEST_F(BusActorTest, ASetpointReachesTheDriverOnlyWhileTheLineIsUp) {
  caf::anon_send(bus_, Setpoint{Watts{1}, InverterMode::follow, v_.now() + 1s});
  v_.run();
  EXPECT_TRUE(script_.calls.empty());
  up();
  EXPECT_EQ(script_.calls, std::vector<std::string>{"start"}) << "no old setpoint is replayed";
  caf::anon_send(bus_, Setpoint{Watts{2}, InverterMode::follow, v_.now() + 1s});
  v_.run();
  EXPECT_EQ(script_.calls.back(), "setpoint 2");
}

TEST_F(BusActorTest, ReportsChangesAtOnceAndElseTwiceASecond) {
  up();
  reports_.clear();
  script_.health.ready = true;
  chunk("x");
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_TRUE(reports_.back().driver.ready);
  chunk("y");
  EXPECT_EQ(reports_.size(), 1u) << "counters wait";
  v_.pass(5s);
  EXPECT_EQ(reports_.size(), 11u);
  EXPECT_EQ(reports_.back().bytes_in, 2u);
}

TEST_F(BusActorTest, WhileDownItIsNotReadyAndSaysWhy) {
  up();
  script_.health.ready = true;
  chunk("x");
  down("no such device; is it plugged in?");
  EXPECT_FALSE(reports_.back().line_up);
  EXPECT_FALSE(reports_.back().driver.ready);
  v_.pass(100ms);
  EXPECT_EQ(reports_.back().driver.trouble, "no such device; is it plugged in?");
}

TEST_F(BusActorTest, DropsAreReported) {
  up();
  for (int i = 0; i < 20'000; ++i) script_.next.samples.push_back({});
  chunk("flood");
  v_.pass(500ms);
  EXPECT_EQ(reports_.back().queue_dropped, queue_->dropped());
  EXPECT_GT(queue_->dropped(), 0u);
}

TEST_F(BusActorTest, AnExceptionEndsTheActorWithAnEventAndClosesTheLine) {
  up();
  const int closed = wire_.closed;
  chunk("throw");
  EXPECT_EQ(log_.count("bus.meters actor_died exception=\"bug\""), 1u);
  EXPECT_EQ(wire_.closed, closed + 1);
}

}  // namespace
}  // namespace esshub::actors
