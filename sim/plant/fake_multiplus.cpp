// An MK3 interface with a MultiPlus-II behind it, seen from the wire (reference: vebus-mk3#12).
// Values come from InverterTruth, commands go to InverterCommand.
#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <map>
#include <random>
#include <utility>

#include "protocol/vebus/messages.hpp"
#include "sim/plant/device.hpp"

namespace esshub::sim {
namespace {

using namespace protocol;
using namespace protocol::vebus;

constexpr std::uint32_t interface_version = 1170212;
constexpr std::uint32_t firmware_version = 2648556;
constexpr std::uint8_t mode_unselected = 'B';
constexpr std::uint8_t hardware_default =
    HardwareFlags::panel_detect | HardwareFlags::unknown_default;
constexpr Duration broadcast_period = 1s;
constexpr std::uint32_t fast_baud = 115200;
constexpr unsigned chatter_percent = 3;  // of the responses, for each kind of chatter
constexpr std::uint8_t locked_setting = 11;
// "4 payload bytes", code and letter not counted (reference: vebus-mk3#4).
constexpr std::size_t w_data_limit = 4;

/// Assistants' records by layout (reference: vebus-mk3#7.1); the words after the last one read 0.
std::vector<std::uint16_t> records(int layout) {
  switch (layout) {
    case 0:
      return {0x0090, 0x8800, 0x0054, 0, 0, 0, 0x1234};
    case 1:
      return {0x0054, 0, 0, 0, 0x1234, 0x0090, 0x8800};
    case 2:
      return {0x0001, 0x4321, 0x0054, 0, 0, 0, 0x1234};
    default:
      return {0x0090, 0x8800};
  }
}

class FakeMultiplus final : public Device {
 public:
  FakeMultiplus(const InverterTruth& truth, InverterCommand& command, FakeMultiplusOptions options)
      : truth_(truth),
        command_(command),
        options_(options),
        random_(options.seed),
        records_(records(options.ess_layout)),
        baud_(options.high_speed ? fast_baud : mk3::baud),
        ext0_(options.long_dialect ? StateSet::long_replies : StateSet::compat_replies) {
    unsigned id = ram::assistants;
    for (std::size_t i = 0; i < records_.size();) {
      const auto header = record_header(records_[i]);
      if (header.assistant == RecordHeader::ess) setpoint_id_ = id + 1;
      i += 1 + header.size;
      id += 1 + header.size;
    }
    health_.ready = true;
    command_.switch_state = position();
  }

  /// A host that opens its port does not reset the interface: the bus powers it.
  Step on_start(Instant now) override {
    parser_.clear();
    quiet_since_ = now;
    return on_timer(now);
  }

  Step on_bytes(std::span<const std::byte> bytes, Instant now) override {
    Step step;
    follow_power(now);
    // What still waited for its rest is no frame, and must not be obeyed seconds later.
    if (now - heard_at_ >= mk3::frame_gap) parser_.clear();
    heard_at_ = now;
    parser_.push(bytes);
    while (const auto frame = parser_.next(health_.frames))
      if (const auto message = decode(*frame); message && awake(now)) on_message(*message, now);
    quiet_since_ = now;
    deliver(now, step);
    step.baud = baud_;
    return step;
  }

  Step on_timer(Instant now) override {
    Step step;
    follow_power(now);
    if (command_.setpoint && now >= setpoint_at_ + options_.setpoint_timeout)
      command_.setpoint.reset();
    if (awake(now) && outgoing_.empty() && now >= quiet_since_ + broadcast_period) {
      step.send.push_back(encode(version()));
      quiet_since_ = now;
    }
    deliver(now, step);
    step.baud = baud_;
    return step;
  }

  void on_down(Instant) override { outgoing_.clear(); }
  [[nodiscard]] const DriverHealth& health() const override { return health_; }

 private:
  struct Outgoing {
    Instant at;
    Bytes bytes;
  };

  // ---- power of the bus
  // ---------------------------------------------------------------------------

  [[nodiscard]] bool awake(Instant now) const { return !asleep_ && now >= deaf_until_; }

