#include "sim/simulate.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "sim/exit_codes.hpp"
#include "sim/hub_config.hpp"
#include "sim/plant/house.hpp"
#include "sim/trace.hpp"

namespace esshub::sim {
namespace {

using testing::HasSubstr;

const std::string own_config = hub_config("/run/house", "127.0.0.1:9750", "");

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

class Simulate : public testing::Test {
 protected:
  Simulate() {
    std::filesystem::create_directory(dir_);
    options_.config = write("esshub.toml", own_config);
    options_.json = dir_ / "summary.json";
  }
  ~Simulate() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path write(const char* name, const std::string& text) {
    std::ofstream(dir_ / name) << text;
    return dir_ / name;
  }
  int run() { return simulate(options_, out_, err_); }
  [[nodiscard]] nlohmann::json summary() const {
    return nlohmann::json::parse(std::ifstream(options_.json));
  }

  const std::filesystem::path data_ = ESSHUB_TEST_DATA;
  const std::filesystem::path dir_ =
      std::filesystem::temp_directory_path() / ("esshub_simulate_" + std::to_string(::getpid()));
  SimulateOptions options_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(Simulate, TheBooksClose) {
  options_.traces.load = data_ / "load_1hz_kettle_vacuum_waterheater_a.csv";
  options_.traces.sun = data_ / "ghi_1min_midc_2018-10-18_clear.csv";
  options_.start = "2026-06-21T10:00";
  options_.hours = 0.5;
  options_.prices = {0.25, 0.05};
  ASSERT_EQ(run(), exit_ok) << err_.str();
  const auto s = summary();
  const auto figure = [&](const char* key) { return s.at(key).get<double>(); };

  // What was to be served and generated, by the traces alone.
  const auto load = read_load_trace(options_.traces.load).value();
  const auto sun = read_sun_trace(options_.traces.sun).value();
  double load_kwh = 0.0;
  double sun_kwh = 0.0;
  for (auto t = 0s; t < 1800s; t += 1s) {
    load_kwh += load.held(10h + t) / 3.6e6;
    sun_kwh += 4.0 * sun.between(10h + t) / 3.6e6;
  }
  EXPECT_NEAR(figure("load_kwh"), load_kwh, 0.005 * load_kwh);
  EXPECT_NEAR(figure("solar_kwh"), sun_kwh, 0.005 * sun_kwh);
  EXPECT_GT(figure("charged_kwh"), 0.1);
  EXPECT_GT(figure("discharged_kwh"), 0.1);
  EXPECT_GT(figure("losses_kwh"), 0.01);
  EXPECT_NEAR(load_kwh + figure("stored_kwh") + figure("losses_kwh"),
              sun_kwh + figure("import_kwh") - figure("export_kwh"), 0.005 * load_kwh);
  EXPECT_LT(std::abs(figure("unexplained_kwh")), 1e-4 * load_kwh);
  EXPECT_NEAR(figure("cost"), 0.25 * figure("import_kwh") - 0.05 * figure("export_kwh"), 1e-9);
  EXPECT_THAT(out_.str(), HasSubstr("2026-06-21T10:00:00, 0.5 h, seed 1\nload "));
  EXPECT_THAT(out_.str(), HasSubstr("faults           none"));
}

TEST_F(Simulate, FaultsOfTheScenarioAreSeenAndTicksAreWritten) {
  options_.scenario = write("s.toml",
                            "[[event]]\nat_s = 60\ncommand = \"fault meters off\"\n"
                            "[[event]]\nat_s = 90\ncommand = \"fault meters none\"\n");
  options_.hours = 180.0 / 3600.0;
  options_.csv = dir_ / "ticks.csv";
  options_.csv_step_seconds = 10.0;
  ASSERT_EQ(run(), exit_ok) << err_.str();
  const auto lost = summary().at("faults").at("grid_meter_lost");
  EXPECT_EQ(lost.at("times"), 1);
  // Noticed 3 s late; a lost meter is asked again every 10 s at the latest, then proves itself.
  EXPECT_GT(lost.at("seconds").get<double>(), 26.0);
  EXPECT_LT(lost.at("seconds").get<double>(), 43.0);
  EXPECT_TRUE(summary().at("cost").is_null());

  std::ifstream csv(options_.csv);
  std::vector<std::string> lines;
  for (std::string line; std::getline(csv, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 1u + 19u);
  EXPECT_EQ(lines[0],
            "local_time,time_s,load_w,unserved_w,solar_w,grid_w,battery_w,soc_percent,stored_wh,"
            "setpoint_w,import_price,export_price,rules,faults");
  EXPECT_THAT(lines[6], HasSubstr("2026-06-21T00:00:50,50.000,400.0,0.0,0.0,"));
  EXPECT_THAT(lines[6], HasSubstr(",self_consumption"));
  EXPECT_THAT(lines[8], HasSubstr("grid_meter_lost"));
}

// ---- the summary, a second time from the CSV ---------------------------------------------------

struct Row {
  double time = 0.0, load = 0.0, unserved = 0.0, solar = 0.0, grid = 0.0, battery = 0.0, soc = 0.0,
         stored = 0.0;
  bool has_setpoint = false;
  std::optional<double> import_price, export_price;
  std::vector<std::string> rules, faults;
};

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == at) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::vector<Row> read_rows(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  std::vector<Row> rows;
  while (std::getline(in, line)) {
    const auto cells = split(line, ',');
    EXPECT_EQ(cells.size(), 14u) << line;
    if (cells.size() != 14) break;
    const auto number = [&](std::size_t i) { return std::stod(cells[i]); };
    const auto optional = [&](std::size_t i) {
      return cells[i].empty() ? std::nullopt : std::optional{number(i)};
    };
    const auto words = [&](std::size_t i) {
      return cells[i].empty() ? std::vector<std::string>{} : split(cells[i], '+');
    };
    rows.push_back({number(1), number(2), number(3), number(4), number(5), number(6), number(7),
                    number(8), !cells[9].empty(), optional(10), optional(11), words(12),
                    words(13)});
  }
  return rows;
}

/// Everything that RunSummary::json() says, out of the rows alone: the powers of a row held since
/// the row before, its rules, prices and faults hold until the next.
nlohmann::json second_way(const std::vector<Row>& rows, const FlatPrices& flat, double stored,
                          double capacity) {
  nlohmann::json out;
  double load = 0, unserved = 0, solar = 0, import = 0, export_ = 0, charged = 0, discharged = 0,
         cells_out = 0, outside = 0, regulating = 0, cost = 0;
  std::map<double, std::pair<double, double>> bought;
  std::map<std::string, double> rules;
  std::map<std::string, std::pair<int, double>> faults;
  double time = 0.0;
  double last_stored = stored;
  const Row* in_force = &rows.front();
  for (const auto& row : rows) {
    const double h = (row.time - time) / 3600.0;
    const double kwh = h / 1000.0;
    load += row.load * kwh;
    unserved += row.unserved * kwh;
    solar += row.solar * kwh;
    (row.grid > 0 ? import : export_) += std::abs(row.grid) * kwh;
    (row.battery > 0 ? charged : discharged) += std::abs(row.battery) * kwh;
    cells_out += std::max(0.0, last_stored - row.stored) / 1000.0;
    const bool is_outside = std::abs(row.grid) > 50.0;
    if (is_outside) outside += h;
    const std::vector<std::string> only{"self_consumption"};
    if (is_outside && in_force->has_setpoint && in_force->rules == only) regulating += h;
    for (const auto& rule : in_force->rules) rules[rule] += h;
    for (const auto& fault : in_force->faults) faults[fault].second += h * 3600.0;
    for (const auto& fault : row.faults)
      if (&row == &rows.front() || std::ranges::count(in_force->faults, fault) == 0)
        ++faults[fault].first;
    const auto price = in_force->import_price ? in_force->import_price : flat.import;
    if (price) {
      auto& [energy, paid] = bought[*price];
      energy += std::max(row.grid, 0.0) * kwh;
      paid += *price * std::max(row.grid, 0.0) * kwh;
      cost += *price * std::max(row.grid, 0.0) * kwh -
              in_force->export_price.value_or(flat.export_) * std::max(-row.grid, 0.0) * kwh;
    }
    time = row.time;
    last_stored = row.stored;
    in_force = &row;
  }
  const double more = (last_stored - stored) / 1000.0;
  out["hours"] = time / 3600.0;
  out["load_kwh"] = load;
  out["unserved_kwh"] = unserved;
  out["solar_kwh"] = solar;
  out["import_kwh"] = import;
  out["export_kwh"] = export_;
  out["charged_kwh"] = charged;
  out["discharged_kwh"] = discharged;
  out["losses_kwh"] = solar + import - export_ - load - more;
  out["stored_kwh"] = more;
  out["unexplained_kwh"] = 0.0;
  out["soc_percent"] = rows.back().soc;
  out["full_cycles"] = cells_out * 1000.0 / capacity;
  out["self_consumption_percent"] = 100.0 * (solar - export_) / solar;
  out["self_sufficiency_percent"] = 100.0 * (load - import) / (load + unserved);
  out["mean_abs_grid_w"] = 1000.0 * (import + export_) / (time / 3600.0);
  out["outside_50w_h"] = outside;
  out["outside_50w_regulating_h"] = regulating;
  out["cost"] = cost;
  for (const auto& [price, b] : bought)
    out["bought"].push_back({{"price", price}, {"kwh", b.first}, {"cost", b.second}});
  for (const auto& [rule, h] : rules) out["rules_h"][rule] = h;
  for (const auto& [fault, seen] : faults)
    out["faults"][fault] = {{"times", seen.first}, {"seconds", seen.second}};
  return out;
}

/// `summary` and `again` have the same keys, and their numbers agree within what is written down.
void expect_same(const nlohmann::json& summary, const nlohmann::json& again,
                 const std::string& path = "") {
  ASSERT_EQ(summary.size(), again.size()) << path << summary << again;
  for (const auto& [key, value] : summary.items()) {
    const auto at = path + "/" + key;
    const auto& other = summary.is_array() ? again[std::stoul(key)] : again[key];
    if (value.is_structured()) {
      expect_same(value, other, at);
    } else {
      ASSERT_TRUE(value.is_number() && other.is_number()) << at << value << other;
      const double expected = other.get<double>();
      EXPECT_NEAR(value.get<double>(), expected, 5e-4 + 2e-4 * std::abs(expected)) << at;
    }
  }
}

TEST_F(Simulate, EachFigureOfTheSummaryComesOutOfTheCsvAgain) {
  options_.config = write("esshub.toml", own_config + R"(
[tariff]
currency = "CHF"
import = 0.30
export = 0.05
cheap_below = 0.2
force_charge_to = 60

[[tariff.band]]
days = "daily"
from = "00:00"
to = "10:05"
import = 0.10
)");
  options_.scenario = write("s.toml", R"(
[house]
ac_out_w = 50
[[event]]
at_s = 500
command = "grid off"
[[event]]
at_s = 560
command = "grid on"
[[event]]
at_s = 700
command = "fault meters off"
[[event]]
at_s = 730
command = "fault meters none"
)");
  options_.traces.load = data_ / "load_1hz_kettle_vacuum_waterheater_a.csv";
  options_.traces.sun = data_ / "ghi_1min_midc_2018-10-18_clear.csv";
  options_.start = "2026-06-21T10:00";
  options_.hours = 0.3;
  options_.csv = dir_ / "ticks.csv";
  options_.csv_step_seconds = 0.02;
  ASSERT_EQ(run(), exit_ok) << err_.str();
  const auto rows = read_rows(options_.csv);
  ASSERT_EQ(rows.size(), 54000u);

  auto figures = summary();
  EXPECT_EQ(figures["currency"], "CHF");
  EXPECT_NE(out_.str().find(" CHF earned by export"), std::string::npos) << out_.str();
  for (const char* of_the_run : {"currency", "start", "seed", "hours_per_processor_second"})
    EXPECT_EQ(figures.erase(of_the_run), 1u);
  const Battery battery{HouseSettings{}.battery};
  expect_same(figures, second_way(rows, options_.prices, battery.stored().value(),
                                  battery.capacity().value()));

  // What is compared is all there: two prices, planned charging, an outage, a fault.
  EXPECT_EQ(figures["bought"].size(), 2u);
  EXPECT_GT(figures["rules_h"]["cheap_charge"].get<double>(), 0.05);
  EXPECT_GT(figures["unserved_kwh"].get<double>(), 0.0);
  EXPECT_EQ(figures["faults"]["grid_meter_lost"]["times"], 2);
  EXPECT_LT(figures["outside_50w_regulating_h"].get<double>(),
            0.5 * figures["outside_50w_h"].get<double>());
}

// ---- Smart mode --------------------------------------------------------------------------------

/// 0.10, from 17:00 until 22:00 0.30.
const std::string smart_config = own_config + R"(
[policy]
mode = "smart"
[tariff]
currency = "GBP"
import = 0.10
[[tariff.band]]
days = "daily"
from = "17:00"
to = "22:00"
import = 0.30
)";

TEST_F(Simulate, InSmartModeTheHubsPlannerPlansAndTheControlGoesByIt) {
  options_.config = write("esshub.toml", smart_config);
  options_.traces.load = write(
      "load.csv", "load_w\n" + [] {
        std::string rows;
        for (int hour = 0; hour < 24; ++hour) rows += hour >= 17 && hour < 22 ? "1000\n" : "200\n";
        return rows;
      }());
  options_.traces.load_step_seconds = 3600.0;
  options_.scenario = write("s.toml", "[house]\nac_out_w = 50\n");
  options_.start = "2026-06-21T16:00";
  options_.hours = 100.0 / 3600.0;
  options_.past_days = 3;
  ASSERT_EQ(run(), exit_ok) << err_.str();
  const auto with_past = summary();
  ASSERT_EQ(with_past.at("plans").size(), 1u);
  const auto& plan = with_past.at("plans").at(0);
  EXPECT_EQ(plan.at("days"), 3);
  // Both days as the trace has them, by its own clock: 5 h of 1050 W, 19 h of 250 W.
  EXPECT_NEAR(plan.at("cost_no_battery").get<double>(), 2 * (5.25 * 0.30 + 4.75 * 0.10), 1e-6);
  EXPECT_LT(plan.at("cost").get<double>(), plan.at("cost_balance").get<double>());
  EXPECT_TRUE(with_past.at("no_plan").is_null());
  EXPECT_THAT(out_.str(), HasSubstr("planned                  1 times, first 2026-06-21T16:00:0"));
  EXPECT_THAT(out_.str(), HasSubstr(" from 3 days, last 2026-06-21T16:00:0"));
  EXPECT_GT(with_past.at("charged_kwh").get<double>(), 0.01) << "the hour before it gets dear";

  out_.str("");
  options_.past_days = 0;
  ASSERT_EQ(run(), exit_ok) << err_.str();
  EXPECT_TRUE(summary().at("plans").empty());
  EXPECT_EQ(summary().at("no_plan"), "too_few_days");
  EXPECT_THAT(out_.str(), HasSubstr("planned                  0 times: too_few_days\n"));
  EXPECT_LT(summary().at("charged_kwh").get<double>(), 0.001);
}

TEST_F(Simulate, ThePlannersPastHasTheSunOfTheTraceAtItsTime) {
  options_.config =
      write("esshub.toml", replaced(smart_config, "import = 0.10", "import = 0.10\nexport = 0.05"));
  // From 06:00 up to 400 W at 12:00, and down again until 18:00; the house takes 200 W.
  options_.traces.sun = write("sun.csv", "ghi_w_m2\n0\n0\n400\n0\n");
  options_.traces.sun_step_seconds = 6.0 * 3600.0;
  options_.scenario = write("s.toml", "[house]\nload_w = 200\nkwp = 1\n");
  options_.start = "2026-06-21T09:00";
  options_.hours = 20.0 / 3600.0;
  options_.past_days = 2;
  ASSERT_EQ(run(), exit_ok) << err_.str();
  ASSERT_EQ(summary().at("plans").size(), 1u);
  const double dear = 4 * 0.2 + 1.0 / 6.0;  // 17:00 to 22:00, kWh
  const double cheap = 6 * 0.2 + 3 * 0.1 + 2.0 / 15.0 + 2 * 0.2;
  EXPECT_NEAR(summary().at("plans").at(0).at("cost_no_battery").get<double>(),
              2 * (dear * 0.30 + cheap * 0.10 - 0.6 * 0.05), 1e-6);
}

std::string feed(const std::string& begin, const std::string& end, const std::string& unit) {
  return R"({"kind": "import_price", "unit": ")" + unit + R"(", "source": "test", "issued": ")" +
         begin + R"(", "valid_until": ")" + end + R"(", "slots": [[")" + begin + R"(", ")" + end +
         R"(", 0.55]]})";
}

