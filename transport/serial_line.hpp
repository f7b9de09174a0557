// Serial ports: RS485 adapters, SLCAN adapters and the MK3, raw through termios.
#pragma once

#include <memory>

#include "transport/call_mark.hpp"
#include "transport/line.hpp"

namespace boost::asio {
class io_context;
}

namespace esshub::transport {

/// Opens the port for itself alone (advisory lock and exclusive mode), 8 data bits, no flow
/// control, DTR raised, low latency where the driver can. Pseudo-terminals work too.
[[nodiscard]] std::shared_ptr<Line> make_serial_line(boost::asio::io_context& io, SerialPort port,
                                                     std::shared_ptr<CallMark> mark = {});

}  // namespace esshub::transport
