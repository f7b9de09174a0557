#include "control/plausibility_filter.hpp"

#include <algorithm>
#include <cmath>

#include "model/plausible.hpp"

namespace esshub::control {
namespace {

constexpr unsigned char good_samples = 5;  // safety contract F3
constexpr double highest_mains_v = 276.0;  // 230 V + 20 %

/// The fuse carries what comes from the grid; what the house makes and uses itself does not pass
/// it.
Range possible(Channel channel, const Settings& settings) {
  Range out = plausible(channel);
  if (channel == Channel{Point::grid, Measure::power}) {
    const double fuse_w = settings.main_fuse.value() * highest_mains_v;
    out.low = std::max(out.low, -fuse_w);
    out.high = std::min(out.high, fuse_w);
  }
  return out;
}

/// Registers read in the wrong word order give numbers next to zero that no meter can mean.
bool is_number(double value) {
  constexpr double least = 1e-20;
  return std::isfinite(value) && (value == 0.0 || std::abs(value) > least);
}

}  // namespace

bool PlausibilityFilter::admit(const Sample& sample, const Settings& settings) {
  const Channel channel = sample.channel;
  bool good = is_number(sample.value) && possible(channel, settings).holds(sample.value);
  if (channel == Channel{Point::grid, Measure::voltage})
    grid_voltage_bad_ = good ? std::nullopt : std::optional{sample.at};
  if (channel == Channel{Point::grid, Measure::power} && grid_voltage_bad_)
    good = good && sample.at - *grid_voltage_bad_ > doubt_lasts;

  auto& needed = good_needed_[channel.point][channel.measure];
  if (!good) {
    if (needed == 0) ++doubted_;
    needed = good_samples;
    newest_bad_ = std::max(newest_bad_, sample.at);
  } else if (needed > 0 && --needed == 0) {
    --doubted_;
  }
  return good;
}

}  // namespace esshub::control
