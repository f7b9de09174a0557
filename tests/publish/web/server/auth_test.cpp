#include "publish/web/server/auth.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/publish/web/house.hpp"

namespace esshub::publish {
namespace {

using testing::HasSubstr;
using testing::Not;
using tests::StateDir;
using tests::t0;

TEST(WebPassword, ItsFileIsForTheOwnerAloneAndHoldsNoPassword) {
  const StateDir dir;
  ASSERT_TRUE(write_password(dir.path() / "state", "correct horse"));
  const auto file = dir.path() / "state" / "web-password";
  struct stat about {};
  ASSERT_EQ(::stat(file.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0600u);
  std::string text;
  std::getline(std::ifstream{file}, text);
  EXPECT_THAT(text, HasSubstr("$argon2id$v=19$m=32768,t=3,p=1$"));
  EXPECT_THAT(text, Not(HasSubstr("horse")));
}

TEST(WebPassword, MatchesOnlyItselfAndIsReplacedByTheNextOne) {
  const StateDir dir;
  ASSERT_TRUE(write_password(dir.path(), "correct horse"));
  const auto first = read_password(dir.path());
  ASSERT_TRUE(first && *first);
  EXPECT_TRUE(password_matches(**first, "correct horse"));
  EXPECT_FALSE(password_matches(**first, "correct horsf"));
  EXPECT_FALSE(password_matches(**first, ""));
  ASSERT_TRUE(write_password(dir.path(), "battery staple"));
  const auto second = read_password(dir.path());
  ASSERT_TRUE(second && *second);
  EXPECT_FALSE(password_matches(**second, "correct horse"));
}

TEST(WebPassword, TooShortTooLongAndUnwritableAreRefused) {
  const StateDir dir;
  EXPECT_THAT(write_password(dir.path(), "123456789").error().detail, HasSubstr("10 to 256"));
  EXPECT_FALSE(write_password(dir.path(), std::string(257, 'x')));
  EXPECT_FALSE(write_password("/proc/esshub", "correct horse"));
  EXPECT_FALSE(write_password("", "correct horse"));
}

TEST(WebPassword, NoFileIsNoPasswordButADamagedOneIsAnError) {
  const StateDir dir;
  const auto none = read_password(dir.path());
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
  std::ofstream{dir.path() / "web-password"} << "";
  EXPECT_THAT(read_password(dir.path()).error().detail, HasSubstr("esshub password"));
}

const Guesser one{"192.0.2.1"};
const Guesser another{"192.0.2.2"};

TEST(LoginThrottle, AThousandWrongPasswordsTakeHours) {
  LoginThrottle brake;
  Instant now = t0;
  for (int i = 0; i < 1000; ++i) {
    now += brake.wait(one, now);
    brake.failed(one, now);
  }
  EXPECT_GT(now - t0, 8h);
  EXPECT_EQ(brake.wait(one, now), 30s);
}

TEST(LoginThrottle, ThreeAreFreeThenEachDoublesTheDelay) {
  LoginThrottle brake;
  for (int i = 0; i < 2; ++i) brake.failed(one, t0);
  EXPECT_EQ(brake.wait(one, t0), 0s);
  for (const Duration delay : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    brake.failed(one, t0);
    EXPECT_EQ(brake.wait(one, t0), delay);
  }
  EXPECT_EQ(brake.wait(another, t0), 0s) << "another address";
}

TEST(LoginThrottle, SuccessAndAnHourForgive) {
  LoginThrottle brake;
  for (int i = 0; i < 5; ++i) brake.failed(one, t0);
  brake.succeeded(one);
  EXPECT_EQ(brake.wait(one, t0), 0s);
  for (int i = 0; i < 12; ++i) brake.failed(another, t0);
  brake.failed(another, t0 + 61min);
  EXPECT_EQ(brake.wait(another, t0 + 61min), 0s);
}

TEST(LoginThrottle, ManyAddressesTogetherDelayAllButKnownDevicesAndBriefly) {
  LoginThrottle brake;
  for (int i = 0; i < 200; ++i) brake.failed({"192.0.2." + std::to_string(i)}, t0);
  EXPECT_EQ(brake.wait({"198.51.100.1"}, t0), 30s);
  EXPECT_EQ(brake.wait({"198.51.100.1"}, t0 + 30s), 0s);
  EXPECT_EQ(brake.wait({"device a", true}, t0), 0s);
}

TEST(LoginThrottle, WrongPasswordsOfAKnownDeviceDelayItAlone) {
  LoginThrottle brake;
  for (int i = 0; i < 200; ++i) brake.failed({"device a", true}, t0);
  EXPECT_EQ(brake.wait({"device a", true}, t0), 30s);
  EXPECT_EQ(brake.wait({"device b", true}, t0), 0s);
  EXPECT_EQ(brake.wait(one, t0), 0s);
}

TEST(DeviceToken, IsKnownWithThePasswordItWasMadeUnder) {
  const auto token = device_token("hash");
  const auto device = device_of(token, "hash");
  ASSERT_TRUE(device);
  EXPECT_EQ(device_of(token, "hash"), device);
  EXPECT_NE(device_of(device_token("hash"), "hash"), device) << "each device its own";
  EXPECT_FALSE(device_of(token, "another hash"));
  for (const auto* forged : {"", ".", "a.b", "x"}) EXPECT_FALSE(device_of(forged, "hash"));
  EXPECT_FALSE(device_of("x" + token, "hash"));
  EXPECT_FALSE(device_of(token + "x", "hash"));
}

TEST(LoginThrottle, AnIpv6HostCountsWithItsWholeNetwork) {
  EXPECT_EQ(throttle_key("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(throttle_key("::1"), "::1");
  EXPECT_EQ(throttle_key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(throttle_key("2001:db8:1:2:ffff::9"), throttle_key("2001:db8:1:2:3:4:5:6"));
  EXPECT_NE(throttle_key("2001:db8:1:3::9"), throttle_key("2001:db8:1:2::9"));
}

TEST(Sessions, EndWhenIdleOldOrThePasswordChanges) {
  Sessions sessions;
  const auto idle = sessions.open("hash", t0);
  EXPECT_TRUE(sessions.find(idle.token, "hash", t0 + 29min));
  EXPECT_TRUE(sessions.find(idle.token, "hash", t0 + 58min)) << "using it prolongs it";
  EXPECT_FALSE(sessions.find(idle.token, "hash", t0 + 89min));
  const auto old = sessions.open("hash", t0);
  for (auto t = t0; t < t0 + 12h; t += 20min) ASSERT_TRUE(sessions.find(old.token, "hash", t));
  EXPECT_FALSE(sessions.find(old.token, "hash", t0 + 12h));
  const auto other = sessions.open("hash", t0);
  EXPECT_FALSE(sessions.find(other.token, "another hash", t0));
}

TEST(Sessions, AreFewUnguessableAndClosable) {
  Sessions sessions;
  const auto first = sessions.open("hash", t0);
  EXPECT_EQ(first.token.size(), 43u) << "256 bits";
  EXPECT_NE(first.token, first.csrf);
  EXPECT_FALSE(sessions.find("", "hash", t0));
  for (std::size_t i = 0; i < Sessions::most; ++i)
    static_cast<void>(sessions.open("hash", t0 + 1s));
  EXPECT_FALSE(sessions.find(first.token, "hash", t0 + 2s)) << "the longest unused made room";
  const auto last = sessions.open("hash", t0 + 3s);
  sessions.close(last.token);
  EXPECT_FALSE(sessions.find(last.token, "hash", t0 + 3s));
}

}  // namespace
}  // namespace esshub::publish
