#include "transport/pty.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <boost/asio/buffer.hpp>

#include "transport/speed.hpp"

namespace esshub::transport {
namespace {

namespace fs = std::filesystem;

/// Nobody tells a master that its slave was opened: it has to look.
constexpr std::chrono::milliseconds look_every{20};

/// Points `link` at `target` in one step, so that a reader never finds it missing.
bool replace_link(const std::string& link, const std::string& target, std::string& reason) {
  std::error_code error;
  const auto status = fs::symlink_status(link, error);
  if (fs::exists(status) && !fs::is_symlink(status)) {
    reason = link + " exists and is not a link: remove it first";
    return false;
  }
  const auto fresh = link + ".new";
  fs::remove(fresh, error);
  fs::create_symlink(target, fresh, error);
  if (!error) fs::rename(fresh, link, error);
  if (error) reason = "cannot make the link " + link + ": " + error.message();
  return !error;
}

}  // namespace

std::shared_ptr<Pty> Pty::open(boost::asio::io_context& io, std::string link, OnBytes on_bytes,
                               std::string& reason, std::uint32_t baud) {
  auto pty = std::make_shared<Pty>(io, std::move(link), std::move(on_bytes), baud);
  if (!pty->make(reason)) return nullptr;
  pty->wait_for_peer();
  return pty;
}

Pty::Pty(boost::asio::io_context& io, std::string link, OnBytes on_bytes, std::uint32_t baud)
    : master_(io),
      timer_(io),
      link_(std::move(link)),
      on_bytes_(std::move(on_bytes)),
      baud_(baud) {}

Pty::~Pty() {
  close();
}

bool Pty::make(std::string& reason) {
  const auto failed = [&](const char* what) {
    reason = std::string(what) + ": " + std::strerror(errno);
    return false;
  };
  const int fd = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return failed("cannot make a pseudo-terminal");
  master_.assign(fd);
  master_.non_blocking(true);
  std::array<char, 128> name{};
  if (::grantpt(fd) != 0 || ::unlockpt(fd) != 0 || ::ptsname_r(fd, name.data(), name.size()) != 0)
    return failed("cannot unlock a pseudo-terminal");
  slave_ = name.data();
  if (!prepare_slave()) return failed("cannot configure a pseudo-terminal");
  return replace_link(link_, slave_, reason);
}

bool Pty::prepare_slave() const {
  const int fd = ::open(slave_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  // A pseudo-terminal keeps an exclusive mark after its owner has closed it; a real port does not.
  (void)::ioctl(fd, TIOCNXCL);
  termios settings{};
  bool good = ::tcgetattr(fd, &settings) == 0;
  ::cfmakeraw(&settings);
  if (const auto speed = speed_of(baud_)) ::cfsetspeed(&settings, *speed);
  good = good && ::tcsetattr(fd, TCSANOW, &settings) == 0;
  (void)::tcflush(fd, TCIFLUSH);
  ::close(fd);
  return good;
}

void Pty::wait_for_peer() {
  timer_.expires_after(look_every);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error || !self->master_.is_open()) return;
    pollfd look{self->master_.native_handle(), POLLIN, 0};
    (void)::poll(&look, 1, 0);
    const bool hung_up = (look.revents & POLLHUP) != 0;
    const bool left_bytes = (look.revents & POLLIN) != 0;
    if (hung_up && !left_bytes) return self->wait_for_peer();
    self->peer_ = true;
    self->read();
  });
}

void Pty::read() {
  master_.async_read_some(
      boost::asio::buffer(buffer_),
      [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
        const auto now = std::chrono::steady_clock::now();
        if (!self->master_.is_open()) return;
        if (!error) {
          self->on_bytes_(std::span(self->buffer_).first(size), now);
          if (self->master_.is_open()) self->read();
          return;
        }
        // EIO: the last one to have it open has closed it.
        self->peer_ = false;
        (void)self->prepare_slave();
        self->wait_for_peer();
      });
}

void Pty::write(std::span<const std::byte> bytes) {
  if (!peer_ || !master_.is_open()) return;
  boost::system::error_code error;
  // What does not fit was not read for a long time: it is lost, as on a port without handshake.
  (void)master_.write_some(boost::asio::buffer(bytes.data(), bytes.size()), error);
}

std::uint32_t Pty::baud() {
  termios settings{};
  if (!master_.is_open() || ::tcgetattr(master_.native_handle(), &settings) != 0) return baud_;
  return baud_of(::cfgetospeed(&settings)).value_or(baud_);
}

void Pty::close() {
  if (!master_.is_open()) return;
  std::error_code ignored;
  if (fs::read_symlink(link_, ignored) == slave_) fs::remove(link_, ignored);
  timer_.cancel();
  boost::system::error_code error;
  master_.close(error);
}

}  // namespace esshub::transport
