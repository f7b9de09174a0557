// `esshub decode mk3`: MK2/MK3 frames as JSON.
#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/bus_tools/decode.hpp"
#include "app/bus_tools/frame_cutter.hpp"
#include "json/object.hpp"
#include "protocol/vebus/messages.hpp"

namespace esshub::app {
namespace {

template <class State>
std::string_view state_name(std::uint8_t number) {
  const auto known = state_of<State>(number);
  return known ? name(*known) : "unknown";
}

using nlohmann::json;
using namespace protocol;
using namespace protocol::vebus;

/// What a RAM variable is called here, with its unit; the sign is ours.
struct Variable {
  const char* key;
  bool mirrored = false;  // counts power leaving AC-in as positive
};
std::optional<Variable> variable(std::uint8_t id) {
  constexpr std::array<Variable, 20> table{{
      {"mains_v"},
      {"mains_a"},
      {"inverter_v"},
      {"inverter_a"},
      {"battery_v"},
      {"battery_a"},
      {"battery_ripple_v"},
      {"inverter_hz"},
      {"mains_hz"},
      {"load_a"},
      {"virtual_switch"},
      {"ignore_ac_input"},
      {"relay"},
      {"soc_percent"},
      {"battery_w"},
      {"mains_w", true},
      {"output_w"},
      {"battery_unfiltered_w"},
      {"mains_unfiltered_w", true},
      {"output_unfiltered_w"},
  }};
  if (id >= table.size()) return std::nullopt;
  return table[id];
}

std::string hex(unsigned byte) {
  const auto b = static_cast<std::byte>(byte);
  return to_hex(std::span{&b, 1});
}

json exception(const protocol::DecodeError& error) {
  return json_object({{"kind", "exception"}, {"detail", error.detail}});
}

class Mk3Decoder final : public LineDecoder {
 public:
  json line(std::string_view text) override {
    const auto bytes = from_hex(text);
    if (!bytes) return error({protocol::DecodeErrorKind::content, "not hex"});
    const auto frame = mk3::decode(*bytes);
    if (frame) return decoded(*frame);
    // Several frames in one go, as a host glues them, and what stands between.
    mk3::Parser parser;
    FrameCounters counters;
    FrameCutter cutter;
    parser.push(*bytes);
    parser.give_up_waiting();
    cutter.push(*bytes, {});
    json all = json::array();
    while (const auto next = parser.next(counters)) {
      const Bytes wire = mk3::encode(*next);
      std::vector<Packet> packets;
      cutter.found(wire, packets);
      for (const auto& packet : packets)
        all.push_back(packet.bytes == wire ? decoded(*next) : outside(packet.bytes));
    }
    if (all.empty()) return error(frame.error());
    std::vector<Packet> rest;
    cutter.flush(rest);
    for (const auto& packet : rest) all.push_back(outside(packet.bytes));
    return json_object({{"kind", "stream"}, {"frames", std::move(all)}});
  }

 private:
  static json error(const protocol::DecodeError& e) {
    return json_object({{"error", std::string{name(e.kind)}}, {"detail", e.detail}});
  }

  json decoded(const mk3::Frame& frame) {
    const auto message = decode(frame);
    if (!message) return is_old_state(frame) ? old_state(frame) : error(message.error());
    json out = std::visit([this](const auto& m) { return describe(m); }, *message);
    if (frame.leds) {
      out["appended_leds_on"] = led_names(frame.leds->on);
      out["appended_leds_blink"] = led_names(frame.leds->blink);
    }
    return out;
  }