TEST_F(Simulate, PricesThatAreToldArePaid) {
  options_.config = write("esshub.toml", replaced(smart_config, "\"smart\"", "\"scheduled\""));
  options_.feeds = {
      write("later.json", feed("2026-06-21T10:01:00Z", "2026-06-22T10:00:00Z", "GBP/kWh")),
      write("now.json", feed("2026-06-21T08:00:00Z", "2026-06-21T10:00:30Z", "GBP/kWh"))};
  options_.start = "2026-06-21T11:00";  // an hour ahead of UTC
  options_.hours = 90.0 / 3600.0;
  ASSERT_EQ(run(), exit_ok) << err_.str();
  const auto bought = summary().at("bought");
  ASSERT_EQ(bought.size(), 2u);
  EXPECT_NEAR(bought[0].at("price").get<double>(), 0.10, 1e-12) << "30 s by the tariff";
  EXPECT_NEAR(bought[1].at("price").get<double>(), 0.55, 1e-12);
  EXPECT_GT(bought[0].at("kwh").get<double>(), 0.0);
  EXPECT_GT(bought[1].at("kwh").get<double>(), 0.0);
  EXPECT_FALSE(summary().contains("plans")) << "nobody plans";

  options_.start = "2026-06-22T11:00";
  options_.feeds = {
      options_.feeds[0],
      write("chf.json", feed("2026-06-22T08:00:00Z", "2026-06-23T10:00:00Z", "CHF/kWh")),
      dir_ / "none.json", dir_};
  EXPECT_EQ(run(), exit_config);
  EXPECT_THAT(err_.str(), HasSubstr("later.json: it tells nothing of the time simulated\n"));
  EXPECT_THAT(err_.str(), HasSubstr("chf.json: /unit: \"CHF/kWh\", accepted \"GBP/kWh\""));
  EXPECT_THAT(err_.str(), HasSubstr("none.json: it cannot be read\n"));
  EXPECT_THAT(err_.str(), HasSubstr(dir_.string() + ": it cannot be read\n"));
}

