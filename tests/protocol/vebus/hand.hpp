// A VE.Bus driver fed by hand in invented time, and what a plain unit would answer.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/vebus/driver.hpp"
#include "protocol/vebus/messages.hpp"

namespace esshub::protocol::vebus {

constexpr std::uint32_t good_version = 1170212;

class Hand {
 public:
  explicit Hand(VebusConfig config = {}) : driver_(make_vebus_driver(config)) {}

  Instant now = Instant{} + 1h;
  std::vector<Message> sent;  // since taken
  std::vector<Sample> samples;
  std::vector<Event> events;
  std::vector<std::uint32_t> bauds;
  std::vector<Instant> written_for;  // readings whose setpoint went out
  unsigned reopens = 0;
  unsigned wake_ups = 0;  // five 0x55 in a row
  std::map<std::uint8_t, std::uint16_t> records{
      {128, 0x0090}, {129, 0x8800}, {130, 0x0054}};  // others read 0
  AcInfo ac{.state = 9, .mains_voltage = 23000, .period = 195};
  std::uint32_t version = good_version;
  bool answers_flags = true;
  /// -375 W at the battery, 5 W at AC-out, 370 W leaving AC-in; 50.00 V, -7.5 A.
  std::map<std::uint8_t, std::uint16_t> values{{0, 23000},   {4, 5000}, {5, 0xFFB5},
                                               {14, 0xFE89}, {15, 370}, {16, 5}};
  bool reads_many = true;
  bool split = false;  // scales in two frames, as the compat dialect may

  void start() { take(driver_->on_start(now)); }
  void down() {
    driver_->on_down(now);
    wake_.reset();
  }
  void bytes(ByteView b) { take(driver_->on_bytes(b, now)); }
  void give(const Message& message, Duration later = 50ms) {
    now += later;
    bytes(encode(message));
  }
  /// A reply to the newest Winmon request.
  void reply(Code code, std::string_view hex, Duration later = 50ms) {
    give(Winmon{letter(), code, from_hex(hex).value()}, later);
  }
  /// Lets the time pass with nothing heard.
  void wait(Duration d) {
    const Instant until = now + d;
    while (wake_ && *wake_ <= until) {
      now = std::max(now, *wake_);
      take(driver_->on_timer(now));
      if (wake_ && *wake_ <= now) now += 1ms;
    }
    now = until;
  }
  /// A wake-up now, whether it was asked for or not.
  void timer() { take(driver_->on_timer(now)); }
  void order(const Setpoint& setpoint) { take(driver_->on_setpoint(setpoint, now)); }
  void command(double watts, InverterMode mode = InverterMode::follow, Duration life = 1s,
               std::optional<Instant> based_on = {}) {
    take(driver_->on_setpoint({Watts{watts}, mode, now + life, based_on}, now));
  }

  [[nodiscard]] const DriverHealth& health() const { return driver_->health(); }
  [[nodiscard]] std::optional<Instant> wake() const { return wake_; }
  [[nodiscard]] Letter letter() const {
    for (auto it = sent.rbegin(); it != sent.rend(); ++it)
      if (const auto* winmon = std::get_if<Winmon>(&*it)) return winmon->letter;
    return Letter::x;
  }
  [[nodiscard]] const Message& last() const { return sent.back(); }
  template <class T>
  [[nodiscard]] std::vector<T> sent_of() const {
    std::vector<T> out;
    for (const auto& message : sent)
      if (const auto* m = std::get_if<T>(&message)) out.push_back(*m);
    return out;
  }
  /// Setpoint words put on the wire.
  [[nodiscard]] std::vector<int> words_written() const {
    std::vector<int> out;
    for (const auto& winmon : sent_of<Winmon>())
      if (winmon.code == Code::write_by_id) out.push_back(read_s16_le(winmon.data, 2));
    return out;
  }
  [[nodiscard]] bool said(std::string_view name) const {
    return std::ranges::any_of(events, [&](const Event& e) { return e.name == name; });
  }
  [[nodiscard]] std::optional<Sample> sample(Point point, Measure measure) const {
    std::optional<Sample> out;
    for (const auto& s : samples)
      if (s.channel == Channel{point, measure}) out = s;
    return out;
  }

  [[nodiscard]] double value(Point point, Measure measure) const {
    const auto found = sample(point, measure);
    EXPECT_TRUE(found) << name(measure);
    return found ? found->value : std::numeric_limits<double>::quiet_NaN();
  }

