#include "transport/can_line.hpp"

#include <linux/can.h>
#include <linux/can/error.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "transport/read_pacer.hpp"

namespace esshub::transport {
namespace {

constexpr std::size_t record_size = sizeof(can_frame);
static_assert(record_size == 16);
/// Most records handed over in one chunk; a burst of the battery has six.
constexpr std::size_t records_per_chunk = 64;
constexpr int most_discards = 65'536;  ///< records: more than a socket keeps
/// 500 kbit/s full of frames with 8 bytes and no stuffed bit, 111 bits each
/// (reference: pylontech-can#1).
constexpr double wire_rate = 500'000.0 / 111.0 * record_size;

std::string with_errno(const std::string& text, int error) {
  return text + " (errno " + std::to_string(error) + ", " + std::generic_category().message(error) +
         ")";
}

/// What a failed read or write means for the person at the cables.
std::string explain(int error) {
  switch (error) {
    case ENOBUFS:
      return with_errno(
          "the CAN transmit queue is full: nobody acknowledges our frames; check that the battery "
          "is on, the cable, the 120 ohm terminators and 500 kbit/s",
          error);
    case ENETDOWN:
      return with_errno("the CAN interface went down, or is bus-off without restart-ms", error);
    case ENODEV:
    case ENXIO:
      return with_errno("the CAN interface is gone: was its adapter unplugged?", error);
    default:
      return with_errno("the CAN socket failed", error);
  }
}

CanSocket refused(std::string reason) {
  return {-1, std::move(reason)};
}

/// The interface's index, or the reason why it cannot be used.
std::variant<int, std::string> usable_interface(int fd, const std::string& name, CallMark& mark) {
  ifreq request{};
  if (name.empty() || name.size() >= sizeof(request.ifr_name))
    return "\"" + name + "\" is no name of a network interface";
  std::memcpy(request.ifr_name, name.data(), name.size());
  const std::string set_up = "ip link set " + name + " up type can bitrate 500000 restart-ms 100";
  const auto ask = [&](unsigned long what) {
    return mark.during(SystemCall::ioctl, [&] { return ::ioctl(fd, what, &request); });
  };
  if (ask(SIOCGIFINDEX) < 0)
    return with_errno("no interface " + name + ": plug the adapter in, then `" + set_up + "`",
                      errno);
  const int index = request.ifr_ifindex;
  if (ask(SIOCGIFFLAGS) < 0) return with_errno("cannot ask for the state of " + name, errno);
  if ((request.ifr_flags & IFF_UP) == 0) return "interface " + name + " is down: `" + set_up + "`";
  return index;
}

bool set_filters(int fd, const SocketCan& settings) {
  // Standard data frames only (reference: pylontech-can#8).
  const can_filter filter{settings.filter_id, settings.filter_mask | CAN_EFF_FLAG | CAN_RTR_FLAG};
  // CAN_ERR_BUSERROR is left out: it may flood.
  const can_err_mask_t errors =
      CAN_ERR_TX_TIMEOUT | CAN_ERR_CRTL | CAN_ERR_ACK | CAN_ERR_BUSOFF | CAN_ERR_RESTARTED;
  return ::setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, &filter, sizeof filter) == 0 &&
         ::setsockopt(fd, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &errors, sizeof errors) == 0;
}

bool bind_to(int fd, int index) {
  sockaddr_can address{};
  address.can_family = AF_CAN;
  address.can_ifindex = index;
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

using Record = std::array<std::byte, record_size>;

/// What the controller says of the bus, in place of a frame.
bool is_error_frame(const Record& record) {
  canid_t id = 0;
  std::memcpy(&id, record.data(), sizeof id);
  return (id & CAN_ERR_FLAG) != 0;
}

using Steady = std::chrono::steady_clock::time_point;

std::chrono::nanoseconds since_epoch(const timespec& time) {
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

/// What recvmsg brought besides the record: when the kernel got it, by the wall clock.
std::optional<std::chrono::nanoseconds> stamp_of(msghdr& message) {
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_TIMESTAMPNS) continue;
    timespec time{};
    std::memcpy(&time, CMSG_DATA(part), sizeof time);
    return since_epoch(time);
  }
  return std::nullopt;
}

class CanLine final : public Line {
 public:
  CanLine(boost::asio::io_context& io, std::function<CanSocket()> open_socket,
          std::shared_ptr<CallMark> mark)
      : io_(io),
        open_socket_(std::move(open_socket)),
        socket_(io),
        mark_(mark ? std::move(mark) : std::make_shared<CallMark>()),
        pacer_(io, wire_rate) {}
  CanLine(const CanLine&) = delete;
  CanLine& operator=(const CanLine&) = delete;
  ~CanLine() override { shut(); }

