// Line: moves bytes over one physical bus and knows nothing of their meaning.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace esshub::transport {

struct SerialPort {
  std::string path;
  std::uint32_t baud = 9600;
  char parity = 'N';       ///< N, E or O
  unsigned stop_bits = 1;  ///< 1 or 2
};
struct SocketCan {
  std::string interface;
  std::uint32_t filter_id = 0x300;  ///< standard data frames with (id & mask) == filter_id
  std::uint32_t filter_mask = 0x700;
};
struct TcpPort {
  std::string host;
  std::uint16_t port = 0;
  std::uint32_t baud = 0;  ///< of the wire behind the gateway; 0: not known
};
using LineSettings = std::variant<SerialPort, SocketCan, TcpPort>;

/// A line whose thread was elsewhere for longer, in a system call that hung or because the machine
/// stood still, throws away what waited in the kernel: nobody knows how old it is. Where so much
/// waited that the device may have been held back, also what it reads within one more look. 300 ms
/// are three looks: a healthy thread, which never sleeps longer than one, is not taken for one that
/// hung because the machine is busy; F10's shortest stall is as long. By so much a value may seem
/// too young, and so be shown past its maximum age (I10), which is 0.5 to 3 s.
inline constexpr std::chrono::milliseconds longest_unread{300};
inline constexpr std::chrono::milliseconds look_period{100};

/// One open-close-reopen life of a bus. All work is done and all callbacks are called on the thread
/// that runs the line's io_context (in the hub: the bus's own). All methods may be called from any
/// thread and take effect there, in order: what is posted to the io_context after write() runs
/// after the device was given the bytes, unless it takes no more. After close() no callback is
/// called. A line goes before its io_context.
class Line : public std::enable_shared_from_this<Line> {
 public:
  struct Callbacks {
    std::function<void()> on_up;
    /// `at`: steady clock, when the last byte of the chunk had arrived, or up to `longest_unread`
    /// later.
    std::function<void(std::vector<std::byte> bytes, std::chrono::steady_clock::time_point at)>
        on_chunk;
    /// The line failed or could not be opened; `reason` is for a person and says what to do.
    std::function<void(std::string reason)> on_down;
    /// More comes than the wire can carry (true), or that is over (false, after 10 s). No more is
    /// read than 1.5 times what it can; the rest stays in the kernel.
    std::function<void(bool flooded)> on_flood = {};
    /// The thread did not look at its port for so long, more than `longest_unread`: what has come
    /// meanwhile is thrown away.
    std::function<void(std::chrono::steady_clock::duration unread)> on_discard = {};
  };
  virtual ~Line() = default;
  virtual void open(Callbacks callbacks) = 0;
  virtual void write(std::vector<std::byte> bytes) = 0;
  /// Serial lines change speed; others ignore it.
  virtual void set_baud(std::uint32_t baud) = 0;
  virtual void close() = 0;
};

}  // namespace esshub::transport
