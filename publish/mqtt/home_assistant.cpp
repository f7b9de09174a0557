#include "publish/mqtt/home_assistant.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "json/object.hpp"
#include "json/text.hpp"
#include "publish/begin_time.hpp"
#include "publish/mqtt/home_assistant_entities.hpp"
#include "publish/strict_json.hpp"

namespace esshub::publish {
namespace {

using Json = nlohmann::json;

// When the switch says no more than ON.
constexpr double storm_below_ceiling = 5.0;  // percentage points

Json list(std::string_view commas) {
  Json items = Json::array();
  while (!commas.empty()) {
    const auto end = std::min(commas.find(','), commas.size());
    items.push_back(std::string{commas.substr(0, end)});
    commas.remove_prefix(std::min(end + 1, commas.size()));
  }
  return items;
}

void put(Json& object, const char* key, std::string_view text) {
  if (!text.empty()) object[key] = std::string{text};
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::string plain(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  return text.data();
}

template <class... Parts>
tl::unexpected<Error> refuse(Parts&&... parts) {
  return fail(ErrorKind::invalid, (std::string{} + ... + std::string{parts}));
}

/// On one line, for a person: without what is no character of a text.
std::string printable(std::string_view text) {
  std::string shown;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    shown += byte < 0x20 || byte >= 0x7F ? '?' : c;
  }
  return shown;
}

const HaControl* find_control(std::string_view id) {
  const auto all = ha_controls();
  const auto found = std::ranges::find(all, id, &HaControl::id);
  return found == all.end() ? nullptr : &*found;
}

Result<double> in_range(OrderLimitId id, std::optional<double> value) {
  const OrderLimit limit = order_limit(id);
  if (!value || !allows(limit, *value))
    return refuse("expected ", plain(limit.least), " to ", plain(limit.most), " ", limit.unit);
  return *value;
}

/// The key's number, or `otherwise` when it is absent; nothing if it is no number.
std::optional<double> number_of(const Json& json, const char* key, double otherwise) {
  const auto found = json.find(key);
  if (found == json.end()) return otherwise;
  if (!found->is_number()) return std::nullopt;
  return found->get<double>();
}

Result<Soc> soc_of(const Json& json, const char* key, double otherwise) {
  const auto value = number_of(json, key, otherwise);
  const auto soc = value ? Soc::from_percent(*value) : std::nullopt;
  if (!soc) return refuse("expected ", key, " from 0 to 100 %");
  return *soc;
}

/// An object, or one word as the object {key: word}.
Json object_or_word(std::string_view payload, const char* key) {
  auto json = strict_json(payload);
  if (json.is_object()) return json;
  return Json{{key, std::string{payload}}};
}

bool has(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && !found->is_null();
}

std::string word_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

Result<std::optional<Command>> override_of(const Json& json, double default_w,
                                           double default_minutes, const Policy& policy) {
  if (const auto key =
          unknown_key(json, {"instruction", "power_w", "minutes", "target", "low", "high"}))
    return refuse("the key ", *key, " is not known here");
  const auto word = word_of(json, "instruction");
  if (word == "off") return std::optional<Command>{EndOverride{}};
  const auto kind = instruction_kind(word);
  if (!kind) return refuse("expected off, balance, charge, discharge or idle");
  const auto power = in_range(OrderLimitId::power, number_of(json, "power_w", default_w));
  if (!power) return refuse("power_w: ", power.error().detail);
  const auto length =
      in_range(OrderLimitId::override_length, number_of(json, "minutes", default_minutes));
  if (!length) return refuse("minutes: ", length.error().detail);
  const auto end = *kind == InstructionKind::charge ? policy.ceiling : policy.floor;
  const auto target = soc_of(json, "target", end.percent());
  const auto low = soc_of(json, "low", 0.0);
  const auto high = soc_of(json, "high", 100.0);
  for (const auto* soc : {&target, &low, &high})
    if (!*soc) return tl::unexpected<Error>(soc->error());
  Instruction instruction;
  instruction.kind = *kind;
  switch (*kind) {
    case InstructionKind::charge:
    case InstructionKind::discharge:
      instruction.power = Watts{*power};
      instruction.target = *target;
      break;
    case InstructionKind::balance:
    case InstructionKind::idle:
      instruction.low = *low;
      instruction.high = *high;
      break;
  }
  return std::optional<Command>{
      StartOverride{instruction, length_of(order_limit(OrderLimitId::override_length), *length)}};
}

Result<std::optional<Command>> storm_of(const Json& json, const Policy& policy,
                                        const std::optional<WallTime>& now) {
  if (const auto key = unknown_key(json, {"storm", "reserve", "hours", "from", "fill"}))
    return refuse("the key ", *key, " is not known here");
  const auto word = word_of(json, "storm");
  if (word == "OFF") return std::optional<Command>{EndStorm{}};
  if (word != "ON" && !json.contains("reserve"))
    return refuse(
        "expected ON, OFF or {\"reserve\": %, \"hours\": h, \"from\": moment, \"fill\": true}");
  const auto reserve =
      soc_of(json, "reserve",
             std::max(policy.reserve.percent(), policy.ceiling.percent() - storm_below_ceiling));
  if (!reserve) return tl::unexpected<Error>(reserve.error());
  const OrderLimit length = order_limit(OrderLimitId::storm_length);
  const auto hours = in_range(length.id, number_of(json, "hours", length.initial));
  if (!hours) return refuse("hours: ", hours.error().detail);
  StartStorm command{*reserve, length_of(length, *hours)};
  if (has(json, "from")) {
    const auto ahead = begins_in(word_of(json, "from"), now, OrderLimitId::storm_begin);
    if (!ahead) return refuse("from: ", ahead.error().detail);
    command.begins_in = *ahead;
  }
  if (has(json, "fill")) {
    if (!json["fill"].is_boolean()) return refuse("fill: expected true or false");
    command.fill = json["fill"].get<bool>();
  }
  return std::optional<Command>{command};
}

}  // namespace

HomeAssistant::HomeAssistant(HomeAssistantSettings settings, bool controls, const std::string& id,
                             std::string site_name, std::string version, HouseFacts house)
    : settings_(std::move(settings)),
      controls_(controls),
      device_("esshub_" + id),
      base_(settings_.prefix + "/" + id + "/"),
      site_name_(std::move(site_name)),
      version_(std::move(version)),
      sources_said_(ha_sources().size()),
      current_(ha_entities().size()),
      outlook_current_(ha_outlook_entities().size()),
      outlook_{.house = std::move(house)} {}

MqttMessage HomeAssistant::will() const {
  return {own_topic("availability"), "offline", true};
}

std::vector<std::string> HomeAssistant::subscriptions() const {
  return {settings_.discovery_prefix + "/status", own_topic("set/+")};
}

void HomeAssistant::on_connect(Outbox& out) {
  out.push(discovery());
  out.push({own_topic("availability"), "online", true});
  said_at_.reset();
  std::ranges::fill(sources_said_, std::nullopt);
}

bool HomeAssistant::on_status(std::string_view topic, std::string_view payload, Outbox& out) {
  if (topic != settings_.discovery_prefix + "/status") return false;
  if (payload == "online") on_connect(out);
  return true;
}

void HomeAssistant::on_view(const View& view, Instant now, Outbox& out) {
  policy_ = view.decision.policy;
  wall_ = view.local.trusted ? std::optional{view.wall} : std::nullopt;
  say_sources(view, out);
  if (said_at_ && now - *said_at_ < settings_.period) return;
  said_at_ = now;
  say_states(view, out);
}

void HomeAssistant::say_sources(const View& view, Outbox& out) {
  const auto sources = ha_sources();
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const bool reachable = sources[i].reachable(view);
    if (sources_said_[i] == reachable) continue;
    sources_said_[i] = reachable;
    out.push({own_topic("source/" + std::string{sources[i].id}), reachable ? "online" : "offline",
              true});
  }
}

