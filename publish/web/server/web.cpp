#include "publish/web/server/web.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "publish/threads/thread_name.hpp"
#include "publish/web/server/api.hpp"
#include "publish/web/server/host_names.hpp"
#include "publish/web/server/http_server.hpp"

namespace esshub::publish {
namespace {

namespace asio = boost::asio;
using Code = boost::system::error_code;

constexpr auto look_period = std::chrono::milliseconds(100);  ///< for what changed
constexpr auto event_period = std::chrono::seconds(1);
constexpr const char* events_path = "/api/v1/events";

Result<StreamMaker> streams(const WebSettings& settings) {
  if (settings.certificate.empty() && settings.key.empty()) return StreamMaker{&plain_stream};
  if (settings.certificate.empty() || settings.key.empty())
    return fail(ErrorKind::invalid, "TLS needs both a certificate and a key file");
  return tls_streams(settings.certificate, settings.key);
}

class WebServer final : public Web {
 public:
  WebServer(WebParts parts, const WebSettings& settings, WebLimits limits)
      : limits_(std::move(limits)),
        events_(parts.events),
        unavailable_(parts.unavailable),
        certificate_end_(parts.certificate_end),
        api_(std::move(parts), host_names(settings.host_names)),
        server_(service(settings)) {}
  ~WebServer() override { close(); }

  void run() {
    look();
    server_.start();
    asio::post(worker_, [] { name_thread("page.disk"); });
  }

  void update(const View& view) override { api_.update(view); }
  std::uint16_t port() const override { return server_.port(); }

  void close() override {
    server_.begin_close([this] { timer_.cancel(); });
    // A job in hand may still wait for the disk; those in the queue are dropped.
    worker_.stop();
    worker_.join();
    server_.end();
  }

 private:
  HttpService service(const WebSettings& settings) {
    HttpService made{.name = "page",
                     .component = "web",
                     .address = settings.address,
                     .streams =
                         [settings, told = certificate_end_] {
                           auto stream_maker = streams(settings);
                           if (stream_maker && told) told(certificate_end(settings.certificate));
                           return stream_maker;
                         },
                     .host = {},
                     .events = events_,
                     .unavailable = unavailable_};
    made.host.limits = limits_;
    made.host.answer = [this](WebRequest request, std::function<void(WebResponse)> done) {
      answer(std::move(request), std::move(done));
    };
    made.host.first_event = [this] { return event(); };
    return made;
  }

  void answer(WebRequest request, std::function<void(WebResponse)> done) {
    if (auto refused = api_.check_origin(request)) return done(std::move(*refused));
    if (request.path == events_path && request.method == "GET") {
      if (auto refused = WebApi::check_query(request, {})) return done(std::move(*refused));
      if (!request.head && !may_follow(request.peer))
        return done(busy("too many follow the events: close a page, or ask for the state", "10"));
      return done({200, "text/event-stream", {}, {{"Cache-Control", "no-store"}}});
    }
    if (!WebApi::waits(request)) return done(api_.answer(request));
    if (jobs_ >= limits_.waiting_jobs)
      return done(busy("too many requests wait: try again in a moment", "1"));
    ++jobs_;
    asio::post(worker_, [this, request = std::move(request), done = std::move(done)]() mutable {
      WebResponse response;
      try {
        response = api_.answer(request);
      } catch (const std::exception& e) {
        response = refusal(500, "failed", e.what());
      }
      asio::post(server_.io(),
                 [this, response = std::move(response), done = std::move(done)]() mutable {
                   --jobs_;
                   done(std::move(response));
                 });
    });
  }

  static WebResponse busy(std::string_view text, const char* retry_after) {
    auto response = refusal(503, "busy", text);
    response.headers.emplace_back("Retry-After", retry_after);
    return response;
  }

  [[nodiscard]] bool may_follow(const std::string& peer) const {
    std::size_t all = 0;
    std::size_t of_peer = 0;
    for (const auto& [weak, address] : server_.clients()) {
      const auto client = weak.lock();
      if (!client || !client->follows_events()) continue;
      ++all;
      if (address == peer) ++of_peer;
    }
    return all < limits_.followers && of_peer < limits_.followers_per_address;
  }

  SharedText event() const {
    const auto state = api_.state();
    if (!state) return nullptr;
    return std::make_shared<const std::string>("event: state\ndata: " + *state + "\n\n");
  }

  /// Once a second, and at once when the sense of the picture changes.
  void look() {
    timer_.expires_after(look_period);
    timer_.async_wait([this](Code error) {
      if (error || server_.closing()) return;
      look();
      if (std::ranges::none_of(server_.clients(), [](const auto& entry) {
            const auto client = entry.first.lock();
            return client && client->follows_events();
          }))
        return;
      auto state_fingerprint = api_.gist_now();
      const auto now = Timer::clock_type::now();
      if (state_fingerprint == gist_ && now - sent_at_ < event_period) return;
      gist_ = std::move(state_fingerprint);
      sent_at_ = now;
      const auto text = event();
      if (!text) return;
      for (const auto& [weak, address] : server_.clients())
        if (const auto client = weak.lock()) client->push(text);
    });
  }

  WebLimits limits_;
  EventSink events_;
  std::function<void(bool)> unavailable_;
  std::function<void(std::optional<WallTime>)> certificate_end_;
  WebApi api_;
  HttpServer server_;
  Timer timer_{server_.io()};
  std::string gist_;
  std::chrono::steady_clock::time_point sent_at_{};
  std::size_t jobs_ = 0;
  asio::thread_pool worker_{1};  ///< disk and hashes: a slow disk delays no live value
};

}  // namespace

std::unique_ptr<Web> Web::start(const WebSettings& settings, WebParts parts, WebLimits limits) {
  auto server = std::make_unique<WebServer>(std::move(parts), settings, std::move(limits));
  server->run();
  return server;
}

}  // namespace esshub::publish