TEST_F(Simulate, DurationsDoNotDependOnThePeriod) {
  options_.scenario = write("s.toml", R"(
[[event]]
at_s = 0
command = "fault inverter off"
[[event]]
at_s = 100
command = "fault meters off"
)");
  options_.traces.load = write("load.csv", "load_w\n0\n0\n0\n2000\n");
  // A quarter of the time outside, and never at a whole second.
  options_.traces.load_step_seconds = 0.25;
  options_.hours = 300.0 / 3600.0;
  std::map<double, nlohmann::json> by_period;
  for (const double period : {0.02, 0.1, 1.0}) {
    const auto milliseconds = std::to_string(std::lround(1000 * period));
    options_.config = write("esshub.toml", own_config + "[control]\nperiod = \"" + milliseconds +
                                               " ms\"\nsetpoint_life = \"2 s\"\n");
    ASSERT_EQ(run(), exit_ok) << err_.str();
    by_period[period] = summary();
    const auto& s = by_period[period];
    for (const char* fault : {"inverter_lost", "grid_meter_lost"})
      EXPECT_NEAR(s["faults"][fault]["seconds"].get<double>(),
                  by_period[0.02]["faults"][fault]["seconds"].get<double>(), period)
          << fault << " at " << period;
    for (const char* rule : {"inverter_lost", "idle"})
      EXPECT_NEAR(s["rules_h"][rule].get<double>() * 3600.0,
                  by_period[0.02]["rules_h"][rule].get<double>() * 3600.0, period)
          << rule << " at " << period;
    EXPECT_NEAR(s["outside_50w_h"].get<double>() * 3600.0,
                by_period[0.02]["outside_50w_h"].get<double>() * 3600.0, period)
        << period;
  }
}

