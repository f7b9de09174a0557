#include "transport/host_lookup.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace esshub::transport {
namespace {

using namespace std::chrono_literals;

std::atomic<bool> servers_answer{true};
std::atomic<int> asked{0};

/// A resolver whose name servers may be silent.
int resolve(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
  ++asked;
  while (!servers_answer) std::this_thread::sleep_for(1ms);
  return std::string(host) == "nowhere" ? EAI_NONAME
                                        : ::getaddrinfo("127.0.0.1", service, hints, found);
}

bool wait_for(const HostLookup& lookup) {
  const int fd = lookup.descriptor();
  pollfd look{fd, POLLIN, 0};
  const bool ready = ::poll(&look, 1, 5000) == 1;
  ::close(fd);
  return ready;
}

TEST(HostLookup, FindsAddresses) {
  const auto lookup = HostLookup::start("gateway", resolve);
  ASSERT_TRUE(lookup);
  ASSERT_TRUE(wait_for(*lookup));
  ASSERT_NE(lookup->found(), nullptr);
  EXPECT_EQ(lookup->found()->error, "");
  ASSERT_FALSE(lookup->found()->addresses.empty());
  EXPECT_EQ(lookup->found()->addresses.front().to_string(), "127.0.0.1");
}

TEST(HostLookup, AnUnknownNameSaysSo) {
  const auto lookup = HostLookup::start("nowhere", resolve);
  ASSERT_TRUE(lookup);
  ASSERT_TRUE(wait_for(*lookup));
  ASSERT_NE(lookup->found(), nullptr);
  EXPECT_NE(lookup->found()->error, "");
}

TEST(HostLookup, SilentNameServersHoldNobodyUpAndAreAskedOnce) {
  servers_answer = false;
  asked = 0;
  const auto begun = std::chrono::steady_clock::now();
  const auto lookup = HostLookup::start("gateway", resolve);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(HostLookup::start("gateway", resolve), lookup);
  EXPECT_EQ(lookup->found(), nullptr);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
  servers_answer = true;
  ASSERT_TRUE(wait_for(*lookup));
  EXPECT_EQ(asked, 1);
  EXPECT_NE(lookup->found(), nullptr);
  EXPECT_NE(HostLookup::start("gateway", resolve), lookup) << "a name may move";
}

}  // namespace
}  // namespace esshub::transport
