// Foreign text as one value of a log line.
#pragma once

#include <string>
#include <string_view>

namespace esshub::publish {

/// `"text"`: control characters and quotes softened, and cut where nobody reads on.
[[nodiscard]] inline std::string log_quoted(std::string_view text) {
  constexpr std::size_t longest = 120;
  std::string result = "\"";
  for (const char c : text.substr(0, longest)) {
    const auto u = static_cast<unsigned char>(c);
    result += u < 0x20 || u == 0x7F ? ' ' : c == '"' ? '\'' : c;
  }
  if (text.size() > longest) result += "...";
  return result + '"';
}

}  // namespace esshub::publish