TEST_F(Simulate, ACsvStepBelowThePeriodIsRefused) {
  options_.csv = dir_ / "ticks.csv";
  options_.csv_step_seconds = 0.015;
  EXPECT_EQ(run(), exit_usage);
  EXPECT_THAT(err_.str(),
              HasSubstr("--csv-step: 0.015 s is below control.period, 0.02 s: the file has a row"));
  EXPECT_FALSE(std::filesystem::exists(options_.csv));
}

TEST_F(Simulate, EveryErrorOfEveryFileIsNamed) {
  options_.config = write("bad.toml", own_config + "[battery]\nreserv = 3\n");
  options_.traces.load = write("load.csv", "load_w\n1\nmany\n");
  options_.traces.sun = write("sun.csv", "load_w\n1\n");
  EXPECT_EQ(run(), exit_config);
  EXPECT_THAT(err_.str(), HasSubstr("load.csv:3:1: expected a number"));
  EXPECT_THAT(err_.str(), HasSubstr("sun.csv:1: no column ghi_w_m2"));
  EXPECT_THAT(err_.str(), testing::ContainsRegex("bad.toml:[0-9]+:1: battery.reserv: unknown key"));

  options_.config = write("other.toml", replaced(own_config, "unit = 244", "unit = 9"));
  options_.start = "noon";
  EXPECT_EQ(run(), exit_config);
  EXPECT_THAT(err_.str(), HasSubstr("other.toml: meter battery: is an sdm120 at unit 9"));
  EXPECT_THAT(err_.str(), HasSubstr("--start: expected a local time"));
}

TEST_F(Simulate, WhatCannotBeWrittenIs73) {
  options_.csv = "/nowhere/ticks.csv";
  EXPECT_EQ(run(), exit_cannot_create);
  EXPECT_THAT(err_.str(), HasSubstr("/nowhere/ticks.csv: cannot be written: No such file"));
}

}  // namespace
}  // namespace esshub::sim
