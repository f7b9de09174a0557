#include "app/probe/battery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace esshub::app {

using protocol::Bytes;
using protocol::CanFrame;
using protocol::CanFraming;
using protocol::PylontechConfig;
namespace pylontech = protocol::pylontech;

namespace {

/// Three of its bursts, one a second (reference: pylontech-can#1).
constexpr Duration patience = 3500ms;
constexpr Duration patience_with_keep_alive = 5s;
constexpr Duration keep_alive_period = 1s;
/// For the response to F; some adapters do not answer.
constexpr Duration status_wait = 200ms;
/// A frame comes once a second; more often it is repeated for want of an acknowledgement.
constexpr double repeated_per_s = 5.0;
/// Of 25 A a module for 50 Ah; larger ones give more (reference: pylontech-can#5).
constexpr double most_amperes_per_module = 200.0;

template <class Message>
void keep(const pylontech::Message& message, std::optional<Message>& into) {
  if (const auto* found = std::get_if<Message>(&message)) into = *found;
}

}  // namespace

void BatteryConversation::enter(Phase phase, Instant now) {
  phase_ = phase;
  since_ = now;
}

std::vector<Bytes> BatteryConversation::on_start(Instant now) {
  enter(Phase::opening, now);
  if (slcan())
    return sent({opening_.start(now, config_.listen_only ? protocol::SlcanMode::listen_only
                                                         : protocol::SlcanMode::normal)});
  opened_ = now;
  enter(Phase::listening, now);
  return {};
}

std::vector<Bytes> BatteryConversation::on_bytes(protocol::ByteView bytes, Instant at) {
  std::vector<Bytes> send;
  if (slcan()) {
    for (const std::byte b : bytes) {
      only_echo_ = only_echo_ && echoed_ < sent_.size() && sent_[echoed_] == b;
      ++echoed_;
    }
    for (const auto& item : reader_.feed(bytes)) on_item(item, at, send);
  } else {
    half_record_.insert(half_record_.end(), bytes.begin(), bytes.end());
    while (half_record_.size() >= protocol::can_record_size) {
      const auto record = protocol::ByteView{half_record_}.first(protocol::can_record_size);
      if (const auto frame = protocol::decode_record(record)) on_frame(*frame);
      half_record_.erase(half_record_.begin(), half_record_.begin() + protocol::can_record_size);
    }
  }
  for (auto& more : next(at)) send.push_back(std::move(more));
  return sent(std::move(send));
}

std::vector<Bytes> BatteryConversation::on_timer(Instant now) {
  return sent(next(now));
}

/// Keeps what goes out, to know it again.
std::vector<Bytes> BatteryConversation::sent(std::vector<Bytes> commands) {
  if (slcan())
    for (const auto& command : commands) sent_.insert(sent_.end(), command.begin(), command.end());
  return commands;
}

void BatteryConversation::on_item(const protocol::SlcanItem& item, Instant at,
                                  std::vector<Bytes>& send) {
  if (!std::holds_alternative<protocol::DecodeError>(item) && !only_echo_)
    report_.adapter_answers = true;
  if (const auto* frame = std::get_if<CanFrame>(&item)) return on_frame(*frame);
  if (const auto* status = std::get_if<protocol::SlcanStatus>(&item)) {
    report_.status = *status;
    return;
  }
  const auto* response = std::get_if<protocol::SlcanResponse>(&item);
  if (response == nullptr || phase_ != Phase::opening) return;
  if (*response != protocol::SlcanResponse::accepted &&
      *response != protocol::SlcanResponse::refused)
    return;
  if (*response == protocol::SlcanResponse::refused && opening_.at_last_command())
    report_.adapter_refuses = true;
  if (auto next = opening_.on_response(at)) send.push_back(std::move(*next));
}

void BatteryConversation::on_frame(const CanFrame& frame) {
  if (frame.error) {
    const auto state = protocol::bus_state(frame);
    report_.no_ack = report_.no_ack || state == protocol::CanBusState::no_ack;
    report_.bus_off = report_.bus_off || state == protocol::CanBusState::bus_off;
    return;
  }
  if (phase_ == Phase::opening) return;  // of a channel left open, at whatever speed
  if (keep_alives_unheard_ > 0 && frame == pylontech::keep_alive()) {
    --keep_alives_unheard_;  // our own came back
    return;
  }
  ++report_.frames[frame.id];
  const auto message = pylontech::decode(frame);
  if (!message) return;
  keep(*message, report_.limits);
  keep(*message, report_.state);
  keep(*message, report_.measurement);
  keep(*message, report_.alarms);
  if (report_.alarms && report_.alarms->modules) report_.modules = report_.alarms->modules;
  for (const auto& each :
       pylontech::samples(*message, report_.modules, {}, config_.cells).impossible)
    if (std::ranges::find(report_.impossible, each.text) == report_.impossible.end())
      report_.impossible.push_back(each.text);
}

