#include "sim/storm/doors.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace esshub::sim::storm {
namespace {

Soc soc(double percent) {
  return Soc::from_percent(percent).value();
}

struct Clients {
  std::vector<std::pair<Command, std::string>> obeyed;
  std::vector<publish::MqttMessage> published;
  Doors doors{[this](const Command& command, const std::string& who) -> Result<void> {
                obeyed.emplace_back(command, who);
                return {};
              },
              [this](const publish::MqttMessage& message) { published.push_back(message); }};
  Instant now{1000s};

  Clients() {
    doors.set_broker(true, now);
    View view;
    view.now = now;
    view.max_age = 3s;
    view.wall = WallTime{1'800'000'000s};
    view.local.trusted = true;
    doors.on_second(view, now);
  }
  /// What came of a wish; each a second after the one before.
  template <class Wish>
  std::optional<Wish> say(const Wish& wish, const char* who) {
    obeyed.clear();
    now += 1s;
    if (!doors.say(wish, who, now) || obeyed.size() != 1) return std::nullopt;
    EXPECT_EQ(obeyed.front().second, who);
    const auto* const command = std::get_if<Wish>(&obeyed.front().first);
    return command == nullptr ? std::nullopt : std::optional{*command};
  }
};

TEST(StormDoors, AnOrderComesOutAsItWentIn) {
  Clients clients;
  const Instruction charge{.kind = InstructionKind::charge, .power = 750.0_W, .target = soc(81)};
  const Instruction idle{.kind = InstructionKind::idle, .low = soc(20), .high = soc(70)};
  for (const char* who : {"web", "mqtt", "dbus"}) {
    for (const auto& instruction : {charge, idle}) {
      const auto override = clients.say(StartOverride{instruction, 7min}, who);
      ASSERT_TRUE(override) << who;
      EXPECT_EQ(override->instruction, instruction) << who;
      EXPECT_EQ(override->length, Duration{7min}) << who;
    }
    EXPECT_EQ(clients.say(SetMode{Mode::balance}, who).value().mode, Mode::balance) << who;
    EXPECT_EQ(clients.say(SetReserve{soc(33)}, who).value().reserve, soc(33)) << who;
    const auto storm = clients.say(StartStorm{soc(70), 45min, {}, false}, who);
    ASSERT_TRUE(storm) << who;
    EXPECT_EQ(storm->length, Duration{45min}) << who;
    EXPECT_FALSE(storm->fill) << who;
    for (const auto& end : {Command{EndOverride{}}, Command{EndStorm{}}, Command{Acknowledge{}}}) {
      clients.obeyed.clear();
      clients.now += 1s;
      EXPECT_TRUE(clients.doors.say(end, who, clients.now)) << who;
      EXPECT_EQ(clients.obeyed.at(0).first.index(), end.index()) << who;
    }
  }
  const auto later = clients.say(StartStorm{soc(70), 45min, 600s, true}, "web");
  EXPECT_EQ(later.value().begins_in, Duration{600s});
}

constexpr std::size_t all_nonsense = 72;  // each to each topic

TEST(StormDoors, NonsenseThatIsReadIsNoOrder) {
  Clients clients;
  for (std::size_t n = 0; n < all_nonsense; ++n) {
    clients.now += 250ms;  // slower than writes are refused for their number
    EXPECT_EQ(clients.doors.say_nonsense(n, clients.now).value_or(""), "");
  }
  EXPECT_TRUE(clients.obeyed.empty());
  clients.now += 250ms;
  EXPECT_TRUE(clients.doors.say(SetReserve{soc(33)}, "mqtt", clients.now));
}

TEST(StormDoors, AFloodIsCut) {
  Clients clients;
  for (std::size_t n = 0; n < all_nonsense; ++n) {
    clients.now += 50ms;
    EXPECT_EQ(clients.doors.say_nonsense(n, clients.now).value_or(""), "");
  }
  EXPECT_TRUE(clients.obeyed.empty());
  EXPECT_FALSE(clients.doors.say(SetReserve{soc(33)}, "mqtt", clients.now));
  EXPECT_EQ(clients.doors.say(SetReserve{soc(33)}, "web", clients.now).has_value(), true);
}

TEST(StormDoors, WithoutABrokerNothingIsHeardOrSaid) {
  Clients clients;
  EXPECT_FALSE(clients.published.empty());
  clients.doors.set_broker(false, clients.now);
  clients.published.clear();
  EXPECT_FALSE(clients.doors.say(SetReserve{soc(33)}, "mqtt", clients.now));
  clients.doors.on_second(std::nullopt, clients.now + 6s);
  EXPECT_TRUE(clients.published.empty());
  const auto before = clients.doors.published();
  clients.doors.set_broker(true, clients.now + 7s);
  clients.doors.on_second(std::nullopt, clients.now + 8s);
  EXPECT_FALSE(clients.published.empty());
  EXPECT_NE(clients.doors.published(), before);
}

}  // namespace
}  // namespace esshub::sim::storm
