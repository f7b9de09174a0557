// `esshub decode --kind pylontech-rs485`: Pylontech's ASCII frames as JSON.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "app/bus_tools/decode.hpp"
#include "app/bus_tools/frame_cutter.hpp"
#include "json/object.hpp"
#include "model/enums.hpp"
#include "protocol/pylontech/rs485_messages.hpp"

namespace esshub::app {
namespace {

using nlohmann::json;
using namespace protocol;
using namespace protocol::pylontech_rs485;

json error(const DecodeError& e) {
  return json_object({{"error", name(e.kind)}, {"detail", e.detail}});
}

template <class Quantity>
json values(const std::vector<Quantity>& list) {
  json out = json::array();
  for (const auto& each : list) out.push_back(each.value());
  return out;
}
json levels(const std::vector<AlarmLevel>& list) {
  json out = json::array();
  for (const auto level : list) out.push_back(static_cast<unsigned>(level));
  return out;
}
json hex(ByteView bytes) {
  return to_hex(bytes);
}
template <std::size_t n>
json hex(const std::array<std::uint8_t, n>& numbers) {
  Bytes bytes;
  for (const auto number : numbers) put_u8(bytes, number);
  return to_hex(bytes);
}
template <class Quantity>
json extreme(const Extreme<Quantity>& e) {
  return json_object({{"value", e.value.value()}, {"module", e.module}, {"cell", e.cell}});
}
json temperatures(const Temperatures& t) {
  return json_object({{"mean_c", t.mean.value()},
                      {"highest_c", extreme(t.highest)},
                      {"lowest_c", extreme(t.lowest)}});
}

// ---- the fields of each response --------------------------------------------------------------

json fields(const Module& m) {
  return json_object({{"cells_v", values(m.cells)},
                      {"temperatures_c", values(m.temperatures)},
                      {"current_a", m.current.value()},
                      {"voltage_v", m.voltage.value()},
                      {"remaining_ah", m.remaining_ah ? json(*m.remaining_ah) : json(nullptr)},
                      {"total_ah", m.total_ah ? json(*m.total_ah) : json(nullptr)},
                      {"cycles", m.cycles}});
}
json fields(const ModuleAlarms& m) {
  return json_object({{"cells", levels(m.cells)},
                      {"temperatures", levels(m.temperatures)},
                      {"protections", names_of<BmsFlag>(protections(m))},
                      {"warnings", names_of<BmsFlag>(warnings(m))},
                      {"charge_switch", m.charge_switch()},
                      {"discharge_switch", m.discharge_switch()},
                      {"status", hex(m.status)}});
}
template <class Each>
json modules(const std::vector<Each>& list) {
  json out = json::array();
  for (const auto& each : list) out.push_back(fields(each));
  return out;
}

json fields(const Analog& m) {
  return json_object({{"flags", m.flags}, {"modules", modules(m.modules)}});
}
json fields(const AlarmInfo& m) {
  return json_object({{"flags", m.flags}, {"modules", modules(m.modules)}});
}
json fields(const Parameters& m) {
  return json_object({{"flags", m.flags},
                      {"cell_high_v", m.cell_high.value()},
                      {"cell_low_v", m.cell_low.value()},
                      {"cell_under_v", m.cell_under.value()},
                      {"charge_high_c", m.charge_high.value()},
                      {"charge_low_c", m.charge_low.value()},
                      {"charge_current_a", m.charge_current.value()},
                      {"module_high_v", m.module_high.value()},
                      {"module_low_v", m.module_low.value()},
                      {"module_under_v", m.module_under.value()},
                      {"discharge_high_c", m.discharge_high.value()},
                      {"discharge_low_c", m.discharge_low.value()},
                      {"discharge_current_a", m.discharge_current.value()}});
}
json fields(const Management& m) {
  return json_object({{"cvl_v", m.cvl.value()},
                      {"dvl_v", m.dvl.value()},
                      {"ccl_a", m.ccl.value()},
                      {"dcl_a", m.dcl.value()},
                      {"requests", names_of<BmsRequest>(m.requests)}});
}
json fields(const SerialNumber& m) {
  return json_object({{"serial_number", m.text}});
}
json fields(const ProtocolVersion& m) {
  return json_object({{"version", hex(std::array{m.version})}});
}
json fields(const Maker& m) {
  return json_object({{"device", m.device}, {"version", hex(m.version)}, {"maker", m.maker}});
}
json fields(const Firmware& m) {
  return json_object({{"version", hex(m.version)}});
}
json fields(const SystemAnalog& m) {
  return json_object({{"voltage_v", m.voltage.value()},
                      {"current_a", m.current.value()},
                      {"soc_percent", m.soc},
                      {"mean_cycles", m.mean_cycles},
                      {"most_cycles", m.most_cycles},
                      {"mean_soh_percent", m.mean_soh},
                      {"least_soh_percent", m.least_soh},
                      {"highest_cell_v", extreme(m.highest_cell)},
                      {"lowest_cell_v", extreme(m.lowest_cell)},
                      {"cells", temperatures(m.cells)},
                      {"switches", temperatures(m.switches)},
                      {"boards", temperatures(m.boards)}});
}
json fields(const SystemAlarms& m) {
  return json_object({{"warnings", hex(m.warnings)}, {"protections", hex(m.protections)}});
}

class Rs485Decoder final : public LineDecoder {
 public:
  json line(std::string_view text) override {
    // As heard: text from `~` on, or its bytes in hex. The line's end is the frame's CR.
    Bytes bytes;
    if (const auto hex_bytes = from_hex(text); hex_bytes && !hex_bytes->empty()) {
      bytes = *hex_bytes;
    } else {
      for (const char c : text) put_u8(bytes, static_cast<unsigned char>(c));
    }
    if (bytes.empty() || bytes.back() != std::byte{'\r'}) put_u8(bytes, '\r');
    FrameReader reader;
    FrameCutter cutter;
    cutter.push(bytes, {});
    std::vector<Packet> packets;
    std::vector<Bytes> frames = reader.feed(bytes);
    if (frames.empty())
      return json_object({{"error", name(DecodeErrorKind::length)},
                          {"detail", "no frame, which goes from ~ to CR"}});
    json all = json::array();
    for (const Bytes& frame : frames) {
      packets.clear();
      cutter.found(frame, packets);
      for (const auto& packet : packets)
        all.push_back(packet.bytes == frame ? decoded(frame) : outside(packet.bytes));
    }
    packets.clear();
    cutter.flush(packets);
    for (const auto& packet : packets) all.push_back(outside(packet.bytes));
    if (all.size() == 1) return all.front();
    return json_object({{"kind", "stream"}, {"frames", std::move(all)}});
  }

