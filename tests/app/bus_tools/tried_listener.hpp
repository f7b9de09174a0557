// Everything a listener makes of what it is given, for the tests of each kind.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <utility>
#include <vector>

#include "app/bus_tools/listener.hpp"

namespace esshub::app {

constexpr Instant start{1000s};

struct TriedListener {
  explicit TriedListener(SniffKind kind) : listener(make_listener(kind)) {}

  void hear(protocol::ByteView bytes, Duration at) { add(listener->on_bytes(bytes, start + at)); }
  void wait(Duration until) { add(listener->on_timer(start + until)); }
  void finish() { add(listener->finish()); }
  [[nodiscard]] std::vector<Outcome> outcomes() const {
    std::vector<Outcome> all;
    for (const auto& each : heard.transactions) all.push_back(each.outcome);
    return all;
  }
  [[nodiscard]] protocol::Bytes kept() const {
    protocol::Bytes all;
    for (const auto& packet : heard.packets)
      all.insert(all.end(), packet.bytes.begin(), packet.bytes.end());
    return all;
  }

  std::unique_ptr<Listener> listener;
  Batch heard;

 private:
  void add(Batch more) {
    for (auto& each : more.transactions) heard.transactions.push_back(std::move(each));
    for (auto& each : more.packets) heard.packets.push_back(std::move(each));
    for (auto& each : more.can_packets) heard.can_packets.push_back(each);
  }
};

}  // namespace esshub::app
