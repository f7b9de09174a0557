#include "app/backup/progress.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace esshub::app {
namespace {

TEST(Progress, TellsHowFarItIsEveryNowAndThen) {
  std::ostringstream err;
  const auto often = tell_progress(err, 0s);
  often(0, 0);
  often(1, 3);
  often(3, 3);
  EXPECT_EQ(err.str(), "history: 33 %\nhistory: 100 %\n");
}

TEST(Progress, AShortCopySaysNothing) {
  std::ostringstream err;
  tell_progress(err, 1h)(1, 2);
  EXPECT_EQ(err.str(), "");
}

}  // namespace
}  // namespace esshub::app
