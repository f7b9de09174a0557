#include "protocol/turnaround.hpp"

#include <algorithm>

namespace esshub::protocol {

void Turnaround::add(Duration time) {
  recent_[next_] = std::max(time, Duration::zero());
  next_ = (next_ + 1) % recent_.size();
  size_ = std::min(size_ + 1, recent_.size());
  auto sorted = recent_;
  const std::size_t rank = (size_ * 99 + 99) / 100 - 1;  // nearest rank
  const auto begin = sorted.begin();
  std::nth_element(begin, begin + static_cast<std::ptrdiff_t>(rank),
                   begin + static_cast<std::ptrdiff_t>(size_));
  p99_ = sorted[rank];
}

Duration Turnaround::limit(Duration most) const {
  if (!known()) return most;
  constexpr Duration least = 50ms;
  constexpr Duration margin = 20ms;  // the latency timer of a USB adapter is 16 ms
  const Duration wish = std::max(p99_ + std::max(p99_ / 2, margin), least);
  return std::min(wish, most);
}

}  // namespace esshub::protocol
