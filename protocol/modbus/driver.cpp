#include "protocol/modbus/driver.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "protocol/frame_result.hpp"
#include "protocol/modbus/meter_decoder.hpp"
#include "protocol/modbus/rtu.hpp"
#include "protocol/modbus/sniffer.hpp"
#include "protocol/turnaround.hpp"

namespace esshub::protocol {
namespace {

using modbus::Block;

constexpr Duration first_back_off = 1s;
constexpr Duration last_back_off = 10s;
constexpr Duration contended_for = 3s;   // docs/safety.md F19: since the last foreign request
constexpr unsigned most_grid_reads = 3;  // between two other reads
constexpr Duration long_wait = 1s;       // for another meter's powers; they are good for 3 s
constexpr Duration too_long_wait = 2s;
constexpr Duration noise_limit = 1s;  // a babbling line delays a request no longer than this

struct BlockState {
  Instant due{};
  unsigned failures = 0;
};

struct Meter {
  explicit Meter(const MeterConfig& config) : values(config, ModbusMode::poll) {
    slow.resize(modbus::row_of(config.model).blocks.size());
  }

  MeterDecoder values;
  Turnaround turnaround;
  std::vector<BlockState> slow;  // one for each block of the model; the first, fast one is unused
  unsigned failures = 0;         // in a row
  std::uint64_t losses = 0;      // failed probes since it was lost; 0 = not lost
  std::string exception;         // the last failure was this exception response
  Duration back_off = first_back_off;
  Instant not_before{};
  Instant asked_at{};  // its fast block, last
  struct Abandoned {
    modbus::RtuRequest request;
    Instant deadline;
  };
  std::optional<Abandoned> abandoned;
  bool fully_waited = false;        // for it, as long as configured, not only as learned
  std::optional<Duration> late_by;  // its newest response that was waited for as configured
  std::uint64_t late_responses = 0;

  [[nodiscard]] const MeterConfig& config() const { return values.config(); }
  [[nodiscard]] bool lost() const { return losses > 0; }
};

/// One read of one meter.
struct Job {
  std::size_t meter;
  std::size_t block;  // of the model, or type_check
};
constexpr std::size_t type_check = static_cast<std::size_t>(-1);

struct InFlight {
  Job job;
  modbus::RtuRequest request;
  Bytes sent;
  Instant asked_at;
  Duration timeout;
  Instant deadline;
  bool echoed = false;
  std::size_t heard = 0;  // bytes since
};

class ModbusDriver final : public Driver {
 public:
  explicit ModbusDriver(ModbusConfig config) : config_(std::move(config)) { reset(); }

  Step on_start(Instant now) override {
    reset();
    running_ = true;
    listening_ = config_.other_master_wait > Duration::zero();
    keep_quiet(now, std::max(gap(), config_.other_master_wait));
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
      send_at_ = std::min(std::max(send_at_, now + gap()), noise_until_);
    }
    scanner_.push(bytes, now);
    drain(now, step);
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
    reset();
    running_ = false;
  }

  [[nodiscard]] const DriverHealth& health() const override { return health_; }
  [[nodiscard]] bool only_listens() const override { return listening_ || foreign_; }

 private:
  // ---- time on the wire -------------------------------------------------------------------------
  [[nodiscard]] Duration gap() const {
    // Above 19200 baud the silence is 1.75 ms whatever the speed (reference: eastron-modbus#6).
    const Duration silence = config_.baud > 19200 ? Duration(1750us) : config_.wire_time(3.5);
    return std::max(config_.gap, silence);
  }
  /// From the request's last bit to the response's first. What was not answered in the learned time
  /// is given the configured one, so that a device that became slower is learned anew.
  [[nodiscard]] Duration response_timeout(const Meter& meter, std::size_t block) const {
    const bool failed_before =
        meter.failures > 0 || (block != type_check && meter.slow[block].failures > 0);
    return failed_before ? config_.response_timeout
                         : meter.turnaround.limit(config_.response_timeout);
  }
  /// Nothing is sent for this long, and noise prolongs it only a little.
  void keep_quiet(Instant since, Duration time) {
    send_at_ = since + time;
    noise_until_ = send_at_ + noise_limit;
  }

