#include "protocol/vebus/mk3_frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace esshub::protocol::mk3 {
namespace {

/// Published frames of the MK2/MK3 layer that stand alone and are right.
std::vector<Bytes> published_frames() {
  std::vector<Bytes> frames;
  std::ifstream file{std::string{ESSHUB_TEST_DATA} + "/vebus-vectors.jsonl"};
  for (std::string line; std::getline(file, line);) {
    const auto v = nlohmann::json::parse(line);
    const std::string kind = v["kind"];
    if (v["layer"] != "mk2" || kind == "invalid_checksum" || kind.starts_with("stream")) continue;
    frames.push_back(from_hex(v["hex"].get<std::string>()).value());
  }
  return frames;
}

std::vector<Frame> parse(Parser& parser, ByteView bytes, FrameCounters& counters) {
  parser.push(bytes);
  std::vector<Frame> out;
  while (auto frame = parser.next(counters)) out.push_back(std::move(*frame));
  return out;
}

/// 0 to n - 1.
unsigned draw(std::mt19937& random, unsigned n) {
  return static_cast<unsigned>(random()) % n;
}

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

TEST(Mk3Frame, PublishedFramesDecodeAndEncodeToTheSameBytes) {
  const auto frames = published_frames();
  ASSERT_GT(frames.size(), 50u);
  for (const auto& bytes : frames) {
    const auto frame = decode(bytes);
    ASSERT_TRUE(frame) << to_hex(bytes) << ": " << frame.error().detail;
    EXPECT_EQ(to_hex(encode(*frame)), to_hex(bytes));
  }
}

/// reference: vebus-mk3#2: seven bits are the length, however right the checksum is.
TEST(Mk3Frame, EachBitOfTheLengthCounts) {
  const Bytes good = encode(Frame{type_interface, to_bytes("V"), {}});
  for (const unsigned bit : {0x08u, 0x10u, 0x20u, 0x40u}) {
    Bytes other = good;
    other.front() = static_cast<std::byte>(u8(good.front()) + bit);
    other.back() = static_cast<std::byte>(u8(good.back()) - bit);
    const auto frame = decode(other);
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error().kind, DecodeErrorKind::length);
  }
}

/// reference: vebus-mk3#2: a frame is not awaited whose type there is not.
TEST(Mk3Frame, AnUnknownTypeIsSkippedWithItsByte) {
  Parser parser;
  FrameCounters counters;
  EXPECT_TRUE(parse(parser, hex("04"), counters).empty());
  EXPECT_EQ(counters[FrameResult::resync], 0u);
  EXPECT_TRUE(parse(parser, hex("aa"), counters).empty());
  EXPECT_EQ(counters[FrameResult::resync], 1u);
}

TEST(Mk3Frame, EverySingleBitFlipIsRejected) {
  for (const auto& bytes : published_frames()) {
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      Bytes flipped = bytes;
      flipped[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      EXPECT_FALSE(decode(flipped)) << to_hex(bytes) << " bit " << bit;
      // In a stream as well: neither the damaged frame nor a piece of it passes for a frame.
      Parser parser;
      FrameCounters counters;
      EXPECT_TRUE(parse(parser, flipped, counters).empty()) << to_hex(flipped);
      parser.give_up_waiting();
      EXPECT_FALSE(parser.next(counters)) << to_hex(flipped);
    }
  }
}

TEST(Mk3Frame, AppendedLedsAreStrippedAndLengthStaysHonest) {
  const auto frame = decode(hex("87ff588634811f1fa9"));
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->leds, (LedBytes{0x1F, 0x1F}));
  EXPECT_EQ(to_hex(frame->payload), "58863481");
  // The same bytes without the mark are another frame, with another checksum.
  EXPECT_EQ(decode(hex("07ff588634811f1fa9")).error().kind, DecodeErrorKind::checksum);
  EXPECT_EQ(decode(hex("82ffa9d6")).error().kind, DecodeErrorKind::length);
}

TEST(Mk3Frame, ErrorsTellWhatIsWrong) {
  EXPECT_EQ(decode(hex("02ff56")).error().kind, DecodeErrorKind::length);
  EXPECT_EQ(decode(hex("03ff56a9")).error().kind, DecodeErrorKind::length);
  EXPECT_EQ(decode(hex("02aa56fe")).error().kind, DecodeErrorKind::unsupported);
  EXPECT_EQ(decode(hex("07ff56963e110000be")).error().kind, DecodeErrorKind::checksum);
  EXPECT_EQ(decode({}).error().kind, DecodeErrorKind::length);
}

