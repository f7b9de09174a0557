#include "protocol/vebus/driver.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "protocol/frame_result.hpp"
#include "protocol/vebus/command_tracker.hpp"
#include "protocol/vebus/handshake.hpp"
#include "protocol/vebus/poll_schedule.hpp"
#include "protocol/vebus/sample_decoder.hpp"
#include "protocol/vebus/task.hpp"

namespace esshub::protocol {
namespace {

using namespace vebus;

constexpr unsigned max_timeouts = 3;  // in a row; then it is silent: 1.6 s
constexpr unsigned max_optional_timeouts = 2;
constexpr Duration fast_reset_wait = 1s;  // reference: vebus-mk3#1: after 'R' at high speed
constexpr std::uint32_t fast_baud = 115200;
constexpr unsigned probes_before_reopen = 6;
constexpr Duration reopen_wait = 2s;
constexpr Duration wrong_address_wait = 500ms;
constexpr Duration identify_again = 30s;  // ESS missing or refused: look again
constexpr Duration slow_snapshot_gap = 60ms;
constexpr unsigned max_empty_snapshots = 10;
constexpr Duration oldest_freeze = 1s;  // as old as the powers may be in the worst case of a poll
constexpr Duration longest_lateness = 1s;  // of a wake-up; beyond it the hub stood still
constexpr Duration setpoint_wait = 500ms;  // after that: several control periods, and its answer
constexpr Duration first_backoff = 250ms;
constexpr Duration max_backoff = 8s;

constexpr std::array<std::uint8_t, 3> snapshot_ids{ram::battery_power, ram::output_power,
                                                   ram::mains_power};

/// The session: one request at a time, from the search for the interface to the rota, and back.
class VebusDriver final : public Driver {
 public:
  explicit VebusDriver(VebusConfig config) : config_(config), command_(config) {}

  Step on_start(Instant now) override;
  Step on_bytes(std::span<const std::byte> bytes, Instant now) override;
  Step on_timer(Instant now) override;
  Step on_setpoint(const Setpoint& setpoint, Instant now) override;
  void on_down(Instant now) override;
  [[nodiscard]] const DriverHealth& health() const override { return health_; }

 private:
  struct Pending {
    Task task;
    Letter letter;
    Instant sent;
    Instant deadline;
    std::optional<Instant> read_at{};           // snapshot: when to send its second half
    std::int16_t word = 0;                      // setpoint
    std::optional<SwitchState> switch_state{};  // if one is sent along
  };

  // Sending
  [[nodiscard]] Step settle(Step step, Instant now);
  void pump(Instant now, Step& step);
  void notice_stall(Instant now, Step& step);
  [[nodiscard]] bool stall_is_over(Instant now) const;
  [[nodiscard]] Task choose(Instant now);
  void probe(Instant now, Step& step);
  void ask(Task task, Instant now, Step& step);
  [[nodiscard]] Message request(Pending& pending, Instant now);
  [[nodiscard]] StateSet state_request(Pending& pending, Instant now);
  void ask_snapshot(Pending& pending, Instant now, Step& step);
  [[nodiscard]] Instant next_wake(Instant now) const;
  [[nodiscard]] bool left_off() const {
    return health_.ready &&
           (decoder_.left_off() || (command_.ends_cutoff() && decoder_.switched_off()));
  }

  // Receiving
  void parse(Instant now, Step& step);
  void on_message(const Message& message, Instant now, Step& step);
  [[nodiscard]] bool is_response_to(const Pending& pending, const Message& message) const;
  void on_reply(const Pending& pending, const Message& message, Instant now, Step& step);
  void on_winmon(const Pending& pending, const Winmon& reply, Instant now, Step& step);
  void on_input(const ConfigInfo& info, Instant now, Step& step);
  void on_snapshot(Instant asked, const Winmon& reply, Instant now, Step& step);
  void on_powers(std::span<const std::uint8_t> ids, std::span<const std::uint16_t> raw, Instant now,
                 Step& step);
  void empty_snapshot(Instant now, Step& step);
  void on_check(const Winmon& reply, Instant now, Step& step);
  void on_setpoint_reply(const Pending& pending, const Winmon& reply, Instant now, Step& step);
  void on_switch_ack(const Pending& pending, Step& step);
  void on_timeout(Instant now, Step& step);

