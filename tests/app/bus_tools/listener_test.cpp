#include "tests/app/bus_tools/tried_listener.hpp"

namespace esshub::app {
namespace {

TEST(Listener, EachKindUnderstandsItsOwnBus) {
  const auto frame = protocol::make_frame(0x355, *protocol::from_hex("54006300"));
  const std::pair<SniffKind, protocol::Bytes> heard[] = {
      {SniffKind::modbus, *protocol::from_hex("01040000000271CB")},
      {SniffKind::mk3, *protocol::from_hex("07FF562C1E11004207")},
      {SniffKind::slcan, protocol::to_bytes("t355454006300\r")},
      {SniffKind::can, protocol::encode_record(frame)}};
  for (const auto& [kind, bytes] : heard)
    for (const auto& [other, others] : heard) {
      TriedListener ear{kind};
      ear.hear(others, 0ms);
      EXPECT_EQ(ear.listener->tally().frames, kind == other ? 1u : 0u)
          << static_cast<int>(kind) << " hears " << static_cast<int>(other);
    }
}

TEST(Listener, OutcomesHaveTheNamesThatScriptsRead) {
  std::vector<std::string_view> names;
  for (const auto outcome : {Outcome::ok, Outcome::crc, Outcome::exception, Outcome::unanswered,
                             Outcome::unasked, Outcome::error})
    names.push_back(name(outcome));
  EXPECT_THAT(names,
              testing::ElementsAre("ok", "crc", "exception", "unanswered", "unasked", "error"));
}

}  // namespace
}  // namespace esshub::app
