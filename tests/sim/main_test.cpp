// The program esshub-sim itself, started as a person would start it.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "esshub_version.hpp"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

class Program : public testing::Test {
 protected:
  Program() {
    fs::remove_all(dir_);
    fs::create_directory(dir_);
  }
  ~Program() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      (void)wait();
    }
    fs::remove(log());
    fs::remove_all(dir_);
  }

  void launch(std::vector<std::string> words) {
    words.insert(words.begin(), ESSHUB_SIM_PROGRAM);
    pid_ = ::fork();
    if (pid_ != 0) return;
    const int out = ::open(log().c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int run(std::vector<std::string> words) {
    launch(std::move(words));
    return wait();
  }
  [[nodiscard]] std::string log() const { return dir_.string() + ".log"; }
  [[nodiscard]] std::string said() const { return text_of(log()); }
  static std::string text_of(const fs::path& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
  [[nodiscard]] std::string path(const char* name) const { return (dir_ / name).string(); }
  bool starts() {
    for (int i = 0; i < 1000; ++i, std::this_thread::sleep_for(10ms))
      if (said().find("sim started") != std::string::npos) return true;
    return false;
  }
  /// One command to the control socket.
  std::string ask(const std::string& line) const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path("control").copy(address.sun_path, sizeof address.sun_path - 1);
    std::string heard;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      const auto text = line + "\n";
      EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
      heard = read(fd, [](const std::string& s) { return s.ends_with('\n'); });
    }
    ::close(fd);
    return heard;
  }
  /// Reads until `enough` or for five seconds.
  template <class Enough>
  static std::string read(int fd, Enough enough) {
    std::string heard;
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (!enough(heard) && std::chrono::steady_clock::now() < end) {
      pollfd look{fd, POLLIN, 0};
      if (::poll(&look, 1, 100) <= 0) continue;
      std::array<char, 4096> buffer{};
      const auto size = ::read(fd, buffer.data(), buffer.size());
      if (size <= 0) break;
      heard.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return heard;
  }
  /// Writes `request` to a port until something comes back.
  std::string exchange(const char* port, const std::string& request, std::size_t enough) const {
    const int fd = ::open(path(port).c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
    EXPECT_GE(fd, 0) << port;
    EXPECT_EQ(::write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
    const auto heard = read(fd, [&](const std::string& s) { return s.size() >= enough; });
    ::close(fd);
    return heard;
  }

  fs::path dir_ = fs::temp_directory_path() / ("esshub_sim_" + std::to_string(::getpid()));
  pid_t pid_ = -1;
};

TEST_F(Program, SpeaksOnAllItsPortsAndLeavesNothingBehind) {
  launch({"plant", "--dir", dir_.string(), "--seed", "5", "--metrics", "127.0.0.1:9999"});
  ASSERT_TRUE(starts()) << said();

  // L1 voltage of unit 1: an answer of 9 bytes with 4 bytes of data.
  const auto meter = exchange("meters", std::string("\x01\x04\0\0\0\x02\x71\xcb", 8), 9);
  ASSERT_EQ(meter.size(), 9u);
  EXPECT_EQ(meter.substr(0, 3), "\x01\x04\x04");
  // A CAN adapter that was opened at 500 kbit/s passes on the battery's limits.
  const auto battery = exchange("battery", "C\rS6\rO\r", 120);
  EXPECT_THAT(battery, HasSubstr("t3518"));
  // The interface repeats its version while nobody has addressed it.
  EXPECT_THAT(exchange("inverter", "", 9), StartsWith("\x07\xffV"));

  EXPECT_EQ(ask("load 1234"), "ok\n");
  EXPECT_THAT(ask("load much"), StartsWith("error expected"));
  // The house takes a load up with its next step.
  nlohmann::json truth;
  for (int i = 0; i < 1000 && truth["load_w"] != 1234.0; ++i, std::this_thread::sleep_for(10ms)) {
    const auto state = ask("state");
    ASSERT_THAT(state, StartsWith("ok {"));
    truth = nlohmann::json::parse(state.substr(3));
  }
  EXPECT_EQ(truth["load_w"], 1234.0);
  EXPECT_THAT(text_of(path("esshub.toml")), HasSubstr("port = \"" + path("meters") + "\""));
  EXPECT_THAT(text_of(path("esshub.toml")), HasSubstr("address = \"127.0.0.1:9999\""));

  ::kill(pid_, SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_FALSE(fs::exists(fs::symlink_status(path("meters"))));
  EXPECT_FALSE(fs::exists(fs::symlink_status(path("control"))));
  EXPECT_THAT(said(), HasSubstr("sim stopped"));
}

TEST_F(Program, EndsByItselfWhenAsked) {
  EXPECT_EQ(run({"plant", "--dir", dir_.string(), "--seconds", "0.2"}), 0);
  const std::string load = ESSHUB_TEST_DATA "/load_1hz_kettle_vacuum_waterheater_a.csv";
  EXPECT_EQ(run({"plant", "--dir", dir_.string(), "--seconds", "0.2", "--load", load, "--load-step",
                 "60", "--pv-step", "60"}),
            0);
}

TEST_F(Program, TellsItsVersionAndItsManual) {
  EXPECT_EQ(run({"--version"}), 0);
  EXPECT_THAT(said(), HasSubstr("esshub-sim " ESSHUB_VERSION));
  EXPECT_EQ(run({"plant", "--help"}), 0);
  EXPECT_THAT(said(), HasSubstr("Exit codes: 0 "));
  EXPECT_THAT(said(), HasSubstr("Example:"));
  EXPECT_THAT(said(), HasSubstr("fault meters|battery|inverter"));
}

TEST_F(Program, WrongArgumentsAre64) {
  EXPECT_EQ(run({}), 64);
  EXPECT_EQ(run({"plant"}), 64);
  EXPECT_EQ(run({"plant", "--dir", dir_.string(), "--colour", "red"}), 64);
  EXPECT_THAT(said(), HasSubstr("--colour"));
  EXPECT_EQ(run({"plant", "--dir", dir_.string(), "--seconds", "-3"}), 64);
  EXPECT_EQ(run({"plant", "--dir", dir_.string(), "--seed", "x"}), 64);
  EXPECT_EQ(run({"plant", "--dir", dir_.string(), "--metrics", "nowhere"}), 64);
}

TEST_F(Program, WrongFilesAre78WithTheirLine) {
  const auto scenario = path("s.toml");
  std::ofstream(scenario) << "seed = 1\n[battery]\nmodules = 0\n";
  EXPECT_EQ(run({"plant", "--dir", dir_.string(), "--scenario", scenario}), 78);
  EXPECT_THAT(said(), HasSubstr("s.toml:3:11: battery.modules: expected"));
  const auto load = path("l.csv");
  std::ofstream(load) << "load_w\n1\nmany\n";
  EXPECT_EQ(run({"plant", "--dir", dir_.string(), "--load", load}), 78);
  EXPECT_THAT(said(), HasSubstr("l.csv:3:1: expected a number"));
  EXPECT_EQ(run({"plant", "--dir", dir_.string(), "--pv", "/nowhere.csv"}), 78);
}

TEST_F(Program, SimulatesItsOwnConfiguration) {
  EXPECT_EQ(run({"plant", "--dir", dir_.string(), "--seconds", "0.01"}), 0);
  const auto config = path("esshub.toml");
  EXPECT_EQ(run({"simulate", "--config", config, "--hours", "0.02", "--json", path("s.json")}), 0);
  EXPECT_THAT(said(), HasSubstr("self-sufficiency"));
  EXPECT_THAT(said(), HasSubstr(" h/s"));
  EXPECT_TRUE(nlohmann::json::parse(text_of(path("s.json"))).contains("mean_abs_grid_w"));

  EXPECT_EQ(run({"simulate", "--help"}), 0);
  EXPECT_THAT(said(), HasSubstr("Exit codes: 0 "));
  EXPECT_THAT(said(), HasSubstr("Example:"));
  EXPECT_EQ(run({"simulate"}), 64);
  EXPECT_EQ(run({"simulate", "--config", config, "--hours", "-1"}), 64);
  EXPECT_EQ(run({"simulate", "--config", config, "--past-days", "16"}), 64);
  EXPECT_EQ(run({"simulate", "--config", "/nowhere.toml"}), 78);
  EXPECT_THAT(said(), HasSubstr("/nowhere.toml: cannot be read"));
  std::ofstream(config, std::ios::app) << "[grid]\nsetpoint_w = 9000\n";
  EXPECT_EQ(run({"simulate", "--config", config}), 78);
  EXPECT_THAT(said(), testing::ContainsRegex("esshub.toml:[0-9]+:14: grid.setpoint_w: is 9000 W"));
}

TEST_F(Program, SimulatesAYear) {
  const std::string house = ESSHUB_TEST_DATA "/house_1h_citylearn2022_building1.csv";
  EXPECT_EQ(run({"year", "--house", house, "--tariff", "e7", "--json", path("y.json")}), 0);
  EXPECT_THAT(said(), HasSubstr("cost with these rules            982.52 GBP\n"));
  EXPECT_THAT(said(), HasSubstr("bound, perfect foresight         831.54 GBP   regret 150.98 GBP, "
                                "22.6 % of what it would save\n"));
  EXPECT_THAT(said(), HasSubstr("525600 decisions"));
  EXPECT_EQ(
      run({"year", "--house", house, "--step", "1h", "--standby-w", "20", "--efficiency-curve",
           "200:0.85,800:0.95,2400:0.93", "--import-limit-w", "6000", "--free-end"}),
      0);
  EXPECT_THAT(said(), HasSubstr("standby                          175.20 kWh\n"));
  EXPECT_THAT(said(), testing::ContainsRegex("cost without a battery +[0-9.]+ USD\n"));
  EXPECT_THAT(said(), testing::ContainsRegex("bound without grid charging +[0-9.]+ USD\n"));
  const auto figures = nlohmann::json::parse(text_of(path("y.json")));
  EXPECT_NEAR(figures["cost"].get<double>(), 982.52, 0.01);
  EXPECT_EQ(figures["currency"], "GBP");

  // Of less than 28 days there are no worst 28.
  const std::string whole = text_of(house);
  std::size_t end = whole.find('\n');
  for (int hours = 0; hours < 28 * 24 - 1; ++hours) end = whole.find('\n', end + 1);
  std::ofstream(path("short.csv")) << whole.substr(0, end + 1);
  const auto changes_in = [&](const char* hours) {
    EXPECT_EQ(run({"year", "--house", path(hours), "--policy", "smart", "--json", path("y.json")}),
              0);
    return nlohmann::json::parse(text_of(path("y.json")))["permission_changes_a_day_worst_28_days"];
  };
  EXPECT_TRUE(changes_in("short.csv").is_null());
  EXPECT_THAT(said(), testing::Not(HasSubstr("28 days")));
  const std::size_t hour_more = whole.find('\n', end + 1);
  std::ofstream(path("enough.csv")) << whole.substr(0, hour_more + 1);
  EXPECT_GT(changes_in("enough.csv").get<double>(), 1.0);
  EXPECT_THAT(said(), HasSubstr("permission changes, 28 days"));

  EXPECT_EQ(run({"year", "--help"}), 0);
  EXPECT_THAT(said(), HasSubstr("--tariff WORD:{tou,e7,night,agile}"));
  EXPECT_THAT(said(), HasSubstr("Example:"));
  EXPECT_EQ(run({"year", "--house", house, "--tariff", "flat"}), 64);
  EXPECT_EQ(run({"year", "--house", house, "--step", "7s"}), 64);
  EXPECT_EQ(run({"year", "--house", house, "--tariff", "agile", "--step", "1h"}), 64);
  EXPECT_THAT(said(), HasSubstr("--step: the prices of agile change each half hour"));
  EXPECT_EQ(run({"year", "--house", house, "--sells"}), 64);
  EXPECT_EQ(run({"year", "--house", house, "--efficiency-curve", "800:0.95,200:0.9"}), 64);
  EXPECT_EQ(run({"year", "--house", house, "--efficiency-curve", "800:1.2"}), 64);
  EXPECT_EQ(run({"year", "--house", house, "--start-kwh", "9"}), 64);
  EXPECT_THAT(said(), HasSubstr("--start-kwh"));
  std::ofstream(path("h.csv")) << "load_kwh\n1\n";
  EXPECT_EQ(run({"year", "--house", path("h.csv")}), 78);
  EXPECT_THAT(said(), HasSubstr("h.csv:1: no column pv_wh_per_kwp"));
}

TEST_F(Program, WhatCannotBeCreatedIs73) {
  std::ofstream(path("file")) << "x";
  EXPECT_EQ(run({"plant", "--dir", path("file/house"), "--seconds", "1"}), 73);
  std::ofstream(path("meters")) << "precious";
  EXPECT_EQ(run({"plant", "--dir", dir_.string(), "--seconds", "1"}), 73);
  EXPECT_THAT(said(), HasSubstr("is not a link"));
  EXPECT_EQ(text_of(path("meters")), "precious");
}

}  // namespace
