// The inverter's replies as samples and events; an impossible value is a fault of the frame.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "model/fault.hpp"
#include "protocol/driver.hpp"
#include "protocol/vebus/handshake.hpp"
#include "protocol/vebus/messages.hpp"

namespace esshub::protocol::vebus {

/// Knows of the inverter what must be compared with the next reply. What cannot be is no sample and
/// counts as `content`.
class SampleDecoder {
 public:
  /// The load on AC-out is known without its own word as well: AC-in less converter.
  enum class Taken : std::uint8_t { all, all_but_ac_out, none };
  /// Raw words in the order of `ids`, at least as many. What cannot be is not taken, nor is
  /// anything beside it, unless it is the load on AC-out.
  [[nodiscard]] static Taken on_ram_values(const Scales& scales, std::span<const std::uint8_t> ids,
                                           std::span<const std::uint16_t> raw, Instant now,
                                           Step& step);
  void on_mains(const AcInfo& info, const Scales& scales, Instant now, Step& step,
                FrameCounters& frames);
  void on_leds(const Leds& leds, Instant now, Step& step);
  void on_input(const ConfigInfo& info, Instant now, Step& step);
  static void on_battery(const DcInfo& info, const Scales& scales, Instant now, Step& step,
                         FrameCounters& frames);
  static void on_device_state(const Winmon& reply, Instant now, Step& step);
  /// A switch command was acknowledged: what kept it off is to be told anew.
  void on_switched() { off_by_remote_ = false; }

  /// Off by its switch register, which the hub writes at the islanded cut-off.
  [[nodiscard]] bool switched_off() const { return state_ == VebusState::off && off_by_remote_; }
  /// By an earlier run of the hub, and the mains are back: nobody else would undo that. Never true
  /// in a power cut.
  [[nodiscard]] bool left_off() const { return switched_off() && mains_present_; }

  /// What the inverter has warned of within the last 30 s, by LED or flag, blinking or on. So long
  /// because a warning may be over before anybody looks, and comes back with the next load.
  [[nodiscard]] FaultFlags warnings(Instant now) const;
  /// A new handshake with the same unit: what it said is to be told anew, what it warned of stands.
  void begin_anew();

 private:
  std::optional<VebusState> state_;
  bool mains_present_ = false;
  bool off_by_remote_ = false;  // by the switch register of since it is off
  std::optional<std::uint8_t> alarms_;
  std::optional<std::uint8_t> error_;
  EnumArray<VebusAlarm, std::optional<Instant>> warned_at_;
};

}  // namespace esshub::protocol::vebus
