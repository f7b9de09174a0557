#include "protocol/vebus/sample_decoder.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "model/plausible.hpp"
#include "protocol/vebus/poll_schedule.hpp"

namespace esshub::protocol::vebus {
namespace {

/// Nothing for a state of which it cannot be said: a slave has none of its own.
std::optional<InverterStatus> status_of(VebusState state, bool error) {
  switch (state) {
    case VebusState::down:
    case VebusState::startup:
    case VebusState::off:
      return error ? InverterStatus::fault : InverterStatus::off;
    case VebusState::invert_full:
    case VebusState::invert_half:
    case VebusState::invert_search:
      return InverterStatus::islanded;
    case VebusState::power_assist:
    case VebusState::passthru:
    case VebusState::charge:
      return InverterStatus::grid_connected;
    case VebusState::slave:
      break;
  }
  return std::nullopt;
}

constexpr Duration warning_shown = 30s;

/// reference: vebus-mk3#3.3; DC ripple has no LED of its own.
struct Warning {
  VebusAlarm id;
  unsigned led;
  Fault fault;
};
constexpr EnumTable<Warning> warning_table({
    {VebusAlarm::temperature, 0x80, Fault::inverter_temperature},
    {VebusAlarm::low_battery, 0x40, Fault::inverter_low_battery},
    {VebusAlarm::overload, 0x20, Fault::inverter_overload},
    {VebusAlarm::dc_ripple, 0x00, Fault::inverter_dc_ripple},
});

}  // namespace

SampleDecoder::Taken SampleDecoder::on_ram_values(const Scales& scales,
                                                  std::span<const std::uint8_t> ids,
                                                  std::span<const std::uint16_t> raw, Instant now,
                                                  Step& step) {
  struct Column {
    std::uint8_t id;
    Channel channel;
    Duration max_age = default_max_age;
  };
  constexpr Duration at_record_check = max_age_of(record_check_period);
  constexpr std::array<Column, 5> columns{{
      {ram::battery_power, {Point::inverter, Measure::dc_power}},
      {ram::mains_power, {Point::inverter, Measure::power}},
      {ram::output_power, {Point::ac_out, Measure::power}},
      {ram::battery_voltage, {Point::inverter, Measure::dc_voltage}, at_record_check},
      {ram::battery_current, {Point::inverter, Measure::dc_current}, at_record_check},
  }};
  std::vector<Sample> samples;
  Taken taken = Taken::all;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto* const column = std::ranges::find(columns, ids[i], &Column::id);
    auto value = scales.value(ids[i], raw[i]);
    if (column == columns.end() || !value) continue;
    if (column->id == ram::mains_power) value = mirror(Watts{*value}).value();
    if (!plausible(column->channel).holds(*value)) {
      if (column->id != ram::output_power) return Taken::none;
      taken = Taken::all_but_ac_out;
      continue;
    }
    samples.push_back({column->channel, *value, now, column->max_age});
  }
  step.samples.insert(step.samples.end(), samples.begin(), samples.end());
  return taken;
}

void SampleDecoder::on_mains(const AcInfo& info, const Scales& scales, Instant now, Step& step,
                             FrameCounters& frames) {
  if (const auto state = info.main_state()) {
    step.add({Point::inverter, Measure::main_state}, static_cast<double>(*state), now);
    if (const auto status = status_of(*state, error_.value_or(0) != 0))
      step.add({Point::inverter, Measure::status}, static_cast<double>(*status), now);
    if (state_ != state)
      step.tell(Level::notice, "inverter_state", "state=" + std::string{name(*state)});
    state_ = state;
    if (state != VebusState::off) off_by_remote_ = false;
  } else {
    frames.add(FrameResult::content);
  }
  mains_present_ = false;
  if (const auto volts = scales.value(ram::mains_voltage, info.mains_voltage)) {
    constexpr Channel channel{Point::inverter, Measure::voltage};
    if (plausible(channel).holds(*volts)) {
      step.add(channel, *volts, now);
      mains_present_ = Volts{*volts} >= mains_present;
    } else {
      frames.add(FrameResult::content);
    }
  }
  struct Column {
    std::uint8_t id;
    std::uint16_t raw;
    Channel channel;
  };
  const std::array<Column, 3> columns{{
      {ram::mains_current,
       static_cast<std::uint16_t>(info.mains_current),
       {Point::inverter, Measure::current}},
      {ram::inverter_voltage, info.output_voltage, {Point::ac_out, Measure::voltage}},
      {ram::inverter_current,
       static_cast<std::uint16_t>(info.output_current),
       {Point::ac_out, Measure::current}},
  }};
  for (const auto& [id, raw, shown] : columns) {
    // The frame has both currents with a sign, whatever the variable itself has.
    auto scale = scales.of(id);
    if (!scale) continue;
    if (shown.measure == Measure::current) scale->is_signed = true;
    if (const double value = scale->value(raw); plausible(shown).holds(value))
      step.add(shown, value, now);
  }
  const auto period = scales.of(ram::mains_period);
  if (!period) return;
  constexpr Channel channel{Point::inverter, Measure::frequency};
  if (const auto hertz = frequency(*period, info.period);
      hertz && plausible(channel).holds(hertz->value()))
    step.add(channel, hertz->value(), now);
}

