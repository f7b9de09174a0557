#include "protocol/modbus/rtu.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "protocol/modbus/meter_models.hpp"

namespace esshub::protocol::modbus {
namespace {

using nlohmann::json;
using Kind = ScannedFrame::Kind;

std::vector<json> vectors() {
  std::ifstream file(ESSHUB_TEST_DATA "/modbus-vectors.jsonl");
  std::vector<json> all;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) all.push_back(json::parse(line));
  EXPECT_GE(all.size(), 19u);
  return all;
}

Bytes hex(const std::string& text) {
  const auto bytes = from_hex(text);
  EXPECT_TRUE(bytes) << text;
  return bytes.value_or(Bytes{});
}

Bytes hex_of(const json& vector, const char* key) {
  return vector.contains(key) && vector[key].is_string() ? hex(vector[key]) : Bytes{};
}

std::vector<ScannedFrame> scan(FrameScanner& scanner, ByteView bytes) {
  scanner.push(bytes);
  std::vector<ScannedFrame> frames;
  while (auto frame = scanner.next()) frames.push_back(std::move(*frame));
  return frames;
}

std::vector<ScannedFrame> answers_in(const std::vector<ScannedFrame>& frames) {
  std::vector<ScannedFrame> found;
  for (const auto& frame : frames)
    if (frame.kind == Kind::response && frame.request) found.push_back(frame);
  return found;
}

const RtuRequest read_l1_voltage{
    .unit = 1, .function = read_input, .start = 0, .count = 2, .data = {}};

TEST(ModbusCrc, HasThePublishedCheckValue) {
  EXPECT_EQ(crc16(hex("010400000002")), 0xCB71);  // sent low byte first: 71 CB
  EXPECT_TRUE(crc_ok(hex("01040000000271CB")));
  EXPECT_FALSE(crc_ok(hex("010400000002CB71")));
  EXPECT_FALSE(crc_ok(Bytes{}));
  for (const auto& [bytes, shortest] : std::initializer_list<std::pair<const char*, bool>>{
           {"", false}, {"01", false}, {"0104", true}, {"010400", true}}) {
    Bytes frame = hex(bytes);
    put_u16_le(frame, crc16(frame));
    EXPECT_EQ(crc_ok(frame), shortest) << "unit and function at least: " << bytes;
  }
}

TEST(ModbusVectors, DecodeToWhatTheyState) {
  for (const auto& vector : vectors()) {
    SCOPED_TRACE(vector["id"].get<std::string>());
    const Bytes asked = hex_of(vector, "request_hex");
    if (asked.empty()) continue;
    const auto request = decode_request(asked);
    const auto& decoded = vector["decoded"];
    if (!vector["request_crc_ok"].get<bool>()) {
      ASSERT_FALSE(request);
      EXPECT_EQ(request.error().kind, DecodeErrorKind::checksum);
      continue;
    }
    ASSERT_TRUE(request) << request.error().detail;
    EXPECT_EQ(request->unit, decoded["unit"]);
    EXPECT_EQ(request->function, decoded["function"]);
    if (decoded.contains("start")) {
      EXPECT_EQ(request->start, decoded["start"]);
    }
    if (decoded.contains("count")) {
      EXPECT_EQ(request->count, decoded["count"]);
    }
    EXPECT_EQ(encode(*request), asked);

    const Bytes answer = hex_of(vector, "response_hex");
    if (answer.empty()) continue;
    EXPECT_EQ(answer.size(), response_size(*request));
    const auto registers = decode_response(answer, *request);
    ASSERT_TRUE(registers) << registers.error().detail;
    EXPECT_EQ(encode_response(*request, *registers), answer);
    if (decoded.contains("byte_count")) {
      EXPECT_EQ(registers->size(), decoded["byte_count"]);
    }
    if (decoded.contains("u16")) {
      EXPECT_EQ(read_u16_be(*registers, 0), decoded["u16"]);
    }
    if (decoded.contains("u32")) {
      EXPECT_EQ(read_u32_be(*registers, 0), decoded["u32"]);
    }
    if (!decoded.contains("values")) continue;
    for (const auto& [name, value] : decoded["values"].items()) {
      const auto* reg = find_register(request->start);
      ASSERT_NE(reg, nullptr);
      const double is = wire_value(*reg, *registers);
      const bool kilo = name == "import_kwh";
      EXPECT_EQ(reg->name, kilo ? "import_wh" : name);
      const double stated = value.get<double>() * (kilo ? 1000.0 : 1.0);
      EXPECT_NEAR(is, stated, std::abs(stated) * 1e-6);
    }
  }
}

TEST(ModbusVectors, EverySingleBitFlipIsRejected) {
  for (const auto& vector : vectors()) {
    SCOPED_TRACE(vector["id"].get<std::string>());
    const Bytes asked = hex_of(vector, "request_hex");
    const auto request = decode_request(asked);
    if (!request) continue;
    for (const char* key : {"request_hex", "response_hex"}) {
      const Bytes frame = hex_of(vector, key);
      for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
        Bytes flipped = frame;
        flipped[bit / 8] ^= std::byte{1} << (bit % 8);
        EXPECT_FALSE(crc_ok(flipped));
        EXPECT_FALSE(decode_request(flipped));
        EXPECT_FALSE(decode_response(flipped, *request));
        FrameScanner scanner;
        for (const auto& found : scan(scanner, flipped)) {
          EXPECT_NE(found.bytes, flipped) << "bit " << bit;
        }
      }
    }
  }
}

