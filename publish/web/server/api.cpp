#include "publish/web/server/api.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "json/object.hpp"
#include "json/text.hpp"
#include "publish/web/files.hpp"
#include "publish/web/json.hpp"
#include "publish/web/server/host_names.hpp"

namespace esshub::publish {
namespace {

using Json = nlohmann::json;

constexpr const char* set_password_first =
    "Nothing can be changed from here yet: run `esshub password` on the hub first.";

WebResponse ok(const Json& json) {
  return {200, "application/json", json_text(json), {{"Cache-Control", "no-store"}}};
}

WebResponse unavailable(std::string_view text) {
  return refusal(503, "unavailable", text);
}

WebResponse from_history_error(const Error& error) {
  return unavailable("the history cannot be read: " + error.detail);
}

/// A whole number of the query within a range; `otherwise` where it is not given.
Result<std::int64_t> whole(const WebRequest& request, const std::string& key,
                           std::int64_t otherwise, std::int64_t low, std::int64_t high) {
  const auto found = request.query.find(key);
  if (found == request.query.end()) return otherwise;
  std::int64_t value = 0;
  const auto& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high)
    return fail(ErrorKind::invalid, key + " is \"" + text.substr(0, 40) + "\", expected " +
                                        std::to_string(low) + " to " + std::to_string(high));
  return value;
}

WebResponse bad_query(const Error& error) {
  return refusal(400, "bad_query", error.detail);
}

WallTime wall(std::int64_t unix_seconds) {
  return WallTime{std::chrono::seconds(unix_seconds)};
}
std::int64_t unix_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

constexpr std::int64_t latest = 253402300799;  // the end of the year 9999

struct Range {
  WallTime from{};
  WallTime until{};
};

/// `from` and `until` of a query; without them the `otherwise` seconds before now.
Result<Range> range_of(const WebRequest& request, WallTime now, std::int64_t otherwise,
                       std::int64_t longest) {
  const auto until = whole(request, "until", unix_seconds(now) + 1, 0, latest);
  if (!until) return tl::unexpected{until.error()};
  const auto from =
      whole(request, "from", std::max<std::int64_t>(*until - otherwise, 0), 0, latest);
  if (!from) return tl::unexpected{from.error()};
  if (*from > *until || *until - *from > longest)
    return fail(ErrorKind::invalid,
                "from must be before until, by " + std::to_string(longest) + " seconds at most");
  return Range{wall(*from), wall(*until)};
}

constexpr std::int64_t day_s = 24 * 3600;

std::string session_cookie(bool tls) {
  return tls ? "__Host-esshub" : "esshub";
}

std::string device_cookie(bool tls) {
  return session_cookie(tls) + "-device";
}
constexpr long long device_known_s = 365LL * day_s;

std::string set_cookie(const std::string& name, bool tls, const std::string& token,
                       long long max_age_s) {
  return name + "=" + token + "; Path=/; Max-Age=" + std::to_string(max_age_s) +
         "; HttpOnly; SameSite=Strict" + (tls ? "; Secure" : "");
}

Json session_json(const OpenSession& session) {
  return json_object(
      {{"csrf", session.csrf}, {"expires_in_s", std::llround(Seconds(session.left).count())}});
}

long long ceil_seconds(Duration duration) {
  return std::chrono::ceil<std::chrono::seconds>(duration).count();
}

WebResponse slow_down(Duration wait) {
  auto response = refusal(
      429, "too_many_attempts",
      "Too many wrong passwords. Try again in " + std::to_string(ceil_seconds(wait)) + " s.");
  response.headers.emplace_back("Retry-After", std::to_string(ceil_seconds(wait)));
  return response;
}

bool is_write(const WebRequest& request) {
  return request.method != "GET";
}

}  // namespace

WebApi::WebApi(WebParts parts, std::vector<std::string> host_names)
    : parts_(std::move(parts)), host_names_(std::move(host_names)) {}

