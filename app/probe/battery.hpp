// Listens to a battery on CAN, through an SLCAN adapter or SocketCAN, and judges what it says.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/probe/conversation.hpp"
#include "app/probe/finding.hpp"
#include "protocol/pylontech/can_driver.hpp"
#include "protocol/pylontech/can_messages.hpp"
#include "protocol/pylontech/slcan.hpp"

namespace esshub::app {

struct BatteryReport {
  bool adapter_answers = false;                ///< it said more than what was sent to it
  bool adapter_refuses = false;                ///< to open its channel
  std::map<std::uint32_t, unsigned> frames{};  ///< how many of each identifier
  Duration listened{};                         ///< since the channel was open
  bool needed_keep_alive = false;              ///< the whole set came only after 0x305
  std::optional<protocol::pylontech::Limits> limits{};
  std::optional<protocol::pylontech::StateOfCharge> state{};
  std::optional<protocol::pylontech::Measurement> measurement{};
  std::optional<protocol::pylontech::Alarms> alarms{};
  std::optional<unsigned> modules{};
  std::vector<std::string> impossible{};  ///< fields that cannot be true
  bool no_ack = false;                    ///< SocketCAN: nobody acknowledges what we send
  bool bus_off = false;                   ///< SocketCAN
  std::optional<protocol::SlcanStatus> status{};
  /// An SLCAN adapter for certain: a modem or a console ends lines as well, and may send back what
  /// it hears.
  [[nodiscard]] bool proven() const { return !frames.empty() || status; }
  /// What the hub cannot do without came.
  [[nodiscard]] bool complete() const { return limits && state && measurement && alarms; }
};

/// Opens an SLCAN adapter's channel and closes it again at the end; sends 0x305 if the battery
/// does not say everything by itself, as the hub does all the time, and never beside another
/// controller (`listen_only`).
class BatteryConversation final : public Conversation {
 public:
  explicit BatteryConversation(const protocol::PylontechConfig& config) : config_(config) {}

  std::vector<protocol::Bytes> on_start(Instant now) override;
  std::vector<protocol::Bytes> on_bytes(protocol::ByteView bytes, Instant at) override;
  std::vector<protocol::Bytes> on_timer(Instant now) override;
  [[nodiscard]] bool over() const override { return phase_ == Phase::over; }
  [[nodiscard]] const BatteryReport& report() const { return report_; }

 private:
  enum class Phase : std::uint8_t { opening, listening, asking, closing, over };
  [[nodiscard]] bool slcan() const { return config_.framing == protocol::CanFraming::slcan; }
  void on_frame(const protocol::CanFrame& frame);
  void on_item(const protocol::SlcanItem& item, Instant at, std::vector<protocol::Bytes>& send);
  [[nodiscard]] std::vector<protocol::Bytes> next(Instant now);
  [[nodiscard]] std::vector<protocol::Bytes> sent(std::vector<protocol::Bytes> commands);
  void enter(Phase phase, Instant now);

  protocol::PylontechConfig config_;
  Phase phase_ = Phase::opening;
  Instant since_{};   ///< of the phase
  Instant opened_{};  ///< the channel
  Instant keep_alive_at_{};
  protocol::SlcanOpening opening_;
  protocol::SlcanReader reader_;
  protocol::Bytes half_record_;
  protocol::Bytes sent_;              ///< all of it
  std::size_t echoed_ = 0;            ///< so much of it came back
  bool only_echo_ = true;             ///< and nothing else
  unsigned keep_alives_unheard_ = 0;  ///< that did not come back
  BatteryReport report_;
};

/// A SocketCAN interface as the kernel tells of it; nothing where it does not.
struct CanInterfaceFacts {
  std::optional<std::uint32_t> bit_rate{};
  bool listen_only = false;
  std::string state{};  ///< "error active", "error passive", "bus off", ...; empty: not told
  std::optional<unsigned> transmit_errors{};
  std::optional<unsigned> receive_errors{};
};

[[nodiscard]] Findings judge_battery(const std::string& bus,
                                     const protocol::PylontechConfig& config,
                                     const BatteryReport& report,
                                     const std::optional<CanInterfaceFacts>& interface = {});

}  // namespace esshub::app
