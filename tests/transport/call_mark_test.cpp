#include "transport/call_mark.hpp"

#include <utility>  // before Boost.Asio 1.74, which forgets it

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <condition_variable>
#include <cstdarg>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>

#include "transport/io_thread.hpp"
#include "transport/make_line.hpp"

namespace esshub::transport {
namespace {

using namespace std::chrono_literals;

/// A system call of a pseudo-terminal that does not return, as with a wedged adapter. The functions
/// below the namespace stand in front of the C library's.
class Wedge {
 public:
  void hold(std::string call) {
    const std::lock_guard lock(mutex_);
    call_ = std::move(call);
  }
  void release() {
    hold("");
    released_.notify_all();
  }
  void pass(std::string_view call) {
    std::unique_lock lock(mutex_);
    if (call_ != call) return;
    released_.wait(lock, [&] { return call_ != call; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  std::string call_;
};
Wedge wedge;
/// Only this thread is held.
thread_local bool is_line_thread = false;

bool is_pty(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && major(status.st_rdev) >= 136 &&
         major(status.st_rdev) <= 143;
}
void call_of(const char* name, int fd) {
  if (is_line_thread && is_pty(fd)) wedge.pass(name);
}
template <class F>
F* real(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace
}  // namespace esshub::transport

namespace et = esshub::transport;

extern "C" {
int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  if (et::is_line_thread) et::wedge.pass("open");
  static auto* const real = et::real<int(const char*, int, ...)>("open");
  return real(path, flags, mode);
}
int flock(int fd, int operation) noexcept {
  et::call_of("flock", fd);
  return et::real<int(int, int)>("flock")(fd, operation);
}
int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list more;
  va_start(more, request);
  void* const argument = va_arg(more, void*);
  va_end(more);
  et::call_of("ioctl", fd);
  return et::real<int(int, unsigned long, ...)>("ioctl")(fd, request, argument);
}
int tcgetattr(int fd, termios* settings) noexcept {
  et::call_of("tcgetattr", fd);
  return et::real<int(int, termios*)>("tcgetattr")(fd, settings);
}
int tcsetattr(int fd, int when, const termios* settings) noexcept {
  et::call_of("tcsetattr", fd);
  return et::real<int(int, int, const termios*)>("tcsetattr")(fd, when, settings);
}
int tcflush(int fd, int queue) noexcept {
  et::call_of("tcflush", fd);
  return et::real<int(int, int)>("tcflush")(fd, queue);
}
ssize_t read(int fd, void* into, size_t size) {
  et::call_of("read", fd);
  static auto* const real = et::real<ssize_t(int, void*, size_t)>("read");
  return real(fd, into, size);
}
ssize_t write(int fd, const void* from, size_t size) {
  et::call_of("write", fd);
  static auto* const real = et::real<ssize_t(int, const void*, size_t)>("write");
  return real(fd, from, size);
}
int connect(int fd, const sockaddr* to, socklen_t size) {
  if (et::is_line_thread) et::wedge.pass("connect");
  return et::real<int(int, const sockaddr*, socklen_t)>("connect")(fd, to, size);
}
int close(int fd) {
  et::call_of("close", fd);
  static auto* const real = et::real<int(int)>("close");
  return real(fd);
}
}

namespace esshub::transport {
namespace {

bool wait_until(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

TEST(CallMark, NamesTheCallAndItsBeginningWhileItRuns) {
  CallMark mark;
  EXPECT_FALSE(mark.current());
  const auto before = std::chrono::steady_clock::now();
  const int result = mark.during(SystemCall::tcflush, [&] {
    const auto call = mark.current();
    EXPECT_TRUE(call);
    EXPECT_EQ(call->name, "tcflush");
    EXPECT_GE(call->since, before - 1us);
    EXPECT_LE(call->since, std::chrono::steady_clock::now());
    return 7;
  });
  EXPECT_EQ(result, 7);
  EXPECT_FALSE(mark.current());
}

TEST(CallMark, ACallWithinACallGivesTheOuterOneBack) {
  CallMark mark;
  mark.during(SystemCall::readlink, [&] {
    const auto since = mark.current()->since;
    mark.during(SystemCall::close, [&] { EXPECT_EQ(mark.current()->name, "close"); });
    EXPECT_EQ(mark.current()->name, "readlink");
    EXPECT_EQ(mark.current()->since, since);
  });
}

TEST(CallMark, ErrnoStaysAsTheCallLeftIt) {
  CallMark mark;
  mark.during(SystemCall::open, [] { errno = ENXIO; });
  EXPECT_EQ(errno, ENXIO);
}

TEST(CallMark, OthersNeverSeeHalfAMark) {
  const auto begun = std::chrono::steady_clock::now();
  CallMark mark;
  std::atomic<bool> stop{false};
  std::thread line([&] {
    while (!stop) {
      mark.during(SystemCall::open, [] {});
      mark.during(SystemCall::bind, [] {});
    }
  });
  for (int i = 0; i < 100'000; ++i) {
    const auto call = mark.current();
    if (!call) continue;
    EXPECT_TRUE(call->name == "open" || call->name == "bind") << call->name;
    EXPECT_LE(call->since, std::chrono::steady_clock::now());
    EXPECT_GE(call->since, begun - 1us);
    if (HasFailure()) break;
  }
  stop = true;
  line.join();
}

/// A line on a pseudo-terminal, one of whose calls hangs.
class HungCall : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::array<char, 128> path{};
    int slave = -1;
    ASSERT_EQ(::openpty(&master, &slave, path.data(), nullptr, nullptr), 0);
    ::close(slave);
    line = make_line(io.context(), SerialPort{.path = path.data()}, mark);
    boost::asio::post(io.context(), [] { is_line_thread = true; });
  }
  void TearDown() override {
    wedge.release();
    io.stop();
    ::close(master);
  }
  void open_line() {
    line->open({.on_up = [this] { up = true; },
                .on_chunk = [this](auto, auto) { heard = true; },
                .on_down = {}});
  }
  /// Does what makes the line call `call`.
  void provoke(const std::string& call) {
    const bool while_opening = call != "read" && call != "write" && call != "close";
    if (while_opening) wedge.hold(call);
    open_line();
    if (while_opening) return;
    ASSERT_TRUE(wait_until([this] { return up.load(); }));
    wedge.hold(call);
    if (call == "read") {
      ASSERT_EQ(::write(master, "x", 1), 1);
    }
    if (call == "write") line->write({std::byte{'x'}});
    if (call == "close") line->close();
  }

