#include "publish/web/page_url.hpp"

#include <gtest/gtest.h>

namespace esshub::publish {
namespace {

TEST(PageUrl, IsTheNameThatOthersReachItBy) {
  const auto url = [](WebSettings settings) { return page_url(settings, "Hub.example.org"); };
  EXPECT_EQ(url({.address = "0.0.0.0:8750"}), "http://Hub.local:8750/");
  EXPECT_EQ(url({.address = "[::]:8750"}), "http://Hub.local:8750/");
  EXPECT_EQ(url({.address = "192.168.1.5:80"}), "http://192.168.1.5:80/");
  EXPECT_EQ(url({.address = "[fd00::5]:8443", .certificate = "a.pem", .key = "a.key"}),
            "https://[fd00::5]:8443/");
  EXPECT_EQ(url({.address = "0.0.0.0:443",
                 .certificate = "a.pem",
                 .key = "a.key",
                 .host_names = {"hub.lan", "other"}}),
            "https://hub.lan:443/");
}

TEST(PageUrl, IsNotKnownWhereOnlyThisMachineReachesIt) {
  for (const auto* address : {"", "127.0.0.1:8750", "[::1]:8750", "localhost:8750"})
    EXPECT_EQ(page_url({.address = address, .host_names = {"hub.lan"}}, "hub"), "") << address;
  EXPECT_EQ(page_url({.address = "0.0.0.0:8750"}, ""), "") << "the machine has no name";
}

}  // namespace
}  // namespace esshub::publish
