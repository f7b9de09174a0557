// Where cases come from: any house, any history of it. Every field by a generator of its own, edges
// deliberately likely.
#pragma once

#include <rapidcheck.h>

#include <vector>

#include "tests/properties/event.hpp"
#include "tests/properties/world.hpp"

namespace esshub::properties {

/// Any that control::validate() takes.
[[nodiscard]] rc::Gen<House> any_house();

/// Of that house: powers and states of charge around its limits.
[[nodiscard]] rc::Gen<std::vector<Event>> any_history(const House& house);

}  // namespace esshub::properties
