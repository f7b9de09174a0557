#include "model/event.hpp"

namespace esshub {

std::string log_quoted(std::string_view text) {
  constexpr std::size_t longest = 256;
  std::string result = "\"";
  for (const char c : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(c);
    result += byte < 0x20 || byte == 0x7F ? ' ' : c == '"' ? '\'' : c;
  }
  if (text.size() > longest) result += "...";
  return result + '"';
}

}  // namespace esshub
