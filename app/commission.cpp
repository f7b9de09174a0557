#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/commands.hpp"
#include "app/commission_checks.hpp"
#include "app/commission_report.hpp"
#include "app/hub_client.hpp"
#include "app/secret.hpp"
#include "app/stop_key.hpp"
#include "app/time_zone.hpp"
#include "commissioning/findings.hpp"
#include "commissioning/steps.hpp"
#include "publish/files/replace_file.hpp"

namespace esshub::app {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;
using commissioning::chip_length;
using commissioning::chips;
using commissioning::Measured;
using commissioning::rest_length;
using commissioning::total_length;

constexpr auto look_every = 100ms;  // the hub shows ten pictures a second
constexpr auto supervise_every = 500ms;
constexpr auto order_settles = 1500ms;  // until what is ordered is what is commanded
constexpr int order_seconds = 5;        // an order that is not renewed ends by then

/// The object that the hub shows there; the Error says why there is none.
Result<Json> shown(HubClient& client, const std::string& path) {
  auto answer = client.get(path);
  if (answer && !answer->is_object())
    return fail(ErrorKind::refused,
                "the hub does not show " + path + ": it is too busy, or older than this program");
  return answer;
}

/// What `ask` returns; an answer that is not made as a hub's is an Error as well.
template <class Ask>
Result<void> understood(const Ask& ask) {
  try {
    return ask();
  } catch (const Json::exception& e) {
    return fail(ErrorKind::io, std::string{"an answer of the hub is not understood: "} + e.what());
  } catch (const std::exception& e) {  // the order is to be ended all the same
    return fail(ErrorKind::io, e.what());
  }
}

/// Readings as they come, each stamp once, on the hub's clock.
class Recorder {
 public:
  void take(const Json& answer) {
    for (const auto& reading : answer.value("readings", Json::array())) {
      const auto point_name = reading.value("point", "");
      const auto measure = reading.value("measure", "");
      const auto value = reading.value("value", Json(nullptr));
      if (!value.is_number()) continue;
      const Instant at = moment(reading.value("at_s", 0.0));
      auto& newest = newest_[point_name + ' ' + measure];
      if (newest.first == at) continue;
      newest = {at, value.get<double>()};
      keep(point_name, measure, at, value.get<double>());
    }
  }
  [[nodiscard]] static Instant moment(double seconds) {
    return Instant{} + as_duration(Seconds{seconds});
  }
  [[nodiscard]] Measured& measured() { return measured_; }
  [[nodiscard]] std::string newest(const std::string& key) const {
    const auto found = newest_.find(key);
    return found == newest_.end() ? "--" : std::to_string(std::lround(found->second.second));
  }

 private:
  void keep(const std::string& point_name, const std::string& measure, Instant at, double value) {
    const commissioning::PowerReading reading{at, Watts{value}};
    if (point_name == "inverter" && measure == "power") measured_.inverter.push_back(reading);
    if (point_name == "inverter" && measure == "dc_power") measured_.conversion.push_back(reading);
    if (point_name == "battery" && measure == "current") {
      const auto volts = newest_.find("battery voltage");
      if (volts != newest_.end())
        measured_.battery_dc.push_back({at, Watts{value * volts->second.second}});
    }
    if (measure != "power") return;
    for (const Point point : enum_values<Point>)
      if (name(point) == point_name && is_metered(point)) channel(point).push_back(reading);
  }
  static bool is_metered(Point point) {
    return point == Point::grid || point == Point::solar || point == Point::battery_meter ||
           (point >= circuit(0) && point < battery_module(0));
  }
  std::vector<commissioning::PowerReading>& channel(Point point) {
    for (auto& known : measured_.channels)
      if (known.point == point) return known.readings;
    measured_.channels.push_back({point, {}});
    return measured_.channels.back().readings;
  }

  Measured measured_;
  std::map<std::string, std::pair<Instant, double>> newest_;
};

/// The steps as dispatches, watched; whatever happens the order is ended.
class Run {
 public:
  Run(HubClient& client, Watts power, double target_percent, std::ostream& out)
      : client_(client), power_(power), target_percent_(target_percent), out_(out) {}

