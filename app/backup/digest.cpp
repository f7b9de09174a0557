#include "app/backup/digest.hpp"

#include <array>

namespace esshub::app {

Digest::Digest() {
  ::crypto_hash_sha256_init(&state_);
}

void Digest::add(std::string_view bytes) {
  ::crypto_hash_sha256_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()),
                              bytes.size());
}

std::string Digest::hex() {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  ::crypto_hash_sha256_final(&state_, hash.data());
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> digits{};
  return ::sodium_bin2hex(digits.data(), digits.size(), hash.data(), hash.size());
}

std::string sha256(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.hex();
}

}  // namespace esshub::app