  /// The unit feeds the interface: down, or off without the standby line, it dies. AC wakes it.
  void follow_power(Instant now) {
    const bool mains = truth_.mains_frequency.value() > 0.0;
    if (mains && !had_mains_) switched_to_sleep_ = false;
    had_mains_ = mains;
    const bool sleeping = truth_.state == VebusState::down || switched_to_sleep_;
    if (sleeping && !asleep_) forget_settings(now);
    asleep_ = sleeping;
  }

  void forget_settings(Instant now) {
    baud_ = mk3::baud;
    mode_ = mode_unselected;
    ext0_ = StateSet::compat_replies;
    flags_ = 0;
    hardware_ = hardware_default;
    frozen_.clear();
    outgoing_.clear();
    parser_.clear();
    quiet_since_ = now;
  }

  // ---- sending
  // ------------------------------------------------------------------------------------

  [[nodiscard]] unsigned draw(unsigned from, unsigned to) {
    return from + static_cast<unsigned>(random_() % (to - from + 1));
  }
  [[nodiscard]] bool sometimes() { return options_.chatter && draw(0, 99) < chatter_percent; }

  /// The unit works on one request after the other.
  void respond(const Message& message, Instant now, unsigned slowest_ms = 60) {
    busy_until_ = std::max(now, busy_until_) + std::chrono::milliseconds{draw(25, slowest_ms)};
    chatter();
    auto frame = vebus::frame(message);
    if (const auto* winmon = std::get_if<Winmon>(&message);
        winmon != nullptr && options_.truncates_w && winmon->letter == Letter::w)
      frame.payload.resize(frame.payload.size() - winmon->data.size() +
                           std::min(winmon->data.size(), w_data_limit));
    if ((flags_ & StateSet::append_leds) != 0)
      frame.leds = mk3::LedBytes{truth_.leds_on, truth_.leds_blink};
    outgoing_.push_back({busy_until_, mk3::encode(frame)});
  }

  void chatter() {
    const auto interleave = [this](const Message& message) {
      outgoing_.push_back({busy_until_, encode(message)});
    };
    if (sometimes()) outgoing_.push_back({busy_until_, Bytes(draw(1, 3), std::byte{0})});
    if (sometimes()) interleave(version());
    if (sometimes()) interleave(draw(0, 1) == 0 ? Message{dc_info()} : Message{ac_info()});
    if (sometimes()) interleave(config_info());
    if (options_.phases > 1 && sometimes()) {
      AcInfo other = ac_info();
      other.phase_code = 0x07;  // L2
      interleave(other);
    }
    if (sometimes()) {
      constexpr std::array<std::uint8_t, 3> types{0x21, 0x38, 0x3F};
      Forwarded housekeeping{types[draw(0, 2)], {}};
      for (unsigned n = draw(4, 6); n > 0; --n) put_u8(housekeeping.payload, draw(0, 255));
      interleave(housekeeping);
    }
    if (sometimes()) interleave(Forwarded{0x40, {std::byte{0x01}, std::byte{0x02}}});
  }

  void deliver(Instant now, Step& step) {
    while (!outgoing_.empty() && outgoing_.front().at <= now) {
      step.send.push_back(std::move(outgoing_.front().bytes));
      outgoing_.pop_front();
      quiet_since_ = now;
    }
    step.wake_at = outgoing_.empty() ? quiet_since_ + broadcast_period : outgoing_.front().at;
    if (command_.setpoint)
      step.wake_at = std::min(*step.wake_at, setpoint_at_ + options_.setpoint_timeout);
    step.wake_at = std::max(*step.wake_at, now + 1ms);
  }

  // ---- requests
  // -----------------------------------------------------------------------------------

