#include "transport/make_line.hpp"

#include "transport/can_line.hpp"
#include "transport/serial_line.hpp"
#include "transport/tcp_line.hpp"

namespace esshub::transport {

std::shared_ptr<Line> make_line(boost::asio::io_context& io, const LineSettings& settings,
                                std::shared_ptr<CallMark> mark) {
  struct Maker {
    boost::asio::io_context& io;
    std::shared_ptr<CallMark> mark;
    std::shared_ptr<Line> operator()(const SerialPort& port) const {
      return make_serial_line(io, port, mark);
    }
    std::shared_ptr<Line> operator()(const SocketCan& can) const {
      return make_can_line(io, can, mark);
    }
    std::shared_ptr<Line> operator()(const TcpPort& port) const {
      return make_tcp_line(io, port, mark);
    }
  };
  return std::visit(Maker{io, std::move(mark)}, settings);
}

}  // namespace esshub::transport
