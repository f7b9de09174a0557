// View -> the text of a scrape; what is in it stands in sections.hpp and its files.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "model/feed.hpp"
#include "model/smart_plan.hpp"
#include "model/view.hpp"

namespace esshub::metrics {

class Exporter {
 public:
  static constexpr Duration period = 500ms;  ///< of the Views it is given

  /// `config_warnings`: how many the configuration file taken last has; empty: not known.
  /// `smart`: Smart mode's plan; empty: there is none. `feeds`: of prices and sun; empty: none.
  explicit Exporter(std::string version, std::function<std::size_t()> config_warnings = {},
                    SmartSource smart = {}, FeedStates feeds = {})
      : version_(std::move(version)),
        config_warnings_(std::move(config_warnings)),
        smart_(std::move(smart)),
        feeds_(std::move(feeds)) {}

  /// Takes over the newest View; thread-safe against page().
  void update(const View& view);
  /// Prometheus's text format 0.0.4, made at this moment: ages go on growing between Views, and
  /// what is too old by then is left out.
  [[nodiscard]] std::string page() const;

 private:
  [[nodiscard]] std::shared_ptr<const View> newest() const;

  std::string version_;
  std::function<std::size_t()> config_warnings_;
  SmartSource smart_;
  FeedStates feeds_;
  mutable std::mutex mutex_;
  std::shared_ptr<const View> view_;
};

}  // namespace esshub::metrics
