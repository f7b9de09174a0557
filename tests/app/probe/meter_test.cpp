#include "app/probe/meter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/app/probe/play.hpp"

namespace esshub::app {
namespace {

using protocol::MeterConfig;
using protocol::MeterModel;
using testing::HasSubstr;

constexpr PortSetting usual{9600, 'N'};

MeterConfig main_meter() {
  return {"main", MeterModel::sdm630, 1, {{1, Point::grid}, {2, Point::solar}}};
}

/// What the simulated meters answer to all questions about `asked`.
struct Meters {
  sim::MeterTruth truth{};
  unsigned system_type = 3;
  std::uint8_t unit = 1;

  [[nodiscard]] MeterReport report(const MeterConfig& asked) const {
    const auto device =
        sim::make_fake_meters({{.unit = unit, .model = MeterModel::sdm630, .truth = &truth}});
    ModbusConversation conversation{meter_requests(asked.model, asked.unit), {}};
    (void)tests::play(conversation, *device);
    EXPECT_TRUE(conversation.over());
    auto answers = conversation.answers();
    // The simulated one is always right in its menu.
    if (answers[2].answered) {
      answers[2].registers.clear();
      protocol::put_f32_be(answers[2].registers, static_cast<float>(system_type));
    }
    return read_meter(asked.model, answers);
  }
  [[nodiscard]] Finding judged(const MeterSearch& search = {}) const {
    const auto asked = main_meter();
    return judge_meter("meters", asked, usual, report(asked), search);
  }
};

TEST(MeterProbe, AGoodMeterShowsItsVoltagesFrequencyAndSystemType) {
  EXPECT_EQ(Meters{}.judged(),
            ok("meters: main (sdm630, unit 1)", "230.0 V / 230.0 V / 230.0 V, 50.00 Hz, 3P4W"));
}

TEST(MeterProbe, AnotherSystemTypeFailsWherePhases2And3AreUsed) {
  for (const auto& [type, name] : {std::pair{1u, "1P2W"}, {2u, "3P3W"}}) {
    const auto found = Meters{.system_type = type}.judged();
    EXPECT_EQ(found.verdict, Verdict::failed);
    EXPECT_THAT(found.symptom, HasSubstr(std::string{"system type is "} + name));
    EXPECT_THAT(found.action, HasSubstr("SYS: 3P4W"));
  }
  auto first_only = main_meter();
  first_only.channels = {{1, Point::grid}};
  const auto found =
      judge_meter("meters", first_only, usual, Meters{.system_type = 2}.report(first_only), {});
  EXPECT_EQ(found.verdict, Verdict::warning);
}

TEST(MeterProbe, APhaseInUseWithoutVoltageFails) {
  Meters meters;
  meters.truth.phases[2].voltage = Volts{0.0};
  EXPECT_EQ(meters.judged().verdict, Verdict::ok) << "nothing is measured there";
  meters.truth.phases[1].voltage = Volts{0.0};
  EXPECT_EQ(meters.judged().verdict, Verdict::failed);
  EXPECT_THAT(meters.judged().symptom, HasSubstr("phase 2, which measures solar, shows 0.0 V"));
  meters.truth.phases[1].voltage = Volts{179.0};
  EXPECT_EQ(meters.judged().verdict, Verdict::failed);
  meters.truth.phases[1].voltage = Volts{181.0};
  EXPECT_EQ(meters.judged().verdict, Verdict::warning);
}

TEST(MeterProbe, WhatTheGridMustNotBeIsAWarning) {
  const auto verdict = [](double volts, double hertz) {
    Meters meters;
    for (auto& phase : meters.truth.phases) phase.voltage = Volts{volts};
    meters.truth.frequency = Hertz{hertz};
    return meters.judged().verdict;
  };
  EXPECT_EQ(verdict(207.5, 50), Verdict::ok);
  EXPECT_EQ(verdict(206.5, 50), Verdict::warning);
  EXPECT_EQ(verdict(252.5, 50), Verdict::ok);
  EXPECT_EQ(verdict(253.5, 50), Verdict::warning);
  EXPECT_EQ(verdict(230, 49.05), Verdict::ok);
  EXPECT_EQ(verdict(230, 48.95), Verdict::warning);
  EXPECT_EQ(verdict(230, 51.05), Verdict::warning);
}

TEST(MeterProbe, ASilentMeterIsExplainedByWhatTheSearchFound) {
  const Meters elsewhere{.unit = 7};
  EXPECT_FALSE(elsewhere.report(main_meter()).answered);

  const auto nothing = elsewhere.judged();
  EXPECT_EQ(nothing.verdict, Verdict::failed);
  EXPECT_EQ(nothing.symptom, "unit 1 does not answer at 9600 8N1");
  EXPECT_THAT(nothing.cause, HasSubstr("A and B exchanged"));

  const auto speed = elsewhere.judged({.setting = PortSetting{2400, 'E'}});
  EXPECT_THAT(speed.cause, HasSubstr("it answers at 2400 8E1"));
  EXPECT_THAT(speed.action, HasSubstr("set baud = 2400 and parity = \"even\" in [[bus]] meters"));

  const auto own = elsewhere.judged({.setting = PortSetting{2400, 'N'}, .others_answer = true});
  EXPECT_THAT(own.action, HasSubstr("set the meter itself to 9600 8N1"));

  const auto address = elsewhere.judged({.strangers = {7}});
  EXPECT_THAT(address.cause, HasSubstr("a device answers at unit 7"));
  EXPECT_THAT(address.action, HasSubstr("set unit = 7 of main"));

  EXPECT_THAT(elsewhere.judged({.others_answer = true}).cause, HasSubstr("the bus works"));
}

TEST(MeterProbe, NoiseInsteadOfAnAnswerIsTold) {
  const auto found = judge_meter("meters", main_meter(), usual, {.noise = 12}, {});
  EXPECT_THAT(found.symptom, HasSubstr("12 bytes that are no frame"));
}

TEST(MeterProbe, ExchangedWordsAndRefusalsAreTold) {
  const auto report = [](std::vector<ModbusAnswer> answers) {
    return judge_meter("meters", main_meter(), usual, read_meter(MeterModel::sdm630, answers), {});
  };
  protocol::Bytes swapped;
  for (int phase = 0; phase < 3; ++phase) protocol::put_u32_be(swapped, 0x00004366u);  // 230 V
  EXPECT_THAT(report({{true, swapped}, {true, {}}, {true, {}}}).symptom,
              HasSubstr("words exchanged"));
  EXPECT_THAT(report({{true, {}}, {true, {}}, {true, {}}}).symptom, HasSubstr("refuses"));
  protocol::Bytes right;
  for (int phase = 0; phase < 3; ++phase) protocol::put_f32_be(right, 230.0f);
  EXPECT_THAT(report({{true, right}, {true, {}}, {true, {}}}).symptom,
              HasSubstr("does not tell its system type"));
}

TEST(MeterProbe, AMeterOfOnePhaseHasNoSystemType) {
  const MeterConfig battery{"battery", MeterModel::sdm120, 244, {{1, Point::battery_meter}}};
  const sim::MeterTruth truth;
  const auto device =
      sim::make_fake_meters({{.unit = 244, .model = MeterModel::sdm120, .truth = &truth}});
  ModbusConversation conversation{meter_requests(battery.model, battery.unit), {}};
  (void)tests::play(conversation, *device);
  EXPECT_EQ(
      judge_meter("meters", battery, usual, read_meter(battery.model, conversation.answers()), {}),
      ok("meters: battery (sdm120, unit 244)", "230.0 V, 50.00 Hz"));
}

TEST(MeterProbe, EverySettingIsTriedOnceAndTheOneThatFailedNotAgain) {
  const auto settings = other_settings(usual);
  EXPECT_EQ(settings.size(), 17u);
  EXPECT_EQ(settings.front(), (PortSetting{2400, 'N'}));
  EXPECT_EQ(std::ranges::count(settings, usual), 0);
  std::set<std::string> distinct;
  for (const auto& setting : settings) distinct.insert(to_text(setting));
  EXPECT_EQ(distinct.size(), settings.size());
  EXPECT_EQ(other_settings({115200, 'N'}).size(), 18u);
  const auto units = usual_units();
  EXPECT_EQ(units.size(), 28u);
  EXPECT_EQ(units.front(), 1);
  EXPECT_EQ(units.back(), 247);
}

}  // namespace
}  // namespace esshub::app
