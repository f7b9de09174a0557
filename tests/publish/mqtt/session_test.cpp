#include "publish/mqtt/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace esshub::publish {
namespace {

using namespace literals;
using Json = nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Instant t0 = Instant{} + 1h;

class Session : public testing::Test {
 protected:
  explicit Session(bool writes = true) {
    settings.writes = writes;
    view.wall = WallTime{} + std::chrono::seconds(1'700'000'000);
    view.max_age = 3s;
    measure(Point::grid, Measure::power, 500);
    measure(Point::ac_out, Measure::power, 0);
    view.decision.policy.mode = Mode::scheduled;
    view.decision.policy.reserve = 30.0_soc;
    view.decision.policy.floor = 10.0_soc;
    view.decision.policy.ceiling = 98.0_soc;
    make();
  }
  void make() {
    session.emplace(
        settings, VenusIdentity{"0242ac110002", "cottage", "1.2.3"}, "mqtt broker:1883",
        [this](const Command& command, const std::string& who) -> Result<void> {
          EXPECT_EQ(who, "mqtt broker:1883");
          if (desk_refuses) return fail(ErrorKind::invalid, "the desk says no");
          commands.push_back(command);
          return {};
        },
        [this](const std::string&, const Event& event) { events.push_back(event); });
  }
  void measure(Point point, Measure m, double value) {
    view.now = view.decision.at = now;
    view.snapshot.absorb({{point, m}, value, now});
  }
  /// The next View, with everything measured anew.
  void show(double grid_w = 500) {
    measure(Point::grid, Measure::power, grid_w);
    measure(Point::ac_out, Measure::power, 0);
    session->on_view(view, now);
  }
  /// What has been said since, by topic.
  std::map<std::string, std::string> said() {
    std::map<std::string, std::string> all;
    while (auto message = session->outbox().pop()) all[message->topic] = message->payload;
    return all;
  }
  void hear(const std::string& topic, const std::string& payload, bool retained = false) {
    session->on_message(topic, payload, retained, now);
  }
  std::string refusal() {
    if (events.empty()) return "";
    EXPECT_EQ(events.back().name, "write_refused");
    return events.back().detail;
  }

  MqttSettings settings;
  View view;
  Instant now = t0;
  std::vector<Command> commands;
  std::vector<Event> events;
  bool desk_refuses = false;
  std::optional<MqttSession> session;
};

// ---- Venus ------------------------------------------------------------------------------------

class Venus : public Session {
 protected:
  Venus() {
    settings.home_assistant = false;
    make();
    session->on_connect(now);
    show();
  }
  static constexpr auto grid = "N/0242ac110002/grid/30/Ac/Power";
};

TEST_F(Venus, SaysNothingButItsStartUntilSomebodyKeepsItAlive) {
  EXPECT_THAT(said(), testing::ElementsAre(testing::Pair("N/0242ac110002/keepalive", "1")));
  now += 1s;
  show(600);
  session->on_timer(now);
  EXPECT_THAT(said(), IsEmpty());
}

TEST_F(Venus, AKeepAliveBringsEverythingThenWhatChanges) {
  said();
  hear("R/0242ac110002/keepalive", "");
  const auto all = said();
  EXPECT_EQ(all.at(grid), R"({"value":500.0})");
  EXPECT_EQ(all.at("N/0242ac110002/battery/512/Soc"), R"({"value":null})");
  EXPECT_EQ(all.at("N/0242ac110002/grid/30/DeviceInstance"), R"({"value":30})");
  EXPECT_EQ(all.at("N/0242ac110002/settings/0/Settings/CGwacs/BatteryLife/MinimumSocLimit"),
            R"({"max":100,"min":0,"value":30.0})");
  EXPECT_EQ(all.at("N/0242ac110002/full_publish_completed"), R"({"value":1700000000})");
  now += 1s;
  show(501);
  const auto changes = said();
  EXPECT_EQ(changes.at(grid), R"({"value":501.0})");
  EXPECT_FALSE(changes.contains("N/0242ac110002/grid/30/DeviceInstance"));
}

TEST_F(Venus, TheOldFormOfTheKeepAliveWorksToo) {
  said();
  hear("R/0242ac110002/system/0/Serial", "");
  EXPECT_TRUE(said().contains(grid));
}

TEST_F(Venus, SixtySecondsAfterTheLastKeepAliveItFallsSilent) {
  hear("R/0242ac110002/keepalive", "");
  said();
  now += 59s;
  show(501);
  EXPECT_TRUE(said().contains(grid));
  now += 1s;
  show(502);
  session->on_timer(now);
  EXPECT_THAT(said(), IsEmpty()) << "nothing is nulled, publishing just stops";
}

TEST_F(Venus, SuppressRepublishOnlyKeepsItAlive) {
  said();
  hear("R/0242ac110002/keepalive", R"({"keepalive-options":["suppress-republish"]})");
  EXPECT_THAT(said(), IsEmpty());
  now += 1s;
  show(501);
  EXPECT_THAT(said(), SizeIs(testing::Lt(20u)));
}

TEST_F(Venus, TheEndOfAFullPublishEchoesTheToken) {
  said();
  hear("R/0242ac110002/keepalive",
       R"({"keepalive-options":[{"full-publish-completed-echo":"tok\u00e9"}]})");
  const auto completed = Json::parse(said().at("N/0242ac110002/full_publish_completed"));
  EXPECT_EQ(completed["full-publish-completed-echo"], "tok\u00e9");
}

TEST_F(Venus, AFullPublishComesThreeTimesASecondAtMost) {
  int full = 0;
  for (int i = 0; i < 10; ++i) {
    hear("R/0242ac110002/keepalive", "");
    full += static_cast<int>(said().count("N/0242ac110002/full_publish_completed"));
  }
  EXPECT_EQ(full, 3);
}

TEST_F(Venus, TheHeartBeatsEveryThreeSecondsWhileAlive) {
  hear("R/0242ac110002/keepalive", "");
  int beats = 0;
  for (int i = 0; i < 30; ++i) {
    session->on_timer(now);
    beats += static_cast<int>(said().count("N/0242ac110002/heartbeat"));
    now += 1s;
    show();
  }
  EXPECT_EQ(beats, 10);
}

TEST_F(Venus, AReadIsAnsweredLeafByLeaf) {
  said();
  hear("R/0242ac110002/grid/30/Ac/L1/Power", "");
  EXPECT_THAT(said(), SizeIs(1));
  hear("R/0242ac110002/grid/30/Ac/Energy", "");
  const auto leaves = said();
  EXPECT_THAT(leaves, SizeIs(2));
  EXPECT_TRUE(leaves.contains("N/0242ac110002/grid/30/Ac/Energy/Forward"));
  for (const auto* topic :
       {"R/0242ac110002/grid/31/Ac/Power", "R/0242ac110002/grid/30/Ac/Pow",
        "R/0242ac110002/nobody/0/X", "R/0242ac110002/grid", "R/other/keepalive"})
    hear(topic, "");
  EXPECT_THAT(said(), IsEmpty());
}

TEST_F(Venus, WhatIsStaleIsSaidToBeNullEvenWhenNoViewComes) {
  hear("R/0242ac110002/keepalive", "");
  said();
  for (int i = 0; i < 5; ++i) session->on_timer(now += 1s);
  EXPECT_EQ(said().at(grid), R"({"value":null})");
}

TEST_F(Venus, ServicesThatLeaveEmptyTheirTopics) {
  hear("R/0242ac110002/keepalive", "");
  said();
  session->on_stop(now);
  EXPECT_EQ(said().at(grid), "");
}

TEST_F(Venus, AWrittenSetpointBecomesADispatchThatEnds) {
  hear("W/0242ac110002/vebus/288/Hub4/L1/AcPowerSetpoint", R"({"value": -200})");
  ASSERT_THAT(commands, SizeIs(1));
  const auto& start = std::get<StartDispatch>(commands[0]);
  EXPECT_EQ(start.instruction.kind, InstructionKind::discharge);
  EXPECT_EQ(start.instruction.power, 200.0_W);
  EXPECT_EQ(start.length, 60s);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().name, "write_accepted");
  EXPECT_THAT(events.back().detail, HasSubstr("who=\"mqtt broker:1883\""));
  hear("W/0242ac110002/vebus/288/Hub4/L1/AcPowerSetpoint", R"({"value": null})");
  EXPECT_TRUE(std::holds_alternative<EndDispatch>(commands.at(1)));
}

TEST_F(Venus, WritesThatAreNoneAreRefused) {
  const std::string base = "W/0242ac110002/vebus/288/Hub4/L1/AcPowerSetpoint";
  for (const auto* payload :
       {"", "200", "{}", R"({"value":"200"})", R"({"value":[1]})", R"({"value":{}})",
        R"({"value":99999})", R"({"value":1e400})", R"({"value":)", "\xff\xfe"}) {
    hear(base, payload);
    EXPECT_THAT(refusal(), HasSubstr("reason=")) << payload;
    now += 1s;
    show();
  }
  for (const auto* topic : {"W/0242ac110002/vebus/288/Mode", "W/0242ac110002/battery/512/Soc",
                            "W/0242ac110002/vebus/1/Hub4/L1/AcPowerSetpoint", "W/", "W/x/y"}) {
    hear(topic, R"({"value":1})");
    EXPECT_THAT(refusal(), HasSubstr("reason=")) << topic;
    now += 1s;
  }
  EXPECT_THAT(commands, IsEmpty());
}

TEST_F(Venus, ARetainedWriteIsRefused) {
  hear("W/0242ac110002/vebus/288/Hub4/L1/AcPowerSetpoint", R"({"value":100})", true);
  EXPECT_THAT(refusal(), HasSubstr("retained"));
  EXPECT_THAT(commands, IsEmpty());
}

TEST_F(Venus, AFloodOfWritesIsCutToFiveASecond) {
  for (int i = 0; i < 1000; ++i) {
    now += 10ms;
    hear("W/0242ac110002/vebus/288/Hub4/L1/AcPowerSetpoint", R"({"value":100})");
    if (i % 100 == 0) show();
  }
  EXPECT_THAT(commands, SizeIs(testing::Le(60u)));
  EXPECT_THAT(commands, SizeIs(testing::Ge(50u)));
}

TEST_F(Venus, TheDesksWordIsFinal) {
  desk_refuses = true;
  hear("W/0242ac110002/vebus/288/Hub4/L1/AcPowerSetpoint", R"({"value":100})");
  EXPECT_THAT(refusal(), HasSubstr("the desk says no"));
}

TEST_F(Venus, ForeignTextCannotForgeALogLine) {
  hear("W/0242ac110002/vebus/288/Hub4/L1/AcPowerSetpoint",
       "\"\nERROR main x\" " + std::string(500, 'x'));
  EXPECT_EQ(refusal().find('\n'), std::string::npos);
  EXPECT_LT(refusal().size(), 400u);
}

class WritesOff : public Session {
 protected:
  WritesOff() : Session(false) {}
};

TEST_F(WritesOff, NothingIsObeyedAndHomeAssistantIsOfferedNoControl) {
  session->on_connect(now);
  show();
  hear("W/0242ac110002/vebus/288/Hub4/L1/AcPowerSetpoint", R"({"value":100})");
  EXPECT_THAT(refusal(), HasSubstr("mqtt.writes"));
  hear("esshub/0242ac110002/set/reserve", "50");
  EXPECT_THAT(refusal(), HasSubstr("mqtt.writes"));
  EXPECT_THAT(commands, IsEmpty());
  const auto device = Json::parse(said().at("homeassistant/device/esshub_0242ac110002/config"));
  EXPECT_EQ(device["components"]["mode"], Json({{"platform", "select"}})) << "removed";
}

// ---- Home Assistant -----------------------------------------------------------------------------

class Home : public Session {
 protected:
  Home() {
    settings.venus = false;
    make();
    session->on_connect(now);
    show();
  }
  Json device() {
    while (auto message = session->outbox().pop())
      if (message->topic == "homeassistant/device/esshub_0242ac110002/config") {
        EXPECT_TRUE(message->retain);
        return Json::parse(message->payload);
      }
    ADD_FAILURE() << "no discovery";
    return {};
  }
  void set(const std::string& control, const std::string& payload) {
    hear("esshub/0242ac110002/set/" + control, payload);
  }
};

TEST_F(Home, OneMessageDescribesTheDevice) {
  const auto json = device();
  EXPECT_EQ(json["device"]["name"], "cottage");
  EXPECT_EQ(json["device"]["identifiers"], Json::array({"esshub_0242ac110002"}));
  EXPECT_EQ(json["origin"]["name"], "esshub");
  std::set<std::string> unique;
  for (const auto& [id, component] : json["components"].items()) {
    EXPECT_TRUE(unique.insert(component["unique_id"]).second) << id;
    EXPECT_EQ(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos);
    EXPECT_TRUE(component.contains("platform")) << id;
    EXPECT_EQ(component["availability"][0]["topic"], "esshub/0242ac110002/availability") << id;
  }
}

TEST_F(Home, EnergyIsTotalIncreasingAndEveryStateExpires) {
  const auto components = device()["components"];
  int energies = 0;
  for (const auto& [id, component] : components.items()) {
    const auto platform = component["platform"];
    if (platform != "sensor" && platform != "binary_sensor") continue;
    EXPECT_EQ(component["expire_after"], 15) << id;
    EXPECT_EQ(component["availability_mode"], "all") << id;
    const auto is_energy = component.value("device_class", "") == "energy";
    EXPECT_EQ(component.value("state_class", "") == "total_increasing", is_energy) << id;
    if (is_energy) {
      EXPECT_EQ(component["unit_of_measurement"], "kWh") << id;
    }
    if (component.value("device_class", "") == "enum") {
      EXPECT_FALSE(component["options"].empty()) << id;
    }
    energies += is_energy;
  }
  EXPECT_EQ(energies, static_cast<int>(enum_count<Flow>));
  EXPECT_EQ(components["grid_power"]["availability"][1]["topic"],
            "esshub/0242ac110002/source/meter");
}

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
  set("override", "none");
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
  set("acknowledge", "PRESS");
  EXPECT_TRUE(std::holds_alternative<Acknowledge>(commands.at(3)));
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

TEST_F(Home, DiscoveryGivesTheRangesOfTheTable) {
  const auto all = said();
  const auto config =
      nlohmann::json::parse(all.at("homeassistant/device/esshub_0242ac110002/config"));
  for (const auto& [id, limit] : {std::pair{"reserve", OrderLimitId::reserve},
                                  {"override_power", OrderLimitId::power},
                                  {"override_minutes", OrderLimitId::override_length}}) {
    const auto& number = config["components"][id];
    EXPECT_EQ(number["min"], order_limit(limit).least) << id;
    EXPECT_EQ(number["max"], order_limit(limit).most) << id;
    EXPECT_EQ(number["step"], order_limit(limit).step) << id;
  }
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
        {"override", R"({"instruction":"charge","minutes":10081})"},
        {"override", R"({"instruction":"charge","power_w":"1"})"},
        {"override", R"({"instruction":"charge","target":120})"},
        {"override", R"({"instruction":7})"},
        {"storm", "maybe"},
        {"storm", R"({"reserve":80,"hours":0})"},
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

TEST_F(Home, ControlsShowWhatHolds) {
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

TEST_F(Session, TheBufferIsBounded) {
  settings.buffer = 50;
  make();
  session->on_connect(now);
  show();
  hear("R/0242ac110002/keepalive", "");
  EXPECT_EQ(session->outbox().size(), 50u);
  EXPECT_GT(session->outbox().dropped(), 100u);
}

}  // namespace
}  // namespace esshub::publish
