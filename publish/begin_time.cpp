#include "publish/begin_time.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>

#include "model/units.hpp"
#include "model/utc_text.hpp"

namespace esshub::publish {

Result<Duration> begins_in(std::string_view text, const std::optional<WallTime>& now,
                           OrderLimitId limit) {
  const auto at = read_utc(text);
  if (!at)
    return fail(ErrorKind::invalid,
                "expected a moment with its zone, as 2026-12-01T18:00:00Z or "
                "2026-12-01T19:00:00+01:00");
  if (!now)
    return fail(ErrorKind::invalid,
                "the hub's clock is not trusted, so it cannot tell how far away that is; without "
                "it what is ordered begins now");
  const auto ahead = *at - std::chrono::floor<std::chrono::seconds>(*now);
  // A year far away is more than a Duration holds.
  if (Seconds{ahead} > Seconds{longest(limit)}) {
    const OrderLimit range = order_limit(limit);
    std::array<char, 96> said{};
    std::snprintf(said.data(), said.size(), "that is %.2f h ahead, expected %g %s at most",
                  Hours{ahead}.count(), range.most, std::string{range.unit}.c_str());
    return fail(ErrorKind::invalid, said.data());
  }
  return as_duration(std::max(ahead, std::chrono::seconds{}));
}

}  // namespace esshub::publish
