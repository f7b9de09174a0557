#include "protocol/vebus_driver.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "protocol/vebus.hpp"

namespace esshub::protocol {
namespace {

using namespace vebus;

// ---- what there is to ask -----------------------------------------------------------------------

enum class Task : std::uint8_t {
  // handshake, in this order (reference: vebus-mk3 section 11)
  find_interface,
  select_address,
  settings,
  hardware_flags,
  firmware_low,
  firmware_high,
  scales,
  units,
  records,
  // running
  switch_state,
  setpoint,
  snapshot,
  mains,
  leds,
  heartbeat,
  check_record,
  device_state,
  battery,
  input,
  keep_flags,
};

constexpr Task after(Task task) {
  return static_cast<Task>(static_cast<unsigned>(task) + 1);
}
constexpr bool is_handshake(Task task) {
  return task < Task::switch_state;
}
constexpr bool reads_power(Task task) {
  return task == Task::snapshot || task == Task::check_record;
}
/// Without an answer the handshake goes on: an MK2 knows no 'H', and the version is for the log.
constexpr bool is_optional(Task task) {
  return task == Task::hardware_flags || task == Task::firmware_low || task == Task::firmware_high;
}

/// The Winmon reply that answers a task; nothing for interface commands.
std::optional<Code> reply_code(Task task) {
  switch (task) {
    case Task::firmware_low:
      return Code::firmware_low_is;
    case Task::firmware_high:
      return Code::firmware_high_is;
    case Task::scales:
      return Code::ram_info_is;
    case Task::records:
    case Task::check_record:
      return Code::ram_is;
    case Task::setpoint:
      return Code::ram_written;
    case Task::snapshot:
      return Code::snapshot_is;
    case Task::device_state:
      return Code::device_state_is;
    case Task::find_interface:
    case Task::select_address:
    case Task::settings:
    case Task::hardware_flags:
    case Task::units:
    case Task::switch_state:
    case Task::mains:
    case Task::leds:
    case Task::heartbeat:
    case Task::battery:
    case Task::input:
    case Task::keep_flags:
      return std::nullopt;
  }
  return std::nullopt;
}

// ---- times --------------------------------------------------------------------------------------

// From the request's last bit to the reply's last: measured 42 to 130 ms (section 2); two more
// frames may come in between.
constexpr Duration reply_limit = 500ms;
constexpr Duration input_reply_limit = 1200ms;  // F 5 may need over 750 ms (section 2)
constexpr Duration interface_reply_limit = 2s;  // it broadcasts by itself once a second
constexpr unsigned max_timeouts = 3;            // in a row; then it is silent: 1.6 s
constexpr unsigned max_optional_timeouts = 2;
constexpr Duration fast_reset_wait = 1s;  // section 1: after 'R' at high speed
constexpr std::uint32_t fast_baud = 115200;
constexpr unsigned probes_before_reopen = 6;
constexpr Duration identify_again = 30s;  // ESS missing or refused: look again
constexpr Duration switch_repeat = 5s;    // a switch wish other than "on" is repeated
constexpr double mains_present = 180.0;   // V at AC-in; the unit wants 187 V (section 9)
constexpr Duration slow_snapshot_gap = 60ms;
constexpr unsigned max_empty_snapshots = 10;
// A reply that comes after its request was given up carries only its letter: until it cannot come
// any more the letter is not used again, or it would be taken for the reply to another request.
constexpr Duration letter_rest = 3s;
constexpr Duration first_backoff = 250ms;
constexpr Duration max_backoff = 8s;
constexpr unsigned oldest_interface = 131;  // version modulo 1000 (section 3.1)

struct Periodic {
  Task task;
  Duration every;
  Instant due{};
};

// The wire has room for two or three of these a second besides power readings and setpoints; under
// a restless target all periods stretch by the same factor, about 1.4.
constexpr std::array<Periodic, 7> periodic_tasks{{
    {Task::mains, 750ms, {}},  // never stretched: mains loss must not wait
    {Task::leds, 1200ms, {}},
    {Task::heartbeat, 2000ms, {}},  // a reset interface is seen by its mode byte
    {Task::device_state, 6s, {}},
    {Task::input, 30s, {}},   // may hold the line for most of a second
    {Task::battery, 9s, {}},  // only where RAM is read one value at a time
    {Task::keep_flags, 15s, {}},
}};

constexpr std::array<std::uint8_t, 7> needed_scales{
    ram::mains_voltage, ram::battery_voltage, ram::battery_current, ram::mains_period,
    ram::battery_power, ram::mains_power,     ram::output_power};

constexpr std::array<std::uint8_t, 3> snapshot_ids{ram::battery_power, ram::output_power,
                                                   ram::mains_power};
/// Read together with the header of the ESS record: never write where no setpoint is any more.
constexpr std::array<std::uint8_t, 5> record_check_ids{ram::mains_power, ram::battery_power,
                                                       ram::output_power, ram::battery_voltage,
                                                       ram::battery_current};
constexpr Duration record_check_every = 1500ms;

// A new setpoint waits for the transaction under way and for no other, unless setpoints have kept
// the line until something else is owed.
constexpr Duration longest_without_power = 300ms;
constexpr Duration owed_without_power = 500ms;  // while the rest is owed
constexpr unsigned calm_polls = 2;  // between two writes: the next write may be followed by another

constexpr int large_change = 50;            // W: a house on the move, not its noise
constexpr Duration calm_before_input = 3s;  // its second must not fall into a large change

constexpr std::size_t setpoint_bytes = 9;
constexpr std::size_t state_bytes = 12;

Duration wire_time(std::size_t bytes) {
  return mk3::byte_time * static_cast<Duration::rep>(bytes);
}

// ---- plausibility: an impossible value is a fault of the frame, not a reading
// ---------------------

bool within(double value, double low, double high) {
  return value >= low && value <= high;
}

// ---- the driver ---------------------------------------------------------------------------------

class VebusDriver final : public Driver {
 public:
  explicit VebusDriver(VebusConfig config) : config_(config) {}

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
  struct Written {
    std::int16_t word;
    Instant sent;
  };