TEST(ModbusAnswer, IsCheckedInTheOrderLengthAddressFunctionChecksum) {
  const auto kind = [](const std::string& text) {
    const auto answer = decode_response(hex(text), read_l1_voltage);
    return answer ? "none" : std::string(name(answer.error().kind));
  };
  EXPECT_EQ(kind("0104044366333418"), "length");      // a byte is missing
  EXPECT_EQ(kind("020306436633341B39"), "length");    // everything is wrong: length comes first
  EXPECT_EQ(kind("020304436633341B39"), "address");   // then the unit
  EXPECT_EQ(kind("010304436633341B39"), "function");  // then the function
  EXPECT_EQ(kind("010404436633341B39"), "checksum");
  EXPECT_EQ(kind("010404436633341B38"), "none");
}

TEST(ModbusAnswer, ARefusalIsAnErrorThatNamesItsReason) {
  const Bytes refusal = encode_exception(1, read_input, Exception::illegal_address);
  EXPECT_EQ(refusal, hex("018402C2C1"));
  const auto answer = decode_response(refusal, read_l1_voltage);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, DecodeErrorKind::exception);
  EXPECT_NE(answer.error().detail.find("illegal register"), std::string::npos);
}

TEST(ModbusRequest, BroadcastAndReservedUnitsAreRefused) {
  for (const std::uint8_t unit : std::initializer_list<std::uint8_t>{0, 248, 255}) {
    auto request = read_l1_voltage;
    request.unit = unit;
    const auto decoded = decode_request(encode(request));
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().kind, DecodeErrorKind::address);
  }
  auto request = read_l1_voltage;
  request.unit = 244;
  EXPECT_TRUE(decode_request(encode(request)));
}

TEST(ModbusRequest, ImpossibleCountsAreContentErrors) {
  for (const std::uint16_t count : std::initializer_list<std::uint16_t>{0, 126}) {
    auto request = read_l1_voltage;
    request.count = count;
    const auto decoded = decode_request(encode(request));
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().kind, DecodeErrorKind::content);
  }
}

/// "kind: detail" of an error, "good" without one.
template <class T>
std::string error_of(const Decoded<T>& decoded) {
  if (decoded) return "good";
  return std::string(name(decoded.error().kind)) + ": " + decoded.error().detail;
}

Bytes with_crc_of(std::string_view text) {
  Bytes frame = hex(std::string(text));
  put_u16_le(frame, crc16(frame));
  return frame;
}

