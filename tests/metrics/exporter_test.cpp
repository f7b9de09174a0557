#include "metrics/exporter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace esshub::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

Instant now() {
  return std::chrono::steady_clock::now();
}

/// A view of a healthy hub, taken at `at`.
View healthy_view(Instant at) {
  View view;
  view.now = at;
  view.max_age = 3s;
  const auto put = [&](Point point, Measure measure, double value) {
    view.snapshot.absorb({{point, measure}, value, at});
  };
  put(Point::grid, Measure::power, 250.5);
  put(Point::grid, Measure::voltage, 231);
  put(Point::grid, Measure::energy_forward, 2);
  put(Point::grid, Measure::energy_reverse, 1);
  put(Point::solar, Measure::power, 1200);
  put(Point::battery, Measure::voltage, 50);
  put(Point::battery, Measure::current, -10);
  put(Point::battery, Measure::soc, 57);
  put(Point::battery, Measure::temperature, 21);
  put(Point::battery, Measure::ccl, 25);
  put(Point::battery, Measure::dcl, 50);
  put(Point::inverter, Measure::power, -480);
  put(Point::inverter, Measure::frequency, 50);
  view.decision.at = at;
  view.decision.house = Watts{1930};
  view.decision.battery_power = Watts{-480};
  view.decision.setpoint = {Watts{-470}, InverterMode::follow, at + 1s};
  view.decision.reasons.add({Cause::self_consumption, {}});
  view.decision.faults.set(Fault::clock_untrusted, true, at);
  view.buses.emplace_back();
  view.buses.back().bus = "meters";
  view.buses.back().line_up = true;
  view.buses.back().driver.ready = true;
  view.ticks.ticks = 12;
  return view;
}

class ExporterTest : public testing::Test {
 protected:
  [[nodiscard]] std::string scraped() const { return exporter_.page(); }
  Exporter exporter_{{.version = "1.2.3"}};
};

TEST_F(ExporterTest, FaultsAreZeroBeforeTheFirstView) {
  const auto page = scraped();
  EXPECT_THAT(page, HasSubstr("esshub_build_info{version=\"1.2.3\"} 1\n"));
  for (const Fault fault : enum_values<Fault>)
    EXPECT_THAT(page, HasSubstr("esshub_fault_active{fault=\"" + std::string(name(fault)) + "\""));
  EXPECT_THAT(page, Not(HasSubstr("esshub_power_watts")));
}

TEST_F(ExporterTest, WarningsOfTheConfigurationAreCounted) {
  EXPECT_THAT(exporter_.page(), Not(HasSubstr("esshub_config_warnings")));
  const Exporter warned{{.version = "1.2.3", .config_warnings = [] { return std::size_t{3}; }}};
  EXPECT_THAT(warned.page(), HasSubstr("\nesshub_config_warnings 3\n"));
}

TEST_F(ExporterTest, SaysWhoseItIsBeforeTheFirstView) {
  const Exporter named{{.version = "1.2.3", .site = "Hill \"7\"", .portal_id = "dca632000001"}};
  EXPECT_THAT(named.page(),
              HasSubstr("\nesshub_site_info{site=\"Hill \\\"7\\\"\",portal_id=\"dca632000001\","
                        "version=\"1.2.3\"} 1\n"));
}