  /// Bit 7 of the flags, which tells the two variants of 'S' apart, is clear.
  static bool is_old_state(const mk3::Frame& frame) {
    return frame.type == mk3::type_interface && frame.payload.size() >= 6 &&
           read_u8(frame.payload, 0) == 'S' &&
           (read_u8(frame.payload, 5) & StateSet::new_format) == 0;
  }
  /// reference: vebus-mk3#3.5. UNVERIFIED: the switch in it is that of the second variant; what the
  /// bytes of a panel's knob and scale mean no document says.
  static json old_state(const mk3::Frame& frame) {
    const ByteView args = ByteView(frame.payload).subspan(1);
    return json_object({{"kind", "state_set"},
                        {"variant", 1},
                        {"switch", name(static_cast<SwitchState>(read_u8(args, 0)))},
                        {"panel", to_hex(args.subspan(1, 3))},
                        {"flags", hex(read_u8(args, 4))}});
  }

  // ---- interface messages
  // -------------------------------------------------------------------------

  json describe(VersionRequest) { return json_object({{"kind", "version_request"}}); }
  json describe(const Version& v) {
    json out = json_object({{"kind", "version"}, {"version", v.version}, {"address", nullptr}});
    if (const auto address = v.address()) {
      out["address"] = *address;
    } else {
      out["mode"] = std::string(1, static_cast<char>(v.mode));
    }
    return out;
  }
  json describe(const Address& a) {
    return json_object(
        {{"kind", a.select ? "address_set" : "address_request"}, {"address", a.address}});
  }
  json describe(LedRequest) { return json_object({{"kind", "led_request"}}); }
  json describe(const Leds& leds) {
    json out = json_object({{"kind", "led"}, {"on", nullptr}, {"blink", nullptr}});
    if (leds.known()) {
      out["on"] = led_names(leds.on);
      out["blink"] = led_names(leds.blink);
    }
    if (leds.alarms) out["alarms"] = alarm_names(*leds.alarms);
    if (const auto code = leds.error()) {
      out["error_code"] = *code;
      out["error_text"] = error_text(*code);
    }
    return out;
  }
  json describe(InfoRequest request) {
    constexpr std::array<const char*, 6> names{"dc", "ac_l1", "ac_l2", "ac_l3", "ac_l4", "config"};
    json out = json_object({{"kind", "info_request"}, {"what", request.what}});
    if (request.what < names.size()) out["name"] = names[request.what];
    return out;
  }
  json describe(const SnapshotRequest& request) {
    snapshot_ids_ = request.ids;
    return json_object({{"kind", "snapshot_request"}, {"ram_ids", request.ids}});
  }
  json describe(const StateSet& set) {
    const bool commands = (set.flags & StateSet::settings_only) == 0;
    json out =
        json_object({{"kind", "state_set"}, {"flags", hex(set.flags)}, {"sends_switch", commands}});
    out["switch"] = name(static_cast<SwitchState>(set.switch_state));
    out["limit_a"] = nullptr;
    if (set.limit < StateSet::keep_limit) out["limit_a"] = set.limit / 10.0;
    if (set.ext0) out["dialect"] = (*set.ext0 & StateSet::compat_replies) != 0 ? "compat" : "long";
    return out;
  }
  json describe(StateAck) { return json_object({{"kind", "state_ack"}}); }
  json describe(HardwareFlags flags) {
    if (!flags.flags) return json_object({{"kind", "interface_flags_request"}});
    return json_object({{"kind", "interface_flags"},
                        {"panel_detect", (*flags.flags & HardwareFlags::panel_detect) != 0},
                        {"standby", (*flags.flags & HardwareFlags::standby) != 0},
                        {"flags", hex(*flags.flags)}});
  }
  json describe(Reset) { return json_object({{"kind", "reset_request"}}); }
  json describe(HighSpeed) { return json_object({{"kind", "high_speed_request"}}); }
  json describe(const Forwarded& forwarded) {
    return json_object({{"kind", "forwarded"},
                        {"type", hex(forwarded.type)},
                        {"payload", to_hex(forwarded.payload)}});
  }

  // ---- info frames
  // --------------------------------------------------------------------------------

