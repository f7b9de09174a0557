#include <curl/curl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "app/commands.hpp"
#include "app/status_text.hpp"
#include "app/time_zone.hpp"

namespace esshub::app {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr long connect_limit_ms = 2000;
constexpr long response_timeout_ms = 5000;

/// Asks the hub's REST interface; keeps its connection from one question to the next.
class HubClient {
 public:
  explicit HubClient(const StatusOptions& options)
      : url_(options.address.find("://") == std::string::npos ? "http://" + options.address
                                                              : options.address),
        curl_(curl_easy_init()) {
    set(CURLOPT_CONNECTTIMEOUT_MS, connect_limit_ms);
    set(CURLOPT_TIMEOUT_MS, response_timeout_ms);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_PROXY, "");  // the hub is in the house
    set(CURLOPT_ERRORBUFFER, error_.data());
    if (!options.certificate.empty()) set(CURLOPT_CAINFO, options.certificate.c_str());
    set(CURLOPT_WRITEFUNCTION, static_cast<curl_write_callback>(&append));
  }

  /// The answer; null where the hub refuses (it keeps no history, ...). An Error when there is no
  /// answer at all, or none of a hub.
  [[nodiscard]] Result<Json> get(const std::string& path) {
    std::string body;
    set(CURLOPT_URL, (url_ + path).c_str());
    set(CURLOPT_WRITEDATA, &body);
    error_.front() = '\0';
    if (const CURLcode code = curl_easy_perform(curl_.get()); code != CURLE_OK)
      return fail(ErrorKind::io,
                  url_ + ": " + (error_.front() ? error_.data() : curl_easy_strerror(code)));
    long status = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) return Json(nullptr);
    auto answer = Json::parse(body, nullptr, false);
    if (answer.is_discarded())
      return fail(ErrorKind::io, url_ + path + ": the answer is not a hub's");
    return answer;
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(curl_.get(), option, value);
  }
  static std::size_t append(char* bytes, std::size_t, std::size_t count, void* body) {
    static_cast<std::string*>(body)->append(bytes, count);
    return count;
  }
  struct Cleanup {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  };

  std::string url_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::unique_ptr<CURL, Cleanup> curl_;
};

/// Everything the page is made of, or why there is none.
Result<Json> ask(HubClient& client) {
  Json hub = Json::object();
  for (const auto& [key, path] :
       {std::pair{"site", "/api/v1/site"}, std::pair{"state", "/api/v1/state"},
        std::pair{"buses", "/api/v1/buses"}, std::pair{"today", "/api/v1/history/days?count=1"}}) {
    auto answer = client.get(path);
    if (!answer) return answer;
    hub[key] = std::move(*answer);
  }
  return hub;
}

/// The hub's own moment, by the site's clock.
std::string site_time(const Json& hub) {
  const auto at = hub.value("/state/at"_json_pointer, Json(nullptr));
  if (!at.is_number()) return "";
  const date::sys_seconds moment{std::chrono::seconds(static_cast<std::int64_t>(at.get<double>()))};
  const auto* zone =
      find_time_zone(hub.value("/site/time_zone"_json_pointer, std::string{"Etc/UTC"}));
  if (zone == nullptr) return date::format("%F %T UTC", moment);
  return date::format("%F %T %Z", date::make_zoned(zone, moment));
}

}  // namespace

int status(const StatusOptions& options, std::ostream& out, std::ostream& err) {
  const bool terminal = &out == &std::cout && ::isatty(STDOUT_FILENO) != 0;
  const char* no_colour = std::getenv("NO_COLOR");  // no-color.org: set and not empty
  const bool colour = terminal && !(no_colour && *no_colour);
  HubClient client{options};
  for (auto next = std::chrono::steady_clock::now();; std::this_thread::sleep_until(next)) {
    next += 1s;
    const auto hub = ask(client);
    const bool well = hub && control_is_current(*hub);
    if (options.watch && terminal && !options.json) out << "\x1b[H\x1b[J";
    if (!hub)
      err << "esshub status: " << hub.error().detail << '\n';
    else if (options.json)
      out << hub->dump() << '\n';
    else
      out << status_text(*hub, site_time(*hub), colour) << (options.watch ? "\n" : "");
    if (!out.flush()) return exit_failure;
    if (!options.watch) return well ? exit_ok : exit_failure;
  }
}

}  // namespace esshub::app
