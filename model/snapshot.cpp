#include "model/snapshot.hpp"

namespace esshub {

void Snapshot::absorb(const Sample& sample) {
  auto& slot = readings_[sample.channel.point][sample.channel.measure];
  if (slot && sample.at < slot->at) return;
  slot = Reading<double>{sample.value, sample.at, sample.max_age};
}

std::optional<Reading<Soc>> Snapshot::soc() const {
  const auto& reading = raw(Point::battery, Measure::soc);
  if (!reading) return std::nullopt;
  const auto soc = Soc::from_percent(reading->value);
  if (!soc) return std::nullopt;
  return Reading<Soc>{*soc, reading->at, reading->max_age};
}

std::optional<Reading<std::uint32_t>> Snapshot::bits(Point point, Measure measure) const {
  const auto& reading = raw(point, measure);
  if (!reading || !(reading->value >= 0.0 && reading->value <= 4294967295.0)) return std::nullopt;
  return Reading<std::uint32_t>{static_cast<std::uint32_t>(reading->value), reading->at,
                                reading->max_age};
}

std::optional<Reading<InverterStatus>> Snapshot::inverter_status() const {
  const auto status = bits(Point::inverter, Measure::status);
  if (!status || status->value >= enum_count<InverterStatus>) return std::nullopt;
  return Reading<InverterStatus>{static_cast<InverterStatus>(status->value), status->at,
                                 status->max_age};
}

std::optional<Reading<VebusState>> Snapshot::vebus_state() const {
  const auto& number = raw(Point::inverter, Measure::main_state);
  if (!number) return std::nullopt;
  const auto state = state_of<VebusState>(number->value);
  if (!state) return std::nullopt;
  return Reading<VebusState>{*state, number->at, number->max_age};
}

}  // namespace esshub