  /// Answers the newest request as a plain unit does; false if it is one without an answer.
  bool answer(Duration later = 50ms) {
    if (sent.empty()) return false;
    const Message request = last();
    if (std::holds_alternative<VersionRequest>(request)) {
      give(Version{version, version_mode()}, later);
    } else if (const auto* address = std::get_if<Address>(&request)) {
      addressed_ = true;
      give(*address, later);
    } else if (std::holds_alternative<StateSet>(request)) {
      give(StateAck{}, later);
    } else if (const auto* flags = std::get_if<HardwareFlags>(&request)) {
      if (!answers_flags) return false;
      give(*flags, later);
    } else if (const auto* info = std::get_if<InfoRequest>(&request)) {
      if (info->what == InfoRequest::dc) give(DcInfo{.voltage = 5000}, later);
      if (info->what == InfoRequest::ac_l1) give(ac, later);
      if (info->what == InfoRequest::config) give(ConfigInfo{.limit = 160}, later);
    } else if (std::holds_alternative<LedRequest>(request)) {
      give(Leds{1, 0, std::uint8_t{0}, std::uint8_t{0}, {}}, later);
    } else if (const auto* winmon = std::get_if<Winmon>(&request)) {
      answer_winmon(*winmon, later);
    } else {
      return false;
    }
    return true;
  }
  /// Through the handshake, until the first running request is out.
  void make_ready() {
    start();
    for (int i = 0; i < 40 && !health().ready; ++i)
      if (!answer()) wait(600ms);
    ASSERT_TRUE(health().ready) << health().trouble;
  }
  /// Answers until the first burst of slow questions is over.
  void settle() {
    for (int i = 0; i < 30; ++i) answer();
  }

 private:
  [[nodiscard]] std::uint8_t version_mode() const {
    return addressed_ ? std::uint8_t{0} : std::uint8_t{'B'};
  }
  void answer_winmon(const Winmon& request, Duration later) {
    if (request.code == Code::firmware_low)
      return reply(Code::firmware_low_is, "f06828000701", later);
    if (request.code == Code::firmware_high) return reply(Code::firmware_high_is, "2800", later);
    if (request.code == Code::device_state) return reply(Code::device_state_is, "0901", later);
    if (request.code == Code::write_by_id) return reply(Code::ram_written, "", later);
    if (request.code == Code::ram_info) {
      const auto info = usual_info(read_u8(request.data, 0)).value();
      Bytes scale;
      put_u16_le(scale, static_cast<std::uint16_t>(info.scale));
      Bytes offset;
      put_u16_le(offset, static_cast<std::uint16_t>(info.offset));
      if (split) {
        reply(Code::ram_info_is, to_hex(scale), later);
        return reply(Code::ram_offset_is, to_hex(offset), 5ms);
      }
      return reply(Code::ram_info_is, to_hex(scale) + to_hex(offset), later);
    }
    if (request.code == Code::read_ram) {
      Bytes data;
      for (std::size_t i = 0; i < (reads_many ? request.data.size() : 1); ++i) {
        const std::uint8_t id = read_u8(request.data, i);
        put_u16_le(data, id >= ram::assistants ? records[id] : values.at(id));
      }
      return reply(Code::ram_is, to_hex(data), later);
    }
    ASSERT_EQ(request.code, Code::read_snapshot);
    reply(Code::snapshot_is, "89FE05007201", later);
  }
  void take(Step step) {
    if (step.baud) bauds.push_back(*step.baud);
    if (step.reopen) ++reopens;
    if (step.setpoint_written) written_for.push_back(*step.setpoint_written);
    if (step.wake_at) wake_ = step.wake_at;
    for (auto& s : step.samples) samples.push_back(s);
    for (auto& e : step.events) events.push_back(std::move(e));
    for (const auto& chunk : step.send) {
      mk3::Parser parser;
      FrameCounters counters;
      parser.push(chunk);
      while (const auto frame = parser.next(counters)) sent.push_back(decode(*frame).value());
      wake_ups += std::ranges::count(chunk, std::byte{0x55}) == 5 ? 1u : 0u;
    }
  }

  std::unique_ptr<Driver> driver_;
  std::optional<Instant> wake_;
  bool addressed_ = false;
};

}  // namespace esshub::protocol::vebus