  // Sending
  [[nodiscard]] Step settle(Step step, Instant now);
  void pump(Instant now, Step& step);
  [[nodiscard]] bool next_letter(Instant now);
  [[nodiscard]] Instant& rests_until(Letter letter);
  [[nodiscard]] Task choose(Instant now);
  void probe(Instant now, Step& step);
  void ask(Task task, Instant now, Step& step);
  [[nodiscard]] Message request(Pending& pending, Instant now);
  void ask_snapshot(Pending& pending, Instant now, Step& step);
  [[nodiscard]] bool setpoint_due(Instant now) const;
  [[nodiscard]] bool power_is_owed(Instant now) const;
  [[nodiscard]] bool rest_is_owed(Instant now) const;
  [[nodiscard]] std::optional<SwitchState> wanted_switch(Instant now) const;
  [[nodiscard]] bool switch_due(Instant now) const;
  [[nodiscard]] Instant next_wake(Instant now) const;

  // Receiving
  void parse(Instant now, Step& step);
  void on_message(const Message& message, Instant now, Step& step);
  [[nodiscard]] bool answers(const Pending& pending, const Message& message) const;
  void on_reply(const Pending& pending, const Message& message, Instant now, Step& step);
  void on_winmon(const Pending& pending, const Winmon& reply, Instant now, Step& step);
  void on_timeout(Instant now, Step& step);

  // Handshake
  void restart(std::string trouble);
  void start_over(std::string why, Instant now);
  void advance() { stage_ = after(stage_); }
  void on_interface(const Version& version, Step& step);
  void on_scale(const Winmon& reply);
  void on_header(const Winmon& reply, Instant now, Step& step);
  void finish_handshake(Instant now, Step& step);
  void refuse(std::string why, Instant now, Step& step);
  void not_ready(std::string trouble);
  void lost(Instant now, Step& step);

  // Values
  void on_snapshot(const Winmon& reply, Instant now, Step& step);
  void on_ram_values(std::span<const std::uint8_t> ids, std::span<const std::uint16_t> raw,
                     Instant now, Step& step);
  void on_mains(const AcInfo& info, Instant now, Step& step);
  void on_leds(const Leds& leds, Instant now, Step& step);
  void on_input(const ConfigInfo& info, Instant now, Step& step);
  void on_battery(const DcInfo& info, Instant now, Step& step);
  void on_setpoint_reply(const Pending& pending, const Winmon& reply, Instant now, Step& step);
  [[nodiscard]] Winmon check_request(Letter letter) const;
  void on_check(const Winmon& reply, Instant now, Step& step);
  void on_switch_ack(const Pending& pending, Step& step);
  void empty_snapshot(Instant now, Step& step);
  void watch_for_other_units(const AcInfo& info, Instant now, Step& step);
  [[nodiscard]] static std::optional<std::string> more_than_one_unit(const AcInfo& info);
  [[nodiscard]] bool left_off() const;
  [[nodiscard]] std::optional<double> scaled(std::uint8_t id, std::uint16_t raw) const;
  void bad_content() { health_.frames.add(FrameResult::content); }

  VebusConfig config_;
  DriverHealth health_;
  mk3::Parser parser_;
  Instant last_byte_{};

  // The request under way, and the one given up last: its answer may still come.
  std::optional<Pending> pending_;
  std::optional<Pending> abandoned_;
  Letter letter_ = Letter::z;
  std::array<Instant, 3> letter_rests_until_{};  // x, y, z
  unsigned timeouts_ = 0;
  Instant not_before_{};  // nothing is sent earlier

  // Handshake
  bool started_ = false;
  bool running_ = false;
  Task stage_ = Task::find_interface;
  unsigned probes_ = 0;
  bool at_fast_baud_ = false;
  bool silent_ = false;    // said so in an event
  unsigned failures_ = 0;  // handshakes that did not last, in a row
  std::optional<std::uint32_t> interface_version_;
  std::optional<std::string> other_units_;
  unsigned other_units_seen_ = 0;  // frames in a row that tell of more than one
  std::map<std::uint8_t, Scale> scales_;
  std::size_t scale_index_ = 0;
  std::optional<Winmon> partial_;
  std::uint32_t firmware_ = 0;
  unsigned record_id_ = ram::assistants;
  std::optional<std::uint8_t> ess_id_;  // of the record's header; the setpoint is the next word
  std::uint16_t ess_header_ = 0;
  std::string refusal_;       // why this inverter is not controlled although it talks
  std::string told_refusal_;  // in an event
  Instant identify_at_{};
  std::optional<Instant> setpoint_refused_at_;

