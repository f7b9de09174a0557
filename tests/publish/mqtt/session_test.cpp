#include "tests/publish/mqtt/session.hpp"

namespace esshub::publish {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(Venus, TheDesksWordIsFinal) {
  desk_refuses = true;
  hear("W/0242ac110002/vebus/288/Hub4/L1/AcPowerSetpoint", R"({"value":100})");
  EXPECT_THAT(refusal(), HasSubstr("the desk says no"));
}

TEST_F(Venus, AnUnknownKeyIsRefusedByItsName) {
  hear("W/0242ac110002/vebus/288/Hub4/L1/AcPowerSetpoint", R"({"value":100,"for":60})");
  EXPECT_THAT(refusal(), HasSubstr("the key for is not known here"));
  EXPECT_THAT(commands, IsEmpty());
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

TEST_F(Session, HearsFeedsAlsoThoseTheBrokerHasKept) {
  EXPECT_THAT(session->subscriptions(), testing::Not(testing::Contains(HasSubstr("/feed/"))))
      << "nobody wants them";
  hears_feeds = true;
  make();
  EXPECT_THAT(session->subscriptions(), testing::Contains("esshub/0242ac110002/feed/+"));
  hear("esshub/0242ac110002/feed/import_price", "{}", true);
  hear("esshub/0242ac110002/feed/solar", std::string(60'000, ' '));
  hear("esshub/0242ac110002/feed/export_price", "", true);
  ASSERT_EQ(feeds.size(), 3u);
  EXPECT_EQ(feeds[0], "import_price 2 mqtt broker:1883 esshub/0242ac110002/feed/import_price");
  EXPECT_THAT(feeds[1], testing::StartsWith("solar 60000 "));
  EXPECT_THAT(feeds[2], testing::StartsWith("export_price 0 ")) << "taken back";
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(Session, AFeedOfNoKindIsRefusedByItsTopic) {
  hears_feeds = true;
  make();
  hear("esshub/0242ac110002/feed/import-price", std::string(60'000, '7'), true);
  EXPECT_EQ(refusal(),
            "who=\"mqtt broker:1883\" topic=\"esshub/0242ac110002/feed/import-price\" "
            "reason=\"no such feed: import_price, export_price or solar\"");
  events.clear();
  hear("esshub/0242ac110002/feed/import-price", "", true);
  EXPECT_THAT(events, IsEmpty()) << "taken back";
  EXPECT_THAT(feeds, IsEmpty());
}

TEST_F(Session, AWriteThatIsTooLongIsRefusedAndWhatIsNoWriteIsDropped) {
  hears_feeds = true;
  make();
  session->on_connect(now);
  show();
  static_cast<void>(said());
  const std::string longest(4096, ' ');
  for (const std::string topic :
       {"W/0242ac110002/vebus/288/Hub4/L1/AcPowerSetpoint", "esshub/0242ac110002/set/reserve"}) {
    events.clear();
    hear(topic, longest + ' ');
    EXPECT_THAT(refusal(), testing::AllOf(HasSubstr("who=\"mqtt broker:1883\" topic=\"" + topic),
                                          HasSubstr("reason=\"4097 bytes, 4096 at most\"")));
  }
  EXPECT_THAT(commands, IsEmpty());
  show();
  EXPECT_THAT(said()["esshub/0242ac110002/state/order_refused"],
              testing::AllOf(testing::StartsWith("Reserve "), HasSubstr("4097 bytes")));
  events.clear();
  hear("homeassistant/status", longest + ' ');
  static_cast<void>(said());
  hear("R/0242ac110002/keepalive", longest + ' ');
  EXPECT_THAT(said(), IsEmpty());
  hear("R/0242ac110002/keepalive", longest);
  EXPECT_THAT(said(), testing::Not(IsEmpty()));
  EXPECT_THAT(events, IsEmpty()) << "they are no writes";
  hear("W/0242ac110002/vebus/288/Hub4/L1/AcPowerSetpoint", longest);
  EXPECT_THAT(refusal(), testing::Not(HasSubstr("bytes"))) << "read, and no number";
}

TEST_F(WritesOff, NoFeedIsHeard) {
  hears_feeds = true;
  make();
  EXPECT_THAT(session->subscriptions(), testing::Not(testing::Contains(HasSubstr("/feed/"))));
  hear("esshub/0242ac110002/feed/import_price", "{}");
  EXPECT_THAT(feeds, IsEmpty());
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
