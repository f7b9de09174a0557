// Text for a terminal of a given width.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace esshub::publish {

/// The text (UTF-8) in lines of at most `width` characters, broken at single spaces, which a line
/// keeps within it; a longer word has a line of its own. At least one line.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t width);

}  // namespace esshub::publish