  void open(Callbacks callbacks) override {
    on_io([this, callbacks = std::move(callbacks)]() mutable {
      shut();
      callbacks_ = std::move(callbacks);
      const CanSocket opened = open_socket_();
      if (opened.fd < 0) {
        fail(opened.reason);
        return;
      }
      boost::system::error_code error;
      socket_.assign(opened.fd, error);
      if (error) {
        mark_->during(SystemCall::close, [&] { ::close(opened.fd); });
        fail(explain(error.value()));
        return;
      }
      emptied_at_ = std::chrono::steady_clock::now();
      pacer_.start(shared_from_this(), callbacks_, [this] { return discard_input(); });
      const auto life = life_;
      if (callbacks_.on_up) callbacks_.on_up();
      if (life == life_) read_when_allowed();
    });
  }

  void write(std::vector<std::byte> bytes) override {
    on_io([this, bytes = std::move(bytes)] {
      for (std::size_t at = 0; socket_.is_open() && at < bytes.size(); at += record_size)
        write_record(bytes.data() + at, std::min(record_size, bytes.size() - at));
    });
  }

  void set_baud(std::uint32_t) override {}

  void close() override {
    on_io([this] { shut(); });
  }

 private:
  template <class Work>
  void on_io(Work work) {
    boost::asio::post(io_,
                      [self = shared_from_this(), work = std::move(work)]() mutable { work(); });
  }

  void shut() {
    callbacks_ = {};
    ++life_;
    pacer_.stop();
    boost::system::error_code ignored;
    if (socket_.is_open()) mark_->during(SystemCall::close, [&] { socket_.close(ignored); });
  }

  void fail(const std::string& reason) {
    const auto on_down = std::move(callbacks_.on_down);
    shut();
    if (on_down) on_down(reason);
  }

  void read_when_allowed() {
    pacer_.when_allowed(shared_from_this(), [this, life = life_] {
      if (life == life_) wait();
    });
  }

  void wait() {
    socket_.async_wait(
        boost::asio::posix::stream_descriptor::wait_read,
        [this, self = shared_from_this(), life = life_](const boost::system::error_code& error) {
          if (life != life_) return;  // closed or opened again since
          if (error) {
            fail(explain(error.value()));
            return;
          }
          read();
        });
  }

  /// Returns 0, EAGAIN where nothing is there, or the errno of a failure.
  int receive(Record& record, std::optional<std::chrono::nanoseconds>& stamp) {
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(timespec))> control{};
    iovec place{record.data(), record.size()};
    msghdr message{};
    message.msg_iov = &place;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t n = 0;
    do {
      n = mark_->during(SystemCall::read,
                        [&] { return ::recvmsg(socket_.native_handle(), &message, MSG_DONTWAIT); });
    } while (n < 0 && errno == EINTR);
    if (n < 0) return errno;
    if (n != static_cast<ssize_t>(record_size)) return EIO;
    stamp = stamp_of(message);
    return 0;
  }

  /// Their stamps would tell how old they are, unless the wall clock has been set meanwhile. What
  /// the controller says of the bus holds whatever its age, and an error comes only once.
  bool discard_input() {
    keep_error_frames();
    int error = 0;
    for (int i = 0; i < most_discards && error == 0; ++i) {
      Record record{};
      std::optional<std::chrono::nanoseconds> ignored;
      error = receive(record, ignored);
      if (error == 0 && is_error_frame(record))
        chunk_.insert(chunk_.end(), record.begin(), record.end());
    }
    const auto now = std::chrono::steady_clock::now();
    hand_over(now);
    if (error == EAGAIN) emptied_at_ = now;  // nothing that comes later is older than this chunk
    if (error != 0 && error != EAGAIN) fail(explain(error));
    return error == 0;
  }

  void keep_error_frames() {
    std::vector<std::byte> kept;
    for (std::size_t at = 0; at < chunk_.size(); at += record_size) {
      Record record{};
      std::copy_n(chunk_.data() + at, record_size, record.begin());
      if (is_error_frame(record)) kept.insert(kept.end(), record.begin(), record.end());
    }
    chunk_ = std::move(kept);
  }

  void hand_over(Steady at) {
    auto chunk = std::exchange(chunk_, {});
    if (!chunk.empty() && callbacks_.on_chunk) callbacks_.on_chunk(std::move(chunk), at);
  }

