#include "transport/can_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/can.h>
#include <linux/can/error.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <thread>

namespace esshub::transport {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Record = std::vector<std::byte>;

Record record(unsigned id) {
  Record out(16);
  out[0] = static_cast<std::byte>(id & 0xFFu);
  out[1] = static_cast<std::byte>(id >> 8 & 0xFFu);
  return out;
}

Record error_record(unsigned error_class) {
  Record out = record(error_class);
  out[3] = std::byte{CAN_ERR_FLAG >> 24U};
  return out;
}

/// A line over one end of a datagram socket pair: message boundaries as on a CAN_RAW socket.
class CanLineTest : public testing::Test {
 protected:
  ~CanLineTest() override { disconnect(); }

  CanSocket connect() {
    ++opened;
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) != 0)
      return {-1, "no socket pair"};
    disconnect();
    peer = fds[1];
    return {fds[0], {}};
  }
  void disconnect() {
    if (peer >= 0) ::close(peer);
    peer = -1;
  }

  Line::Callbacks callbacks() {
    return {[this] { ++up; },
            [this](Record bytes, std::chrono::steady_clock::time_point at) {
              chunks.push_back(std::move(bytes));
              stamps.push_back(at);
            },
            [this](std::string reason) { down.push_back(std::move(reason)); }};
  }
  void open() {
    line->open(callbacks());
    settle();
  }
  /// Runs everything that is ready.
  void settle() {
    io.restart();
    io.poll();
  }
  void peer_sends(const Record& bytes) const {
    ASSERT_EQ(::write(peer, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  /// The next record the peer has received, or nothing.
  [[nodiscard]] std::optional<Record> peer_receives() const {
    Record bytes(64);
    const auto n = ::read(peer, bytes.data(), bytes.size());
    if (n <= 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(n));
    return bytes;
  }

  boost::asio::io_context io;
  int peer = -1;
  int opened = 0;
  int up = 0;
  std::vector<Record> chunks;
  std::vector<std::chrono::steady_clock::time_point> stamps;
  std::vector<std::string> down;
  std::shared_ptr<Line> line = make_can_line(io, [this] { return connect(); });
};

TEST_F(CanLineTest, RecordsArriveWholeAndInOrder) {
  open();
  EXPECT_EQ(up, 1);
  const auto before = std::chrono::steady_clock::now();
  peer_sends(record(0x351));
  peer_sends(record(0x355));
  settle();
  Record all;
  for (const auto& chunk : chunks) all.insert(all.end(), chunk.begin(), chunk.end());
  Record want = record(0x351);
  const Record second = record(0x355);
  want.insert(want.end(), second.begin(), second.end());
  EXPECT_EQ(all, want);
  ASSERT_FALSE(stamps.empty());
  EXPECT_GE(stamps.front(), before);
  EXPECT_LE(stamps.back(), std::chrono::steady_clock::now());
}

TEST_F(CanLineTest, ALongBurstIsReadToItsEnd) {
  open();
  for (unsigned i = 0; i < 150; ++i) {
    peer_sends(record(i));
    if (i % 50 == 49) settle();
  }
  settle();
  std::size_t bytes = 0;
  for (const auto& chunk : chunks) {
    EXPECT_EQ(chunk.size() % 16, 0u);
    bytes += chunk.size();
  }
  EXPECT_EQ(bytes, 150u * 16u);
}

TEST_F(CanLineTest, AFloodIsReadAtTheWiresRateAndTold) {
  std::vector<bool> floods;
  auto own = callbacks();
  own.on_flood = [&](bool flooded) { floods.push_back(flooded); };
  line->open(own);
  settle();
  const auto begun = std::chrono::steady_clock::now();
  std::size_t sent = 0;
  while (std::chrono::steady_clock::now() - begun < 1100ms) {
    while (::write(peer, record(0x351).data(), 16) == 16) ++sent;
    settle();
  }
  EXPECT_THAT(floods, ElementsAre(true));
  EXPECT_THAT(down, IsEmpty());
  std::size_t bytes = 0;
  for (const auto& chunk : chunks) bytes += chunk.size();
  const double wire = 500'000.0 / 111 * 16;
  EXPECT_GT(bytes, 1.5 * wire);
  EXPECT_LT(bytes, 1.5 * wire * 2);
  EXPECT_LT(sent * 16, bytes + 1'000'000) << "the rest waits where it came from";
}

TEST_F(CanLineTest, WhatWaitedWhileNobodyReadIsThrownAwayAndWhatComesLaterIsNot) {
  auto own = callbacks();
  std::vector<std::chrono::nanoseconds> unread;
  own.on_discard = [&](auto time) { unread.emplace_back(time); };
  line->open(own);
  settle();
  for (unsigned i = 0; i < 150; ++i) peer_sends(record(0x351));
  std::this_thread::sleep_for(longest_unread + look_period);
  for (int i = 0; i < 500 && chunks.empty(); ++i) {
    settle();
    peer_sends(record(0x355));
    std::this_thread::sleep_for(1ms);
  }
  ASSERT_FALSE(chunks.empty());
  EXPECT_EQ(chunks.front(), record(0x355));
  ASSERT_FALSE(unread.empty());
  EXPECT_GT(unread.front(), longest_unread);
}

TEST_F(CanLineTest, WhatTheControllerSaysOfTheBusIsKeptWhateverItsAge) {
  open();
  const Record bus_off = error_record(CAN_ERR_BUSOFF);
  const Record restarted = error_record(CAN_ERR_RESTARTED);
  for (unsigned i = 0; i < 150; ++i)  // the first is among what is read, the other behind it
    peer_sends(i == 10 ? bus_off : i == 140 ? restarted : record(0x351));
  std::this_thread::sleep_for(longest_unread + look_period);
  settle();
  Record all;
  for (const auto& chunk : chunks) all.insert(all.end(), chunk.begin(), chunk.end());
  Record want = bus_off;
  want.insert(want.end(), restarted.begin(), restarted.end());
  EXPECT_EQ(all, want);
  EXPECT_THAT(down, IsEmpty());
}

TEST_F(CanLineTest, EachRecordIsWrittenAsItsOwnDatagram) {
  open();
  Record two = record(0x305);
  const Record second = record(0x306);
  two.insert(two.end(), second.begin(), second.end());
  line->write(two);
  settle();
  EXPECT_EQ(peer_receives(), record(0x305));
  EXPECT_EQ(peer_receives(), record(0x306));
  EXPECT_FALSE(peer_receives());
}

TEST_F(CanLineTest, AFullQueueIsALineThatIsDownAndNothingIsKeptForLater) {
  open();
  for (int i = 0; i < 100000 && down.empty(); ++i) {
    line->write(record(0x305));
    settle();
  }
  ASSERT_EQ(down.size(), 1u);
  EXPECT_THAT(down.front(), HasSubstr("nobody acknowledges"));
  EXPECT_THAT(down.front(), HasSubstr("errno " + std::to_string(ENOBUFS)));
  line->write(record(0x305));  // to a line that is down: dropped
  settle();
  EXPECT_EQ(down.size(), 1u);
}

TEST_F(CanLineTest, ALostPeerIsToldOnceWithAReason) {
  open();
  disconnect();
  settle();
  EXPECT_EQ(down.size(), 1u);
  EXPECT_NE(down.front(), "");
  settle();
  EXPECT_EQ(down.size(), 1u);
}

TEST_F(CanLineTest, ARecordOfAnotherSizeIsNoCan) {
  open();
  peer_sends(Record(5));
  settle();
  EXPECT_THAT(chunks, IsEmpty());
  EXPECT_EQ(down.size(), 1u);
}

TEST_F(CanLineTest, CanBeOpenedAgainAfterALoss) {
  open();
  disconnect();
  settle();
  open();
  EXPECT_EQ(opened, 2);
  EXPECT_EQ(up, 2);
  peer_sends(record(0x351));
  settle();
  EXPECT_THAT(chunks, ElementsAre(record(0x351)));
}

TEST_F(CanLineTest, AfterCloseNothingIsCalled) {
  open();
  peer_sends(record(0x351));
  line->close();
  line->write(record(0x305));
  settle();
  EXPECT_THAT(chunks, IsEmpty());
  EXPECT_THAT(down, IsEmpty());
  EXPECT_FALSE(peer_receives());
}

TEST_F(CanLineTest, MayBeClosedFromItsOwnCallback) {
  auto own = callbacks();
  own.on_chunk = [this](Record bytes, auto) {
    chunks.push_back(std::move(bytes));
    line->close();
  };
  line->open(own);
  settle();
  for (unsigned i = 0; i < 100; ++i) peer_sends(record(i));
  settle();
  EXPECT_EQ(chunks.size(), 1u);
}

TEST_F(CanLineTest, MayBeUsedFromOtherThreads) {
  line->open(callbacks());
  std::thread writer([this] {
    for (int i = 0; i < 20; ++i) line->write(record(0x305));
  });
  writer.join();
  settle();
  int received = 0;
  while (peer_receives()) ++received;
  EXPECT_EQ(received, 20);
}

TEST_F(CanLineTest, OutlivesItsOwnerUntilItsHandlersAreDone) {
  open();
  peer_sends(record(0x351));
  line.reset();
  settle();
  EXPECT_EQ(chunks.size(), 1u);
}

TEST_F(CanLineTest, AFailedOpeningGivesTheReason) {
  const auto broken = make_can_line(io, [] { return CanSocket{-1, "no interface can0"}; });
  broken->open(callbacks());
  settle();
  EXPECT_EQ(up, 0);
  EXPECT_THAT(down, ElementsAre("no interface can0"));
}

/// Two UDP sockets stand for the bus: datagrams too, and the kernel stamps them.
std::array<int, 2> stamped_sockets() {
  std::array<int, 2> fds{};
  std::array<sockaddr_in, 2> addresses{};
  for (std::size_t i = 0; i < 2; ++i) {
    fds[i] = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    addresses[i].sin_family = AF_INET;
    addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(sockaddr_in);
    auto* address = reinterpret_cast<sockaddr*>(&addresses[i]);
    EXPECT_EQ(::bind(fds[i], address, size), 0);
    EXPECT_EQ(::getsockname(fds[i], address, &size), 0);
  }
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_EQ(
        ::connect(fds[i], reinterpret_cast<sockaddr*>(&addresses[1 - i]), sizeof addresses[0]), 0);
  const int on = 1;
  EXPECT_EQ(::setsockopt(fds[0], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on), 0);
  return fds;
}

TEST(CanLineTime, AFrameThatWaitedToBeReadIsAsOldAsItIs) {
  const auto fds = stamped_sockets();
  boost::asio::io_context io;
  std::vector<std::chrono::steady_clock::time_point> stamps;
  const auto line = make_can_line(io, [&] { return CanSocket{fds[0], {}}; });
  line->open(
      {.on_up = {}, .on_chunk = [&](Record, auto at) { stamps.push_back(at); }, .on_down = {}});
  io.poll();
  std::this_thread::sleep_for(100ms);  // the kernel begins to stamp a while after it was asked to
  io.poll();
  const auto before = std::chrono::steady_clock::now();
  for (const unsigned id : {0x351u, 0x355u}) ASSERT_EQ(::write(fds[1], record(id).data(), 16), 16);
  const auto after = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(100ms);
  io.poll();
  ASSERT_EQ(stamps.size(), 1u);
  EXPECT_GE(stamps.front(), before - 5ms);  // two clocks read one after the other
  EXPECT_LE(stamps.front(), after + 50ms) << "taken when it was read";
  ::close(fds[1]);
}

TEST(CanLineTime, AnErrorThatCameWhileNobodyReadEndsTheLine) {
  const auto fds = stamped_sockets();
  boost::asio::io_context io;
  std::size_t read = 0;
  std::vector<std::string> down;
  const auto line = make_can_line(io, [&] { return CanSocket{fds[0], {}}; });
  line->open({.on_up = {},
              .on_chunk = [&](const Record& bytes, auto) { read += bytes.size() / 16; },
              .on_down = [&](std::string reason) { down.push_back(std::move(reason)); }});
  // Until it pauses: after a pause it looks for what waited before it reads.
  std::size_t sent = 0;
  for (int i = 0; i < 1000 && read == sent; ++i) {
    for (int k = 0; k < 50; ++k, ++sent) ASSERT_EQ(::write(fds[1], record(0x351).data(), 16), 16);
    io.restart();
    io.poll();
  }
  ASSERT_LT(read, sent);
  ::close(fds[1]);
  static_cast<void>(!::write(fds[0], record(0x305).data(), 16));  // refused: told at the next read
  std::this_thread::sleep_for(longest_unread + look_period);
  io.restart();
  io.poll();
  EXPECT_THAT(down, ElementsAre(HasSubstr("errno " + std::to_string(ECONNREFUSED))));
}

CanSocket open_socket(const SocketCan& settings) {
  CallMark mark;
  return open_can_socket(settings, mark);
}

bool kernel_has_can() {
  const int fd = ::socket(AF_CAN, SOCK_RAW, 1);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

TEST(CanSocket, WithoutCanInTheKernelTheReasonSaysWhatToDo) {
  if (kernel_has_can()) GTEST_SKIP() << "this kernel has CAN";
  const auto socket = open_socket({.interface = "can0"});
  EXPECT_EQ(socket.fd, -1);
  EXPECT_THAT(socket.reason, HasSubstr("this kernel has no CAN"));
  EXPECT_THAT(socket.reason, HasSubstr("SLCAN"));
}

TEST(CanSocket, AMissingInterfaceIsNamedWithTheCommandThatHelps) {
  if (!kernel_has_can()) GTEST_SKIP() << "this kernel has no CAN";
  const auto socket = open_socket({.interface = "can_none"});
  EXPECT_EQ(socket.fd, -1);
  EXPECT_THAT(socket.reason, HasSubstr("no interface can_none"));
  EXPECT_THAT(socket.reason, HasSubstr("ip link set can_none up"));
}

TEST(CanSocket, AnImpossibleNameIsRefused) {
  if (!kernel_has_can()) GTEST_SKIP() << "this kernel has no CAN";
  EXPECT_THAT(open_socket({.interface = "a_name_longer_than_any_interface"}).reason,
              HasSubstr("is no name"));
}

// ---- on a real CAN socket: needs `ip link add dev vcan0 type vcan && ip link set vcan0 up`
// --------

const SocketCan vcan{.interface = "vcan0"};

TEST(VirtualCan, OnlyStandardDataFramesOfTheBatteryArrive) {
  const auto receiver = open_socket(vcan);
  if (receiver.fd < 0) GTEST_SKIP() << receiver.reason;
  const auto sender = open_socket(vcan);
  ASSERT_GE(sender.fd, 0) << sender.reason;
  Record extended = record(0x351);
  extended[3] = std::byte{0x80};
  Record remote = record(0x351);
  remote[3] = std::byte{0x40};
  for (const auto& frame : {extended, remote, record(0x2FF), record(0x400), record(0x35E)})
    ASSERT_EQ(::write(sender.fd, frame.data(), frame.size()), 16);
  Record first(16);
  ASSERT_EQ(::read(receiver.fd, first.data(), first.size()), 16);
  EXPECT_EQ(first, record(0x35E));
  EXPECT_LT(::read(receiver.fd, first.data(), first.size()), 0) << "nothing else came through";
  EXPECT_LT(::read(sender.fd, first.data(), first.size()), 0) << "not what it sent itself";
  ::close(receiver.fd);
  ::close(sender.fd);
}

TEST(VirtualCan, TheSocketStampsWhatItReceives) {
  const auto receiver = open_socket(vcan);
  if (receiver.fd < 0) GTEST_SKIP() << receiver.reason;
  int on = 0;
  socklen_t size = sizeof on;
  ASSERT_EQ(::getsockopt(receiver.fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, &size), 0);
  EXPECT_EQ(on, 1);
  ::close(receiver.fd);
}

TEST(VirtualCan, TheLineSendsAndReceives) {
  const auto other = open_socket(vcan);
  if (other.fd < 0) GTEST_SKIP() << other.reason;
  boost::asio::io_context io;
  std::vector<Record> chunks;
  std::vector<std::string> down;
  const auto line = make_can_line(io, vcan);
  line->open({[&] { line->write(record(0x305)); },
              [&](Record bytes, auto) { chunks.push_back(std::move(bytes)); },
              [&](std::string reason) { down.push_back(std::move(reason)); }});
  io.poll();
  Record got(16);
  ASSERT_EQ(::read(other.fd, got.data(), got.size()), 16);
  EXPECT_EQ(got, record(0x305));
  ASSERT_EQ(::write(other.fd, record(0x351).data(), 16), 16);
  io.restart();
  io.run_one_for(5s);
  EXPECT_THAT(chunks, ElementsAre(record(0x351)));
  EXPECT_THAT(down, IsEmpty());
  line->close();
  io.restart();
  io.poll();
  ::close(other.fd);
}

}  // namespace
}  // namespace esshub::transport
