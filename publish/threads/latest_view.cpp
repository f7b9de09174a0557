#include "publish/threads/latest_view.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace esshub::publish {

LatestView::LatestView() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

LatestView::~LatestView() {
  ::close(fd_);
}

void LatestView::put(const View& view) {
  auto copy = std::make_shared<const View>(view);
  {
    const std::lock_guard lock{mutex_};
    view_.swap(copy);
  }
  ring();
}

void LatestView::stop() {
  stopping_ = true;
  ring();
}

std::shared_ptr<const View> LatestView::take() {
  std::uint64_t rung = 0;
  [[maybe_unused]] const auto n = ::read(fd_, &rung, sizeof rung);
  const std::lock_guard lock{mutex_};
  return std::exchange(view_, nullptr);
}

void LatestView::wait(Duration limit) const {
  pollfd ready{fd_, POLLIN, 0};
  ::poll(&ready, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(limit).count()));
}

void LatestView::ring() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(fd_, &one, sizeof one);
}

}  // namespace esshub::publish
