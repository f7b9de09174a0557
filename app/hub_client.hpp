// HubClient: asks the running hub through its REST interface.
#pragma once

#include <curl/curl.h>

#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/result.hpp"

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
  /// With the owner's password: what follows may change things.
  [[nodiscard]] Result<void> sign_in(const std::string& password);

 private:
  struct Answer {
    long status = 0;
    nlohmann::json body;
  };
  [[nodiscard]] Result<Answer> ask(const std::string& path);
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(curl_.get(), option, value);
  }
  struct Cleanup {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  std::string url_;
  std::string csrf_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::unique_ptr<CURL, Cleanup> curl_;
};

}  // namespace esshub::app
