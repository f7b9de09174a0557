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

namespace esshub::app {
namespace {

using Json = nlohmann::json;
constexpr std::size_t bar_width = 50;

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
    line("", bold(word(hub_, "/site/name")) + "  " + time +
                 (is_true(hub_, "/state/clock_trusted") ? "" : yellow("  clock not trusted")));
    flows();
    soc();
    what_and_why();
    faults();
    today();
    buses();
    return std::move(text_);
  }

 private:
  struct Flow {
    const char* key;
    const char* positive;
    const char* negative;
  };

  void flows() {
    constexpr std::array<Flow, 4> rows{{{"grid", "imported", "exported"},
                                        {"solar", "generated", "drawn"},
                                        {"house", "consumed", "fed back"},
                                        {"battery", "charging", "discharging"}}};
    for (const auto& [key, positive, negative] : rows) {
      const std::string at = std::string{"/state/flows/"} + key;
      const auto watts = number(hub_, at + "/w");
      const auto age = number(hub_, at + "/age_s");
      std::string text =
          fmt::format("{:>9}", shown(watts ? std::optional{std::abs(*watts)} : watts, 0, "W"));
      if (watts)
        text += fmt::format("  {:<12}{}",
                            *watts == 0.0  ? ""
                            : *watts > 0.0 ? positive
                                           : negative,
                            age ? lasting(*age) + " ago" : "");
      else
        text = yellow(text + (age ? "  stale: " + lasting(*age) + " old" : "  never read"));
      line(key, text);
    }
  }

  void soc() {
    const auto soc = number(hub_, "/state/battery/soc_percent/value");
    const auto age = number(hub_, "/state/battery/soc_percent/age_s");
    const auto reserve = number(hub_, "/state/decision/policy/reserve_percent");
    const auto cutoff = number(hub_, "/state/decision/policy/cutoff_percent");
    std::string bar(bar_width, '.');
    const auto place = [](double percent) {
      return std::min(bar_width - 1,
                      static_cast<std::size_t>(std::max(0.0, percent) / 100.0 * bar_width));
    };
    if (soc)
      std::fill_n(bar.begin(),
                  std::min(bar_width, static_cast<std::size_t>(*soc / 100.0 * bar_width + 0.5)),
                  '#');
    if (cutoff) bar[place(*cutoff)] = 'C';
    if (reserve) bar[place(*reserve)] = 'R';
    std::string text = fmt::format("{:>9}  [{}]", shown(soc, 1, "%"), bar);
    if (reserve) text += fmt::format("  R reserve {:.0f} %", *reserve);
    if (cutoff) text += fmt::format("  C cut-off {:.0f} %", *cutoff);
    if (!soc)
      text = yellow(text + (age ? "  stale: " + lasting(*age) + " old" : "  never read"));
    else if (reserve && *soc <= *reserve)
      text = yellow(text);
    line("SOC", text);
    if (const auto left = number(hub_, "/state/decision/policy/backup_left_s"))
      line("", "in a power cut the rest lasts " + lasting(*left) + " at the present draw");
  }

  void what_and_why() {
    if (!control_is_current(hub_)) {
      line("now", red("the control is silent: nothing is commanded"));
      return;
    }
    const auto battery = number(hub_, "/state/decision/battery_w");
    std::string now =
        battery ? fmt::format("battery {} {:.0f} W",
                              *battery < 0   ? "discharge"
                              : *battery > 0 ? "charge"
                                             : "at rest,",
                              std::abs(*battery))
                : "nothing is commanded (inverter: " + word(hub_, "/state/decision/inverter_mode") +
                      ")";
    const auto kind = word(hub_, "/state/decision/policy/instruction/kind");
    if (!kind.empty()) {
      now += "; instruction " + kind + " by " + word(hub_, "/state/decision/policy/authority");
      if (const auto left = number(hub_, "/state/decision/policy/ends_in_s"))
        now += ", for " + lasting(*left) + " more";
    }
    line("now", now);
    // The first is the target. What a limit says is only of interest with what would be without it.
    const auto& reasons = list(hub_, "/state/decision/reasons");
    for (std::size_t i = 0; i < reasons.size(); ++i) {
      std::string text = word(reasons[i], "/phrase");
      const auto without = number(reasons[i], "/without_w");
      if (i > 0 && without) text += fmt::format(" (without it: {:.0f} W)", *without + 0.0);
      line(i == 0 ? "why" : "", text);
    }
  }

  void faults() {
    const auto& faults = list(hub_, "/state/faults");
    if (faults.empty()) line("faults", green("none"));
    for (std::size_t i = 0; i < faults.size(); ++i) {
      const auto severity = word(faults[i], "/severity");
      const auto age = number(faults[i], "/age_s");
      const auto text = fmt::format("{} {}{}: {}", severity, word(faults[i], "/fault"),
                                    age ? " for " + lasting(*age) : "", word(faults[i], "/advice"));
      line(i == 0 ? "faults" : "", severity == "critical"  ? red(text)
                                   : severity == "warning" ? yellow(text)
                                                           : text);
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
                       kwh("grid_export") + ", sun " + kwh("solar") + ", house " + kwh("load") +
                       ", charged " + kwh("battery_charge") + ", discharged " +
                       kwh("battery_discharge");
    if (const auto cost = number(day, "/import_cost")) text += fmt::format(", cost {:.2f}", *cost);
    if (const auto income = number(day, "/export_income"))
      text += fmt::format(", income {:.2f}", *income);
    line("today", text);
  }

  void buses() {
    const auto& buses = list(hub_, "/buses/buses");
    for (std::size_t i = 0; i < buses.size(); ++i) {
      const auto& bus = buses[i];
      const bool well = is_true(bus, "/line_up") && is_true(bus, "/ready");
      std::string text =
          fmt::format("{:<12}", word(bus, "/bus")) +
          (well ? green("well") : red(is_true(bus, "/line_up") ? "not ready" : "down"));
      if (const auto trouble = word(bus, "/trouble"); !trouble.empty()) text += ": " + trouble;
      double wrong = 0.0;
      const Json::json_pointer at{"/frames"};
      if (bus.contains(at) && bus.at(at).is_object())
        for (const auto& [result, count] : bus.at(at).items())
          if (result != "ok" && count.is_number()) wrong += count.get<double>();
      text += fmt::format("  {:.0f} frames well, {:.0f} not, {:.0f} reopened",
                          number(bus, "/frames/ok").value_or(0.0), wrong,
                          number(bus, "/reopens").value_or(0.0));
      line(i == 0 ? "buses" : "", text);
    }
  }

  void line(std::string_view title, const std::string& text) {
    text_ += fmt::format("{:<8} {}\n", title, text);
  }
  [[nodiscard]] std::string paint(const char* code, const std::string& text) const {
    return colour_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }
  [[nodiscard]] std::string bold(const std::string& text) const { return paint("1", text); }
  [[nodiscard]] std::string red(const std::string& text) const { return paint("1;31", text); }
  [[nodiscard]] std::string green(const std::string& text) const { return paint("32", text); }
  [[nodiscard]] std::string yellow(const std::string& text) const { return paint("33", text); }

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
