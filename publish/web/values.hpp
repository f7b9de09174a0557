// The outlet of the published values in GET /api/v1/state: where each stands.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/published_values.hpp"

namespace esshub::publish {

enum class RestForm : std::uint8_t {
  reading,  ///< {"value": ..., "age_s": ...}; the value is null when it is not current
  plain,    ///< the value alone
};
/// Whether the page or the kiosk shows it; tests/publish/web/values_test.cpp looks into their
/// files.
enum class OnPage : std::uint8_t { no, yes };

struct RestValue {
  ValueId id;
  std::string_view path;  ///< JSON pointer within the state: "/grid/power_w"
  RestForm form;
  OnPage on_page;
};

[[nodiscard]] std::span<const RestValue> rest_values();
/// JSON pointer within the state of what stands there, else of nothing: "".
[[nodiscard]] std::string_view rest_path(ValueId id);

}  // namespace esshub::publish