 private:
  json decoded(const Bytes& bytes) {
    const auto frame = decode_frame(bytes);
    if (!frame) return error(frame.error());
    if (const auto request = request_of(*frame)) {
      asked_ = *request;
      json out = json_object({{"kind", "request"},
                              {"command", enum_name(request->command)},
                              {"address", request->address}});
      if (request->whole_stack) out["whole_stack"] = true;
      return out;
    }
    const auto code = static_cast<ReturnCode>(frame->cid2);
    const auto asked = std::exchange(asked_, std::nullopt);
    if (code == ReturnCode::ok && asked) return response(bytes, *asked);
    json out = json_object({{"kind", "response"}, {"address", frame->address}});
    if (code == ReturnCode::ok) {
      out["info"] = hex(frame->info);
      out["note"] = "what this is stands in the request: give it on the line before";
      return out;
    }
    const auto words = describe(code);
    out["code"] = frame->cid2;
    out["detail"] = words.empty() ? "neither a command nor a return code" : std::string{words};
    return out;
  }

  static json response(const Bytes& bytes, const Rs485Request& request) {
    const auto response = decode_response(bytes, request);
    if (!response) return error(response.error());
    json out = std::visit([](const auto& each) { return fields(each); }, *response);
    out["kind"] = "response";
    out["command"] = enum_name(request.command);
    out["address"] = request.address;
    return out;
  }

  std::optional<Rs485Request> asked_;
};

}  // namespace

std::unique_ptr<LineDecoder> make_rs485_decoder() {
  return std::make_unique<Rs485Decoder>();
}

}  // namespace esshub::app
