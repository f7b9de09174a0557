#include <chrono>
#include <optional>
#include <utility>

#include "app/bus_tools/decode.hpp"
#include "app/bus_tools/listener.hpp"
#include "protocol/modbus/rtu.hpp"

namespace esshub::app {
namespace {

namespace modbus = protocol::modbus;
using nlohmann::json;
using protocol::Bytes;
using protocol::ByteView;

/// Longer than a USB adapter holds bytes back, and than a frame pauses at any speed.
constexpr Duration silence_limit = 200ms;
constexpr Duration response_timeout = 1s;

/// A decoder each time: what it remembers of damaged frames must not colour the next ones.
json decoded(ByteView request, ByteView response = {}) {
  return make_modbus_decoder()->line(protocol::to_hex(request) + protocol::to_hex(response));
}

std::string unit_of(ByteView frame) {
  return "unit " + std::to_string(protocol::read_u8(frame, 0));
}

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

class ModbusListener final : public Listener {
 public:
  Batch on_bytes(ByteView bytes, Instant at) override {
    tally_.bytes += bytes.size();
    last_byte_ = at;
    scanner_.push(bytes, at);
    cutter_.push(bytes, at);
    Batch out;
    collect(out);
    return out;
  }

  Batch on_timer(Instant now) override {
    Batch out;
    if (!last_byte_ || now - *last_byte_ < silence_limit) return out;
    end_of_frames(out);
    if (request_ && now - request_->at >= response_timeout) {
      scanner_.abandon();
      give_up(now, out);
    }
    return out;
  }

  Batch finish() override {
    Batch out;
    if (last_byte_) end_of_frames(out);
    return out;
  }

  const Counters& tally() const override { return tally_; }

 private:
  struct PendingRequest {
    Bytes bytes;
    Instant at;
  };

  void end_of_frames(Batch& out) {
    scanner_.silence();
    collect(out);
    cutter_.flush(out.packets);
  }

  void collect(Batch& out) {
    while (const auto frame = scanner_.next()) {
      if (frame->kind != modbus::ScannedFrame::Kind::damaged) {
        ++tally_.frames;
        tally_.frame_bytes += frame->bytes.size();
        cutter_.found(frame->bytes, out.packets);
      }
      hear(*frame, frame->at, out);
    }
    tally_.resyncs = scanner_.resyncs();
  }

  void hear(const modbus::ScannedFrame& frame, Instant at, Batch& out) {
    const auto add = [&](Outcome outcome, json fields) {
      if (const auto request = std::exchange(request_, {}); request && at > request->at)
        fields["after_ms"] = milliseconds(at - request->at);
      out.transactions.push_back({at, unit_of(frame.bytes), outcome, std::move(fields)});
    };
    const bool asked = request_ && frame.request;
    switch (frame.kind) {
      case modbus::ScannedFrame::Kind::request:
        give_up(at, out);
        request_ = {frame.bytes, at};
        return;
      case modbus::ScannedFrame::Kind::response:
        if (!asked) return add(Outcome::unasked, decoded(frame.bytes));
        return add(Outcome::ok, answered(frame));
      case modbus::ScannedFrame::Kind::exception:
        if (!asked) return add(Outcome::unasked, decoded(frame.bytes));
        return add(Outcome::exception, decoded(request_->bytes, frame.bytes));
      case modbus::ScannedFrame::Kind::damaged: {
        json fields = request_ ? decoded(request_->bytes) : json::object();
        fields["error"] = "checksum";
        fields["detail"] = "CRC of the answer " + protocol::to_hex(frame.bytes) + " is wrong";
        return add(Outcome::crc, std::move(fields));
      }
    }
  }

  [[nodiscard]] json answered(const modbus::ScannedFrame& frame) const {
    json fields = decoded(request_->bytes, frame.bytes);
    // What was written stands in the request alone.
    if (frame.request->function == modbus::write_registers)
      fields["written"] = protocol::to_hex(frame.request->data);
    return fields;
  }

  void give_up(Instant at, Batch& out) {
    const auto request = std::exchange(request_, {});
    if (!request) return;
    out.transactions.push_back(
        {at, unit_of(request->bytes), Outcome::unanswered, decoded(request->bytes)});
  }

  modbus::FrameScanner scanner_;
  FrameCutter cutter_;
  std::optional<PendingRequest> request_;  ///< the one whose response the scanner awaits
  std::optional<Instant> last_byte_;
  Counters tally_;
};

}  // namespace

std::unique_ptr<Listener> make_modbus_listener() {
  return std::make_unique<ModbusListener>();
}

}  // namespace esshub::app
