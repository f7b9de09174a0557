#include "transport/serial_line.hpp"

#include <fcntl.h>
#include <linux/serial.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <string>

#include "transport/port_trouble.hpp"
#include "transport/speed.hpp"
#include "transport/stream_line.hpp"

namespace esshub::transport {
namespace {

std::string speed_failure(const std::string& path, std::uint32_t baud) {
  return path + ": " + std::to_string(baud) + " baud is not a speed of this port";
}

/// Of ten bits each.
double bytes_per_second(std::uint32_t baud) {
  return baud / 10.0;
}

/// Half of N_TTY_BUF_SIZE (4096 bytes), which is what the kernel keeps of a tty ready to be read.
constexpr int half_a_tty = 4096 / 2;

/// Raw, 8 data bits, parity and stop bits as asked; modem lines ignored.
bool configure(int fd, const SerialPort& port, speed_t speed, CallMark& mark) {
  termios t{};
  if (mark.during(SystemCall::tcgetattr, [&] { return ::tcgetattr(fd, &t); }) != 0) return false;
  ::cfmakeraw(&t);
  t.c_cflag |= CLOCAL | CREAD;
  t.c_cflag &= ~static_cast<tcflag_t>(PARENB | PARODD | CSTOPB | CRTSCTS);
  if (port.parity == 'E') t.c_cflag |= PARENB;
  if (port.parity == 'O') t.c_cflag |= PARENB | PARODD;
  if (port.stop_bits == 2) t.c_cflag |= CSTOPB;
  t.c_cc[VMIN] = 1;
  t.c_cc[VTIME] = 0;
  return ::cfsetspeed(&t, speed) == 0 &&
         mark.during(SystemCall::tcsetattr, [&] { return ::tcsetattr(fd, TCSANOW, &t); }) == 0;
}

/// USB adapters hold bytes back for up to 16 ms otherwise; not every driver knows the flag.
void ask_low_latency(int fd) {
  serial_struct serial{};
  if (::ioctl(fd, TIOCGSERIAL, &serial) != 0) return;
  serial.flags |= ASYNC_LOW_LATENCY;
  ::ioctl(fd, TIOCSSERIAL, &serial);
}

void raise_dtr(int fd) {
  const int dtr = TIOCM_DTR;
  ::ioctl(fd, TIOCMBIS, &dtr);
}

class SerialLine final : public StreamLine<boost::asio::posix::stream_descriptor> {
 public:
  SerialLine(boost::asio::io_context& io, SerialPort port, std::shared_ptr<CallMark> mark)
      : StreamLine(io, bytes_per_second(port.baud), std::move(mark)), port_(std::move(port)) {}
  SerialLine(const SerialLine&) = delete;
  SerialLine& operator=(const SerialLine&) = delete;
  ~SerialLine() override { end_life(); }

 private:
  void connect() override {
    const auto speed = speed_of(port_.baud);
    set_wire_rate(bytes_per_second(port_.baud));
    if (!speed) return went_down(speed_failure(port_.path, port_.baud));
    const int fd = mark().during(SystemCall::open, [this] {
      return ::open(port_.path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    });
    if (fd < 0) return went_down(why_not(errno));
    // Twice exclusive: the lock for programs that ask (and for root, whom TIOCEXCL does not stop),
    // TIOCEXCL for those that do not.
    if (mark().during(SystemCall::flock, [fd] { return ::flock(fd, LOCK_EX | LOCK_NB); }) != 0) {
      const int error = errno;
      close_unused(fd);  // or we would be found among those who have it open
      return went_down(why_not(error));
    }
    mark().during(SystemCall::ioctl, [fd] { ::ioctl(fd, TIOCEXCL); });
    if (!configure(fd, port_, *speed, mark()))
      return refuse(fd, port_.path + ": not a serial port, or it refuses 8" + port_.parity +
                            std::to_string(port_.stop_bits));
    mark().during(SystemCall::ioctl, [fd] {
      raise_dtr(fd);
      ask_low_latency(fd);
    });
    boost::system::error_code error;
    stream().assign(fd, error);
    if (error) return refuse(fd, port_.path + ": " + error.message());
    discard_input();  // what came before is of unknown age
    went_up();
  }

  /// Looks for who has the port.
  std::string why_not(int error) {
    return mark().during(SystemCall::readlink, [&] { return open_failure(port_.path, error); });
  }
  void close_unused(int fd) {
    mark().during(SystemCall::close, [fd] { ::close(fd); });
  }
  void refuse(int fd, std::string reason) {
    close_unused(fd);
    went_down(std::move(reason));
  }

  ssize_t read_some(std::span<std::byte> into) override {
    return mark().during(SystemCall::read, [&] {
      return ::read(stream().native_handle(), into.data(), into.size());
    });
  }
  ssize_t write_some(std::span<const std::byte> bytes) override {
    return mark().during(SystemCall::write, [&] {
      return ::write(stream().native_handle(), bytes.data(), bytes.size());
    });
  }

  void change_baud(std::uint32_t baud) override {
    set_wire_rate(bytes_per_second(baud));
    const auto speed = speed_of(baud);
    termios t{};
    const int fd = stream().native_handle();
    if (!speed || mark().during(SystemCall::tcgetattr, [&] { return ::tcgetattr(fd, &t); }) != 0 ||
        ::cfsetspeed(&t, *speed) != 0 ||
        mark().during(SystemCall::tcsetattr, [&] { return ::tcsetattr(fd, TCSANOW, &t); }) != 0)
      went_down(speed_failure(port_.path, baud));
  }

  // A tty whose cable is held off would block for up to 30 s in close().
  void discard_output() override {
    mark().during(SystemCall::tcflush, [this] { ::tcflush(stream().native_handle(), TCOFLUSH); });
  }

  // Reading would not do: the kernel keeps more of a tty than one can read at once, and an adapter
  // some where the kernel took no more.
  bool discard_input() override {
    const int fd = stream().native_handle();
    int waiting = 0;
    mark().during(SystemCall::ioctl, [&] { ::ioctl(fd, FIONREAD, &waiting); });
    mark().during(SystemCall::tcflush, [fd] { ::tcflush(fd, TCIFLUSH); });
    return waiting >= half_a_tty;
  }

  std::string explain(const boost::system::error_code& error) const override {
    // A tty whose device has gone reads as end of file or EIO.
    if (error == boost::asio::error::eof || error.value() == EIO || error.value() == ENXIO ||
        error.value() == ENODEV)
      return port_.path + ": the device is gone; unplugged?";
    return port_.path + ": " + error.message();
  }

  std::string suspects() const override { return "cable or adapter?"; }

  SerialPort port_;
};

}  // namespace

std::shared_ptr<Line> make_serial_line(boost::asio::io_context& io, SerialPort port,
                                       std::shared_ptr<CallMark> mark) {
  return std::make_shared<SerialLine>(io, std::move(port), std::move(mark));
}

}  // namespace esshub::transport
