#include "tests/sim/runner.hpp"

namespace esshub::sim {
namespace {

TEST_F(Runner, TheModulesAnswerOnAPortOfTheirOwn) {
  ASSERT_TRUE(good_) << reason_;
  // Analog values of the module at address 2 (reference: pylontech-can#9).
  const auto answer = ask_device("cells", "~20024642E00202FD33\r", '\r');
  EXPECT_TRUE(answer.starts_with("~200246")) << answer;
}

}  // namespace
}  // namespace esshub::sim
