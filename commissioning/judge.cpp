#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include "commissioning/findings.hpp"
#include "commissioning/response.hpp"
#include "commissioning/robust_fit.hpp"
#include "commissioning/words.hpp"

namespace esshub::commissioning {
namespace {

constexpr double reach = 1.5;          // s, of a difference: longer than a step's ramp
constexpr double earliest_lag = -0.6;  // s, the inverter's own word may be the later one
constexpr double lag_step = 0.1;
constexpr int lag_steps = 22;
constexpr double sigmas = 3.5;           // a gain is known within so many standard deviations
constexpr double least_swing = 60.0;     // W, of the inverter
constexpr double least_movement = 12.0;  // W, of a channel whose own changes are looked at
constexpr double idle_band = 15.0;       // W: less is no current
constexpr double model_error = 0.02;     // of a gain: ramps between two readings
constexpr std::size_t fewest_rows = 40;
// Chosen: with one reading in so many none of a thousand houses with a limit is named wrong
// (tests/commissioning/houses.cpp).
constexpr std::size_t readings_to_export = 10;

// Between the line to the inverter and the grid lies what the inverter's own word may be wrong by.
constexpr double line_band = 40.0;     // W
constexpr double house_least = 55.0;   // W
constexpr double house_moves = 160.0;  // W

/// A gain's range for each ratio; between them lies what is not certain.
struct RatioRange {
  Ratio ratio;
  double factor;
  double low;
  double high;
};
constexpr std::array ratio_ranges{RatioRange{Ratio::half, 0.5, 0.38, 0.65},
                                  RatioRange{Ratio::one, 1.0, 0.78, 1.28},
                                  RatioRange{Ratio::twice, 2.0, 1.6, 2.5}};
constexpr double still = 0.22;  // a gain below it does not follow

// A gain that is surely between them is not half, nor none, whatever else it is.
constexpr double surely_whole = 0.66;
constexpr double surely_no_more = 2.7;
constexpr double surely_no_follower = 0.8;

const RatioRange* ratio_of(double gain, double error) {
  for (const auto& range : ratio_ranges)
    if (std::abs(gain) - sigmas * error >= range.low &&
        std::abs(gain) + sigmas * error <= range.high)
      return &range;
  return nullptr;
}

/// A channel while it is judged.
struct Candidate {
  explicit Candidate(Track readings) : track(std::move(readings)) {}

