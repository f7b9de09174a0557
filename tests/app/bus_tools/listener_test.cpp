#include "app/bus_tools/listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "protocol/modbus/rtu.hpp"
#include "protocol/vebus/messages.hpp"
#include "protocol/vebus/mk3_frame.hpp"

namespace esshub::app {
namespace {

using nlohmann::json;
using protocol::Bytes;
using protocol::ByteView;
namespace modbus = protocol::modbus;
namespace vebus = protocol::vebus;

constexpr Instant start{1000s};

/// Everything a listener makes of what it is given.
struct Ear {
  explicit Ear(SniffKind kind) : listener(make_listener(kind)) {}

  void hear(ByteView bytes, Duration at) { add(listener->on_bytes(bytes, start + at)); }
  void wait(Duration until) { add(listener->on_timer(start + until)); }
  void finish() { add(listener->finish()); }
  [[nodiscard]] std::vector<Outcome> outcomes() const {
    std::vector<Outcome> all;
    for (const auto& each : heard.transactions) all.push_back(each.outcome);
    return all;
  }
  [[nodiscard]] Bytes kept() const {
    Bytes all;
    for (const auto& packet : heard.packets)
      all.insert(all.end(), packet.bytes.begin(), packet.bytes.end());
    return all;
  }

  std::unique_ptr<Listener> listener;
  Batch heard;

