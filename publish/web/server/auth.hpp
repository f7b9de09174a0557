// The owner's password, the sessions it opens, and the brake on guessing it.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.hpp"
#include "model/time.hpp"

namespace esshub::publish {

constexpr std::size_t password_min = 10;   ///< bytes
constexpr std::size_t password_max = 256;  ///< bytes

/// Hashes the password (argon2id, 32 MiB) and puts it into `state_dir`, readable by the directory's
/// owner only (0600); replaces an older one at once and whole. The directory is made if it is not
/// there. An Error says what is wrong with the password or with the directory.
[[nodiscard]] Result<void> write_password(const std::filesystem::path& state_dir,
                                          const std::string& password);

/// The hash, or nothing while no password was ever set. An Error when the file is there but cannot
/// be read or holds no hash. Reads from disk.
[[nodiscard]] Result<std::optional<std::string>> read_password(
    const std::filesystem::path& state_dir);

/// Takes about a tenth of a second and 32 MiB.
[[nodiscard]] bool password_matches(const std::string& hash, const std::string& password);

/// Who tries a password: an address, or a device that has signed in before.
struct Guesser {
  std::string account;  ///< throttle_key() of the address, or the device
  bool known_device = false;
};

/// Slows down guessing and shuts nobody out: three wrong passwords of an account are free, then
/// each doubles its delay from 1 s up to 30 s. An attempt within the delay is refused unseen and
/// costs nothing. Twenty wrong ones in all delay every address, up to 30 s, but no device that has
/// signed in before: whoever shares the owner's address cannot keep him out there. A device that is
/// new can be made to wait for as long as somebody goes on guessing from its address. An hour
/// without an attempt forgives an account; of all, one is forgiven a minute.
class LoginThrottle {
 public:
  /// How long he has to wait; nothing or less: try.
  [[nodiscard]] Duration wait(const Guesser& who, Instant now) const;
  /// A wrong password was tried.
  void failed(const Guesser& who, Instant now);
  void succeeded(const Guesser& who) { accounts_.erase(who.account); }

 private:
  struct Account {
    unsigned failures = 0;
    Instant last{};
    Instant free_at{};
  };
  void forget(Instant now);

  std::map<std::string, Account> accounts_;
  unsigned failures_ = 0;  ///< of all, less those forgiven since
  Instant forgiven_{};
  Instant free_at_{};
};

/// The address whose failures count together: an IPv6 host owns its whole /64.
[[nodiscard]] std::string throttle_key(const std::string& address);

/// For the cookie by which a device that has signed in is known again: a random name, signed with
/// what only who can read the password file knows. Nothing is kept; a new password ends them all.
[[nodiscard]] std::string device_token(const std::string& password_hash);
/// The account of the device with this token; nothing if the token is none of ours.
[[nodiscard]] std::optional<std::string> device_of(const std::string& token,
                                                   const std::string& password_hash);

struct OpenSession {
  std::string token;  ///< for the cookie
  std::string csrf;   ///< to be sent in a header with every write
  Duration left{};
};

/// Who is signed in. In memory only: a restart signs everybody out. Thread-safe.
class Sessions {
 public:
  static constexpr Duration idle_limit = 30min;
  static constexpr Duration life = 12h;
  static constexpr std::size_t most = 32;  ///< then the one longest unused ends

  [[nodiscard]] OpenSession open(const std::string& password_hash, Instant now);
  /// The session, if it is alive and was opened with the password of today; using it prolongs it.
  [[nodiscard]] std::optional<OpenSession> find(const std::string& token,
                                                const std::string& password_hash, Instant now);
  void close(const std::string& token);

 private:
  struct Session {
    std::string token;
    std::string csrf;
    std::string password_hash;
    Instant opened{};
    Instant used{};
  };
  static Duration left(const Session& session, Instant now);

  std::mutex mutex_;
  std::vector<Session> sessions_;
};

/// Compares without telling by its time how much was right.
[[nodiscard]] bool same_secret(const std::string& a, const std::string& b);

}  // namespace esshub::publish
