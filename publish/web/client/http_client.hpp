// HttpClient: asks a server of HTTP/1.1, plain or under TLS, one question at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "model/result.hpp"

namespace esshub::publish {

struct HttpAnswer {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

struct HttpLimits {
  std::chrono::milliseconds connect = std::chrono::seconds(2);
  std::chrono::milliseconds answer = std::chrono::seconds(5);
  std::size_t body_bytes = 64u << 20;  ///< a year of days is 0.2 MB
};

/// Blocks for no longer than its limits until it is connected and until the answer, besides looking
/// a name up. Keeps its connection from one question to the next. No proxy, no redirection.
class HttpClient {
 public:
  /// `address`: host:port or http(s)://host:port, [ipv6]:port; `authority`: PEM of who signed the
  /// server's certificate, or empty for those whom the machine trusts.
  HttpClient(std::string address, std::string authority, HttpLimits limits = {});
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// `path` as it is sent, from its slash. The Error says why there is no answer; its kind is io
  /// as long as nothing of one has come.
  [[nodiscard]] Result<HttpAnswer> ask(const std::string& method, const std::string& path,
                                       const std::map<std::string, std::string>& headers,
                                       const std::string& body);
  /// http(s)://host:port, for messages.
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  class Connection;
  std::string url_;
  std::string authority_;
  HttpLimits limits_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace esshub::publish
