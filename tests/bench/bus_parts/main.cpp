// One part of tests/bench/bus, chosen by the first argument.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tests/bench/bus_parts/bus_bench.hpp"

int main(int argc, char** argv) {
  using namespace esshub::bench;
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 2 && words[0] == "slave") {
      return slave(static_cast<std::uint32_t>(std::stoul(words[1])));
    }
    if (words.size() == 3 && words[0] == "master")
      return master(words[1], static_cast<std::uint32_t>(std::stoul(words[2])));
    if (words.size() == 2 && words[0] == "decoders") return decoders(words[1]);
    if (words.size() == 1 && words[0] == "setpoints") return setpoints();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bus_bench: %s\n", error.what());
    return 1;
  }
  std::fputs("usage: bus_bench slave BAUD | master PORT BAUD | decoders DATA | setpoints\n",
             stderr);
  return 64;
}