  /// Why it ended before its time; nothing when all steps were made.
  std::optional<std::string> steps(StopKey& stop) {
    begin_ = Clock::now();
    std::optional<std::string> why;
    const auto heard = understood([&]() -> Result<void> {
      why = all_steps(stop);
      return {};
    });
    if (!heard) why = heard.error().detail;
    const auto rests = understood([&] { return come_to_rest(); });
    const auto ended = understood([&] { return end_order(); });
    if (progress_) out_ << '\n';
    if (rests && ended) return why;
    const std::string before = stopped_ ? "it was stopped" : why.value_or("all steps were made");
    return before +
           (ended ? "; the order has ended, but its rest was not seen: " + rests.error().detail
                  : "; the last order ends by itself within 5 s: " + ended.error().detail);
  }
  [[nodiscard]] Recorder& recorder() { return recorder_; }
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  static Watts wanted_at(Duration since, Watts power) {
    if (since < rest_length) return Watts{};
    const auto chip = static_cast<std::size_t>((since - rest_length) / chip_length);
    return chip < chips.size() && chips.at(chip) ? power : Watts{};
  }

  std::optional<std::string> all_steps(StopKey& stop) {
    std::optional<Instant> ordered_at;
    Duration next_look{};
    Duration next_supervision = order_settles;
    for (Duration since{}; since < total_length; since = Clock::now() - begin_) {
      const Watts wanted = wanted_at(since, power_);
      const bool changes = !ordered_at || wanted != ordered_;
      if (changes || Clock::now() - *ordered_at >= chip_length) {
        if (const auto done = order(wanted); !done) return done.error().detail;
        if (changes) changed_at_ = Clock::now();
        ordered_at = Clock::now();
      }
      if (const auto heard = look(); !heard) return heard.error().detail;
      if (since >= next_supervision) {
        next_supervision = since + supervise_every;
        if (auto why = supervise()) return why;
      }
      show(since);
      if (!out_) return "what it says cannot be written any more";
      next_look = std::max(next_look + look_every, Clock::now() - begin_);
      const auto wait = begin_ + next_look - Clock::now();
      if (stop.pressed_within(
              std::chrono::ceil<std::chrono::milliseconds>(std::max<Duration>(wait, Duration{})))) {
        stopped_ = true;
        return "it was stopped: the battery rests, and the order has ended";
      }
    }
    return std::nullopt;
  }

  Result<void> order(Watts discharge) {
    Json instruction{{"kind", "idle"}, {"low_percent", 0}, {"high_percent", 100}};
    if (discharge > Watts{})
      instruction = {{"kind", "discharge"},
                     {"power_w", discharge.value()},
                     {"target_percent", target_percent_}};
    const auto done = client_.post("/api/v1/dispatch",
                                   {{"instruction", instruction}, {"seconds", order_seconds}});
    if (!done) return tl::unexpected<Error>(done.error());
    ordered_ = discharge;
    if (hub_ahead_)
      recorder_.measured().commanded.push_back({Clock::now() + *hub_ahead_, -discharge});
    return {};
  }

  Result<void> look() {
    const auto answer = shown(client_, "/api/v1/readings");
    if (!answer) return tl::unexpected<Error>(answer.error());
    recorder_.take(*answer);
    hub_ahead_ = Recorder::moment(answer->value("monotonic_s", 0.0)) - Clock::now();
    return {};
  }

  std::optional<std::string> supervise() {
    const auto state = shown(client_, "/api/v1/state");
    if (!state) return state.error().detail;
    if (Clock::now() - changed_at_ < order_settles) return std::nullopt;
    return interference(*state, ordered_);
  }

