// The smallest devices a plant can be tested with: they answer with one number of their truth.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/plant/plant.hpp"

namespace esshub::sim {

/// Answers every request with one number 40 ms later; "S<watts>" commands the inverter.
class TinyDevice : public Device {
 public:
  TinyDevice(std::function<double()> value, InverterCommand* command = nullptr)
      : value_(std::move(value)), command_(command) {}

  protocol::Step on_start(Instant) override {
    ++starts;
    return {};
  }
  protocol::Step on_bytes(std::span<const std::byte> bytes, Instant now) override {
    heard_at.push_back(now);
    if (command_ != nullptr && bytes[0] == std::byte{'S'}) {
      std::string text;
      for (const auto b : bytes.subspan(1)) text += static_cast<char>(b);
      command_->setpoint = Watts{std::stod(text)};
    }
    protocol::Step step;
    step.wake_at = now + 40ms;
    return step;
  }
  protocol::Step on_timer(Instant) override {
    protocol::Step step;
    step.send = {protocol::to_bytes(std::to_string(value_()) + "\n")};
    return step;
  }
  void on_down(Instant) override {}
  [[nodiscard]] const DriverHealth& health() const override { return health_; }

  std::vector<Instant> heard_at;
  int starts = 0;

 private:
  std::function<double()> value_;
  InverterCommand* command_;
  DriverHealth health_;
};

/// The devices last made.
struct TinyDevices {
  TinyDevice* meters = nullptr;    ///< grid power, W
  TinyDevice* battery = nullptr;   ///< SOC, %
  TinyDevice* inverter = nullptr;  ///< power at AC-in, W
};

inline DeviceMakers tiny_devices(TinyDevices& made) {
  const auto make = [](TinyDevice*& slot, std::function<double()> value,
                       InverterCommand* command = nullptr) {
    auto device = std::make_unique<TinyDevice>(std::move(value), command);
    slot = device.get();
    return device;
  };
  return {
      [&made, make](const MeterTruth& main, const MeterTruth&) {
        return make(made.meters, [&] { return main.phases[0].power.value(); });
      },
      [&made, make](const BatteryTruth& truth) {
        return make(made.battery, [&] { return truth.soc_percent; });
      },
      [&made, make](const InverterTruth& truth, InverterCommand& command) {
        return make(
            made.inverter, [&] { return truth.ac_in.value(); }, &command);
      },
  };
}

}  // namespace esshub::sim
