#include "actors/bus_actor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <caf/scoped_actor.hpp>
#include <condition_variable>
#include <future>
#include <stdexcept>
#include <thread>

#include <boost/asio/post.hpp>

#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

constexpr Duration patience = 10s;

protocol::Bytes bytes(std::string_view text) {
  return protocol::to_bytes(text);
}
std::string text_of(std::span<const std::byte> bytes) {
  std::string text;
  for (const auto byte : bytes) text += static_cast<char>(byte);
  return text;
}

/// What line and driver were asked for, in order, as told by the bus's thread.
class Journal {
 public:
  void note(std::string what) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(what));
    changed_.notify_all();
  }
  /// True once `what` has come after everything waited for before.
  [[nodiscard]] bool wait(const std::string& what) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] {
      while (read_ < lines_.size())
        if (lines_[read_++] == what) return true;
      return false;
    });
  }
  [[nodiscard]] std::size_t count(const std::string& what) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count(lines_.begin(), lines_.end(), what));
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  std::size_t read_ = 0;
};

/// A line that is up at once. The test plays on it through say().
class FakeLine final : public transport::Line {
 public:
  FakeLine(boost::asio::io_context& io, Journal& journal) : io_(io), journal_(journal) {}
  void open(Callbacks callbacks) override {
    callbacks_ = std::move(callbacks);
    journal_.note("open");
    boost::asio::post(io_, [this] { callbacks_.on_up(); });
  }
  void write(std::vector<std::byte> frame) override { journal_.note("write " + text_of(frame)); }
  void set_baud(std::uint32_t baud) override { journal_.note("baud " + std::to_string(baud)); }
  void close() override { journal_.note("close"); }

  void say(std::string_view text) {
    boost::asio::post(io_, [this, said = bytes(text)] {
      callbacks_.on_chunk(said, std::chrono::steady_clock::now());
    });
  }
  void discard() {
    boost::asio::post(io_, [this] { callbacks_.on_discard(700ms); });
  }
  void lose() {
    boost::asio::post(io_, [this] { callbacks_.on_down("gone"); });
  }

 private:
  boost::asio::io_context& io_;
  Journal& journal_;
  Callbacks callbacks_;
};

/// Does as the bytes say.
class FakeDriver final : public protocol::Driver {
 public:
  explicit FakeDriver(Journal& journal) : journal_(journal) {}
  protocol::Step on_start(Instant) override {
    journal_.note("start");
    return {};
  }
  protocol::Step on_bytes(std::span<const std::byte> b, Instant now) override {
    const auto text = text_of(b);
    protocol::Step step;
    if (text == "throw") throw std::runtime_error("bug");
    if (text == "hang") hang.get_future().wait();
    if (text == "wake") step.wake_at = now + 20ms;
    if (text == "answer") {
      step.add({Point::grid, Measure::power}, 42, now);
      step.send = {bytes("a"), bytes("b")};
      step.baud = 115200;
    }
    if (text == "fault") health_.faults.set(Fault::grid_meter_frozen, true);
    if (text == "flood") step.samples.resize(20'000);
    health_.ready = true;
    journal_.note("bytes " + text);
    return step;
  }
  protocol::Step on_timer(Instant) override {
    journal_.note("timer");
    return {};
  }
  protocol::Step on_setpoint(const Setpoint& s, Instant) override {
    journal_.note("setpoint " + std::to_string(static_cast<int>(s.ac_power.value())));
    protocol::Step step;
    step.send = {bytes("setpoint")};
    step.setpoint_written = s.based_on;
    return step;
  }
  void on_down(Instant) override { journal_.note("down"); }
  const DriverHealth& health() const override { return health_; }

  static inline std::promise<void> hang;

 private:
  Journal& journal_;
  DriverHealth health_;
};

class BusActorTest : public testing::Test {
 protected:
  void SetUp() override {
    FakeDriver::hang = {};
    bus_ = spawn_bus(system_,
                     {.channel = channel_,
                      .make_line =
                          [this](auto& io, auto) {
                            auto line = std::make_shared<FakeLine>(io, journal_);
                            line_ = line.get();
                            return line;
                          },
                      .make_driver = [this] { return std::make_unique<FakeDriver>(journal_); },
                      .events = log_.sink()});
    self_->monitor(bus_);
    ASSERT_TRUE(journal_.wait("start"));
  }
  void TearDown() override { end(); }
  void end() {
    if (std::exchange(ended_, true)) return;
    caf::anon_send_exit(bus_, caf::exit_reason::user_shutdown);
    bool down = false;
    self_->receive_while([&] { return !down; })([&](const caf::down_msg&) { down = true; });
  }
  void say(std::string_view text) { line_.load()->say(text); }
  /// The bus's health once it is as wanted.
  template <class Predicate>
  [[nodiscard]] bool shows(Predicate predicate) {
    for (const auto until = std::chrono::steady_clock::now() + patience;
         std::chrono::steady_clock::now() < until;) {
      if (const auto* const health = channel_->health.take()) newest_ = *health;
      if (predicate(newest_)) return true;
      std::this_thread::sleep_for(1ms);
    }
    return false;
  }

