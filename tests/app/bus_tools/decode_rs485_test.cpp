#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>

#include "app/bus_tools/decode.hpp"
#include "protocol/pylontech/rs485_messages.hpp"

namespace esshub::app {
namespace {

using nlohmann::json;
namespace rs485 = protocol::pylontech_rs485;

std::string text_of(const protocol::Bytes& bytes) {
  std::string text;
  for (const auto byte : bytes) text += static_cast<char>(byte);
  return text;
}

constexpr std::string_view limits_request = "~20024692E00202FD2E";
constexpr std::string_view limits_response = "~20024600B01402D002AFC800C8FE0CC0F915";

TEST(DecodeRs485, AResponseTakesItsMeaningFromTheRequest) {
  const auto decoder = make_rs485_decoder();
  EXPECT_EQ(decoder->line(limits_response)["info"], "02D002AFC800C8FE0CC0");
  const auto asked = decoder->line(limits_request);
  EXPECT_EQ(asked["kind"], "request") << asked;
  EXPECT_EQ(asked["command"], "management");
  EXPECT_EQ(asked["address"], 2);
  const auto answer = decoder->line(limits_response);
  EXPECT_EQ(answer["kind"], "response") << answer;
  EXPECT_DOUBLE_EQ(answer["cvl_v"], 53.25);
  EXPECT_DOUBLE_EQ(answer["dcl_a"], 50.0);
  EXPECT_EQ(answer["requests"], json({"charge_enable", "discharge_enable"}));
}

TEST(DecodeRs485, HexAndTextAreTheSame) {
  const std::string hex =
      protocol::to_hex(rs485::encode({.command = rs485::CommandCode::management}));
  EXPECT_EQ(make_rs485_decoder()->line(hex), make_rs485_decoder()->line(limits_request));
}

TEST(DecodeRs485, BothOnOneLineAndWhatStandsBetween) {
  const auto out = make_rs485_decoder()->line("xy" + std::string{limits_request} + "\r" +
                                              std::string{limits_response});
  ASSERT_EQ(out["frames"].size(), 3U) << out;
  EXPECT_EQ(out["frames"][0], json({{"kind", "outside"}, {"bytes", "7879"}}));
  EXPECT_EQ(out["frames"][2]["cvl_v"], 53.25);
}

TEST(DecodeRs485, ARefusalSaysWhy) {
  const auto refusal = rs485::encode_return_code(2, rs485::ReturnCode::command);
  const auto out = make_rs485_decoder()->line(text_of(refusal));
  EXPECT_EQ(out["code"], 4);
  EXPECT_EQ(out["detail"], rs485::describe(rs485::ReturnCode::command));
}

/// The request that a vector's answer belongs to, as text; empty where it is a request itself.
std::string request_of(const json& vector) {
  if (!vector.contains("request") || !vector["request"].contains("command")) return {};
  const json& asked = vector["request"];
  rs485::AsciiFrame frame;
  frame.address = asked["adr"].get<std::uint8_t>();
  frame.cid2 =
      static_cast<std::uint8_t>(std::stoul(asked["command"].get<std::string>(), nullptr, 16));
  const bool maker = frame.cid2 == 0x51;
  if (!maker) protocol::put_u8(frame.info, asked.value("stack", false) ? 0xFFU : frame.address);
  return text_of(rs485::encode_frame(frame));
}

TEST(DecodeRs485, EveryPublishedFrameIsReadAndDamageIsNamed) {
  std::ifstream file{ESSHUB_TEST_DATA "/pylontech-rs485-vectors.jsonl"};
  unsigned read = 0;
  for (std::string line; std::getline(file, line);) {
    const auto v = json::parse(line);
    if (!v.contains("ascii") || v["kind"] != "real") continue;
    const auto decoder = make_rs485_decoder();
    if (const auto request = request_of(v); !request.empty()) {
      EXPECT_EQ(decoder->line(request)["kind"], "request") << v["id"];
    }
    auto text = v["ascii"].get<std::string>();
    const auto out = decoder->line(text);
    EXPECT_FALSE(out.contains("error") || out.contains("note")) << v["id"] << out;
    text[text.size() / 2] = text[text.size() / 2] == '0' ? '1' : '0';
    EXPECT_EQ(make_rs485_decoder()->line(text)["error"], "checksum") << v["id"];
    ++read;
  }
  EXPECT_GT(read, 14U);
}

TEST(DecodeRs485, ARequestHasOneAnswer) {
  const auto decoder = make_rs485_decoder();
  (void)decoder->line(limits_request);
  EXPECT_FALSE(decoder->line(limits_response).contains("note"));
  EXPECT_TRUE(decoder->line(limits_response).contains("note")) << "the capture lacks its request";
}

TEST(DecodeRs485, RandomLinesNeverThrow) {
  std::mt19937 random{7};
  const auto draw = [&](unsigned n) { return static_cast<unsigned>(random()) % n; };
  const auto decoder = make_rs485_decoder();
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    if (draw(2) == 0) {
      for (unsigned n = draw(60); n > 0; --n) text += "~0123456789ABCDEF\r x"[draw(20)];
    } else {  // a right frame with any content
      rs485::AsciiFrame frame;
      frame.cid2 = static_cast<std::uint8_t>(draw(2) == 0 ? 0 : draw(256));
      for (unsigned n = draw(40); n > 0; --n) protocol::put_u8(frame.info, draw(256));
      text = text_of(rs485::encode_frame(frame));
    }
    EXPECT_NO_THROW(static_cast<void>(decoder->line(text)));
  }
  EXPECT_EQ(decoder->line("")["error"], "length");
}

}  // namespace
}  // namespace esshub::app
