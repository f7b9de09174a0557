// ReadPacer: lets a line read at its wire's rate and tells when more than that comes.
#pragma once

#include <utility>  // before Boost.Asio 1.74, which forgets it

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "transport/read_throttle.hpp"

namespace esshub::transport {

/// For one line at a time, on its thread; `owner` is the line, which the timers hold.
class ReadPacer {
 public:
  ReadPacer(boost::asio::io_context& io, double wire_rate)
      : throttle_(wire_rate), pause_(io), watch_(io) {}

  void start(std::function<void(bool flooded)> on_flood) {
    throttle_.reset(now());
    on_flood_ = std::move(on_flood);
    told_ = false;
  }
  void stop() {
    on_flood_ = {};
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
  /// May call on_flood, in which the line may be closed.
  void took(std::size_t bytes, const std::shared_ptr<void>& owner) {
    throttle_.took(bytes, now());
    tell(owner);
  }

 private:
  static ReadThrottle::Instant now() { return std::chrono::steady_clock::now(); }

  void tell(const std::shared_ptr<void>& owner) {
    const bool flooded = throttle_.flooded(now());
    if (std::exchange(told_, flooded) == flooded) return;
    if (flooded) watch(owner);
    if (const auto on_flood = on_flood_) on_flood(flooded);
  }
  /// The end of a flood may be silence.
  void watch(const std::shared_ptr<void>& owner) {
    watch_.expires_after(std::chrono::milliseconds{200});
    watch_.async_wait([this, owner](const boost::system::error_code& error) {
      if (error || !told_) return;
      tell(owner);
      if (told_) watch(owner);
    });
  }

  ReadThrottle throttle_;
  boost::asio::steady_timer pause_;
  boost::asio::steady_timer watch_;
  std::function<void(bool)> on_flood_;
  bool told_ = false;
};

}  // namespace esshub::transport
