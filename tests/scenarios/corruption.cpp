#include "tests/scenarios/corruption.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "protocol/modbus/rtu.hpp"
#include "protocol/pylontech/can_messages.hpp"
#include "protocol/pylontech/slcan.hpp"
#include "protocol/vebus/mk3_frame.hpp"
#include "sim/plant/rng.hpp"

namespace esshub::sim {
namespace {

using protocol::Bytes;
using protocol::ByteView;
using protocol::CanFrame;
using protocol::u8;

std::vector<nlohmann::json> vectors(const std::string& path) {
  std::ifstream file(path);
  std::vector<nlohmann::json> out;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) out.push_back(nlohmann::json::parse(line));
  if (out.empty()) throw std::runtime_error("no vectors in " + path);
  return out;
}

Bytes unhex(const std::string& text) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<std::byte>(std::stoul(text.substr(i, 2), nullptr, 16)));
  return out;
}

// ---- damage -------------------------------------------------------------------------------------

class Vandal {
 public:
  explicit Vandal(const std::vector<Bytes>& frames) : frames_(frames) {}

  [[nodiscard]] std::size_t choose() { return below(frames_.size()); }

  [[nodiscard]] Bytes spoil(const Bytes& frame, Damage damage) {
    Bytes out = frame;
    switch (damage) {
      case Damage::flips:
        for (std::size_t n = 1 + below(4); n > 0; --n)
          out[below(out.size())] ^= std::byte{1} << static_cast<int>(below(8));
        break;
      case Damage::losses:
        for (std::size_t n = 1 + below(3); n > 0 && !out.empty(); --n) lose(out);
        break;
      case Damage::extras:
        for (std::size_t n = 1 + below(3); n > 0; --n) put_in(out);
        break;
      case Damage::shift:
        lose(out);
        put_in(out);
        break;
      case Damage::bytes:
        for (std::size_t n = 2 + below(3); n > 0; --n) out[below(out.size())] = any();
        break;
      case Damage::splice: {
        const Bytes& other = frames_[choose()];
        const std::size_t cut = 1 + below(std::max<std::size_t>(out.size(), 2) - 1);
        out.resize(cut);
        if (cut < other.size())
          out.insert(out.end(), other.begin() + static_cast<std::ptrdiff_t>(cut), other.end());
        break;
      }
    }
    return out;
  }

 private:
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>(dice_.uniform() * static_cast<double>(n));
  }
  std::byte any() { return std::byte{dice_.byte()}; }
  void lose(Bytes& bytes) {
    bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size())));
  }
  void put_in(Bytes& bytes) {
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size() + 1)), any());
  }

  const std::vector<Bytes>& frames_;
  Rng dice_{1};
};

/// `whole`: length and checksum of the damaged frame are right. `accepted`: the decoder takes it
/// for something else than the original, which has the given index.
struct Protocol {
  std::string_view name;
  bool checksummed;
  std::vector<Bytes> frames;
  std::function<bool(ByteView damaged, std::size_t original)> whole;
  std::function<bool(ByteView damaged, std::size_t original)> accepted;
};

Corruption run(const Protocol& protocol, std::uint64_t count) {
  Corruption out{protocol.name, protocol.checksummed, {}};
  Vandal vandal(protocol.frames);
  for (std::uint64_t done = 0; done < count;) {
    const std::size_t original = vandal.choose();
    const auto damage = static_cast<Damage>(done % damage_count);
    const Bytes damaged = vandal.spoil(protocol.frames[original], damage);
    // A splice may give a valid frame again: that is no damage.
    if (std::ranges::find(protocol.frames, damaged) != protocol.frames.end()) continue;
    ++done;
    Tally& tally = out.by_damage[static_cast<std::size_t>(damage)];
    const bool whole = protocol.whole(damaged, original);
    const bool accepted = protocol.accepted(damaged, original);
    ++tally.frames;
    tally.unprotected += whole;
    tally.accepted += accepted;
    tally.beyond += accepted && !whole;
  }
  return out;
}

// ---- what the checksums let through, computed apart from the codecs -----------------------------

/// The CRC as the remainder of a division, most significant bit first: the codec's is reflected.
bool modbus_whole(ByteView bytes, std::size_t length) {
  if (bytes.size() != length) return false;
  unsigned remainder = 0xFFFFu;
  const auto reversed = [](unsigned byte) {
    unsigned out = 0;
    for (int bit = 0; bit < 8; ++bit) out |= (byte >> bit & 1u) << (7 - bit);
    return out;
  };
  for (const std::byte b : bytes) {
    remainder ^= reversed(u8(b)) << 8;
    for (int bit = 0; bit < 8; ++bit)
      remainder = ((remainder << 1) ^ ((remainder & 0x8000u) != 0 ? 0x8005u : 0u)) & 0xFFFFu;
  }
  return remainder == 0;
}

