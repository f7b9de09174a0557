#include <time.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <variant>

#include "protocol/modbus/rtu.hpp"
#include "protocol/pylontech/can_frame.hpp"
#include "protocol/pylontech/can_messages.hpp"
#include "protocol/pylontech/rs485_frame.hpp"
#include "protocol/pylontech/rs485_messages.hpp"
#include "protocol/pylontech/slcan.hpp"
#include "protocol/vebus/messages.hpp"
#include "protocol/vebus/mk3_frame.hpp"
#include "tests/bench/bus_parts/bus_bench.hpp"

namespace esshub::bench {
namespace {

using namespace protocol;
using Rows = std::vector<nlohmann::json>;

constexpr double least_seconds = 0.5;
constexpr unsigned modules = 2;

Rows rows(const std::string& path) {
  std::ifstream file(path);
  Rows out;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) out.push_back(nlohmann::json::parse(line));
  if (out.empty()) throw std::runtime_error("no vectors in " + path);
  return out;
}

std::string text_of(const nlohmann::json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

Bytes unhex(const std::string& text) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<std::byte>(std::stoul(text.substr(i, 2), nullptr, 16)));
  return out;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// `decode` takes all of the stream's frames and returns how many of them it understood.
void measure(const char* name, double bytes_per_second, std::size_t bytes,
             const std::function<std::size_t()>& decode) {
  std::size_t rounds = 0, frames = 0;
  const double begin = cpu_seconds();
  double took = 0.0;
  for (; took < least_seconds; took = cpu_seconds() - begin)
    for (int n = 0; n < 100; ++n, ++rounds) frames += decode();
  if (frames == 0) throw std::runtime_error(std::string{name} + ": nothing decoded");
  const double rate = static_cast<double>(rounds * bytes) / took;
  std::printf(
      "{\"decoder\": \"%s\", \"frames_per_s\": %.0f, \"ns_per_frame\": %.0f, "
      "\"mb_per_s\": %.1f, \"times_the_wire\": %.0f}\n",
      name, static_cast<double>(frames) / took, took / static_cast<double>(frames) * 1e9,
      rate / 1e6, rate / bytes_per_second);
}

void measure_modbus(const std::string& data) {
  std::vector<std::pair<modbus::RtuRequest, Bytes>> pairs;
  std::size_t bytes = 0;
  for (const auto& row : rows(data + "/modbus-vectors.jsonl")) {
    const auto request = modbus::decode_request(unhex(text_of(row, "request_hex")));
    Bytes answer = unhex(text_of(row, "response_hex"));
    if (!request || !modbus::decode_response(answer, *request)) continue;
    bytes += answer.size();
    pairs.emplace_back(*request, std::move(answer));
  }
  measure("Modbus RTU answers", 9600.0 / 10, bytes, [&] {
    std::size_t good = 0;
    modbus::FrameScanner scanner;
    for (const auto& [request, answer] : pairs) {
      scanner.restart(request);
      scanner.push(answer);
      while (const auto frame = scanner.next())
        good += modbus::decode_response(frame->bytes, request).has_value();
    }
    return good;
  });
}

std::size_t understood(const CanFrame& frame) {
  const auto message = pylontech::decode(frame);
  return message && !pylontech::samples(*message, modules, Instant{}).samples.empty() ? 1 : 0;
}

void measure_can(const std::string& data) {
  Bytes text;
  std::vector<Bytes> records;
  for (const auto& row : rows(data + "/pylontech-vectors.jsonl")) {
    const std::string hex = text_of(row, "data");
    if (hex.empty()) continue;
    const auto id = static_cast<std::uint32_t>(std::stoul(text_of(row, "can_id"), nullptr, 16));
    const CanFrame frame = make_frame(id, unhex(hex));
    const Bytes line = encode_slcan(frame);
    text.insert(text.end(), line.begin(), line.end());
    records.push_back(encode_record(frame));
  }
  measure("SLCAN text, Pylontech", 115200.0 / 10, text.size(), [&] {
    std::size_t good = 0;
    SlcanReader reader;
    for (const auto& item : reader.feed(text))
      if (const auto* frame = std::get_if<CanFrame>(&item)) good += understood(*frame);
    return good;
  });
  // 500 kbit/s and at least 111 bits for 8 bytes of data.
  measure("SocketCAN records, Pylontech", 500000.0 / 111 * can_record_size,
          records.size() * can_record_size, [&] {
            std::size_t good = 0;
            for (const auto& record : records)
              if (const auto frame = decode_record(record)) good += understood(*frame);
            return good;
          });
}

void measure_mk3(const std::string& data) {
  Bytes stream;
  for (const auto& row : rows(data + "/vebus-vectors.jsonl")) {
    const Bytes frame = unhex(text_of(row, "hex"));
    if (mk3::decode(frame)) stream.insert(stream.end(), frame.begin(), frame.end());
  }
  measure("MK3 frames, VE.Bus", 2400.0 / 10, stream.size(), [&] {
    std::size_t good = 0;
    mk3::Parser parser;
    FrameCounters counters;
    parser.push(stream);
    while (const auto frame = parser.next(counters)) good += vebus::decode(*frame).has_value();
    return good;
  });
}

void measure_rs485(const std::string& data) {
  Bytes stream;
  for (const auto& row : rows(data + "/pylontech-rs485-vectors.jsonl")) {
    const Bytes frame = to_bytes(text_of(row, "ascii"));
    if (pylontech_rs485::decode_frame(frame))
      stream.insert(stream.end(), frame.begin(), frame.end());
  }
  measure("Pylontech RS485", 115200.0 / 10, stream.size(), [&] {
    std::size_t good = 0;
    pylontech_rs485::FrameReader reader;
    for (const auto& frame : reader.feed(stream))
      good += pylontech_rs485::decode_frame(frame).has_value();
    return good;
  });
}

}  // namespace

int decoders(const std::string& data) {
  measure_modbus(data);
  measure_can(data);
  measure_mk3(data);
  measure_rs485(data);
  return 0;
}

}  // namespace esshub::bench
