#include "publish/web/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace esshub::publish {
namespace {

using namespace literals;
using testing::HasSubstr;

/// At one o'clock on the first day.
Result<Command> storm(const std::string& body) {
  return storm_command(body, WallTime{std::chrono::hours{1}});
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
  const auto plain = std::get<StartStorm>(*storm(R"({"reserve_percent":90,"hours":12})"));
  EXPECT_EQ(plain.reserve, 90.0_soc);
  EXPECT_EQ(plain.length, 12h);
  EXPECT_EQ(plain.begins_in, 0s);
  EXPECT_TRUE(plain.fill);
  const auto later = std::get<StartStorm>(
      *storm(R"({"reserve_percent":90,"hours":12,"from":"1970-01-01T03:00:00Z","fill":false})"));
  EXPECT_EQ(later.begins_in, 2h);
  EXPECT_FALSE(later.fill);
  EXPECT_TRUE(storm(R"({"reserve_percent":90,"hours":12,"from":null,"fill":null})"));
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
  EXPECT_EQ(std::get<StartStorm>(*storm(hours("0.25"))).length, 15min);
  EXPECT_EQ(std::get<StartStorm>(*storm(hours("336"))).length, 14 * 24h);
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
    EXPECT_THAT(said(storm(hours(beyond))), HasSubstr("expected 0.25 to 336 h"));
  EXPECT_THAT(said(storm(R"({"reserve_percent":90,"hours":1,"from":"1970-01-08T01:30:00Z"})")),
              HasSubstr("from: that is 168.50 h ahead, expected 168 h at most"));
  EXPECT_THAT(said(storm(R"({"reserve_percent":90,"hours":1,"from":5})")),
              HasSubstr("from: expected a text"));
  EXPECT_THAT(said(storm(R"({"reserve_percent":90,"hours":1,"fill":"yes"})")),
              HasSubstr("fill: expected true or false"));
  for (const auto* beyond : {"9.9", "10000.5"})
    EXPECT_THAT(said(override_command(instruction(beyond))), HasSubstr("expected 10 to 10000 W"));
}

TEST(WebCommands, ADispatchIsReadAsStrictly) {
  const auto order = std::get<StartDispatch>(*dispatch_command(
      R"({"instruction":{"kind":"discharge","power_w":450,"target_percent":20},"seconds":5})"));
  EXPECT_EQ(order.instruction, (Instruction{InstructionKind::discharge, 450.0_W, 20.0_soc}));
  EXPECT_EQ(order.length, 5s);
  const auto idle = [](const std::string& seconds) {
    return dispatch_command(R"({"instruction":{"kind":"idle"},"seconds":)" + seconds + "}");
  };
  EXPECT_EQ(std::get<StartDispatch>(*idle("1")).length, 1s);
  EXPECT_EQ(std::get<StartDispatch>(*idle("172800")).length, 48h);
  for (const auto* beyond : {"0.9", "172801"})
    EXPECT_THAT(idle(beyond).error().detail, HasSubstr("expected 1 to 172800 s"));
  EXPECT_THAT(dispatch_command(R"({"instruction":{"kind":"idle"},"minutes":5})").error().detail,
              HasSubstr("seconds is missing"));
  EXPECT_THAT(dispatch_command(R"({"instruction":{"kind":"fly"},"seconds":5})").error().detail,
              HasSubstr("instruction: kind: expected"));
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
        Wrong{R"({"reserve_percent":9007199254740993})",
              "is 9007199254740993, expected 0 to 100 %"},
        Wrong{R"({"reserve_percent":18446744073709551616})", "expected 0 to 100 %"},
        Wrong{R"({"reserve_percent":20,"reserve_percent":90})", "a key twice"},
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
        Wrong{R"({"instruction":{"kind":"idle","kind":"idle"},"minutes":5})", "a key twice"},
        Wrong{R"({"instruction":7,"minutes":5})", "expected an object"}}) {
    const auto command = override_command(body);
    ASSERT_FALSE(command) << body;
    EXPECT_THAT(command.error().detail, HasSubstr(said));
  }
  EXPECT_FALSE(mode_command(R"({"mode":"turbo"})"));
  EXPECT_FALSE(mode_command("{}"));
  EXPECT_FALSE(storm(R"({"reserve_percent":90})"));
}

}  // namespace
}  // namespace esshub::publish
