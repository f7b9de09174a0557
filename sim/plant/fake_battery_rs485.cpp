#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include "protocol/pylontech/rs485_messages.hpp"
#include "sim/plant/device.hpp"

namespace esshub::sim {
namespace {

using namespace protocol;
using namespace protocol::pylontech_rs485;

constexpr std::size_t cells = 15;
constexpr std::size_t cell_groups = 4;
constexpr double module_ah = 50.0;
constexpr unsigned cycles = 31;

/// -2 to 2, different for neighbours, 0 on average over 5.
double spread(std::size_t i, std::size_t module) {
  return static_cast<double>((2 * i + module) % 5) - 2.0;
}

Module values_of(const BatteryTruth& truth, std::size_t module) {
  Module m;
  for (std::size_t i = 0; i < cells; ++i)
    m.cells.push_back(truth.voltage / static_cast<double>(cells) +
                      Volts{0.001 * spread(i, module)});
  m.temperatures.push_back(truth.temperature + Celsius{1.0});
  for (std::size_t i = 0; i < cell_groups; ++i)
    m.temperatures.push_back(truth.temperature + Celsius{0.1 * spread(i, module)});
  m.current = truth.current / std::max(1u, truth.modules);
  m.voltage = truth.voltage;
  m.total_ah = module_ah;
  m.remaining_ah = module_ah * std::clamp(truth.soc_percent, 0.0, 100.0) / 100.0;
  m.cycles = cycles;
  return m;
}

/// Every module shows what the stack suffers from.
ModuleAlarms alarms_of(const BatteryTruth& truth) {
  const auto state = [&](BmsFlag high, BmsFlag low) {
    const std::uint32_t any = truth.warnings | truth.protections;
    if ((any & bit(high)) != 0) return AlarmLevel::high;
    return (any & bit(low)) != 0 ? AlarmLevel::low : AlarmLevel::ok;
  };
  const auto high_only = [&](BmsFlag high) { return state(high, high); };
  ModuleAlarms m;
  m.cells.assign(cells, AlarmLevel::ok);
  m.cells.front() = state(BmsFlag::high_voltage, BmsFlag::low_voltage);
  m.temperatures.assign(1 + cell_groups, AlarmLevel::ok);
  m.temperatures.back() = state(BmsFlag::high_temperature, BmsFlag::low_temperature);
  m.charge_current = high_only(BmsFlag::high_charge_current);
  m.discharge_current = high_only(BmsFlag::high_discharge_current);
  m.status[0] = protection_byte(truth.protections);
  m.status[1] = static_cast<std::uint8_t>((truth.charge_enable ? 0x02u : 0u) |
                                          (truth.discharge_enable ? 0x04u : 0u) | 0x08u);
  return m;
}

Parameters parameters() {
  Parameters p;
  p.cell_high = Volts{3.65};
  p.cell_low = Volts{3.05};
  p.cell_under = Volts{2.9};
  p.charge_high = p.discharge_high = Celsius{50.0};
  p.charge_low = Celsius{0.0};
  p.discharge_low = Celsius{-10.0};
  p.charge_current = p.discharge_current = Amperes{100.0};
  p.module_high = Volts{54.0};
  p.module_low = Volts{46.0};
  p.module_under = Volts{44.5};
  return p;
}

class FakeBatteryRs485 final : public Device {
 public:
  FakeBatteryRs485(const BatteryTruth& truth, FakeBatteryRs485Options options)
      : truth_(truth), options_(options) {}

  protocol::Step on_start(Instant) override {
    forget();
    return {};
  }

  protocol::Step on_bytes(std::span<const std::byte> bytes, Instant now) override {
    for (const auto& frame : reader_.feed(bytes))
      if (auto response = reply(frame); !response.empty())
        responses_.push_back({now + options_.turnaround, std::move(response)});
    return due(now);
  }

  protocol::Step on_timer(Instant now) override { return due(now); }
  void on_down(Instant) override { forget(); }
  [[nodiscard]] const DriverHealth& health() const override { return health_; }

