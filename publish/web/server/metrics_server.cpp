#include "publish/web/server/metrics_server.hpp"

#include "publish/web/server/host_names.hpp"
#include "publish/web/server/http_server.hpp"

namespace esshub::publish {
namespace {

constexpr const char* text_format = "text/plain; version=0.0.4; charset=utf-8";

class Serving final : public MetricsServer {
 public:
  Serving(const std::string& address, const std::vector<std::string>& configured,
          std::function<std::string()> render, EventSink events,
          std::function<void(bool)> unavailable)
      : names_(host_names(configured)), render_(std::move(render)) {
    HttpService service{.name = "metrics",
                        .component = "metrics",
                        .address = address,
                        .streams = [] { return Result<StreamMaker>{&plain_stream}; },
                        .host = {},
                        .events = std::move(events),
                        .unavailable = std::move(unavailable)};
    service.host.limits.idle_gives_way = true;  // Prometheus may be on a machine with much else
    service.host.limits.put_bytes = service.host.limits.body_bytes;  // it takes no PUT
    service.host.answer = [this](const WebRequest& request,
                                 const std::function<void(WebResponse)>& done) {
      done(answer(request));
    };
    server_ = std::make_unique<HttpServer>(std::move(service));
    server_->start();
  }

  void close() override {
    server_->begin_close();
    server_->end();
  }
  std::uint16_t port() const override { return server_->port(); }

 private:
  [[nodiscard]] WebResponse answer(const WebRequest& request) const {
    if (auto refused = check_host(request, names_)) return std::move(*refused);
    if (request.path != "/metrics")
      return refusal(404, "not_found", "only /metrics is served here");
    if (request.method != "GET") {
      auto response = refusal(405, "method_not_allowed", "expected GET or HEAD");
      response.headers.emplace_back("Allow", "GET, HEAD");
      return response;
    }
    return {200, text_format, render_(), {{"Cache-Control", "no-store"}}};
  }

  std::vector<std::string> names_;
  std::function<std::string()> render_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace

std::unique_ptr<MetricsServer> MetricsServer::start(const std::string& address,
                                                    const std::vector<std::string>& host_names,
                                                    std::function<std::string()> render,
                                                    EventSink events,
                                                    std::function<void(bool)> unavailable) {
  return std::make_unique<Serving>(address, host_names, std::move(render), std::move(events),
                                   std::move(unavailable));
}

}  // namespace esshub::publish