  // Running
  std::array<Periodic, periodic_tasks.size()> periodic_ = periodic_tasks;
  Instant record_check_due_{};
  bool reads_many_ = false;  // several RAM values in one request
  Task last_poll_ = Task::snapshot;
  unsigned polls_since_write_ = 0;
  bool power_read_since_write_ = false;
  bool spare_write_ = false;  // one may follow another although something is owed
  Instant power_read_at_{};   // asked for
  Instant moved_at_{};        // a large change was written
  Duration snapshot_gap_{};
  unsigned empty_snapshots_ = 0;
  std::optional<InverterState> state_;
  bool mains_present_ = false;
  bool off_by_remote_ = false;  // by the switch register of since it is off
  std::optional<std::uint8_t> alarms_;
  std::optional<std::uint8_t> error_;

  // Commands
  std::optional<Setpoint> command_;      // the newest
  bool command_is_current_ = false;      // given since the inverter became ready
  std::optional<Written> written_;       // acknowledged setpoint
  std::optional<SwitchState> switched_;  // what we switched it to; survives a lost line, so that
                                         // what we switched off we also switch on again
  bool switch_acknowledged_ = false;
  Instant switch_sent_{};
};

void add(Step& step, Point point, Measure measure, double value, Instant at) {
  step.samples.push_back({{point, measure}, value, at});
}

void event(Step& step, Level level, std::string name, std::string detail = {}) {
  step.events.push_back({level, std::move(name), std::move(detail)});
}

std::string quoted(std::string_view key, std::string_view text) {
  return std::string{key} + "=\"" + std::string{text} + "\"";
}

Letter after(Letter letter) {
  switch (letter) {
    case Letter::x:
      return Letter::y;
    case Letter::y:
      return Letter::z;
    case Letter::z:
    case Letter::w:
      return Letter::x;
  }
  return Letter::x;
}

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
  if (now - last_byte_ >= mk3::frame_gap) {
    parser_.give_up_waiting();
    parse(now, step);
  }
  last_byte_ = now;
  health_.wire_busy += wire_time(bytes.size());
  parser_.push(bytes);
  parse(now, step);
  return settle(std::move(step), now);
}

Step VebusDriver::on_timer(Instant now) {
  Step step;
  if (!started_) return step;
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
  const auto impossible = [](const Setpoint& s) {
    return s.mode == InverterMode::follow && !setpoint_word(s.ac_power);
  };
  if (impossible(setpoint) && !(command_ && impossible(*command_)))
    event(step, Level::error, "setpoint_impossible");  // and nothing is written
  command_ = setpoint;
  command_is_current_ = health_.ready;
  if (!started_) return step;
  return settle(std::move(step), now);
}

void VebusDriver::on_down(Instant) {
  restart("the line is down");
  command_.reset();
  started_ = false;
}

/// What follows every input.
Step VebusDriver::settle(Step step, Instant now) {
  pump(now, step);
  for (const auto& bytes : step.send) health_.wire_busy += wire_time(bytes.size());
  step.wake_at = next_wake(now);
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
  const Task task = choose(now);
  if (task == Task::find_interface) {
    probe(now, step);
  } else {
    ask(task, now, step);
  }
}

Task VebusDriver::choose(Instant now) {
  if (running_ && !refusal_.empty() && now >= identify_at_) {
    running_ = false;
    stage_ = Task::scales;
    scale_index_ = 0;
  }
  // Off before the standby line is held would be for good: the interface dies with the unit
  // (reference: vebus-mk3 section 14, pitfall 17).
  if (stage_ > Task::hardware_flags && switch_due(now)) return Task::switch_state;
  if (!running_) return stage_;
  if (setpoint_due(now)) return Task::setpoint;
  // Power readings, the first after each write, alternate with the rest, the relatively latest
  // first. The main state does not wait, and what may take long follows it directly.
  const bool rest_may = rest_is_owed(now) ? now - power_read_at_ < owed_without_power
                                          : reads_power(last_poll_) && power_read_since_write_;
  std::optional<Task> next;
  double latest = 0.0;
  for (const auto& periodic : periodic_) {
    if (now < periodic.due || (periodic.task == Task::battery && reads_many_ && ess_id_)) continue;
    if (periodic.task == Task::mains) return periodic.task;
    if (periodic.task == Task::input && now - moved_at_ < calm_before_input &&
        now - periodic.due < periodic.every)
      continue;
    const bool its_turn = periodic.task == Task::input ? last_poll_ == Task::mains : rest_may;
    const double lateness = Seconds{now - periodic.due} / Seconds{periodic.every};
    if (!its_turn || (next && lateness <= latest)) continue;
    next = periodic.task;
    latest = lateness;
  }
  if (next) return *next;
  return ess_id_ && now >= record_check_due_ ? Task::check_record : Task::snapshot;
}

/// Section 11: ask for the version; wake the interface; bring it back from high speed.
void VebusDriver::probe(Instant now, Step& step) {
  if (at_fast_baud_) {
    at_fast_baud_ = false;
    step.baud = mk3::baud;
    parser_.clear();
  }
  if (probes_ == probes_before_reopen) {
    probes_ = 0;
    step.reopen = true;
    not_before_ = now + interface_reply_limit;
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

Instant& VebusDriver::rests_until(Letter letter) {
  switch (letter) {
    case Letter::x:
      return letter_rests_until_[0];
    case Letter::y:
      return letter_rests_until_[1];
    case Letter::z:
    case Letter::w:
      return letter_rests_until_[2];
  }
  return letter_rests_until_[2];
}

/// The next letter whose reply is not still owed. False: all of them are; later.
bool VebusDriver::next_letter(Instant now) {
  for (int tried = 0; tried < 3; ++tried) {
    letter_ = after(letter_);
    if (rests_until(letter_) <= now) return true;
  }
  not_before_ = std::min({rests_until(Letter::x), rests_until(Letter::y), rests_until(Letter::z)});
  return false;
}

void VebusDriver::ask(Task task, Instant now, Step& step) {
  Duration limit = reply_limit;
  if (task == Task::find_interface) limit = interface_reply_limit;
  if (task == Task::input) limit = input_reply_limit;

  if (!next_letter(now)) return;
  Pending pending{.task = task, .letter = letter_, .sent = now, .deadline = now + limit};
  if (task == Task::snapshot) {
    ask_snapshot(pending, now, step);
  } else {
    step.send.push_back(encode(request(pending, now)));
    pending.deadline += wire_time(step.send.back().size());
  }
  partial_.reset();
  if (task == Task::setpoint) {
    if (!written_ || std::abs(pending.word - written_->word) >= large_change) moved_at_ = now;
    spare_write_ = polls_since_write_ >= calm_polls || (spare_write_ && polls_since_write_ > 0);
    polls_since_write_ = 0;
    power_read_since_write_ = false;
  }
  if (!is_handshake(task) && task != Task::setpoint && task != Task::switch_state) {
    last_poll_ = task;
    ++polls_since_write_;
    if (reads_power(task)) {
      power_read_since_write_ = true;
      power_read_at_ = now;
    }
    for (auto& periodic : periodic_)
      if (periodic.task == task) periodic.due = now + periodic.every;
  }
  pending_ = pending;
}

Message VebusDriver::request(Pending& pending, Instant now) {
  const auto hardware_flags = static_cast<std::uint8_t>(
      HardwareFlags::panel_detect | HardwareFlags::standby | HardwareFlags::unknown_default);
  StateSet set{.ext0 = StateSet::long_replies, .eeprom = std::uint8_t{0}};
  switch (pending.task) {
    case Task::find_interface:
    case Task::heartbeat:
      return VersionRequest{};
    case Task::select_address:
      return Address{true, config_.address};
    case Task::settings:
    case Task::switch_state:
      // Without a wish of our own the switch state is not sent to the bus.
      if (const auto wanted = wanted_switch(now);
          wanted && (pending.task == Task::switch_state || *wanted != SwitchState::off)) {
        pending.switch_state = *wanted;
        set.switch_state = static_cast<std::uint8_t>(*wanted);
        switch_sent_ = now;
        if (*wanted != SwitchState::on && *wanted != switched_) {
          switch_acknowledged_ = false;
          switched_ = *wanted;  // unanswered it may have been heard all the same
        }
      } else {
        set.flags |= StateSet::settings_only;
      }
      return set;
    case Task::hardware_flags:
    case Task::keep_flags:
      return HardwareFlags{hardware_flags};
    case Task::firmware_low:
      return vebus::firmware_low(pending.letter);
    case Task::firmware_high:
      return vebus::firmware_high(pending.letter);
    case Task::scales:
      return ram_info(pending.letter, needed_scales[scale_index_]);
    case Task::units:
    case Task::mains:
      return InfoRequest{InfoRequest::ac_l1};
    case Task::records:
      return read_ram(pending.letter, {static_cast<std::uint8_t>(record_id_), 0});
    case Task::check_record:
      record_check_due_ = now + record_check_every;
      return check_request(pending.letter);
    case Task::setpoint:
      // setpoint_due() has seen to it that all of these are there.
      pending.word = setpoint_word(command_.value().ac_power).value();
      return write_ram(pending.letter, static_cast<std::uint8_t>(ess_id_.value() + 1),
                       pending.word);
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

/// F 6 has no answer, so the read follows at once; where that comes too early, after a gap.
/// UNVERIFIED: the two in one go; Venus OS sends F 6 glued to another request.
void VebusDriver::ask_snapshot(Pending& pending, Instant now, Step& step) {
  Bytes bytes = encode(SnapshotRequest{{snapshot_ids.begin(), snapshot_ids.end()}});
  const Bytes read = encode(read_snapshot(pending.letter));
  pending.deadline += wire_time(bytes.size() + read.size());
  if (snapshot_gap_ > Duration::zero()) {
    pending.read_at = now + wire_time(bytes.size()) + snapshot_gap_;
    pending.deadline += snapshot_gap_;
  } else {
    bytes.insert(bytes.end(), read.begin(), read.end());
  }
  step.send.push_back(std::move(bytes));
}

bool VebusDriver::setpoint_due(Instant now) const {
  if (!health_.ready || !command_ || !command_is_current_) return false;
  if (command_->mode != InverterMode::follow || switched_) return false;
  if (now + wire_time(setpoint_bytes) > command_->valid_until) return false;
  const auto word = setpoint_word(command_->ac_power);
  if (!word) return false;
  if (!written_ || now - written_->sent >= config_.refresh) return true;
  if (*word == written_->word || now - written_->sent < config_.setpoint_interval) return false;
  if (*word == 0) return true;  // whatever else is owed
  const bool reversed = *word * written_->word < 0;
  const int change = std::abs(*word - written_->word);
  if (!reversed && change < config_.setpoint_deadband.value()) return false;
  // A restless target must leave time for reading: what is owed comes between two writes.
  return polls_since_write_ > 0 || spare_write_ || !(power_is_owed(now) || rest_is_owed(now));
}

bool VebusDriver::power_is_owed(Instant now) const {
  return now - power_read_at_ >= longest_without_power;
}

/// Mains loss and alarms must not wait; the rest may stretch by half its period.
bool VebusDriver::rest_is_owed(Instant now) const {
  return std::ranges::any_of(periodic_, [&](const Periodic& periodic) {
    switch (periodic.task) {
      case Task::mains:
      case Task::leds:
        return now >= periodic.due;
      case Task::input:
      case Task::battery:
        return false;
      default:
        return now - periodic.due >= periodic.every / 2;
    }
  });
}

std::optional<SwitchState> VebusDriver::wanted_switch(Instant now) const {
  if (!command_ || now + wire_time(state_bytes) > command_->valid_until) return std::nullopt;
  switch (command_->mode) {
    case InverterMode::off:
      return SwitchState::off;
    case InverterMode::charger_only:
      return SwitchState::charger_only;
    case InverterMode::follow:
    case InverterMode::release:
      break;
  }
  return switched_ || left_off() ? std::optional{SwitchState::on} : std::nullopt;
}

/// Switched off by an earlier run of the hub, at the islanded cut-off, and the mains are back: what
/// off_by_remote_ stands for, nobody else would undo. Never in a power cut, never without a command
/// to follow.
bool VebusDriver::left_off() const {
  return health_.ready && command_is_current_ && command_->mode == InverterMode::follow &&
         state_ == InverterState::off && mains_present_ && off_by_remote_;
}

bool VebusDriver::switch_due(Instant now) const {
  const auto wanted = wanted_switch(now);
  if (!wanted) return false;
  return *wanted != switched_ || !switch_acknowledged_ || now - switch_sent_ >= switch_repeat;
}

// ---- receiving ----------------------------------------------------------------------------------

void VebusDriver::parse(Instant now, Step& step) {
  while (const auto frame = parser_.next(health_.frames)) {
    if (const auto message = decode(*frame)) {
      on_message(*message, now, step);
    } else {
      switch (message.error().kind) {
        case ErrorKind::length:
          health_.frames.add(FrameResult::length);
          break;
        case ErrorKind::content:
          bad_content();
          break;
        case ErrorKind::unsupported:
        case ErrorKind::address:
        case ErrorKind::function:
        case ErrorKind::checksum:
        case ErrorKind::exception:
          health_.frames.add(FrameResult::unknown);
          break;
      }
    }
  }
}

void VebusDriver::on_message(const Message& message, Instant now, Step& step) {
  if (const auto* version = std::get_if<Version>(&message)) {
    const bool selected = running_ || stage_ > Task::select_address;
    if (selected && version->mode != config_.address) {
      event(step, Level::warning, "interface_reset", "mode=" + std::to_string(version->mode));
      start_over("the MK3 interface was reset", now);
      return;
    }
  }
  if (const auto* ac = std::get_if<AcInfo>(&message)) watch_for_other_units(*ac, now, step);
  if (pending_ && answers(*pending_, message)) {
    const Pending pending = *std::exchange(pending_, std::nullopt);
    timeouts_ = 0;
    health_.round_trip.add(now - pending.sent);
    on_reply(pending, message, now, step);
    return;
  }
  if (const auto* input = std::get_if<ConfigInfo>(&message); input != nullptr && running_)
    on_input(*input, now, step);
  const auto* winmon = std::get_if<Winmon>(&message);
  if (winmon != nullptr || (abandoned_ && answers(*abandoned_, message))) {
    abandoned_.reset();
    health_.frames.add(FrameResult::late);
  }
}

bool VebusDriver::answers(const Pending& pending, const Message& message) const {
  if (const auto wanted = reply_code(pending.task)) {
    const auto* reply = std::get_if<Winmon>(&message);
    if (reply == nullptr || !reply->is_reply() || reply->letter != pending.letter) return false;
    switch (reply->code) {
      case Code::unknown_command:
      case Code::ram_unsupported:
      case Code::setting_unsupported:
      case Code::access_denied:
        return true;
      case Code::ram_offset_is:
        return pending.task == Task::scales && partial_.has_value();
      case Code::setting_written:
        return pending.task == Task::setpoint;
      default:
        return reply->code == *wanted;
    }
  }
  switch (pending.task) {
    case Task::find_interface:
    case Task::heartbeat:
      return std::holds_alternative<Version>(message);
    case Task::select_address:
      return std::holds_alternative<Address>(message);
    case Task::settings:
    case Task::switch_state:
      return std::holds_alternative<StateAck>(message);
    case Task::hardware_flags:
    case Task::keep_flags:
      return std::holds_alternative<HardwareFlags>(message);
    case Task::units:
    case Task::mains: {
      const auto* info = std::get_if<AcInfo>(&message);
      return info != nullptr && info->phase() == 1;
    }
    case Task::leds:
      return std::holds_alternative<Leds>(message);
    case Task::battery:
      return std::holds_alternative<DcInfo>(message);
    case Task::input:
      return std::holds_alternative<ConfigInfo>(message);
    case Task::firmware_low:
    case Task::firmware_high:
    case Task::scales:
    case Task::records:
    case Task::setpoint:
    case Task::snapshot:
    case Task::check_record:
    case Task::device_state:
      break;
  }
  return false;
}

void VebusDriver::on_reply(const Pending& pending, const Message& message, Instant now,
                           Step& step) {
  if (const auto* reply = std::get_if<Winmon>(&message)) {
    on_winmon(pending, *reply, now, step);
  } else if (pending.task == Task::find_interface) {
    on_interface(std::get<Version>(message), step);
  } else if (pending.task == Task::select_address) {
    if (std::get<Address>(message).address == config_.address) {
      advance();
    } else {
      bad_content();
      not_before_ = now + reply_limit;
    }
  } else if (pending.task == Task::settings) {
    on_switch_ack(pending, step);
    advance();
  } else if (pending.task == Task::switch_state) {
    on_switch_ack(pending, step);
  } else if (pending.task == Task::hardware_flags) {
    advance();
  } else if (pending.task == Task::units) {
    other_units_ = more_than_one_unit(std::get<AcInfo>(message));
    record_id_ = ram::assistants;
    ess_id_.reset();
    advance();
  } else if (pending.task == Task::heartbeat) {
    failures_ = 0;
  } else if (pending.task == Task::mains) {
    on_mains(std::get<AcInfo>(message), now, step);
  } else if (pending.task == Task::leds) {
    on_leds(std::get<Leds>(message), now, step);
  } else if (pending.task == Task::battery) {
    on_battery(std::get<DcInfo>(message), now, step);
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
    const auto part = decode_firmware(reply);
    if (part && pending.task == Task::firmware_low) firmware_ = part->value;
    if (part && pending.task == Task::firmware_high) firmware_ |= part->value << 16;
    advance();
    if (part && part->whole) stage_ = Task::scales;
  } else if (pending.task == Task::scales) {
    on_scale(reply);
    if (partial_) pending_ = pending;  // its other half is on the way
  } else if (pending.task == Task::records) {
    on_header(reply, now, step);
  } else if (pending.task == Task::check_record) {
    on_check(reply, now, step);
  } else if (pending.task == Task::setpoint) {
    on_setpoint_reply(pending, reply, now, step);
  } else if (pending.task == Task::snapshot) {
    on_snapshot(reply, now, step);
  } else if (pending.task == Task::device_state) {
    const auto state = decode_device_state(reply);
    if (!state) return;
    if (state->state == static_cast<std::uint8_t>(InverterState::charge))
      add(step, Point::inverter, Measure::charge_state, state->sub_state, now);
  }
}

void VebusDriver::on_timeout(Instant now, Step& step) {
  health_.frames.add(FrameResult::timeout);
  const Task task = pending_->task;
  rests_until(pending_->letter) = now + letter_rest;
  abandoned_ = std::exchange(pending_, std::nullopt);
  if (task == Task::find_interface) {
    if (!silent_) event(step, Level::error, "inverter_silent");
    silent_ = true;
    not_ready("no answer from the MK3 interface: check its USB plug, its bus cable and its port");
    health_.fault = Fault::inverter_lost;
    return;
  }
  ++timeouts_;
  if (is_optional(task) && timeouts_ >= max_optional_timeouts) {
    timeouts_ = 0;
    advance();
    return;
  }
  if (task == Task::setpoint) written_.reset();  // whether it was heard is not known
  for (auto& periodic : periodic_)
    if (periodic.task == task) periodic.due = now + periodic.every / 4;
  if (timeouts_ >= max_timeouts) lost(now, step);
}

// ---- handshake ----------------------------------------------------------------------------------

/// All that was known of the interface and the inverter is void.
void VebusDriver::restart(std::string trouble) {
  not_ready(std::move(trouble));
  parser_.clear();
  pending_.reset();
  abandoned_.reset();
  timeouts_ = 0;
  running_ = false;
  stage_ = Task::find_interface;
  at_fast_baud_ = false;
  scales_.clear();
  scale_index_ = 0;
  ess_id_.reset();
  refusal_.clear();
  snapshot_gap_ = Duration::zero();
  empty_snapshots_ = 0;
  other_units_seen_ = 0;
  state_.reset();
  mains_present_ = false;
  off_by_remote_ = false;
  alarms_.reset();
  error_.reset();
}

void VebusDriver::not_ready(std::string trouble) {
  health_.ready = false;
  health_.trouble = std::move(trouble);
  // An old setpoint is never replayed: only one given after the inverter is ready again is written.
  command_is_current_ = false;
  written_.reset();
}

/// A new handshake, later and later if it does not last.
void VebusDriver::start_over(std::string why, Instant now) {
  restart(std::move(why));
  health_.fault = Fault::inverter_lost;
  not_before_ =
      now + std::min<Duration>(first_backoff * (1u << std::min(failures_, 10u)), max_backoff);
  ++failures_;
}

void VebusDriver::lost(Instant now, Step& step) {
  if (!silent_) event(step, Level::error, "inverter_silent");
  silent_ = true;
  start_over("the inverter does not answer", now);
}

void VebusDriver::on_interface(const Version& version, Step& step) {
  probes_ = 0;
  if (interface_version_ != version.version)
    event(step, Level::info, "mk3_found", "version=" + std::to_string(version.version));
  interface_version_ = version.version;
  health_.trouble = "handshake with the inverter";
  advance();
}

void VebusDriver::on_scale(const Winmon& reply) {
  Winmon whole = reply;
  if (reply.code == Code::ram_offset_is && partial_) {
    whole = *std::exchange(partial_, std::nullopt);
    whole.data.resize(2);
    put_u8(whole.data, static_cast<unsigned>(reply.code));
    whole.data.insert(whole.data.end(), reply.data.begin(), reply.data.end());
  }
  const auto info = decode_ram_info(whole);
  if (!info && info.error().kind == ErrorKind::length && whole.data.size() >= 2 &&
      reply.code == Code::ram_info_is) {
    partial_ = whole;
    return;
  }
  const auto id = needed_scales[scale_index_];
  const auto scale = info ? scale_of(*info) : std::nullopt;
  if (scale) {
    scales_[id] = *scale;
  } else {
    scales_.erase(id);
  }
  if (++scale_index_ == needed_scales.size()) advance();
}

/// Walks the assistants' records until the one of ESS (section 7.1).
void VebusDriver::on_header(const Winmon& reply, Instant now, Step& step) {
  const auto found = words(reply);
  const std::uint16_t word = found && !found->empty() ? found->front() : std::uint16_t{0};
  reads_many_ = found && found->size() >= 2;
  const auto header = record_header(word);
  if (word != 0 && header.assistant == RecordHeader::ess && header.size >= 1 && record_id_ < 255) {
    ess_id_ = static_cast<std::uint8_t>(record_id_);
    ess_header_ = word;
    finish_handshake(now, step);
    return;
  }
  record_id_ += 1 + header.size;
  if (word == 0 || record_id_ > 255) finish_handshake(now, step);
}

void VebusDriver::finish_handshake(Instant now, Step& step) {
  running_ = true;
  record_check_due_ = now;
  for (auto& periodic : periodic_) periodic.due = now;
  if (std::exchange(silent_, false)) event(step, Level::notice, "inverter_back");

  if (interface_version_ && *interface_version_ % 1000 < oldest_interface)
    return refuse("the interface's firmware is too old", now, step);
  if (other_units_) return refuse(*other_units_, now, step);
  for (const auto id : {ram::battery_power, ram::mains_power, ram::output_power})
    if (!scales_.contains(id))
      return refuse("the inverter does not measure power (RAM " + std::to_string(id) + ")", now,
                    step);
  if (!ess_id_)
    return refuse("the inverter has no ESS assistant: install it with VEConfigure", now, step);

  refusal_.clear();
  told_refusal_.clear();
  health_.ready = true;
  health_.fault.reset();
  health_.trouble.clear();
  event(step, Level::notice, "ess_found",
        "id=" + std::to_string(*ess_id_ + 1) + " firmware=" + std::to_string(firmware_));
}

/// It goes on being watched, but no setpoint is written; looked at again after a while.
void VebusDriver::refuse(std::string why, Instant now, Step& step) {
  not_ready(why);
  health_.fault = Fault::inverter_lost;
  identify_at_ = now + identify_again;
  if (told_refusal_ != why)
    event(step, Level::error, ess_id_ ? "inverter_unusable" : "ess_missing", quoted("reason", why));
  told_refusal_ = why;
  refusal_ = std::move(why);
}

/// Any AC frame may tell, also one that nobody asked for. Two in a row: the checksum has 8 bits,
/// and one damaged frame that passes must not stop the only unit.
void VebusDriver::watch_for_other_units(const AcInfo& info, Instant now, Step& step) {
  const auto several = more_than_one_unit(info);
  other_units_seen_ = several ? other_units_seen_ + 1 : 0;
  if (!running_ || other_units_seen_ < 2) return;
  other_units_ = several;
  if (refusal_.empty()) refuse(*several, now, step);
}

std::optional<std::string> VebusDriver::more_than_one_unit(const AcInfo& info) {
  if (info.phase() != 1)
    return "a unit on phase L" + std::to_string(info.phase()) +
           " answers; only a single unit is supported";
  if (info.phases().value_or(1) > 1)
    return "the system has " + std::to_string(*info.phases()) +
           " phases; only a single unit is supported";
  if (info.mains_factor > 1 || info.inverter_factor > 1)
    return "units work in parallel; only a single unit is supported";
  return std::nullopt;
}

// ---- values -------------------------------------------------------------------------------------

std::optional<double> VebusDriver::scaled(std::uint8_t id, std::uint16_t raw) const {
  const auto it = scales_.find(id);
  if (it == scales_.end()) return std::nullopt;
  return it->second.value(raw);
}

void VebusDriver::on_snapshot(const Winmon& reply, Instant now, Step& step) {
  const auto raw = words(reply);
  if (!raw || raw->size() < snapshot_ids.size()) return empty_snapshot(now, step);
  empty_snapshots_ = 0;
  on_ram_values(snapshot_ids, *raw, now, step);
}

/// `words` in the order of `ids`; at least as many.
void VebusDriver::on_ram_values(std::span<const std::uint8_t> ids,
                                std::span<const std::uint16_t> raw, Instant now, Step& step) {
  struct Column {
    std::uint8_t id;
    Channel channel;
    double limit;  // of the magnitude
  };
  constexpr std::array<Column, 5> columns{{
      {ram::battery_power, {Point::inverter, Measure::dc_power}, 20000.0},
      {ram::mains_power, {Point::inverter, Measure::power}, 20000.0},
      {ram::output_power, {Point::ac_out, Measure::power}, 20000.0},
      {ram::battery_voltage, {Point::inverter, Measure::dc_voltage}, 100.0},
      {ram::battery_current, {Point::inverter, Measure::dc_current}, 500.0},
  }};
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto* const column = std::ranges::find(columns, ids[i], &Column::id);
    auto value = scaled(ids[i], raw[i]);
    if (column == columns.end() || !value) continue;
    if (!within(*value, -column->limit, column->limit)) return bad_content();
    if (column->id == ram::mains_power) value = mirror(Watts{*value}).value();
    samples.push_back({column->channel, *value, now});
  }
  step.samples.insert(step.samples.end(), samples.begin(), samples.end());
  if (health_.ready) add(step, Point::inverter, Measure::controllable, 1.0, now);
}

void VebusDriver::empty_snapshot(Instant now, Step& step) {
  bad_content();
  snapshot_gap_ = slow_snapshot_gap;
  if (++empty_snapshots_ < max_empty_snapshots || !refusal_.empty()) return;
  empty_snapshots_ = 0;
  refuse("the inverter gives no power readings", now, step);
}

void VebusDriver::on_mains(const AcInfo& info, Instant now, Step& step) {
  if (const auto state = info.main_state()) {
    add(step, Point::inverter, Measure::main_state, static_cast<double>(*state), now);
    if (state_ != state)
      event(step, Level::notice, "inverter_state", "state=" + std::string{name(*state)});
    state_ = state;
    if (state != InverterState::off) off_by_remote_ = false;
  } else {
    bad_content();
  }
  mains_present_ = false;
  if (const auto volts = scaled(ram::mains_voltage, info.mains_voltage)) {
    if (within(*volts, 0.0, 400.0)) {
      add(step, Point::inverter, Measure::voltage, *volts, now);
      mains_present_ = *volts >= mains_present;
    } else {
      bad_content();
    }
  }
  const auto period = scales_.find(ram::mains_period);
  if (period == scales_.end()) return;
  if (const auto hertz = frequency(period->second, info.period);
      hertz && within(hertz->value(), 30.0, 80.0))
    add(step, Point::inverter, Measure::frequency, hertz->value(), now);
}

void VebusDriver::on_leds(const Leds& leds, Instant now, Step& step) {
  if (leds.known())
    add(step, Point::inverter, Measure::leds, leds.on | (unsigned{leds.blink} << 8), now);
  if (leds.alarms) {
    add(step, Point::inverter, Measure::alarms, *leds.alarms, now);
    if (alarms_.value_or(0) != *leds.alarms)
      event(step, *leds.alarms != 0 ? Level::warning : Level::notice, "inverter_alarms",
            quoted("alarms", alarm_names(*leds.alarms)));
    alarms_ = leds.alarms;
  }
  if (const auto code = leds.error()) {
    add(step, Point::inverter, Measure::error, *code, now);
    if (error_.value_or(0) != *code)
      event(step, *code != 0 ? Level::error : Level::notice, "vebus_error",
            "code=" + std::to_string(*code) + " " + quoted("text", error_text(*code)));
    error_ = code;
  }
}

/// Also sent without being asked for, which saves asking.
void VebusDriver::on_input(const ConfigInfo& info, Instant now, Step& step) {
  constexpr double amperes = 0.1;
  add(step, Point::inverter, Measure::input_limit, info.limit * amperes, now);
  off_by_remote_ = state_ == InverterState::off && info.off_by_remote();
  for (auto& periodic : periodic_)
    if (periodic.task == Task::input) periodic.due = now + periodic.every;
}

void VebusDriver::on_battery(const DcInfo& info, Instant now, Step& step) {
  if (const auto volts = scaled(ram::battery_voltage, info.voltage)) {
    if (within(*volts, 0.0, 100.0)) {
      add(step, Point::inverter, Measure::dc_voltage, *volts, now);
    } else {
      bad_content();
    }
  }
  const auto scale = scales_.find(ram::battery_current);
  if (scale == scales_.end()) return;
  const double amperes = info.battery_current(scale->second).value();
  if (within(amperes, -500.0, 500.0)) {
    add(step, Point::inverter, Measure::dc_current, amperes, now);
  } else {
    bad_content();
  }
}

void VebusDriver::on_setpoint_reply(const Pending& pending, const Winmon& reply, Instant now,
                                    Step& step) {
  const auto written = decode_written(reply);
  if (written) {
    written_ = Written{pending.word, pending.sent};
    add(step, Point::inverter, Measure::setpoint, setpoint_watts(pending.word).value(), now);
    return;
  }
  event(step, Level::error, "setpoint_refused", quoted("reason", written.error().detail));
  const std::string why = "the inverter does not take the setpoint: " + written.error().detail;
  const bool again = setpoint_refused_at_ && now - *setpoint_refused_at_ < identify_again;
  setpoint_refused_at_ = now;
  if (again) return refuse(why, now, step);
  start_over(why, now);
}

/// The setpoint's address is only good while the ESS record is where it was found. Its header is
/// read together with the power values, where the unit can (it answered the walk with two words).
/// UNVERIFIED: six values in one request; where they do not come, the header is read alone.
Winmon VebusDriver::check_request(Letter letter) const {
  const std::uint8_t id = ess_id_.value();
  if (!reads_many_) return read_ram(letter, {id, 0});
  Winmon request = read_ram(letter, {id});
  for (const auto value : record_check_ids) put_u8(request.data, value);
  return request;
}

void VebusDriver::on_check(const Winmon& reply, Instant now, Step& step) {
  const auto found = words(reply);
  if (reads_many_ && (!found || found->size() <= record_check_ids.size())) {
    reads_many_ = false;
    record_check_due_ = now;
    return;
  }
  if (!found || found->empty() || found->front() != ess_header_) {
    event(step, Level::warning, "ess_moved");
    return start_over("the ESS assistant is not where it was", now);
  }
  if (reads_many_) on_ram_values(record_check_ids, std::span{*found}.subspan(1), now, step);
}

void VebusDriver::on_switch_ack(const Pending& pending, Step& step) {
  if (!pending.switch_state) return;
  const bool on = *pending.switch_state == SwitchState::on;
  off_by_remote_ = false;  // until the switch register says so again
  if (on || !switch_acknowledged_)
    event(step, Level::notice, "inverter_switched",
          "to=" + std::string{name(*pending.switch_state)});
  switch_acknowledged_ = !on;
  if (on) switched_.reset();
}

}  // namespace

std::unique_ptr<Driver> make_vebus_driver(VebusConfig config) {
  return std::make_unique<VebusDriver>(config);
}

}  // namespace esshub::protocol
