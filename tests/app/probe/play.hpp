// Plays a conversation against a simulated device in virtual time, without the wire between them.
#pragma once

#include <optional>

#include "app/probe/conversation.hpp"
#include "sim/plant/device.hpp"

namespace esshub::tests {

struct Played {
  Duration took{};
  protocol::Bytes sent;  ///< by the conversation, all of it
};

/// Until it is over, two minutes at most.
inline Played play(app::Conversation& conversation, sim::Device& device) {
  constexpr Instant begin{1h};
  Instant now = begin;
  Played played;
  std::optional<Instant> wake_at;
  std::vector<protocol::Bytes> to_device;
  const auto hear = [&](const protocol::Step& step) {
    if (step.wake_at) wake_at = step.wake_at;
    for (const auto& bytes : step.send)
      for (auto& answer : conversation.on_bytes(bytes, now)) to_device.push_back(std::move(answer));
  };
  hear(device.on_start(now));
  for (auto& bytes : conversation.on_start(now)) to_device.push_back(std::move(bytes));
  while (!conversation.over() && now - begin < 2min) {
    while (!to_device.empty()) {
      const auto bytes = std::move(to_device.front());
      to_device.erase(to_device.begin());
      played.sent.insert(played.sent.end(), bytes.begin(), bytes.end());
      hear(device.on_bytes(bytes, now));
    }
    now += 5ms;
    if (wake_at && *wake_at <= now) {
      wake_at.reset();
      hear(device.on_timer(now));
    }
    for (auto& bytes : conversation.on_timer(now)) to_device.push_back(std::move(bytes));
  }
  for (const auto& bytes : to_device)
    played.sent.insert(played.sent.end(), bytes.begin(), bytes.end());
  played.took = now - begin;
  return played;
}

}  // namespace esshub::tests