  json describe(const DcInfo& info) {
    json out = json_object({{"kind", "dc_info"}});
    if (const auto s = scale(ram::battery_voltage)) out["battery_v"] = s->value(info.voltage);
    if (const auto s = scale(ram::battery_current))
      out["battery_a"] = info.battery_current(*s).value();
    out["inverter_hz"] = hertz(ram::inverter_period, info.period);
    return out;
  }
  json describe(const AcInfo& info) {
    json out = json_object({{"kind", "ac_info"}, {"phase", info.phase()}, {"state", nullptr}});
    if (const auto phases = info.phases()) out["phases"] = *phases;
    if (const auto state = info.main_state()) out["state"] = name(*state);
    if (const auto s = scale(ram::mains_voltage)) out["mains_v"] = s->value(info.mains_voltage);
    if (const auto s = scale(ram::mains_current))
      out["mains_a"] = s->factor * info.mains_current * info.mains_factor;
    if (const auto s = scale(ram::inverter_voltage))
      out["output_v"] = s->value(info.output_voltage);
    if (const auto s = scale(ram::inverter_current))
      out["output_a"] = s->factor * info.output_current * info.inverter_factor;
    out["mains_hz"] = hertz(ram::mains_period, info.period);
    return out;
  }
  json describe(const ConfigInfo& info) {
    json out = json_object({{"kind", "config_info"},
                            {"limit_min_a", info.limit_min / 10.0},
                            {"limit_max_a", info.limit_max / 10.0},
                            {"limit_a", info.limit / 10.0},
                            {"active_input", info.input & 3u},
                            {"panel_detected", (info.input & 0x80u) != 0}});
    if (info.switch_register) out["switch_register"] = hex(*info.switch_register);
    return out;
  }

  // ---- Winmon
  // -------------------------------------------------------------------------------------

  json describe(const Winmon& winmon) {
    json out = winmon.is_reply() ? reply(winmon) : request(winmon);
    if (winmon.code == Code::ram_written || winmon.code == Code::setting_written)
      out.update(written(winmon.letter));
    out["letter"] = std::string(1, static_cast<char>(winmon.letter));
    if (winmon.is_reply()) return out;
    requests_[winmon.letter] = winmon;
    // Where to write and what come one after the other, or in one.
    if (winmon.code == Code::select_ram || winmon.code == Code::select_setting)
      selected_[winmon.letter] = out;
    return out;
  }

  /// What was written, of the requests that an answer to a write belongs to.
  json written(Letter letter) {
    const auto asked = requests_.find(letter);
    if (asked == requests_.end()) return json::object();
    json out = json::object();
    if (asked->second.code == Code::write_data) {
      if (const auto where = selected_.find(letter); where != selected_.end()) out = where->second;
      selected_.erase(letter);
    } else if (asked->second.code != Code::write_by_id) {
      return out;
    }
    const json what = request(asked->second);
    for (const auto& [key, value] : what.items())
      if (key != "kind") out[key] = value;
    out.erase("kind");
    return out;
  }

  json request(const Winmon& w) {
    const ByteView d = w.data;
    const bool has_id = d.size() >= 2;
    switch (w.code) {
      case Code::firmware_low:
      case Code::firmware_high:
        return json_object({{"kind", "firmware_request"}});
      case Code::device_state:
        return json_object({{"kind", "device_state_request"}});
      case Code::read_ram: {
        json ids = json::array();
        for (const std::byte id : d) ids.push_back(u8(id));
        return json_object({{"kind", "ram_read"}, {"ram_ids", ids}});
      }
      case Code::ram_info:
        if (has_id) return json_object({{"kind", "ram_info_request"}, {"ram_id", read_u8(d, 0)}});
        break;
      case Code::read_setting:
        if (has_id) return json_object({{"kind", "setting_read"}, {"setting", read_u16_le(d, 0)}});
        break;
      case Code::setting_info:
        if (has_id)
          return json_object({{"kind", "setting_info_request"}, {"setting", read_u16_le(d, 0)}});
        break;
      case Code::select_ram:
        if (has_id)
          return json_object({{"kind", "ram_write_select"}, {"ram_id", read_u16_le(d, 0)}});
        break;
      case Code::select_setting:
        if (has_id)
          return json_object({{"kind", "setting_write_select"}, {"setting", read_u16_le(d, 0)}});
        break;
      case Code::write_data:
        if (has_id) return json_object({{"kind", "write_data"}, {"raw", read_u16_le(d, 0)}});
        break;
      case Code::write_by_id:
        if (d.size() >= 4) return write_by_id(d);
        break;
      case Code::read_snapshot:
        return json_object({{"kind", "snapshot_read"}});
      default:
        break;
    }
    return json_object({{"kind", "winmon_request"},
                        {"code", hex(static_cast<unsigned>(w.code))},
                        {"data", to_hex(w.data)}});
  }

