#include "app/bus_tools/frame_cutter.hpp"

#include <algorithm>

namespace esshub::app {

void FrameCutter::push(protocol::ByteView bytes, Instant at) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  at_.insert(at_.end(), bytes.size(), at);
}

void FrameCutter::found(protocol::ByteView frame, std::vector<Packet>& out) {
  const auto begin = std::search(bytes_.begin(), bytes_.end(), frame.begin(), frame.end());
  if (begin == bytes_.end()) return;
  cut(static_cast<std::size_t>(begin - bytes_.begin()), out);
  cut(frame.size(), out);
}

void FrameCutter::flush(std::vector<Packet>& out) {
  cut(bytes_.size(), out);
}

void FrameCutter::cut(std::size_t length, std::vector<Packet>& out) {
  if (length == 0) return;
  const auto n = static_cast<std::ptrdiff_t>(length);
  out.push_back({at_[length - 1], {bytes_.begin(), bytes_.begin() + n}});
  bytes_.erase(bytes_.begin(), bytes_.begin() + n);
  at_.erase(at_.begin(), at_.begin() + n);
}

}  // namespace esshub::app
