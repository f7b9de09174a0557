// kept_moment: a time in a file that is read back.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "service/feed.hpp"

namespace esshub::service {

/// Throws where no clock ever showed it: it is damage, and would overflow.
[[nodiscard]] inline UnixSeconds kept_moment(const nlohmann::json& value) {
  constexpr UnixSeconds year_2200 = 7258118400;
  const auto s = value.get<UnixSeconds>();
  if (s < 0 || s > year_2200) throw std::out_of_range("a time that cannot be");
  return s;
}

}  // namespace esshub::service
