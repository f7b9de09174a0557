#include "transport/serial_line.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <thread>

#include "tests/transport/standstill.hpp"
#include "transport/io_thread.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace esshub::transport {
namespace {

using namespace std::chrono_literals;

std::vector<std::byte> bytes(std::string_view text) {
  std::vector<std::byte> out;
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
  return out;
}

/// Collects what a line says, so that a test can wait for it.
class Listener {
 public:
  Line::Callbacks callbacks() {
    return {[this] { say([this] { ++ups; }); },
            [this](std::vector<std::byte> b, std::chrono::steady_clock::time_point at) {
              say([&] {
                for (const auto byte : b) received += static_cast<char>(byte);
                last_at = at;
              });
            },
            [this](std::string reason) { say([&] { down_reason = std::move(reason); }); }};
  }
  template <class Predicate>
  bool wait(Predicate predicate, std::chrono::milliseconds most = 5s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, predicate);
  }
  int ups = 0;
  std::string received;
  std::chrono::steady_clock::time_point last_at;
  std::optional<std::string> down_reason;

 private:
  template <class Change>
  void say(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

class SerialLineTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[128];
    int slave = -1;
    ASSERT_EQ(::openpty(&master_, &slave, path, nullptr, nullptr), 0);
    path_ = path;
    ::close(slave);
  }
  void TearDown() override {
    io_.stop();
    if (master_ >= 0) ::close(master_);
  }
  std::shared_ptr<Line> make() { return make_serial_line(io_.context(), {path_, 9600, 'N', 1}); }
  std::string read_master(std::size_t size) const {
    std::string out(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const auto n = ::read(master_, out.data() + got, size - got);
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
    return out;
  }
  speed_t speed() const {
    termios t{};
    EXPECT_EQ(::tcgetattr(master_, &t), 0);
    return ::cfgetospeed(&t);
  }

  int master_ = -1;
  std::string path_;
  Listener listener_;
  IoThread io_;  // last member: its thread ends before what the callbacks touch
};

TEST_F(SerialLineTest, BytesTravelBothWaysUntouched) {
  const auto line = make();
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.ups == 1; }));
  const std::string awkward("\x03\x04\x0D\x0A\x11\x13\x1A\xFF\x00z", 10);  // what a cooked tty eats
  ASSERT_EQ(::write(master_, awkward.data(), awkward.size()), 10);
  EXPECT_TRUE(listener_.wait([&] { return listener_.received == awkward; }));
  line->write(bytes("hel"));
  line->write(bytes("lo\r\n"));
  EXPECT_EQ(read_master(7), "hello\r\n");
}

TEST_F(SerialLineTest, ChunksAreStampedWhenRead) {
  const auto line = make();
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.ups == 1; }));
  const auto before = std::chrono::steady_clock::now();
  ASSERT_EQ(::write(master_, "x", 1), 1);
  ASSERT_TRUE(listener_.wait([&] { return !listener_.received.empty(); }));
  EXPECT_GE(listener_.last_at, before);
  EXPECT_LE(listener_.last_at, std::chrono::steady_clock::now());
}

TEST_F(SerialLineTest, WhatWaitedWhileNobodyReadIsThrownAwayAndWhatComesLaterIsNot) {
  const auto line = make();
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.ups == 1; }));
  const std::string more_than_one_reads(8000, 'o');
  hold(io_.context(), [&] {
    EXPECT_EQ(::write(master_, more_than_one_reads.data(), more_than_one_reads.size()), 8000);
  });
  const auto heard = [&] { return !listener_.received.empty(); };
  for (int i = 0; i < 500 && !listener_.wait(heard, 10ms); ++i)
    EXPECT_EQ(::write(master_, "n", 1), 1);
  EXPECT_THAT(listener_.received, testing::MatchesRegex("n+"));
}

TEST_F(SerialLineTest, DeviceGoneIsReportedOnceAndReopenFails) {
  const auto line = make();
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.ups == 1; }));
  ::close(std::exchange(master_, -1));
  ASSERT_TRUE(listener_.wait([&] { return listener_.down_reason.has_value(); }));
  EXPECT_NE(listener_.down_reason->find("unplugged?"), std::string::npos) << *listener_.down_reason;

  Listener second;
  line->open(second.callbacks());
  ASSERT_TRUE(second.wait([&] { return second.down_reason.has_value(); }));
  EXPECT_EQ(second.ups, 0);
  io_.stop();
}

TEST_F(SerialLineTest, OpensAgainAfterClose) {
  const auto line = make();
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.ups == 1; }));
  line->close();
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.ups == 2; }));
  ASSERT_EQ(::write(master_, "again", 5), 5);
  EXPECT_TRUE(listener_.wait([&] { return listener_.received == "again"; }));
  EXPECT_FALSE(listener_.down_reason) << "close() is not a failure";
}

TEST_F(SerialLineTest, TwoProgramsCannotShareAPort) {
  const auto line = make();
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.ups == 1; }));
  Listener other;
  const auto second = make();
  second->open(other.callbacks());
  ASSERT_TRUE(other.wait([&] { return other.down_reason.has_value(); }));
  EXPECT_NE(other.down_reason->find("in use by another bus"), std::string::npos)
      << *other.down_reason;

  line->close();
  second->open(other.callbacks());
  EXPECT_TRUE(other.wait([&] { return other.ups == 1; })) << "the lock ends with the line";
  io_.stop();
}

