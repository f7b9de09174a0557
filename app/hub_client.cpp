#include "app/hub_client.hpp"

#include <cstddef>
#include <utility>

namespace esshub::app {
namespace {

using Json = nlohmann::json;

constexpr long connect_limit_ms = 2000;
constexpr long response_timeout_ms = 5000;

std::size_t append(char* bytes, std::size_t, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(bytes, count);
  return count;
}

}  // namespace

HubClient::HubClient(const std::string& address, const std::filesystem::path& certificate)
    : url_(address.find("://") == std::string::npos ? "http://" + address : address),
      curl_(curl_easy_init()) {
  set(CURLOPT_CONNECTTIMEOUT_MS, connect_limit_ms);
  set(CURLOPT_TIMEOUT_MS, response_timeout_ms);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PROXY, "");       // the hub is in the house
  set(CURLOPT_COOKIEFILE, "");  // keeps cookies, reads no file
  set(CURLOPT_ERRORBUFFER, error_.data());
  if (!certificate.empty()) set(CURLOPT_CAINFO, certificate.c_str());
  set(CURLOPT_WRITEFUNCTION, static_cast<curl_write_callback>(&append));
}

Result<HubClient::Answer> HubClient::ask(const std::string& path) {
  std::string body;
  set(CURLOPT_URL, (url_ + path).c_str());
  set(CURLOPT_WRITEDATA, &body);
  error_.front() = '\0';
  if (const CURLcode code = curl_easy_perform(curl_.get()); code != CURLE_OK)
    return fail(ErrorKind::io,
                url_ + ": " + (error_.front() ? error_.data() : curl_easy_strerror(code)));
  Answer answer;
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  answer.body = Json::parse(body, nullptr, false);
  return answer;
}

Result<Json> HubClient::get(const std::string& path) {
  set(CURLOPT_HTTPGET, 1L);
  auto answer = ask(path);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->status != 200) return Json(nullptr);
  if (answer->body.is_discarded())
    return fail(ErrorKind::io, url_ + path + ": the answer is not a hub's");
  return std::move(answer->body);
}

Result<Json> HubClient::post(const std::string& path, const Json& body) {
  const std::string text = body.dump();
  std::unique_ptr<curl_slist, Cleanup> headers{
      curl_slist_append(nullptr, "Content-Type: application/json")};
  if (!csrf_.empty())
    headers.reset(curl_slist_append(headers.release(), ("X-CSRF-Token: " + csrf_).c_str()));
  set(CURLOPT_POSTFIELDS, text.c_str());
  set(CURLOPT_HTTPHEADER, headers.get());
  auto answer = ask(path);
  set(CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
  set(CURLOPT_POSTFIELDS, static_cast<const char*>(nullptr));
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->status == 200 && answer->body.is_object()) return std::move(answer->body);
  if (!answer->body.is_object() || !answer->body.contains("text"))
    return fail(ErrorKind::io, url_ + path + ": the answer is not a hub's");
  return fail(ErrorKind::refused, answer->body["text"].get<std::string>());
}

Result<void> HubClient::sign_in(const std::string& password) {
  const auto session = post("/api/v1/session", {{"password", password}});
  if (!session) return tl::unexpected<Error>(session.error());
  csrf_ = session->value("csrf", "");
  return {};
}

}  // namespace esshub::app
