#include "app/bus_tools/frame_cutter.hpp"

#include <gtest/gtest.h>

namespace esshub::app {
namespace {

TEST(FrameCutter, WhatStandsBeforeAFrameIsAPacketAndNothingIsLost) {
  const Instant start{1000s};
  const auto noise = *protocol::from_hex("FFFE");
  const auto frame = *protocol::from_hex("010203");
  FrameCutter cutter;
  std::vector<Packet> packets;
  cutter.push(noise, start);
  cutter.push(protocol::ByteView{frame}.first(1), start + 1ms);
  cutter.push(protocol::ByteView{frame}.subspan(1), start + 2ms);
  cutter.push(noise, start + 3ms);
  cutter.found(frame, packets);
  ASSERT_EQ(packets.size(), 2u);
  EXPECT_EQ(packets[0].bytes, noise);
  EXPECT_EQ(packets[0].at, start);
  EXPECT_EQ(packets[1].bytes, frame);
  EXPECT_EQ(packets[1].at, start + 2ms) << "when its last byte had arrived";
  cutter.found(frame, packets);
  EXPECT_EQ(packets.size(), 2u) << "it is not in the stream again";
  cutter.flush(packets);
  ASSERT_EQ(packets.size(), 3u);
  EXPECT_EQ(packets[2].bytes, noise);
  cutter.flush(packets);
  EXPECT_EQ(packets.size(), 3u) << "nothing is left";
}

}  // namespace
}  // namespace esshub::app
