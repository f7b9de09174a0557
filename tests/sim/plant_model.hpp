// The simulated house with tiny devices, asked and told byte by byte.
#pragma once

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "sim/plant/plant.hpp"
#include "tests/sim/tiny_device.hpp"

namespace esshub::sim {

inline constexpr Instant start{1h};

struct PlantModel : testing::Test {
  explicit PlantModel(PlantSettings settings = {}) : plant(settings, makers(), start) {}

  DeviceMakers makers() { return tiny_devices(devices); }
  void send(Bus bus, std::string_view text, Instant at) {
    plant.to_device(bus, protocol::to_bytes(text), at);
  }
  std::string receive(Bus bus, Instant until) {
    std::string text;
    for (const auto b : plant.from_device(bus, until)) text += static_cast<char>(b);
    return text;
  }
  double ask(Bus bus) {
    send(bus, "?", plant.now());
    const auto text = receive(bus, plant.now() + 1s);
    return text.empty() ? NAN : std::stod(text);
  }

  TinyDevices devices;
  Plant plant;
};

}  // namespace esshub::sim
