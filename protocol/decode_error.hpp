// Why bytes of a wire were not accepted: DecodeError and Decoded<T>.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace esshub::protocol {

/// Metrics count the kinds apart. Codecs check in this order, `unsupported` where it shows.
enum class DecodeErrorKind : std::uint8_t {
  length,       ///< too short, too long, or not the length its own header states
  address,      ///< from another device than the one asked
  function,     ///< another function, command or id than the one asked
  checksum,     ///< CRC, checksum or LRC wrong
  exception,    ///< the device answered that it will not
  content,      ///< a field that cannot be (range, not a number, unknown text)
  unsupported,  ///< well-formed, but a kind this codec does not know
};

[[nodiscard]] constexpr std::string_view name(DecodeErrorKind kind) {
  switch (kind) {
    case DecodeErrorKind::length:
      return "length";
    case DecodeErrorKind::address:
      return "address";
    case DecodeErrorKind::function:
      return "function";
    case DecodeErrorKind::checksum:
      return "checksum";
    case DecodeErrorKind::exception:
      return "exception";
    case DecodeErrorKind::content:
      return "content";
    case DecodeErrorKind::unsupported:
      return "unsupported";
  }
  return "?";
}

struct DecodeError {
  DecodeErrorKind kind;
  std::string detail;  ///< for a person: what was found and what was expected
};

template <class T>
using Decoded = tl::expected<T, DecodeError>;

[[nodiscard]] inline tl::unexpected<DecodeError> fail(DecodeErrorKind kind, std::string detail) {
  return tl::unexpected<DecodeError>(DecodeError{kind, std::move(detail)});
}

}  // namespace esshub::protocol
