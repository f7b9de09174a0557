// WireTap: what arrived at the hub's ports, decoded without the hub's drivers: the yardstick for
// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "protocol/bytes.hpp"
#include "protocol/vebus/mk3_frame.hpp"
#include "sim/plant/fault.hpp"

namespace esshub::sim::storm {

/// A reply on the meters' line, taken to answer the newest request.
struct MeterReply {
  std::uint8_t unit = 0;
  unsigned start = 0;
  std::vector<float> values;  ///< of two registers each

  /// The number that begins at this register, if it is in the reply.
  [[nodiscard]] std::optional<double> at(unsigned reg) const {
    if (reg < start || (reg - start) % 2 != 0) return std::nullopt;
    const std::size_t i = (reg - start) / 2;
    return i < values.size() ? std::optional<double>{values[i]} : std::nullopt;
  }
};

/// A frame of the battery's CAN bus.
struct CanWords {
  unsigned id = 0;
  std::size_t size = 0;
  std::array<std::uint8_t, 8> data{};

  [[nodiscard]] unsigned u16(std::size_t i) const { return data[i] | unsigned{data[i + 1]} << 8; }
  [[nodiscard]] int s16(std::size_t i) const { return static_cast<std::int16_t>(u16(i)); }
};
/// Of 0x359: BmsFlag bits, with `unknown` for those without a name.
[[nodiscard]] std::uint32_t protections(const CanWords& frame);
[[nodiscard]] std::uint32_t warnings(const CanWords& frame);

/// A frame of the inverter's interface.
struct InterfaceFrame {
  std::string command;  ///< "W", "20"
  protocol::Bytes bytes;
};

class WireTap {
 public:
  struct Heard {
    std::function<void(const MeterReply&)> meter;
    std::function<void(const CanWords&)> bms;
    std::function<void(const InterfaceFrame&)> inverter;
  };
  explicit WireTap(Heard heard) : heard_(std::move(heard)) {}

  void on_sent(Bus bus, protocol::ByteView bytes);
  void on_received(Bus bus, protocol::ByteView bytes);

 private:
  struct Request {
    std::uint8_t unit;
    unsigned start;
    unsigned count;
  };
  void find_reply();
  void on_line(const std::string& line);

  Heard heard_;
  std::optional<Request> request_;
  protocol::Bytes meters_;
  std::string slcan_;
  protocol::mk3::Parser parser_;
  FrameCounters counters_;
};

}  // namespace esshub::sim::storm
