#include "protocol/pylontech/rs485_driver.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <string>
#include <utility>
#include <variant>

#include "protocol/frame_result.hpp"
#include "protocol/pylontech/can_messages.hpp"
#include "protocol/pylontech/rs485_messages.hpp"

namespace esshub::protocol {
namespace {

using namespace pylontech_rs485;

constexpr Duration first_back_off = 1s;
constexpr Duration last_back_off = 10s;
constexpr Duration noise_limit = 1s;  // a babbling line delays a request no longer than this
constexpr std::size_t longest_response = 200;  // characters, of one module
constexpr double bits_per_character = 10;      // 8N1
/// What is said of the stack was true of every module within this time: a sweep may drag on where
/// wake-ups come late or the line is noisy, and modules that changed meanwhile make no whole.
constexpr Duration longest_sweep = 60s;

/// What every module is asked, in this order.
constexpr std::array commands{CommandCode::analog, CommandCode::alarms};

/// How one request to one module fares.
struct Inquiry {
  bool answered = false;
  unsigned failures = 0;         // in a row
  std::uint64_t losses = 0;      // failed probes since it was lost; 0 = not lost
  std::string rejection_reason;  // the last failure was this answer
  Duration back_off = first_back_off;
  Instant not_before{};
  [[nodiscard]] bool lost() const { return losses > 0; }
};

/// What an event told of a module; at first nothing is wrong.
struct Told {
  std::uint32_t protections = 0;
  std::uint32_t warnings = 0;
  bool charge_switch = true;
  bool discharge_switch = true;
  friend bool operator==(const Told&, const Told&) = default;
};

struct ModuleState {
  std::array<Inquiry, commands.size()> inquiries;
  std::optional<Reading<CellRange>> cells;  // of this sweep
  Told told;
  std::optional<Duration> late_by;  // its newest response after it was given up
};

struct InFlight {
  Rs485Request request;
  Bytes sent;
  Instant asked_at;
  Instant deadline;
  bool echoed = false;
  std::size_t heard = 0;  // bytes since
};

std::string on_off(bool on) {
  return on ? "on" : "off";
}

class PylontechRs485Driver final : public Driver {
 public:
  explicit PylontechRs485Driver(PylontechRs485Config config) : config_(config) {
    assert(config_.sweep_period > Duration::zero());
    config_.modules = std::min<unsigned>(config_.modules, max_modules);
    health_.trouble = "the line is down";
  }

  Step on_start(Instant now) override {
    reset();
    running_ = true;
    send_at_ = now + config_.gap;
    noise_until_ = now + noise_limit;
    sweep_at_ = now;
    judge_health();
    Step step;
    plan(now, step);
    return step;
  }

  Step on_bytes(ByteView bytes, Instant now) override {
    Step step;
    if (!running_) return step;
    if (in_flight_ && now > in_flight_->deadline) expire(now, step);
    health_.wire_busy += wire_time(bytes.size());
    if (in_flight_) {
      in_flight_->heard += bytes.size();
    } else {
      send_at_ = std::min(std::max(send_at_, now + config_.gap), noise_until_);
    }
    const auto resyncs = reader_.resyncs();
    for (const auto& frame : reader_.feed(bytes)) hear(frame, now, step);
    for (auto n = resyncs; n < reader_.resyncs(); ++n) health_.frames.add(FrameResult::resync);
    plan(now, step);
    return step;
  }

  Step on_timer(Instant now) override {
    Step step;
    if (!running_) return step;
    if (in_flight_ && now >= in_flight_->deadline) expire(now, step);
    plan(now, step);
    return step;
  }

  void on_down(Instant) override {
    running_ = false;
    health_.ready = false;
    health_.trouble = "the line is down";
  }

  [[nodiscard]] const DriverHealth& health() const override { return health_; }

 private:
  void reset() {
    modules_.assign(config_.modules, {});
    reader_.reset();
    in_flight_.reset();
    abandoned_.reset();
    turn_ = turns();
  }

