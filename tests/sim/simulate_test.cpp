#include "sim/simulate.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.hpp"
#include "sim/exit_codes.hpp"
#include "sim/hub_config.hpp"
#include "sim/trace.hpp"

namespace esshub::sim {
namespace {

using testing::HasSubstr;

const std::string own_config = hub_config("/run/house", "127.0.0.1:9750", "");

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

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
