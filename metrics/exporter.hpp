// View -> the text of a scrape; what is in it stands in sections.hpp and its files.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "model/feed.hpp"
#include "model/plan.hpp"
#include "model/smart_plan.hpp"
#include "model/view.hpp"

namespace esshub::metrics {

/// What a scrape shows besides the View.
struct ExporterDeps {
  std::string version;
  std::string site{};       ///< its name for people
  std::string portal_id{};  ///< as in MQTT and on D-Bus
  /// How many the configuration file taken last has; empty: not known.
  std::function<std::size_t()> config_warnings{};
  SmartSource smart{};  ///< Smart mode's plan; empty: there is none
  FeedStates feeds{};   ///< of prices and sun; empty: none
  /// Until when the certificate is valid that the page serves; empty, or nothing: it serves none.
  std::function<std::optional<WallTime>()> certificate_end{};
};

class Exporter {
 public:
  static constexpr Duration period = 500ms;  ///< of the Views it is given

  explicit Exporter(ExporterDeps deps) : deps_(std::move(deps)) {}

  /// Takes over the newest View; thread-safe against page().
  void update(const View& view);
  /// Prometheus's text format 0.0.4, made at this moment: ages go on growing between Views, and
  /// what is too old by then is left out.
  [[nodiscard]] std::string page() const;

 private:
  [[nodiscard]] std::shared_ptr<const View> newest() const;

  ExporterDeps deps_;
  mutable std::mutex mutex_;
  std::shared_ptr<const View> view_;
};

}  // namespace esshub::metrics