/// reference: vebus-mk3#2: two's complement of all bytes, and for four types also of the swapped
/// nibbles of bytes 1, 3 and 5 as far as they exist.
TEST(Mk3Frame, TheChecksumIsSpecialForFourTypesAndCountsThreeSwappedBytes) {
  for (const unsigned type : {0xFFu, 0x20u, 0x41u, 0x40u, 0x21u, 0x38u, 0x3Cu, 0x3Fu, 0x3Du}) {
    const bool special = type == 0x21 || type == 0x38 || type == 0x3D || type == 0x3F;
    for (unsigned size = 1; size <= 6; ++size) {
      Frame frame{static_cast<std::uint8_t>(type), {}, {}};
      for (unsigned i = 0; i < size; ++i) put_u8(frame.payload, 0x12 + 0x25 * i);
      const Bytes bytes = encode(frame);
      unsigned sum = 0;
      for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
        const unsigned b = read_u8(bytes, i);
        sum += b;
        if (special && (i == 1 || i == 3 || i == 5)) sum += (b % 16) * 16 + b / 16;
      }
      EXPECT_EQ((sum + read_u8(bytes, bytes.size() - 1)) % 256, 0u) << type << ' ' << size;
      EXPECT_EQ(decode(bytes).value(), frame);
    }
  }
}

TEST(Mk3Frame, LengthsAndTextsAtTheirLimits) {
  Frame longest{type_interface, Bytes(36, std::byte{7}), LedBytes{1, 2}};
  EXPECT_EQ(read_u8(encode(longest), 0), 0x80 | 39);
  EXPECT_EQ(decode(encode(longest)).value(), longest);
  Parser parser;
  FrameCounters counters;
  EXPECT_EQ(parse(parser, encode(longest), counters), std::vector<Frame>{longest});
  // One byte longer, its checksum right, is no frame.
  Bytes longer = hex("28ff");
  longer.resize(41, std::byte{7});
  put_u8(longer, 0u - (0x28u + 0xFFu + 39u * 7u));
  EXPECT_EQ(decode(longer).error().kind, DecodeErrorKind::length);
  EXPECT_EQ(decode(longer).error().detail, "length byte says 42 bytes in all, there are 42");
  EXPECT_TRUE(parse(parser, longer, counters).empty());

  EXPECT_EQ(decode(hex("01ff00")).error().detail, "a frame has at least 4 bytes");
  EXPECT_EQ(decode(hex("01ff0000")).error().detail, "length byte says 3 bytes in all, there are 4");
  EXPECT_EQ(decode(hex("02ff5600a9")).error().detail,
            "length byte says 4 bytes in all, there are 5");
  EXPECT_EQ(decode(hex("83ff56000028")).error().detail,
            "length byte says 5 bytes in all, there are 6");
  EXPECT_TRUE(decode(hex("84ff561f1fe9")));
  EXPECT_EQ(decode(hex("02aa56fe")).error().detail, "frame type 170");
  EXPECT_EQ(decode(hex("02ff56a8")).error().detail, "checksum is A8, expected A9");
}

TEST(Mk3Frame, FramesAreWrittenAtTwentyFourHundredBaud) {
  EXPECT_EQ(baud, 2400u);
  EXPECT_EQ(wire_time(24), 100'000'008ns);  // reference: vebus-mk3#1: 4.167 ms a byte
  EXPECT_EQ(frame_gap, 300ms);
}

TEST(Mk3Frame, EveryChunkingGivesTheSameFrames) {
  Bytes stream;
  const auto frames = published_frames();
  for (const auto& bytes : frames) stream.insert(stream.end(), bytes.begin(), bytes.end());
  for (std::size_t size = 1; size <= 40; ++size) {
    Parser parser;
    FrameCounters counters;
    std::vector<Frame> found;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      const auto chunk = ByteView{stream}.subspan(at, std::min(size, stream.size() - at));
      for (auto& frame : parse(parser, chunk, counters)) found.push_back(std::move(frame));
    }
    ASSERT_EQ(found.size(), frames.size()) << "chunks of " << size;
    for (std::size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(encode(found[i]), frames[i]);
    EXPECT_EQ(counters[FrameResult::ok], frames.size());
    EXPECT_EQ(counters[FrameResult::resync] + counters[FrameResult::checksum], 0u);
  }
}

TEST(Mk3Frame, GarbageBetweenFramesLosesNoFrame) {
  std::mt19937 random{7};
  for (const auto& bytes : published_frames()) {
    Bytes stream;
    // Bytes that cannot be a type, so that no false head swallows the frame that follows.
    for (unsigned n = draw(random, 6); n > 0; --n) put_u8(stream, 0x80 | (draw(random, 8) << 4));
    stream.insert(stream.end(), bytes.begin(), bytes.end());
    stream.insert(stream.end(), bytes.begin(), bytes.end());
    Parser parser;
    FrameCounters counters;
    EXPECT_EQ(parse(parser, stream, counters).size(), 2u) << to_hex(stream);
  }
}

