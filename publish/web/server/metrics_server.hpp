// Serves /metrics to Prometheus, on an address of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/event.hpp"

namespace esshub::publish {

class MetricsServer {
 public:
  /// `render` makes the text of a scrape, in Prometheus's text format 0.0.4, on the server's
  /// thread. `host_names` as those of the page. An address that cannot be had is told
  /// (`metrics_unavailable`, `unavailable(true)`) and tried again every few seconds.
  [[nodiscard]] static std::unique_ptr<MetricsServer> start(
      const std::string& address, const std::vector<std::string>& host_names,
      std::function<std::string()> render, EventSink events, std::function<void(bool)> unavailable);
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;
  virtual ~MetricsServer() = default;

  /// Ends serving.
  virtual void close() = 0;
  /// That it listens on; 0: not yet.
  [[nodiscard]] virtual std::uint16_t port() const = 0;

 protected:
  MetricsServer() = default;
};

}  // namespace esshub::publish
