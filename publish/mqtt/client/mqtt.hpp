// The MQTT client: connects a session to a broker, on a thread of its own.
#pragma once

#include <memory>

#include "publish/mqtt/session.hpp"

namespace esshub::publish {

/// What Home Assistant is told besides the Views.
struct MqttParts {
  HouseFacts house{};       ///< at the start
  OutlookSource outlook{};  ///< empty: neither today nor plan
  FeedSink feeds{};         ///< empty: none are heard
};

/// Speaks MQTT 5, because only there a client can say how large a message it takes and sees that
/// another client wants its write kept; with a broker that does not, MQTT 3.1.1, and says so. A
/// broker that is down, stalls or floods costs control nothing (F15): Views it cannot take are
/// dropped, the newest wins.
class Mqtt {
 public:
  static constexpr Duration period = 1s;  ///< of the Views it is given

  Mqtt(const MqttSettings& settings, const VenusIdentity& identity, const CommandSink& commands,
       const EventSink& events, const MqttParts& parts = {});
  ~Mqtt();
  Mqtt(const Mqtt&) = delete;
  Mqtt& operator=(const Mqtt&) = delete;

  /// Thread-safe; never waits.
  void update(const View& view);
  /// Takes leave of the broker; waits at most 2 s. After it neither sink is called again.
  void close();

 private:
  class Client;
  std::shared_ptr<Client> client_;
  std::unique_ptr<class DetachableThread> thread_;
};

}  // namespace esshub::publish
