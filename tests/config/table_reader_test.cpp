#include "config/table_reader.hpp"

#include "tests/config/minimal.hpp"

namespace esshub::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(ConfigErrors, UnknownKeyIsNamedWithTheNearest) {
  EXPECT_THAT(with("[battery]\nsoc_flor = 5\n"),
              ElementsAre("22:1: battery.soc_flor: unknown key, did you mean soc_floor?"));
  EXPECT_THAT(with("[grid]\nxyzzy = 5\n"),
              ElementsAre("22:1: grid.xyzzy: unknown key, expected one of: setpoint_w, "
                          "import_cap_w, export_cap_w, witness, main_fuse_a"));
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
  EXPECT_THAT(with("[battery]\n  charge_voltage_cap_v = 57.7\n"),
              ElementsAre("22:26: battery.charge_voltage_cap_v: is 57.7 V, expected 48 to 57.6 V"));
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

}  // namespace
}  // namespace esshub::config