 private:
  struct Waiting {
    Instant at;
    Bytes bytes;
  };

  void forget() {
    reader_.reset();
    responses_.clear();
  }

  [[nodiscard]] bool has_module(std::uint8_t address) const {
    return address >= options_.first_address && address < options_.first_address + truth_.modules;
  }

  /// Nothing where no module feels addressed.
  [[nodiscard]] Bytes reply(ByteView bytes) const {
    // A damaged frame cannot be trusted to name its addressee: the master speaks.
    if (const auto code = check(bytes); code != ReturnCode::ok)
      return encode_return_code(options_.first_address, code);
    const auto frame = decode_frame(bytes);
    if (!frame || !has_module(frame->address)) return {};
    if (frame->version != sent_version)
      return encode_return_code(frame->address, ReturnCode::version);
    const auto request = request_of(*frame);
    if (!request) return encode_return_code(frame->address, return_code_of(request.error().kind));
    return respond_to(*request);
  }

  static ReturnCode return_code_of(protocol::DecodeErrorKind kind) {
    switch (kind) {
      case protocol::DecodeErrorKind::function:
      case protocol::DecodeErrorKind::unsupported:
        return ReturnCode::command;
      case protocol::DecodeErrorKind::length:
        return ReturnCode::format;
      case protocol::DecodeErrorKind::content:
        return ReturnCode::data;
      case protocol::DecodeErrorKind::address:
      case protocol::DecodeErrorKind::checksum:
      case protocol::DecodeErrorKind::exception:
        return ReturnCode::internal;
    }
    return ReturnCode::internal;
  }

  [[nodiscard]] Bytes respond_to(const Rs485Request& request) const {
    const std::size_t module = static_cast<std::size_t>(request.address - options_.first_address);
    const std::size_t answering = request.whole_stack ? truth_.modules - module : 1;
    switch (request.command) {
      case CommandCode::analog: {
        Analog analog;
        for (std::size_t i = 0; i < answering; ++i)
          analog.modules.push_back(values_of(truth_, module + i));
        return encode_response(request, analog);
      }
      case CommandCode::alarms:
        return encode_response(request, AlarmInfo{0, std::vector(answering, alarms_of(truth_))});
      case CommandCode::parameters:
        return encode_response(request, parameters());
      case CommandCode::management:
        return encode_response(request, Management{truth_.cvl, truth_.dvl, truth_.ccl, truth_.dcl,
                                                   request_bits(truth_)});
      case CommandCode::serial_number:
        return encode_response(request,
                               SerialNumber{"ESSHUBSIM0000" + std::to_string(100 + module)});
      case CommandCode::protocol_version:
        return encode_response(request, ProtocolVersion{sent_version});
      case CommandCode::maker:  // the first module's, whoever is asked
        return encode_response(request, Maker{"US2000C", {1, 7}, "Pylon"});
      // A US2000 was not seen to answer these.
      case CommandCode::system_analog:
      case CommandCode::system_alarms:
      case CommandCode::system_management:
      case CommandCode::firmware:
        break;
    }
    return encode_return_code(request.address, ReturnCode::command);
  }

  protocol::Step due(Instant now) {
    protocol::Step step;
    while (!responses_.empty() && responses_.front().at <= now) {
      step.send.push_back(std::move(responses_.front().bytes));
      responses_.pop_front();
    }
    if (!responses_.empty()) step.wake_at = responses_.front().at;
    return step;
  }

  const BatteryTruth& truth_;
  FakeBatteryRs485Options options_;
  FrameReader reader_;
  std::deque<Waiting> responses_;
  DriverHealth health_;
};

}  // namespace

std::unique_ptr<Device> make_fake_battery_rs485(const BatteryTruth& truth,
                                                FakeBatteryRs485Options options) {
  return std::make_unique<FakeBatteryRs485>(truth, options);
}

}  // namespace esshub::sim
