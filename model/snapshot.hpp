// Snapshot: the newest reading of every channel, frozen for one tick (the process image).
#pragma once

#include <optional>

#include "model/bms.hpp"
#include "model/sample.hpp"
#include "model/vebus.hpp"

namespace esshub {

class Snapshot {
 public:
  /// Keeps the sample if it is not older than what the channel already holds.
  void absorb(const Sample& sample);

  /// The newest reading of a channel in its own unit, however old; ask fresh() before using
  /// it.
  [[nodiscard]] const std::optional<Reading<double>>& raw(Point point, Measure measure) const {
    return readings_[point][measure];
  }

  /// The same as a typed quantity: `get<Watts>(Point::grid, Measure::power)`.
  template <class Q>
  [[nodiscard]] std::optional<Reading<Q>> get(Point point, Measure measure) const {
    const auto& reading = raw(point, measure);
    if (!reading) return std::nullopt;
    return Reading<Q>{Q{reading->value}, reading->at, reading->max_age};
  }

  [[nodiscard]] std::optional<Reading<Watts>> power(Point point) const {
    return get<Watts>(point, Measure::power);
  }
  /// nullopt also when the percentage is impossible.
  [[nodiscard]] std::optional<Reading<Soc>> soc() const;
  /// A bit set (protections, warnings, requests) or small integer.
  [[nodiscard]] std::optional<Reading<std::uint32_t>> bits(Point point, Measure measure) const;
  [[nodiscard]] std::optional<Reading<InverterStatus>> inverter_status() const;
  /// For people: VE.Bus's own word for it.
  [[nodiscard]] std::optional<Reading<VebusState>> vebus_state() const;

 private:
  EnumArray<Point, EnumArray<Measure, std::optional<Reading<double>>>> readings_;
};

}  // namespace esshub