  // ---- asking -----------------------------------------------------------------------------------
  // A sweep takes its turns one after another: each request to each module.

  [[nodiscard]] std::size_t turns() const { return modules_.size() * commands.size(); }
  [[nodiscard]] ModuleState& module() { return modules_[turn_ / commands.size()]; }
  [[nodiscard]] Inquiry& inquiry() { return module().inquiries[turn_ % commands.size()]; }
  [[nodiscard]] CommandCode command() const { return commands[turn_ % commands.size()]; }
  [[nodiscard]] std::uint8_t address(std::size_t i) const {
    return static_cast<std::uint8_t>(config_.first_address + i);
  }

  /// Sends what is due, or says when to come back.
  void plan(Instant now, Step& step) {
    if (in_flight_) {
      step.wake_at = in_flight_->deadline;
      return;
    }
    if (now < send_at_) {
      step.wake_at = send_at_;
      return;
    }
    while (true) {
      for (; turn_ < turns(); next_turn(now, step)) {
        if (!worth_asking(now)) continue;
        ask(now, step);
        return;
      }
      if (now < sweep_at_) break;
      begin_sweep(now);
    }
    noise_until_ = sweep_at_ + noise_limit;
    step.wake_at = sweep_at_;
  }

  /// On an absolute schedule; what was missed is not made up for.
  void begin_sweep(Instant now) {
    sweep_at_ += ((now - sweep_at_) / config_.sweep_period + 1) * config_.sweep_period;
    for (auto& m : modules_) m.cells.reset();
    turn_ = 0;
  }

  /// A module that does not tell its cells is not asked for its alarms.
  [[nodiscard]] bool worth_asking(Instant now) {
    return now >= inquiry().not_before && (command() == CommandCode::analog || module().cells);
  }

  void next_turn(Instant now, Step& step) {
    if (++turn_ == turns()) end_sweep(now, step);
  }

  /// The stack's extremes are known only if no module is missing and none told its own long ago.
  void end_sweep(Instant now, Step& step) const {
    std::optional<Reading<CellRange>> stack;
    for (const auto& m : modules_) {
      if (!m.cells) return;
      stack = stack ? Reading<CellRange>{joined(stack->value, m.cells->value),
                                         std::min(stack->at, m.cells->at)}
                    : m.cells;
    }
    if (stack && now - stack->at <= longest_sweep)
      add(step, samples(stack->value, Point::battery, stack->at), stack_max_age());
  }

  [[nodiscard]] Duration wire_time(std::size_t characters) const {
    return as_duration(
        Seconds(static_cast<double>(characters) * bits_per_character / std::max(1u, config_.baud)));
  }

  void ask(Instant now, Step& step) {
    reader_.reset();
    const Rs485Request request{command(), address(turn_ / commands.size())};
    Bytes frame = encode(request);
    const Duration on_wire = wire_time(frame.size() + longest_response);
    in_flight_ = InFlight{request, frame, now, now + on_wire + config_.response_timeout};
    step.send.push_back(std::move(frame));
    step.wake_at = in_flight_->deadline;
  }

  // ---- hearing ----------------------------------------------------------------------------------
  void hear(const Bytes& frame, Instant now, Step& step) {
    if (!in_flight_) {
      hear_stray(frame, now, step);
      return;
    }
    // RS485 echo of our own request.
    if (!in_flight_->echoed && frame == in_flight_->sent) {
      in_flight_->echoed = true;
      return;
    }
    auto response = decode_response(frame, in_flight_->request);
    if (response) {
      health_.round_trip.add(now - in_flight_->asked_at);
      settle(*response, now, step);
      return;
    }
    DecodeError& error = response.error();
    switch (error.kind) {
      case DecodeErrorKind::address:
      case DecodeErrorKind::function:
      case DecodeErrorKind::unsupported:
        hear_stray(frame, now, step);
        return;
      case DecodeErrorKind::exception:
        health_.round_trip.add(now - in_flight_->asked_at);
        give_up(FrameResult::exception, "refuses the question (" + error.detail + ")", now, step);
        return;
      case DecodeErrorKind::content:
        give_up(FrameResult::content, "answers what cannot be (" + error.detail + ")", now, step);
        return;
      case DecodeErrorKind::length:
      case DecodeErrorKind::checksum:
        give_up(result_of(error.kind), {}, now, step);
        return;
    }
  }

