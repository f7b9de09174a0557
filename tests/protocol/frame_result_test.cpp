#include "protocol/frame_result.hpp"

#include <gtest/gtest.h>

namespace esshub::protocol {
namespace {

TEST(FrameResult, EachErrorHasItsCounter) {
  EXPECT_EQ(result_of(DecodeErrorKind::length), FrameResult::length);
  EXPECT_EQ(result_of(DecodeErrorKind::checksum), FrameResult::checksum);
  EXPECT_EQ(result_of(DecodeErrorKind::exception), FrameResult::exception);
  EXPECT_EQ(result_of(DecodeErrorKind::content), FrameResult::content);
  for (const auto kind :
       {DecodeErrorKind::address, DecodeErrorKind::function, DecodeErrorKind::unsupported})
    EXPECT_EQ(result_of(kind), FrameResult::unknown) << name(kind);
  EXPECT_EQ(result_of(static_cast<DecodeErrorKind>(255)), FrameResult::unknown) << "of no kind";
}

TEST(FrameResult, OfRepeatedTroubleTheFirstAndEveryHundredthIsTold) {
  for (std::uint64_t count = 1; count <= 301; ++count)
    EXPECT_EQ(is_log_due(count), count == 1 || count == 100 || count == 200 || count == 300)
        << count;
}

}  // namespace
}  // namespace esshub::protocol
