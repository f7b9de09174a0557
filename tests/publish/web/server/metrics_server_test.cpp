#include "publish/web/server/metrics_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "tests/metrics/scrape.hpp"

namespace esshub::publish {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

class MetricsServerTest : public testing::Test {
 protected:
  void start(const std::string& address = "127.0.0.1:0") {
    server_ = MetricsServer::start(
        address, {"hub.example"},
        [this] {
          ++scrapes_;
          return std::string{"esshub_power_watts 1\n"};
        },
        [this](const std::string& component, const Event& event) {
          const std::lock_guard lock(mutex_);
          events_.push_back(component + ' ' + event.name + ' ' + event.detail);
          told_.notify_all();
        },
        [this](bool unavailable) { unavailable_ = unavailable; });
  }
  [[nodiscard]] std::vector<std::string> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  /// A connection of its own, left open; closed with the test.
  int connection(const std::string& bytes = {}) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const auto address = tests::loopback(server_->port());
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    open_.push_back(fd);
    return fd;
  }
  std::string answer(const std::string& request) {
    const int fd = connection(request);
    std::string text;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof(buffer))) > 0;)
      text.append(buffer, static_cast<std::size_t>(n));
    return text;
  }
  void TearDown() override {
    for (const int fd : open_) ::close(fd);
  }

  /// Until so many were told; true if they were, long before anybody's patience ends.
  bool wait_for_events(std::size_t count) {
    std::unique_lock lock(mutex_);
    return told_.wait_for(lock, 60s, [&] { return events_.size() >= count; });
  }

  std::mutex mutex_;
  std::condition_variable told_;
  std::atomic<bool> unavailable_ = false;
  std::vector<std::string> events_;
  std::atomic<int> scrapes_ = 0;
  std::vector<int> open_;
  std::unique_ptr<MetricsServer> server_;
};

TEST_F(MetricsServerTest, AnswersAScrapeInTheTextFormat) {
  start();
  const auto text = answer("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(text, testing::EndsWith("\r\n\r\nesshub_power_watts 1\n"));
}

TEST_F(MetricsServerTest, HeadIsTheSameWithoutItsBody) {
  start();
  const auto text =
      answer("HEAD /metrics HTTP/1.1\r\nHost: hub.example\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nContent-Length: 21\r\n"));
  EXPECT_THAT(text, testing::EndsWith("\r\n\r\n"));
}

TEST_F(MetricsServerTest, OnlyThatIsThere) {
  start();
  const auto status = [this](const std::string& line, const std::string& host = "localhost") {
    return answer(line + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
        .substr(9, 3);
  };
  EXPECT_EQ(status("GET /"), "404");
  EXPECT_EQ(status("POST /metrics"), "405");
  EXPECT_EQ(status("GET /metrics", "evil.example"), "421");
  EXPECT_EQ(status("GET /metrics", "HUB.example:9750"), "200");
  EXPECT_EQ(status("GET /metrics", "[::1]:9750"), "200");
  EXPECT_EQ(scrapes_, 2);
}

TEST_F(MetricsServerTest, NoBodyIsWaitedForThatIsLongerThanAnyRequests) {
  start();
  EXPECT_THAT(answer("PUT /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                     "Content-Length: 4097\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
}

TEST_F(MetricsServerTest, HalfOpenConnectionsDelayNoScrape) {
  start();
  for (int i = 0; i < 300; ++i) connection("GET /metr");
  EXPECT_EQ(tests::scrape(server_->port()), "esshub_power_watts 1\n");
}

TEST_F(MetricsServerTest, HangsUpOnAllAtItsEnd) {
  start();
  for (int i = 0; i < 20; ++i) connection("GET /metr");
  EXPECT_EQ(tests::scrape(server_->port()), "esshub_power_watts 1\n") << "all are taken by now";
  server_->close();
  char byte = 0;
  for (const int fd : open_)
    EXPECT_EQ(::recv(fd, &byte, 1, MSG_DONTWAIT), 0) << "it was hung up on";
  EXPECT_EQ(tests::scrape(server_->port()), "");
}

TEST_F(MetricsServerTest, AnAddressThatIsTakenIsToldAndTriedAgain) {
  start();
  const auto first = std::move(server_);
  start("127.0.0.1:" + std::to_string(first->port()));
  EXPECT_EQ(server_->port(), 0);
  EXPECT_TRUE(unavailable_);
  ASSERT_EQ(events().size(), 1u);
  EXPECT_THAT(events()[0], StartsWith("metrics metrics_unavailable reason=\"the metrics cannot "
                                      "listen on 127.0.0.1:"));
  const auto port = first->port();
  first->close();
  ASSERT_TRUE(wait_for_events(2));
  EXPECT_EQ(server_->port(), port);
  EXPECT_FALSE(unavailable_);
  EXPECT_EQ(tests::scrape(port), "esshub_power_watts 1\n");
  EXPECT_THAT(events().back(), StartsWith("metrics metrics_available address=127.0.0.1:"));
}

}  // namespace
}  // namespace esshub::publish