  [[nodiscard]] Duration wire_time(std::size_t bytes) const {
    return config_.wire_time(static_cast<double>(bytes));
  }

  // ---- life -------------------------------------------------------------------------------------
  void reset() {
    meters_.clear();
    for (const auto& meter : config_.meters) meters_.emplace_back(meter);
    in_flight_.reset();
    scanner_.restart(std::nullopt);
    turn_ = 0;
    grid_reads_ = 0;
    const auto grid = std::ranges::find_if(config_.meters, [](const MeterConfig& meter) {
      return std::ranges::any_of(meter.channels,
                                 [](const auto& c) { return c.point == Point::grid; });
    });
    if (grid != config_.meters.end())
      grid_meter_ = static_cast<std::size_t>(grid - config_.meters.begin());
    listening_ = false;
    foreign_.reset();
    judge_health();
  }

  // ---- asking -----------------------------------------------------------------------------------
  /// Sends what is due, or says when to come back.
  void plan(Instant now, Step& step) {
    if (!in_flight_ && now >= send_at_) {
      scanner_.silence();
      drain(now, step);  // may find another master behind a cut frame
    }
    if (in_flight_) {
      step.wake_at = in_flight_->deadline;
      return;
    }
    if (now < send_at_) {
      step.wake_at = send_at_;
      return;
    }
    defer_to_other_master(step);
    if (const auto job = choose(now)) {
      ask(*job, now, step);
    } else if (!meters_.empty()) {
      const auto next = std::ranges::min_element(meters_, {}, &Meter::not_before)->not_before;
      noise_until_ = next + noise_limit;
      step.wake_at = next;
    }
  }

  /// Nobody else was heard for long enough.
  void defer_to_other_master(Step& step) {
    if (!listening_ && !foreign_) return;
    if (foreign_) {
      step.events.push_back({Level::notice, "bus_idle", "no other master is heard any more"});
    }
    listening_ = false;
    foreign_.reset();
    judge_health();
  }

  /// The rota. Between the others the grid's meter is read several times: it is what the control
  /// waits for. Each of the others in its turn: one fast read, then at most one slow block of any.
  std::optional<Job> choose(Instant now) {
    const unsigned grid_reads = grid_reads_between(now);
    const bool grid_first = grid_meter_ && now >= meters_[*grid_meter_].not_before;
    if (grid_first && grid_reads_ < grid_reads) {
      ++grid_reads_;
      return fast_job(*grid_meter_, now);
    }
    grid_reads_ = 0;
    for (std::size_t n = 0; n <= meters_.size(); ++n) {
      const std::size_t turn = std::exchange(turn_, (turn_ + 1) % (meters_.size() + 1));
      if (turn == meters_.size()) {
        if (const auto job = choose_slow(now)) return job;
      } else if ((turn != grid_meter_ || grid_reads == 0) && now >= meters_[turn].not_before) {
        return fast_job(turn, now);
      }
    }
    if (grid_first) return fast_job(*grid_meter_, now);
    return std::nullopt;
  }

  /// Fewer where the line is slow or has many meters: nobody's readings may grow stale. None: the
  /// grid's meter comes in its turn like the others.
  [[nodiscard]] unsigned grid_reads_between(Instant now) const {
    Duration longest{};
    for (std::size_t m = 0; m < meters_.size(); ++m)
      if (m != grid_meter_ && now >= meters_[m].not_before)
        longest = std::max<Duration>(longest, now - meters_[m].asked_at);
    if (longest < long_wait) return most_grid_reads;
    return longest < too_long_wait ? 1 : 0;
  }

  Job fast_job(std::size_t meter, Instant now) {
    meters_[meter].asked_at = now;
    return {meter, fast_block(meters_[meter])};
  }

