#include "protocol/pylontech/can_frame.hpp"

#include <gtest/gtest.h>

#include <random>

namespace esshub::protocol {
namespace {

const CanFrame limits = make_frame(0x351, from_hex("1402F401F401C201").value());

TEST(CanRecord, IsTheKernelsStruct) {
  EXPECT_EQ(to_hex(encode_record(limits)), "51030000080000001402F401F401C201");
}

TEST(CanRecord, ComesBackAsItWent) {
  CanFrame extended = limits;
  extended.extended = true;
  extended.id = 0x18FF1234;
  CanFrame remote = make_frame(0x305, {});
  remote.remote = true;
  remote.size = 8;
  CanFrame error = make_frame(0x040, from_hex("0000000000000000").value());
  error.error = true;
  for (const auto& frame : {limits, extended, remote, error, make_frame(0x7FF, {})}) {
    const auto back = decode_record(encode_record(frame));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, frame);
  }
}

TEST(CanRecord, FlagsAreNotPartOfTheIdentifier) {
  const auto frame = decode_record(from_hex("4000002008000000 0004000000000000").value());
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->error);
  EXPECT_EQ(frame->id, 0x40u);
}

TEST(CanRecord, OfAnotherSizeIsALengthError) {
  for (const std::size_t size : {0u, 15u, 17u, 72u}) {
    const auto frame = decode_record(Bytes(size));
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error().kind, DecodeErrorKind::length);
  }
}

TEST(CanRecord, OfMoreThanEightBytesIsAContentError) {
  Bytes record = encode_record(limits);
  record[4] = std::byte{9};
  const auto frame = decode_record(record);
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().kind, DecodeErrorKind::content);
}

TEST(CanRecord, BytesBeyondTheLengthDoNotCount) {
  auto record = encode_record(make_frame(0x355, from_hex("58006400").value()));
  record[15] = std::byte{0xFF};
  EXPECT_EQ(decode_record(record), make_frame(0x355, from_hex("58006400").value()));
}

TEST(CanFrame, RemoteRequestCarriesNoData) {
  CanFrame remote = limits;
  remote.remote = true;
  EXPECT_TRUE(remote.payload().empty());
  // A record with bytes after all: the kernel does not promise to clear them.
  const auto read = decode_record(encode_record(remote));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->data, CanFrame{}.data);
  EXPECT_EQ(read->size, remote.size);
}

TEST(Candump, AllItsFormsMeanTheSame) {
  for (const auto* line : {
           "351#1402F401F401C201",
           "(1700000000.014000) can0 351#1402F401F401C201",
           "(1700000000.014000) can0 351#1402F401F401C201 R",
           "351#14.02.F4.01.F4.01.C2.01",
           "  can0  351   [8]  14 02 F4 01 F4 01 C2 01",
           " (000.014000)  can0  351   [8]  14 02 F4 01 F4 01 C2 01   '........'",
           "351 [8] 14 02 f4 01 f4 01 c2 01\r",
       }) {
    const auto frame = parse_candump(line);
    ASSERT_TRUE(frame) << line;
    EXPECT_EQ(*frame, limits) << line;
  }
}

TEST(Candump, EightDigitsAreAnExtendedIdentifier) {
  const auto frame = parse_candump("00000351#14");
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->extended);
  EXPECT_EQ(to_text(*frame), "00000351#14");
}

TEST(Candump, RemoteRequestsInBothForms) {
  for (const auto* line : {"305#R8", "can0  305   [8]  remote request"}) {
    const auto frame = parse_candump(line);
    ASSERT_TRUE(frame) << line;
    EXPECT_TRUE(frame->remote);
    EXPECT_EQ(frame->size, 8);
    EXPECT_EQ(to_text(*frame), "305#R8");
  }
}

TEST(Candump, ErrorFrameKeepsItsClass) {
  const auto frame = parse_candump("(1.0) can0 20000040#0000000000000000");
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->error);
  EXPECT_EQ(describe_error(*frame), "bus-off");
  EXPECT_EQ(to_text(*frame), "20000040#0000000000000000");
}

