#include "transport/tcp_line.hpp"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <future>
#include <thread>

#include "tests/transport/standstill.hpp"
#include "transport/io_thread.hpp"

/// Stands in front of the C library's: a host with two addresses, of which nobody is at the first.
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  const auto real = reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  if (host == nullptr || std::strcmp(host, "two.addresses.invalid") != 0)
    return real(host, service, hints, found);
  const int error = real("127.0.0.2", service, hints, found);
  return error != 0 ? error : real("127.0.0.1", service, hints, &(*found)->ai_next);
}

namespace esshub::transport {
namespace {

using namespace std::chrono_literals;

/// A listening socket on a free loopback port.
class Server {
 public:
  Server() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(fd_, generic, size), 0);
    EXPECT_EQ(::listen(fd_, 1), 0);
    EXPECT_EQ(::getsockname(fd_, generic, &size), 0);
    port = ntohs(address.sin_port);
  }
  ~Server() { stop(); }
  [[nodiscard]] int accept() const { return ::accept(fd_, nullptr, nullptr); }
  void stop() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  std::uint16_t port = 0;

 private:
  int fd_;
};

struct Said {
  std::promise<void> up;
  std::promise<std::string> chunk;
  std::promise<std::string> down;
  Line::Callbacks callbacks() {
    return {[this] { up.set_value(); },
            [this](std::vector<std::byte> bytes, std::chrono::steady_clock::time_point) {
              std::string text;
              for (const auto b : bytes) text += static_cast<char>(b);
              chunk.set_value(text);
            },
            [this](std::string reason) { down.set_value(std::move(reason)); }};
  }
};

template <class T>
T get(std::promise<T>& promise) {
  auto future = promise.get_future();
  if (future.wait_for(5s) != std::future_status::ready) throw std::runtime_error("nothing came");
  return future.get();
}

TEST(TcpLine, BytesTravelBothWaysAndTheCloseIsNoticed) {
  Server server;
  Said said;
  IoThread io;
  const auto line = make_tcp_line(io.context(), {"127.0.0.1", server.port});
  line->open(said.callbacks());
  const int peer = server.accept();
  get(said.up);
  ASSERT_EQ(::write(peer, "ping", 4), 4);
  EXPECT_EQ(get(said.chunk), "ping");
  line->write({std::byte{'o'}, std::byte{'k'}});
  char answer[2];
  ASSERT_EQ(::recv(peer, answer, 2, MSG_WAITALL), 2);
  EXPECT_EQ(std::string(answer, 2), "ok");
  ::close(peer);
  EXPECT_NE(get(said.down).find("closed by the other side"), std::string::npos);
}

TEST(TcpLine, AHostMayHaveAName) {
  Server server;
  Said said;
  IoThread io;
  const auto line = make_tcp_line(io.context(), {"localhost", server.port});
  line->open(said.callbacks());
  get(said.up);
  ::close(server.accept());
  EXPECT_NE(get(said.down).find("localhost"), std::string::npos);
}

TEST(TcpLine, TheNextAddressOfAHostIsTriedWhereNobodyListensAtTheFirst) {
  Server server;
  Said said;
  IoThread io;
  const auto line = make_tcp_line(io.context(), {"two.addresses.invalid", server.port});
  line->open(said.callbacks());
  get(said.up);
  ::close(server.accept());
  get(said.down);
}

/// A peer that sends as fast as it can, until it is destroyed.
class Flood {
 public:
  explicit Flood(int fd) : fd_(fd) {}
  ~Flood() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;

 private:
  int fd_;
  std::thread thread_{[fd = fd_] {
    const std::vector<char> block(16384, 'x');
    while (::send(fd, block.data(), block.size(), MSG_NOSIGNAL) > 0) {
    }
  }};
};

TEST(TcpLine, AFloodIsReadAtTheWiresRateToldAndTheLineClosesAtOnce) {
  Server server;
  std::promise<void> up;
  std::promise<void> told;
  std::atomic<std::size_t> read{0};
  IoThread io;
  const TcpPort port{"127.0.0.1", server.port, 9600};
  const auto line = make_tcp_line(io.context(), port);
  line->open({.on_up = [&] { up.set_value(); },
              .on_chunk = [&](std::vector<std::byte> b, auto) { read += b.size(); },
              .on_down = {},
              .on_flood =
                  [&](bool flooded) {
                    EXPECT_TRUE(flooded);
                    told.set_value();
                  }});
  const Flood flood{server.accept()};
  get(up);
  EXPECT_EQ(told.get_future().wait_for(1s), std::future_status::ready);
  std::this_thread::sleep_for(500ms);
  EXPECT_LT(read, 4096u + 2 * 1440u) << "1.5 times 960 bytes a second, and a full bucket";
  std::promise<void> again;
  const auto asked = std::chrono::steady_clock::now();
  line->open({.on_up = [&] { again.set_value(); }, .on_chunk = {}, .on_down = {}});
  get(again);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 200ms);
  io.stop();
}

TEST(TcpLine, WhatWaitedWhileNobodyReadIsThrownAwayAndWhatComesLaterIsNot) {
  Server server;
  std::promise<void> up;
  std::atomic<char> first{'-'};
  std::atomic<int> discards{0};
  IoThread io;
  const auto line = make_tcp_line(io.context(), {"127.0.0.1", server.port});
  line->open({.on_up = [&] { up.set_value(); },
              .on_chunk =
                  [&](std::vector<std::byte> bytes, auto) {
                    if (first == '-') first = static_cast<char>(bytes.front());
                  },
              .on_down = {},
              .on_discard = [&](auto) { ++discards; }});
  const int peer = server.accept();
  get(up);
  const std::string more_than_one_reads(50'000, 'o');
  hold(io.context(), [&] {
    EXPECT_EQ(::send(peer, more_than_one_reads.data(), more_than_one_reads.size(), 0), 50'000);
  });
  for (int i = 0; i < 500 && first == '-'; ++i) {
    EXPECT_EQ(::send(peer, "n", 1, 0), 1);
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(first, 'n');
  EXPECT_GE(discards, 1);
  io.stop();
  ::close(peer);
}

TEST(TcpLine, RefusedConnectionSaysNobodyListens) {
  Server server;
  server.stop();
  Said said;
  IoThread io;
  const auto line = make_tcp_line(io.context(), {"127.0.0.1", server.port});
  line->open(said.callbacks());
  EXPECT_NE(get(said.down).find("nobody listens"), std::string::npos);
}

TEST(TcpLine, CloseWhileConnectingSaysNothing) {
  Server server;
  Said said;
  IoThread io;
  const auto line = make_tcp_line(io.context(), {"127.0.0.1", server.port});
  // In one piece on the line's thread: this one may be slower than the connection.
  for (int round = 0; round < 2; ++round) {
    std::promise<void> done;
    boost::asio::post(io.context(), [&] {
      if (round == 0) line->open(said.callbacks());
      line->close();
      done.set_value();
    });
    done.get_future().wait();
  }
  io.stop();
  EXPECT_NE(said.down.get_future().wait_for(0s), std::future_status::ready);
  EXPECT_NE(said.up.get_future().wait_for(0s), std::future_status::ready);
}

}  // namespace
}  // namespace esshub::transport
