#include "config/bus_reader.hpp"

#include "tests/config/minimal.hpp"

namespace esshub::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

TEST(Config, EveryBusSettingReachesItsField) {
  const auto config = parse_config(R"(
[[bus]]
name = "m"
kind = "modbus"
tcp = "gateway.lan:502"
baud = 2400
parity = "even"
stop_bits = 2
response_timeout = "800 ms"
gap = "70 ms"
retries = 1
meter = [ { name = "x", model = "sdm120", unit = 244, channels = [ { measures = "grid" } ] } ]
[[bus]]
name = "b"
kind = "pylontech"
port = "/dev/slcan"
baud = 1000000
keep_alive = "2 s"
[[bus]]
name = "i"
kind = "vebus"
tcp = "[::1]:2000"
address = 3
refresh = "900 ms"
setpoint_interval = "100 ms"
[[bus]]
name = "c"
kind = "pylontech-rs485"
port = "/dev/rs485"
baud = 9600
modules = 4
first_address = 18
sweep_period = "8 s"
response_timeout = "600 ms"
gap = "300 ms"
retries = 1
)");
  ASSERT_TRUE(config) << config.error().front().text;
  const auto& meters = std::get<protocol::ModbusConfig>(config->buses[0].driver);
  EXPECT_EQ(meters.baud, 2400u);
  EXPECT_EQ(meters.bits_per_character, 12u);
  EXPECT_EQ(meters.response_timeout, 800ms);
  EXPECT_EQ(meters.gap, 70ms);
  EXPECT_EQ(meters.retries, 1u);
  EXPECT_EQ(meters.meters[0].name, "x");
  EXPECT_EQ(meters.meters[0].model, protocol::MeterModel::sdm120);
  EXPECT_EQ(meters.meters[0].unit, 244);
  EXPECT_EQ(meters.meters[0].channels[0].phase, 1u);
  EXPECT_EQ(std::get<transport::TcpPort>(config->buses[0].line).host, "gateway.lan");
  EXPECT_EQ(std::get<transport::TcpPort>(config->buses[0].line).port, 502);
  EXPECT_EQ(std::get<transport::TcpPort>(config->buses[0].line).baud, 2400u);

  const auto& slcan = std::get<transport::SerialPort>(config->buses[1].line);
  EXPECT_EQ(slcan.baud, 1000000u);
  const auto& battery = std::get<protocol::PylontechConfig>(config->buses[1].driver);
  EXPECT_EQ(battery.framing, protocol::CanFraming::slcan);
  EXPECT_EQ(battery.keep_alive, 2s);

  EXPECT_EQ(std::get<transport::TcpPort>(config->buses[2].line).host, "::1");
  EXPECT_EQ(std::get<transport::TcpPort>(config->buses[2].line).baud, 0u) << "nobody said";
  const auto& inverter = std::get<protocol::VebusConfig>(config->buses[2].driver);
  EXPECT_EQ(inverter.address, 3);
  EXPECT_EQ(inverter.refresh, 900ms);
  EXPECT_EQ(inverter.setpoint_interval, 100ms);

  EXPECT_EQ(std::get<transport::SerialPort>(config->buses[3].line).baud, 9600u);
  const auto& cells = std::get<protocol::PylontechRs485Config>(config->buses[3].driver);
  EXPECT_EQ(cells.baud, 9600u);
  EXPECT_EQ(cells.modules, 4u);
  EXPECT_EQ(cells.first_address, 18);
  EXPECT_EQ(cells.sweep_period, 8s);
  EXPECT_EQ(cells.response_timeout, 600ms);
  EXPECT_EQ(cells.gap, 300ms);
  EXPECT_EQ(cells.retries, 1u);
}

