// Expected failures are values: Error and Result<T>. Those of a wire: protocol/decode_error.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace esshub {

enum class ErrorKind : std::uint8_t {
  io,       ///< the system could not: a file, a port, a socket, memory
  refused,  ///< not allowed here, whatever the value: not writable, switched off, stopping
  invalid,  ///< cannot be taken as it is: out of range, no number, unknown text, too many
};

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