TEST(Mk3Frame, StrayZerosCountAsNothing) {
  Parser parser;
  FrameCounters counters;
  EXPECT_EQ(parse(parser, hex("000002ff56a90000 02ff4cb3 00"), counters).size(), 2u);
  EXPECT_EQ(counters[FrameResult::resync], 0u);
}

TEST(Mk3Frame, DamagedFrameIsCountedOnceAndTheNextOneFound) {
  Parser parser;
  FrameCounters counters;
  EXPECT_EQ(parse(parser, hex("07ff56963e110000be 02ff4cb3"), counters).size(), 1u);
  EXPECT_EQ(counters[FrameResult::checksum], 1u);
  EXPECT_EQ(counters[FrameResult::resync], 0u);
}

TEST(Mk3Frame, FalseHeadGivesTheHiddenFrameBackAfterSilence) {
  Parser parser;
  FrameCounters counters;
  // 1F FF looks like the head of a long frame and hides a whole one.
  EXPECT_TRUE(parse(parser, hex("1fff 03ff5a871d"), counters).empty());
  parser.give_up_waiting();
  const auto frame = parser.next(counters);
  ASSERT_TRUE(frame);
  EXPECT_EQ(to_hex(frame->payload), "5A87");
  EXPECT_EQ(counters[FrameResult::resync], 1u);
}

TEST(Mk3Frame, TheParserCountsEachRunOfBadBytesOnceByItsFirst) {
  const auto counts = [](std::string_view stream) {
    Parser parser;
    FrameCounters counters;
    const auto frames = parse(parser, hex(stream), counters).size();
    return std::array<std::uint64_t, 3>{frames, counters[FrameResult::resync],
                                        counters[FrameResult::checksum]};
  };
  using Counts = std::array<std::uint64_t, 3>;
  EXPECT_EQ(counts("ff 02ff56a9"), (Counts{1, 1, 0}));
  EXPECT_EQ(counts("ff80ff 02ff56a9 ff 02ff56a9"), (Counts{2, 2, 0}));
  EXPECT_EQ(counts("02ff5600 02ff56a9 02ff5600 02ff56a9"), (Counts{2, 0, 2}));
  EXPECT_EQ(counts("ff 02ff5600 02ff56a9"), (Counts{1, 1, 0}));
  EXPECT_EQ(counts("01ff 02ff56a9"), (Counts{1, 1, 0})) << "too short for a frame";
  EXPECT_EQ(counts("83ff560028 02ff56a9"), (Counts{1, 1, 0})) << "no room for its LED bytes";
  EXPECT_EQ(counts("02aa 02ff56a9"), (Counts{1, 1, 0})) << "no known type";
}

TEST(Mk3Frame, TheParserWaitsUntilToldThatNothingComes) {
  Parser parser;
  FrameCounters counters;
  EXPECT_TRUE(parse(parser, hex("02"), counters).empty());
  EXPECT_TRUE(parse(parser, hex("ff56"), counters).empty());
  parser.give_up_waiting();
  EXPECT_TRUE(parse(parser, hex(""), counters).empty()) << "a push takes it back";
  EXPECT_EQ(parse(parser, hex("a9"), counters).size(), 1u);
  EXPECT_EQ(counters[FrameResult::resync], 0u);
  // Thrown away, with the patience and with the run of bad bytes it was in.
  EXPECT_TRUE(parse(parser, hex("ffff02ff"), counters).empty());
  EXPECT_EQ(counters[FrameResult::resync], 1u);
  parser.give_up_waiting();
  parser.clear();
  EXPECT_EQ(parse(parser, hex("02ff56a9"), counters).size(), 1u);
  EXPECT_TRUE(parse(parser, hex("ff02ff"), counters).empty());
  parser.give_up_waiting();
  parser.clear();
  EXPECT_FALSE(parser.next(counters));
  EXPECT_EQ(parse(parser, hex("ff"), counters).size(), 0u);
  EXPECT_EQ(counters[FrameResult::resync], 3u);
}

TEST(Mk3Frame, RandomBytesNeverCrashTheParser) {
  std::mt19937 random{1};
  Parser parser;
  FrameCounters counters;
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes;
    for (unsigned n = draw(random, 24); n > 0; --n) put_u8(bytes, draw(random, 256));
    parse(parser, bytes, counters);
    if (draw(random, 4) == 0) parser.give_up_waiting();
  }
  parser.give_up_waiting();
  EXPECT_FALSE(parser.next(counters));
  EXPECT_EQ(parse(parser, hex("02ff56a9"), counters).size(), 1u);
}

}  // namespace
}  // namespace esshub::protocol::mk3
