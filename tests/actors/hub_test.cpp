#include "actors/hub.hpp"

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <optional>

#include "tests/metrics/scrape.hpp"

namespace esshub::actors {
namespace {

/// Three buses whose devices are not there.
HubSettings absent_house() {
  HubSettings settings;
  settings.time_zone = "Europe/London";
  settings.metrics_address.clear();
  settings.web.address.clear();
  settings.state_dir.clear();
  settings.realtime = false;
  settings.control.period = 20ms;
  settings.buses = {
      {"meters", transport::SerialPort{"/dev/esshub-absent-meters"}, protocol::ModbusConfig{}},
      {"battery", transport::SerialPort{"/dev/esshub-absent-battery"}, protocol::PylontechConfig{}},
      {"inverter", transport::SerialPort{"/dev/esshub-absent-mk3"}, protocol::VebusConfig{}},
  };
  return settings;
}

const EventSink no_events = [](const std::string&, const Event&) {};

/// Waits for a View that has what the test looks for.
class Watcher {
 public:
  [[nodiscard]] ViewSink sink() {
    return [this](const View& view) {
      const std::lock_guard lock(mutex_);
      newest_ = view;
      changed_.notify_all();
    };
  }
  template <class Predicate>
  bool wait(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return newest_ && predicate(*newest_); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<View> newest_;
};

TEST(Hub, StartsAndStopsTwentyTimesWithoutAnyDevice) {
  for (int i = 0; i < 20; ++i) {
    auto hub = Hub::start(absent_house(), no_events, {});
    ASSERT_TRUE(hub);
    EXPECT_TRUE((*hub)->stop()) << "no inverter was being controlled";
  }
}

TEST(Hub, DestructionStopsIt) {
  const auto hub = Hub::start(absent_house(), no_events, {});
  EXPECT_TRUE(hub);
}

TEST(Hub, StopTwiceAnswersTheSame) {
  auto hub = Hub::start(absent_house(), no_events, {});
  ASSERT_TRUE(hub);
  EXPECT_TRUE((*hub)->stop());
  EXPECT_TRUE((*hub)->stop());
}

TEST(Hub, ShowsItsBusesDownAndCommandsNothingWithoutDevices) {
  Watcher watcher;
  auto hub = Hub::start(absent_house(), no_events, {watcher.sink()});
  ASSERT_TRUE(hub);
  EXPECT_TRUE(watcher.wait([](const View& v) {
    return v.buses.size() == 3 && !v.buses[0].line_up &&
           v.buses[0].driver.trouble.find("plugged in?") != std::string::npos &&
           v.decision.setpoint.mode == InverterMode::release && v.ticks.ticks > 2;
  }));
  EXPECT_TRUE((*hub)->stop());
}

TEST(Hub, ACommandIsRefusedWithAReasonOrHoldsUntilTheHubStops) {
  auto hub = Hub::start(absent_house(), no_events, {});
  ASSERT_TRUE(hub);
  const auto commands = (*hub)->commands();
  EXPECT_FALSE(commands(SetReserve{Soc::from_percent(100)}, "test"));
  EXPECT_TRUE(commands(SetReserve{Soc::from_percent(40)}, "test"));
  EXPECT_TRUE((*hub)->stop());
  EXPECT_FALSE(commands(SetReserve{Soc::from_percent(40)}, "test"));
}

TEST(Hub, ARejectedConfigurationIsAFaultUntilAValidOneHolds) {
  Watcher watcher;
  auto settings = absent_house();
  auto hub = Hub::start(settings, no_events, {watcher.sink()});
  ASSERT_TRUE(hub);
  const auto rejected = [](const View& v) {
    return v.decision.faults.active(Fault::config_rejected);
  };
  (*hub)->note_config(true);
  EXPECT_TRUE(watcher.wait(rejected));
  settings.control.reserve = Soc::from_percent(33).value();
  (*hub)->reload(settings);
  EXPECT_TRUE(watcher.wait([&](const View& v) {
    return !rejected(v) && v.decision.policy.reserve == Soc::from_percent(33);
  }));
  EXPECT_TRUE((*hub)->stop());
}

TEST(Hub, ThePlanAheadFollowsTheSettingsAndTheOrderedMode) {
  auto settings = absent_house();
  settings.clock = civil_time::ClockSource::manual;
  settings.control.schedule = {{{}, Instruction{.kind = InstructionKind::idle}}};
  Watcher watcher;
  auto hub = Hub::start(settings, no_events, {watcher.sink()});
  ASSERT_TRUE(hub);
  const auto plans = (*hub)->plans();
  const WallTime from = WallTime{} + std::chrono::seconds{1795348800};
  ASSERT_EQ(plans(from, from + 48h).size(), 1u);
  EXPECT_TRUE(watcher.wait([&](const View&) {  // until the clock is known to be trusted
    return plans(from, from + 48h)[0].authority == Authority::schedule;
  }));
  EXPECT_TRUE((*hub)->commands()(SetMode{Mode::balance}, "test"));
  EXPECT_EQ(plans(from, from + 48h)[0].authority, Authority::balance);
  EXPECT_TRUE((*hub)->stop());
}

TEST(Hub, PollsAMeterOnAPortThatIsThere) {
  int master = -1;
  int slave = -1;
  char path[128];
  ASSERT_EQ(::openpty(&master, &slave, path, nullptr, nullptr), 0);
  ::close(slave);
  auto settings = absent_house();
  settings.buses[0].line = transport::SerialPort{path};
  protocol::MeterConfig meter;
  meter.channels.push_back({});
  settings.buses[0].driver = protocol::ModbusConfig{.meters = {meter}};
  Watcher watcher;
  auto hub = Hub::start(settings, no_events, {watcher.sink()});
  ASSERT_TRUE(hub);
  EXPECT_TRUE(watcher.wait([](const View& v) {
    return v.buses[0].line_up && v.buses[0].bytes_out > 0 && !v.buses[0].driver.ready;
  }));
  EXPECT_TRUE((*hub)->stop());
  ::close(master);
}

TEST(Hub, ServesMetricsOfARunningControlUntilItStops) {
  auto settings = absent_house();
  const auto port = tests::free_port();
  settings.metrics_address = "127.0.0.1:" + std::to_string(port);
  Watcher watcher;
  auto hub = Hub::start(settings, no_events, {watcher.sink()});
  ASSERT_TRUE(hub);
  // The exporter is served before the other sinks.
  ASSERT_TRUE(watcher.wait([](const View& v) { return v.ticks.ticks > 0; }));
  const auto page = tests::scrape(port);
  EXPECT_NE(page.find("esshub_bus_up{bus=\"inverter\"} 0\n"), std::string::npos);
  EXPECT_NE(page.find("esshub_decision_reason{reason=\"starting\"} 1\n"), std::string::npos);
  EXPECT_EQ(page.find("esshub_setpoint_watts"), std::string::npos);
  EXPECT_TRUE((*hub)->stop());
  EXPECT_EQ(tests::scrape(port), "");
}

TEST(Hub, AnUnknownTimeZoneIsAnError) {
  auto settings = absent_house();
  settings.time_zone = "Europe/Nowhere";
  const auto hub = Hub::start(settings, no_events, {});
  ASSERT_FALSE(hub);
  EXPECT_NE(hub.error().detail.find("Europe/Nowhere"), std::string::npos);
}

TEST(Hub, ControlsAllTheSameWhereTheMetricsCannotBeServed) {
  auto settings = absent_house();
  settings.metrics_address = "192.0.2.1:9750";  // TEST-NET: nobody's own address
  std::mutex mutex;
  std::string told;
  Watcher watcher;
  auto hub = Hub::start(settings,
                        [&](const std::string&, const Event& event) {
                          const std::lock_guard lock(mutex);
                          if (event.name == "metrics_unavailable") told = event.detail;
                        },
                        {watcher.sink()});
  ASSERT_TRUE(hub);
  EXPECT_TRUE(watcher.wait([](const View& v) {
    return v.ticks.ticks > 10 && v.decision.faults.active(Fault::server_unavailable);
  }));
  EXPECT_TRUE((*hub)->stop());
  const std::lock_guard lock(mutex);
  EXPECT_NE(told.find("192.0.2.1:9750"), std::string::npos) << told;
}

TEST(Hub, TwoInvertersOrTwoBusesOfOneNameAreErrors) {
  auto settings = absent_house();
  settings.buses[1].driver = protocol::VebusConfig{};
  EXPECT_FALSE(Hub::start(settings, no_events, {}));
  settings = absent_house();
  settings.buses[1].name = "meters";
  EXPECT_FALSE(Hub::start(settings, no_events, {}));
}

}  // namespace
}  // namespace esshub::actors
