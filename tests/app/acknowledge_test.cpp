#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/child.hpp"

namespace esshub::tests {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::IsEmpty;
using testing::StartsWith;

TEST(Acknowledge, FailsWithTheReasonWithoutAPasswordOrAHub) {
  for (const auto& [typed, why] : {std::pair{"", "esshub acknowledge: no password was given\n"},
                                   std::pair{"correct horse\n", "esshub acknowledge: "}}) {
    Child program{{"acknowledge", "--address", "127.0.0.1:1"}};
    program.type(typed);
    program.end_input();
    EXPECT_THAT(program.rest(), IsEmpty());
    EXPECT_THAT(program.errors(), AllOf(StartsWith(why), EndsWith("\n")));
    EXPECT_EQ(program.status(), 1);
  }
}

}  // namespace
}  // namespace esshub::tests
