// The hub's configuration in the simulated house: what fits, what time it is, what it comes to.
#include "sim/simulate.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.hpp"
#include "sim/exit_codes.hpp"
#include "sim/fit_config.hpp"
#include "sim/hub_config.hpp"
#include "sim/site_clock.hpp"
#include "sim/trace.hpp"

namespace esshub::sim {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ---- civil time ---------------------------------------------------------------------------------

SiteClock civil(std::string_view start, const std::string& zone = "Europe/London") {
  auto time = SiteClock::starting(start, zone);
  EXPECT_TRUE(time) << time.error();
  return *time;
}

TEST(Civil, RunsWithVirtualTime) {
  auto time = civil("2026-01-31T23:30", "Europe/Berlin");
  EXPECT_EQ(time.at({}).minute_of_day, 23 * 60 + 30);
  EXPECT_EQ(time.at({}).weekday, 6);
  EXPECT_TRUE(time.at({}).trusted);
  EXPECT_EQ(time.at(31min).minute_of_day, 1);
  EXPECT_EQ(time.at(31min).weekday, 7);
  EXPECT_EQ(time.text(24h), "2026-02-01T23:30:00");
  EXPECT_EQ(time.start_of_day(), 23h + 30min);
}

TEST(Civil, FollowsBothClockChanges) {
  auto autumn = civil("2026-10-25");
  EXPECT_EQ(autumn.at(1h + 30min).minute_of_day, 90);
  EXPECT_EQ(autumn.at(2h + 30min).minute_of_day, 90) << "the hour comes twice";
  EXPECT_FALSE(autumn.at(1h + 30min).held);
  EXPECT_EQ(autumn.at(2h + 30min).held, (CivilMinute{119, 7})) << "and the plan waits";
  EXPECT_EQ(autumn.at(3h).minute_of_day, 120);
  EXPECT_FALSE(autumn.at(3h).held);
  EXPECT_EQ(autumn.at(1h + 30min).minute_of_day, 90) << "and time may go back";
  auto spring = civil("2026-03-29");
  EXPECT_EQ(spring.at(59min).minute_of_day, 59);
  EXPECT_EQ(spring.at(1h).minute_of_day, 120) << "the hour is left out";
}

TEST(Civil, RefusesWhatIsNoTime) {
  const auto error = [](std::string_view start, const std::string& zone = "Europe/London") {
    return SiteClock::starting(start, zone).error();
  };
  EXPECT_THAT(error("tomorrow"), HasSubstr("expected a local time such as 2026-06-21"));
  EXPECT_THAT(error("2026-02-30"), HasSubstr("expected a local time"));
  EXPECT_THAT(error("2026-06-21T12:00 "), HasSubstr("expected a local time"));
  EXPECT_THAT(error("2026-03-29T01:30"), HasSubstr("leaves out"));
  EXPECT_THAT(error("2026-06-21", "Europe/Atlantis"), HasSubstr("Europe/Atlantis"));
}

// ---- the configuration --------------------------------------------------------------------------

const std::string own_config = hub_config("/run/house", "127.0.0.1:9750", "");

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

auto fit(const std::string& text) {
  const auto settings = config::parse_config(text);
  EXPECT_TRUE(settings) << settings.error().front().text;
  return fit_config(*settings);
}

TEST(FitConfig, TheSimulatorsOwnFits) {
  const auto fitted = fit(replaced(own_config, "baud = 9600", "baud = 19200\nparity = \"even\"") +
                          "[battery]\nreserve = 33\n");
  ASSERT_TRUE(fitted);
  EXPECT_THAT(fitted->notes, IsEmpty());
  EXPECT_EQ(fitted->loop.control.reserve, 33.0_soc);
  EXPECT_EQ(fitted->meter_wire.baud, 19200u);
  EXPECT_EQ(fitted->meter_wire.bits_per_character, 11u);
}

TEST(FitConfig, SaysWhatIsSimulatedInAnotherWay) {
  const auto can = replaced(own_config, "port = \"/run/house/battery\"", "can = \"can0\"");
  const auto fitted = fit(replaced(can, "baud = 9600", "mode = \"sniff\""));
  ASSERT_TRUE(fitted);
  EXPECT_THAT(fitted->notes, ElementsAre(HasSubstr("bus meters: polled by the hub"),
                                         HasSubstr("bus battery: CAN by an SLCAN adapter")));
  EXPECT_EQ(fitted->loop.battery.framing, protocol::CanFraming::slcan);
  EXPECT_EQ(fitted->loop.meters.mode, protocol::ModbusMode::poll);
}

TEST(FitConfig, NamesEveryMeterTheHouseDoesNotHave) {
  const auto moved = replaced(own_config, "unit = 244", "unit = 9");
  const auto fitted =
      fit(replaced(moved, "measures = \"solar\"", "invert = true, measures = \"solar\""));
  ASSERT_FALSE(fitted);
  EXPECT_THAT(
      fitted.error(),
      ElementsAre(HasSubstr("meter main: phase 2 measures inverted solar; the simulated"),
                  HasSubstr("meter battery: is an sdm120 at unit 9; the simulated house has")));
}

// ---- simulating ---------------------------------------------------------------------------------

class Simulate : public testing::Test {
 protected:
  Simulate() {
    std::filesystem::create_directory(dir_);
    options_.config = write("esshub.toml", own_config);
    options_.json = dir_ / "summary.json";
  }
  ~Simulate() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path write(const char* name, const std::string& text) {
    std::ofstream(dir_ / name) << text;
    return dir_ / name;
  }
  int run() { return simulate(options_, out_, err_); }
  [[nodiscard]] nlohmann::json summary() const {
    return nlohmann::json::parse(std::ifstream(options_.json));
  }

