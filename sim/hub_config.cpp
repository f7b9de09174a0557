#include "sim/hub_config.hpp"

#include <toml++/toml.h>

#include <sstream>

namespace esshub::sim {

std::string hub_config(const std::string& dir, const std::string& metrics_address,
                       const std::string& web_address) {
  const auto channel = [](int phase, const char* measures) {
    toml::table table{{"phase", phase}, {"measures", measures}};
    table.is_inline(true);
    return table;
  };
  const auto bus = [&](const char* name, const char* kind) {
    return toml::table{{"name", name}, {"kind", kind}, {"port", dir + "/" + name}};
  };
  auto meters = bus("meters", "modbus");
  meters.insert("baud", 9600);
  meters.insert(
      "meter",
      toml::array{toml::table{{"name", "main"},
                              {"model", "sdm630"},
                              {"unit", 1},
                              {"channels", toml::array{channel(1, "grid"), channel(2, "solar"),
                                                       channel(3, "circuit1")}}},
                  toml::table{{"name", "battery"},
                              {"model", "sdm120"},
                              {"unit", 244},
                              {"channels", toml::array{channel(1, "battery_meter")}}}});
  const toml::table file{{"site", toml::table{{"name", "simulated house"},
                                              {"time_zone", "Europe/London"},
                                              {"state_dir", dir + "/state"}}},
                         {"metrics", toml::table{{"address", metrics_address}}},
                         {"web", toml::table{{"address", web_address}}},
                         {"bus", toml::array{std::move(meters), bus("battery", "pylontech"),
                                             bus("inverter", "vebus")}}};
  std::ostringstream text;
  text << "# Written by esshub-sim at each start: changes are lost. The battery's port is an SLCAN "
          "adapter;\n# `can = \"can0\"` instead of it is SocketCAN.\n"
       << toml::toml_formatter{file, toml::format_flags::none} << '\n';
  return text.str();
}

}  // namespace esshub::sim
