#include "transport/port_trouble.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace esshub::transport {
namespace {

namespace fs = std::filesystem;

/// A directory tree that looks like /proc and /dev/serial/by-id.
class PortTrouble : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path{testing::TempDir()} / ("port-trouble-" + std::to_string(::getpid()));
    places_ = {root_ / "proc", root_ / "by-id"};
    fs::create_directories(places_.processes);
    device_ = root_ / "ttyUSB0";
    std::ofstream{device_}.flush();
    device_ = fs::canonical(device_);
  }
  void TearDown() override { fs::remove_all(root_); }
  void process(const std::string& pid, const std::string& name, const fs::path& opens) {
    const auto fds = places_.processes / pid / "fd";
    fs::create_directories(fds);
    fs::create_symlink("/nowhere", fds / "0");
    fs::create_symlink(opens, fds / "7");
    if (!name.empty()) std::ofstream{places_.processes / pid / "comm"} << name << '\n';
  }
  void adapter(const std::string& name) {
    fs::create_directories(places_.by_id);
    fs::create_symlink(device_, places_.by_id / name);
  }

  fs::path root_;
  fs::path device_;
  PortPlaces places_;
};

TEST_F(PortTrouble, TheHolderIsFoundByWhatTheNameLeadsTo) {
  process("12", "sh", "/dev/null");
  process("345", "vctrl", device_);
  adapter("usb-MK3");
  const auto holder = holder_of(places_.by_id / "usb-MK3", places_);
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->pid, 345);
  EXPECT_EQ(holder->name, "vctrl");
  EXPECT_EQ(open_failure(device_, EBUSY, places_),
            device_.string() + ": in use by vctrl (process 345); stop it first");
}

TEST_F(PortTrouble, AnotherProgramIsNamedBeforeThisOne) {
  process(std::to_string(::getpid()), "me", device_);
  EXPECT_NE(open_failure(device_, EWOULDBLOCK, places_).find("another bus of this program"),
            std::string::npos);
  process("2", "vctrl", device_);
  EXPECT_EQ(holder_of(device_, places_)->pid, 2);
}

TEST_F(PortTrouble, AHolderThatIsNotShownIsNotInvented) {
  process("12", "sh", "/dev/null");
  process("self", "me", device_);  // no process number
  EXPECT_FALSE(holder_of(device_, places_));
  EXPECT_FALSE(holder_of(device_, {root_ / "absent", root_ / "absent"}));
  EXPECT_FALSE(holder_of(root_ / "absent", places_));
  EXPECT_NE(open_failure(device_, EBUSY, places_).find("another program"), std::string::npos);
  process("13", "", device_);
  EXPECT_NE(open_failure(device_, EBUSY, places_).find("a program (process 13)"),
            std::string::npos);
}

TEST_F(PortTrouble, AnAbsentPortListsThoseThatAreThere) {
  EXPECT_NE(open_failure("/dev/x", ENOENT, places_).find("No serial adapter is."),
            std::string::npos);
  adapter("usb-MK3");
  adapter("usb-FTDI");
  const auto message = open_failure("/dev/x", ENOENT, places_);
  EXPECT_NE(message.find("plugged in?"), std::string::npos);
  EXPECT_NE(message.find("has usb-FTDI, usb-MK3"), std::string::npos) << message;
}

TEST_F(PortTrouble, PermissionSaysWhichGroup) {
  EXPECT_NE(open_failure("/dev/x", EACCES, places_).find("dialout"), std::string::npos);
  EXPECT_NE(open_failure("/dev/x", EPERM, places_).find("DeviceAllow="), std::string::npos);
  EXPECT_NE(open_failure("/dev/x", EMFILE, places_).find("/dev/x: "), std::string::npos);
}

}  // namespace
}  // namespace esshub::transport
