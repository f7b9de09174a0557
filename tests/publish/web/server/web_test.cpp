#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "publish/web/server/auth.hpp"
#include "publish/web/server/byte_stream.hpp"
#include "publish/web/server/web.hpp"
#include "tests/publish/web/certificate.hpp"
#include "tests/publish/web/house.hpp"

namespace esshub::publish {
namespace {

using esshub::tests::write_certificate;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using tests::StateDir;
using tests::working_house;

constexpr auto patience = std::chrono::seconds(10);

/// A client that speaks bytes.
class Raw {
 public:
  /// `from`: the last byte of its own address, 127.0.0.x.
  explicit Raw(std::uint16_t port, int receive_buffer = 0, std::uint8_t from = 1)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + from);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
    if (receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const timeval limit{patience.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  ~Raw() { ::close(fd_); }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool connected() const { return connected_; }
  bool send(std::string_view text) const {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  /// Until the text has come; false at the end of the connection.
  bool read_until(std::string_view text) {
    std::array<char, 4096> block{};
    while (heard.find(text) == std::string::npos) {
      const auto n = ::recv(fd_, block.data(), block.size(), 0);
      if (n <= 0) {
        gave_up = n < 0 && errno == EAGAIN;
        return false;
      }
      heard.append(block.data(), static_cast<std::size_t>(n));
    }
    return true;
  }
  std::string read_to_end() {
    read_until("\x01 never \x01");
    return heard;
  }

  std::string heard;
  bool gave_up = false;  ///< waited in vain, on a connection that is still open

 private:
  int fd_;
  bool connected_ = false;
};

std::string get(const std::string& path, const std::string& more = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + more + "\r\n";
}

/// A history whose days wait until they are let go.
class StuckHistory : public tests::FakeHistory {
 public:
  Result<std::vector<DayRow>> days(unsigned count) override {
    std::unique_lock lock{mutex_};
    ++waiting;
    changed_.notify_all();
    changed_.wait_for(lock, patience, [&] { return free_; });
    return tests::FakeHistory::days(count);
  }
  void let_go() {
    const std::lock_guard lock{mutex_};
    free_ = true;
    changed_.notify_all();
  }
  void await_one() {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, patience, [&] { return waiting > 0; });
  }
  int waiting = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool free_ = false;
};

class WebServer : public testing::Test {
 protected:
  void start(WebLimits limits = {}, WebSettings settings = {}) {
    if (settings.address == WebSettings{}.address) settings.address = "127.0.0.1:0";
    WebParts parts;
    parts.state_dir = dir.path();
    parts.history = history;
    parts.clock = &std::chrono::steady_clock::now;
    parts.certificate_end = [this](std::optional<WallTime> end) {
      const std::lock_guard lock{mutex};
      certificate_ends.push_back(end);
    };
    parts.events = [this](const std::string&, const Event& event) {
      const std::lock_guard lock{mutex};
      events.push_back(event.name);
      changed.notify_all();
    };
    web = Web::start(settings, parts, limits);
    web->update(house());
  }
  static View house() { return working_house(std::chrono::steady_clock::now()); }
  std::string answer(const std::string& request) const {
    Raw client{web->port()};
    client.send(request);
    return client.read_to_end();
  }
  bool reported(const std::string& name) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, patience, [&] { return std::ranges::count(events, name) > 0; });
  }

