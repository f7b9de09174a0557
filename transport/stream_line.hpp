// StreamLine: what all lines over an Asio byte stream share - reading, the write queue, one life.
#pragma once

#include <utility>  // before Boost.Asio 1.74, which forgets it

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "transport/line.hpp"

namespace esshub::transport {

/// All work happens on the I/O thread; every handler holds the line and knows in which life it was
/// started, so that a handler of an earlier life finds nothing to do.
template <class Stream>
class StreamLine : public Line {
 public:
  explicit StreamLine(boost::asio::io_context& io) : io_(io), stream_(io) {}

  void open(Callbacks callbacks) final {
    on_io([callbacks = std::move(callbacks)](StreamLine& line) mutable {
      line.end_life();
      line.callbacks_ = std::move(callbacks);
      line.connect();
    });
  }
  void write(std::vector<std::byte> bytes) final {
    on_io([bytes = std::move(bytes)](StreamLine& line) mutable { line.enqueue(std::move(bytes)); });
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
  /// Begins to open stream(); ends in went_up() or went_down().
  virtual void connect() = 0;
  /// Only while up.
  virtual void change_baud(std::uint32_t) {}
  /// Throws away what the device has not taken yet: closing must not wait for it.
  virtual void discard_output() {}
  /// What a failed read or write means here, for a person.
  [[nodiscard]] virtual std::string explain(const boost::system::error_code& error) const = 0;

  [[nodiscard]] boost::asio::io_context& io() { return io_; }
  [[nodiscard]] Stream& stream() { return stream_; }
  [[nodiscard]] std::uint64_t life() const { return life_; }

  void went_up() {
    up_ = true;
    read_next();
    if (callbacks_.on_up) callbacks_.on_up();
  }
  /// Ends this life; the only way on_down is called.
  void went_down(std::string reason) {
    const auto on_down = std::move(callbacks_.on_down);
    end_life();
    if (on_down) on_down(std::move(reason));
  }
  /// Runs `work(line)` on the I/O thread, holding the line.
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
  struct Outgoing {
    std::vector<std::byte> bytes;
    std::chrono::steady_clock::time_point queued;
  };

  void end_life() {
    ++life_;
    up_ = false;
    callbacks_ = {};
    queue_.clear();
    if (!stream_.is_open()) return;
    discard_output();
    boost::system::error_code ignored;
    stream_.close(ignored);
  }

  void read_next() {
    stream_.async_read_some(boost::asio::buffer(buffer_),
                            [self = shared_from_this(), this, mine = life_](
                                const boost::system::error_code& error, std::size_t size) {
                              const auto at = std::chrono::steady_clock::now();
                              if (mine != life_) return;
                              if (error) return went_down(explain(error));
                              if (callbacks_.on_chunk)
                                callbacks_.on_chunk({buffer_.data(), buffer_.data() + size}, at);
                              if (mine == life_) read_next();
                            });
  }

  void enqueue(std::vector<std::byte> bytes) {
    if (!up_ || bytes.empty()) return;
    const auto now = std::chrono::steady_clock::now();
    if (queue_.size() >= max_queued || (!queue_.empty() && now - queue_.front()->queued > max_wait))
      return went_down("it takes no more bytes: cable or adapter?");
    queue_.push_back(std::make_shared<const Outgoing>(Outgoing{std::move(bytes), now}));
    if (queue_.size() == 1) write_next();
  }

  void write_next() {
    const auto frame = queue_.front();  // the handler keeps it alive, whatever becomes of the queue
    boost::asio::async_write(
        stream_, boost::asio::buffer(frame->bytes),
        [self = shared_from_this(), this, frame, mine = life_](
            const boost::system::error_code& error, std::size_t) {
          if (mine != life_) return;
          if (error) return went_down(explain(error));
          queue_.pop_front();
          if (queue_.empty()) return;
          if (std::chrono::steady_clock::now() - queue_.front()->queued > max_wait)
            return went_down("it took its bytes too slowly: cable or adapter?");
          write_next();
        });
  }

  boost::asio::io_context& io_;
  Stream stream_;
  Callbacks callbacks_;
  std::uint64_t life_ = 0;
  bool up_ = false;
  std::array<std::byte, 4096> buffer_{};
  std::deque<std::shared_ptr<const Outgoing>> queue_;
};

}  // namespace esshub::transport
