// Begin time: the moment at which something that is ordered shall begin, as clients write it.
#pragma once

#include <optional>
#include <string_view>

#include "model/order_limits.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"

namespace esshub::publish {

/// How far ahead of `now` the moment lies that the text names, RFC 3339 with its zone:
/// "2026-12-01T18:00:00Z", "2026-12-01T19:00+01:00"; 0 for what is past. `now` is nothing while the
/// hub's clock is not trusted: then no moment is far or near. An Error says that, or what is
/// expected.
[[nodiscard]] Result<Duration> begins_in(std::string_view text, const std::optional<WallTime>& now,
                                         OrderLimitId limit);

}  // namespace esshub::publish
