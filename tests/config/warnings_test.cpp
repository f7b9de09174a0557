#include "config/warnings.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/config/minimal.hpp"

namespace esshub::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// Of a configuration without an error and with ports that stay.
std::vector<std::string> warned(const std::string& more, const std::string& buses = minimal) {
  auto text = replaced(buses, "/dev/ttyUSB0", "/dev/esshub-rs485");
  text = replaced(text, "/dev/ttyUSB1", "/dev/esshub-mk3");
  const auto config = parse_config(text + more);
  std::vector<std::string> result;
  EXPECT_TRUE(config) << more << config.error().front().text;
  if (!config) return result;
  for (const auto& warning : config->warnings) result.push_back(describe("f", warning).substr(2));
  return result;
}

std::string entry(const std::string& more, const std::string& from = "01:00") {
  return "[[schedule]]\nfrom = \"" + from + "\"\nto = \"02:00\"\n" + more;
}
std::string band(const std::string& more, const std::string& from = "01:00") {
  return "[[tariff.band]]\nfrom = \"" + from + "\"\nto = \"02:00\"\n" + more;
}

TEST(ConfigWarnings, ASoundConfigurationHasNone) {
  EXPECT_THAT(warned(""), IsEmpty());
  const auto example = load_config(ESSHUB_SOURCE_DIR "/deploy/esshub.example.toml");
  ASSERT_TRUE(example);
  EXPECT_THAT(example->warnings, IsEmpty());
  EXPECT_THAT(example->unreadable_files, IsEmpty());
}

TEST(ConfigWarnings, AShareIsNotAPercentage) {
  EXPECT_THAT(warned("[battery]\nreserve = 0.2\nsoc_floor = 0.1\ncutoff_soc = 0\n"),
              ElementsAre("22:11: battery.reserve: is 0.2 %, is 20 % meant?",
                          "23:13: battery.soc_floor: is 0.1 %, is 10 % meant?"));
  EXPECT_THAT(warned("[battery]\nreserve = 1\nsoc_floor = 0\ncutoff_soc = 0\n"), IsEmpty());
}

TEST(ConfigWarnings, KilowattsAreNotWatts) {
  EXPECT_THAT(warned("[battery]\ndischarge_limit_w = 2.4\n"),
              ElementsAre("22:21: battery.discharge_limit_w: is 2.4 W, is 2400 W meant?"));
  EXPECT_THAT(warned("[grid]\nexport_cap_w = 3.68\nsetpoint_w = 3\n"),
              ElementsAre("22:16: grid.export_cap_w: is 3.68 W, is 3680 W meant?"));
  EXPECT_THAT(warned("[grid]\nexport_cap_w = 50\n"), IsEmpty());
}

TEST(ConfigWarnings, CentsAreNotTheCurrency) {
  EXPECT_THAT(warned("[tariff]\nimport = 28\nexport = 5\n" + band("import = 7.5\n")),
              ElementsAre("22:10: tariff.import: is 28 for a kWh, is 0.28 meant?",
                          "25:8: tariff.band: is 7.5 for a kWh, is 0.075 meant?"));
  EXPECT_THAT(warned("[tariff]\nimport = 28\ncurrency = \"EUR\"\n"),
              ElementsAre(HasSubstr("0.28")));
  EXPECT_THAT(warned("[tariff]\nimport = 28\ncurrency = \"JPY\"\n"), IsEmpty());
}

TEST(ConfigWarnings, ALimitThatAnotherMakesVoid) {
  EXPECT_THAT(warned("[battery]\nsoc_floor = 30\n"),
              ElementsAre(StartsWith("22:13: battery.soc_floor: is 30 %, above battery.reserve")));
  EXPECT_THAT(warned("[battery]\nsoc_floor = 30\nreserve = 0\n"), IsEmpty()) << "none is wished";
  EXPECT_THAT(warned("[battery]\nsoc_floor = 30\nreserve = 30\n"), IsEmpty());
  EXPECT_THAT(
      warned("[battery]\ncharge_limit_w = 3000\n"),
      ElementsAre("22:18: battery.charge_limit_w: is 3000 W, but inverter.rating_w (2400 W) "
                  "holds before it"));
  EXPECT_THAT(
      warned("[inverter]\nrating_w = 1000\n"),
      ElementsAre("22:12: inverter.rating_w: battery.charge_limit_w (by default) is 2400 W, but "
                  "inverter.rating_w (1000 W) holds before it",
                  StartsWith("22:12: inverter.rating_w: battery.discharge_limit_w (by default)")))
      << "the limits stand nowhere in the file";
}