  int master = -1;
  std::atomic<bool> up{false};
  std::atomic<bool> heard{false};
  std::shared_ptr<CallMark> mark = std::make_shared<CallMark>();
  IoThread io;
  std::shared_ptr<Line> line;  // goes before its io_context
};

TEST_P(HungCall, IsNamedWithItsAgeUntilItReturns) {
  const std::string call = GetParam();
  provoke(call);
  ASSERT_TRUE(wait_until([&] { return mark->current() && mark->current()->name == call; }));
  const auto since = mark->current()->since;
  std::this_thread::sleep_for(50ms);
  ASSERT_TRUE(mark->current());
  EXPECT_EQ(mark->current()->name, call);
  EXPECT_EQ(mark->current()->since, since) << "it is still the same call";
  EXPECT_GE(std::chrono::steady_clock::now() - since, 50ms);
  wedge.release();
  EXPECT_TRUE(wait_until([this] { return !mark->current(); }));
  if (call == "read") {
    EXPECT_TRUE(wait_until([this] { return heard.load(); }));
  } else if (call == "write") {
    char byte = 0;
    EXPECT_EQ(::read(master, &byte, 1), 1);
    EXPECT_EQ(byte, 'x');
  } else {
    EXPECT_TRUE(wait_until([this] { return up.load(); })) << "it goes on where it was held";
  }
}

TEST(CallMark, AConnectOfATcpLineIsNamedUntilItReturns) {
  const auto mark = std::make_shared<CallMark>();
  std::atomic<bool> down{false};
  IoThread io;
  const auto line = make_line(io.context(), TcpPort{"127.0.0.1", 9}, mark);
  boost::asio::post(io.context(), [] { is_line_thread = true; });
  wedge.hold("connect");
  line->open({.on_up = {}, .on_chunk = {}, .on_down = [&](auto) { down = true; }});
  EXPECT_TRUE(wait_until([&] { return mark->current() && mark->current()->name == "connect"; }));
  wedge.release();
  EXPECT_TRUE(wait_until([&] { return down && !mark->current(); })) << "it is refused";
  io.stop();
}

INSTANTIATE_TEST_SUITE_P(EveryCall, HungCall,
                         testing::Values("open", "flock", "tcgetattr", "tcsetattr", "tcflush",
                                         "ioctl", "read", "write", "close"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace esshub::transport
