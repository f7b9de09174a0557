#include "app/hub_client.hpp"

#include <utility>

#include "json/parse.hpp"
#include "json/text.hpp"

namespace esshub::app {
namespace {

using Json = nlohmann::json;

}  // namespace

HubClient::HubClient(const std::string& address, const std::filesystem::path& certificate)
    : http_(address, certificate.string()) {}

Result<HubClient::Answer> HubClient::ask(const std::string& method, const std::string& path,
                                         const std::string& body) {
  auto headers = session_;
  if (!body.empty()) headers["Content-Type"] = "application/json";
  auto answer = http_.ask(method, path, headers, body);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (const auto cookie = answer->headers.find("set-cookie"); cookie != answer->headers.end())
    session_["Cookie"] = cookie->second.substr(0, cookie->second.find(';'));
  return Answer{answer->status, json_or_discarded(answer->body)};
}

Result<Json> HubClient::get(const std::string& path) {
  auto answer = ask("GET", path, "");
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->status != 200) return Json(nullptr);
  if (answer->body.is_discarded())
    return fail(ErrorKind::io, http_.url() + path + ": the answer is not a hub's");
  return std::move(answer->body);
}

Result<Json> HubClient::post(const std::string& path, const Json& body) {
  return write("POST", path, json_text(body));
}

Result<Json> HubClient::remove(const std::string& path) {
  return write("DELETE", path, "");
}

Result<Json> HubClient::write(const std::string& method, const std::string& path,
                              const std::string& body) {
  auto answer = ask(method, path, body);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->status == 200 && answer->body.is_object()) return std::move(answer->body);
  if (!answer->body.is_object() || !answer->body.contains("text"))
    return fail(ErrorKind::io, http_.url() + path + ": the answer is not a hub's");
  return fail(ErrorKind::refused, answer->body["text"].get<std::string>());
}

Result<void> HubClient::sign_in(const std::string& password) {
  const auto session = post("/api/v1/session", {{"password", password}});
  if (!session) return tl::unexpected<Error>(session.error());
  session_["X-CSRF-Token"] = session->value("csrf", "");
  return {};
}

}  // namespace esshub::app