  /// 0 W, until it is commanded.
  Result<void> come_to_rest() {
    auto rested = order(Watts{});
    for (int looks = 0; rested && looks < 20; ++looks) {
      const auto state = shown(client_, "/api/v1/state");
      const auto command =
          state ? state->value("/decision/battery_command_w"_json_pointer, Json(nullptr))
                : Json(nullptr);
      if (!command.is_number() || std::abs(command.get<double>()) < 10.0) break;
      ::usleep(50'000);
    }
    return rested;
  }

  Result<void> end_order() {
    const auto ended = client_.remove("/api/v1/dispatch");
    if (!ended) return tl::unexpected<Error>(ended.error());
    return {};
  }

  void show(Duration since) {
    const auto second = std::chrono::floor<std::chrono::seconds>(since).count();
    if (second == shown_) return;
    shown_ = second;
    static const bool terminal = ::isatty(STDOUT_FILENO) != 0;
    progress_ = terminal;
    std::string text =
        std::to_string(second) + " of " +
        std::to_string(
            std::chrono::seconds(std::chrono::duration_cast<std::chrono::seconds>(total_length))
                .count()) +
        " s  " +
        (ordered_ > Watts{} ? "discharge " + std::to_string(std::lround(ordered_.value())) + " W"
                            : std::string{"rest"});
    text.resize(std::max<std::size_t>(text.size(), 30), ' ');
    text += "inverter " + recorder_.newest("inverter power");
    for (const auto& channel : recorder_.measured().channels) {
      const std::string point{name(channel.point)};
      text += "  " + point + ' ' + recorder_.newest(point + " power");
    }
    out_ << (terminal ? "\r\x1b[K" : "") << text << (terminal ? "" : "\n") << std::flush;
  }

  HubClient& client_;
  Watts power_;
  double target_percent_;
  std::ostream& out_;
  Recorder recorder_;
  Instant begin_{};
  Instant changed_at_{};
  Watts ordered_{};
  std::optional<Duration> hub_ahead_;  ///< of its steady clock, seen from here
  std::int64_t shown_ = -1;
  bool progress_ = false;
  bool stopped_ = false;
};

std::string announcement(const std::string& site, Watts power) {
  const auto watts = std::to_string(std::lround(power.value())) + " W";
  return "Commissioning of " + site + "\n\nFor " +
         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(total_length).count()) +
         " s the battery will rest and discharge " + watts +
         " by turns, each for 3 s or 6 s. The house uses what it gives, or\nthe grid gets it. "
         "Switch nothing large meanwhile. Any key or Ctrl-C stops it: the battery rests, and the "
         "hub goes on\nas before. Nothing is changed, and the hub keeps every limit.\n\n";
}

std::string file_name(double unix_seconds) {
  const date::sys_seconds at{std::chrono::seconds(static_cast<std::int64_t>(unix_seconds))};
  return date::format("esshub-commission-%Y%m%d-%H%M%S.html", at);
}
std::string made_at(double unix_seconds) {
  const date::sys_seconds at{std::chrono::seconds(static_cast<std::int64_t>(unix_seconds))};
  return date::format("%F %T UTC by the hub's clock", at);
}

}  // namespace

int commission(const CommissionOptions& options, std::ostream& out, std::ostream& err) {
  const auto refuse = [&](const std::string& why) {
    err << "esshub commission: " << why << '\n';
    return exit_failure;
  };
  const auto password = page_password(out);
  if (!password) return refuse("no password was given");
  HubClient client{options.hub.address, options.hub.certificate};
  if (const auto signed_in = client.sign_in(*password); !signed_in)
    return refuse(signed_in.error().detail);
  const auto site = shown(client, "/api/v1/site");
  const auto state = shown(client, "/api/v1/state");
  const auto limits = shown(client, "/api/v1/limits");
  for (const auto* answer : {&site, &state, &limits})
    if (!*answer) return refuse(answer->error().detail);
  const auto hindered = [&](const std::vector<std::string>& found) {
    for (const auto& obstacle : found) (void)refuse("not now: " + obstacle);
    return !found.empty();
  };
  if (hindered(obstacles(*state))) return exit_failure;
  const Watts power = allowed_power(*state, *limits, Watts{options.power_w});
  if (power < commissioning::lowest_power)
    return refuse("not now: limits and BMS allow " + std::to_string(std::lround(power.value())) +
                  " W of discharge, 100 W are needed");

  CommissionReport report;
  report.site = site->value("name", "");
  report.version = site->value("version", "");
  report.power = power;
  out << announcement(report.site, power) << std::flush;
  if (!options.yes) {
    if (ask("Type yes to begin: ", out) != "yes")
      return refuse("nothing was done: the answer was not yes");
    const auto now = shown(client, "/api/v1/state");  // an answer takes its time
    if (!now) return refuse(now.error().detail);
    if (hindered(obstacles(*now))) return exit_failure;
  }

  StopKey stop;
  Run run{client, power, kept_percent(*state), out};
  const auto why = run.steps(stop);
  const auto after = shown(client, "/api/v1/state");
  const double at = (after ? *after : *state).value("at", 0.0);
  if (run.stopped()) return refuse(*why);
  report.ended = why.value_or("");
  report.made = made_at(at);
  report.measured = std::move(run.recorder().measured());
  report.measured.no_export_limit = options.no_export_limit;
  report.findings = commissioning::judge(report.measured);
  out << '\n' << commission_text(report);
  const auto file = options.report / file_name(at);
  if (const auto written = publish::replace_file(file, commission_html(report), 0644); !written)
    return refuse("the report: " + written.error().detail);
  out << "Report: " << file.string() << '\n';
  if (why) return refuse("it ended early: " + *why);
  return out.flush() ? exit_ok : exit_failure;
}

}  // namespace esshub::app