const std::vector<WebApi::Route>& WebApi::routes() {
  // The REST interface on one screen. The last columns: it waits for the disk, a hash or the
  // commands; the parameters of its query.
  static const std::vector<Route> table{
      {"GET", "/api/v1/site", &WebApi::get_site, true},
      {"GET", "/api/v1/state", &WebApi::get_state, false},
      {"GET", "/api/v1/buses", &WebApi::get_buses, false},
      {"GET", "/api/v1/readings", &WebApi::get_readings, false},
      {"GET", "/api/v1/faults", &WebApi::get_faults, false},
      {"GET", "/api/v1/history/minutes", &WebApi::get_minutes, true, {"from", "until"}},
      {"GET", "/api/v1/history/days", &WebApi::get_days, true, {"count"}},
      {"GET", "/api/v1/history/events", &WebApi::get_events, true, {"from", "until", "most"}},
      {"GET", "/api/v1/limits", &WebApi::get_limits, true},
      {"GET", "/api/v1/plan", &WebApi::get_plan, true, {"hours"}},
      {"GET", "/api/v1/plan/yesterday", &WebApi::get_yesterday, true},
      {"GET", "/api/v1/savings", &WebApi::get_savings, true},
      {"GET", "/api/v1/session", &WebApi::get_session, true},
      {"POST", "/api/v1/session", &WebApi::log_in, true},
      {"DELETE", "/api/v1/session", &WebApi::log_out, true},
      {"POST", "/api/v1/mode", &WebApi::set_mode, true},
      {"POST", "/api/v1/reserve", &WebApi::set_reserve, true},
      {"POST", "/api/v1/override", &WebApi::start_override, true},
      {"DELETE", "/api/v1/override", &WebApi::end_override, true},
      {"POST", "/api/v1/dispatch", &WebApi::start_dispatch, true},
      {"DELETE", "/api/v1/dispatch", &WebApi::end_dispatch, true},
      {"POST", "/api/v1/storm", &WebApi::start_storm, true},
      {"DELETE", "/api/v1/storm", &WebApi::end_storm, true},
      {"POST", "/api/v1/acknowledge", &WebApi::acknowledge, true},
      {"PUT", "/api/v1/feed/prices", &WebApi::tell_prices, true},
      {"PUT", "/api/v1/feed/solar", &WebApi::tell_solar, true},
  };
  return table;
}

void WebApi::update(const View& view) {
  auto fresh = std::make_shared<const View>(view);
  const std::lock_guard lock{view_mutex_};
  view_.swap(fresh);
}

std::shared_ptr<const View> WebApi::view() const {
  const std::lock_guard lock{view_mutex_};
  return view_;
}

std::optional<std::string> WebApi::state() const {
  const auto view = this->view();
  if (!view) return std::nullopt;
  const auto notes = parts_.notes ? parts_.notes() : std::make_shared<const ConfigNotes>();
  return json_text(state_json(*view, parts_.clock(), *notes));
}

std::string WebApi::gist_now() const {
  const auto view = this->view();
  return view ? state_fingerprint(*view, parts_.clock()) : std::string{};
}

std::optional<WebResponse> WebApi::check_origin(const WebRequest& request) const {
  if (auto refused = check_host(request, host_names_)) return refused;
  if (!is_write(request)) return std::nullopt;

  // A browser says where a write comes from; only this very page may send one. Its scheme is not
  // compared: somebody's proxy may speak TLS for us.
  const auto origin = request.header("origin");
  const auto own = "://" + request.header("host");
  const auto site = request.header("sec-fetch-site");
  if ((!origin.empty() && origin != "http" + own && origin != "https" + own) ||
      (!site.empty() && site != "same-origin"))
    return refusal(403, "cross_site", "writes are taken from this hub's own page only");
  if (request.method == "POST" || request.method == "PUT") {
    auto type = request.header("content-type");
    type.resize(std::min(type.find(';'), type.size()));
    if (type != "application/json")
      return refusal(415, "not_json", "the Content-Type must be application/json");
  }
  return std::nullopt;
}

