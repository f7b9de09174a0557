#include "publish/web/server/http1.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace esshub::publish {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::size_t header_bytes = 8192;
constexpr std::size_t body_bytes = 4096;
constexpr std::size_t put_bytes = 16384;
constexpr const char* put_under = "/feed/";

/// Of a connection of its own.
std::optional<ParsedRequest> parsed_alone(std::string bytes) {
  return RequestParser{header_bytes, body_bytes, put_bytes, put_under}.parse(bytes);
}

/// The status of the refusal, 200 for a request that is taken, 0 for one that is not complete.
unsigned status_of(const std::string& bytes) {
  const auto parsed = parsed_alone(bytes);
  if (!parsed) return 0;
  return parsed->refused ? parsed->refused->status : 200;
}

class RequestParsing : public testing::Test {
 protected:
  std::optional<ParsedRequest> parse(const std::string& more) {
    bytes += more;
    return parser.parse(bytes);
  }

  RequestParser parser{header_bytes, body_bytes, put_bytes, put_under};
  std::string bytes;
};

const std::string order =
    "POST /api/v1/mode?dry=1&why=a%20b HTTP/1.1\r\nHost: hub.local:8750\r\nX-CSRF-Token: 42\r\n"
    "Content-Length: 4\r\n\r\nbody";

void expect_order(const ParsedRequest& parsed) {
  EXPECT_FALSE(parsed.refused);
  EXPECT_EQ(parsed.request.method, "POST");
  EXPECT_EQ(parsed.request.path, "/api/v1/mode");
  EXPECT_EQ(parsed.request.query,
            (std::map<std::string, std::string>{{"dry", "1"}, {"why", "a b"}}));
  EXPECT_EQ(parsed.request.header("host"), "hub.local:8750");
  EXPECT_EQ(parsed.request.header("x-csrf-token"), "42");
  EXPECT_EQ(parsed.request.body, "body");
  EXPECT_FALSE(parsed.request.head);
  EXPECT_TRUE(parsed.form.http11);
  EXPECT_TRUE(parsed.form.keep_alive);
  EXPECT_FALSE(parsed.form.head);
}

TEST_F(RequestParsing, ARequestMayComeByteByByte) {
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    const auto early = parse(order.substr(i, 1));
    ASSERT_FALSE(early) << i;
  }
  const auto parsed = parse(order.substr(order.size() - 1));
  ASSERT_TRUE(parsed);
  expect_order(*parsed);
  EXPECT_EQ(bytes, "");
}

TEST_F(RequestParsing, RequestsThatComeTogetherAreTakenOneByOne) {
  auto parsed = parse(order + "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + order + "GET");
  ASSERT_TRUE(parsed);
  expect_order(*parsed);
  parsed = parse({});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->request.method, "GET");
  EXPECT_TRUE(parsed->request.head && parsed->form.head);
  EXPECT_EQ(parsed->request.header("x-csrf-token"), "") << "of another request";
  EXPECT_EQ(parsed->request.body, "");
  parsed = parse({});
  ASSERT_TRUE(parsed);
  expect_order(*parsed);
  EXPECT_FALSE(parse({}));
  parsed = parse(" /style.css HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->request.path, "/style.css");
}

TEST_F(RequestParsing, ABodyMayComeInChunks) {
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string body :
       {"", "2\r\nbo\r\n2;x=y\r\ndy\r\n", "4\r\nbody\r\n", "00001\r\nb\r\n"}) {
    const auto chunked = start + body + "0\r\n\r\n";
    const auto whole = parse(chunked + "GET");
    ASSERT_TRUE(whole) << body;
    EXPECT_FALSE(whole->refused) << body;
    EXPECT_EQ(std::exchange(bytes, {}), "GET") << body;
    for (std::size_t i = 0; i + 1 < chunked.size(); ++i) {
      const auto early = parse(chunked.substr(i, 1));
      ASSERT_FALSE(early) << body << i;
    }
    const auto pieces = parse("\n");
    ASSERT_TRUE(pieces) << body;
    EXPECT_EQ(pieces->request.body, whole->request.body) << body;
  }
  EXPECT_EQ(parse(start + "2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n")->request.body, "body");
}