  void on_message(const Message& message, Instant now) {
    if (std::holds_alternative<VersionRequest>(message)) {
      respond(version(), now);
    } else if (const auto* address = std::get_if<Address>(&message)) {
      if (address->select) mode_ = address->address;
      respond(Address{address->select, mode_}, now);
    } else if (std::holds_alternative<LedRequest>(message)) {
      respond(Leds{truth_.leds_on,
                   truth_.leds_blink,
                   truth_.alarms,
                   truth_.error,
                   {std::byte{0x80}, std::byte{0}}},
              now);
    } else if (const auto* info = std::get_if<InfoRequest>(&message)) {
      on_info_request(*info, now);
    } else if (const auto* snapshot = std::get_if<SnapshotRequest>(&message)) {
      frozen_.clear();
      for (const auto id : snapshot->ids) frozen_.push_back(ram_word(id).value_or(0));
    } else if (const auto* set = std::get_if<StateSet>(&message)) {
      on_state(*set, now);
    } else if (const auto* hardware = std::get_if<HardwareFlags>(&message)) {
      if (hardware->flags) hardware_ = *hardware->flags;
      respond(HardwareFlags{hardware_}, now);
    } else if (std::holds_alternative<Reset>(message)) {
      forget_settings(now);
      deaf_until_ = now + std::chrono::milliseconds{draw(300, 900)};
    } else if (std::holds_alternative<HighSpeed>(message)) {
      baud_ = fast_baud;
    } else if (const auto* forwarded = std::get_if<Forwarded>(&message)) {
      on_panel_switch(*forwarded);
    } else if (const auto* winmon = std::get_if<Winmon>(&message)) {
      on_winmon(*winmon, now);
    }
  }

  /// The raw switch frames that Venus sends, 3F and 04 sleep, 05 charger only, 06 inverter only,
  /// 07 wake. No reply (reference: vebus-mk3#3.5).
  void on_panel_switch(const Forwarded& frame) {
    constexpr std::uint8_t type = 0x3F;
    if (frame.type != type || frame.payload.size() != 4) return;
    switch (read_u8(frame.payload, 0)) {
      case 0x04:
        return set_switch(sim::SwitchPosition::off);
      case 0x05:
        return set_switch(sim::SwitchPosition::charger_only);
      case 0x06:
        return set_switch(sim::SwitchPosition::inverter_only);
      case 0x07:
        return set_switch(sim::SwitchPosition::on);
      default:
        return;
    }
  }

  /// Without the standby flag the unit that is switched off takes the interface with it.
  void set_switch(sim::SwitchPosition wanted) {
    remote_ = wanted;
    command_.switch_state = position();
    switched_to_sleep_ = command_.switch_state == sim::SwitchPosition::off &&
                         (hardware_ & HardwareFlags::standby) == 0;
  }

  void on_info_request(InfoRequest request, Instant now) {
    if (request.what == InfoRequest::dc) respond(dc_info(), now);
    if (request.what == InfoRequest::ac_l1) respond(ac_info(), now);
    if (request.what == InfoRequest::config) respond(config_info(), now, 800);
  }

  void on_state(const StateSet& set, Instant now) {
    flags_ = set.flags;
    if (set.ext0) ext0_ = *set.ext0;
    if (set.limit < StateSet::keep_limit)
      input_limit_ = std::clamp<std::uint16_t>(set.limit, 10, 500);
    const bool commands = (set.flags & StateSet::settings_only) == 0;
    if (commands && set.switch_state >= 1 && set.switch_state <= 4)
      set_switch(static_cast<sim::SwitchPosition>(set.switch_state));
    respond(StateAck{}, now);
  }

  [[nodiscard]] sim::SwitchPosition position() const {
    return options_.front_switch ? remote_ : sim::SwitchPosition::off;
  }

  /// As in the captured 0x77 while on (reference: vebus-mk3#13).
  [[nodiscard]] std::uint8_t switch_register() const {
    using State = sim::SwitchPosition;
    const auto charges = [](State s) { return s == State::on || s == State::charger_only; };
    const auto inverts = [](State s) { return s == State::on || s == State::inverter_only; };
    unsigned out = ConfigInfo::remote_contact;
    if (charges(remote_)) out |= ConfigInfo::remote_charge;
    if (inverts(remote_)) out |= ConfigInfo::remote_invert;
    if (options_.front_switch) out |= ConfigInfo::front_up;
    if (charges(position())) out |= ConfigInfo::charge;
    if (inverts(position())) out |= ConfigInfo::invert;
    return static_cast<std::uint8_t>(out);
  }

