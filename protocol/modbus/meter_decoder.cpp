#include "protocol/modbus/meter_decoder.hpp"

#include <algorithm>
#include <utility>

#include "model/plausible.hpp"

namespace esshub::protocol {
namespace {

using modbus::Block;
using modbus::Register;
using modbus::WordOrder;

constexpr Duration short_pause = 1s;
constexpr Duration long_pause = 10s;    // until somebody has changed a setting
constexpr Duration frozen_after = 10s;  // docs/safety.md F2
/// What is not read with the power shares its turns with every other meter of the line, or comes as
/// often as another master asks for it.
constexpr Duration slow_max_age = 15s;
// Energies in a row that fit one another before they are believed: of a counter that is new, and
// against one that says something else (another meter, or this one reset).
constexpr unsigned known_after = 2;
constexpr unsigned exchanged_after = 3;
/// What three phases of any home can carry.
constexpr Watts most_power{3.0 * range::ac_power.high};
/// A meter shows its energy in steps, the coarsest whole kWh.
constexpr double step_wh = 1000.0;

ByteView bytes_of(const Block& block, const Register& reg, ByteView registers) {
  return registers.subspan(2u * (reg.address - block.start), 4);
}

/// How long a value is current, by the block that it is read with.
Duration max_age(MeterModel model, ModbusMode mode, const Register& reg) {
  if (reg.measure == Measure::power) return default_max_age;
  const auto blocks = modbus::row_of(model).blocks;
  const Duration period =
      std::ranges::find_if(blocks, [&](const Block& b) { return holds(b, reg); })->period;
  if (mode == ModbusMode::poll && period == Duration::zero()) return default_max_age;
  return std::max(slow_max_age, max_age_of(period));
}

/// The register with this quantity of the phase, if the block reads it.
const Register* read_in(const Block& block, MeterModel model, unsigned phase, Measure measure) {
  for (const auto& reg : modbus::row_of(model).registers)
    if (reg.phase == phase && reg.measure == measure && holds(block, reg)) return &reg;
  return nullptr;
}

/// Swaps the energy counters of an inverted channel.
Measure oriented(Measure measure, bool invert) {
  if (invert && measure == Measure::energy_forward) return Measure::energy_reverse;
  if (invert && measure == Measure::energy_reverse) return Measure::energy_forward;
  return measure;
}

}  // namespace

MeterDecoder::MeterDecoder(MeterConfig config, ModbusMode mode)
    : config_(std::move(config)), mode_(mode) {
  for (const auto& channel : config_.channels) channels_.push_back({.config = channel});
  needs_type_ = std::ranges::any_of(config_.channels, [](const auto& c) { return c.phase > 1; });
  reset_validation();
}

void MeterDecoder::reset_validation() {
  order_known_ = false;
  type_known_ = !needs_type_;
  flows_ = false;
  watch_.frozen = false;  // to be judged again by its next answer
}

void MeterDecoder::lose() {
  reset_validation();
  rejection_reason_.clear();
  lost_ = true;
}

std::optional<unsigned> MeterDecoder::phase_without_power(Instant since) const {
  for (const auto& channel : channels_)
    if (!channel.power_at || *channel.power_at < since) return channel.config.phase;
  return std::nullopt;
}

std::string MeterDecoder::label() const {
  return "meter '" + config_.name + "' (unit " + std::to_string(config_.unit) + ")";
}

Event MeterDecoder::event(Level level, std::string name, const std::string& more) const {
  return {level, std::move(name),
          "meter=" + log_quoted(config_.name) + " unit=" + std::to_string(config_.unit) + more};
}

/// Its values are not believed.
Duration MeterDecoder::reject(std::string why, Duration pause, FrameCounters& frames) {
  frames.add(FrameResult::content);
  rejection_reason_ = std::move(why);
  reset_validation();
  return pause;
}

Duration MeterDecoder::take(const Block& block, ByteView registers, Instant at, Step& step,
                            FrameCounters& frames) {
  if (const auto pause = check_word_order(block, registers, step, frames)) return *pause;
  if (mode_ == ModbusMode::sniff) {
    if (const auto pause = check_phases(block, registers, step, frames)) return *pause;
  }
  if (!order_known_ || !type_known_) return {};
  watch_for_freezing(block, registers, at);
  const bool has_power = std::ranges::any_of(channels_, [&](const Channel& channel) {
    return read_in(block, config_.model, channel.config.phase, Measure::power) != nullptr;
  });
  if (has_power) report_recovered(step);
  if (watch_.frozen) return {};
  for (auto& channel : channels_) sample(channel, block, registers, at, step, frames);
  return {};
}

Duration MeterDecoder::take_system_type(ByteView registers, Step& step, FrameCounters& frames) {
  const double type = double{read_f32_be(registers, 0)};
  type_known_ = type == modbus::row_of(config_.model).system_type->needed;
  if (type_known_) return {};
  const std::string found(modbus::system_type_name(type));
  if (is_log_due(++rejections_)) {
    step.events.push_back(
        event(Level::error, "wrong_system_type", " found=" + found + " expected=3P4W"));
  }
  return reject(
      "is set to " + found +
          ", where phases 2 and 3 read zero: set its system type to 3P4W on its front panel",
      long_pause, frames);
}

/// A pause: nothing of this block may be used.
std::optional<Duration> MeterDecoder::check_word_order(const Block& block, ByteView registers,
                                                       Step& step, FrameCounters& frames) {
  bool any = false;
  WordOrder order = WordOrder::unproven;
  for (const auto& channel : channels_) {
    const auto* reg = read_in(block, config_.model, channel.config.phase, Measure::voltage);
    if (!reg) continue;
    any = true;
    const auto found = modbus::judge_word_order(bytes_of(block, *reg, registers));
    if (order == WordOrder::unproven) order = found;
  }
  if (!any) return std::nullopt;
  switch (order) {
    case WordOrder::right:
      order_known_ = true;
      return std::nullopt;
    case WordOrder::swapped:
      if (is_log_due(++rejections_)) {
        step.events.push_back(event(Level::error, "word_order", " found=\"low word first\""));
      }
      return reject(
          "sends its words in the wrong order: set its register order to normal, high word first",
          long_pause, frames);
    case WordOrder::unproven:
      if (order_known_) return std::nullopt;
      return reject("shows no line voltage of 180 to 270 V: check the wiring of its voltage inputs",
                    short_pause, frames);
  }
  return short_pause;
}

/// Who only listens cannot ask for the system type.
std::optional<Duration> MeterDecoder::check_phases(const Block& block, ByteView registers,
                                                   Step& step, FrameCounters& frames) {
  bool any = false;
  for (const auto& channel : channels_) {
    const auto* reg = read_in(block, config_.model, channel.config.phase, Measure::voltage);
    if (channel.config.phase == 1 || !reg) continue;
    any = true;
    type_known_ = type_known_ ||
                  modbus::judge_word_order(bytes_of(block, *reg, registers)) == WordOrder::right;
  }
  if (type_known_ || !any) return std::nullopt;
  if (is_log_due(++rejections_)) {
    step.events.push_back(event(Level::error, "wrong_system_type",
                                " found=\"no voltage on phases 2 and 3\" expected=3P4W"));
  }
  return reject(
      "shows no line voltage on phases 2 and 3: check the wiring of their voltage inputs, and set "
      "its system type to 3P4W on its front panel",
      long_pause, frames);
}

void MeterDecoder::watch_for_freezing(const Block& block, ByteView registers, Instant at) {
  const auto grid =
      std::ranges::find(channels_, Point::grid, [](const auto& c) { return c.config.point; });
  if (grid == channels_.end()) return;
  bool any = false;
  auto raw = watch_.raw;
  const auto look = [&](Measure measure, std::uint32_t& bits) {
    const auto* reg = read_in(block, config_.model, grid->config.phase, measure);
    if (!reg) return;
    any = true;
    bits = read_u32_be(bytes_of(block, *reg, registers), 0);
  };
  look(Measure::power, raw[0]);
  look(Measure::voltage, raw[1]);
  if (!any) return;
  if (!watch_.changed || raw != watch_.raw) watch_.changed = at;
  watch_.raw = raw;
  watch_.frozen = at - *watch_.changed >= frozen_after;
}

/// All proofs are in and values flow.
void MeterDecoder::report_recovered(Step& step) {
  if (lost_ || rejections_ > 0) step.events.push_back(event(Level::notice, "meter_back"));
  flows_ = true;
  lost_ = false;
  rejections_ = 0;
  rejection_reason_.clear();
}

void MeterDecoder::sample(Channel& channel, const Block& block, ByteView registers, Instant at,
                          Step& step, FrameCounters& frames) {
  const bool first = &channel == &channels_.front();
  for (const auto& reg : modbus::row_of(config_.model).registers) {
    if (!reg.measure || !holds(block, reg)) continue;
    if (reg.phase != channel.config.phase && !(reg.phase == 0 && first)) continue;
    auto value = modbus::decode_value(reg, bytes_of(block, reg, registers));
    if (reg.measure == Measure::voltage) channel.believed = value.has_value();
    const auto fits = value ? energy_fits(reg, *value, at) : Fits::no;
    if (fits == Fits::no) frames.add(FrameResult::content);
    if (fits != Fits::yes) continue;
    // What comes with an impossible voltage is not believed either: words in the wrong order
    // turn any power into almost nothing.
    if (!channel.believed) continue;
    if (reg.measure == Measure::power) channel.power_at = at;
    const bool negate = channel.config.invert && reg.measure == Measure::power;
    step.samples.push_back(
        {.channel = {channel.config.point, oriented(*reg.measure, channel.config.invert)},
         .value = negate ? -*value : *value,
         .at = at,
         .max_age = max_age(config_.model, mode_, reg)});
  }
}

/// An energy neither falls nor rises faster than the wires can carry. One that does, with a right
/// checksum or not, would stand in every counter that others add up for ever.
MeterDecoder::Fits MeterDecoder::energy_fits(const Register& reg, double value, Instant at) {
  if (reg.measure != Measure::energy_forward && reg.measure != Measure::energy_reverse)
    return Fits::yes;
  auto& counter = counters_[reg.address];
  const auto follows = [&](const std::optional<Reading<double>>& before) {
    if (!before || value < before->value) return false;
    const auto most = most_power * (at - before->at);
    return value - before->value <= most.value() + step_wh;
  };
  if (!follows(counter.believed)) {
    counter.alike = follows(counter.doubted) ? counter.alike + 1 : 1;
    counter.doubted = {value, at};
    if (counter.alike < (counter.believed ? exchanged_after : known_after))
      return counter.believed ? Fits::no : Fits::not_yet;
  }
  counter = {.believed = Reading<double>{value, at}};
  return Fits::yes;
}

}  // namespace esshub::protocol
