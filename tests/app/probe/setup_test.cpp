#include "app/probe/setup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.hpp"
#include "config/example.hpp"
#include "tests/app/probe/play.hpp"

namespace esshub::app {
namespace {

using protocol::MeterModel;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Setup whole() {
  Setup setup;
  setup.meters.push_back(
      {{.place = "/dev/serial/by-id/meters", .setting = PortSetting{19200, 'E'}},
       {{1, MeterModel::sdm630, {{230, 400, Point::grid}, {231, 100, Point::solar}, {229, 0, {}}}},
        {244, MeterModel::sdm120, {{230, -5, Point::battery_meter}}}}});
  setup.batteries.push_back({.place = "can0", .can_interface = true});
  setup.inverters.push_back({.place = "/dev/serial/by-id/mk3", .setting = PortSetting{2400, 'N'}});
  return setup;
}

/// As the hub reads it.
config::Config config_of(const Setup& setup) {
  return config::parse_config(config::filled_text(setup.values, buses_text(setup)));
}

TEST(Setup, EveryModelIsKnownByItsAnswers) {
  for (const auto& row : protocol::modbus::meter_models()) {
    sim::MeterTruth truth;
    truth.phases[0].power = Watts{1234.0};
    const auto device = sim::make_fake_meters({{.unit = 9, .model = row.id, .truth = &truth}});
    ModbusConversation conversation{identity_requests(9), {}};
    (void)tests::play(conversation, *device);
    const auto meter = identify_meter(9, conversation.answers());
    ASSERT_TRUE(meter) << row.name;
    EXPECT_EQ(meter->model, row.id);
    EXPECT_EQ(meter->unit, 9);
    ASSERT_EQ(meter->phases.size(), row.phases);
    EXPECT_FLOAT_EQ(static_cast<float>(meter->phases[0].watts), 1234.0f);
    EXPECT_FLOAT_EQ(static_cast<float>(meter->phases[0].volts), 230.0f);
    EXPECT_FALSE(meter->phases[0].measures) << "nobody said it";
  }
}

TEST(Setup, WhatShowsNoLineVoltageIsNoMeter) {
  EXPECT_FALSE(identify_meter(1, {}));
  const std::vector<ModbusAnswer> nothing(4);
  EXPECT_FALSE(identify_meter(1, nothing));
  auto answers = nothing;
  protocol::put_f32_be(answers[0].registers, 100.0f);
  EXPECT_FALSE(identify_meter(1, answers));
  answers[0].registers.clear();
  protocol::put_f32_be(answers[0].registers, 230.0f);
  EXPECT_TRUE(identify_meter(1, answers));
}

TEST(Setup, AWholeOneIsAConfigurationThatLoads) {
  auto setup = whole();
  setup.values = {{"site.name", toml_text("Old \"Mill\"")}, {"battery.reserve", "35"}};
  EXPECT_THAT(open_questions(setup), IsEmpty());
  const auto config = config_of(setup);
  ASSERT_TRUE(config) << config.error().front().text;
  EXPECT_EQ(config->site_name, "Old \"Mill\"");
  EXPECT_EQ(config->control.reserve, 35.0_soc);
  ASSERT_EQ(config->buses.size(), 3u);
  const auto& port = std::get<transport::SerialPort>(config->buses[0].line);
  EXPECT_EQ(port.baud, 19200u);
  EXPECT_EQ(port.parity, 'E');
  const auto& meters = std::get<protocol::ModbusConfig>(config->buses[0].driver).meters;
  ASSERT_EQ(meters.size(), 2u);
  ASSERT_EQ(meters[0].channels.size(), 2u) << "the third phase stays open";
  EXPECT_EQ(meters[0].channels[1].point, Point::solar);
  EXPECT_FALSE(meters[0].channels[0].invert);
  EXPECT_EQ(meters[1].unit, 244);
  EXPECT_EQ(std::get<transport::SocketCan>(config->buses[1].line).interface, "can0");
}

TEST(Setup, WhatIsNotSaidStaysACommentAndIsNamed) {
  auto setup = whole();
  for (auto& phase : setup.meters[0].meters[0].phases) phase.measures.reset();
  EXPECT_THAT(open_questions(setup),
              ElementsAre("which phase of which meter measures the grid is not known"));
  EXPECT_THAT(buses_text(setup),
              HasSubstr("# channels = [\n#   { phase = 1, measures = \"...\" }"));
  EXPECT_FALSE(config_of(setup));

  EXPECT_THAT(open_questions(app::Setup{}),
              ElementsAre("no meters were found", "no battery was found", "no inverter was found"));
  EXPECT_THAT("\n" + buses_text(app::Setup{}), Not(HasSubstr("\n[[bus")));
}

TEST(Setup, ABusOfWhichNothingIsSaidIsAComment) {
  auto setup = whole();
  EXPECT_THAT(buses_text(setup), HasSubstr("\nkind = \"modbus\"\n"));
  for (auto& meter : setup.meters[0].meters)
    for (auto& phase : meter.phases) phase.measures.reset();
  EXPECT_THAT(buses_text(setup), HasSubstr("# kind = \"modbus\"\n"));
  EXPECT_THAT(buses_text(setup), Not(HasSubstr("\nkind = \"modbus\"\n")));
}

TEST(Setup, OfSeveralNoneIsChosen) {
  auto setup = whole();
  setup.inverters.push_back({.place = "/dev/other"});
  EXPECT_THAT(open_questions(setup), ElementsAre("several inverters were found: keep one"));
  const auto text = buses_text(setup);
  EXPECT_THAT(text, HasSubstr("# Several were found: keep one inverter.\n# [[bus]]\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nport = \"/dev/other\"")));
}

TEST(Setup, ModulesAreABusOnlyIfTheirNumberIsKnown) {
  auto setup = whole();
  setup.cells.push_back({{.place = "/dev/cells", .setting = PortSetting{9600, 'N'}}, {}});
  EXPECT_EQ(config_of(setup)->buses.size(), 3u);
  setup.cells[0].modules = 4;
  const auto config = config_of(setup);
  ASSERT_TRUE(config);
  ASSERT_EQ(config->buses.size(), 4u);
  EXPECT_EQ(std::get<protocol::PylontechRs485Config>(config->buses[3].driver).modules, 4u);
}

TEST(Setup, WhatAnswersWithoutProofStaysAComment) {
  auto setup = whole();
  setup.batteries = {
      {.place = "/dev/modem", .setting = PortSetting{115200, 'N'}, .unproven = true}};
  EXPECT_EQ(open_questions(setup),
            (std::vector<std::string>{"no battery was found",
                                      "whether /dev/modem is the battery's CAN adapter is not "
                                      "known"}));
  EXPECT_THAT(buses_text(setup), HasSubstr("# port = \"/dev/modem\"\n# baud = 115200\n"));
  EXPECT_THAT(buses_text(setup), HasSubstr("# No battery was found."));
  EXPECT_THAT(buses_text(setup), HasSubstr("not as a battery would"));
  setup.batteries.push_back({.place = "can0", .can_interface = true});
  EXPECT_THAT(open_questions(setup), IsEmpty());
  EXPECT_THAT(buses_text(setup), HasSubstr("\ncan = \"can0\"\n")) << "the only one for certain";
  const auto config = config_of(setup);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->buses.size(), 3u);
}

TEST(Setup, AnAssignmentNamesUnitPhaseAndPoint) {
  EXPECT_EQ(*read_assignment("1.2=solar"), std::pair(PhaseName{1, 2}, Point::solar));
  EXPECT_EQ(*read_assignment("244=battery_meter"),
            std::pair(PhaseName{244, 1}, Point::battery_meter));
  EXPECT_EQ(read_assignment("1.3=circuit10")->second, circuit(9));
  for (const char* wrong : {"", "1.2", "x=grid", "1.x=grid", "1.0=grid", "1.4=grid", "1.1=inverter",
                            "1.1=module1", "1.1=sun", "=grid", "1.=grid"})
    EXPECT_FALSE(read_assignment(wrong)) << wrong;
  EXPECT_THAT(read_assignment("1.1=sun").error(), HasSubstr("\"1.1=sun\": expected UNIT.PHASE"));
}

TEST(Setup, TextIsQuotedForToml) {
  EXPECT_EQ(toml_text("a \"b\" \\ c\n"), "\"a \\\"b\\\" \\\\ c\"");
}

}  // namespace
}  // namespace esshub::app
