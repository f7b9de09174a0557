#include <fstream>

#include "protocol/modbus/rtu.hpp"
#include "tests/app/bus_tools/tried_listener.hpp"

namespace esshub::app {
namespace {

using nlohmann::json;
using protocol::Bytes;
using protocol::ByteView;
namespace modbus = protocol::modbus;

const modbus::RtuRequest ask_voltages{.unit = 1, .start = 0, .count = 4, .data = {}};
Bytes voltages() {
  Bytes registers;
  protocol::put_f32_be(registers, 230.5F);
  protocol::put_f32_be(registers, 231.0F);
  return modbus::encode_response(ask_voltages, registers);
}

TEST(ModbusListener, QuestionAndAnswerAreOneTransactionWithNamedValues) {
  TriedListener ear{SniffKind::modbus};
  ear.hear(modbus::encode(ask_voltages), 0ms);
  EXPECT_TRUE(ear.heard.transactions.empty());
  ear.hear(voltages(), 52ms);
  ASSERT_EQ(ear.heard.transactions.size(), 1u);
  const auto& pair = ear.heard.transactions[0];
  EXPECT_EQ(pair.who, "unit 1");
  EXPECT_EQ(pair.outcome, Outcome::ok);
  EXPECT_EQ(pair.at, start + 52ms);
  EXPECT_EQ(pair.fields["start"], 0);
  EXPECT_EQ(pair.fields["values"]["l1_voltage_v"], 230.5);
  EXPECT_EQ(pair.fields["after_ms"], 52.0);
}

TEST(ModbusListener, WhatIsUnderstoodLateKeepsItsTime) {
  TriedListener ear{SniffKind::modbus};
  const Bytes false_head{std::byte{0x01}, std::byte{0x04}, std::byte{0x50}};  // of 85 bytes
  ear.hear(false_head, 0ms);
  ear.hear(modbus::encode(ask_voltages), 100ms);
  ear.hear(voltages(), 150ms);
  EXPECT_TRUE(ear.heard.transactions.empty());
  ear.wait(400ms);
  ASSERT_EQ(ear.heard.transactions.size(), 1u);
  EXPECT_EQ(ear.heard.transactions[0].at, start + 150ms);
  EXPECT_EQ(ear.heard.transactions[0].fields["after_ms"], 50.0);
}

TEST(ModbusListener, EachOutcomeIsToldApart) {
  TriedListener ear{SniffKind::modbus};
  auto damaged = voltages();
  damaged[5] ^= std::byte{1};
  ear.hear(modbus::encode(ask_voltages), 0ms);
  ear.hear(damaged, 50ms);
  ear.hear(modbus::encode(ask_voltages), 300ms);
  ear.hear(modbus::encode_exception(1, modbus::read_input, modbus::Exception::illegal_address),
           350ms);
  ear.hear(modbus::encode(ask_voltages), 500ms);  // nobody answers, the master asks again
  ear.hear(modbus::encode(ask_voltages), 900ms);
  ear.hear(voltages(), 950ms);
  ear.hear(voltages(), 990ms);
  using enum Outcome;
  EXPECT_THAT(ear.outcomes(), testing::ElementsAre(crc, exception, unanswered, ok, unasked));
  EXPECT_EQ(ear.heard.transactions[0].fields["error"], "checksum");
  EXPECT_EQ(ear.heard.transactions[1].fields["code"], 2);
}

TEST(ModbusListener, AQuestionIsUnansweredAfterASecond) {
  TriedListener ear{SniffKind::modbus};
  ear.hear(modbus::encode(ask_voltages), 0ms);
  ear.wait(999ms);
  EXPECT_TRUE(ear.heard.transactions.empty());
  ear.wait(1s);
  EXPECT_THAT(ear.outcomes(), testing::ElementsAre(Outcome::unanswered));
  ear.wait(3s);
  EXPECT_EQ(ear.heard.transactions.size(), 1u);
}

TEST(ModbusListener, AnAnswerUnderWayIsWaitedFor) {
  TriedListener ear{SniffKind::modbus};
  const auto answer = voltages();
  ear.hear(modbus::encode(ask_voltages), 0ms);
  for (std::size_t i = 0; i < answer.size(); ++i) {  // at a speed that takes 1.3 s
    ear.hear(ByteView{answer}.subspan(i, 1), (i + 1) * 100ms);
    ear.wait((i + 1) * 100ms + 50ms);
  }
  EXPECT_THAT(ear.outcomes(), testing::ElementsAre(Outcome::ok));
}

TEST(ModbusListener, WhatIsWrittenIsShown) {
  TriedListener ear{SniffKind::modbus};
  const modbus::RtuRequest write{.unit = 1,
                                 .function = modbus::write_registers,
                                 .start = 10,
                                 .count = 2,
                                 .data = *protocol::from_hex("40400000")};
  ear.hear(modbus::encode(write), 0ms);
  ear.hear(modbus::encode_response(write, {}), 50ms);
  ASSERT_THAT(ear.outcomes(), testing::ElementsAre(Outcome::ok));
  EXPECT_EQ(ear.heard.transactions[0].fields["written"], "40400000");
}

/// The pairs and CRC errors that a vector expects, as outcomes.
std::vector<Outcome> expected(const json& events) {
  std::vector<Outcome> all;
  for (const auto& event : events) {
    if (event["t"] == "pair") all.push_back(Outcome::ok);
    if (event["t"] == "crc_error") all.push_back(Outcome::crc);
    if (event["t"] == "request_replaced") all.push_back(Outcome::unanswered);
    if (event["t"] == "exception") all.push_back(Outcome::exception);
  }
  return all;
}

TEST(ModbusListener, RecoversThePublishedStreamsHoweverTheyAreCut) {
  std::ifstream file{ESSHUB_TEST_DATA "/modbus-vectors.jsonl"};
  unsigned streams = 0;
  for (std::string line; std::getline(file, line);) {
    const auto vector = json::parse(line);
    if (vector.value("kind", "") != "sniffer-stream") continue;
    ++streams;
    const auto bytes = protocol::from_hex(vector["hex"].get<std::string>()).value();
    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
      TriedListener ear{SniffKind::modbus};
      for (std::size_t i = 0; i < bytes.size(); i += size)
        ear.hear(ByteView{bytes}.subspan(i, std::min(size, bytes.size() - i)), 1ms * i);
      ear.finish();
      EXPECT_EQ(ear.outcomes(), expected(vector["expect_events"])) << vector["id"];
      EXPECT_EQ(ear.kept(), bytes) << vector["id"] << ": the capture must lose nothing";
    }
  }
  EXPECT_GE(streams, 3u);
}

TEST(ModbusListener, CaptureHoldsAFrameAPacketAndKeepsTheNoiseBetween) {
  TriedListener ear{SniffKind::modbus};
  const auto question = modbus::encode(ask_voltages);
  Bytes burst = question;
  const auto answer = voltages();
  burst.insert(burst.end(), answer.begin(), answer.end());
  const auto noise = *protocol::from_hex("FFFFFF");
  ear.hear(noise, 0ms);
  ear.hear(burst, 10ms);
  ear.hear(noise, 20ms);
  ear.finish();
  std::vector<Bytes> packets;
  for (const auto& packet : ear.heard.packets) packets.push_back(packet.bytes);
  EXPECT_THAT(packets, testing::ElementsAre(noise, question, answer, noise));
  EXPECT_EQ(ear.heard.packets[0].at, start);
  EXPECT_EQ(ear.heard.packets[2].at, start + 10ms);
}

}  // namespace
}  // namespace esshub::app
