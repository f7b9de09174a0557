#include "app/probe/inverter.hpp"

#include <fmt/format.h>

#include <utility>

#include "model/plausible.hpp"
#include "protocol/vebus/task.hpp"

namespace esshub::app {

using protocol::Bytes;
namespace mk3 = protocol::mk3;
namespace vebus = protocol::vebus;
using vebus::Task;

namespace {

constexpr unsigned most_tries = 3;

}  // namespace

Task InverterConversation::task() const {
  return handshake_.over() ? Task::leds : handshake_.stage();
}

/// What would set up interface and unit is left out: both dialects of replies are understood.
void InverterConversation::skip_writes() {
  while (handshake_.stage() == Task::settings || handshake_.stage() == Task::hardware_flags)
    handshake_.advance();
}

vebus::Message InverterConversation::request(vebus::Letter letter) {
  switch (task()) {
    case Task::select_address:
      return vebus::Address{true, address_};
    case Task::firmware_low:
      return vebus::firmware_low(letter);
    case Task::firmware_high:
      return vebus::firmware_high(letter);
    case Task::scales:
      return handshake_.scales().request(letter);
    case Task::units:
      return vebus::InfoRequest{vebus::InfoRequest::ac_l1};
    case Task::records:
      return handshake_.ess().walk_request(letter);
    case Task::leds:
      return vebus::LedRequest{};
    case Task::find_interface:
    case Task::settings:  // never the stage: skip_writes()
    case Task::hardware_flags:
    case Task::switch_state:
    case Task::setpoint:
    case Task::snapshot:
    case Task::mains:
    case Task::heartbeat:
    case Task::check_record:
    case Task::device_state:
    case Task::battery:
    case Task::input:
    case Task::keep_flags:
      break;
  }
  return vebus::VersionRequest{};
}

std::vector<Bytes> InverterConversation::on_start(Instant now) {
  return on_timer(now);
}

std::vector<Bytes> InverterConversation::on_bytes(protocol::ByteView bytes, Instant at) {
  parser_.push(bytes);
  while (const auto frame = parser_.next(counters_))
    if (const auto message = vebus::decode(*frame); message && !over_) on_message(*message, at);
  return on_timer(at);
}

void InverterConversation::on_message(const vebus::Message& message, Instant) {
  if (const auto* version = std::get_if<vebus::Version>(&message))
    report_.interface_version = version->version;
  if (!asked_ || !vebus::is_response(task(), *asked_, handshake_.scales().half_came(), message))
    return;
  on_reply(message);
}

void InverterConversation::on_reply(const vebus::Message& message) {
  const auto was = task();
  bool half = false;
  if (const auto* reply = std::get_if<vebus::Winmon>(&message)) {
    report_.answers = true;
    if (was == Task::firmware_low || was == Task::firmware_high) handshake_.on_firmware(*reply);
    if (was == Task::scales) half = handshake_.on_scale(*reply);
    if (was == Task::records) handshake_.on_record(*reply);
  } else if (const auto* version = std::get_if<vebus::Version>(&message)) {
    (void)handshake_.on_version(*version);
  } else if (was == Task::select_address) {
    handshake_.advance();
  } else if (const auto* info = std::get_if<vebus::AcInfo>(&message)) {
    report_.answers = true;
    mains_ = *info;
    handshake_.on_units(*info);
  } else if (const auto* leds = std::get_if<vebus::Leds>(&message)) {
    report_.alarms = leds->alarms;
    report_.error = leds->error();
    leds_known_ = true;
  }
  if (half) return;  // the rest of it comes by itself
  asked_.reset();
  tries_ = 0;
  skip_writes();
  over_ = leds_known_ || (only_find_ && report_.interface_version);
}

/// What is not answered again and again: what tells the firmware may be left out, and the LEDs.
void InverterConversation::give_up() {
  const auto unanswered = task();
  tries_ = 0;
  if (unanswered == Task::firmware_low || unanswered == Task::firmware_high) {
    handshake_.advance();
  } else {
    over_ = true;
  }
}

std::vector<Bytes> InverterConversation::on_timer(Instant now) {
  if (over_ || (asked_ && now < deadline_)) return {};
  if (asked_) {
    letters_.rest(*asked_, now);
    asked_.reset();
    if (tries_ == (only_find_ ? 1 : most_tries)) give_up();
    if (over_) return {};
  }
  const auto letter = letters_.next(now);
  if (!letter) return {};  // all of them rest for a moment
  auto frame = vebus::encode(request(*letter));
  asked_ = letter;
  ++tries_;
  deadline_ = now + vebus::reply_limit(task()) + mk3::wire_time(frame.size());
  return {std::move(frame)};
}

InverterReport InverterConversation::report() const {
  auto out = report_;
  out.firmware = handshake_.firmware();
  out.has_ess = handshake_.ess().found();
  if (handshake_.over()) out.rejection = handshake_.rejection_reason();
  if (mains_) {
    const auto& scales = handshake_.scales();
    out.mains_voltage = scales.value(vebus::ram::mains_voltage, mains_->mains_voltage);
    if (const auto period = scales.of(vebus::ram::mains_period))
      if (const auto hertz = vebus::frequency(*period, mains_->period))
        out.mains_hertz = hertz->value();
  }
  return out;
}

Findings judge_inverter(const std::string& bus, const InverterReport& report) {
  const auto mk3 = bus + ": MK3";
  const auto unit = bus + ": inverter";
  if (!report.interface_version)
    return {{mk3, Verdict::failed, "no MK3 answers at 2400 or 115200 baud",
             "the wrong port, or the MK3 has no power: the inverter feeds it through the VE.Bus "
             "cable",
             "is the inverter on? Is the cable in a VE.Bus socket of it (not BMS-Can, not "
             "Ethernet)? Compare the port with /dev/serial/by-id/usb-VictronEnergy_MK3-USB..."}};
  Findings out;
  const auto version = fmt::format("firmware {}", *report.interface_version);
  if (report.at_high_speed) {
    out.push_back({mk3, Verdict::warning, version + ", at 115200 baud",
                   "another program left it at that speed",
                   "nothing: the hub sets it back when it starts"});
    return out;
  }
  out.push_back(ok(mk3, version));
  if (!report.answers) {
    out.push_back({unit, Verdict::failed, "the MK3 answers, the unit behind it does not",
                   "the unit is off or asleep, or `address` is not that of a unit",
                   "switch it on at its front (position I); leave address = 0 for a single unit"});
    return out;
  }
  std::string seen =
      report.firmware == 0
          ? "firmware not told"
          : fmt::format("firmware {} of type {}", report.firmware % 1000, report.firmware / 1000);
  if (report.rejection) {
    const bool no_ess = !report.has_ess && report.rejection->find("ESS") != std::string::npos;
    out.push_back(
        {unit, Verdict::failed, seen + "; " + *report.rejection,
         no_ess ? "the assistant is not installed, so the unit takes no power setpoint"
                : "the hub commands one single-phase unit that measures its power",
         no_ess ? "with VEConfigure: assistants, ESS, with the grid code of your country; then "
                  "probe again"
                : "see docs/hardware.md for what is supported"});
    return out;
  }
  if (!report.has_ess) {
    out.push_back({unit, Verdict::failed,
                   seen + "; it stopped answering before its assistants were "
                          "read",
                   "a bad VE.Bus cable, or another program talks through this MK3",
                   "exchange the cable; stop other programs; probe again"});
    return out;
  }
  seen += ", ESS assistant, one unit";
  if (!report.mains_hertz) {
    out.push_back({unit, Verdict::warning, seen + ", no mains at AC-in",
                   "a power cut, or AC-in is not switched on",
                   "switch on the breaker of AC-in and wait until it has synchronised"});
  } else {
    out.push_back(ok(unit, fmt::format("{}, {:.1f} V, {:.2f} Hz at AC-in", seen,
                                       report.mains_voltage.value_or(0.0), *report.mains_hertz)));
  }
  if (report.error.value_or(0) != 0)
    out.push_back({unit, Verdict::failed, fmt::format("VE.Bus error {}", *report.error),
                   std::string{vebus::error_text(*report.error)},
                   "switch it off and on at its front; if the error comes back see Victron's list "
                   "of VE.Bus error codes"});
  if (report.alarms.value_or(0) != 0)
    out.push_back({unit, Verdict::warning, "alarms: " + vebus::alarm_names(*report.alarms),
                   "the inverter itself complains", "see its LEDs and Victron's manual"});
  return out;
}

}  // namespace esshub::app
