#include "transport/tcp_line.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

#include "transport/host_lookup.hpp"
#include "transport/stream_line.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace esshub::transport {
namespace {

using boost::asio::ip::tcp;
using namespace std::chrono_literals;

/// Of the serial line behind the gateway, in bytes a second; a fast one where nobody says.
double wire_rate(const TcpPort& port) {
  return port.baud > 0 ? port.baud / 10.0 : 20'000.0;
}

class TcpLine final : public StreamLine<tcp::socket> {
 public:
  TcpLine(boost::asio::io_context& io, TcpPort port, std::shared_ptr<CallMark> mark)
      : StreamLine(io, wire_rate(port), std::move(mark)),
        port_(std::move(port)),
        looked_up_(io),
        timeout_(io) {}
  TcpLine(const TcpLine&) = delete;
  TcpLine& operator=(const TcpLine&) = delete;
  ~TcpLine() override { end_life(); }

 private:
  using Endpoints = std::vector<tcp::endpoint>;

  void connect() override {
    stop_lookup();
    timeout_.expires_after(5s);
    timeout_.async_wait(
        [self = shared_from_this(), this, mine = life()](const boost::system::error_code& error) {
          if (error) return;  // answered, or opened anew
          stop_lookup();
          if (mine == life()) went_down(where() + ": no answer within 5 s");
        });
    boost::system::error_code not_numeric;
    const auto address = boost::asio::ip::make_address(port_.host, not_numeric);
    if (not_numeric) return look_up();
    connect_to({{address, port_.port}});
  }

  void look_up() {
    const auto lookup = HostLookup::start(port_.host);
    const int fd = lookup ? lookup->descriptor() : -1;
    boost::system::error_code error;
    if (fd >= 0) looked_up_.assign(fd, error);
    if (fd < 0 || error)
      return fail(port_.host + ": no thread or file descriptor left to look the name up");
    looked_up_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this(), this, lookup,
                           mine = life()](const boost::system::error_code& stopped) {
                            if (stopped || mine != life()) return;
                            stop_lookup();
                            const auto* const found = lookup->found();
                            if (found == nullptr) return look_up();
                            if (!found->error.empty())
                              return fail(port_.host + ": " + found->error);
                            Endpoints endpoints;
                            for (const auto& address : found->addresses)
                              endpoints.emplace_back(address, port_.port);
                            connect_to(std::move(endpoints));
                          });
  }
  void stop_lookup() {
    boost::system::error_code ignored;
    if (looked_up_.is_open()) looked_up_.close(ignored);
  }

  /// To the first that answers.
  void connect_to(Endpoints endpoints) {
    boost::system::error_code error;
    mark().during(SystemCall::socket, [&] { stream().open(endpoints.front().protocol(), error); });
    if (!error)
      mark().during(SystemCall::ioctl, [&] { stream().native_non_blocking(true, error); });
    if (error) return connect_to_next(std::move(endpoints), error);
    connect_or_ask(std::move(endpoints));
  }

  /// Called again when the socket is ready, connect() says what became of it.
  void connect_or_ask(Endpoints endpoints) {
    const int result = mark().during(SystemCall::connect, [&] {
      const auto& to = endpoints.front();
      return ::connect(stream().native_handle(), to.data(), static_cast<socklen_t>(to.size()));
    });
    const int error = result == 0 ? EISCONN : errno;
    if (error == EISCONN) {
      timeout_.cancel();
      prepare();
      return went_up();
    }
    if (error != EINPROGRESS && error != EALREADY && error != EINTR)
      return connect_to_next(std::move(endpoints),
                             {error, boost::asio::error::get_system_category()});
    stream().async_wait(
        tcp::socket::wait_write,
        [self = shared_from_this(), this, mine = life(),
         endpoints = std::move(endpoints)](const boost::system::error_code& stopped) mutable {
          if (stopped || mine != life()) return;
          connect_or_ask(std::move(endpoints));
        });
  }

  void connect_to_next(Endpoints endpoints, const boost::system::error_code& refused) {
    endpoints.erase(endpoints.begin());
    if (endpoints.empty()) return fail(explain(refused));
    boost::system::error_code ignored;
    mark().during(SystemCall::close, [&] { stream().close(ignored); });
    connect_to(std::move(endpoints));
  }

  void fail(std::string reason) {
    timeout_.cancel();
    went_down(std::move(reason));
  }

  /// Small frames leave at once, and a peer that takes nothing for 5 s is gone.
  void prepare() {
    mark().during(SystemCall::setsockopt, [&] {
      boost::system::error_code ignored;
      stream().set_option(tcp::no_delay(true), ignored);
      stream().set_option(tcp::socket::keep_alive(true), ignored);
      const unsigned milliseconds = 5000;
      ::setsockopt(stream().native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds,
                   sizeof(milliseconds));
    });
  }

  ssize_t read_some(std::span<std::byte> into) override {
    return mark().during(SystemCall::read, [&] {
      return ::recv(stream().native_handle(), into.data(), into.size(), MSG_DONTWAIT);
    });
  }
  ssize_t write_some(std::span<const std::byte> bytes) override {
    return mark().during(SystemCall::write, [&] {
      return ::send(stream().native_handle(), bytes.data(), bytes.size(),
                    MSG_DONTWAIT | MSG_NOSIGNAL);
    });
  }

  std::string explain(const boost::system::error_code& error) const override {
    if (error == boost::asio::error::eof) return where() + ": closed by the other side";
    if (error == boost::asio::error::connection_refused)
      return where() + ": nobody listens there; is the gateway on?";
    return where() + ": " + error.message();
  }
  std::string suspects() const override { return "network or gateway " + where() + "?"; }
  [[nodiscard]] std::string where() const { return port_.host + ":" + std::to_string(port_.port); }

  TcpPort port_;
  boost::asio::posix::stream_descriptor looked_up_;  ///< readable: the lookup is done
  boost::asio::steady_timer timeout_;
};

}  // namespace

std::shared_ptr<Line> make_tcp_line(boost::asio::io_context& io, TcpPort port,
                                    std::shared_ptr<CallMark> mark) {
  return std::make_shared<TcpLine>(io, std::move(port), std::move(mark));
}

}  // namespace esshub::transport
