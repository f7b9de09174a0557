#include "config/publish_reader.hpp"

#include <fmt/format.h>

namespace esshub::config {
namespace {

constexpr std::array<std::string_view, 6> dbus_services{"grid",    "pvinverter", "acload",
                                                        "battery", "vebus",      "system"};

bool is_prefix(const std::string& text) {
  return !text.empty() && text.front() != '/' && text.back() != '/' &&
         text.find_first_of("+# $") == std::string::npos;
}

void read_prefix(TableReader& table, std::string_view key, std::string& out) {
  if (table.read(key, out) && !is_prefix(out))
    table.complain(key,
                   "expected the beginning of a topic, such as \"esshub\", without + # $ "
                   "or a / at its ends");
}

}  // namespace

void read_mqtt(TableReader mqtt, publish::MqttSettings& out) {
  transport::TcpPort broker;
  std::string address;
  if (mqtt.read("address", address) && !address.empty() && mqtt.read("address", broker)) {
    out.host = broker.host;
    out.port = broker.port;
  }
  mqtt.read("tls_ca", out.tls_ca);
  mqtt.read("user", out.user);
  mqtt.read("password", out.password);
  mqtt.read("password_file", out.password_file);
  if (!out.password.empty() && !out.password_file.empty())
    mqtt.complain("password_file", "there is a password as well, expected one of both");
  for (const auto* key : {"password", "password_file"})
    if (mqtt.has(key) && out.user.empty())
      mqtt.complain(key, "without a user, expected mqtt.user beside it");
  mqtt.read("client_id", out.client_id);
  mqtt.read("venus", out.venus);
  mqtt.read("home_assistant", out.home_assistant);
  mqtt.read("writes", out.writes);
  mqtt.read("buffer", out.buffer, Range{100, 100000});
  read_prefix(mqtt, "prefix", out.names.prefix);
  read_prefix(mqtt, "discovery_prefix", out.names.discovery_prefix);
  mqtt.read("home_assistant_period", out.names.period, Range{1000, 60000});
  mqtt.finish();
}

void read_dbus(TableReader dbus, publish::DbusSettings& out) {
  if (dbus.read("bus", out.bus) && !out.bus.empty() && out.bus != "system" &&
      out.bus != "session" && out.bus.find(':') == std::string::npos)
    dbus.complain("bus", fmt::format("is \"{}\", expected \"system\", \"session\" or an address "
                                     "such as \"unix:path=/run/dbus/system_bus_socket\"",
                                     out.bus));
  dbus.read("writes", out.writes);
  if (const auto* node = dbus.find("services")) {
    out.services.clear();
    const auto* list = node->as_array();
    bool good = list != nullptr;
    for (std::size_t i = 0; good && i < list->size(); ++i) {
      out.services.push_back((*list)[i].value_or(std::string{}));
      good = std::ranges::find(dbus_services, out.services.back()) != dbus_services.end();
    }
    if (!good)
      dbus.complain("services",
                    fmt::format("expected a list of {}", fmt::join(dbus_services, ", ")));
  }
  dbus.finish();
}

}  // namespace esshub::config
