// Listener: makes transactions a person can read out of what is heard on a bus; never answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/bus_tools/frame_cutter.hpp"
#include "app/bus_tools/sniff_kind.hpp"
#include "model/time.hpp"
#include "protocol/bytes.hpp"
#include "protocol/pylontech/can_frame.hpp"

namespace esshub::app {

/// What became of a transaction.
enum class Outcome : std::uint8_t {
  ok,
  crc,         ///< the response came damaged
  exception,   ///< refused by the device
  unanswered,  ///< within a second, or before the next request
  unasked,     ///< a response whose request was not understood
  error,       ///< well framed, but not to be decoded, impossible, or a report of bus trouble
};
[[nodiscard]] std::string_view name(Outcome outcome);

/// One request with its response, or one frame where nobody asks.
struct Transaction {
  Instant at;       ///< when it was complete
  std::string who;  ///< "unit 1", "0x351", "ram_read": what the counts are kept by
  Outcome outcome;
  nlohmann::json fields;  ///< as `esshub decode` shows them; `after_ms`: from request to answer
};

struct CanPacket {
  Instant at;
  protocol::CanFrame frame;
};

/// What was heard: for the reader, and for the file.
struct Batch {
  std::vector<Transaction> transactions;
  std::vector<Packet> packets;         ///< serial lines but SLCAN: every byte once, in order
  std::vector<CanPacket> can_packets;  ///< CAN and SLCAN
};

/// Sums since the listener was made.
struct Counters {
  std::uint64_t bytes = 0;
  std::uint64_t frames = 0;       ///< with a right checksum (SLCAN: well formed)
  std::uint64_t frame_bytes = 0;  ///< in these frames
  std::uint64_t resyncs = 0;      ///< runs of bytes that were no frame
};

class Listener {
 public:
  virtual ~Listener() = default;
  [[nodiscard]] virtual Batch on_bytes(protocol::ByteView bytes, Instant at) = 0;
  /// Call it every 100 ms or so: silence ends what is incomplete.
  [[nodiscard]] virtual Batch on_timer(Instant now) = 0;
  /// What still waits for its end or its response.
  [[nodiscard]] virtual Batch finish() = 0;
  [[nodiscard]] virtual const Counters& tally() const = 0;
};

/// `kind` can: bytes are the kernel's 16-byte records.
[[nodiscard]] std::unique_ptr<Listener> make_listener(SniffKind kind);

[[nodiscard]] std::unique_ptr<Listener> make_modbus_listener();
[[nodiscard]] std::unique_ptr<Listener> make_mk3_listener();
[[nodiscard]] std::unique_ptr<Listener> make_slcan_listener();
[[nodiscard]] std::unique_ptr<Listener> make_can_listener();

}  // namespace esshub::app
