// A running simulator of tiny devices in a folder of its own, and a client of its control socket.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "sim/plant_runner.hpp"
#include "tests/sim/tiny_device.hpp"

namespace esshub::sim {

namespace asio = boost::asio;
namespace fs = std::filesystem;

class Runner : public testing::Test {
 protected:
  Runner() {
    fs::create_directory(dir_);
    good_ = runner_.start(reason_);
  }
  ~Runner() override {
    runner_.stop();
    io_.run_for(5ms);
    fs::remove_all(dir_);
  }

  template <class Done>
  bool run_until(Done done) {
    for (int i = 0; i < 500 && !done(); ++i) io_.run_for(10ms);
    return done();
  }
  [[nodiscard]] std::string path(const char* name) const { return (dir_ / name).string(); }

  /// One client of the control socket: a line in, a line out.
  struct Client {
    explicit Client(Runner& runner) : runner_(runner), socket_(runner.io_) {
      socket_.connect(runner.path("control"));
    }
    std::string ask(const std::string& line) {
      asio::write(socket_, asio::buffer(line + "\n"));
      std::string input;
      std::size_t size = 0;
      asio::async_read_until(socket_, asio::dynamic_buffer(input), '\n',
                             [&](const boost::system::error_code&, std::size_t n) { size = n; });
      runner_.run_until([&] { return size != 0; });
      return size == 0 ? "" : input.substr(0, size - 1);
    }
    Runner& runner_;
    asio::local::stream_protocol::socket socket_;
  };

  /// Asks a device over its pty; the tiny ones end an answer with \n.
  std::string ask_device(const char* name, std::string_view question = "?", char end = '\n') {
    const int fd = ::open(path(name).c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return "closed";
    io_.run_for(50ms);
    EXPECT_EQ(::write(fd, question.data(), question.size()), static_cast<ssize_t>(question.size()));
    std::string heard;
    run_until([&] {
      std::array<char, 64> buffer{};
      const auto size = ::read(fd, buffer.data(), buffer.size());
      if (size > 0) heard.append(buffer.data(), static_cast<std::size_t>(size));
      return !heard.empty() && heard.back() == end;
    });
    ::close(fd);
    return heard;
  }

  fs::path dir_ = fs::temp_directory_path() / ("esshub_runner_" + std::to_string(::getpid()));
  asio::io_context io_;
  TinyDevices devices_;
  static PlantSettings well_charged() {
    PlantSettings settings;
    settings.house.battery.soc_percent = 62.5;
    return settings;
  }
  Plant plant_{well_charged(), tiny_devices(devices_), std::chrono::steady_clock::now()};
  std::vector<std::string> logged_;
  PlantRunner runner_{
      io_, plant_, dir_.string(),
      [this](std::string_view, const std::string& text) { logged_.push_back(text); }};
  std::string reason_;
  bool good_ = false;
};

}  // namespace esshub::sim
