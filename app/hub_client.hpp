// HubClient: asks the running hub through its REST interface.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "model/result.hpp"
#include "publish/web/client/http_client.hpp"

namespace esshub::app {

/// Keeps its connection, and its session, from one question to the next.
class HubClient {
 public:
  /// `address`: host:port or http(s)://host:port; `certificate`: PEM of who signed the hub's, for
  /// https, or empty.
  HubClient(const std::string& address, const std::filesystem::path& certificate);

  /// The answer; null where the hub refuses (it keeps no history, ...). An Error when there is no
  /// answer at all, or none of a hub.
  [[nodiscard]] Result<nlohmann::json> get(const std::string& path);
  /// The answer; the Error says why there is none, or in the hub's words why it refuses.
  [[nodiscard]] Result<nlohmann::json> post(const std::string& path, const nlohmann::json& body);
  /// Ends something that was ordered; as post().
  [[nodiscard]] Result<nlohmann::json> remove(const std::string& path);
  /// With the owner's password: what follows may change things.
  [[nodiscard]] Result<void> sign_in(const std::string& password);

 private:
  struct Answer {
    unsigned status = 0;
    nlohmann::json body;
  };
  [[nodiscard]] Result<nlohmann::json> write(const std::string& method, const std::string& path,
                                             const std::string& body);
  [[nodiscard]] Result<Answer> ask(const std::string& method, const std::string& path,
                                   const std::string& body);

  publish::HttpClient http_;
  std::map<std::string, std::string> session_;  ///< the headers that prove it
};

}  // namespace esshub::app
