#include "protocol/modbus/sniffer.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "protocol/modbus/meter_decoder.hpp"
#include "protocol/modbus/rtu.hpp"

namespace esshub::protocol {
namespace {

using modbus::RtuRequest;
using modbus::ScannedFrame;

constexpr Duration heartbeat = 1s;
constexpr Duration current_for = 10s;  // what was heard longer ago is not heard
// Silence that no adapter's latency timer (16 ms) makes inside a frame.
constexpr Duration cut_after = 50ms;
constexpr Duration expires_after = 1s;  // a request without a response
constexpr Duration doubted_for = 2s;
// A damaged request among the bytes skipped would be at least about that long; a line without bias
// gives shorter noise.
constexpr std::uint64_t may_hide_a_request = modbus::request_size - 2;

struct Meter {
  explicit Meter(const MeterConfig& config) : values(config, ModbusMode::sniff) {}

  MeterDecoder values;
  std::optional<Instant> asked_at;
  std::optional<Instant> responded_at;
  Instant doubted_until{};
  bool lost = false;
};

/// The request whose response is awaited.
struct Open {
  RtuRequest request;
  Instant at;
  std::uint64_t skipped;  // bytes, before it
};

/// The response to one could pass for the response to the other.
bool confusable(const RtuRequest& a, const RtuRequest& b) {
  return a.unit == b.unit && a.function == b.function && a.count == b.count && a.start != b.start;
}

class ModbusSniffer final : public Driver {
 public:
  explicit ModbusSniffer(ModbusConfig config) : config_(std::move(config)) { reset({}); }

  Step on_start(Instant now) override {
    reset(now);
    running_ = true;
    Step step;
    step.wake_at = now + heartbeat;
    return step;
  }

  Step on_bytes(ByteView bytes, Instant now) override {
    Step step;
    if (!running_) return step;
    const Duration busy = wire_time(bytes.size());
    health_.wire_busy += busy;
    pass_time(now - busy, step);
    scanner_.push(bytes, now);
    heard_at_ = now;
    drain(step);
    judge_health(now);
    return step;
  }

  Step on_timer(Instant now) override {
    Step step;
    if (!running_) return step;
    pass_time(now, step);
    for (auto& meter : meters_) look_for(meter, now, step);
    judge_health(now);
    step.wake_at = now + heartbeat;
    return step;
  }

  void on_down(Instant now) override {
    reset(now);
    running_ = false;
  }

  [[nodiscard]] const DriverHealth& health() const override { return health_; }

 private:
  [[nodiscard]] Duration wire_time(std::size_t bytes) const {
    return config_.wire_time(static_cast<double>(bytes));
  }

  /// The meter of this unit, or none.
  Meter* of_unit(std::uint8_t unit) {
    for (Meter& meter : meters_)
      if (meter.values.config().unit == unit) return &meter;
    return nullptr;
  }

  void reset(Instant now) {
    meters_.clear();
    for (const auto& meter : config_.meters) meters_.emplace_back(meter);
    scanner_.restart(std::nullopt);
    open_.reset();
    started_at_ = now;
    frame_at_.reset();
    judge_health(now);
  }

  /// The line has been silent from the last byte until now.
  void pass_time(Instant now, Step& step) {
    if (now - heard_at_ > cut_after) {
      scanner_.silence();
      drain(step);
    }
    if (open_ &&
        now - open_->at > expires_after + wire_time(modbus::response_size(open_->request))) {
      health_.frames.add(FrameResult::timeout);
      scanner_.abandon();
      open_.reset();
    }
  }

  // ---- hearing ----------------------------------------------------------------------------------
  void drain(Step& step) {
    const auto resyncs = scanner_.resyncs();
    while (const auto frame = scanner_.next()) hear(*frame, step);
    for (auto n = resyncs; n < scanner_.resyncs(); ++n) health_.frames.add(FrameResult::resync);
  }

  void hear(const ScannedFrame& frame, Step& step) {
    switch (frame.kind) {
      case ScannedFrame::Kind::request:
        hear_request(frame);
        break;
      case ScannedFrame::Kind::response:
      case ScannedFrame::Kind::exception:
        if (frame.request) {  // the one that is open: both are set and forgotten together
          hear_response(frame, step);
        } else {
          health_.frames.add(FrameResult::unknown);
        }
        break;
      case ScannedFrame::Kind::damaged:
        health_.frames.add(FrameResult::checksum);
        open_.reset();
        return;
    }
    frame_at_ = frame.at;
  }

  void hear_request(const ScannedFrame& frame) {
    if (open_) health_.frames.add(FrameResult::timeout);
    if (Meter* meter = of_unit(frame.request->unit)) {
      meter->asked_at = frame.at;
      if (open_ && confusable(open_->request, *frame.request)) {
        // The next answer may still be to the request before, and the one after it too.
        meter->doubted_until = frame.at + doubted_for;
        meter->values.reset_validation();
      }
    }
    open_ = Open{.request = *frame.request, .at = frame.at, .skipped = scanner_.skipped()};
  }