TEST(ConfigWarnings, PlansThatCannotBeMeant) {
  EXPECT_THAT(
      warned(entry("action = \"discharge\"\ntarget = 15\n")),
      ElementsAre("22:8: schedule: its target is 15 %, but battery.reserve (20 %) is kept"));
  EXPECT_THAT(warned(entry("action = \"discharge\"\ntarget = 20\n")), IsEmpty());
  EXPECT_THAT(warned(entry("action = \"idle\"\n", "02:00")),
              ElementsAre("22:8: schedule: from and to are both 02:00, are 24 hours meant?"));
  EXPECT_THAT(warned("[tariff]\nimport = 0.3\n" + band("import = 0.1\n", "02:00")),
              ElementsAre("24:8: tariff.band: from and to are both 02:00, are 24 hours meant?"));
  EXPECT_THAT(warned("[tariff]\nimport = 0.3\ncheap_below = 0.1\n" + band("import = 0.1\n")),
              ElementsAre("23:15: tariff.cheap_below: is 0.1, but no price is below it: no hour is "
                          "cheap"));
  EXPECT_THAT(warned("[tariff]\nimport = 0.3\ncheap_below = 0.1\n" + band("import = 0.09\n")),
              IsEmpty());
  EXPECT_THAT(
      warned("[tariff]\nimport = 0.3\ncheap_below = 0.05\n" + band("import = 0.1\ncheap = true\n")),
      IsEmpty());
  EXPECT_THAT(warned("[[schedule]]\nfrom = \"00:00\"\nto = \"24:00\"\naction = \"idle\"\n"),
              IsEmpty());
  EXPECT_THAT(warned("[tariff]\nimport = 0.3\ncheap_below = 0.31\n" + band("import = 0.4\n")),
              IsEmpty());
}

TEST(ConfigWarnings, ARoleLeftOutIsThatOfACircuit) {
  const std::string serves = "[policy]\nbattery_serves = [\"heatpump\"]\n";
  EXPECT_THAT(warned(serves),
              ElementsAre("22:18: policy.battery_serves: leaves out ev, but no circuit "
                          "has role = \"ev\": nothing is left out"));
  EXPECT_THAT(warned("[policy]\nbattery_serves = [\"ev\", \"heatpump\"]\n"), IsEmpty());
  EXPECT_THAT(warned("[policy]\nbattery_serves = []\n"),
              ElementsAre(HasSubstr("leaves out ev"), HasSubstr("leaves out heatpump")));
  const auto of_ev =
      replaced(minimal, "measures = \"solar\"", "measures = \"circuit1\", role = \"ev\"");
  EXPECT_THAT(warned(serves, of_ev), IsEmpty());
  EXPECT_THAT(warned("[policy]\nbattery_serves = []\n", of_ev),
              ElementsAre(HasSubstr("leaves out heatpump")));
}

TEST(ConfigWarnings, WhatSmartModeCannotBeWithout) {
  const std::string smart = "[policy]\nmode = \"smart\"\n";
  const std::string priced = smart + "[tariff]\nimport = 0.3\n";
  EXPECT_THAT(warned(smart), ElementsAre("22:8: policy.mode: is smart, but no import price is "
                                         "given: no plan unless a feed tells one"));
  EXPECT_THAT(warned(priced), IsEmpty());
  EXPECT_THAT(warned(smart + band("import = 0.1\n") +
                     "[[tariff.band]]\nfrom = \"02:00\"\nto = \"01:00\"\nimport = 0.3\n"),
              IsEmpty());
  EXPECT_THAT(warned(priced + "[history]\nfile = \"\"\n"),
              ElementsAre("26:8: history.file: is empty, but policy.mode is smart: no plan for two "
                          "days after each start"));
  EXPECT_THAT(warned("[history]\nfile = \"\"\n"), IsEmpty());
  EXPECT_THAT(warned("[policy]\nmode = \"scheduled\"\n"), IsEmpty());
}

TEST(ConfigWarnings, APortThatMayBeAnotherAfterTheNextStart) {
  const auto config = parse_config(minimal);
  ASSERT_TRUE(config);
  ASSERT_EQ(config->warnings.size(), 2u);
  EXPECT_EQ(describe("f", config->warnings[0]),
            "f:4:8: bus.port: is \"/dev/ttyUSB0\", which may be another adapter after the next "
            "start; its own name is below /dev/serial/by-id");
  EXPECT_EQ(describe_warning("f", config->warnings[1]).substr(0, 23), "f:18:8: warning: bus.po");
}

TEST(ConfigWarnings, FilesThatCannotBeReadAreNamed) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("esshub_files_" + std::to_string(::getpid()) + ".toml");
  std::ofstream(file) << minimal << "[web]\ncertificate = \"" << file.string()
                      << "\"\nkey = \"/nowhere/key.pem\"\n[mqtt]\nuser = \"a\"\n"
                      << "password_file = \"/\"\ntls_ca = \"/nowhere/ca.pem\"\n";
  const auto config = load_config(file);
  std::filesystem::remove(file);
  ASSERT_TRUE(config) << config.error().front().text;
  std::vector<std::string> found;
  for (const auto& error : config->unreadable_files) found.push_back(describe("f", error));
  EXPECT_THAT(
      found,
      ElementsAre("f:23:7: web.key: /nowhere/key.pem cannot be read: No such file or directory",
                  StartsWith("f:27:10: mqtt.tls_ca: /nowhere/ca.pem cannot be read"),
                  "f:26:17: mqtt.password_file: / cannot be read: Is a directory"));
}

}  // namespace
}  // namespace esshub::config