TEST(ModbusRequest, ErrorsNameWhatWasFoundAndExpected) {
  const auto error = [](std::string_view text) {
    return error_of(decode_request(with_crc_of(text)));
  };
  EXPECT_EQ(error_of(decode_request(hex("01040000000271"))), "length: bytes 7, expected 8");
  EXPECT_EQ(error("010400000002FF"), "length: bytes 9, expected 8");
  EXPECT_EQ(error("0110000000020411223344"), "good");
  EXPECT_EQ(error("01100000000204112233"), "length: bytes 12, expected 13");
  EXPECT_EQ(error("000400000002"), "address: unit 0 is not 1 to 247");
  EXPECT_EQ(error("F80400000002"), "address: unit 248 is not 1 to 247");
  EXPECT_EQ(error("F70400000002"), "good");
  EXPECT_EQ(error("010500000002"), "function: function 5 is not known");
  for (const auto* known : {"010300000002", "010400000002", "010800000002"})
    EXPECT_EQ(error(known), "good") << known;
  EXPECT_EQ(error_of(decode_request(hex("01040000000271CC"))),
            "checksum: CRC of 01040000000271CC is wrong");
  EXPECT_EQ(error("010400000000"), "content: cannot be 0 registers");
  EXPECT_EQ(error("010400000001"), "good");
  EXPECT_EQ(error("01030000007D"), "good");
  EXPECT_EQ(error("01030000007E"), "content: cannot be 126 registers");
  EXPECT_EQ(error("010800000000"), "good") << "a loop-back word is no count";
  EXPECT_EQ(error("01080000FFFF"), "good");
  EXPECT_EQ(error("0110000000000411223344"), "content: cannot be 0 registers");
  EXPECT_EQ(error("01100000000000"), "content: cannot be 0 registers");
  EXPECT_EQ(error("01100000000102AABB"), "good");
  EXPECT_EQ(error("0110000000030411223344"), "content: cannot be 3 registers");
  const auto write = [&](unsigned count) {
    RtuRequest request{.unit = 1,
                       .function = write_registers,
                       .start = 2,
                       .count = static_cast<std::uint16_t>(count),
                       .data = Bytes(2 * count)};
    return error_of(decode_request(encode(request)));
  };
  EXPECT_EQ(write(123), "good");
  EXPECT_EQ(write(124), "content: cannot be 124 registers");
}

TEST(ModbusRequest, EveryFieldHasItsPlace) {
  const RtuRequest read{.unit = 1, .function = 3, .start = 0x0203, .count = 0x0045, .data = {}};
  EXPECT_EQ(encode(read), with_crc_of("010302030045"));
  EXPECT_EQ(decode_request(encode(read)).value(), read);
  const RtuRequest write{
      .unit = 7, .function = 16, .start = 0x0203, .count = 2, .data = hex("11223344")};
  EXPECT_EQ(encode(write), with_crc_of("0710020300020411223344"));
  EXPECT_EQ(decode_request(encode(write)).value(), write);
  EXPECT_EQ(encode_response(write, {}), with_crc_of("071002030002"));
  EXPECT_EQ(response_size(write), 8u);
  EXPECT_EQ(encode_response(read, hex("AABB")), with_crc_of("010302AABB"));
  EXPECT_EQ(response_size(read), 5u + 2u * 0x45u);
  EXPECT_EQ(encode_exception(9, 3, Exception::device_failure), with_crc_of("098305"));
}

