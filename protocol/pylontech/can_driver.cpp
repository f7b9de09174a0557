#include "protocol/pylontech/can_driver.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "protocol/frame_result.hpp"
#include "protocol/pylontech/can_frame.hpp"
#include "protocol/pylontech/can_messages.hpp"
#include "protocol/pylontech/glitch_filter.hpp"
#include "protocol/pylontech/slcan.hpp"

namespace esshub::protocol {
namespace {

using namespace pylontech;

/// One age per identifier (reference: pylontech-can#6 rule 1).
constexpr Duration max_age = 3s;
/// Channel openings in vain before the line itself is opened again.
constexpr unsigned vain_openings_limit = 3;
/// A new SOC further than this from the one before is told (reference: pylontech-can#5.3).
constexpr unsigned soc_jump_limit = 5;
/// Our frames refused by the adapter, one after the other, that mean a full transmit queue. The
/// first may be a late response to something else.
constexpr unsigned bells_limit = 2;
/// The same frame so often and so fast is a retransmission (reference: pylontech-can#1).
/// UNVERIFIED: that an adapter which listens passes on what nobody acknowledges.
constexpr unsigned repeats_limit = 20;
constexpr Duration longest_repeat = 100ms;

constexpr std::string_view alone_text =
    "nobody acknowledges our frames, we are alone on the bus: is the battery on, the cable whole, "
    "both ends terminated and the bit rate 500 kbit/s?";

/// The frames without which the stack cannot be used; 0x359 and 0x35A stand for each other.
enum class Need : std::uint8_t { limits, state, measurement, alarms };
struct NeedRow {
  Need id;
  std::string_view frames;
};
constexpr EnumTable<NeedRow> needs({
    {Need::limits, "0x351 (limits)"},
    {Need::state, "0x355 (state)"},
    {Need::measurement, "0x356 (measurement)"},
    {Need::alarms, "0x359/0x35A (alarms)"},
});

/// What is known of the battery since the line came up.
struct Battery {
  EnumArray<Need, std::optional<Instant>> seen;
  std::array<std::optional<Reading<Alarms>>, 2> alarms;  ///< by profile: 0x359, 0x35A
  std::array<Bytes, 3> told;  ///< last raw bytes of 0x359, 0x35A, 0x35C that an event told
  struct ImpossibleTexts {
    std::string required;
    std::string dropped;
    Instant at{};
  };
  std::map<std::uint32_t, ImpossibleTexts> impossible;  ///< of the newest frame, by its id
  std::optional<unsigned> soc;
  std::optional<unsigned> modules;
  std::string maker;
  unsigned limits_frames = 0;
  bool found = false;   ///< battery_found was told
  bool silent = false;  ///< bms_silent was told
};

class PylontechDriver final : public Driver {
 public:
  explicit PylontechDriver(PylontechConfig config) : config_(config) {
    assert(config_.keep_alive > Duration::zero());
  }

  Step on_start(Instant now) override {
    battery_ = {};
    glitch_filter_ = {};
    reader_.reset();
    started_ = now;
    last_frame_.reset();
    vain_openings_ = 0;
    reopen_asked_ = false;
    other_controller_told_ = false;
    bus_trouble_.clear();
    status_asked_ = false;
    bells_ = 0;
    keep_alive_at_ = now;
    Step step;
    if (config_.framing == CanFraming::slcan) {
      step.send.push_back(open_channel(now));
    }
    return settle(std::move(step), now);
  }

  Step on_bytes(std::span<const std::byte> bytes, Instant now) override {
    Step step;
    if (!started_) return step;
    if (config_.framing == CanFraming::slcan) {
      for (auto& item : reader_.feed(bytes))
        std::visit([&](const auto& it) { on_item(it, step, now); }, item);
    } else {
      on_records(bytes, step, now);
    }
    return settle(std::move(step), now);
  }

  Step on_timer(Instant now) override {
    Step step;
    if (!started_) return step;
    if (config_.framing == CanFraming::slcan) {
      if (auto command = opening_.on_timer(now)) step.send.push_back(std::move(*command));
      watch_channel(step, now);
    }
    return settle(std::move(step), now);
  }

