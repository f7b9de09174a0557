// Everything the hub says and hears over MQTT, without the network: messages in, messages out.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "model/command.hpp"
#include "model/event.hpp"
#include "model/feed.hpp"
#include "model/view.hpp"
#include "publish/mqtt/home_assistant.hpp"
#include "publish/mqtt/outbox.hpp"
#include "publish/mqtt/settings.hpp"
#include "publish/mqtt/venus_topics.hpp"
#include "publish/rate_limit.hpp"
#include "publish/venus/writes.hpp"

namespace esshub::publish {

class MqttSession {
 public:
  /// Bytes of a message that is no feed (those: feed_message_bytes); a longer write is refused, a
  /// longer request of a client to read is not answered.
  static constexpr std::size_t longest_other = 4 * 1024;

  /// Accepted and refused writes go to `events`, accepted ones to `commands` with `who` as author.
  /// `house` as at the start: on_outlook() tells of another one. Without `feeds` none are heard.
  MqttSession(MqttSettings settings, const VenusIdentity& identity, std::string who,
              CommandSink commands, EventSink events, HouseFacts house = {}, FeedSink feeds = {});

  /// What the broker shall say when the connection is lost.
  [[nodiscard]] std::optional<MqttMessage> will() const;
  [[nodiscard]] std::vector<std::string> subscriptions() const;

  void on_connect(Instant now);
  void on_view(const View& view, Instant now);
  void on_outlook(Outlook outlook);
  /// Call it at least once a second.
  void on_timer(Instant now);
  /// `retained`: the message was kept by the broker or sent to be kept.
  void on_message(const std::string& topic, const std::string& payload, bool retained, Instant now);
  void on_stop(Instant now);

  [[nodiscard]] Outbox& outbox() { return outbox_; }

 private:
  using Asked = Result<std::optional<Command>>;
  [[nodiscard]] bool hears_feeds() const { return settings_.writes && feeds_; }
  /// False: its topic is not below those of feeds.
  [[nodiscard]] bool on_feed(const std::string& topic, const std::string& payload);
  void on_write(const std::string& topic, const std::string& payload, bool retained, Instant now);
  /// What became of a write, for the log and whoever sent it.
  void answer(const std::string& topic, const std::string& payload,
              const std::optional<std::string>& refused);
  [[nodiscard]] Asked ask(const std::string& topic, const std::string& payload, bool retained,
                          Instant now);

  const MqttSettings settings_;
  const std::string who_;
  const CommandSink commands_;
  const EventSink events_;
  const FeedSink feeds_;
  const std::string feed_topics_;  ///< what their names begin with
  Outbox outbox_;
  VenusTopics venus_;
  VenusWrites venus_writes_;
  HomeAssistant home_assistant_;
  RateLimit writes_{5, 10};
  std::optional<View> view_;
};

}  // namespace esshub::publish