TEST(ModbusAnswer, ErrorsNameWhatWasFoundAndExpected) {
  const RtuRequest two{.unit = 1, .function = 4, .start = 0, .count = 2, .data = {}};
  const auto error = [&](std::string_view text, const RtuRequest& request) {
    const Bytes frame = with_crc_of(text);
    return error_of(decode_response(frame, request));
  };
  EXPECT_EQ(error("01040411223344", two), "good");
  EXPECT_EQ(error("010404112233", two), "length: bytes 8, expected 9");
  EXPECT_EQ(error("01040211223344", two), "length: byte count 2, expected 4");
  EXPECT_EQ(error("02040411223344", two), "address: unit 2, expected 1");
  EXPECT_EQ(error("01030411223344", two), "function: function 3, expected 4");
  EXPECT_EQ(error("018402", two),
            "exception: exception 2: illegal register or number of registers");
  EXPECT_EQ(error("018401", two), "exception: exception 1: illegal function");
  EXPECT_EQ(error("018403", two), "exception: exception 3: illegal value");
  EXPECT_EQ(error("018405", two), "exception: exception 5: the device could not store the setting");
  EXPECT_EQ(error("018404", two), "exception: exception 4");
  EXPECT_EQ(error("01840200", two), "length: bytes 6, expected 5");
  EXPECT_EQ(error("028402", two), "address: unit 2, expected 1");
  EXPECT_EQ(error("018302", two), "function: function 131, expected 4");
  const RtuRequest loop{.unit = 1, .function = 8, .start = 0, .count = 0x1234, .data = {}};
  EXPECT_EQ(error("010800001234", loop), "good");
  EXPECT_EQ(error("010800011234", loop), "content: the answer does not repeat the request");
  EXPECT_EQ(error("010800001235", loop), "content: the answer does not repeat the request");
  EXPECT_EQ(error_of(decode_response(hex("01"), two)), "length: bytes 1, expected 9");
  const Bytes refusal = hex("0184");
  EXPECT_EQ(error_of(decode_response(ByteView(refusal).first(1), two)),
            "length: bytes 1, expected 9");
  EXPECT_EQ(error_of(decode_response(refusal, two)), "length: bytes 2, expected 5");
  EXPECT_EQ(error_of(decode_response({}, two)), "length: bytes 0, expected 9");
  EXPECT_TRUE(is_response(with_crc_of("01040411223344"), two));
  EXPECT_TRUE(is_response(with_crc_of("018402"), two));
  EXPECT_FALSE(is_response(with_crc_of("02040411223344"), two));
}

/// One frame alone, byte by byte: it is found with its last byte and not before.
TEST(FrameScanner, FindsEachKindOfFrameWithItsLastByte) {
  const std::string too_many = "01100000007CF8" + std::string(2 * 248, '0');
  const std::string most = "01100000007BF6" + std::string(2 * 246, '0');
  const std::string longest = "0104FA" + std::string(2 * 250, '0');
  const std::string too_long = "0104FC" + std::string(2 * 252, '0');
  struct Row {
    const char* hex;
    std::optional<Kind> everything;
    std::optional<Kind> server;
  };
  for (const auto& [text, everything, server] : std::initializer_list<Row>{
           {"010300000001", Kind::request, Kind::request},
           {"01040000007D", Kind::request, Kind::request},
           {"01040000007E", {}, Kind::request},
           {"010400000000", {}, Kind::request},
           {"010812345678", Kind::request, Kind::request},
           {"0110000000020411223344", Kind::request, Kind::request},
           {"01100000000000", {}, Kind::request},
           {"01100000000203112233", {}, Kind::request},
           {"0110000000020311223344", {}, {}},
           {"01100000000102AABB", Kind::request, Kind::request},
           {most.c_str(), Kind::request, Kind::request},
           {too_many.c_str(), {}, Kind::request},
           {"010500000000", {}, Kind::request},
           {"F70400000002", Kind::request, Kind::request},
           {"F80400000002", {}, {}},
           {"000400000002", {}, {}},
           {"018402", Kind::exception, {}},
           {"01FF01", Kind::exception, {}},
           {"018001", {}, {}},
           {"00840211", {}, {}},
           {"0104021122", Kind::response, {}},
           {"01030411223344", Kind::response, {}},
           {"01040311223344", {}, {}},
           {"0104001122", {}, {}},
           {"010400", {}, {}},
           {"010403112233", {}, Kind::request},
           {longest.c_str(), Kind::response, {}},
           {too_long.c_str(), {}, {}},
           {"011000000002", Kind::response, {}},
       }) {
    for (const auto role : {FrameScanner::Role::everything, FrameScanner::Role::server}) {
      const auto expected = role == FrameScanner::Role::server ? server : everything;
      const Bytes frame = with_crc_of(text);
      FrameScanner scanner{role};
      std::optional<ScannedFrame> found;
      for (std::size_t i = 0; i < frame.size(); ++i) {
        scanner.push(ByteView(frame).subspan(i, 1), Instant{} + 1ms * i);
        auto next = scanner.next();
        EXPECT_TRUE(!next || i + 1 == frame.size()) << text << " after " << i;
        if (next) found = std::move(next);
      }
      ASSERT_EQ(found.has_value(), expected.has_value()) << text;
      if (!found) continue;
      EXPECT_EQ(found->kind, *expected) << text;
      EXPECT_EQ(found->bytes, frame);
      EXPECT_EQ(found->at, Instant{} + 1ms * (frame.size() - 1));
      EXPECT_EQ(scanner.resyncs(), 0u) << text;
    }
  }
}