  void on_down(Instant) override {
    started_.reset();
    health_.ready = false;
    health_.trouble = "the line is down";
  }

  [[nodiscard]] const DriverHealth& health() const override { return health_; }

 private:
  [[nodiscard]] bool channel_open() const {
    return config_.framing == CanFraming::socketcan || opening_.done();
  }

  void on_records(ByteView bytes, Step& step, Instant now) {
    for (; bytes.size() >= can_record_size; bytes = bytes.subspan(can_record_size)) {
      const auto frame = decode_record(bytes.first(can_record_size));
      if (frame) {
        on_item(*frame, step, now);
      } else {
        on_item(frame.error(), step, now);
      }
    }
    if (!bytes.empty()) health_.frames.add(FrameResult::length);
  }

  void on_item(const DecodeError& error, Step&, Instant) {
    health_.frames.add(result_of(error.kind));
  }

  void on_item(SlcanStatus status, Step& step, Instant now) {
    if (status.bits == 0) return;
    std::string trouble = "the adapter reports " + describe(status);
    if (!config_.listen_only) trouble += ": does nobody acknowledge our frames?";
    blame(trouble, step, now);
  }

  void on_item(SlcanResponse response, Step& step, Instant now) {
    if (response == SlcanResponse::refused) {
      on_refused(step, now);
    } else if (response != SlcanResponse::information) {
      bells_ = 0;
    }
    if (response != SlcanResponse::accepted && response != SlcanResponse::refused) return;
    if (auto command = opening_.on_response(now)) step.send.push_back(std::move(*command));
  }

  void on_item(const CanFrame& frame, Step& step, Instant now) {
    if (frame.error) {
      on_error_frame(frame, step, now);
      return;
    }
    was_on_wire(frame);
    tell_recovery(step, now);
    watch_repeats(frame, step, now);
    last_frame_ = now;
    vain_openings_ = 0;
    vain_openings_told_ = 0;
    status_asked_ = false;
    bells_ = 0;
    auto message = decode(frame);
    if (!message) {
      health_.frames.add(result_of(message.error().kind));
      return;
    }
    tell_changes(frame, *message, step);
    merge_alarms(*message, now);
    auto words = pylontech::samples(*message, battery_.modules, now, config_.cells);
    health_.frames.add(!words.impossible.empty() ? FrameResult::content
                       : truncated(frame)        ? FrameResult::length
                                                 : FrameResult::ok);
    // A CAN frame has a checksum, the adapter's text has none.
    if (config_.framing == CanFraming::slcan) glitch_filter_.filter(words.samples);
    step.samples.insert(step.samples.end(), words.samples.begin(), words.samples.end());
    std::visit([&](const auto& m) { remember(m, step, now); }, *message);
    tell_impossible(frame, words.impossible, step, now);
  }

  /// Each value that cannot be is told when it first comes, and again after a frame without.
  void tell_impossible(const CanFrame& frame, const std::vector<Impossible>& impossible, Step& step,
                       Instant now) {
    const std::string id = "0x" + to_text(make_frame(frame.id, {})).substr(0, 3);
    std::string required;
    std::string dropped;
    for (const auto& field : impossible) {
      std::string& texts = field.required ? required : dropped;
      if (!texts.empty()) texts += "; ";
      texts += field.text;
    }
    auto& told = battery_.impossible[frame.id];
    if (!required.empty() && told.required.empty())
      step.tell(Level::error, "bms_implausible", "id=" + id + " reason=" + log_quoted(required));
    if (!dropped.empty() && told.dropped.empty())
      step.tell(Level::warning, "bms_value_dropped", "id=" + id + " reason=" + log_quoted(dropped));
    told = {std::move(required), std::move(dropped), now};
  }

  /// Why the battery is not believed; empty where it is.
  [[nodiscard]] std::string impossible_text() const {
    std::string text;
    for (const auto& [id, told] : battery_.impossible) {
      if (told.required.empty()) continue;
      text += (text.empty() ? "the battery sends what cannot be: 0x" : "; 0x") +
              to_text(make_frame(id, {})).substr(0, 3) + " " + told.required;
    }
    return text;
  }

