// Reads meters by listening to the master that polls them; never transmits a byte.
#pragma once

#include <memory>

#include "protocol/modbus/driver.hpp"

namespace esshub::protocol {

/// make_modbus_driver() for ModbusMode::sniff. Frames are found by structure and CRC, as USB
/// adapters hide the silence between them (reference: eastron-modbus#9).
[[nodiscard]] std::unique_ptr<Driver> make_modbus_sniffer(ModbusConfig config);

}  // namespace esshub::protocol
