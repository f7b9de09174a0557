#include "publish/mqtt/session.hpp"

#include <algorithm>
#include <utility>

#include "model/enums.hpp"

namespace esshub::publish {
namespace {

constexpr auto component = "mqtt";
constexpr Duration late = 2s;  // no View for so long: the last one is shown as it ages

}  // namespace

MqttSession::MqttSession(MqttSettings settings, const VenusIdentity& identity, std::string who,
                         CommandSink commands, EventSink events, HouseFacts house, FeedSink feeds)
    : settings_(std::move(settings)),
      who_(std::move(who)),
      commands_(std::move(commands)),
      events_(std::move(events)),
      feeds_(std::move(feeds)),
      feed_topics_(settings_.names.prefix + '/' + identity.portal_id + "/feed/"),
      outbox_(settings_.buffer),
      venus_(identity),
      home_assistant_(settings_.names, settings_.writes, identity.portal_id, identity.site_name,
                      identity.version, std::move(house)) {}

std::optional<MqttMessage> MqttSession::will() const {
  if (!settings_.home_assistant) return std::nullopt;
  return home_assistant_.will();
}

std::vector<std::string> MqttSession::subscriptions() const {
  std::vector<std::string> topics;
  if (settings_.venus) topics = venus_.subscriptions();
  if (settings_.home_assistant)
    for (auto& topic : home_assistant_.subscriptions()) topics.push_back(std::move(topic));
  if (hears_feeds()) topics.push_back(feed_topics_ + '+');
  return topics;
}

void MqttSession::on_connect(Instant now) {
  outbox_.clear();  // what waited for the connection before is old
  if (settings_.home_assistant) home_assistant_.on_connect(outbox_);
  if (settings_.venus) venus_.on_connect(outbox_);
  if (view_) on_view(*view_, now);
}

void MqttSession::on_view(const View& view, Instant now) {
  view_ = view;
  // A View that has waited ages like its readings do (I10).
  view_->now = std::max(view.now, now);
  if (settings_.venus) venus_.on_view(*view_, now, outbox_);
  if (settings_.home_assistant) home_assistant_.on_view(*view_, now, outbox_);
}

void MqttSession::on_outlook(Outlook outlook) {
  if (settings_.home_assistant) home_assistant_.on_outlook(std::move(outlook), outbox_);
}

void MqttSession::on_timer(Instant now) {
  if (view_ && now - view_->now >= late) on_view(View{*view_}, now);
  if (settings_.venus) venus_.on_timer(now, outbox_);
}

void MqttSession::on_message(const std::string& topic, const std::string& payload, bool retained,
                             Instant now) {
  if (on_feed(topic, payload)) return;
  const bool too_long = payload.size() > longest_other;
  if (settings_.venus && topic.starts_with("R/")) {
    if (!too_long) venus_.on_read(topic, payload, now, outbox_);
    return;
  }
  if (settings_.home_assistant && home_assistant_.on_status(topic, payload, outbox_)) {
    if (view_) on_view(*view_, now);
    return;
  }
  if (too_long) {
    answer(
        topic, payload,
        std::to_string(payload.size()) + " bytes, " + std::to_string(longest_other) + " at most");
    return;
  }
  on_write(topic, payload, retained, now);
}

/// What is kept by the broker is welcome: it says itself when it was said, and until when it holds.
/// An empty one is handed on too: somebody takes back what the broker kept.
bool MqttSession::on_feed(const std::string& topic, const std::string& payload) {
  if (!hears_feeds() || !topic.starts_with(feed_topics_)) return false;
  const auto kind = enum_named<FeedKind>(topic.substr(feed_topics_.size()));
  if (kind)
    feeds_(*kind, payload, who_ + ' ' + topic);
  else if (!payload.empty())
    events_(component, {Level::warning, "write_refused",
                        "who=" + log_quoted(who_) + " topic=" + log_quoted(topic) + " reason=" +
                            log_quoted("no such feed: import_price, export_price or solar")});
  return true;
}

void MqttSession::on_stop(Instant now) {
  if (settings_.venus) venus_.on_stop(now, outbox_);
  if (settings_.home_assistant) home_assistant_.on_stop(outbox_);
}

void MqttSession::on_write(const std::string& topic, const std::string& payload, bool retained,
                           Instant now) {
  // An emptied topic is a client that takes its retained message back.
  if (payload.empty() && retained) return;
  const auto asked = ask(topic, payload, retained, now);
  if (!asked) return answer(topic, payload, asked.error().detail);
  if (*asked)
    if (const auto done = commands_(**asked, who_); !done)
      return answer(topic, payload, done.error().detail);
  answer(topic, payload, std::nullopt);
}

void MqttSession::answer(const std::string& topic, const std::string& payload,
                         const std::optional<std::string>& refused) {
  const auto said =
      "who=" + log_quoted(who_) + " topic=" + log_quoted(topic) + " payload=" + log_quoted(payload);
  if (home_assistant_.is_control(topic)) home_assistant_.on_answer(topic, payload, refused);
  if (refused)
    events_(component, {Level::warning, "write_refused", said + " reason=" + log_quoted(*refused)});
  else
    events_(component, {Level::info, "write_accepted", said});
}

MqttSession::Asked MqttSession::ask(const std::string& topic, const std::string& payload,
                                    bool retained, Instant now) {
  if (!settings_.writes) return fail(ErrorKind::refused, "writes are off (mqtt.writes)");
  if (retained)
    return fail(ErrorKind::refused, "retained: it would be obeyed again at every new connection");
  if (!writes_.take(now)) return fail(ErrorKind::invalid, "more than 5 a second");
  if (home_assistant_.is_control(topic)) return home_assistant_.on_control(topic, payload);
  const auto write = venus_.parse_write(topic, payload);
  if (!write) return tl::unexpected<Error>(write.error());
  if (!view_) return fail(ErrorKind::invalid, "nothing is known of the house yet");
  return venus_writes_.write(write->service, write->path, write->value, *view_, now)
      .map([](const Command& command) { return std::optional{command}; });
}

}  // namespace esshub::publish
