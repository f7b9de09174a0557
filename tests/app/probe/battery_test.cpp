#include "app/probe/battery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/probe/play.hpp"

namespace esshub::app {
namespace {

using protocol::CanFraming;
using testing::HasSubstr;

struct Battery {
  sim::BatteryTruth truth{};
  sim::FakeBatteryOptions options{};
  protocol::PylontechConfig config{};
  tests::Played played{};

  BatteryReport report() {
    const auto device = sim::make_fake_battery(truth, options);
    BatteryConversation conversation{config};
    played = tests::play(conversation, *device);
    EXPECT_TRUE(conversation.over());
    return conversation.report();
  }
  Findings judged() { return judge_battery("battery", config, report()); }
  [[nodiscard]] std::string sent() const {
    std::string text;
    for (const std::byte b : played.sent) text += static_cast<char>(b);
    return text;
  }
};

TEST(BatteryProbe, TellsModulesChargeAndLimits) {
  Battery battery;
  EXPECT_EQ(battery.judged(), (Findings{ok("battery: CAN", "frames at 500 kbit/s, acknowledged"),
                                        ok("battery: BMS",
                                           "2 modules, 50 %, 49.5 V; limits 53.2 V, charge 50.0 A, "
                                           "discharge 50.0 A")}));
  EXPECT_EQ(battery.sent(), "\rC\rS6\rO\rF\rC\r") << "opened, and closed again; nothing else";
  EXPECT_LT(battery.played.took, 5s);
}

TEST(BatteryProbe, ABatteryThatWaitsForAControllerHearsTheKeepAlive) {
  Battery battery{.options = {.needs_keep_alive = true}};
  const auto found = battery.judged();
  EXPECT_THAT(battery.sent(), HasSubstr("t3058"));
  EXPECT_EQ(found.back().verdict, Verdict::ok);
  EXPECT_THAT(found.back().symptom, HasSubstr("only while 0x305 comes"));
}

TEST(BatteryProbe, BesideAnotherControllerNothingIsSent) {
  Battery battery{.options = {.needs_keep_alive = true}, .config = {.listen_only = true}};
  const auto found = battery.judged();
  EXPECT_EQ(battery.sent(), "\rC\rS6\rL\rF\rC\r");
  EXPECT_EQ(found.back().verdict, Verdict::failed);
  EXPECT_THAT(found.back().symptom, HasSubstr("never 0x351 (limits), 0x355"));
  EXPECT_THAT(found.back().action, HasSubstr("let the inverter"));
}

TEST(BatteryProbe, AnAdapterWithoutAnswersAndTheNewerProfileAreUnderstood) {
  Battery battery{.options = {.profile_13 = true, .transmit_ack = false}};
  const auto found = battery.judged();
  EXPECT_EQ(found.back().verdict, Verdict::ok);
  EXPECT_THAT(found.back().symptom, HasSubstr("modules not told"));
}

TEST(BatteryProbe, SilenceIsToldApart) {
  BatteryReport report;
  const auto nothing = judge_battery("battery", {}, report);
  ASSERT_EQ(nothing.size(), 1u);
  EXPECT_EQ(nothing[0].verdict, Verdict::failed);
  EXPECT_THAT(nothing[0].symptom, HasSubstr("not even an answer"));
  report.adapter_answers = true;
  report.listened = 8500ms;
  const auto quiet = judge_battery("battery", {}, report);
  EXPECT_THAT(quiet[0].symptom, HasSubstr("no frame came in 8.5 s"));
  EXPECT_THAT(quiet[0].cause, HasSubstr("the battery is off"));
  report.no_ack = true;
  EXPECT_THAT(judge_battery("battery", {}, report)[0].cause, HasSubstr("nobody acknowledges"));
  report.adapter_refuses = true;
  EXPECT_THAT(judge_battery("battery", {}, report)[0].symptom, HasSubstr("refuses to open"));
}

/// What a device that answers each command with `answer` looks like.
template <class Answer>
BatteryReport talked_with(const protocol::PylontechConfig& config, Answer answer) {
  BatteryConversation conversation{config};
  Instant now{1h};
  auto sent = conversation.on_start(now);
  while (!conversation.over() && now < Instant{1h} + 1min) {
    now += 5ms;
    std::vector<protocol::Bytes> more;
    for (const auto& command : sent)
      for (auto& next : conversation.on_bytes(answer(command), now)) more.push_back(next);
    for (auto& next : conversation.on_timer(now)) more.push_back(next);
    sent = std::move(more);
  }
  EXPECT_TRUE(conversation.over());
  return conversation.report();
}

TEST(BatteryProbe, WhatWasSentAndComesBackIsNoAnswer) {
  const auto echo = [](const protocol::Bytes& command) { return command; };
  for (const bool listen_only : {false, true}) {
    const auto report = talked_with({.listen_only = listen_only}, echo);
    EXPECT_FALSE(report.adapter_answers);
    EXPECT_TRUE(report.frames.empty()) << "our own 0x305";
    EXPECT_FALSE(report.proven());
  }
}

TEST(BatteryProbe, LineEndsOfAModemProveNoAdapter) {
  const auto report = talked_with({.listen_only = true}, [](const protocol::Bytes& command) {
    auto text = command;
    for (const auto b : protocol::to_bytes("\r\nERROR\r\n")) text.push_back(b);
    return text;
  });
  EXPECT_TRUE(report.adapter_answers);
  EXPECT_FALSE(report.proven());
}

TEST(BatteryProbe, AStatusProvesTheAdapterOfABatteryThatIsOff) {
  const auto report = talked_with({.listen_only = true}, [](const protocol::Bytes& command) {
    return protocol::to_bytes(command == protocol::slcan_status_request() ? "F00\r" : "\r");
  });
  EXPECT_TRUE(report.adapter_answers);
  EXPECT_TRUE(report.frames.empty());
  EXPECT_TRUE(report.proven());
}

TEST(BatteryProbe, ASilentBatteryIsGivenUp) {
  sim::BatteryTruth truth;
  BatteryConversation conversation{{}};
  Instant now{1h};
  const auto begin = now;
  (void)conversation.on_start(now);
  while (!conversation.over() && now - begin < 1min) (void)conversation.on_timer(now += 20ms);
  EXPECT_TRUE(conversation.over());
  EXPECT_LT(now - begin, 10s);
  EXPECT_FALSE(conversation.report().adapter_answers);
}

TEST(BatteryProbe, LimitsThatCannotBeAndProtectionsFail) {
  Battery many;
  many.truth.ccl = many.truth.dcl = Amperes{900.0};
  EXPECT_EQ(many.judged().back().verdict, Verdict::failed);
  Battery volts;
  volts.truth.cvl = Volts{30.0};
  EXPECT_EQ(volts.judged().back().verdict, Verdict::failed);
  EXPECT_THAT(volts.judged().back().symptom, HasSubstr("impossible: "));
  Battery protects;
  protects.truth.protections = bit(BmsFlag::low_voltage);
  EXPECT_EQ(protects.judged().back().verdict, Verdict::failed);
  EXPECT_THAT(protects.judged().back().symptom, HasSubstr("low_voltage"));
}

TEST(BatteryProbe, ABatteryThatAllowsNothingIsAWarning) {
  Battery battery;
  battery.truth.ccl = battery.truth.dcl = Amperes{0.0};
  EXPECT_EQ(battery.judged().back().verdict, Verdict::warning);
  EXPECT_THAT(battery.judged().back().cause, HasSubstr("neither charging nor discharging"));
}

TEST(BatteryProbe, AFrameAgainAndAgainIsNotAcknowledged) {
  auto report = Battery{}.report();
  report.frames[0x351] = 400;
  const auto found = judge_battery("battery", {}, report);
  EXPECT_EQ(found[0].verdict, Verdict::failed);
  EXPECT_THAT(found[0].symptom, HasSubstr("times a second instead of once"));
  report.frames[0x351] = 10;
  EXPECT_EQ(judge_battery("battery", {}, report)[0].verdict, Verdict::ok);
}

TEST(BatteryProbe, TheAdaptersStatusAndTheInterfacesErrorsAreTold) {
  auto report = Battery{}.report();
  report.status = protocol::SlcanStatus{0x24};
  EXPECT_EQ(judge_battery("battery", {}, report)[0].verdict, Verdict::warning);
  EXPECT_THAT(judge_battery("battery", {}, report)[0].symptom, HasSubstr("error passive"));
  report.status.reset();

  const auto judged = [&](const CanInterfaceFacts& facts) {
    return judge_battery("battery", {.framing = CanFraming::socketcan}, report, facts)[0];
  };
  EXPECT_EQ(judged({.bit_rate = 500'000, .state = "error active"}).verdict, Verdict::ok);
  EXPECT_THAT(judged({.bit_rate = 250'000}).symptom, HasSubstr("250 kbit/s"));
  EXPECT_EQ(judged({.bit_rate = 250'000}).verdict, Verdict::failed);
  EXPECT_EQ(judged({.state = "bus off"}).verdict, Verdict::failed);
  EXPECT_THAT(
      judged({.state = "error passive", .transmit_errors = 128, .receive_errors = 3}).symptom,
      HasSubstr("(128 transmit, 3 receive errors)"));
  EXPECT_EQ(judged({.listen_only = true}).verdict, Verdict::failed);
}

TEST(BatteryProbe, RecordsOfSocketCanAreUnderstoodHoweverTheyAreCut) {
  BatteryConversation conversation{{.framing = CanFraming::socketcan}};
  constexpr Instant begin{1h};
  EXPECT_TRUE(conversation.on_start(begin).empty());
  namespace pylontech = protocol::pylontech;
  protocol::Bytes bytes;
  for (const auto& frame :
       {pylontech::encode(pylontech::Alarms{0, 0, 2, false}),
        pylontech::encode(pylontech::Limits{Volts{53.2}, Amperes{50}, Amperes{50}, Volts{45}}),
        pylontech::encode(pylontech::StateOfCharge{40, 99}),
        pylontech::encode(pylontech::Measurement{Volts{49}, Amperes{0}, Celsius{20}})})
    for (const std::byte b : protocol::encode_record(frame)) bytes.push_back(b);
  const auto view = protocol::ByteView{bytes};
  EXPECT_TRUE(conversation.on_bytes(view.first(20), begin + 1s).empty());
  EXPECT_TRUE(conversation.on_bytes(view.subspan(20), begin + 1s).empty());
  EXPECT_TRUE(conversation.on_timer(begin + 3500ms).empty()) << "complete: nothing is sent";
  (void)conversation.on_timer(begin + 3520ms);
  EXPECT_TRUE(conversation.over());
  EXPECT_TRUE(conversation.report().complete());
  EXPECT_EQ(conversation.report().modules, 2u);
}

}  // namespace
}  // namespace esshub::app
