#include "publish/web/server/web.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <future>
#include <map>
#include <thread>

#include "publish/threads/thread_name.hpp"
#include "publish/web/server/api.hpp"
#include "publish/web/server/connection.hpp"

namespace esshub::publish {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using Resolver = asio::ip::basic_resolver<tcp, Executor>;
using Code = boost::system::error_code;

constexpr auto look_period = std::chrono::milliseconds(100);  ///< for what changed
constexpr auto event_period = std::chrono::seconds(1);
constexpr auto accept_pause = std::chrono::milliseconds(200);  ///< when files run out
constexpr const char* events_path = "/api/v1/events";

struct HostPort {
  std::string host;
  std::string port;
};

std::optional<HostPort> split(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) return std::nullopt;
  auto host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  if (host.empty()) return std::nullopt;
  return HostPort{host, address.substr(colon + 1)};
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

/// The names it answers to: those configured and the machine's own, also as mDNS has it.
std::vector<std::string> names(const WebSettings& settings) {
  std::vector<std::string> result;
  for (const auto& name : settings.host_names) result.push_back(lower(name));
  Code error;
  const auto own = lower(asio::ip::host_name(error));
  if (!error && !own.empty()) {
    result.push_back(own);
    result.push_back(own.substr(0, own.find('.')) + ".local");
  }
  return result;
}

Result<StreamMaker> streams(const WebSettings& settings) {
  if (settings.certificate.empty() && settings.key.empty()) return StreamMaker{&plain_stream};
  if (settings.certificate.empty() || settings.key.empty())
    return fail(ErrorKind::invalid, "TLS needs both a certificate and a key file");
  return tls_streams(settings.certificate, settings.key);
}

class WebServer final : public Web {
 public:
  WebServer(WebParts parts, WebSettings settings, WebLimits limits)
      : settings_(std::move(settings)),
        events_(parts.events),
        api_(std::move(parts), names(settings_)) {
    auto host = std::make_shared<ConnectionHost>();
    host->limits = limits;
    host->answer = [this](WebRequest request, std::function<void(WebResponse)> done) {
      answer(std::move(request), std::move(done));
    };
    host->first_event = [this] { return event(); };
    host_ = std::move(host);
  }
  ~WebServer() override { close(); }

  void run() {
    open_or_retry();
    look();
    thread_ = std::thread([this] {
      name_thread("page");
      serve();
    });
    asio::post(worker_, [] { name_thread("page.disk"); });
  }

  void update(const View& view) override { api_.update(view); }
  std::uint16_t port() const override { return port_; }

