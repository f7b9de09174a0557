#include "app/probe/modbus_conversation.hpp"

#include <gtest/gtest.h>

#include "app/probe/meter.hpp"
#include "tests/app/probe/play.hpp"

namespace esshub::app {
namespace {

using protocol::Bytes;
using protocol::MeterModel;
namespace modbus = protocol::modbus;

constexpr Instant begin{1h};

TEST(ModbusConversation, AsksOneAfterTheOtherAndGivesUpTheSilentOnes) {
  const sim::MeterTruth truth;
  const auto device =
      sim::make_fake_meters({{.unit = 3, .model = MeterModel::sdm630, .truth = &truth}});
  ModbusConversation conversation{{any_meter_request(1), any_meter_request(3)}, {.tries = 2}};
  const auto played = tests::play(conversation, *device);
  ASSERT_EQ(conversation.answers().size(), 2u);
  EXPECT_FALSE(conversation.answers()[0].answered);
  EXPECT_TRUE(conversation.answers()[1].answered);
  EXPECT_EQ(conversation.answers()[1].registers.size(), 4u);
  EXPECT_EQ(played.sent.size(), 3 * modbus::request_size) << "the silent one twice";
  EXPECT_GT(played.took, 600ms);
  EXPECT_LT(played.took, 1s);
}

TEST(ModbusConversation, ItOnlyReads) {
  for (const auto model : {MeterModel::sdm630, MeterModel::sdm120, MeterModel::sdm72d_m})
    for (const auto& request : meter_requests(model, 1))
      EXPECT_TRUE(request.function == modbus::read_input ||
                  request.function == modbus::read_holding);
}

TEST(ModbusConversation, NothingIsSentWhereAnotherMasterIsHeard) {
  ModbusConversation conversation{{any_meter_request(1)}, {.listen = 3s}};
  EXPECT_TRUE(conversation.on_start(begin).empty());
  const auto foreign = modbus::encode(any_meter_request(9));
  EXPECT_TRUE(conversation.on_bytes(foreign, begin + 1s).empty());
  EXPECT_FALSE(conversation.over()) << "it may speak again";
  EXPECT_TRUE(conversation.on_timer(begin + 3s).empty());
  EXPECT_TRUE(conversation.over());
  EXPECT_TRUE(conversation.other_master());
  EXPECT_FALSE(conversation.answers()[0].answered);
}

TEST(ModbusConversation, ItListensAsLongAsToldBeforeItAsks) {
  ModbusConversation conversation{{any_meter_request(1)}, {.listen = 3s}};
  EXPECT_TRUE(conversation.on_start(begin).empty());
  EXPECT_TRUE(conversation.on_timer(begin + 2999ms).empty());
  EXPECT_EQ(conversation.on_timer(begin + 3s),
            std::vector<Bytes>{modbus::encode(any_meter_request(1))});
  EXPECT_FALSE(conversation.other_master());
}

TEST(ModbusConversation, AnEchoedRequestIsNoOtherMasterAndNoAnswer) {
  ModbusConversation conversation{{any_meter_request(1)}, {.tries = 1}};
  const auto sent = conversation.on_start(begin);
  ASSERT_EQ(sent.size(), 1u);
  (void)conversation.on_bytes(sent[0], begin + 10ms);
  EXPECT_FALSE(conversation.over());
  Bytes registers;
  protocol::put_f32_be(registers, 230.0f);
  (void)conversation.on_bytes(modbus::encode_response(any_meter_request(1), registers),
                              begin + 60ms);
  (void)conversation.on_timer(begin + 1s);
  EXPECT_TRUE(conversation.over());
  EXPECT_FALSE(conversation.other_master());
  EXPECT_EQ(conversation.answers()[0].registers, registers);
}

TEST(ModbusConversation, ARefusalIsAnAnswerWithoutRegisters) {
  ModbusConversation conversation{{any_meter_request(1)}, {}};
  (void)conversation.on_start(begin);
  (void)conversation.on_bytes(
      modbus::encode_exception(1, modbus::read_input, modbus::Exception::illegal_address),
      begin + 60ms);
  EXPECT_TRUE(conversation.answers()[0].answered);
  EXPECT_TRUE(conversation.answers()[0].registers.empty());
}

TEST(ModbusConversation, WhatIsNoFrameIsCounted) {
  ModbusConversation conversation{{any_meter_request(1)}, {.tries = 1}};
  (void)conversation.on_start(begin);
  (void)conversation.on_bytes(Bytes(5, std::byte{0xA5}), begin + 60ms);
  (void)conversation.on_timer(begin + 1s);
  EXPECT_FALSE(conversation.answers()[0].answered);
  EXPECT_EQ(conversation.answers()[0].noise, 5u);
}

}  // namespace
}  // namespace esshub::app
