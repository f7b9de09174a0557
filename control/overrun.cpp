#include "control/overrun.hpp"

#include <algorithm>

#include "model/units.hpp"

namespace esshub::control {
namespace {

constexpr Duration window = 6s;
constexpr Duration even_gap = 100ms;
constexpr Duration::rep even_gap_periods = 2;  // a wake-up is never quite in time
constexpr double most_lost = 0.10;
constexpr double few_lost = 0.02;
constexpr Duration stall_counts_for = 1s;
// An inverter may have fallen to passthru by then (reference: vebus-mk3#7.4).
constexpr Duration longest_stall = 10s;

}  // namespace

Duration longest_gap(Duration period) {
  return std::max<Duration>(300ms, 3 * period);
}

void OverrunWatch::on_tick(Instant now, Duration period, std::uint64_t missed) {
  const Duration waited_for = std::max(period, last_period_);
  const Duration gap = last_tick_ ? now - *last_tick_ : Duration{};
  last_tick_ = now;
  last_period_ = period;
  forget(now);
  if (missed > 0) note({now, missed});

  const bool too_long = gap > longest_gap(waited_for);
  if (gap > std::max(even_gap, even_gap_periods * waited_for)) uneven_at_ = now;
  if (too_long) {
    stalled_ = gap;
    stalled_until_ = now + stall_counts_for;
  }
  const double lost = static_cast<double>(lost_) * (Seconds{period} / Seconds{window});
  if (too_long || lost > most_lost) {
    active_ = true;
  } else if (lost < few_lost && !(uneven_at_ && now - *uneven_at_ < window)) {
    active_ = false;
  }
}

Duration OverrunWatch::stall() const {
  const bool counts = stalled_until_ && *last_tick_ < *stalled_until_ && stalled_ <= longest_stall;
  return counts ? stalled_ : Duration{};
}

void OverrunWatch::note(Loss loss) {
  lost_ += loss.periods;
  if (size_ == losses_.size()) {  // periods below what is accepted: counted longer, never less
    Loss& newest = losses_[(first_ + size_ - 1) % losses_.size()];
    newest = {loss.at, newest.periods + loss.periods};
    return;
  }
  losses_[(first_ + size_++) % losses_.size()] = loss;
}

void OverrunWatch::forget(Instant now) {
  while (size_ > 0 && now - losses_[first_].at >= window) {
    lost_ -= losses_[first_].periods;
    first_ = (first_ + 1) % losses_.size();
    --size_;
  }
}

}  // namespace esshub::control
