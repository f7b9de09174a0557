#include "app/secret.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <iostream>
#include <sstream>

namespace esshub::app {
namespace {

/// Puts another file in the place of stdin while it lives.
class OtherStdin {
 public:
  explicit OtherStdin(const char* path) {
    const int other = ::open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    ::dup2(other, STDIN_FILENO);
    ::close(other);
  }
  OtherStdin(const OtherStdin&) = delete;
  OtherStdin& operator=(const OtherStdin&) = delete;
  ~OtherStdin() {
    ::dup2(own_, STDIN_FILENO);
    ::close(own_);
  }

 private:
  int own_ = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
};

bool echoes() {
  termios now{};
  return ::tcgetattr(STDIN_FILENO, &now) == 0 && (now.c_lflag & ECHO) != 0;
}

TEST(Secret, IsNotEchoedByTheTerminalAndWhatFollowsIs) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(master, 0);
  ASSERT_EQ(::grantpt(master), 0);
  ASSERT_EQ(::unlockpt(master), 0);
  {
    const OtherStdin terminal{::ptsname(master)};
    ASSERT_TRUE(echoes());
    {
      const NoEcho no_echo;
      EXPECT_TRUE(no_echo.quiet());
      EXPECT_FALSE(echoes());
    }
    EXPECT_TRUE(echoes());
  }
  ::close(master);
}

TEST(Secret, WhereThereIsNoTerminalNothingIsMadeQuiet) {
  const OtherStdin nobody{"/dev/null"};
  const NoEcho no_echo;
  EXPECT_FALSE(no_echo.quiet());
}

TEST(Secret, IsOneLineOrNothing) {
  std::istringstream typed{"correct horse\n"};
  auto* const before = std::cin.rdbuf(typed.rdbuf());
  std::ostringstream out;
  EXPECT_EQ(ask("Password: ", out), "correct horse");
  EXPECT_EQ(ask("Again: ", out), std::nullopt);
  std::cin.clear();
  std::cin.rdbuf(before);
  EXPECT_EQ(out.str(), "Password: \nAgain: \n");
}

}  // namespace
}  // namespace esshub::app