TEST(FrameScanner, OfTheAwaitedAnswerADamagedOneIsTold) {
  const RtuRequest asked{.unit = 1, .function = 4, .start = 0, .count = 2, .data = {}};
  FrameScanner scanner;
  scanner.restart(asked);
  EXPECT_EQ(scanner.pending(), asked);
  const Bytes damaged = hex("010404112233440000");
  const auto frames = scan(scanner, damaged);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].kind, Kind::damaged);
  EXPECT_EQ(frames[0].bytes, damaged);
  EXPECT_EQ(frames[0].request, asked);
  EXPECT_FALSE(scanner.pending());
  EXPECT_EQ(scanner.resyncs(), 1u);
  EXPECT_EQ(scanner.skipped(), damaged.size());

  scanner.restart(asked);
  EXPECT_TRUE(scan(scanner, hex("0104041122")).empty());
  EXPECT_EQ(scanner.skipped(), damaged.size()) << "the rest is waited for";
  scanner.abandon();
  EXPECT_FALSE(scanner.pending());
  scanner.restart(std::nullopt);
  EXPECT_EQ(scan(scanner, with_crc_of("01040411223344")).size(), 1u) << "all bytes forgotten";
}

TEST(FrameScanner, AnAnswerToALoopBackRepeatsEachOfItsBytes) {
  const RtuRequest high{.unit = 1, .function = 8, .start = 0x9293, .count = 0x9495, .data = {}};
  FrameScanner other;
  other.restart(high);
  const auto repeated = scan(other, with_crc_of("010892939495"));
  ASSERT_EQ(repeated.size(), 1u);
  EXPECT_EQ(repeated[0].kind, Kind::response);
  EXPECT_EQ(repeated[0].request, high);
  const RtuRequest loop{.unit = 1, .function = 8, .start = 0x1213, .count = 0x1415, .data = {}};
  for (const auto* text : {"010812131415", "020812131415", "010912131415", "010813131415",
                           "010812121415", "010812131315", "010812131414"}) {
    FrameScanner scanner;
    scanner.restart(loop);
    const auto frames = scan(scanner, with_crc_of(text));
    const bool is_answer = !frames.empty() && frames[0].kind == Kind::response;
    EXPECT_EQ(is_answer, std::string_view(text) == "010812131415") << text;
  }
}

/// Of whatever function: all that are not reads repeat six bytes.
TEST(FrameScanner, AnAwaitedAnswerIsWaitedForByteByByte) {
  const RtuRequest asked{.unit = 1, .function = 5, .start = 0xB1B2, .count = 0xB3B4, .data = {}};
  FrameScanner scanner;
  (void)scan(scanner, Bytes(64, std::byte{0}));
  scanner.restart(asked);
  const Bytes answer = encode_response(asked, {});
  std::vector<ScannedFrame> frames;
  for (const std::byte b : answer)
    for (auto& frame : scan(scanner, ByteView(&b, 1))) frames.push_back(std::move(frame));
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].kind, Kind::response);
  EXPECT_EQ(frames[0].request, asked);
}

TEST(FrameScanner, ARefusalByAnotherUnitIsNotBound) {
  FrameScanner scanner;
  scanner.restart(read_l1_voltage);
  const auto frames = scan(scanner, with_crc_of("028402"));
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].kind, Kind::exception);
  EXPECT_FALSE(frames[0].request);
  EXPECT_EQ(scanner.pending(), read_l1_voltage);
}

