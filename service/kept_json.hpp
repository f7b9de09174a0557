// kept_json: values in a file that is read back. Each throws, as the JSON library does, where the
// value cannot be: it is damage.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "model/instruction.hpp"
#include "model/units.hpp"
#include "service/feed.hpp"

namespace esshub::service {

/// A time that no clock ever showed would overflow as well.
[[nodiscard]] inline UnixSeconds kept_moment(const nlohmann::json& value) {
  constexpr UnixSeconds year_2200 = 7258118400;
  const auto s = value.get<UnixSeconds>();
  if (s < 0 || s > year_2200) throw std::out_of_range("a time that cannot be");
  return s;
}

[[nodiscard]] inline WallTime kept_time(const nlohmann::json& value) {
  return wall_time(kept_moment(value));
}

/// In per cent.
[[nodiscard]] inline Soc kept_soc(const nlohmann::json& value) {
  const auto soc = Soc::from_percent(value.get<double>());
  if (!soc) throw std::out_of_range("a state of charge beyond 0 to 100 %");
  return *soc;
}

/// By its name.
[[nodiscard]] inline InstructionKind kept_kind(const nlohmann::json& value) {
  const auto kind = instruction_kind(value.get<std::string>());
  if (!kind) throw std::out_of_range("an unknown instruction");
  return *kind;
}

}  // namespace esshub::service
