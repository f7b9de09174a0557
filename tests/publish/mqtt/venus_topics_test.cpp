#include "tests/publish/mqtt/session.hpp"

namespace esshub::publish {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(Venus, SaysNothingButItsStartUntilSomebodyKeepsItAlive) {
  EXPECT_THAT(said(), testing::ElementsAre(testing::Pair("N/0242ac110002/keepalive", "1"),
                                           testing::Pair("N/0242ac110002/system/0/Serial",
                                                         R"({"value":"0242ac110002"})")));
  now += 1s;
  show(600);
  session->on_timer(now);
  EXPECT_THAT(said(), IsEmpty());
}

TEST_F(Venus, TheSerialAloneIsRetainedAndOutlivesTheHub) {
  constexpr auto serial = "N/0242ac110002/system/0/Serial";
  const auto retained = [&] {
    std::vector<std::string> topics;
    while (const auto message = session->outbox().pop())
      if (message->retain || message->topic == serial)
        topics.push_back(message->topic + (message->retain ? " " : " not retained ") +
                         message->payload);
    return topics;
  };
  const auto said_so = testing::ElementsAre(std::string{serial} + R"( {"value":"0242ac110002"})");
  EXPECT_THAT(retained(), said_so) << "at the connection, asked for or not";
  hear("R/0242ac110002/keepalive", "");
  EXPECT_THAT(retained(), said_so);
  session->on_stop(now);
  EXPECT_THAT(retained(), IsEmpty());
  session->on_connect(now);
  EXPECT_THAT(retained(), said_so);
}

TEST_F(Venus, TheBatteriesAreAListOfObjects) {
  said();
  measure(Point::battery, Measure::soc, 54);
  measure(Point::battery, Measure::voltage, 50);
  measure(Point::battery, Measure::current, -10);
  show();
  hear("R/0242ac110002/system/0/Batteries", "");
  EXPECT_EQ(Json::parse(said().at("N/0242ac110002/system/0/Batteries"))["value"],
            Json::parse(R"([{"id":"com.victronenergy.battery.pylontech_can","instance":512,
                "active_battery_service":true,"name":"Battery","soc":54.0,"voltage":50.0,
                "current":-10.0,"power":-500.0,"state":2}])"));
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
        R"({"value":1,"value":2})", R"({"value":99999})", R"({"value":9007199254740993})",
        R"({"value":1e400})", R"({"value":)", "\xff\xfe"}) {
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

}  // namespace
}  // namespace esshub::publish
