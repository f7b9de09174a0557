// A session of each kind without a broker: what it hears, says and asks the desk for.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "publish/mqtt/session.hpp"

namespace esshub::publish {

using namespace literals;
using Json = nlohmann::json;

inline const Instant t0 = Instant{} + 1h;

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
        [this](const std::string&, const Event& event) { events.push_back(event); }, house,
        hears_feeds ? FeedSink{[this](FeedKind kind, const std::string& text,
                                      const std::string& who) {
          feeds.push_back(std::string{name(kind)} + ' ' + std::to_string(text.size()) + ' ' + who);
        }}
                    : FeedSink{});
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

  /// One that can have everything.
  HouseFacts house{.history = true,
                   .planned = true,
                   .import_priced = true,
                   .export_priced = true,
                   .currency = "GBP",
                   .page = "http://hub.local:8750/"};
  MqttSettings settings;
  View view;
  Instant now = t0;
  std::vector<Command> commands;
  std::vector<Event> events;
  bool desk_refuses = false;
  bool hears_feeds = false;
  std::vector<std::string> feeds;
  std::optional<MqttSession> session;
};

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

}  // namespace esshub::publish
