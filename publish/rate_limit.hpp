// RateLimit: so many a second and no more, with a burst to start with (token bucket).
#pragma once

#include <algorithm>

#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::publish {

class RateLimit {
 public:
  /// `per_second` in the long run, `burst` at once.
  RateLimit(double per_second, double burst)
      : per_second_(per_second), burst_(burst), tokens_(burst) {}

  /// True if one more may pass now.
  bool take(Instant now) {
    if (now > at_) tokens_ = std::min(burst_, tokens_ + per_second_ * Seconds(now - at_).count());
    at_ = std::max(at_, now);
    if (tokens_ < 1.0) return false;
    tokens_ -= 1.0;
    return true;
  }

 private:
  double per_second_;
  double burst_;
  double tokens_;
  Instant at_{};
};

}  // namespace esshub::publish
