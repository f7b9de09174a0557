// What `esshub sniff` makes of any bytes: every one of them is kept once, in order.
#include "app/bus_tools/listener.hpp"
#include "tests/fuzz_targets/input.hpp"

namespace esshub::fuzz {
namespace {

using protocol::Bytes;
using protocol::ByteView;

class Watched {
 public:
  explicit Watched(std::unique_ptr<app::Listener> listener) : listener_(std::move(listener)) {}

  void hear(ByteView bytes, Instant at) {
    given_.insert(given_.end(), bytes.begin(), bytes.end());
    check(listener_->on_bytes(bytes, at), at);
  }
  void wake(Instant now) { check(listener_->on_timer(now), now); }
  void finish(Instant now, bool keeps_bytes) {
    check(listener_->finish(), now);
    if (keeps_bytes) promise(kept_ == given_, "every byte once, in order");
    promise(listener_->tally().bytes == given_.size(), "every byte is counted");
    promise(listener_->tally().frame_bytes <= given_.size(), "frames are made of bytes");
  }

 private:
  void check(const app::Batch& heard, Instant now) {
    for (const auto& transaction : heard.transactions) {
      promise(transaction.at <= now, "nothing from the future");
      promise(!transaction.who.empty(), "a transaction is somebody's");
      (void)transaction.fields.dump();  // throws where text is not UTF-8
    }
    for (const auto& packet : heard.packets) {
      promise(!packet.bytes.empty(), "no empty packet");
      kept_.insert(kept_.end(), packet.bytes.begin(), packet.bytes.end());
    }
  }

  std::unique_ptr<app::Listener> listener_;
  Bytes given_;
  Bytes kept_;
};

}  // namespace
}  // namespace esshub::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace esshub;
  fuzz::Input input(data, size);
  constexpr std::unique_ptr<app::Listener> (*makers[])() = {
      app::make_modbus_listener, app::make_mk3_listener, app::make_slcan_listener};
  const std::size_t kind = input.byte() % std::size(makers);
  fuzz::Watched listener(makers[kind]());
  Instant now{1000s};
  while (!input.empty()) {
    now += 5ms * input.byte();
    if (input.byte() % 4 == 0) {
      listener.wake(now);
    } else {
      listener.hear(input.take(input.byte()), now);
    }
  }
  listener.finish(now, kind != 2);
  return 0;
}