void SampleDecoder::on_leds(const Leds& leds, Instant now, Step& step) {
  if (leds.known())
    step.add({Point::inverter, Measure::leds}, leds.on | (unsigned{leds.blink} << 8), now);
  if (leds.alarms) {
    step.add({Point::inverter, Measure::alarms}, *leds.alarms, now);
    if (alarms_.value_or(0) != *leds.alarms)
      step.tell(*leds.alarms != 0 ? Level::warning : Level::notice, "inverter_alarms",
                "alarms=" + log_quoted(alarm_names(*leds.alarms)));
    alarms_ = leds.alarms;
  }
  const unsigned lit = leds.known() ? unsigned{leds.on} | leds.blink : 0u;
  for (const Warning& row : warning_table)
    if ((lit & row.led) != 0 ||
        (leds.alarms.value_or(0) & (warning_bit(row.id) | alarm_bit(row.id))) != 0)
      warned_at_[row.id] = now;
  if (const auto code = leds.error()) {
    step.add({Point::inverter, Measure::error}, *code, now);
    if (error_.value_or(0) != *code)
      step.tell(*code != 0 ? Level::error : Level::notice, "vebus_error",
                "code=" + std::to_string(*code) + " text=" + log_quoted(error_text(*code)));
    error_ = code;
  }
}

void SampleDecoder::begin_anew() {
  const auto warned_at = warned_at_;
  *this = {};
  warned_at_ = warned_at;
}

FaultFlags SampleDecoder::warnings(Instant now) const {
  FaultFlags faults;
  for (const Warning& row : warning_table) {
    const auto& at = warned_at_[row.id];
    faults.set(row.fault, at && now - *at <= warning_shown);
  }
  return faults;
}

void SampleDecoder::on_input(const ConfigInfo& info, Instant now, Step& step) {
  constexpr double amperes = 0.1;
  step.add({Point::inverter, Measure::input_limit}, info.limit * amperes, now,
           max_age_of(input_period));
  off_by_remote_ = state_ == VebusState::off && info.off_by_remote();
}

void SampleDecoder::on_battery(const DcInfo& info, const Scales& scales, Instant now, Step& step,
                               FrameCounters& frames) {
  if (const auto volts = scales.value(ram::battery_voltage, info.voltage)) {
    constexpr Channel channel{Point::inverter, Measure::dc_voltage};
    if (plausible(channel).holds(*volts)) {
      step.add(channel, *volts, now, max_age_of(battery_period));
    } else {
      frames.add(FrameResult::content);
    }
  }
  const auto scale = scales.of(ram::battery_current);
  if (!scale) return;
  const double amperes = info.battery_current(*scale).value();
  constexpr Channel channel{Point::inverter, Measure::dc_current};
  if (plausible(channel).holds(amperes)) {
    step.add(channel, amperes, now, max_age_of(battery_period));
  } else {
    frames.add(FrameResult::content);
  }
}

void SampleDecoder::on_device_state(const Winmon& reply, Instant now, Step& step) {
  const auto state = decode_device_state(reply);
  if (state && state->state == static_cast<std::uint8_t>(VebusState::charge))
    step.add({Point::inverter, Measure::charge_state}, state->sub_state, now,
             max_age_of(device_state_period));
}

}  // namespace esshub::protocol::vebus
