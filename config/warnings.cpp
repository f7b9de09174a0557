#include "config/warnings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "control/settings_table.hpp"
#include "model/enums.hpp"

namespace esshub::config {
namespace {

using control::Settings;
using control::ValidationError;

constexpr Watts least_power{50.0};  // below it a limit is no limit, but kW
// For a kWh, where a unit of the currency is about that of the euro; in others nobody can tell.
constexpr double dearest = 5.0;
constexpr std::array<std::string_view, 8> large_units{"",    "EUR", "GBP", "USD",
                                                      "CHF", "AUD", "CAD", "NZD"};

class Judge {
 public:
  explicit Judge(const HubSettings& hub) : settings_(hub.control), history_(hub.history) {}

  std::vector<ValidationError> judge() {
    shares_and_kilowatts();
    limits();
    schedule();
    served_circuits();
    tariff();
    smart();
    return std::move(found_);
  }

 private:
  void warn(std::string key, std::string text, std::string other = {}) {
    found_.push_back({std::move(key), std::move(text), std::move(other)});
  }
  void share(const std::string& key, Soc soc) {
    if (soc.percent() > 0.0 && soc.percent() < 1.0)
      warn(key, fmt::format("is {} %, is {:g} % meant?", soc.percent(), 100.0 * soc.percent()));
  }
  void kilowatts(const std::string& key, Watts power) {
    if (power > Watts{} && power < least_power)
      warn(key, fmt::format("is {} W, is {:g} W meant?", power.value(), 1000.0 * power.value()));
  }

  void shares_and_kilowatts() {
    for (const auto& row : control::settings_table()) {
      if (const auto* soc = std::get_if<Soc Settings::*>(&row.field))
        share(row.name(), settings_.**soc);
      // The power that the grid meter shall show may well be small.
      if (const auto* power = std::get_if<Watts Settings::*>(&row.field);
          power && *power != &Settings::grid_setpoint)
        kilowatts(row.name(), settings_.**power);
      if (const auto* cap = std::get_if<std::optional<Watts> Settings::*>(&row.field))
        kilowatts(row.name(), (settings_.**cap).value_or(Watts{}));
    }
  }

  void limits() {
    const auto rated = [&](const char* key, Watts limit) {
      if (limit > settings_.inverter_rating)
        warn(key,
             fmt::format("is {} W, but inverter.rating_w ({} W) holds before it", limit.value(),
                         settings_.inverter_rating.value()),
             "inverter.rating_w");
    };
    rated("battery.charge_limit_w", settings_.charge_limit);
    rated("battery.discharge_limit_w", settings_.discharge_limit);
    constexpr double full_cell = 3.4;  // V: below it an LFP cell is never full
    if (settings_.charge_voltage_cap.value() < full_cell * settings_.cells)
      warn("battery.charge_voltage_cap_v",
           fmt::format("is {} V, {:.2f} V for each of {} cells: the battery is never full",
                       settings_.charge_voltage_cap.value(),
                       settings_.charge_voltage_cap.value() / settings_.cells, settings_.cells));
    if (settings_.reserve > 0.0_soc && settings_.soc_floor > settings_.reserve)
      warn("battery.soc_floor",
           fmt::format("is {} %, above battery.reserve ({} %): the reserve is never reached",
                       settings_.soc_floor.percent(), settings_.reserve.percent()),
           "battery.reserve");
  }

  void schedule() {
    for (std::size_t i = 0; i < settings_.schedule.size(); ++i) {
      const auto& [when, what] = settings_.schedule[i];
      const auto key = "schedule " + std::to_string(i);
      whole_day(key, when);
      if (what.kind == InstructionKind::charge || what.kind == InstructionKind::discharge)
        share(key, what.target);
      if (what.kind == InstructionKind::discharge && what.target < settings_.reserve)
        warn(key, fmt::format("its target is {} %, but battery.reserve ({} %) is kept",
                              what.target.percent(), settings_.reserve.percent()));
    }
  }

  void served_circuits() {
    for (const CircuitRole role : enum_values<CircuitRole>)
      if (role != CircuitRole::other && !settings_.battery_serves[role] &&
          std::ranges::count(settings_.circuit_roles, std::optional{role}) == 0)
        warn("policy.battery_serves",
             fmt::format("leaves out {0}, but no circuit has role = \"{0}\": nothing is left out",
                         name(role)));
  }

  void tariff() {
    const auto& tariff = settings_.tariff;
    const bool large = std::ranges::find(large_units, tariff.currency) != large_units.end();
    const auto cents = [&](const std::string& key, std::optional<double> price) {
      if (large && price && *price > dearest)
        warn(key, fmt::format("is {} for a kWh, is {:g} meant?", *price, *price / 100.0));
    };
    cents("tariff.import", tariff.import_price);
    cents("tariff.export", tariff.export_price);
    cents("tariff.cheap_below", tariff.cheap_below);
    if (tariff.force_charge_to) share("tariff.force_charge_to", *tariff.force_charge_to);
    bool reached = tariff.import_price && *tariff.import_price < tariff.cheap_below.value_or(0.0);
    for (std::size_t i = 0; i < tariff.bands.size(); ++i) {
      const auto& band = tariff.bands[i];
      const auto key = "tariff.band " + std::to_string(i);
      whole_day(key, band.when);
      cents(key, band.import_price);
      reached |= band.cheap || band.import_price < tariff.cheap_below.value_or(0.0);
    }
    if (tariff.cheap_below && !reached)
      warn("tariff.cheap_below",
           fmt::format("is {}, but no price is below it: no hour is cheap", *tariff.cheap_below));
  }

  void smart() {
    if (settings_.mode != Mode::smart) return;
    if (!settings_.tariff.import_price && settings_.tariff.bands.empty())
      warn("policy.mode",
           "is smart, but no import price is given: no plan unless a feed tells one");
    if (history_.file.empty())
      warn("history.file",
           "is empty, but policy.mode is smart: no plan for two days after each start");
  }

  void whole_day(const std::string& key, const control::WeekSpan& when) {
    if (when.from == when.to && when.from != 0)  // "00:00" to "24:00" is a whole day
      warn(key, fmt::format("from and to are both {:02}:{:02}, are 24 hours meant?", when.from / 60,
                            when.from % 60));
  }

  const Settings& settings_;
  const publish::HistorySettings& history_;
  std::vector<ValidationError> found_;
};

}  // namespace

std::vector<ValidationError> warnings(const HubSettings& settings) {
  return Judge{settings}.judge();
}

std::vector<ValidationError> unreadable_files(const HubSettings& settings) {
  std::vector<ValidationError> found;
  const auto look = [&](const char* key, const std::string& path) {
    if (path.empty()) return;
    char byte = 0;
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "rb"),
                                                               &std::fclose};
    if (!file || (std::fread(&byte, 1, 1, file.get()) == 0 && std::ferror(file.get())))
      found.push_back({key, fmt::format("{} cannot be read: {}", path,
                                        std::generic_category().message(errno))});
  };
  look("web.certificate", settings.web.certificate);
  look("web.key", settings.web.key);
  look("mqtt.tls_ca", settings.mqtt.tls_ca);
  look("mqtt.password_file", settings.mqtt.password_file);
  return found;
}

}  // namespace esshub::config
