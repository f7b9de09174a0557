#include "app/status_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "publish/web/values.hpp"
#include "publish/wrapped.hpp"

namespace esshub::app {
namespace {

using V = ValueId;

/// What the text shows, by its place in the hub's state.
struct Shown {
  ValueId id;
};
constexpr auto shown_values = std::to_array<Shown>({{V::grid_power},
                                                    {V::solar_power},
                                                    {V::house_power},
                                                    {V::battery_power},
                                                    {V::battery_soc},
                                                    {V::reserve_in_force},
                                                    {V::cutoff},
                                                    {V::backup_left},
                                                    {V::battery_command},
                                                    {V::inverter_mode},
                                                    {V::instruction},
                                                    {V::authority}});
static_assert(accounts_for_every_value(
                  shown_values,
                  {{"a detail of a device: --json has it", device_details},
                   {"a detail of a device: --json has it",
                    {V::battery_soh, V::inverter_power, V::ac_out_power, V::inverter_state}},
                   {"today's are shown", totals_since_installed},
                   {"how the control came to battery_command",
                    {V::battery_proposed, V::setpoint, V::setpoint_acknowledged}},
                   {"the state's lists of reasons and faults are shown",
                    {V::reason, V::faults, V::problem, V::mains}},
                   {"configuration",
                    {V::mode, V::floor, V::ceiling, V::import_price, V::export_price}}}),
              "every published value is shown or has a reason not to be");

using Json = nlohmann::json;
constexpr std::size_t width = 80;
constexpr std::size_t title_width = 9;
constexpr std::size_t bar_width = 50;
/// W. A smaller difference comes and goes with the noise of the meters; the page has the same
/// (`rest` of words.js).
constexpr double done_anyway = 15.0;

std::optional<double> number(const Json& json, const std::string& pointer) {
  const Json::json_pointer at{pointer};
  if (!json.contains(at) || !json.at(at).is_number()) return std::nullopt;
  return json.at(at).get<double>();
}
std::string word(const Json& json, const std::string& pointer) {
  const Json::json_pointer at{pointer};
  return json.contains(at) && json.at(at).is_string() ? json.at(at).get<std::string>() : "";
}
bool is_true(const Json& json, const std::string& pointer) {
  const Json::json_pointer at{pointer};
  return json.contains(at) && json.at(at).is_boolean() && json.at(at).get<bool>();
}
/// Where the value stands in the answers.
std::string pointer_to(ValueId id) {
  return "/state" + std::string{publish::rest_path(id)};
}
const Json& list(const Json& json, const char* pointer) {
  static const Json none = Json::array();
  const Json::json_pointer at{pointer};
  return json.contains(at) && json.at(at).is_array() ? json.at(at) : none;
}

std::string shown(std::optional<double> value, int decimals, std::string_view unit) {
  return value ? fmt::format("{:.{}f} {}", *value + 0.0, decimals, unit)
               : fmt::format("-- {}", unit);
}

/// "40 s", "12 min", "5 h", "3 days"
std::string lasting(double seconds) {
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 172800) return fmt::format("{:.1f} h", seconds / 3600);
  return fmt::format("{:.0f} days", seconds / 86400);
}

class Page {
 public:
  Page(const Json& hub, bool colour) : hub_(hub), colour_(colour) {}

  std::string text(const std::string& time) {
    const bool trusted = is_true(hub_, "/state/clock_trusted");
    line("", word(hub_, "/site/name") + "  " + time + (trusted ? "" : "  clock not trusted"),
         trusted ? bold : yellow);
    flows();
    soc();
    what_and_why();
    faults();
    configuration();
    today();
    buses();
    return std::move(text_);
  }

 private:
  /// Of a terminal: the attributes of ESC [ ... m.
  static constexpr const char* bold = "1";
  static constexpr const char* red = "1;31";
  static constexpr const char* green = "32";
  static constexpr const char* yellow = "33";

  struct Flow {
    ValueId id;
    const char* title;
    const char* positive;
    const char* negative;
  };