bool WebApi::waits(const WebRequest& request) {
  return std::ranges::any_of(routes(), [&](const Route& route) {
    return route.waits && route.path == request.path && route.method == request.method;
  });
}

std::optional<WebResponse> WebApi::check_query(const WebRequest& request,
                                               const std::vector<std::string_view>& known) {
  for (const auto& [key, value] : request.query) {
    if (std::ranges::find(known, key) != known.end()) continue;
    std::string expected;
    for (const auto name : known) expected += (expected.empty() ? "" : ", ") + std::string{name};
    return refusal(400, "bad_query",
                   "there is no parameter \"" + key.substr(0, 40) + "\", expected " +
                       (expected.empty() ? "none" : expected));
  }
  return std::nullopt;
}

WebResponse WebApi::answer(const WebRequest& request) {
  std::string allowed;
  for (const auto& route : routes()) {
    if (route.path != request.path) continue;
    if (route.method == request.method) {
      if (auto refused = check_query(request, route.parameters)) return *refused;
      return (this->*route.handler)(request);
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string{route.method};
  }
  if (allowed.empty()) return file(request);
  auto response = refusal(405, "method_not_allowed", "this path takes " + allowed);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

WebResponse WebApi::file(const WebRequest& request) const {
  const auto* file = web_file(request.path);
  if (!file) return refusal(404, "not_found", "there is nothing at this path");
  if (is_write(request)) {
    auto response = refusal(405, "method_not_allowed", "this path takes GET");
    response.headers.emplace_back("Allow", "GET");
    return response;
  }
  if (request.path.starts_with("/api/"))
    if (auto refused = check_query(request, {})) return *refused;
  WebResponse response{200, std::string{file->content_type}, {}, {}};
  response.headers.emplace_back("ETag", std::string{file->etag});
  response.headers.emplace_back("Cache-Control", "no-cache");
  if (request.header("if-none-match") == file->etag)
    response.status = 304;
  else
    response.body = file->body;
  return response;
}

WebResponse WebApi::get_site(const WebRequest&) {
  return ok(json_object({{"name", parts_.site_name},
                         {"time_zone", parts_.time_zone},
                         {"currency", parts_.currency ? parts_.currency() : std::string{}},
                         {"version", parts_.version},
                         {"history", parts_.history != nullptr},
                         {"plan", static_cast<bool>(parts_.plan)},
                         {"commands", static_cast<bool>(parts_.command)}}));
}

WebResponse WebApi::get_state(const WebRequest&) {
  auto text = state();
  if (!text) return unavailable("the control has not ticked yet");
  return {200, "application/json", std::move(*text), {{"Cache-Control", "no-store"}}};
}

WebResponse WebApi::get_buses(const WebRequest&) {
  const auto view = this->view();
  return view ? ok(buses_json(*view)) : unavailable("the control has not ticked yet");
}

WebResponse WebApi::get_readings(const WebRequest&) {
  const auto view = this->view();
  return view ? ok(readings_json(*view, parts_.clock()))
              : unavailable("the control has not ticked yet");
}

WebResponse WebApi::get_faults(const WebRequest&) {
  const auto view = this->view();
  return view ? ok(faults_json(*view, parts_.clock()))
              : unavailable("the control has not ticked yet");
}

WebResponse WebApi::get_minutes(const WebRequest& request) {
  const auto view = this->view();
  if (!parts_.history || !view) return unavailable("this hub keeps no history");
  const auto range = range_of(request, view->wall, day_s, 2 * day_s + 2 * 3600);
  if (!range) return bad_query(range.error());
  const auto rows = parts_.history->minutes(range->from, range->until);
  return rows ? ok(minutes_json(*rows)) : from_history_error(rows.error());
}

WebResponse WebApi::get_days(const WebRequest& request) {
  if (!parts_.history) return unavailable("this hub keeps no history");
  const auto count = whole(request, "count", 30, 1, 3660);
  if (!count) return bad_query(count.error());
  const auto rows = parts_.history->days(static_cast<unsigned>(*count));
  return rows ? ok(days_json(*rows)) : from_history_error(rows.error());
}

WebResponse WebApi::get_events(const WebRequest& request) {
  const auto view = this->view();
  if (!parts_.history || !view) return unavailable("this hub keeps no history");
  const auto range = range_of(request, view->wall, 7 * day_s, latest);
  if (!range) return bad_query(range.error());
  const auto most = whole(request, "most", 100, 1, 1000);
  if (!most) return bad_query(most.error());
  const auto events =
      parts_.history->events(range->from, range->until, static_cast<unsigned>(*most));
  return events ? ok(events_json(*events)) : from_history_error(events.error());
}

WebResponse WebApi::get_limits(const WebRequest&) {
  return parts_.limits ? ok(limits_json(parts_.limits()))
                       : unavailable("this hub takes no commands");
}

WebResponse WebApi::get_plan(const WebRequest& request) {
  const auto view = this->view();
  if (!parts_.plan || !view) return unavailable("this hub has no plan");
  const auto hours = whole(request, "hours", 48, 1, 7 * 24);
  if (!hours) return bad_query(hours.error());
  return ok(plan_json(parts_.plan(view->wall, view->wall + std::chrono::hours(*hours)),
                      parts_.smart ? parts_.smart() : SmartState{},
                      parts_.feeds ? parts_.feeds() : std::vector<FeedState>{}));
}

WebResponse WebApi::get_savings(const WebRequest&) {
  return parts_.savings ? ok(savings_json(parts_.savings()))
                        : unavailable("this hub keeps no savings");
}

WebResponse WebApi::get_yesterday(const WebRequest&) {
  return parts_.yesterday ? ok(past_day_json(parts_.yesterday()))
                          : unavailable("this hub keeps no plans");
}

WebResponse WebApi::get_session(const WebRequest& request) {
  const auto hash = read_password(parts_.state_dir);
  if (!hash) return refusal(500, "password_unreadable", hash.error().detail);
  Json json = json_object({{"password_set", hash->has_value()},
                           {"signed_in", false},
                           {"csrf", nullptr},
                           {"expires_in_s", nullptr}});
  if (*hash) {
    const auto token = cookie(request.header("cookie"), session_cookie(request.tls));
    if (const auto session = sessions_.find(token, **hash, parts_.clock())) {
      json["signed_in"] = true;
      json.update(session_json(*session));
    }
  }
  return ok(json);
}

WebResponse WebApi::log_in(const WebRequest& request) {
  const auto hash = read_password(parts_.state_dir);
  if (!hash) return refusal(500, "password_unreadable", hash.error().detail);
  if (!*hash) return refusal(403, "no_password", set_password_first);
  const auto password = password_of(request.body);
  if (!password) return refusal(400, "bad_body", password.error().detail);

  // One attempt at a time: two at once must not both slip past the brake.
  const std::lock_guard lock{login_mutex_};
  Guesser who{.account = throttle_key(request.peer)};
  const auto token = cookie(request.header("cookie"), device_cookie(request.tls));
  if (auto device = device_of(token, **hash)) who = {std::move(*device), true};
  if (const auto wait = brake_.wait(who, parts_.clock()); wait > Duration{}) return slow_down(wait);
  if (!password_matches(**hash, *password)) {
    brake_.failed(who, parts_.clock());
    report(Level::warning, "password_wrong", request);
    auto response = refusal(401, "wrong_password", "This is not the password.");
    if (const auto wait = brake_.wait(who, parts_.clock()); wait > Duration{})
      response.headers.emplace_back("Retry-After", std::to_string(ceil_seconds(wait)));
    return response;
  }
  brake_.succeeded(who);
  report(Level::notice, "signed_in", request);
  const auto session = sessions_.open(**hash, parts_.clock());
  auto response = ok(session_json(session));
  response.headers.emplace_back("Set-Cookie",
                                set_cookie(session_cookie(request.tls), request.tls, session.token,
                                           ceil_seconds(Duration{Sessions::life})));
  if (!who.known_device)
    response.headers.emplace_back("Set-Cookie", set_cookie(device_cookie(request.tls), request.tls,
                                                           device_token(**hash), device_known_s));
  return response;
}

WebResponse WebApi::log_out(const WebRequest& request) {
  sessions_.close(cookie(request.header("cookie"), session_cookie(request.tls)));
  auto response = ok(json_object({{"signed_in", false}}));
  response.headers.emplace_back("Set-Cookie",
                                set_cookie(session_cookie(request.tls), request.tls, "", 0));
  return response;
}

std::optional<WebResponse> WebApi::unauthorised(const WebRequest& request) {
  const auto hash = read_password(parts_.state_dir);
  if (!hash) return refusal(500, "password_unreadable", hash.error().detail);
  if (!*hash) return refusal(403, "no_password", set_password_first);
  const auto token = cookie(request.header("cookie"), session_cookie(request.tls));
  const auto session = sessions_.find(token, **hash, parts_.clock());
  if (!session) return refusal(401, "not_signed_in", "Sign in with the owner's password first.");
  if (!same_secret(request.header("x-csrf-token"), session->csrf))
    return refusal(403, "csrf", "The header X-CSRF-Token must hold the session's token.");
  return std::nullopt;
}

WebResponse WebApi::obey(const WebRequest& request, const Result<Command>& command) {
  if (auto refused = unauthorised(request)) return *refused;
  if (!parts_.command) return unavailable("this hub takes no commands");
  if (!command) return refusal(400, "bad_body", command.error().detail);
  const auto done = parts_.command(*command, "web " + request.peer);
  if (!done) return refusal(409, "refused", done.error().detail);
  return ok(json_object({{"accepted", true}}));
}

WebResponse WebApi::set_mode(const WebRequest& request) {
  return obey(request, mode_command(request.body));
}
WebResponse WebApi::set_reserve(const WebRequest& request) {
  return obey(request, reserve_command(request.body));
}
WebResponse WebApi::start_override(const WebRequest& request) {
  return obey(request, override_command(request.body));
}
WebResponse WebApi::end_override(const WebRequest& request) {
  return obey(request, Command{EndOverride{}});
}
WebResponse WebApi::start_dispatch(const WebRequest& request) {
  return obey(request, dispatch_command(request.body));
}
WebResponse WebApi::end_dispatch(const WebRequest& request) {
  return obey(request, Command{EndDispatch{}});
}
WebResponse WebApi::start_storm(const WebRequest& request) {
  const auto view = this->view();
  const auto now = view && view->local.trusted ? std::optional{view->wall} : std::nullopt;
  return obey(request, storm_command(request.body, now));
}
WebResponse WebApi::end_storm(const WebRequest& request) {
  return obey(request, Command{EndStorm{}});
}
WebResponse WebApi::acknowledge(const WebRequest& request) {
  return obey(request, Command{Acknowledge{}});
}

WebResponse WebApi::tell(const WebRequest& request, const std::vector<FeedKind>& kinds) {
  if (auto refused = unauthorised(request)) return *refused;
  if (!parts_.feed) return unavailable("this hub takes no feeds");
  const auto done = parts_.feed(kinds, request.body, "web " + request.peer);
  if (!done && done.error().kind == ErrorKind::refused) return unavailable(done.error().detail);
  if (!done) return refusal(400, "bad_body", done.error().detail);
  return ok(json_object({{"accepted", true}}));
}

WebResponse WebApi::tell_prices(const WebRequest& request) {
  return tell(request, {FeedKind::import_price, FeedKind::export_price});
}
WebResponse WebApi::tell_solar(const WebRequest& request) {
  return tell(request, {FeedKind::solar});
}

void WebApi::report(Level level, std::string name, const WebRequest& request) {
  if (parts_.events) parts_.events("web", {level, std::move(name), "from=" + request.peer});
}

}  // namespace esshub::publish
