#include "protocol/modbus_driver.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "protocol/modbus_rtu.hpp"

namespace esshub::protocol {
namespace {

using eastron::Block;
using eastron::Register;
using eastron::WordOrder;

constexpr Duration first_back_off = 1s;
constexpr Duration last_back_off = 10s;
constexpr Duration frozen_after = 10s;   // docs/safety.md F2
constexpr Duration noise_limit = 1s;     // a babbling line delays a request no longer than this
constexpr unsigned exchanged_after = 3;  // lower energies in a row before a new meter is believed

struct ChannelState {
  MeterChannel config;
  bool believed = true;  // its last line voltage was possible
};

/// The last value of an energy counter and how often in a row a lower one came.
struct Counter {
  double last = 0.0;
  unsigned lower = 0;
};

/// Registers that cannot stay bit-identical on a living grid meter.
struct FreezeWatch {
  std::array<std::uint32_t, 2> raw{};  // power, voltage
  std::optional<Instant> changed;
  bool frozen = false;
};

struct BlockState {
  Instant due{};
  unsigned failures = 0;
};

struct Meter {
  explicit Meter(MeterConfig from) : config(std::move(from)) {
    for (const auto& channel : config.channels) channels.push_back({.config = channel});
    slow.resize(eastron::blocks(config.model).size());
    needs_type = config.model == MeterModel::sdm630 &&
                 std::ranges::any_of(config.channels, [](const auto& c) { return c.phase > 1; });
    forget_proofs();
  }

  MeterConfig config;
  std::vector<ChannelState> channels;
  std::vector<BlockState> slow;  // one for each block of the model; the first, fast one is unused
  std::map<std::uint16_t, Counter> counters;
  FreezeWatch watch;

  bool needs_type = false;   // phases 2 and 3 read zero in any other system type than 3P4W
  bool order_known = false;  // proofs, renewed after every loss: the meter may have been exchanged
  bool type_known = false;
  bool answered = false;  // values have flowed since the proofs
  std::string objection;  // why its values are not believed
  std::uint64_t objections = 0;
  unsigned failures = 0;     // in a row
  std::uint64_t losses = 0;  // failed probes since it was lost; 0 = not lost
  std::string refusal;       // the last failure was this refusal
  Duration back_off = first_back_off;
  Instant not_before{};
  std::optional<modbus::Request> abandoned;

  [[nodiscard]] bool proven() const { return order_known && type_known; }
  [[nodiscard]] bool lost() const { return losses > 0; }
  void forget_proofs() {
    order_known = false;
    type_known = !needs_type;
    answered = false;
  }
};

/// One read of one meter.
struct Job {
  std::size_t meter;
  std::size_t block;  // of the model, or type_check
};
constexpr std::size_t type_check = static_cast<std::size_t>(-1);

struct InFlight {
  Job job;
  modbus::Request request;
  Bytes sent;
  Instant deadline;
  bool echoed = false;
  std::size_t heard = 0;  // bytes since
};

/// First, every hundredth.
bool worth_an_event(std::uint64_t count) {
  return count == 1 || count % 100 == 0;
}

FrameResult result_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::length:
      return FrameResult::length;
    case ErrorKind::checksum:
      return FrameResult::checksum;
    case ErrorKind::exception:
      return FrameResult::exception;
    case ErrorKind::content:
      return FrameResult::content;
    case ErrorKind::address:
    case ErrorKind::function:
    case ErrorKind::unsupported:
      return FrameResult::unknown;
  }
  return FrameResult::unknown;
}

bool holds(const Block& block, const Register& reg) {
  return reg.address >= block.start && reg.address + 2 <= block.start + block.count;
}
ByteView bytes_of(const Block& block, const Register& reg, ByteView registers) {
  return registers.subspan(2u * (reg.address - block.start), 4);
}
const Register* register_of(MeterModel model, unsigned phase, Measure measure) {
  for (const auto& reg : eastron::registers(model))
    if (reg.phase == phase && reg.measure == measure) return &reg;
  return nullptr;
}

