// The outward names of an enumeration, in its order.
#pragma once

#include <string_view>
#include <vector>

#include "model/enums.hpp"

namespace esshub {

template <class E>
std::vector<std::string_view> names() {
  std::vector<std::string_view> all;
  for (const E each : enum_values<E>) all.push_back(name(each));
  return all;
}

}  // namespace esshub
