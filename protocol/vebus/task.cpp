#include "protocol/vebus/task.hpp"

#include <algorithm>
#include <variant>

namespace esshub::protocol::vebus {
namespace {

constexpr Duration letter_rest = 3s;

/// The Winmon reply that answers a task; nothing for interface commands.
std::optional<Code> reply_code(Task task) {
  switch (task) {
    case Task::firmware_low:
      return Code::firmware_low_is;
    case Task::firmware_high:
      return Code::firmware_high_is;
    case Task::scales:
      return Code::ram_info_is;
    case Task::records:
    case Task::check_record:
      return Code::ram_is;
    case Task::setpoint:
      return Code::ram_written;
    case Task::snapshot:
      return Code::snapshot_is;
    case Task::device_state:
      return Code::device_state_is;
    case Task::find_interface:
    case Task::select_address:
    case Task::settings:
    case Task::hardware_flags:
    case Task::units:
    case Task::switch_state:
    case Task::mains:
    case Task::leds:
    case Task::heartbeat:
    case Task::battery:
    case Task::input:
    case Task::keep_flags:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Duration reply_limit(Task task) {
  if (task == Task::find_interface) return 2s;  // it broadcasts by itself once a second
  if (task == Task::input) return 1200ms;       // F 5 may need over 750 ms (reference: vebus-mk3#2)
  return 500ms;  // measured 42 to 130 ms (reference: vebus-mk3#2); two more frames may come in
                 // between
}

bool is_response(Task task, Letter letter, bool half, const Message& message) {
  if (const auto wanted = reply_code(task)) {
    const auto* reply = std::get_if<Winmon>(&message);
    if (reply == nullptr || !reply->is_reply() || reply->letter != letter) return false;
    switch (reply->code) {
      case Code::unknown_command:
      case Code::ram_unsupported:
      case Code::setting_unsupported:
      case Code::access_denied:
        return true;
      case Code::ram_offset_is:
        return task == Task::scales && half;
      case Code::setting_written:
        return task == Task::setpoint;
      default:
        return reply->code == *wanted;
    }
  }
  switch (task) {
    case Task::find_interface:
    case Task::heartbeat:
      return std::holds_alternative<Version>(message);
    case Task::select_address:
      return std::holds_alternative<Address>(message);
    case Task::settings:
    case Task::switch_state:
      return std::holds_alternative<StateAck>(message);
    case Task::hardware_flags:
    case Task::keep_flags:
      return std::holds_alternative<HardwareFlags>(message);
    case Task::units:
    case Task::mains: {
      const auto* info = std::get_if<AcInfo>(&message);
      return info != nullptr && info->phase() == 1;
    }
    case Task::leds:
      return std::holds_alternative<Leds>(message);
    case Task::battery:
      return std::holds_alternative<DcInfo>(message);
    case Task::input:
      return std::holds_alternative<ConfigInfo>(message);
    case Task::firmware_low:
    case Task::firmware_high:
    case Task::scales:
    case Task::records:
    case Task::setpoint:
    case Task::snapshot:
    case Task::check_record:
    case Task::device_state:
      break;
  }
  return false;
}

std::optional<Letter> RequestIds::next(Instant now) {
  for (std::size_t tried = 0; tried < usable.size(); ++tried) {
    newest_ = (newest_ + 1) % usable.size();
    if (rests_until_[newest_] <= now) return usable[newest_];
  }
  return std::nullopt;
}

void RequestIds::rest(Letter letter, Instant now) {
  for (std::size_t i = 0; i < usable.size(); ++i)
    if (usable[i] == letter) rests_until_[i] = now + letter_rest;
}

Instant RequestIds::free_at() const {
  return *std::ranges::min_element(rests_until_);
}

}  // namespace esshub::protocol::vebus
