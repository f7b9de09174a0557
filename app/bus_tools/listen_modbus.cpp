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
constexpr Duration answer_limit = 1s;

/// A decoder each time: what it remembers of damaged frames must not colour the next ones.
json decoded(ByteView question, ByteView answer = {}) {
  return make_modbus_decoder()->line(protocol::to_hex(question) + protocol::to_hex(answer));
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
    if (question_ && now - question_->at >= answer_limit) {
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
  struct Question {
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
      if (frame->kind != modbus::Frame::Kind::damaged) {
        ++tally_.frames;
        tally_.frame_bytes += frame->bytes.size();
        cutter_.found(frame->bytes, out.packets);
      }
      hear(*frame, frame->at, out);
    }
    tally_.resyncs = scanner_.resyncs();
  }

  void hear(const modbus::Frame& frame, Instant at, Batch& out) {
    const auto add = [&](Outcome outcome, json fields) {
      if (const auto question = std::exchange(question_, {}); question && at > question->at)
        fields["after_ms"] = milliseconds(at - question->at);
      out.transactions.push_back({at, unit_of(frame.bytes), outcome, std::move(fields)});
    };
    const bool asked = question_ && frame.request;
    switch (frame.kind) {
      case modbus::Frame::Kind::request:
        give_up(at, out);
        question_ = {frame.bytes, at};
        return;
      case modbus::Frame::Kind::answer:
        if (!asked) return add(Outcome::unasked, decoded(frame.bytes));
        return add(Outcome::ok, answered(frame));
      case modbus::Frame::Kind::exception:
        if (!asked) return add(Outcome::unasked, decoded(frame.bytes));
        return add(Outcome::exception, decoded(question_->bytes, frame.bytes));
      case modbus::Frame::Kind::damaged: {
        json fields = question_ ? decoded(question_->bytes) : json::object();
        fields["error"] = "checksum";
        fields["detail"] = "CRC of the answer " + protocol::to_hex(frame.bytes) + " is wrong";
        return add(Outcome::crc, std::move(fields));
      }
    }
  }

  [[nodiscard]] json answered(const modbus::Frame& frame) const {
    json fields = decoded(question_->bytes, frame.bytes);
    // What was written stands in the question alone.
    if (frame.request->function == modbus::write_registers)
      fields["written"] = protocol::to_hex(frame.request->data);
    return fields;
  }

  void give_up(Instant at, Batch& out) {
    const auto question = std::exchange(question_, {});
    if (!question) return;
    out.transactions.push_back(
        {at, unit_of(question->bytes), Outcome::unanswered, decoded(question->bytes)});
  }

  modbus::FrameScanner scanner_;
  FrameCutter cutter_;
  std::optional<Question> question_;  ///< the one whose answer the scanner awaits
  std::optional<Instant> last_byte_;
  Counters tally_;
};

}  // namespace

std::unique_ptr<Listener> make_modbus_listener() {
  return std::make_unique<ModbusListener>();
}

}  // namespace esshub::app
