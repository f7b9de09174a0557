// StreamLine: what all lines over a byte stream share - reading, the write queue, one life.
#pragma once

#include <utility>  // before Boost.Asio 1.74, which forgets it

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "transport/call_mark.hpp"
#include "transport/line.hpp"
#include "transport/read_pacer.hpp"

namespace esshub::transport {

/// All work happens on the io_context's thread; every handler holds the line and knows in which
/// life it was started, so that a handler of an earlier life finds nothing to do. Asio only tells
/// when the stream is ready: the calls are made here, under the line's mark.
template <class Stream>
class StreamLine : public Line {
 public:
  /// `wire_rate`: bytes a second that the wire can carry.
  StreamLine(boost::asio::io_context& io, double wire_rate, std::shared_ptr<CallMark> mark)
      : io_(io),
        stream_(io),
        mark_(mark ? std::move(mark) : std::make_shared<CallMark>()),
        pacer_(io, wire_rate) {}
  StreamLine(const StreamLine&) = delete;
  StreamLine& operator=(const StreamLine&) = delete;

  void open(Callbacks callbacks) final {
    on_io([callbacks = std::move(callbacks)](StreamLine& line) mutable {
      line.end_life();
      line.callbacks_ = std::move(callbacks);
      line.connect();
    });
  }
  void write(std::vector<std::byte> bytes) final {
    on_io([bytes = std::move(bytes), asked = std::chrono::steady_clock::now()](
              StreamLine& line) mutable { line.enqueue(std::move(bytes), asked); });
  }
  void set_baud(std::uint32_t baud) final {
    on_io([baud](StreamLine& line) {
      if (line.up_) line.change_baud(baud);
    });
  }
  void close() final {
    on_io([](StreamLine& line) { line.end_life(); });
  }

 protected:
  /// Begins to open stream(), non-blocking; ends in went_up() or went_down().
  virtual void connect() = 0;
  /// Only while up.
  virtual void change_baud(std::uint32_t) {}
  /// Throws away what the device has not taken yet: closing must not wait for it.
  virtual void discard_output() {}
  /// Throws away what has come and was not read; true: there may be more of it.
  virtual bool discard_input() {
    for (int i = 0; i < most_discards; ++i)
      if (uninterrupted([this] { return read_some(buffer_); }) <= 0) return false;
    return true;
  }
  /// As read(2) and write(2), under the mark; must not block, nor raise SIGPIPE.
  virtual ssize_t read_some(std::span<std::byte> into) = 0;
  virtual ssize_t write_some(std::span<const std::byte> bytes) = 0;
  /// What a failed read or write means here, for a person.
  [[nodiscard]] virtual std::string explain(const boost::system::error_code& error) const = 0;
  /// What may be wrong where bytes are not taken, for a person.
  [[nodiscard]] virtual std::string suspects() const = 0;

  [[nodiscard]] boost::asio::io_context& io() { return io_; }
  [[nodiscard]] Stream& stream() { return stream_; }
  [[nodiscard]] std::uint64_t life() const { return life_; }
  [[nodiscard]] CallMark& mark() { return *mark_; }

  void set_wire_rate(double wire_rate) { pacer_.set_wire_rate(wire_rate); }

  void went_up() {
    up_ = true;
    pacer_.start(this->shared_from_this(), callbacks_, [this] { return discard_input(); });
    read_when_allowed();
    if (callbacks_.on_up) callbacks_.on_up();
  }
  /// Ends this life; the only way on_down is called.
  void went_down(std::string reason) {
    const auto on_down = std::move(callbacks_.on_down);
    end_life();
    if (on_down) on_down(std::move(reason));
  }
  /// Closes the stream; what is under way finds another life. Destructors call it, so that a close
  /// that hangs is named there too.
  void end_life() {
    ++life_;
    up_ = false;
    callbacks_ = {};
    queue_.clear();
    pacer_.stop();
    if (!stream_.is_open()) return;
    discard_output();
    boost::system::error_code ignored;
    mark_->during(SystemCall::close, [&] { stream_.close(ignored); });
  }
  /// Runs `work(line)` on the io_context's thread, holding the line.
  template <class Work>
  void on_io(Work work) {
    boost::asio::post(
        io_, [self = shared_from_this(), this, work = std::move(work)]() mutable { work(*this); });
  }