  const std::filesystem::path data_ = ESSHUB_TEST_DATA;
  const std::filesystem::path dir_ =
      std::filesystem::temp_directory_path() / ("esshub_simulate_" + std::to_string(::getpid()));
  SimulateOptions options_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(Simulate, TheBooksClose) {
  options_.load = data_ / "load_1hz_kettle_vacuum_waterheater_a.csv";
  options_.sun = data_ / "ghi_1min_midc_2018-10-18_clear.csv";
  options_.start = "2026-06-21T10:00";
  options_.hours = 0.5;
  options_.prices = {0.25, 0.05};
  ASSERT_EQ(run(), exit_ok) << err_.str();
  const auto s = summary();
  const auto figure = [&](const char* key) { return s.at(key).get<double>(); };

  // What was to be served and generated, by the traces alone.
  const auto load = read_load_trace(options_.load).value();
  const auto sun = read_sun_trace(options_.sun).value();
  double load_kwh = 0.0;
  double sun_kwh = 0.0;
  for (auto t = 0s; t < 1800s; t += 1s) {
    load_kwh += load.held(10h + t) / 3.6e6;
    sun_kwh += 4.0 * sun.between(10h + t) / 3.6e6;
  }
  EXPECT_NEAR(figure("load_kwh"), load_kwh, 0.005 * load_kwh);
  EXPECT_NEAR(figure("solar_kwh"), sun_kwh, 0.005 * sun_kwh);
  EXPECT_GT(figure("charged_kwh"), 0.1);
  EXPECT_GT(figure("discharged_kwh"), 0.1);
  EXPECT_GT(figure("losses_kwh"), 0.01);
  EXPECT_NEAR(load_kwh + figure("stored_kwh") + figure("losses_kwh"),
              sun_kwh + figure("import_kwh") - figure("export_kwh"), 0.005 * load_kwh);
  EXPECT_LT(std::abs(figure("unexplained_kwh")), 1e-4 * load_kwh);
  EXPECT_NEAR(figure("cost"), 0.25 * figure("import_kwh") - 0.05 * figure("export_kwh"), 1e-9);
  EXPECT_THAT(out_.str(), HasSubstr("2026-06-21T10:00:00, 0.5 h, seed 1\nload "));
  EXPECT_THAT(out_.str(), HasSubstr("faults           none"));
}

TEST_F(Simulate, FaultsOfTheScenarioAreSeenAndTicksAreWritten) {
  options_.scenario = write("s.toml",
                            "[[event]]\nat_s = 60\ncommand = \"fault meters off\"\n"
                            "[[event]]\nat_s = 90\ncommand = \"fault meters none\"\n");
  options_.hours = 180.0 / 3600.0;
  options_.csv = dir_ / "ticks.csv";
  options_.csv_step_seconds = 10.0;
  ASSERT_EQ(run(), exit_ok) << err_.str();
  const auto lost = summary().at("faults").at("grid_meter_lost");
  EXPECT_EQ(lost.at("times"), 1);
  // Noticed 3 s late; a lost meter is asked again every 10 s at the latest, then proves itself.
  EXPECT_GT(lost.at("seconds").get<double>(), 26.0);
  EXPECT_LT(lost.at("seconds").get<double>(), 43.0);
  EXPECT_TRUE(summary().at("cost").is_null());

  std::ifstream csv(options_.csv);
  std::vector<std::string> lines;
  for (std::string line; std::getline(csv, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 1u + 19u);
  EXPECT_EQ(lines[0],
            "local_time,time_s,load_w,solar_w,grid_w,battery_w,soc_percent,setpoint_w,rules");
  EXPECT_THAT(lines[6], HasSubstr("2026-06-21T00:00:50,50.0,400.0,0.0,"));
  EXPECT_THAT(lines[6], HasSubstr(",self_consumption"));
  EXPECT_THAT(lines[8], HasSubstr("grid_meter_lost"));
}

TEST_F(Simulate, EveryErrorOfEveryFileIsNamed) {
  options_.config = write("bad.toml", own_config + "[battery]\nreserv = 3\n");
  options_.load = write("load.csv", "load_w\n1\nmany\n");
  options_.sun = write("sun.csv", "load_w\n1\n");
  EXPECT_EQ(run(), exit_config);
  EXPECT_THAT(err_.str(), HasSubstr("load.csv:3:1: expected a number"));
  EXPECT_THAT(err_.str(), HasSubstr("sun.csv:1: no column ghi_w_m2"));
  EXPECT_THAT(err_.str(), testing::ContainsRegex("bad.toml:[0-9]+:1: battery.reserv: unknown key"));

  options_.config = write("other.toml", replaced(own_config, "unit = 244", "unit = 9"));
  options_.start = "noon";
  EXPECT_EQ(run(), exit_config);
  EXPECT_THAT(err_.str(), HasSubstr("other.toml: meter battery: is an sdm120 at unit 9"));
  EXPECT_THAT(err_.str(), HasSubstr("--start: expected a local time"));
}

TEST_F(Simulate, WhatCannotBeWrittenIs73) {
  options_.csv = "/nowhere/ticks.csv";
  EXPECT_EQ(run(), exit_cannot_create);
  EXPECT_THAT(err_.str(), HasSubstr("/nowhere/ticks.csv: cannot be written: No such file"));
}

}  // namespace
}  // namespace esshub::sim
