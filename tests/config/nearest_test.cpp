#include "config/nearest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace esshub::config {
namespace {

TEST(Nearest, IsTheWordOfFewestChanges) {
  const std::array<std::string, 4> words{"run", "check", "password", "acknowledge"};
  EXPECT_EQ(nearest("rnu", words), "run");
  EXPECT_EQ(nearest("chek", words), "check");
  EXPECT_EQ(nearest("pasword", words), "password");
  EXPECT_EQ(nearest("aknowlege", words), "acknowledge");
  EXPECT_EQ(nearest("start", words), std::nullopt);
}

}  // namespace
}  // namespace esshub::config
