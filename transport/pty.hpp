// Pty: the device's end of a pseudo-terminal, with a link under a stable name for the other side.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace esshub::transport {

/// The other side may open, close and reopen the link at will. As on a real serial port, what is
/// written while nobody has it open is lost, and so is what nobody reads: write() never blocks.
/// All of it runs on the io_context's thread.
class Pty : public std::enable_shared_from_this<Pty> {
 public:
  using OnBytes = std::function<void(std::span<const std::byte> bytes,
                                     std::chrono::steady_clock::time_point at)>;

  /// Makes a pseudo-terminal in raw mode and points `link` at it, replacing an older symbolic link
  /// but nothing else. nullptr on failure, with `reason` for a person.
  [[nodiscard]] static std::shared_ptr<Pty> open(boost::asio::io_context& io, std::string link,
                                                 OnBytes on_bytes, std::string& reason,
                                                 std::uint32_t baud = 9600);
  Pty(boost::asio::io_context& io, std::string link, OnBytes on_bytes, std::uint32_t baud);
  ~Pty();
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;

  void write(std::span<const std::byte> bytes);
  /// The speed the other side has set, which a pseudo-terminal remembers and nothing else; until it
  /// sets one, and again for the next to open it, this is `baud`.
  [[nodiscard]] std::uint32_t baud();
  /// Removes the link and hangs up. After it no callback is called.
  void close();
  [[nodiscard]] const std::string& link() const { return link_; }

 private:
  [[nodiscard]] bool make(std::string& reason);
  /// Raw mode, no leftovers, free for the next to open: as a port that was just plugged in.
  [[nodiscard]] bool prepare_slave() const;
  void read();
  void wait_for_peer();

  boost::asio::posix::stream_descriptor master_;
  boost::asio::steady_timer timer_;
  std::string link_;
  std::string slave_;
  OnBytes on_bytes_;
  std::uint32_t baud_;
  bool peer_ = false;  ///< somebody has the slave open
  std::array<std::byte, 1024> buffer_{};
};

}  // namespace esshub::transport
