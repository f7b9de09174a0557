// What somebody meant who mistyped a word.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace esshub::config {

/// The known word that was probably meant: two letters swapped, or a third of its letters wrong.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view wrong,
                                                      std::span<const std::string> words);

}  // namespace esshub::config
