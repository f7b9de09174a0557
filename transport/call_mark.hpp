// CallMark: which system call a line's thread is in, and since when, for others to see.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace esshub::transport {

/// The calls that a wedged driver or adapter can hold for ever.
enum class SystemCall : std::uint8_t {
  none,
  open,
  flock,
  tcgetattr,
  tcsetattr,
  tcflush,
  ioctl,
  read,
  write,
  close,
  socket,
  setsockopt,
  bind,
  connect,
  readlink,  ///< the search for who holds the port
};
inline constexpr std::array<std::string_view, 15> system_call_names{
    "",      "open",  "flock",  "tcgetattr",  "tcsetattr", "tcflush", "ioctl",   "read",
    "write", "close", "socket", "setsockopt", "bind",      "connect", "readlink"};
static_assert(system_call_names.size() == static_cast<std::size_t>(SystemCall::readlink) + 1);

/// One thread marks, any thread may look. Call and time are one atomic word: never torn.
class CallMark {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  struct Call {
    std::string_view name;  ///< as in system_call_names
    Instant since;          ///< steady clock, cut to microseconds
  };

  /// What `call()` returns; the thread is marked while it runs. errno stays as the call left it.
  template <class F>
  auto during(SystemCall which, F call) {
    const Scope scope{*this, which};
    return call();
  }
  /// Nothing: in none of the marked calls.
  [[nodiscard]] std::optional<Call> current() const {
    const std::uint64_t word = word_.load(std::memory_order_acquire);
    if (word == 0) return std::nullopt;
    return Call{system_call_names.at(word & 0xFFu),
                Instant{std::chrono::microseconds{static_cast<std::int64_t>(word >> 8u)}}};
  }

 private:
  class Scope {
   public:
    Scope(CallMark& mark, SystemCall which) : mark_(mark), outer_(mark.word_.load()) {
      const auto since = std::chrono::duration_cast<std::chrono::microseconds>(
          std::chrono::steady_clock::now().time_since_epoch());
      mark_.word_.store(
          static_cast<std::uint64_t>(since.count()) << 8u | static_cast<std::uint64_t>(which),
          std::memory_order_release);
    }
    ~Scope() { mark_.word_.store(outer_, std::memory_order_release); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    CallMark& mark_;
    std::uint64_t outer_;
  };
  std::atomic<std::uint64_t> word_{0};  ///< microseconds since the clock's epoch, then the call
};

}  // namespace esshub::transport
