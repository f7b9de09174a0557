// The URL under which others reach the owner's page.
#pragma once

#include <string>

#include "publish/web/settings.hpp"

namespace esshub::publish {

/// By the first of `host_names`, else the address it listens on, else the machine's name as mDNS
/// has it. Empty where there is no page, or none but for this machine: what stands before it is not
/// known. `own_name`: of the machine, with or without its domain.
[[nodiscard]] std::string page_url(const WebSettings& settings, const std::string& own_name);

}  // namespace esshub::publish