  void hear_response(const ScannedFrame& frame, Step& step) {
    const Open open = *std::exchange(open_, std::nullopt);
    health_.round_trip.add(frame.at - open.at + wire_time(modbus::request_size));
    Meter* const meter = of_unit(open.request.unit);
    if (meter) meter->responded_at = frame.at;
    const auto registers = modbus::decode_response(frame.bytes, open.request);
    if (!registers) {
      health_.frames.add(FrameResult::exception);
    } else if (scanner_.skipped() - open.skipped >= may_hide_a_request) {
      health_.frames.add(FrameResult::unknown);
    } else if (meter && frame.at < meter->doubted_until) {
      health_.frames.add(FrameResult::late);
    } else {
      health_.frames.add(FrameResult::ok);
      if (meter) take(*meter, open.request, *registers, frame.at, step);
    }
  }

  void take(Meter& meter, const RtuRequest& request, ByteView registers, Instant at, Step& step) {
    const modbus::Block block{request.start, request.count, Duration::zero()};
    const auto& type = modbus::row_of(meter.values.config().model).system_type;
    if (request.function == modbus::read_input) {
      (void)meter.values.take(block, registers, at, step, health_.frames);
    } else if (request.function == modbus::read_holding && type &&
               block.start == type->block.start && block.count == type->block.count) {
      (void)meter.values.take_system_type(registers, step, health_.frames);
    }
  }

  // ---- health -----------------------------------------------------------------------------------
  [[nodiscard]] bool current(const std::optional<Instant>& at, Instant now) const {
    return at && now - *at <= current_for;
  }

  /// A meter that has not answered for long may come back as another one.
  void look_for(Meter& meter, Instant now, Step& step) const {
    const bool there = current(meter.responded_at, now) || now - started_at_ <= current_for;
    if (!there && !meter.lost) {
      meter.values.lose();
      step.events.push_back(meter.values.event(Level::warning, "meter_lost",
                                               " reason=" + log_quoted(absence(meter, now))));
    }
    meter.lost = !there;
  }

  void judge_health(Instant now) {
    health_.trouble.clear();
    health_.faults = {};
    if (meters_.empty()) health_.trouble = "no meter is configured on this bus";
    const bool silent = now - started_at_ > current_for && !current(frame_at_, now);
    if (silent) {
      health_.trouble =
          "no other master is heard on this line: check that it polls, the A and B "
          "wires and that both use " +
          std::to_string(config_.baud) + " baud";
    }
    for (const auto& meter : meters_) {
      if (meter.values.frozen()) health_.faults.set(Fault::grid_meter_frozen, true);
      if (silent) continue;  // says it all
      const std::string what = trouble_of(meter, now);
      if (what.empty()) continue;
      if (!health_.trouble.empty()) health_.trouble += "; ";
      health_.trouble += meter.values.label() + " " + what;
    }
    health_.ready = health_.trouble.empty();
  }

  [[nodiscard]] std::string trouble_of(const Meter& meter, Instant now) const {
    const auto& values = meter.values;
    if (!values.rejection_reason().empty()) return values.rejection_reason();
    if (values.frozen()) {
      return "has repeated the same registers for 10 s: switch it off and on again";
    }
    const auto phase = values.phase_without_power(now - current_for);
    if (!phase) return {};
    if (now - started_at_ <= current_for) return "has not been heard yet";
    if (!current(meter.responded_at, now)) return "is not heard: " + absence(meter, now);
    if (!values.order_known()) {
      return "cannot be believed: the other master never asks for its voltage, which proves the "
             "order of its words";
    }
    if (!values.type_known()) {
      return "cannot be believed: the other master never asks for the voltage of phase 2 or 3, "
             "which proves its system type";
    }
    return "shows no power on phase " + std::to_string(*phase) +
           " that can be believed, or the other master never asks for it";
  }

  [[nodiscard]] std::string absence(const Meter& meter, Instant now) const {
    const std::string unit = "unit " + std::to_string(meter.values.config().unit);
    if (!meter.asked_at) return "the other master never asks " + unit;
    if (!current(meter.asked_at, now)) return "the other master no longer asks " + unit;
    return unit + " does not answer the other master";
  }

  ModbusConfig config_;
  std::vector<Meter> meters_;
  modbus::FrameScanner scanner_;
  std::optional<Open> open_;
  Instant started_at_{};
  Instant heard_at_{};  // the last byte
  std::optional<Instant> frame_at_;
  bool running_ = false;
  DriverHealth health_;
};

}  // namespace

std::unique_ptr<Driver> make_modbus_sniffer(ModbusConfig config) {
  return std::make_unique<ModbusSniffer>(std::move(config));
}

}  // namespace esshub::protocol