  // From the handshake to readiness, and back
  void restart(std::string trouble);
  void start_over(std::string why, Instant now);
  void note_version(const Version& version, Step& step);
  void finish_handshake(Instant now, Step& step);
  void watch_for_other_units(const AcInfo& info, Instant now, Step& step);
  void refuse(std::string why, Instant now, Step& step);
  void not_ready(std::string trouble);
  void show_faults(Instant now);
  void lost(Instant now, Step& step);

  VebusConfig config_;
  DriverHealth health_;
  mk3::Parser parser_;
  Instant last_byte_{};
  PollSchedule poll_schedule_;
  CommandTracker command_;

  // The request under way, and the one given up last: its response may still come.
  std::optional<Pending> pending_;
  std::optional<Pending> abandoned_;
  RequestIds request_ids_;
  unsigned timeouts_ = 0;
  Instant not_before_{};                // nothing is sent earlier
  std::optional<Instant> due_;          // the wake-up asked for
  std::optional<Instant> stall_until_;  // after a stall: only a setpoint is written till then

  // The interface
  bool started_ = false;
  unsigned probes_ = 0;
  bool at_fast_baud_ = false;
  bool silent_ = false;    // said so in an event
  bool lost_ = false;      // Fault::inverter_lost
  unsigned failures_ = 0;  // handshakes that did not last, in a row