  void was_on_wire(const CanFrame& frame) {
    health_.wire_busy += Duration{1s} * bits_on_wire(frame) / bit_rate;
  }

  // ---- what each message leaves behind ----------------------------------------------------------

  void saw(Need need, Instant now) { battery_.seen[need] = now; }

  void remember(const Limits&, Step&, Instant now) {
    saw(Need::limits, now);
    ++battery_.limits_frames;
  }
  void remember(const StateOfCharge& state, Step& step, Instant now) {
    saw(Need::state, now);
    const unsigned before = std::exchange(battery_.soc, state.soc).value_or(state.soc);
    if (std::max(before, state.soc) - std::min(before, state.soc) > soc_jump_limit)
      step.events.push_back(
          {Level::warning, "soc_jump",
           "from=" + std::to_string(before) + " to=" + std::to_string(state.soc)});
  }
  void remember(const Measurement&, Step&, Instant now) { saw(Need::measurement, now); }
  void remember(const Alarms& alarms, Step&, Instant now) {
    saw(Need::alarms, now);
    if (alarms.modules) battery_.modules = alarms.modules;
  }
  void remember(const Maker& maker, Step&, Instant) { battery_.maker = maker.text; }
  /// One battery obeys one controller (reference: pylontech-can#10 rule 12).
  void remember(const Controller& controller, Step& step, Instant) {
    if (config_.listen_only) return;
    if (std::exchange(other_controller_told_, true)) return;
    step.events.push_back({Level::warning, "other_controller",
                           "id=" + to_text(make_frame(controller.id, {})).substr(0, 3)});
  }
  template <class Other>
  void remember(const Other&, Step&, Instant) {}

  /// A stack that sends both alarm frames means both: neither may clear what the other sets.
  void merge_alarms(Message& message, Instant now) {
    auto* alarms = std::get_if<Alarms>(&message);
    if (alarms == nullptr) return;
    battery_.alarms[alarms->pairs ? 1 : 0] = Reading<Alarms>{*alarms, now};
    if (const auto other = fresh(battery_.alarms[alarms->pairs ? 0 : 1], now, max_age)) {
      alarms->protections |= other->protections;
      alarms->warnings |= other->warnings;
    }
  }

  void tell_changes(const CanFrame& frame, const Message& message, Step& step) {
    const auto* alarms = std::get_if<Alarms>(&message);
    const auto* requests = std::get_if<Requests>(&message);
    if (alarms == nullptr && requests == nullptr) return;
    Bytes& told = battery_.told[requests != nullptr ? 2 : (alarms->pairs ? 1 : 0)];
    const ByteView raw = frame.payload();
    if (std::equal(raw.begin(), raw.end(), told.begin(), told.end())) return;
    std::string detail = "raw=" + to_text(frame) + " was=" + to_hex(told);
    Event event{Level::notice, "bms_requests", {}};
    if (alarms != nullptr) {
      if (alarms->protections != 0) event.level = Level::warning;
      event.name = "bms_alarms";
      detail += " protections=" + joined(names_of<BmsFlag>(alarms->protections)) +
                " warnings=" + joined(names_of<BmsFlag>(alarms->warnings));
    } else {
      detail += " requests=" + joined(names_of<BmsRequest>(requests->bits));
    }
    event.detail = std::move(detail);
    step.events.push_back(std::move(event));
    told.assign(raw.begin(), raw.end());
  }

  // ---- trouble on the bus -----------------------------------------------------------------------

  void on_error_frame(const CanFrame& frame, Step& step, Instant now) {
    health_.frames.add(FrameResult::exception);
    last_error_ = now;
    switch (bus_state(frame)) {
      case CanBusState::unchanged:
        break;
      case CanBusState::no_ack:
        blame(alone_text, step, now);
        break;
      case CanBusState::bus_off:
        blame(
            "the CAN controller is bus-off: is the bit rate 500 kbit/s and the cable whole? "
            "Without restart-ms it stays off",
            step, now);
        break;
      case CanBusState::error_active:
        bus_trouble_.clear();
        break;
    }
    if (!is_log_due(++bus_errors_)) return;
    step.events.push_back(
        {Level::error, "can_error",
         "errors=" + log_quoted(describe_error(frame)) + " count=" + std::to_string(bus_errors_)});
  }

