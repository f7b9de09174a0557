// What names a server answers to: a foreign page must not reach it by a name of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "publish/web/http.hpp"

namespace esshub::publish {

/// Those configured and the machine's own, also as mDNS has it; in lower case.
[[nodiscard]] std::vector<std::string> host_names(const std::vector<std::string>& configured);

/// Nothing where the request's Host is one of `names`, an IP address or localhost; else the refusal
/// (a foreign page's name that was pointed here: DNS rebinding).
[[nodiscard]] std::optional<WebResponse> check_host(const WebRequest& request,
                                                    const std::vector<std::string>& names);

}  // namespace esshub::publish
