#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "app/bus_tools/decode.hpp"
#include "app/bus_tools/frame_cutter.hpp"
#include "json/object.hpp"
#include "protocol/modbus/meter_models.hpp"
#include "protocol/modbus/rtu.hpp"

namespace esshub::app {
namespace {

namespace modbus = protocol::modbus;
using nlohmann::json;
using protocol::Bytes;
using protocol::ByteView;

json error(protocol::DecodeErrorKind kind, const std::string& detail) {
  return json_object({{"error", name(kind)}, {"detail", detail}});
}

bool is_read(std::uint8_t function) {
  return function == modbus::read_holding || function == modbus::read_input;
}

/// The shortest decimal that means this float: 31.261467, not 31.26146697998047.
double shortest(float value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double result = value;
  std::from_chars(text.data(), end, result);
  return result;
}

/// A value of no known meaning, as it may be read.
json raw(ByteView bytes) {
  if (bytes.size() == 2) return json_object({{"u16", protocol::read_u16_be(bytes, 0)}});
  return json_object({{"float", shortest(protocol::read_f32_be(bytes, 0))},
                      {"u32", protocol::read_u32_be(bytes, 0)}});
}

json head(std::string_view kind, ByteView frame) {
  return json_object({{"kind", kind},
                      {"unit", protocol::read_u8(frame, 0)},
                      {"function", protocol::read_u8(frame, 1) & ~modbus::exception_bit}});
}

void add_request(json& out, const modbus::RtuRequest& request) {
  if (request.function == modbus::diagnostics) {
    Bytes data;
    protocol::put_u16_be(data, request.count);
    out["subfunction"] = request.start;
    out["data"] = protocol::to_hex(data);
    return;
  }
  out["start"] = request.start;
  out["count"] = request.count;
  // Of a write: what the registers shall hold. Its answer does not repeat it.
  if (request.data.size() == 4) out.update(raw(request.data));
  if (request.data.size() > 4) out["data"] = protocol::to_hex(request.data);
}

json describe_request(const modbus::ScannedFrame& frame) {
  const auto request = modbus::decode_request(frame.bytes);
  if (!request) return error(request.error().kind, request.error().detail);
  json out = head("request", frame.bytes);
  add_request(out, *request);
  return out;
}

/// The registers read: named where they are known, raw where not.
void add_registers(json& out, const modbus::RtuRequest& request, ByteView registers) {
  if (request.count <= 2 && (request.function != modbus::read_input || request.count == 1 ||
                             !modbus::find_register(request.start))) {
    out.update(raw(registers));
    return;
  }
  for (std::size_t i = 0; i + 4 <= registers.size(); i += 4) {
    const auto address = static_cast<std::uint16_t>(request.start + i / 2);
    const ByteView bytes = registers.subspan(i, 4);
    const auto* reg =
        request.function == modbus::read_input ? modbus::find_register(address) : nullptr;
    if (reg) {
      out["values"][std::string(reg->name)] =
          shortest(protocol::read_f32_be(bytes, 0)) * reg->scale;
    } else {
      json value = raw(bytes);
      value["address"] = address;
      out["raw"].push_back(std::move(value));
    }
  }
}

json describe_response(const modbus::ScannedFrame& frame) {
  json out = head("response", frame.bytes);
  const auto function = protocol::read_u8(frame.bytes, 1);
  if (is_read(function)) out["byte_count"] = protocol::read_u8(frame.bytes, 2);
  if (frame.request) {
    add_request(out, *frame.request);
    if (const auto registers = modbus::decode_response(frame.bytes, *frame.request);
        registers && is_read(function)) {
      add_registers(out, *frame.request, *registers);
    }
    return out;
  }
  if (is_read(function)) {
    const ByteView registers = ByteView(frame.bytes).subspan(3, frame.bytes.size() - 5);
    for (std::size_t i = 0; i + 2 <= registers.size(); i += 4) {
      out["raw"].push_back(
          raw(registers.subspan(i, std::min<std::size_t>(4, registers.size() - i))));
    }
    out["note"] = "which registers these are stands in the request: give it on the line before";
  } else {
    out["start"] = protocol::read_u16_be(frame.bytes, 2);
    out["count"] = protocol::read_u16_be(frame.bytes, 4);
  }
  return out;
}

json describe_exception(const modbus::ScannedFrame& frame) {
  json out = head("exception", frame.bytes);
  const modbus::RtuRequest asked{.unit = protocol::read_u8(frame.bytes, 0),
                                 .function = out["function"].get<std::uint8_t>(),
                                 .start = 0,
                                 .count = 0,
                                 .data = {}};
  if (frame.request) add_request(out, *frame.request);
  out["code"] = protocol::read_u8(frame.bytes, 2);
  if (const auto response = modbus::decode_response(frame.bytes, asked); !response) {
    out["detail"] = response.error().detail;
  }
  return out;
}

json describe(const modbus::ScannedFrame& frame) {
  switch (frame.kind) {
    case modbus::ScannedFrame::Kind::request:
      return describe_request(frame);
    case modbus::ScannedFrame::Kind::response:
      return describe_response(frame);
    case modbus::ScannedFrame::Kind::exception:
      return describe_exception(frame);
    case modbus::ScannedFrame::Kind::damaged:
      return error(protocol::DecodeErrorKind::checksum,
                   "CRC of " + protocol::to_hex(frame.bytes) + " is wrong");
  }
  return {};
}

/// Why nothing was found: the length fits no frame, or the CRC is wrong.
json why_nothing(ByteView bytes) {
  const auto request = modbus::decode_request(bytes);
  if (!request && request.error().kind != protocol::DecodeErrorKind::length) {
    return error(request.error().kind, request.error().detail);
  }
  const bool response = bytes.size() >= 5 && (bytes.size() == 5u + protocol::read_u8(bytes, 2) ||
                                              bytes.size() == modbus::exception_size);
  if (response)
    return error(protocol::DecodeErrorKind::checksum,
                 "CRC of " + protocol::to_hex(bytes) + " is wrong");
  return error(protocol::DecodeErrorKind::length,
               std::to_string(bytes.size()) + " bytes are no request and no response");
}

class ModbusDecoder final : public LineDecoder {
 public:
  json line(std::string_view text) override {
    const auto bytes = protocol::from_hex(text);
    if (!bytes) return error(protocol::DecodeErrorKind::content, "not hexadecimal bytes");
    scanner_.push(*bytes);
    scanner_.silence();
    std::vector<modbus::ScannedFrame> frames;
    while (auto frame = scanner_.next()) frames.push_back(std::move(*frame));
    if (frames.empty()) return why_nothing(*bytes);

    FrameCutter cutter;
    cutter.push(*bytes, {});
    json all = json::array();
    bool others = false;  // bytes of no frame
    const auto add_others = [&](const std::vector<Packet>& packets, protocol::ByteView frame) {
      for (const auto& packet : packets) {
        if (std::ranges::equal(packet.bytes, frame)) continue;
        all.push_back(outside(packet.bytes));
        others = true;
      }
    };
    for (const auto& frame : frames) {
      std::vector<Packet> packets;
      cutter.found(frame.bytes, packets);
      add_others(packets, frame.bytes);
      all.push_back(describe(frame));
    }
    std::vector<Packet> rest;
    cutter.flush(rest);
    add_others(rest, {});
    const bool pair = frames.size() == 2 && frames[0].kind == modbus::ScannedFrame::Kind::request &&
                      frames[1].kind != modbus::ScannedFrame::Kind::request;
    if (!others && (frames.size() == 1 || pair)) return all.back();
    return json_object({{"kind", "stream"}, {"frames", std::move(all)}});
  }

 private:
  modbus::FrameScanner scanner_;
};

}  // namespace

std::unique_ptr<LineDecoder> make_modbus_decoder() {
  return std::make_unique<ModbusDecoder>();
}

}  // namespace esshub::app
