// Listens on a serial line, to know who talks there by himself before anything is sent.
#pragma once

#include <cstdint>

#include "app/probe/conversation.hpp"
#include "model/health.hpp"
#include "protocol/modbus/rtu.hpp"
#include "protocol/pylontech/slcan.hpp"
#include "protocol/vebus/mk3_frame.hpp"

namespace esshub::app {

enum class Talker : std::uint8_t {
  nobody,
  mk3,           ///< its version frame, which comes once a second
  slcan,         ///< an adapter whose channel was left open: CAN frames
  other_master,  ///< requests to Modbus devices
  unknown,       ///< bytes, and none of these: another speed, or no device of the hub's
};

/// Never sends. Over after `patience`, or as soon as a device that the hub knows is heard.
class Listening final : public Conversation {
 public:
  explicit Listening(Duration patience) : patience_(patience) {}

  std::vector<protocol::Bytes> on_start(Instant now) override;
  std::vector<protocol::Bytes> on_bytes(protocol::ByteView bytes, Instant at) override;
  std::vector<protocol::Bytes> on_timer(Instant now) override;
  [[nodiscard]] bool over() const override { return late_ || mk3_ || slcan_; }
  [[nodiscard]] Talker talker() const;

 private:
  Duration patience_;
  Instant end_{};
  protocol::mk3::Parser mk3_frames_;
  FrameCounters counters_;
  protocol::SlcanReader slcan_lines_;
  protocol::modbus::FrameScanner modbus_frames_;
  bool heard_ = false;
  bool mk3_ = false;
  bool slcan_ = false;
  bool other_master_ = false;
  bool late_ = false;
};

}  // namespace esshub::app
