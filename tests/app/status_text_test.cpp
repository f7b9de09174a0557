#include "app/status_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace esshub::app {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// In the form of GET /api/v1/site, /state, /buses and /history/days.
json answers() {
  return json::parse(R"({
    "site": {"name": "cottage", "time_zone": "Europe/London"},
    "state": {
      "at": 1768474800.0, "clock_trusted": true,
      "control": {"age_s": 0.1, "current": true},
      "grid": {"power_w": {"value": -1200, "age_s": 0.3}},
      "solar": {"power_w": {"value": 2500, "age_s": 0.3}},
      "house": {"power_w": {"value": 1100, "age_s": 0.1}},
      "battery": {"power_w": {"value": 200, "age_s": 0.2},
                  "soc_percent": {"value": 62.0, "age_s": 0.6}},
      "decision": {"battery_command_w": 200, "inverter_mode": "follow",
        "reasons": [{"why": "self_consumption", "phrase": "following the house load", "without_w": 0},
                    {"why": "charge_limit", "phrase": "the set charge power limit", "without_w": 1400}],
        "policy": {"instruction": {"kind": "balance"}, "authority": "balance", "ends_in_s": null,
                   "reserve_percent": 20.0, "cutoff_percent": 6.0, "backup_left_s": 18000.0}},
      "faults": []},
    "buses": {"buses": [{"bus": "meters", "line_up": true, "ready": true, "trouble": "",
                         "frames": {"ok": 120, "timeout": 2, "checksum": 1}, "reconnects": 0},
                        {"bus": "inverter", "line_up": false, "ready": false,
                         "trouble": "/dev/esshub-mk3: plugged in?", "frames": {"ok": 0}, "reconnects": 3}]},
    "today": {"days": [{"date": "2026-01-15", "grid_import_kwh": 1.234, "grid_export_kwh": 2.0,
                        "solar_kwh": 10.0, "house_kwh": 6.5, "battery_charge_kwh": 3.0,
                        "battery_discharge_kwh": 2.5, "import_cost": 0.35, "export_income": null}]}
  })");
}

std::string shown(const json& hub) {
  return status_text(hub, "12:00:00 GMT", false);
}

TEST(StatusText, ShowsFlowsWithTheirDirectionAndAge) {
  EXPECT_THAT(shown(answers()), AllOf(HasSubstr("cottage  12:00:00 GMT\n"),
                                      HasSubstr("grid        1200 W  exported    0 s ago\n"),
                                      HasSubstr("solar       2500 W  generated   0 s ago\n"),
                                      HasSubstr("battery      200 W  charging    0 s ago\n")));
}

TEST(StatusText, TheBarMarksReserveAndCutoff) {
  EXPECT_THAT(shown(answers()),
              AllOf(HasSubstr("62.0 %  [###C######R####################...................]\n"
                              "         R reserve 20 %  C cut-off 6 %\n"),
                    HasSubstr("the rest lasts 5.0 h at the present draw\n")));
}

TEST(StatusText, SaysWhatAndWhyAndWhatWouldBeWithoutTheLimit) {
  EXPECT_THAT(shown(answers()),
              AllOf(HasSubstr("now      battery charge 200 W; instruction balance by balance\n"),
                    HasSubstr("why      following the house load\n"),
                    HasSubstr("         the set charge power limit (without it: 1400 W)\n")));
  auto hub = answers();
  hub["state"]["decision"]["policy"]["ends_in_s"] = 3600.0;
  hub["state"]["decision"]["policy"]["authority"] = "manual";
  EXPECT_THAT(shown(hub), HasSubstr("instruction balance by manual, for 60 min more\n"));
}

TEST(StatusText, WhatWouldBeWithoutALimitIsSaidOnceAndNotWhereItIsDoneAnyway) {
  auto hub = answers();
  auto& reasons = hub["state"]["decision"]["reasons"];
  reasons.push_back({{"phrase", "the same"}, {"without_w", 1400}});
  reasons.push_back({{"phrase", "the fact"}, {"without_w", 200}});
  reasons.push_back({{"phrase", "another"}, {"without_w", 900}});
  EXPECT_THAT(shown(hub), HasSubstr("         the set charge power limit (without it: 1400 W)\n"
                                    "         the same\n"
                                    "         the fact\n"
                                    "         another (without it: 900 W)\n"));
}

/// As the page, which says `rest` for it.
TEST(StatusText, ADifferenceBelow15WattsIsDoneAnyway) {
  auto hub = answers();
  auto& reasons = hub["state"]["decision"]["reasons"];
  for (const double near : {214, 186, 1414, 1386}) {
    reasons.push_back({{"phrase", "near"}, {"without_w", near}});
    EXPECT_THAT(shown(hub), HasSubstr("         near\n")) << near;
    reasons.erase(2);
  }
  for (const int other : {215, 185, 1415, 1385}) {
    reasons.push_back({{"phrase", "other"}, {"without_w", other}});
    EXPECT_THAT(shown(hub), HasSubstr("other (without it: " + std::to_string(other) + " W)\n"));
    reasons.erase(2);
  }
}