  void on_winmon(const Winmon& request, Instant now) {
    if (request.is_reply()) return;
    const auto unknown = [&] { reply(request, Code::unknown_command, {0}, now); };
    if (mode_ != 0) return unknown();  // no device selected, or one that is not there
    const ByteView d = request.data;
    switch (request.code) {
      case Code::firmware_low:
        return on_firmware(request, now);
      case Code::firmware_high:
        return reply(request, Code::firmware_high_is,
                     {(firmware_version >> 16) & 0xFFu, firmware_version >> 24}, now);
      case Code::device_state:
        return reply(request, Code::device_state_is,
                     {static_cast<unsigned>(truth_.state), truth_.charge_state}, now);
      case Code::read_ram:
        return on_read_ram(request, now);
      case Code::read_setting:
        return d.size() < 2 ? unknown() : on_read_setting(request, read_u16_le(d, 0), now);
      case Code::setting_info:
        return d.size() < 2 ? unknown() : on_setting_info(request, read_u16_le(d, 0), now);
      case Code::ram_info:
        return d.size() < 2 ? unknown() : on_ram_info(request, read_u8(d, 0), now);
      case Code::select_ram:
      case Code::select_setting:
        if (long_dialect() || d.size() < 2) return unknown();
        selected_ = Selected{request.code == Code::select_setting, read_u16_le(d, 0)};
        return;
      case Code::write_data:
        if (long_dialect() || d.size() < 2 || !selected_) return unknown();
        return on_write(request, selected_->setting, selected_->id, read_s16_le(d, 0), now);
      case Code::write_by_id:
        if (d.size() < 4) return unknown();
        return on_write(request, (read_u8(d, 0) & 1) != 0, read_u8(d, 1), read_s16_le(d, 2), now);
      case Code::read_snapshot:
        return on_read_snapshot(request, now);
      default:
        return unknown();
    }
  }

  [[nodiscard]] bool long_dialect() const { return (ext0_ & StateSet::compat_replies) == 0; }

  void reply(const Winmon& request, Code code, std::initializer_list<unsigned> data, Instant now) {
    Winmon out{request.letter, code, {}};
    for (const unsigned byte : data) put_u8(out.data, byte);
    respond(out, now);
  }

  void on_firmware(const Winmon& request, Instant now) {
    Winmon out{request.letter, Code::firmware_low_is, {}};
    if (long_dialect()) {
      put_u32_le(out.data, firmware_version);
      put_u16_le(out.data, 0x0107);
    } else {
      put_u16_le(out.data, firmware_version & 0xFFFFu);
    }
    respond(out, now);
  }

  void on_read_ram(const Winmon& request, Instant now) {
    Winmon out{request.letter, Code::ram_is, {}};
    for (std::size_t i = 0; i < request.data.size() && i < 6; ++i) {
      const auto word = ram_word(read_u8(request.data, i));
      if (!word) return reply(request, Code::ram_unsupported, {static_cast<unsigned>(i)}, now);
      put_u16_le(out.data, *word);
    }
    respond(out, now);
  }

  void on_ram_info(const Winmon& request, std::uint8_t id, Instant now) {
    const RamInfo info = usual_info(id).value_or(RamInfo{});
    Winmon out{request.letter, Code::ram_info_is, {}};
    if (long_dialect() && info.scale == 0) return respond(out, now);
    put_u16_le(out.data, static_cast<std::uint16_t>(info.scale));
    if (!long_dialect()) put_u8(out.data, static_cast<unsigned>(Code::ram_offset_is));
    put_u16_le(out.data, static_cast<std::uint16_t>(info.offset));
    respond(out, now);
  }

  void on_read_setting(const Winmon& request, std::uint16_t id, Instant now) {
    const auto setting = settings_.find(id);
    if (setting == settings_.end()) return reply(request, Code::setting_unsupported, {}, now);
    Winmon out{request.letter, Code::setting_is, {}};
    put_u16_le(out.data, setting->second);
    respond(out, now);
  }

