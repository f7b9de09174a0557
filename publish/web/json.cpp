#include "publish/web/json.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "json/object.hpp"
#include "model/derived.hpp"
#include "model/same_action.hpp"
#include "publish/history/event_text.hpp"
#include "publish/web/values.hpp"

namespace esshub::publish {
namespace {

using Json = nlohmann::json;

double seconds(Duration duration) {
  return std::round(Seconds(duration).count() * 10.0) / 10.0;
}

double unix_seconds(WallTime time) {
  return std::round(Seconds(time.time_since_epoch()).count() * 10.0) / 10.0;
}

Json whole(std::optional<double> value) {
  if (!value || !(std::abs(*value) < 1e15)) return nullptr;
  return std::llround(*value);
}
/// Rounded to 1/scale, never a minus before a zero; what is not finite is unknown.
Json scaled(std::optional<double> value, double scale) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return std::round(*value * scale) / scale + 0.0;
}

Json age_of(const View& view, Point point, Measure measure) {
  const auto& reading = view.snapshot.raw(point, measure);
  return reading ? Json(seconds(view.now - reading->at)) : Json(nullptr);
}

constexpr double joules_per_kwh = 3.6e6;

Json circuits(const View& view, const ConfigNotes& notes) {
  Json result = Json::array();
  for (std::size_t i = 0; i < max_circuits; ++i) {
    const auto role = view.circuit_roles[i];
    if (!role && !view.snapshot.raw(circuit(i), Measure::power)) continue;  // not metered
    const bool named = i < notes.circuit_names.size() && !notes.circuit_names[i].empty();
    result.push_back(json_object(
        {{"name", name(circuit(i))},
         {"title", named ? Json(notes.circuit_names[i]) : Json(nullptr)},
         {"role", name(role.value_or(CircuitRole::other))},
         {"power_w", json_object({{"value", whole(view.current(circuit(i), Measure::power))},
                                  {"age_s", age_of(view, circuit(i), Measure::power)}})}}));
  }
  return result;
}

Json instruction_json(const Instruction& instruction) {
  return json_object({{"kind", name(instruction.kind)},
                      {"power_w", whole(instruction.power.value())},
                      {"target_percent", scaled(instruction.target.percent(), 10)},
                      {"low_percent", scaled(instruction.low.percent(), 10)},
                      {"high_percent", scaled(instruction.high.percent(), 10)},
                      {"keeps_charge", keeps_charge(instruction)}});
}

Json left(const View& view, const std::optional<Instant>& until) {
  return until ? Json(seconds(std::max(*until - view.now, Duration{}))) : Json(nullptr);
}

/// What the table of published values does not hold of it.
Json policy_json(const View& view, const Policy& policy) {
  return json_object({{"instruction", instruction_json(policy.instruction)},
                      {"ends_in_s", left(view, policy.until)},
                      {"storm_begins_in_s", left(view, policy.storm_from)},
                      {"storm_ends_in_s", left(view, policy.storm_until)},
                      {"storm_reached_in_s", left(view, policy.storm_reached)},
                      {"last_full_s", policy.last_full ? Json(seconds(view.now - *policy.last_full))
                                                       : Json(nullptr)}});
}

/// Null as a whole once the control has stopped deciding.
Json decision_json(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision) return nullptr;
  Json reasons = Json::array();
  for (const auto& reason : decision->reasons)
    reasons.push_back(json_object({{"why", name(reason.cause)},
                                   {"phrase", phrase(reason.cause)},
                                   {"without_w", whole(reason.power_without.value())}}));
  return json_object(
      {{"reasons", std::move(reasons)}, {"policy", policy_json(view, decision->policy)}});
}

/// As many decimals as are worth showing.
Json shown(const View& view, const PublishedValue& value) {
  if (value.text) {
    const auto text = value.text(view);
    return text ? Json(*text) : Json(nullptr);
  }
  const auto number = value.number(view);
  return value.decimals == 0 ? whole(number) : scaled(number, std::pow(10.0, value.decimals));
}

Json age_of(const View& view, const PublishedValue& value) {
  const auto taken = value.taken_at(view);
  return taken ? Json(seconds(view.now - *taken)) : Json(nullptr);
}

/// Puts every value where it belongs; below a decision that is null there is nothing.
void put_values(Json& state, const View& view) {
  for (const auto& row : rest_values()) {
    if (row.path.starts_with("/decision/") && state["decision"].is_null()) continue;
    const auto& value = published(row.id);
    auto& place = state[Json::json_pointer(std::string{row.path})];
    place = shown(view, value);
    if (row.form == RestForm::reading)
      place = json_object({{"value", std::move(place)}, {"age_s", age_of(view, value)}});
  }
}