  static std::size_t fast_block(const Meter& meter) {
    const auto& row = modbus::row_of(meter.config().model);
    if (!meter.values.order_known()) {
      return static_cast<std::size_t>(&modbus::voltage_block(row.id) - row.blocks.data());
    }
    return meter.values.type_known() ? 0 : type_check;
  }

  std::optional<Job> choose_slow(Instant now) const {
    std::optional<Job> most_overdue;
    Instant due = now;
    for (const Meter& meter : meters_) {
      if (!meter.values.flows() || meter.failures > 0) continue;
      for (std::size_t b = 1; b < meter.slow.size(); ++b) {
        if (meter.slow[b].due > due || (most_overdue && meter.slow[b].due == due)) continue;
        most_overdue = Job{static_cast<std::size_t>(&meter - meters_.data()), b};
        due = meter.slow[b].due;
      }
    }
    return most_overdue;
  }

  [[nodiscard]] const Block& block_of(const Job& job) const {
    const auto& row = modbus::row_of(meters_[job.meter].config().model);
    return job.block == type_check ? row.system_type->block : row.blocks[job.block];
  }

  void ask(const Job& job, Instant now, Step& step) {
    const Meter& meter = meters_[job.meter];
    const Block& block = block_of(job);
    modbus::RtuRequest request{
        .unit = meter.config().unit,
        .function = job.block == type_check ? modbus::read_holding : modbus::read_input,
        .start = block.start,
        .count = block.count,
        .data = {}};
    scanner_.restart(request);
    Bytes frame = modbus::encode(request);
    const Duration timeout = response_timeout(meter, job.block);
    const Instant deadline =
        now + wire_time(frame.size() + modbus::response_size(request)) + timeout;
    step.send.push_back(frame);
    step.wake_at = deadline;
    in_flight_ = InFlight{.job = job,
                          .request = std::move(request),
                          .sent = std::move(frame),
                          .asked_at = now,
                          .timeout = timeout,
                          .deadline = deadline};
  }

  // ---- hearing ----------------------------------------------------------------------------------
  void drain(Instant now, Step& step) {
    const auto resyncs = scanner_.resyncs();
    while (const auto frame = scanner_.next()) hear(*frame, now, step);
    for (auto n = resyncs; n < scanner_.resyncs(); ++n) health_.frames.add(FrameResult::resync);
  }

  void hear(const modbus::ScannedFrame& frame, Instant now, Step& step) {
    using Kind = modbus::ScannedFrame::Kind;
    switch (frame.kind) {
      case Kind::request:
        // RS485 echo of our own request: byte-identical and before the response.
        if (in_flight_ && !in_flight_->echoed && frame.bytes == in_flight_->sent) {
          in_flight_->echoed = true;
        } else {
          hear_foreign(frame, step);
        }
        return;
      case Kind::response:
      case Kind::exception:
        if (in_flight_ && frame.request == in_flight_->request) {
          settle(frame, step);
        } else {
          hear_stray(frame, step);
        }
        return;
      case Kind::damaged:
        if (in_flight_) {
          give_up(FrameResult::checksum, now, step);
        } else {
          health_.frames.add(FrameResult::checksum);
        }
        return;
    }
  }

  void hear_stray(const modbus::ScannedFrame& frame, Step& step) {
    const auto meter = std::ranges::find_if(meters_, [&](const Meter& m) {
      return !frame.request && m.abandoned &&
             modbus::is_response(frame.bytes, m.abandoned->request);
    });
    if (meter == meters_.end()) {
      health_.frames.add(FrameResult::unknown);
      return;
    }
    health_.frames.add(FrameResult::late);
    hear_late(*meter, frame.at, step);
  }

  void hear_late(Meter& meter, Instant at, Step& step) {
    const auto asked = std::exchange(meter.fully_waited, false);
    if (!asked || at <= meter.abandoned->deadline) return;
    meter.late_by = at - meter.abandoned->deadline;
    if (is_log_due(++meter.late_responses))
      step.events.push_back(meter.values.event(
          Level::warning, "response_late",
          " advice=" + log_quoted(late_response(*meter.late_by, config_.response_timeout)) +
              " count=" + std::to_string(meter.late_responses)));
    judge_health();
  }