TEST_F(RequestParsing, WhetherTheConnectionStaysIsSaidByTheRequest) {
  const auto stays = [this](const std::string& request) {
    const auto parsed = parse(request + "\r\n\r\n");
    return parsed && !parsed->refused && parsed->form.keep_alive;
  };
  EXPECT_TRUE(stays("GET / HTTP/1.1"));
  EXPECT_FALSE(stays("GET / HTTP/1.1\r\nConnection: close"));
  EXPECT_FALSE(stays("GET / HTTP/1.0"));
  EXPECT_TRUE(stays("GET / HTTP/1.0\r\nConnection: keep-alive"));
  const auto parsed = parse("GET / HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->form.http11);
}

TEST_F(RequestParsing, TooMuchIsRefusedAndNotReadOn) {
  const auto of_length = [](std::size_t length) {
    return "POST / HTTP/1.1\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" +
           std::string(length, 'x');
  };
  EXPECT_EQ(status_of(of_length(body_bytes)), 200u);
  EXPECT_EQ(status_of(of_length(body_bytes + 1)), 413u);
  const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto chunk = "800\r\n" + std::string(0x800, 'x') + "\r\n";
  EXPECT_EQ(status_of(chunked + chunk + chunk + "0\r\n\r\n"), 200u);
  EXPECT_EQ(status_of(chunked + chunk + chunk + "1\r\nx\r\n0\r\n\r\n"), 413u);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nX: " + std::string(header_bytes, 'x') + "\r\n\r\n"), 431u);
  EXPECT_EQ(status_of("GET /" + std::string(header_bytes, 'x')), 431u) << "nor waited for";

  const auto parsed = parse(of_length(body_bytes + 1));
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->form.keep_alive);
}

TEST_F(RequestParsing, APutOfADocumentMayBeLonger) {
  const auto of_length = [](std::size_t length, const std::string& start = "PUT /feed/prices") {
    return start + " HTTP/1.1\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" +
           std::string(length, 'x');
  };
  EXPECT_EQ(status_of(of_length(put_bytes)), 200u);
  EXPECT_EQ(status_of(of_length(put_bytes + 1)), 413u);
  for (const auto* const start : {"POST /feed/prices", "PUT /", "PUT /feed", "PUT /a/feed/"}) {
    EXPECT_EQ(status_of(of_length(body_bytes, start)), 200u) << start;
    EXPECT_EQ(status_of(of_length(body_bytes + 1, start)), 413u) << start;
  }
  const auto announced =
      parse("POST / HTTP/1.1\r\nContent-Length: " + std::to_string(body_bytes + 1) + "\r\n\r\n");
  ASSERT_TRUE(announced) << "not waited for";
  EXPECT_EQ(announced->refused->status, 413u);
}

TEST_F(RequestParsing, WhatComesWithChunksIsBoundedToo) {
  const std::string start = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string single;
  for (std::size_t i = 0; i < body_bytes; ++i) single += "1\r\nx\r\n";
  EXPECT_EQ(status_of(start + single + "0\r\n\r\n"), 200u) << "the worst an honest client sends";
  const std::string much(header_bytes + 8 * body_bytes, 'x');
  std::string extended;
  for (std::size_t i = 0; i < body_bytes / 2; ++i) extended += "1;xxxxxxxxxxxxxxxx\r\nx\r\n";
  std::string trailer = "0\r\n";
  for (std::size_t i = 0; i < body_bytes; ++i) trailer += "Some: trailer\r\n";
  EXPECT_EQ(status_of(start + "1;" + much), 413u) << "an extension without end, not waited for";
  EXPECT_EQ(status_of(start + extended), 413u);
  EXPECT_EQ(status_of(start + trailer), 413u);
  EXPECT_EQ(status_of(start + "0\r\nX: " + much), 413u);
  for (int request = 0; request < 2; ++request) {
    const auto parsed = parse(start + single + "0\r\n\r\n");
    ASSERT_TRUE(parsed);
    EXPECT_FALSE(parsed->refused) << "each request is counted anew";
  }
}

