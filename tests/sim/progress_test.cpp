#include "sim/progress.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <string>

namespace esshub::sim {
namespace {

TEST(Progress, IsDrawnOnATerminalAndWipedAway) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(master, 0);
  ASSERT_EQ(::grantpt(master), 0);
  ASSERT_EQ(::unlockpt(master), 0);
  std::FILE* terminal = std::fopen(::ptsname(master), "w");
  ASSERT_TRUE(terminal);
  {
    Progress progress{4.0, "h", terminal};
    progress.show(1.0);
    progress.show(2.0);  // within a tenth of a second: not drawn
  }
  std::string drawn;
  pollfd ready{master, POLLIN, 0};
  while (::poll(&ready, 1, 100) == 1) {
    std::array<char, 256> part{};
    const auto size = ::read(master, part.data(), part.size());
    if (size <= 0) break;
    drawn.append(part.data(), static_cast<std::size_t>(size));
  }
  std::fclose(terminal);
  ::close(master);
  EXPECT_NE(drawn.find("[##########.............................."
                       "]  25 %  1.0 of 4.0 h"),
            std::string::npos)
      << drawn;
  EXPECT_EQ(drawn.find("2.0 of"), std::string::npos) << drawn;
  EXPECT_TRUE(drawn.ends_with("\r\033[K")) << drawn;
}

TEST(Progress, IsNothingElsewhere) {
  std::FILE* file = std::tmpfile();
  ASSERT_TRUE(file);
  {
    Progress progress{4.0, "h", file};
    progress.show(1.0);
  }
  EXPECT_EQ(std::ftell(file), 0);
  std::fclose(file);
}

}  // namespace
}  // namespace esshub::sim
