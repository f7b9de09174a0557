#include "transport/io_thread.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace esshub::transport {
namespace {

TEST(IoThread, RunsWhatIsPostedAndLeavesWhatWaits) {
  IoThread thread;
  int ran = 0;
  boost::asio::steady_timer timer{thread.context(), std::chrono::hours{1}};
  timer.async_wait([&](const boost::system::error_code&) { ran += 100; });
  for (int i = 0; i < 3; ++i) boost::asio::post(thread.context(), [&] { ++ran; });
  thread.stop();
  EXPECT_EQ(ran, 3);
  thread.stop();
  EXPECT_EQ(ran, 3) << "a second stop does nothing";
}

}  // namespace
}  // namespace esshub::transport
