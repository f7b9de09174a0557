#include "publish/web/server/http_server.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/metrics/scrape.hpp"

namespace esshub::publish {
namespace {

HttpService service(const std::string& address) {
  HttpService made{.name = "test",
                   .component = "test",
                   .address = address,
                   .streams = [] { return Result<StreamMaker>{&plain_stream}; },
                   .host = {},
                   .events = {},
                   .unavailable = {}};
  made.host.answer = [](const WebRequest& request, const std::function<void(WebResponse)>& done) {
    done({200, "text/plain", request.path, {}});
  };
  return made;
}

TEST(HttpServer, AnswersUntilItsEndAndLeavesThePortFree) {
  std::uint16_t port = 0;
  for (int round = 0; round < 2; ++round) {
    HttpServer server{service("127.0.0.1:" + std::to_string(port))};
    EXPECT_EQ(server.port(), 0);
    server.start();
    port = server.port();
    ASSERT_NE(port, 0);
    EXPECT_EQ(tests::scrape(port), "/metrics");
    std::thread::id closed_by;
    server.begin_close([&] {
      closed_by = std::this_thread::get_id();
      EXPECT_TRUE(server.closing());
    });
    server.end();
    EXPECT_NE(closed_by, std::thread::id{}) << "it runs, and";
    EXPECT_NE(closed_by, std::this_thread::get_id()) << "on the server's thread";
    EXPECT_EQ(tests::scrape(port), "");
    server.end();  // again: nothing is left to end
  }
}

TEST(HttpServer, WhatWasNotStartedEndsToo) {
  HttpServer server{service("127.0.0.1:0")};
  server.begin_close();
  server.end();
  EXPECT_EQ(server.port(), 0);
}

}  // namespace
}  // namespace esshub::publish