/// reference: eastron-modbus#9: if none fits and enough bytes are present, one byte is dropped.
TEST(FrameScanner, AByteIsSkippedAsSoonAsNothingCanBeginWithIt) {
  struct Row {
    const char* hex;
    std::vector<unsigned> skipped;  ///< after each byte
  };
  for (const auto& [text, skipped] : std::initializer_list<Row>{
           {"01", {0}},
           {"0105", {0, 1}},
           {"F8", {1}},
           {"0104", {0, 0}},
           {"010400000000", {0, 0, 0, 0, 0, 6}},  // no registers
           {"01040000007E", {0, 0, 0, 0, 0, 5}},  // too many; 7E may be a unit
           {"011000000000", {0, 0, 0, 0, 0, 0}},  // the response to a write, of any length
       }) {
    FrameScanner scanner;
    (void)scan(scanner, Bytes(64, std::byte{0}));
    const auto before = scanner.skipped();
    const Bytes bytes = hex(text);
    ASSERT_EQ(bytes.size(), skipped.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      EXPECT_TRUE(scan(scanner, ByteView(bytes).subspan(i, 1)).empty());
      EXPECT_EQ(scanner.skipped() - before, skipped[i]) << text << " after byte " << i;
    }
  }
}

/// Its first eight bytes would pass for a request.
TEST(FrameScanner, ADamagedAnswerIsNotLookedAtAgainFromItsFirstByte) {
  FrameScanner scanner;
  scanner.restart(RtuRequest{.unit = 1, .function = 4, .start = 0, .count = 1, .data = {}});
  const Bytes stream = with_crc_of("010402110005");
  std::vector<Kind> kinds;
  for (const std::byte b : stream)
    for (const auto& frame : scan(scanner, ByteView(&b, 1))) kinds.push_back(frame.kind);
  EXPECT_EQ(kinds, std::vector{Kind::damaged});
}

TEST(FrameScanner, ARestartForgetsBytesTheirStampsAndTheRunOfNoise) {
  FrameScanner scanner;
  scanner.push(hex("010424436600004367000043"), Instant{1s});
  EXPECT_FALSE(scanner.next());
  scanner.restart(std::nullopt);
  scanner.push(hex("01040000000271CB"), Instant{2s});
  const auto found = scanner.next();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Kind::request);
  EXPECT_EQ(found->at, Instant{2s});
  EXPECT_EQ(scanner.skipped(), 0u);

  for (unsigned runs = 1; runs <= 3; ++runs) {
    scanner.restart(std::nullopt);
    EXPECT_TRUE(scan(scanner, hex("00")).empty());
    EXPECT_EQ(scanner.resyncs(), runs);
  }
}

TEST(FrameScanner, SilenceEndsWithTheNextByteAndNotWithNone) {
  FrameScanner scanner;
  EXPECT_TRUE(scan(scanner, hex("0104")).empty());
  scanner.silence();
  EXPECT_TRUE(scan(scanner, {}).empty());
  EXPECT_EQ(scanner.skipped(), 2u) << "nothing came";
  EXPECT_TRUE(scan(scanner, hex("0104")).empty());
  EXPECT_EQ(scanner.skipped(), 2u) << "a new frame is waited for";
  EXPECT_TRUE(FrameScanner{}.resyncs() == 0 && FrameScanner{}.skipped() == 0);
}

TEST(FrameScanner, AServerAwaitsNoAnswer) {
  FrameScanner scanner{FrameScanner::Role::server};
  for (int i = 0; i < 2; ++i) {
    const auto frames = scan(scanner, with_crc_of("010800001234"));
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].kind, Kind::request) << i;
    EXPECT_FALSE(scanner.pending());
  }
}

TEST(ModbusRequest, IsAReadOfUnitOneUnlessSaid) {
  const RtuRequest request;
  EXPECT_EQ(request.unit, 1);
  EXPECT_EQ(request.function, read_input);
  EXPECT_EQ(request.start, 0);
  EXPECT_EQ(request.count, 0);
}

