#include "sim/storm/doors.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <variant>

#include "json/object.hpp"
#include "json/text.hpp"
#include "metrics/sections.hpp"
#include "publish/web/json.hpp"

namespace esshub::sim::storm {
namespace {

using Json = nlohmann::json;

constexpr auto portal = "0242ac110002";

publish::MqttSettings mqtt_settings() {
  publish::MqttSettings settings;
  settings.host = "broker";
  settings.writes = true;
  return settings;
}

std::string own(const std::string& topic) {
  return std::string{"esshub/"} + portal + "/" + topic;
}

double minutes(Duration length) {
  return Seconds{length}.count() / 60.0;
}

/// RFC 3339, to the second.
std::string utc(WallTime at) {
  using namespace std::chrono;
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{floor<seconds>(at - day)};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

/// As the page writes it: what the kind has no use for is left out.
Json instruction_json(const Instruction& i) {
  Json out = json_object({{"kind", name(i.kind)}});
  const bool rate = i.kind == InstructionKind::charge || i.kind == InstructionKind::discharge;
  if (rate) {
    out["power_w"] = i.power.value();
    out["target_percent"] = i.target.percent();
  } else {
    out["low_percent"] = i.low.percent();
    out["high_percent"] = i.high.percent();
  }
  return out;
}

struct Message {
  std::string topic;
  std::string payload;
};

/// Nothing: MQTT has no words for it.
std::optional<Message> message(const Command& wish) {
  struct Words {
    std::optional<Message> operator()(const SetMode& c) const {
      if (!c.mode) return std::nullopt;
      return Message{own("set/mode"), std::string{name(*c.mode)}};
    }
    std::optional<Message> operator()(const SetReserve& c) const {
      if (!c.reserve) return std::nullopt;
      return Message{own("set/reserve"), json_text(Json(c.reserve->percent()))};
    }
    std::optional<Message> operator()(const StartOverride& c) const {
      const Json said = instruction_json(c.instruction);
      Json out = json_object({{"instruction", said["kind"]}, {"minutes", minutes(c.length)}});
      for (const auto& [from, to] : {std::pair{"power_w", "power_w"},
                                     {"target_percent", "target"},
                                     {"low_percent", "low"},
                                     {"high_percent", "high"}})
        if (said.contains(from)) out[to] = said[from];
      return Message{own("set/override"), json_text(out)};
    }
    std::optional<Message> operator()(const EndOverride&) const {
      return Message{own("set/override"), "off"};
    }
    std::optional<Message> operator()(const StartDispatch& c) const {
      const double w = c.instruction.power.value();
      const Json out =
          json_object({{"value", c.instruction.kind == InstructionKind::discharge ? -w : w}});
      return Message{setpoint(), json_text(out)};
    }
    std::optional<Message> operator()(const EndDispatch&) const {
      return Message{setpoint(), R"({"value": null})"};
    }
    std::optional<Message> operator()(const StartStorm& c) const {
      const Json out = json_object({{"reserve", c.reserve.percent()},
                                    {"hours", minutes(c.length) / 60.0},
                                    {"fill", c.fill}});
      return Message{own("set/storm"), json_text(out)};
    }
    std::optional<Message> operator()(const EndStorm&) const {
      return Message{own("set/storm"), "OFF"};
    }
    std::optional<Message> operator()(const Acknowledge&) const {
      return Message{own("set/acknowledge"), "PRESS"};
    }
    static std::string setpoint() {
      const auto* const vebus = publish::find_service("vebus");
      return std::string{"W/"} + portal + "/vebus/" + std::to_string(vebus->instance) +
             "/Hub4/L1/AcPowerSetpoint";
    }
  };
  return std::visit(Words{}, wish);
}

/// A wish by the handler of the REST request that has it as its body.
struct ByBody {
  const std::optional<View>& view;
  Result<Command> operator()(const SetMode& c) const {
    return publish::mode_command(
        json_text(json_object({{"mode", c.mode ? Json(name(*c.mode)) : Json(nullptr)}})));
  }
  Result<Command> operator()(const SetReserve& c) const {
    return publish::reserve_command(json_text(json_object(
        {{"reserve_percent", c.reserve ? Json(c.reserve->percent()) : Json(nullptr)}})));
  }
  Result<Command> operator()(const StartOverride& c) const {
    return publish::override_command(json_text(json_object(
        {{"instruction", instruction_json(c.instruction)}, {"minutes", minutes(c.length)}})));
  }
  Result<Command> operator()(const StartStorm& c) const {
    Json body = json_object({{"reserve_percent", c.reserve.percent()},
                             {"hours", minutes(c.length) / 60.0},
                             {"fill", c.fill}});
    const auto wall =
        view && view->local.trusted ? std::optional{view->wall} : std::optional<WallTime>{};
    if (c.begins_in > Duration{}) body["from"] = utc(wall.value_or(WallTime{}) + c.begins_in);
    return publish::storm_command(json_text(body), wall);
  }
  Result<Command> operator()(const auto& other) const { return Command{other}; }  // no body
};

constexpr std::array<std::string_view, 12> nonsense{
    "",
    "{",
    "null",
    "[1,2]",
    R"({"instruction":{"kind":"charge"}})",
    R"({"instruction":"charge","power_w":1e99,"minutes":1})",
    R"({"reserve_percent":-1})",
    R"({"reserve_percent":50,"reserve_percent":0})",
    R"({"mode":"fast"})",
    R"({"value":"x"})",
    R"({"value":40000})",
    "\xff\xfe ON"};
constexpr std::array<const char*, 6> topics{"set/override", "set/storm",       "set/reserve",
                                            "set/mode",     "set/acknowledge", "set/nothing"};

}  // namespace

Doors::Doors(CommandSink obey, std::function<void(const publish::MqttMessage&)> published)
    : obey_(std::move(obey)),
      tell_(std::move(published)),
      session_(
          mqtt_settings(), {.portal_id = portal, .site_name = "storm", .version = "0"}, "mqtt",
          [this](const Command& command, const std::string& who) {
            understood_ = true;
            return obey_(command, who);
          },
          [this](const std::string&, const Event& event) {
            refused_ = event.name == "write_refused" ? std::optional{event.detail} : std::nullopt;
          }) {}

Result<void> Doors::say(const Command& wish, const std::string& who, Instant now) {
  if (who == "web") return by_rest(wish);
  if (who == "mqtt") return by_mqtt(wish, now);
  return obey_(wish, who);
}

Result<void> Doors::by_rest(const Command& wish) {
  const auto command = std::visit(ByBody{view_}, wish);
  if (!command) return tl::unexpected<Error>(command.error());
  return obey_(*command, "web");
}

Result<void> Doors::by_mqtt(const Command& wish, Instant now) {
  const auto said = message(wish);
  if (!said) return obey_(wish, "mqtt");
  if (!broker_) return fail(ErrorKind::io, "no broker");
  refused_.reset();
  session_.on_message(said->topic, said->payload, false, now);
  deliver();
  if (refused_) return fail(ErrorKind::refused, *refused_);
  return {};
}

std::optional<std::string> Doors::say_nonsense(std::size_t n, Instant now) {
  const std::string payload{nonsense[n % nonsense.size()]};
  if (publish::mode_command(payload) || publish::reserve_command(payload) ||
      publish::override_command(payload) || publish::storm_command(payload, std::nullopt))
    return "as a body of REST: " + payload;
  if (!broker_) return std::nullopt;
  const std::string topic = own(topics[n / nonsense.size() % topics.size()]);
  understood_ = false;
  session_.on_message(topic, payload, n % 5 == 0, now);
  deliver();
  if (understood_) return topic + " " + payload;
  return std::nullopt;
}

void Doors::on_second(const std::optional<View>& view, Instant now) {
  const auto second = now.time_since_epoch() / 1s;
  // Somebody follows Venus's topics for a minute, then nobody for four: of all here they cost most.
  if (broker_ && second % 300 == 0)
    session_.on_message(std::string{"R/"} + portal + "/keepalive", "", false, now);
  if (view) {
    view_ = view;
    session_.on_view(*view, now);
  }
  session_.on_timer(now);
  deliver();
  if (!view_) return;
  if (second % 5 != 0) return;
  // Somebody asks for the state, and a scrape.
  published_.add(json_text(publish::state_json(*view_, now)));
  metrics::Page page;
  metrics::add_view(page, *view_, now);
  for (const auto& family : std::move(page).finish())
    for (const auto& metric : family.metric) published_.add(metric.gauge.value);
}

void Doors::set_broker(bool there, Instant now) {
  if (std::exchange(broker_, there) || !there) return;
  session_.on_connect(now);
  deliver();
}

void Doors::close(Instant now) {
  session_.on_stop(now);
  deliver();
}

void Doors::deliver() {
  if (!broker_) return;
  while (const auto sent = session_.outbox().pop()) {
    published_.add(sent->topic);
    published_.add(sent->payload);
    tell_(*sent);
  }
}

}  // namespace esshub::sim::storm
