#include "app/probe/inverter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/probe/play.hpp"

namespace esshub::app {
namespace {

using testing::HasSubstr;

/// What the simulated inverter says, and what it was told.
struct Inverter {
  sim::FakeMultiplusOptions options{};
  sim::InverterTruth truth{};
  sim::InverterCommand command{};
  tests::Played played{};

  InverterReport report(bool only_find = false) {
    const auto device = sim::make_fake_multiplus(truth, command, options);
    InverterConversation conversation{0, only_find};
    played = tests::play(conversation, *device);
    EXPECT_TRUE(conversation.over());
    return conversation.report();
  }
  Findings judged() { return judge_inverter("inverter", report()); }
};

TEST(InverterProbe, TellsFirmwareAssistantAndMains) {
  Inverter inverter;
  EXPECT_EQ(inverter.judged(), (Findings{ok("inverter: MK3", "firmware 1170212"),
                                         ok("inverter: inverter",
                                            "firmware 556 of type 2648, ESS assistant, one unit, "
                                            "230.0 V, 50.10 Hz at AC-in")}));
  EXPECT_LT(inverter.played.took, 10s);
}

TEST(InverterProbe, BothDialectsAndEveryPlaceOfTheRecordAreUnderstood) {
  for (const bool long_dialect : {false, true})
    for (const int layout : {0, 1, 2})
      for (const std::uint64_t seed : {1, 2, 3}) {
        Inverter inverter{
            .options = {.long_dialect = long_dialect, .ess_layout = layout, .seed = seed}};
        const auto report = inverter.report();
        EXPECT_TRUE(report.has_ess);
        EXPECT_EQ(report.firmware, 2648556u);
        EXPECT_EQ(report.rejection, std::nullopt);
      }
}

TEST(InverterProbe, WritesNothing) {
  Inverter inverter;
  (void)inverter.report();
  EXPECT_EQ(inverter.command.setpoint_writes, 0u);
  protocol::mk3::Parser parser;
  FrameCounters counters;
  parser.push(inverter.played.sent);
  unsigned asked = 0;
  while (const auto frame = parser.next(counters)) {
    ++asked;
    const auto message = protocol::vebus::decode(*frame);
    ASSERT_TRUE(message);
    EXPECT_FALSE(std::holds_alternative<protocol::vebus::StateSet>(*message));
    EXPECT_FALSE(std::holds_alternative<protocol::vebus::HardwareFlags>(*message));
    EXPECT_FALSE(std::holds_alternative<protocol::vebus::Reset>(*message));
    if (const auto* winmon = std::get_if<protocol::vebus::Winmon>(&*message)) {
      EXPECT_NE(winmon->code, protocol::vebus::Code::write_by_id);
      EXPECT_NE(winmon->code, protocol::vebus::Code::write_data);
      EXPECT_NE(winmon->code, protocol::vebus::Code::select_ram);
      EXPECT_NE(winmon->code, protocol::vebus::Code::select_setting);
    }
  }
  EXPECT_GT(asked, 15u);
}

TEST(InverterProbe, WithoutTheAssistantItSaysSo) {
  Inverter inverter{.options = {.ess_layout = 3}};
  const auto found = inverter.judged();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].verdict, Verdict::failed);
  EXPECT_THAT(found[1].symptom, HasSubstr("no ESS assistant"));
  EXPECT_THAT(found[1].action, HasSubstr("VEConfigure"));
}

TEST(InverterProbe, SeveralUnitsAreRefused) {
  Inverter inverter{.options = {.parallel = 2}};
  const auto found = inverter.judged();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].verdict, Verdict::failed);
  EXPECT_THAT(found[1].symptom, HasSubstr("units work in parallel"));
  EXPECT_THAT(found[1].cause, HasSubstr("one single-phase unit"));
}

TEST(InverterProbe, NoMainsIsAWarning) {
  Inverter inverter;
  inverter.truth.mains_frequency = Hertz{0.0};
  inverter.truth.mains_voltage = Volts{0.0};
  const auto found = inverter.judged();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].verdict, Verdict::warning);
  EXPECT_THAT(found[1].symptom, HasSubstr("no mains at AC-in"));
}

TEST(InverterProbe, ItsErrorsAndAlarmsAreTold) {
  Inverter inverter;
  inverter.truth.error = 7;
  inverter.truth.alarms = 0x02;
  const auto found = inverter.judged();
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[2].verdict, Verdict::failed);
  EXPECT_EQ(found[2].symptom, "VE.Bus error 7");
  EXPECT_THAT(found[2].cause, HasSubstr("BMS"));
  EXPECT_EQ(found[3].verdict, Verdict::warning);
  EXPECT_THAT(found[3].symptom, HasSubstr("low_battery"));
}

TEST(InverterProbe, SilenceOfMk3OrUnitIsToldApart) {
  const auto silent = judge_inverter("inverter", {});
  ASSERT_EQ(silent.size(), 1u);
  EXPECT_EQ(silent[0].verdict, Verdict::failed);
  EXPECT_THAT(silent[0].cause, HasSubstr("wrong port"));
  const auto asleep = judge_inverter("inverter", {.interface_version = 1170212});
  ASSERT_EQ(asleep.size(), 2u);
  EXPECT_EQ(asleep[0].verdict, Verdict::ok);
  EXPECT_EQ(asleep[1].verdict, Verdict::failed);
  EXPECT_THAT(asleep[1].symptom, HasSubstr("the unit behind it does not"));
  const auto half = judge_inverter("inverter", {.interface_version = 1170212, .answers = true});
  EXPECT_EQ(half.back().verdict, Verdict::failed);
  EXPECT_THAT(half.back().symptom, HasSubstr("stopped answering"));
  const auto fast =
      judge_inverter("inverter", {.interface_version = 1170212, .at_high_speed = true});
  ASSERT_EQ(fast.size(), 1u);
  EXPECT_EQ(fast[0].verdict, Verdict::warning);
}

TEST(InverterProbe, ASilentLineIsGivenUp) {
  sim::InverterTruth truth;
  truth.state = VebusState::down;
  sim::InverterCommand command;
  const auto device = sim::make_fake_multiplus(truth, command, {});
  InverterConversation conversation{0};
  const auto played = tests::play(conversation, *device);
  EXPECT_TRUE(conversation.over());
  EXPECT_LT(played.took, 10s);
  EXPECT_EQ(conversation.report().interface_version, std::nullopt);
}

TEST(InverterProbe, OnlyFindingTheMk3IsOneQuestion) {
  Inverter inverter;
  EXPECT_EQ(inverter.report(true).interface_version, 1170212u);
  EXPECT_EQ(inverter.played.sent, protocol::vebus::encode(protocol::vebus::VersionRequest{}));
}

}  // namespace
}  // namespace esshub::app
