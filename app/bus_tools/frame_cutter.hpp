// Cuts a raw byte stream where frames were found in it, losing none: what a capture file keeps.
#pragma once

#include <vector>

#include "model/time.hpp"
#include "protocol/bytes.hpp"

namespace esshub::app {

/// Bytes that belong together.
struct Packet {
  Instant at;  ///< when the last of them had arrived
  protocol::Bytes bytes;
};

class FrameCutter {
 public:
  void push(protocol::ByteView bytes, Instant at);
  /// The next frame found in the stream, as on the wire. It becomes a packet, and so does what
  /// stood before it.
  void found(protocol::ByteView frame, std::vector<Packet>& out);
  /// What is left becomes a packet: the line has been silent, or the capture ends.
  void flush(std::vector<Packet>& out);

 private:
  void cut(std::size_t length, std::vector<Packet>& out);

  protocol::Bytes bytes_;
  std::vector<Instant> at_;  // of each byte
};

}  // namespace esshub::app
