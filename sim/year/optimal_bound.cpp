#include "sim/year/optimal_bound.hpp"

#include <algorithm>
#include <vector>

namespace esshub::sim {
namespace {

/// A convex function of stored energy, from `low` on: its value there and straight pieces with
/// growing slopes. Beyond either end it is infinite.
struct Convex {
  struct Piece {
    double slope;   ///< cost per Wh
    double length;  ///< Wh
  };
  double low = 0.0;
  double value = 0.0;
  std::vector<Piece> pieces;
};

/// min over x of a(y - x) + b(x): the pieces of both, by slope.
Convex convolve(const Convex& a, const Convex& b) {
  Convex sum{a.low + b.low, a.value + b.value, {}};
  sum.pieces.resize(a.pieces.size() + b.pieces.size());
  std::merge(a.pieces.begin(), a.pieces.end(), b.pieces.begin(), b.pieces.end(), sum.pieces.begin(),
             [](const auto& x, const auto& y) { return x.slope < y.slope; });
  return sum;
}

/// What is left of it within [low, high].
Convex within(const Convex& f, double low, double high) {
  Convex out{std::max(f.low, low), f.value, {}};
  double at = f.low;
  for (const auto& [slope, length] : f.pieces) {
    const double below = std::clamp(low - at, 0.0, length);
    out.value += slope * below;
    const double kept = std::min(at + length, high) - (at + below);
    if (kept > 0.0) {
      // Equal slopes are one piece, or there would be thousands of them in the end.
      if (!out.pieces.empty() && out.pieces.back().slope == slope) {
        out.pieces.back().length += kept;
      } else {
        out.pieces.push_back({slope, kept});
      }
    }
    at += length;
  }
  return out;
}

double at(const Convex& f, double energy) {
  return within(f, energy, energy).value;
}

/// The span's cost as a function of the energy taken out of the battery (negative: put in). From
/// the most that can be put in on: less is bought, more sun is sold, the house is served, the rest
/// is sold.
Convex cost_of(const PricedSpan& span, const IdealBattery& battery, const BoundRules& rules) {
  const double kwh = 0.001;
  const double h = span.length.count();
  const double deficit = h * std::max(span.net.value(), 0.0);
  const double surplus = h * std::max(-span.net.value(), 0.0);
  const double charge = h * battery.charge.value();
  const double discharge = h * battery.discharge.value();
  const double served = std::min(deficit, discharge);
  const double from_sun = std::min(surplus, charge);
  double bought = rules.from_grid ? charge - from_sun : 0.0;
  if (rules.import_cap) bought = std::clamp(h * rules.import_cap->value() - deficit, 0.0, bought);
  const double e = battery.best_efficiency();
  const double full =
      kwh * (span.price * (deficit + bought) - span.export_price * (surplus - from_sun));
  Convex cost{-(bought + from_sun) * e, full, {}};
  for (const Convex::Piece piece : {Convex::Piece{-kwh * span.price / e, bought * e},
                                    Convex::Piece{-kwh * span.export_price / e, from_sun * e},
                                    Convex::Piece{-kwh * span.price * e, served / e},
                                    Convex::Piece{-kwh * span.export_price * e,
                                                  rules.to_grid ? (discharge - served) / e : 0.0}})
    if (piece.length > 0.0) cost.pieces.push_back(piece);
  return cost;
}

}  // namespace

double IdealBattery::efficiency_at(Watts power) const {
  if (curve.empty()) return efficiency;
  const auto above = std::ranges::find_if(
      curve, [power](const EfficiencyPoint& point) { return point.power >= power; });
  if (above == curve.begin()) return curve.front().efficiency;
  if (above == curve.end()) return curve.back().efficiency;
  const EfficiencyPoint& below = *(above - 1);
  return below.efficiency + (above->efficiency - below.efficiency) *
                                ((power - below.power) / (above->power - below.power));
}

double IdealBattery::best_efficiency() const {
  if (curve.empty()) return efficiency;
  return std::ranges::max(curve, {}, &EfficiencyPoint::efficiency).efficiency;
}

std::optional<double> least_cost(std::span<const PricedSpan> hours, const IdealBattery& battery,
                                 const BoundRules& rules) {
  Convex to_come{rules.end.value(), 0.0, {{0.0, (battery.capacity - rules.end).value()}}};
  for (auto span = hours.rbegin(); span != hours.rend(); ++span) {
    if (span->price < span->export_price || span->export_price < 0.0) return std::nullopt;
    to_come =
        within(convolve(to_come, cost_of(*span, battery, rules)), 0.0, battery.capacity.value());
  }
  return at(to_come, battery.start.value());
}

}  // namespace esshub::sim
