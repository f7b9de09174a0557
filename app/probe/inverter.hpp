// Asks an MK3 and the inverter behind it who they are; writes nothing, not even their settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/probe/conversation.hpp"
#include "app/probe/finding.hpp"
#include "protocol/vebus/handshake.hpp"
#include "protocol/vebus/mk3_frame.hpp"

namespace esshub::app {

struct InverterReport {
  std::optional<std::uint32_t> interface_version{};  ///< nothing: no MK3 answers
  bool answers = false;                              ///< the unit behind it does
  std::uint32_t firmware = 0;                        ///< 0: not told
  std::optional<std::string> rejection{};            ///< why the hub would not command it
  bool has_ess = false;
  std::optional<double> mains_voltage{};  ///< V at AC-in
  std::optional<double> mains_hertz{};    ///< nothing: no mains
  std::optional<std::uint8_t> alarms{};   ///< bits as in LED frames
  std::optional<std::uint8_t> error{};    ///< VE.Bus error; 0: none
  bool at_high_speed = false;             ///< the MK3 was found at 115200 baud
};

/// The hub's own handshake without its writes: version, address (which device the next reads are
/// for), firmware, scales, units, assistants; then the LEDs.
class InverterConversation final : public Conversation {
 public:
  /// `only_find`: no more than the MK3's version.
  explicit InverterConversation(std::uint8_t address, bool only_find = false)
      : address_(address), only_find_(only_find) {}

  std::vector<protocol::Bytes> on_start(Instant now) override;
  std::vector<protocol::Bytes> on_bytes(protocol::ByteView bytes, Instant at) override;
  std::vector<protocol::Bytes> on_timer(Instant now) override;
  [[nodiscard]] bool over() const override { return over_; }
  [[nodiscard]] InverterReport report() const;

 private:
  [[nodiscard]] protocol::vebus::Task task() const;
  [[nodiscard]] protocol::vebus::Message request(protocol::vebus::Letter letter);
  void on_message(const protocol::vebus::Message& message, Instant now);
  void on_reply(const protocol::vebus::Message& message);
  void skip_writes();
  void give_up();

  std::uint8_t address_;
  bool only_find_;
  protocol::mk3::Parser parser_;
  FrameCounters counters_;
  protocol::vebus::RequestIds letters_;
  protocol::vebus::Handshake handshake_;
  std::optional<protocol::vebus::Letter> asked_;  ///< the letter of the request under way
  Instant deadline_{};
  unsigned tries_ = 0;
  bool leds_known_ = false;
  bool over_ = false;
  InverterReport report_;
  std::optional<protocol::vebus::AcInfo> mains_;
};

[[nodiscard]] Findings judge_inverter(const std::string& bus, const InverterReport& report);

}  // namespace esshub::app