  Track track;
  ChannelFinding finding;
  std::optional<double> lag;  ///< s
  double movement = 0.0;      ///< W, root mean square of its differences
  double mean = 0.0;          ///< W, median
  bool follows = false;
  double factor = 1.0;  ///< what the gain is nearest to, where it follows; with its sign
  bool stands_still = false;
  bool steady_zero = false;
  double level = 0.0;  ///< W, median of what is shown besides the inverter, in true watts
  double level_spread = 0.0;
  bool exports = false;  ///< where it follows: for a while power goes out, by the inverter's sign
};

/// Differences over `reach` of a channel, of the inverter `lag` earlier, and of others at once.
std::vector<FitRow> differences(const Track& channel, const Track& inverter, double lag,
                                const std::vector<const Track*>& others = {}) {
  std::vector<FitRow> rows;
  const auto& entries = channel.entries();
  rows.reserve(entries.size());
  std::size_t before = 0;
  for (const auto& entry : entries) {
    // From a reading to a reading: a slow meter is not guessed at between two of them.
    while (before + 1 < entries.size() && entries[before + 1].at <= entry.at - reach) ++before;
    const auto& then = entries[before];
    if (then.at > entry.at - reach || then.at < entry.at - 2.0 * reach) continue;
    const auto cause = inverter.at(entry.at - lag);
    const auto cause_before = inverter.at(then.at - lag);
    if (!cause || !cause_before) continue;
    FitRow row{entry.at, entry.power - then.power, {*cause - *cause_before}};
    bool whole = true;
    for (std::size_t i = 0; i < others.size(); ++i) {
      const auto now = others[i]->at(entry.at);
      const auto earlier = others[i]->at(then.at);
      whole = whole && now && earlier;
      if (now && earlier) row.causes[i + 1] = *now - *earlier;
    }
    if (whole) rows.push_back(row);
  }
  return rows;
}

double independent(std::span<const FitRow> rows) {
  return rows.empty() ? 0.0 : (rows.back().at - rows.front().at) / reach;
}

/// At which the channel's differences are nearest to the inverter's.
std::optional<double> best_lag(const Track& channel, const Track& inverter) {
  std::optional<double> best;
  double least = 0.0;
  for (int i = 0; i <= lag_steps; ++i) {
    const double lag = earliest_lag + lag_step * i;
    const auto rows = differences(channel, inverter, lag);
    if (rows.size() < fewest_rows) continue;
    const auto fit = least_absolute(rows);
    if (!fit || (best && fit->misfit >= least)) continue;
    best = lag;
    least = fit->misfit;
  }
  return best;
}

/// Of the whole, and of each half by itself: what happened once proves nothing.
struct Halves {
  Fit whole;
  Fit first;
  Fit second;
};
std::optional<Halves> fit_halves(std::span<const FitRow> rows, std::size_t causes) {
  if (rows.size() < fewest_rows) return std::nullopt;
  const std::size_t middle = rows.size() / 2;
  const auto whole = robust_fit(rows, causes, independent(rows));
  const auto first = robust_fit(rows.first(middle), causes, independent(rows.first(middle)));
  const auto second = robust_fit(rows.subspan(middle), causes, independent(rows.subspan(middle)));
  if (!whole || !first || !second) return std::nullopt;
  return Halves{*whole, *first, *second};
}
bool agree(const Halves& fits, std::size_t cause, double within) {
  const double gain = fits.whole.gain.at(cause);
  return std::abs(fits.first.gain.at(cause) - gain) <= within &&
         std::abs(fits.second.gain.at(cause) - gain) <= within;
}

void look(Candidate& c, const Track& inverter) {
  std::vector<double> values;
  double largest = 0.0;
  for (const auto& entry : c.track.entries()) {
    values.push_back(entry.power);
    largest = std::max(largest, std::abs(entry.power));
  }
  c.mean = median(values);
  c.finding.mean = Watts{c.mean};
  c.steady_zero =
      values.size() >= fewest_rows && largest < 2.0 * idle_band && std::abs(c.mean) < idle_band;
  c.lag = best_lag(c.track, inverter);
  if (!c.lag) return;
  double squares = 0.0;
  const auto rows = differences(c.track, inverter, *c.lag);
  for (const auto& row : rows) squares += row.change * row.change;
  c.movement = std::sqrt(squares / static_cast<double>(rows.size()));
}

/// Whether it follows the inverter, with those taken into account that do not.
void weigh(Candidate& c, const Track& inverter, const std::vector<const Track*>& others) {
  if (!c.lag) return;
  auto fits = fit_halves(differences(c.track, inverter, *c.lag, others), 1 + others.size());
  if (!fits) fits = fit_halves(differences(c.track, inverter, *c.lag), 1);
  if (!fits) return;
  const double gain = fits->whole.gain[0];
  const double error = std::hypot(fits->whole.error[0], model_error);
  c.finding.gain = gain;
  c.finding.gain_error = error;
  c.stands_still = std::abs(gain) + sigmas * error < still && agree(*fits, 0, still);
  const auto* ratio = ratio_of(gain, error);
  const bool whole = std::abs(gain) - sigmas * error > surely_whole &&
                     std::abs(gain) + sigmas * error < surely_no_more;
  if (!(ratio || whole) || !agree(*fits, 0, 0.3 * std::abs(gain))) return;
  c.follows = true;
  c.factor = std::copysign(ratio ? ratio->factor : std::abs(gain) < 1.45 ? 1.0 : 2.0, gain);
  c.finding.ratio = ratio ? ratio->ratio : Ratio::open;
  c.finding.lag = Seconds{*c.lag};
  std::vector<double> besides;
  std::size_t exporting = 0;
  for (const auto& entry : c.track.entries()) {
    if (entry.power / c.factor < -house_least) ++exporting;
    if (const auto own = inverter.at(entry.at - *c.lag))
      besides.push_back(entry.power / c.factor - *own);
  }
  c.level = median(besides);
  c.level_spread = spread(besides, c.level);
  c.exports = exporting * readings_to_export >= c.track.entries().size();
}

/// The conductor to the inverter shows the inverter and nothing else; the grid shows the house too.
bool looks_like_line(const Candidate& c) {
  return std::abs(c.level) < line_band && c.level_spread < line_band;
}
/// A wrong phase shows reactive power too.
bool looks_like_grid(const Candidate& c) {
  const double least = c.finding.ratio == Ratio::half ? house_moves : house_least;
  return std::abs(c.level) > least || c.level_spread > house_moves;
}

void claim(Candidate& c, Role role) {
  auto& f = c.finding;
  f.role = role;
  // Half the power may be the wrong phase, which turns the sign as well.
  if (f.ratio != Ratio::half) f.sign = f.gain > 0.0 ? Sign::right : Sign::reversed;
}

/// Whatever moves in another channel moves the grid as well: a channel that shows nothing of it is
/// not the grid, however quiet the house.
bool something_flows_besides(const Candidate& line, const std::vector<Candidate>& candidates) {
  return std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& other) {
    return &other != &line && other.movement > house_moves &&
           other.movement > 5.0 * line.level_spread;
  });
}

