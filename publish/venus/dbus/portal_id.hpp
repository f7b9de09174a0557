// The portal id: what tells this installation from every other one.
#pragma once

#include <string>

namespace esshub::publish {

/// As Venus makes it: the hardware address of eth0 in 12 lower-case hexadecimal digits; where there
/// is no eth0, of the first interface by name, and without any, of the machine's own id.
[[nodiscard]] std::string portal_id();

}  // namespace esshub::publish
