// BMS: the bits of what a battery protects against, warns of and asks for, and their names.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace esshub {

/// What a BMS protects against or warns of (union of both Pylontech profiles).
enum class BmsFlag : std::uint32_t {
  high_voltage = 1u << 0,
  low_voltage = 1u << 1,
  high_temperature = 1u << 2,
  low_temperature = 1u << 3,
  high_charge_current = 1u << 4,
  high_discharge_current = 1u << 5,
  system = 1u << 6,  ///< system error
  internal_communication = 1u << 7,
  high_charge_temperature = 1u << 8,
  low_charge_temperature = 1u << 9,
  contactor = 1u << 10,
  short_circuit = 1u << 11,
  internal_failure = 1u << 12,
  cell_imbalance = 1u << 13,
  general = 1u << 14,
  unknown = 1u << 15,  ///< a bit no document names: stops both directions
};

enum class BmsRequest : std::uint32_t {
  charge_enable = 1u << 0,
  discharge_enable = 1u << 1,
  force_charge_1 = 1u << 2,
  force_charge_2 = 1u << 3,
  full_charge = 1u << 4,
};

[[nodiscard]] constexpr std::uint32_t bit(BmsFlag flag) {
  return static_cast<std::uint32_t>(flag);
}
[[nodiscard]] constexpr std::uint32_t bit(BmsRequest request) {
  return static_cast<std::uint32_t>(request);
}
[[nodiscard]] constexpr bool has(std::uint32_t bits, BmsFlag flag) {
  return (bits & bit(flag)) != 0;
}
[[nodiscard]] constexpr bool has(std::uint32_t bits, BmsRequest request) {
  return (bits & bit(request)) != 0;
}

[[nodiscard]] std::string_view name(BmsFlag flag);        ///< "high_voltage"; empty for no flag
[[nodiscard]] std::string_view name(BmsRequest request);  ///< "charge_enable"; empty for no request

/// Each of the flags or requests, lowest bit first.
template <class Bit, class Visit>
void each_bit(Visit visit) {
  for (unsigned i = 0; i < 32; ++i)
    if (const auto each = static_cast<Bit>(1u << i); !name(each).empty()) visit(each);
}

/// The names of those that are set, lowest bit first.
template <class Bit>
[[nodiscard]] std::vector<std::string_view> names_of(std::uint32_t bits) {
  std::vector<std::string_view> names;
  each_bit<Bit>([&](Bit each) {
    if (has(bits, each)) names.push_back(name(each));
  });
  return names;
}

}  // namespace esshub