  EventLog log_;
  Journal journal_;
  std::atomic<FakeLine*> line_{nullptr};
  std::shared_ptr<BusChannel> channel_ = std::make_shared<BusChannel>("meters");
  BusHealth newest_;
  TestConfig config_{false};
  caf::actor_system system_{config_};
  caf::scoped_actor self_{system_};
  caf::actor bus_;
  bool ended_ = false;
};

TEST_F(BusActorTest, PutsSamplesInTheQueueAndBytesOnTheLineSpeedFirst) {
  say("answer");
  EXPECT_TRUE(journal_.wait("baud 115200"));
  EXPECT_TRUE(journal_.wait("write a"));
  EXPECT_TRUE(journal_.wait("write b"));
  Sample got{};
  ASSERT_TRUE(channel_->samples.pop(got));
  EXPECT_EQ(got.value, 42);
}

TEST_F(BusActorTest, WakesTheDriverOnceAtTheMomentAskedFor) {
  say("wake");
  EXPECT_TRUE(journal_.wait("timer"));
  say("end");
  EXPECT_TRUE(journal_.wait("bytes end"));
  EXPECT_EQ(journal_.count("timer"), 1u);
}

TEST_F(BusActorTest, ALostLineIsClosedAndOpenedAgain) {
  line_.load()->lose();
  EXPECT_TRUE(journal_.wait("down"));
  EXPECT_TRUE(journal_.wait("close"));
  EXPECT_TRUE(journal_.wait("open"));
  EXPECT_TRUE(journal_.wait("start"));
  EXPECT_TRUE(shows([](const BusHealth& h) { return h.line_up && h.reopens == 1; }));
}

TEST_F(BusActorTest, ANewSetpointWakesItAndTheNewestWins) {
  channel_->setpoints.publish({Watts{1}, InverterMode::follow, {}});
  EXPECT_TRUE(journal_.wait("setpoint 1"));
  say("hang");
  for (int i = 2; i < 9; ++i)
    channel_->setpoints.publish({Watts{double(i)}, InverterMode::follow, {}});
  FakeDriver::hang.set_value();
  EXPECT_TRUE(journal_.wait("setpoint 8"));
  channel_->setpoints.publish({Watts{9}, InverterMode::follow, {}});
  EXPECT_TRUE(journal_.wait("setpoint 9"));
  EXPECT_LE(journal_.count("setpoint 2"), 1u);
  EXPECT_EQ(journal_.count("setpoint 3") + journal_.count("setpoint 7"), 0u);
}

TEST_F(BusActorTest, TheTimeFromReadingToWrittenSetpointIsMeasured) {
  const auto read_at = std::chrono::steady_clock::now() - 120ms;
  channel_->setpoints.publish(
      {.ac_power = Watts{1}, .mode = InverterMode::follow, .valid_until = {}, .based_on = read_at});
  EXPECT_TRUE(shows([](const BusHealth& h) { return h.setpoint_latency.count() == 1; }));
  EXPECT_GE(newest_.setpoint_latency.sum_seconds, 0.12);
}

TEST_F(BusActorTest, FaultsReachTheControlAndReadinessTheSupervisor) {
  EXPECT_FALSE(channel_->ready);
  EXPECT_FALSE(channel_->faults.load().any());
  say("fault");
  EXPECT_TRUE(shows([](const BusHealth& h) { return h.driver.ready; }));
  EXPECT_TRUE(channel_->ready);
  EXPECT_EQ(channel_->faults.load(), FaultFlags{Fault::grid_meter_frozen});
}

TEST_F(BusActorTest, BeatsUntilItHangs) {
  const auto beats = [&] { return channel_->heartbeat.beats(); };
  for (const auto before = beats(); beats() < before + 3;) std::this_thread::sleep_for(1ms);
  say("hang");
  // It hangs for certain once a beat is overdue by far.
  auto seen = beats();
  for (bool moved = true; moved;) {
    std::this_thread::sleep_for(500ms);
    moved = std::exchange(seen, beats()) != beats();
  }
  FakeDriver::hang.set_value();
  while (beats() == seen) std::this_thread::sleep_for(1ms);
}

TEST_F(BusActorTest, DropsAreReported) {
  say("flood");
  EXPECT_TRUE(shows([](const BusHealth& h) { return h.queue_dropped > 0; }));
  EXPECT_EQ(newest_.queue_dropped, channel_->samples.dropped());
}

TEST_F(BusActorTest, WhatItsLineThrewAwayIsCounted) {
  line_.load()->discard();
  EXPECT_TRUE(shows([](const BusHealth& h) { return h.discards == 1; }));
  EXPECT_EQ(log_.count("bus.meters input_discarded thread_late_s=0.7 count=1"), 1u);
}

TEST_F(BusActorTest, AnExceptionEndsItWithAnEventAClosedLineAndNothingShownAsCurrent) {
  say("fault");
  EXPECT_TRUE(shows([](const BusHealth& h) { return h.driver.ready; }));
  say("throw");
  bool down = false;
  self_->receive_while([&] { return !down; })([&](const caf::down_msg&) { down = true; });
  ended_ = true;
  EXPECT_EQ(log_.count("bus.meters actor_died exception=\"bug\""), 1u);
  EXPECT_TRUE(journal_.wait("close"));
  EXPECT_TRUE(shows([](const BusHealth& h) {
    return !h.line_up && !h.driver.ready && h.driver.trouble.find("bug") != std::string::npos;
  }));
  EXPECT_FALSE(channel_->ready);
  EXPECT_FALSE(channel_->faults.load().any());
}

TEST_F(BusActorTest, ToldToEndItClosesTheLine) {
  end();
  EXPECT_TRUE(journal_.wait("close"));
}

}  // namespace
}  // namespace esshub::actors
