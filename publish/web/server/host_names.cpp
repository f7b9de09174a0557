#include "publish/web/server/host_names.hpp"

#include <utility>  // Boost.Asio 1.74 needs it before its own headers

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/host_name.hpp>

namespace esshub::publish {
std::vector<std::string> host_names(const std::vector<std::string>& configured) {
  std::vector<std::string> result;
  result.reserve(configured.size() + 2);
  for (const auto& name : configured) result.push_back(lower(name));
  boost::system::error_code error;
  const auto own = lower(boost::asio::ip::host_name(error));
  if (!error && !own.empty()) {
    result.push_back(own);
    result.push_back(own.substr(0, own.find('.')) + ".local");
  }
  return result;
}

std::optional<WebResponse> check_host(const WebRequest& request,
                                      const std::vector<std::string>& names) {
  const auto host = host_name_of(request.header("host"));
  if (!host) return refusal(400, "bad_host", "the Host header is missing or malformed");
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(*host, not_an_address);
  if (not_an_address && *host != "localhost" && std::ranges::find(names, *host) == names.end())
    return refusal(421, "unknown_host",
                   "This hub is not called \"" + *host +
                       "\". Use its IP address, or name it in `host_names` of [web].");
  return std::nullopt;
}

}  // namespace esshub::publish