  void flows() {
    constexpr auto rows =
        std::to_array<Flow>({{V::grid_power, "grid", "imported", "exported"},
                             {V::solar_power, "solar", "generated", "drawn"},
                             {V::house_power, "house", "consumed", "fed back"},
                             {V::battery_power, "battery", "charging", "discharging"}});
    for (const auto& [id, title, positive, negative] : rows) {
      const auto watts = number(hub_, pointer_to(id) + "/value");
      const auto age = number(hub_, pointer_to(id) + "/age_s");
      std::string text =
          fmt::format("{:>9}", shown(watts ? std::optional{std::abs(*watts)} : watts, 0, "W"));
      if (watts)
        text += fmt::format("  {:<12}{}",
                            *watts == 0.0  ? ""
                            : *watts > 0.0 ? positive
                                           : negative,
                            age ? lasting(*age) + " ago" : "");
      else
        text += age ? "  stale: " + lasting(*age) + " old" : "  never read";
      line(title, text, watts ? "" : yellow);
    }
  }

  void soc() {
    const auto soc = number(hub_, pointer_to(V::battery_soc) + "/value");
    const auto age = number(hub_, pointer_to(V::battery_soc) + "/age_s");
    const auto reserve = number(hub_, pointer_to(V::reserve_in_force));
    const auto cutoff = number(hub_, pointer_to(V::cutoff));
    std::string bar(bar_width, '.');
    const auto place = [](double percent) {
      return std::min(bar_width - 1,
                      static_cast<std::size_t>(std::max(0.0, percent) / 100.0 * bar_width));
    };
    if (soc)
      std::fill_n(
          bar.begin(),
          std::min(bar_width, static_cast<std::size_t>(std::lround(*soc / 100.0 * bar_width))),
          '#');
    if (cutoff) bar[place(*cutoff)] = 'C';
    if (reserve) bar[place(*reserve)] = 'R';
    line("SOC", fmt::format("{:>9}  [{}]", shown(soc, 1, "%"), bar),
         !soc || (reserve && *soc <= *reserve) ? yellow : "");
    if (!soc) line("", age ? "stale: " + lasting(*age) + " old" : "never read", yellow);
    std::string marks;
    if (reserve) marks += fmt::format("R reserve {:.0f} %  ", *reserve);
    if (cutoff) marks += fmt::format("C cut-off {:.0f} %", *cutoff);
    if (!marks.empty()) line("", marks);
    if (const auto left = number(hub_, pointer_to(V::backup_left)))
      line("", "in a power cut the rest lasts " + lasting(*left) + " at the present draw");
  }

  void what_and_why() {
    if (!control_is_current(hub_)) {
      line("now", "the control is silent: nothing is commanded", red);
      return;
    }
    const auto battery = number(hub_, pointer_to(V::battery_command));
    std::string now =
        battery
            ? fmt::format("battery {} {:.0f} W",
                          *battery < 0   ? "discharge"
                          : *battery > 0 ? "charge"
                                         : "at rest,",
                          std::abs(*battery))
            : "nothing is commanded (inverter: " + word(hub_, pointer_to(V::inverter_mode)) + ")";
    const auto kind = word(hub_, pointer_to(V::instruction));
    if (!kind.empty()) {
      now += "; instruction " + kind + " by " + word(hub_, pointer_to(V::authority));
      if (const auto left = number(hub_, "/state/decision/policy/ends_in_s"))
        now += ", for " + lasting(*left) + " more";
    }
    line("now", now);
    // The first is the target. What would be without a limit is said where it is not what is done
    // anyway, and once.
    std::vector<double> told{battery.value_or(0.0)};
    const auto is_news = [&](double watts) {
      return std::ranges::none_of(told,
                                  [&](double w) { return std::abs(w - watts) < done_anyway; });
    };
    const auto& reasons = list(hub_, "/state/decision/reasons");
    for (std::size_t i = 0; i < reasons.size(); ++i) {
      std::string text = word(reasons[i], "/phrase");
      const auto without = number(reasons[i], "/without_w");
      if (i > 0 && without && is_news(*without)) {
        told.push_back(*without);
        text += fmt::format(" (without it: {:.0f} W)", *without + 0.0);
      }
      line(i == 0 ? "why" : "", text);
    }
  }

