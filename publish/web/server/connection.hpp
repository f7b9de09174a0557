// One client of the page: reads requests, writes answers and events, over any stream.
#pragma once

#include <array>
#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "publish/web/server/byte_stream.hpp"
#include "publish/web/server/http1.hpp"
#include "publish/web/server/web.hpp"

namespace esshub::publish {

using Timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

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

/// Kept alive by what is under way: it ends itself with its stream.
class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  /// `peer`: the client's address.
  Connection(std::unique_ptr<ByteStream> stream, std::string peer,
             std::shared_ptr<const ConnectionHost> host);

  void start();
  /// Sends an event if the client follows them; while one is under way only the newest waits.
  void push(const SharedText& event);
  [[nodiscard]] bool follows_events() const { return following_; }
  /// Nothing it has asked is being answered.
  [[nodiscard]] bool idle() const { return reading_; }
  void close();

 private:
  using Code = ByteStream::Code;

  /// Closes the connection unless another limit, or none, is set before.
  void limit(std::chrono::milliseconds time);
  void no_limit();
  void await_request();
  void read();
  void respond(ParsedRequest parsed);
  void write(const WebResponse& response);
  void start_events();
  void write_event(SharedText event);
  void await_end();
  void shut_down();

  std::unique_ptr<ByteStream> stream_;
  std::string peer_;
  std::shared_ptr<const ConnectionHost> host_;
  Timer deadline_;
  RequestParser parser_;
  std::array<char, 4096> block_{};
  std::string unparsed_;
  AnswerForm form_;      ///< of the answer to the request in hand
  bool reading_ = true;  ///< a request, or what comes before it
  bool following_ = false;
  bool writing_ = false;
  SharedText under_way_;
  SharedText waiting_;
};

}  // namespace esshub::publish