void HomeAssistant::on_outlook(Outlook outlook, Outbox& out) {
  const bool other_house = outlook.house != outlook_.house;
  outlook_ = std::move(outlook);
  if (other_house) on_connect(out);
}

void HomeAssistant::on_answer(std::string_view topic, std::string_view payload,
                              const std::optional<std::string>& refused) {
  constexpr std::size_t most = 40;  // characters of what was sent; a state has 255 at most
  constexpr std::size_t most_why = 150;
  const auto* control =
      find_control(topic.substr(std::min(own_topic("set/").size(), topic.size())));
  refused_.clear();
  said_at_.reset();  // shown at once, with what holds instead
  if (!refused) return;
  refused_ = std::string{control ? control->name : "Order"} + " " +
             printable(payload.substr(0, most)) + ": " + printable(refused->substr(0, most_why));
}

void HomeAssistant::say_states(const View& view, Outbox& out) {
  const auto say = [&](std::string_view id, const std::optional<std::string>& state,
                       std::vector<bool>::reference current) {
    if (state || current) out.push({own_topic("state/" + std::string{id}), state.value_or("None")});
    current = state.has_value();
  };
  const auto entities = ha_entities();
  for (std::size_t i = 0; i < entities.size(); ++i)
    if (entities[i].exists(outlook_.house))
      say(name(entities[i].id), entities[i].state(view), current_[i]);
  const auto others = ha_outlook_entities();
  for (std::size_t i = 0; i < others.size(); ++i)
    if (others[i].exists(outlook_.house))
      say(others[i].id, others[i].state(view, outlook_), outlook_current_[i]);
  for (const auto& source : ha_sources())
    out.push({own_topic("state/" + std::string{source.id} + "_link"),
              source.reachable(view) ? "ON" : "OFF"});
  if (!controls_) return;
  for (const auto& control : ha_controls()) {
    if (!control.state) continue;
    if (auto state = control.state(view))
      out.push({own_topic("state/" + std::string{control.id}), std::move(*state)});
  }
  out.push({own_topic("state/order_refused"), refused_.empty() ? "no" : refused_});
  out.push({own_topic("state/override_power"), plain(override_w_)});
  out.push({own_topic("state/override_minutes"), plain(override_minutes_)});
}

