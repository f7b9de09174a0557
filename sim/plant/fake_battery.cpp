#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/pylontech/can_frame.hpp"
#include "protocol/pylontech/can_messages.hpp"
#include "protocol/pylontech/slcan.hpp"
#include "sim/plant/device.hpp"

namespace esshub::sim {
namespace {

using namespace protocol;
using namespace protocol::pylontech;

constexpr Duration first_burst = 500ms;
constexpr Duration burst_period = 1s;
/// How often a stack that waits for 0x305 sends its only frame (reference: pylontech-can#2.1).
constexpr Duration waiting_period = 1500ms;
constexpr std::size_t longest_command = 32;
constexpr double module_ah = 50.0;

unsigned whole_percent(double percent) {
  return static_cast<unsigned>(std::floor(std::clamp(percent, 0.0, 100.0)));
}

class FakeBattery final : public Device {
 public:
  FakeBattery(const BatteryTruth& truth, FakeBatteryOptions options)
      : truth_(truth), options_(options) {}

  /// The wire is connected. The adapter's channel stays as it was left: open, perhaps.
  protocol::Step on_start(Instant now) override {
    started_ = now;
    next_burst_ = now + first_burst;
    command_.clear();
    protocol::Step step;
    step.wake_at = next_burst_;
    return step;
  }

  protocol::Step on_bytes(std::span<const std::byte> bytes, Instant) override {
    protocol::Step step;
    for (const std::byte b : bytes) {
      const char c = static_cast<char>(u8(b));
      if (c != '\r') {
        if (command_.size() <= longest_command) command_.push_back(c);
        continue;
      }
      execute(std::exchange(command_, {}), step);
    }
    return step;
  }

  protocol::Step on_timer(Instant now) override {
    protocol::Step step;
    if (!next_burst_) return step;
    if (now >= *next_burst_) {
      send_burst(step, now);
      const Duration period = talks_fully() ? burst_period : waiting_period;
      while (*next_burst_ <= now) *next_burst_ += period;
    }
    step.wake_at = next_burst_;
    return step;
  }

  void on_down(Instant) override { next_burst_.reset(); }

  [[nodiscard]] const DriverHealth& health() const override { return health_; }

 private:
  enum class Channel : std::uint8_t { closed, listening, open };

  // ---- the adapter (reference: pylontech-can#7) ------------------------------------------------

  void execute(const std::string& command, protocol::Step& step) {
    if (command.empty()) return;
    const bool done = command.size() <= longest_command && obey(command, step);
    health_.frames.add(done ? FrameResult::ok : FrameResult::exception);
    if (!done && options_.transmit_ack) step.send.push_back(to_bytes("\a"));
  }

  /// The CR that accepts a command; an adapter without answers accepts in silence.
  bool accept(protocol::Step& step, std::string_view response = "") {
    if (options_.transmit_ack || !response.empty())
      step.send.push_back(to_bytes(std::string(response) + "\r"));
    return true;
  }

  /// False if refused: unknown, malformed, or at the wrong moment.
  bool obey(const std::string& command, protocol::Step& step) {
    const bool closed = channel_ == Channel::closed;
    switch (command.front()) {
      case 'S':
      case 's':
        if (!closed || command.size() < 2) return false;
        speed_set_ = true;
        return accept(step);
      case 'O':
        if (!closed || !speed_set_) return false;
        channel_ = Channel::open;
        return accept(step);
      case 'L':
        if (!closed || !speed_set_) return false;
        channel_ = Channel::listening;
        return accept(step);
      case 'C':
        if (closed) return false;
        channel_ = Channel::closed;
        return accept(step);
      case 'Z':
        if (!closed || (command != "Z0" && command != "Z1")) return false;
        time_stamps_ = command == "Z1";
        return accept(step);
      case 'M':
      case 'm':
        return closed && command.size() == 9 && accept(step);
      case 'F':
        return !closed && accept(step, "F00");
      case 'V':
        return accept(step, "V1013");
      case 'N':
        return accept(step, "NE550");
      case 't':
      case 'T':
      case 'r':
      case 'R':
        return channel_ == Channel::open && transmit(command, step);
      default:
        return false;
    }
  }

  bool transmit(const std::string& command, protocol::Step& step) {
    const auto frame = parse_slcan(command);
    if (!frame) return false;
    // Any content will do: controllers in the field differ (reference: pylontech-can#2.1).
    if (!frame->extended && frame->id == id::keep_alive) keep_alive_seen_ = true;
    return accept(step, options_.transmit_ack ? (frame->extended ? "Z" : "z") : "");
  }

  // ---- the stack
  // ----------------------------------------------------------------------------------

  [[nodiscard]] bool talks_fully() const { return keep_alive_seen_ || !options_.needs_keep_alive; }

  void send_burst(protocol::Step& step, Instant now) {
    const auto send = [&](const CanFrame& frame) { receive(frame, step, now); };
    const Alarms alarms{truth_.protections, truth_.warnings, truth_.modules, options_.profile_13};
    send(encode(alarms));
    if (!talks_fully()) return;
    send(encode(Limits{truth_.cvl, truth_.ccl, truth_.dcl, truth_.dvl}));
    send(encode(StateOfCharge{truth_.told_soc_percent
                                  ? static_cast<unsigned>(*truth_.told_soc_percent)
                                  : whole_percent(truth_.soc_percent),
                              whole_percent(truth_.soh_percent)}));
    const Celsius told{truth_.told_celsius.value_or(truth_.temperature.value())};
    send(encode(Measurement{truth_.voltage, truth_.current, told}));
    if (options_.profile_13) {
      const double ah = truth_.modules * module_ah * truth_.soc_percent / 100.0;
      send(encode(Product{0x494C, {1, 3}, static_cast<unsigned>(ah)}));
    } else {
      send(encode(Requests{request_bits(truth_)}));
    }
    send(encode(Maker{"PYLON"}));
  }

  /// The adapter hands a frame from the bus on, if its channel is open.
  void receive(const CanFrame& frame, protocol::Step& step, Instant now) {
    if (channel_ == Channel::closed) return;
    Bytes line = encode_slcan(frame);
    if (time_stamps_) {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - started_).count();
      Bytes stamp;
      put_u16_be(stamp, static_cast<unsigned>(ms % 60000));
      line.pop_back();
      const Bytes digits = to_bytes(to_hex(stamp) + "\r");
      line.insert(line.end(), digits.begin(), digits.end());
    }
    step.send.push_back(std::move(line));
  }

  const BatteryTruth& truth_;
  FakeBatteryOptions options_;
  DriverHealth health_;
  Instant started_{};
  std::optional<Instant> next_burst_;
  std::string command_;
  Channel channel_ = Channel::closed;
  bool speed_set_ = false;
  bool time_stamps_ = false;
  bool keep_alive_seen_ = false;
};

}  // namespace

std::unique_ptr<Device> make_fake_battery(const BatteryTruth& truth, FakeBatteryOptions options) {
  return std::make_unique<FakeBattery>(truth, options);
}

}  // namespace esshub::sim
