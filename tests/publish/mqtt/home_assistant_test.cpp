#include "tests/publish/mqtt/session.hpp"

namespace esshub::publish {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(Home, BirthAndWillAreRetainedAndAlike) {
  const auto will = session->will();
  ASSERT_TRUE(will);
  EXPECT_EQ(*will, (MqttMessage{"esshub/0242ac110002/availability", "offline", true}));
  std::vector<MqttMessage> messages;
  while (auto message = session->outbox().pop()) messages.push_back(*message);
  EXPECT_THAT(messages, Contains(MqttMessage{will->topic, "online", true}));
  session->on_stop(now);
  EXPECT_EQ(session->outbox().pop(), *will);
}

TEST_F(Home, EveryCurrentStateIsSaidEachPeriodAndNoOther) {
  auto states = said();
  EXPECT_EQ(states.at("esshub/0242ac110002/state/grid_power"), "500");
  EXPECT_FALSE(states.contains("esshub/0242ac110002/state/battery_soc"));
  now += 4s;
  show();
  EXPECT_THAT(said(), IsEmpty());
  now += 1s;
  show(-499.6);
  EXPECT_EQ(said().at("esshub/0242ac110002/state/grid_power"), "-500");
}

TEST_F(Home, AStaleStateIsNoneOnceAndItsSourceOffline) {
  said();
  std::map<std::string, std::string> all;
  for (int i = 0; i < 30; ++i) {
    session->on_timer(now += 1s);
    for (auto& [topic, payload] : said()) {
      if (topic.ends_with("/state/grid_power")) {
        EXPECT_TRUE(all.insert({topic, payload}).second) << "said twice";
        EXPECT_EQ(payload, "None");
      }
      if (topic.ends_with("/source/meter")) {
        EXPECT_EQ(payload, "offline");
      }
    }
  }
  EXPECT_THAT(all, SizeIs(1));
}

TEST_F(Home, AnEnergyOfZeroIsNotSaid) {
  said();
  view.energies[Flow::grid_import] = 3.6e6;
  now += 5s;
  show();
  const auto states = said();
  EXPECT_EQ(states.at("esshub/0242ac110002/state/grid_import_energy"), "1.000");
  EXPECT_FALSE(states.contains("esshub/0242ac110002/state/solar_energy"));
}

TEST_F(Home, ItsBirthBringsEverythingAgain) {
  said();
  hear("homeassistant/status", "offline");
  EXPECT_THAT(said(), IsEmpty());
  hear("homeassistant/status", "online");
  const auto all = said();
  EXPECT_TRUE(all.contains("homeassistant/device/esshub_0242ac110002/config"));
  EXPECT_TRUE(all.contains("esshub/0242ac110002/state/grid_power"));
  EXPECT_TRUE(all.contains("esshub/0242ac110002/source/meter"));
}

TEST_F(Home, ModeAndReserveAreCommands) {
  set("mode", "balance");
  set("reserve", "45.5");
  ASSERT_THAT(commands, SizeIs(2));
  EXPECT_EQ(std::get<SetMode>(commands[0]).mode, Mode::balance);
  EXPECT_EQ(std::get<SetReserve>(commands[1]).reserve, 45.5_soc);
}

TEST_F(Home, AnOverrideTakesThePowerAndLengthSetBefore) {
  set("override_power", "1500");
  set("override_minutes", "90");
  EXPECT_THAT(commands, IsEmpty());
  set("override", "charge");
  ASSERT_THAT(commands, SizeIs(1));
  const auto& start = std::get<StartOverride>(commands[0]);
  EXPECT_EQ(start.instruction.kind, InstructionKind::charge);
  EXPECT_EQ(start.instruction.power, 1500.0_W);
  EXPECT_EQ(start.instruction.target, 98.0_soc) << "the ceiling";
  EXPECT_EQ(start.length, 90min);
  set("override", "off");
  EXPECT_TRUE(std::holds_alternative<EndOverride>(commands.at(1)));
}

TEST_F(Home, AnOverrideCanSayAllInOneMessage) {
  set("override", R"({"instruction":"discharge","power_w":800,"minutes":30,"target":40})");
  const auto& start = std::get<StartOverride>(commands.at(0));
  EXPECT_EQ(start.instruction.kind, InstructionKind::discharge);
  EXPECT_EQ(start.instruction.target, 40.0_soc);
  EXPECT_EQ(start.length, 30min);
  set("override", R"({"instruction":"idle","low":20,"high":80})");
  EXPECT_EQ(std::get<StartOverride>(commands.at(1)).instruction.high, 80.0_soc);
}

TEST_F(Home, TheStormSwitchRaisesTheReserveForADay) {
  set("storm", "ON");
  EXPECT_EQ(std::get<StartStorm>(commands.at(0)).reserve, 93.0_soc) << "a little below the ceiling";
  EXPECT_EQ(std::get<StartStorm>(commands.at(0)).length, 24h);
  set("storm", R"({"reserve":80,"hours":48})");
  EXPECT_EQ(std::get<StartStorm>(commands.at(1)).length, 48h);
  set("storm", "OFF");
  EXPECT_TRUE(std::holds_alternative<EndStorm>(commands.at(2)));
  EXPECT_TRUE(std::get<StartStorm>(commands.at(0)).fill);
  set("acknowledge", "PRESS");
  EXPECT_TRUE(std::holds_alternative<Acknowledge>(commands.at(3)));
}

TEST_F(Home, AStormMayBeginLaterAndFillNothing) {
  const char* later = R"({"reserve":80,"from":"2026-12-01T18:00:00Z","fill":false})";
  set("storm", later);
  EXPECT_THAT(commands, IsEmpty()) << "the clock is not trusted";
  view.wall = WallTime{std::chrono::seconds{1796148000 - 7200}};
  view.local.trusted = true;
  now += 5s;
  show();
  set("storm", later);
  ASSERT_THAT(commands, SizeIs(1));
  EXPECT_EQ(std::get<StartStorm>(commands[0]).begins_in, 2h);
  EXPECT_FALSE(std::get<StartStorm>(commands[0]).fill);
}

TEST_F(Home, TheEndsOfEveryRangeAreTaken) {
  for (const auto& [power, minutes, length] :
       {std::tuple{"10", "1", Duration{1min}}, {"10000", "10080", Duration{7 * 24h}}}) {
    commands.clear();
    set("override_power", power);
    set("override_minutes", minutes);
    set("override", "charge");
    ASSERT_THAT(commands, SizeIs(1)) << minutes;
    EXPECT_EQ(std::get<StartOverride>(commands[0]).length, length);
    now += 2s;
    show();
  }
  commands.clear();
  set("storm", R"({"reserve":80,"hours":0.25})");
  set("storm", R"({"reserve":80,"hours":336})");
  ASSERT_THAT(commands, SizeIs(2));
  EXPECT_EQ(std::get<StartStorm>(commands[0]).length, 15min);
  EXPECT_EQ(std::get<StartStorm>(commands[1]).length, 14 * 24h);
}

TEST_F(Home, OutOfRangeIsRefused) {
  for (const auto& [control, payload] :
       {std::pair{"mode", "off"},
        {"reserve", "101"},
        {"reserve", "-1"},
        {"reserve", "nan"},
        {"reserve", "50 %"},
        {"reserve", ""},
        {"override_power", "10001"},
        {"override_power", "9"},
        {"override_minutes", "10081"},
        {"override_minutes", "0"},
        {"override", "explode"},
        {"override", "none"},
        {"override", R"({"instruction":"charge","minutes":10081})"},
        {"override", R"({"instruction":"charge","power_w":"1"})"},
        {"override", R"({"instruction":"charge","target":120})"},
        {"override", R"({"instruction":7})"},
        {"override", R"({"instruction":"idle","minutes":5,"minutes":600})"},
        {"override", R"({"instruction":"idle","minutes":9007199254740993})"},
        {"reserve", "9007199254740993"},
        {"storm", "maybe"},
        {"storm", R"({"reserve":80,"hours":0})"},
        {"storm", R"({"reserve":80,"from":"tomorrow"})"},
        {"storm", R"({"reserve":80,"from":7})"},
        {"storm", R"({"reserve":80,"From":"2026-12-01T18:00:00Z"})"},
        {"override", R"({"instruction":"idle","until":5})"},
        {"storm", R"({"reserve":80,"fill":"yes"})"},
        {"storm", R"({"reserve":80,"hours":0.2})"},
        {"storm", R"({"reserve":80,"hours":337})"},
        {"acknowledge", "ON"},
        {"nothing", "1"}}) {
    set(control, payload);
    EXPECT_THAT(refusal(), HasSubstr("reason=")) << control << " " << payload;
    now += 1s;
    show();
  }
  EXPECT_THAT(commands, IsEmpty());
}

TEST_F(Home, ARefusedOrderSaysWhyUntilAnotherIsAccepted) {
  constexpr auto topic = "esshub/0242ac110002/state/order_refused";
  EXPECT_EQ(said().at(topic), "no");
  set("reserve", "101");
  now += 1s;
  show();
  const auto states = said();
  EXPECT_EQ(states.at(topic), "Reserve 101: expected 0 to 100 %");
  EXPECT_EQ(states.at("esshub/0242ac110002/state/reserve"), "30") << "what holds, at once";
  set("mode", "clever");
  now += 1s;
  show();
  EXPECT_EQ(said().at(topic), "Mode clever: expected balance, scheduled or smart");
  desk_refuses = true;
  set("mode", "balance");
  now += 1s;
  show();
  EXPECT_EQ(said().at(topic), "Mode balance: the desk says no");
  set("override", std::string(300, '\n'));
  now += 1s;
  show();
  EXPECT_EQ(said().at(topic).find_first_of("\n"), std::string::npos);
  set("storm", R"({"reserve":80,"Hours":1})");
  now += 1s;
  show();
  EXPECT_THAT(said().at(topic), HasSubstr("the key Hours is not known here"));
  desk_refuses = false;
  set("reserve", "40");
  now += 1s;
  show();
  EXPECT_EQ(said().at(topic), "no");
}

TEST_F(Home, TodayAndThePlanAreShownWhileTheyAreKnown) {
  const auto topic = [](const char* id) { return std::string{"esshub/0242ac110002/state/"} + id; };
  view.local = {.minute_of_day = 22 * 60 + 13, .weekday = 2, .trusted = true};
  said();
  Outlook outlook{.house = house, .at = now};
  outlook.today.emplace().date = "2023-11-14";
  outlook.today->energies[Flow::grid_import] = 7.2e6;
  outlook.today->import_cost = 1.239;
  const auto at = [&](Duration ahead) {
    return view.wall + std::chrono::duration_cast<WallTime::duration>(ahead);
  };
  PlanSpan span;
  span.begin = at(-1h);
  span.end = at(2h);
  outlook.plan.push_back(span);
  span.begin = at(2h);
  span.end = at(4h);
  span.instruction = {.kind = InstructionKind::charge, .power = 2000.0_W, .target = 80.0_soc};
  outlook.plan.push_back(span);
  SmartPlan smart{.made = at(-1h)};
  smart.slots = {{.begin = at(-1h), .end = at(0h), .value = 0.9},
                 {.begin = at(0h),
                  .end = at(1h),
                  .charge = 61.0_soc,
                  .value = 0.2345,
                  .reason = "the house is served"}};
  outlook.smart = {true, std::make_shared<const SmartPlan>(smart), ""};
  session->on_outlook(outlook);
  view.decision.policy.storm_reached = now + 5s + 30min;
  now += 5s;
  show();
  auto states = said();
  EXPECT_EQ(states.at(topic("grid_import_today")), "2.000");
  EXPECT_EQ(states.at(topic("solar_today")), "0.000") << "nothing yet today";
  EXPECT_EQ(states.at(topic("import_cost_today")), "1.24");
  EXPECT_FALSE(states.contains(topic("export_income_today"))) << "no price was known";
  EXPECT_EQ(states.at(topic("next_action")), "charge to 80 % with 2000 W");
  EXPECT_EQ(states.at(topic("next_action_at")), "2023-11-15T00:13:20+00:00");
  EXPECT_EQ(states.at(topic("storm_reached")), "2023-11-14T22:43:20+00:00");
  EXPECT_EQ(states.at(topic("smart_charge")), "61");
  EXPECT_EQ(states.at(topic("smart_value")), "0.2345");
  EXPECT_EQ(states.at(topic("smart_reason")), "the house is served");
  EXPECT_EQ(states.at(topic("smart_made")), "2023-11-14T21:13:20+00:00");
  EXPECT_EQ(states.at(topic("smart_problem")), "none");
  EXPECT_FALSE(states.contains("homeassistant/device/esshub_0242ac110002/config"))
      << "the same house";
  view.local.trusted = false;
  now += 5s;
  show();
  states = said();
  for (const auto* id : {"grid_import_today", "next_action", "next_action_at", "storm_reached",
                         "smart_charge", "smart_value", "smart_reason", "smart_made"})
    EXPECT_EQ(states.at(topic(id)), "None") << id;
  view.local.trusted = true;
  now += Outlook::max_age;
  show();
  EXPECT_FALSE(said().contains(topic("grid_import_today"))) << "nobody has looked for too long";
  outlook.at = now;
  outlook.today->date = "2023-11-13";
  session->on_outlook(outlook);
  now += 5s;
  show();
  EXPECT_FALSE(said().contains(topic("grid_import_today"))) << "of another day";
  outlook.house.currency = "EUR";
  session->on_outlook(outlook);
  EXPECT_EQ(device()["components"]["import_cost_today"]["unit_of_measurement"], "EUR");
}

TEST_F(Home, ControlsShowWhatHolds) {
  EXPECT_EQ(said().at("esshub/0242ac110002/state/override"), "off");
  view.decision.policy.authority = Authority::manual;
  view.decision.policy.instruction.kind = InstructionKind::discharge;
  view.decision.policy.storm_until = now + 1h;
  now += 5s;
  show();
  const auto states = said();
  EXPECT_EQ(states.at("esshub/0242ac110002/state/mode"), "scheduled");
  EXPECT_EQ(states.at("esshub/0242ac110002/state/reserve"), "30");
  EXPECT_EQ(states.at("esshub/0242ac110002/state/override"), "discharge");
  EXPECT_EQ(states.at("esshub/0242ac110002/state/storm"), "ON");
  EXPECT_EQ(states.at("esshub/0242ac110002/state/override_minutes"), "60");
}

}  // namespace
}  // namespace esshub::publish
