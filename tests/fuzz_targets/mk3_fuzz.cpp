// MK2/MK3 frames in a stream, and the VE.Bus messages in them.
#include <cmath>
#include <vector>

#include "protocol/vebus/messages.hpp"
#include "tests/fuzz_targets/input.hpp"

namespace esshub::fuzz {
namespace {

using namespace protocol;

std::vector<mk3::Frame> frames(mk3::Parser& parser) {
  std::vector<mk3::Frame> out;
  FrameCounters counters;
  while (auto frame = parser.next(counters)) out.push_back(std::move(*frame));
  promise(counters[FrameResult::ok] == out.size(), "every frame is counted");
  return out;
}

void check_message(const mk3::Frame& frame) {
  const auto message = vebus::decode(frame);
  if (!message) return;
  const auto again = vebus::decode(vebus::frame(*message));
  promise(again && *again == *message, "a message survives its frame");
  if (const auto* winmon = std::get_if<vebus::Winmon>(&*message)) {
    (void)vebus::words(*winmon);
    (void)vebus::decode_setting_info(*winmon);
    (void)vebus::decode_device_state(*winmon);
    (void)vebus::decode_firmware(*winmon);
    (void)vebus::decode_written(*winmon);
    if (const auto info = vebus::decode_ram_info(*winmon)) {
      const auto scale = vebus::scale_of(*info);
      promise(!scale || std::isfinite(scale->value(0xFFFF)), "a scale gives numbers");
      if (scale) (void)vebus::frequency(*scale, 0x80);
    }
  }
}

void check_stream(ByteView bytes) {
  mk3::Parser whole;
  whole.push(bytes);
  const auto found = frames(whole);
  mk3::Parser bytewise;
  std::vector<mk3::Frame> again;
  for (const std::byte& b : bytes) {
    bytewise.push({&b, 1});
    for (auto& frame : frames(bytewise)) again.push_back(std::move(frame));
  }
  promise(found == again, "cuts do not matter");
  for (const auto& frame : found) {
    const auto copy = mk3::decode(mk3::encode(frame));
    promise(copy && *copy == frame, "a frame survives its bytes");
    check_message(frame);
  }
  whole.give_up_waiting();
  for (const auto& frame : frames(whole)) check_message(frame);
}

}  // namespace
}  // namespace esshub::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace esshub::fuzz;
  Input input(data, size);
  if (input.byte() % 2 == 0) {
    check_stream(input.rest());
  } else {  // one frame, checksum right
    const auto type = input.byte();
    const auto payload = input.take(36);
    check_message({.type = type, .payload = {payload.begin(), payload.end()}});
  }
  return 0;
}
