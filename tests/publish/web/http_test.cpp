#include "publish/web/http.hpp"

#include <gtest/gtest.h>

namespace esshub::publish {
namespace {

TEST(Http, AQueryIsDecodedOrRefused) {
  const auto plain = parse_target("/api/v1/state");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->first, "/api/v1/state");
  EXPECT_TRUE(plain->second.empty());
  const auto asked = parse_target("/a?from=2026-01-01T00%3a00%3A00&&what=a+b&flag&x=1=2");
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->first, "/a");
  EXPECT_EQ(asked->second,
            (std::map<std::string, std::string>{
                {"from", "2026-01-01T00:00:00"}, {"what", "a b"}, {"flag", ""}, {"x", "1=2"}}));
  for (const auto* wrong : {"", "a", "http://hub/", "/a?x=%", "/a?x=%4", "/a?x=%4g", "/a?%zz=1"})
    EXPECT_FALSE(parse_target(wrong)) << wrong;
}

TEST(Http, ACookieIsFoundByItsWholeName) {
  EXPECT_EQ(cookie("a=1; session=x=y;b=2", "session"), "x=y");
  EXPECT_EQ(cookie("a=1; b=2", "b"), "2");
  EXPECT_EQ(cookie("oldsession=1; session2=3", "session"), "");
  EXPECT_EQ(cookie("session", "session"), "");
  EXPECT_EQ(cookie("", "session"), "");
}

TEST(Http, AHostNameIsInLowerCaseWithoutPortAndBrackets) {
  EXPECT_EQ(host_name_of("Hub.Example:8750"), "hub.example");
  EXPECT_EQ(host_name_of("hub.example."), "hub.example");
  EXPECT_EQ(host_name_of("[::1]:8750"), "::1");
  EXPECT_EQ(host_name_of("[FE80::1]"), "fe80::1");
  for (const auto* wrong :
       {"", ":80", ".", "[::1", "[]:80", "hub:http", "hub:123456", "[::1]80", "hub:80:80"})
    EXPECT_FALSE(host_name_of(wrong)) << wrong;
}

}  // namespace
}  // namespace esshub::publish
