#include "publish/threads/latest_view.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace esshub::publish {

Doorbell::Doorbell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Doorbell::~Doorbell() {
  ::close(fd_);
}

void Doorbell::ring() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(fd_, &one, sizeof one);
}

void Doorbell::answer() const {
  std::uint64_t rung = 0;
  [[maybe_unused]] const auto n = ::read(fd_, &rung, sizeof rung);
}

void Doorbell::wait(Duration limit) const {
  pollfd ready{fd_, POLLIN, 0};
  ::poll(&ready, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(limit).count()));
}

}  // namespace esshub::publish
