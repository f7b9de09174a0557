#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <deque>
#include <numbers>
#include <optional>
#include <utility>

#include "protocol/modbus/meter_models.hpp"
#include "protocol/modbus/rtu.hpp"
#include "sim/plant/device.hpp"

namespace esshub::sim {
namespace {

namespace modbus = protocol::modbus;
using protocol::Bytes;
using protocol::ByteView;
using protocol::Step;

constexpr Duration frame_silence = 20ms;  // ends a cut request; requests come 60 ms apart

// ---- what the meter calculates from what it measures --------------------------------------------

double apparent(const MeterReading& r) {
  return std::max(r.voltage.value() * r.current.value(), std::abs(r.power.value()));
}
double reactive(const MeterReading& r) {
  const double s = apparent(r);
  return std::sqrt(std::max(0.0, s * s - r.power.value() * r.power.value()));
}
double factor(double power, double apparent_power) {
  return apparent_power > 0.0 ? power / apparent_power : 1.0;
}
double angle(double power_factor) {
  return std::acos(std::clamp(power_factor, -1.0, 1.0)) * 180.0 / std::numbers::pi;
}
double kilo(WattHours energy) {
  return energy.value() / 1000.0;
}

template <class F>
double sum(const MeterTruth& truth, F quantity) {
  double total = 0.0;
  for (const auto& phase : truth.phases) total += quantity(phase);
  return total;
}
double total_power(const MeterTruth& t) {
  return sum(t, [](const MeterReading& r) { return r.power.value(); });
}
double total_current(const MeterTruth& t) {
  return sum(t, [](const MeterReading& r) { return r.current.value(); });
}
double total_apparent(const MeterTruth& t) {
  return sum(t, apparent);
}
double total_factor(const MeterTruth& t) {
  return factor(total_power(t), total_apparent(t));
}
double total_forward(const MeterTruth& t) {
  return sum(t, [](const MeterReading& r) { return kilo(r.forward); });
}
double total_reverse(const MeterTruth& t) {
  return sum(t, [](const MeterReading& r) { return kilo(r.reverse); });
}
double total_energy(const MeterTruth& t) {
  return total_forward(t) + total_reverse(t);
}

// ---- registers (reference: eastron-modbus#2 to eastron-modbus#4) -------------------------------

/// Three registers in a row, one a phase.
struct PhaseRow {
  std::uint16_t address;
  double (*value)(const MeterReading&);
};
constexpr PhaseRow phase_rows[] = {
    {0x0000, [](const MeterReading& r) { return r.voltage.value(); }},
    {0x0006, [](const MeterReading& r) { return r.current.value(); }},
    {0x000C, [](const MeterReading& r) { return r.power.value(); }},
    {0x0012, apparent},
    {0x0018, reactive},
    {0x001E, [](const MeterReading& r) { return factor(r.power.value(), apparent(r)); }},
    {0x0024, [](const MeterReading& r) { return angle(factor(r.power.value(), apparent(r))); }},
    {0x00EA, [](const MeterReading& r) { return r.voltage.value() > 0.0 ? 1.8 : 0.0; }},
    {0x00F0, [](const MeterReading& r) { return r.current.value() > 0.0 ? 12.0 : 0.0; }},
    {0x0102, [](const MeterReading& r) { return r.current.value(); }},
    {0x0108, [](const MeterReading& r) { return r.current.value(); }},
    {0x015A, [](const MeterReading& r) { return kilo(r.forward); }},
    {0x0160, [](const MeterReading& r) { return kilo(r.reverse); }},
    {0x0166, [](const MeterReading& r) { return kilo(r.forward) + kilo(r.reverse); }},
};

/// Of the meter as a whole: it adds up all phases, whatever they measure.
struct TotalRow {
  std::uint16_t address;
  double (*value)(const MeterTruth&);
};
/// All voltage inputs sit on one supply phase, so between two of them there is next to nothing.
template <std::size_t A, std::size_t B>
double between(const MeterTruth& t) {
  return std::abs(t.phases[A].voltage.value() - t.phases[B].voltage.value());
}
constexpr TotalRow total_rows[] = {
    {0x002A,
     [](const MeterTruth& t) {
       return sum(t, [](const MeterReading& r) { return r.voltage.value(); }) / 3.0;
     }},
    {0x002E, [](const MeterTruth& t) { return total_current(t) / 3.0; }},
    {0x0030, total_current},
    {0x0034, total_power},
    {0x0038, total_apparent},
    {0x003C, [](const MeterTruth& t) { return sum(t, reactive); }},
    {0x003E, total_factor},
    {0x0042, [](const MeterTruth& t) { return angle(total_factor(t)); }},
    {0x0046, [](const MeterTruth& t) { return t.frequency.value(); }},
    {0x0048, total_forward},
    {0x004A, total_reverse},
    // Demands are not averaged: the present value, also as their maximum.
    {0x0054, total_power},
    {0x0056, total_power},
    {0x0058, [](const MeterTruth& t) { return std::max(0.0, total_power(t)); }},
    {0x005A, [](const MeterTruth& t) { return std::max(0.0, total_power(t)); }},
    {0x005C, [](const MeterTruth& t) { return std::max(0.0, -total_power(t)); }},
    {0x005E, [](const MeterTruth& t) { return std::max(0.0, -total_power(t)); }},
    {0x0064, total_apparent},
    {0x0066, total_apparent},
    {0x0068, total_current},
    {0x006A, total_current},
    {0x00C8, between<0, 1>},
    {0x00CA, between<1, 2>},
    {0x00CC, between<2, 0>},
    {0x00CE,
     [](const MeterTruth& t) {
       return (between<0, 1>(t) + between<1, 2>(t) + between<2, 0>(t)) / 3.0;
     }},
    {0x00E0, total_current},
    {0x00F8, [](const MeterTruth&) { return 1.8; }},
    {0x00FA, [](const MeterTruth&) { return 12.0; }},
    {0x0156, total_energy},
    {0x0180, total_energy},
    {0x0184, total_forward},
    {0x0186, total_reverse},
    {0x0500, [](const MeterTruth& t) { return std::max(0.0, total_power(t)); }},
    {0x0502, [](const MeterTruth& t) { return std::max(0.0, -total_power(t)); }},
};

/// An input register's float. Reactive energies, and whatever the model does not document, read 0:
/// real meters answer unknown addresses with zeros too.
double input_value(const FakeMeter& meter, std::uint16_t address) {
  if (!modbus::find_register(meter.model, address)) return 0.0;
  MeterTruth truth = *meter.truth;
  for (std::size_t i = modbus::row_of(meter.model).phases; i < truth.phases.size(); ++i)
    truth.phases[i] = {.voltage = Volts{0.0}};
  for (const auto& row : phase_rows) {
    const unsigned phase = (address - row.address) / 2u;
    if (address >= row.address && phase < 3) return row.value(truth.phases[phase]);
  }
  for (const auto& row : total_rows)
    if (row.address == address) return row.value(truth);
  return 0.0;
}

double holding_value(const FakeMeter& meter, std::uint16_t address) {
  const auto& row = modbus::row_of(meter.model);
  const bool three_phase = row.phases == 3;
  if (row.system_type && address == row.system_type->block.start) return row.system_type->needed;
  switch (address) {
    case 0x0002:
      return three_phase ? 60.0 : 0.0;  // demand period, minutes
    case 0x000C:
      return 100.0;  // pulse width, ms
    case 0x0014:
      return meter.unit;
    case 0x0018:
      return three_phase ? 1000.0 : 0.0;  // password
    case 0x001C:
      return 2.0;  // 9600 baud
    case 0x0028:
      return three_phase ? 2141.0 : 0.0;  // register order
  }
  return 0.0;  // among them parity and stop bits: N1
}

/// Registers that are no floats and may be read alone. UNVERIFIED: which type a meter of one phase
/// shows at other addresses; an SDM630 showed 0.
unsigned single_register(const FakeMeter& meter, const modbus::RtuRequest& request) {
  const auto& row = modbus::row_of(meter.model);
  const bool mode = request.function == modbus::read_holding && request.start == 0xF920;
  return mode && row.phases == 1 ? 2 : row.meter_code;  // 2: counts both ways
}

constexpr std::uint16_t serial_number_at = 0xFC00;

Bytes read_registers(const FakeMeter& meter, const modbus::RtuRequest& request) {
  Bytes data;
  if (request.count == 1) {
    protocol::put_u16_be(data, single_register(meter, request));
    return data;
  }
  for (unsigned i = 0; i < request.count; i += 2) {
    const auto address = static_cast<std::uint16_t>(request.start + i);
    if (request.function == modbus::read_holding && address == serial_number_at) {
      protocol::put_u32_be(data, 12'345'000u + meter.unit);
      continue;
    }
    const double value = request.function == modbus::read_input ? input_value(meter, address)
                                                                : holding_value(meter, address);
    protocol::put_f32_be(data, static_cast<float>(value));
  }
  return data;
}

Bytes respond_to(const FakeMeter& meter, const modbus::RtuRequest& request) {
  using modbus::Exception;
  const auto refuse = [&](Exception code) {
    return modbus::encode_exception(request.unit, request.function, code);
  };
  switch (request.function) {
    case modbus::read_holding:
    case modbus::read_input:
      if (request.count != 1 && (request.start % 2 != 0 || request.count % 2 != 0 ||
                                 request.count > modbus::row_of(meter.model).most_registers)) {
        return refuse(Exception::illegal_address);
      }
      return modbus::encode_response(request, read_registers(meter, request));
    case modbus::diagnostics:
      if (request.start != 0) return refuse(Exception::illegal_function);
      return modbus::encode_response(request, {});
    default:
      return refuse(Exception::device_failure);  // settings are locked: nothing is ever written
  }
}

class FakeMeters final : public Device {
 public:
  explicit FakeMeters(std::vector<FakeMeter> meters) : meters_(std::move(meters)) {}

