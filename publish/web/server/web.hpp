// Web: the owner's page, its REST interface and its live events, on a thread of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/command.hpp"
#include "model/event.hpp"
#include "model/feed.hpp"
#include "model/order_limits.hpp"
#include "model/past_day.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"
#include "model/savings.hpp"
#include "model/smart_plan.hpp"
#include "model/view.hpp"
#include "publish/config_notes.hpp"
#include "publish/history/history.hpp"
#include "publish/web/settings.hpp"

namespace esshub::publish {

/// Limits against greedy and slow clients (safety contract F15).
struct WebLimits {
  std::size_t connections = 96;  ///< full: the address with the most gives one up for another
  std::size_t connections_per_address = 48;
  bool idle_gives_way = false;  ///< full: the address's oldest that asks nothing, not the newest
  std::size_t followers = 64;   ///< of events: the rest is kept for questions; beyond: 503
  std::size_t followers_per_address = 32;
  std::size_t waiting_jobs = 16;                  ///< for the disk or the password hash
  std::size_t header_bytes = 8192;                ///< of a request; beyond: 431
  std::size_t body_bytes = 4096;                  ///< of a request; beyond: 413
  std::size_t put_bytes = feed_message_bytes;     ///< the same of a PUT of a feed's document
  std::string put_under = "/api/v1/feed/";        ///< where such a PUT goes
  std::chrono::milliseconds read_limit{15'000};   ///< from the first wait to the last byte
  std::chrono::milliseconds write_limit{20'000};  ///< of a whole answer, or of one event
  std::chrono::milliseconds open_again{5'000};    ///< while it cannot listen
};

/// What the page shows and whom it asks. Whatever is empty is answered with 503.
struct WebParts {
  std::string site_name;
  std::string time_zone = "Etc/UTC";      ///< IANA name: the site's time, whatever the reader's
  std::function<std::string()> currency;  ///< of every price and sum now; empty: not given
  std::string version;
  std::filesystem::path state_dir;  ///< holds the password file; empty = no writes ever
  std::shared_ptr<HistoryReader> history;
  PlanSource plan;
  SmartSource smart;  ///< Smart mode's; empty: there is none
  SavingsSource savings{};
  PastDaySource yesterday{};
  std::function<std::vector<OrderLimit>()> limits;  ///< of what may be ordered now
  ConfigNotesSource notes;                          ///< empty: nothing is noted
  CommandSink command;
  FeedDesk feed{};
  FeedStates feeds{};
  EventSink events;
  std::function<void(bool)> unavailable;  ///< as of HttpService
  /// Told when it begins to listen: until when its certificate is valid; nothing: it has none.
  std::function<void(std::optional<WallTime>)> certificate_end{};
  std::function<Instant()> clock;  ///< the steady clock
};

class Web {
 public:
  static constexpr Duration period = 200ms;  ///< of the Views it is given

  /// Starts to serve. What cannot be had yet (an address that comes later, a certificate that is
  /// being renewed) is reported once and tried again every few seconds: no page is no reason not to
  /// control the battery.
  [[nodiscard]] static std::unique_ptr<Web> start(const WebSettings& settings, WebParts parts,
                                                  WebLimits limits = {});
  Web(const Web&) = delete;
  Web& operator=(const Web&) = delete;
  virtual ~Web() = default;

  /// What is shown from now on. Copies; never waits for a client. Thread-safe.
  virtual void update(const View& view) = 0;
  /// The port it listens on, 0 while it does not.
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  /// Ends every connection and the threads. Idempotent.
  virtual void close() = 0;

 protected:
  Web() = default;
};

}  // namespace esshub::publish
