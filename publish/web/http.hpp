// What of HTTP the page's own code sees: requests without sockets, answers without a library.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace esshub::publish {

struct WebRequest {
  std::string method;  ///< "GET", "POST", "DELETE"; HEAD is asked as GET
  std::string path;    ///< without the query
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  std::string peer;  ///< the client's address, without port
  bool tls = false;
  bool head = false;  ///< HEAD: of the answer only the headers are sent

  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string{} : found->second;
  }
};

struct WebResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< beside those every answer has
};

/// Its ASCII letters in lower case: names of headers and hosts are compared so.
[[nodiscard]] std::string lower(std::string text);

/// Splits "path?query" and decodes the query; nothing when it is not well-formed.
[[nodiscard]] std::optional<std::pair<std::string, std::map<std::string, std::string>>>
parse_target(std::string_view target);

/// The value of one cookie, or empty.
[[nodiscard]] std::string cookie(std::string_view header, std::string_view name);

/// The name in a Host header, without port and brackets, in lower case; nothing when malformed.
[[nodiscard]] std::optional<std::string> host_name_of(std::string_view host);

/// Headers of every answer: what a browser may do with it (no foreign or inline script, no frames,
/// no sniffing) and what it must not keep.
[[nodiscard]] const std::vector<std::pair<std::string, std::string>>& security_headers();

/// {"error": code, "text": text}: `code` for programs, `text` says what was found and what to do.
[[nodiscard]] WebResponse refusal(unsigned status, std::string_view code, std::string_view text);

}  // namespace esshub::publish
