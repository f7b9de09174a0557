// A UNIX socket that takes one line and gives one line back, for any number of clients.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

namespace esshub::sim {

class ControlSocket : public std::enable_shared_from_this<ControlSocket> {
 public:
  using Answer = std::function<std::string(std::string_view line)>;

  /// Listens at `path`, replacing a socket nobody listens on any more. nullptr on failure, with
  /// `reason` for a person.
  [[nodiscard]] static std::shared_ptr<ControlSocket> open(boost::asio::io_context& io,
                                                           std::string path, Answer answer,
                                                           std::string& reason);
  ControlSocket(boost::asio::io_context& io, std::string path, Answer answer);
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  /// Takes no more clients and removes the path.
  void close();

 private:
  void accept();

  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::string path_;
  Answer answer_;
};

}  // namespace esshub::sim
