#include "publish/web/server/http1.hpp"

#include <algorithm>
#include <utility>  // Boost.Asio 1.74 needs it before its own headers

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <tuple>

namespace esshub::publish {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;

/// A month from the last visit: who gives TLS up again is not shut out for a year.
constexpr const char* hsts = "max-age=2592000";

ParsedRequest refused(unsigned status, std::string_view code, std::string_view text) {
  ParsedRequest result;
  result.refused = refusal(status, code, text);
  return result;
}

ParsedRequest refused(boost::beast::error_code error) {
  if (error == http::error::body_limit) return refused(413, "too_large", "the body is too large");
  if (error == http::error::header_limit)
    return refused(431, "too_large", "the headers are too large");
  return refused(400, "bad_request", "this is not HTTP: " + error.message());
}

/// Whether `parser` may be given that many bytes: no chunked body ends with fewer than five, and
/// Beast asserts that it is not given them.
template <class AnyParser>
bool takes(const AnyParser& parser, std::size_t bytes) {
  return bytes >= (parser.is_header_done() && parser.chunked() ? 5 : 1);
}

/// What makes it uncertain where the request ends, or to whom it is addressed.
std::optional<std::string> collect_headers(const Parser::value_type& message, WebRequest& request) {
  for (const auto& field : message) {
    const std::string name = lower(std::string{field.name_string()});
    // A second one of these is an attempt to be read in two ways.
    if (!request.headers.try_emplace(name, std::string{field.value()}).second &&
        (name == "host" || name == "origin" || name == "cookie" || name == "content-length" ||
         name == "transfer-encoding"))
      return "the header " + name + " is there twice";
  }
  if (const auto coding = request.headers.find("transfer-encoding");
      coding != request.headers.end() &&
      (!boost::beast::iequals(coding->second, "chunked") || message.version() < 11 ||
       request.headers.contains("content-length")))
    return "Transfer-Encoding: chunked alone is understood";
  return std::nullopt;
}

ParsedRequest complete(Parser::value_type message) {
  ParsedRequest result;
  auto& request = result.request;
  result.form.keep_alive = message.keep_alive();
  result.form.http11 = message.version() >= 11;
  result.form.head = request.head = message.method() == http::verb::head;
  request.method = request.head ? "GET" : std::string{message.method_string()};
  if (const auto uncertain = collect_headers(message, request)) {
    result.form.keep_alive = false;  // what follows it is no request
    result.refused = refusal(400, "bad_request", *uncertain);
    return result;
  }
  request.body = std::move(message.body());
  if (auto target = parse_target({message.target().data(), message.target().size()}))
    std::tie(request.path, request.query) = std::move(*target);
  else
    result.refused = refusal(400, "bad_request", "the address is malformed");
  return result;
}

}  // namespace

struct RequestParser::State {
  std::size_t header_bytes = 0;
  std::size_t body_bytes = 0;
  std::size_t put_bytes = 0;
  std::string put_under;
  std::size_t taken = 0;         ///< bytes of the request that is coming in
  std::optional<Parser> parser;  ///< of the request that is coming in

  /// Of the body, once the header is known.
  [[nodiscard]] std::size_t most_of_body() const {
    const auto& message = parser->get();
    const bool document =
        message.method() == http::verb::put && message.target().starts_with(put_under);
    return document ? put_bytes : body_bytes;
  }
  /// Of a whole request: six bytes carry one that comes in a chunk of its own.
  [[nodiscard]] std::size_t most() const { return header_bytes + 8 * most_of_body(); }
  [[nodiscard]] bool body_is_too_large() const {
    return parser->is_header_done() && (parser->content_length().value_or(0) > most_of_body() ||
                                        parser->get().body().size() > most_of_body());
  }
};

RequestParser::RequestParser(std::size_t header_bytes, std::size_t body_bytes,
                             std::size_t put_bytes, std::string put_under)
    : state_(std::make_unique<State>()) {
  state_->header_bytes = header_bytes;
  state_->body_bytes = body_bytes;
  state_->put_bytes = put_bytes;
  state_->put_under = std::move(put_under);
}
RequestParser::~RequestParser() = default;

std::optional<ParsedRequest> RequestParser::parse(std::string& bytes) {
  auto& parser = state_->parser;
  if (!parser) {
    parser.emplace();
    state_->taken = 0;
    parser->header_limit(static_cast<std::uint32_t>(state_->header_bytes));
    parser->body_limit(std::max(state_->body_bytes, state_->put_bytes));
    parser->eager(true);
  }
  while (takes(*parser, bytes.size())) {
    boost::beast::error_code error;
    const auto used = parser->put(boost::asio::buffer(bytes), error);
    bytes.erase(0, used);
    state_->taken += used;
    if (error && error != http::error::need_more) return refused(error);
    if (state_->body_is_too_large()) return refused(http::error::body_limit);
    if (!parser->is_done()) {
      // Beast's limits know nothing of a chunk's extensions and of the trailer.
      if (parser->is_header_done() && state_->taken + bytes.size() > state_->most())
        return refused(http::error::body_limit);
      if (error) return std::nullopt;
      continue;
    }
    auto message = parser->release();
    parser.reset();
    return complete(std::move(message));
  }
  return std::nullopt;
}

std::string answer_text(const WebResponse& response, const AnswerForm& form) {
  const auto reason = http::obsolete_reason(http::int_to_status(response.status));
  std::string text = form.http11 ? "HTTP/1.1 " : "HTTP/1.0 ";
  text += std::to_string(response.status) + ' ';
  text.append(reason.data(), reason.size()).append("\r\n");
  const auto add = [&](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  for (const auto& [name, value] : security_headers()) add(name, value);
  if (form.tls) add("Strict-Transport-Security", hsts);
  for (const auto& [name, value] : response.headers) add(name, value);
  add("Content-Type", response.content_type);
  if (form.keep_alive != form.http11) add("Connection", form.keep_alive ? "keep-alive" : "close");
  if (response.content_type != "text/event-stream" && response.status != 304)
    add("Content-Length", std::to_string(response.body.size()));
  text += "\r\n";
  if (!form.head) text += response.body;
  return text;
}

struct AnswerParser::State {
  http::response_parser<http::string_body> parser;
};

AnswerParser::AnswerParser(std::size_t body_bytes) : state_(std::make_unique<State>()) {
  state_->parser.body_limit(body_bytes);
  // Not eager: with the body's first bytes at hand an eager one forgets that it is too large
  // (1.74).
}
AnswerParser::~AnswerParser() = default;

std::optional<Result<ParsedAnswer>> AnswerParser::parse(std::string& bytes, bool ended) {
  auto& parser = state_->parser;
  boost::beast::error_code error;
  while (!error && !parser.is_done() && takes(parser, bytes.size()))
    bytes.erase(0, parser.put(boost::asio::buffer(bytes), error));
  if (error == http::error::need_more) error = {};
  if (!error && ended && !parser.is_done()) parser.put_eof(error);
  if (error) return fail(ErrorKind::invalid, error.message());
  if (!parser.is_done()) return std::nullopt;
  ParsedAnswer answer;
  answer.status = parser.get().result_int();
  answer.keep_alive = parser.keep_alive();
  for (const auto& field : parser.get())
    answer.headers.try_emplace(lower(std::string{field.name_string()}), std::string{field.value()});
  answer.body = std::move(parser.get().body());
  return answer;
}

}  // namespace esshub::publish
