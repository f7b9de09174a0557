#include "sim/plant/wire.hpp"

#include <algorithm>

namespace esshub::sim {

protocol::Bytes Wire::damaged(protocol::ByteView bytes) {
  protocol::Bytes out;
  for (const auto byte : bytes) {
    switch (fault_.kind) {
      case FaultKind::none:
      case FaultKind::slow:
      case FaultKind::stuck:
        out.push_back(byte);
        break;
      case FaultKind::off:
      case FaultKind::unplug:
        break;
      case FaultKind::drop:
        if (!dice_.chance(fault_.percent)) out.push_back(byte);
        break;
      case FaultKind::garbage:
        if (!dice_.chance(fault_.percent)) {
          out.push_back(byte);
        } else {
          out.push_back(std::byte{dice_.byte()});
          if (dice_.chance(50.0)) out.push_back(byte);
        }
        break;
    }
  }
  return out;
}

/// Read at another speed: other characters, and another number of them.
protocol::Bytes Wire::garbled(protocol::ByteView bytes) {
  protocol::Bytes out;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (dice_.chance(50.0)) out.push_back(std::byte{dice_.byte()});
  return out;
}

void Wire::push(protocol::ByteView bytes, Instant now) {
  const auto sent = garbled_ ? damaged(garbled(bytes)) : damaged(bytes);
  if (sent.empty()) return;
  auto start = fault_.kind == FaultKind::slow ? now + fault_.delay : now;
  if (!flying_.empty()) start = std::max(start, flying_.back().at);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    auto at = start;
    if (settings_.baud != 0) {
      // From the burst's start, so that rounding does not add up.
      const auto bits = static_cast<std::int64_t>(i + 1) * settings_.bits_per_character;
      at += as_duration(std::chrono::nanoseconds{bits * 1'000'000'000 / settings_.baud});
    }
    flying_.push_back({sent[i], at, i + 1 == sent.size()});
  }
  find_next();
}

protocol::Bytes Wire::pop(Instant now) {
  protocol::Bytes out;
  if (flying_.empty() || flying_.front().at > now) return out;
  while (!flying_.empty() && flying_.front().at <= now) {
    out.push_back(flying_.front().byte);
    flying_.pop_front();
  }
  find_next();
  return out;
}

void Wire::find_next() {
  next_.reset();
  if (flying_.empty()) return;
  const auto latest = flying_.front().at + settings_.latency;
  for (const auto& flying : flying_) {
    if (flying.at > latest) break;
    next_ = flying.at;
    if (flying.ends_burst) break;
  }
}

void Wire::set_speeds(std::uint32_t sender, std::uint32_t receiver) {
  if (settings_.baud == 0) return;
  settings_.baud = sender;
  garbled_ = sender != receiver;
}

void Wire::set_fault(const BusFault& fault) {
  fault_ = fault;
  if (fault.kind == FaultKind::off || fault.kind == FaultKind::unplug) flying_.clear();
  find_next();
}

}  // namespace esshub::sim
