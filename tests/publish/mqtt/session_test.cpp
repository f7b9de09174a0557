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
