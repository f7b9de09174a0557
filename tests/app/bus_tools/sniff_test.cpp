#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "app/commands.hpp"

namespace esshub::app {
namespace {

using testing::HasSubstr;

TEST(SniffProgram, SaysWhyAPortCannotBeOpenedAndFails) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(sniff({.port = "/dev/no-such-port", .can = {}}, out, err), exit_failure);
  EXPECT_THAT(err.str(), HasSubstr("/dev/no-such-port: no such device"));
  EXPECT_EQ(out.str(), "");
}

TEST(SniffProgram, FailsAtOnceWhereTheCaptureCannotBeWritten) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(sniff({.port = "/dev/no-such-port", .can = {}, .write = "/no/such/folder/f"}, out, err),
            exit_failure);
  EXPECT_EQ(err.str(), "/no/such/folder/f: cannot be written\n");
}

}  // namespace
}  // namespace esshub::app
