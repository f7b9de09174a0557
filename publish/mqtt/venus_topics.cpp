#include "publish/mqtt/venus_topics.hpp"

#include <nlohmann/json.hpp>

#include "json/object.hpp"
#include "json/parse.hpp"
#include "json/text.hpp"
#include "publish/strict_json.hpp"

namespace esshub::publish {
namespace {

using Json = nlohmann::json;

Json json_of(const std::vector<VenusMap>& maps) {
  Json list = Json::array();
  for (const auto& map : maps) {
    Json object = Json::object();
    for (const auto& [key, entry] : map)
      object[std::string{key}] = std::visit([](const auto& v) { return Json(v); }, entry);
    list.push_back(std::move(object));
  }
  return list;
}
template <class Scalar>
Json json_of(const Scalar& value) {
  return value;
}
Json json_of(const std::optional<VenusValue>& value) {
  if (!value) return nullptr;
  return std::visit([](const auto& v) { return json_of(v); }, *value);
}

/// The payload as an object; discarded if it is none.
Json parse(std::string_view payload) {
  auto json = strict_json(payload);
  return json.is_object() ? json : Json(Json::value_t::discarded);
}

bool is_serial(const VenusRow& row) {
  return row.service == "system" && row.path == "/Serial";
}

struct KeepAliveOptions {
  bool suppress_republish = false;
  std::string echo;
};

KeepAliveOptions options_of(std::string_view payload) {
  KeepAliveOptions options;
  const auto json = parse(payload);
  if (json.is_discarded() || !json.contains("keepalive-options")) return options;
  const auto& list = json["keepalive-options"];
  if (!list.is_array()) return options;
  for (const auto& option : list) {
    if (option == "suppress-republish") options.suppress_republish = true;
    if (option.is_object() && option.contains("full-publish-completed-echo"))
      options.echo = json_text(option["full-publish-completed-echo"]);
  }
  return options;
}

/// By it clients find the hub.
constexpr std::string_view serial_topic = "system/0/Serial";
constexpr auto reserve_path = "/Settings/CGwacs/BatteryLife/MinimumSocLimit";

}  // namespace

VenusTopics::VenusTopics(VenusIdentity identity) : identity_(std::move(identity)) {}

std::vector<std::string> VenusTopics::subscriptions() const {
  return {"R/" + identity_.portal_id + "/#", "W/" + identity_.portal_id + "/#"};
}

void VenusTopics::on_connect(Outbox& out) {
  alive_until_.reset();
  out.push({own_topic("keepalive"), "1"});
  out.push(
      {own_topic(serial_topic), json_text(json_object({{"value", identity_.portal_id}})), true});
}

void VenusTopics::on_view(const View& view, Instant now, Outbox& out) {
  rows_ = venus_items(identity_, view);
  wall_ = view.wall;
  at_ = view.now;
  published_.resize(rows_.size());
  if (!alive(now)) return;
  for (std::size_t i = 0; i < rows_.size(); ++i)
    if (rows_[i].value != published_[i]) publish(i, out);
}

void VenusTopics::on_timer(Instant now, Outbox& out) {
  if (!alive(now) || now < heartbeat_at_) return;
  heartbeat_at_ = now + heartbeat_period;
  out.push({own_topic("heartbeat"), json_text(json_object({{"value", unix_seconds(now)}}))});
}

bool VenusTopics::on_read(std::string_view topic, std::string_view payload, Instant now,
                          Outbox& out) {
  const std::string prefix = "R/" + identity_.portal_id + "/";
  if (!topic.starts_with(prefix)) return false;
  const auto rest = topic.substr(prefix.size());
  if (rest == "keepalive" || rest == serial_topic) {
    on_keep_alive(payload, now, out);
    return true;
  }
  const auto asked = address(rest);
  if (!asked) return false;
  bool found = false;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const auto& row = rows_[i];
    if (row.service != asked->service->service) continue;
    // The item itself, or every leaf below it.
    if (row.path != asked->path && !row.path.starts_with(asked->path + "/")) continue;
    publish(i, out);
    found = true;
  }
  return found;
}