bool HomeAssistant::is_control(std::string_view topic) const {
  return topic.starts_with(own_topic("set/"));
}

Result<std::optional<Command>> HomeAssistant::on_control(std::string_view topic,
                                                         std::string_view payload) {
  const auto* control =
      find_control(topic.substr(std::min(own_topic("set/").size(), topic.size())));
  if (!control) return fail(ErrorKind::refused, "no such control");
  const auto id = control->id;
  if (id == "mode") {
    const auto chosen = mode(payload);
    if (!chosen) return refuse("expected balance, scheduled or smart");
    return std::optional<Command>{SetMode{*chosen}};
  }
  if (control->limit) {
    const auto value = in_range(*control->limit, number(payload));
    if (!value) return tl::unexpected<Error>(value.error());
    if (id == "reserve") return std::optional<Command>{SetReserve{Soc::from_percent(*value)}};
    (id == "override_power" ? override_w_ : override_minutes_) = *value;
    said_at_.reset();  // shown at once
    return std::optional<Command>{};
  }
  if (id == "override")
    return override_of(object_or_word(payload, "instruction"), override_w_, override_minutes_,
                       policy_);
  if (id == "storm") return storm_of(object_or_word(payload, "storm"), policy_, wall_);
  if (payload != "PRESS") return refuse("expected PRESS");
  return std::optional<Command>{Acknowledge{}};
}

