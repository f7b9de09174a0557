#include "config/config.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "config/example.hpp"
#include "config/list_tables.hpp"
#include "config/settings_table.hpp"

namespace esshub::config {
namespace {

using namespace literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

// 21 lines; tests append to it or replace a piece of it.
const std::string minimal = R"([[bus]]
name = "meters"
kind = "modbus"
port = "/dev/ttyUSB0"
[[bus.meter]]
model = "sdm630"
unit = 1
channels = [ { phase = 1, measures = "grid" }, { phase = 2, measures = "solar", invert = true } ]

[[bus]]
name = "battery"
kind = "pylontech"
can = "can0"

[[bus]]
name = "inverter"
kind = "vebus"
port = "/dev/ttyUSB1"

# tail
)";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// Errors as "line:column: text".
std::vector<std::string> errors(const std::string& text) {
  const auto config = parse_config(text);
  std::vector<std::string> result;
  if (config) return result;
  for (const auto& error : config.error()) result.push_back(describe("f", error).substr(2));
  return result;
}
std::vector<std::string> with(const std::string& more) {
  return errors(minimal + more);
}
std::vector<std::string> instead(std::string_view from, std::string_view to) {
  return errors(replaced(minimal, from, to));
}

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

TEST(Config, TheHistoryIsKeptBesideTheState) {
  EXPECT_EQ(parse_config(minimal)->history.file, "/var/lib/esshub/history.db");
  EXPECT_EQ(parse_config("[site]\nstate_dir = \"/srv\"\n" + minimal)->history.file,
            "/srv/history.db");
  EXPECT_EQ(parse_config("[site]\nstate_dir = \"\"\n" + minimal)->history.file, "");
  EXPECT_EQ(parse_config("[history]\nfile = \"\"\n" + minimal)->history.file, "");
  EXPECT_THAT(with("[history]\nfile = \"history.db\"\n"),
              ElementsAre("22:8: history.file: is \"history.db\", expected an absolute path, or "
                          "\"\" to keep no history"));
}

TEST(Config, EverySettingReachesItsField) {
  const auto config = parse_config(minimal + R"(
[site]
name = "cottage"
time_zone = "Europe/London"
[grid]
setpoint_w = -50.5
import_cap_w = 9000
export_cap_w = 3680
[battery]
charge_limit_w = 1000
discharge_limit_w = 1100
soc_floor = 15
soc_ceiling = 95
reserve = 30.5
soc_hysteresis = 3
charge_voltage_cap_v = 53
force_charge_w = 600
cutoff_soc = 7
cutoff_voltage_v = 47
[inverter]
rating_w = 2000
charger_current_a = 30
conversion_efficiency = 94.5
[control]
period = "200ms"
slew_w_per_s = 900
meter_max_age = "2 s"
bms_max_age = "2.5 s"
inverter_max_age = "2900 ms"
setpoint_life = "0.01 min"
realtime = false
[control.loop]
meter_time_constant = "200000 us"
inverter_time_constant = "0 s"
meter_delay = "50 ms"
inverter_delay = "130 ms"
ack_delay = "70 ms"
inverter_ramp_w_per_s = 800
[metrics]
address = ""
[history]
file = "/srv/history.db"
batch = "1 min"
keep_days = 30
)");
  ASSERT_TRUE(config) << config.error().front().text;
  control::Settings expected;
  expected.grid_setpoint = Watts{-50.5};
  expected.import_cap = 9.0_kW;
  expected.export_cap = 3680.0_W;
  expected.charge_limit = 1000.0_W;
  expected.discharge_limit = 1100.0_W;
  expected.soc_floor = 15.0_soc;
  expected.soc_ceiling = 95.0_soc;
  expected.reserve = 30.5_soc;
  expected.soc_hysteresis = 3;
  expected.charge_voltage_cap = 53.0_V;
  expected.force_charge_power = 600.0_W;
  expected.cutoff_soc = 7.0_soc;
  expected.cutoff_voltage = 47.0_V;
  expected.inverter_rating = 2000.0_W;
  expected.charger_current = 30.0_A;
  expected.conversion_efficiency = 0.945;
  expected.period = 200ms;
  expected.slew = WattsPerSecond{900};
  expected.meter_max_age = 2s;
  expected.bms_max_age = 2500ms;
  expected.inverter_max_age = 2900ms;
  expected.setpoint_life = 600ms;
  expected.meter_time_constant = 200ms;
  expected.inverter_time_constant = 0s;
  expected.meter_delay = 50ms;
  expected.inverter_delay = 130ms;
  expected.ack_delay = 70ms;
  expected.inverter_ramp = WattsPerSecond{800};
  EXPECT_EQ(config->control, expected);
  EXPECT_EQ(config->site_name, "cottage");
  EXPECT_EQ(config->time_zone, "Europe/London");
  EXPECT_EQ(config->metrics_address, "");
  EXPECT_EQ(config->history.file, "/srv/history.db");
  EXPECT_EQ(config->history.batch, 1min);
  EXPECT_EQ(config->history.keep_days, 30u);
  EXPECT_FALSE(config->realtime);
}

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

TEST(Config, ThePageIsOnTheLoopbackUnlessSaidOtherwise) {
  const auto plain = parse_config(minimal);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->web.address, "127.0.0.1:8750");
  const auto config = parse_config(replaced(minimal, "[[bus]]", R"([web]
address = "[::]:443"
certificate = "/etc/esshub/page.pem"
key = "/etc/esshub/page.key"
host_names = ["battery.example", "hub"]
[[bus]])"));
  ASSERT_TRUE(config) << config.error().front().text;
  EXPECT_EQ(config->web.address, "[::]:443");
  EXPECT_EQ(config->web.certificate, "/etc/esshub/page.pem");
  EXPECT_EQ(config->web.key, "/etc/esshub/page.key");
  EXPECT_THAT(config->web.host_names, ElementsAre("battery.example", "hub"));
  const auto off = parse_config(replaced(minimal, "[[bus]]", "[web]\naddress = \"\"\n[[bus]]"));
  ASSERT_TRUE(off);
  EXPECT_EQ(off->web.address, "");
}

TEST(ConfigErrors, ThePageNeedsAPlaceAndBothFilesForTls) {
  EXPECT_THAT(with("[web]\naddress = \"here\"\n"),
              ElementsAre(HasSubstr("web.address: is \"here\"")));
  EXPECT_THAT(with("[web]\nkey = \"/k\"\n"),
              ElementsAre(HasSubstr("both `certificate` and `key`")));
  EXPECT_THAT(with("[web]\nhost_names = [\"a\", 1]\n"),
              ElementsAre(HasSubstr("a list of strings")));
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

// ---- each kind of error, at its line and column
// ------------------------------------------------

TEST(ConfigErrors, BrokenSyntax) {
  EXPECT_THAT(errors("[site]\nname = \"x\n"), ElementsAre(StartsWith("2:10: not TOML: ")));
}

TEST(ConfigErrors, UnknownKeyIsNamedWithTheNearest) {
  EXPECT_THAT(with("[battery]\nsoc_flor = 5\n"),
              ElementsAre("22:1: battery.soc_flor: unknown key, did you mean soc_floor?"));
  EXPECT_THAT(with("[grid]\nxyzzy = 5\n"),
              ElementsAre("22:1: grid.xyzzy: unknown key, expected one of: setpoint_w, "
                          "import_cap_w, export_cap_w, main_fuse_a"));
  EXPECT_THAT(with("[batery]\n"), ElementsAre("21:2: batery: unknown key, did you mean battery?"));
  EXPECT_THAT(instead("unit = 1", "unit = 1\nuint = 2"),
              ElementsAre("8:1: bus.meter.uint: unknown key, did you mean unit?"));
  EXPECT_THAT(instead("can = \"can0\"", "can = \"can0\"\nparity = \"even\""),
              ElementsAre(StartsWith("14:1: bus.parity: unknown key")));
}

TEST(ConfigErrors, WrongTypeNamesFoundAndExpected) {
  EXPECT_THAT(with("[battery]\ncharge_limit_w = \"2 kW\"\n"),
              ElementsAre("22:18: battery.charge_limit_w: is a string, expected a number in W"));
  EXPECT_THAT(with("[control]\nperiod = 100\n"),
              ElementsAre("22:10: control.period: is a whole number, expected a duration with its "
                          "unit, such as \"100 ms\" or \"3 s\""));
  EXPECT_THAT(with("[control]\nrealtime = \"yes\"\n"),
              ElementsAre("22:12: control.realtime: is a string, expected true or false"));
  EXPECT_THAT(with("[site]\nname = 1979-05-27\n"),
              ElementsAre("22:8: site.name: is a date or time, expected a string"));
  EXPECT_THAT(errors("grid = 5\n" + minimal),
              ElementsAre("1:8: grid: expected a table, written as [grid]"));
  EXPECT_THAT(instead("unit = 1", "unit = 1.5"),
              ElementsAre("7:8: bus.meter.unit: is a number, expected a whole number"));
}

TEST(ConfigErrors, DurationNeedsNumberAndUnit) {
  for (const std::string bad : {"100", "s", "-1 s", "3 sec", "1e300 h", "nan s", "3 s ", ""}) {
    EXPECT_THAT(with("[control]\nperiod = \"" + bad + "\"\n"),
                ElementsAre(StartsWith("22:10: control.period: is \"" + bad + "\", expected a")))
        << bad;
  }
}

TEST(ConfigErrors, AWholeNumberThatNoDoubleHoldsExactlyIsStillANumber) {
  for (const std::string number :
       {"9007199254740993", "9223372036854775807", "0x7fffffffffffffff", "-9223372036854775808"})
    EXPECT_THAT(with("[grid]\nsetpoint_w = " + number + "\n"),
                ElementsAre(HasSubstr("grid.setpoint_w: is ")))
        << number;
}

TEST(ConfigErrors, OutOfRangeNamesRangeAndUnit) {
  EXPECT_THAT(with("[control]\nslew_w_per_s = 10\n"),
              ElementsAre("22:16: control.slew_w_per_s: is 10 W/s, expected 50 to 20000 W/s"));
  EXPECT_THAT(with("[battery]\n  charge_voltage_cap_v = 54.5\n"),
              ElementsAre("22:26: battery.charge_voltage_cap_v: is 54.5 V, expected 48 to 54 V"));
  EXPECT_THAT(with("[battery]\nreserve = 101\n"),
              ElementsAre("22:11: battery.reserve: is 101 %, expected 0 to 100 %"));
  EXPECT_THAT(with("[battery]\ncharge_limit_w = nan\n"),
              ElementsAre(StartsWith("22:18: battery.charge_limit_w: is nan W, expected 0")));
  EXPECT_THAT(
      with("[inverter]\nconversion_efficiency = 0.94\n"),
      ElementsAre("22:25: inverter.conversion_efficiency: is 0.94 %, expected 50 to 100 %"));
  EXPECT_THAT(instead("unit = 1", "unit = 248"),
              ElementsAre("7:8: bus.meter.unit: is 248, expected 1 to 247"));
  EXPECT_THAT(instead("kind = \"vebus\"", "kind = \"vebus\"\nrefresh = \"2 s\""),
              ElementsAre("18:11: bus.refresh: is 2000 ms, expected 200 to 999 ms"));
  EXPECT_THAT(instead("kind = \"vebus\"", "kind = \"vebus\"\nbaud = 2401"),
              ElementsAre(StartsWith("18:8: bus.baud: is 2401, expected one of: 1200, 2400,")));
}

TEST(Config, CircuitsHaveTheirRoles) {
  std::string text = minimal;
  // A third CT of the main meter and a meter of its own for each of the rest.
  text = replaced(text, "invert = true }",
                  "invert = true }, { phase = 3, measures = \"circuit1\", role = \"ev\" }");
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
              ElementsAre(StartsWith("23:8: bus.kind: the inverter is measured twice")));
}

TEST(ConfigErrors, OnlyACircuitHasARole) {
  EXPECT_THAT(instead("measures = \"solar\"", "measures = \"solar\", role = \"ev\""),
              ElementsAre("8:88: bus.meter.channels.role: has no meaning for solar, expected only "
                          "with circuit1 to circuit10"));
  EXPECT_THAT(instead("measures = \"solar\"", "measures = \"circuit1\", role = \"boiler\""),
              ElementsAre(HasSubstr("is \"boiler\", expected one of: other, ev, heatpump")));
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
  EXPECT_THAT(errors(""), ElementsAre(HasSubstr("no meter measures the grid"),
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

TEST(ConfigErrors, HostAndPort) {
  for (const std::string bad :
       {"9750", "localhost", ":9750", "host:0", "host:65536", "host:12x", "::1:9750", "a b:1"}) {
    EXPECT_THAT(
        with("[metrics]\naddress = \"" + bad + "\"\n"),
        ElementsAre(StartsWith("22:11: metrics.address: is \"" + bad + "\", expected host")))
        << bad;
  }
  EXPECT_THAT(instead("can = \"can0\"", "tcp = \"host\""),
              ElementsAre(StartsWith("13:7: bus.tcp: is \"host\", expected host:port")));
}

TEST(ConfigErrors, UnknownTimeZone) {
  EXPECT_THAT(with("[site]\ntime_zone = \"Europe/Londn\"\n"),
              ElementsAre(StartsWith("22:13: site.time_zone: is \"Europe/Londn\", expected an IANA "
                                     "time zone")));
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

TEST(ConfigErrors, AFileThatCannotBeReadIsOne) {
  const auto absent = load_config("/nowhere/esshub.toml");
  ASSERT_FALSE(absent);
  ASSERT_THAT(absent.error(), SizeIs(1));
  EXPECT_EQ(describe("/nowhere/esshub.toml", absent.error()[0]),
            "/nowhere/esshub.toml: cannot be read: No such file or directory, expected a "
            "configuration file");
  const auto folder = load_config("/");
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error()[0].text, HasSubstr("directory"));
}

// ---- what the battery shall do and when ---------------------------------------------------

TEST(Schedule, IsReadWithItsDaysTimesAndInstructions) {
  const auto config = parse_config(R"(
[[schedule]]
days = ["mon", "sun"]
from = "01:30"
to = "05:00"
action = "charge"
power_w = 2000
target = 80
[[schedule]]
days = "weekdays"
from = "23:00"
to = "00:15"
action = "discharge"
target = 30
[[schedule]]
days = "weekend"
from = "16:00"
to = "19:00"
action = "idle"
low = 40
[policy]
mode = "balance"
battery_serves = ["heatpump"]
)" + minimal);
  ASSERT_TRUE(config) << describe("f", config.error().front());
  const auto& control = config->control;
  EXPECT_EQ(control.mode, Mode::balance);
  EXPECT_THAT(control.battery_serves.items, ElementsAre(true, false, true));
  ASSERT_THAT(control.schedule, SizeIs(3));
  EXPECT_EQ(control.schedule[0].when, (control::WeekSpan{0b1000001, 90, 300}));
  EXPECT_EQ(control.schedule[0].instruction,
            (Instruction{.kind = InstructionKind::charge, .power = 2000.0_W, .target = 80.0_soc}));
  EXPECT_EQ(control.schedule[1].when, (control::WeekSpan{0b0011111, 23 * 60, 15}));
  EXPECT_EQ(control.schedule[1].instruction.power, control.discharge_limit);
  EXPECT_EQ(control.schedule[2].when.days, 0b1100000);
  EXPECT_EQ(control.schedule[2].instruction,
            (Instruction{.kind = InstructionKind::idle, .low = 40.0_soc}));
}

TEST(Schedule, OverlappingEntriesAreRefusedWithBothLines) {
  EXPECT_THAT(with("[[schedule]]\nfrom = \"01:00\"\nto = \"02:00\"\naction = \"idle\"\n"
                   "[[schedule]]\nfrom = \"01:59\"\nto = \"03:00\"\naction = \"balance\"\n"),
              ElementsAre("26:8: schedule: overlaps another on Monday at 01:59 (line 22)"));
}

TEST(Schedule, SaysWhatIsWrong) {
  const auto entry = [](const std::string& more) {
    return with("[[schedule]]\nfrom = \"01:00\"\nto = \"02:00\"\n" + more);
  };
  EXPECT_THAT(entry(""), ElementsAre(HasSubstr("schedule.action: is missing, expected one of")));
  EXPECT_THAT(entry("action = \"charge\"\n"),
              ElementsAre(HasSubstr("schedule.target: is missing")));
  EXPECT_THAT(entry("action = \"idle\"\ntarget = 5\n"),
              ElementsAre(HasSubstr("target: has no meaning here, expected only with charge")));
  EXPECT_THAT(entry("action = \"charge\"\ntarget = 80\npower_w = 9000\n"),
              ElementsAre(HasSubstr("schedule: the rate is 9000 W")));
  EXPECT_THAT(entry("action = \"charge\"\ntarget = 80\npower_w = 9\n"),
              ElementsAre(HasSubstr("schedule.power_w: is 9 W, expected 10 to 10000 W")));
  EXPECT_THAT(entry("action = \"charge\"\ntarget = 9007199254740993\n"), Not(testing::IsEmpty()));
  EXPECT_THAT(entry("action = \"idle\"\ndays = \"someday\"\n"),
              ElementsAre(HasSubstr("schedule.days: expected \"daily\"")));
  EXPECT_THAT(with("[[schedule]]\nfrom = \"24:00\"\nto = \"1:00\"\naction = \"idle\"\n"),
              ElementsAre(HasSubstr("from: is \"24:00\", expected a time"),
                          HasSubstr("to: is \"1:00\", expected a time")));
  EXPECT_THAT(with("[policy]\nbattery_serves = [\"pool\"]\n"),
              ElementsAre(HasSubstr("policy.battery_serves: expected a list")));
}

TEST(TariffSection, IsReadWithItsBands) {
  const auto config = parse_config(R"(
[tariff]
currency = "GBP"
import = 0.28
export = 0.15
cheap_below = 0.1
no_discharge_while_cheap = false
force_charge_to = 80
force_charge_w = 1500
[[tariff.band]]
days = "daily"
from = "00:30"
to = "04:30"
import = 0.07
[[tariff.band]]
from = "16:00"
to = "19:00"
import = 0.4
export = 0.3
cheap = true
)" + minimal);
  ASSERT_TRUE(config) << describe("f", config.error().front());
  const auto& tariff = config->control.tariff;
  EXPECT_EQ(tariff.currency, "GBP");
  EXPECT_EQ(tariff.import_price, 0.28);
  EXPECT_EQ(tariff.cheap_below, 0.1);
  EXPECT_FALSE(tariff.no_discharge_while_cheap);
  EXPECT_EQ(tariff.force_charge_to, 80.0_soc);
  EXPECT_EQ(tariff.force_charge_power, 1500.0_W);
  ASSERT_THAT(tariff.bands, SizeIs(2));
  EXPECT_EQ(tariff.bands[0].when, (control::WeekSpan{control::every_day, 30, 270}));
  EXPECT_EQ(tariff.bands[0].export_price, std::nullopt);
  EXPECT_EQ(tariff.bands[1].export_price, 0.3);
  EXPECT_TRUE(tariff.bands[1].cheap);
}

TEST(TariffSection, SaysWhatIsWrong) {
  EXPECT_THAT(with("[[tariff.band]]\nfrom = \"01:00\"\nto = \"02:00\"\nimport = 0.1\n"),
              ElementsAre(HasSubstr("tariff.import: no band holds on Monday at 00:00")));
  EXPECT_THAT(with("[tariff]\nimport = nan\n"),
              ElementsAre(HasSubstr("tariff.import: is nan, expected a price per kWh")));
  EXPECT_THAT(with("[tariff]\nforce_charge_to = 3\n"),
              ElementsAre(HasSubstr("tariff.force_charge_to: the target is 3 %")));
}

TEST(Restart, IsNeededForEverythingButTheControl) {
  const auto a = parse_config(minimal + "[grid]\nsetpoint_w = 0\n[policy]\nmode = \"balance\"\n");
  const auto b = parse_config("# other\n" + minimal + "[grid]\nsetpoint_w = 50\n");
  const auto c = parse_config(replaced(minimal, "can0", "can1"));
  const auto d = parse_config(minimal + R"([site]
portal_id = "dca632000001"
[control]
period = "50 ms"
realtime = false
[mqtt]
address = "broker:1883"
prefix = "hub"
)");
  ASSERT_TRUE(a && b && c && d);
  EXPECT_THAT(needs_restart(*a, *b), SizeIs(0));
  EXPECT_THAT(needs_restart(*a, *c), ElementsAre("bus"));
  EXPECT_THAT(needs_restart(*a, *d),
              ElementsAre("site.portal_id", "control.realtime", "mqtt.address", "mqtt.prefix"));
}

// ---- the tables

/// The field in `settings` that a row is about.
template <class S>
struct Address {
  const S& settings;
  template <class T>
  const void* operator()(T S::*m) const {
    return &(settings.*m);
  }
  const void* operator()(RatioField<S> m) const { return (*this)(m.ratio); }
  const void* operator()(PriceField<S> m) const { return (*this)(m.price); }
  const void* operator()(HostPortField<S> m) const { return (*this)(m.host); }
  const void* operator()(RolesField<S> m) const { return (*this)(m.serves); }
  const void* operator()(MinuteField<S> m) const { return (*this)(m.minute); }
  const void* operator()(DaysField<S> m) const { return (*this)(m.days); }
  const void* operator()(WordField<S>) const { return nullptr; }  // no field's address is known
};

/// That there are as many rows as fields does not compile otherwise (settings_table.cpp).
TEST(Tables, NoKeyAndNoFieldTwiceAndEverySectionIsKnown) {
  const HubSettings hub;
  std::set<std::string> keys;
  std::set<const void*> fields;
  std::size_t rows = 0;
  for_each_table(hub, [&]<class S>(std::span<const SettingRow<S>> table, const S& settings) {
    for (const auto& row : table) {
      ++rows;
      keys.insert(row.name());
      fields.insert(std::visit(Address<S>{settings}, row.field));
      EXPECT_TRUE(std::ranges::find(sections(), row.section, &SettingSection::name) !=
                  sections().end())
          << row.name();
      EXPECT_TRUE(row.sentence.ends_with('.')) << row.name();
    }
  });
  EXPECT_EQ(keys.size(), rows);
  EXPECT_EQ(fields.size(), rows);
}

/// A value above the row's range; nothing where it has none.
template <class S>
std::optional<std::string> beyond(const SettingRow<S>& row) {
  return std::visit(
      [&]<class Field>(const Field&) -> std::optional<std::string> {
        const double value = row.range.most + 1;
        if constexpr (std::is_same_v<Field, Duration S::*>)
          return fmt::format("\"{} ms\"", value);
        else if constexpr (std::is_same_v<Field, unsigned S::*> ||
                           std::is_same_v<Field, std::uint8_t S::*>)
          return fmt::format("{}", value);
        else
          return std::nullopt;
      },
      row.field);
}

/// Behind `line` of a good configuration, each setting of the table above its range is refused.
template <class S>
std::size_t refused_beyond(std::span<const SettingRow<S>> table, const std::string& line,
                           const std::string& text) {
  std::size_t rows = 0;
  for (const auto& row : table) {
    const auto value = beyond(row);
    if (!value) continue;
    ++rows;
    EXPECT_THAT(errors(replaced(text, line, fmt::format("{}{} = {}\n", line, row.key, *value))),
                Contains(HasSubstr(fmt::format("bus.{}: is {}{}, expected {} to {}", row.key,
                                               row.range.most + 1, row.unit.empty() ? "" : " ms",
                                               row.range.least, row.range.most))));
  }
  return rows;
}

TEST(ListTables, RangesOfBusesAreKeptAndNamed) {
  const std::string cells =
      "[[bus]]\nname = \"c\"\nkind = \"pylontech-rs485\"\nport = \"/dev/c\"\n";
  EXPECT_EQ(refused_beyond(serial_table().subspan(1), "name = \"meters\"\n", minimal), 1u);
  EXPECT_EQ(refused_beyond(modbus_table(), "name = \"meters\"\n", minimal), 4u);
  EXPECT_EQ(refused_beyond(pylontech_table(), "can = \"can0\"\n", minimal), 1u);
  EXPECT_EQ(refused_beyond(vebus_table(), "kind = \"vebus\"\n", minimal), 3u);
  EXPECT_EQ(refused_beyond(pylontech_rs485_table(), "port = \"/dev/c\"\n", minimal + cells), 6u);
}

// ---- the example
// ---------------------------------------------------------------------------------

const std::filesystem::path example = ESSHUB_SOURCE_DIR "/deploy/esshub.example.toml";

TEST(Example, LoadsAndShowsTheDefaults) {
  const auto config = load_config(example);
  ASSERT_TRUE(config) << describe(example, config.error().front());
  const HubSettings defaults;
  EXPECT_EQ(config->control, defaults.control);
  EXPECT_EQ(config->site_name, defaults.site_name);
  EXPECT_EQ(config->time_zone, defaults.time_zone);
  EXPECT_EQ(config->metrics_address, defaults.metrics_address);
  EXPECT_EQ(config->realtime, defaults.realtime);
  EXPECT_EQ(config->history.batch, defaults.history.batch);
  EXPECT_EQ(config->history.keep_days, defaults.history.keep_days);
  ASSERT_THAT(config->buses, SizeIs(3));

  const auto& modbus = std::get<protocol::ModbusConfig>(config->buses[0].driver);
  const protocol::ModbusConfig modbus_defaults;
  EXPECT_EQ(modbus.baud, modbus_defaults.baud);
  EXPECT_EQ(modbus.bits_per_character, modbus_defaults.bits_per_character);
  EXPECT_EQ(modbus.response_timeout, modbus_defaults.response_timeout);
  EXPECT_EQ(modbus.gap, modbus_defaults.gap);
  EXPECT_EQ(modbus.retries, modbus_defaults.retries);

  const auto& pylontech = std::get<protocol::PylontechConfig>(config->buses[1].driver);
  EXPECT_EQ(pylontech.keep_alive, protocol::PylontechConfig{}.keep_alive);
  EXPECT_EQ(std::get<transport::SerialPort>(config->buses[1].line).baud, 115200u);

  const auto& vebus = std::get<protocol::VebusConfig>(config->buses[2].driver);
  const protocol::VebusConfig vebus_defaults;
  EXPECT_EQ(vebus.address, vebus_defaults.address);
  EXPECT_EQ(vebus.refresh, vebus_defaults.refresh);
  EXPECT_EQ(vebus.setpoint_interval, vebus_defaults.setpoint_interval);
  EXPECT_EQ(std::get<transport::SerialPort>(config->buses[2].line).baud, 2400u);
}

TEST(Example, IsWhatTheTablesSay) {
  std::ostringstream text;
  text << std::ifstream{example}.rdbuf();
  EXPECT_EQ(text.str(), example_text()) << "renew it: esshub check --example > " << example;
}

/// Whatever is commented out is right when it is not.
TEST(Example, ItsExamplesLoad) {
  std::string text = example_text();
  std::size_t uncommented = 0;
  const HubSettings hub;
  for_each_table(hub, [&]<class S>(std::span<const SettingRow<S>> table, const S&) {
    for (const auto& row : table) {
      if (row.example.empty() || row.key == "password") continue;  // password_file is there
      const auto section = text.find("[" + std::string{row.section} + "]");
      const std::string line = std::string{row.key} + " = " + std::string{row.example};
      const auto at = text.find("\n# " + line, section);
      ASSERT_NE(at, std::string::npos) << line;
      text.erase(at + 1, 2);
      ++uncommented;
    }
  });
  EXPECT_GT(uncommented, 10u);
  const auto config = parse_config(text);
  ASSERT_TRUE(config) << config.error().front().text;
  EXPECT_EQ(config->portal_id, "dca632000001");
  EXPECT_EQ(config->control.import_cap, 10.0_kW);
  EXPECT_EQ(config->control.tariff.force_charge_to, 80.0_soc);
}

TEST(Example, ItsOptionalBusShowsTheDefaults) {
  std::ostringstream text;
  text << std::ifstream{example}.rdbuf();
  const auto start = text.str().find("# [[bus]]");
  ASSERT_NE(start, std::string::npos);
  const auto with_cells =
      text.str().substr(0, start) +
      std::regex_replace(text.str().substr(start), std::regex{"(^|\n)# "}, "$1");
  const auto config = parse_config(with_cells);
  ASSERT_TRUE(config) << describe(example, config.error().front());
  ASSERT_THAT(config->buses, SizeIs(4));
  const auto& cells = std::get<protocol::PylontechRs485Config>(config->buses[3].driver);
  const protocol::PylontechRs485Config defaults;
  EXPECT_EQ(cells.baud, defaults.baud);
  EXPECT_EQ(cells.first_address, defaults.first_address);
  EXPECT_EQ(cells.sweep_period, defaults.sweep_period);
  EXPECT_EQ(cells.response_timeout, defaults.response_timeout);
  EXPECT_EQ(cells.gap, defaults.gap);
  EXPECT_EQ(cells.retries, defaults.retries);
}

/// The loader names its keys when it meets one it does not know: each must stand in the example.
TEST(Example, NamesEveryKey) {
  const std::string odd = "zzzzzzzzzzzzzzzzzzzzzzzz = 1\n";
  std::string probe = odd;
  for (const auto* table : {"site", "grid", "battery", "policy", "tariff", "inverter", "control",
                            "control.loop", "web"})
    probe += std::string{"["} + table + "]\n" + odd;
  probe += "[[schedule]]\nfrom = \"01:00\"\nto = \"02:00\"\naction = \"balance\"\n" + odd;
  probe += "[[tariff.band]]\nfrom = \"00:00\"\nto = \"00:00\"\nimport = 1\n" + odd;
  probe += "[metrics]\n" + odd + "[history]\n" + odd + minimal;
  probe = replaced(probe, "name = \"meters\"\n", "name = \"meters\"\n" + odd);
  probe = replaced(probe, "unit = 1\n", "unit = 1\n" + odd);
  probe = replaced(probe, "invert = true", "invert = true, zzzzzzzzzzzzzzzzzzzzzzzz = 1");
  probe = replaced(probe, "can = \"can0\"\n", "can = \"can0\"\n" + odd);
  probe = replaced(probe, "kind = \"vebus\"\n", "kind = \"vebus\"\n" + odd);
  probe +=
      "[[bus]]\nname = \"c\"\nkind = \"pylontech-rs485\"\nport = \"/dev/c\"\nmodules = 1\n" + odd;
  const auto answers = errors(probe);
  ASSERT_THAT(answers, SizeIs(20));

  std::ostringstream text;
  text << std::ifstream{example}.rdbuf();
  for (const auto& answer : answers) {
    constexpr std::string_view lead = "expected one of: ";
    ASSERT_NE(answer.find(lead), std::string::npos) << answer;
    std::istringstream keys{answer.substr(answer.find(lead) + lead.size())};
    for (std::string key; std::getline(keys >> std::ws, key, ',');)
      EXPECT_TRUE(text.str().find(key + " = ") != std::string::npos ||
                  text.str().find(key + "]") != std::string::npos)
          << key;
  }
}

TEST(Config, MqttAndDbusAreOffUntilConfigured) {
  const auto config = parse_config(minimal);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->mqtt, publish::MqttSettings{});
  EXPECT_EQ(config->mqtt.host, "");
  EXPECT_FALSE(config->mqtt.writes);
  EXPECT_EQ(config->dbus, publish::DbusSettings{});
  EXPECT_EQ(config->dbus.bus, "");
}

TEST(Config, EveryMqttAndDbusSettingReachesItsField) {
  const auto config = parse_config(minimal + R"(
[site]
portal_id = "dca632000001"
[mqtt]
address = "[::1]:8883"
tls_ca = "/ca.pem"
user = "hub"
password_file = "/secret"
client_id = "me"
venus = false
home_assistant = false
writes = true
prefix = "home/esshub"
discovery_prefix = "ha"
home_assistant_period = "10 s"
buffer = 200
[dbus]
bus = "unix:path=/run/x"
services = ["grid", "system"]
writes = true
)");
  ASSERT_TRUE(config) << config.error().front().text;
  EXPECT_EQ(config->portal_id, "dca632000001");
  EXPECT_EQ(config->mqtt, (publish::MqttSettings{.host = "::1",
                                                 .port = 8883,
                                                 .tls_ca = "/ca.pem",
                                                 .user = "hub",
                                                 .password = "",
                                                 .password_file = "/secret",
                                                 .client_id = "me",
                                                 .venus = false,
                                                 .home_assistant = false,
                                                 .writes = true,
                                                 .buffer = 200,
                                                 .names = {"ha", "home/esshub", 10s}}));
  EXPECT_EQ(config->dbus, (publish::DbusSettings{"unix:path=/run/x", {"grid", "system"}, true}));
}

TEST(Config, ErrorsInMqttAndDbusHaveTheirPlace) {
  EXPECT_THAT(with("[mqtt]\naddress = \"broker\"\n"),
              ElementsAre(StartsWith("22:11: mqtt.address")));
  EXPECT_THAT(with("[mqtt]\npassword = \"x\"\n"),
              ElementsAre(AllOf(StartsWith("22:12: mqtt.password"), HasSubstr("mqtt.user"))));
  EXPECT_THAT(with("[mqtt]\nuser = \"u\"\npassword = \"x\"\npassword_file = \"y\"\n"),
              ElementsAre("24:17: mqtt.password_file: set either password or password_file, not "
                          "both"));
  EXPECT_THAT(with("[mqtt]\nprefix = \"a/#\"\n"), ElementsAre(StartsWith("22:10: mqtt.prefix")));
  EXPECT_THAT(with("[mqtt]\nbuffer = 5\n"), ElementsAre(StartsWith("22:10: mqtt.buffer")));
  EXPECT_THAT(with("[mqtt]\nhome_assistant_period = \"2 min\"\n"),
              ElementsAre(StartsWith("22:25: mqtt.home_assistant_period")));
  EXPECT_THAT(with("[dbus]\nbus = \"sytem\"\n"),
              ElementsAre(AllOf(StartsWith("22:7: dbus.bus"), HasSubstr("session"))));
  EXPECT_THAT(with("[dbus]\nservices = [\"grid\", \"settings\"]\n"),
              ElementsAre(StartsWith("22:12: dbus.services")));
  EXPECT_THAT(with("[dbus]\nservices = \"grid\"\n"),
              ElementsAre(StartsWith("22:12: dbus.services")));
  EXPECT_THAT(with("[site]\nportal_id = \"DCA632000001\"\n"),
              ElementsAre(StartsWith("22:13: site.portal_id")));
}

}  // namespace
}  // namespace esshub::config
