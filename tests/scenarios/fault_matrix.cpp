// Each bus with each fault in virtual time, and damaged frames by the million: prints both as
// tables, keeps docs/fault-matrix.md and checks the safety contract.
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "model/units.hpp"
#include "tests/scenarios/corruption.hpp"
#include "tests/scenarios/fault_cell.hpp"

namespace esshub::sim {
namespace {

constexpr std::string_view document = ESSHUB_SOURCE_DIR "/docs/fault-matrix.md";
constexpr std::uint64_t documented_count = 10'000'000;

constexpr std::string_view head = R"(# Fault matrix on the wire

Made by the test `fault_matrix`, which fails when this file is not what it finds; do not edit. After a change:
`tests/build && build/test/tests/fault_matrix --write`

The hub's drivers and control run against the simulated house in virtual time: 60 s healthy, 60 s of the fault on one
bus, 60 s healed. The load is 1000 W, but 1500 W from 5 s to 40 s of the fault, so that values which stand still or come
late are seen to be wrong. The clock starts with the fault.

- **ok / bad**: frames the driver counted during the fault.
- **noticed**: the driver is not ready, a fault is raised or the battery is commanded to 0 W, whichever came first.
- **stale W**: the largest battery power commanded on data older than docs/safety.md allows (F1, F4, F6: 3 s, F2: 10 s
  more, and 1 s of reaction); it must be 0. No time is promised for a battery or inverter whose values stand still.
- **recovered**: after the fault, until the commanded power was within 50 W of the need, for 2 s.
- **wrong**: samples taken over during the fault and after it that lie outside what was true in the 2 s before them (and
  the fault's delay), of all. Meters and battery: none, except frozen values (a meter's until it is found out). The
  battery's adapter speaks text without a checksum: what jumps must be said twice, except towards the safe side.

| bus | fault | ok / bad | noticed | stale W | recovered | wrong / samples |
|---|---|---|---|---|---|---|
)";

constexpr std::string_view damage_head = R"(
## Damaged frames

What checksums must let through: Modbus' CRC16 misses no odd number of flipped bits and no burst up to 16 bits, and one
in 65536 of arbitrary damage that keeps the length; of four flips in frames this short about one in 2000, because its
polynomial has four terms itself. The MK3's one-byte sum misses one in 256 of arbitrary damage, and about one in 16 of
two flips (the same bit of two bytes). CAN has a CRC15 of its own and so has USB; the adapter's text between the two has
none.

)";

std::string seconds(std::optional<Duration> time, const char* none) {
  if (!time) return none;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", Seconds{*time}.count());
  return text;
}

std::string row(const Cell& cell) {
  std::string out = "| ";
  out += name(cell.bus);
  out += " | ";
  out += cell.fault->name;
  out += " | " + std::to_string(cell.frames_ok) + " / " + std::to_string(cell.frames_bad);
  out += " | " + seconds(cell.detected, "-");
  char watts[32];
  std::snprintf(watts, sizeof watts, "%.0f", cell.stale_watts);
  out += std::string(" | ") + (cell.stale_after ? watts : "-");
  out += " | " + seconds(cell.recovered, "**never**");
  out += " | " + std::to_string(cell.wrong) + " / " + std::to_string(cell.samples) + " |\n";
  return out;
}

struct Part {
  std::string text;
  bool good = true;
};

Part matrix() {
  Part out{std::string(head)};
  for (const Bus bus : {Bus::meters, Bus::battery, Bus::inverter}) {
    for (const MatrixFault& fault : matrix_faults()) {
      const Cell cell = run_cell(bus, fault);
      out.text += row(cell);
      const std::string_view broken = broken_promise(cell);
      if (broken.empty()) continue;
      std::fprintf(stderr, "%s, %s: %s\n", std::string(name(bus)).c_str(),
                   std::string(fault.name).c_str(), std::string(broken).c_str());
      out.good = false;
    }
  }
  return out;
}

Part damaged_frames(std::uint64_t count) {
  Part out{std::string(damage_head)};
  out.text += std::to_string(count) +
              " damaged frames for each protocol (`fault_matrix --corrupt N`), made of the vectors "
              "in tests/data.\n"
              "**fits**: length and checksum are right in spite of the damage, computed apart from "
              "the codec; so many must\nbe let through. **accepted**: the decoder took it, with "
              "other content. **beyond**: accepted though it does not\nfit; must be 0.\n\n"
              "| protocol | damage | frames | fits | accepted | beyond | accepted, one in |\n"
              "|---|---|---|---|---|---|---|\n";
  for (const Corruption& c : corrupt(count, ESSHUB_TEST_DATA)) {
    for (std::size_t i = 0; i < damage_count; ++i) {
      const Tally& t = c.by_damage[i];
      const auto number = [](std::uint64_t n) { return std::to_string(n) + " | "; };
      out.text += "| " + std::string(c.protocol) + " | " +
                  std::string(name(static_cast<Damage>(i))) + " | " + number(t.frames) +
                  (c.checksummed ? number(t.unprotected) : "- | ") + number(t.accepted) +
                  (c.checksummed ? number(t.beyond) : "- | ") +
                  (t.accepted > 0 ? std::to_string(t.frames / t.accepted) : "-") + " |\n";
      if (t.beyond > 0) out.good = false;
    }
  }
  return out;
}

std::string read(std::string_view path) {
  std::ifstream file{std::string(path)};
  return {std::istreambuf_iterator<char>(file), {}};
}

int check() {
  const Part found = matrix();
  if (!read(document).starts_with(found.text + std::string(damage_head))) {
    std::fputs(found.text.c_str(), stdout);
    std::fputs("docs/fault-matrix.md says otherwise; its head tells how to renew it\n", stderr);
    return 1;
  }
  return found.good ? 0 : 1;
}

int write() {
  const Part first = matrix();
  const Part second = damaged_frames(documented_count);
  std::ofstream file{std::string(document)};
  file << first.text << second.text;
  return file.flush() && first.good && second.good ? 0 : 1;
}

int main(const std::vector<std::string>& words) {
  if (words.empty()) {
    const Part found = matrix();
    std::fputs(found.text.c_str(), stdout);
    return found.good ? 0 : 1;
  }
  if (words[0] == "--check") return check();
  if (words[0] == "--write") return write();
  if (words[0] == "--corrupt" && words.size() == 2) {
    const Part found = damaged_frames(std::stoull(words[1]));
    std::fputs(found.text.c_str(), stdout);
    return found.good ? 0 : 1;
  }
  std::fputs("usage: fault_matrix [--check | --write | --corrupt N]\n", stderr);
  return 2;
}

}  // namespace
}  // namespace esshub::sim

int main(int argc, char** argv) {
  try {
    return esshub::sim::main({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fault_matrix: %s\n", error.what());
    return 1;
  }
}
