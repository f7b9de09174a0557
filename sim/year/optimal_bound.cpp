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

/// The hour's cost as a function of the energy taken out of the battery (negative: put in).
Convex hour_cost(const PricedHour& hour, const IdealBattery& battery, double export_price,
                 bool from_grid) {
  const double kwh = 0.001;
  const double deficit = std::max(hour.net.value(), 0.0);
  const double surplus = std::max(-hour.net.value(), 0.0);
  const double out = std::min(deficit, battery.discharge.value());
  const double from_sun = std::min(surplus, battery.charge.value());
  const double bought = from_grid ? battery.charge.value() - from_sun : 0.0;
  const double e = battery.efficiency;
  const double full = kwh * (hour.price * (deficit + bought) - export_price * (surplus - from_sun));
  Convex cost{-(bought + from_sun) * e, full, {}};
  for (const Convex::Piece piece : {Convex::Piece{-kwh * hour.price / e, bought * e},
                                    Convex::Piece{-kwh * export_price / e, from_sun * e},
                                    Convex::Piece{-kwh * hour.price * e, out / e}})
    if (piece.length > 0.0) cost.pieces.push_back(piece);
  return cost;
}

}  // namespace

std::optional<double> least_cost(std::span<const PricedHour> hours, const IdealBattery& battery,
                                 double export_price, bool from_grid) {
  const double start = battery.start.value();
  Convex to_come{start, 0.0, {{0.0, battery.capacity.value() - start}}};
  for (auto hour = hours.rbegin(); hour != hours.rend(); ++hour) {
    if (hour->price < export_price || export_price < 0.0) return std::nullopt;
    to_come = within(convolve(to_come, hour_cost(*hour, battery, export_price, from_grid)), 0.0,
                     battery.capacity.value());
  }
  return at(to_come, start);
}

}  // namespace esshub::sim
