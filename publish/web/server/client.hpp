// A client of the page as its server sees it, and the two ways to speak with one.
#pragma once

#include <utility>  // Boost.Asio 1.74 needs it before its own headers

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "publish/web/http.hpp"
#include "publish/web/server/web.hpp"

namespace esshub::publish {

/// A text that many clients are sent.
using SharedText = std::shared_ptr<const std::string>;

/// What a connection needs of the server it belongs to. Everything runs on the server's one thread.
struct ConnectionHost {
  WebLimits limits;
  /// Answers now or later, on the same thread, exactly once.
  std::function<void(WebRequest, std::function<void(WebResponse)>)> answer;
  /// The newest event for a client that has just come; may be null.
  std::function<SharedText()> first_event;
};

/// What the server sees of a connection.
class Client {
 public:
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  virtual ~Client() = default;
  virtual void start() = 0;
  /// Sends an event if the client follows them; while one is under way only the newest waits.
  virtual void push(const SharedText& event) = 0;
  [[nodiscard]] virtual bool follows_events() const = 0;
  virtual void close() = 0;

 protected:
  Client() = default;
};

/// A connection just accepted; `peer` is its address. Each in a file of its own: they are what
/// takes longest to compile.
[[nodiscard]] std::shared_ptr<Client> plain_client(boost::asio::ip::tcp::socket socket,
                                                   std::string peer,
                                                   std::shared_ptr<const ConnectionHost> host);
[[nodiscard]] std::shared_ptr<Client> tls_client(boost::asio::ip::tcp::socket socket,
                                                 boost::asio::ssl::context& context,
                                                 std::string peer,
                                                 std::shared_ptr<const ConnectionHost> host);

}  // namespace esshub::publish
