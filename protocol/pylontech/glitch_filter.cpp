#include "protocol/pylontech/glitch_filter.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace esshub::protocol {
namespace {

enum class Safe : std::uint8_t {
  neither,     ///< no value is
  down,        ///< the lower one allows less
  up,          ///< the higher one allows less
  bits_set,    ///< every bit forbids something
  bits_clear,  ///< every bit allows or asks for something
};

struct Rule {
  Measure measure;
  Safe safe;
  double jump = 0.0;  ///< in the measure's unit; a smaller change is none
};

/// The numbers: about what a sound battery changes from one frame to the next. Voltage and current
/// may rightly change more with a big load; then they come a frame later.
constexpr std::array rules{
    Rule{Measure::soc, Safe::down, 1.0},
    Rule{Measure::soh, Safe::neither, 1.0},
    Rule{Measure::cvl, Safe::down, 0.2},
    Rule{Measure::ccl, Safe::down, 0.2},
    Rule{Measure::dcl, Safe::down, 0.2},
    Rule{Measure::dvl, Safe::up, 0.2},
    Rule{Measure::voltage, Safe::neither, 2.0},
    Rule{Measure::current, Safe::neither, 30.0},
    Rule{Measure::temperature, Safe::neither, 1.0},
    Rule{Measure::modules, Safe::neither},
    Rule{Measure::capacity, Safe::neither, 1.0},
    Rule{Measure::protections, Safe::bits_set},
    Rule{Measure::warnings, Safe::bits_set},
    Rule{Measure::requests, Safe::bits_clear},
};

std::uint32_t bits(double value) {
  return static_cast<std::uint32_t>(value);
}

/// The safer of the two; nothing if none is.
std::optional<double> safer(double a, double b, Safe safe) {
  switch (safe) {
    case Safe::neither:
      return std::nullopt;
    case Safe::down:
      return std::min(a, b);
    case Safe::up:
      return std::max(a, b);
    case Safe::bits_set:
      return static_cast<double>(bits(a) | bits(b));
    case Safe::bits_clear:
      return static_cast<double>(bits(a) & bits(b));
  }
  return std::nullopt;
}

}  // namespace

bool GlitchFilter::admit(Sample& sample) {
  const auto* rule = std::ranges::find(rules, sample.channel.measure, &Rule::measure);
  if (rule == rules.end()) return true;
  Memory& memory = memory_[sample.channel.measure];
  const double value = sample.value;
  const auto agrees = [&](const std::optional<double>& other) {
    return other && std::abs(value - *other) <= rule->jump;
  };
  if (!memory.confirmed || agrees(memory.confirmed) || agrees(memory.doubted)) {
    memory = {value, std::nullopt};
    return true;
  }
  // Two in a row that allow more confirm what both allow: a limit may climb.
  if (const auto both = memory.doubted ? safer(value, *memory.doubted, rule->safe) : std::nullopt;
      both && safer(*both, *memory.confirmed, rule->safe) == memory.confirmed)
    memory.confirmed = both;
  memory.doubted = value;
  const auto believed = safer(value, *memory.confirmed, rule->safe);
  if (believed) sample.value = *believed;
  return believed.has_value();
}

void GlitchFilter::filter(std::vector<Sample>& samples) {
  std::erase_if(samples, [this](Sample& sample) { return !admit(sample); });
}

}  // namespace esshub::protocol
