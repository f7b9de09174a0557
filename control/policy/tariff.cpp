#include "control/policy/tariff.hpp"

#include <algorithm>

namespace esshub::control {

using namespace esshub::literals;

Prices prices_at(const Tariff& tariff, CivilMinute minute) {
  Prices prices{tariff.import_price, tariff.export_price};
  const auto band = std::ranges::find_if(
      tariff.bands, [&](const TariffBand& b) { return b.when.covers(minute); });
  if (band != tariff.bands.end()) {
    prices.import_price = band->import_price;
    if (band->export_price) prices.export_price = band->export_price;
    prices.cheap = band->cheap;
  }
  if (tariff.cheap_below && prices.import_price && *prices.import_price < *tariff.cheap_below)
    prices.cheap = true;
  return prices;
}

std::optional<Instruction> tariff_wish(const Tariff& tariff, Watts charge_limit,
                                       CivilMinute minute) {
  if (!prices_at(tariff, minute).cheap) return std::nullopt;
  if (tariff.force_charge_to)
    return Instruction{
        .kind = InstructionKind::charge,
        .power = tariff.force_charge_power.value_or(charge_limit),
        .target = *tariff.force_charge_to,
        .low = tariff.no_discharge_while_cheap ? 100.0_soc : *tariff.force_charge_to};
  if (tariff.no_discharge_while_cheap)
    return Instruction{.kind = InstructionKind::balance, .low = 100.0_soc};
  return std::nullopt;
}

}  // namespace esshub::control
