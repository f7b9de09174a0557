#include "app/backup/ustar.hpp"

#include <gtest/gtest.h>

#include <string>

namespace esshub::app {
namespace {

const TarMember member{.name = "state/state.json",
                       .size = 1234567,
                       .mode = 0640,
                       .modified = 1767222000,
                       .user = "esshub",
                       .group = "dialout"};

TEST(Ustar, AHeaderIsReadAsItWasWritten) {
  const auto read = read_tar_header(*tar_header(member));
  ASSERT_TRUE(read && *read);
  EXPECT_EQ(**read, member);
}

TEST(Ustar, NoBitThatFlipsIsTakenForAnotherMember) {
  const auto header = *tar_header(member);
  unsigned refused = 0;
  for (std::size_t bit = 0; bit < header.size() * 8; ++bit) {
    auto damaged = header;
    damaged.at(bit / 8) = static_cast<char>(damaged.at(bit / 8) ^ (1 << bit % 8));
    const auto read = read_tar_header(damaged);
    if (read) {
      ASSERT_TRUE(*read) << bit;
      EXPECT_EQ(**read, member) << bit;
    }
    refused += read ? 0 : 1;
  }
  // But the blanks around the sum itself.
  EXPECT_GE(refused, header.size() * 8 - 3);
}

TEST(Ustar, TheLastHeaderIsAllZeros) {
  const auto read = read_tar_header(TarBlock{});
  ASSERT_TRUE(read);
  EXPECT_FALSE(*read);
}

TEST(Ustar, WhatHasNoRoomIsRefused) {
  auto large = member;
  large.name = std::string(100, 'n');
  large.size = (1ULL << 33) - 1;
  const auto header = tar_header(large);
  ASSERT_TRUE(header);
  EXPECT_EQ(**read_tar_header(*header), large);
  ++large.size;
  EXPECT_FALSE(tar_header(large));
  large.size = 0;
  large.name += 'n';
  EXPECT_FALSE(tar_header(large));
  large.name.clear();
  EXPECT_FALSE(tar_header(large));
}

/// A header with other bytes and the sum that goes with them.
TarBlock changed(std::size_t at, const std::string& text) {
  auto header = *tar_header(member);
  int sum = std::stoi(std::string{&header.at(148), 6}, nullptr, 8);
  for (std::size_t i = 0; i < text.size(); ++i) {
    sum += static_cast<unsigned char>(text[i]) - static_cast<unsigned char>(header.at(at + i));
    header.at(at + i) = text[i];
  }
  for (std::size_t i = 6; i-- > 0; sum /= 8) header.at(148 + i) = static_cast<char>('0' + sum % 8);
  return header;
}

TEST(Ustar, OnlyRegularFilesAreTaken) {
  EXPECT_TRUE(read_tar_header(changed(156, "0")));
  EXPECT_FALSE(read_tar_header(changed(156, "2"))) << "a link";
  EXPECT_FALSE(read_tar_header(changed(156, "5"))) << "a folder";
  EXPECT_FALSE(read_tar_header(changed(124, "0000000001x"))) << "no size";
}

TEST(Ustar, WhatOtherProgramsWriteIsReadToo) {
  const auto read = read_tar_header(changed(257, "ustar  "));
  ASSERT_TRUE(read && *read) << "GNU tar's magic";
  EXPECT_EQ(**read, member);
  EXPECT_EQ((*read_tar_header(changed(345, "a/b")))->name, "a/b/state/state.json");
}

TEST(Ustar, AFileIsFilledUpToABlock) {
  EXPECT_EQ(tar_padding(0), 0U);
  EXPECT_EQ(tar_padding(1), 511U);
  EXPECT_EQ(tar_padding(511), 1U);
  EXPECT_EQ(tar_padding(512), 0U);
  EXPECT_EQ(tar_padding(513), 511U);
}

}  // namespace
}  // namespace esshub::app
