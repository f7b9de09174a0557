#include "publish/web/server/http_server.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <future>

#include "publish/threads/thread_name.hpp"

namespace esshub::publish {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Resolver = asio::ip::basic_resolver<tcp, Executor>;
using Code = boost::system::error_code;

constexpr auto accept_pause = std::chrono::milliseconds(200);  ///< when files run out

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

}  // namespace

HttpServer::HttpServer(HttpService service)
    : service_(std::move(service)), host_(std::make_shared<ConnectionHost>(service_.host)) {}

HttpServer::~HttpServer() {
  begin_close();
  end();
}

void HttpServer::start() {
  open_or_retry();
  thread_ = std::thread([this] {
    name_thread(service_.name.c_str());
    serve();
  });
}

void HttpServer::begin_close(std::function<void()> also) {
  if (!thread_.joinable()) return;
  asio::post(io_, [this, also = std::move(also)] {
    closing_ = true;
    Code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    if (also) also();
    for (const auto& [client, address] : clients_)
      if (const auto alive = client.lock()) alive->close();
  });
}

void HttpServer::end() {
  if (!thread_.joinable()) return;
  work_.reset();
  // Handlers hold their connections; what is left after this moment is dropped with the context.
  const auto limit = std::async(std::launch::async, [this] { thread_.join(); });
  if (limit.wait_for(std::chrono::seconds(2)) != std::future_status::ready) io_.stop();
  limit.wait();
}

void HttpServer::open_or_retry() {
  const auto opened = open();
  if (opened) {
    if (failed_) report(Level::notice, "available", "address=" + service_.address);
    failed_ = false;
    return accept();
  }
  Code ignored;
  acceptor_.close(ignored);
  if (!failed_) report(Level::error, "unavailable", "reason=" + log_quoted(opened.error().detail));
  failed_ = true;
  pause_.expires_after(host_->limits.open_again);
  pause_.async_wait([this](Code stopped) {
    if (!stopped && !closing_) open_or_retry();
  });
}

Result<void> HttpServer::open() {
  const auto place = split(service_.address);
  if (!place)
    return fail(ErrorKind::invalid, service_.address + " is no host:port for the " + service_.name);
  auto maker = service_.streams();
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
    return fail(ErrorKind::io, "the " + service_.name + " cannot listen on " + service_.address +
                                   ": " + error.message());
  port_ = acceptor_.local_endpoint().port();
  return {};
}

void HttpServer::report(Level level, const std::string& what, std::string detail) {
  if (service_.unavailable) service_.unavailable(level == Level::error);
  if (service_.events)
    service_.events(service_.component, {level, service_.name + '_' + what, std::move(detail)});
}

/// An exception (no memory) costs the request it came from, never the hub.
void HttpServer::serve() {
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& e) {
      if (service_.events)
        service_.events(service_.component,
                        {Level::error, "exception", "what=" + log_quoted(e.what())});
    }
  }
}

void HttpServer::accept() {
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

std::size_t HttpServer::count_of(const std::string& peer) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(clients_, [&](const auto& entry) { return entry.second == peer; }));
}

/// Closes the oldest connection of the address that has the most, so that a few greedy ones cannot
/// shut out all others. False: that would only be turn and turn about.
bool HttpServer::make_room_for(const std::string& peer) {
  const auto greedy = std::ranges::max_element(
      clients_, {}, [&](const auto& entry) { return count_of(entry.second); });
  if (greedy == clients_.end() || count_of(greedy->second) <= count_of(peer) + 1) return false;
  if (const auto client = greedy->first.lock()) client->close();
  clients_.erase(greedy);
  return true;
}

/// Closes the address's oldest connection that asks nothing; false where each of them asks.
bool HttpServer::make_room_among(const std::string& peer) {
  if (!host_->limits.idle_gives_way) return false;
  const auto oldest = std::ranges::find_if(clients_, [&](const Client& entry) {
    const auto client = entry.first.lock();
    return entry.second == peer && client && client->idle();
  });
  if (oldest == clients_.end()) return false;
  if (const auto client = oldest->first.lock()) client->close();
  clients_.erase(oldest);
  return true;
}

/// Takes the client unless there are too many; a refused one costs nothing but its own hang-up.
void HttpServer::admit(Socket socket) {
  std::erase_if(clients_, [](const auto& entry) { return entry.first.expired(); });
  Code error;
  const auto peer = socket.remote_endpoint(error).address().to_string();
  if (error) return;
  if (count_of(peer) >= host_->limits.connections_per_address && !make_room_among(peer)) return;
  if (clients_.size() >= host_->limits.connections && !make_room_for(peer)) return;
  socket.set_option(tcp::no_delay(true), error);
  auto client = std::make_shared<Connection>(new_stream_(std::move(socket)), peer, host_);
  clients_.emplace_back(client, peer);
  client->start();
}

}  // namespace esshub::publish