MqttMessage HomeAssistant::discovery() const {
  const auto available = [&](std::string_view source) {
    Json list = Json::array({{{"topic", own_topic("availability")}}});
    if (!source.empty())
      list.push_back(json_object({{"topic", own_topic("source/" + std::string{source})}}));
    return list;
  };
  const auto expire_after = std::chrono::ceil<std::chrono::seconds>(3 * settings_.period).count();
  Json components = Json::object();
  const auto add = [&](std::string_view id, std::string_view platform,
                       std::string_view name) -> Json& {
    auto& component = components[std::string{id}];
    component["platform"] = std::string{platform};
    component["unique_id"] = device_ + "_" + std::string{id};
    component["name"] = std::string{name};
    component["state_topic"] = own_topic("state/" + std::string{id});
    return component;
  };
  const auto shows = [&](Json& component, std::string_view device_class, bool diagnostic,
                         std::string_view source) {
    put(component, "device_class", device_class);
    if (diagnostic) component["entity_category"] = "diagnostic";
    component["expire_after"] = expire_after;
    component["availability"] = available(source);
    component["availability_mode"] = "all";
  };
  // An entity with nothing but its platform is removed: it may be there from an earlier run.
  const auto remove = [&](std::string_view id, std::string_view platform) {
    components[std::string{id}] = json_object({{"platform", std::string{platform}}});
  };
  const auto& house = outlook_.house;
  for (const auto& entity : ha_entities()) {
    if (!entity.exists(house)) {
      remove(esshub::name(entity.id), entity.platform());
      continue;
    }
    auto& component = add(esshub::name(entity.id), entity.platform(), published(entity.id).label);
    put(component, "unit_of_measurement", entity.unit(house));
    put(component, "state_class", entity.state_class());
    if (!entity.options.empty()) component["options"] = list(entity.options);
    shows(component, entity.device_class, entity.diagnostic, entity.source);
  }
  for (const auto& entity : ha_outlook_entities()) {
    if (!entity.exists(house)) {
      remove(entity.id, "sensor");
      continue;
    }
    auto& component = add(entity.id, "sensor", entity.name);
    put(component, "unit_of_measurement", entity.unit(house));
    put(component, "state_class", entity.state_class());
    shows(component, entity.device_class(), false, {});
  }
  if (controls_)
    shows(add("order_refused", "sensor", "Order refused"), {}, false, {});
  else
    remove("order_refused", "sensor");
  for (const auto& source : ha_sources())
    shows(add(std::string{source.id} + "_link", "binary_sensor", source.name), "connectivity", true,
          {});
  for (const auto& control : ha_controls()) {
    if (!controls_) {
      remove(control.id, control.platform);
      continue;
    }
    auto& component = add(control.id, control.platform, control.name);
    component["command_topic"] = own_topic("set/" + std::string{control.id});
    component["availability"] = available({});
    if (!control.options.empty()) component["options"] = list(control.options);
    if (control.limit) {
      const OrderLimit limit = order_limit(*control.limit);
      put(component, "unit_of_measurement", limit.unit);
      component["min"] = limit.least;
      component["max"] = limit.most;
      component["step"] = limit.step;
      component["mode"] = "box";
    }
    if (control.platform == "button") component.erase("state_topic");
    if (control.platform != "button") component["optimistic"] = false;
  }
  Json device = json_object({{"identifiers", Json::array({device_})},
                             {"name", site_name_},
                             {"manufacturer", "esshub"},
                             {"model", "Energy hub"},
                             {"sw_version", version_}});
  put(device, "configuration_url", house.page);
  const Json payload = json_object({
      {"device", device},
      {"origin", json_object({{"name", "esshub"}, {"sw_version", version_}})},
      {"components", components},
  });
  return {settings_.discovery_prefix + "/device/" + device_ + "/config", json_text(payload), true};
}

std::string HomeAssistant::own_topic(std::string_view name) const {
  return base_ + std::string{name};
}

}  // namespace esshub::publish
