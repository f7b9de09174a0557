// One client of the page: reads requests, writes answers and events, over any stream.
#pragma once

#include <utility>  // Boost.Asio 1.74 needs it before its own headers

#include <array>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <memory>
#include <optional>
#include <string>

#include "publish/web/server/client.hpp"

namespace esshub::publish {

using PlainStream = boost::beast::tcp_stream;
using TlsStream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

template <class Stream>
class Connection final : public Client, public std::enable_shared_from_this<Connection<Stream>> {
 public:
  Connection(Stream stream, std::string peer, std::shared_ptr<const ConnectionHost> host)
      : stream_(std::move(stream)), peer_(std::move(peer)), host_(std::move(host)) {}

  void start() override {
    if constexpr (is_tls) {
      socket().expires_after(host_->limits.read_limit);
      stream_.async_handshake(boost::asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](Code error) {
                                if (!error) self->read();
                              });
    } else {
      read();
    }
  }

  void push(const SharedText& event) override {
    if (!following_) return;
    if (writing_) {
      waiting_ = event;  // what it did not take in time is not sent late
    } else {
      write_event(event);
    }
  }

  [[nodiscard]] bool follows_events() const override { return following_; }

  void close() override {
    following_ = false;
    socket().close();
  }

 private:
  using Code = boost::beast::error_code;
  static constexpr bool is_tls = std::is_same_v<Stream, TlsStream>;
  /// A month from the last visit: who gives TLS up again is not shut out for a year.
  static constexpr const char* hsts = "max-age=2592000";
  using Answer = boost::beast::http::response<boost::beast::http::string_body>;

  boost::beast::tcp_stream& socket() { return boost::beast::get_lowest_layer(stream_); }

