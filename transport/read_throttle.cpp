#include "transport/read_throttle.hpp"

#include <algorithm>

namespace esshub::transport {
namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

constexpr double headroom = 1.5;
/// A wire that is as busy as can be is no flood, whatever adapter and gateway do with its pace.
constexpr double too_much = 1.25;
constexpr double depth_seconds = 0.5;
constexpr double least_depth = 4096;  ///< a tty's buffer in the kernel
/// A flood is read in pieces for so long, not byte by byte; a CAN record at least.
constexpr double piece_seconds = 0.02;
constexpr double least_piece = 16;
constexpr std::chrono::milliseconds slice{200};
constexpr int slices_to_raise = 3;
constexpr int slices_to_clear = 50;

double depth(double wire_rate) {
  return std::max(least_depth, depth_seconds * headroom * wire_rate);
}

}  // namespace

ReadThrottle::ReadThrottle(double wire_rate) : wire_rate_(wire_rate), tokens_(depth(wire_rate)) {}

void ReadThrottle::set_wire_rate(double wire_rate) {
  wire_rate_ = wire_rate;
  tokens_ = std::min(tokens_, depth(wire_rate));
}

void ReadThrottle::reset(Instant now) {
  *this = ReadThrottle{wire_rate_};
  refilled_ = slice_begin_ = now;
}

std::size_t ReadThrottle::allowance(Instant now) {
  refill(now);
  return tokens_ > 0 ? static_cast<std::size_t>(tokens_) : 0;
}

void ReadThrottle::took(std::size_t bytes, Instant now) {
  refill(now);
  close_slices(now);
  tokens_ -= static_cast<double>(bytes);
  slice_bytes_ += static_cast<double>(bytes);
}

ReadThrottle::Instant ReadThrottle::next_read(Instant now) {
  refill(now);
  const double rate = headroom * wire_rate_;
  const double missing = std::max(least_piece, piece_seconds * rate) - tokens_;
  if (missing <= 0) return now;
  return now + std::chrono::ceil<std::chrono::milliseconds>(Seconds{missing / rate});
}

bool ReadThrottle::flooded(Instant now) {
  close_slices(now);
  return flooded_;
}

void ReadThrottle::refill(Instant now) {
  const double grown = Seconds{now - refilled_}.count() * headroom * wire_rate_;
  tokens_ = std::min(depth(wire_rate_), tokens_ + grown);
  refilled_ = now;
}

void ReadThrottle::close_slices(Instant now) {
  if (now - slice_begin_ > (slices_to_clear + 1) * slice) {  // long silence
    slice_begin_ = now;
    slice_bytes_ = 0;
    over_ = 0;
    flooded_ = false;
  }
  while (now - slice_begin_ >= slice) {
    const bool over = slice_bytes_ > too_much * wire_rate_ * Seconds{slice}.count();
    over_ = over ? over_ + 1 : 0;
    normal_ = over ? 0 : normal_ + 1;
    if (over_ >= slices_to_raise) flooded_ = true;
    if (normal_ >= slices_to_clear) flooded_ = false;
    slice_begin_ += slice;
    slice_bytes_ = 0;
  }
}

}  // namespace esshub::transport