 private:
  // A device that takes no bytes for so long, or for so many frames, is broken; and an old frame
  // must not reach it late: it may hold a command that has expired.
  static constexpr std::size_t max_queued = 64;
  static constexpr std::chrono::milliseconds max_wait{500};
  static constexpr int most_discards = 4096;  // buffers: more than a socket keeps
  struct Outgoing {
    std::vector<std::byte> bytes;
    std::size_t written;
    std::chrono::steady_clock::time_point queued;
  };

  void read_when_allowed() {
    pacer_.when_allowed(this->shared_from_this(), [this, mine = life_] {
      if (mine == life_) wait_for_bytes();
    });
  }

  void wait_for_bytes() {
    stream_.async_wait(Stream::wait_read, [self = shared_from_this(), this,
                                           mine = life_](const boost::system::error_code& error) {
      if (mine != life_) return;
      if (error) return went_down(explain(error));
      read();
    });
  }

  void read() {
    const auto room = std::span{buffer_}.first(std::min(buffer_.size(), pacer_.allowance()));
    const auto size = uninterrupted([&] { return read_some(room); });
    const auto at = std::chrono::steady_clock::now();
    if (size == 0) return went_down(explain(boost::asio::error::eof));
    if (size < 0 && !would_block()) return went_down(explain(last_error()));
    const auto mine = life_;
    if (size > 0 && !pacer_.waited() && callbacks_.on_chunk)
      callbacks_.on_chunk({buffer_.data(), buffer_.data() + size}, at);
    if (mine == life_ && size > 0) pacer_.took(static_cast<std::size_t>(size));
    if (mine == life_) read_when_allowed();
  }

  void enqueue(std::vector<std::byte> bytes, std::chrono::steady_clock::time_point asked) {
    const auto now = std::chrono::steady_clock::now();
    // The process stood still between the decision to send and this: too old to be sent at all.
    if (!up_ || bytes.empty() || now - asked > max_wait) return;
    if (queue_.size() >= max_queued || (!queue_.empty() && now - queue_.front().queued > max_wait))
      return went_down("it takes no more bytes: " + suspects());
    queue_.push_back({std::move(bytes), 0, now});
    if (queue_.size() == 1) write_queued();
  }

  /// Writes what the stream takes now; the rest when it is ready for more.
  void write_queued() {
    while (!queue_.empty()) {
      auto& frame = queue_.front();
      if (frame.written == 0 && std::chrono::steady_clock::now() - frame.queued > max_wait)
        return went_down("it took its bytes too slowly: " + suspects());
      const auto size = uninterrupted([&] {
        return write_some(std::span<const std::byte>{frame.bytes}.subspan(frame.written));
      });
      if (size < 0 && !would_block()) return went_down(explain(last_error()));
      if (size > 0) frame.written += static_cast<std::size_t>(size);
      if (frame.written < frame.bytes.size()) return wait_for_room();
      queue_.pop_front();
    }
  }

  void wait_for_room() {
    stream_.async_wait(Stream::wait_write, [self = shared_from_this(), this,
                                            mine = life_](const boost::system::error_code& error) {
      if (mine != life_) return;
      if (error) return went_down(explain(error));
      write_queued();
    });
  }

  template <class Call>
  static ssize_t uninterrupted(Call call) {
    ssize_t result = 0;
    do {
      result = call();
    } while (result < 0 && errno == EINTR);
    return result;
  }
  [[nodiscard]] static bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }
  [[nodiscard]] static boost::system::error_code last_error() {
    return {errno, boost::asio::error::get_system_category()};
  }

  boost::asio::io_context& io_;
  Stream stream_;
  std::shared_ptr<CallMark> mark_;
  ReadPacer pacer_;
  Callbacks callbacks_;
  std::uint64_t life_ = 0;
  bool up_ = false;
  std::array<std::byte, 4096> buffer_{};
  std::deque<Outgoing> queue_;
};

}  // namespace esshub::transport
