#include "publish/web/server/api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>

#include "model/order_limits.hpp"
#include "publish/web/json.hpp"
#include "tests/publish/web/house.hpp"

namespace esshub::publish {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using tests::StateDir;
using tests::t0;
using tests::working_house;

constexpr const char* password = "correct horse";

/// The page of a house at work, asked without sockets.
class WebApiTest : public testing::Test {
 protected:
  WebApiTest() { api.update(working_house()); }

  WebParts parts() {
    WebParts p;
    p.site_name = "home";
    p.time_zone = "Europe/London";
    p.version = "1";
    p.state_dir = dir.path();
    p.history = std::make_shared<tests::FakeHistory>();
    p.plan = &tests::fake_plan;
    p.smart = &tests::fake_smart;
    p.savings = &tests::fake_savings;
    p.yesterday = &tests::fake_yesterday;
    p.feeds = [] {
      return std::vector<FeedState>{
          {FeedKind::import_price, WallTime{std::chrono::seconds{1'800'000'000}}, 0},
          {FeedKind::solar, std::nullopt, 2}};
    };
    p.limits = [] {
      std::vector<OrderLimit> limits{order_limits.begin(), order_limits.end()};
      for (const auto* name : {"charge_power_w", "discharge_power_w"}) {
        limits.push_back(order_limit(OrderLimitId::power));
        limits.back().name = name;
      }
      return limits;
    };
    p.notes = [] {
      return std::make_shared<const ConfigNotes>(
          ConfigNotes{{{7, "battery.reserve: is 0.2 %, is 20 % meant?"}}, {"garage"}});
    };
    p.command = [this](const Command& command, const std::string& who) -> Result<void> {
      if (std::holds_alternative<Acknowledge>(command))
        return fail(ErrorKind::refused, "there is nothing to acknowledge");
      commands.emplace_back(command);
      asked_by = who;
      return {};
    };
    p.feed = [this](const std::vector<FeedKind>& kinds, const std::string& document,
                    const std::string& who) -> Result<void> {
      if (document == "{}") return fail(ErrorKind::invalid, "/kind: missing");
      if (document == "0") return fail(ErrorKind::refused, "too many wait");
      for (const auto kind : kinds) told += std::string{name(kind)} + ' ';
      told += who;
      return {};
    };
    p.clock = [this] { return now; };
    return p;
  }

  static WebRequest request(std::string method, std::string target, std::string body = {}) {
    WebRequest r;
    r.method = std::move(method);
    const auto parsed = parse_target(target);
    r.path = parsed->first;
    r.query = parsed->second;
    r.headers = {{"host", "127.0.0.1:8750"}, {"content-type", "application/json"}};
    r.body = std::move(body);
    r.peer = "192.0.2.4";
    return r;
  }

  WebResponse ask(const WebRequest& r) {
    if (auto refused = api.check_origin(r)) return *refused;
    return api.answer(r);
  }
  WebResponse get(const std::string& target) { return ask(request("GET", target)); }

  WebResponse sign_in(const std::string& with = password) {
    return ask(request("POST", "/api/v1/session", Json{{"password", with}}.dump()));
  }
  /// A write by somebody who is signed in.
  WebRequest signed_write(std::string method, std::string target, std::string body = "{}") {
    if (cookie_.empty()) {
      EXPECT_TRUE(write_password(dir.path(), password));
      const auto in = sign_in();
      for (const auto& [name, value] : in.headers)
        if (name == "Set-Cookie" && value.starts_with("esshub="))
          cookie_ = value.substr(0, value.find(';'));
      csrf_ = Json::parse(in.body)["csrf"];
    }
    auto r = request(std::move(method), std::move(target), std::move(body));
    r.headers["cookie"] = "theme=dark; " + cookie_;
    r.headers["x-csrf-token"] = csrf_;
    return r;
  }

  static std::string header(const WebResponse& response, const std::string& name) {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return {};
  }
  static std::string code(const WebResponse& response) {
    return Json::parse(response.body)["error"];
  }

  StateDir dir;
  Instant now = t0;
  std::vector<Command> commands;
  std::string asked_by;
  std::string told;
  WebApi api{parts(), {"hub.example"}};
  std::string cookie_;
  std::string csrf_;
};

// ---- the document and the answers
// -------------------------------------------------------------------

/// As much of JSON Schema as the document uses; the first difference, or empty.
class Schema {
 public:
  explicit Schema(const Json& document) : document_(document) {}

  std::string differs(const Json& schema, const Json& value, const std::string& at = "$") const {
    if (schema.contains("$ref"))
      return differs(document_.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1))),
                     value, at);
    if (schema.contains("anyOf")) {
      std::string why;
      for (const auto& choice : schema["anyOf"]) {
        why = differs(choice, value, at);
        if (why.empty()) return why;
      }
      return why;
    }
    if (schema.contains("const") && value != schema["const"]) return at + " is not the constant";
    if (schema.contains("enum") && std::ranges::count(schema["enum"], value) == 0)
      return at + " is " + value.dump();
    if (schema.contains("type") && !has_type(schema["type"], value))
      return at + " is " + value.dump() + ", not " + schema["type"].dump();
    if (value.is_array() && schema.contains("items"))
      for (std::size_t i = 0; i < value.size(); ++i)
        if (auto why = differs(schema["items"], value[i], at + "[" + std::to_string(i) + "]");
            !why.empty())
          return why;
    return value.is_object() ? differs_in_members(schema, value, at) : std::string{};
  }

