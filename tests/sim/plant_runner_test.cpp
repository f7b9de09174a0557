#include "sim/plant_runner.hpp"

#include "sim/hub_config.hpp"
#include "tests/sim/runner.hpp"

namespace esshub::sim {
namespace {

TEST_F(Runner, DevicesAnswerOnTheirPortsAgainAndAgain) {
  ASSERT_TRUE(good_) << reason_;
  EXPECT_EQ(ask_device("battery").substr(0, 3), "62.");
  EXPECT_EQ(ask_device("battery").substr(0, 3), "62.");
  EXPECT_NE(ask_device("meters"), "");
  EXPECT_NE(ask_device("inverter"), "");
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
