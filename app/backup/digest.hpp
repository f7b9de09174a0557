// SHA-256 of what comes piece by piece.
#pragma once

#include <sodium.h>

#include <string>
#include <string_view>

namespace esshub::app {

class Digest {
 public:
  Digest();
  void add(std::string_view bytes);
  /// 64 hexadecimal digits; nothing may be added after it.
  [[nodiscard]] std::string hex();

 private:
  crypto_hash_sha256_state state_{};
};

[[nodiscard]] std::string sha256(std::string_view bytes);

}  // namespace esshub::app
