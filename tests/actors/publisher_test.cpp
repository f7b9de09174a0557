#include "actors/publisher.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <caf/after.hpp>
#include <caf/scoped_actor.hpp>
#include <future>
#include <stdexcept>

#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

class PublisherTest : public testing::Test {
 protected:
  void start(std::vector<publish::Sink> sinks, Completion complete = {}) {
    publisher_ = spawn_publisher(system_, std::move(sinks), log_.sink(), std::move(complete));
    self_->monitor(publisher_);
    caf::anon_send(publisher_, ControlStarted{self_});
  }
  void TearDown() override {
    caf::anon_send_exit(publisher_, caf::exit_reason::kill);
    bool down = false;
    self_->receive_while([&] { return !down; })([&](const caf::down_msg&) { down = true; },
                                                [](const NextView&) {});
  }
  bool asked(Duration patience = 5s) {
    bool got = false;
    self_->receive([&](const NextView&) { got = true; }, caf::after(patience) >> [] {});
    return got;
  }
  void give(Duration at) {
    auto view = std::make_shared<View>();
    view->now = Instant(at);
    caf::anon_send(publisher_, ViewPtr(std::move(view)));
  }

  EventLog log_;
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
  for (int i = 0; i < 11; ++i) {
    ASSERT_TRUE(asked());
    give(100ms * i);
  }
  ASSERT_TRUE(asked());
  EXPECT_EQ(all, 11);
  EXPECT_EQ(some, 3);  // at 0, 500 and 1000 ms
}

TEST_F(PublisherTest, EverySinkGetsTheCompletedView) {
  std::atomic<double> joules{0};
  start({{.update = [&](const View& view) { joules = view.energies[Flow::solar]; }}},
        [](View& view) { view.energies[Flow::solar] = 42.0; });
  ASSERT_TRUE(asked());
  give(0ms);
  ASSERT_TRUE(asked());
  EXPECT_EQ(joules, 42.0);
}

TEST_F(PublisherTest, ASlowSinkIsNotGivenMoreUntilItIsDone) {
  std::promise<void> release;
  start({{.update = [done = release.get_future().share()](const View&) { done.wait(); }}});
  ASSERT_TRUE(asked());
  give(0ms);
  EXPECT_FALSE(asked(50ms)) << "the control owes nothing meanwhile: nothing piles up";
  release.set_value();
  EXPECT_TRUE(asked());
}

TEST_F(PublisherTest, AThrowingSinkIsReportedOnceAHundredTimesAndDisturbsNobody) {
  std::atomic<int> others{0};
  start({{.update = [](const View&) { throw std::runtime_error("broker"); }},
         {.update = [&](const View&) { ++others; }}});
  for (int i = 0; i < 101; ++i) {
    ASSERT_TRUE(asked());
    give(100ms * i);
  }
  ASSERT_TRUE(asked());
  EXPECT_EQ(others, 101);
  EXPECT_EQ(log_.count("publisher sink_failed"), 2u);
}

TEST_F(PublisherTest, AThrowingCompletionIsReportedAndTheSinksGetTheirView) {
  std::atomic<int> served{0};
  start({{.update = [&](const View&) { ++served; }}},
        [](View&) { throw std::runtime_error("full"); });
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(asked());
    give(100ms * i);
  }
  ASSERT_TRUE(asked());
  EXPECT_EQ(served, 3);
  EXPECT_EQ(log_.count("publisher sink_failed"), 1u);
}

TEST_F(PublisherTest, ANewControlIsAskedAnew) {
  start({});
  ASSERT_TRUE(asked());
  const caf::scoped_actor next{system_};
  caf::anon_send(publisher_, ControlStarted{next});
  bool got = false;
  next->receive([&](const NextView&) { got = true; }, caf::after(5s) >> [] {});
  EXPECT_TRUE(got);
}

TEST_F(PublisherTest, ARepeatedIntroductionDoesNotAskTwice) {
  start({});
  ASSERT_TRUE(asked());
  caf::anon_send(publisher_, ControlStarted{self_});
  give(0ms);
  ASSERT_TRUE(asked());
  EXPECT_FALSE(asked(50ms));
}

}  // namespace
}  // namespace esshub::actors