Json energies_json(const EnergyTotals& energies) {
  Json result = Json::object();
  for (const Flow flow : enum_values<Flow>) {
    result[std::string{name(flow)} + "_kwh"] = scaled(energies[flow] / joules_per_kwh, 1000);
  }
  return result;
}

Json warnings_json(const ConfigNotes& notes) {
  Json result = Json::array();
  for (const auto& [line, text] : notes.warnings)
    result.push_back(json_object({{"line", line}, {"text", text}}));
  return result;
}

/// The View as it is when it is sent: time has gone on since it was made.
View at_time(const View& view, Instant now) {
  View later = view;
  const Duration passed = std::max(now - view.now, Duration{});
  later.now = view.now + passed;
  later.wall = view.wall + std::chrono::duration_cast<WallTime::duration>(passed);
  return later;
}

/// Worst first.
Json faults_of(const View& view) {
  Json result = Json::array();
  for (const Severity level : {Severity::critical, Severity::warning, Severity::info})
    for (const Fault fault : enum_values<Fault>) {
      const auto since = view.decision.faults.since(fault);
      if (!since || severity(fault) != level) continue;
      const auto age = view.now - *since;
      const auto at = view.wall - std::chrono::duration_cast<WallTime::duration>(age);
      result.push_back(json_object({{"fault", name(fault)},
                                    {"severity", name(level)},
                                    {"title", title(fault)},
                                    {"advice", advice(fault)},
                                    {"since", unix_seconds(at)},
                                    {"age_s", seconds(age)}}));
    }
  return result;
}

Json smart_json(const SmartState& smart) {
  if (!smart.in_force) return nullptr;
  Json json = json_object({{"problem", nullptr}, {"plan", nullptr}});
  if (!smart.problem.empty()) json["problem"] = smart.problem;
  if (!smart.plan) return json;
  Json slots = Json::array();
  for (const auto& slot : smart.plan->slots)
    slots.push_back(json_object({{"begin", unix_seconds(slot.begin)},
                                 {"end", unix_seconds(slot.end)},
                                 {"import_price", scaled(slot.import_price, 10000)},
                                 {"export_price", scaled(slot.export_price, 10000)},
                                 {"instruction", instruction_json(slot.instruction)},
                                 {"charge_low_percent", scaled(slot.charge_low.percent(), 10)},
                                 {"charge_percent", scaled(slot.charge.percent(), 10)},
                                 {"charge_high_percent", scaled(slot.charge_high.percent(), 10)},
                                 {"value", scaled(slot.value, 10000)},
                                 {"bought_kwh", scaled(slot.bought_kwh, 1000)},
                                 {"reason", slot.reason}}));
  const auto& sun_issued = smart.plan->sun_issued;
  json["plan"] =
      json_object({{"made", unix_seconds(smart.plan->made)},
                   {"days", smart.plan->days},
                   {"sun", sun_issued ? "told" : "history"},
                   {"sun_issued", sun_issued ? Json(unix_seconds(*sun_issued)) : Json(nullptr)},
                   {"cost", scaled(smart.plan->cost, 1000)},
                   {"cost_balance", scaled(smart.plan->cost_balance, 1000)},
                   {"cost_no_battery", scaled(smart.plan->cost_no_battery, 1000)},
                   {"reason", smart.plan->reason},
                   {"slots", std::move(slots)}});
  return json;
}

Json savings_json(const std::optional<Savings>& savings) {
  if (!savings) return nullptr;
  const auto& s = *savings;
  Json json = json_object(
      {{"days", s.days}, {"known", s.known}, {"partial", s.partial}, {"error_days", s.error_days}});
  const bool known = s.known > 0;
  const auto money = [&](const char* key, std::optional<double> value) {
    json[key] = known ? scaled(value, 1000) : Json(nullptr);
  };
  money("cost", s.cost);
  money("cost_balance", s.balance);
  money("cost_no_battery", s.no_battery);
  money("saved_against_no_battery", s.no_battery - s.cost);
  money("saved_against_balance", s.balance ? std::optional{*s.balance - s.cost} : std::nullopt);
  money("model_error", s.error);
  return json;
}

}  // namespace

