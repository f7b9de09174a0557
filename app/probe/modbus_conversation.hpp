// Asks the meters of an RS485 line, one request after the other, if no other master is heard.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "app/bus_tools/port_finder.hpp"
#include "app/probe/conversation.hpp"
#include "protocol/modbus/rtu.hpp"

namespace esshub::app {

struct ModbusAnswer {
  bool answered = false;        ///< with data or a refusal
  protocol::Bytes registers{};  ///< empty: refused, or no answer
  std::uint64_t noise = 0;      ///< bytes heard in its time that are no frame
};

struct ModbusPace {
  std::uint32_t baud = 9600;
  unsigned bits_per_character = 10;
  Duration patience = 300ms;  ///< from the request's last bit to the answer's first
  Duration gap = 60ms;        ///< between an answer and the next request
  unsigned tries = 3;         ///< of each request
  Duration listen{};          ///< for another master, before the first request
};

class ModbusConversation final : public Conversation {
 public:
  ModbusConversation(std::vector<protocol::modbus::RtuRequest> requests, ModbusPace pace);

  std::vector<protocol::Bytes> on_start(Instant now) override;
  std::vector<protocol::Bytes> on_bytes(protocol::ByteView bytes, Instant at) override;
  std::vector<protocol::Bytes> on_timer(Instant now) override;
  [[nodiscard]] bool over() const override { return over_; }

  /// One for each request, in order.
  [[nodiscard]] const std::vector<ModbusAnswer>& answers() const { return answers_; }
  /// Requests of somebody else were heard; nothing was sent then.
  [[nodiscard]] bool other_master() const { return other_master_; }

 private:
  [[nodiscard]] Duration wire_time(std::size_t characters) const;
  void take_frames(Instant at);
  void settle(Instant now);

  std::vector<protocol::modbus::RtuRequest> requests_;
  ModbusPace pace_;
  std::vector<ModbusAnswer> answers_;
  protocol::modbus::FrameScanner scanner_;
  std::size_t current_ = 0;
  unsigned tried_ = 0;
  bool asked_ = false;
  bool other_master_ = false;
  bool over_ = false;
  std::uint64_t heard_ = 0;  ///< bytes since it was sent
  Instant next_{};           ///< the end of the present wait
};

}  // namespace esshub::app
