#include "transport/tcp_line.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>

#include "transport/stream_line.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace esshub::transport {
namespace {

using boost::asio::ip::tcp;
using namespace std::chrono_literals;

class TcpLine final : public StreamLine<tcp::socket> {
 public:
  TcpLine(boost::asio::io_context& io, TcpPort port)
      : StreamLine(io), port_(std::move(port)), resolver_(io), timeout_(io) {}

 private:
  void connect() override {
    resolver_.cancel();
    timeout_.expires_after(5s);
    timeout_.async_wait(
        [self = shared_from_this(), this, mine = life()](const boost::system::error_code& error) {
          if (!error && mine == life()) went_down(where() + ": no answer within 5 s");
        });
    resolver_.async_resolve(
        port_.host, std::to_string(port_.port),
        [self = shared_from_this(), this, mine = life()](const boost::system::error_code& error,
                                                         const tcp::resolver::results_type& found) {
          if (mine != life()) return;
          if (error) return fail(port_.host + ": " + error.message());
          boost::asio::async_connect(
              stream(), found,
              [self, this, mine](const boost::system::error_code& refused, const tcp::endpoint&) {
                if (mine != life()) return;
                if (refused) return fail(explain(refused));
                timeout_.cancel();
                prepare();
                went_up();
              });
        });
  }

  void fail(std::string reason) {
    timeout_.cancel();
    went_down(std::move(reason));
  }

  /// Small frames leave at once, and a peer that takes nothing for 5 s is gone.
  void prepare() {
    boost::system::error_code ignored;
    stream().set_option(tcp::no_delay(true), ignored);
    stream().set_option(tcp::socket::keep_alive(true), ignored);
    const unsigned milliseconds = 5000;
    ::setsockopt(stream().native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds,
                 sizeof(milliseconds));
  }

  std::string explain(const boost::system::error_code& error) const override {
    if (error == boost::asio::error::eof) return where() + ": closed by the other side";
    if (error == boost::asio::error::connection_refused)
      return where() + ": nobody listens there; is the gateway on?";
    return where() + ": " + error.message();
  }
  [[nodiscard]] std::string where() const { return port_.host + ":" + std::to_string(port_.port); }

  TcpPort port_;
  tcp::resolver resolver_;
  boost::asio::steady_timer timeout_;
};

}  // namespace

std::shared_ptr<Line> make_tcp_line(boost::asio::io_context& io, TcpPort port) {
  return std::make_shared<TcpLine>(io, std::move(port));
}

}  // namespace esshub::transport
