// TCP: serial-over-TCP gateways and the simulator.
#pragma once

#include <memory>

#include "transport/call_mark.hpp"
#include "transport/line.hpp"

namespace boost::asio {
class io_context;
}

namespace esshub::transport {

/// Connects within 5 s or reports on_down. Reconnecting is the owner's business.
[[nodiscard]] std::shared_ptr<Line> make_tcp_line(boost::asio::io_context& io, TcpPort port,
                                                  std::shared_ptr<CallMark> mark = {});

}  // namespace esshub::transport
