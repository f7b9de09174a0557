// The fuzzer's bytes, taken from the front, and how a target says that a promise was broken.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "protocol/bytes.hpp"

namespace esshub::fuzz {

/// Ends the process when a promise is not kept: libFuzzer then writes the input to a file.
inline void promise(bool kept, const char* text) {
  if (kept) return;
  std::fprintf(stderr, "BROKEN PROMISE: %s\n", text);
  std::abort();
}

/// Past the end everything is 0 or empty, so that every input is a whole one.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(std::as_bytes(std::span(data, size))) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    const auto bytes = take(1);
    return bytes.empty() ? std::uint8_t{0} : protocol::u8(bytes[0]);
  }
  std::uint16_t word() {
    const unsigned high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  protocol::ByteView take(std::size_t count) {
    const auto bytes = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(bytes.size());
    return bytes;
  }
  protocol::ByteView rest() { return take(rest_.size()); }

 private:
  protocol::ByteView rest_;
};

[[nodiscard]] inline std::string_view text(protocol::ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace esshub::fuzz

/// libFuzzer calls this with each input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
