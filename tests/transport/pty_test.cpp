#include "transport/pty.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace esshub::transport {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class PtyTest : public testing::Test {
 protected:
  PtyTest() {
    fs::create_directory(dir_);
    pty_ = Pty::open(
        io_, link_,
        [this](std::span<const std::byte> bytes, auto) {
          for (const auto b : bytes) got_ += static_cast<char>(b);
        },
        reason_);
  }
  ~PtyTest() override {
    if (pty_) pty_->close();
    io_.run_for(10ms);
    fs::remove_all(dir_);
  }

  int open_slave() const { return ::open(link_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK); }
  /// Runs the loop until `done` or long enough for a failure.
  template <class Done>
  bool run_until(Done done) {
    for (int i = 0; i < 500 && !done(); ++i) io_.run_for(10ms);
    return done();
  }
  void send(std::string_view text) {
    pty_->write(std::as_bytes(std::span(text.data(), text.size())));
  }
  /// What the slave's side reads now.
  static std::string read(int fd) {
    std::array<char, 8192> buffer{};
    const auto size = ::read(fd, buffer.data(), buffer.size());
    return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
  }
  /// The slave's side hears of `text` after it was opened.
  bool reaches(int fd, std::string_view text) {
    std::string heard;
    return run_until([&] {
      send(text);
      heard += read(fd);
      return heard.find(text) != std::string::npos;
    });
  }

  fs::path dir_ = fs::temp_directory_path() / ("esshub_pty_" + std::to_string(::getpid()));
  std::string link_ = (dir_ / "meters").string();
  boost::asio::io_context io_;
  std::string got_;
  std::string reason_;
  std::shared_ptr<Pty> pty_;
};

TEST_F(PtyTest, BytesPassBothWaysUnchanged) {
  ASSERT_TRUE(pty_) << reason_;
  const int fd = open_slave();
  ASSERT_GE(fd, 0);
  const std::string raw{"\x00\x03\x04\r\n\x11\x13\x7f\xff", 9};
  ASSERT_EQ(::write(fd, raw.data(), raw.size()), 9);
  EXPECT_TRUE(run_until([&] { return got_.size() == 9; }));
  EXPECT_EQ(got_, raw);
  EXPECT_TRUE(reaches(fd, raw));
  ::close(fd);
}

TEST_F(PtyTest, TheOtherSideMayCloseAndReopen) {
  for (int round = 0; round < 3; ++round) {
    const int fd = open_slave();
    ASSERT_GE(fd, 0);
    got_.clear();
    ASSERT_EQ(::write(fd, "hello", 5), 5);
    EXPECT_TRUE(run_until([&] { return got_ == "hello"; })) << "round " << round;
    EXPECT_TRUE(reaches(fd, "answer")) << "round " << round;
    ::close(fd);
    io_.run_for(50ms);
  }
}

TEST_F(PtyTest, StaysRawAfterTheOtherSideMadeItATerminal) {
  int fd = open_slave();
  termios cooked{};
  ASSERT_EQ(::tcgetattr(fd, &cooked), 0);
  cooked.c_lflag |= ECHO | ICANON;
  ASSERT_EQ(::tcsetattr(fd, TCSANOW, &cooked), 0);
  ASSERT_TRUE(reaches(fd, "x\n"));
  ::close(fd);
  io_.run_for(50ms);
  fd = open_slave();
  termios now{};
  ASSERT_EQ(::tcgetattr(fd, &now), 0);
  EXPECT_EQ(now.c_lflag & tcflag_t{ECHO | ICANON}, 0u);
  ::close(fd);
}

TEST_F(PtyTest, AnExclusiveOwnerLeavesNoMark) {
  int fd = open_slave();
  ASSERT_EQ(::ioctl(fd, TIOCEXCL), 0);
  ASSERT_TRUE(reaches(fd, "x"));
  ::close(fd);
  io_.run_for(50ms);
  fd = open_slave();
  ASSERT_GE(fd, 0);
  int exclusive = -1;
  ASSERT_EQ(::ioctl(fd, TIOCGEXCL, &exclusive), 0);
  EXPECT_EQ(exclusive, 0);
  ::close(fd);
}

