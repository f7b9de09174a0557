#include "sim/year/command.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "json/text.hpp"
#include "sim/exit_codes.hpp"
#include "sim/progress.hpp"
#include "sim/stopwatch.hpp"

namespace esshub::sim {
namespace {

double kwh(WattHours energy) {
  return energy.value() / 1000.0;
}

/// What the year is held against.
struct Yardsticks {
  double no_battery = 0.0;
  double balance = 0.0;
  std::optional<double> bound;
  std::optional<double> bound_from_sun;
};

/// `sells`: the battery may be discharged into the grid.
Yardsticks measure(std::span<const HouseHour> house, const YearSettings& settings, WattHours end,
                   bool sells) {
  const auto balance = run_smart_year(house, settings, {.policy = YearPolicy::balance});
  Yardsticks than{cost_without_battery(priced_spans(house, settings)), balance.result.cost,
                  bound(house, settings, end, true, sells),
                  bound(house, settings, end, false, sells)};
  // Where costs are not convex, by the programme.
  if (!than.bound && settings.battery.curve.empty())
    than.bound = programme_bound(house, settings, end, sells);
  return than;
}

/// Of what foresight would have saved: what the rules missed.
std::optional<double> missed_share(const YearResult& year, const Yardsticks& than) {
  if (!than.bound || than.no_battery <= *than.bound) return std::nullopt;
  return (year.cost - *than.bound) / (than.no_battery - *than.bound);
}

nlohmann::json as_json(const YearResult& year, const Yardsticks& than, double seconds) {
  nlohmann::json json;
  json["load_kwh"] = kwh(year.load);
  json["solar_kwh"] = kwh(year.sun);
  json["import_kwh"] = kwh(year.import);
  json["export_kwh"] = kwh(year.export_);
  json["charged_kwh"] = kwh(year.charged);
  json["discharged_kwh"] = kwh(year.discharged);
  json["losses_kwh"] = kwh(year.losses);
  json["standby_kwh"] = kwh(year.standby);
  json["end_kwh"] = kwh(year.end);
  json["cost"] = year.cost;
  json["cost_no_battery"] = than.no_battery;
  json["no_battery"] = than.no_battery;
  json["balance"] = than.balance;
  json["share_percent"] = nullptr;
  if (const auto missed = missed_share(year, than)) json["share_percent"] = 100.0 * (1.0 - *missed);
  json["bound"] = json["regret"] = json["regret_percent_of_possible_saving"] =
      json["bound_without_grid_charging"] = nullptr;
  if (than.bound) json["bound"] = *than.bound;
  if (than.bound) json["regret"] = year.cost - *than.bound;
  if (const auto share = missed_share(year, than))
    json["regret_percent_of_possible_saving"] = 100.0 * *share;
  if (than.bound_from_sun) json["bound_without_grid_charging"] = *than.bound_from_sun;
  json["decisions"] = year.steps;
  json["processor_seconds"] = seconds;
  return json;
}

std::string as_text(const YearResult& year, const Yardsticks& than, const IdealBattery& battery,
                    const std::string& currency) {
  std::string text;
  const std::string money = currency.empty() ? "" : " " + currency;
  const auto row = [&text](const char* what, double value, const std::string& after) {
    std::array<char, 160> line{};
    std::snprintf(line.data(), line.size(), "%-28s %10.2f%s\n", what, value, after.c_str());
    text += line.data();
  };
  const auto regret = [&] {
    std::array<char, 80> words{};
    std::snprintf(words.data(), words.size(), "   regret %.2f", year.cost - *than.bound);
    std::string text_of_it = money + words.data() + money;
    if (const auto share = missed_share(year, than)) {
      std::snprintf(words.data(), words.size(), ", %.1f %% of what it would save", 100.0 * *share);
      text_of_it += words.data();
    }
    return text_of_it;
  };
  row("load", kwh(year.load), " kWh");
  row("solar", kwh(year.sun), " kWh");
  row("import", kwh(year.import), " kWh");
  row("export", kwh(year.export_), " kWh");
  row("charged", kwh(year.charged), " kWh");
  row("discharged", kwh(year.discharged), " kWh");
  row("losses", kwh(year.losses), " kWh");
  if (year.standby > WattHours{}) row("standby", kwh(year.standby), " kWh");
  row("stored at the end", kwh(year.end), " kWh");
  row("full cycles", year.cells_out / battery.capacity, "");
  row("cost without a battery", than.no_battery, money);
  row("cost with these rules", year.cost, money);
  if (than.bound) {
    row("bound, perfect foresight", *than.bound, regret());
    if (than.bound_from_sun) row("bound without grid charging", *than.bound_from_sun, money);
    if (const auto missed = missed_share(year, than))
      row("share of that saving", 100.0 * (1.0 - *missed), " %");
  } else {
    text += "bound: none, for a price is below what export earns\n";
  }
  return text;
}

/// Changes of what it may do, a day of the worst 28; nothing: there are fewer.
std::optional<double> most_changes(const SmartYear& smart) {
  const std::vector<double> none(smart.changes_by_hour.size(), 0.0);
  const auto changes = worst_four_weeks(smart.changes_by_hour, none);
  return changes ? std::optional{*changes / 28.0} : std::nullopt;
}

/// How much dearer than self-consumption it was at worst, and how often its permission changed:
/// empty of less than 28 days.
std::string words_of(const SmartYear& smart, const SmartYear& balance, const Yardsticks& than,
                     const std::string& currency) {
  const auto worst = worst_four_weeks(smart.cost_by_hour, balance.cost_by_hour);
  const auto changes = most_changes(smart);
  if (!worst || !changes) return {};
  const double saving = than.bound ? than.no_battery - *than.bound : 0.0;
  std::array<char, 200> lines{};
  std::snprintf(lines.data(), lines.size(),
                "%-28s %10.2f %s   %.2f %% of the year's saving\n%-28s %10.2f a day\n",
                "dearer than Balance, 28 days", *worst, currency.c_str(),
                saving > 0.0 ? 100.0 * *worst / saving : 0.0, "permission changes, 28 days",
                *changes);
  return lines.data();
}

const char* name_of(YearPolicy policy) {
  switch (policy) {
    case YearPolicy::rules:
      return "rules";
    case YearPolicy::balance:
      return "balance";
    case YearPolicy::smart:
      return "smart";
  }
  return "";
}

}  // namespace

int simulate_year(const YearOptions& options, std::ostream& out, std::ostream& err) {
  const auto house = read_house_year(options.house);
  if (!house) {
    err << house.error() << '\n';
    return exit_config;
  }
  YearSettings settings = options.settings;
  settings.control = ideal_control(settings.battery);
  if (!options.config.empty()) {
    const auto hub = config::load_config(options.config);
    if (!hub) {
      for (const auto& error : hub.error()) err << config::describe(options.config, error) << '\n';
      return exit_config;
    }
    settings.control = hub->control;
  }

  if (options.cheap_below) {
    auto& tariff = settings.control.tariff = {};
    tariff.cheap_below = options.cheap_below;
    tariff.no_discharge_while_cheap = options.no_discharge_while_cheap;
    if (options.force_charge_to_percent)
      tariff.force_charge_to = Soc::from_percent(*options.force_charge_to_percent);
  }
  if (options.import_limit_w) settings.control.import_cap = Watts{*options.import_limit_w};

  const Stopwatch watch;
  YearResult year;
  SmartYear smart;
  const bool by_rules = options.smart.policy == YearPolicy::rules;
  if (!by_rules && !settings.battery.curve.empty()) {
    err << "--policy: with an efficiency curve there are rules alone\n";
    return exit_usage;
  }
  if (settings.tariff == YearTariff::agile && settings.step > 30min) {
    err << "--step: the prices of agile change each half hour; expected 1min or 1s\n";
    return exit_usage;
  }
  if (!by_rules) {
    smart = run_smart_year(*house, settings, options.smart);
    year = smart.result;
  } else {
    Progress progress{static_cast<double>(house->size()), "h"};
    year = run_year(*house, settings,
                    [&](std::size_t done) { progress.show(static_cast<double>(done)); });
  }
  const double took = watch.wall();
  const double processor = watch.processor();
  const auto than = measure(*house, settings, options.free_end ? WattHours{} : year.end,
                            by_rules || options.smart.sells);

  const auto& own = settings.control.tariff;
  const std::string currency = !options.currency.empty() ? options.currency
                               : !own.bands.empty()      ? own.currency
                                                    : sim::currency(options.house, settings.tariff);
  out << as_text(year, than, settings.battery, currency);
  if (options.smart.policy == YearPolicy::smart) {
    const auto balance = run_smart_year(*house, settings, {.policy = YearPolicy::balance});
    out << words_of(smart, balance, than, currency);
    err << smart.plans << " plans, the slowest in " << 1e3 * smart.slowest_plan_s
        << " ms of a processor\n";
  }
  err << year.steps << " decisions in " << took << " s; " << processor << " s of a processor, "
      << 1e9 * processor / static_cast<double>(year.steps) << " ns each\n";
  if (!options.json.empty()) {
    std::ofstream json(options.json);
    auto figures = as_json(year, than, processor);
    figures["policy"] = name_of(options.smart.policy);
    const auto changes =
        options.smart.policy == YearPolicy::smart ? most_changes(smart) : std::nullopt;
    figures["permission_changes_a_day_worst_28_days"] =
        changes ? nlohmann::json(*changes) : nlohmann::json(nullptr);
    figures["currency"] = currency;
    if (!(json << json_text(figures, 2) << '\n').flush()) {
      err << options.json.string() << ": cannot be written: " << std::strerror(errno) << '\n';
      return exit_cannot_create;
    }
  }
  return exit_ok;
}

}  // namespace esshub::sim
