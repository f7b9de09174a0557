#include "feed/program/run.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

#include "feed/program/feed_files.hpp"
#include "feed/program/fetch.hpp"
#include "feed/schedule.hpp"
#include "feed/source_json.hpp"
#include "model/utc_text.hpp"

namespace esshub::feed {
namespace {

using Clock = std::chrono::steady_clock;

UnixSeconds now() {
  return service::unix_seconds(std::chrono::system_clock::now());
}

/// journald reads the level of <4> and stamps the time itself.
void say(bool warning, std::string_view event, const std::string& detail) {
  if (std::getenv("JOURNAL_STREAM") != nullptr)
    std::cerr << (warning ? "<4>" : "<6>");
  else
    std::cerr << utc_text(now()) << (warning ? " WARNING " : " INFO ");
  std::cerr << "feed " << event << ' ' << detail << std::endl;
}

/// A token as services give it out, alone in its file; nothing where there is none.
std::optional<std::string> token_of(const Source& source) {
  if (source.token_file.empty()) return std::string{};
  auto text = read_file(source.token_file);
  if (!text) return std::nullopt;
  text->erase(text->find_last_not_of(" \t\r\n") + 1);
  constexpr std::string_view allowed{
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};
  if (text->empty() || text->find_first_not_of(allowed) != std::string::npos) return std::nullopt;
  return text;
}

/// A source with its times.
class Errand {
 public:
  Errand(const Source& source, const Settings& settings)
      : source_(source),
        settings_(settings),
        every_(std::chrono::duration_cast<Schedule::Pause>(source.every)),
        schedule_(every_) {
    std::optional<Schedule::Pause> age;
    if (const auto text = read_file(feed_file(settings_.folder, source_.gives)))
      if (const auto feed = service::read_feed(*text, settings_.limits))
        age = Schedule::Pause{now() - feed->issued};
    due_ = Clock::now() + first_pause(every_, age);
  }

  [[nodiscard]] Clock::time_point due() const { return due_; }
  void tell_due() const {
    const auto left = std::chrono::ceil<Schedule::Pause>(due_ - Clock::now());
    say(false, "waits",
        std::string{"gives="} + std::string{name(source_.gives)} +
            " next_s=" + std::to_string(std::max(left, Schedule::Pause{}).count()));
  }

  bool go(double random) {
    const auto fetched = ask();
    due_ = Clock::now();
    if (fetched) {
      if (schedule_.failures() > 0) told_.clear();
      due_ += schedule_.answered(random);
      tell(*fetched);
      return true;
    }
    const auto pause = schedule_.failed(random, fetched.error().wait);
    due_ += pause;
    // The first one, every hundredth, and what is another than before.
    if (const auto why = fetched.error().why; why != told_ || schedule_.failures() % 100 == 1) {
      told_ = why;
      say(true, "not_fetched",
          std::string{"gives="} + std::string{name(source_.gives)} +
              " failures=" + std::to_string(schedule_.failures()) +
              " again_s=" + std::to_string(pause.count()) + " why=\"" + shown_all(why) + '"');
    }
    return false;
  }

 private:
  /// What a stranger wrote is in it: one line.
  static std::string shown_all(std::string text) {
    for (char& c : text) {
      if (c == '"') c = '\'';
      if (c < ' ' || c > '~') c = '?';
    }
    return text.substr(0, 300);
  }

  tl::expected<Feed, Refused> ask() const {
    const auto token = token_of(source_);
    if (!token)
      return tl::unexpected(Refused{source_.token_file + ": no token can be read from it"});
    auto feed = fetch(source_, *token, wanted_now(source_, now(), settings_.limits));
    if (!feed) return feed;
    if (const auto written = write_feed(settings_.folder, *feed); !written)
      return tl::unexpected(Refused{written.error().detail, facts_of(source_.service).least});
    return feed;
  }

  /// When it says something else than before.
  void tell(const Feed& feed) {
    const auto until = utc_text(service::known_until(feed.slots, feed.slots.front().begin));
    if (until == told_) return;
    told_ = until;
    say(false, "fetched",
        std::string{"gives="} + std::string{name(feed.kind)} + " source=\"" + feed.source +
            "\" slots=" + std::to_string(feed.slots.size()) + " until=" + until);
  }

  const Source& source_;
  const Settings& settings_;
  Schedule::Pause every_;
  Schedule schedule_;
  Clock::time_point due_{};
  std::string told_{};
};

/// True when a signal has come.
bool wait_until(Clock::time_point due, const sigset_t& stop) {
  const auto left = std::max(due - Clock::now(), Clock::duration{});
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  const timespec time{static_cast<time_t>(seconds.count()),
                      static_cast<long>(std::chrono::nanoseconds{left - seconds}.count())};
  return ::sigtimedwait(&stop, nullptr, &time) > 0;
}

}  // namespace

bool run(const Settings& settings, bool once) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  std::random_device seed;
  std::uniform_real_distribution<double> random{0.0, 1.0};
  std::vector<Errand> errands;
  errands.reserve(settings.sources.size());
  for (const auto& source : settings.sources) errands.emplace_back(source, settings);
  bool all = true;
  if (once) {
    for (auto& errand : errands) all = errand.go(random(seed)) && all;
    return all;
  }
  for (const auto& errand : errands) errand.tell_due();
  for (;;) {
    auto& next = *std::ranges::min_element(errands, {}, &Errand::due);
    if (wait_until(next.due(), stop)) return true;
    (void)next.go(random(seed));
  }
}

}  // namespace esshub::feed
