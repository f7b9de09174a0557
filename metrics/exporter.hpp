// View -> Prometheus: serves /metrics; what is in it stands in sections.hpp and its files.
#pragma once

#include <memory>
#include <string>

#include "model/result.hpp"
#include "model/view.hpp"

namespace esshub::metrics {

class Exporter {
 public:
  static constexpr Duration period = 500ms;  ///< of the Views it is given

  /// Listens on "host:port" and serves /metrics. Error when the address cannot be bound.
  [[nodiscard]] static Result<std::unique_ptr<Exporter>> listen(const std::string& address,
                                                                const std::string& version);
  virtual ~Exporter() = default;
  /// Takes over the newest View; thread-safe against scrapes.
  virtual void update(const View& view) = 0;
  /// Ends serving; takes up to 2 s in the web server's own loop. update() stays allowed.
  virtual void close() = 0;
};

}  // namespace esshub::metrics
