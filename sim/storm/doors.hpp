// Doors: what clients say to the hub, as the text that they send, through its own handlers (REST,
// MQTT); and what it tells them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "model/command.hpp"
#include "model/view.hpp"
#include "publish/mqtt/session.hpp"
#include "sim/storm/hash.hpp"

namespace esshub::sim::storm {

class Doors {
 public:
  /// What a handler has understood goes to `obey`; each message for the broker to `published`.
  Doors(CommandSink obey, std::function<void(const publish::MqttMessage&)> published);

  /// A client wishes this: "web" by a body of REST, "mqtt" by Home Assistant's topics, a dispatch
  /// by Venus's; "dbus", and what has no body, goes to `obey` as it is. An Error: the handler or
  /// `obey` refused it.
  [[nodiscard]] Result<void> say(const Command& wish, const std::string& who, Instant now);
  /// Something that is no order, by every door; number `n` of what there is. What was taken for
  /// one.
  [[nodiscard]] std::optional<std::string> say_nonsense(std::size_t n, Instant now);
  /// At every second; `view` is nothing while no control lives.
  void on_second(const std::optional<View>& view, Instant now);
  void set_broker(bool there, Instant now);
  /// At an orderly end.
  void close(Instant now);

  /// Of all bodies and messages that went out.
  [[nodiscard]] std::uint64_t published() const { return published_.sum(); }

 private:
  [[nodiscard]] Result<void> by_rest(const Command& wish);
  [[nodiscard]] Result<void> by_mqtt(const Command& wish, Instant now);
  void deliver();

  const CommandSink obey_;
  const std::function<void(const publish::MqttMessage&)> tell_;
  std::optional<std::string> refused_;  ///< by the MQTT session, its newest word
  bool understood_ = false;             ///< something, by the MQTT session
  publish::MqttSession session_;
  std::optional<View> view_;
  bool broker_ = false;
  Hash published_;
};

}  // namespace esshub::sim::storm
