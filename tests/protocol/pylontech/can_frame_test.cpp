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
  EXPECT_FALSE(frame->extended) << "eight digits for its flag";
  EXPECT_EQ(frame->id, 0x40u);
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
      {"351#Rx", DecodeErrorKind::content},
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

TEST(Candump, ErrorsSayWhatWasWrong) {
  const auto error = [](std::string_view line) {
    const auto frame = parse_candump(line);
    return frame ? "good" : frame.error().detail;
  };
  EXPECT_EQ(error("hello"), "no CAN frame in this line");
  EXPECT_EQ(error("35#14"), "not a CAN identifier: 35");
  EXPECT_EQ(error("\x7F\x1F!~1#14"), "not a CAN identifier: ..!~1");
  EXPECT_EQ(error(std::string(41, 'z') + "#"), "not a CAN identifier: " + std::string(40, 'z'));
  EXPECT_EQ(error("7FF#"), "good");
  EXPECT_EQ(error("800#"), "identifier over 7FF");
  EXPECT_EQ(error("1FFFFFFF#"), "good");
  EXPECT_EQ(error("3FFFFFFF#"), "good") << "an error frame";
  EXPECT_EQ(error("40000000#"), "identifier over 1FFFFFFF");
  EXPECT_EQ(error("351##1"), "a CAN FD frame");
  EXPECT_EQ(error("351#R8"), "good");
  EXPECT_EQ(error("351#R9"), "length over 8");
  EXPECT_EQ(error("351#Rx"), "not a length: x");
  EXPECT_EQ(error("351#RV"), "not a length: V");
  EXPECT_EQ(error("351#RF"), "length over 8") << "a hex digit";
  EXPECT_EQ(error("351#RG"), "not a length: G");
  EXPECT_EQ(error("351#R8x"), "not a length: 8x");
  EXPECT_EQ(error("351#RFFFFFFFFFF"), "not a length: FFFFFFFFFF");
  EXPECT_EQ(error("351#1G"), "data is not pairs of hex digits");
  EXPECT_EQ(error("351#1122334455667788"), "good");
  EXPECT_EQ(error("351#112233445566778899"), "9 data bytes, at most 8");
  EXPECT_EQ(error("351 [8] 1 2"), "fewer data bytes than [8] states");
  EXPECT_EQ(error("351 [9]"), "length over 8");
  EXPECT_EQ(error("351 [8] remote request"), "good");
  EXPECT_EQ(error("351 [9] remote request"), "length over 8");
  EXPECT_EQ(error("351 [x]"), "not a length: [x]");
  EXPECT_EQ(error("351 [8x]"), "not a length: [8x]");
  EXPECT_EQ(error("351 [99999999999]"), "not a length: [99999999999]");
  EXPECT_EQ(error("351 []"), "not a length: []");
  EXPECT_EQ(error("351 [0]"), "good") << "nothing follows";
  EXPECT_EQ(error("351 [A]"), "not a length: [A]");
  EXPECT_EQ(error("351 [1] 1G"), "not a hex byte: 1G");
  EXPECT_EQ(error("351 [1] 1122"), "not a hex byte: 1122");
  EXPECT_EQ(error("[1] 11"), "no CAN frame in this line");
  EXPECT_EQ(error("351 1] 11"), "no CAN frame in this line");
  EXPECT_EQ(error("351 [1 11"), "no CAN frame in this line");
  const auto remote = parse_candump("can0 351 [5] remote request").value();
  EXPECT_TRUE(remote.remote);
  EXPECT_EQ(remote.size, 5);
  EXPECT_EQ(parse_candump("351#R").value().size, 0);
  EXPECT_EQ(to_text(parse_candump("351#R5").value()), "351#R5");
  EXPECT_EQ(to_text(parse_candump("351#R").value()), "351#R");
  EXPECT_EQ(to_text(parse_candump("351#R1").value()), "351#R1");
  EXPECT_TRUE(parse_candump("00000351#").value().extended);
  EXPECT_EQ(to_text(parse_candump("00000351#11.22").value()), "00000351#1122");
  EXPECT_EQ(to_text(parse_candump("can0\t351\r[2]\n11 22 '..'").value()), "351#1122");
}

