#include "publish/web/server/auth.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "publish/files/replace_file.hpp"

namespace esshub::publish {
namespace {

constexpr const char* file_name = "web-password";
// OWASP's least for argon2id is 19 MiB and two passes; a small board affords a little more.
constexpr unsigned long long hash_passes = 3;
constexpr std::size_t hash_memory = 32u << 20u;

constexpr unsigned free_failures = 3;
constexpr Duration delay_most = 30s;
constexpr Duration forgive_account_after = 1h;
constexpr std::size_t accounts_most = 1024;
constexpr unsigned free_failures_of_all = 20;
constexpr Duration forgive_one_every = 1min;

void need_sodium() {
  if (::sodium_init() < 0) throw std::runtime_error("libsodium does not start");
}

using Key = std::array<unsigned char, 32>;

std::string base64(const Key& bytes) {
  constexpr auto variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), variant), '\0');
  ::sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  text.resize(text.find('\0'));
  return text;
}

std::string random_token() {
  need_sodium();
  Key bytes{};
  ::randombytes_buf(bytes.data(), bytes.size());
  return base64(bytes);
}

/// BLAKE2b, keyed or not.
Key digest(std::string_view text, const Key* key = nullptr) {
  need_sodium();
  Key out{};
  ::crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()),
                       text.size(), key ? key->data() : nullptr, key ? key->size() : 0);
  return out;
}

std::string signature(const std::string& device, const std::string& password_hash) {
  const Key key = digest("esshub device " + password_hash);
  return base64(digest(device, &key));
}

std::string why() {
  return std::generic_category().message(errno);
}

tl::unexpected<Error> cannot(const std::string& what, const std::filesystem::path& file) {
  return fail(ErrorKind::io, "cannot " + what + " " + file.string() + ": " + why());
}

/// 1 s, doubled `doublings` times, at most `most`.
Duration grown(unsigned doublings, Duration most) {
  Duration delay = 1s;
  for (unsigned i = 0; i < doublings && delay < most; ++i) delay *= 2;
  return std::min(delay, most);
}

}  // namespace

Result<void> write_password(const std::filesystem::path& state_dir, const std::string& password) {
  if (password.size() < password_min || password.size() > password_max)
    return fail(ErrorKind::invalid, "the password has " + std::to_string(password.size()) +
                                        " bytes, expected " + std::to_string(password_min) +
                                        " to " + std::to_string(password_max));
  if (state_dir.empty()) return fail(ErrorKind::invalid, "there is no directory to keep it in");
  need_sodium();
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  if (::crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), hash_passes,
                              hash_memory, crypto_pwhash_ALG_ARGON2ID13) != 0)
    return fail(ErrorKind::io, "not enough memory to hash the password");

  std::error_code error;
  if (std::filesystem::create_directories(state_dir, error))
    std::filesystem::permissions(state_dir, std::filesystem::perms::owner_all, error);
  return replace_file(state_dir / file_name, std::string{hash.data()} + "\n", 0600,
                      [](int fd) { return ::fchmod(fd, 0600) == 0; });
}

Result<std::optional<std::string>> read_password(const std::filesystem::path& state_dir) {
  if (state_dir.empty()) return std::optional<std::string>{};
  const auto file = state_dir / file_name;
  const Descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.get() < 0) {
    if (errno == ENOENT) return std::optional<std::string>{};
    return cannot("read", file);
  }
  std::array<char, crypto_pwhash_STRBYTES + 2> text{};
  const auto n = ::read(in.get(), text.data(), text.size());
  if (n < 0) return cannot("read", file);
  std::string hash(text.data(), static_cast<std::size_t>(n));
  hash.resize(std::min(hash.find('\n'), hash.size()));
  if (!hash.starts_with("$argon2id$") || hash.size() >= crypto_pwhash_STRBYTES)
    return fail(ErrorKind::invalid,
                file.string() + " holds no password hash: run `esshub password` again");
  return std::optional{hash};
}