  json write_by_id(ByteView d) {
    const unsigned flags = read_u8(d, 0);
    const std::uint8_t id = read_u8(d, 1);
    json out = json_object({{"kind", "write_by_id"}, {"ram_only", (flags & 2) != 0}});
    if ((flags & 1) != 0) {
      out["setting"] = id;
      out["raw"] = read_u16_le(d, 2);
      return out;
    }
    out["ram_id"] = id;
    out["raw"] = read_s16_le(d, 2);
    // Where no ESS record was seen yet, a write among the assistants is taken for the setpoint.
    if (setpoint_id_ ? id == *setpoint_id_ : id > ram::assistants) {
      out["setpoint_w"] = setpoint_watts(read_s16_le(d, 2)).value();
      if (!setpoint_id_) out["assumed"] = true;
    }
    return out;
  }

  json reply(const Winmon& w) {
    const auto asked = requests_.find(w.letter);
    const Winmon* request = asked == requests_.end() ? nullptr : &asked->second;
    switch (w.code) {
      case Code::ram_is:
        return ram_values("ram_value",
                          request != nullptr && request->code == Code::read_ram
                              ? ids_of(*request)
                              : std::vector<std::uint8_t>{},
                          words(w).value());
      case Code::snapshot_is:
        return ram_values("snapshot", snapshot_ids_, words(w).value());
      case Code::setting_is:
        return setting_value(w, request);
      case Code::ram_info_is:
        return ram_info_reply(w, request);
      case Code::setting_info_is:
        return setting_info_reply(w);
      case Code::device_state_is:
        if (const auto state = decode_device_state(w))
          return json_object({{"kind", "device_state"},
                              {"state", state_name<VebusState>(state->state)},
                              {"sub_state", state_name<VebusChargeState>(state->sub_state)}});
        break;
      case Code::firmware_low_is:
      case Code::firmware_high_is:
        if (const auto part = decode_firmware(w))
          return {{"kind", "firmware"},
                  {part->whole                       ? "version"
                   : w.code == Code::firmware_low_is ? "version_low"
                                                     : "version_high",
                   part->value}};
        break;
      case Code::ram_written:
        return json_object({{"kind", "ram_written"}});
      case Code::setting_written:
        return json_object({{"kind", "setting_written"}});
      case Code::unknown_command:
      case Code::ram_unsupported:
      case Code::setting_unsupported:
      case Code::access_denied:
        return exception(decode_written(w).error());
      default:
        break;
    }
    return json_object({{"kind", "winmon_reply"},
                        {"code", hex(static_cast<unsigned>(w.code))},
                        {"data", to_hex(w.data)}});
  }

  static std::vector<std::uint8_t> ids_of(const Winmon& request) {
    std::vector<std::uint8_t> out;
    for (const std::byte id : request.data) out.push_back(u8(id));
    return out;
  }

  json ram_values(const char* kind, const std::vector<std::uint8_t>& ids,
                  const std::vector<std::uint16_t>& raw) {
    json out = json_object({{"kind", kind}, {"raw", raw}});
    for (std::size_t i = 0; i < raw.size() && i < ids.size(); ++i) {
      if (ids[i] >= ram::assistants) {
        learn_record(ids[i], raw[i], out);
      } else if (const auto known = variable(ids[i])) {
        out[known->key] = ram_value(ids[i], *known, raw[i]);
      }
    }
    return out;
  }

