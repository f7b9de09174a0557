// Expected failures are values: Error and Result<T>.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace esshub {

/// Why bytes were not accepted. Metrics count the kinds apart.
enum class ErrorKind : std::uint8_t {
  length,       ///< too short, too long, or not the length its own header states
  address,      ///< from another device than the one asked
  function,     ///< another function, command or id than the one asked
  checksum,     ///< CRC, checksum or LRC wrong
  exception,    ///< the device answered with a refusal
  content,      ///< a field that cannot be (range, not a number, unknown text)
  unsupported,  ///< well-formed, but a kind this codec does not know
};

[[nodiscard]] constexpr std::string_view name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::length:
      return "length";
    case ErrorKind::address:
      return "address";
    case ErrorKind::function:
      return "function";
    case ErrorKind::checksum:
      return "checksum";
    case ErrorKind::exception:
      return "exception";
    case ErrorKind::content:
      return "content";
    case ErrorKind::unsupported:
      return "unsupported";
  }
  return "?";
}

struct Error {
  ErrorKind kind;
  std::string detail;  ///< for a person: what was found and what was expected
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorKind kind, std::string detail) {
  return tl::unexpected<Error>(Error{kind, std::move(detail)});
}

}  // namespace esshub
