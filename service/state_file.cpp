#include "service/state_file.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "json/object.hpp"
#include "json/parse.hpp"
#include "json/text.hpp"
#include "service/kept_json.hpp"

namespace esshub::service {
namespace {

using nlohmann::json;

json to_json(const Instruction& i) {
  return json_object({{"action", name(i.kind)},
                      {"power_w", i.power.value()},
                      {"target", i.target.percent()},
                      {"low", i.low.percent()},
                      {"high", i.high.percent()}});
}

Instruction to_instruction(const json& j) {
  return {kept_kind(j.at("action")), Watts{j.at("power_w").get<double>()}, kept_soc(j.at("target")),
          kept_soc(j.at("low")), kept_soc(j.at("high"))};
}

Duration span(const json& value, Duration longest) {
  const auto ms = value.get<std::int64_t>();
  if (ms < 0 || ms > longest / 1ms) throw std::out_of_range("a span of time that cannot be");
  return std::chrono::milliseconds{ms};
}

json to_json(const SavedSafety& s) {
  json j = json_object(
      {{"cutoff", s.cutoff}, {"switch_on", s.switch_on}, {"meter_reversed", s.meter_reversed}});
  if (s.cutoff_reset_left) j["cutoff_reset_left_ms"] = *s.cutoff_reset_left / 1ms;
  if (s.meter_rest_left) j["meter_rest_left_ms"] = *s.meter_rest_left / 1ms;
  for (const Duration ago : s.excursions_ago) j["excursions_ago_ms"].push_back(ago / 1ms);
  if (s.lockout_left) j["lockout_left_ms"] = *s.lockout_left / 1ms;
  if (s.hold_left) j["hold_left_ms"] = *s.hold_left / 1ms;
  for (const auto& part : s.parts)
    for (const Duration ago : part.died_ago) j["died_ago_ms"][part.name].push_back(ago / 1ms);
  return j;
}

SavedSafety to_safety(const json& j) {
  constexpr Duration day = 24h;
  SavedSafety s{.cutoff = j.at("cutoff").get<bool>(),
                .switch_on = j.value("switch_on", false),
                .meter_reversed = j.at("meter_reversed").get<bool>()};
  if (j.contains("cutoff_reset_left_ms"))
    s.cutoff_reset_left = span(j["cutoff_reset_left_ms"], day);
  if (j.contains("meter_rest_left_ms")) s.meter_rest_left = span(j["meter_rest_left_ms"], day);
  if (j.contains("excursions_ago_ms"))
    for (const auto& ago : j["excursions_ago_ms"]) s.excursions_ago.push_back(span(ago, day));
  if (j.contains("lockout_left_ms")) s.lockout_left = span(j["lockout_left_ms"], day);
  if (j.contains("hold_left_ms")) s.hold_left = span(j["hold_left_ms"], day);
  if (!j.contains("died_ago_ms")) return s;
  for (const auto& [name, all] : j["died_ago_ms"].items()) {
    s.parts.push_back({name, {}});
    for (const auto& ago : all) s.parts.back().died_ago.push_back(span(ago, day));
  }
  return s;
}

template <class Order>
void put_end(json& j, const Order& order) {
  j["until"] = unix_seconds(order.until);
  if (order.trusted_until) j["trusted_until"] = unix_seconds(*order.trusted_until);
}

template <class Order>
Order with_end(const json& j, Order order) {
  order.until = kept_time(j.at("until"));
  if (j.contains("trusted_until")) order.trusted_until = kept_time(j["trusted_until"]);
  return order;
}

/// Before there was a begin, a storm had begun, and nothing was bought for it.
SavedState::Storm to_storm(const json& j) {
  SavedState::Storm storm = with_end(j, SavedState::Storm{.reserve = kept_soc(j.at("reserve"))});
  if (j.contains("from")) storm.from = kept_time(j["from"]);
  storm.fill = j.value("fill", false);
  return storm;
}

constexpr Duration century = 24h * 36525;

}  // namespace

std::optional<Duration> passed_since(const SavedState& saved, const std::string& boot_id,
                                     const Moment& now) {
  if (boot_id.empty() || saved.boot_id != boot_id) return std::nullopt;
  return std::max(now.boot_time - saved.boot_time, Duration{});
}

std::string encode(const SavedState& state) {
  json j = json_object({{"saved_at", unix_seconds(state.saved_at)},
                        {"boot_id", state.boot_id},
                        {"boot_time_ms", state.boot_time / 1ms}});
  if (state.mode) j["mode"] = name(*state.mode);
  if (state.reserve) j["reserve"] = state.reserve->percent();
  if (state.manual) {
    j["override"] = to_json(state.manual->instruction);
    put_end(j["override"], *state.manual);
  }
  if (state.storm) {
    j["storm"] = json_object({{"reserve", state.storm->reserve.percent()},
                              {"from", unix_seconds(state.storm->from)},
                              {"fill", state.storm->fill}});
    put_end(j["storm"], *state.storm);
  }
  if (state.last_full) j["last_full"] = unix_seconds(*state.last_full);
  if (state.safety) j["safety"] = to_json(*state.safety);
  return json_text(j, 2) + "\n";
}

Result<SavedState> decode_state(const std::string& text) {
  try {
    const json j = parse_json(text);
    SavedState state;
    state.saved_at = kept_time(j.at("saved_at"));
    state.boot_id = j.value("boot_id", "");
    if (j.contains("boot_time_ms")) state.boot_time = span(j["boot_time_ms"], century);
    if (j.contains("mode")) {
      state.mode = mode(j["mode"].get<std::string>());
      if (!state.mode) throw std::out_of_range("an unknown mode");
    }
    if (j.contains("reserve")) state.reserve = kept_soc(j["reserve"]);
    if (j.contains("override"))
      state.manual = with_end(j["override"],
                              SavedState::Override{.instruction = to_instruction(j["override"])});
    if (j.contains("storm")) state.storm = to_storm(j["storm"]);
    if (j.contains("last_full")) state.last_full = kept_time(j["last_full"]);
    if (j.contains("safety")) state.safety = to_safety(j["safety"]);
    return state;
  } catch (const std::exception& e) {  // the library's way to say no
    return fail(ErrorKind::invalid, e.what());
  }
}

StateFile::StateFile(StateDisk& disk, EventSink events, std::function<void(bool)> failed)
    : disk_(disk), events_(std::move(events)), failed_(std::move(failed)) {}

std::optional<SavedState> StateFile::load(WallTime now) {
  auto text = disk_.read();
  if (text && !*text) return std::nullopt;
  if (!text && text.error().kind == ErrorKind::refused) {
    in_the_way_ = stays_ = true;
    report_failure(text.error().detail);
    return std::nullopt;
  }
  auto state = text ? decode_state(**text) : tl::unexpected<Error>(text.error());
  if (state) return *state;
  const auto moved_to = disk_.quarantine(now);
  events_("state", {Level::error, "state_damaged",
                    "reason=" + log_quoted(state.error().detail) +
                        (moved_to ? " kept_as=" + log_quoted(*moved_to) : "")});
  if (!moved_to) {
    in_the_way_ = true;
    report_failure(moved_to.error().detail);
  }
  return std::nullopt;
}

/// What is damaged is never written over: it is moved once there is room, or the owner takes it.
/// What is another user's may be whole, and what it remembers counts from the next start; unless
/// safety has something to remember now, which would be lost with this run.
bool StateFile::clear_the_way(const SavedState& state) {
  if (!in_the_way_) return true;
  if (const auto text = disk_.read(); !text || *text) {
    if (stays_ && !state.safety) return false;
    const auto moved_to = disk_.quarantine(state.saved_at);
    if (!moved_to) return false;
    events_("state", {Level::notice, "state_set_aside", "kept_as=" + log_quoted(*moved_to)});
  }
  in_the_way_ = false;
  return true;
}

bool StateFile::store(const SavedState& state) {
  if (!clear_the_way(state)) return false;
  if (const auto written = disk_.replace(encode(state)); !written) {
    report_failure(written.error().detail);
    return false;
  }
  if (std::exchange(failing_, false)) {
    events_("state", {Level::notice, "state_stored", ""});
    failed_(false);
  }
  return true;
}

void StateFile::report_failure(const std::string& reason) {
  if (std::exchange(failing_, true)) return;
  events_("state", {Level::warning, "state_not_stored", "reason=" + log_quoted(reason)});
  failed_(true);
}

}  // namespace esshub::service