TEST(Config, CellsOfAStackAreReadOnceAndCountTheirModules) {
  const std::string cells =
      "[[bus]]\nname = \"c\"\nkind = \"pylontech-rs485\"\nport = \"/dev/c\"\n";
  EXPECT_THAT(with(cells), ElementsAre("21:1: bus.modules: is missing, expected how many modules "
                                       "the stack has, 1 to 8"));
  EXPECT_THAT(with(cells + "modules = 9\n"), ElementsAre(StartsWith("25:11: bus.modules")));
  EXPECT_THAT(with(cells + "modules = 8\n"), SizeIs(0));
  EXPECT_THAT(
      with(cells + "modules = 8\n" +
           replaced(replaced(cells, "\"c\"", "\"d\""), "/dev/c", "/dev/d") + "modules = 1\n"),
      ElementsAre(HasSubstr("measured twice")));
}

TEST(Config, ABatteryIsOnlyListenedToWhereAsked) {
  const auto listens = [](const std::string& text) {
    const auto config = parse_config(text);
    EXPECT_TRUE(config);
    return config && std::get<protocol::PylontechConfig>(config->buses[1].driver).listen_only;
  };
  EXPECT_FALSE(listens(minimal));
  EXPECT_TRUE(listens(replaced(minimal, "can = \"can0\"", "can = \"can0\"\nlisten_only = true")));
  EXPECT_THAT(instead("can = \"can0\"", "can = \"can0\"\nlisten_only = true\nkeep_alive = \"1 s\""),
              ElementsAre(HasSubstr("keep_alive")));
}

