// CanLine: a Line over SocketCAN; its bytes are the kernel's 16-byte frame records.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>  // Boost 1.74 needs it before Asio in C++20

#include <boost/asio/io_context.hpp>

#include "transport/call_mark.hpp"
#include "transport/line.hpp"

namespace esshub::transport {

/// A socket ready for records, or why there is none.
struct CanSocket {
  int fd = -1;         ///< non-blocking, owned by whoever receives it; -1 if it failed
  std::string reason;  ///< for a person, says what to do
};

/// A CAN_RAW socket bound to the interface, receiving the standard data frames that pass the filter
/// and the controller's error frames, but not what is sent here. Setting up the interface (bit
/// rate, restart-ms) needs privileges and is not done here.
[[nodiscard]] CanSocket open_can_socket(const SocketCan& settings, CallMark& mark);

/// Chunks hold one or more whole records; writes must be whole records too and go out at once or
/// not at all: a full transmit queue (ENOBUFS: nobody acknowledges) is a line that is down. A
/// chunk's time is the kernel's stamp of its newest record, where the socket has SO_TIMESTAMPNS
/// set.
[[nodiscard]] std::shared_ptr<Line> make_can_line(boost::asio::io_context& io, SocketCan settings,
                                                  std::shared_ptr<CallMark> mark = {});
/// The same over any datagram socket of 16-byte records, asked for at each open().
[[nodiscard]] std::shared_ptr<Line> make_can_line(boost::asio::io_context& io,
                                                  std::function<CanSocket()> open_socket,
                                                  std::shared_ptr<CallMark> mark = {});

}  // namespace esshub::transport