  void on_setting_info(const Winmon& request, std::uint16_t id, Instant now) {
    constexpr std::uint16_t input_limit_id = 6;
    Winmon out{request.letter, Code::setting_info_is, {}};
    constexpr std::array<std::uint16_t, 5> input_limit{0xFFF6, 0, 320, 10,
                                                       500};  // reference: vebus-mk3#6
    const bool known = id == input_limit_id;
    if (!known && long_dialect()) return respond(out, now);
    for (unsigned i = 0; i < input_limit.size(); ++i) {
      if (i > 0 && !long_dialect())
        put_u8(out.data, static_cast<unsigned>(Code::setting_info_is) + i);
      put_u16_le(out.data, known ? input_limit[i] : 0u);
    }
    if (long_dialect()) put_u8(out.data, 0);
    respond(out, now);
  }

  void on_write(const Winmon& request, bool setting, unsigned id, std::int16_t word, Instant now) {
    if (setting) {
      if (id == locked_setting) return reply(request, Code::access_denied, {0}, now);
      const auto it = settings_.find(static_cast<std::uint16_t>(id));
      if (it == settings_.end()) return reply(request, Code::setting_unsupported, {0}, now);
      it->second = static_cast<std::uint16_t>(word);
      return written(request, Code::setting_written, now);
    }
    if (id < ram::assistants || id >= ram::assistants + records_.size())
      return reply(request, Code::ram_unsupported, {0}, now);
    if (id == setpoint_id_) {
      command_.setpoint = setpoint_watts(word);
      ++command_.setpoint_writes;
      setpoint_at_ = now;
    } else {
      records_[id - ram::assistants] = static_cast<std::uint16_t>(word);
    }
    written(request, Code::ram_written, now);
  }

  void written(const Winmon& request, Code code, Instant now) {
    if (long_dialect()) return reply(request, code, {}, now);
    reply(request, code, {0, 0}, now);
  }

  /// Reading clears it; an empty one responses too few bytes.
  void on_read_snapshot(const Winmon& request, Instant now) {
    Winmon out{request.letter, Code::snapshot_is, {}};
    for (const auto word : std::exchange(frozen_, {})) put_u16_le(out.data, word);
    respond(out, now);
  }

  // ---- values
  // -------------------------------------------------------------------------------------

  [[nodiscard]] Version version() const { return {interface_version, mode_}; }

  static std::uint16_t word(double value) {
    const double rounded = std::clamp(std::round(value), -32768.0, 65535.0);
    return static_cast<std::uint16_t>(static_cast<std::int32_t>(rounded));
  }
  /// 10 / (f * factor) - offset, 0 without a signal.
  static std::uint8_t period(Hertz f, double factor, int offset) {
    if (f.value() <= 0.0) return 0;
    return static_cast<std::uint8_t>(
        std::clamp(std::round(10.0 / (f.value() * factor)) - offset, 1.0, 254.0));
  }
  [[nodiscard]] std::uint8_t mains_period() const {
    return period(truth_.mains_frequency, 1.0 / 977, 0);
  }
  [[nodiscard]] std::uint8_t inverter_period() const {
    return period(truth_.out_frequency, 1.0 / 1953, 256);
  }
  static double over(Watts power, Volts voltage) {
    return voltage.value() > 1.0 ? (power / voltage).value() : 0.0;
  }

  [[nodiscard]] DcInfo dc_info() {
    DcInfo info;
    for (auto& byte : info.undefined) byte = static_cast<std::uint8_t>(draw(0, 255));
    info.voltage = word(truth_.dc_voltage.value() * 100);
    const auto tenths =
        static_cast<std::uint32_t>(std::round(std::abs(truth_.dc_current.value()) * 10));
    (truth_.dc_current.value() < 0 ? info.inverter_current : info.charger_current) = tenths;
    info.period = inverter_period();
    return info;
  }

  [[nodiscard]] AcInfo ac_info() {
    AcInfo info;
    info.undefined = static_cast<std::uint8_t>(draw(0, 255));
    info.mains_factor = info.inverter_factor = static_cast<std::uint8_t>(options_.parallel);
    info.phase_code = static_cast<std::uint8_t>(0x07 + options_.phases);
    info.state = static_cast<std::uint8_t>(truth_.state);
    info.mains_voltage = word(truth_.mains_voltage.value() * 100);
    info.mains_current =
        static_cast<std::int16_t>(word(over(truth_.ac_in, truth_.mains_voltage) * 100));
    info.output_voltage = word(truth_.out_voltage.value() * 100);
    info.output_current =
        static_cast<std::int16_t>(word(over(truth_.ac_out, truth_.out_voltage) * 100));
    info.period = mains_period();
    return info;
  }