TEST(FrameScanner, KeepsNoMoreThanFiveHundredAndTwelveBytes) {
  FrameScanner scanner;
  scanner.push(Bytes(513, std::byte{0}));
  EXPECT_EQ(scanner.skipped(), 1u);
  EXPECT_EQ(scanner.resyncs(), 1u);
  EXPECT_FALSE(scanner.next());
  EXPECT_EQ(scanner.skipped(), 513u);
  EXPECT_EQ(scanner.resyncs(), 1u) << "one run";
  scanner.push({});
  EXPECT_FALSE(scanner.next());
}

TEST(FrameScanner, RecoversEveryPairOfTheSnifferStreams) {
  for (const auto& vector : vectors()) {
    if (vector["kind"] != "sniffer-stream") continue;
    const Bytes stream = hex_of(vector, "hex");
    for (std::size_t chunk = 1; chunk <= stream.size(); ++chunk) {
      SCOPED_TRACE(vector["id"].get<std::string>() + " in chunks of " + std::to_string(chunk));
      FrameScanner scanner;
      std::vector<ScannedFrame> frames;
      for (std::size_t i = 0; i < stream.size(); i += chunk) {
        const auto piece = ByteView(stream).subspan(i, std::min(chunk, stream.size() - i));
        for (auto& frame : scan(scanner, piece)) frames.push_back(std::move(frame));
      }
      const auto pairs = answers_in(frames);
      std::size_t n = 0;
      std::size_t damaged = 0;
      for (const auto& event : vector["expect_events"]) {
        if (event["t"] == "crc_error") ++damaged;
        if (event["t"] != "pair") continue;
        ASSERT_LT(n, pairs.size());
        EXPECT_EQ(pairs[n].request->unit, event["unit"]);
        EXPECT_EQ(pairs[n].request->start, event["start"]);
        EXPECT_EQ(pairs[n].request->count, event["count"]);
        if (event.contains("values")) {
          EXPECT_FLOAT_EQ(read_f32_be(pairs[n].bytes, 3), event["values"][0]);
        }
        ++n;
      }
      EXPECT_EQ(n, pairs.size());
      EXPECT_EQ(std::ranges::count(frames, Kind::damaged, &ScannedFrame::kind),
                static_cast<std::ptrdiff_t>(damaged));
    }
  }
}

TEST(FrameScanner, RecoversTheTimedCaptureWithItsAbsentUnit) {
  for (const auto& vector : vectors()) {
    if (vector["id"] != "mb-031") continue;
    FrameScanner scanner;
    const auto pairs = answers_in(scan(scanner, hex_of(vector, "hex")));
    ASSERT_EQ(pairs.size(), 5u);
    EXPECT_EQ(pairs[0].request->start, 0x000B);
    EXPECT_EQ(pairs[4].request->start, 0x000C);
    EXPECT_EQ(scanner.resyncs(), 0u);
  }
}

TEST(FrameScanner, AnAnswerWhoseHeadIsAValidRequestStaysAnAnswer) {
  const Bytes stream = hex("01040000000271CB010404400001312E00");
  for (const std::size_t cut : {8u, 11u, 16u}) {
    FrameScanner scanner;
    auto frames = scan(scanner, ByteView(stream).first(cut));
    for (auto& frame : scan(scanner, ByteView(stream).subspan(cut))) frames.push_back(frame);
    ASSERT_EQ(frames.size(), 2u) << cut;
    EXPECT_EQ(frames[1].kind, Kind::response);
    EXPECT_EQ(frames[1].bytes.size(), 9u);
  }
}

TEST(FrameScanner, SkipsNoiseBeforeAndBetweenFrames) {
  FrameScanner scanner;
  const auto frames = scan(scanner, hex("00FF00"
                                        "01040000000271CB"
                                        "FFFF00"
                                        "010404436633341B38"));
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].kind, Kind::request);
  EXPECT_EQ(frames[1].request, read_l1_voltage);
  EXPECT_EQ(scanner.resyncs(), 2u);
}