/// Swaps the energy counters of an inverted channel.
Measure oriented(Measure measure, bool invert) {
  if (invert && measure == Measure::energy_forward) return Measure::energy_reverse;
  if (invert && measure == Measure::energy_reverse) return Measure::energy_forward;
  return measure;
}

class ModbusDriver final : public Driver {
 public:
  explicit ModbusDriver(ModbusConfig config) : config_(std::move(config)) { reset(); }

  Step on_start(Instant now) override {
    reset();
    running_ = true;
    send_at_ = now + gap();
    noise_until_ = now + noise_limit;
    Step step;
    plan(now, step);
    return step;
  }

  Step on_bytes(ByteView bytes, Instant now) override {
    Step step;
    if (!running_) return step;
    if (in_flight_ && now > in_flight_->deadline) expire(now, step);
    if (in_flight_) {
      in_flight_->heard += bytes.size();
    } else {
      send_at_ = std::min(std::max(send_at_, now + gap()), noise_until_);
    }
    scanner_.push(bytes);
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

 private:
  // ---- time on the wire -------------------------------------------------------------------------
  [[nodiscard]] Duration characters(double n) const {
    return as_duration(Seconds(n * config_.bits_per_character / std::max(1u, config_.baud)));
  }
  [[nodiscard]] Duration gap() const {
    // Above 19200 baud the silence is 1.75 ms whatever the speed (reference: eastron-modbus
    // section 6).
    const Duration silence = config_.baud > 19200 ? Duration(1750us) : characters(3.5);
    return std::max(config_.gap, silence);
  }

  // ---- life -------------------------------------------------------------------------------------
  void reset() {
    meters_.clear();
    for (const auto& meter : config_.meters) meters_.emplace_back(meter);
    in_flight_.reset();
    scanner_.restart(std::nullopt);
    turn_ = 0;
    judge_health();
  }

  // ---- asking -----------------------------------------------------------------------------------
  /// Sends what is due, or says when to come back.
  void plan(Instant now, Step& step) {
    if (in_flight_) {
      step.wake_at = in_flight_->deadline;
    } else if (now < send_at_) {
      step.wake_at = send_at_;
    } else if (const auto job = choose(now)) {
      ask(*job, now, step);
    } else if (!meters_.empty()) {
      const auto next = std::ranges::min_element(meters_, {}, &Meter::not_before)->not_before;
      noise_until_ = next + noise_limit;
      step.wake_at = next;
    }
  }

  /// The rota: one fast read of every meter that is not backing off, then at most one slow block.
  std::optional<Job> choose(Instant now) {
    for (std::size_t n = 0; n <= meters_.size(); ++n) {
      const std::size_t turn = std::exchange(turn_, (turn_ + 1) % (meters_.size() + 1));
      if (turn == meters_.size()) {
        if (const auto job = choose_slow(now)) return job;
      } else if (now >= meters_[turn].not_before) {
        return Job{turn, fast_block(meters_[turn])};
      }
    }
    return std::nullopt;
  }

  static std::size_t fast_block(const Meter& meter) {
    const auto blocks = eastron::blocks(meter.config.model);
    if (!meter.order_known) {
      return static_cast<std::size_t>(&eastron::voltage_block(meter.config.model) - blocks.data());
    }
    return meter.type_known ? 0 : type_check;
  }

  std::optional<Job> choose_slow(Instant now) const {
    std::optional<Job> most_overdue;
    Instant due = now;
    for (std::size_t m = 0; m < meters_.size(); ++m) {
      const Meter& meter = meters_[m];
      if (!meter.answered || meter.failures > 0 || now < meter.not_before) continue;
      for (std::size_t b = 1; b < meter.slow.size(); ++b) {
        if (meter.slow[b].due > due || (most_overdue && meter.slow[b].due == due)) continue;
        most_overdue = Job{m, b};
        due = meter.slow[b].due;
      }
    }
    return most_overdue;
  }

  [[nodiscard]] const Block& block_of(const Job& job) const {
    return job.block == type_check ? eastron::system_type_block
                                   : eastron::blocks(meters_[job.meter].config.model)[job.block];
  }

  void ask(const Job& job, Instant now, Step& step) {
    scanner_.silence();
    drain(now, step);
    const Block& block = block_of(job);
    modbus::Request request{
        .unit = meters_[job.meter].config.unit,
        .function = job.block == type_check ? modbus::read_holding : modbus::read_input,
        .start = block.start,
        .count = block.count,
        .data = {}};
    scanner_.restart(request);
    Bytes frame = modbus::encode(request);
    const Instant deadline =
        now + characters(static_cast<double>(frame.size() + modbus::answer_size(request))) +
        config_.answer_limit;
    step.send.push_back(frame);
    step.wake_at = deadline;
    in_flight_ = InFlight{
        .job = job, .request = std::move(request), .sent = std::move(frame), .deadline = deadline};
  }

  // ---- hearing ----------------------------------------------------------------------------------
  void drain(Instant now, Step& step) {
    const auto resyncs = scanner_.resyncs();
    while (const auto frame = scanner_.next()) hear(*frame, now, step);
    for (auto n = resyncs; n < scanner_.resyncs(); ++n) health_.frames.add(FrameResult::resync);
  }

  void hear(const modbus::Frame& frame, Instant now, Step& step) {
    using Kind = modbus::Frame::Kind;
    switch (frame.kind) {
      case Kind::request:
        // RS485 echo of our own request: byte-identical and before the answer.
        if (in_flight_ && !in_flight_->echoed && frame.bytes == in_flight_->sent) {
          in_flight_->echoed = true;
        } else {
          health_.frames.add(FrameResult::unknown);
        }
        return;
      case Kind::answer:
      case Kind::exception:
        if (in_flight_ && frame.request == in_flight_->request) {
          settle(frame, now, step);
        } else {
          hear_stray(frame);
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

  void hear_stray(const modbus::Frame& frame) {
    const bool late = !frame.request && std::ranges::any_of(meters_, [&](const Meter& meter) {
      return meter.abandoned && modbus::answers(frame.bytes, *meter.abandoned);
    });
    health_.frames.add(late ? FrameResult::late : FrameResult::unknown);
  }

  /// The transaction is over; the next one keeps its distance.
  void end_transaction(Instant now) {
    in_flight_.reset();
    scanner_.abandon();
    send_at_ = now + gap();
    noise_until_ = now + noise_limit;
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
    meter.abandoned = asked.request;
    meter.refusal.clear();
    fail_job(asked.job, now, step);
  }

  void settle(const modbus::Frame& frame, Instant now, Step& step) {
    const Job job = in_flight_->job;
    const auto registers = modbus::decode_answer(frame.bytes, in_flight_->request);
    end_transaction(now);
    Meter& meter = meters_[job.meter];
    if (registers) {
      health_.frames.add(FrameResult::ok);
      read_block(meter, job, *registers, now, step);
      judge_health();
      return;
    }
    health_.frames.add(result_of(registers.error().kind));
    if (job.block == type_check && registers.error().kind == ErrorKind::exception) {
      meter.type_known = true;  // a meter without this register cannot be asked; go on
      meter.failures = 0;
      return;
    }
    meter.refusal = registers.error().detail;
    fail_job(job, now, step);
  }

  // ---- what became of a meter -------------------------------------------------------------------
  void fail_job(const Job& job, Instant now, Step& step) {
    Meter& meter = meters_[job.meter];
    if (job.block != type_check && job.block != fast_block(meter)) {
      // A slow block is tried again in its next turn, then put off: the fast reads decide whether
      // the meter is alive.
      auto& block = meter.slow[job.block];
      if (++block.failures > config_.retries) block = {.due = now + last_back_off, .failures = 0};
      return;
    }
    if (++meter.failures <= config_.retries) return;  // again in its next turn
    ++meter.losses;
    meter.forget_proofs();
    meter.objection.clear();
    meter.watch.frozen = false;  // to be judged again by its next answer
    meter.not_before = now + meter.back_off;
    meter.back_off = std::min(2 * meter.back_off, last_back_off);
    if (worth_an_event(meter.losses)) {
      tell(step, Level::warning, "meter_lost", meter,
           " failures=" + std::to_string(meter.failures) +
               (meter.refusal.empty() ? "" : " refusal=\"" + meter.refusal + "\""));
    }
    judge_health();
  }

  /// Its values are not believed; it is asked again after `pause`.
  void object(Meter& meter, std::string why, Duration pause, Instant now) {
    health_.frames.add(FrameResult::content);
    meter.objection = std::move(why);
    meter.forget_proofs();
    meter.watch.frozen = false;
    meter.not_before = now + pause;
  }

  static void tell(Step& step, Level level, std::string name, const Meter& meter,
                   const std::string& more) {
    step.events.push_back(
        {level, std::move(name),
         "meter=\"" + meter.config.name + "\" unit=" + std::to_string(meter.config.unit) + more});
  }

  // ---- values -----------------------------------------------------------------------------------
  void read_block(Meter& meter, const Job& job, ByteView registers, Instant now, Step& step) {
    meter.failures = 0;
    meter.refusal.clear();
    if (job.block == type_check) {
      check_system_type(meter, registers, now, step);
      return;
    }
    const Block& block = block_of(job);
    meter.slow[job.block] = {.due = now + block.period, .failures = 0};
    if (!check_word_order(meter, block, registers, now, step) || !meter.proven()) return;
    watch_for_freezing(meter, block, registers, now);
    if (job.block == 0) welcome(meter, step);
    if (meter.watch.frozen) return;
    for (auto& channel : meter.channels)
      sample_channel(meter, channel, block, registers, now, step);
  }

  /// All proofs are in and values flow.
  void welcome(Meter& meter, Step& step) {
    meter.answered = true;
    if (meter.lost() || meter.objections > 0) tell(step, Level::notice, "meter_back", meter, "");
    meter.losses = 0;
    meter.objections = 0;
    meter.objection.clear();
    meter.back_off = first_back_off;
  }

  void check_system_type(Meter& meter, ByteView registers, Instant now, Step& step) {
    const double type = double{read_f32_be(registers, 0)};
    meter.type_known = type == eastron::system_type_3p4w;
    if (meter.type_known) return;
    const std::string found(eastron::system_type_name(type));
    object(meter,
           "is set to " + found +
               ", where phases 2 and 3 read zero: set its system type to 3P4W on its front panel",
           last_back_off, now);
    if (worth_an_event(++meter.objections)) {
      tell(step, Level::error, "wrong_system_type", meter, " found=" + found + " expected=3P4W");
    }
  }

  /// False: nothing of this block may be used.
  bool check_word_order(Meter& meter, const Block& block, ByteView registers, Instant now,
                        Step& step) {
    bool any = false;
    WordOrder order = WordOrder::unproven;
    for (const auto& channel : meter.channels) {
      const auto* reg = register_of(meter.config.model, channel.config.phase, Measure::voltage);
      if (!reg || !holds(block, *reg)) continue;
      any = true;
      const auto found = eastron::judge_word_order(bytes_of(block, *reg, registers));
      if (order == WordOrder::unproven) order = found;
    }
    if (!any) return true;
    switch (order) {
      case WordOrder::right:
        meter.order_known = true;
        return true;
      case WordOrder::swapped:
        object(meter,
               "sends its words in the wrong order: set its register order to normal, high word "
               "first",
               last_back_off, now);
        if (worth_an_event(++meter.objections)) {
          tell(step, Level::error, "word_order", meter, " found=\"low word first\"");
        }
        return false;
      case WordOrder::unproven:
        if (meter.order_known) return true;
        object(meter,
               "shows no line voltage of 180 to 270 V: check the wiring of its voltage inputs",
               first_back_off, now);
        return false;
    }
    return false;
  }

  void watch_for_freezing(Meter& meter, const Block& block, ByteView registers, Instant now) {
    const auto grid = std::ranges::find(meter.channels, Point::grid,
                                        [](const auto& c) { return c.config.point; });
    if (grid == meter.channels.end()) return;
    auto& watch = meter.watch;
    auto raw = watch.raw;
    constexpr Measure watched[] = {Measure::power, Measure::voltage};
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const auto* reg = register_of(meter.config.model, grid->config.phase, watched[i]);
      if (reg && holds(block, *reg)) raw[i] = read_u32_be(bytes_of(block, *reg, registers), 0);
    }
    if (!watch.changed || raw != watch.raw) watch.changed = now;
    watch.raw = raw;
    watch.frozen = now - *watch.changed >= frozen_after;
  }

  void sample_channel(Meter& meter, ChannelState& channel, const Block& block, ByteView registers,
                      Instant now, Step& step) {
    const bool first = &channel == &meter.channels.front();
    for (const auto& reg : eastron::registers(meter.config.model)) {
      if (!reg.measure || !holds(block, reg)) continue;
      if (reg.phase != channel.config.phase && !(reg.phase == 0 && first)) continue;
      auto value = eastron::decode_value(reg, bytes_of(block, reg, registers));
      if (reg.measure == Measure::voltage) channel.believed = value.has_value();
      if (!value || !advances(meter, reg, *value)) {
        health_.frames.add(FrameResult::content);
        continue;
      }
      // What comes with an impossible voltage is not believed either: words in the wrong order
      // turn any power into almost nothing.
      if (!channel.believed) continue;
      const bool negate = channel.config.invert && reg.measure == Measure::power;
      step.samples.push_back(
          {.channel = {channel.config.point, oriented(*reg.measure, channel.config.invert)},
           .value = negate ? -*value : *value,
           .at = now});
    }
  }

  /// False for an energy below the one before, until so many came in a row that the meter must have
  /// been exchanged or reset.
  static bool advances(Meter& meter, const Register& reg, double value) {
    if (reg.measure != Measure::energy_forward && reg.measure != Measure::energy_reverse) {
      return true;
    }
    auto& counter = meter.counters[reg.address];
    if (value < counter.last && ++counter.lower < exchanged_after) return false;
    counter = {.last = value, .lower = 0};
    return true;
  }

  // ---- health -----------------------------------------------------------------------------------
  void judge_health() {
    health_.trouble.clear();
    health_.fault.reset();
    if (meters_.empty()) health_.trouble = "no meter is configured on this bus";
    for (const auto& meter : meters_) {
      if (meter.watch.frozen) health_.fault = Fault::grid_meter_frozen;
      const std::string what = trouble_of(meter);
      if (what.empty()) continue;
      if (!health_.trouble.empty()) health_.trouble += "; ";
      health_.trouble += "meter '" + meter.config.name + "' (unit " +
                         std::to_string(meter.config.unit) + ") " + what;
    }
    health_.ready = health_.trouble.empty();
  }

  [[nodiscard]] std::string trouble_of(const Meter& meter) const {
    if (!meter.objection.empty()) return meter.objection;
    if (meter.lost() && !meter.refusal.empty()) {
      return "refuses to be read (" + meter.refusal + "): check that its model is right";
    }
    if (meter.lost()) {
      return "does not answer: check its power, the A and B wires, its unit address and that it is "
             "set to " +
             std::to_string(config_.baud) + " baud";
    }
    if (!meter.answered) return "has not answered yet";
    if (meter.watch.frozen) {
      return "has repeated the same registers for 10 s: switch it off and on again";
    }
    return {};
  }

  ModbusConfig config_;
  std::vector<Meter> meters_;
  modbus::FrameScanner scanner_;
  std::optional<InFlight> in_flight_;
  std::size_t turn_ = 0;  // meters in order, then the slow slot
  Instant send_at_{};     // earliest moment of the next request
  Instant noise_until_{};
  bool running_ = false;
  DriverHealth health_;
};

}  // namespace

std::unique_ptr<Driver> make_modbus_driver(ModbusConfig config) {
  return std::make_unique<ModbusDriver>(std::move(config));
}

}  // namespace esshub::protocol