  StateDir dir;
  std::shared_ptr<StuckHistory> history = std::make_shared<StuckHistory>();
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> events;
  std::vector<std::optional<WallTime>> certificate_ends;
  std::unique_ptr<Web> web;
};

TEST_F(WebServer, AnswersWithThePolicyThatForbidsForeignAndInlineCode) {
  start();
  const auto page = answer(get("/"));
  EXPECT_THAT(page, StartsWith("HTTP/1.1 200 OK\r\n"));
  for (const auto* header :
       {"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'",
        "frame-ancestors 'none'", "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
        "Cross-Origin-Resource-Policy: same-origin"}) {
    EXPECT_THAT(page, HasSubstr(header));
    EXPECT_THAT(answer(get("/api/v1/nowhere")), HasSubstr(header)) << "also with refusals";
  }
  EXPECT_THAT(page, Not(HasSubstr("unsafe")));
  EXPECT_THAT(answer(get("/api/v1/state")), HasSubstr("Cache-Control: no-store"));
}

TEST_F(WebServer, OneConnectionAsksManyTimes) {
  start();
  Raw client{web->port()};
  for (int i = 0; i < 3; ++i) {
    client.heard.clear();
    ASSERT_TRUE(client.send("GET /api/v1/site HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    ASSERT_TRUE(client.read_until("\"version\":\"\"}"));
  }
  ASSERT_TRUE(
      client.send("HEAD /style.css HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  const auto head = client.read_to_end();
  EXPECT_THAT(head.substr(head.rfind("HTTP/1.1")), testing::EndsWith("\r\n\r\n"));
}

TEST_F(WebServer, LargeHeadersBodiesAndGarbageAreRefused) {
  start();
  EXPECT_THAT(answer(get("/", "X: " + std::string(9000, 'x') + "\r\n")),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(
      answer("POST /api/v1/mode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n" +
             std::string(5000, 'x')),
      StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer("POST /api/v1/mode HTTP/1.1\r\nHost: localhost\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n2000\r\n" +
                     std::string(0x2000, 'x') + "\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  const auto put = [this](const std::string& path) {
    return answer("PUT " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
                  "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n" +
                  std::string(5000, 'x'));
  };
  EXPECT_THAT(put("/api/v1/mode"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(put("/api/v1/feed/prices"), StartsWith("HTTP/1.1 403 ")) << "nobody is signed in";
  EXPECT_THAT(answer("\x16\x03\x01 this is no HTTP\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 400 "))
      << "no Host";
  EXPECT_THAT(answer("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 421 "));
}

TEST_F(WebServer, ARequestThatDripsInIsCutOff) {
  start({.read_limit = std::chrono::milliseconds(200)});
  Raw silent{web->port()};
  Raw dripping{web->port()};
  dripping.send("GET / HTTP/1.1\r\nHo");
  std::atomic<bool> cut = false;
  std::thread drip{[&] {
    for (int i = 0; i < 200 && !cut && dripping.send("o"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }};
  EXPECT_EQ(dripping.read_to_end(), "");
  cut = true;
  drip.join();
  EXPECT_FALSE(dripping.gave_up);
  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_FALSE(silent.gave_up);
}

TEST_F(WebServer, AnAnswerThatIsNotReadIsCutOff) {
  history->let_go();
  start({.connections = 1, .write_limit = std::chrono::milliseconds(300)});
  Raw greedy{web->port(), 4096};
  std::string many;
  for (int i = 0; i < 30; ++i)
    many += "GET /api/v1/history/days?count=3660 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  ASSERT_TRUE(greedy.send(many));
  // Its place is free again once it was cut off.
  const auto limit = std::chrono::steady_clock::now() + patience;
  std::string next;
  while (next.empty() && std::chrono::steady_clock::now() < limit) {
    next = answer(get("/api/v1/site"));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_THAT(next, StartsWith("HTTP/1.1 200"));
}

TEST_F(WebServer, TooManyConnectionsAreClosedAtOnceAndTheOthersGoOn) {
  start({.connections = 10, .connections_per_address = 3});
  Raw first{web->port()};
  Raw second{web->port()};
  first.send("GET /api/v1/site HTTP/1.1\r\nHost: localhost\r\n\r\n");
  second.send("GET /api/v1/site HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(first.read_until("}") && second.read_until("}"));
  EXPECT_THAT(answer(get("/api/v1/site")), StartsWith("HTTP/1.1 200"));
  Raw third{web->port()};
  third.send("GET /api/v1/site HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(third.read_until("}"));
  EXPECT_EQ(answer(get("/api/v1/site")), "") << "the fourth";
  first.heard.clear();
  first.send("GET /api/v1/site HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(first.read_until("}"));
}

std::string follow() {
  return "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

TEST_F(WebServer, FollowersOfTwoAddressesDoNotCloseThePageForAThird) {
  start();
  std::vector<std::unique_ptr<Raw>> followers;
  for (std::size_t i = 0; i < 96; ++i) {
    auto client = std::make_unique<Raw>(web->port(), 0, static_cast<std::uint8_t>(2 + i % 2));
    ASSERT_TRUE(client->send(follow()));
    ASSERT_TRUE(client->read_until("\r\n\r\n"));
    if (client->heard.starts_with("HTTP/1.1 200")) {
      followers.push_back(std::move(client));
      continue;
    }
    EXPECT_THAT(client->heard, StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(client->heard, HasSubstr("Retry-After: 10"));
  }
  EXPECT_EQ(followers.size(), 64u);
  for (const int from : {4, 2}) {
    Raw client(web->port(), 0, static_cast<std::uint8_t>(from));
    ASSERT_TRUE(client.send(get("/api/v1/site")));
    EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 200")) << from;
  }
}

TEST_F(WebServer, WhenItIsFullTheGreediestAddressMakesRoom) {
  start({.connections = 4, .connections_per_address = 4});
  std::vector<std::unique_ptr<Raw>> greedy;
  for (int i = 0; i < 4; ++i) {
    greedy.push_back(std::make_unique<Raw>(web->port(), 0, 2));
    ASSERT_TRUE(greedy.back()->send(follow()));
    ASSERT_TRUE(greedy.back()->read_until("\r\n\r\n"));
  }
  Raw other(web->port(), 0, 3);
  ASSERT_TRUE(other.send(get("/api/v1/site")));
  EXPECT_THAT(other.read_to_end(), StartsWith("HTTP/1.1 200"));
}

/// What cannot be told apart from a second request is answered once and cut off.
TEST_F(WebServer, ARequestWhoseEndIsUncertainIsAnsweredOnce) {
  start();
  const std::string inner = get("/api/v1/site");
  for (const std::string coding : {"chunked, identity", "identity", "gzip, chunked", "xchunked"}) {
    Raw client(web->port());
    ASSERT_TRUE(client.send("POST /api/v1/mode HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: " +
                            coding + "\r\n\r\n" + inner + inner));
    const auto heard = client.read_to_end();
    EXPECT_THAT(heard, StartsWith("HTTP/1.1 400")) << coding;
    EXPECT_EQ(heard.find("HTTP/1.1", 1), heard.npos) << coding << ": " << heard;
  }
  Raw both(web->port());
  ASSERT_TRUE(
      both.send("POST /api/v1/mode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
                "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
                inner));
  const auto heard = both.read_to_end();
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(heard.find("HTTP/1.1", 1), heard.npos) << heard;
}

TEST_F(WebServer, HeadIsAnsweredWithoutABody) {
  start();
  for (const std::string path :
       {"/", "/api/v1/site", "/api/v1/events", "/nothing", "/api/v1/mode"}) {
    Raw client(web->port());
    ASSERT_TRUE(
        client.send("HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    const auto heard = client.read_to_end();
    EXPECT_THAT(heard, testing::EndsWith("\r\n\r\n")) << path;
    EXPECT_EQ(heard.find("\r\n\r\n"), heard.size() - 4) << path << ": " << heard;
    EXPECT_THAT(heard, Not(HasSubstr("Content-Length: 0"))) << path << ": not what GET has";
  }
}

TEST_F(WebServer, EventsComeAtOnceEverySecondAndWhenTheirSenseChanges) {
  start();
  Raw client{web->port()};
  client.send(
      "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
  ASSERT_TRUE(client.read_until("\n\n"));
  EXPECT_THAT(client.heard, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(client.heard, HasSubstr("event: state\ndata: {"));
  auto view = house();
  view.decision.reasons.add({Cause::islanded, {}});
  web->update(view);
  EXPECT_TRUE(client.read_until("\"why\":\"islanded\""));
  // The View is not renewed: its ages grow, and what is old becomes null by itself.
  EXPECT_TRUE(client.read_until("\"decision\":null"));
}

TEST_F(WebServer, ASlowDiskDelaysNoLiveValueAndItsQueueIsBounded) {
  start({.waiting_jobs = 2});
  Raw one{web->port()};
  Raw two{web->port()};
  one.send(get("/api/v1/history/days"));
  history->await_one();
  two.send(get("/api/v1/history/days"));
  EXPECT_THAT(answer(get("/api/v1/state")), StartsWith("HTTP/1.1 200"));
  std::string busy;
  for (int i = 0; i < 100 && busy.find(" 503 ") == std::string::npos; ++i) {
    Raw probe{web->port()};
    probe.send(get("/api/v1/history/days"));
    if (probe.read_until("}")) busy = probe.heard;
  }
  EXPECT_THAT(busy, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(busy, HasSubstr("Retry-After: 1"));
  history->let_go();
  EXPECT_THAT(one.read_to_end(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(two.read_to_end(), StartsWith("HTTP/1.1 200"));
}

TEST_F(WebServer, APasswordOpensASessionOverTheWire) {
  ASSERT_TRUE(write_password(dir.path(), "correct horse"));
  start();
  const std::string body = R"({"password":"correct horse"})";
  const auto in = answer(
      "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
      "Content-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_THAT(in, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(in, HasSubstr("Set-Cookie: esshub="));
  EXPECT_THAT(in, HasSubstr("Set-Cookie: esshub-device="));
  EXPECT_TRUE(reported("signed_in"));
}

TEST_F(WebServer, ClosesWithClientsInEveryState) {
  start();
  Raw idle{web->port()};
  Raw half{web->port()};
  half.send("GET / HT");
  Raw follower{web->port()};
  follower.send("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(follower.read_until("\n\n"));
  Raw waiting{web->port()};
  waiting.send(get("/api/v1/history/days"));
  history->await_one();
  history->let_go();
  web->close();
  web->close();
  web->update(house());
  follower.read_to_end();
  EXPECT_FALSE(Raw{web->port()}.connected());
}

TEST_F(WebServer, AnAddressInUseIsReportedAndTakenWhenItIsFree) {
  start();
  auto first = std::move(web);
  const auto address = "127.0.0.1:" + std::to_string(first->port());
  start({.open_again = std::chrono::milliseconds(50)}, {.address = address});
  EXPECT_TRUE(reported("page_unavailable"));
  EXPECT_EQ(web->port(), 0);
  first.reset();
  EXPECT_TRUE(reported("page_available"));
  EXPECT_THAT(answer(get("/api/v1/site")), StartsWith("HTTP/1.1 200"));
}

// ---- TLS
// ----------------------------------------------------------------------------------------------

/// `ciphers`: TLS 1.2 with these alone.
std::string answer_over_tls(std::uint16_t port, const std::string& request,
                            const char* ciphers = nullptr) {
  const Raw raw{port};
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (ciphers) {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    EXPECT_EQ(SSL_CTX_set_cipher_list(context, ciphers), 1);
  }
  SSL* tls = SSL_new(context);
  SSL_set_fd(tls, raw.fd());
  std::string heard;
  if (SSL_connect(tls) == 1 &&
      SSL_write(tls, request.data(), static_cast<int>(request.size())) > 0) {
    std::array<char, 4096> block{};
    for (int n = 1; (n = SSL_read(tls, block.data(), block.size())) > 0;)
      heard.append(block.data(), static_cast<std::size_t>(n));
  }
  SSL_free(tls);
  SSL_CTX_free(context);
  return heard;
}

TEST_F(WebServer, SpeaksTlsOnceTheCertificateIsThere) {
  const WebSettings settings{.address = "127.0.0.1:0",
                             .certificate = (dir.path() / "page.pem").string(),
                             .key = (dir.path() / "page.key").string()};
  start({.open_again = std::chrono::milliseconds(50)}, settings);
  EXPECT_TRUE(reported("page_unavailable"));
  write_certificate(settings.certificate, settings.key);
  ASSERT_TRUE(reported("page_available"));
  EXPECT_THAT(answer_over_tls(web->port(), get("/api/v1/state")), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer(get("/api/v1/state")), Not(HasSubstr("200"))) << "no plain text beside it";
  ASSERT_TRUE(write_password(dir.path(), "correct horse"));
  const std::string body = R"({"password":"correct horse"})";
  EXPECT_THAT(answer_over_tls(web->port(),
                              "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\n"
                              "Connection: close\r\nContent-Type: application/json\r\n"
                              "Content-Length: " +
                                  std::to_string(body.size()) + "\r\n\r\n" + body),
              HasSubstr("Secure"));
}

TEST_F(WebServer, TellsTheEndOfTheCertificateThatItServes) {
  start();
  EXPECT_THAT(certificate_ends, ElementsAre(std::nullopt)) << "plain HTTP has none";
  certificate_ends.clear();
  const WebSettings settings{.address = "127.0.0.1:0",
                             .certificate = (dir.path() / "page.pem").string(),
                             .key = (dir.path() / "page.key").string()};
  start({.open_again = std::chrono::milliseconds(50)}, settings);
  EXPECT_TRUE(reported("page_unavailable"));
  const auto written = std::chrono::system_clock::now();
  write_certificate(settings.certificate, settings.key);
  ASSERT_TRUE(reported("page_available"));
  const std::lock_guard lock{mutex};
  ASSERT_EQ(certificate_ends.size(), 1U) << "not while it cannot be read";
  ASSERT_TRUE(certificate_ends.front());
  EXPECT_GE(*certificate_ends.front(), written + 3590s);
  EXPECT_LE(*certificate_ends.front(), written + 3660s);
}

TEST(CertificateEnd, IsUnknownOfAFileThatHoldsNone) {
  const StateDir dir;
  const auto file = dir.path() / "page.pem";
  EXPECT_EQ(certificate_end(file.string()), std::nullopt);
  std::ofstream{file} << "no certificate\n";
  EXPECT_EQ(certificate_end(file.string()), std::nullopt);
}

TEST_F(WebServer, AHandshakeThatDoesNotComeIsCutOff) {
  const WebSettings settings{.address = "127.0.0.1:0",
                             .certificate = (dir.path() / "page.pem").string(),
                             .key = (dir.path() / "page.key").string()};
  write_certificate(settings.certificate, settings.key);
  start({.read_limit = std::chrono::milliseconds(200)}, settings);
  Raw silent{web->port()};
  silent.read_to_end();
  EXPECT_FALSE(silent.gave_up);
}

TEST_F(WebServer, TlsHasForwardSecrecyAndSaysThatItStays) {
  const WebSettings settings{.address = "127.0.0.1:0",
                             .certificate = (dir.path() / "page.pem").string(),
                             .key = (dir.path() / "page.key").string()};
  write_certificate(settings.certificate, settings.key, EVP_RSA_gen(2048));
  start({}, settings);
  const auto site = get("/api/v1/site");
  EXPECT_THAT(answer_over_tls(web->port(), site),
              HasSubstr("Strict-Transport-Security: max-age=2592000\r\n"));
  for (const auto* forward : {"ECDHE+AESGCM", "ECDHE+CHACHA20"})
    EXPECT_THAT(answer_over_tls(web->port(), site, forward), StartsWith("HTTP/1.1 200")) << forward;
  for (const auto* weak : {"kRSA", "ECDHE+SHA1", "DHE+AES", "AES128-SHA"})
    EXPECT_EQ(answer_over_tls(web->port(), site, weak), "") << weak;
}

TEST_F(WebServer, WithoutTlsNothingIsSaidOfIt) {
  start();
  EXPECT_THAT(answer(get("/api/v1/site")), Not(HasSubstr("Strict-Transport")));
}

}  // namespace
}  // namespace esshub::publish