  [[nodiscard]] ConfigInfo config_info() const {
    ConfigInfo info;
    info.leds_on = truth_.leds_on;
    info.leds_blink = truth_.leds_blink;
    info.input = 0x94;
    info.limit_min = 10;
    info.limit_max = 500;
    info.limit = input_limit_;
    info.switch_register = switch_register();
    return info;
  }

  [[nodiscard]] std::optional<std::uint16_t> ram_word(std::uint8_t id) {
    if (id >= ram::assistants) return record_word(id);
    switch (id) {
      case ram::mains_voltage:
        return word(truth_.mains_voltage.value() * 100);
      case ram::mains_current:
        return word(over(truth_.ac_in, truth_.mains_voltage) * 100);
      case ram::inverter_voltage:
        return word(truth_.out_voltage.value() * 100);
      case ram::inverter_current:
        return word(over(truth_.ac_out, truth_.out_voltage) * 100);
      case ram::battery_voltage:
        return word(truth_.dc_voltage.value() * 100);
      case ram::battery_current:
        return word(truth_.dc_current.value() * 10);
      case ram::inverter_period:
        return inverter_period();
      case ram::mains_period:
        return mains_period();
      case 13:  // ChargeState, half percents (reference: vebus-mk3#5)
        return word(truth_.soc_percent * 2);
      case 14:
      case 17:
        return word(truth_.battery_ac.value());
      case 15:
      case 18:
        return word(mirror(truth_.ac_in).value());
      case 16:
      case 19:
        return word((truth_.ac_out + truth_.ac_out_error).value());
      default:
        if (usual_info(id).value_or(RamInfo{}).scale == 0) return std::nullopt;
        return std::uint16_t{0};
    }
  }

  /// The setpoint does not read back as written (reference: vebus-mk3#7.3).
  [[nodiscard]] std::uint16_t record_word(std::uint8_t id) {
    if (id == setpoint_id_) return static_cast<std::uint16_t>(draw(0, 40) - 20u);
    const std::size_t i = id - std::size_t{ram::assistants};
    return i < records_.size() ? records_[i] : std::uint16_t{0};
  }

  struct Selected {
    bool setting;
    unsigned id;
  };

  const InverterTruth& truth_;
  InverterCommand& command_;
  FakeMultiplusOptions options_;
  DriverHealth health_;
  mk3::Parser parser_;
  std::mt19937_64 random_;
  std::vector<std::uint16_t> records_;
  std::optional<unsigned> setpoint_id_;

  std::uint32_t baud_;
  std::uint8_t mode_ = mode_unselected;
  std::uint8_t ext0_;
  std::uint8_t flags_ = 0;
  std::uint8_t hardware_ = hardware_default;
  sim::SwitchPosition remote_ = sim::SwitchPosition::on;
  bool asleep_ = false;
  bool switched_to_sleep_ = false;
  bool had_mains_ = true;
  Instant deaf_until_{};

  std::deque<Outgoing> outgoing_;
  Instant busy_until_{};
  Instant quiet_since_{};

  std::vector<std::uint16_t> frozen_;
  std::optional<Selected> selected_;
  std::map<std::uint16_t, std::uint16_t> settings_{{0, 0x8134}, {2, 5240},  {3, 5200}, {4, 35},
                                                   {6, 320},    {11, 4500}, {64, 100}};
  std::uint16_t input_limit_ = 320;
  Instant setpoint_at_{};
  Instant heard_at_{};  ///< bytes, last
};

}  // namespace

std::unique_ptr<Device> make_fake_multiplus(const InverterTruth& truth, InverterCommand& command,
                                            FakeMultiplusOptions options) {
  return std::make_unique<FakeMultiplus>(truth, command, options);
}

}  // namespace esshub::sim
