// The MQTT client: connects a session to a broker, on a thread of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "publish/mqtt_session.hpp"

namespace esshub::publish {

struct MqttSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 1883;
  std::string tls_ca;  ///< file with the certificates that vouch for the broker; empty = no TLS
  std::string user;
  std::string password;
  std::string password_file;  ///< its first line; read at each connection
  std::string client_id;      ///< empty = a unique one
  MqttSessionSettings session;
};

/// Speaks MQTT 5, because only there a client can say how large a message it takes and sees that
/// another client wants its write kept. A broker that is down, stalls or floods costs control
/// nothing (F15): Views it cannot take are dropped, the newest wins.
class Mqtt {
 public:
  Mqtt(const MqttSettings& settings, const VenusIdentity& identity, const CommandSink& commands,
       const EventSink& events);
  /// Takes leave of the broker; waits at most 2 s. After it neither sink is called again.
  ~Mqtt();
  Mqtt(const Mqtt&) = delete;
  Mqtt& operator=(const Mqtt&) = delete;

  /// Thread-safe; never waits.
  void update(const View& view);

 private:
  class Client;
  std::shared_ptr<Client> client_;
  std::unique_ptr<class SlowThread> thread_;
};

}  // namespace esshub::publish
