#include "control/loop/meter_model.hpp"

#include <algorithm>

namespace esshub::control {
namespace {
constexpr Duration note_every = 50ms;
}

void MeteredPast::note(Instant at, const Metered& metered) {
  if (count_ > 0 && at - entries_[(count_ - 1) % entries_.size()].at < note_every) return;
  entries_[count_++ % entries_.size()] = {at, metered};
}

MeteredPast::Between MeteredPast::at(Instant at, Instant now, const Metered& metered) const {
  const Metered* newer = &metered;
  for (std::size_t back = 1; back <= std::min(count_, entries_.size()); ++back) {
    const Entry& entry = entries_[(count_ - back) % entries_.size()];
    if (entry.at <= at) {
      const double share = now > entry.at ? Seconds{at - entry.at} / Seconds{now - entry.at} : 1.0;
      return {entry.metered, *newer, share};
    }
    newer = &entry.metered;
    now = entry.at;
  }
  return {*newer, *newer, 0.0};
}

ByMeter<Watts> MeteredPast::by_all(Instant now, const Metered& metered) const {
  ByMeter<Watts> out{};
  for (std::size_t delay = 0; delay < meter_delays.size(); ++delay) {
    const auto time = as_duration(Seconds{meter_delays[delay]});
    const Between then = at(now - time, now, metered);
    for (std::size_t time_constant = 0; time_constant < meter_time_constants.size();
         ++time_constant)
      out[delay * meter_time_constants.size() + time_constant] = then.by(time_constant);
  }
  return out;
}

}  // namespace esshub::control
