#include "publish/web/server/host_names.hpp"

#include <gmock/gmock.h>

namespace esshub::publish {
namespace {

unsigned status_of(const std::string& host) {
  WebRequest request;
  if (!host.empty()) request.headers["host"] = host;
  const auto refused = check_host(request, {"hub.example"});
  return refused ? refused->status : 200;
}

TEST(HostNames, ThoseConfiguredInLowerCaseAndTheMachinesOwn) {
  const auto names = host_names({"Hub.Example"});
  ASSERT_GE(names.size(), 3u);
  EXPECT_EQ(names[0], "hub.example");
  EXPECT_EQ(names[2], names[1].substr(0, names[1].find('.')) + ".local");
}

TEST(HostNames, AForeignNameIsRefused) {
  EXPECT_EQ(status_of("hub.example"), 200u);
  EXPECT_EQ(status_of("HUB.example:8750"), 200u);
  EXPECT_EQ(status_of("localhost:8750"), 200u);
  EXPECT_EQ(status_of("192.0.2.7"), 200u);
  EXPECT_EQ(status_of("[2001:db8::1]:8750"), 200u);
  EXPECT_EQ(status_of("evil.example"), 421u);
  EXPECT_EQ(status_of("hub.example.evil"), 421u);
  EXPECT_EQ(status_of(""), 400u);
  EXPECT_EQ(status_of("hub.example:port"), 400u);
}

}  // namespace
}  // namespace esshub::publish
