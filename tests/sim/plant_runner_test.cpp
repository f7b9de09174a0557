#include "sim/plant_runner.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string_view>

#include <gtest/gtest.h>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "sim/hub_config.hpp"
#include "tests/sim/tiny_device.hpp"

namespace esshub::sim {
namespace {

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

TEST_F(Runner, DevicesAnswerOnTheirPortsAgainAndAgain) {
  ASSERT_TRUE(good_) << reason_;
  EXPECT_EQ(ask_device("battery").substr(0, 3), "62.");
  EXPECT_EQ(ask_device("battery").substr(0, 3), "62.");
  EXPECT_NE(ask_device("meters"), "");
  EXPECT_NE(ask_device("inverter"), "");
}

TEST_F(Runner, TheModulesAnswerOnAPortOfTheirOwn) {
  ASSERT_TRUE(good_) << reason_;
  // Analog values of the module at address 2 (reference: pylontech-can#9).
  const auto answer = ask_device("cells", "~20024642E00202FD33\r", '\r');
  EXPECT_TRUE(answer.starts_with("~200246")) << answer;
}

TEST_F(Runner, SeveralClientsCommandAtOnce) {
  ASSERT_TRUE(good_) << reason_;
  Client one{*this};
  Client two{*this};
  EXPECT_EQ(one.ask("load 700"), "ok");
  EXPECT_EQ(two.ask("pv 200\r"), "ok");
  EXPECT_TRUE(one.ask("banana").starts_with("error expected one of"));
  EXPECT_TRUE(run_until([&] { return plant_.house().truth().load == 700.0_W; }));
  EXPECT_TRUE(two.ask("state").starts_with("ok {"));
  EXPECT_EQ(plant_.house().truth().solar, 200.0_W);
}

TEST_F(Runner, ALineWithoutEndIsRefused) {
  ASSERT_TRUE(good_) << reason_;
  Client client{*this};
  EXPECT_EQ(client.ask(std::string(2000, 'x')), "error the line is too long");
  EXPECT_EQ(Client{*this}.ask("grid on"), "ok") << "others are not disturbed";
}

TEST_F(Runner, AnUnpluggedPortVanishesUntilItIsPluggedInAgain) {
  ASSERT_TRUE(good_) << reason_;
  Client client{*this};
  const int held = ::open(path("battery").c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
  ASSERT_GE(held, 0);
  EXPECT_EQ(client.ask("fault battery unplug"), "ok");
  EXPECT_FALSE(fs::exists(fs::symlink_status(path("battery"))));
  char byte = 0;
  EXPECT_LE(::read(held, &byte, 1), 0) << "whoever had it open is hung up";
  ::close(held);
  EXPECT_EQ(ask_device("battery"), "closed");
  EXPECT_EQ(client.ask("fault battery none"), "ok");
  EXPECT_EQ(ask_device("battery").substr(0, 3), "62.");
  EXPECT_EQ(devices_.battery->starts, 2);
}

TEST_F(Runner, StopRemovesItsPaths) {
  ASSERT_TRUE(good_) << reason_;
  runner_.stop();
  EXPECT_TRUE(fs::is_empty(dir_));
}

TEST_F(Runner, ASecondSimulatorInTheDirectoryIsRefused) {
  ASSERT_TRUE(good_) << reason_;
  Plant other{PlantSettings{}, tiny_devices(devices_), std::chrono::steady_clock::now()};
  PlantRunner second{io_, other, dir_.string(), [](auto, auto) {}};
  std::string reason;
  EXPECT_FALSE(second.start(reason));
  EXPECT_NE(reason.find("another simulator"), std::string::npos);
  EXPECT_NE(ask_device("meters"), "closed") << "the first one goes on";
}

TEST_F(Runner, LeftoversOfAKilledSimulatorAreReplaced) {
  ASSERT_TRUE(good_) << reason_;
  runner_.stop();
  {
    asio::local::stream_protocol::acceptor dead{io_, path("control")};  // leaves its path behind
  }
  fs::create_symlink("/dev/pts/99999", path("meters"));
  PlantRunner again{io_, plant_, dir_.string(), [](auto, auto) {}};
  std::string reason;
  EXPECT_TRUE(again.start(reason)) << reason;
}

TEST_F(Runner, AFolderWhereNothingCanBeMadeIsNamed) {
  PlantRunner nowhere{io_, plant_, (dir_ / "missing").string(), [](auto, auto) {}};
  std::string reason;
  EXPECT_FALSE(nowhere.start(reason));
  EXPECT_NE(reason.find("missing/control"), std::string::npos) << reason;
}

TEST(HubConfig, QuotesWhatTomlWouldMisread) {
  const auto text = hub_config("/a \"b\\c", "127.0.0.1:1", "127.0.0.1:2");
  EXPECT_NE(text.find(R"(port = "/a \"b\\c/meters")"), std::string::npos) << text;
  EXPECT_NE(text.find("address = \"127.0.0.1:1\""), std::string::npos);
}

}  // namespace
}  // namespace esshub::sim