TEST(Candump, RefusesWhatIsNoFrame) {
  const std::pair<const char*, DecodeErrorKind> rows[] = {
      {"", DecodeErrorKind::content},
      {"hello world", DecodeErrorKind::content},
      {"351", DecodeErrorKind::content},
      {"35#14", DecodeErrorKind::content},
      {"G51#14", DecodeErrorKind::content},
      {"-51#14", DecodeErrorKind::content},
      {"FFF#14", DecodeErrorKind::content},
      {"40000351#14", DecodeErrorKind::content},
      {"351#1", DecodeErrorKind::content},
      {"351#1G", DecodeErrorKind::content},
      {"351#R9", DecodeErrorKind::length},
      {"351#112233445566778899", DecodeErrorKind::length},
      {"can0 351 [9] 1 2 3 4 5 6 7 8 9", DecodeErrorKind::length},
      {"can0 351 [8] 14 02", DecodeErrorKind::length},
      {"can0 351 [x] 14", DecodeErrorKind::content},
      {"can0 351 [1] 1400", DecodeErrorKind::content},
      {"351##1AABB", DecodeErrorKind::unsupported},
  };
  for (const auto& [line, kind] : rows) {
    const auto frame = parse_candump(line);
    ASSERT_FALSE(frame) << line;
    EXPECT_EQ(frame.error().kind, kind) << line;
  }
}

TEST(Candump, AnyTextIsSurvived) {
  std::mt19937 random(1);
  const std::string alphabet = "0123456789ABCDEFR#[] .()x\t\xFF";
  for (int i = 0; i < 20000; ++i) {
    std::string line;
    for (auto n = random() % 40; n > 0; --n) line.push_back(alphabet[random() % alphabet.size()]);
    const auto frame = parse_candump(line);
    if (!frame) {
      for (const char c : frame.error().detail) EXPECT_TRUE(c >= ' ' && c <= '~') << line;
    } else {
      EXPECT_LE(frame->size, 8) << line;
      EXPECT_EQ(parse_candump(to_text(*frame)), *frame) << line;
    }
  }
}

TEST(ErrorFrame, IsTakenApartForAPerson) {
  CanFrame frame = make_frame(0x060, from_hex("0000000000000000").value());
  frame.error = true;
  EXPECT_EQ(describe_error(frame), "no acknowledgement, bus-off");
  frame.id = 0x004;
  frame.data[1] = std::byte{0x20};
  EXPECT_EQ(describe_error(frame), "error passive");
  frame.data[1] = std::byte{0};
  EXPECT_EQ(describe_error(frame), "controller trouble");
  frame.id = 0;
  EXPECT_EQ(describe_error(frame), "unspecified");
}

// ---- standing ----------------------------------------------------------------------------------

TEST(CanBusState, IsReadFromErrorFramesOnly) {
  const std::pair<const char*, CanBusState> rows[] = {
      {"20000020#0000000000000000", CanBusState::no_ack},     // no acknowledgement
      {"20000004#0020000000000000", CanBusState::no_ack},     // transmit error passive
      {"20000004#0030000000000000", CanBusState::no_ack},     // both passive
      {"20000004#0010000000000000", CanBusState::unchanged},  // receive error passive
      {"20000004#000C000000000000", CanBusState::unchanged},  // warning level
      {"20000040#0000000000000000", CanBusState::bus_off},
      {"20000060#0000000000000000", CanBusState::bus_off},
      {"20000100#0000000000000000", CanBusState::error_active},
      {"20000004#0040000000000000", CanBusState::error_active},
      {"20000001#0020000000000000", CanBusState::unchanged},  // no controller class: no state
      {"351#0020000000000000", CanBusState::unchanged},
      {"00000020#0000000000000000", CanBusState::unchanged},
  };
  for (const auto& [line, want] : rows)
    EXPECT_EQ(bus_state(parse_candump(line).value()), want) << line;
}

}  // namespace
}  // namespace esshub::protocol