  /// What is known to be wrong with the bus: told once until the battery is heard again, and not
  /// each time while the bus comes and goes.
  void blame(std::string_view trouble, Step& step, Instant now) {
    bus_trouble_ = trouble;
    const bool news = !blamed_at_ || now - *blamed_at_ >= config_.silence_limit;
    blamed_at_ = now;
    if (std::exchange(bus_trouble_told_, true) || !news) return;
    step.events.push_back({Level::warning, "can_trouble", "reason=" + log_quoted(bus_trouble_)});
  }

  void on_refused(Step& step, Instant now) {
    if (opening_.closing()) return;
    health_.frames.add(FrameResult::exception);
    if (opening_.at_last_command()) {
      blame(config_.listen_only ? "the adapter refuses to open its channel for listening only: "
                                  "does it know L?"
                                : "the adapter refuses to open its channel",
            step, now);
    } else if (opening_.done() && !status_asked_ && ++bells_ >= bells_limit) {
      blame(alone_text, step, now);
    }
  }

  /// Anything heard shows that the bus works, except one frame for ever.
  void watch_repeats(const CanFrame& frame, Step& step, Instant now) {
    const bool again = last_frame_ && now - *last_frame_ < longest_repeat && frame == newest_;
    repeats_ = again ? repeats_ + 1 : 0;
    newest_ = frame;
    if (!config_.listen_only || repeats_ < repeats_limit) {
      bus_trouble_.clear();
      bus_trouble_told_ = false;
    } else if (repeats_ == repeats_limit) {
      blame(
          "the battery repeats one frame without end, nobody acknowledges it: the inverter that "
          "controls it must be on the bus, or listen_only must be off",
          step, now);
    }
  }

  /// Frames flow, and no error for as long as would count as silence.
  void tell_recovery(Step& step, Instant now) {
    if (bus_errors_ == 0 || now - last_error_ < config_.silence_limit) return;
    step.events.push_back(
        {Level::notice, "can_recovered", "errors=" + std::to_string(bus_errors_)});
    bus_errors_ = 0;
  }

  [[nodiscard]] Bytes open_channel(Instant now) {
    channel_since_ = now;
    return opening_.start(now, config_.listen_only ? SlcanMode::listen_only : SlcanMode::normal);
  }

  /// An adapter tells nothing of a bus-off by itself: when silence begins it is asked, and at last
  /// opened again (reference: pylontech-can#7).
  void watch_channel(Step& step, Instant now) {
    if (!opening_.done()) return;
    if (now < silence_at()) {
      if (now >= status_at() && !std::exchange(status_asked_, true))
        step.send.push_back(slcan_status_request());
      return;
    }
    step.send.push_back(open_channel(now));
    status_asked_ = false;
    ++vain_openings_;
    if (is_log_due(++vain_openings_told_))
      step.events.push_back(
          {Level::warning, "channel_reopened", "count=" + std::to_string(vain_openings_told_)});
    if (vain_openings_ > vain_openings_limit && !std::exchange(reopen_asked_, true))
      step.reopen = true;
  }

  [[nodiscard]] Instant silence_at() const {
    return std::max(last_frame_.value_or(channel_since_), channel_since_) + config_.silence_limit;
  }
  [[nodiscard]] Instant status_at() const { return silence_at() - config_.silence_limit / 5; }

  // ---- after every input ------------------------------------------------------------------------

  Step settle(Step step, Instant now) {
    keep_alive(step, now);
    judge(step, now);
    step.wake_at = wake_at();
    return step;
  }

  /// 0x305 on an absolute schedule; what was missed is not made up for.
  void keep_alive(Step& step, Instant now) {
    if (config_.listen_only || !channel_open() || now < keep_alive_at_) return;
    const CanFrame frame = pylontech::keep_alive();
    was_on_wire(frame);
    step.send.push_back(config_.framing == CanFraming::slcan ? encode_slcan(frame)
                                                             : encode_record(frame));
    keep_alive_at_ += ((now - keep_alive_at_) / config_.keep_alive + 1) * config_.keep_alive;
  }

