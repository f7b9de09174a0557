// HTTP/1 as bytes: they are read by Boost.Beast's parsers and written as text.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "model/result.hpp"
#include "publish/web/http.hpp"

namespace esshub::publish {

/// How an answer has to be written: what its request and its connection say of it.
struct AnswerForm {
  bool http11 = true;       ///< else 1.0
  bool keep_alive = false;  ///< the connection stays for another request
  bool head = false;        ///< only the headers are sent
  bool tls = false;
};

/// A request that has come to its end, or one that is not read on.
struct ParsedRequest {
  WebRequest request;  ///< `peer` and `tls` are not known here
  AnswerForm form;
  std::optional<WebResponse> refused;  ///< the answer of a request that nobody has to be asked
};

/// Finds the requests in the bytes of one connection.
class RequestParser {
 public:
  /// The body of a PUT to an address below `put_under`, which tells a whole document, may have
  /// `put_bytes`.
  RequestParser(std::size_t header_bytes, std::size_t body_bytes, std::size_t put_bytes,
                std::string put_under);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;
  ~RequestParser();

  /// Takes from the front of `bytes` what belongs to the request, and answers with it once it is
  /// complete. After one whose form is not `keep_alive` the bytes have no meaning any more.
  [[nodiscard]] std::optional<ParsedRequest> parse(std::string& bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The answer as it is sent, its body included unless the form is `head`. An event stream has no
/// length and no body yet.
[[nodiscard]] std::string answer_text(const WebResponse& response, const AnswerForm& form);

/// An answer as a client reads it.
struct ParsedAnswer {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case; of equal ones the first
  std::string body;
  bool keep_alive = false;  ///< the connection takes another request
};

/// Finds one answer in the bytes of a connection.
class AnswerParser {
 public:
  explicit AnswerParser(std::size_t body_bytes);
  AnswerParser(const AnswerParser&) = delete;
  AnswerParser& operator=(const AnswerParser&) = delete;
  ~AnswerParser();

  /// Takes `bytes`, which may be of any size; `ended`: the server sends no more. The answer once it
  /// is complete; an Error for what is not HTTP, or more than the body's limit.
  [[nodiscard]] std::optional<Result<ParsedAnswer>> parse(std::string& bytes, bool ended);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace esshub::publish
