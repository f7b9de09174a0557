#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>
#include <string>

#include "app/bus_tools/decode.hpp"
#include "protocol/modbus/rtu.hpp"

namespace esshub::app {
namespace {

using nlohmann::json;

json decode(std::string_view text) {
  return make_modbus_decoder()->line(text);
}

void expect_as_stated(const json& out, const json& stated) {
  for (const char* key :
       {"unit", "function", "start", "count", "u16", "u32", "subfunction", "data"}) {
    if (stated.contains(key)) {
      EXPECT_EQ(out.value(key, json()), stated[key]) << key;
    }
  }
  if (!stated.contains("values")) return;
  for (const auto& [key, value] : stated["values"].items()) {
    const bool kilo = key == "import_kwh";
    const std::string ours = kilo ? "import_wh" : key;
    ASSERT_TRUE(out["values"].contains(ours)) << out;
    const double expected = value.get<double>() * (kilo ? 1000.0 : 1.0);
    EXPECT_NEAR(out["values"][ours].get<double>(), expected, std::abs(expected) * 1e-6);
  }
}

std::string frame(std::initializer_list<unsigned> bytes) {
  protocol::Bytes out;
  for (const unsigned byte : bytes) protocol::put_u8(out, byte);
  protocol::put_u16_le(out, protocol::modbus::crc16(out));
  return protocol::to_hex(out);
}

TEST(DecodeModbus, BytesOutsideFramesAreShown) {
  const auto out = decode("0000" + frame({1, 4, 0, 0, 0, 2}) + "ff");
  EXPECT_EQ(out["kind"], "stream") << out;
  ASSERT_EQ(out["frames"].size(), 3U) << out;
  EXPECT_EQ(out["frames"][0], json({{"kind", "outside"}, {"bytes", "0000"}}));
  EXPECT_EQ(out["frames"][1]["kind"], "request");
  EXPECT_EQ(out["frames"][2]["bytes"], "FF");
}

TEST(DecodeModbus, AWritesAnswerSaysWhatWasWritten) {
  const auto decoder = make_modbus_decoder();
  (void)decoder->line(frame({1, 0x10, 0, 0x14, 0, 2, 4, 0x40, 0xA0, 0, 0}));
  const auto answer = decoder->line(frame({1, 0x10, 0, 0x14, 0, 2}));
  EXPECT_EQ(answer["kind"], "response") << answer;
  EXPECT_EQ(answer["float"], 5.0);
}

TEST(DecodeModbus, EveryVectorDecodesToWhatItStates) {
  std::ifstream file(ESSHUB_TEST_DATA "/modbus-vectors.jsonl");
  int seen = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    const auto vector = json::parse(line);
    SCOPED_TRACE(vector["id"].get<std::string>());
    if (!vector.contains("request_hex") || !vector["request_hex"].is_string()) continue;
    ++seen;
    const auto decoder = make_modbus_decoder();
    const auto request = decoder->line(vector["request_hex"].get<std::string>());
    if (!vector["request_crc_ok"].get<bool>()) {
      EXPECT_EQ(request["error"], "checksum");
      continue;
    }
    EXPECT_EQ(request["kind"], "request");
    json asked = vector["decoded"];
    for (const char* key : {"values", "u16", "u32"}) asked.erase(key);
    expect_as_stated(request, asked);
    if (!vector["response_hex"].is_string()) continue;
    // The answer on its own line, and both on one.
    const auto answer = decoder->line(vector["response_hex"].get<std::string>());
    EXPECT_EQ(answer["kind"], "response");
    expect_as_stated(answer, vector["decoded"]);
    EXPECT_EQ(decode(vector["hex"].get<std::string>()), answer);
  }
  EXPECT_GE(seen, 15);
}

TEST(DecodeModbus, AnAnswerIsShownByNameAndUnit) {
  EXPECT_EQ(decode("01 04 00 0C 00 02 B1 C8  01 04 04 41 FA 17 7C C1 98"),
            json::parse(R"({"kind":"response","unit":1,"function":4,"start":12,"count":2,
                            "byte_count":4,"values":{"l1_power_w":31.261467}})"));
}

TEST(DecodeModbus, EnergiesAreWattHours) {
  const auto out = decode("010400480002F1DD010404462A7521298C");
  EXPECT_NEAR(out["values"]["import_wh"].get<double>(), 10909280.0, 10.0);
}

TEST(DecodeModbus, ABareAnswerWithoutItsRequestIsShownRaw) {
  const auto out = decode("01040441FA177CC198");
  EXPECT_EQ(out["kind"], "response");
  EXPECT_EQ(out["raw"][0]["float"], 31.261467);
  EXPECT_TRUE(out.contains("note"));
  EXPECT_FALSE(out.contains("values"));
}

TEST(DecodeModbus, AnAnswerIsBoundToItsRequestOnce) {
  const auto decoder = make_modbus_decoder();
  (void)decoder->line("0104000C0002B1C8");
  EXPECT_TRUE(decoder->line("01040441FA177CC198").contains("values"));
  EXPECT_FALSE(decoder->line("01040441FA177CC198").contains("values"));
}

TEST(DecodeModbus, ARefusalNamesItsReason) {
  const auto out = decode("0104000C0002B1C8018402C2C1");
  EXPECT_EQ(out["kind"], "exception");
  EXPECT_EQ(out["function"], 4);
  EXPECT_EQ(out["start"], 12);
  EXPECT_EQ(out["code"], 2);
  EXPECT_NE(out["detail"].get<std::string>().find("illegal register"), std::string::npos);
}

TEST(DecodeModbus, ABlockShowsEveryValueInIt) {
  const auto out = decode(
      "0104000000127007010424437180004371666600000000404CCCCD40FCCCCD00000000C4"
      "00100044EC500000000000"
      "4F84");
  EXPECT_EQ(out["values"].size(), 9u) << out;
  EXPECT_EQ(out["values"]["l2_power_w"], 1890.5);
}

TEST(DecodeModbus, RegistersNotInTheTableAreShownRawWithTheirAddress) {
  namespace modbus = protocol::modbus;
  const modbus::RtuRequest request{
      .unit = 1, .function = modbus::read_input, .start = 0x002A, .count = 6, .data = {}};
  protocol::Bytes registers;
  for (const float value : {230.0f, 7.5f, 4.0f}) protocol::put_f32_be(registers, value);
  const auto out = decode(protocol::to_hex(modbus::encode(request)) +
                          protocol::to_hex(modbus::encode_response(request, registers)));
  EXPECT_EQ(out["values"], json::parse(R"({"mean_voltage_v":230.0,"mean_current_a":4.0})"));
  EXPECT_EQ(out["raw"], json::parse(R"([{"address":44,"float":7.5,"u32":1089470464}])"));
}

TEST(DecodeModbus, SeveralTransactionsOnOneLineAreAStream) {
  const auto out = decode("01040000000271CB010404436633341B380104000C0002B1C801040441FA177CC198");
  EXPECT_EQ(out["kind"], "stream");
  EXPECT_EQ(out["frames"].size(), 4u);
}

TEST(DecodeModbus, WhatIsWrongIsNamed) {
  EXPECT_EQ(decode("")["error"], "length");
  EXPECT_EQ(decode("0104")["error"], "length");
  EXPECT_EQ(decode("hello")["error"], "content");
  EXPECT_EQ(decode("010404436633341B39")["error"], "checksum");
  EXPECT_EQ(decode("01040000000271CB010404436633341B39")["error"], "checksum");
  EXPECT_EQ(decode("00040000000271CB")["error"], "address");
}

TEST(DecodeModbus, RandomTextNeverThrows) {
  std::mt19937 random(11);
  const std::string letters = "0123456789ABCDEF 0104 1";
  const auto decoder = make_modbus_decoder();
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (auto n = random() % 60; n > 0; --n) text += letters[random() % letters.size()];
    const auto out = decoder->line(text);
    EXPECT_TRUE(out.contains("kind") || out.contains("error")) << text;
    (void)out.dump();
  }
}

}  // namespace
}  // namespace esshub::app
