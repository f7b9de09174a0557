// Pylontech's RS485 frames in a stream, and the answers in them.
#include <cmath>
#include <vector>

#include "model/enums.hpp"
#include "protocol/pylontech/rs485_messages.hpp"
#include "tests/fuzz_targets/input.hpp"

namespace esshub::fuzz {
namespace {

using namespace protocol::pylontech_rs485;
using protocol::Bytes;
using protocol::ByteView;

void check_answer(ByteView frame, std::uint8_t address) {
  for (const CommandCode command : enum_values<CommandCode>) {
    for (const bool whole_stack : {false, true}) {
      const Rs485Request request{command, address, whole_stack};
      const auto answer = decode_response(frame, request);
      if (!answer) continue;
      const auto written = encode_response(request, *answer);
      const auto again = decode_response(written, request);
      promise(again && encode_response(request, *again) == written, "an answer survives its frame");
      const auto* analog = std::get_if<Analog>(&*answer);
      if (analog == nullptr) continue;
      for (const auto& module : analog->modules) {
        for (const auto& sample : samples(module, Point::battery, Instant{1s}))
          promise(std::isfinite(sample.value), "samples are numbers");
      }
    }
  }
}

void check_stream(ByteView bytes) {
  FrameReader whole;
  FrameReader bytewise;
  const auto found = whole.feed(bytes);
  std::vector<Bytes> again;
  for (const std::byte& b : bytes) {
    for (auto& frame : bytewise.feed({&b, 1})) again.push_back(std::move(frame));
  }
  promise(found == again, "cuts do not matter");
  for (const auto& bytes_of_frame : found) {
    promise(bytes_of_frame.size() <= longest_frame, "a frame has an end");
    const auto frame = decode_frame(bytes_of_frame);
    promise(frame.has_value() == (check(bytes_of_frame) == ReturnCode::ok), "one judgement");
    if (!frame) continue;
    (void)request_of(*frame);
    check_answer(bytes_of_frame, frame->address);
  }
}

}  // namespace
}  // namespace esshub::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace esshub::fuzz;
  Input input(data, size);
  if (input.byte() % 2 == 0) {
    check_stream(input.rest());
  } else {  // one answer, checksums right
    const auto code = input.byte();
    const auto info = input.take(most_info / 2);
    const Bytes frame = encode_frame({.cid2 = code, .info = {info.begin(), info.end()}});
    promise((frame.empty()) == (code == 0x94 || code == 0x95), "no limits, no switching off");
    check_answer(frame, 2);
  }
  return 0;
}
