#include "control/soc_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace esshub::control {
namespace {

constexpr double jump_points = 5.0;     // between two frames, a second apart; 1 C moves 0.03
constexpr Duration jump_within = 10s;   // a longer silence may hide an honest change
constexpr Duration agree_for = 60s;     // safety contract F18
constexpr Duration too_full_for = 60s;  // the voltage sinks slowly after charging
constexpr Volts full_at_rest{50.55};    // 15 cells at 3.37 V
constexpr double not_full = 70.0;       // %

struct Bound {
  double volts;    ///< at the pack of 15 cells, at rest
  double percent;  ///< more than this is not in it
};
// Generous: a healthy LFP cell at rest holds half of this at these voltages
// (reference: pylontech-can#5 for the pack's limits; the curve itself is the usual one of the
// chemistry).
constexpr std::array<Bound, 4> bounds{{{45.0, 5.0}, {46.5, 12.0}, {47.4, 25.0}, {48.3, 45.0}}};

/// The most that can be in a pack of this voltage, %.
double most(Volts rest) {
  const double v = rest.value();
  if (v <= bounds.front().volts) return bounds.front().percent;
  for (std::size_t i = 1; i < bounds.size(); ++i) {
    const auto& a = bounds[i - 1];
    const auto& b = bounds[i];
    if (v <= b.volts)
      return a.percent + (b.percent - a.percent) * (v - a.volts) / (b.volts - a.volts);
  }
  return 100.0;
}

}  // namespace

void check_soc(SocCheck& check, Soc soc, std::optional<Volts> rest_voltage, bool resting,
               Instant at) {
  const bool known = check.reported && at - check.at < jump_within;
  const bool jumped = known && std::abs(soc.percent() - check.reported->percent()) > jump_points;
  const Soc bound = Soc::from_percent(rest_voltage ? most(*rest_voltage) : 100.0).value_or(Soc{});
  const bool emptier = soc > bound;

  const bool looks_full =
      resting && rest_voltage.value_or(Volts{}) >= full_at_rest && soc.percent() < not_full;
  if (!looks_full) {
    check.too_full_since.reset();
  } else if (!check.too_full_since) {
    check.too_full_since = at;
  }
  const bool fuller = check.too_full_since && at - *check.too_full_since >= too_full_for;

  // Silence is no agreement.
  if (check.doubtful_until && !known) check.doubtful_until = at + agree_for;
  const bool was_doubtful = check.doubtful_until && at < *check.doubtful_until;
  if (jumped || emptier || fuller) check.doubtful_until = at + agree_for;
  const bool doubtful = check.doubtful_until && at < *check.doubtful_until;
  // While in doubt nothing raises the SOC that rules: an old low word, a new low one, the voltage.
  Soc ruling = std::min(soc, bound);
  if (jumped || was_doubtful) ruling = std::min(ruling, check.ruling);
  if (!doubtful) check.doubtful_until.reset();
  check.ruling = ruling;
  check.reported = soc;
  check.at = at;
}

}  // namespace esshub::control
