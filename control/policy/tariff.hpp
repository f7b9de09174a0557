// The tariff: what energy costs by the civil clock, and what that means for the battery.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/policy/marks.hpp"
#include "control/policy/price_table.hpp"
#include "control/policy/schedule.hpp"
#include "model/instruction.hpp"
#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::control {

/// Hours with prices of their own, per kWh in the tariff's currency.
struct TariffBand {
  WeekSpan when;
  double import_price = 0.0;
  std::optional<double> export_price{};  ///< nothing: as outside the bands
  bool cheap = false;                    ///< whatever it costs
  friend bool operator==(const TariffBand&, const TariffBand&) = default;
};

struct Tariff {
  std::string currency{};
  std::optional<double> import_price{};  ///< outside the bands
  std::optional<double> export_price{};
  std::vector<TariffBand> bands{};  ///< no two at the same time

  std::optional<double> cheap_below{};  ///< an import price below it is cheap
  bool no_discharge_while_cheap = true;
  std::optional<Soc> force_charge_to{};       ///< while cheap, from the grid if need be
  std::optional<Watts> force_charge_power{};  ///< nothing: the charge limit
  double plausible_price = 5.0;               ///< that others tell, of either sign, at most
  friend bool operator==(const Tariff&, const Tariff&) = default;
};

struct Prices {
  std::optional<double> import_price{};
  std::optional<double> export_price{};
  bool cheap = false;
};

/// What others told of the time from `now` on takes the place of the tariff's prices.
struct PricesAhead {
  const PriceTable* told = nullptr;  ///< nothing: the tariff alone
  Instant now{};

  /// At now + `later`.
  [[nodiscard]] ToldPrices at(Duration later) const {
    return told ? told_at(*told, now + later) : ToldPrices{};
  }
};

/// By LocalTime::shown(): a tariff's clock knows nothing of plans, so both passes of a repeated
/// hour cost what it says. Both prices are there wherever a price outside the bands is given. A
/// price that is told takes the place of the tariff's; a cheap band stays cheap.
[[nodiscard]] Prices prices_at(const Tariff& tariff, CivilMinute minute,
                               const ToldPrices& told = {});

/// What the tariff wants: while cheap, Charge where force_charge_to is given, else Balance that
/// keeps all there is; otherwise nothing. A negative import price is cheap, and what there is is
/// kept whatever no_discharge_while_cheap says.
[[nodiscard]] std::optional<Instruction> tariff_wish(const Tariff& tariff, Watts charge_limit,
                                                     CivilMinute minute,
                                                     const ToldPrices& told = {});

/// Whether there are hours to choose from: bands, or an import price that is told now.
[[nodiscard]] bool has_hours(const Tariff& tariff, const PricesAhead& ahead);

/// Whether what can wait is bought now: in cheap hours; where the tariff has none, in those at its
/// lowest price; at any time where there is one price or none. Where an import price is told now:
/// in cheap hours; where the next 24 h have none, while none of them costs less, or less than 4 h
/// cost less and at least 4 h more. Hours whose price is not known count neither way. Without a
/// clock that is trusted the hour is not known.
[[nodiscard]] bool is_off_peak(const Tariff& tariff, const LocalTime& local,
                               const PricesAhead& ahead = {});

/// How much of the time from now until `span` is over costs less than now: a cheap hour less than
/// one that is not, else by the import price; one whose price is not known costs most. With a
/// `share` (0 to 1) only what costs less than that of the present import price counts.
[[nodiscard]] Duration cheaper_within(const Tariff& tariff, CivilMinute now, Duration span,
                                      std::optional<double> share = {},
                                      const PricesAhead& ahead = {});

/// When `need` of the next `span` is over, its cheapest hours first (as cheaper_within) and of
/// equal ones the earlier; nothing when the span is shorter, or has more than 320 costs. Both go by
/// a week without a change of clocks.
[[nodiscard]] std::optional<Duration> cheapest_end(const Tariff& tariff, CivilMinute now,
                                                   Duration span, Duration need,
                                                   const PricesAhead& ahead = {});

/// The marks of one who does not know the prices. While one is paid to draw nothing is discharged,
/// not even to be sold (serve lies above sell); while one pays to give the sun is stored first, and
/// nothing is sold.
[[nodiscard]] Marks priced(Marks marks, const Prices& prices);

}  // namespace esshub::control