bool password_matches(const std::string& hash, const std::string& password) {
  need_sodium();
  if (password.size() > password_max) return false;
  // The library takes a buffer of its full length.
  std::array<char, crypto_pwhash_STRBYTES> buffer{};
  if (hash.size() >= buffer.size()) return false;
  std::ranges::copy(hash, buffer.begin());
  return ::crypto_pwhash_str_verify(buffer.data(), password.data(), password.size()) == 0;
}

bool same_secret(const std::string& a, const std::string& b) {
  return a.size() == b.size() && !a.empty() && ::sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string device_token(const std::string& password_hash) {
  const auto device = random_token();
  return device + "." + signature(device, password_hash);
}

std::optional<std::string> device_of(const std::string& token, const std::string& password_hash) {
  const auto dot = token.find('.');
  if (dot == std::string::npos) return std::nullopt;
  const auto device = token.substr(0, dot);
  if (!same_secret(token.substr(dot + 1), signature(device, password_hash))) return std::nullopt;
  return "device " + device;
}

Duration LoginThrottle::wait(const Guesser& who, Instant now) const {
  Duration wait = who.known_device ? Duration{} : free_at_ - now;
  if (const auto found = accounts_.find(who.account); found != accounts_.end())
    wait = std::max(wait, found->second.free_at - now);
  return std::max(wait, Duration{});
}

void LoginThrottle::failed(const Guesser& who, Instant now) {
  forget(now);
  auto& account = accounts_[who.account];
  ++account.failures;
  account.last = now;
  if (account.failures >= free_failures)
    account.free_at = now + grown(account.failures - free_failures, delay_most);
  if (who.known_device) return;
  while (failures_ > 0 && now - forgiven_ >= forgive_one_every) {
    --failures_;
    forgiven_ += forgive_one_every;
  }
  if (failures_++ == 0) forgiven_ = now;
  if (failures_ >= free_failures_of_all)
    free_at_ = now + grown(failures_ - free_failures_of_all, delay_most);
}

void LoginThrottle::forget(Instant now) {
  std::erase_if(accounts_,
                [&](const auto& entry) { return now - entry.second.last > forgive_account_after; });
  while (accounts_.size() >= accounts_most)
    accounts_.erase(std::ranges::min_element(accounts_, {},
                                             [](const auto& entry) { return entry.second.last; }));
}

std::string throttle_key(const std::string& address) {
  if (address.find(':') == std::string::npos || address.starts_with("::")) return address;
  std::size_t end = 0;
  for (int group = 0; group < 4 && end != std::string::npos; ++group) {
    const auto next = address.find(':', end == 0 ? 0 : end + 1);
    if (next != std::string::npos && next == end + 1 && end != 0) break;  // "::" ends it early
    end = next;
  }
  return end == std::string::npos ? address : address.substr(0, end) + "::/64";
}

Duration Sessions::left(const Session& session, Instant now) {
  return std::min(session.used + idle_limit - now, session.opened + life - now);
}

OpenSession Sessions::open(const std::string& password_hash, Instant now) {
  const std::lock_guard lock{mutex_};
  std::erase_if(sessions_, [&](const auto& s) { return left(s, now) <= Duration{}; });
  if (sessions_.size() >= most)
    sessions_.erase(std::ranges::min_element(sessions_, {}, &Session::used));
  sessions_.push_back({random_token(), random_token(), password_hash, now, now});
  const auto& session = sessions_.back();
  return {session.token, session.csrf, left(session, now)};
}

std::optional<OpenSession> Sessions::find(const std::string& token,
                                          const std::string& password_hash, Instant now) {
  const std::lock_guard lock{mutex_};
  for (auto& session : sessions_) {
    if (!same_secret(session.token, token)) continue;
    if (left(session, now) <= Duration{} || session.password_hash != password_hash)
      return std::nullopt;
    session.used = now;
    return OpenSession{session.token, session.csrf, left(session, now)};
  }
  return std::nullopt;
}

void Sessions::close(const std::string& token) {
  const std::lock_guard lock{mutex_};
  std::erase_if(sessions_, [&](const auto& s) { return same_secret(s.token, token); });
}

}  // namespace esshub::publish
