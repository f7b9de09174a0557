// Modbus frames in a stream: master, listener and slave.
#include <limits>

#include "protocol/modbus/rtu.hpp"
#include "tests/fuzz_targets/input.hpp"

namespace esshub::fuzz {
namespace {

using namespace protocol::modbus;
using protocol::Bytes;
using protocol::ByteView;

class Watched {
 public:
  explicit Watched(FrameScanner::Role hears) : scanner_(hears) {}

  void push(ByteView bytes) {
    pushed_ += bytes.size();
    scanner_.push(bytes);
    drain();
  }
  void silence() {
    scanner_.silence();
    drain();
  }
  void restart(const RtuRequest& request) {
    if (decode_request(encode(request))) scanner_.restart(request);
  }
  void abandon() { scanner_.abandon(); }

 private:
  void drain() {
    while (const auto frame = scanner_.next()) check(*frame);
    promise(taken_ + scanner_.skipped() <= pushed_, "no byte is used twice");
  }

  void check(const ScannedFrame& frame) {
    const bool damaged = frame.kind == ScannedFrame::Kind::damaged;
    promise(crc_ok(frame.bytes) != damaged, "the CRC of a frame is right, unless it is damaged");
    if (damaged) return;
    taken_ += frame.bytes.size();
    if (frame.kind == ScannedFrame::Kind::request) {
      promise(frame.request.has_value(), "a request is known");
      const auto again = decode_request(frame.bytes);
      if (again) promise(encode(*again) == frame.bytes, "a request can be written as it was read");
    } else if (frame.request) {
      promise(is_response(frame.bytes, *frame.request), "an answer answers its request");
    }
  }

  FrameScanner scanner_;
  std::size_t pushed_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace
}  // namespace esshub::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace esshub::fuzz;
  Input input(data, size);
  Watched scanner(input.byte() % 2 == 0 ? FrameScanner::Role::everything
                                        : FrameScanner::Role::server);
  while (!input.empty()) {
    switch (input.byte() % 5) {
      case 0:
        scanner.push(input.take(input.byte()));
        break;
      case 1:
        scanner.silence();
        break;
      case 2:
        scanner.restart({.unit = input.byte(),
                         .function = input.byte(),
                         .start = input.word(),
                         .count = input.byte()});
        break;
      case 3:
        scanner.abandon();
        break;
      case 4: {  // a sealed frame
        const ByteView content = input.take(input.byte());
        Bytes frame(content.begin(), content.end());
        esshub::protocol::put_u16_le(frame, crc16(frame));
        scanner.push(frame);
        break;
      }
    }
  }
  return 0;
}
