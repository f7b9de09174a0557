#include "protocol/vebus/messages.hpp"
#include "protocol/vebus/mk3_frame.hpp"
#include "tests/app/bus_tools/tried_listener.hpp"

namespace esshub::app {
namespace {

using protocol::Bytes;
namespace vebus = protocol::vebus;

TEST(Mk3Listener, AnswersFindTheirQuestionsByLetterAndType) {
  TriedListener ear{SniffKind::mk3};
  ear.hear(vebus::encode(vebus::read_ram(vebus::Letter::x, {4, 0})), 0ms);
  ear.hear(vebus::encode(vebus::Version{.version = 1170212, .mode = 'B'}), 20ms);  // a broadcast
  Bytes words;
  protocol::put_u16_le(words, 5200);
  protocol::put_u16_le(words, 0);
  ear.hear(vebus::encode(vebus::Winmon{vebus::Letter::x, vebus::Code::ram_is, words}), 60ms);
  ASSERT_THAT(ear.outcomes(), testing::ElementsAre(Outcome::ok, Outcome::ok));
  EXPECT_EQ(ear.heard.transactions[0].who, "version");
  const auto& pair = ear.heard.transactions[1];
  EXPECT_EQ(pair.who, "ram_read");
  EXPECT_EQ(pair.fields["battery_v"], 52.0);
  EXPECT_EQ(pair.fields["after_ms"], 60.0);
  EXPECT_EQ(pair.fields["request"]["kind"], "ram_read");
}

TEST(Mk3Listener, RefusedAndUnansweredAreToldApart) {
  TriedListener ear{SniffKind::mk3};
  ear.hear(vebus::encode(vebus::write_ram(vebus::Letter::y, 131, 500)), 0ms);
  ear.hear(vebus::encode(vebus::Winmon{vebus::Letter::y, vebus::Code::access_denied, Bytes(2)}),
           50ms);
  ear.hear(vebus::encode(vebus::LedRequest{}), 100ms);
  ear.wait(1099ms);
  EXPECT_THAT(ear.outcomes(), testing::ElementsAre(Outcome::exception));
  ear.wait(1100ms);
  EXPECT_THAT(ear.outcomes(), testing::ElementsAre(Outcome::exception, Outcome::unanswered));
  EXPECT_EQ(ear.heard.transactions[1].who, "led_request");
}

TEST(Mk3Listener, CaptureLosesNothing) {
  TriedListener ear{SniffKind::mk3};
  Bytes bytes = *protocol::from_hex("0000FF");
  for (const auto& part :
       {vebus::encode(vebus::LedRequest{}), vebus::encode(vebus::Leds{.on = 1, .blink = 0}),
        *protocol::from_hex("AA")})
    bytes.insert(bytes.end(), part.begin(), part.end());
  ear.hear(bytes, 0ms);
  ear.finish();
  EXPECT_EQ(ear.kept(), bytes);
  EXPECT_EQ(ear.listener->tally().frames, 2u);
}

}  // namespace
}  // namespace esshub::app
