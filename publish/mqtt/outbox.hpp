// Outbox: messages that wait for the broker; of each topic only the newest, and never too many.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace esshub::publish {

struct MqttMessage {
  std::string topic;
  std::string payload;
  bool retain = false;
  friend bool operator==(const MqttMessage&, const MqttMessage&) = default;
};

class Outbox {
 public:
  /// Holds at most `most` messages; of more the oldest are lost.
  explicit Outbox(std::size_t most) : most_(most) {}

  /// Takes the place of an earlier message of the same topic, behind all others.
  void push(MqttMessage message) {
    if (const auto found = places_.find(message.topic); found != places_.end()) {
      messages_.erase(found->second);
      places_.erase(found);
    } else if (messages_.size() >= most_) {
      ++dropped_;
      static_cast<void>(pop());
    }
    messages_.push_back(std::move(message));
    places_[messages_.back().topic] = std::prev(messages_.end());
  }

  /// The one that has waited longest; nothing when empty.
  [[nodiscard]] std::optional<MqttMessage> pop() {
    if (messages_.empty()) return std::nullopt;
    std::optional<MqttMessage> message{std::move(messages_.front())};
    places_.erase(message->topic);
    messages_.pop_front();
    return message;
  }

  void clear() {
    messages_.clear();
    places_.clear();
  }
  [[nodiscard]] bool empty() const { return messages_.empty(); }
  [[nodiscard]] std::size_t size() const { return messages_.size(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  std::size_t most_;
  std::list<MqttMessage> messages_;
  std::unordered_map<std::string, std::list<MqttMessage>::iterator> places_;
  std::uint64_t dropped_ = 0;
};

}  // namespace esshub::publish