  // The inverter
  Handshake handshake_;
  SampleDecoder decoder_;
  unsigned other_units_seen_ = 0;  // frames in a row that tell of more than one
  std::string unusable_reason_;    // why this inverter is not controlled although it talks
  std::string reported_reason_;    // in an event
  Instant identify_at_{};
  std::optional<Instant> setpoint_refused_at_;
  std::uint64_t setpoint_rejections_ = 0;  // since one was taken
  Duration snapshot_gap_{};
  unsigned empty_snapshots_ = 0;
  std::optional<Instant> frozen_at_;  ///< of the first freeze since a snapshot was read
};

// ---- Driver's doors -----------------------------------------------------------------------------

Step VebusDriver::on_start(Instant now) {
  Step step;
  started_ = true;
  probes_ = 0;
  restart("looking for the MK3 interface");
  not_before_ = now;
  step.baud = mk3::baud;
  return settle(std::move(step), now);
}

Step VebusDriver::on_bytes(std::span<const std::byte> bytes, Instant now) {
  Step step;
  if (!started_) return step;
  notice_stall(now, step);
  if (now - last_byte_ >= mk3::frame_gap) {
    parser_.give_up_waiting();
    parse(now, step);
  }
  last_byte_ = now;
  health_.wire_busy += mk3::wire_time(bytes.size());
  parser_.push(bytes);
  parse(now, step);
  return settle(std::move(step), now);
}

Step VebusDriver::on_timer(Instant now) {
  Step step;
  if (!started_) return step;
  notice_stall(now, step);
  if (now - last_byte_ >= mk3::frame_gap) {
    parser_.give_up_waiting();
    parse(now, step);
  }
  if (pending_ && pending_->read_at && now >= *pending_->read_at) {
    pending_->read_at.reset();
    step.send.push_back(encode(read_snapshot(pending_->letter)));
  }
  if (pending_ && now >= pending_->deadline) on_timeout(now, step);
  return settle(std::move(step), now);
}

Step VebusDriver::on_setpoint(const Setpoint& setpoint, Instant now) {
  Step step;
  notice_stall(now, step);
  command_.give(setpoint, health_.ready, step);
  if (!started_) return step;
  if (stall_until_) not_before_ = now;
  return settle(std::move(step), now);
}

void VebusDriver::on_down(Instant now) {
  restart("the line is down");
  decoder_ = {};
  show_faults(now);
  command_.drop();
  started_ = false;
}

/// What follows every input.
Step VebusDriver::settle(Step step, Instant now) {
  pump(now, step);
  show_faults(now);
  for (const auto& bytes : step.send) health_.wire_busy += mk3::wire_time(bytes.size());
  due_ = step.wake_at = next_wake(now);
  return step;
}

Instant VebusDriver::next_wake(Instant now) const {
  if (!pending_) return std::max(now, not_before_);
  if (pending_->read_at) return std::min(*pending_->read_at, pending_->deadline);
  // A frame hidden behind a false head comes out when the line falls quiet.
  const Instant quiet = last_byte_ + mk3::frame_gap;
  return quiet > now ? std::min(quiet, pending_->deadline) : pending_->deadline;
}

// ---- sending ------------------------------------------------------------------------------------

void VebusDriver::pump(Instant now, Step& step) {
  if (pending_ || now < not_before_) return;
  if (stall_until_ && stall_is_over(now)) {
    restart("the hub stood still: handshake with the inverter anew");
    lost_ = true;
  }
  if (stall_until_ && !command_.setpoint_due(true, now)) {
    not_before_ = *stall_until_;
    return;
  }
  const Task task = stall_until_ ? Task::setpoint : choose(now);
  if (task == Task::find_interface) {
    probe(now, step);
  } else {
    ask(task, now, step);
  }
}

/// What was asked before the stall is void, and so is its answer: it may be as old as the stall.
void VebusDriver::notice_stall(Instant now, Step& step) {
  if (!health_.ready || !due_ || now - *due_ <= longest_lateness) return;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now - *due_);
  step.tell(Level::warning, "stalled", "seconds=" + std::to_string(seconds.count()));
  if (pending_) {
    request_ids_.rest(pending_->letter, now);
    abandoned_ = std::exchange(pending_, std::nullopt);
  }
  command_.void_setpoint();
  stall_until_ = now + setpoint_wait;
}

/// The newest command is carried out, or none came that can be.
bool VebusDriver::stall_is_over(Instant now) const {
  return now >= *stall_until_ || command_.is_written();
}

Task VebusDriver::choose(Instant now) {
  if (handshake_.over() && !unusable_reason_.empty() && now >= identify_at_) handshake_.repeat();
  // Off before the standby line is held would be for good: the interface dies with the unit
  // (reference: vebus-mk3#14 rule 17).
  if (handshake_.stage() > Task::hardware_flags && command_.switch_due(left_off(), now))
    return Task::switch_state;
  if (!handshake_.over()) return handshake_.stage();
  if (health_.ready && command_.setpoint_due(poll_schedule_.leaves_room_for_setpoint(now), now))
    return Task::setpoint;
  const EssRecord& ess = handshake_.ess();
  return poll_schedule_.next(now, ess.found(), !(ess.found() && ess.reads_many()));
}

/// reference: vebus-mk3#11: ask for the version; wake the interface; bring it back from high speed.
void VebusDriver::probe(Instant now, Step& step) {
  if (at_fast_baud_) {
    at_fast_baud_ = false;
    step.baud = mk3::baud;
    parser_.clear();
  }
  if (probes_ == probes_before_reopen) {
    probes_ = 0;
    step.reopen = true;
    not_before_ = now + reopen_wait;
    return;
  }
  const unsigned attempt = probes_++ % 3;
  if (attempt == 2) {
    at_fast_baud_ = true;
    step.baud = fast_baud;
    step.send.push_back(encode(Reset{}));
    not_before_ = now + fast_reset_wait;
    return;
  }
  if (attempt == 1) step.send.push_back(Bytes(5, std::byte{0x55}));
  ask(Task::find_interface, now, step);
}

void VebusDriver::ask(Task task, Instant now, Step& step) {
  const auto letter = request_ids_.next(now);
  if (!letter) {
    not_before_ = request_ids_.free_at();
    return;
  }
  Pending pending{
      .task = task, .letter = *letter, .sent = now, .deadline = now + reply_limit(task)};
  if (task == Task::snapshot) {
    ask_snapshot(pending, now, step);
  } else {
    step.send.push_back(encode(request(pending, now)));
    pending.deadline += mk3::wire_time(step.send.back().size());
  }
  if (task == Task::setpoint) {
    step.setpoint_written = command_.setpoint_sent(pending.word);
    poll_schedule_.wrote_setpoint(command_.is_large_change(pending.word), now);
  }
  if (is_poll(task)) poll_schedule_.asked(task, now);
  pending_ = pending;
}

Message VebusDriver::request(Pending& pending, Instant now) {
  switch (pending.task) {
    case Task::find_interface:
    case Task::heartbeat:
      return VersionRequest{};
    case Task::select_address:
      return Address{true, config_.address};
    case Task::settings:
    case Task::switch_state:
      return state_request(pending, now);
    case Task::hardware_flags:
    case Task::keep_flags:
      return HardwareFlags{static_cast<std::uint8_t>(
          HardwareFlags::panel_detect | HardwareFlags::standby | HardwareFlags::unknown_default)};
    case Task::firmware_low:
      return vebus::firmware_low(pending.letter);
    case Task::firmware_high:
      return vebus::firmware_high(pending.letter);
    case Task::scales:
      return handshake_.scales().request(pending.letter);
    case Task::units:
    case Task::mains:
      return InfoRequest{InfoRequest::ac_l1};
    case Task::records:
      return handshake_.ess().walk_request(pending.letter);
    case Task::check_record:
      return handshake_.ess().check_request(pending.letter);
    case Task::setpoint:
      pending.word = command_.word();
      return write_ram(pending.letter, handshake_.ess().setpoint_id(), pending.word);
    case Task::snapshot:
      return read_snapshot(pending.letter);
    case Task::leds:
      return LedRequest{};
    case Task::device_state:
      return vebus::device_state(pending.letter);
    case Task::battery:
      return InfoRequest{InfoRequest::dc};
    case Task::input:
      return InfoRequest{InfoRequest::config};
  }
  return VersionRequest{};
}

/// Without a wish of our own the switch state is not sent to the bus.
StateSet VebusDriver::state_request(Pending& pending, Instant now) {
  StateSet set{.ext0 = StateSet::long_replies, .eeprom = std::uint8_t{0}};
  const auto wanted = command_.wanted_switch(left_off(), now);
  if (wanted && (pending.task == Task::switch_state || *wanted != SwitchState::off)) {
    pending.switch_state = *wanted;
    set.switch_state = static_cast<std::uint8_t>(*wanted);
    command_.switch_sent(*wanted, now);
  } else {
    set.flags |= StateSet::settings_only;
  }
  return set;
}

/// F 6 has no response, so the read follows at once; where that comes too early, after a gap.
/// UNVERIFIED: the two in one go; Venus OS sends F 6 glued to another request.
void VebusDriver::ask_snapshot(Pending& pending, Instant now, Step& step) {
  Bytes bytes = encode(SnapshotRequest{{snapshot_ids.begin(), snapshot_ids.end()}});
  const Bytes read = encode(read_snapshot(pending.letter));
  pending.deadline += mk3::wire_time(bytes.size() + read.size());
  if (!frozen_at_) frozen_at_ = now;
  if (snapshot_gap_ > Duration::zero()) {
    pending.read_at = now + mk3::wire_time(bytes.size()) + snapshot_gap_;
    pending.deadline += snapshot_gap_;
  } else {
    bytes.insert(bytes.end(), read.begin(), read.end());
  }
  step.send.push_back(std::move(bytes));
}

// ---- receiving ----------------------------------------------------------------------------------

void VebusDriver::parse(Instant now, Step& step) {
  while (const auto frame = parser_.next(health_.frames)) {
    if (const auto message = decode(*frame)) {
      on_message(*message, now, step);
    } else {
      health_.frames.add(result_of(message.error().kind));
    }
  }
}

void VebusDriver::on_message(const Message& message, Instant now, Step& step) {
  if (const auto* version = std::get_if<Version>(&message)) {
    const bool selected = handshake_.stage() > Task::select_address;
    if (selected && version->mode != config_.address) {
      step.tell(Level::warning, "interface_reset", "mode=" + std::to_string(version->mode));
      start_over("the MK3 interface was reset", now);
      return;
    }
  }
  if (const auto* ac = std::get_if<AcInfo>(&message)) watch_for_other_units(*ac, now, step);
  if (pending_ && is_response_to(*pending_, message)) {
    const Pending pending = *std::exchange(pending_, std::nullopt);
    timeouts_ = 0;
    health_.round_trip.add(now - pending.sent);
    on_reply(pending, message, now, step);
    return;
  }
  if (const auto* input = std::get_if<ConfigInfo>(&message); input != nullptr && handshake_.over())
    on_input(*input, now, step);
  const auto* winmon = std::get_if<Winmon>(&message);
  if (winmon != nullptr || (abandoned_ && is_response_to(*abandoned_, message))) {
    abandoned_.reset();
    health_.frames.add(FrameResult::late);
  }
}

bool VebusDriver::is_response_to(const Pending& pending, const Message& message) const {
  return is_response(pending.task, pending.letter, handshake_.scales().half_came(), message);
}

void VebusDriver::on_reply(const Pending& pending, const Message& message, Instant now,
                           Step& step) {
  if (const auto* reply = std::get_if<Winmon>(&message)) {
    on_winmon(pending, *reply, now, step);
  } else if (pending.task == Task::find_interface) {
    probes_ = 0;
    health_.trouble = "handshake with the inverter";
    note_version(std::get<Version>(message), step);
  } else if (pending.task == Task::select_address) {
    if (std::get<Address>(message).address == config_.address) {
      handshake_.advance();
    } else {
      health_.frames.add(FrameResult::content);
      not_before_ = now + wrong_address_wait;
    }
  } else if (pending.task == Task::settings) {
    on_switch_ack(pending, step);
    handshake_.advance();
  } else if (pending.task == Task::switch_state) {
    on_switch_ack(pending, step);
  } else if (pending.task == Task::hardware_flags) {
    handshake_.advance();
  } else if (pending.task == Task::units) {
    handshake_.on_units(std::get<AcInfo>(message));
  } else if (pending.task == Task::heartbeat) {
    failures_ = 0;
    note_version(std::get<Version>(message), step);
  } else if (pending.task == Task::mains) {
    decoder_.on_mains(std::get<AcInfo>(message), handshake_.scales(), now, step, health_.frames);
  } else if (pending.task == Task::leds) {
    decoder_.on_leds(std::get<Leds>(message), now, step);
  } else if (pending.task == Task::battery) {
    SampleDecoder::on_battery(std::get<DcInfo>(message), handshake_.scales(), now, step,
                              health_.frames);
  } else if (pending.task == Task::input) {
    on_input(std::get<ConfigInfo>(message), now, step);
  }
}

void VebusDriver::on_winmon(const Pending& pending, const Winmon& reply, Instant now, Step& step) {
  switch (reply.code) {
    case Code::unknown_command:
    case Code::ram_unsupported:
    case Code::setting_unsupported:
    case Code::access_denied:
      health_.frames.add(FrameResult::exception);
      break;
    default:
      break;
  }
  if (pending.task == Task::firmware_low || pending.task == Task::firmware_high) {
    handshake_.on_firmware(reply);
  } else if (pending.task == Task::scales) {
    if (handshake_.on_scale(reply)) pending_ = pending;
  } else if (pending.task == Task::records) {
    handshake_.on_record(reply);
    if (handshake_.over()) finish_handshake(now, step);
  } else if (pending.task == Task::check_record) {
    on_check(reply, now, step);
  } else if (pending.task == Task::setpoint) {
    on_setpoint_reply(pending, reply, now, step);
  } else if (pending.task == Task::snapshot) {
    on_snapshot(pending.sent, reply, now, step);
  } else if (pending.task == Task::device_state) {
    SampleDecoder::on_device_state(reply, now, step);
  }
}

void VebusDriver::on_input(const ConfigInfo& info, Instant now, Step& step) {
  decoder_.on_input(info, now, step);
  poll_schedule_.heard_input(now);
}

void VebusDriver::on_snapshot(Instant asked, const Winmon& reply, Instant now, Step& step) {
  const auto raw = words(reply);
  const auto frozen_at = std::exchange(frozen_at_, std::nullopt);
  if (!raw || raw->size() < snapshot_ids.size()) {
    frozen_at_ = asked;  // perhaps the read came before its freeze
    return empty_snapshot(now, step);
  }
  empty_snapshots_ = 0;
  // Nothing answers F 6: where it got lost, these are the powers of one that was not read.
  if (frozen_at && now - *frozen_at > oldest_freeze) return;
  on_powers(snapshot_ids, *raw, now, step);
}

void VebusDriver::on_powers(std::span<const std::uint8_t> ids, std::span<const std::uint16_t> raw,
                            Instant now, Step& step) {
  using Taken = SampleDecoder::Taken;
  const Taken taken = SampleDecoder::on_ram_values(handshake_.scales(), ids, raw, now, step);
  if (taken != Taken::all) health_.frames.add(FrameResult::content);
  if (taken != Taken::none && health_.ready)
    step.add({Point::inverter, Measure::controllable}, 1.0, now);
}

void VebusDriver::empty_snapshot(Instant now, Step& step) {
  health_.frames.add(FrameResult::content);
  snapshot_gap_ = slow_snapshot_gap;
  if (++empty_snapshots_ < max_empty_snapshots || !unusable_reason_.empty()) return;
  refuse("the inverter gives no power readings", now, step);
}

/// Never write where no setpoint is any more.
void VebusDriver::on_check(const Winmon& reply, Instant now, Step& step) {
  std::vector<std::uint16_t> raw;
  switch (handshake_.ess().on_check(reply, raw)) {
    case EssRecord::Check::there:
      if (!raw.empty()) on_powers(EssRecord::check_ids, raw, now, step);
      return;
    case EssRecord::Check::again:
      poll_schedule_.check_record_again(now);
      return;
    case EssRecord::Check::moved:
      step.tell(Level::warning, "ess_moved");
      start_over("the ESS assistant is not where it was", now);
      return;
  }
}

void VebusDriver::on_setpoint_reply(const Pending& pending, const Winmon& reply, Instant now,
                                    Step& step) {
  const auto written = decode_written(reply);
  if (written) {
    if (std::exchange(setpoint_rejections_, 0) > 0) step.tell(Level::notice, "setpoint_accepted");
    command_.acknowledge_setpoint(pending.word, pending.sent);
    step.add({Point::inverter, Measure::setpoint}, setpoint_watts(pending.word).value(), now);
    return;
  }
  if (is_log_due(++setpoint_rejections_))
    step.tell(Level::error, "setpoint_refused", "reason=" + log_quoted(written.error().detail));
  const std::string why = "the inverter does not take the setpoint: " + written.error().detail;
  const bool again = setpoint_refused_at_ && now - *setpoint_refused_at_ < identify_again;
  setpoint_refused_at_ = now;
  if (again) return refuse(why, now, step);
  start_over(why, now);
}

void VebusDriver::on_switch_ack(const Pending& pending, Step& step) {
  if (!pending.switch_state) return;
  decoder_.on_switched();
  command_.acknowledge_switch(*pending.switch_state, step);
}

void VebusDriver::on_timeout(Instant now, Step& step) {
  health_.frames.add(FrameResult::timeout);
  const Task task = pending_->task;
  request_ids_.rest(pending_->letter, now);
  abandoned_ = std::exchange(pending_, std::nullopt);
  if (task == Task::find_interface) {
    if (!silent_) step.tell(Level::error, "inverter_silent");
    silent_ = true;
    not_ready("no answer from the MK3 interface: check its USB plug, its bus cable and its port");
    lost_ = true;
    return;
  }
  ++timeouts_;
  if (is_optional(task) && timeouts_ >= max_optional_timeouts) {
    timeouts_ = 0;
    handshake_.advance();
    return;
  }
  if (task == Task::setpoint) command_.setpoint_timed_out();
  poll_schedule_.timed_out(task, now);
  if (timeouts_ >= max_timeouts) lost(now, step);
}

// ---- from the handshake to readiness, and back --------------------------------------------------

/// All that was known of the interface and the inverter is void.
void VebusDriver::restart(std::string trouble) {
  not_ready(std::move(trouble));
  parser_.clear();
  pending_.reset();
  abandoned_.reset();
  stall_until_.reset();
  handshake_.start_over();
  decoder_.begin_anew();
  snapshot_gap_ = Duration::zero();
  empty_snapshots_ = 0;
}

void VebusDriver::not_ready(std::string trouble) {
  health_.ready = false;
  health_.trouble = std::move(trouble);
  command_.void_setpoint();
}

/// Also of an inverter that is not controlled: its warnings are of the house's supply.
void VebusDriver::show_faults(Instant now) {
  health_.faults = decoder_.warnings(now);
  health_.faults.set(Fault::inverter_lost, lost_);
}

/// A new handshake, later and later if it does not last.
void VebusDriver::start_over(std::string why, Instant now) {
  restart(std::move(why));
  lost_ = true;
  not_before_ =
      now + std::min<Duration>(first_backoff * (1u << std::min(failures_, 10u)), max_backoff);
  ++failures_;
}

void VebusDriver::lost(Instant now, Step& step) {
  if (!silent_) step.tell(Level::error, "inverter_silent");
  silent_ = true;
  start_over("the inverter does not answer", now);
}

void VebusDriver::note_version(const Version& version, Step& step) {
  if (handshake_.on_version(version))
    step.tell(Level::info, "mk3_found", "version=" + std::to_string(version.version));
}

void VebusDriver::finish_handshake(Instant now, Step& step) {
  poll_schedule_.start(now);
  if (handshake_.firmware() != 0) health_.firmware = handshake_.firmware();
  if (std::exchange(silent_, false)) step.tell(Level::notice, "inverter_back");
  if (const auto rejection_reason = handshake_.rejection_reason())
    return refuse(*rejection_reason, now, step);

  unusable_reason_.clear();
  health_.ready = true;
  lost_ = false;
  health_.trouble.clear();
  if (setpoint_rejections_ > 0) return;  // that is to be seen
  reported_reason_.clear();
  step.tell(Level::notice, "ess_found",
            "id=" + std::to_string(handshake_.ess().setpoint_id()) +
                " firmware=" + std::to_string(handshake_.firmware()));
}

/// It goes on being watched, but no setpoint is written; looked at again after a while.
void VebusDriver::refuse(std::string why, Instant now, Step& step) {
  not_ready(why);
  lost_ = true;
  identify_at_ = now + identify_again;
  if (reported_reason_ != why)
    step.tell(Level::error, handshake_.ess().found() ? "inverter_unusable" : "ess_missing",
              "reason=" + log_quoted(why));
  reported_reason_ = why;
  unusable_reason_ = std::move(why);
}

/// Any AC frame may tell, also one that nobody asked for. Two in a row: the checksum has 8 bits,
/// and one damaged frame that passes must not stop the only unit.
void VebusDriver::watch_for_other_units(const AcInfo& info, Instant now, Step& step) {
  const auto several = more_than_one_unit(info);
  other_units_seen_ = several ? other_units_seen_ + 1 : 0;
  if (handshake_.over() && other_units_seen_ >= 2 && unusable_reason_.empty())
    refuse(*several, now, step);
}

}  // namespace

std::unique_ptr<Driver> make_vebus_driver(VebusConfig config) {
  return std::make_unique<VebusDriver>(config);
}

}  // namespace esshub::protocol