  json ram_value(std::uint8_t id, const Variable& known, std::uint16_t raw) {
    auto s = scale(id);
    if (!s) return nullptr;
    if (id == ram::inverter_period || id == ram::mains_period)
      return hertz(id, static_cast<std::uint8_t>(raw));
    if (id == ram::inverter_current) s->is_signed = true;  // says unsigned, sends negatives
    if (known.mirrored) return mirror(Watts{s->value(raw)}).value();
    const double percent = id == 13 ? 100.0 : 1.0;
    return s->value(raw) * percent;
  }

  void learn_record(std::uint8_t id, std::uint16_t word, json& out) {
    const auto header = record_header(word);
    out["assistant"] = header.assistant;
    out["assistant_words"] = header.size;
    if (header.assistant == RecordHeader::ess && header.size > 0 && id < 255)
      setpoint_id_ = static_cast<std::uint8_t>(id + 1);
  }

  static json setting_value(const Winmon& w, const Winmon* request) {
    json out = json_object({{"kind", "setting_value"}});
    const auto raw = words(w).value();
    if (!raw.empty()) out["raw"] = raw.front();
    if (request != nullptr && request->code == Code::read_setting && request->data.size() >= 2)
      out["setting"] = read_u16_le(request->data, 0);
    return out;
  }

  json ram_info_reply(const Winmon& w, const Winmon* request) {
    const auto info = decode_ram_info(w);
    if (!info)
      return json_object({{"kind", "ram_info"}, {"detail", "continued in the next frame"}});
    const auto s = scale_of(*info);
    json out = json_object({{"kind", "ram_info"}, {"supported", s.has_value()}});
    if (request != nullptr && request->code == Code::ram_info && !request->data.empty()) {
      const std::uint8_t id = read_u8(request->data, 0);
      out["ram_id"] = id;
      scales_[id] = s;
    }
    if (s && s->bit) out["bit"] = *s->bit;
    if (s && !s->bit) {
      out["factor"] = s->factor;
      out["offset"] = s->offset;
      out["signed"] = s->is_signed;
    }
    return out;
  }

  static json setting_info_reply(const Winmon& w) {
    const auto info = decode_setting_info(w);
    if (!info) return json_object({{"kind", "setting_info"}, {"supported", false}});
    return json_object({{"kind", "setting_info"},
                        {"supported", true},
                        {"scale", info->scale},
                        {"offset", info->offset},
                        {"default", info->usual},
                        {"min", info->min},
                        {"max", info->max}});
  }

  // ---- scales
  // -------------------------------------------------------------------------------------

  /// As an earlier line said, else as a MultiPlus-II usually says.
  [[nodiscard]] std::optional<Scale> scale(std::uint8_t id) const {
    if (const auto it = scales_.find(id); it != scales_.end()) return it->second;
    const auto info = usual_info(id);
    return info ? scale_of(*info) : std::nullopt;
  }
  [[nodiscard]] json hertz(std::uint8_t id, std::uint8_t raw) const {
    const auto s = scale(id);
    const auto f = s ? frequency(*s, raw) : std::nullopt;
    return f ? json(f->value()) : json(nullptr);
  }

  std::map<Letter, Winmon> requests_;
  std::map<Letter, json> selected_;  ///< the RAM variable or setting that the next data is for
  std::vector<std::uint8_t> snapshot_ids_;
  std::map<std::uint8_t, std::optional<Scale>> scales_;
  std::optional<std::uint8_t> setpoint_id_;
};

}  // namespace

std::unique_ptr<LineDecoder> make_mk3_decoder() {
  return std::make_unique<Mk3Decoder>();
}

}  // namespace esshub::app
