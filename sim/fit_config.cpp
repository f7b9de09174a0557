#include "sim/fit_config.hpp"

#include <optional>
#include <utility>

namespace esshub::sim {
namespace {

constexpr const char* wiring =
    "the simulated house has an sdm630 at unit 1 (phase 1 grid, 2 solar, 3 a spare circuit) and an "
    "sdm120 at unit 244 (battery_meter)";

bool is_circuit(Point point) {
  return point >= Point::circuit1 && point < Point::module1;
}

using protocol::MeterModel;

bool is_there(const protocol::MeterConfig& meter) {
  return (meter.model == MeterModel::sdm630 && meter.unit == 1) ||
         (meter.model == MeterModel::sdm120 && meter.unit == 244);
}

bool is_wired(MeterModel model, const protocol::MeterChannel& channel) {
  if (channel.invert) return false;
  if (model == MeterModel::sdm120) return channel.point == Point::battery_meter;
  if (channel.phase == 3) return is_circuit(channel.point);
  return channel.point == (channel.phase == 1 ? Point::grid : Point::solar);
}

class Fitter {
 public:
  tl::expected<FittedConfig, std::vector<std::string>> fit(const config::HubSettings& settings) {
    fitted_.loop.control = settings.control;
    for (const auto& bus : settings.buses) {
      name_ = bus.name;
      if (std::holds_alternative<transport::SocketCan>(bus.line)) note("CAN by an SLCAN adapter");
      std::visit([this](const auto& driver) { take(driver); }, bus.driver);
    }
    if (!errors_.empty()) return tl::unexpected(std::move(errors_));
    return std::move(fitted_);
  }

 private:
  void take(const protocol::ModbusConfig& meters) {
    if (std::exchange(has_meters_, true))
      errors_.push_back("bus " + name_ + ": meters on a second line; " + wiring + " on one line");
    fitted_.loop.meters = meters;
    if (meters.mode == protocol::ModbusMode::sniff) {
      note("polled by the hub, for nobody else asks the meters");
      fitted_.loop.meters.mode = protocol::ModbusMode::poll;
    }
    fitted_.meter_wire = {.baud = meters.baud, .bits_per_character = meters.bits_per_character};
    for (const auto& meter : meters.meters) {
      const bool there = is_there(meter);
      if (!there)
        errors_.push_back("meter " + meter.name + ": is an " +
                          std::string(protocol::modbus::row_of(meter.model).name) + " at unit " +
                          std::to_string(meter.unit) + "; " + wiring);
      for (const auto& channel : meter.channels)
        if (there && !is_wired(meter.model, channel))
          errors_.push_back("meter " + meter.name + ": phase " + std::to_string(channel.phase) +
                            " measures " + (channel.invert ? "inverted " : "") +
                            std::string(name(channel.point)) + "; " + wiring);
    }
  }
  void take(const protocol::PylontechConfig& battery) {
    fitted_.loop.battery = battery;
    fitted_.loop.battery.framing = protocol::CanFraming::slcan;
  }
  void take(const protocol::PylontechRs485Config&) {
    note("left out, nothing is controlled by it");
  }
  void take(const protocol::VebusConfig& inverter) { fitted_.loop.inverter = inverter; }

  void note(const std::string& what) { fitted_.notes.push_back("bus " + name_ + ": " + what); }

  FittedConfig fitted_;
  std::vector<std::string> errors_;
  std::string name_;
  bool has_meters_ = false;
};

}  // namespace

tl::expected<FittedConfig, std::vector<std::string>> fit_config(
    const config::HubSettings& settings) {
  return Fitter{}.fit(settings);
}

}  // namespace esshub::sim