/// All bytes add up to 0; four types add the swapped bytes 1, 3 and 5 (reference: vebus-mk3#2 rule
/// 2).
bool mk3_whole(ByteView bytes) {
  if (bytes.size() < 4 || bytes.size() != (u8(bytes[0]) & 0x7Fu) + 2u) return false;
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += u8(b);
  const unsigned type = u8(bytes[1]);
  if (type == 0x21 || type == 0x38 || type == 0x3D || type == 0x3F) {
    for (std::size_t i = 1; i < 6 && i + 1 < bytes.size(); i += 2)
      sum += u8(bytes[i]) / 16u + u8(bytes[i]) % 16u * 16u;
  }
  return sum % 256 == 0;
}

// ---- the protocols ------------------------------------------------------------------------------

Protocol modbus(const std::string& folder) {
  namespace mb = protocol::modbus;
  Protocol out{"Modbus RTU, answers", true, {}, {}, {}};
  std::vector<mb::RtuRequest> requests;
  for (const auto& row : vectors(folder + "/modbus-vectors.jsonl")) {
    if (!row.contains("request_hex") || !row["request_hex"].is_string() ||
        !row.contains("response_hex") || !row["response_hex"].is_string())
      continue;
    const auto request = mb::decode_request(unhex(row["request_hex"]));
    Bytes answer = unhex(row["response_hex"]);
    if (!request || !mb::decode_response(answer, *request)) continue;
    requests.push_back(*request);
    out.frames.push_back(std::move(answer));
  }
  out.whole = [requests](ByteView damaged, std::size_t original) {
    return modbus_whole(damaged, mb::response_size(requests[original]));
  };
  out.accepted = [requests](ByteView damaged, std::size_t original) {
    return mb::decode_response(damaged, requests[original]).has_value();
  };
  return out;
}

Protocol mk3(const std::string& folder) {
  Protocol out{"MK3 frames", true, {}, {}, {}};
  for (const auto& row : vectors(folder + "/vebus-vectors.jsonl")) {
    Bytes frame = unhex(row["hex"]);
    if (protocol::mk3::decode(frame)) out.frames.push_back(std::move(frame));
  }
  out.whole = [](ByteView damaged, std::size_t) { return mk3_whole(damaged); };
  out.accepted = [](ByteView damaged, std::size_t) {
    return protocol::mk3::decode(damaged).has_value();
  };
  return out;
}

/// What the control would see of these bytes.
std::vector<Sample> heard(ByteView bytes) {
  constexpr unsigned modules = 2;
  std::vector<Sample> out;
  protocol::SlcanReader reader;
  for (const auto& item : reader.feed(bytes)) {
    const auto* frame = std::get_if<CanFrame>(&item);
    if (frame == nullptr) continue;
    const auto message = protocol::pylontech::decode(*frame);
    if (!message) continue;
    const auto words = protocol::pylontech::samples(*message, modules, Instant{});
    out.insert(out.end(), words.samples.begin(), words.samples.end());
  }
  return out;
}

Protocol slcan(const std::string& folder) {
  Protocol out{"SLCAN text with Pylontech frames", false, {}, {}, {}};
  std::vector<std::vector<Sample>> told;
  for (const auto& row : vectors(folder + "/pylontech-vectors.jsonl")) {
    if (!row.contains("data") || !row["data"].is_string()) continue;
    const auto id =
        static_cast<std::uint32_t>(std::stoul(row["can_id"].get<std::string>(), nullptr, 16));
    Bytes line = protocol::encode_slcan(protocol::make_frame(id, unhex(row["data"])));
    auto samples = heard(line);
    if (samples.empty()) continue;
    out.frames.push_back(std::move(line));
    told.push_back(std::move(samples));
  }
  out.whole = [](ByteView, std::size_t) { return true; };  // there is no checksum to be wrong
  out.accepted = [told](ByteView damaged, std::size_t original) {
    const auto samples = heard(damaged);
    const auto same = [](const Sample& a, const Sample& b) {
      return a.channel == b.channel && a.value == b.value;
    };
    return !samples.empty() && !std::ranges::equal(samples, told[original], same);
  };
  return out;
}

}  // namespace

std::string_view name(Damage damage) {
  switch (damage) {
    case Damage::flips:
      return "1 to 4 bits flipped";
    case Damage::losses:
      return "1 to 3 bytes lost";
    case Damage::extras:
      return "1 to 3 bytes put in";
    case Damage::shift:
      return "one lost, one put in";
    case Damage::bytes:
      return "2 to 4 bytes replaced";
    case Damage::splice:
      return "two frames spliced";
  }
  return "?";
}

std::vector<Corruption> corrupt(std::uint64_t count, const std::string& folder) {
  std::vector<Corruption> out;
  for (const auto& protocol : {modbus(folder), mk3(folder), slcan(folder)}) {
    if (protocol.frames.size() < 4) throw std::runtime_error("too few vectors in " + folder);
    out.push_back(run(protocol, count));
  }
  return out;
}

}  // namespace esshub::sim