  void close() override {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] {
      closing_ = true;
      Code ignored;
      acceptor_.close(ignored);
      timer_.cancel();
      pause_.cancel();
      for (const auto& [client, address] : clients_)
        if (const auto alive = client.lock()) alive->close();
    });
    // A job in hand may still wait for the disk; those in the queue are dropped.
    worker_.stop();
    worker_.join();
    work_.reset();
    // Handlers hold their connections; what is left after this moment is dropped with the context.
    const auto limit = std::async(std::launch::async, [this] { thread_.join(); });
    if (limit.wait_for(std::chrono::seconds(2)) != std::future_status::ready) io_.stop();
    limit.wait();
  }

 private:
  void open_or_retry() {
    const auto opened = open();
    if (opened) {
      if (failed_) report(Level::notice, "page_available", "address=" + settings_.address);
      failed_ = false;
      return accept();
    }
    Code ignored;
    acceptor_.close(ignored);
    if (!failed_)
      report(Level::error, "page_unavailable", "reason=" + log_quoted(opened.error().detail));
    failed_ = true;
    pause_.expires_after(host_->limits.open_again);
    pause_.async_wait([this](Code stopped) {
      if (!stopped && !closing_) open_or_retry();
    });
  }

  Result<void> open() {
    const auto place = split(settings_.address);
    if (!place)
      return fail(ErrorKind::invalid, settings_.address + " is no host:port for the page");
    auto maker = streams(settings_);
    if (!maker) return tl::unexpected{maker.error()};
    new_stream_ = std::move(*maker);
    Code error;
    Resolver resolver{io_};
    const auto found = resolver.resolve(place->host, place->port,
                                        Resolver::passive | Resolver::numeric_service, error);
    const tcp::endpoint endpoint = error ? tcp::endpoint{} : found.begin()->endpoint();
    if (!error) acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(Acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return fail(ErrorKind::io,
                  "the page cannot listen on " + settings_.address + ": " + error.message());
    port_ = acceptor_.local_endpoint().port();
    return {};
  }

  void report(Level level, std::string name, std::string detail) {
    if (events_) events_("web", {level, std::move(name), std::move(detail)});
  }

  /// An exception (no memory) costs the request it came from, never the hub.
  void serve() {
    for (;;) {
      try {
        io_.run();
        return;
      } catch (const std::exception& e) {
        report(Level::error, "exception", "what=" + log_quoted(e.what()));
      }
    }
  }

  void accept() {
    acceptor_.async_accept([this](Code error, Socket socket) {
      if (!acceptor_.is_open()) return;
      if (error) {  // out of file descriptors, most likely: they come back
        pause_.expires_after(accept_pause);
        pause_.async_wait([this](Code stopped) {
          if (!stopped && !closing_) accept();
        });
        return;
      }
      accept();  // first: what fails for want of memory costs this client only
      admit(std::move(socket));
    });
  }

  [[nodiscard]] std::size_t count_of(const std::string& peer) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(clients_, [&](const auto& entry) { return entry.second == peer; }));
  }

  /// Closes the oldest connection of the address that has the most, so that a few greedy ones
  /// cannot shut out all others. False: that would only be turn and turn about.
  bool make_room_for(const std::string& peer) {
    const auto greedy = std::ranges::max_element(
        clients_, {}, [&](const auto& entry) { return count_of(entry.second); });
    if (greedy == clients_.end() || count_of(greedy->second) <= count_of(peer) + 1) return false;
    if (const auto client = greedy->first.lock()) client->close();
    clients_.erase(greedy);
    return true;
  }

  /// Takes the client unless there are too many; a refused one costs nothing but its own hang-up.
  void admit(Socket socket) {
    std::erase_if(clients_, [](const auto& entry) { return entry.first.expired(); });
    Code error;
    const auto peer = socket.remote_endpoint(error).address().to_string();
    if (error || count_of(peer) >= host_->limits.connections_per_address) return;
    if (clients_.size() >= host_->limits.connections && !make_room_for(peer)) return;
    socket.set_option(tcp::no_delay(true), error);
    auto client = std::make_shared<Connection>(new_stream_(std::move(socket)), peer, host_);
    clients_.emplace_back(client, peer);
    client->start();
  }

  void answer(WebRequest request, std::function<void(WebResponse)> done) {
    if (auto refused = api_.check_origin(request)) return done(std::move(*refused));
    if (request.path == events_path && request.method == "GET") {
      if (!request.head && !may_follow(request.peer))
        return done(busy("too many follow the events: close a page, or ask for the state", "10"));
      return done({200, "text/event-stream", {}, {{"Cache-Control", "no-store"}}});
    }
    if (!WebApi::waits(request)) return done(api_.answer(request));
    if (jobs_ >= host_->limits.waiting_jobs)
      return done(busy("too many requests wait: try again in a moment", "1"));
    ++jobs_;
    asio::post(worker_, [this, request = std::move(request), done = std::move(done)]() mutable {
      WebResponse response;
      try {
        response = api_.answer(request);
      } catch (const std::exception& e) {
        response = refusal(500, "failed", e.what());
      }
      asio::post(io_, [this, response = std::move(response), done = std::move(done)]() mutable {
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
    for (const auto& [weak, address] : clients_) {
      const auto client = weak.lock();
      if (!client || !client->follows_events()) continue;
      ++all;
      if (address == peer) ++of_peer;
    }
    return all < host_->limits.followers && of_peer < host_->limits.followers_per_address;
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
      if (error || closing_) return;
      look();
      if (std::ranges::none_of(clients_, [](const auto& entry) {
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
      for (const auto& [weak, address] : clients_)
        if (const auto client = weak.lock()) client->push(text);
    });
  }

  WebSettings settings_;
  EventSink events_;
  WebApi api_;
  StreamMaker new_stream_;
  std::shared_ptr<const ConnectionHost> host_;
  std::string gist_;
  std::chrono::steady_clock::time_point sent_at_{};
  std::size_t jobs_ = 0;
  bool failed_ = false;   ///< to listen, so far
  bool closing_ = false;  ///< timers already due must not be armed again
  std::atomic<std::uint16_t> port_ = 0;
  asio::io_context io_{1};
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  Acceptor acceptor_{io_};
  Timer timer_{io_};
  Timer pause_{io_};
  std::vector<std::pair<std::weak_ptr<Connection>, std::string>> clients_;
  asio::thread_pool worker_{1};  ///< disk and hashes: a slow disk delays no live value
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Web> Web::start(const WebSettings& settings, WebParts parts, WebLimits limits) {
  auto server = std::make_unique<WebServer>(std::move(parts), settings, limits);
  server->run();
  return server;
}

}  // namespace esshub::publish
