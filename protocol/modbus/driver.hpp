// Reads the meters of one RS485 line: polls them in turn, or listens beside another master.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocol/driver.hpp"
#include "protocol/modbus/meter_models.hpp"

namespace esshub::protocol {

/// One phase of a meter and what it measures.
struct MeterChannel {
  unsigned phase = 1;         ///< 1 to the phases of the model
  Point point = Point::grid;  ///< where it measures
  bool invert = false;        ///< the CT or conductor is passed the other way round
};

struct MeterConfig {
  std::string name;  ///< for logs
  MeterModel model = MeterModel::sdm630;
  std::uint8_t unit = 1;  ///< 1 to 247
  std::vector<MeterChannel> channels;
};

enum class ModbusMode : std::uint8_t {
  poll,   ///< the hub is the only master
  sniff,  ///< another master polls; the hub only listens and never transmits
};

struct ModbusConfig {
  std::vector<MeterConfig> meters;
  ModbusMode mode = ModbusMode::poll;  ///< sniff needs only the meters, the baud and the bits
  std::uint32_t baud = 9600;
  unsigned bits_per_character = 10;  ///< 8N1 = 10, 8E1/8O1/8N2 = 11
  Duration response_timeout =
      300ms;            ///< from the request's last bit to the response's first, at most
  Duration gap = 60ms;  ///< silence between transactions (never under 3.5 characters)
  unsigned retries = 2;
  Duration other_master_wait =
      3s;  ///< for another master before the first request; zero = not at all

  /// How long this many characters take on the wire.
  [[nodiscard]] Duration wire_time(double characters) const;
};

/// Poll mode. Emits power, voltage and current of every channel, its energies in Wh, and the
/// frequency at the first channel's point of each meter. No sample leaves a meter before its line
/// voltage has proved the word order and, where phases 2 or 3 are used, its system type is 3P4W. It
/// only reads. Samples of a grid meter whose power and voltage registers have not changed by one
/// bit for 10 s are withheld (Fault::grid_meter_frozen). Each meter's answers are waited for as
/// long as it was found to need, at least 50 ms and never longer than `response_timeout`. Where
/// another master's requests are heard nothing is asked until 3 s (or `other_master_wait`, if
/// longer) after the last of them (Fault::bus_contended). Events: meter_lost, meter_back,
/// word_order, wrong_system_type, bus_contended, bus_idle, response_late.
///
/// Sniff mode. The same samples, from what the other master reads; every value must be proved as
/// above, the system type by a line voltage on phase 2 or 3. A response that could belong to
/// another request than the last one is not used. Ready while the power of every channel was heard
/// within 10 s; what is not heard is named in the trouble. Events: meter_lost, meter_back,
/// word_order, wrong_system_type.
[[nodiscard]] std::unique_ptr<Driver> make_modbus_driver(ModbusConfig config);

}  // namespace esshub::protocol