TEST(StatusText, WarningsOfTheConfigurationAreNamedWithTheirLine) {
  EXPECT_THAT(shown(answers()), Not(HasSubstr("config")));
  auto hub = answers();
  hub["state"]["configuration_warnings"] = {
      {{"line", 12}, {"text", "battery.reserve: is 0.2 %, is 20 % meant?"}},
      {{"line", 0}, {"text", "odd"}}};
  EXPECT_THAT(shown(hub), HasSubstr("config   line 12: battery.reserve: is 0.2 %, is 20 % meant?\n"
                                    "         odd\n"));
}

TEST(StatusText, MoneyHasItsCurrency) {
  auto hub = answers();
  hub["site"]["currency"] = "GBP";
  EXPECT_THAT(shown(hub), HasSubstr("cost 0.35 GBP\n"));
}

TEST(StatusText, NoLineIsWiderThanATerminal) {
  auto hub = answers();
  hub["state"]["clock_trusted"] = false;
  hub["state"]["faults"] = {{{"title", "Battery's BMS lost"},
                             {"severity", "critical"},
                             {"advice", std::string(30, 'a') + " " + std::string(40, 'b') +
                                            " and a long way to go until all of it is said"},
                             {"age_s", 300.0}}};
  hub["buses"]["buses"][1]["trouble"] = "what is there sends no frames of this kind at 115200 baud";
  std::istringstream text{shown(hub)};
  for (std::string line; std::getline(text, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(StatusText, WhatIsStaleIsVisiblyStale) {
  auto hub = answers();
  hub["state"]["grid"]["power_w"] = {{"value", nullptr}, {"age_s", 42.0}};
  hub["state"]["solar"]["power_w"] = {{"value", nullptr}, {"age_s", nullptr}};
  hub["state"]["battery"]["soc_percent"]["value"] = nullptr;
  hub["state"]["clock_trusted"] = false;
  EXPECT_THAT(shown(hub), AllOf(HasSubstr("grid          -- W  stale: 42 s old\n"),
                                HasSubstr("solar         -- W  never read\n"),
                                HasSubstr("stale: 1 s old"), HasSubstr("clock not trusted")));
}

TEST(StatusText, FaultsHaveTheirAdvice) {
  EXPECT_THAT(shown(answers()), HasSubstr("faults   none\n"));
  auto hub = answers();
  hub["state"]["faults"] = {{{"fault", "bms_lost"},
                             {"title", "Battery's BMS lost"},
                             {"severity", "critical"},
                             {"advice", "Look."},
                             {"age_s", 300.0}}};
  EXPECT_THAT(shown(hub), HasSubstr("faults   critical Battery's BMS lost for 5 min: Look.\n"));
}

TEST(StatusText, ASilentControlIsSaidSo) {
  auto hub = answers();
  hub["state"]["control"]["current"] = false;
  EXPECT_FALSE(control_is_current(hub));
  EXPECT_THAT(shown(hub), AllOf(HasSubstr("the control is silent"), Not(HasSubstr("why "))));
}

TEST(StatusText, TodayAndTheBusesAreShown) {
  EXPECT_THAT(
      shown(answers()),
      AllOf(HasSubstr(
                "today    2026-01-15: imported 1.2 kWh, exported 2.0 kWh, solar 10.0 kWh, house\n"
                "         6.5 kWh, charged 3.0 kWh, discharged 2.5 kWh, cost 0.35\n"),
            HasSubstr("buses    meters      OK  120 frames OK, 3 errors, 0 reconnects\n"),
            HasSubstr(
                "         inverter    down: /dev/esshub-mk3: plugged in?  0 frames OK, 0 errors,\n"
                "         3 reconnects\n")));
}

TEST(StatusText, WhateverIsMissingDisturbsNothing) {
  for (const char* part : {"site", "state", "buses", "today"}) {
    auto hub = answers();
    hub[part] = nullptr;
    EXPECT_THAT(shown(hub), HasSubstr("grid "));
  }
  EXPECT_THAT(shown(json::object()), HasSubstr("the control is silent"));
  EXPECT_FALSE(control_is_current(json(nullptr)));
}

TEST(StatusText, ColourIsOnlyColour) {
  const auto plain = shown(answers());
  auto coloured = status_text(answers(), "12:00:00 GMT", true);
  EXPECT_NE(coloured, plain);
  for (std::size_t at = 0; (at = coloured.find('\x1b')) != std::string::npos;)
    coloured.erase(at, coloured.find('m', at) - at + 1);
  EXPECT_EQ(coloured, plain);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace esshub::app