 private:
  void add(Batch more) {
    for (auto& each : more.transactions) heard.transactions.push_back(std::move(each));
    for (auto& each : more.packets) heard.packets.push_back(std::move(each));
    for (auto& each : more.can_packets) heard.can_packets.push_back(each);
  }
};

const modbus::RtuRequest ask_voltages{.unit = 1, .start = 0, .count = 4, .data = {}};
Bytes voltages() {
  Bytes registers;
  protocol::put_f32_be(registers, 230.5F);
  protocol::put_f32_be(registers, 231.0F);
  return modbus::encode_response(ask_voltages, registers);
}

// ---- Modbus -----------------------------------------------------------------------------------

TEST(ModbusListener, QuestionAndAnswerAreOneTransactionWithNamedValues) {
  Ear ear{SniffKind::modbus};
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
  Ear ear{SniffKind::modbus};
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
  Ear ear{SniffKind::modbus};
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
  Ear ear{SniffKind::modbus};
  ear.hear(modbus::encode(ask_voltages), 0ms);
  ear.wait(999ms);
  EXPECT_TRUE(ear.heard.transactions.empty());
  ear.wait(1s);
  EXPECT_THAT(ear.outcomes(), testing::ElementsAre(Outcome::unanswered));
  ear.wait(3s);
  EXPECT_EQ(ear.heard.transactions.size(), 1u);
}

TEST(ModbusListener, AnAnswerUnderWayIsWaitedFor) {
  Ear ear{SniffKind::modbus};
  const auto answer = voltages();
  ear.hear(modbus::encode(ask_voltages), 0ms);
  for (std::size_t i = 0; i < answer.size(); ++i) {  // at a speed that takes 1.3 s
    ear.hear(ByteView{answer}.subspan(i, 1), (i + 1) * 100ms);
    ear.wait((i + 1) * 100ms + 50ms);
  }
  EXPECT_THAT(ear.outcomes(), testing::ElementsAre(Outcome::ok));
}

TEST(ModbusListener, WhatIsWrittenIsShown) {
  Ear ear{SniffKind::modbus};
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
      Ear ear{SniffKind::modbus};
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
  Ear ear{SniffKind::modbus};
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

// ---- MK3 --------------------------------------------------------------------------------------

TEST(Mk3Listener, AnswersFindTheirQuestionsByLetterAndType) {
  Ear ear{SniffKind::mk3};
  ear.hear(vebus::encode(vebus::read_ram(vebus::Letter::x, {4, 0})), 0ms);
  ear.hear(vebus::encode(vebus::Version{.version = 1170212, .mode = 'B'}), 20ms);  // a broadcast
  Bytes words;
  protocol::put_u16_le(words, 5200);
  protocol::put_u16_le(words, 0);
  ear.hear(vebus::encode(vebus::Winmon{vebus::Letter::x, vebus::Code::ram_is, words}), 60ms);
  ASSERT_THAT(ear.outcomes(), testing::ElementsAre(Outcome::ok, Outcome::ok));
  EXPECT_EQ(ear.heard.transactions[0].who, "version");
  const auto& pair = ear.heard.transactions[1];
  EXPECT_EQ(pair.who, "ram_read");
  EXPECT_EQ(pair.fields["battery_v"], 52.0);
  EXPECT_EQ(pair.fields["after_ms"], 60.0);
  EXPECT_EQ(pair.fields["request"]["kind"], "ram_read");
}

TEST(Mk3Listener, RefusedAndUnansweredAreToldApart) {
  Ear ear{SniffKind::mk3};
  ear.hear(vebus::encode(vebus::write_ram(vebus::Letter::y, 131, 500)), 0ms);
  ear.hear(vebus::encode(vebus::Winmon{vebus::Letter::y, vebus::Code::access_denied, Bytes(2)}),
           50ms);
  ear.hear(vebus::encode(vebus::LedRequest{}), 100ms);
  ear.wait(1099ms);
  EXPECT_THAT(ear.outcomes(), testing::ElementsAre(Outcome::exception));
  ear.wait(1100ms);
  EXPECT_THAT(ear.outcomes(), testing::ElementsAre(Outcome::exception, Outcome::unanswered));
  EXPECT_EQ(ear.heard.transactions[1].who, "led_request");
}

TEST(Mk3Listener, CaptureLosesNothing) {
  Ear ear{SniffKind::mk3};
  Bytes bytes = *protocol::from_hex("0000FF");
  for (const auto& part :
       {vebus::encode(vebus::LedRequest{}), vebus::encode(vebus::Leds{.on = 1, .blink = 0}),
        *protocol::from_hex("AA")})
    bytes.insert(bytes.end(), part.begin(), part.end());
  ear.hear(bytes, 0ms);
  ear.finish();
  EXPECT_EQ(ear.kept(), bytes);
  EXPECT_EQ(ear.listener->tally().frames, 2u);
}

// ---- CAN --------------------------------------------------------------------------------------

TEST(CanListener, SlcanAndSocketCanTellTheSame) {
  const auto frame = protocol::make_frame(0x355, *protocol::from_hex("54006300"));
  Ear slcan{SniffKind::slcan};
  Ear can{SniffKind::can};
  slcan.hear(protocol::to_bytes("t355454"), 0ms);
  slcan.hear(protocol::to_bytes("006300\r"), 5ms);
  can.hear(protocol::encode_record(frame), 5ms);
  for (const auto* ear : {&slcan, &can}) {
    ASSERT_THAT(ear->outcomes(), testing::ElementsAre(Outcome::ok));
    EXPECT_EQ(ear->heard.transactions[0].who, "0x355");
    EXPECT_EQ(ear->heard.transactions[0].fields["soc_percent"], 84);
    ASSERT_EQ(ear->heard.can_packets.size(), 1u);
    EXPECT_EQ(ear->heard.can_packets[0].frame, frame);
    EXPECT_EQ(ear->heard.can_packets[0].at, start + 5ms);
  }
}

TEST(CanListener, WhatIsNoFrameIsAnErrorOfTheLine) {
  Ear slcan{SniffKind::slcan};
  slcan.hear(protocol::to_bytes("t3559zz\r\rz\r"), 0ms);
  ASSERT_THAT(slcan.outcomes(), testing::ElementsAre(Outcome::error));
  EXPECT_EQ(slcan.heard.transactions[0].who, "line");
  EXPECT_TRUE(slcan.heard.can_packets.empty());
}

TEST(CanListener, ImpossibleValuesAndBusTroubleAreErrors) {
  Ear can{SniffKind::can};
  can.hear(protocol::encode_record(
               protocol::make_frame(0x355, *protocol::from_hex("C8006300"))),  // 200 %
           0ms);
  protocol::CanFrame off{.id = 0x40, .error = true, .size = 8};
  can.hear(protocol::encode_record(off), 1ms);
  ASSERT_THAT(can.outcomes(), testing::ElementsAre(Outcome::error, Outcome::error));
  EXPECT_EQ(can.heard.transactions[1].who, "bus");
}

}  // namespace
}  // namespace esshub::app