/// A solar inverter that holds an export limit answers whatever the house and the battery do, late
/// or at once, and the grid stands still in its place. It never draws, as a grid connection that
/// exports seems to.
bool perhaps_limited_solar(const Candidate& c) {
  return c.follows && looks_like_grid(c) && !c.exports;
}

/// Of those that follow the inverter: one line to it, one grid connection.
Candidate* name_followers(std::vector<Candidate>& candidates, bool grid_hidden) {
  std::vector<Candidate*> lines;
  std::vector<Candidate*> grids;
  std::size_t followers = 0;
  for (auto& c : candidates) {
    if (!c.follows) continue;
    ++followers;
    if (looks_like_line(c)) lines.push_back(&c);
    if (looks_like_grid(c)) grids.push_back(&c);
    c.finding.likely = looks_like_line(c) ? Role::battery_line : Role::grid;
  }
  // Three that follow are a wiring nobody has described.
  if (followers > 2) return nullptr;
  if (followers == 1 && lines.size() == 1 && something_flows_besides(*lines.front(), candidates))
    claim(*lines.front(), Role::battery_line);
  if (grids.size() != 1 || (followers == 2 && lines.size() != 1)) return nullptr;
  if (!lines.empty()) claim(*lines.front(), Role::battery_line);
  if (grid_hidden) return nullptr;
  claim(*grids.front(), Role::grid);
  return grids.front();
}

/// Beside a grid connection that is known there is none of another clamp, and the line to the
/// inverter has no noise: one that does not clearly follow is neither.
bool no_follower(const Candidate& c) {
  return c.lag && !c.follows &&
         std::abs(c.finding.gain) + sigmas * c.finding.gain_error < surely_no_follower;
}

/// What flows in a channel that stands still shows at the grid: the sun lowers it, a load raises
/// it. With which of two signs it shows there, and with which its mean is shown, tells both what it
/// is and which way round it is measured. A solar inverter at its export limit for a part of the
/// time rises with a load as the grid does: while there may be one nothing is a circuit for
/// certain.
void name_still(Candidate& c, double gain, double error, bool proven, bool limit_possible) {
  const bool lowers = gain * c.mean < 0.0;
  auto& f = c.finding;
  f.likely = lowers ? Role::solar : Role::spare;
  const bool certain = proven && std::abs(gain) > sigmas * error + 0.3 && std::abs(gain) < 2.8 &&
                       std::abs(c.mean) > 2.0 * idle_band;
  if (!certain || (limit_possible && !lowers)) return;
  f.role = f.likely;
  if (const auto* ratio = ratio_of(1.0 / gain, error / (gain * gain))) f.ratio = ratio->ratio;
  // Two watts at the grid for each one shown: half the power, and perhaps the wrong phase.
  if (std::abs(gain) + sigmas * error < 1.0 / surely_whole)
    f.sign = c.mean > 0.0 ? Sign::right : Sign::reversed;
}

