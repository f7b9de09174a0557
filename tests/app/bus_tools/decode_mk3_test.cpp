#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>

#include "app/bus_tools/decode.hpp"
#include "protocol/vebus/mk3_frame.hpp"

namespace esshub::app {
namespace {

using nlohmann::json;

/// The last of several lines, each seen by the same decoder.
json last(std::initializer_list<std::string_view> lines) {
  const auto decoder = make_mk3_decoder();
  json out;
  for (const auto line : lines) out = decoder->line(line);
  return out;
}

TEST(DecodeMk3, SetpointHasOurSign) {
  const auto out = last({"07ff5a370083720173"});
  EXPECT_EQ(out["kind"], "write_by_id");
  EXPECT_EQ(out["setpoint_w"], -370.0);
  EXPECT_EQ(out["assumed"], true);
  EXPECT_EQ(last({"07 FF 58 37 02 83 38 FF AF"})["setpoint_w"], 200.0);
}

TEST(DecodeMk3, AReadRecordTellsWhereTheSetpointIs) {
  // RAM 130 = 0x0054: ESS with its setpoint at 131.
  const auto decoder = make_mk3_decoder();
  (void)decoder->line("05ff58308200f2");
  const auto header = decoder->line("07ff5885540061590f");
  EXPECT_EQ(header["assistant"], 5);
  EXPECT_DOUBLE_EQ(header["mains_v"], 228.81);
  const auto write = decoder->line("07ff5a370083720173");
  EXPECT_EQ(write["setpoint_w"], -370.0);
  EXPECT_FALSE(write.contains("assumed"));
  EXPECT_FALSE(decoder->line("07ff5a370084720172").contains("setpoint_w"));
}

TEST(DecodeMk3, SnapshotTakesItsMeaningFromTheRequest) {
  const auto out = last({"06ff46060e100f82", "03ff58386e", "09ff589989fe0500720108"});
  EXPECT_EQ(out["kind"], "snapshot");
  EXPECT_EQ(out["battery_w"], -375.0);
  EXPECT_EQ(out["output_w"], 5.0);
  EXPECT_EQ(out["mains_w"], -370.0);
  const auto unknown = last({"09ff589989fe0500720108"});
  EXPECT_FALSE(unknown.contains("mains_w"));
  EXPECT_EQ(unknown["raw"].size(), 3u);
}

TEST(DecodeMk3, InfoFramesUseTheUsualScalesUntilOneWasSeen) {
  const auto ac = last({"0f200101010908ec5a5fffec5a0800c308"});
  EXPECT_EQ(ac["state"], "charge");
  EXPECT_DOUBLE_EQ(ac["mains_v"], 232.76);
  EXPECT_DOUBLE_EQ(ac["mains_a"], -1.61);
  EXPECT_NEAR(ac["mains_hz"].get<double>(), 50.1, 0.01);
  EXPECT_EQ(last({"0f20010100040800000000c6591e000086"})["mains_hz"], nullptr);

  const std::string dc = "0f20f300c8020ca10500000028000088b2";
  EXPECT_DOUBLE_EQ(last({dc})["battery_a"], 4.0);
  // This unit says 0.01 A.
  EXPECT_DOUBLE_EQ(last({"05ff573605006a", "08ff578e64808f0000a1", dc})["battery_a"], 0.4);
}

TEST(DecodeMk3, LedsHaveNames) {
  const auto out = last({"08ff4c010c0000800020"});
  EXPECT_EQ(out["on"], "mains");
  EXPECT_EQ(out["blink"], "bulk, float");
  EXPECT_EQ(out["error_text"], "no error");
  EXPECT_EQ(last({"87ff588634811f1fa9"})["kind"], "setting_value");
}

TEST(DecodeMk3, GluedFramesComeOneByOne) {
  const auto out = last({"06ff46060e100f8203ff4601b7"});
  ASSERT_EQ(out["frames"].size(), 2u);
  EXPECT_EQ(out["frames"][0]["kind"], "snapshot_request");
  EXPECT_EQ(out["frames"][1]["name"], "ac_l1");
}

TEST(DecodeMk3, BytesOutsideFramesAreShown) {
  const auto out = last({"aa06ff46060e100f82bbcc03ff4601b7dd"});
  ASSERT_EQ(out["frames"].size(), 5u) << out;
  EXPECT_EQ(out["frames"][0], json({{"kind", "outside"}, {"bytes", "AA"}}));
  EXPECT_EQ(out["frames"][2]["bytes"], "BBCC");
  EXPECT_EQ(out["frames"][3]["name"], "ac_l1");
  EXPECT_EQ(out["frames"][4]["bytes"], "DD");
}

TEST(DecodeMk3, AWritesAnswerSaysWhatWasWritten) {
  const auto setpoint = last({"07ff5a370083720173", "03ff5a871d"});
  EXPECT_EQ(setpoint["kind"], "ram_written") << setpoint;
  EXPECT_EQ(setpoint["ram_id"], 131);
  EXPECT_EQ(setpoint["setpoint_w"], -370.0);
  // Select, then data.
  const auto frame = [](std::initializer_list<unsigned> payload) {
    protocol::mk3::Frame f;
    for (const unsigned byte : payload) protocol::put_u8(f.payload, byte);
    return protocol::to_hex(protocol::mk3::encode(f));
  };
  const auto decoder = make_mk3_decoder();
  (void)decoder->line(frame({'X', 0x33, 0x40, 0x00}));
  (void)decoder->line(frame({'X', 0x34, 0x2A, 0x01}));
  const auto setting = decoder->line(frame({'X', 0x88}));
  EXPECT_EQ(setting["kind"], "setting_written") << setting;
  EXPECT_EQ(setting["setting"], 64);
  EXPECT_EQ(setting["raw"], 298);
  EXPECT_FALSE(decoder->line(frame({'Y', 0x87})).contains("raw"));
}

TEST(DecodeMk3, TheOldStateFrameIsKnown) {
  protocol::mk3::Frame f;
  for (const unsigned byte : {0x53U, 0x03U, 0x10U, 0x80U, 0x01U, 0x01U})
    protocol::put_u8(f.payload, byte);
  const auto out = last({protocol::to_hex(protocol::mk3::encode(f))});
  EXPECT_EQ(out["kind"], "state_set") << out;
  EXPECT_EQ(out["variant"], 1);
  EXPECT_EQ(out["switch"], "on");
  EXPECT_EQ(out["panel"], "108001");
}

TEST(DecodeMk3, EveryPublishedFrameHasAKindAndDamageIsNamed) {
  std::ifstream file{std::string{ESSHUB_TEST_DATA} + "/vebus-vectors.jsonl"};
  const auto decoder = make_mk3_decoder();
  unsigned checked = 0;
  for (std::string line; std::getline(file, line);) {
    const auto v = json::parse(line);
    if (v["layer"] != "mk2") continue;
    const auto out = decoder->line(v["hex"].get<std::string>());
    if (v["kind"] == "invalid_checksum") {
      EXPECT_EQ(out["error"], "checksum");
    } else {
      EXPECT_TRUE(out.contains("kind")) << v["hex"] << out;
      EXPECT_FALSE(out.contains("error")) << v["hex"] << out;
    }
    ++checked;
  }
  EXPECT_GT(checked, 60u);
  EXPECT_EQ(decoder->line("no hex")["error"], "content");
  EXPECT_EQ(decoder->line("")["error"], "length");
  EXPECT_EQ(decoder->line("04ff57800026")["kind"], "exception");
}

TEST(DecodeMk3, RandomLinesNeverThrow) {
  std::mt19937 random{6};
  const auto draw = [&](unsigned n) { return static_cast<unsigned>(random()) % n; };
  const auto decoder = make_mk3_decoder();
  constexpr std::string_view digits = "0123456789abcdef ";
  unsigned understood = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    if (draw(4) == 0) {
      for (unsigned n = draw(40); n > 0; --n) text += digits[draw(digits.size())];
    } else {  // a right frame with any content
      protocol::mk3::Frame frame;
      protocol::put_u8(frame.payload,
                       static_cast<unsigned>(std::string_view{"VALFSHXYZXYZ"}[draw(12)]));
      protocol::put_u8(frame.payload, draw(2) == 0 ? 0x80 + draw(0x20) : draw(0x40));
      for (unsigned n = draw(14); n > 0; --n) protocol::put_u8(frame.payload, draw(256));
      text = protocol::to_hex(protocol::mk3::encode(frame));
    }
    EXPECT_NO_THROW(understood += decoder->line(text).contains("kind") ? 1 : 0);
  }
  EXPECT_GT(understood, 2000u);
}

}  // namespace
}  // namespace esshub::app
