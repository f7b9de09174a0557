// CAN frames as SLCAN lines, kernel records and candump text, and the battery's messages in them.
#include <string>

#include "model/plausible.hpp"
#include "protocol/pylontech/can_frame.hpp"
#include "protocol/pylontech/can_messages.hpp"
#include "protocol/pylontech/slcan.hpp"
#include "tests/fuzz_targets/input.hpp"

namespace esshub::fuzz {
namespace {

using namespace protocol;

void check_message(const CanFrame& frame) {
  const auto message = pylontech::decode(frame);
  if (!message) return;
  promise(!frame.extended && !frame.remote && !frame.error, "only data frames are messages");
  const auto words = pylontech::samples(*message, frame.size, Instant{1s});
  for (const auto& field : words.impossible)
    promise(field.text.find(", accepted ") != std::string::npos, "it says what would be accepted");
  for (const auto& sample : words.samples) {
    promise(plausible(sample.channel).holds(sample.value), "nothing implausible becomes a sample");
    promise(sample.channel.point == Point::battery, "a battery's samples are the battery's");
  }
}

void check_frame(const CanFrame& frame) {
  promise(frame.size <= 8, "at most 8 bytes");
  promise(frame.id <= (frame.extended || frame.error ? 0x1FFFFFFFu : 0x7FFu),
          "a possible identifier");
  check_message(frame);
  (void)describe_error(frame);
  const auto record = decode_record(encode_record(frame));
  promise(record && *record == frame, "a frame survives its record");
  // A controller's report is neither extended nor remote, and its text cannot say so.
  if (frame.error && (frame.extended || frame.remote)) return;
  const auto text_again = parse_candump(to_text(frame));
  promise(text_again && *text_again == frame, "a frame survives its text");
}

void check_slcan(ByteView bytes) {
  SlcanReader whole;
  SlcanReader bytewise;
  const auto items = whole.feed(bytes);
  std::size_t n = 0;
  for (const std::byte& b : bytes) {
    for (const auto& item : bytewise.feed({&b, 1})) {
      promise(n < items.size() && items[n].index() == item.index(), "cuts do not matter");
      ++n;
    }
  }
  promise(n == items.size(), "cuts do not matter");
  for (const auto& item : items) {
    const auto* frame = std::get_if<CanFrame>(&item);
    if (frame == nullptr) continue;
    check_frame(*frame);
    const std::string line{text(encode_slcan(*frame))};
    const auto again = parse_slcan(line.substr(0, line.size() - 1));
    promise(again && *again == *frame, "a frame survives its line");
  }
}

}  // namespace
}  // namespace esshub::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace esshub::fuzz;
  Input input(data, size);
  switch (input.byte() % 3) {
    case 0:
      check_slcan(input.rest());
      break;
    case 1:
      if (const auto frame = decode_record(input.rest())) check_frame(*frame);
      break;
    case 2:
      if (const auto frame = parse_candump(text(input.rest()))) check_frame(*frame);
      break;
  }
  return 0;
}
