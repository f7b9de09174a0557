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

/// Raw, 8 data bits, parity and stop bits as asked; modem lines ignored.
bool configure(int fd, const SerialPort& port, speed_t speed) {
  termios t{};
  if (::tcgetattr(fd, &t) != 0) return false;
  ::cfmakeraw(&t);
  t.c_cflag |= CLOCAL | CREAD;
  t.c_cflag &= ~static_cast<tcflag_t>(PARENB | PARODD | CSTOPB | CRTSCTS);
  if (port.parity == 'E') t.c_cflag |= PARENB;
  if (port.parity == 'O') t.c_cflag |= PARENB | PARODD;
  if (port.stop_bits == 2) t.c_cflag |= CSTOPB;
  t.c_cc[VMIN] = 1;
  t.c_cc[VTIME] = 0;
  return ::cfsetspeed(&t, speed) == 0 && ::tcsetattr(fd, TCSANOW, &t) == 0;
}

/// USB adapters hold bytes back for up to 16 ms otherwise; not every driver knows the flag.
void ask_low_latency(int fd) {
  serial_struct serial{};
  if (::ioctl(fd, TIOCGSERIAL, &serial) != 0) return;
  serial.flags |= ASYNC_LOW_LATENCY;
  ::ioctl(fd, TIOCSSERIAL, &serial);
}

class SerialLine final : public StreamLine<boost::asio::posix::stream_descriptor> {
 public:
  SerialLine(boost::asio::io_context& io, SerialPort port)
      : StreamLine(io), port_(std::move(port)) {}

 private:
  void connect() override {
    const auto speed = speed_of(port_.baud);
    if (!speed) return went_down(speed_failure(port_.path, port_.baud));
    const int fd = ::open(port_.path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return went_down(open_failure(port_.path, errno));
    // Twice exclusive: the lock for programs that ask (and for root, whom TIOCEXCL does not stop),
    // TIOCEXCL for those that do not.
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int why = errno;
      ::close(fd);  // or we would be found among those who have it open
      return went_down(open_failure(port_.path, why));
    }
    ::ioctl(fd, TIOCEXCL);
    if (!configure(fd, port_, *speed))
      return refuse(fd, port_.path + ": not a serial port, or it refuses 8" + port_.parity +
                            std::to_string(port_.stop_bits));
    const int dtr = TIOCM_DTR;
    ::ioctl(fd, TIOCMBIS, &dtr);
    ask_low_latency(fd);
    ::tcflush(fd, TCIFLUSH);  // what came before is of unknown age
    boost::system::error_code error;
    stream().assign(fd, error);
    if (error) return refuse(fd, port_.path + ": " + error.message());
    went_up();
  }

  void refuse(int fd, std::string reason) {
    ::close(fd);
    went_down(std::move(reason));
  }

  void change_baud(std::uint32_t baud) override {
    const auto speed = speed_of(baud);
    termios t{};
    const int fd = stream().native_handle();
    if (!speed || ::tcgetattr(fd, &t) != 0 || ::cfsetspeed(&t, *speed) != 0 ||
        ::tcsetattr(fd, TCSANOW, &t) != 0)
      went_down(speed_failure(port_.path, baud));
  }

  // A tty whose cable is held off would block the I/O thread for up to 30 s in close().
  void discard_output() override { ::tcflush(stream().native_handle(), TCOFLUSH); }

  std::string explain(const boost::system::error_code& error) const override {
    // A tty whose device has gone reads as end of file or EIO.
    if (error == boost::asio::error::eof || error.value() == EIO || error.value() == ENXIO ||
        error.value() == ENODEV)
      return port_.path + ": the device is gone; unplugged?";
    return port_.path + ": " + error.message();
  }

  SerialPort port_;
};

}  // namespace

std::shared_ptr<Line> make_serial_line(boost::asio::io_context& io, SerialPort port) {
  return std::make_shared<SerialLine>(io, std::move(port));
}

}  // namespace esshub::transport
