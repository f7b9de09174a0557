// esshub-sim year: what the rules make of a year, next to no battery and to perfect foresight.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

#include "sim/year/smart_year.hpp"
#include "sim/year/year.hpp"

namespace esshub::sim {

struct YearOptions {
  std::filesystem::path house;
  std::filesystem::path config{};  ///< of the hub, for its rules; empty: ideal_control()
  YearSettings settings{};         ///< but for the control
  SmartSettings smart{.policy = YearPolicy::rules};
  // While the hour's price is below: nothing is done about it unless a price is given.
  std::optional<double> cheap_below{};
  std::optional<double> force_charge_to_percent{};
  bool no_discharge_while_cheap = false;
  std::optional<double> import_limit_w{};  ///< charging never lifts import above it
  std::string currency{};                  ///< of all prices; empty: as config or house name it
  bool free_end = false;  ///< the bound may end empty; otherwise with what the rules end with
  std::filesystem::path json{};
};

/// Returns the exit code. The figures go to `out`, errors to `err`.
[[nodiscard]] int simulate_year(const YearOptions& options, std::ostream& out, std::ostream& err);

}  // namespace esshub::sim
