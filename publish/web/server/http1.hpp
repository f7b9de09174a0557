// HTTP/1 as bytes: requests are read by Boost.Beast's parser, answers are written as text.
#pragma once

#include <memory>
#include <optional>
#include <string>

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
  RequestParser(std::size_t header_bytes, std::size_t body_bytes);
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

}  // namespace esshub::publish