  void read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(host_->limits.header_bytes));
    parser_->body_limit(host_->limits.body_bytes);
    // One limit for the whole request, however slowly its bytes drip in.
    socket().expires_after(host_->limits.read_limit);
    boost::beast::http::async_read(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](Code error, std::size_t) { self->on_read(error); });
  }

  void on_read(Code error) {
    namespace http = boost::beast::http;
    head_ = false;
    if (error == http::error::header_limit || error == http::error::body_limit) {
      keep_alive_ = false;
      const bool body = error == http::error::body_limit;
      return write(refusal(body ? 413 : 431, "too_large",
                           body ? "the body is too large" : "the headers are too large"));
    }
    if (error.category() == http::make_error_code(http::error::end_of_stream).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      keep_alive_ = false;
      return write(refusal(400, "bad_request", "this is not HTTP: " + error.message()));
    }
    if (error) return shut_down();
    respond();
  }

  void respond() {
    namespace http = boost::beast::http;
    const auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    http11_ = message.version() >= 11;
    head_ = message.method() == http::verb::head;
    WebRequest request;
    request.method = head_ ? "GET" : std::string{message.method_string()};
    for (const auto& field : message) {
      std::string name{field.name_string()};
      for (auto& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      // A second one of these is an attempt to be read in two ways.
      if (!request.headers.try_emplace(name, std::string{field.value()}).second &&
          (name == "host" || name == "origin" || name == "cookie" || name == "content-length" ||
           name == "transfer-encoding"))
        return refuse_framing("the header " + name + " is there twice");
    }
    if (const auto coding = request.headers.find("transfer-encoding");
        coding != request.headers.end() && (!boost::beast::iequals(coding->second, "chunked") ||
                                            !http11_ || request.headers.contains("content-length")))
      return refuse_framing("Transfer-Encoding: chunked alone is understood");
    request.head = head_;
    request.peer = peer_;
    request.tls = is_tls;
    request.body = message.body();
    const auto target = parse_target({message.target().data(), message.target().size()});
    if (!target) return write(refusal(400, "bad_request", "the address is malformed"));
    request.path = target->first;
    request.query = target->second;
    // While the answer waits for the disk this connection waits with it.
    socket().expires_never();
    host_->answer(std::move(request), [self = this->shared_from_this()](WebResponse response) {
      self->write(std::move(response));
    });
  }

  /// Where the request ends is not certain, so what follows it is none.
  void refuse_framing(const std::string& text) {
    keep_alive_ = false;
    write(refusal(400, "bad_request", text));
  }

  void write(WebResponse response) {
    namespace http = boost::beast::http;
    answer_ = std::make_unique<Answer>(http::int_to_status(response.status), http11_ ? 11 : 10);
    for (const auto& [name, value] : security_headers()) answer_->set(name, value);
    if (is_tls) answer_->set("Strict-Transport-Security", hsts);
    for (const auto& [name, value] : response.headers) answer_->insert(name, value);
    answer_->set(http::field::content_type, response.content_type);
    const bool stream = response.content_type == "text/event-stream";
    if (stream && !head_) return start_events();
    answer_->keep_alive(keep_alive_);
    if (!stream && response.status != 304) answer_->content_length(response.body.size());
    if (!head_) answer_->body() = std::move(response.body);
    socket().expires_after(host_->limits.write_limit);
    const auto done = [self = this->shared_from_this()](Code error, std::size_t) {
      if (error) return;
      if (self->keep_alive_) return self->read();
      self->shut_down();
    };
    if (head_) {
      serializer_.emplace(*answer_);
      http::async_write_header(stream_, *serializer_, done);
    } else {
      http::async_write(stream_, *answer_, done);
    }
  }

  /// From here on the connection only carries events, until the client goes.
  void start_events() {
    namespace http = boost::beast::http;
    answer_->keep_alive(false);
    serializer_.emplace(*answer_);
    following_ = true;
    socket().expires_never();
    await_end();
    writing_ = true;
    socket().expires_after(host_->limits.write_limit);
    http::async_write_header(stream_, *serializer_,
                             [self = this->shared_from_this()](Code error, std::size_t) {
                               self->writing_ = false;
                               if (error) return self->close();
                               if (const auto first = self->host_->first_event()) self->push(first);
                             });
  }

  void write_event(SharedText event) {
    writing_ = true;
    under_way_ = std::move(event);
    socket().expires_after(host_->limits.write_limit);
    boost::asio::async_write(stream_, boost::asio::buffer(*under_way_),
                             [self = this->shared_from_this()](Code error, std::size_t) {
                               self->writing_ = false;
                               if (error || !self->following_) return self->close();
                               if (auto next = std::exchange(self->waiting_, nullptr))
                                 self->write_event(std::move(next));
                             });
  }

  /// Nothing more is expected of a client that follows events; its end is noticed at once.
  void await_end() {
    stream_.async_read_some(boost::asio::buffer(ignored_),
                            [self = this->shared_from_this()](Code error, std::size_t) {
                              if (error) return self->close();
                              self->await_end();
                            });
  }

  /// Says goodbye and lets the client take what was written: a socket closed over unread bytes
  /// would take the answer back.
  void shut_down() {
    Code ignored;
    if constexpr (is_tls) {
      socket().expires_after(std::chrono::seconds(2));
      stream_.async_shutdown([self = this->shared_from_this()](Code) { self->close(); });
    } else {
      socket().socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
      drained_ = 0;
      socket().expires_after(std::chrono::seconds(2));
      drain();
    }
  }

  void drain() {
    constexpr std::size_t most = 64 * 1024;
    stream_.async_read_some(boost::asio::buffer(ignored_),
                            [self = this->shared_from_this()](Code error, std::size_t n) {
                              self->drained_ += n;
                              if (error || self->drained_ > most) return self->close();
                              self->drain();
                            });
  }

  Stream stream_;
  std::string peer_;
  std::shared_ptr<const ConnectionHost> host_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  std::unique_ptr<Answer> answer_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::string_body>>
      serializer_;
  bool keep_alive_ = false;
  bool http11_ = true;
  bool head_ = false;
  bool following_ = false;
  bool writing_ = false;
  SharedText under_way_;
  SharedText waiting_;
  std::array<char, 1024> ignored_{};
  std::size_t drained_ = 0;
};

}  // namespace esshub::publish