  void faults() {
    const auto& faults = list(hub_, "/state/faults");
    if (faults.empty()) line("faults", "none", green);
    for (std::size_t i = 0; i < faults.size(); ++i) {
      const auto severity = word(faults[i], "/severity");
      const auto age = number(faults[i], "/age_s");
      const auto text = fmt::format("{} {}{}: {}", severity, word(faults[i], "/title"),
                                    age ? " for " + lasting(*age) : "", word(faults[i], "/advice"));
      line(i == 0 ? "faults" : "", text,
           severity == "critical"  ? red
           : severity == "warning" ? yellow
                                   : "");
    }
  }

  void configuration() {
    const auto& warnings = list(hub_, "/state/configuration_warnings");
    for (std::size_t i = 0; i < warnings.size(); ++i) {
      const auto at = number(warnings[i], "/line").value_or(0.0);
      line(i == 0 ? "config" : "",
           (at > 0.0 ? fmt::format("line {:.0f}: ", at) : "") + word(warnings[i], "/text"), yellow);
    }
  }

  void today() {
    const auto& days = list(hub_, "/today/days");
    if (days.empty()) {
      line("today", "no history is kept");
      return;
    }
    const auto& day = days.back();
    const auto kwh = [&](const char* key) {
      return shown(number(day, std::string{"/"} + key + "_kwh"), 1, "kWh");
    };
    std::string text = word(day, "/date") + ": imported " + kwh("grid_import") + ", exported " +
                       kwh("grid_export") + ", solar " + kwh("solar") + ", house " + kwh("house") +
                       ", charged " + kwh("battery_charge") + ", discharged " +
                       kwh("battery_discharge");
    const auto currency = word(hub_, "/site/currency");
    const auto unit = currency.empty() ? currency : " " + currency;
    if (const auto cost = number(day, "/import_cost"))
      text += fmt::format(", cost {:.2f}{}", *cost, unit);
    if (const auto income = number(day, "/export_income"))
      text += fmt::format(", income {:.2f}{}", *income, unit);
    line("today", text);
  }

  void buses() {
    const auto& buses = list(hub_, "/buses/buses");
    for (std::size_t i = 0; i < buses.size(); ++i) {
      const auto& bus = buses[i];
      const bool well = is_true(bus, "/line_up") && is_true(bus, "/ready");
      std::string text =
          fmt::format("{:<12}", word(bus, "/bus")) + (well                       ? "OK"
                                                      : is_true(bus, "/line_up") ? "not ready"
                                                                                 : "down");
      if (const auto trouble = word(bus, "/trouble"); !trouble.empty()) text += ": " + trouble;
      double wrong = 0.0;
      const Json::json_pointer at{"/frames"};
      if (bus.contains(at) && bus.at(at).is_object())
        for (const auto& [result, count] : bus.at(at).items())
          if (result != "ok" && count.is_number()) wrong += count.get<double>();
      text += fmt::format("  {:.0f} frames OK, {:.0f} errors, {:.0f} reconnects",
                          number(bus, "/frames/ok").value_or(0.0), wrong,
                          number(bus, "/reconnects").value_or(0.0));
      line(i == 0 ? "buses" : "", text, well ? "" : red);
    }
  }

  /// In as many lines as its width needs; `colour`: one of those above, or empty.
  void line(std::string_view title, const std::string& text, std::string_view colour = {}) {
    for (const auto& part : publish::wrapped(text, width - title_width)) {
      text_ += fmt::format("{:<{}}", title, title_width);
      text_ += colour_ && !colour.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", colour, part) : part;
      text_ += '\n';
      title = {};
    }
  }

  const Json& hub_;
  bool colour_;
  std::string text_;
};

}  // namespace

std::string status_text(const Json& hub, const std::string& time, bool colour) {
  return Page{hub, colour}.text(time);
}

bool control_is_current(const Json& hub) {
  return is_true(hub, "/state/control/current");
}

}  // namespace esshub::app