void VenusTopics::on_stop(Instant now, Outbox& out) {
  if (!alive(now)) return;
  alive_until_.reset();
  for (const auto& row : rows_)
    if (!is_serial(row)) out.push({topic(row), ""});
}

Result<VenusTopics::Write> VenusTopics::parse_write(std::string_view topic,
                                                    std::string_view payload) const {
  const std::string prefix = "W/" + identity_.portal_id + "/";
  const auto to = topic.starts_with(prefix) ? address(topic.substr(prefix.size())) : std::nullopt;
  if (!to) return fail(ErrorKind::refused, "no such item");
  const auto json = parse(payload);
  if (json.is_discarded()) return fail(ErrorKind::invalid, "expected {\"value\": ...}");
  if (const auto key = unknown_key(json, {"value"}))
    return fail(ErrorKind::invalid, "the key " + *key + " is not known here");
  const auto value = json.find("value");
  if (value == json.end()) return fail(ErrorKind::invalid, "the key \"value\" is missing");
  Write write{std::string{to->service->service}, to->path, {}};
  if (value->is_null()) return write;
  if (value->is_boolean()) {
    write.value = value->get<bool>() ? 1.0 : 0.0;
  } else if (value->is_number()) {
    write.value = value->get<double>();
  } else {
    return fail(ErrorKind::invalid, "expected a number");
  }
  return write;
}

/// "grid/30/Ac/Power"
std::optional<VenusTopics::Address> VenusTopics::address(std::string_view topic) const {
  const auto first = topic.find('/');
  const auto second = first == std::string_view::npos ? first : topic.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto* service = find_service(topic.substr(0, first));
  if (!service) return std::nullopt;
  if (topic.substr(first + 1, second - first - 1) != std::to_string(service->instance))
    return std::nullopt;
  return Address{service, std::string{topic.substr(second)}};
}

void VenusTopics::on_keep_alive(std::string_view payload, Instant now, Outbox& out) {
  const bool was_alive = alive(now);
  alive_until_ = now + keep_alive;
  if (!was_alive) heartbeat_at_ = now;
  const auto options = options_of(payload);
  if (options.suppress_republish) {
    // What has changed while nobody listened is not news to send now.
    if (!was_alive)
      for (std::size_t i = 0; i < rows_.size(); ++i) published_[i] = rows_[i].value;
    return;
  }
  if (!rows_.empty() && full_publishes_.take(now)) publish_all(out, options.echo);
}

void VenusTopics::publish_all(Outbox& out, const std::string& echo) {
  for (std::size_t i = 0; i < rows_.size(); ++i) publish(i, out);
  Json completed = json_object({{"value", unix_seconds(at_)}});
  if (!echo.empty()) completed["full-publish-completed-echo"] = parse_json(echo);
  out.push({own_topic("full_publish_completed"), json_text(completed)});
}

void VenusTopics::publish(std::size_t row, Outbox& out) {
  published_[row] = rows_[row].value;
  Json payload = json_object({{"value", json_of(rows_[row].value)}});
  if (rows_[row].path == reserve_path) {
    payload["min"] = 0;
    payload["max"] = 100;
  }
  out.push({topic(rows_[row]), json_text(payload), is_serial(rows_[row])});
}

std::string VenusTopics::topic(const VenusRow& row) const {
  const auto* service = find_service(row.service);
  return own_topic(std::string{row.service} + "/" + std::to_string(service->instance) +
                   std::string{row.path});
}

std::string VenusTopics::own_topic(std::string_view name) const {
  return "N/" + identity_.portal_id + "/" + std::string{name};
}

long long VenusTopics::unix_seconds(Instant now) const {
  const auto wall = wall_ + std::chrono::duration_cast<WallTime::duration>(now - at_);
  return std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count();
}

}  // namespace esshub::publish