TEST(CanRecord, ErrorsSayWhatWasWrong) {
  Bytes record = encode_record(make_frame(0x351, Bytes(8, std::byte{7})));
  EXPECT_EQ(record.size(), 16u);
  EXPECT_TRUE(decode_record(record));
  record[4] = std::byte{9};
  EXPECT_EQ(decode_record(record).error().detail, "a length of 9, at most 8");
  record.pop_back();
  EXPECT_EQ(decode_record(record).error().detail, "a record of 15 bytes");
}

/// Bosch, CAN Specification 2.0, part B: 47 bits around the data, 67 with 29-bit identifiers.
TEST(CanFrame, HasItsLengthOnTheWire) {
  CanFrame frame = make_frame(0x351, Bytes(3));
  EXPECT_EQ(bits_on_wire(frame), 47u + 24u);
  frame.extended = true;
  EXPECT_EQ(bits_on_wire(frame), 67u + 24u);
  frame.remote = true;
  EXPECT_EQ(bits_on_wire(frame), 67u);
  EXPECT_EQ(make_frame(1, Bytes(9)).size, 8);
  frame = make_frame(1, Bytes(8));
  frame.size = 15;
  EXPECT_EQ(frame.payload().size(), 8u);
}

/// reference: pylontech-can#8 (linux/can/error.h)
TEST(ErrorFrame, EachClassAndStateHasItsWords) {
  const auto words = [](std::uint32_t id, unsigned state = 0) {
    CanFrame frame = make_frame(id, {});
    frame.error = true;
    frame.size = 8;
    frame.data[1] = static_cast<std::byte>(state);
    return describe_error(frame);
  };
  EXPECT_EQ(words(0x001), "transmit time-out");
  EXPECT_EQ(words(0x002), "lost arbitration");
  EXPECT_EQ(words(0x008), "protocol violation");
  EXPECT_EQ(words(0x010), "transceiver");
  EXPECT_EQ(words(0x020), "no acknowledgement");
  EXPECT_EQ(words(0x040), "bus-off");
  EXPECT_EQ(words(0x080), "bus error");
  EXPECT_EQ(words(0x100), "controller restarted");
  EXPECT_EQ(words(0x200), "unspecified");
  EXPECT_EQ(words(0x1FB),
            "transmit time-out, lost arbitration, protocol violation, transceiver, no "
            "acknowledgement, bus-off, bus error, controller restarted");
  for (const unsigned bit : {0x01u, 0x02u}) EXPECT_EQ(words(0x004, bit), "controller overflow");
  for (const unsigned bit : {0x04u, 0x08u}) EXPECT_EQ(words(0x004, bit), "error warning level");
  for (const unsigned bit : {0x10u, 0x20u}) EXPECT_EQ(words(0x004, bit), "error passive");
  EXPECT_EQ(words(0x004, 0x40), "error active again");
  EXPECT_EQ(words(0x004, 0x80), "unspecified");
  EXPECT_EQ(words(0x001, 0x01), "transmit time-out") << "its state is not told";
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
      {"20000004#0001000000000000", CanBusState::unchanged},  // receive overflow
      {"20000004#0002000000000000", CanBusState::unchanged},  // transmit overflow
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

/// linux/can.h: an identifier without the extended flag has 11 bits, that of an error has 29.
TEST(CanRecord, TheFlagsSayHowLongTheIdentifierIs) {
  const auto id = [](const char* little_endian) {
    Bytes record = from_hex(little_endian).value();
    record.resize(can_record_size);
    return decode_record(record).value().id;
  };
  EXPECT_EQ(id("51130000"), 0x351u);
  EXPECT_EQ(id("51130080"), 0x1351u);
  EXPECT_EQ(id("51130020"), 0x1351u);
}

TEST(CanFrame, SaysNothingBeforeItIsFilled) {
  EXPECT_EQ(CanFrame{}.id, 0u);
  EXPECT_EQ(CanFrame{}.size, 0);
  EXPECT_TRUE(CanFrame{}.payload().empty());
  EXPECT_FALSE(CanFrame{}.extended || CanFrame{}.remote || CanFrame{}.error);
}

}  // namespace
}  // namespace esshub::protocol