  /// Another master asks: stand aside. Its responses could pass for ours, so ours is given up too.
  void hear_foreign(const modbus::ScannedFrame& frame, Step& step) {
    health_.frames.add(FrameResult::unknown);
    if (in_flight_) {
      abandon(*in_flight_);
      forget_in_flight();
    }
    if (!foreign_) {
      step.events.push_back({Level::critical, "bus_contended",
                             "another master asked unit=" + std::to_string(frame.request->unit)});
    }
    foreign_ = frame.request->unit;
    keep_quiet(frame.at, quiet_time());
    judge_health();
  }
  [[nodiscard]] Duration quiet_time() const {
    return std::max(contended_for, config_.other_master_wait);
  }

  void abandon(const InFlight& asked) {
    Meter& meter = meters_[asked.job.meter];
    meter.abandoned = {asked.request, asked.deadline};
    meter.fully_waited = asked.timeout >= config_.response_timeout;
  }

  void forget_in_flight() {
    // An echo was counted when it was heard.
    if (!in_flight_->echoed) health_.wire_busy += wire_time(in_flight_->sent.size());
    in_flight_.reset();
  }

  /// The transaction is over; the next one keeps its distance.
  void end_transaction(Instant now) {
    forget_in_flight();
    scanner_.abandon();
    keep_quiet(now, gap());
  }

  void expire(Instant now, Step& step) {
    const std::size_t echo = in_flight_->echoed ? in_flight_->sent.size() : 0;
    give_up(in_flight_->heard > echo ? FrameResult::length : FrameResult::timeout, now, step);
  }

  void give_up(FrameResult result, Instant now, Step& step) {
    const InFlight asked = *in_flight_;
    end_transaction(now);
    health_.frames.add(result);
    Meter& meter = meters_[asked.job.meter];
    abandon(asked);
    meter.exception.clear();
    fail_job(asked.job, now, step);
    judge_health();
  }

  void settle(const modbus::ScannedFrame& frame, Step& step) {
    const Job job = in_flight_->job;
    const auto registers = modbus::decode_response(frame.bytes, in_flight_->request);
    Meter& meter = meters_[job.meter];
    // It may as well have been the response to the one before: how late, nobody knows.
    meter.fully_waited = false;
    const Duration round_trip = frame.at - in_flight_->asked_at;
    health_.round_trip.add(round_trip);
    meter.turnaround.add(round_trip - wire_time(in_flight_->sent.size() + frame.bytes.size()));
    end_transaction(frame.at);
    if (registers) {
      health_.frames.add(FrameResult::ok);
      read_block(meter, job, *registers, frame.at, step);
    } else {
      health_.frames.add(FrameResult::exception);
      refuse(meter, job, registers.error().detail, frame.at, step);
    }
    judge_health();
  }

  /// The meter has refused the read: of a whole response nothing else can be wrong.
  void refuse(Meter& meter, const Job& job, const std::string& why, Instant now, Step& step) {
    if (job.block == type_check) {
      meter.values.assume_system_type();
      meter.failures = 0;
      return;
    }
    meter.exception = why;
    fail_job(job, now, step);
  }

  // ---- what became of a meter -------------------------------------------------------------------
  void fail_job(const Job& job, Instant now, Step& step) {
    Meter& meter = meters_[job.meter];
    if (job.block != fast_block(meter)) {
      // A slow block is tried again in its next turn, then put off: the fast reads decide whether
      // the meter is alive.
      auto& block = meter.slow[job.block];
      if (++block.failures > config_.retries) block = {.due = now + last_back_off, .failures = 0};
      return;
    }
    if (++meter.failures <= config_.retries) return;  // again in its next turn
    ++meter.losses;
    meter.values.lose();
    meter.not_before = now + meter.back_off;
    meter.back_off = std::min(2 * meter.back_off, last_back_off);
    if (is_log_due(meter.losses)) {
      step.events.push_back(meter.values.event(
          Level::warning, "meter_lost",
          " failures=" + std::to_string(meter.failures) +
              (meter.exception.empty() ? "" : " exception=" + log_quoted(meter.exception))));
    }
  }

