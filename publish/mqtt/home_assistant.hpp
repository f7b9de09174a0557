// What Home Assistant is told over MQTT: one device with its entities, their states, its controls.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/command.hpp"
#include "model/order_limits.hpp"
#include "model/view.hpp"
#include "publish/mqtt/outbox.hpp"
#include "publish/mqtt/outlook.hpp"
#include "publish/mqtt/settings.hpp"

namespace esshub::publish {

/// Home Assistant's device discovery (reference: venus-dbus-mqtt#6). Topics, below
/// `<prefix>/<id>/`: `availability` and `source/<name>` (retained), `state/<entity>`,
/// `set/<control>`. A value that is not current is said to be "None" once and then not at all, so
/// that its entity becomes unavailable (I10).
class HomeAssistant {
 public:
  /// `id`: letters, digits, _ and -; the same for ever. `controls`: offer entities that change
  /// something.
  HomeAssistant(HomeAssistantSettings settings, bool controls, const std::string& id,
                std::string site_name, std::string version, HouseFacts house);

  /// Registered with the broker, to be said when the connection is lost.
  [[nodiscard]] MqttMessage will() const;
  [[nodiscard]] std::vector<std::string> subscriptions() const;

  void on_connect(Outbox& out);
  void on_view(const View& view, Instant now, Outbox& out);
  /// What is known besides the View; says anew which entities there are when that has changed.
  void on_outlook(Outlook outlook, Outbox& out);
  /// An order over set/ was refused (why, in words), or accepted (nothing).
  void on_answer(std::string_view topic, std::string_view payload,
                 const std::optional<std::string>& refused);
  void on_stop(Outbox& out) { out.push(will()); }
  /// Home Assistant's own birth message; true if `topic` is its.
  bool on_status(std::string_view topic, std::string_view payload, Outbox& out);

  /// True for a topic of set/.
  [[nodiscard]] bool is_control(std::string_view topic) const;
  /// What a message on set/ asks for; nothing when it only sets the power or the length of the next
  /// override. An Error says what was expected.
  [[nodiscard]] Result<std::optional<Command>> on_control(std::string_view topic,
                                                          std::string_view payload);

  /// The device's discovery message, retained.
  [[nodiscard]] MqttMessage discovery() const;

 private:
  [[nodiscard]] std::string own_topic(std::string_view name) const;
  void say_sources(const View& view, Outbox& out);
  void say_states(const View& view, Outbox& out);

  const HomeAssistantSettings settings_;
  const bool controls_;
  const std::string device_;  ///< unique id of the device
  const std::string base_;    ///< "<prefix>/<id>/"
  const std::string site_name_;
  const std::string version_;
  Policy policy_;  ///< of the newest View: its limits are the defaults of what is ordered
  std::optional<WallTime> wall_;  ///< of the same; nothing while the clock is not trusted
  double override_w_ = order_limit(OrderLimitId::power).initial;
  double override_minutes_ = order_limit(OrderLimitId::override_length).initial;
  std::optional<Instant> said_at_;
  std::vector<std::optional<bool>> sources_said_;
  std::vector<bool> current_;  ///< per state: the last word was a value
  std::vector<bool> outlook_current_;
  Outlook outlook_;
  std::string refused_;  ///< the order that was refused last, and why; until one is accepted
};

}  // namespace esshub::publish
