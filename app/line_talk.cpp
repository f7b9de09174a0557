#include "app/line_talk.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include "app/bus_tools/ear.hpp"

namespace esshub::app {
namespace {

constexpr Duration look = 20ms;
/// A port that was closed a moment ago may still count as held.
constexpr Duration settling = 150ms;
constexpr unsigned most_opens = 3;

Instant now() {
  return std::chrono::steady_clock::now();
}

/// Nothing once it is up.
std::optional<std::string> wait_until_up(Ear& ear, Instant end) {
  while (!ear.up()) {
    if (auto reason = ear.down()) return reason;
    if (now() >= end) return "the line does not open: no answer from it";
    ear.wait(look);
  }
  return std::nullopt;
}

std::optional<std::string> run(Ear& ear, Conversation& conversation, Instant end) {
  const auto send = [&ear](std::vector<protocol::Bytes> frames) {
    for (auto& frame : frames) ear.write(std::move(frame));
  };
  send(conversation.on_start(now()));
  while (!conversation.over()) {
    ear.wait(look);
    for (const auto& chunk : ear.take()) send(conversation.on_bytes(chunk.bytes, chunk.at));
    send(conversation.on_timer(now()));
    if (auto reason = ear.down()) return reason;
    if (now() >= end) return "it takes too long";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> talk(transport::IoThread& io, const transport::LineSettings& line,
                                Conversation& conversation, Duration limit) {
  const auto end = now() + limit;
  std::optional<std::string> reason;
  for (unsigned opened = 0; opened < most_opens; ++opened) {
    if (opened > 0) std::this_thread::sleep_for(settling);
    Ear ear{io.context(), line};
    reason = wait_until_up(ear, end);
    if (!reason) {
      reason = run(ear, conversation, end);
      break;
    }
  }
  std::this_thread::sleep_for(settling);
  return reason;
}

}  // namespace esshub::app