Json state_json(const View& made, Instant now, const ConfigNotes& notes) {
  const View view = at_time(made, now);
  const bool decided = view.decision.at != Instant{};
  Json state = json_object({
      {"at", unix_seconds(view.wall)},
      {"monotonic_s", Seconds(view.now.time_since_epoch()).count()},
      {"clock_trusted", view.local.trusted},
      {"max_age_s", seconds(view.max_age)},
      {"control",
       json_object({{"age_s", decided ? Json(seconds(view.now - view.decision.at)) : Json(nullptr)},
                    {"current", decided && current_decision(view) != nullptr},
                    {"ticks", view.ticks.ticks},
                    {"overruns", view.ticks.overruns}})},
      {"circuits", circuits(view, notes)},
      {"decision", decision_json(view)},
      {"faults", faults_of(view)},
      {"configuration_warnings", warnings_json(notes)},
  });
  put_values(state, view);
  return state;
}

Json faults_json(const View& view, Instant now) {
  return json_object({{"faults", faults_of(at_time(view, now))}});
}

Json buses_json(const View& view) {
  Json buses = Json::array();
  for (const auto& bus : view.buses) {
    const auto& driver = bus.driver;
    Json frames = Json::object();
    for (const FrameResult result : enum_values<FrameResult>) {
      frames[std::string{name(result)}] = driver.frames[result];
    }
    Json faults = Json::array();
    for (const Fault fault : enum_values<Fault>)
      if (driver.faults.active(fault))
        faults.push_back(json_object({{"fault", name(fault)}, {"title", title(fault)}}));
    Json devices = Json::array();
    for (const auto& device : driver.devices)
      devices.push_back(
          json_object({{"device", device.device},
                       {"turnaround_ms", scaled(Seconds(device.turnaround).count() * 1e3, 10)},
                       {"limit_ms", scaled(Seconds(device.limit).count() * 1e3, 10)}}));
    const auto trips = driver.round_trip.count();
    buses.push_back(json_object(
        {{"bus", bus.bus},
         {"line_up", bus.line_up},
         {"ready", driver.ready},
         {"trouble", driver.trouble},
         {"faults", std::move(faults)},
         {"reconnects", bus.reopens},
         {"restarts", bus.restarts},
         {"queue_dropped", bus.queue_dropped},
         {"discards", bus.discards},
         {"bytes_in", bus.bytes_in},
         {"bytes_out", bus.bytes_out},
         {"frames", std::move(frames)},
         {"round_trip_mean_ms",
          trips > 0 ? scaled(driver.round_trip.sum_seconds / static_cast<double>(trips) * 1e3, 10)
                    : Json(nullptr)},
         {"devices", std::move(devices)}}));
  }
  return json_object({{"buses", std::move(buses)}});
}

Json readings_json(const View& made, Instant now) {
  const View view = at_time(made, now);
  Json list = Json::array();
  for (const Point point : enum_values<Point>)
    for (const auto& [measure, published_by] :
         {std::pair{Measure::power, true}, std::pair{Measure::dc_power, point == Point::inverter},
          std::pair{Measure::voltage, point == Point::battery},
          std::pair{Measure::current, point == Point::battery}}) {
      const auto& reading = view.snapshot.raw(point, measure);
      if (!reading || !published_by) continue;
      list.push_back({{"point", name(point)},
                      {"measure", name(measure)},
                      {"value", scaled(reading->value, 100)},
                      {"at_s", Seconds(reading->at.time_since_epoch()).count()},
                      {"current", view.current(point, measure).has_value()}});
    }
  return {{"monotonic_s", Seconds(view.now.time_since_epoch()).count()},
          {"readings", std::move(list)}};
}

Json minutes_json(const std::vector<MinuteRow>& rows) {
  Json list = Json::array();
  for (const auto& row : rows)
    list.push_back(Json::array({std::llround(Seconds(row.begin.time_since_epoch()).count()),
                                whole(row.grid_w), whole(row.solar_w), whole(row.house_w),
                                whole(row.battery_w), scaled(row.soc, 10)}));
  return json_object(
      {{"columns", {"begin", "grid_w", "solar_w", "house_w", "battery_w", "soc_percent"}},
       {"rows", std::move(list)}});
}

Json days_json(const std::vector<DayRow>& rows) {
  Json list = Json::array();
  for (const auto& row : rows) {
    Json day = energies_json(row.energies);
    day["date"] = row.date;
    day["import_cost"] = scaled(row.import_cost, 10000);
    day["import_unpriced_kwh"] = scaled(row.import_unpriced_j / joules_per_kwh, 1000);
    day["export_unpriced_kwh"] = scaled(row.export_unpriced_j / joules_per_kwh, 1000);
    day["export_income"] = scaled(row.export_income, 10000);
    list.push_back(std::move(day));
  }
  return json_object({{"days", std::move(list)}});
}