  void hear_stray(const Bytes& frame, Instant now, Step& step) {
    if (abandoned_ && decode_response(frame, abandoned_->request)) {
      health_.frames.add(FrameResult::late);
      hear_late(now, step);
      return;
    }
    const auto stray = decode_frame(frame);
    health_.frames.add(stray ? FrameResult::unknown : result_of(stray.error().kind));
  }

  void hear_late(Instant now, Step& step) {
    if (!std::exchange(abandoned_->expired, false)) return;
    const std::size_t i = abandoned_->request.address - config_.first_address;
    const Duration late_by = now - abandoned_->deadline;
    modules_[i].late_by = late_by;
    if (is_log_due(++late_responses_))
      step.events.push_back(
          {Level::warning, "response_late",
           "module=" + std::to_string(i + 1) + " address=" + std::to_string(address(i)) +
               " advice=" + log_quoted(late_response(late_by, config_.response_timeout)) +
               " count=" + std::to_string(late_responses_)});
    judge_health();
  }

  void end_transaction(Instant now) {
    // An echo was counted when it was heard.
    if (!in_flight_->echoed) health_.wire_busy += wire_time(in_flight_->sent.size());
    in_flight_.reset();
    send_at_ = now + config_.gap;
    noise_until_ = now + noise_limit;
  }

  void expire(Instant now, Step& step) {
    const std::size_t echo = in_flight_->echoed ? in_flight_->sent.size() : 0;
    give_up(in_flight_->heard > echo ? FrameResult::length : FrameResult::timeout, {}, now, step);
  }

  // ---- what became of the request --------------------------------------------------------------
  void settle(const Response& response, Instant now, Step& step) {
    end_transaction(now);
    health_.frames.add(FrameResult::ok);
    // It may as well have been the response to the one before: how late, nobody knows.
    if (abandoned_) abandoned_->expired = false;
    module().late_by.reset();
    const bool was_lost = inquiry().lost();
    inquiry() = {.answered = true, .rejection_reason = {}};
    if (was_lost)
      tell(step, Level::notice, command() == CommandCode::analog ? "module_back" : "alarms_read",
           {});
    if (const auto* analog = std::get_if<Analog>(&response)) {
      take(analog->modules.front(), now, step);
    } else if (const auto* alarms = std::get_if<AlarmInfo>(&response)) {
      tell_changes(alarms->modules.front(), step);
    }
    judge_health();
    next_turn(now, step);
  }

  void take(const Module& values, Instant now, Step& step) {
    module().cells = Reading<CellRange>{cell_range(values), now};
    add(step, samples(values, battery_module(turn_ / commands.size()), now),
        max_age_of(sweep_takes()));
  }

  /// A refusal is final; anything else is tried again. Then the module rests.
  void give_up(FrameResult result, std::string rejection_reason, Instant now, Step& step) {
    abandoned_ = {in_flight_->request, in_flight_->deadline, now >= in_flight_->deadline};
    end_transaction(now);
    health_.frames.add(result);
    Inquiry& asked = inquiry();
    asked.rejection_reason = std::move(rejection_reason);
    if (++asked.failures <= config_.retries && result != FrameResult::exception) return;
    asked.failures = config_.retries + 1;
    ++asked.losses;
    asked.not_before = now + asked.back_off;
    asked.back_off = std::min(2 * asked.back_off, last_back_off);
    if (is_log_due(asked.losses)) {
      const std::string why =
          asked.rejection_reason.empty() ? "" : " reason=" + log_quoted(asked.rejection_reason);
      const bool module_itself = command() == CommandCode::analog;
      tell(step, Level::warning, module_itself ? "module_lost" : "alarms_unread", why);
    }
    judge_health();
    next_turn(now, step);
  }