std::vector<Bytes> BatteryConversation::next(Instant now) {
  std::vector<Bytes> send;
  switch (phase_) {
    case Phase::opening:
      if (auto next = opening_.on_timer(now)) send.push_back(std::move(*next));
      if (opening_.done()) {
        opened_ = now;
        enter(Phase::listening, now);
      }
      break;
    case Phase::listening:
      // All of it, however soon: the rate of the frames is looked at as well.
      if (now - since_ < patience) break;
      if (report_.complete() || config_.listen_only) {
        report_.listened = now - opened_;
        enter(Phase::closing, now);
        if (slcan()) send.push_back(protocol::slcan_status_request());
        break;
      }
      enter(Phase::asking, now);
      keep_alive_at_ = now;
      [[fallthrough]];
    case Phase::asking:
      if (report_.complete() || now - since_ >= patience_with_keep_alive) {
        report_.needed_keep_alive = report_.complete();
        report_.listened = now - opened_;
        enter(Phase::closing, now);
        if (slcan()) send.push_back(protocol::slcan_status_request());
        break;
      }
      if (now >= keep_alive_at_) {
        const auto frame = pylontech::keep_alive();
        send.push_back(slcan() ? protocol::encode_slcan(frame) : protocol::encode_record(frame));
        keep_alive_at_ += keep_alive_period;
        if (slcan()) ++keep_alives_unheard_;
      }
      break;
    case Phase::closing:
      if (slcan() && now - since_ < status_wait) break;
      if (slcan()) send.push_back(protocol::to_bytes("C\r"));
      enter(Phase::over, now);
      break;
    case Phase::over:
      break;
  }
  return send;
}

// ---- what it means ------------------------------------------------------------------------------

namespace {

Finding no_frames(const std::string& what, const PylontechConfig& config,
                  const BatteryReport& report) {
  const bool slcan = config.framing == CanFraming::slcan;
  if (slcan && !report.adapter_answers)
    return {what, Verdict::failed, "nothing comes from the CAN adapter, not even an answer",
            "the wrong port, an adapter with other firmware (candleLight is a network interface: "
            "can = \"can0\"), or a battery that is off",
            "compare the port with /dev/serial/by-id; `ip link` shows a network interface; switch "
            "the battery on"};
  if (report.adapter_refuses)
    return {what, Verdict::failed, "the CAN adapter refuses to open its channel",
            "its firmware does not know the command, or it needs to be plugged anew",
            "unplug the adapter, plug it in, probe again"};
  return {what, Verdict::failed,
          fmt::format("the {} is open at 500 kbit/s, and no frame came in {:.1f} s",
                      slcan ? "adapter" : "interface",
                      std::chrono::duration<double>(report.listened).count()),
          report.no_ack || report.bus_off
              ? "nobody acknowledges: the adapter is alone on the bus, or the bit rate is another"
              : "the battery is off or asleep, CANH and CANL are exchanged, the wrong socket or "
                "pin-out of the battery, no 120 ohm, or another bit rate",
          "switch the battery on (all modules, the master last); look at the label for the pins of "
          "its CAN socket; measure 60 ohm between CANH and CANL with everything off"};
}

std::optional<Finding> judge_interface(const std::string& what, const PylontechConfig& config,
                                       const std::optional<CanInterfaceFacts>& facts) {
  if (!facts) return std::nullopt;
  if (facts->bit_rate && *facts->bit_rate != pylontech::bit_rate)
    return Finding{what, Verdict::failed,
                   fmt::format("the interface runs at {} kbit/s", *facts->bit_rate / 1000),
                   "it was set up with another bit rate than the battery's",
                   "ip link set IFACE down; ip link set IFACE up type can bitrate 500000 "
                   "restart-ms 100"};
  if (facts->state == "bus off")
    return Finding{what, Verdict::failed, "the interface is bus-off",
                   "too many errors: a wrong bit rate, exchanged wires or no terminator",
                   "mend the wires; ip link set IFACE up type can bitrate 500000 restart-ms 100"};
  const auto errors = [&] {
    return facts->transmit_errors
               ? fmt::format(" ({} transmit, {} receive errors)", *facts->transmit_errors,
                             facts->receive_errors.value_or(0))
               : std::string{};
  };
  if (facts->state == "error passive" || facts->state == "error warning")
    return Finding{what, Verdict::warning, "the interface is " + facts->state + errors(),
                   "what we send is not acknowledged, or frames come damaged",
                   "is anybody else on the bus? Look at wires and the 120 ohm terminators"};
  if (facts->listen_only && !config.listen_only)
    return Finding{what, Verdict::failed, "the interface only listens",
                   "it was set up with listen-only on, and the hub has to send",
                   "ip link set IFACE down; ip link set IFACE up type can bitrate 500000 "
                   "restart-ms 100 listen-only off"};
  return std::nullopt;
}

std::string missing_frames(const BatteryReport& report) {
  std::string out;
  const auto add = [&](bool there, const char* text) {
    if (!there) out += (out.empty() ? "" : ", ") + std::string{text};
  };
  add(report.limits.has_value(), "0x351 (limits)");
  add(report.state.has_value(), "0x355 (state of charge)");
  add(report.measurement.has_value(), "0x356 (voltage)");
  add(report.alarms.has_value(), "0x359 or 0x35A (alarms)");
  return out;
}

}  // namespace