  /// The kernel's stamp on the steady clock. The wall clock may have been set since: what was
  /// waiting cannot be older than the moment at which the socket was empty, nor younger than now.
  [[nodiscard]] Steady arrival(std::optional<std::chrono::nanoseconds> stamp, Steady now) const {
    timespec wall{};
    if (!stamp || ::clock_gettime(CLOCK_REALTIME, &wall) != 0) return now;
    return std::clamp(now - (since_epoch(wall) - *stamp), emptied_at_, now);
  }

  /// Takes what is there; a socket that has nothing left says so.
  void read() {
    const auto begun = std::chrono::steady_clock::now();
    std::optional<std::chrono::nanoseconds> stamp;  // of the newest record
    std::optional<int> failed;
    bool emptied = false;
    const auto most = std::min(records_per_chunk, pacer_.allowance() / record_size);
    for (std::size_t i = 0; i < most && !emptied && !failed; ++i) {
      Record record{};
      const int error = receive(record, stamp);
      if (error == 0) {
        chunk_.insert(chunk_.end(), record.begin(), record.end());
      } else if (error == EAGAIN) {
        emptied = true;
      } else {
        failed = error;
      }
    }
    const auto at = arrival(stamp, std::chrono::steady_clock::now());
    // Also not older than this chunk: time never runs backwards from chunk to chunk.
    emptied_at_ = emptied ? std::max(at, begun) : at;
    const auto life = life_;
    const auto size = chunk_.size();
    if (size > 0 && pacer_.waited()) keep_error_frames();
    hand_over(at);
    if (life != life_) return;
    if (failed) return fail(explain(*failed));
    pacer_.took(size);
    if (life == life_) read_when_allowed();
  }

  void write_record(const std::byte* record, std::size_t size) {
    ssize_t n = 0;
    do {
      n = mark_->during(SystemCall::write, [&] {
        return ::send(socket_.native_handle(), record, size, MSG_DONTWAIT | MSG_NOSIGNAL);
      });
    } while (n < 0 && errno == EINTR);
    if (n == static_cast<ssize_t>(size)) return;
    const int error = n < 0 ? errno : EIO;
    // A full socket buffer means the same as a full interface queue: nothing leaves.
    fail(explain(error == EAGAIN ? ENOBUFS : error));
  }

  boost::asio::io_context& io_;
  std::function<CanSocket()> open_socket_;
  boost::asio::posix::stream_descriptor socket_;
  std::shared_ptr<CallMark> mark_;
  ReadPacer pacer_;
  Callbacks callbacks_;
  std::vector<std::byte> chunk_;  ///< being read; empty in between
  Steady emptied_at_{};           ///< nothing read from now on arrived before
  std::uint64_t life_ = 0;  ///< counts open() and close(): handlers of an earlier life do nothing
};

}  // namespace

CanSocket open_can_socket(const SocketCan& settings, CallMark& mark) {
  const int fd = mark.during(SystemCall::socket, [] {
    return ::socket(PF_CAN, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, CAN_RAW);
  });
  if (fd < 0) {
    const int error = errno;
    if (error == EAFNOSUPPORT || error == EPROTONOSUPPORT)
      return refused(
          with_errno("this kernel has no CAN: load the modules can and can_raw, or use a "
                     "serial SLCAN adapter",
                     error));
    return refused(with_errno("cannot create a CAN socket", error));
  }
  const auto give_up = [&](std::string reason) {
    mark.during(SystemCall::close, [&] { ::close(fd); });
    return refused(std::move(reason));
  };
  const auto interface = usable_interface(fd, settings.interface, mark);
  if (const auto* reason = std::get_if<std::string>(&interface)) return give_up(*reason);
  const bool filtered = mark.during(SystemCall::setsockopt, [&] {
    // Best effort: without stamps, frames count as arrived when they are read.
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    return set_filters(fd, settings);
  });
  if (!filtered) return give_up(with_errno("cannot set the CAN filters", errno));
  const int index = std::get<int>(interface);
  if (!mark.during(SystemCall::bind, [&] { return bind_to(fd, index); }))
    return give_up(with_errno("cannot bind to " + settings.interface, errno));
  return {fd, {}};
}

std::shared_ptr<Line> make_can_line(boost::asio::io_context& io, SocketCan settings,
                                    std::shared_ptr<CallMark> mark) {
  if (!mark) mark = std::make_shared<CallMark>();
  auto open_socket = [settings = std::move(settings), mark] {
    return open_can_socket(settings, *mark);
  };
  return make_can_line(io, std::move(open_socket), mark);
}

std::shared_ptr<Line> make_can_line(boost::asio::io_context& io,
                                    std::function<CanSocket()> open_socket,
                                    std::shared_ptr<CallMark> mark) {
  return std::make_shared<CanLine>(io, std::move(open_socket), std::move(mark));
}

}  // namespace esshub::transport