TEST_F(ExporterTest, TellsTheEndOfACertificateThatIsServed) {
  EXPECT_THAT(exporter_.page(), Not(HasSubstr("esshub_certificate")));
  std::optional<WallTime> end;
  const Exporter serves{{.version = "1.2.3", .certificate_end = [&] { return end; }}};
  EXPECT_THAT(serves.page(), Not(HasSubstr("esshub_certificate")));
  end = WallTime{std::chrono::seconds{1'800'000'000}};
  EXPECT_THAT(serves.page(),
              HasSubstr("\nesshub_certificate_expiry_timestamp_seconds 1800000000\n"));
}

TEST_F(ExporterTest, TellsHowTheFeedsStand) {
  Exporter with_feeds{{.version = "1.2.3", .feeds = [] {
                         return std::vector<FeedState>{{FeedKind::solar, std::nullopt, 1}};
                       }}};
  with_feeds.update(healthy_view(now()));
  EXPECT_THAT(with_feeds.page(), HasSubstr("\nesshub_feed_refused{kind=\"solar\"} 1\n"));
  exporter_.update(healthy_view(now()));
  EXPECT_THAT(exporter_.page(), Not(HasSubstr("esshub_feed")));
}

TEST_F(ExporterTest, AHealthyViewIsShownInBaseUnitsWithOurSigns) {
  exporter_.update(healthy_view(now()));
  const auto page = scraped();
  for (const char* line : {
           "esshub_power_watts{channel=\"grid\"} 250.5\n",
           "esshub_power_watts{channel=\"solar\"} 1200\n",
           "esshub_power_watts{channel=\"house\"} 1930\n",
           "esshub_power_watts{channel=\"battery\"} -500\n",
           "esshub_power_watts{channel=\"inverter\"} -480\n",
           "esshub_voltage_volts{channel=\"grid\"} 231\n",
           "esshub_current_amperes{channel=\"battery\"} -10\n",
           "esshub_frequency_hertz{channel=\"inverter\"} 50\n",
           "esshub_temperature_celsius{channel=\"battery\"} 21\n",
           "esshub_energy_joules_total{channel=\"grid\",direction=\"forward\"} 7200\n",
           "esshub_energy_joules_total{channel=\"grid\",direction=\"reverse\"} 3600\n",
           "esshub_battery_soc_ratio 0.57",
           "esshub_battery_limit_amperes{limit=\"charge\"} 25\n",
           "esshub_battery_limit_amperes{limit=\"discharge\"} 50\n",
           "esshub_setpoint_watts -470\n",
           "esshub_battery_command_watts -480\n",
           "esshub_decision_reason{reason=\"self_consumption\"} 1\n",
           "esshub_decision_reason{reason=\"reserve\"} 0\n",
           "esshub_fault_active{fault=\"clock_untrusted\",severity=\"info\"} 1\n",
           "esshub_fault_active{fault=\"bms_lost\",severity=\"critical\"} 0\n",
           "esshub_sample_age_seconds{channel=\"battery\"}",
       })
    EXPECT_THAT(page, HasSubstr(line));
  EXPECT_THAT(page, Not(HasSubstr("channel=\"ac_out\"")));
}

TEST_F(ExporterTest, AStaleChannelDisappearsAndItsAgeStays) {
  auto view = healthy_view(now());
  view.snapshot = {};
  view.snapshot.absorb({{Point::grid, Measure::power}, 250, now() - 4s});
  view.snapshot.absorb({{Point::solar, Measure::power}, 1200, now()});
  exporter_.update(view);
  const auto page = scraped();
  EXPECT_THAT(page, Not(HasSubstr("esshub_power_watts{channel=\"grid\"}")));
  EXPECT_THAT(page, HasSubstr("esshub_power_watts{channel=\"solar\"} 1200"));
  EXPECT_THAT(page, HasSubstr("esshub_sample_age_seconds{channel=\"grid\"} 4."));
  EXPECT_THAT(page, Not(HasSubstr("esshub_battery_soc_ratio")));
  EXPECT_THAT(page, Not(HasSubstr("channel=\"battery\"")));
}

TEST_F(ExporterTest, AnOldViewShowsCountersAndAgesOnly) {
  exporter_.update(healthy_view(now() - 60s));
  const auto page = scraped();
  for (const char* absent :
       {"esshub_power_watts", "esshub_setpoint_watts", "esshub_battery_command_watts",
        "esshub_battery_soc_ratio", "esshub_bus_up", "esshub_bus_ready", "esshub_decision_reason",
        "esshub_fault_active", "esshub_voltage_volts", "esshub_energy_joules_total"})
    EXPECT_THAT(page, Not(HasSubstr(absent)));
  EXPECT_THAT(page, HasSubstr("esshub_control_ticks_total 12\n"));
  EXPECT_THAT(page, HasSubstr("esshub_sample_age_seconds{channel=\"grid\"} 60."));
}

TEST_F(ExporterTest, NoSetpointIsShownWhileNoneIsWritten) {
  auto view = healthy_view(now());
  view.decision.setpoint.mode = InverterMode::release;
  exporter_.update(view);
  const auto page = scraped();
  EXPECT_THAT(page, Not(HasSubstr("esshub_setpoint_watts")));
  EXPECT_THAT(page, Not(HasSubstr("esshub_battery_command_watts")));
}

TEST_F(ExporterTest, PromtoolIsContent) {
  if (std::system("command -v promtool >/dev/null") != 0) GTEST_SKIP() << "no promtool here";
  exporter_.update(healthy_view(now()));
  const auto file = std::filesystem::temp_directory_path() /
                    ("esshub-metrics-" + std::to_string(::getpid()) + ".txt");
  std::ofstream(file) << scraped();
  const int status = std::system(("promtool check metrics < " + file.string()).c_str());
  std::filesystem::remove(file);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace esshub::metrics
