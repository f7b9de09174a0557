// The tariff: what energy costs by the civil clock, and what that means for the battery.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/policy/marks.hpp"
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
  friend bool operator==(const Tariff&, const Tariff&) = default;
};

struct Prices {
  std::optional<double> import_price{};
  std::optional<double> export_price{};
  bool cheap = false;
};

/// By LocalTime::shown(): a tariff's clock knows nothing of plans, so both passes of a repeated
/// hour cost what it says. Both prices are there wherever a price outside the bands is given.
[[nodiscard]] Prices prices_at(const Tariff& tariff, CivilMinute minute);

/// What the tariff wants: while cheap, Charge where force_charge_to is given, else Balance that
/// keeps all there is; otherwise nothing. A negative import price is cheap, and what there is is
/// kept whatever no_discharge_while_cheap says.
[[nodiscard]] std::optional<Instruction> tariff_wish(const Tariff& tariff, Watts charge_limit,
                                                     CivilMinute minute);

/// Whether what can wait is bought now: in cheap hours; where the tariff has none, in those at its
/// lowest price; at any time where there is one price or none. Without a clock that is trusted the
/// hour is not known.
[[nodiscard]] bool is_off_peak(const Tariff& tariff, const LocalTime& local);

/// How much of the time from now until `span` is over costs less than now: a cheap hour less than
/// one that is not, else by the import price; one whose price is not known costs most. With a
/// `share` (0 to 1) only what costs less than that of the present import price counts.
[[nodiscard]] Duration cheaper_within(const Tariff& tariff, CivilMinute now, Duration span,
                                      std::optional<double> share = {});

/// When `need` of the next `span` is over, its cheapest hours first (as cheaper_within) and of
/// equal ones the earlier; nothing when the span is shorter, or has more than 64 costs. Both go by
/// a week without a change of clocks.
[[nodiscard]] std::optional<Duration> cheapest_end(const Tariff& tariff, CivilMinute now,
                                                   Duration span, Duration need);

/// The marks of one who does not know the prices. While one is paid to draw nothing is discharged,
/// not even to be sold (serve lies above sell); while one pays to give the sun is stored first, and
/// nothing is sold.
[[nodiscard]] Marks priced(Marks marks, const Prices& prices);

}  // namespace esshub::control
