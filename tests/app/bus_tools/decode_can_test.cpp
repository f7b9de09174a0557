#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>

#include "app/bus_tools/decode.hpp"

namespace esshub::app {
namespace {

using nlohmann::json;

json decode(std::string_view line) {
  return make_can_decoder()->line(line);
}

TEST(DecodeCan, SaysWhatABurstMeans) {
  const std::pair<const char*, json> rows[] = {
      {"351#1402F401F401C201",
       {{"id", "0x351"},
        {"kind", "limits"},
        {"cvl_v", 53.2},
        {"ccl_a", 50.0},
        {"dcl_a", 50.0},
        {"dvl_v", 45.0}}},
      {"351#14025002C805",
       {{"id", "0x351"}, {"kind", "limits"}, {"cvl_v", 53.2}, {"ccl_a", 59.2}, {"dcl_a", 148.0}}},
      {"355#58006400",
       {{"id", "0x355"}, {"kind", "state"}, {"soc_percent", 88}, {"soh_percent", 100}}},
      {"356#7713A9FE0B01",
       {{"id", "0x356"},
        {"kind", "measurement"},
        {"voltage_v", 49.83},
        {"current_a", -34.3},
        {"temperature_c", 26.7}}},
      {"359#0280040002504E",
       {{"id", "0x359"},
        {"kind", "alarms"},
        {"protections", {"high_voltage", "unknown"}},
        {"warnings", {"low_voltage"}},
        {"modules", 2}}},
      {"35A#AAAAAAAAAAAAAAAA",
       {{"id", "0x35A"},
        {"kind", "alarms"},
        {"protections", json::array()},
        {"warnings", json::array()}}},
      {"35C#C000",
       {{"id", "0x35C"},
        {"kind", "requests"},
        {"requests", {"charge_enable", "discharge_enable"}}}},
      {"35E#50594C4F4E202020", {{"id", "0x35E"}, {"kind", "maker"}, {"maker", "PYLON"}}},
      {"35F#010016041400",
       {{"id", "0x35F"},
        {"kind", "product"},
        {"product_code", 1},
        {"firmware", {22, 4}},
        {"available_ah", 20}}},
      {"305#0000000000000000", {{"id", "0x305"}, {"kind", "keep_alive"}}},
      {"373#CA0CCF0C1B011C01",
       {{"id", "0x373"},
        {"kind", "cells"},
        {"lowest_v", 3.274},
        {"highest_v", 3.279},
        {"coldest_c", 10.0},
        {"warmest_c", 11.0}}},
      {"374#3032303400000000",
       {{"id", "0x374"}, {"kind", "lowest_voltage_cell"}, {"text", "0204"}}},
      {"378#400800002B070000",
       {{"id", "0x378"},
        {"kind", "energy"},
        {"charged_wh", 211200.0},
        {"discharged_wh", 183500.0}}},
      {"379#C800", {{"id", "0x379"}, {"kind", "size"}, {"installed_ah", 200}}},
      {"20000040#0000000000000000",
       {{"id", "0x040"}, {"kind", "bus_error"}, {"errors", "bus-off"}}},
  };
  for (const auto& [line, want] : rows) EXPECT_EQ(decode(line), want) << line;
}

TEST(DecodeCan, AllWaysOfWritingAFrameAreUnderstood) {
  const json want = decode("355#58006400");
  for (const auto* line :
       {"(1700000000.018000) can0 355#58006400", "t355458006400", "t355458006400\r",
        "t3554580064001A2B", "  can0  355   [4]  58 00 64 00", "tcan0  355   [4]  58 00 64 00"})
    EXPECT_EQ(decode(line), want) << line;
}

TEST(DecodeCan, WhatCannotBeIsShownAndSaidToBeImpossible) {
  const auto out = decode("356#FF7F00004A01");
  EXPECT_EQ(out["voltage_v"], 327.67);
  EXPECT_EQ(out["error"], "content");
  EXPECT_EQ(out["detail"], "voltage of 327.67, accepted 40 to 60 V");
}

TEST(DecodeCan, AChargeVoltageLimitIsJudgedByTheNumberOfCells) {
  EXPECT_EQ(decode("351#3A02F401F401C201")["detail"],
            "charge voltage limit of 57.00, accepted 48 to 56 V of 15 cells");
  EXPECT_FALSE(make_can_decoder(16)->line("351#3A02F401F401C201").contains("error"));
  EXPECT_EQ(make_can_decoder(16)->line("351#F401F401F401C201")["detail"],
            "charge voltage limit of 50.00, accepted 51 to 60 V of 16 cells");
}

TEST(DecodeCan, RemembersTheNumberOfModules) {
  const auto decoder = make_can_decoder();
  EXPECT_FALSE(decoder->line("356#7013A10F0000").contains("error"));
  (void)decoder->line("359#0000000002504E");
  EXPECT_EQ(decoder->line("356#7013A10F0000")["error"], "content");
}

TEST(DecodeCan, ErrorsHaveAKindAndADetail) {
  const std::pair<const char*, const char*> rows[] = {{"", "content"},
                                                      {"hello", "content"},
                                                      {"355#1A00", "length"},
                                                      {"35C#", "length"},
                                                      {"123#00", "unsupported"},
                                                      {"00000351#1402", "unsupported"},
                                                      {"t3559580064", "content"},
                                                      {"t35545800", "length"},
                                                      {"351##1AABB", "unsupported"}};
  for (const auto& [line, kind] : rows) {
    const auto out = decode(line);
    EXPECT_EQ(out["error"], kind) << line;
    EXPECT_NE(out["detail"], "") << line;
  }
  EXPECT_EQ(decode("00000351#1402")["id"], "0x00000351");
}

TEST(DecodeCan, EveryLineOfBothLogsDecodes) {
  for (const auto* name : {"pylontech-real-frames.candump.log",
                           "pylontech-2xus2000-charge-taper.synthetic.candump.log"}) {
    std::ifstream file(std::string(ESSHUB_TEST_DATA "/") + name);
    const auto decoder = make_can_decoder();
    std::size_t count = 0;
    for (std::string line; std::getline(file, line); ++count) {
      const auto out = decoder->line(line);
      EXPECT_FALSE(out.contains("error")) << line << ' ' << out;
      EXPECT_TRUE(out.contains("kind")) << line;
    }
    EXPECT_GE(count, 18u);
  }
}

TEST(DecodeCan, AnyTextIsSurvivedAndGivesPrintableJson) {
  std::mt19937 random(5);
  const std::string alphabet = "tTrR0123456789ABCDEF35 #[]()\r\a\xFF";
  const auto decoder = make_can_decoder();
  for (int i = 0; i < 20000; ++i) {
    std::string line;
    for (auto n = random() % 40; n > 0; --n) line.push_back(alphabet[random() % alphabet.size()]);
    const auto out = decoder->line(line);
    EXPECT_TRUE(out.contains("kind") || out.contains("error"));
    EXPECT_NO_THROW((void)out.dump()) << i;
  }
}

}  // namespace
}  // namespace esshub::app
