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

TEST(WebCommands, AreReadStrictly) {
  EXPECT_EQ(std::get<SetMode>(*mode_command(R"({"mode":"scheduled"})")).mode, Mode::scheduled);
  EXPECT_FALSE(std::get<SetMode>(*mode_command(R"({"mode":null})")).mode);
  EXPECT_EQ(std::get<SetReserve>(*reserve_command(R"({"reserve_percent":35.5})")).reserve,
            35.5_soc);
  const auto order = std::get<StartOverride>(*override_command(
      R"({"instruction":{"kind":"charge","power_w":1500,"target_percent":80},"minutes":90})"));
  EXPECT_EQ(order.instruction, (Instruction{InstructionKind::charge, 1.5_kW, 80.0_soc}));
  EXPECT_EQ(order.length, 90min);
  const auto storm = std::get<StartStorm>(*storm_command(R"({"reserve_percent":90,"hours":12})"));
  EXPECT_EQ(storm.length, 12h);
}

TEST(WebCommands, TakeTheEndsOfTheTableAndNothingBeyond) {
  const auto instruction = [](const std::string& watts) {
    return R"({"instruction":{"kind":"charge","target_percent":80,"power_w":)" + watts +
           R"(},"minutes":5})";
  };
  const auto minutes = [](const std::string& n) {
    return R"({"instruction":{"kind":"idle"},"minutes":)" + n + "}";
  };
  const auto hours = [](const std::string& n) {
    return R"({"reserve_percent":90,"hours":)" + n + "}";
  };
  EXPECT_EQ(std::get<StartOverride>(*override_command(minutes("1"))).length, 1min);
  EXPECT_EQ(std::get<StartOverride>(*override_command(minutes("10080"))).length, 7 * 24h);
  EXPECT_EQ(std::get<StartStorm>(*storm_command(hours("0.25"))).length, 15min);
  EXPECT_EQ(std::get<StartStorm>(*storm_command(hours("336"))).length, 14 * 24h);
  EXPECT_TRUE(override_command(instruction("10")));
  EXPECT_TRUE(override_command(instruction("10000")));
  EXPECT_TRUE(reserve_command(R"({"reserve_percent":0})"));
  EXPECT_TRUE(reserve_command(R"({"reserve_percent":100})"));
  const auto said = [](const Result<Command>& refused) {
    return refused ? "accepted" : refused.error().detail;
  };
  for (const auto* beyond : {"0.9", "10081"})
    EXPECT_THAT(said(override_command(minutes(beyond))), HasSubstr("expected 1 to 10080 min"));
  for (const auto* beyond : {"0.2", "336.1"})
    EXPECT_THAT(said(storm_command(hours(beyond))), HasSubstr("expected 0.25 to 336 h"));
  for (const auto* beyond : {"9.9", "10000.5"})
    EXPECT_THAT(said(override_command(instruction(beyond))), HasSubstr("expected 10 to 10000 W"));
}

struct Wrong {
  const char* body;
  const char* said;
};

TEST(WebCommands, RefusalsNameTheKeyAndWhatIsAllowed) {
  for (const auto& [body, said] :
       {Wrong{"", "no JSON object"}, Wrong{"[]", "no JSON object"}, Wrong{"{}", "is missing"},
        Wrong{R"({"reserve_percent":101})", "is 101, expected 0 to 100 %"},
        Wrong{R"({"reserve_percent":"20"})", "\"20\", expected 0 to 100"},
        Wrong{R"({"reserve_percent":1e999})", "no JSON object"},
        Wrong{R"({"reserve_percent":20,"x":1})", "\"x\" is not known"}}) {
    const auto command = reserve_command(body);
    ASSERT_FALSE(command) << body;
    EXPECT_THAT(command.error().detail, HasSubstr(said));
  }
  for (const auto& [body, said] :
       {Wrong{R"({"instruction":{"kind":"explode"},"minutes":5})", "balance, charge, discharge"},
        Wrong{R"({"instruction":{"kind":"charge","power_w":-5,"target_percent":80},"minutes":5})",
              "expected 10 to 10000 W"},
        Wrong{R"({"instruction":{"kind":"idle","low_percent":60,"high_percent":40},"minutes":5})",
              "above high_percent"},
        Wrong{R"({"instruction":{"kind":"idle"}})", "minutes is missing"},
        Wrong{R"({"instruction":{"kind":"idle"},"minutes":10081})", "expected 1 to 10080 min"},
        Wrong{R"({"instruction":7,"minutes":5})", "expected an object"}}) {
    const auto command = override_command(body);
    ASSERT_FALSE(command) << body;
    EXPECT_THAT(command.error().detail, HasSubstr(said));
  }
  EXPECT_FALSE(mode_command(R"({"mode":"turbo"})"));
  EXPECT_FALSE(mode_command("{}"));
  EXPECT_FALSE(storm_command(R"({"reserve_percent":90})"));
}

}  // namespace
}  // namespace esshub::publish
