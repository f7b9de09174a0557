#include "publish/history/clock_judge.hpp"

#include <chrono>

namespace esshub::publish {
namespace {

bool same(Duration a, Duration b) {
  return a - b <= ClockJudge::correction && b - a <= ClockJudge::correction;
}

}  // namespace

void ClockJudge::begin(std::optional<WallTime> newest) {
  begun_ = true;
  newest_ = newest;
}

bool ClockJudge::on_clock(Instant now, WallTime wall) {
  const Duration offset = wall.time_since_epoch() - now.time_since_epoch();
  if (begun_ && offset_ && same(offset, *offset_)) return believe(offset, *believed_since_);
  const bool fits = !newest_ || (wall >= *newest_ - correction && wall <= *newest_ + longest_rest);
  if (begun_ && !offset_ && fits) return believe(offset, now);
  if (!new_offset_ || !same(offset, *new_offset_)) new_since_ = now;
  new_offset_ = offset;
  if (!begun_ || now - new_since_ < proof) return false;
  return believe(offset, new_since_);
}

/// Follows it, so that small corrections never add up to a jump.
bool ClockJudge::believe(Duration offset, Instant since) {
  offset_ = offset;
  believed_since_ = since;
  new_offset_.reset();
  return true;
}

std::optional<WallTime> ClockJudge::wall_at(Instant at) const {
  if (!offset_) return std::nullopt;
  return WallTime{std::chrono::duration_cast<WallTime::duration>(at.time_since_epoch() + *offset_)};
}

}  // namespace esshub::publish