TEST_F(RequestParsing, WhatIsNoHttpIsRefused) {
  for (const std::string text :
       {"\x16\x03\x01 a TLS hello\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET /\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    const auto parsed = parsed_alone(text);
    ASSERT_TRUE(parsed && parsed->refused) << text;
    EXPECT_EQ(parsed->refused->status, 400u) << text;
    EXPECT_FALSE(parsed->form.keep_alive) << text;
  }
}

/// RFC 9112 section 6.3: what can be read in two ways opens the door to a smuggled request.
TEST_F(RequestParsing, WhereItsEndIsUncertainNothingFollowsARequest) {
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
  for (const std::string headers :
       {"Host: b", "Origin: a\r\nOrigin: b", "Cookie: a=1\r\ncookie: a=2",
        "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked",
        "Content-Length: 5\r\nTransfer-Encoding: chunked"}) {
    const auto parsed = parsed_alone(start + headers + "\r\n\r\n0\r\n\r\n");
    ASSERT_TRUE(parsed && parsed->refused) << headers;
    EXPECT_EQ(parsed->refused->status, 400u) << headers;
    EXPECT_FALSE(parsed->form.keep_alive) << headers;
  }
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\n" + chunked), 400u) << "1.0 knows no chunks";
  EXPECT_EQ(status_of(start + "Accept: a\r\nAccept: b\r\n\r\n"), 200u) << "may be there twice";
}

TEST_F(RequestParsing, AMalformedAddressEndsTheRequestAlone) {
  const auto parsed = parse("GET nowhere HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(parsed && parsed->refused);
  EXPECT_EQ(parsed->refused->status, 400u);
  EXPECT_TRUE(parsed->form.keep_alive);
}

std::string common_headers() {
  std::string text;
  for (const auto& [name, value] : security_headers()) text.append(name + ": " + value + "\r\n");
  return text;
}

TEST(AnswerText, IsStatusHeadersLengthAndBody) {
  EXPECT_EQ(
      answer_text({200, "application/json", "{}", {{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}}},
                  {.keep_alive = true}),
      "HTTP/1.1 200 OK\r\n" + common_headers() +
          "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Type: application/json\r\n"
          "Content-Length: 2\r\n\r\n{}");
}

TEST(AnswerText, SaysWhetherTheConnectionStaysWhereThatIsNotAMatterOfCourse) {
  const WebResponse response{421, "text/plain", {}, {}};
  EXPECT_THAT(answer_text(response, {.keep_alive = true}),
              StartsWith("HTTP/1.1 421 Misdirected Request\r\n"));
  EXPECT_THAT(answer_text(response, {.keep_alive = true}), Not(HasSubstr("Connection")));
  EXPECT_THAT(answer_text(response, {}),
              HasSubstr("\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_THAT(answer_text(response, {.http11 = false}),
              StartsWith("HTTP/1.0 421 Misdirected Request\r\n"));
  EXPECT_THAT(answer_text(response, {.http11 = false}), Not(HasSubstr("Connection")));
  EXPECT_THAT(answer_text(response, {.http11 = false, .keep_alive = true}),
              HasSubstr("\r\nConnection: keep-alive\r\n"));
}

TEST(AnswerText, OfHeadHasTheLengthWithoutTheBody) {
  const auto text = answer_text({200, "text/plain", "body", {}}, {.head = true});
  EXPECT_THAT(text, HasSubstr("\r\nContent-Length: 4\r\n"));
  EXPECT_THAT(text, EndsWith("\r\n\r\n"));
}

TEST(AnswerText, WithoutABodyOfItsOwnHasNoLength) {
  for (const auto& response : {WebResponse{304, "text/css", {}, {{"ETag", "\"a\""}}},
                               WebResponse{200, "text/event-stream", {}, {}}})
    EXPECT_THAT(answer_text(response, {}), Not(HasSubstr("Content-Length")));
}

TEST(AnswerText, UnderTlsSaysThatItStays) {
  const std::string header = "\r\nStrict-Transport-Security: max-age=2592000\r\n";
  EXPECT_THAT(answer_text({}, {.tls = true}), HasSubstr(header));
  EXPECT_THAT(answer_text({}, {}), Not(HasSubstr("Strict-Transport")));
}

}  // namespace
}  // namespace esshub::publish
