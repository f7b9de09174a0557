#include "publish/venus/dbus/dbus.hpp"

#include <poll.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "publish/rate_limit.hpp"
#include "publish/threads/closable_sinks.hpp"
#include "publish/threads/detachable_thread.hpp"
#include "publish/threads/latest_view.hpp"
#include "publish/venus/dbus/dbus_service.hpp"
#include "publish/venus/writes.hpp"

namespace esshub::publish {
namespace {

constexpr auto component = "dbus";
constexpr int calls_at_once = 50;         // per service and pass; a flood waits at the bus
constexpr Duration breath = 10ms;         // after a pass that was full
constexpr Duration longest_wait = 500ms;  // also how often a last View is aged
constexpr Duration late = 2s;             // no View for so long: the last one is shown as it ages
constexpr Duration settled_after = 30s;   // then a loss is a new one: short pauses again

Instant clock_now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

/// Lives as long as its thread, which may be longer than its Dbus.
class Dbus::Server {
 public:
  Server(DbusSettings settings, VenusIdentity identity, const CommandSink& commands,
         const EventSink& events)
      : settings_(std::move(settings)), identity_(std::move(identity)), gate_(commands, events) {
    identity_.grid = std::ranges::find(settings_.services, "grid") != settings_.services.end();
    for (const auto& wanted : settings_.services)
      if (const auto* service = find_service(wanted))
        links_.push_back(
            {std::make_unique<DbusService>(
                 *service,
                 [this](const VenusService& to, std::string_view path, std::optional<double> value,
                        const std::string& sender) { return write(to, path, value, sender); }),
             {},
             {},
             {}});
  }

  void run() {
    while (!slot_.stopping()) {
      fetch_view();
      for (auto& link : links_) {
        try {
          tend(link);
        } catch (const std::exception& e) {
          lost(link, e.what());
        }
      }
      wait();
    }
    for (auto& link : links_) link.service->disconnect();
  }

  LatestView& slot() { return slot_; }
  ClosableSinks& gate() { return gate_; }

 private:
  struct Link {
    std::unique_ptr<DbusService> service;
    Backoff pause;
    Instant retry_at;
    Instant since;  ///< connected
  };

  /// Connects a service when it is time, else handles what has come for it.
  void tend(Link& link) {
    auto& service = *link.service;
    if (!service.connected()) {
      // Not before there is something to show.
      if (rows_.empty() || clock_now() < link.retry_at) return;
      link.since = clock_now();
      if (const auto wrong = service.connect(settings_.bus, rows_); !wrong.empty())
        return lost(link, wrong);
    }
    if (const auto wrong = service.process(calls_at_once); !wrong.empty()) return lost(link, wrong);
    if (const auto trouble = service.take_trouble(); !trouble.empty()) return lost(link, trouble);
    if (service.take_named())
      tell(Level::notice, "dbus_name_acquired", "name=" + std::string{service.service().bus_name});
  }

  void lost(Link& link, const std::string& reason) {
    if (clock_now() - link.since > settled_after) link.pause.reset();
    link.service->disconnect();
    link.retry_at = clock_now() + link.pause.next();
    tell(Level::warning, "service_down",
         "name=" + std::string{link.service->service().bus_name} +
             " bus=" + log_quoted(settings_.bus) + " reason=" + log_quoted(reason));
  }

  void fetch_view() {
    const Instant now = clock_now();
    if (const auto view = slot_.take()) {
      view_ = *view;
    } else if (!view_ || now - view_->now < late) {
      return;
    }
    // A View that has waited ages like its readings do (I10).
    view_->now = std::max(view_->now, now);
    rows_ = venus_items(identity_, *view_);
    for (auto& link : links_) link.service->show(rows_);
  }

  void wait() {
    const Instant now = clock_now();
    Duration limit = longest_wait;
    std::vector<pollfd> ready{{slot_.fd(), POLLIN, 0}};
    for (const auto& link : links_) {
      if (!link.service->connected()) {
        if (!rows_.empty()) limit = std::min(limit, std::max(breath, link.retry_at - now));
        continue;
      }
      if (link.service->flooded()) return slot_.wait(breath);
      ready.push_back({link.service->fd(), link.service->events(), 0});
      if (const auto timeout = link.service->timeout(now)) limit = std::min(limit, *timeout);
    }
    ::poll(ready.data(), ready.size(),
           static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(limit).count()));
  }

  Result<void> write(const VenusService& to, std::string_view path, std::optional<double> value,
                     const std::string& sender) {
    const auto who = "dbus " + sender;
    const auto said = "who=" + log_quoted(who) + " service=" + std::string{to.service} +
                      " path=" + log_quoted(path) +
                      " value=" + (value ? std::to_string(*value) : std::string{"invalid"});
    auto done = order(to, path, value, who);
    if (done) {
      tell(Level::info, "write_accepted", said);
    } else {
      tell(Level::warning, "write_refused", said + " reason=" + log_quoted(done.error().detail));
    }
    return done;
  }

  Result<void> order(const VenusService& to, std::string_view path, std::optional<double> value,
                     const std::string& who) {
    if (!VenusWrites::writable(to.service, path))
      return fail(ErrorKind::refused, "the path cannot be written");
    if (!settings_.writes) return fail(ErrorKind::refused, "writes are off (dbus.writes)");
    const Instant now = clock_now();
    if (!writes_.take(now)) return fail(ErrorKind::invalid, "more than 10 a second");
    const auto command = venus_writes_.write(to.service, path, value, *view_, now);
    if (!command) return tl::unexpected<Error>(command.error());
    return gate_.command(*command, who);
  }

  void tell(Level level, std::string name, std::string detail) {
    gate_.event(component, {level, std::move(name), std::move(detail)});
  }

  const DbusSettings settings_;
  VenusIdentity identity_;
  LatestView slot_;
  ClosableSinks gate_;
  VenusWrites venus_writes_;
  RateLimit writes_{10, 20};
  std::optional<View> view_;
  std::vector<VenusRow> rows_;
  std::vector<Link> links_;
};

Dbus::Dbus(const DbusSettings& settings, const VenusIdentity& identity, const CommandSink& commands,
           const EventSink& events)
    : server_(std::make_shared<Server>(settings, identity, commands, events)),
      thread_(std::make_unique<DetachableThread>("dbus", [server = server_] { server->run(); })) {}

Dbus::~Dbus() {
  close();
}

void Dbus::close() {
  server_->slot().stop();
  static_cast<void>(thread_->wait(2s));
  server_->gate().close();
}

void Dbus::update(const View& view) {
  server_->slot().put(view);
}

}  // namespace esshub::publish
