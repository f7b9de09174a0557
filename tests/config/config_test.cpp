#include "config/config.hpp"

#include "tests/config/minimal.hpp"

namespace esshub::config {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

TEST(Config, ThreeBusesAreEnough) {
  const auto config = parse_config(minimal);
  ASSERT_TRUE(config) << config.error().front().text;
  EXPECT_EQ(config->control, control::Settings{});
  EXPECT_EQ(config->metrics_address, "127.0.0.1:9750");
  ASSERT_THAT(config->buses, SizeIs(3));

  const auto& meters = std::get<protocol::ModbusConfig>(config->buses[0].driver);
  EXPECT_EQ(config->buses[0].name, "meters");
  EXPECT_EQ(std::get<transport::SerialPort>(config->buses[0].line).path, "/dev/ttyUSB0");
  ASSERT_THAT(meters.meters, SizeIs(1));
  EXPECT_EQ(meters.meters[0].name, "unit1");
  ASSERT_THAT(meters.meters[0].channels, SizeIs(2));
  EXPECT_EQ(meters.meters[0].channels[1].point, Point::solar);
  EXPECT_EQ(meters.meters[0].channels[1].phase, 2u);
  EXPECT_TRUE(meters.meters[0].channels[1].invert);

  EXPECT_EQ(std::get<transport::SocketCan>(config->buses[1].line).interface, "can0");
  EXPECT_EQ(std::get<protocol::PylontechConfig>(config->buses[1].driver).framing,
            protocol::CanFraming::socketcan);

  EXPECT_EQ(std::get<transport::SerialPort>(config->buses[2].line).baud, 2400u);
  EXPECT_TRUE(std::holds_alternative<protocol::VebusConfig>(config->buses[2].driver));
}

TEST(ConfigErrors, BrokenSyntax) {
  EXPECT_THAT(errors("[site]\nname = \"x\n"), ElementsAre(StartsWith("2:10: not TOML: ")));
}

TEST(ConfigErrors, ContradictionsPointAtTheSettingThatTheFileGives) {
  EXPECT_THAT(with("[battery]\nsoc_floor = 90\nsoc_ceiling = 80\nreserve = 0\n"),
              ElementsAre("22:13: battery.soc_floor: the SOC floor is 90 %, expected below the SOC "
                          "ceiling (80 %)"));
  // The floor of 10 % stands nowhere in the file, the cut-off does.
  EXPECT_THAT(with("[battery]\nreserve = 0\ncutoff_soc = 30\n"),
              ElementsAre(StartsWith("23:14: battery.cutoff_soc: the cut-off is 30 %")));
  EXPECT_THAT(with("[control]\nperiod = \"800 ms\"\n"),
              ElementsAre(StartsWith("22:10: control.period: a setpoint would expire")));
  EXPECT_THAT(with("[grid]\nwitness = true\n"),
              ElementsAre("22:11: grid.witness: there is no cap on export, expected "
                          "grid.export_cap_w beside it"));
  EXPECT_THAT(with("[grid]\nexport_cap_w = 0\nwitness = true\n[inverter]\nrating_w = 3000\n"
                   "[battery]\ndischarge_limit_w = 3000\n"),
              ElementsAre(StartsWith("27:21: battery.discharge_limit_w: the battery would not rest "
                                     "within 5 s of a lost grid meter")));
}

TEST(ConfigErrors, WitnessNeedsAGridMeterWhoseRegistersNeverStandStill) {
  const auto of = [](const std::string& model, const std::string& channels, bool witness) {
    auto text = replaced(minimal, "model = \"sdm630\"", "model = \"" + model + "\"");
    text = replaced(text,
                    "channels = [ { phase = 1, measures = \"grid\" }, { phase = 2, measures = "
                    "\"solar\", invert = true } ]",
                    channels);
    return errors(text + "[grid]\nexport_cap_w = 0\nwitness = " + (witness ? "true\n" : "false\n"));
  };
  const std::string grid = "channels = [ { phase = 1, measures = \"grid\" } ]";
  EXPECT_THAT(of("sdm630", grid, true), ElementsAre());
  EXPECT_THAT(of("sdm230", grid, true), ElementsAre());
  for (const auto* model : {"sdm120", "sdm72d-m"}) {
    EXPECT_THAT(of(model, grid, true), ElementsAre(HasSubstr("grid.witness: an Eastron SDM")))
        << model;
    EXPECT_THAT(of(model, grid, false), ElementsAre()) << model;
  }
  EXPECT_THAT(
      with("[grid]\nexport_cap_w = 0\nwitness = true\n[[bus]]\nname = \"more\"\nkind = "
           "\"modbus\"\nport = \"/dev/ttyUSB2\"\n[[bus.meter]]\nmodel = \"sdm120\"\nunit = 2\n"
           "channels = [ { phase = 1, measures = \"battery_meter\" } ]\n"),
      ElementsAre())
      << "whatever else measures something";
  EXPECT_THAT(of("sdm120", "channels = [ { phase = 1, measures = \"gird\" } ]", true),
              Each(Not(HasSubstr("grid.witness"))))
      << "what it measures cannot be read";
}

TEST(ConfigErrors, AnUnreadableValueCausesNoSecondComplaint) {
  EXPECT_THAT(with("[battery]\nreserve = 10\nsoc_floor = 98\nsoc_ceiling = \"all\"\n"),
              ElementsAre(StartsWith("23:13: battery.soc_floor: is 98 %"),
                          StartsWith("24:15: battery.soc_ceiling: is a string")));
}

TEST(ConfigErrors, AllAreReportedInTheOrderOfTheFile) {
  EXPECT_THAT(errors(R"([site]
time_zone = "Nowhere"
colour = "red"
[battery]
soc_floor = 80
soc_ceiling = 70
charge_limit_w = -1
[[bus]]
name = "one two"
kind = "modbus"
port = "tty"
[[bus]]
name = "b"
kind = "canbus"
)"),
              ElementsAre(StartsWith("2:13: site.time_zone"), StartsWith("3:1: site.colour"),
                          StartsWith("5:13: battery.soc_floor"),
                          StartsWith("7:18: battery.charge_limit_w"), StartsWith("8:1: bus.meter"),
                          StartsWith("8:1: bus: no meter"), StartsWith("8:1: bus: no battery"),
                          StartsWith("8:1: bus: no inverter"), StartsWith("9:8: bus.name"),
                          StartsWith("11:8: bus.port"), StartsWith("14:8: bus.kind")));
}

TEST(ConfigErrors, AnEmptyFileIsToldWhereToBegin) {
  for (const auto* text : {"", "# nothing\n"})
    EXPECT_THAT(errors(text),
                ElementsAre(" is empty, expected a configuration such as `esshub check --example` "
                            "prints"));
}

TEST(ConfigErrors, TwoInvertersAreSaidToBeTwo) {
  EXPECT_THAT(with("[[bus]]\nname = \"other\"\nkind = \"vebus\"\nport = \"/dev/mk3\"\n"),
              ElementsAre("23:8: bus.kind: a second inverter, expected one: this hub controls one "
                          "(line 17)"));
}

TEST(ConfigErrors, PageAndMetricsNeedAPortEach) {
  EXPECT_THAT(with("[web]\naddress = \"0.0.0.0:9750\"\n"),
              ElementsAre("22:11: web.address: the page and the metrics both listen on port 9750, "
                          "expected one each"));
  EXPECT_THAT(with("[metrics]\naddress = \"127.0.0.1:8750\"\n"),
              ElementsAre(HasSubstr("metrics.address: the page and the metrics both")));
  EXPECT_THAT(with("[web]\naddress = \"127.0.0.2:9750\"\n"), testing::IsEmpty());
  EXPECT_THAT(with("[web]\naddress = \"[::1]:9750\"\n[metrics]\naddress = \"0.0.0.0:9750\"\n"),
              testing::IsEmpty())
      << "two families";
  EXPECT_THAT(with("[web]\naddress = \"[::]:9750\"\n"), ElementsAre(HasSubstr("port 9750")));
  EXPECT_THAT(with("[web]\naddress = \"\"\n"), testing::IsEmpty());
}

TEST(ConfigErrors, TheSitesNameIsOneLineForPeople) {
  EXPECT_THAT(with("[site]\nname = \"\"\n"), ElementsAre(HasSubstr("site.name: is \"\"")));
  EXPECT_THAT(with("[site]\nname = \"" + std::string(200'000, 'x') + "\"\n"),
              ElementsAre("22:8: site.name: is \"" + std::string(60, 'x') +
                          "...\", expected 1 to 100 bytes of text in one line"));
  EXPECT_THAT(with("[site]\nname = \"" + std::string(101, 'x') + "\"\n"),
              ElementsAre(HasSubstr("expected 1 to 100 bytes")));
  EXPECT_THAT(with("[site]\nname = \"" + std::string(100, 'x') + "\"\n"), testing::IsEmpty());
  EXPECT_THAT(with("[site]\nname = \"a\\nb\"\n"), ElementsAre(HasSubstr("site.name")));
}

TEST(ConfigErrors, AFileThatCannotBeReadIsOne) {
  const auto absent = load_config("/nowhere/esshub.toml");
  ASSERT_FALSE(absent);
  ASSERT_THAT(absent.error(), SizeIs(1));
  EXPECT_EQ(describe("/nowhere/esshub.toml", absent.error()[0]),
            "/nowhere/esshub.toml: cannot be read: No such file or directory, expected a "
            "configuration file; `esshub check --example` prints one");
  const auto folder = load_config("/");
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error()[0].text, HasSubstr("directory"));
  EXPECT_THAT(folder.error()[0].text, testing::EndsWith("expected a configuration file"));
}

}  // namespace
}  // namespace esshub::config
