#include "commissioning/track.hpp"

#include <algorithm>

namespace esshub::commissioning {

Track::Track(const std::vector<PowerReading>& readings, Instant zero) {
  entries_.reserve(readings.size());
  for (const auto& reading : readings)
    entries_.push_back({Seconds{reading.at - zero}.count(), reading.power.value()});
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.at < b.at; });
  const auto same = [](const Entry& a, const Entry& b) { return a.at == b.at; };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
}

std::optional<double> Track::at(double seconds) const {
  const auto after = std::lower_bound(entries_.begin(), entries_.end(), seconds,
                                      [](const Entry& e, double t) { return e.at < t; });
  if (after == entries_.end()) return std::nullopt;
  if (after->at == seconds) return after->power;
  if (after == entries_.begin()) return std::nullopt;
  const auto before = after - 1;
  const double gap = after->at - before->at;
  if (gap > longest_gap) return std::nullopt;
  return before->power + (after->power - before->power) * (seconds - before->at) / gap;
}

}  // namespace esshub::commissioning
