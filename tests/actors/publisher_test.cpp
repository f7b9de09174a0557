#include "actors/publisher.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <caf/scoped_actor.hpp>
#include <future>
#include <stdexcept>
#include <thread>

#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

class PublisherTest : public testing::Test {
 protected:
  void start(std::vector<publish::Sink> sinks, Completion complete = {}) {
    sinks.push_back({.update = [this](const View& view) {
      newest_ = view.buses;
      ++served_;
    }});
    publisher_ = spawn_publisher(system_, {.heartbeat = heartbeat_,
                                           .control = control_,
                                           .buses = {bus_},
                                           .sinks = std::move(sinks),
                                           .complete = std::move(complete),
                                           .events = log_.sink()});
    self_->monitor(publisher_);
  }
  void TearDown() override {
    caf::anon_send_exit(publisher_, caf::exit_reason::user_shutdown);
    bool down = false;
    self_->receive_while([&] { return !down; })([&](const caf::down_msg&) { down = true; });
  }
  /// A View as of `at`, taken by all sinks; false: not within 5 s.
  [[nodiscard]] bool give(Duration at) {
    const int before = served_;
    hand_over(at);
    for (int i = 0; i < 5000 && served_ == before; ++i) std::this_thread::sleep_for(1ms);
    return served_ == before + 1;
  }
  void hand_over(Duration at) {
    View view;
    view.now = Instant(at);
    control_->views.publish(view);
  }

  EventLog log_;
  std::shared_ptr<Heartbeat> heartbeat_ = std::make_shared<Heartbeat>();
  std::shared_ptr<ControlChannel> control_ = std::make_shared<ControlChannel>();
  std::shared_ptr<BusChannel> bus_ = std::make_shared<BusChannel>("meters");
  std::atomic<int> served_{0};
  std::vector<BusHealth> newest_;  ///< as served last
  TestConfig config_{false};
  caf::actor_system system_{config_};
  caf::scoped_actor self_{system_};
  caf::actor publisher_;
};

TEST_F(PublisherTest, EverySinkGetsEveryViewButNotMoreOftenThanItWants) {
  std::atomic<int> all{0};
  std::atomic<int> some{0};
  start({{.update = [&](const View&) { ++all; }},
         {.update = [&](const View&) { ++some; }, .period = 500ms}});
  for (int i = 0; i < 11; ++i) ASSERT_TRUE(give(100ms * i));
  EXPECT_EQ(all, 11);
  EXPECT_EQ(some, 3);  // at 0, 500 and 1000 ms
}

TEST_F(PublisherTest, EverySinkGetsTheCompletedView) {
  std::atomic<double> joules{0};
  start({{.update = [&](const View& view) { joules = view.energies[Flow::solar]; }}},
        [](View& view) { view.energies[Flow::solar] = 42.0; });
  ASSERT_TRUE(give(0ms));
  EXPECT_EQ(joules, 42.0);
}

TEST_F(PublisherTest, ABusIsDownUntilItSaysOtherwiseAndItsHealthLastsUntilTheNext) {
  start({});
  ASSERT_TRUE(give(0ms));
  ASSERT_EQ(newest_.size(), 1u);
  EXPECT_EQ(newest_[0].bus, "meters");
  EXPECT_FALSE(newest_[0].line_up);
  BusHealth health;
  health.bus = "meters";
  health.line_up = true;
  health.bytes_in = 7;
  bus_->health.publish(health);
  bus_->restarts = 3;
  for (int i = 1; i < 3; ++i) {
    ASSERT_TRUE(give(100ms * i));
    EXPECT_TRUE(newest_[0].line_up);
    EXPECT_EQ(newest_[0].bytes_in, 7u);
    EXPECT_EQ(newest_[0].restarts, 3u);
  }
}

TEST_F(PublisherTest, ABusThatHangsInASystemCallIsShownDownAndTheCallNamed) {
  start({});
  BusHealth health;
  health.bus = "meters";
  health.line_up = true;
  health.driver.ready = true;
  bus_->health.publish(health);
  std::promise<void> release;
  std::promise<void> in;
  std::jthread stuck([&] {
    bus_->call->during(transport::SystemCall::open, [&] {
      in.set_value();
      release.get_future().wait();
      return 0;
    });
  });
  in.get_future().wait();
  const auto since = bus_->call->current()->since.time_since_epoch();
  ASSERT_TRUE(give(since + 4s));
  EXPECT_TRUE(newest_[0].line_up);
  ASSERT_TRUE(give(since + 7500ms));
  EXPECT_FALSE(newest_[0].line_up);
  EXPECT_FALSE(newest_[0].driver.ready);
  EXPECT_NE(newest_[0].driver.trouble.find("open for 7 s"), std::string::npos)
      << newest_[0].driver.trouble;
  release.set_value();
  stuck.join();
  ASSERT_TRUE(give(since + 9s));
  EXPECT_TRUE(newest_[0].line_up);
}

TEST_F(PublisherTest, ABusWhoseThreadDoesNotBeatIsShownDownAfterFiveSeconds) {
  start({});
  BusHealth health;
  health.line_up = true;
  bus_->health.publish(health);
  for (int i = 0; i <= 5; ++i) {
    ASSERT_TRUE(give(1s * i));
    EXPECT_TRUE(newest_[0].line_up) << i;
  }
  ASSERT_TRUE(give(5100ms));
  EXPECT_FALSE(newest_[0].line_up);
  EXPECT_NE(newest_[0].driver.trouble, "");
  bus_->heartbeat.beat();
  ASSERT_TRUE(give(5200ms));
  EXPECT_TRUE(newest_[0].line_up);
  ASSERT_TRUE(give(1h));
  EXPECT_TRUE(newest_[0].line_up) << "nobody looked for an hour";
}

TEST_F(PublisherTest, ASlowSinkMissesViewsAndGetsTheNewest) {
  std::promise<void> release;
  std::atomic<int> seen{0};
  std::atomic<Duration::rep> newest{0};
  start({{.update = [&, done = release.get_future().share()](const View& view) {
    newest = view.now.time_since_epoch().count();
    ++seen;
    done.wait();
  }}});
  hand_over(1ms);
  while (seen == 0) std::this_thread::sleep_for(1ms);
  for (int i = 2; i < 50; ++i) hand_over(1ms * i);
  release.set_value();
  while (seen < 2) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(newest, Duration(49ms).count());
}

TEST_F(PublisherTest, BeatsWithOrWithoutViews) {
  start({});
  while (heartbeat_->beats() < 4) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(served_, 0);
}

TEST_F(PublisherTest, AThrowingSinkIsReportedOnceAHundredTimesAndDisturbsNobody) {
  start({{.update = [](const View&) { throw std::runtime_error("broker"); }}});
  for (int i = 0; i < 101; ++i) ASSERT_TRUE(give(100ms * i));
  EXPECT_EQ(log_.count("publisher sink_failed"), 2u);
}

TEST_F(PublisherTest, AThrowingCompletionIsReportedAndTheSinksGetTheirView) {
  start({}, [](View&) { throw std::runtime_error("full"); });
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(give(100ms * i));
  EXPECT_EQ(log_.count("publisher sink_failed"), 1u);
}

}  // namespace
}  // namespace esshub::actors