  void read_block(Meter& meter, const Job& job, ByteView registers, Instant now, Step& step) {
    meter.failures = 0;
    Duration pause{};
    if (job.block == type_check) {
      pause = meter.values.take_system_type(registers, step, health_.frames);
    } else {
      const Block& block = block_of(job);
      meter.slow[job.block] = {.due = now + block.period, .failures = 0};
      pause = meter.values.take(block, registers, now, step, health_.frames);
    }
    meter.not_before = now + pause;
    if (meter.values.flows()) {
      meter.losses = 0;
      meter.late_by.reset();
      meter.back_off = first_back_off;
    }
  }

  // ---- health -----------------------------------------------------------------------------------
  void judge_health() {
    health_.trouble.clear();
    health_.faults = {};
    for (const auto& meter : meters_)
      if (meter.values.frozen()) health_.faults.set(Fault::grid_meter_frozen, true);
    health_.devices.clear();
    for (const auto& meter : meters_) {
      if (!meter.turnaround.known()) continue;
      health_.devices.push_back({.device = meter.config().name,
                                 .turnaround = meter.turnaround.p99(),
                                 .limit = response_timeout(meter, type_check)});
    }
    health_.ready = false;
    if (foreign_) {
      health_.faults.set(Fault::bus_contended, true);
      health_.trouble = "another master talks on this line (it asked unit " +
                        std::to_string(*foreign_) +
                        "): take it off, or set mode = \"sniff\" to listen beside it";
      return;
    }
    if (listening_) {
      health_.trouble = "listens for another master before it asks";
      return;
    }
    if (meters_.empty()) health_.trouble = "no meter is configured on this bus";
    for (const auto& meter : meters_) {
      const std::string what = trouble_of(meter);
      if (what.empty()) continue;
      if (!health_.trouble.empty()) health_.trouble += "; ";
      health_.trouble += meter.values.label() + " " + what;
    }
    health_.ready = health_.trouble.empty();
  }

  [[nodiscard]] std::string trouble_of(const Meter& meter) const {
    if (!meter.values.rejection_reason().empty()) return meter.values.rejection_reason();
    if (meter.lost() && !meter.exception.empty()) {
      return "refuses to be read (" + meter.exception + "): check that its model is right";
    }
    if (meter.lost() && meter.late_by)
      return late_response(*meter.late_by, config_.response_timeout);
    if (meter.lost()) {
      return "does not answer: check its power, the A and B wires, its unit address and that it is "
             "set to " +
             std::to_string(config_.baud) + " baud";
    }
    if (!meter.values.flows()) return "has not answered yet";
    if (meter.values.frozen()) {
      return "has repeated the same registers for 10 s: switch it off and on again";
    }
    return {};
  }

  ModbusConfig config_;
  std::vector<Meter> meters_;
  modbus::FrameScanner scanner_;
  std::optional<InFlight> in_flight_;
  bool listening_ = false;               // at the start, before the first request
  std::optional<std::uint8_t> foreign_;  // another master is there and last asked this unit
  std::size_t turn_ = 0;                 // meters in order, then the slow slot
  std::optional<std::size_t> grid_meter_;
  unsigned grid_reads_ = 0;  // since another read
  Instant send_at_{};        // earliest moment of the next request
  Instant noise_until_{};
  bool running_ = false;
  DriverHealth health_;
};

}  // namespace

Duration ModbusConfig::wire_time(double characters) const {
  return as_duration(Seconds(characters * bits_per_character / std::max(1u, baud)));
}

std::unique_ptr<Driver> make_modbus_driver(ModbusConfig config) {
  if (config.mode == ModbusMode::sniff) return make_modbus_sniffer(std::move(config));
  return std::make_unique<ModbusDriver>(std::move(config));
}

}  // namespace esshub::protocol