TEST(FrameScanner, AFrameIsStampedWhenItsLastByteArrivedHoweverLateItIsFound) {
  const Instant start{100s};
  // A cut answer of which 41 bytes are awaited hides the pair behind it.
  const Bytes stream =
      hex("0104000000127007"
          "010424437180"
          "0104000C0002B1C8"
          "01040441FA177CC198");
  FrameScanner scanner;
  std::vector<ScannedFrame> frames;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    scanner.push(ByteView(stream).subspan(i, 1), start + i * 1ms);
    while (auto frame = scanner.next()) frames.push_back(std::move(*frame));
  }
  EXPECT_EQ(frames.size(), 1u);
  scanner.silence();
  while (auto frame = scanner.next()) frames.push_back(std::move(*frame));
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].at, start + 7ms);
  EXPECT_EQ(frames[1].at, start + 21ms);
  EXPECT_EQ(frames[2].at, start + 30ms);
  EXPECT_EQ(scanner.skipped(), 6u);
}

TEST(FrameScanner, SilenceEndsACutAnswerSoThatTheNextFrameIsFound) {
  FrameScanner scanner;
  EXPECT_EQ(scan(scanner, hex("01040000000271CB"
                              "010404436633"))
                .size(),
            1u);
  scanner.silence();
  EXPECT_FALSE(scanner.next());
  EXPECT_EQ(scan(scanner, hex("0104000C0002B1C8"
                              "01040441FA177CC198"))
                .size(),
            2u);
}

TEST(FrameScanner, BindsAnAnswerOnlyOnce) {
  FrameScanner scanner;
  const auto frames = scan(scanner, hex("01040000000271CB"
                                        "010404436633341B38"
                                        "010404436633341B38"));
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_TRUE(frames[1].request);
  EXPECT_EQ(frames[2].kind, Kind::response);
  EXPECT_FALSE(frames[2].request);
}

TEST(FrameScanner, ARefusalConsumesTheRequest) {
  FrameScanner scanner;
  const auto frames = scan(scanner, hex("01040000000271CB"
                                        "018402C2C1"));
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[1].kind, Kind::exception);
  EXPECT_EQ(frames[1].request, read_l1_voltage);
  EXPECT_FALSE(scanner.pending());
}

TEST(FrameScanner, ASlaveHearsUnknownFunctionsToo) {
  FrameScanner scanner(FrameScanner::Role::server);
  RtuRequest request = read_l1_voltage;
  request.function = 0x05;
  const auto frames = scan(scanner, encode(request));
  ASSERT_EQ(frames.size(), 1u);
  const auto decoded = decode_request(frames[0].bytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().kind, DecodeErrorKind::function);
}

TEST(FrameScanner, RandomBytesNeverCrashNorPileUp) {
  std::mt19937 random(20240607);
  std::uniform_int_distribution<int> byte(0, 255);
  // Few different values make plausible heads frequent.
  constexpr std::uint8_t likely[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x08, 0x10, 0x84, 0xF4, 0xFF};
  for (int round = 0; round < 400; ++round) {
    FrameScanner scanner(round % 3 ? FrameScanner::Role::everything : FrameScanner::Role::server);
    if (round % 2) scanner.restart(read_l1_voltage);
    for (int chunk = 0; chunk < 40; ++chunk) {
      Bytes bytes;
      for (int i = byte(random) % 40; i > 0; --i) {
        const int value = byte(random);
        put_u8(bytes, value < 200 ? likely[value % 10] : static_cast<unsigned>(value));
      }
      for (const auto& frame : scan(scanner, bytes)) {
        EXPECT_LE(frame.bytes.size(), 264u);
        EXPECT_EQ(crc_ok(frame.bytes), frame.kind != Kind::damaged);
      }
      if (chunk % 9 == 8) scanner.silence();
      (void)decode_request(bytes);
      (void)decode_response(bytes, read_l1_voltage);
    }
    scanner.silence();
    while (scanner.next()) {
    }
    // After silence a valid pair is always found again.
    const auto frames = scan(scanner, hex("01040000000271CB"));
    ASSERT_FALSE(frames.empty());
    EXPECT_EQ(frames.back().kind, Kind::request);
  }
}

}  // namespace
}  // namespace esshub::protocol::modbus
