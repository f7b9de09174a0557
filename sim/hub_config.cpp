#include "sim/hub_config.hpp"

#include <cstdio>

namespace esshub::sim {
namespace {

/// A TOML basic string.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04X", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

std::string hub_config(const std::string& dir, const std::string& metrics_address,
                       const std::string& web_address) {
  return "# Written by esshub-sim at each start: changes are lost.\n"
         "[site]\n"
         "name = \"simulated house\"\n"
         "time_zone = \"Europe/London\"\n"
         "state_dir = " +
         quoted(dir + "/state") +
         "\n"
         "\n"
         "[control]\n"
         "period = \"100 ms\"\n"
         "\n"
         "[metrics]\n"
         "address = " +
         quoted(metrics_address) +
         "\n"
         "\n"
         "[web]\n"
         "address = " +
         quoted(web_address) +
         "\n"
         "\n"
         "[[bus]]\n"
         "name = \"meters\"\n"
         "kind = \"modbus\"\n"
         "port = " +
         quoted(dir + "/meters") +
         "\n"
         "baud = 9600\n"
         "\n"
         "[[bus.meter]]\n"
         "name = \"main\"\n"
         "model = \"sdm630\"\n"
         "unit = 1\n"
         "channels = [ { phase = 1, measures = \"grid\" }, { phase = 2, measures = \"solar\" }, "
         "{ phase = 3, measures = \"circuit1\" } ]\n"
         "\n"
         "[[bus.meter]]\n"
         "name = \"battery\"\n"
         "model = \"sdm120\"\n"
         "unit = 244\n"
         "channels = [ { phase = 1, measures = \"battery_meter\" } ]\n"
         "\n"
         "[[bus]]\n"
         "name = \"battery\"\n"
         "kind = \"pylontech\"\n"
         "port = " +
         quoted(dir + "/battery") +
         "  # SLCAN adapter; `can = \"can0\"` instead for SocketCAN\n"
         "\n"
         "[[bus]]\n"
         "name = \"inverter\"\n"
         "kind = \"vebus\"\n"
         "port = " +
         quoted(dir + "/inverter") + "\n";
}

}  // namespace esshub::sim
