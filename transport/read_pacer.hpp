// ReadPacer: lets a line read at its wire's rate, tells when more than that comes, and notices what
// waited because nobody read.
#pragma once

#include <utility>  // before Boost.Asio 1.74, which forgets it

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "transport/line.hpp"
#include "transport/read_throttle.hpp"

namespace esshub::transport {

/// For one line at a time, on its thread; `owner` is the line, which the timers hold.
class ReadPacer {
 public:
  ReadPacer(boost::asio::io_context& io, double wire_rate)
      : throttle_(wire_rate), pause_(io), watch_(io) {}

  /// `discard_input` throws away what waits in the kernel; true: there may be more behind it. The
  /// line may be closed in it. Of `callbacks` on_flood and on_discard are called.
  void start(const std::shared_ptr<void>& owner, const Line::Callbacks& callbacks,
             std::function<bool()> discard_input) {
    stop();
    looked_ = current_from_ = now();
    throttle_.reset(looked_);
    on_flood_ = callbacks.on_flood;
    on_discard_ = callbacks.on_discard;
    discard_input_ = std::move(discard_input);
    watch(owner);
  }
  void stop() {
    ++watches_;
    on_flood_ = {};
    on_discard_ = {};
    discard_input_ = {};
    told_ = false;
    pause_.cancel();
    watch_.cancel();
  }
  void set_wire_rate(double wire_rate) { throttle_.set_wire_rate(wire_rate); }

  [[nodiscard]] std::size_t allowance() { return throttle_.allowance(now()); }
  /// Calls `read()` as soon as the line may be read again, maybe at once. It has to see for itself
  /// whether the line has been closed since.
  template <class Read>
  void when_allowed(const std::shared_ptr<void>& owner, Read read) {
    const auto at = throttle_.next_read(now());
    if (at <= now()) return read();
    pause_.expires_at(at);
    pause_.async_wait([owner, read = std::move(read)](const boost::system::error_code& error) {
      if (!error) read();
    });
  }
  /// Of what was read last: it may have waited for longer than `longest_unread`.
  [[nodiscard]] bool waited() { return look() || now() < current_from_; }
  /// May call on_flood, in which the line may be closed.
  void took(std::size_t bytes) {
    throttle_.took(bytes, now());
    tell();
  }

 private:
  static ReadThrottle::Instant now() { return std::chrono::steady_clock::now(); }

  void tell() {
    const bool flooded = throttle_.flooded(now());
    if (std::exchange(told_, flooded) == flooded) return;
    if (const auto on_flood = on_flood_) on_flood(flooded);
  }
  /// True: the thread stood still until now.
  bool look() {
    const auto at = now();
    const auto unread = at - std::exchange(looked_, at);
    if (unread <= longest_unread) return false;
    if (const auto on_discard = on_discard_) on_discard(unread);
    if (const auto discard_input = discard_input_; discard_input && discard_input())
      current_from_ = at + look_period;
    return true;
  }
  /// The end of a flood, and a thread that stood still, may be followed by silence.
  void watch(const std::shared_ptr<void>& owner) {
    watch_.expires_after(look_period);
    watch_.async_wait([this, owner, mine = watches_](const boost::system::error_code& error) {
      if (error || mine != watches_) return;
      look();
      if (told_) tell();
      if (mine == watches_) watch(owner);
    });
  }

  ReadThrottle throttle_;
  boost::asio::steady_timer pause_;
  boost::asio::steady_timer watch_;
  std::function<void(bool)> on_flood_;
  std::function<void(std::chrono::steady_clock::duration)> on_discard_;
  std::function<bool()> discard_input_;
  bool told_ = false;
  ReadThrottle::Instant looked_{};
  ReadThrottle::Instant current_from_{};  ///< what is read earlier may have waited
  std::uint64_t watches_ = 0;             ///< counts start() and stop()
};

}  // namespace esshub::transport