Findings judge_battery(const std::string& bus, const PylontechConfig& config,
                       const BatteryReport& report,
                       const std::optional<CanInterfaceFacts>& interface) {
  const auto can = bus + ": CAN";
  const auto bms = bus + ": BMS";
  Findings out;
  if (auto found = judge_interface(can, config, interface)) out.push_back(std::move(*found));
  if (report.frames.empty()) {
    if (!any_failed(out)) out.push_back(no_frames(can, config, report));
    return out;
  }
  unsigned most = 0;
  for (const auto& [id, count] : report.frames) most = std::max(most, count);
  const double seconds = std::chrono::duration<double>(report.listened).count();
  if (seconds > 0.0 && most > 10 && most / seconds > repeated_per_s) {
    out.push_back(
        {can, Verdict::failed,
         fmt::format("the same frame comes {:.0f} times a second instead of once", most / seconds),
         config.listen_only
             ? "nobody acknowledges: the hub only listens, and no inverter is on the bus"
             : "the battery does not see our acknowledgements",
         config.listen_only
             ? "connect the inverter that controls the battery, or take listen_only away"
             : "look at wires and terminators; is the adapter's transmitter broken?"});
  } else if (report.no_ack || report.bus_off) {
    out.push_back({can, Verdict::warning, "frames come, but what we send is not acknowledged",
                   "a weak wire or terminator", "measure 60 ohm between CANH and CANL"});
  } else if (report.status && report.status->bits != 0) {
    out.push_back({can, Verdict::warning,
                   "frames come; the adapter's status is " + protocol::describe(*report.status),
                   "errors on the bus since its channel was opened",
                   "look at wires and the 120 ohm terminators"});
  } else if (out.empty()) {
    out.push_back(ok(can, "frames at 500 kbit/s, acknowledged"));
  }
  const auto failed = [&](std::string symptom, std::string cause, std::string action) {
    out.push_back({bms, Verdict::failed, std::move(symptom), std::move(cause), std::move(action)});
  };
  if (!report.complete()) {
    failed("frames come, but never " + missing_frames(report),
           report.frames.contains(pylontech::id::keep_alive)
               ? "another controller is on the bus and the battery is not"
               : "another battery protocol, or the battery waits for a controller",
           config.listen_only
               ? "let the inverter that controls the battery run while you probe"
               : "set the battery's protocol to Pylontech (its DIP switches or app); "
                 "`esshub sniff` shows what it says");
    return out;
  }
  const auto& limits = *report.limits;
  const auto seen = fmt::format(
      "{}, {} %, {:.1f} V; limits {:.1f} V, charge {:.1f} A, discharge {:.1f} A{}",
      report.modules ? fmt::format("{} module{}", *report.modules, *report.modules == 1 ? "" : "s")
                     : "modules not told",
      report.state->soc, report.measurement->voltage.value(), limits.cvl.value(),
      limits.ccl.value(), limits.dcl.value(),
      report.needed_keep_alive ? "; it says all only while 0x305 comes, as from the hub" : "");
  if (!report.impossible.empty()) {
    failed(seen + "; impossible: " + report.impossible.front(),
           "another number of cells than `cells`, another protocol, or a damaged line",
           "compare `cells` in [[bus]] " + bus + " with the battery's data sheet");
    return out;
  }
  const double most_amperes = most_amperes_per_module * report.modules.value_or(8);
  if (limits.ccl.value() > most_amperes || limits.dcl.value() > most_amperes) {
    failed(seen, "limits that no such battery has",
           "is the battery's protocol Pylontech? `esshub sniff` shows its frames");
    return out;
  }
  if (report.alarms->protections != 0) {
    failed(seen + "; it protects itself: " +
               pylontech::joined(names_of<BmsFlag>(report.alarms->protections)),
           "the BMS has opened or will open its contactor",
           "see the battery's manual; do not force "
           "it");
    return out;
  }
  const auto warn = [&](std::string cause, std::string action) {
    out.push_back({bms, Verdict::warning, seen, std::move(cause), std::move(action)});
  };
  if (limits.ccl.value() <= 0.0 && limits.dcl.value() <= 0.0) {
    warn("it allows neither charging nor discharging",
         "a cold battery, a module that is off or in protection, or not all of them linked");
  } else if (!report.modules && !report.alarms->pairs) {
    warn("it does not tell how many modules it has", "nothing, if its limits are right");
  } else {
    out.push_back(ok(bms, seen));
  }
  return out;
}

}  // namespace esshub::app