/// Another process that holds a port the way `Hold` says, until it is destroyed.
class OtherProgram {
 public:
  template <class Hold>
  OtherProgram(const std::string& path, Hold hold) {
    int ready[2];
    if (::pipe(ready) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {  // only calls that are allowed after fork() in a program with threads
      ::prctl(PR_SET_NAME, "other-program");
      const int fd = ::open(path.c_str(), O_RDWR | O_NOCTTY);
      const char good = fd >= 0 && hold(fd) ? 'y' : 'n';
      if (::write(ready[1], &good, 1) == 1) ::pause();
      ::_exit(0);
    }
    char good = 'n';
    ::close(ready[1]);
    holds = ::read(ready[0], &good, 1) == 1 && good == 'y';
    ::close(ready[0]);
  }
  ~OtherProgram() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  OtherProgram(const OtherProgram&) = delete;
  OtherProgram& operator=(const OtherProgram&) = delete;
  [[nodiscard]] std::string number() const { return std::to_string(pid_); }
  bool holds = false;

 private:
  pid_t pid_ = -1;
};

TEST_F(SerialLineTest, TheProgramThatHoldsThePortIsNamed) {
  const OtherProgram other{path_, [](int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) == 0; }};
  ASSERT_TRUE(other.holds);
  const auto line = make();
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.down_reason.has_value(); }));
  EXPECT_EQ(*listener_.down_reason,
            path_ + ": in use by other-program (process " + other.number() + "); stop it first");
}

TEST_F(SerialLineTest, AProgramThatTookItForItselfIsNamed) {
  if (::geteuid() == 0) GTEST_SKIP() << "exclusive mode does not stop root";
  const OtherProgram other{path_, [](int fd) { return ::ioctl(fd, TIOCEXCL) == 0; }};
  ASSERT_TRUE(other.holds);
  const auto line = make();
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.down_reason.has_value(); }));
  EXPECT_NE(listener_.down_reason->find("in use by other-program"), std::string::npos);
}

TEST_F(SerialLineTest, AbsentDeviceSaysPlugItIn) {
  const auto line = make_serial_line(io_.context(), {"/dev/esshub-absent", 9600, 'N', 1});
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.down_reason.has_value(); }));
  EXPECT_NE(listener_.down_reason->find("plugged in?"), std::string::npos);
}

TEST_F(SerialLineTest, WhatIsNoSerialPortIsRefused) {
  const auto line = make_serial_line(io_.context(), {"/dev/null", 9600, 'N', 1});
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.down_reason.has_value(); }));
  EXPECT_NE(listener_.down_reason->find("not a serial port"), std::string::npos);
}

TEST_F(SerialLineTest, UnknownSpeedIsRefusedWithItsNumber) {
  const auto line = make_serial_line(io_.context(), {path_, 12345, 'N', 1});
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.down_reason.has_value(); }));
  EXPECT_NE(listener_.down_reason->find("12345"), std::string::npos);
}

TEST_F(SerialLineTest, SpeedChangesBeforeWhatIsWrittenAfterIt) {
  const auto line = make();
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.ups == 1; }));
  EXPECT_EQ(speed(), static_cast<speed_t>(B9600));
  line->set_baud(2400);
  line->write(bytes("."));
  EXPECT_EQ(read_master(1), ".");
  EXPECT_EQ(speed(), static_cast<speed_t>(B2400));
}

TEST_F(SerialLineTest, WhatWaitedBecauseTheThreadStoodStillIsNotWritten) {
  const auto line = make();
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.ups == 1; }));
  boost::asio::post(io_.context(), [] { std::this_thread::sleep_for(600ms); });
  line->write(bytes("old"));  // a command that may have expired meanwhile
  std::this_thread::sleep_for(700ms);
  line->write(bytes("new"));
  EXPECT_EQ(read_master(3), "new");
}

TEST_F(SerialLineTest, AFloodIsReadAtTheSpeedOfThePort) {
  const auto line = make();
  std::atomic<int> floods{0};
  std::atomic<std::size_t> read{0};
  line->open({.on_up = {},
              .on_chunk = [&](std::vector<std::byte> b, auto) { read += b.size(); },
              .on_down = {},
              .on_flood = [&](bool flooded) { floods += flooded ? 1 : 100; }});
  ASSERT_EQ(::fcntl(master_, F_SETFL, O_NONBLOCK), 0);
  const std::string block(512, 'x');
  for (const auto end = std::chrono::steady_clock::now() + 1100ms;
       std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(1ms))
    (void)!::write(master_, block.data(), block.size());
  EXPECT_EQ(floods, 1);
  EXPECT_GT(read, 4096u);
  EXPECT_LT(read, 4096u + 2 * 1440u) << "1.5 times 960 bytes a second, and a full bucket";
  io_.stop();
}

TEST_F(SerialLineTest, PeerThatTakesNothingBringsTheLineDown) {
  const auto line = make();
  line->open(listener_.callbacks());
  ASSERT_TRUE(listener_.wait([&] { return listener_.ups == 1; }));
  for (int i = 0; i < 200; ++i) line->write(std::vector<std::byte>(4096));
  ASSERT_TRUE(listener_.wait([&] { return listener_.down_reason.has_value(); }));
  EXPECT_NE(listener_.down_reason->find("takes no more bytes"), std::string::npos);
}

}  // namespace
}  // namespace esshub::transport