 private:
  std::string differs_in_members(const Json& schema, const Json& value,
                                 const std::string& at) const {
    const auto properties = schema.value("properties", Json::object());
    for (const auto& key : schema.value("required", Json::array()))
      if (!value.contains(key)) return at + " lacks " + key.dump();
    for (const auto& [key, member] : value.items()) {
      if (properties.contains(key)) {
        if (auto why = differs(properties[key], member, at + "." + key); !why.empty()) return why;
      } else if (schema.value("additionalProperties", true) == false) {
        return at + "." + key + " is not documented";
      }
    }
    return {};
  }
  static bool has_type(const Json& type, const Json& value) {
    if (type.is_array())
      return std::ranges::any_of(type, [&](const Json& one) { return has_type(one, value); });
    return (type == "null" && value.is_null()) || (type == "boolean" && value.is_boolean()) ||
           (type == "integer" && value.is_number_integer()) ||
           (type == "number" && value.is_number()) || (type == "string" && value.is_string()) ||
           (type == "array" && value.is_array()) || (type == "object" && value.is_object());
  }
  const Json& document_;
};

class WebDocument : public WebApiTest {
 protected:
  /// What the document says of this answer; empty when they agree.
  std::string differs(const WebRequest& r, const WebResponse& answer) {
    std::string method = r.method == "GET"    ? "get"
                         : r.method == "POST" ? "post"
                         : r.method == "PUT"  ? "put"
                                              : "delete";
    const auto& responses = document["paths"].at(r.path).at(method).at("responses");
    const auto status = std::to_string(answer.status);
    if (!responses.contains(status)) return r.path + ": " + status + " is not documented";
    return Schema{document}.differs(responses[status]["content"]["application/json"]["schema"],
                                    Json::parse(answer.body));
  }
  Json document = Json::parse(get("/api/v1/openapi.json").body);
};

TEST_F(WebDocument, DescribesEveryAnswerAsItIs) {
  for (const auto* path :
       {"/api/v1/state", "/api/v1/site", "/api/v1/buses", "/api/v1/faults", "/api/v1/plan",
        "/api/v1/limits", "/api/v1/history/minutes", "/api/v1/history/days?count=2",
        "/api/v1/history/events", "/api/v1/session", "/api/v1/savings", "/api/v1/plan/yesterday"}) {
    const auto r = request("GET", path);
    const auto answer = ask(r);
    EXPECT_EQ(answer.status, 200u) << path << answer.body;
    EXPECT_EQ(differs(r, answer), "") << path;
  }
  now += 1h;  // everything stale
  const auto r = request("GET", "/api/v1/state");
  EXPECT_EQ(differs(r, ask(r)), "");
}

TEST_F(WebDocument, AFeedIsTakenFromTheOwnerAndRefusedWithWhatIsWrong) {
  const auto ask_as_documented = [this](const WebRequest& r) {
    const auto answer = ask(r);
    EXPECT_EQ(differs(r, answer), "");
    return answer;
  };
  EXPECT_EQ(ask_as_documented(request("PUT", "/api/v1/feed/prices", "[]")).status, 403u);
  EXPECT_EQ(ask_as_documented(signed_write("PUT", "/api/v1/feed/prices", "[]")).status, 200u);
  EXPECT_EQ(told, "import_price export_price web 192.0.2.4");
  told.clear();
  EXPECT_EQ(ask_as_documented(signed_write("PUT", "/api/v1/feed/solar", "[]")).status, 200u);
  EXPECT_EQ(told, "solar web 192.0.2.4");
  told.clear();
  const auto wrong = ask_as_documented(signed_write("PUT", "/api/v1/feed/solar", "{}"));
  EXPECT_EQ(wrong.status, 400u);
  EXPECT_THAT(wrong.body, HasSubstr("/kind: missing"));
  const auto later = ask_as_documented(signed_write("PUT", "/api/v1/feed/prices", "0"));
  EXPECT_EQ(later.status, 503u) << "nothing is wrong with the document";
  EXPECT_THAT(later.body, HasSubstr("too many wait"));
  auto stranger = signed_write("PUT", "/api/v1/feed/solar", "[]");
  stranger.headers.erase("x-csrf-token");
  EXPECT_EQ(ask_as_documented(stranger).status, 403u);
  auto text = signed_write("PUT", "/api/v1/feed/solar", "[]");
  text.headers["content-type"] = "text/plain";
  EXPECT_EQ(ask_as_documented(text).status, 415u);
  EXPECT_EQ(told, "");
}

/// Where the document has each row of model/order_limits.hpp.
std::vector<std::string> places_of(OrderLimitId id) {
  const std::string schemas = "/components/schemas/";
  const std::string instruction = "StartOverride/properties/instruction/properties/";
  const std::string dispatched = "StartDispatch/properties/instruction/properties/";
  switch (id) {
    case OrderLimitId::reserve:
      return {schemas + "SetReserve/properties/reserve_percent"};
    case OrderLimitId::storm_reserve:
      return {schemas + "StartStorm/properties/reserve_percent"};
    case OrderLimitId::soc:
      return {schemas + instruction + "target_percent", schemas + instruction + "low_percent",
              schemas + instruction + "high_percent",   schemas + dispatched + "target_percent",
              schemas + dispatched + "low_percent",     schemas + dispatched + "high_percent"};
    case OrderLimitId::power:
      return {schemas + instruction + "power_w", schemas + dispatched + "power_w"};
    case OrderLimitId::override_length:
      return {schemas + "StartOverride/properties/minutes"};
    case OrderLimitId::storm_length:
      return {schemas + "StartStorm/properties/hours"};
    case OrderLimitId::dispatch_length:
      return {schemas + "StartDispatch/properties/seconds"};
    case OrderLimitId::storm_begin:  // a moment, no number
      return {};
  }
  return {};
}

TEST_F(WebDocument, EveryReadingComesWithItsOwnStamp) {
  auto view = working_house();
  view.snapshot.absorb({{Point::battery_meter, Measure::power}, -447.126, t0 - 4s});
  api.update(view);
  now = t0 + 500ms;
  const auto r = request("GET", "/api/v1/readings");
  const auto answer = ask(r);
  EXPECT_EQ(differs(r, answer), "");
  const auto json = Json::parse(answer.body);
  EXPECT_EQ(json["monotonic_s"], 3600.5);
  const auto reading = [&](const char* point, const char* measure) {
    for (const auto& entry : json["readings"])
      if (entry["point"] == point && entry["measure"] == measure) return entry;
    return Json{};
  };
  EXPECT_EQ(reading("grid", "power"), Json::parse(R"({"point": "grid", "measure": "power",
      "value": -12.4, "at_s": 3599.8, "current": true})"));
  EXPECT_EQ(reading("battery_meter", "power"), Json::parse(R"({"point": "battery_meter",
      "measure": "power", "value": -447.13, "at_s": 3596.0, "current": false})"));
  EXPECT_EQ(reading("inverter", "dc_power")["value"], 1190);
  EXPECT_EQ(reading("battery", "voltage")["value"], 50);
  EXPECT_EQ(reading("battery", "current")["value"], 23);
  EXPECT_EQ(reading("circuit1", "power")["value"], 88);
  EXPECT_TRUE(reading("grid", "voltage").is_null());
  EXPECT_EQ(json["readings"].size(), 8u);
}

TEST_F(WebApiTest, TellsWhatSmartModePlansAndWhy) {
  const auto smart = Json::parse(get("/api/v1/plan").body)["smart"];
  EXPECT_EQ(smart["problem"], "price_unknown");
  EXPECT_EQ(smart["plan"]["reason"], "without it it would have been empty");
  EXPECT_EQ(smart["plan"]["sun"], "told");
  EXPECT_EQ(smart["plan"]["sun_issued"], 1768471200);
  const auto& slot = smart["plan"]["slots"].at(0);
  EXPECT_EQ(slot["reason"], "a kWh is bought for 0.07");
  EXPECT_EQ(slot["instruction"]["keeps_charge"], true);
  EXPECT_EQ(slot["charge_low_percent"], 40);
  EXPECT_EQ(slot["charge_percent"], 50);
  EXPECT_EQ(slot["charge_high_percent"], 60);
  EXPECT_EQ(slot["value"], 0.2);
}

TEST_F(WebApiTest, TellsWhatWasSavedAndByHowMuchTheModelIsOff) {
  EXPECT_EQ(Json::parse(get("/api/v1/savings").body), Json::parse(R"({
    "today": {"days": 1, "known": 1, "partial": 0, "cost": 1.25, "cost_balance": 2.0,
              "cost_no_battery": 4.0, "saved_against_no_battery": 2.75, "saved_against_balance": 0.75,
              "model_error": -0.05, "error_days": 1},
    "month": {"days": 20, "known": 11, "partial": 2, "cost": 10.0, "cost_balance": null,
              "cost_no_battery": 40.0, "saved_against_no_battery": 30.0, "saved_against_balance": null,
              "model_error": null, "error_days": 0},
    "year": {"days": 300, "known": 0, "partial": 0, "cost": null, "cost_balance": null,
             "cost_no_battery": null, "saved_against_no_battery": null, "saved_against_balance": null,
             "model_error": null, "error_days": 0}})"))
      << "of no day it is not 0";
  EXPECT_EQ(savings_json(SavingsState{}),
            Json::parse(R"({"today": null, "month": null, "year": null})"));
}

TEST_F(WebApiTest, TellsWhatWasPlannedYesterdayAndWhatHappened) {
  const auto day = Json::parse(get("/api/v1/plan/yesterday").body)["day"];
  EXPECT_EQ(day["begin"], 1'790'000'000 - 86400);
  EXPECT_EQ(day["end"], 1'790'000'000);
  ASSERT_EQ(day["planned"].size(), 1u);
  auto slot = day["planned"][0];
  EXPECT_EQ(slot["instruction"]["keeps_charge"], true);
  slot.erase("instruction");
  EXPECT_EQ(slot, Json::parse(R"({"begin": 1789913600.0, "end": 1789914500.0,
    "made": 1789892000.0, "import_price": 0.07, "export_price": 0.05, "charge_low_percent": 40.0,
    "charge_percent": 50.0, "charge_high_percent": 60.0})"));
  EXPECT_EQ(day["happened"], Json::parse(R"([
    {"begin": 1789913600.0, "soc_percent": 51.2, "battery_w": -300, "grid_w": 12},
    {"begin": 1789914500.0, "soc_percent": null, "battery_w": null, "grid_w": null}])"));
  EXPECT_EQ(past_day_json({}), Json::parse(R"({"day": null})"));
}

TEST_F(WebApiTest, TellsHowFarOthersHaveTold) {
  EXPECT_EQ(Json::parse(get("/api/v1/plan").body)["feeds"], Json::parse(R"([
    {"kind": "import_price", "until": 1800000000.0, "refused": 0},
    {"kind": "solar", "until": null, "refused": 2}])"));
}

TEST_F(WebDocument, GivesTheLimitsOfTheTable) {
  const Json answer = Json::parse(get("/api/v1/limits").body);
  for (const OrderLimit& limit : order_limits) {
    const auto places = places_of(limit.id);
    EXPECT_EQ(answer["limits"].contains(limit.name), limit.id != OrderLimitId::dispatch_length)
        << limit.name;
    for (const auto& place : places) {
      const Json& schema = document.at(Json::json_pointer{place});
      EXPECT_EQ(schema.at("minimum"), limit.least) << place;
      EXPECT_EQ(schema.at("maximum"), limit.most) << place;
      if (limit.id == OrderLimitId::dispatch_length) continue;  // no person orders one
      EXPECT_EQ(answer["limits"][std::string{limit.name}]["least"], limit.least);
      EXPECT_EQ(answer["limits"][std::string{limit.name}]["most"], limit.most);
    }
  }
}

TEST_F(WebDocument, ARangeOfWhichNothingIsTakenIsNull) {
  auto none = parts();
  none.limits = [every = none.limits] {
    auto limits = every();
    for (auto& limit : limits)
      if (limit.unit_length == Duration{}) std::swap(limit.least, limit.most);
    return limits;
  };
  WebApi api_of_none{none, {}};
  const auto r = request("GET", "/api/v1/limits");
  const auto answer = api_of_none.answer(r);
  const Json limits = Json::parse(answer.body)["limits"];
  for (const auto* name : {"reserve_percent", "storm_reserve_percent", "target_percent", "power_w",
                           "charge_power_w", "discharge_power_w"})
    EXPECT_EQ(limits.at(name), nullptr) << name;
  EXPECT_EQ(differs(r, answer), "");
}

/// The page has no numbers of its own: its inputs name rows.
TEST_F(WebApiTest, ThePagesInputsNameLimitsThatThereAre) {
  const Json limits = Json::parse(get("/api/v1/limits").body)["limits"];
  const std::string html = get("/").body;
  std::size_t inputs = 0;
  for (auto at = html.find("type=\"number\""); at != std::string::npos;
       at = html.find("type=\"number\"", at + 1)) {
    ++inputs;
    const std::string tag = html.substr(at, html.find('>', at) - at);
    const auto name = tag.find("data-limit=\"");
    ASSERT_NE(name, std::string::npos) << tag;
    const auto begin = name + std::string_view{"data-limit=\""}.size();
    EXPECT_TRUE(limits.contains(tag.substr(begin, tag.find('"', begin) - begin))) << tag;
    EXPECT_EQ(tag.find("max="), std::string::npos) << tag;
  }
  EXPECT_EQ(inputs, 6u);
}

TEST_F(WebDocument, DescribesEveryWriteAndItsRefusals) {
  const std::vector<std::pair<std::string, std::string>> writes{
      {"POST /api/v1/mode", R"({"mode":"balance"})"},
      {"POST /api/v1/reserve", R"({"reserve_percent":30})"},
      {"POST /api/v1/override", R"({"instruction":{"kind":"idle"},"minutes":5})"},
      {"DELETE /api/v1/override", ""},
      {"POST /api/v1/dispatch", R"({"instruction":{"kind":"idle"},"seconds":5})"},
      {"DELETE /api/v1/dispatch", ""},
      {"POST /api/v1/storm", R"({"reserve_percent":90,"hours":3})"},
      {"DELETE /api/v1/storm", ""},
      {"POST /api/v1/acknowledge", "{}"}};
  for (const auto& [target, body] : writes) {
    const auto space = target.find(' ');
    auto r = request(target.substr(0, space), target.substr(space + 1), body);
    EXPECT_EQ(differs(r, ask(r)), "") << target << " by nobody";
  }
  for (const auto& [target, body] : writes) {
    const auto space = target.find(' ');
    const auto r = signed_write(target.substr(0, space), target.substr(space + 1), body);
    const auto answer = ask(r);
    EXPECT_EQ(answer.status, target.find("acknowledge") == std::string::npos ? 200u : 409u)
        << target;
    EXPECT_EQ(differs(r, answer), "") << target;
  }
  EXPECT_EQ(commands.size(), 8u);
  EXPECT_EQ(asked_by, "web 192.0.2.4");
  const auto bad = signed_write("POST", "/api/v1/storm", "{}");
  EXPECT_EQ(ask(bad).status, 400u);
  EXPECT_EQ(differs(bad, ask(bad)), "");
}

TEST_F(WebDocument, NamesEveryPathTheHubAnswersAndNoOther) {
  for (const auto& [path, methods] : document["paths"].items())
    for (const auto& [method, about] : methods.items()) {
      if (path == "/api/v1/events") continue;  // a stream
      std::string name = method;
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
      auto r = request(name, path, "{}");
      EXPECT_NE(ask(r).status, 404u) << path;
      EXPECT_NE(ask(r).status, 405u) << method << ' ' << path;
    }
  EXPECT_EQ(document["paths"].size(), 23u);
}

TEST_F(WebApiTest, WrongQueriesSayWhatIsAllowed) {
  for (const auto* target :
       {"/api/v1/history/days?count=0", "/api/v1/history/days?count=x",
        "/api/v1/history/days?count=99999999999999999999", "/api/v1/plan?hours=1000",
        "/api/v1/history/minutes?from=5&until=1", "/api/v1/history/minutes?from=0&until=99999999",
        "/api/v1/history/events?most=5000", "/api/v1/history/days?limit=3", "/api/v1/state?x=1",
        "/api/v1/openapi.json?pretty=1"}) {
    const auto answer = get(target);
    EXPECT_EQ(answer.status, 400u) << target;
    EXPECT_EQ(code(answer), "bad_query");
  }
}

TEST_F(WebApiTest, WhatTheConfigurationHasForPeopleIsInTheState) {
  const Json state = Json::parse(get("/api/v1/state").body);
  EXPECT_EQ(state["configuration_warnings"],
            Json::parse(R"([{"line": 7, "text": "battery.reserve: is 0.2 %, is 20 % meant?"}])"));
  EXPECT_EQ(state["circuits"][0]["title"], "garage");
  auto bare = parts();
  bare.notes = {};
  WebApi without{bare, {}};
  without.update(working_house());
  const Json unnoted = Json::parse(*without.state());
  EXPECT_EQ(unnoted["configuration_warnings"], Json::array());
  EXPECT_EQ(unnoted["circuits"][0]["title"], nullptr);
}

TEST_F(WebDocument, EveryOperationHasAnIdOfItsOwn) {
  std::set<std::string> ids;
  for (const auto& [path, methods] : document["paths"].items())
    for (const auto& [method, about] : methods.items())
      EXPECT_TRUE(ids.insert(about.at("operationId").get<std::string>()).second)
          << method << ' ' << path;
  EXPECT_EQ(document.at("security"), Json::array()) << "reading needs nothing";
}

TEST_F(WebApiTest, AFailingHistoryIsSaidNotGuessed) {
  const auto answer = get("/api/v1/history/days?count=13");
  EXPECT_EQ(answer.status, 503u);
  EXPECT_THAT(answer.body, HasSubstr("the disk is gone"));
}

TEST_F(WebDocument, WhatTheHubDoesNotHaveIs503) {
  WebParts bare;
  bare.clock = [] { return t0; };
  WebApi empty{bare, {}};
  for (const auto* path :
       {"/api/v1/state", "/api/v1/plan", "/api/v1/savings", "/api/v1/plan/yesterday",
        "/api/v1/history/days", "/api/v1/history/minutes", "/api/v1/buses", "/api/v1/limits"}) {
    const auto r = request("GET", path);
    const auto answer = empty.answer(r);
    EXPECT_EQ(answer.status, 503u) << path;
    EXPECT_EQ(differs(r, answer), "") << path;
  }
}

// ---- files
// ---------------------------------------------------------------------------------------------

TEST_F(WebApiTest, ServesThePageTheKioskAndTheirFilesAndNothingElse) {
  EXPECT_THAT(get("/").body, HasSubstr("What it is doing, and why"));
  EXPECT_THAT(get("/kiosk").body, HasSubstr("kiosk.js"));
  EXPECT_EQ(get("/style.css").content_type, "text/css; charset=utf-8");
  for (const auto* path : {"/index.htm", "/../etc/passwd", "/style.css/", "//", "/web/"})
    EXPECT_EQ(get(path).status, 404u) << path;
  EXPECT_EQ(ask(request("POST", "/")).status, 405u);
  const auto mode = ask(request("GET", "/api/v1/mode"));
  EXPECT_EQ(mode.status, 405u);
  EXPECT_EQ(header(mode, "Allow"), "POST");
}

TEST_F(WebApiTest, AnUnchangedFileIsNotSentAgain) {
  auto again = request("GET", "/page.js");
  again.headers["if-none-match"] = header(ask(again), "ETag");
  EXPECT_EQ(ask(again).status, 304u);
  EXPECT_EQ(ask(again).body, "");
}

// ---- who may ask
// -----------------------------------------------------------------------------------------

TEST_F(WebApiTest, AForeignHostNameIsTurnedAway) {
  auto r = request("GET", "/api/v1/state");
  for (const auto* good : {"127.0.0.1:8750", "localhost", "[::1]:8750", "192.0.2.7", "hub.example",
                           "HUB.example.:8750"}) {
    r.headers["host"] = good;
    EXPECT_EQ(ask(r).status, 200u) << good;
  }
  for (const auto* bad : {"evil.example", "localhost.evil.example", "hub.example.evil"}) {
    r.headers["host"] = bad;
    EXPECT_EQ(ask(r).status, 421u) << bad;
  }
  for (const auto* malformed : {"", "[::1", "a:b", ":80"}) {
    r.headers["host"] = malformed;
    EXPECT_EQ(ask(r).status, 400u) << malformed;
  }
}

TEST_F(WebApiTest, AWriteFromAnotherSiteIsRefused) {
  auto r = signed_write("POST", "/api/v1/mode", R"({"mode":"balance"})");
  r.headers["origin"] = "http://127.0.0.1:8750";
  r.headers["sec-fetch-site"] = "same-origin";
  EXPECT_EQ(ask(r).status, 200u);
  r.headers["origin"] = "https://127.0.0.1:8750";
  EXPECT_EQ(ask(r).status, 200u) << "through a proxy that speaks TLS";
  r.headers["origin"] = "http://evil.example";
  EXPECT_EQ(code(ask(r)), "cross_site");
  r.headers["origin"] = "null";
  EXPECT_EQ(code(ask(r)), "cross_site");
  r.headers.erase("origin");
  r.headers["sec-fetch-site"] = "same-site";
  EXPECT_EQ(code(ask(r)), "cross_site");
  r.headers["sec-fetch-site"] = "same-origin";
  r.headers["content-type"] = "text/plain";
  EXPECT_EQ(ask(r).status, 415u);
}

TEST_F(WebApiTest, WithoutAPasswordEveryWriteIsRefusedAndSaysWhatToDo) {
  const auto answer = ask(request("POST", "/api/v1/mode", R"({"mode":"balance"})"));
  EXPECT_EQ(answer.status, 403u);
  EXPECT_EQ(code(answer), "no_password");
  EXPECT_THAT(answer.body, HasSubstr("esshub password"));
  EXPECT_EQ(sign_in("anything at all").status, 403u);
  EXPECT_TRUE(commands.empty());
}

TEST_F(WebApiTest, AWriteNeedsTheSessionAndItsToken) {
  auto r = signed_write("POST", "/api/v1/reserve", R"({"reserve_percent":40})");
  const auto token = r.headers["x-csrf-token"];
  r.headers.erase("x-csrf-token");
  EXPECT_EQ(code(ask(r)), "csrf");
  r.headers["x-csrf-token"] = token.substr(0, 42) + (token.back() == 'A' ? 'B' : 'A');
  EXPECT_EQ(code(ask(r)), "csrf");
  r.headers["x-csrf-token"] = token;
  r.headers["cookie"] = "esshub=guess";
  EXPECT_EQ(ask(r).status, 401u);
  r.headers.erase("cookie");
  EXPECT_EQ(ask(r).status, 401u);
  EXPECT_TRUE(commands.empty());
}

TEST_F(WebApiTest, ASessionEndsWithTimeWithSigningOutAndWithANewPassword) {
  const auto r = signed_write("POST", "/api/v1/mode", R"({"mode":null})");
  EXPECT_EQ(ask(r).status, 200u);
  now += 31min;
  EXPECT_EQ(ask(r).status, 401u);
  cookie_.clear();
  const auto again = signed_write("POST", "/api/v1/mode", R"({"mode":null})");
  EXPECT_EQ(ask(again).status, 200u);
  EXPECT_EQ(ask(signed_write("DELETE", "/api/v1/session")).status, 200u);
  EXPECT_EQ(ask(again).status, 401u);
  cookie_.clear();
  const auto third = signed_write("POST", "/api/v1/mode", R"({"mode":null})");
  ASSERT_TRUE(write_password(dir.path(), "another password"));
  EXPECT_EQ(ask(third).status, 401u);
}

TEST_F(WebApiTest, TheCookieIsOutOfReachOfScriptsAndOtherSites) {
  ASSERT_TRUE(write_password(dir.path(), password));
  const auto plain = header(sign_in(), "Set-Cookie");
  EXPECT_THAT(plain, HasSubstr("; HttpOnly; SameSite=Strict"));
  EXPECT_THAT(plain, HasSubstr("Path=/"));
  auto r = request("POST", "/api/v1/session", Json{{"password", password}}.dump());
  r.tls = true;
  const auto tls = header(ask(r), "Set-Cookie");
  EXPECT_THAT(tls, testing::StartsWith("__Host-esshub="));
  EXPECT_THAT(tls, HasSubstr("; Secure"));
}

TEST_F(WebApiTest, WrongPasswordsAreSlowedAndShutNobodyOut) {
  ASSERT_TRUE(write_password(dir.path(), password));
  const auto guess = [&] {
    const auto answer = sign_in("wrong password");
    return std::pair{answer.status, std::atol(("0" + header(answer, "Retry-After")).c_str())};
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(guess().first, 401u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(guess(), std::pair(429u, 1l)) << "costs nothing more";
  for (int i = 0; i < 8; ++i) {
    now += 30s;
    EXPECT_EQ(guess().first, 401u);
  }
  EXPECT_EQ(guess(), std::pair(429u, 30l));
  EXPECT_EQ(sign_in().status, 429u) << "also the right one has to wait";
  now += 30s;
  EXPECT_EQ(sign_in().status, 200u);
}

/// Behind a proxy or a router everybody has the owner's address.
TEST_F(WebApiTest, ADeviceThatHasSignedInDoesNotWaitForTheGuessersOfItsAddress) {
  ASSERT_TRUE(write_password(dir.path(), password));
  const auto cookies = sign_in().headers;
  std::string device;
  for (const auto& [name, value] : cookies)
    if (name == "Set-Cookie" && value.starts_with("esshub-device=")) {
      EXPECT_THAT(value, HasSubstr("; HttpOnly; SameSite=Strict"));
      device = value.substr(0, value.find(';'));
    }
  ASSERT_FALSE(device.empty());
  const auto from_device = [&](const std::string& cookie, const char* word) {
    auto r = request("POST", "/api/v1/session", Json{{"password", word}}.dump());
    r.headers["cookie"] = cookie;
    return ask(r).status;
  };
  for (int i = 0; i < 10; ++i) static_cast<void>(sign_in("wrong password"));
  EXPECT_EQ(sign_in().status, 429u);
  EXPECT_EQ(from_device(device + "x", password), 429u) << "a forged one";
  EXPECT_EQ(from_device(device, password), 200u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(from_device(device, "wrong password"), 401u);
  EXPECT_EQ(from_device(device, password), 429u) << "but for its own";
  now += 1s;
  EXPECT_EQ(from_device(device, password), 200u);
  EXPECT_EQ(sign_in("wrong password").status, 401u);
  ASSERT_TRUE(write_password(dir.path(), "another password"));
  EXPECT_EQ(from_device(device, "another password"), 429u) << "a new password forgets the devices";
}

TEST_F(WebApiTest, TheOwnerOfASessionIsNotLockedOutByAGuesser) {
  const auto mine = signed_write("POST", "/api/v1/mode", R"({"mode":"balance"})");
  for (int i = 0; i < 10; ++i) static_cast<void>(sign_in("wrong password"));
  EXPECT_EQ(ask(mine).status, 200u);
}

}  // namespace
}  // namespace esshub::publish