Json events_json(const std::vector<HistoryEvent>& events) {
  Json list = Json::array();
  for (const auto& event : events)
    list.push_back(json_object({{"at", unix_seconds(event.at)},
                                {"kind", event.kind},
                                {"name", event.name},
                                {"title", title(event)},
                                {"values", values(event)},
                                {"detail", event.detail},
                                {"words", words(event)}}));
  return json_object({{"events", std::move(list)}});
}

Json plan_json(const std::vector<PlanSpan>& spans, const SmartState& smart,
               const std::vector<FeedState>& feeds) {
  Json list = Json::array();
  for (const auto& span : spans)
    list.push_back(json_object({{"begin", unix_seconds(span.begin)},
                                {"end", unix_seconds(span.end)},
                                {"instruction", instruction_json(span.instruction)},
                                {"authority", name(span.authority)},
                                {"import_price", scaled(span.import_price, 10000)},
                                {"export_price", scaled(span.export_price, 10000)},
                                {"repeated_hour", span.repeated_hour}}));
  Json told = Json::array();
  for (const auto& feed : feeds)
    told.push_back(
        json_object({{"kind", name(feed.kind)},
                     {"until", feed.until ? Json(unix_seconds(*feed.until)) : Json(nullptr)},
                     {"refused", feed.refused}}));
  return json_object(
      {{"spans", std::move(list)}, {"smart", smart_json(smart)}, {"feeds", std::move(told)}});
}

Json savings_json(const SavingsState& savings) {
  return json_object({{"today", savings_json(savings.today)},
                      {"month", savings_json(savings.month)},
                      {"year", savings_json(savings.year)}});
}

Json past_day_json(const std::optional<PastDay>& day) {
  if (!day) return json_object({{"day", nullptr}});
  Json planned = Json::array();
  for (const auto& slot : day->planned)
    planned.push_back(
        json_object({{"begin", unix_seconds(slot.begin)},
                     {"end", unix_seconds(slot.end)},
                     {"made", unix_seconds(slot.made)},
                     {"import_price", scaled(slot.import_price, 10000)},
                     {"export_price", scaled(slot.export_price, 10000)},
                     {"instruction", instruction_json(slot.instruction)},
                     {"charge_low_percent", scaled(slot.charge_low.percent(), 10)},
                     {"charge_percent", scaled(slot.charge.percent(), 10)},
                     {"charge_high_percent", scaled(slot.charge_high.percent(), 10)}}));
  Json happened = Json::array();
  for (const auto& slot : day->happened)
    happened.push_back(json_object({{"begin", unix_seconds(slot.begin)},
                                    {"soc_percent", scaled(slot.soc, 10)},
                                    {"battery_w", whole(slot.battery_w)},
                                    {"grid_w", whole(slot.grid_w)}}));
  return json_object({{"day", json_object({{"begin", unix_seconds(day->begin)},
                                           {"end", unix_seconds(day->end)},
                                           {"planned", std::move(planned)},
                                           {"happened", std::move(happened)}})}});
}

Json limits_json(const std::vector<OrderLimit>& limits) {
  Json list = Json::object();
  for (const OrderLimit& limit : limits) {
    if (limit.id == OrderLimitId::dispatch_length) continue;
    Json& range = list[std::string{limit.name}];  // null where nothing is taken
    if (limit.least <= limit.most)
      range = json_object({{"least", limit.least},
                           {"most", limit.most},
                           {"step", limit.step},
                           {"initial", limit.initial},
                           {"unit", limit.unit}});
  }
  return json_object({{"limits", std::move(list)}});
}

std::string state_fingerprint(const View& made, Instant now) {
  const View view = at_time(made, now);
  std::string text;
  const auto flag = [&](bool on) { text += on ? '1' : '0'; };
  for (const Point point : {Point::grid, Point::solar, Point::inverter})
    flag(view.current(point, Measure::power).has_value());
  flag(view.current(Point::battery, Measure::soc).has_value());
  const auto* decision = current_decision(view);
  flag(decision != nullptr);
  if (!decision) return text;
  for (const auto& reason : decision->reasons) {
    text += ' ';
    text += name(reason.cause);
  }
  for (const Fault fault : enum_values<Fault>) flag(decision->faults.active(fault));
  const auto& policy = decision->policy;
  flag(setpoint_w(view).has_value());
  flag(policy.storm_until.has_value());
  flag(policy.storm_from.has_value());
  text += name(policy.mode);
  text += name(policy.authority);
  text += name(policy.instruction.kind);
  return text + std::to_string(policy.reserve.percent());
}

}  // namespace esshub::publish
