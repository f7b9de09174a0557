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
