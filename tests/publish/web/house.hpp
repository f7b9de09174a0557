// A house at work, its history and its page, for the tests of the page.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "publish/web/server/web.hpp"

namespace esshub::publish::tests {

using namespace literals;

inline const Instant t0 = Instant{} + 1h;
inline const WallTime wall0 = WallTime{std::chrono::seconds(1'790'000'000)};

inline View working_house(Instant now = t0) {
  View view;
  view.circuit_roles[0] = CircuitRole::ev;
  view.now = now;
  view.wall = wall0;
  view.local = {720, 3, true};
  view.max_age = 3s;
  const auto see = [&](Point point, Measure measure, double value) {
    view.snapshot.absorb({{point, measure}, value, now - 200ms});
  };
  see(Point::grid, Measure::power, -12.4);
  see(Point::grid, Measure::voltage, 236.4);
  see(Point::solar, Measure::power, 1500.2);
  see(circuit(0), Measure::power, 88);
  see(Point::inverter, Measure::power, 1190);
  see(Point::inverter, Measure::dc_power, 1190);
  see(Point::inverter, Measure::main_state, 9);
  see(Point::battery, Measure::soc, 55);
  see(Point::battery, Measure::voltage, 50);
  see(Point::battery, Measure::current, 23);
  view.decision.at = now;
  view.decision.battery_power = 1188.0_W;
  view.decision.setpoint = {1201.0_W, InverterMode::follow, now + 1s};
  view.decision.house = 300.0_W;
  view.decision.reasons.add({Cause::self_consumption, 1500.0_W});
  view.decision.reasons.add({Cause::charge_limit, 1500.0_W});
  view.decision.policy.reserve = 20.0_soc;
  view.decision.policy.ceiling = 100.0_soc;
  view.decision.policy.cutoff = 5.0_soc;
  view.decision.policy.backup_left = 6h;
  view.decision.policy.until = now + 10min;
  view.decision.faults.set(Fault::clock_untrusted, true, now - 60s);
  view.decision.faults.set(Fault::bms_lost, true, now - 12s);
  BusHealth bus;
  bus.bus = "meters";
  bus.line_up = true;
  bus.driver.ready = true;
  bus.driver.frames.add(FrameResult::ok);
  bus.driver.round_trip.add(75ms);
  bus.driver.devices.push_back({"main", 40ms, 300ms});
  view.buses.push_back(bus);
  view.energies[Flow::solar] = 3.6e6;
  return view;
}

class FakeHistory : public HistoryReader {
 public:
  Result<std::vector<MinuteRow>> minutes(WallTime from, WallTime) override {
    return std::vector<MinuteRow>{{from, -12.0, 1500.0, 300.0, 1190.0, 55.0},
                                  {from + 60s, {}, {}, {}, {}, {}}};
  }
  Result<std::vector<DayRow>> days(unsigned count) override {
    if (count == 13) return fail(ErrorKind::io, "the disk is gone");
    DayRow day;
    day.date = "2026-09-21";
    day.import_cost = 1.25;
    day.energies[Flow::house] = 7.2e6;
    return std::vector<DayRow>(count, day);
  }
  Result<std::vector<HistoryEvent>> events(WallTime from, WallTime, unsigned) override {
    return std::vector<HistoryEvent>{
        {from, "fault", "bms_lost", R"({"state":"raised","severity":"critical"})"},
        {from, "command", "set_reserve", "reserve=30"}};
  }
};

inline std::vector<PlanSpan> fake_plan(WallTime from, WallTime until) {
  PlanSpan night{
      from, from + 6h, {InstructionKind::charge, 2.0_kW, 80.0_soc}, Authority::tariff, 0.07,
      {},   true};
  PlanSpan day{from + 6h, until, {}, Authority::balance, 0.3, 0.15, false};
  return {night, day};
}

inline SmartState fake_smart() {
  SmartPlan plan{.days = 14,
                 .sun_issued = WallTime{1768471200s},
                 .cost = 1.5,
                 .reason = "without it it would have been empty"};
  plan.slots = {{.begin = plan.made,
                 .end = plan.made + 1h,
                 .import_price = 0.07,
                 .instruction = {.low = 100.0_soc},
                 .charge_low = 40.0_soc,
                 .charge = 50.0_soc,
                 .charge_high = 60.0_soc,
                 .value = 0.2,
                 .reason = "a kWh is bought for 0.07"}};
  return {true, std::make_shared<const SmartPlan>(plan), "price_unknown"};
}

inline SavingsState fake_savings() {
  const Savings today{.days = 1,
                      .known = 1,
                      .partial = 0,
                      .cost = 1.25,
                      .no_battery = 4.0,
                      .balance = 2.0,
                      .error = -0.05,
                      .error_days = 1};
  const Savings month{.days = 20,
                      .known = 11,
                      .partial = 2,
                      .cost = 10.0,
                      .no_battery = 40.0,
                      .balance = {},
                      .error = {}};
  return {today, month, Savings{.days = 300}};
}

inline std::optional<PastDay> fake_yesterday() {
  const WallTime begin = wall0 - 24h;
  return PastDay{.begin = begin,
                 .end = wall0,
                 .planned = {{.begin = begin,
                              .end = begin + 15min,
                              .made = begin - 6h,
                              .import_price = 0.07,
                              .export_price = 0.05,
                              .instruction = {.low = 100.0_soc},
                              .charge_low = 40.0_soc,
                              .charge = 50.0_soc,
                              .charge_high = 60.0_soc}},
                 .happened = {{begin, 51.24, -300.4, 12.0}, {begin + 15min, {}, {}, {}}}};
}

/// A directory that goes away with the test.
class StateDir {
 public:
  StateDir() {
    std::string name = (std::filesystem::temp_directory_path() / "esshub_web_XXXXXX").string();
    if (::mkdtemp(name.data())) path_ = name;
  }
  StateDir(const StateDir&) = delete;
  StateDir& operator=(const StateDir&) = delete;
  ~StateDir() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace esshub::publish::tests
