#include "tests/scenarios/truth_history.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace esshub::sim {
namespace {

constexpr Duration explained_by_physics = 2s;
constexpr Duration kept = 5s;

struct Band {
  Measure measure;
  double width;
};
/// All others must be exact.
constexpr std::array bands{Band{Measure::power, 20.0},
                           Band{Measure::dc_power, 20.0},
                           Band{Measure::setpoint, 20.0},
                           Band{Measure::voltage, 2.0},
                           Band{Measure::dc_voltage, 2.0},
                           Band{Measure::current, 2.0},
                           Band{Measure::dc_current, 2.0},
                           Band{Measure::energy_forward, 5.0},
                           Band{Measure::energy_reverse, 5.0},
                           Band{Measure::soc, 1.0},
                           Band{Measure::soh, 1.0},
                           Band{Measure::temperature, 1.0},
                           Band{Measure::frequency, 0.2},
                           Band{Measure::cvl, 0.2},
                           Band{Measure::ccl, 0.2},
                           Band{Measure::dcl, 0.2},
                           Band{Measure::dvl, 0.2}};

double band(Measure measure) {
  const auto* const found = std::ranges::find(bands, measure, &Band::measure);
  return found == bands.end() ? 0.0 : found->width;
}

template <class Truth>
struct Row {
  Measure measure;
  double (*value)(const Truth&);
};
using Metered = Row<MeterReading>;
using Reported = Row<BatteryTruth>;
using Measured = Row<InverterTruth>;

constexpr std::array metered{
    Metered{Measure::power, [](const MeterReading& r) { return r.power.value(); }},
    Metered{Measure::voltage, [](const MeterReading& r) { return r.voltage.value(); }},
    Metered{Measure::current, [](const MeterReading& r) { return r.current.value(); }},
    Metered{Measure::energy_forward, [](const MeterReading& r) { return r.forward.value(); }},
    Metered{Measure::energy_reverse, [](const MeterReading& r) { return r.reverse.value(); }}};

constexpr std::array reported{
    Reported{Measure::voltage, [](const BatteryTruth& b) { return b.voltage.value(); }},
    Reported{Measure::current, [](const BatteryTruth& b) { return b.current.value(); }},
    Reported{Measure::temperature, [](const BatteryTruth& b) { return b.temperature.value(); }},
    Reported{Measure::soc, [](const BatteryTruth& b) { return b.soc_percent; }},
    Reported{Measure::soh, [](const BatteryTruth& b) { return b.soh_percent; }},
    Reported{Measure::cvl, [](const BatteryTruth& b) { return b.cvl.value(); }},
    Reported{Measure::ccl, [](const BatteryTruth& b) { return b.ccl.value(); }},
    Reported{Measure::dcl, [](const BatteryTruth& b) { return b.dcl.value(); }},
    Reported{Measure::dvl, [](const BatteryTruth& b) { return b.dvl.value(); }},
    Reported{Measure::protections,
             [](const BatteryTruth& b) { return static_cast<double>(b.protections); }},
    Reported{Measure::warnings,
             [](const BatteryTruth& b) { return static_cast<double>(b.warnings); }},
    Reported{Measure::requests,
             [](const BatteryTruth& b) { return static_cast<double>(request_bits(b)); }},
    Reported{Measure::modules,
             [](const BatteryTruth& b) { return static_cast<double>(b.modules); }}};

constexpr std::array measured{
    Measured{Measure::power, [](const InverterTruth& i) { return i.ac_in.value(); }},
    Measured{Measure::voltage, [](const InverterTruth& i) { return i.mains_voltage.value(); }},
    Measured{Measure::dc_power, [](const InverterTruth& i) { return i.battery_ac.value(); }},
    Measured{Measure::dc_voltage, [](const InverterTruth& i) { return i.dc_voltage.value(); }},
    Measured{Measure::dc_current, [](const InverterTruth& i) { return i.dc_current.value(); }},
    Measured{Measure::main_state,
             [](const InverterTruth& i) { return static_cast<double>(i.state); }},
    Measured{Measure::alarms, [](const InverterTruth& i) { return static_cast<double>(i.alarms); }},
    Measured{Measure::error, [](const InverterTruth& i) { return static_cast<double>(i.error); }},
    Measured{Measure::controllable, [](const InverterTruth&) { return 1.0; }}};

template <class Truth, std::size_t N>
std::optional<double> look_up(const std::array<Row<Truth>, N>& rows, const Truth& truth,
                              Measure measure) {
  const auto* const row = std::ranges::find(rows, measure, &Row<Truth>::measure);
  if (row == rows.end()) return std::nullopt;
  return row->value(truth);
}

}  // namespace

void TruthHistory::remember(const House& house, Instant now) {
  moments_.push_back({now, house.main_meter(), house.battery_meter(), house.battery_truth(),
                      house.inverter_truth(), house.command().setpoint.value_or(Watts{}).value()});
  while (now - moments_.front().at > kept) moments_.pop_front();
}

std::optional<double> TruthHistory::value(const Moment& moment, Channel channel) {
  const auto [point, measure] = channel;
  if (point == Point::grid) return look_up(metered, moment.main.phases[0], measure);
  if (point == Point::solar) return look_up(metered, moment.main.phases[1], measure);
  if (point == Point::circuit1) return look_up(metered, moment.main.phases[2], measure);
  if (point == Point::battery_meter) return look_up(metered, moment.line.phases[0], measure);
  if (point == Point::battery) return look_up(reported, moment.battery, measure);
  if (point == Point::ac_out && measure == Measure::power) return moment.inverter.ac_out.value();
  if (point != Point::inverter) return std::nullopt;
  if (measure == Measure::setpoint) return moment.setpoint;
  return look_up(measured, moment.inverter, measure);
}

bool TruthHistory::explains(const Sample& sample, Duration delay) const {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const auto& moment : moments_) {
    if (moment.at < sample.at - explained_by_physics - delay) continue;
    const auto truth = value(moment, sample.channel);
    if (!truth) return true;
    low = std::min(low, *truth);
    high = std::max(high, *truth);
  }
  const double more = band(sample.channel.measure);
  return sample.value >= low - more && sample.value <= high + more;
}

}  // namespace esshub::sim
