// Frames of characters as a text.
#pragma once

#include <string>

#include "protocol/bytes.hpp"

namespace esshub::protocol {

inline std::string text(const Bytes& bytes) {
  std::string out;
  for (const auto b : bytes) out.push_back(static_cast<char>(u8(b)));
  return out;
}

}  // namespace esshub::protocol
