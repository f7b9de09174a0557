#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "app/bus_tools/decode.hpp"
#include "app/bus_tools/listener.hpp"
#include "protocol/vebus/messages.hpp"

namespace esshub::app {
namespace {

namespace mk3 = protocol::mk3;
namespace vebus = protocol::vebus;
using nlohmann::json;
using protocol::Bytes;
using protocol::ByteView;

constexpr Duration response_timeout = 1s;

/// True if `response` is what `request` asks for. Several requests may be under way; what is no
/// request has no response.
struct Matches {
  const vebus::Message& response;

  template <class T>
  [[nodiscard]] bool is() const {
    return std::holds_alternative<T>(response);
  }
  bool operator()(const vebus::VersionRequest&) const { return is<vebus::Version>(); }
  bool operator()(const vebus::Address&) const { return is<vebus::Address>(); }
  bool operator()(const vebus::LedRequest&) const { return is<vebus::Leds>(); }
  bool operator()(const vebus::StateSet&) const { return is<vebus::StateAck>(); }
  bool operator()(const vebus::HardwareFlags&) const { return is<vebus::HardwareFlags>(); }
  bool operator()(const vebus::InfoRequest& request) const {
    if (request.what == vebus::InfoRequest::dc) return is<vebus::DcInfo>();
    if (request.what == vebus::InfoRequest::config) return is<vebus::ConfigInfo>();
    const auto* info = std::get_if<vebus::AcInfo>(&response);
    return info && info->phase() == request.what;
  }
  bool operator()(const vebus::Winmon& request) const {
    const auto* reply = std::get_if<vebus::Winmon>(&response);
    return reply && reply->is_reply() && reply->letter == request.letter;
  }
  template <class T>
  bool operator()(const T&) const {
    return false;
  }
};

/// True if the message awaits a response. Those whose echo looks like the request (address,
/// hardware flags) come here only when none of their kind is under way.
struct Asks {
  bool operator()(const vebus::VersionRequest&) const { return true; }
  bool operator()(const vebus::Address&) const { return true; }
  bool operator()(const vebus::LedRequest&) const { return true; }
  bool operator()(const vebus::StateSet&) const { return true; }
  bool operator()(const vebus::HardwareFlags& message) const { return !message.flags; }
  bool operator()(const vebus::InfoRequest&) const { return true; }
  bool operator()(const vebus::Winmon& message) const { return !message.is_reply(); }
  template <class T>
  bool operator()(const T&) const {
    return false;
  }
};

class Mk3Listener final : public Listener {
 public:
  Batch on_bytes(ByteView bytes, Instant at) override {
    tally_.bytes += bytes.size();
    last_byte_ = at;
    parser_.push(bytes);
    cutter_.push(bytes, at);
    Batch out;
    collect(at, out);
    return out;
  }

  Batch on_timer(Instant now) override {
    Batch out;
    if (last_byte_ && now - *last_byte_ >= mk3::frame_gap) end_of_frames(*last_byte_, out);
    while (!requests_.empty() && now - requests_.front().at >= response_timeout) {
      auto& late = requests_.front();
      out.transactions.push_back({now, std::move(late.who), Outcome::unanswered, late.fields});
      requests_.erase(requests_.begin());
    }
    return out;
  }

  Batch finish() override {
    Batch out;
    if (last_byte_) end_of_frames(*last_byte_, out);
    return out;
  }

  const Counters& tally() const override { return tally_; }

 private:
  struct PendingRequest {
    Instant at;
    std::string who;
    vebus::Message message;
    json fields;
  };

  void end_of_frames(Instant at, Batch& out) {
    parser_.give_up_waiting();
    collect(at, out);
    cutter_.flush(out.packets);
  }

  void collect(Instant at, Batch& out) {
    while (const auto frame = parser_.next(counters_)) {
      const Bytes bytes = mk3::encode(*frame);
      ++tally_.frames;
      tally_.frame_bytes += bytes.size();
      cutter_.found(bytes, out.packets);
      hear(*frame, bytes, at, out);
    }
    tally_.resyncs = counters_[FrameResult::checksum] + counters_[FrameResult::resync];
  }

  void hear(const mk3::Frame& frame, const Bytes& bytes, Instant at, Batch& out) {
    json fields = decoder_->line(protocol::to_hex(bytes));
    const auto message = vebus::decode(frame);
    if (!message || fields.contains("error")) {
      out.transactions.push_back({at, "?", Outcome::error, std::move(fields)});
      return;
    }
    std::string who = fields.value("kind", "?");
    const auto asked = std::ranges::find_if(requests_, [&](const PendingRequest& request) {
      return std::visit(Matches{*message}, request.message);
    });
    if (asked != requests_.end()) {
      const bool refused = who == "exception";
      fields["request"] = asked->fields;
      if (at > asked->at)
        fields["after_ms"] = std::chrono::duration<double, std::milli>(at - asked->at).count();
      out.transactions.push_back(
          {at, asked->who, refused ? Outcome::exception : Outcome::ok, std::move(fields)});
      requests_.erase(asked);
    } else if (std::visit(Asks{}, *message)) {
      requests_.push_back({at, std::move(who), *message, std::move(fields)});
    } else {
      const auto* winmon = std::get_if<vebus::Winmon>(&*message);
      const auto outcome = winmon && winmon->is_reply() ? Outcome::unasked : Outcome::ok;
      out.transactions.push_back({at, std::move(who), outcome, std::move(fields)});
    }
  }

  mk3::Parser parser_;
  FrameCutter cutter_;
  FrameCounters counters_;
  std::unique_ptr<LineDecoder> decoder_ = make_mk3_decoder();
  std::vector<PendingRequest> requests_;  // oldest first
  std::optional<Instant> last_byte_;
  Counters tally_;
};

}  // namespace

std::unique_ptr<Listener> make_mk3_listener() {
  return std::make_unique<Mk3Listener>();
}

}  // namespace esshub::app
