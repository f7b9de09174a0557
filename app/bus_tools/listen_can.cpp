#include <algorithm>
#include <utility>

#include "app/bus_tools/decode.hpp"
#include "app/bus_tools/listener.hpp"
#include "protocol/pylontech/slcan.hpp"

namespace esshub::app {
namespace {

using nlohmann::json;
using protocol::ByteView;
using protocol::CanFrame;

/// What CAN frames become, whichever way they came.
class CanHearing {
 public:
  void hear(const CanFrame& frame, std::size_t wire_bytes, Instant at, Batch& out) {
    ++tally.frames;
    tally.frame_bytes += wire_bytes;
    json fields = decoder_->line(protocol::to_text(frame));
    const auto outcome = frame.error || fields.contains("error") ? Outcome::error : Outcome::ok;
    std::string who = frame.error ? "bus" : fields.value("id", "?");
    out.transactions.push_back({at, std::move(who), outcome, std::move(fields)});
    out.can_packets.push_back({at, frame});
  }
  void refuse(const protocol::DecodeError& error, Instant at, Batch& out) {
    ++tally.resyncs;
    out.transactions.push_back(
        {at, "line", Outcome::error, {{"error", name(error.kind)}, {"detail", error.detail}}});
  }

  Counters tally;

 private:
  std::unique_ptr<LineDecoder> decoder_ = make_can_decoder();
};

class SlcanListener final : public Listener {
 public:
  Batch on_bytes(ByteView bytes, Instant at) override {
    Batch out;
    hearing_.tally.bytes += bytes.size();
    for (const auto& item : reader_.feed(bytes)) {
      // What the adapter says of itself is no traffic.
      if (const auto* frame = std::get_if<CanFrame>(&item))
        hearing_.hear(*frame, protocol::encode_slcan(*frame).size(), at, out);
      if (const auto* error = std::get_if<protocol::DecodeError>(&item))
        hearing_.refuse(*error, at, out);
    }
    return out;
  }
  Batch on_timer(Instant) override { return {}; }
  Batch finish() override { return {}; }
  const Counters& tally() const override { return hearing_.tally; }

 private:
  protocol::SlcanReader reader_;
  CanHearing hearing_;
};

class CanListener final : public Listener {
 public:
  Batch on_bytes(ByteView bytes, Instant at) override {
    Batch out;
    hearing_.tally.bytes += bytes.size();
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), record_size))) {
      const auto frame = protocol::decode_record(bytes.first(std::min(bytes.size(), record_size)));
      if (frame) {
        hearing_.hear(*frame, record_size, at, out);
      } else {
        hearing_.refuse(frame.error(), at, out);
      }
    }
    return out;
  }
  Batch on_timer(Instant) override { return {}; }
  Batch finish() override { return {}; }
  const Counters& tally() const override { return hearing_.tally; }

 private:
  static constexpr std::size_t record_size = protocol::can_record_size;

  CanHearing hearing_;
};

}  // namespace

std::unique_ptr<Listener> make_slcan_listener() {
  return std::make_unique<SlcanListener>();
}
std::unique_ptr<Listener> make_can_listener() {
  return std::make_unique<CanListener>();
}

}  // namespace esshub::app
