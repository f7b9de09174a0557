// Conversation: one side of an exchange on an open line, which only reads. Pure.
#pragma once

#include <vector>

#include "model/time.hpp"
#include "protocol/bytes.hpp"

namespace esshub::app {

class Conversation {
 public:
  virtual ~Conversation() = default;
  /// Each returns what to send now, in order. The line is open:
  [[nodiscard]] virtual std::vector<protocol::Bytes> on_start(Instant now) = 0;
  /// `at`: when the last of them arrived.
  [[nodiscard]] virtual std::vector<protocol::Bytes> on_bytes(protocol::ByteView bytes,
                                                              Instant at) = 0;
  /// Call it every 20 ms or so.
  [[nodiscard]] virtual std::vector<protocol::Bytes> on_timer(Instant now) = 0;
  /// There is nothing more to ask or to wait for.
  [[nodiscard]] virtual bool over() const = 0;
};

}  // namespace esshub::app