  Step on_start(Instant) override {
    forget();
    return {};
  }

  Step on_bytes(ByteView bytes, Instant now) override {
    if (now - heard_at_ > frame_silence) {
      scanner_.silence();
      drain(now);
    }
    heard_at_ = now;
    scanner_.push(bytes);
    drain(now);
    return due(now);
  }

  Step on_timer(Instant now) override { return due(now); }
  void on_down(Instant) override { forget(); }
  [[nodiscard]] const DriverHealth& health() const override { return health_; }

 private:
  struct PendingResponse {
    Instant at;
    Bytes bytes;
  };

  void forget() {
    scanner_.restart(std::nullopt);
    responses_.clear();
  }

  void drain(Instant now) {
    while (const auto frame = scanner_.next()) {
      const auto meter =
          std::ranges::find(meters_, protocol::read_u8(frame->bytes, 0), &FakeMeter::unit);
      if (meter == meters_.end() || !meter->truth) continue;
      responses_.push_back({now + meter->turnaround, reply(*meter, frame->bytes)});
    }
  }

  static Bytes reply(const FakeMeter& meter, ByteView frame) {
    const auto request = modbus::decode_request(frame);
    if (request) return respond_to(meter, *request);
    const auto code = request.error().kind == protocol::DecodeErrorKind::function
                          ? modbus::Exception::illegal_function
                          : modbus::Exception::illegal_address;
    return modbus::encode_exception(meter.unit, protocol::read_u8(frame, 1), code);
  }

  Step due(Instant now) {
    Step step;
    while (!responses_.empty() && responses_.front().at <= now) {
      step.send.push_back(std::move(responses_.front().bytes));
      responses_.pop_front();
    }
    if (!responses_.empty()) step.wake_at = responses_.front().at;
    return step;
  }

  std::vector<FakeMeter> meters_;
  modbus::FrameScanner scanner_{modbus::FrameScanner::Role::server};
  std::deque<PendingResponse> responses_;
  Instant heard_at_{};
  DriverHealth health_;
};

}  // namespace

std::unique_ptr<Device> make_fake_meters(std::vector<FakeMeter> meters) {
  return std::make_unique<FakeMeters>(std::move(meters));
}

}  // namespace esshub::sim