TEST_F(PtyTest, WhatIsSentToNobodyIsLostAndNotDeliveredLater) {
  io_.run_for(50ms);
  send("stale");
  int fd = open_slave();
  ASSERT_TRUE(reaches(fd, "fresh"));
  ::close(fd);
  io_.run_for(50ms);
  send("stale");
  fd = open_slave();
  std::string heard;
  ASSERT_TRUE(run_until([&] {
    send("new.");
    heard += read(fd);
    return !heard.empty();
  }));
  EXPECT_EQ(heard.find("stale"), std::string::npos);
  EXPECT_EQ(heard.find("fresh"), std::string::npos);
  ::close(fd);
}

TEST_F(PtyTest, AReaderThatNeverReadsDoesNotBlockIt) {
  const int fd = open_slave();
  ASSERT_TRUE(reaches(fd, "x"));
  for (int i = 0; i < 1000; ++i) send(std::string(100, 'y'));
  ASSERT_EQ(::write(fd, "hello", 5), 5);
  EXPECT_TRUE(run_until([&] { return got_ == "hello"; }));
  ::close(fd);
}

TEST_F(PtyTest, NoPeerNoSpinning) {
  const int fd = open_slave();
  ASSERT_TRUE(reaches(fd, "x"));
  ::close(fd);
  io_.run_for(50ms);
  const auto handlers = io_.run_for(500ms);
  EXPECT_LE(handlers, 30u) << "it looks every 20 ms";
}

TEST_F(PtyTest, ReplacesAnOldLinkButNothingElse) {
  const auto old = (dir_ / "old").string();
  fs::create_symlink("/nowhere", old);
  auto second = Pty::open(
      io_, old, [](auto, auto) {}, reason_);
  ASSERT_TRUE(second) << reason_;
  EXPECT_NE(fs::read_symlink(old), "/nowhere");
  second->close();
  EXPECT_FALSE(fs::exists(fs::symlink_status(old)));

  const auto precious = (dir_ / "precious").string();
  std::ofstream(precious) << "data";
  EXPECT_FALSE(Pty::open(
      io_, precious, [](auto, auto) {}, reason_));
  EXPECT_NE(reason_.find("is not a link"), std::string::npos);
  EXPECT_TRUE(fs::is_regular_file(precious));
}

TEST_F(PtyTest, CloseRemovesItsOwnLinkOnly) {
  fs::remove(link_);
  fs::create_symlink("/dev/null", link_);
  pty_->close();
  EXPECT_EQ(fs::read_symlink(link_), "/dev/null");
}

TEST_F(PtyTest, AMissingFolderIsNamed) {
  EXPECT_FALSE(Pty::open(
      io_, (dir_ / "no" / "x").string(), [](auto, auto) {}, reason_));
  EXPECT_NE(reason_.find("cannot make the link"), std::string::npos) << reason_;
}

TEST_F(PtyTest, TellsTheSpeedTheOtherSideHasSetAndForgetsItWithIt) {
  ASSERT_TRUE(pty_) << reason_;
  EXPECT_EQ(pty_->baud(), 9600u);
  const int fd = open_slave();
  ASSERT_GE(fd, 0);
  ASSERT_TRUE(reaches(fd, "open"));
  termios settings{};
  ASSERT_EQ(::tcgetattr(fd, &settings), 0);
  ASSERT_EQ(::cfsetspeed(&settings, B115200), 0);
  ASSERT_EQ(::tcsetattr(fd, TCSANOW, &settings), 0);
  EXPECT_EQ(pty_->baud(), 115200u);
  ::close(fd);
  EXPECT_TRUE(run_until([&] { return pty_->baud() == 9600u; }));
}

}  // namespace
}  // namespace esshub::transport
