#include "publish/web/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/publish/web/house.hpp"

namespace esshub::publish {
namespace {

using namespace literals;
using testing::HasSubstr;
using tests::t0;
using tests::working_house;

TEST(WebJson, ShowsEveryFlowWithItsAge) {
  const auto state = state_json(working_house(), t0 + 100ms);
  EXPECT_EQ(state["grid"]["power_w"]["value"], -12);
  EXPECT_EQ(state["grid"]["power_w"]["age_s"], 0.3);
  EXPECT_EQ(state["solar"]["power_w"]["value"], 1500);
  EXPECT_EQ(state["house"]["power_w"]["value"], 300);
  EXPECT_EQ(state["battery"]["power_w"]["value"], 1190);
  EXPECT_EQ(state["battery"]["soc_percent"]["value"], 55);
  EXPECT_EQ(state["energies"]["solar_kwh"], 1);
}

TEST(WebJson, AnOldReadingIsNullButItsAgeStays) {
  auto view = working_house();
  view.now += 4s;
  view.decision.at = view.now;
  const auto state = state_json(view, view.now);
  EXPECT_TRUE(state["grid"]["power_w"]["value"].is_null());
  EXPECT_EQ(state["grid"]["power_w"]["age_s"], 4.2);
  EXPECT_TRUE(state["battery"]["soc_percent"]["value"].is_null());
  EXPECT_TRUE(state["inverter"]["state"]["value"].is_null());
}

TEST(WebJson, NothingIsCurrentOnceTheControlHasStopped) {
  const auto state = state_json(working_house(), t0 + 60s);
  EXPECT_FALSE(state["control"]["current"]);
  EXPECT_EQ(state["control"]["age_s"], 60);
  EXPECT_TRUE(state["decision"].is_null());
  for (const auto* place : {"grid", "solar", "house", "battery"})
    EXPECT_TRUE(state[place]["power_w"]["value"].is_null()) << place;
}

TEST(WebJson, BeforeTheFirstDecisionNothingIsClaimed) {
  const auto state = state_json(View{}, t0);
  EXPECT_TRUE(state["decision"].is_null());
  EXPECT_TRUE(state["control"]["age_s"].is_null());
  EXPECT_TRUE(state["battery"]["power_w"]["age_s"].is_null());
}

TEST(WebJson, EveryReasonSaysWhatThePowerWouldBeWithoutIt) {
  const auto decision = state_json(working_house(), t0)["decision"];
  EXPECT_EQ(decision["battery_command_w"], 1188);
  EXPECT_EQ(decision["reasons"][1]["why"], "charge_limit");
  EXPECT_EQ(decision["reasons"][1]["phrase"], "the set charge power limit");
  EXPECT_EQ(decision["reasons"][1]["without_w"], 1500);
  EXPECT_EQ(decision["policy"]["ends_in_s"], 600);
}

TEST(WebJson, FaultsComeWorstFirstWithAdviceAndSince) {
  const auto faults = faults_json(working_house(), t0)["faults"];
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0]["fault"], "bms_lost");
  EXPECT_EQ(faults[0]["severity"], "critical");
  EXPECT_EQ(faults[0]["since"], 1'790'000'000 - 12);
  EXPECT_EQ(faults[0]["title"], "Battery's BMS lost");
  EXPECT_THAT(faults[0]["advice"].get<std::string>(), HasSubstr("CAN cable"));
}

TEST(WebJson, ABusShowsEveryFaultItsDriverSees) {
  auto view = working_house();
  EXPECT_EQ(buses_json(view)["buses"][0]["faults"].dump(), "[]");
  view.buses[0].driver.faults = {Fault::grid_meter_frozen, Fault::bus_contended};
  EXPECT_EQ(buses_json(view)["buses"][0]["faults"].dump(),
            R"([{"fault":"grid_meter_frozen","title":"Grid meter frozen"},)"
            R"({"fault":"bus_contended","title":"Two masters on a bus"}])");
}

TEST(WebJson, AnEventHasATitleAndWhatIsNoObjectStaysText) {
  const auto events =
      events_json({{{}, "fault", "bms_lost", R"({"lasted_s":31,"state":"cleared"})"},
                   {{}, "fault", "bms_lost", "cleared lasted_s=31"}})["events"];
  EXPECT_EQ(events[0]["title"], "Battery's BMS lost");
  EXPECT_EQ(events[0]["values"]["lasted_s"], 31);
  EXPECT_TRUE(events[1]["values"].is_null());
  EXPECT_EQ(events[1]["detail"], "cleared lasted_s=31");
}

TEST(WebJson, TheGistChangesWithMeaningNotWithNumbers) {
  auto view = working_house();
  const auto before = state_fingerprint(view, t0);
  view.snapshot.absorb({{Point::grid, Measure::power}, 2000, t0});
  EXPECT_EQ(state_fingerprint(view, t0), before);
  EXPECT_NE(state_fingerprint(view, t0 + 4s), before) << "stale";
  view.decision.reasons.add({Cause::slew, 0.0_W});
  EXPECT_NE(state_fingerprint(view, t0), before);
}

TEST(WebJson, SaysWhichSunThePlanGoesBy) {
  SmartPlan plan;
  const auto made = [&] {
    return plan_json({}, {true, std::make_shared<const SmartPlan>(plan), ""}, {})["smart"]["plan"];
  };
  EXPECT_EQ(made()["sun"], "history");
  EXPECT_TRUE(made()["sun_issued"].is_null());
  plan.sun_issued = WallTime{std::chrono::seconds{1768471200}};
  EXPECT_EQ(made()["sun"], "told");
  EXPECT_EQ(made()["sun_issued"], 1768471200);
}

}  // namespace
}  // namespace esshub::publish
