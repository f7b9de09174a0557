// What is under the page and the metrics: listens, admits clients within limits, reads and answers.
#pragma once

#include <utility>  // Boost.Asio 1.74 needs it before its own headers

#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "model/event.hpp"
#include "publish/web/server/connection.hpp"

namespace esshub::publish {

/// What a server serves, and where.
struct HttpService {
  std::string name;       ///< of its thread, and what its events begin with: "page"
  std::string component;  ///< that its events are of
  std::string address;    ///< host:port
  /// Asked whenever it begins to listen: a certificate may come later.
  std::function<Result<StreamMaker>()> streams;
  ConnectionHost host;
  EventSink events;
  std::function<void(bool)> unavailable;  ///< true: it cannot listen; false: it can again
};

/// One thread. Where it cannot listen (an address that comes later or is taken, a certificate that
/// is being renewed) it says so once, `<name>_unavailable`, and tries again every few seconds until
/// `<name>_available`: what is shown is no reason not to control the battery.
class HttpServer {
 public:
  explicit HttpServer(HttpService service);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();  ///< as begin_close() and end()

  void start();
  /// Takes no client any more and hangs up on those there are. `also` runs on the server's thread.
  void begin_close(std::function<void()> also = {});
  /// Waits for the thread, 2 s at most; what has not ended then is dropped with its connections.
  void end();

  /// What runs there, runs on the server's thread.
  [[nodiscard]] boost::asio::io_context& io() { return io_; }
  /// That it listens on; 0: not yet.
  [[nodiscard]] std::uint16_t port() const { return port_; }

  // On the server's thread only.
  [[nodiscard]] bool closing() const { return closing_; }
  /// A client and its address; those that went may still be there.
  using Client = std::pair<std::weak_ptr<Connection>, std::string>;
  [[nodiscard]] const std::vector<Client>& clients() const { return clients_; }

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor>;

  void open_or_retry();
  Result<void> open();
  void report(Level level, const std::string& what, std::string detail);
  void serve();
  void accept();
  void admit(Socket socket);
  bool make_room_for(const std::string& peer);
  bool make_room_among(const std::string& peer);
  [[nodiscard]] std::size_t count_of(const std::string& peer) const;

  HttpService service_;
  std::shared_ptr<const ConnectionHost> host_;
  StreamMaker new_stream_;
  bool failed_ = false;   ///< to listen, so far
  bool closing_ = false;  ///< timers already due must not be armed again
  std::atomic<std::uint16_t> port_ = 0;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<Executor> work_{io_.get_executor()};
  Acceptor acceptor_{io_};
  Timer pause_{io_};
  std::vector<Client> clients_;
  std::thread thread_;
};

}  // namespace esshub::publish
