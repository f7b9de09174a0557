#include "publish/threads/latest_view.hpp"

#include <gtest/gtest.h>
#include <poll.h>

namespace esshub::publish {
namespace {

bool readable(const LatestView& views) {
  pollfd ready{views.fd(), POLLIN, 0};
  return ::poll(&ready, 1, 0) == 1;
}

TEST(LatestView, GivesTheNewestOnce) {
  LatestView views;
  EXPECT_FALSE(readable(views));
  EXPECT_EQ(views.take(), nullptr);
  View view;
  for (const auto second : {1s, 2s}) {
    view.now = Instant{} + second;
    views.put(view);
  }
  EXPECT_TRUE(readable(views));
  const auto newest = views.take();
  ASSERT_TRUE(newest);
  EXPECT_EQ(newest->now, Instant{} + 2s);
  EXPECT_FALSE(readable(views));
  EXPECT_EQ(views.take(), nullptr);
}

TEST(LatestView, AnEndIsHeardToo) {
  LatestView views;
  EXPECT_FALSE(views.stopping());
  views.stop();
  EXPECT_TRUE(views.stopping());
  EXPECT_TRUE(readable(views));
}

}  // namespace
}  // namespace esshub::publish
