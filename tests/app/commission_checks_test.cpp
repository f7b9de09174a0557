#include "app/commission_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace esshub::app {
namespace {

using namespace literals;
using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Json at_work() {
  return Json::parse(R"({
    "control": {"current": true},
    "faults": [{"fault": "storage_failed", "severity": "warning", "title": "The disk is full"},
               {"fault": "inverter_derating", "severity": "info", "title": "The inverter is hot"}],
    "battery": {"soc_percent": {"value": 50}, "discharge_current_limit_a": {"value": 50},
                "voltage_v": {"value": 50}},
    "inverter": {"power_w": {"value": 12}},
    "decision": {"setpoint_w": 0, "battery_command_w": 0,
                 "policy": {"authority": "balance", "reserve_percent": 20, "floor_percent": 10},
                 "reasons": [{"why": "reserve", "phrase": "the reserve is kept"}]}})");
}

TEST(CommissionChecks, NothingForbidsItInAHouseAtWork) {
  EXPECT_THAT(obstacles(at_work()), IsEmpty());
}

TEST(CommissionChecks, EachObstacleIsNamed) {
  const auto with = [](const char* path, const Json& value) {
    auto state = at_work();
    state[Json::json_pointer(path)] = value;
    return obstacles(state);
  };
  EXPECT_THAT(with("/control/current", false), ElementsAre(HasSubstr("makes no decisions")));
  EXPECT_THAT(with("/decision", nullptr), ElementsAre(HasSubstr("makes no decisions")));
  EXPECT_THAT(with("/decision/setpoint_w", nullptr),
              ElementsAre(HasSubstr("not commanded at the moment: the reserve is kept")));
  EXPECT_THAT(with("/decision/policy/authority", "manual"), ElementsAre(HasSubstr("override")));
  EXPECT_THAT(with("/decision/policy/authority", "dispatch"),
              ElementsAre("a dispatch of another program is in force (the reserve is kept): end it "
                          "first, or wait for its end"));
  EXPECT_THAT(with("/decision/policy", {{"authority", "dispatch"},
                                        {"floor_percent", 10},
                                        {"reserve_percent", 20},
                                        {"ends_in_s", 7.6}}),
              ElementsAre(HasSubstr("is in force for 8 s (the")));
  EXPECT_THAT(with("/battery/soc_percent/value", nullptr),
              ElementsAre(HasSubstr("state of charge is not known")));
  EXPECT_THAT(with("/battery/soc_percent/value", 20.9),
              ElementsAre(HasSubstr("is 21 %, what is kept is 20 %")));
  EXPECT_THAT(with("/battery/soc_percent/value", 21), IsEmpty());
  EXPECT_THAT(with("/battery/discharge_current_limit_a/value", nullptr),
              ElementsAre(HasSubstr("BMS does not say")));
  EXPECT_THAT(with("/battery/voltage_v/value", nullptr),
              ElementsAre(HasSubstr("BMS does not say")));
  EXPECT_THAT(with("/inverter/power_w/value", nullptr),
              ElementsAre(HasSubstr("inverter does not say")));
  const Json islanded{{"fault", "islanded"}, {"severity", "warning"}, {"title", "Power cut"}};
  EXPECT_THAT(with("/faults/0", islanded),
              ElementsAre(HasSubstr("the fault islanded is active: Power cut")));
  const Json reversed{
      {"fault", "grid_meter_reversed"}, {"severity", "critical"}, {"title", "The wrong way"}};
  EXPECT_THAT(with("/faults/0", reversed), ElementsAre(HasSubstr("discharge_limit_w = 450")));
}

TEST(CommissionChecks, PowerIsTheLeastOfWishLimitAndBms) {
  const auto limits = Json::parse(R"({"limits": {"discharge_power_w": {"most": 2400}}})");
  EXPECT_EQ(allowed_power(at_work(), limits, 450.0_W), 450.0_W);
  EXPECT_EQ(allowed_power(at_work(), limits, 2000.0_W), 480.0_W);
  EXPECT_EQ(allowed_power(at_work(), Json::parse(R"({"limits": {"discharge_power_w":
      {"most": 209}}})"),
                          450.0_W),
            200.0_W);
  EXPECT_EQ(
      allowed_power(at_work(), Json::parse(R"({"limits": {"discharge_power_w": null}})"), 450.0_W),
      0.0_W);
  auto weak = at_work();
  weak["battery"]["discharge_current_limit_a"]["value"] = 4;
  EXPECT_EQ(allowed_power(weak, limits, 450.0_W), 180.0_W);
  weak["battery"]["discharge_current_limit_a"]["value"] = nullptr;
  EXPECT_EQ(allowed_power(weak, limits, 450.0_W), 0.0_W);
}

TEST(CommissionChecks, InterferenceEndsARun) {
  auto state = at_work();
  state["decision"]["policy"]["authority"] = "dispatch";
  EXPECT_FALSE(interference(state, 0.0_W));
  EXPECT_THAT(interference(state, 450.0_W).value(),
              HasSubstr("holds the battery at 0 W: the reserve is kept"));
  state["decision"]["battery_command_w"] = -225;
  EXPECT_FALSE(interference(state, 450.0_W));
  EXPECT_THAT(interference(state, 0.0_W).value(), HasSubstr("shall rest"));
  state["decision"]["battery_command_w"] = -30;
  EXPECT_FALSE(interference(state, 0.0_W));
  auto changed = state;
  changed["decision"]["policy"]["authority"] = "manual";
  EXPECT_THAT(interference(changed, 0.0_W).value(), HasSubstr("another instruction rules"));
  changed = state;
  changed["decision"]["battery_command_w"] = nullptr;
  EXPECT_THAT(interference(changed, 0.0_W).value(), HasSubstr("not commanded any more"));
  changed = state;
  changed["decision"] = nullptr;
  EXPECT_THAT(interference(changed, 0.0_W).value(), HasSubstr("no decisions any more"));
  changed = state;
  changed["faults"][0]["fault"] = "bms_lost";
  EXPECT_THAT(interference(changed, 0.0_W).value(), HasSubstr("bms_lost"));
}

TEST(CommissionChecks, WhatIsKeptIsTheHigherOfReserveAndFloor) {
  auto state = at_work();
  EXPECT_EQ(kept_percent(state), 20.0);
  state["decision"]["policy"]["floor_percent"] = 30;
  EXPECT_EQ(kept_percent(state), 30.0);
  state["decision"]["policy"]["reserve_percent"] = nullptr;
  EXPECT_EQ(kept_percent(state), 100.0);
}

}  // namespace
}  // namespace esshub::app