TEST(Config, ABatteryOf16CellsHasItsOwnVoltages) {
  const std::string of_16 = "can = \"can0\"\ncells = 16";
  EXPECT_THAT(instead("can = \"can0\"", of_16),
              ElementsAre(HasSubstr("battery.cutoff_voltage_v (by default) is 46 V, expected 47 to "
                                    "53.3 V of a battery of 16 cells")));
  const auto config =
      parse_config(replaced(minimal, "can = \"can0\"", of_16) +
                   "[battery]\ncharge_voltage_cap_v = 55.9\ncutoff_voltage_v = 49.1\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->control.cells, 16U);
  EXPECT_EQ(std::get<protocol::PylontechConfig>(config->buses[1].driver).cells, 16U);
  EXPECT_EQ(parse_config(minimal)->control.cells, 15U);
  EXPECT_THAT(instead("can = \"can0\"", "can = \"can0\"\ncells = 14"),
              ElementsAre(HasSubstr("cells: is 14, expected 15 to 16")));
}

TEST(Config, ControlKnowsWhetherSolarIsMetered) {
  EXPECT_TRUE(parse_config(minimal)->control.solar_metered);
  EXPECT_FALSE(parse_config(replaced(minimal, "\"solar\"", "\"circuit1\""))->control.solar_metered);
}

TEST(Config, SerialLineTakesParityAndStopBits) {
  const auto config = parse_config(
      replaced(minimal, "port = \"/dev/ttyUSB0\"",
               "port = \"/dev/ttyUSB0\"\nbaud = 19200\nparity = \"odd\"\nstop_bits = 2"));
  ASSERT_TRUE(config);
  const auto& port = std::get<transport::SerialPort>(config->buses[0].line);
  EXPECT_EQ(port.baud, 19200u);
  EXPECT_EQ(port.parity, 'O');
  EXPECT_EQ(port.stop_bits, 2u);
}

TEST(Config, CircuitsHaveTheirRolesAndNames) {
  std::string text = minimal;
  // A third CT of the main meter and a meter of its own for each of the rest.
  text = replaced(
      text, "invert = true }",
      "invert = true }, { phase = 3, measures = \"circuit1\", role = \"ev\", name = \"garage\" }");
  std::string meters;
  for (int n = 2; n <= 10; ++n)
    meters += "[[bus.meter]]\nmodel = \"sdm120\"\nunit = " + std::to_string(n) +
              "\nchannels = [ { measures = \"circuit" + std::to_string(n) + "\"" +
              (n == 10 ? ", role = \"heatpump\"" : "") + " } ]\n";
  text = replaced(text, "\n[[bus]]\nname = \"battery\"", meters + "\n[[bus]]\nname = \"battery\"");
  const auto config = parse_config(text);
  ASSERT_TRUE(config);
  const auto& roles = config->control.circuit_roles;
  EXPECT_EQ(roles.front(), CircuitRole::ev);
  EXPECT_EQ(roles.at(1), CircuitRole::other);
  EXPECT_EQ(roles.back(), CircuitRole::heatpump);
  ASSERT_EQ(config->circuit_names.size(), max_circuits);
  EXPECT_EQ(config->circuit_names.front(), "garage");
  EXPECT_EQ(config->circuit_names.back(), "");
  EXPECT_EQ(parse_config(minimal)->control.circuit_roles, CircuitRoles{});
}

TEST(ConfigErrors, UnknownWordNamesTheList) {
  std::string models;
  for (const auto& row : protocol::modbus::meter_models())
    models += (models.empty() ? "" : ", ") + std::string{row.name};
  const std::string kinds = std::apply(
      [](const auto& first, const auto&... row) {
        return (std::string{first.name} + ... + (", " + std::string{row.name}));
      },
      bus_kinds);
  ASSERT_THAT(models, StartsWith("sdm630, sdm120, "));
  ASSERT_THAT(kinds, StartsWith("modbus, pylontech, "));
  EXPECT_THAT(instead("\"sdm630\"", "\"sdm530\""),
              ElementsAre("6:9: bus.meter.model: is \"sdm530\", expected one of: " + models));
  EXPECT_THAT(instead("\"vebus\"", "\"victron\""),
              Contains("17:8: bus.kind: is \"victron\", expected one of: " + kinds));
  EXPECT_THAT(instead("\"solar\"", "\"battery\""),
              ElementsAre(StartsWith("8:72: bus.meter.channels.measures: is \"battery\", expected "
                                     "one of: grid, solar, battery_meter, circuit1, ")));
}

TEST(ConfigErrors, MissingKeyIsPlacedAtItsTable) {
  EXPECT_THAT(
      instead("unit = 1\n", ""),
      ElementsAre("5:1: bus.meter.unit: is missing, expected its Modbus address, 1 to 247"));
  EXPECT_THAT(instead("can = \"can0\"", ""),
              ElementsAre("10:1: bus.port: is missing, expected one of port, can and tcp"));
  EXPECT_THAT(instead("name = \"inverter\"", ""),
              ElementsAre("15:1: bus.name: is missing, expected a name of its own"));
  EXPECT_THAT(instead("phase = 1, measures = \"grid\"", "phase = 1"),
              Contains(StartsWith("8:14: bus.meter.channels.measures: is missing")));
}

TEST(ConfigErrors, DuplicatesNameTheFirst) {
  EXPECT_THAT(instead("name = \"battery\"", "name = \"meters\""),
              ElementsAre("11:8: bus.name: \"meters\" is the name of another bus (line 2)"));
  EXPECT_THAT(instead("\"/dev/ttyUSB1\"", "\"/dev/ttyUSB0\""),
              ElementsAre(StartsWith("18:8: bus.port: is the port of another bus")));
  EXPECT_THAT(instead("\"solar\"", "\"grid\""),
              ElementsAre("8:72: bus.meter.channels.measures: the grid is measured twice, expected "
                          "once (line 8)"));
  EXPECT_THAT(
      instead("phase = 2", "phase = 1"),
      ElementsAre(StartsWith("8:58: bus.meter.channels.phase: is read by another channel")));
  EXPECT_THAT(instead("\n[[bus]]\nname = \"battery\"", R"([[bus.meter]]
model = "sdm120"
unit = 1
channels = [ { measures = "circuit1" } ]
[[bus]]
name = "battery")"),
              ElementsAre(StartsWith("11:8: bus.meter.unit: is the address of another meter (")));
  EXPECT_THAT(with("[[bus]]\nname = \"two\"\nkind = \"vebus\"\nport = \"/dev/x\"\n"),
              ElementsAre(StartsWith("23:8: bus.kind: a second inverter, expected one")));
}

TEST(ConfigErrors, OnlyACircuitHasARoleAndAName) {
  EXPECT_THAT(instead("measures = \"solar\"", "measures = \"solar\", role = \"ev\""),
              ElementsAre("8:88: bus.meter.channels.role: has no meaning for solar, expected only "
                          "with circuit1 to circuit10"));
  EXPECT_THAT(instead("measures = \"solar\"", "measures = \"circuit1\", role = \"boiler\""),
              ElementsAre(HasSubstr("is \"boiler\", expected one of: other, ev, heatpump")));
  EXPECT_THAT(instead("measures = \"solar\"", "measures = \"solar\", name = \"roof\""),
              ElementsAre(HasSubstr("channels.name: has no meaning for solar")));
  EXPECT_THAT(instead("measures = \"solar\"", "measures = \"circuit1\", name = \"\""),
              ElementsAre(HasSubstr("is \"\", expected 1 to 40 bytes of text in one line")));
  EXPECT_THAT(instead("measures = \"solar\"", "measures = \"circuit1\", name = \"a\\nb\""),
              ElementsAre(HasSubstr("expected 1 to 40 bytes of text in one line")));
}

TEST(ConfigErrors, SaysHowManyCircuitsThereMayBe) {
  EXPECT_THAT(instead("measures = \"solar\"", "measures = \"circuit11\", role = \"ev\""),
              ElementsAre("8:72: bus.meter.channels.measures: is \"circuit11\", expected circuit1 "
                          "to circuit10: no more than 10 circuits are metered besides grid, solar "
                          "and battery"));
}

TEST(ConfigErrors, AnSdm120HasOnePhase) {
  EXPECT_THAT(instead("sdm630", "sdm120"),
              ElementsAre("8:58: bus.meter.channels.phase: is 2, expected 1"));
}

TEST(ConfigErrors, GridBatteryAndInverterMustBeThere) {
  EXPECT_THAT(errors("[site]\n"), ElementsAre(HasSubstr("no meter measures the grid"),
                                              HasSubstr("no battery"), HasSubstr("no inverter")));
  EXPECT_THAT(instead("\"grid\"", "\"circuit1\""),
              ElementsAre(StartsWith("1:1: bus: no meter measures the grid")));
}

TEST(ConfigErrors, MetersAndChannelsMustBeThere) {
  EXPECT_THAT(errors("[[bus]]\nname = \"m\"\nkind = \"modbus\"\nport = \"/dev/x\"\n"),
              Contains(StartsWith("1:1: bus.meter: expected at least one meter")));
  EXPECT_THAT(instead("{ phase = 1, measures = \"grid\" }", "\"grid\""),
              Contains(StartsWith("8:14: bus.meter.channels: expected a list such as")));
  EXPECT_THAT(instead("channels = [", "chanels = ["),
              Contains(StartsWith("5:1: bus.meter.channels: expected a list such as")));
}

TEST(ConfigErrors, ABusHasOnePlace) {
  EXPECT_THAT(instead("can = \"can0\"", "can = \"can0\"\nport = \"/dev/x\""),
              ElementsAre("14:8: bus.port: expected exactly one of port, can and tcp"));
  EXPECT_THAT(instead("\"/dev/ttyUSB1\"", "\"ttyUSB1\""),
              ElementsAre(StartsWith("18:8: bus.port: is \"ttyUSB1\", expected a device file's")));
  EXPECT_THAT(instead("can = \"can0\"", "can = \"can0\"\nbaud = 115200"),
              ElementsAre("14:8: bus.baud: has no meaning with can, expected only with port"));
}

}  // namespace
}  // namespace esshub::config
