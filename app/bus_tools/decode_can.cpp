#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "app/bus_tools/decode.hpp"
#include "json/object.hpp"
#include "protocol/pylontech/can_frame.hpp"
#include "protocol/pylontech/can_messages.hpp"
#include "protocol/pylontech/slcan.hpp"

namespace esshub::app {
namespace {

using namespace protocol;
using namespace protocol::pylontech;
using nlohmann::json;

json error(const protocol::DecodeError& e) {
  return json_object({{"error", name(e.kind)}, {"detail", e.detail}});
}

/// `0x351`; 29-bit identifiers with all their digits.
std::string id_text(const CanFrame& frame) {
  Bytes bytes;
  put_u32_be(bytes, frame.id);
  return "0x" + to_hex(bytes).substr(frame.extended ? 0 : 5);
}

json fields(const Controller& m) {
  switch (m.id) {
    case id::keep_alive:
      return json_object({{"kind", "keep_alive"}});
    case id::controller_identity:
      return json_object({{"kind", "controller_identity"}});
    default:
      return json_object({{"kind", "controller"}});
  }
}
json fields(const Limits& m) {
  json out = json_object({{"kind", "limits"},
                          {"cvl_v", m.cvl.value()},
                          {"ccl_a", m.ccl.value()},
                          {"dcl_a", m.dcl.value()}});
  if (m.dvl) out["dvl_v"] = m.dvl->value();
  return out;
}
json fields(const StateOfCharge& m) {
  return json_object({{"kind", "state"}, {"soc_percent", m.soc}, {"soh_percent", m.soh}});
}
json fields(const Measurement& m) {
  json out = json_object({{"kind", "measurement"},
                          {"voltage_v", m.voltage.value()},
                          {"current_a", m.current.value()}});
  if (m.temperature) out["temperature_c"] = m.temperature->value();
  return out;
}
json fields(const Alarms& m) {
  json out = json_object({{"kind", "alarms"},
                          {"protections", names_of<BmsFlag>(m.protections)},
                          {"warnings", names_of<BmsFlag>(m.warnings)}});
  if (m.modules) out["modules"] = *m.modules;
  return out;
}
json fields(const Requests& m) {
  return json_object({{"kind", "requests"}, {"requests", names_of<BmsRequest>(m.bits)}});
}
json fields(const Maker& m) {
  return json_object({{"kind", "maker"}, {"maker", m.text}});
}
json fields(const Product& m) {
  return json_object({{"kind", "product"},
                      {"product_code", m.code},
                      {"firmware", m.firmware},
                      {"available_ah", m.available_ah}});
}
json fields(const ChargeRequest& m) {
  return json_object({{"kind", "charge_request"}, {"wanted", m.wanted}});
}
json fields(const ModuleStates& m) {
  return json_object({{"kind", "module_states"},
                      {"online", m.online},
                      {"blocking_charge", m.blocking_charge},
                      {"blocking_discharge", m.blocking_discharge},
                      {"offline", m.offline}});
}
json fields(const Cells& m) {
  return json_object({{"kind", "cells"},
                      {"lowest_v", m.lowest.value()},
                      {"highest_v", m.highest.value()},
                      {"coldest_c", m.coldest.value()},
                      {"warmest_c", m.warmest.value()}});
}
json fields(const Energy& m) {
  return json_object({{"kind", "energy"},
                      {"charged_wh", m.charged.value()},
                      {"discharged_wh", m.discharged.value()}});
}
json fields(const Size& m) {
  return json_object({{"kind", "size"}, {"installed_ah", m.installed_ah}});
}
json fields(const Text& m) {
  const auto kind = [&m] {
    switch (m.id) {
      case id::name_1:
      case id::name_2:
        return "name";
      case id::lowest_voltage_cell:
        return "lowest_voltage_cell";
      case id::highest_voltage_cell:
        return "highest_voltage_cell";
      case id::lowest_temperature_cell:
        return "lowest_temperature_cell";
      case id::highest_temperature_cell:
        return "highest_temperature_cell";
      case id::serial_1:
      case id::serial_2:
        return "serial";
      default:
        return "product_text";
    }
  };
  return json_object({{"kind", kind()}, {"text", m.text}});
}
json fields(const Opaque&) {
  return json_object({{"kind", "events"}});
}

class CanDecoder final : public LineDecoder {
 public:
  explicit CanDecoder(unsigned cells) : cells_(cells) {}
  [[nodiscard]] json line(std::string_view text) override {
    const auto frame = parse(text);
    if (!frame) return error(frame.error());
    json out = describe(*frame);
    out["id"] = id_text(*frame);
    return out;
  }

 private:
  /// SLCAN lines have neither candump's # nor its brackets.
  static protocol::Decoded<CanFrame> parse(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n\a"), text.size()));
    text = text.substr(0, text.find_first_of("\r\n"));
    const bool slcan = !text.empty() &&
                       std::string_view("tTrR").find(text.front()) != std::string_view::npos &&
                       text.find_first_of("#[") == std::string_view::npos;
    return slcan ? parse_slcan(text) : parse_candump(text);
  }

  json describe(const CanFrame& frame) {
    if (frame.error) return json_object({{"kind", "bus_error"}, {"errors", describe_error(frame)}});
    auto message = decode(frame);
    if (!message) return error(message.error());
    json out = std::visit([](const auto& m) { return fields(m); }, *message);
    // An impossible value is shown, and said to be impossible.
    const auto words = samples(*message, modules_, {}, cells_);
    if (!words.impossible.empty())
      out.update(error({protocol::DecodeErrorKind::content, words.impossible.front().text}));
    if (const auto* alarms = std::get_if<Alarms>(&*message))
      if (alarms->modules) modules_ = alarms->modules;
    return out;
  }

  unsigned cells_;
  std::optional<unsigned> modules_;  ///< as the last 0x359 said; bounds the currents
};

}  // namespace

std::unique_ptr<LineDecoder> make_can_decoder(unsigned cells) {
  return std::make_unique<CanDecoder>(cells);
}

}  // namespace esshub::app
