#include "publish/web/client/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <array>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/metrics/scrape.hpp"
#include "tests/publish/web/certificate.hpp"
#include "tests/publish/web/house.hpp"

namespace esshub::publish {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

/// Serves one connection after the other: to each request, headers and body, it sends the next of
/// `answers`; "" hangs up, "-" is silence; one that ends with "!" is followed by a reset.
class Server {
 public:
  explicit Server(std::vector<std::string> answers, SSL_CTX* tls = nullptr)
      : answers_(std::move(answers)), tls_(tls), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    auto address = esshub::tests::loopback(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    EXPECT_EQ(::listen(fd_, 4), 0);
    thread_ = std::thread{[this] { serve(); }};
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  [[nodiscard]] int connections() {
    const std::lock_guard lock(mutex_);
    return connections_;
  }

 private:
  void serve() {
    for (int fd = 0; (fd = ::accept(fd_, nullptr, nullptr)) >= 0; ::close(fd)) {
      {
        const std::lock_guard lock(mutex_);
        ++connections_;
      }
      SSL* tls = tls_ ? SSL_new(tls_) : nullptr;
      if (tls) SSL_set_fd(tls, fd);
      if (!tls || SSL_accept(tls) == 1) converse(fd, tls);
      SSL_free(tls);
    }
  }
  void converse(int fd, SSL* tls) {
    std::array<char, 4096> block{};
    while (true) {
      const auto n = tls ? SSL_read(tls, block.data(), block.size())
                         : static_cast<int>(::read(fd, block.data(), block.size()));
      if (n <= 0) return;
      std::string answer;
      {
        const std::lock_guard lock(mutex_);
        requests_.emplace_back(block.data(), static_cast<std::size_t>(n));
        if (next_ < answers_.size()) answer = answers_[next_++];
      }
      if (answer.empty()) return;
      if (answer == "-") continue;
      const bool reset = answer.ends_with('!');
      if (tls)
        SSL_write(tls, answer.data(), static_cast<int>(answer.size()));
      else
        ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
      if (reset) {
        const linger at_once{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      }
      if (reset || answer.find("Connection: close") != std::string::npos) return;
    }
  }

  std::mutex mutex_;
  std::vector<std::string> answers_;
  std::size_t next_ = 0;
  std::vector<std::string> requests_;
  int connections_ = 0;
  SSL_CTX* tls_;
  int fd_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

std::string ok(const std::string& body, const std::string& more = "") {
  return "HTTP/1.1 200 OK\r\n" + more + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

TEST(HttpClient, AsksAgainOnTheSameConnection) {
  Server server{{ok("one", "Set-Cookie: a=b; Path=/\r\n"), ok("two")}};
  HttpClient client{server.address(), ""};
  const auto first = client.ask("GET", "/x?y=1", {{"X-Test", "7"}}, "");
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(first->status, 200u);
  EXPECT_EQ(first->body, "one");
  EXPECT_EQ(first->headers.at("set-cookie"), "a=b; Path=/");
  const auto second = client.ask("POST", "/z", {}, "{}");
  ASSERT_TRUE(second) << second.error().detail;
  EXPECT_EQ(second->body, "two");
  EXPECT_EQ(server.connections(), 1);
  EXPECT_THAT(server.requests(), ElementsAre("GET /x?y=1 HTTP/1.1\r\nHost: " + server.address() +
                                                 "\r\nX-Test: 7\r\n\r\n",
                                             "POST /z HTTP/1.1\r\nHost: " + server.address() +
                                                 "\r\nContent-Length: 2\r\n\r\n{}"));
}

TEST(HttpClient, AConnectionThatWasClosedMeanwhileIsMadeAnew) {
  Server server{{ok("one"), "", ok("two")}};
  HttpClient client{server.address(), ""};
  ASSERT_TRUE(client.ask("GET", "/", {}, ""));
  const auto second = client.ask("GET", "/", {}, "");
  ASSERT_TRUE(second) << second.error().detail;
  EXPECT_EQ(second->body, "two");
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, NothingIsAskedTwiceOfASilentServer) {
  Server server{{ok("one"), "-", ok("two")}};
  HttpClient client{server.address(), "", {.answer = std::chrono::milliseconds(100)}};
  ASSERT_TRUE(client.ask("GET", "/", {}, ""));
  EXPECT_FALSE(client.ask("POST", "/order", {}, "{}")) << "it may have been taken";
  EXPECT_THAT(server.requests(), SizeIs(2));
}

TEST(HttpClient, WhereTheFirstQuestionIsHungUpOnThereIsNoAnswer) {
  Server server{{""}};
  HttpClient client{server.address(), ""};
  const auto answer = client.ask("GET", "/", {}, "");
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().detail, StartsWith("http://" + server.address() + ": "));
  EXPECT_THAT(server.requests(), SizeIs(1));
}

TEST(HttpClient, AnAnswerThatBreaksOffIsToldFromNone) {
  const std::string begun = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive";
  Server server{{begun, begun + '!', "", "-"}};
  const auto kind = [&] {
    HttpClient client{server.address(), "", {.answer = std::chrono::milliseconds(200)}};
    const auto answer = client.ask("GET", "/", {}, "");
    EXPECT_FALSE(answer);
    return answer ? ErrorKind::refused : answer.error().kind;
  };
  EXPECT_EQ(kind(), ErrorKind::invalid) << "it stalls";
  EXPECT_EQ(kind(), ErrorKind::invalid) << "it is reset";
  EXPECT_EQ(kind(), ErrorKind::io) << "hung up on";
  EXPECT_EQ(kind(), ErrorKind::io) << "silence";
}

TEST(HttpClient, ABodyMayEndWithTheConnectionOrComeInChunks) {
  Server server{{"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\nnobody",
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n"
                 "\r\n"}};
  HttpClient client{server.address(), ""};
  const auto missing = client.ask("GET", "/", {}, "");
  ASSERT_TRUE(missing) << missing.error().detail;
  EXPECT_EQ(missing->status, 404u);
  EXPECT_EQ(missing->body, "nobody");
  const auto chunked = client.ask("GET", "/", {}, "");
  ASSERT_TRUE(chunked) << chunked.error().detail;
  EXPECT_EQ(chunked->body, "abcde");
}

TEST(HttpClient, ABodyBeyondItsLimitIsNotTaken) {
  Server server{{ok(std::string(1000, 'x')), ok(std::string(1001, 'x'))}};
  HttpClient client{server.address(), "", {.body_bytes = 1000}};
  EXPECT_TRUE(client.ask("GET", "/", {}, ""));
  EXPECT_FALSE(client.ask("GET", "/", {}, ""));
}

TEST(HttpClient, SaysWhyThereIsNoAnswer) {
  const auto error_of = [](const std::string& address) {
    const auto answer = HttpClient{address, ""}.ask("GET", "/", {}, "");
    return answer ? "answered" : answer.error().detail;
  };
  EXPECT_THAT(error_of("127.0.0.1:1"), HasSubstr("http://127.0.0.1:1: Connection refused"));
  EXPECT_THAT(error_of("http://[::1]:1/"), StartsWith("http://[::1]:1/: "));
  EXPECT_THAT(error_of("ftp://hub"), HasSubstr("http:// and https:// are understood"));
  EXPECT_THAT(error_of("http://hub/path"), HasSubstr("host:port or http(s)://host:port"));
  EXPECT_THAT(error_of("http://:80"), HasSubstr("host:port or http(s)://host:port"));
  Server other{{"220 this is another service\r\n"}};
  EXPECT_THAT(error_of(other.address()), StartsWith("http://" + other.address() + ": "));
}

TEST(HttpClient, BelievesOnlyACertificateThatItsAuthoritySignedForThatHost) {
  const tests::StateDir dir;
  const auto certificate = dir.path() / "hub.pem";
  const auto key = dir.path() / "hub.key";
  esshub::tests::write_certificate(certificate, key);
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> tls{SSL_CTX_new(TLS_server_method()),
                                                         &SSL_CTX_free};
  SSL_CTX_use_certificate_chain_file(tls.get(), certificate.c_str());
  SSL_CTX_use_PrivateKey_file(tls.get(), key.c_str(), SSL_FILETYPE_PEM);
  Server server{{ok("safe"), ok("not")}, tls.get()};
  const auto answer =
      HttpClient{"https://" + server.address(), certificate.string()}.ask("GET", "/", {}, "");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->body, "safe");
  EXPECT_FALSE((HttpClient{"https://" + server.address(), ""}.ask("GET", "/", {}, "")))
      << "nobody whom the machine trusts has signed it";
  const auto port = server.address().substr(server.address().find(':'));
  EXPECT_FALSE(
      (HttpClient{"https://localhost" + port, certificate.string()}.ask("GET", "/", {}, "")))
      << "it is for an address, not for that name";
  EXPECT_FALSE((HttpClient{"https://" + server.address(), key.string()}.ask("GET", "/", {}, "")))
      << "the file holds no certificate";
  EXPECT_THAT(server.requests(), SizeIs(1)) << "nothing was told to a server that is not believed";
}

}  // namespace
}  // namespace esshub::publish