void look_behind_the_grid(Candidate& grid, const Track& inverter,
                          const std::vector<Candidate*>& still_ones, bool limit_possible) {
  std::vector<Candidate*> moving;
  std::vector<const Track*> tracks;
  for (auto* c : still_ones)
    if (c->movement > least_movement && moving.size() + 1 < max_causes) {
      moving.push_back(c);
      tracks.push_back(&c->track);
    }
  if (moving.empty()) return;
  // What hid the lag before is taken into account now.
  std::optional<double> scatter;
  for (int step = 0; step <= lag_steps; ++step) {
    const double lag = earliest_lag + lag_step * step;
    const auto rows = differences(grid.track, inverter, lag, tracks);
    if (rows.size() < fewest_rows) continue;
    const auto fit = robust_fit(rows, 1 + moving.size(), independent(rows));
    if (!fit || (scatter && fit->scatter >= *scatter)) continue;
    scatter = fit->scatter;
    grid.lag = lag;
    grid.finding.lag = Seconds{lag};
  }
  const auto fits =
      fit_halves(differences(grid.track, inverter, *grid.lag, tracks), 1 + moving.size());
  if (!fits) return;
  // For each watt of the inverter: the grid clamp's own sign and factor fall out.
  const double own = fits->whole.gain[0];
  const double own_error = std::hypot(fits->whole.error[0], model_error);
  if (!(own * grid.finding.gain > 0.0) || !agree(*fits, 0, 0.3 * std::abs(own))) return;
  for (std::size_t i = 0; i < moving.size(); ++i) {
    const double gain = fits->whole.gain.at(i + 1) / own;
    const double error = std::hypot(fits->whole.error.at(i + 1), gain * own_error) / std::abs(own);
    name_still(*moving[i], gain, error,
               agree(*fits, i + 1, 0.35 * std::abs(fits->whole.gain.at(i + 1))) &&
                   grid.finding.sign != Sign::open,
               limit_possible);
  }
  if (own_error >= grid.finding.gain_error) return;
  grid.finding.gain = own;
  grid.finding.gain_error = own_error;
  if (const auto* ratio = ratio_of(own, own_error)) grid.finding.ratio = ratio->ratio;
}

/// More goes out than the battery gives: somewhere there is sun. No proof of where.
void guess_by_export(const Candidate& grid, const std::vector<Candidate*>& still_ones) {
  if (grid.level > -house_moves) return;
  for (auto* c : still_ones)
    if (c->finding.role == Role::not_sure && std::abs(c->mean) > 0.4 * -grid.level)
      c->finding.likely = Role::solar;
}

}  // namespace

Findings judge(const Measured& measured) {
  Findings findings;
  Instant zero{};
  if (!measured.inverter.empty()) zero = measured.inverter.front().at;
  const Track inverter{measured.inverter, zero};
  measure_response(measured, findings);
  findings.enough = findings.swing && *findings.swing > Watts{least_swing};

  std::vector<Candidate> candidates;
  candidates.reserve(measured.channels.size());
  for (const auto& channel : measured.channels) {
    Candidate c{Track{channel.readings, zero}};
    c.finding.point = channel.point;
    if (findings.enough) {
      look(c, inverter);
      weigh(c, inverter, {});
    }
    candidates.push_back(std::move(c));
  }
  // Again, now that it is known which ones are not moved by the battery: they explain clouds.
  std::vector<const Track*> known;
  for (const auto& c : candidates)
    if (c.stands_still && !c.steady_zero && c.movement > least_movement &&
        known.size() + 1 < max_causes)
      known.push_back(&c.track);
  if (!known.empty())
    for (auto& c : candidates)
      if (!c.stands_still) weigh(c, inverter, known);

  findings.limit_possible = !measured.no_export_limit;
  const bool grid_hidden = findings.limit_possible &&
                           std::any_of(candidates.begin(), candidates.end(), perhaps_limited_solar);
  Candidate* grid = name_followers(candidates, grid_hidden);
  std::vector<Candidate*> still_ones;
  for (auto& c : candidates) {
    // A limit of 0 W makes the grid stand at zero.
    if (c.steady_zero && (c.stands_still || !c.follows) && !grid_hidden)
      c.finding.role = Role::no_current;
    if (c.finding.role == Role::not_sure && no_follower(c)) still_ones.push_back(&c);
  }
  if (grid) {
    look_behind_the_grid(*grid, inverter, still_ones, findings.limit_possible);
    guess_by_export(*grid, still_ones);
  }
  for (auto& c : candidates) findings.channels.push_back(std::move(c.finding));
  put_into_words(findings);
  return findings;
}

}  // namespace esshub::commissioning
