// What the configuration says of MQTT.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "model/time.hpp"

namespace esshub::publish {

struct HomeAssistantSettings {
  std::string discovery_prefix = "homeassistant";
  std::string prefix = "esshub";  ///< of the hub's own topics
  Duration period = 5s;           ///< every state is said this often while it is current
  friend bool operator==(const HomeAssistantSettings&, const HomeAssistantSettings&) = default;
};

struct MqttSettings {
  std::string host;  ///< empty = off
  std::uint16_t port = 1883;
  std::string tls_ca;  ///< file with the certificates that vouch for the broker; empty = no TLS
  std::string user;
  std::string password;
  std::string password_file;   ///< its first line; read at each connection
  std::string client_id;       ///< empty = a unique one
  bool venus = true;           ///< Venus OS's topics
  bool home_assistant = true;  ///< discovery, states and controls
  bool writes = false;         ///< obey what others write
  std::size_t buffer = 1000;   ///< messages that may wait for the broker
  HomeAssistantSettings names;
  friend bool operator==(const MqttSettings&, const MqttSettings&) = default;
};

}  // namespace esshub::publish