  void judge(Step& step, Instant now) {
    std::vector<std::string_view> missing;
    bool ever = false;
    for (const auto& need : needs) {
      const auto& at = battery_.seen[need.id];
      ever = ever || at;
      if (!at || now - *at >= max_age) missing.push_back(need.frames);
    }
    // What has grown old is missing, whatever it said.
    std::erase_if(battery_.impossible,
                  [now](const auto& entry) { return now - entry.second.at >= max_age; });
    health_.trouble = impossible_text();
    health_.faults.set(Fault::bms_implausible, !health_.trouble.empty());
    complete_ = missing.empty();
    health_.ready = complete_ && health_.trouble.empty();
    if (complete_) {
      if (health_.ready) tell_found(step);
      return;
    }
    const std::string which = joined(missing);
    if (!channel_open()) {
      health_.trouble = "opening the adapter's channel";
    } else if (!bus_trouble_.empty()) {
      health_.trouble = bus_trouble_;
    } else if (!ever && config_.listen_only) {
      health_.trouble =
          "nothing heard while only listening: is the inverter on that wakes the "
          "battery, the cable whole and the bit rate 500 kbit/s?";
    } else if (!ever) {
      health_.trouble =
          "nothing from the battery: is it on, wired, and both ends terminated at 500 kbit/s?";
    } else {
      health_.trouble = "missing from the battery: " + which;
    }
    if (battery_.silent || (!battery_.found && now < *started_ + config_.silence_limit)) return;
    battery_.silent = true;
    step.events.push_back({Level::warning, "bms_silent", "missing=" + log_quoted(which)});
  }

  /// The maker comes last in a burst: wait for it until the second one.
  void tell_found(Step& step) {
    if (std::exchange(battery_.silent, false) && battery_.found)
      step.events.push_back({Level::notice, "bms_back", {}});
    if (battery_.found || (battery_.maker.empty() && battery_.limits_frames < 2)) return;
    battery_.found = true;
    const std::string count = battery_.modules ? std::to_string(*battery_.modules) : "unknown";
    step.events.push_back({Level::notice, "battery_found",
                           "maker=" + log_quoted(battery_.maker) + " modules=" + count});
  }

  [[nodiscard]] std::optional<Instant> wake_at() const {
    std::optional<Instant> at;
    const auto wake = [&at](Instant when) { at = std::min(at.value_or(when), when); };
    if (const auto opening = opening_.deadline()) {
      wake(*opening);
    } else {
      if (!config_.listen_only) wake(keep_alive_at_);
      if (config_.framing == CanFraming::slcan) wake(status_asked_ ? silence_at() : status_at());
    }
    if (complete_) {
      for (const auto& seen : battery_.seen) wake(*seen + max_age);
    } else if (!battery_.silent) {
      wake(*started_ + config_.silence_limit);
    }
    return at;
  }

  PylontechConfig config_;
  DriverHealth health_;
  Battery battery_;
  bool complete_ = false;  ///< no frame that is needed is missing
  GlitchFilter glitch_filter_;
  SlcanReader reader_;
  SlcanOpening opening_;
  std::optional<Instant> started_;  ///< nothing while the line is down
  Instant keep_alive_at_{};
  std::optional<Instant> last_frame_;
  Instant channel_since_{};
  unsigned vain_openings_ = 0;
  std::uint64_t vain_openings_told_ = 0;  ///< over all lines, until a frame comes
  bool reopen_asked_ = false;
  bool other_controller_told_ = false;
  std::string bus_trouble_;  ///< why nothing can come from the battery, where it is known
  bool bus_trouble_told_ = false;
  std::optional<Instant> blamed_at_;
  bool status_asked_ = false;  ///< in this silence
  unsigned bells_ = 0;         ///< of our frames, in a row
  CanFrame newest_;
  unsigned repeats_ = 0;          ///< of the newest frame, in quick succession
  std::uint64_t bus_errors_ = 0;  ///< of this episode
  Instant last_error_{};
};

}  // namespace

std::unique_ptr<Driver> make_pylontech_driver(PylontechConfig config) {
  return std::make_unique<PylontechDriver>(config);
}

}  // namespace esshub::protocol
