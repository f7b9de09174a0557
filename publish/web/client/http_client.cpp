#include "publish/web/client/http_client.hpp"

#include <utility>  // Boost.Asio 1.74 needs it before its own headers

#include <array>
#include <boost/asio/connect.hpp>
#include <chrono>
#include <optional>

#include "publish/web/server/byte_stream.hpp"
#include "publish/web/server/http1.hpp"

namespace esshub::publish {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Code = ByteStream::Code;

struct Url {
  bool tls = false;
  std::string authority;  ///< host:port as it was given
  std::string host;
  std::string port;
};

/// RFC 3986, of which no more than scheme and authority is needed.
Result<Url> parse_url(const std::string& text) {
  Url url;
  const auto scheme_ends = text.find("://");
  const std::string scheme = text.substr(0, scheme_ends);
  url.tls = scheme == "https";
  if (scheme != "http" && !url.tls)
    return fail(ErrorKind::invalid, text + ": http:// and https:// are understood");
  url.authority = text.substr(scheme_ends + 3);
  if (url.authority.ends_with('/')) url.authority.pop_back();
  const auto colon = url.authority.rfind(':');
  const bool with_port =
      colon != std::string::npos && url.authority.find(']', colon) == std::string::npos;
  url.host = url.authority.substr(0, with_port ? colon : std::string::npos);
  url.port = with_port ? url.authority.substr(colon + 1) : url.tls ? "443" : "80";
  if (url.host.starts_with('[') && url.host.ends_with(']'))
    url.host = url.host.substr(1, url.host.size() - 2);
  if (url.host.empty() || url.authority.find_first_of("/?#@ \t\r\n") != std::string::npos)
    return fail(ErrorKind::invalid, text + ": host:port or http(s)://host:port is understood");
  return url;
}

std::string request_text(const std::string& method, const std::string& path, const Url& url,
                         const std::map<std::string, std::string>& headers,
                         const std::string& body) {
  std::string text = method + ' ' + path + " HTTP/1.1\r\nHost: " + url.authority + "\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  if (method != "GET") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

}  // namespace

class HttpClient::Connection {
 public:
  explicit Connection(const HttpLimits& limits) : limits_(limits) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    if (stream_) stream_->close();
  }

  [[nodiscard]] Result<void> open(const Url& url, const std::string& authority) {
    Code error;
    asio::ip::basic_resolver<tcp, Executor> resolver{io_};
    const auto found = resolver.resolve(url.host, url.port, error);
    if (error) return failed(error);
    Socket socket{io_};
    const auto until = Clock::now() + limits_.connect;
    error =
        wait(
            until,
            [&](const auto& done) {
              asio::async_connect(socket, found, [done](Code code, const auto&) { done(code, 0); });
            },
            [&] {
              Code ignored;
              socket.close(ignored);
            })
            .error;
    if (error) return failed(error);
    if (url.tls) {
      auto stream = tls_client_stream(std::move(socket), url.host, authority);
      if (!stream) return tl::unexpected<Error>(stream.error());
      stream_ = std::move(*stream);
    } else {
      stream_ = plain_stream(std::move(socket));
    }
    error = wait(until, [&](const auto& done) {
              stream_->open([done](Code code) { done(code, 0); });
            }).error;
    if (error) return failed(error);
    return {};
  }

  /// `closed`: the server ended the connection without a word.
  [[nodiscard]] Result<ParsedAnswer> ask(const std::string& request, bool& closed) {
    const auto until = Clock::now() + limits_.answer;
    bool heard = false;
    const auto ended = [&](Code error) {
      closed = !heard && error != asio::error::timed_out;
      // An answer that breaks off is one: it cannot be read.
      return fail(heard ? ErrorKind::invalid : ErrorKind::io, error.message());
    };
    const auto written =
        wait(until, [&](const auto& done) { stream_->write(asio::buffer(request), done); });
    if (written.error) return ended(written.error);
    AnswerParser parser{limits_.body_bytes};
    std::string bytes;
    std::array<char, 8192> chunk{};
    for (;;) {
      const auto read =
          wait(until, [&](const auto& done) { stream_->read_some(asio::buffer(chunk), done); });
      if (read.error && read.error != asio::error::eof) return ended(read.error);
      bytes.append(chunk.data(), read.count);
      heard |= read.count > 0;
      if (read.error && !heard) return ended(read.error);
      if (auto answer = parser.parse(bytes, static_cast<bool>(read.error)))
        return std::move(*answer);
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Outcome {
    Code error;
    std::size_t count = 0;
  };

  static tl::unexpected<Error> failed(Code error) { return fail(ErrorKind::io, error.message()); }

  /// Starts an operation and waits for its end; after `until` it is ended by `stop`.
  template <class Start, class Stop>
  Outcome wait(Clock::time_point until, const Start& start, const Stop& stop) {
    std::optional<Outcome> outcome;
    io_.restart();
    start([&outcome](Code error, std::size_t count) { outcome = Outcome{error, count}; });
    io_.run_until(until);
    if (outcome) return *outcome;
    stop();
    io_.run();
    return {asio::error::timed_out, 0};
  }
  template <class Start>
  Outcome wait(Clock::time_point until, const Start& start) {
    return wait(until, start, [this] { stream_->close(); });
  }

  const HttpLimits limits_;
  asio::io_context io_;
  std::unique_ptr<ByteStream> stream_;
};

HttpClient::HttpClient(std::string address, std::string authority, HttpLimits limits)
    : url_(std::move(address)), authority_(std::move(authority)), limits_(limits) {
  if (url_.find("://") == std::string::npos) url_.insert(0, "http://");
}
HttpClient::~HttpClient() = default;

Result<HttpAnswer> HttpClient::ask(const std::string& method, const std::string& path,
                                   const std::map<std::string, std::string>& headers,
                                   const std::string& body) {
  const auto url = parse_url(url_);
  if (!url) return tl::unexpected<Error>(url.error());
  const std::string request = request_text(method, path, *url, headers, body);
  for (;;) {
    const bool kept = connection_ != nullptr;
    if (!kept) {
      connection_ = std::make_unique<Connection>(limits_);
      if (const auto opened = connection_->open(*url, authority_); !opened) {
        connection_.reset();
        return fail(ErrorKind::io, url_ + ": " + opened.error().detail);
      }
    }
    bool closed = false;
    auto answer = connection_->ask(request, closed);
    if (!answer || !answer->keep_alive) connection_.reset();
    if (answer)
      return HttpAnswer{answer->status, std::move(answer->headers), std::move(answer->body)};
    // The server may have closed a connection that was kept, just now: that is no answer. One that
    // is slow may have taken the question.
    if (!kept || !closed) return fail(answer.error().kind, url_ + ": " + answer.error().detail);
  }
}

}  // namespace esshub::publish
