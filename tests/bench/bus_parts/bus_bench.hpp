// The measuring parts of tests/bench/bus, one function each; all print JSON, one object a line.
#pragma once

#include <cstdint>
#include <string>

namespace esshub::bench {

/// A meter at the far end of a pseudo-terminal that takes and gives bytes at the pace of a wire,
/// and the judge of whoever polls it. Prints {"port"}, then for each line on stdin what was polled
/// since the one before; ends with stdin.
int slave(std::uint32_t baud);

/// The hub's own master on this port: line, bus actor and driver as in `esshub run`; until stdin
/// ends.
int master(const std::string& port, std::uint32_t baud);

/// What the decoders get through, from the vectors in `data`.
int decoders(const std::string& data);

/// From a new setpoint to the inverter's acknowledgement on a 2400 baud line, in virtual time.
int setpoints();

}  // namespace esshub::bench
