#include "publish/web/page_url.hpp"

namespace esshub::publish {

std::string page_url(const WebSettings& settings, const std::string& own_name) {
  const auto colon = settings.address.rfind(':');
  if (colon == std::string::npos) return {};
  auto host = settings.address.substr(0, colon);
  if (host == "localhost" || host == "[::1]" || host.starts_with("127.")) return {};
  if (!settings.host_names.empty()) {
    host = settings.host_names.front();
  } else if (host.empty() || host == "0.0.0.0" || host == "[::]") {
    if (own_name.empty()) return {};
    host = own_name.substr(0, own_name.find('.')) + ".local";
  }
  const auto* scheme = settings.certificate.empty() ? "http://" : "https://";
  return scheme + host + settings.address.substr(colon) + "/";
}

}  // namespace esshub::publish
