// What the VE.Bus driver asks for, how long a response may take and which message is the response.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "model/time.hpp"
#include "protocol/vebus/messages.hpp"

namespace esshub::protocol::vebus {

enum class Task : std::uint8_t {
  // handshake, in this order (reference: vebus-mk3#11)
  find_interface,
  select_address,
  settings,
  hardware_flags,
  firmware_low,
  firmware_high,
  scales,
  units,
  records,
  // running
  switch_state,
  setpoint,
  snapshot,
  mains,
  leds,
  heartbeat,
  check_record,
  device_state,
  battery,
  input,
  keep_flags,
};

[[nodiscard]] constexpr Task after(Task task) {
  return static_cast<Task>(static_cast<unsigned>(task) + 1);
}
[[nodiscard]] constexpr bool is_handshake(Task task) {
  return task < Task::switch_state;
}
[[nodiscard]] constexpr bool is_poll(Task task) {
  return task > Task::setpoint;
}
[[nodiscard]] constexpr bool reads_power(Task task) {
  return task == Task::snapshot || task == Task::check_record;
}
/// Without a response the handshake goes on: an MK2 knows no 'H', and the version is for the log.
[[nodiscard]] constexpr bool is_optional(Task task) {
  return task == Task::hardware_flags || task == Task::firmware_low || task == Task::firmware_high;
}

/// From the request's last bit to the reply's last.
[[nodiscard]] Duration reply_limit(Task task);

/// Whether the message is the reply to this task, asked with this letter, a refusal included.
/// `half` true: the first half of a split scale has come, the other one is wanted.
[[nodiscard]] bool is_response(Task task, Letter letter, bool half, const Message& message);

/// Hands out the letters that pair Winmon replies with their requests.
class RequestIds {
 public:
  /// The next letter whose reply is not still owed; nothing where all of them are.
  [[nodiscard]] std::optional<Letter> next(Instant now);
  /// A reply that comes after its request was given up carries only its letter: until it cannot
  /// come any more the letter is not used again, or it would be taken for the reply to another.
  void rest(Letter letter, Instant now);
  /// When the first of them may be used again.
  [[nodiscard]] Instant free_at() const;

 private:
  static constexpr std::array usable{Letter::x, Letter::y, Letter::z};
  std::size_t newest_ = usable.size() - 1;
  std::array<Instant, usable.size()> rests_until_{};
};

}  // namespace esshub::protocol::vebus