  void tell_changes(const ModuleAlarms& alarms, Step& step) {
    const Told present{protections(alarms), warnings(alarms), alarms.charge_switch(),
                       alarms.discharge_switch()};
    if (std::exchange(module().told, present) == present) return;
    tell(step, present.protections != 0 ? Level::warning : Level::notice, "module_alarms",
         " protections=" + pylontech::joined(names_of<BmsFlag>(present.protections)) +
             " warnings=" + pylontech::joined(names_of<BmsFlag>(present.warnings)) +
             " charge_switch=" + on_off(present.charge_switch) +
             " discharge_switch=" + on_off(present.discharge_switch) +
             " status=" + to_hex(std::as_bytes(std::span(alarms.status))));
  }

  void tell(Step& step, Level level, std::string name, const std::string& more) const {
    const std::size_t i = turn_ / commands.size();
    step.events.push_back(
        {level, std::move(name),
         "module=" + std::to_string(i + 1) + " address=" + std::to_string(address(i)) + more});
  }

  /// From one sweep to the next.
  [[nodiscard]] Duration sweep_takes() const {
    const Duration each = config_.gap + wire_time(longest_response);
    return std::max<Duration>(config_.sweep_period, each * turns());
  }
  /// Stamped with the oldest response of its sweep, it is a sweep old when it comes.
  [[nodiscard]] Duration stack_max_age() const { return max_age_of(sweep_takes()) + sweep_takes(); }

  static void add(Step& step, std::vector<Sample> more, Duration max_age) {
    for (auto& sample : more) {
      sample.max_age = max_age;
      step.samples.push_back(sample);
    }
  }

  // ---- health -----------------------------------------------------------------------------------
  void judge_health() {
    health_.trouble = modules_.empty() ? "no module is configured on this bus" : "";
    for (std::size_t i = 0; i < modules_.size(); ++i) {
      const std::string what = trouble_of(i);
      if (what.empty()) continue;
      if (!health_.trouble.empty()) health_.trouble += "; ";
      health_.trouble += "module " + std::to_string(i + 1) + " (address " +
                         std::to_string(address(i)) + ") " + what;
    }
    health_.ready = health_.trouble.empty();
  }

  [[nodiscard]] std::string trouble_of(std::size_t i) const {
    const Inquiry& cells = modules_[i].inquiries.front();
    if (!cells.lost()) return cells.answered ? "" : "has not answered yet";
    if (!cells.rejection_reason.empty()) return cells.rejection_reason;
    if (const auto late_by = modules_[i].late_by)
      return late_response(*late_by, config_.response_timeout);
    if (i > 0) return "does not answer: check that it is on, its link cable and its number";
    return "does not answer: check that the battery is on, that the cable is in the RS485 port of "
           "the master with A and B the right way round, and that its DIP switch 1 (read when it "
           "is "
           "switched on) is set to " +
           std::to_string(config_.baud) + " baud";
  }

  PylontechRs485Config config_;
  std::vector<ModuleState> modules_;
  FrameReader reader_;
  std::optional<InFlight> in_flight_;
  struct Abandoned {
    Rs485Request request;
    Instant deadline;
    bool expired;  // no response had come by then, nor since
  };
  std::optional<Abandoned> abandoned_;
  std::uint64_t late_responses_ = 0;
  std::size_t turn_ = 0;  // turns() between sweeps
  Instant sweep_at_{};    // when the next sweep begins
  Instant send_at_{};     // earliest moment of the next request
  Instant noise_until_{};
  bool running_ = false;
  DriverHealth health_;
};

}  // namespace

std::unique_ptr<Driver> make_pylontech_rs485_driver(PylontechRs485Config config) {
  return std::make_unique<PylontechRs485Driver>(config);
}

}  // namespace esshub::protocol
