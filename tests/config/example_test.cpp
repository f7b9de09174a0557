#include "config/example.hpp"

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "config/settings_table.hpp"
#include "tests/config/minimal.hpp"

namespace esshub::config {
namespace {

using namespace literals;
using testing::SizeIs;

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

TEST(Example, FilledInItKeepsTheDefaultsAsComments) {
  const auto text =
      filled_text({{"site.name", "\"mill\""}, {"grid.export_cap_w", "3680"}, {"nobody.knows", "1"}},
                  "# no bus\n");
  EXPECT_NE(text.find("\nname = \"mill\" "), std::string::npos);
  EXPECT_NE(text.find("\nexport_cap_w = 3680 "), std::string::npos);
  EXPECT_NE(text.find("\n# soc_floor = 10 "), std::string::npos);
  EXPECT_NE(text.find("\n[battery] "), std::string::npos);
  EXPECT_EQ(text.find("nobody"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\n# no bus\n"));
  // What is in force is what was given, and nothing else.
  std::istringstream lines{text};
  unsigned in_force = 0;
  for (std::string line; std::getline(lines, line);)
    in_force += std::regex_search(line, std::regex{"^[a-z_]+ = "}) ? 1 : 0;
  EXPECT_EQ(in_force, 2u);
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

}  // namespace
}  // namespace esshub::config
